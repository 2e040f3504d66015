//! `QuantizeLinear` and `DequantizeLinear`.

use super::{Along, Grid, MAX_EXACT, ZeroPoint, centred, grid, requantise};
use crate::graph::{Operator, ValueId};
use crate::onnx::data_type::{DataType, Kind};
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;

/// Number of float32 among the types of elements.
const FLOAT: i32 = 1;

/// Scale and zero point of either operator.
fn parameters(node: &NodeContext<'_, '_>, x: ValueId, default: DataType) -> Result<Grid, ImportError> {
    let block = node.integer("block_size")?.unwrap_or(0);
    if block != 0 {
        let must = "left out or 0: one scale for the tensor or for each index of an axis";
        return Err(node.attribute_error("block_size", must, block.to_string()));
    }
    let shape = node.shape(x);
    // A tensor with one scale needs no axis, and biases have no axis 1.
    let is_single = node.constant(1, "scale")?.as_scalar().is_some();
    let axis = match is_single {
        true => None,
        false => Some(node.axis(node.integer("axis")?.unwrap_or(1), shape.len())?),
    };
    grid(node, 1, ["scale", "zero_point"], ZeroPoint::Optional(default), Along { shape, axis })
}

/// `QuantizeLinear`
pub(in super::super) fn quantize_linear(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let x = node.input(0, "x")?;
    let default = match node.integer("output_dtype")?.unwrap_or(0) {
        0 => DataType::UInt8,
        number => i32::try_from(number)
            .ok()
            .and_then(DataType::from_number)
            .filter(|data_type| data_type.kind() == Kind::Integer)
            .ok_or_else(|| node.attribute_error("output_dtype", "an integer type", format!("type number {number}")))?,
    };
    let precision = node.integer("precision")?.unwrap_or(0);
    if precision != 0 && precision != i64::from(FLOAT) {
        let must = "left out or float32, in which codes are decided";
        return Err(node.attribute_error("precision", must, format!("type number {precision}")));
    }
    let grid = parameters(node, x, default)?;
    requantise(node, x, grid)
}

/// `DequantizeLinear`: weights and biases that pass through it are folded.
pub(in super::super) fn dequantize_linear(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let x = node.input(0, "x")?;
    let data_type = node.graph.data_type(x);
    if data_type.kind() != Kind::Integer {
        return Err(node.parameter_error("x", "of an integer type", format!("{data_type:?}")));
    }
    let grid = parameters(node, x, data_type)?;
    if grid.data_type != data_type {
        let must = format!("of type {data_type:?}, which `x` has");
        return Err(node.parameter_error("zero_point", must, format!("{:?}", grid.data_type)));
    }
    let shape = node.shape(x).to_vec();
    let centred = centred(node, "centred", x, &grid.zero_point)?;
    let is_exact = |x: &f64| x.abs() <= MAX_EXACT;
    if node.graph.constant(centred).is_some_and(|tensor| tensor.data.iter().all(is_exact)) {
        return node.fold_from(centred, shape.clone(), DataType::Float32, |node| {
            let indices = crate::tensor::broadcast_indices(&grid.scale.shape, &shape);
            Ok(node.data(centred)?.data.iter().zip(indices).map(|(x, index)| x * grid.scale.data[index]).collect())
        });
    }
    let scale = node.add_constant("scale", grid.scale, DataType::Float32);
    node.emit(Operator::Mul, vec![centred, scale], shape, DataType::Float32)
}
