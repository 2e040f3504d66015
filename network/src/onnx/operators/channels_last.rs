//! Operators whose channels are the last axis: the domain `qonnx.custom_op.channels_last`, and FINN's pools. Each becomes
//! the standard operator between two transpositions. Those that meet cancel.

use super::moves::transposed;
use super::{normalization, window};
use crate::graph::{Node, Operator, Source, ValueId};
use crate::onnx::data_type::DataType;
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;

/// Adds an operator of the domain, `None` where it has none of that name.
pub(super) fn add(node: &mut NodeContext<'_, '_>) -> Result<Option<()>, ImportError> {
    match node.operator() {
        "Conv" => conv(node).map(Some),
        "MaxPool" => max_pool(node).map(Some),
        "BatchNormalization" => batch_normalization(node).map(Some),
        _ => Ok(None),
    }
}

/// The axes of a value with the channels behind the batch, in the order of those with the channels last.
fn to_first(rank: usize) -> Vec<usize> {
    let channel = rank.saturating_sub(1);
    (0..rank)
        .map(|axis| {
            if axis == 0 {
                0
            } else if axis == 1 {
                channel
            } else {
                axis - 1
            }
        })
        .collect()
}

/// The axes of a value with the channels last, in the order of those with the channels behind the batch.
fn to_last(rank: usize) -> Vec<usize> {
    (0..rank)
        .map(|axis| {
            if axis == 0 {
                0
            } else if axis + 1 == rank {
                1
            } else {
                axis + 1
            }
        })
        .collect()
}

/// A value with its channels behind the batch axis.
pub(super) fn channels_first(
    node: &mut NodeContext<'_, '_>,
    role: &str,
    input: ValueId,
) -> Result<ValueId, ImportError> {
    let permutation = to_first(node.shape(input).len());
    let (input, permutation) = without_transposition(node, input, permutation);
    transposed(node, role, input, permutation)
}

/// Makes the node's output a value whose channels stand behind the batch axis, with its channels last.
pub(super) fn emit_channels_last(node: &mut NodeContext<'_, '_>, value: ValueId) -> Result<(), ImportError> {
    let permutation = to_last(node.shape(value).len());
    let (shape, data_type) = (permuted(node.shape(value), &permutation), node.graph.data_type(value));
    if permutation.iter().copied().eq(0..permutation.len()) {
        node.alias(value);
        return Ok(());
    }
    node.emit(Operator::Transpose { permutation }, vec![value], shape, data_type)
}

fn permuted(shape: &[usize], permutation: &[usize]) -> Vec<usize> {
    permutation.iter().map(|axis| shape[*axis]).collect()
}

/// The value that a transposed one is made of, and the permutation of it that `permutation` of the transposed one is.
fn without_transposition(node: &NodeContext<'_, '_>, value: ValueId, permutation: Vec<usize>) -> (ValueId, Vec<usize>) {
    let Source::Node(id) = node.graph.value(value).source else { return (value, permutation) };
    match &node.graph.nodes()[id.0] {
        Node { operator: Operator::Transpose { permutation: own }, inputs, .. } => {
            (inputs[0], permutation.iter().map(|axis| own[*axis]).collect())
        }
        _ => (value, permutation),
    }
}

/// The operator with its channels behind the batch axis, and its result with the channels last.
fn between(
    node: &mut NodeContext<'_, '_>,
    (operator, inputs, shape): (Operator, Vec<ValueId>, Vec<usize>),
) -> Result<(), ImportError> {
    let data_type = match (&operator, node.graph.data_type(inputs[0])) {
        (Operator::MaxPool { .. }, data_type) => data_type,
        (_, data_type) if data_type.is_float() => data_type,
        _ => DataType::Float32,
    };
    let value = node.emit_part("channels_first", operator, inputs, shape, data_type)?;
    emit_channels_last(node, value)
}

/// `Conv`, whose weights have their input channels last, too
fn conv(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (x, w, bias) = (node.input(0, "X")?, node.input(1, "W")?, node.optional_input(2));
    let x = channels_first(node, "input", x)?;
    let w = channels_first(node, "weights", w)?;
    let parts = window::convolution(node, x, w, bias)?;
    between(node, parts)
}

/// `MaxPool`, and FINN's `MaxPoolNHWC`
pub(super) fn max_pool(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let x = node.input(0, "X")?;
    let x = channels_first(node, "input", x)?;
    let (window, shape) = window::pool_window(node, x)?;
    between(node, (Operator::MaxPool { window }, vec![x], shape))
}

/// `BatchNormalization`
fn batch_normalization(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let x = node.input(0, "X")?;
    let x = channels_first(node, "input", x)?;
    let parts = normalization::normalized(node, x)?;
    between(node, parts)
}

#[cfg(test)]
mod tests {
    use super::{to_first, to_last};

    #[test]
    fn axes() {
        assert_eq!((to_first(4), to_last(4)), (vec![0, 3, 1, 2], vec![0, 2, 3, 1]));
        assert_eq!((to_first(3), to_last(3)), (vec![0, 2, 1], vec![0, 2, 1]));
        assert_eq!((to_first(2), to_last(2)), (vec![0, 1], vec![0, 1]));
    }
}
