//! onnxruntime's `QLinearAdd` and `QLinearConcat`.

use super::super::selection;
use super::{Along, Grid, ZeroPoint, grid, integers, real, requantise};
use crate::graph::{Operator, ValueId};
use crate::onnx::data_type::DataType;
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;

/// The real numbers of an operand, whose scale and zero point are the inputs behind it.
fn operand(
    node: &mut NodeContext<'_, '_>,
    index: usize,
    part: &str,
    roles: [&'static str; 3],
) -> Result<(ValueId, Grid), ImportError> {
    let own = node.graph.data_type(node.input(index, roles[0])?);
    let grid = grid(node, index + 1, [roles[1], roles[2]], ZeroPoint::Optional(own), Along::whole())?;
    let x = integers(node, index, roles[0], grid.data_type)?;
    Ok((real(node, part, x, &grid)?, grid))
}

/// `QLinearAdd`
pub(in super::super) fn q_linear_add(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (a, a_grid) = operand(node, 0, "a", ["A", "A_scale", "A_zero_point"])?;
    let (b, _) = operand(node, 3, "b", ["B", "B_scale", "B_zero_point"])?;
    let rule = ZeroPoint::Optional(a_grid.data_type);
    let result = grid(node, 6, ["C_scale", "C_zero_point"], rule, Along::whole())?;
    let shape = node.broadcast(node.shape(a), node.shape(b))?;
    let sum = node.emit_part("sum", Operator::Add, vec![a, b], shape, DataType::Float32)?;
    requantise(node, sum, result)
}

/// `QLinearConcat`: scale and zero point of the result, then tensor, scale and zero point of each part
pub(in super::super) fn q_linear_concat(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let result = grid(node, 0, ["Y_scale", "Y_zero_point"], ZeroPoint::Needed, Along::whole())?;
    let parts = node.input_count().saturating_sub(2);
    if parts == 0 || !parts.is_multiple_of(3) {
        let must = "a tensor, a scale and a zero point must follow for each part";
        return Err(node.shape_error(must, format!("{parts} more inputs")));
    }
    let operands: Vec<ValueId> = (0..parts / 3)
        .map(|part| {
            let (value, _) = operand(node, 2 + 3 * part, &format!("part_{part}"), ["X", "X_scale", "X_zero_point"])?;
            Ok(value)
        })
        .collect::<Result<_, ImportError>>()?;
    if let [only] = operands.as_slice() {
        return requantise(node, *only, result);
    }
    let (axis, shape) = selection::joined(node, &operands)?;
    let joined = node.emit_part("joined", Operator::Concat { axis }, operands, shape, DataType::Float32)?;
    requantise(node, joined, result)
}
