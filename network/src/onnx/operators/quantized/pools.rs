//! onnxruntime's `QLinearAveragePool` and `QLinearGlobalAveragePool`.

use super::super::window;
use super::{Along, Grid, ZeroPoint, grid, integers, real, requantise};
use crate::graph::{Operator, ValueId};
use crate::onnx::data_type::DataType;
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;

/// The real numbers that are pooled, and the grid of the result.
fn operands(node: &mut NodeContext<'_, '_>) -> Result<(ValueId, Grid), ImportError> {
    if node.flag("channels_last", false)? {
        let must = "0: channels before pixels, as the quantiser writes them before graph optimisation";
        return Err(node.attribute_error("channels_last", must, "1"));
    }
    let own = node.graph.data_type(node.input(0, "X")?);
    let x_grid = grid(node, 1, ["x_scale", "x_zero_point"], ZeroPoint::Optional(own), Along::whole())?;
    let y_grid = grid(node, 3, ["y_scale", "y_zero_point"], ZeroPoint::Optional(own), Along::whole())?;
    let x = integers(node, 0, "X", x_grid.data_type)?;
    Ok((real(node, "x", x, &x_grid)?, y_grid))
}

/// `QLinearAveragePool`
pub(in super::super) fn q_linear_average_pool(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (x, result) = operands(node)?;
    let count_include_pad = node.flag("count_include_pad", false)?;
    let (window, shape) = window::pool_window(node, x)?;
    let operator = Operator::AveragePool { window, count_include_pad };
    let pooled = node.emit_part("mean", operator, vec![x], shape, DataType::Float32)?;
    requantise(node, pooled, result)
}

/// `QLinearGlobalAveragePool`
pub(in super::super) fn q_linear_global_average_pool(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (x, result) = operands(node)?;
    let (window, shape) = window::global_window(node, x)?;
    let operator = Operator::AveragePool { window, count_include_pad: false };
    let pooled = node.emit_part("mean", operator, vec![x], shape, DataType::Float32)?;
    requantise(node, pooled, result)
}
