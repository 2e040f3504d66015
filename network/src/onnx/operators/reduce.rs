//! Reductions: the mean, sum or greatest element over some axes, as pools and products with ones.

use super::moves::{reshaped, transposed};
use super::result_type::float_result;
use crate::graph::{Operator, ValueId, Window};
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;
use crate::tensor::Tensor;

/// What is made of the elements that are reduced to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reduction {
    Mean,
    Sum,
    Greatest,
}

/// `ReduceMean`
pub(super) fn mean(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    reduce(node, Reduction::Mean)
}

/// `ReduceSum`
pub(super) fn sum(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    reduce(node, Reduction::Sum)
}

/// `ReduceMax`
pub(super) fn greatest(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    reduce(node, Reduction::Greatest)
}

/// Which axes are reduced: an attribute in old operator sets, an input in newer ones, and all where neither names any.
fn reduced_axes(node: &NodeContext<'_, '_>, rank: usize) -> Result<Vec<bool>, ImportError> {
    let list = node.list("axes", 1)?.unwrap_or_default();
    if list.is_empty() {
        return Ok(vec![!node.flag("noop_with_empty_axes", false)?; rank]);
    }
    let mut is_reduced = vec![false; rank];
    for axis in list {
        is_reduced[node.axis(axis, rank)?] = true;
    }
    Ok(is_reduced)
}

fn reduce(node: &mut NodeContext<'_, '_>, reduction: Reduction) -> Result<(), ImportError> {
    let input = node.input(0, "data")?;
    let shape = node.shape(input).to_vec();
    let is_reduced = reduced_axes(node, shape.len())?;
    let keeps_axes = node.flag("keepdims", true)?;
    let result: Vec<usize> = shape
        .iter()
        .zip(&is_reduced)
        .filter(|(_, is_reduced)| keeps_axes || !**is_reduced)
        .map(|(extent, is_reduced)| if *is_reduced { 1 } else { *extent })
        .collect();
    // Where there is one element, nothing is left to do.
    let axes: Vec<usize> = (0..shape.len()).filter(|axis| is_reduced[*axis] && shape[*axis] != 1).collect();
    let value = over(node, reduction, input, &axes)?;
    let value = reshaped(node, "reshaped", value, result)?;
    node.alias(value);
    Ok(())
}

/// The reduction over axes of more than one element, which stay with extent 1.
fn over(
    node: &mut NodeContext<'_, '_>,
    reduction: Reduction,
    input: ValueId,
    axes: &[usize],
) -> Result<ValueId, ImportError> {
    let rank = node.shape(input).len();
    match (axes, rank) {
        ([], _) => Ok(input),
        ([2], 3 | 4) | ([3] | [2, 3], 4) => pooled(node, reduction, input, axes),
        // Channels last.
        ([1, 2], 4) => {
            let first = transposed(node, "channels_first", input, vec![0, 3, 1, 2])?;
            let pooled = pooled(node, reduction, first, &[2, 3])?;
            transposed(node, "channels_last", pooled, vec![0, 2, 3, 1])
        }
        ([1], 2..=4) if reduction != Reduction::Greatest => channels(node, reduction, input),
        ([1, spatial @ ..], 3 | 4) if reduction != Reduction::Greatest => {
            let pooled = pooled(node, reduction, input, spatial)?;
            channels(node, reduction, pooled)
        }
        _ => Err(node.unsupported_shape(
            "it must reduce rows and columns of a value of shape [1, channels, height, width] or [1, channels, length], or \
             of one with the channels last; a mean or sum may go over the channels, too",
            format!("axes {axes:?} of shape {:?}", node.shape(input)),
            "move the axes with a Transpose before it",
        )),
    }
}

/// Over rows and columns.
fn pooled(
    node: &mut NodeContext<'_, '_>,
    reduction: Reduction,
    input: ValueId,
    axes: &[usize],
) -> Result<ValueId, ImportError> {
    let mut shape = node.shape(input).to_vec();
    if shape[0] != 1 {
        return Err(node.unsupported_shape(
            "the batch axis (the first) must have extent 1",
            format!("shape {shape:?}"),
            "one image at a time is supported: export for a batch of 1",
        ));
    }
    let kernel: Vec<usize> = (2..shape.len()).map(|axis| if axes.contains(&axis) { shape[axis] } else { 1 }).collect();
    axes.iter().for_each(|axis| shape[*axis] = 1);
    let count = kernel.iter().product::<usize>();
    let window = Window::of(kernel);
    if reduction == Reduction::Greatest {
        let data_type = node.graph.data_type(input);
        return node.emit_part("greatest", Operator::MaxPool { window }, vec![input], shape, data_type);
    }
    let data_type = float_result(node, &[input])?;
    let operator = Operator::AveragePool { window, count_include_pad: false };
    let mean = node.emit_part("mean", operator, vec![input], shape.clone(), data_type)?;
    if reduction == Reduction::Mean {
        return Ok(mean);
    }
    let count = node.add_constant("count", Tensor::scalar(count as f64), data_type);
    node.emit_part("sum", Operator::Mul, vec![mean, count], shape, data_type)
}

/// Over the channels: a product with ones.
fn channels(node: &mut NodeContext<'_, '_>, reduction: Reduction, input: ValueId) -> Result<ValueId, ImportError> {
    let mut shape = node.shape(input).to_vec();
    let (rank, channels) = (shape.len(), shape[1]);
    shape[1] = 1;
    let data_type = float_result(node, &[input])?;
    let ones = vec![1.0; channels];
    let sum = if rank == 2 {
        let ones = node.add_constant("ones", Tensor::new(vec![channels, 1], ones), data_type);
        node.emit_part("sum", Operator::MatMul, vec![input, ones], shape.clone(), data_type)?
    } else {
        let mut kernel = vec![1; rank];
        kernel[1] = channels;
        let ones = node.add_constant("ones", Tensor::new(kernel, ones), data_type);
        let window = Window::of(vec![1; rank - 2]);
        node.emit_part("sum", Operator::Conv { window, groups: 1 }, vec![input, ones], shape.clone(), data_type)?
    };
    if reduction != Reduction::Mean {
        return Ok(sum);
    }
    let count = node.add_constant("channels", Tensor::scalar(channels as f64), data_type);
    node.emit_part("mean", Operator::Div, vec![sum, count], shape, data_type)
}
