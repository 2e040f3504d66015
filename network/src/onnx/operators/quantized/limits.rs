//! Limits on quantised integers: `Clip`, `Min`, `Max` and `Relu` between a quantiser and its `DequantizeLinear`, as
//! exporters write integers of fewer bits than the type that stores them.

use crate::graph::{Node, Operator, Source, ValueId};
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;

/// Makes the node's output the integers `x`, which the model computes, limited to a range. What a quantiser has just made
/// is made within that range at once.
pub(in super::super) fn limited_integers(
    node: &mut NodeContext<'_, '_>,
    x: ValueId,
    minimum: f64,
    maximum: f64,
) -> Result<(), ImportError> {
    let (shape, data_type) = (node.shape(x).to_vec(), node.graph.data_type(x));
    let Some((inputs, (least, greatest))) = quantiser(node, x) else {
        return node.emit(Operator::Clip { minimum, maximum }, vec![x], shape, data_type);
    };
    // Saturates where a limit is infinite, or beyond the type.
    let (low, high) = (minimum.ceil() as i64, maximum.floor() as i64);
    if low > high {
        return node.emit(Operator::Clip { minimum, maximum }, vec![x], shape, data_type);
    }
    let range = (least.clamp(low, high), greatest.clamp(low, high));
    if range == (least, greatest) {
        node.alias(x);
        return Ok(());
    }
    let operator = Operator::QuantizeLinear { minimum: range.0, maximum: range.1 };
    node.emit(operator, inputs, shape, data_type)
}

/// Inputs and range of the quantiser that makes `x`, where one does.
fn quantiser(node: &NodeContext<'_, '_>, x: ValueId) -> Option<(Vec<ValueId>, (i64, i64))> {
    let Source::Node(id) = node.graph.value(x).source else { return None };
    let Node { operator, inputs, .. } = &node.graph.nodes()[id.0];
    match operator {
        Operator::QuantizeLinear { minimum, maximum } => Some((inputs.clone(), (*minimum, *maximum))),
        _ => None,
    }
}
