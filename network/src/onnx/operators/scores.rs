//! Functions of all scores, with which models end: softmax, its logarithm, the logistic function.

use super::activations;
use crate::graph::{Activation, Operator};
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;

/// Version of the operator set from which on a softmax sums along one axis; before, along all axes from one on.
const ALONG_ONE_AXIS: i64 = 13;

/// `Softmax` and, with `log`, `LogSoftmax`
pub(super) fn softmax(node: &mut NodeContext<'_, '_>, log: bool) -> Result<(), ImportError> {
    let input = node.input(0, "input")?;
    let (shape, data_type) = (node.shape(input).to_vec(), node.graph.data_type(input));
    let sums_along_one = node.graph.opset >= ALONG_ONE_AXIS;
    let given = node.integer("axis")?;
    let axis = node.axis(given.unwrap_or(if sums_along_one { -1 } else { 1 }), shape.len())?;
    if sums_along_one || axis + 1 == shape.len() {
        return node.emit(Operator::Softmax { axis, log }, vec![input], shape, data_type);
    }
    let (rows, columns) = (shape[..axis].iter().product(), shape[axis..].iter().product());
    let matrix = node.emit_part("rows", Operator::Reshape, vec![input], vec![rows, columns], data_type)?;
    let operator = Operator::Softmax { axis: 1, log };
    let result = node.emit_part("of_rows", operator, vec![matrix], vec![rows, columns], data_type)?;
    node.emit(Operator::Reshape, vec![result], shape, data_type)
}

/// `Sigmoid`, where it ends the model; elsewhere it is an activation ([`Builder::place_sigmoids`]).
///
/// [`Builder::place_sigmoids`]: crate::onnx::builder::Builder::place_sigmoids
pub(super) fn sigmoid(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "X")?;
    if node.graph.constant(input).is_some() {
        return activations::transcendental(node, Activation::Sigmoid);
    }
    let (shape, data_type) = (node.shape(input).to_vec(), node.graph.data_type(input));
    node.emit(Operator::Sigmoid, vec![input], shape, data_type)
}
