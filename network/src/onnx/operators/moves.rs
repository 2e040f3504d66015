//! Parts of operators that only move elements.

use crate::graph::{Operator, ValueId};
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;
use crate::reference::layout::selected;
use crate::tensor::{Tensor, transpose_indices};

/// The elements of a constant where a move puts them.
fn moved_tensor(operator: &Operator, tensor: &Tensor, shape: &[usize]) -> Vec<f64> {
    match operator {
        Operator::Transpose { permutation } => {
            transpose_indices(&tensor.shape, permutation).into_iter().map(|index| tensor.data[index]).collect()
        }
        Operator::Select { axis, indices } => selected(tensor, *axis, indices).data,
        _ => {
            debug_assert_eq!(shape.iter().product::<usize>(), tensor.len(), "a reshape keeps every element");
            tensor.data.clone()
        }
    }
}

/// What `Reshape`, `Transpose` or `Select` makes of a value, which is folded where it is constant: codes stay codes.
fn moved(
    node: &mut NodeContext<'_, '_>,
    role: &str,
    operator: Operator,
    input: ValueId,
    shape: Vec<usize>,
) -> Result<ValueId, ImportError> {
    let data_type = node.graph.data_type(input);
    if node.graph.constant(input).is_none() {
        return node.emit_part(role, operator, vec![input], shape, data_type);
    }
    let (range, is_codes) = (node.graph.range(input), node.graph.value(input).is_codes);
    let folded =
        node.fold_part(role, shape.clone(), data_type, |node| Ok(moved_tensor(&operator, node.data(input)?, &shape)))?;
    node.graph.mark(folded, is_codes, range);
    Ok(folded)
}

/// The value in another shape with as many elements.
pub(super) fn reshaped(
    node: &mut NodeContext<'_, '_>,
    role: &str,
    input: ValueId,
    shape: Vec<usize>,
) -> Result<ValueId, ImportError> {
    if node.shape(input) == shape {
        return Ok(input);
    }
    moved(node, role, Operator::Reshape, input, shape)
}

/// The value with its axes in another order.
pub(super) fn transposed(
    node: &mut NodeContext<'_, '_>,
    role: &str,
    input: ValueId,
    permutation: Vec<usize>,
) -> Result<ValueId, ImportError> {
    if permutation.is_sorted() {
        return Ok(input);
    }
    let shape = permutation.iter().map(|axis| node.shape(input)[*axis]).collect();
    moved(node, role, Operator::Transpose { permutation }, input, shape)
}

/// The elements with the given indices along an axis.
pub(super) fn select(
    node: &mut NodeContext<'_, '_>,
    role: &str,
    input: ValueId,
    axis: usize,
    indices: Vec<usize>,
) -> Result<ValueId, ImportError> {
    let mut shape = node.shape(input).to_vec();
    if indices.iter().copied().eq(0..shape[axis]) {
        return Ok(input);
    }
    shape[axis] = indices.len();
    moved(node, role, Operator::Select { axis, indices }, input, shape)
}

/// Some elements of an axis: as many as there are places from the first on, and the element at each.
pub(super) struct Selection<F: Fn(i64) -> usize> {
    /// Places.
    pub places: std::ops::Range<i64>,
    /// Index of the element that stands at a place.
    pub source: F,
}

/// Of each axis the elements of a selection, or all.
pub(super) fn select_each<F: Fn(i64) -> usize>(
    node: &mut NodeContext<'_, '_>,
    input: ValueId,
    selections: Vec<Option<Selection<F>>>,
) -> Result<ValueId, ImportError> {
    let mut value = input;
    for (axis, selection) in selections.into_iter().enumerate() {
        if let Some(Selection { places, source }) = selection {
            node.reserve(usize::try_from(places.end.saturating_sub(places.start)).unwrap_or(0))?;
            let indices = places.map(source).collect();
            value = select(node, &format!("axis_{axis}"), value, axis, indices)?;
        }
    }
    Ok(value)
}
