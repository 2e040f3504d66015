//! Borders and enlargement.

use super::arithmetic::float_result;
use crate::graph::Operator;
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;

/// Greatest border along an axis.
const LARGEST: usize = 1 << 16;

/// `Pad` with a constant
pub(super) fn pad(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "data")?;
    let from = node.shape(input).to_vec();
    match node.text("mode")? {
        None | Some("constant") => {}
        Some(mode) => return Err(node.attribute_error("mode", "`constant`", format!("`{mode}`"))),
    }
    let pads = node.list("pads", 1)?.ok_or_else(|| node.attribute_error("pads", "a list of integers", "missing"))?;
    let value = match (node.float("value")?, node.optional_input(2)) {
        (Some(value), _) => value,
        (None, Some(constant)) => {
            node.check_finite(constant)?;
            node.scalar(2, "constant_value")?
        }
        (None, None) => 0.0,
    };
    let axes: Vec<usize> = match node.optional_input(3) {
        None => (0..from.len()).collect(),
        Some(_) => {
            node.integers(3, "axes")?.iter().map(|axis| node.axis(*axis, from.len())).collect::<Result<_, _>>()?
        }
    };
    let fits = |pad: &i64| usize::try_from(*pad).ok().filter(|pad| *pad <= LARGEST);
    let Some(numbers) = pads.iter().map(fits).collect::<Option<Vec<usize>>>().filter(|n| n.len() == 2 * axes.len())
    else {
        let must = format!("{} numbers from 0 to {LARGEST}", 2 * axes.len());
        return Err(node.attribute_error("pads", must, format!("{pads:?}")));
    };
    let (mut before, mut after) = (vec![0; from.len()], vec![0; from.len()]);
    for (index, axis) in axes.iter().enumerate() {
        before[*axis] = numbers[index];
        after[*axis] = numbers[axes.len() + index];
    }
    if numbers.iter().all(|pad| *pad == 0) {
        node.alias(input);
        return Ok(());
    }
    let shape = (0..from.len()).map(|axis| from[axis] + before[axis] + after[axis]).collect();
    let data_type = float_result(node, &[input])?;
    node.emit(Operator::Pad { before, after, value }, vec![input], shape, data_type)
}

/// `Upsample`, an operator until set 9
pub(super) fn upsample(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let scales: Vec<f64> = match node.float_list("scales")? {
        Some(list) => list.iter().map(|scale| f64::from(*scale)).collect(),
        None => node.constant(1, "scales")?.data.clone(),
    };
    enlarge(node, &scales)
}

/// `Resize` to the nearest neighbour
pub(super) fn resize(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "X")?;
    // Operator set 10 has the scales second; later ones a region of interest there, then scales, then sizes.
    let scales_at = if node.input_count() == 2 { 1 } else { 2 };
    let from = node.shape(input).to_vec();
    let scales: Vec<f64> = match (node.optional_input(3), node.optional_input(scales_at)) {
        (Some(_), _) => {
            let sizes = node.integers(3, "sizes")?;
            if sizes.len() != from.len() {
                return Err(
                    node.shape_error(format!("`sizes` must have {} elements", from.len()), format!("{sizes:?}"))
                );
            }
            sizes.iter().zip(&from).map(|(size, extent)| *size as f64 / *extent as f64).collect()
        }
        (None, Some(_)) => node.constant(scales_at, "scales")?.data.clone(),
        (None, None) => return Err(node.attribute_error("scales", "given, or `sizes`", "missing")),
    };
    let coordinates = node.text("coordinate_transformation_mode")?;
    let rounding = node.text("nearest_mode")?;
    if scales_at == 2 {
        // Element y of the result is made from element (y + 1/2) / f − 1/2 or y / f, rounded. With an integer factor f
        // all of these take each element f times in a row; other modes do not for every f.
        let repeats = match (coordinates.unwrap_or("half_pixel"), rounding.unwrap_or("round_prefer_floor")) {
            ("asymmetric", "floor") => true,
            (
                "half_pixel" | "half_pixel_symmetric" | "pytorch_half_pixel",
                "round_prefer_floor" | "round_prefer_ceil",
            ) => {
                // pytorch_half_pixel and the symmetric one differ only for an extent of 1 and for broken sizes.
                from.iter().all(|extent| *extent > 0)
            }
            _ => false,
        };
        if !repeats {
            return Err(node.attribute_error(
                "coordinate_transformation_mode",
                "`asymmetric` with nearest_mode `floor`, or `half_pixel` with rounding to nearest, which repeat elements",
                format!("{coordinates:?} with {rounding:?}"),
            ));
        }
    }
    enlarge(node, &scales)
}

fn enlarge(node: &mut NodeContext<'_, '_>, scales: &[f64]) -> Result<(), ImportError> {
    let input = node.input(0, "X")?;
    match node.text("mode")? {
        None | Some("nearest") => {}
        Some(mode) => return Err(node.attribute_error("mode", "`nearest`", format!("`{mode}`"))),
    }
    let from = node.shape(input).to_vec();
    let whole = |scale: &f64| (scale.fract() == 0.0 && (1.0..=65536.0).contains(scale)).then_some(*scale as usize);
    let factors: Option<Vec<usize>> = scales.iter().map(whole).collect();
    let Some(factors) = factors.filter(|factors| factors.len() == from.len()) else {
        let must = format!("{} whole numbers of at least 1, one an axis", from.len());
        return Err(node.parameter_error("scales", must, format!("{scales:?}")));
    };
    if factors.iter().all(|factor| *factor == 1) {
        node.alias(input);
        return Ok(());
    }
    let extent = |(extent, factor): (&usize, &usize)| extent.checked_mul(*factor);
    let shape: Option<Vec<usize>> = from.iter().zip(&factors).map(extent).collect();
    let shape = shape.ok_or_else(|| node.shape_error("the result must fit into memory", format!("{factors:?}")))?;
    let data_type = float_result(node, &[input])?;
    node.emit(Operator::Upsample { factors }, vec![input], shape, data_type)
}
