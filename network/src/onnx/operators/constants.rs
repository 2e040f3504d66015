//! Operators that make constants: stored ones, shapes, and conversions between types.

use crate::graph::{Operator, ValueId};
use crate::onnx::data_type::{DataType, Kind};
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;
use crate::tensor::broadcast_indices;

/// `Constant`
pub(super) fn constant(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    if let Some(tensor) = node.tensor("value")? {
        return node.stored(tensor);
    }
    // Parameters are checked where they are used: a constant may be a limit, which may be infinite.
    if let Some(value) = node.any_float("value_float")? {
        return node.fold(vec![], DataType::Float32, |_| Ok(vec![value]));
    }
    if let Some(value) = node.integer("value_int")? {
        return node.fold(vec![], DataType::Int64, |_| Ok(vec![value as f64]));
    }
    if let Some(values) = node.float_list("value_floats")? {
        let data = values.iter().map(|value| f64::from(*value)).collect();
        return node.fold(vec![values.len()], DataType::Float32, |_| Ok(data));
    }
    if let Some(values) = node.integer_list("value_ints")? {
        let data = values.iter().map(|value| *value as f64).collect();
        return node.fold(vec![values.len()], DataType::Int64, |_| Ok(data));
    }
    let found = ["value_string", "value_strings", "sparse_value"].into_iter().find(|name| node.has_attribute(name));
    let found = found.map_or("missing".into(), |name| format!("given as `{name}`"));
    Err(node.attribute_error("value", "a dense tensor, float or integer", found))
}

/// `ConstantOfShape`
pub(super) fn constant_of_shape(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let shape = extents(node, 0, "shape")?;
    let (value, data_type) = match node.tensor("value")? {
        None => (0.0, DataType::Float32),
        Some(tensor) => {
            let id = node.graph.decode(tensor, "value")?;
            let value = node.data(id)?.as_scalar();
            let value = value.ok_or_else(|| node.attribute_error("value", "a tensor with one element", "not"))?;
            (value, node.graph.data_type(id))
        }
    };
    let count = crate::onnx::tensor_data::elements(&shape).unwrap_or(0);
    node.fold(shape, data_type, |_| Ok(vec![value; count]))
}

/// A constant list of extents.
pub(super) fn extents(node: &NodeContext<'_, '_>, index: usize, role: &'static str) -> Result<Vec<usize>, ImportError> {
    let list = node.integers(index, role)?;
    list.iter()
        .map(|extent| usize::try_from(*extent))
        .collect::<Result<_, _>>()
        .map_err(|_| node.shape_error("extents must not be negative", format!("{list:?}")))
}

/// `Range`
pub(super) fn range(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let bound = |index, role| match node.integers(index, role)?.as_slice() {
        [value] => Ok(i128::from(*value)),
        values => Err(node.shape_error(format!("`{role}` must be one integer"), format!("{} elements", values.len()))),
    };
    let (start, limit, delta) = (bound(0, "start")?, bound(1, "limit")?, bound(2, "delta")?);
    if delta == 0 {
        return Err(node.parameter_error("delta", "other than 0", "0"));
    }
    let span = if delta > 0 { limit - start } else { start - limit };
    let step = delta.abs();
    let count = usize::try_from(((span + step - 1) / step).max(0)).unwrap_or(usize::MAX);
    let data_type = node.graph.data_type(node.input(0, "start")?);
    node.fold(vec![count], data_type, |_| Ok((0..count as i128).map(|i| (start + i * delta) as f64).collect()))
}

/// `Shape`
pub(super) fn shape(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let extents = node.shape(node.input(0, "data")?).to_vec();
    let rank = extents.len() as i64;
    let bound = |value: i64| if value < 0 { value.saturating_add(rank) } else { value }.clamp(0, rank) as usize;
    let start = bound(node.integer("start")?.unwrap_or(0));
    let end = bound(node.integer("end")?.unwrap_or(rank)).max(start);
    let data = extents[start..end].iter().map(|extent| *extent as f64).collect();
    node.fold(vec![end - start], DataType::Int64, |_| Ok(data))
}

/// `Size`
pub(super) fn size(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let size: usize = node.shape(node.input(0, "data")?).iter().product();
    node.fold(vec![], DataType::Int64, |_| Ok(vec![size as f64]))
}

/// `Cast`: constants are converted; a float that is computed keeps its value, which is a real number here.
pub(super) fn cast(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "input")?;
    let number = node.integer("to")?.ok_or_else(|| node.attribute_error("to", "a type", "missing"))?;
    let to = i32::try_from(number)
        .ok()
        .and_then(DataType::from_number)
        .ok_or_else(|| node.attribute_error("to", "a float, integer or bool type", format!("type number {number}")))?;
    cast_to(node, input, to)
}

/// `CastLike`
pub(super) fn cast_like(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (input, like) = (node.input(0, "input")?, node.input(1, "target_type")?);
    let to = node.graph.data_type(like);
    cast_to(node, input, to)
}

fn cast_to(node: &mut NodeContext<'_, '_>, input: ValueId, to: DataType) -> Result<(), ImportError> {
    let from = node.graph.data_type(input);
    if node.graph.constant(input).is_some() {
        let shape = node.shape(input).to_vec();
        let stored = from.integer_range().map(|(least, greatest)| (least as i64, greatest as i64));
        return node.fold_in(node.graph.range(input).or(stored), shape, to, |node| {
            node.data(input)?.data.iter().map(|value| converted(node, *value, from, to)).collect()
        });
    }
    match (from.kind(), to.kind()) {
        (Kind::Float, Kind::Float) => {
            node.alias(input);
            if to.bits() < from.bits() {
                let remark = format!("{} to a narrower float is left out: values are real numbers here", node.place());
                node.graph.remarks.push(remark);
            }
            Ok(())
        }
        (Kind::Integer, Kind::Float) => {
            let shape = node.shape(input).to_vec();
            node.emit(Operator::Reshape, vec![input], shape, to)
        }
        (Kind::Integer, Kind::Integer) if holds_all(from, to) => {
            node.alias(input);
            Ok(())
        }
        _ => {
            let must = "a float type, or an integer type that holds all that the tensor's does, where the tensor is computed \
                        when the model runs";
            Err(node.attribute_error("to", must, format!("{to:?} for {from:?}")))
        }
    }
}

/// Whether computed integers of one type are in another what they were, not wrapped around. Those of 64 bits and those
/// without a sign of 32 are indices and images, which are small.
fn holds_all(from: DataType, to: DataType) -> bool {
    let (Some((least, greatest)), Some((low, high))) = (from.integer_range(), to.integer_range()) else { return false };
    let is_small = from.bits() == 64 || from == DataType::UInt32;
    (low <= least && greatest <= high) || (is_small && to.bits() >= 32)
}

fn converted(node: &NodeContext<'_, '_>, value: f64, from: DataType, to: DataType) -> Result<f64, ImportError> {
    match to.integer_range() {
        None if to == DataType::Bool => Ok(f64::from(u8::from(value != 0.0))),
        None => Ok(to.round(value)),
        Some((least, greatest)) => {
            let whole = value.trunc();
            if whole >= least as f64 && whole <= greatest as f64 {
                return Ok(whole);
            }
            Err(node.parameter_error("input", format!("within the range of {to:?}"), format!("{value} ({from:?})")))
        }
    }
}

/// `Where`
pub(super) fn select(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (condition, x, y) = (node.input(0, "condition")?, node.input(1, "X")?, node.input(2, "Y")?);
    let both = node.broadcast(node.shape(x), node.shape(y))?;
    let shape = node.broadcast(node.shape(condition), &both)?;
    let data_type = node.graph.data_type(x);
    node.fold(shape.clone(), data_type, |node| {
        let (condition, x, y) = (node.data(condition)?, node.data(x)?, node.data(y)?);
        let [c, i, j] = [condition, x, y].map(|tensor| broadcast_indices(&tensor.shape, &shape));
        Ok((0..c.len()).map(|k| if condition.data[c[k]] != 0.0 { x.data[i[k]] } else { y.data[j[k]] }).collect())
    })
}
