//! Operators that keep every element and change only where it stands.

use super::constants::extents;
use crate::graph::{Operator, ValueId};
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;
use crate::tensor::{broadcast_indices, transpose_indices};

/// Makes the output `input` in another shape with as many elements.
fn reshaped(node: &mut NodeContext<'_, '_>, input: ValueId, shape: Vec<usize>) -> Result<(), ImportError> {
    if shape == node.shape(input) {
        node.alias(input);
        return Ok(());
    }
    let data_type = node.graph.data_type(input);
    if node.graph.constant(input).is_some() {
        return node.fold_from(input, shape, data_type, |node| Ok(node.data(input)?.data.clone()));
    }
    node.emit(Operator::Reshape, vec![input], shape, data_type)
}

/// `Reshape`
pub(super) fn reshape(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "data")?;
    let mut target = node.integers(1, "shape")?;
    // The number of images, of which one is computed.
    if let (Some(first), Some(batch)) = (target.first_mut(), node.graph.batch)
        && *first == batch as i64
        && node.shape(input).first() == Some(&1)
    {
        *first = 1;
    }
    let keeps_zero = node.flag("allowzero", false)?;
    let from = node.shape(input).to_vec();
    let wrong = |must: &str| node.shape_error(must, format!("{from:?} to {target:?}"));
    let mut shape = Vec::new();
    let mut open = None;
    for (axis, extent) in target.iter().enumerate() {
        match *extent {
            -1 if open.is_some() => return Err(wrong("at most one axis may be -1")),
            -1 => {
                open = Some(axis);
                shape.push(1);
            }
            0 if !keeps_zero => {
                shape.push(*from.get(axis).ok_or_else(|| wrong("an axis of 0 must exist in the input, too"))?);
            }
            extent => shape.push(usize::try_from(extent).map_err(|_| wrong("extents must be -1 or greater"))?),
        }
    }
    let elements: usize = from.iter().product();
    let product = shape.iter().try_fold(1usize, |product, extent| product.checked_mul(*extent));
    match (open, product) {
        (Some(axis), Some(known)) if known > 0 && elements.is_multiple_of(known) => shape[axis] = elements / known,
        (None, Some(product)) if product == elements => {}
        _ => return Err(wrong("both shapes must have as many elements")),
    }
    reshaped(node, input, shape)
}

/// `Flatten`
pub(super) fn flatten(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "input")?;
    let from = node.shape(input).to_vec();
    // The axis may lie behind the last one, too: all elements in one column.
    let axis = match node.integer("axis")?.unwrap_or(1) {
        axis if axis == from.len() as i64 => from.len(),
        axis => node.axis(axis, from.len())?,
    };
    let shape = vec![from[..axis].iter().product(), from[axis..].iter().product()];
    reshaped(node, input, shape)
}

/// `Squeeze`
pub(super) fn squeeze(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "data")?;
    let from = node.shape(input).to_vec();
    let mut is_removed: Vec<bool> = from.iter().map(|extent| *extent == 1).collect();
    if let Some(axes) = node.list("axes", 1)? {
        is_removed = vec![false; from.len()];
        for axis in axes {
            let axis = node.axis(axis, from.len())?;
            if from[axis] != 1 {
                return Err(
                    node.shape_error("an axis to be squeezed must have extent 1", format!("axis {axis} of {from:?}"))
                );
            }
            is_removed[axis] = true;
        }
    }
    let kept = from.iter().zip(is_removed).filter(|(_, is_removed)| !is_removed);
    let shape = kept.map(|(extent, _)| *extent).collect();
    reshaped(node, input, shape)
}

/// `Unsqueeze`
pub(super) fn unsqueeze(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "data")?;
    let from = node.shape(input).to_vec();
    let axes = node.list("axes", 1)?.ok_or_else(|| node.attribute_error("axes", "a list", "missing"))?;
    let rank = from.len() + axes.len();
    let mut is_new = vec![false; rank];
    for axis in &axes {
        let index = node.axis(*axis, rank)?;
        if std::mem::replace(&mut is_new[index], true) {
            return Err(node.shape_error("each new axis must be named once", format!("{axes:?}")));
        }
    }
    let mut old = from.iter();
    let shape = is_new.iter().map(|is_new| if *is_new { 1 } else { old.next().copied().unwrap_or(1) }).collect();
    reshaped(node, input, shape)
}

/// `Identity`
pub(super) fn identity(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "input")?;
    node.alias(input);
    Ok(())
}

/// `Dropout` at inference
pub(super) fn dropout(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    if node.optional_input(2).is_some() && node.scalar(2, "training_mode")? != 0.0 {
        return Err(node.parameter_error("training_mode", "false (export in evaluation mode)", "true"));
    }
    identity(node)
}

/// `Transpose`
pub(super) fn transpose(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "data")?;
    let from = node.shape(input).to_vec();
    let permutation: Vec<usize> = match node.integer_list("perm")? {
        None => (0..from.len()).rev().collect(),
        Some(list) => list.iter().map(|axis| node.axis(*axis, from.len())).collect::<Result<_, _>>()?,
    };
    let mut sorted = permutation.clone();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..from.len()) {
        return Err(node.shape_error("`perm` must name every axis once", format!("{permutation:?} for shape {from:?}")));
    }
    if sorted == permutation {
        node.alias(input);
        return Ok(());
    }
    let shape: Vec<usize> = permutation.iter().map(|axis| from[*axis]).collect();
    let data_type = node.graph.data_type(input);
    if node.graph.constant(input).is_some() {
        return node.fold_from(input, shape, data_type, |node| {
            let tensor = node.data(input)?;
            let indices = transpose_indices(&tensor.shape, &permutation);
            Ok(indices.into_iter().map(|index| tensor.data[index]).collect())
        });
    }
    node.emit(Operator::Transpose { permutation }, vec![input], shape, data_type)
}

/// `Expand`
pub(super) fn expand(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "input")?;
    let target = extents(node, 1, "shape")?;
    let shape = node.broadcast(node.shape(input), &target)?;
    if shape == node.shape(input) {
        node.alias(input);
        return Ok(());
    }
    let data_type = node.graph.data_type(input);
    node.fold(shape.clone(), data_type, |node| {
        let tensor = node.data(input)?;
        Ok(broadcast_indices(&tensor.shape, &shape).into_iter().map(|index| tensor.data[index]).collect())
    })
}
