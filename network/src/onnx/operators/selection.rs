//! Operators that select and join elements.

use super::moves::{Selection, reshaped, select, select_each};
use crate::graph::{Operator, ValueId};
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;
use crate::reference::layout::concatenated;

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
    let input = node.input(0, "data")?;
    let from = node.shape(input).to_vec();
    let axis = node.axis(node.integer("axis")?.unwrap_or(0), from.len())?;
    let list = node.constant(1, "indices")?;
    let extent = from[axis] as f64;
    let index = |value: &f64| {
        let index = if *value < 0.0 { value + extent } else { *value };
        match index >= 0.0 && index < extent && index.fract() == 0.0 {
            true => Ok(index as usize),
            false => Err(node.parameter_error("indices", format!("below the extent {extent}"), value.to_string())),
        }
    };
    let indices = list.data.iter().map(index).collect::<Result<Vec<usize>, _>>()?;
    let list_is_flat = list.shape.len() == 1;
    let shape: Vec<usize> = from[..axis].iter().chain(&list.shape).chain(&from[axis + 1..]).copied().collect();
    node.check_size(&shape)?;
    node.reserve(indices.len())?;
    let (extent, data_type) = (from[axis], node.graph.data_type(input));
    let is_whole = indices.iter().copied().eq(0..extent);
    // The usual node stays one, with its own name.
    if list_is_flat && !is_whole && node.graph.constant(input).is_none() {
        return node.emit(Operator::Select { axis, indices }, vec![input], shape, data_type);
    }
    let selected = select(node, "selected", input, axis, indices)?;
    let selected = reshaped(node, "shaped", selected, shape)?;
    node.alias(selected);
    Ok(())
}

/// `Split`, whose parts are an attribute before operator set 13 and an input from then on; left out, they are alike
pub(super) fn split(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "input")?;
    let shape = node.shape(input).to_vec();
    let axis = node.axis(node.integer("axis")?.unwrap_or(0), shape.len())?;
    let extent = shape[axis];
    let count = node.output_count().max(1);
    let parts: Vec<usize> = match node.list("split", 1)? {
        // The last one takes what is left.
        None => {
            let each = extent.div_ceil(count);
            (0..count).map(|part| extent.saturating_sub(part * each).min(each)).collect()
        }
        Some(list) => list.iter().map(|part| usize::try_from(*part).unwrap_or(usize::MAX)).collect(),
    };
    let sum = parts.iter().try_fold(0usize, |sum, part| sum.checked_add(*part));
    if sum != Some(extent) || parts.len() != count {
        let must = format!("{count} parts of together {extent} elements, one for each output");
        let found = format!("{} parts of together {}", parts.len(), sum.map_or("more".into(), |sum| sum.to_string()));
        return Err(node.parameter_error("split", must, found));
    }
    node.reserve(extent)?;
    let mut first = 0;
    for (index, part) in parts.into_iter().enumerate() {
        let selected = select(node, &format!("part_{index}"), input, axis, (first..first + part).collect())?;
        node.alias_of(index, selected);
        first += part;
    }
    Ok(())
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
    let selections = kept.iter().zip(&from).map(|(progression, extent)| {
        let places = 0..progression.count as i64;
        let is_whole = (progression.start, progression.step, progression.count) == (0, 1, *extent);
        (!is_whole).then_some(Selection { places, source: move |place: i64| progression.at(place) })
    });
    let selected = select_each(node, input, selections.collect())?;
    node.alias(selected);
    Ok(())
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

    fn at(&self, place: i64) -> usize {
        (self.start + place * self.step) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Progression;

    fn progression(start: i64, end: i64, step: i64, extent: usize) -> Vec<usize> {
        let progression = Progression::of(start, end, step, extent);
        (0..progression.count as i64).map(|place| progression.at(place)).collect()
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
