//! Operators that select and join elements: `Concat` of any tensors, the others of constants, as exporters use them to
//! compute shapes.

use crate::graph::{Operator, ValueId};
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;
use crate::reference::layout::concatenated;
use crate::tensor::Tensor;

/// The slabs `indices` of `tensor` along `axis`, in that order.
fn selected(tensor: &Tensor, axis: usize, indices: &[usize]) -> Vec<f64> {
    let extent = tensor.shape[axis];
    let slab: usize = tensor.shape[axis + 1..].iter().product();
    let outer: usize = tensor.shape[..axis].iter().product();
    let mut data = Vec::with_capacity(outer * indices.len() * slab);
    for block in 0..outer {
        for index in indices {
            let start = (block * extent + index) * slab;
            data.extend_from_slice(&tensor.data[start..start + slab]);
        }
    }
    data
}

/// `Concat`
pub(super) fn concat(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let first = node.input(0, "inputs")?;
    if node.input_count() == 1 {
        node.alias(first);
        return Ok(());
    }
    let inputs: Vec<ValueId> =
        (0..node.input_count()).map(|index| node.input(index, "inputs")).collect::<Result<_, _>>()?;
    let (axis, shape) = joined(node, &inputs)?;
    let data_type = node.graph.data_type(first);
    if inputs.iter().all(|input| node.graph.constant(*input).is_some()) {
        return node.fold(shape, data_type, |node| {
            let tensors = inputs.iter().map(|input| node.data(*input)).collect::<Result<Vec<_>, _>>()?;
            Ok(concatenated(&tensors, axis).data)
        });
    }
    let kind = data_type.kind();
    if let Some(other) = inputs.iter().map(|input| node.graph.data_type(*input)).find(|other| other.kind() != kind) {
        let found = format!("{data_type:?} and {other:?}");
        return Err(node.parameter_error("inputs", "all floats or all integers", found));
    }
    node.emit(Operator::Concat { axis }, inputs, shape, data_type)
}

/// The axis that a node joins `inputs` along, and the shape that they make. There is at least one.
pub(super) fn joined(node: &NodeContext<'_, '_>, inputs: &[ValueId]) -> Result<(usize, Vec<usize>), ImportError> {
    let first = inputs[0];
    let mut shape = node.shape(first).to_vec();
    let axis = node.integer("axis")?.ok_or_else(|| node.attribute_error("axis", "an axis", "missing"))?;
    let axis = node.axis(axis, shape.len())?;
    for input in &inputs[1..] {
        let other = node.shape(*input);
        let fits = other.len() == shape.len() && (0..shape.len()).all(|i| i == axis || other[i] == shape[i]);
        if !fits {
            return Err(node.shape_error(
                format!("shapes must agree on all axes but {axis}"),
                format!("{:?} and {other:?}", node.shape(first)),
            ));
        }
        shape[axis] = shape[axis].checked_add(other[axis]).ok_or_else(|| {
            node.shape_error("the sum of the extents must be within 64 bits", format!("{shape:?} and {other:?}"))
        })?;
    }
    Ok((axis, shape))
}

/// `Gather`
pub(super) fn gather(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (input, index_input) = (node.input(0, "data")?, node.input(1, "indices")?);
    let from = node.shape(input).to_vec();
    let axis = node.axis(node.integer("axis")?.unwrap_or(0), from.len())?;
    let list = node.constant(1, "indices")?;
    let mut shape = from[..axis].to_vec();
    shape.extend(&list.shape);
    shape.extend(&from[axis + 1..]);
    let extent = from[axis];
    let data_type = node.graph.data_type(input);
    node.fold(shape, data_type, |node| {
        let indices = node.data(index_input)?.data.iter();
        let indices: Vec<usize> = indices
            .map(|value| {
                let index = if *value < 0.0 { value + extent as f64 } else { *value };
                if index >= 0.0 && index < extent as f64 && index.fract() == 0.0 {
                    return Ok(index as usize);
                }
                Err(node.parameter_error("indices", format!("below the extent {extent}"), value.to_string()))
            })
            .collect::<Result<_, _>>()?;
        Ok(selected(node.data(input)?, axis, &indices))
    })
}

/// `Slice`
pub(super) fn slice(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "data")?;
    let from = node.shape(input).to_vec();
    let bounds = |name, index| {
        node.list(name, index)?.ok_or_else(|| node.attribute_error(name, "a list of integers", "missing"))
    };
    let (starts, ends) = (bounds("starts", 1)?, bounds("ends", 2)?);
    let axes = node.list("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = node.list("steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()].iter().any(|length| *length != starts.len()) {
        return Err(node.shape_error(
            "starts, ends, axes and steps must be of the same length",
            format!("{}, {}, {} and {}", starts.len(), ends.len(), axes.len(), steps.len()),
        ));
    }
    let mut kept: Vec<Progression> =
        from.iter().map(|extent| Progression { start: 0, step: 1, count: *extent }).collect();
    for (i, axis) in axes.iter().enumerate() {
        let axis = node.axis(*axis, from.len())?;
        if steps[i] == 0 {
            return Err(node.parameter_error("steps", "other than 0", "0"));
        }
        kept[axis] = Progression::of(starts[i], ends[i], steps[i], from[axis]);
    }
    let shape: Vec<usize> = kept.iter().map(|progression| progression.count).collect();
    if shape == from && steps.iter().all(|step| *step > 0) {
        node.alias(input);
        return Ok(());
    }
    let data_type = node.graph.data_type(input);
    node.fold(shape, data_type, |node| {
        let mut tensor = node.data(input)?.clone();
        for (axis, progression) in kept.iter().enumerate() {
            let data = selected(&tensor, axis, &progression.indices());
            let mut shape = tensor.shape;
            shape[axis] = progression.count;
            tensor = Tensor::new(shape, data);
        }
        Ok(tensor.data)
    })
}

/// The indices that a slice keeps of one axis.
struct Progression {
    start: i64,
    step: i64,
    count: usize,
}

impl Progression {
    /// From `start` to before `end`, both counted from the end where negative and limited to the axis.
    fn of(start: i64, end: i64, step: i64, extent: usize) -> Self {
        let extent = extent as i64;
        let from_start = |bound: i64| {
            if bound < 0 { bound.saturating_add(extent) } else { bound }
        };
        let (start, end) = (from_start(start), from_start(end));
        let (start, span) = if step > 0 {
            let start = start.clamp(0, extent);
            (start, end.clamp(0, extent) - start)
        } else {
            let start = start.clamp(0, extent.max(1) - 1);
            (start, start - end.clamp(-1, extent - 1))
        };
        let count = if span > 0 && extent > 0 { (span as u64).div_ceil(step.unsigned_abs()) as usize } else { 0 };
        Progression { start, step, count }
    }

    fn indices(&self) -> Vec<usize> {
        (0..self.count).map(|i| (self.start + i as i64 * self.step) as usize).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Progression;

    fn progression(start: i64, end: i64, step: i64, extent: usize) -> Vec<usize> {
        Progression::of(start, end, step, extent).indices()
    }

    #[test]
    fn slices_follow_numpy() {
        assert_eq!(progression(1, i64::MAX, 1, 4), [1, 2, 3]);
        assert_eq!(progression(-3, -1, 1, 4), [1, 2]);
        assert_eq!(progression(i64::MAX, i64::MIN, -2, 5), [4, 2, 0]);
        assert_eq!(progression(0, 9, 3, 5), [0, 3]);
        assert_eq!(progression(3, 1, 1, 5), [0; 0]);
        assert_eq!(progression(0, 1, i64::MAX, 5), [0]);
        assert_eq!(progression(0, 1, 1, 0), [0; 0]);
        assert_eq!(progression(-1, i64::MIN, -1, 0), [0; 0]);
        assert_eq!(progression(-1, i64::MIN, i64::MIN, 3), [2]);
    }
}
