//! Operators on constants alone, as exporters leave them behind where they compute shapes, scales and masks: their result
//! is a constant. Floats are rounded to their type once for each node, integers are int64's. What has come from codes is
//! not rounded.
//!
//! Here stand the operators, and the forms of others, that only constants go through; what data may go through, too, is
//! folded where its node would be added ([`NodeContext::emit`]).

mod elementwise;
mod places;
mod reductions;

use super::constants;
use crate::graph::ValueId;
use crate::onnx::data_type::{DataType, Kind};
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;
use crate::tensor::{Tensor, broadcast_indices};

/// Makes the outputs of a node constants, where all its inputs are and it is one of these operators; tells whether.
pub(super) fn fold(node: &mut NodeContext<'_, '_>) -> Result<bool, ImportError> {
    if !node.is_constant() {
        return Ok(false);
    }
    match node.operator() {
        "CastLike" => constants::cast_like(node)?,
        operator if elementwise::fold(node, operator)? => {}
        operator if reductions::fold(node, operator)? => {}
        operator => return places::fold(node, operator),
    }
    Ok(true)
}

/// A number as the result's type holds it: floats rounded, but for what has come from codes; integers within their range.
fn held(node: &NodeContext<'_, '_>, value: f64, data_type: DataType, is_exact: bool) -> Result<f64, ImportError> {
    match data_type.kind() {
        Kind::Float if is_exact => Ok(value),
        Kind::Float | Kind::Boolean => Ok(data_type.round(value)),
        Kind::Integer => {
            let (least, greatest) = data_type.integer_range().unwrap_or((0, 0));
            let whole = value.trunc();
            if whole >= least as f64 && whole <= greatest as f64 && whole.abs() <= MAX_EXACT {
                return Ok(whole);
            }
            let found = format!("{value} is outside the range of {data_type:?} or of 53 bits");
            Err(ImportError::IntegerArithmetic { place: node.place(), found })
        }
    }
}

/// Integers beyond are not exact in a tensor's f64.
const MAX_EXACT: f64 = (1u64 << 53) as f64;

/// Whether one of the values has come from codes.
fn are_codes(node: &NodeContext<'_, '_>, values: &[ValueId]) -> bool {
    values.iter().any(|id| node.graph.value(*id).is_codes)
}

/// The inputs of a node, without those that are left out.
fn all_inputs(node: &NodeContext<'_, '_>) -> Vec<ValueId> {
    (0..node.input_count()).filter_map(|index| node.optional_input(index)).collect()
}

/// Makes the output `f` of the elements that broadcasting brings together, in the type given.
fn broadcast(
    node: &mut NodeContext<'_, '_>,
    inputs: &[ValueId],
    data_type: DataType,
    f: impl Fn(&[f64]) -> f64,
) -> Result<(), ImportError> {
    let mut shape: Vec<usize> = Vec::new();
    for input in inputs {
        shape = node.broadcast(&shape, node.shape(*input))?;
    }
    let is_exact = are_codes(node, inputs);
    node.fold(shape.clone(), data_type, |node| {
        let tensors = inputs.iter().map(|input| node.data(*input)).collect::<Result<Vec<&Tensor>, _>>()?;
        let indices: Vec<Vec<usize>> = tensors.iter().map(|tensor| broadcast_indices(&tensor.shape, &shape)).collect();
        let mut operands = vec![0.0; tensors.len()];
        (0..shape.iter().product())
            .map(|element: usize| {
                for (operand, (tensor, indices)) in operands.iter_mut().zip(tensors.iter().zip(&indices)) {
                    *operand = tensor.data[indices[element]];
                }
                held(node, f(&operands), data_type, is_exact)
            })
            .collect()
    })
}
