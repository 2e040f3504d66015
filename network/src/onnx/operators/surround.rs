//! Padding as an operator of its own.

use super::moves::{Selection, select_each};
use crate::graph::{Operator, ValueId};
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;
use crate::reference::layout::padded;

/// What is put around a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Border {
    Constant(f64),
    /// The first and the last element again.
    Edge,
    /// The elements mirrored at the first and the last one, which do not come twice.
    Reflect,
    /// The elements of the other end.
    Wrap,
}

fn border(node: &NodeContext<'_, '_>) -> Result<Border, ImportError> {
    let value = match node.text("mode")?.unwrap_or("constant") {
        "constant" => match node.any_float("value")? {
            Some(value) => value,
            None if node.optional_input(2).is_some() => node.scalar(2, "constant_value")?,
            None => 0.0,
        },
        "edge" => return Ok(Border::Edge),
        "reflect" => return Ok(Border::Reflect),
        "wrap" => return Ok(Border::Wrap),
        other => return Err(node.attribute_error("mode", "constant, edge, reflect or wrap", format!("`{other}`"))),
    };
    if !value.is_finite() {
        return Err(node.parameter_error("constant_value", "finite", value.to_string()));
    }
    Ok(Border::Constant(value))
}

impl Border {
    /// The element that stands at `place` of an axis of `extent` elements, which is not beyond what there is.
    fn source(self, place: i64, extent: i64) -> usize {
        let source = match self {
            Border::Constant(_) | Border::Edge => place.clamp(0, extent - 1),
            Border::Wrap => place.rem_euclid(extent),
            Border::Reflect if extent == 1 => 0,
            Border::Reflect => {
                let period = 2 * (extent - 1);
                let place = place.rem_euclid(period);
                place.min(period - place)
            }
        };
        source as usize
    }
}

/// How much stands before and behind each axis, less than nothing where elements are cut off, and the shape of the result.
fn pads(node: &NodeContext<'_, '_>, input: ValueId) -> Result<(Vec<[i64; 2]>, Vec<usize>), ImportError> {
    let list = node.list("pads", 1)?.ok_or_else(|| node.attribute_error("pads", "a list of integers", "missing"))?;
    let mut shape = node.shape(input).to_vec();
    let axes: Vec<usize> = match node.optional_input(3) {
        None => (0..shape.len()).collect(),
        Some(_) => {
            let axes = node.integers(3, "axes")?;
            axes.iter().map(|axis| node.axis(*axis, shape.len())).collect::<Result<_, _>>()?
        }
    };
    if list.len() != 2 * axes.len() {
        let must = format!("`pads` must have two elements for each of {} axes", axes.len());
        return Err(node.shape_error(must, format!("{} elements", list.len())));
    }
    let mut pads = vec![[0; 2]; shape.len()];
    let mut is_named = vec![false; shape.len()];
    for (index, axis) in axes.iter().enumerate() {
        if std::mem::replace(&mut is_named[*axis], true) {
            return Err(node.parameter_error("axes", "different axes", format!("axis {axis} twice")));
        }
        let (before, behind) = (list[index], list[index + axes.len()]);
        let extent = shape[*axis] as i128;
        let cut = [before, behind].iter().map(|pad| i128::from(*pad).min(0)).sum::<i128>();
        let padded = extent + i128::from(before) + i128::from(behind);
        if extent + cut < 0 {
            let found = format!("{before} and {behind} at axis {axis} of {extent}");
            return Err(node.parameter_error("pads", "such that they cut off no more than there is", found));
        }
        shape[*axis] = usize::try_from(padded).ok().filter(|_| padded <= i128::from(i64::MAX)).ok_or_else(|| {
            node.parameter_error("pads", "within 64 bits with the extent", format!("more at axis {axis}"))
        })?;
        pads[*axis] = [before, behind];
    }
    Ok((pads, shape))
}

/// Checks that something is left to be repeated where a border is put around what has been cut.
fn check_rest(node: &NodeContext<'_, '_>, input: ValueId, pads: &[[i64; 2]]) -> Result<(), ImportError> {
    let is_empty =
        |extent: usize, pads: &[i64; 2]| extent as i64 + pads.iter().map(|pad| (*pad).min(0)).sum::<i64>() == 0;
    let found = node.shape(input).iter().zip(pads).position(|(extent, pads)| {
        let adds = pads.iter().any(|pad| *pad > 0);
        adds && is_empty(*extent, pads)
    });
    match found {
        Some(axis) => Err(node.parameter_error(
            "pads",
            "such that elements are left to be repeated",
            format!("none at axis {axis}"),
        )),
        None => Ok(()),
    }
}

/// `Pad`, whose parameters are attributes before operator set 11 and inputs from then on
pub(super) fn pad(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "data")?;
    let border = border(node)?;
    let (pads, shape) = pads(node, input)?;
    if pads.iter().all(|pad| *pad == [0, 0]) {
        node.alias(input);
        return Ok(());
    }
    if node.shape(input).contains(&0) {
        return Err(node.shape_error("a tensor that is padded must have elements", format!("{:?}", node.shape(input))));
    }
    node.check_size(&shape)?;
    if !matches!(border, Border::Constant(_)) {
        check_rest(node, input, &pads)?;
    }
    // With a constant, only what is cut off.
    let taken = |pad: i64| if let Border::Constant(_) = border { pad.min(0) } else { pad };
    let selections = pads.iter().zip(node.shape(input)).map(|([before, behind], extent)| {
        let (before, behind) = (taken(*before), taken(*behind));
        // What is cut off comes first: the border repeats what is left.
        let (first, left) = ((-before).max(0), *extent as i64 + before.min(0) + behind.min(0));
        let source = move |place: i64| (first + border.source(place, left) as i64) as usize;
        let places = -before.max(0)..left + behind.max(0);
        ((before, behind) != (0, 0)).then_some(Selection { places, source })
    });
    let selections = selections.collect();
    let kept = select_each(node, input, selections)?;
    let Border::Constant(value) = border else {
        node.alias(kept);
        return Ok(());
    };
    let put = |index: usize| pads.iter().map(|pad| pad[index].max(0) as usize).collect::<Vec<usize>>();
    let (before, after) = (put(0), put(1));
    if before.iter().chain(&after).all(|count| *count == 0) {
        node.alias(kept);
        return Ok(());
    }
    let data_type = node.graph.data_type(input);
    if node.graph.constant(kept).is_some_and(|tensor| !tensor.is_empty()) {
        return node.fold(shape, data_type, |node| Ok(padded(node.data(kept)?, &before, &after, &value).data));
    }
    node.emit(Operator::Pad { before, after, value }, vec![kept], shape, data_type)
}

#[cfg(test)]
mod tests {
    use super::Border;

    #[test]
    fn borders_follow_numpy() {
        let around =
            |border: Border, extent: i64| (-4..extent + 3).map(|p| border.source(p, extent)).collect::<Vec<_>>();
        assert_eq!(around(Border::Edge, 3), [0, 0, 0, 0, 0, 1, 2, 2, 2, 2]);
        assert_eq!(around(Border::Reflect, 3), [0, 1, 2, 1, 0, 1, 2, 1, 0, 1]);
        assert_eq!(around(Border::Wrap, 3), [2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
        assert_eq!(around(Border::Reflect, 1), [0; 8]);
    }
}
