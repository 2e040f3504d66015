//! Standard quantised graphs, as onnxruntime's quantiser writes them: `QuantizeLinear` and `DequantizeLinear` around
//! float operators, operators on integers (`QLinearConv` and its kin), and onnxruntime's own additions to these.
//!
//! An operator on integers is by definition the operator on the real numbers that they stand for, quantised again. What
//! is computed with constants alone is folded where f64 holds it exactly.

mod elementwise;
mod limits;
mod linear;
mod pools;
mod products;

pub(super) use elementwise::{q_linear_add, q_linear_concat};
pub(super) use limits::limited_integers;
pub(super) use linear::{dequantize_linear, quantize_linear};
pub(super) use pools::{q_linear_average_pool, q_linear_global_average_pool};
pub(super) use products::{conv_integer, mat_mul_integer, q_gemm, q_linear_conv, q_linear_mat_mul};

use super::NodeContext;
use super::quantizers::quantised_constant;
use crate::graph::{Operator, ValueId};
use crate::onnx::data_type::{DataType, Kind};
use crate::onnx::error::ImportError;
use crate::reference::quantize::Grid as CodeGrid;
use crate::tensor::{Tensor, broadcast_indices};

/// Integers up to this magnitude times a float32 are exact in f64.
const MAX_EXACT: f64 = (1u64 << 29) as f64;

/// Scale and zero point of a quantised tensor, shaped to broadcast to it.
#[derive(Clone, Debug)]
struct Grid {
    scale: Tensor,
    zero_point: Tensor,
    /// Type of the integers.
    data_type: DataType,
}

/// Whether an input is one that only onnxruntime may leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ZeroPoint {
    /// The operator needs it, and it says which type the result has.
    Needed,
    /// Left out, it is 0 of this type.
    Optional(DataType),
}

/// The positive scales of an input.
fn scales<'a>(node: &'a NodeContext<'_, '_>, index: usize, role: &'static str) -> Result<&'a Tensor, ImportError> {
    let id = node.input(index, role)?;
    node.check_finite(id)?;
    let tensor = node.constant(index, role)?;
    if !node.graph.data_type(id).is_float() {
        return Err(node.parameter_error(role, "of a float type", format!("{:?}", node.graph.data_type(id))));
    }
    match tensor.data.iter().position(|value| *value <= 0.0) {
        None => Ok(tensor),
        Some(index) => {
            let (place, value) = (node.place(), tensor.data[index]);
            let tensor = node.graph.value(id).name.clone();
            let help = "a scale is the distance of two codes: make it positive, with a change of sign in the weights; for a \
                        channel whose weights are all zero any positive scale will do";
            Err(ImportError::Scale { place, tensor, index, value, help })
        }
    }
}

/// The zero points of an input with their type.
fn zero_points(
    node: &NodeContext<'_, '_>,
    index: usize,
    role: &'static str,
    rule: ZeroPoint,
) -> Result<(Tensor, DataType), ImportError> {
    match (node.optional_input(index), rule) {
        (None, ZeroPoint::Optional(data_type)) => Ok((Tensor::new(vec![], vec![0.0]), data_type)),
        _ => {
            let data_type = node.graph.data_type(node.input(index, role)?);
            if data_type.kind() != Kind::Integer {
                return Err(node.parameter_error(role, "of an integer type", format!("{data_type:?}")));
            }
            Ok((node.constant(index, role)?.clone(), data_type))
        }
    }
}

/// How the elements of a list of scales belong to a tensor's.
#[derive(Clone, Copy, Debug)]
struct Along<'s> {
    /// Shape of the tensor.
    shape: &'s [usize],
    /// Axis that a list goes along; `None` where only one element is allowed.
    axis: Option<usize>,
}

impl Along<'_> {
    fn whole() -> Self {
        Along { shape: &[], axis: None }
    }

    /// One element, or one for each index of the axis.
    fn fit(&self, node: &NodeContext<'_, '_>, role: &'static str, tensor: &Tensor) -> Result<Tensor, ImportError> {
        if let Some(value) = tensor.as_scalar() {
            return Ok(Tensor::new(vec![], vec![value]));
        }
        let extent = self.axis.and_then(|axis| self.shape.get(axis));
        match (tensor.shape.as_slice(), self.axis) {
            ([length], Some(axis)) if extent == Some(length) => {
                let mut shape = vec![1; self.shape.len() - axis];
                shape[0] = *length;
                Ok(Tensor::new(shape, tensor.data.clone()))
            }
            (found, Some(axis)) => Err(node.shape_error(
                format!("`{role}` must have one element, or one for each index of axis {axis} of {:?}", self.shape),
                format!("shape {found:?}"),
            )),
            (found, None) => {
                Err(node.shape_error(format!("`{role}` must have one element"), format!("shape {found:?}")))
            }
        }
    }
}

/// Scale and zero point at inputs `index` and `index + 1`, named `roles`.
fn grid(
    node: &NodeContext<'_, '_>,
    index: usize,
    roles: [&'static str; 2],
    rule: ZeroPoint,
    along: Along<'_>,
) -> Result<Grid, ImportError> {
    let scale = along.fit(node, roles[0], scales(node, index, roles[0])?)?;
    let (zero_point, data_type) = zero_points(node, index + 1, roles[1], rule)?;
    let zero_point = along.fit(node, roles[1], &zero_point)?;
    Ok(Grid { scale, zero_point, data_type })
}

/// An input of integers of the type that its zero point has.
fn integers(
    node: &NodeContext<'_, '_>,
    index: usize,
    role: &'static str,
    data_type: DataType,
) -> Result<ValueId, ImportError> {
    let id = node.input(index, role)?;
    let found = node.graph.data_type(id);
    if found != data_type {
        return Err(node.parameter_error(
            role,
            format!("of type {data_type:?}, which its zero point has"),
            format!("{found:?}"),
        ));
    }
    Ok(id)
}

/// The integers `x` less their zero point.
fn centred(
    node: &mut NodeContext<'_, '_>,
    role: &str,
    x: ValueId,
    zero_point: &Tensor,
) -> Result<ValueId, ImportError> {
    let shape = node.shape(x).to_vec();
    if node.graph.constant(x).is_some() {
        let indices = || broadcast_indices(&zero_point.shape, &shape);
        let stored = node.graph.data_type(x).integer_range();
        let range = node.graph.range(x).map(|(least, greatest)| (i128::from(least), i128::from(greatest))).or(stored);
        // An integer type, so that what follows is exact: a float would be rounded with the next operation.
        let centred = node.fold_part(role, shape.clone(), DataType::Int64, |node| {
            let x = node.data(x)?;
            Ok(x.data.iter().zip(indices()).map(|(x, index)| x - zero_point.data[index]).collect())
        })?;
        if let Some((least, greatest)) = range {
            let points = || zero_point.data.iter().map(|point| *point as i128);
            let (low, high) = (points().min().unwrap_or(0), points().max().unwrap_or(0));
            node.graph.set_range(centred, ((least - high) as i64, (greatest - low) as i64));
        }
        return Ok(centred);
    }
    if zero_point.data.iter().all(|value| *value == 0.0) {
        return Ok(x);
    }
    let zero_point = node.add_constant(&format!("{role}_zero_point"), zero_point.clone(), DataType::Int32);
    node.emit_part(role, Operator::Sub, vec![x, zero_point], shape, DataType::Float32)
}

/// The real numbers that the integers `x` stand for, as a part of what the node computes.
fn real(node: &mut NodeContext<'_, '_>, role: &str, x: ValueId, grid: &Grid) -> Result<ValueId, ImportError> {
    let centred = centred(node, &format!("{role}_centred"), x, &grid.zero_point)?;
    let scale = node.add_constant(&format!("{role}_scale"), grid.scale.clone(), DataType::Float32);
    let shape = node.shape(x).to_vec();
    node.emit_part(role, Operator::Mul, vec![centred, scale], shape, DataType::Float32)
}

/// Makes the node's output the integers of `grid` nearest to `x`.
fn requantise(node: &mut NodeContext<'_, '_>, x: ValueId, grid: Grid) -> Result<(), ImportError> {
    let Grid { scale, zero_point, data_type } = grid;
    let shape = node.shape(x).to_vec();
    let range = data_type.integer_range().filter(|_| data_type.bits() <= 16);
    let Some((minimum, maximum)) = range.map(|(minimum, maximum)| (minimum as i64, maximum as i64)) else {
        let must = "an integer type of at most 16 bits";
        return Err(node.parameter_error("zero_point", must, format!("{data_type:?}")));
    };
    if node.graph.constant(x).is_some() {
        node.check_finite(x)?;
        return node.fold(shape, data_type, |node| {
            let grid = CodeGrid::Linear { least: minimum as f64, greatest: maximum as f64 };
            quantised_constant(node, grid, x, [&scale, &zero_point], |code, _, _| code)
        });
    }
    let scale = node.add_constant("scale", scale, DataType::Float32);
    let zero_point = node.add_constant("zero_point", zero_point, data_type);
    node.emit(Operator::QuantizeLinear { minimum, maximum }, vec![x, scale, zero_point], shape, data_type)
}
