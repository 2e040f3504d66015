//! Enlargement by nearest neighbours.

use crate::graph::Operator;
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;
use crate::reference::layout::repeated;

/// `Upsample`, whose scales are an attribute before operator set 9, and `Resize`, where they repeat each element a
/// whole number of times
pub(super) fn resize(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "X")?;
    let mode = node.text("mode")?.unwrap_or("nearest");
    if mode != "nearest" {
        return Err(node.attribute_error("mode", "`nearest`", format!("`{mode}`")));
    }
    let from = node.shape(input).to_vec();
    if from.contains(&0) {
        return Err(node.shape_error("every tensor that it reads must have elements", format!("shape {from:?}")));
    }
    let factors = factors(node)?;
    let sampling = Sampling::of(node)?;
    let mut shape = Vec::new();
    for (extent, factor) in from.iter().zip(&factors) {
        let enlarged = extent.checked_mul(*factor);
        shape
            .push(enlarged.ok_or_else(|| node.parameter_error("scales", "within 64 bits with the extent", "greater"))?);
    }
    node.check_size(&shape)?;
    for (extent, factor) in from.iter().zip(&factors) {
        if !sampling.repeats(*extent, *factor) {
            return Err(node.attribute_error(
                "coordinate_transformation_mode",
                "one that repeats each element as often as every other (half_pixel with round_prefer_floor, asymmetric \
                 with floor)",
                format!("{sampling}, which does not repeat {extent} elements {factor} times each"),
            ));
        }
    }
    if shape == from {
        node.alias(input);
        return Ok(());
    }
    let data_type = node.graph.data_type(input);
    if node.graph.constant(input).is_some() {
        return node.fold(shape, data_type, |node| Ok(repeated(node.data(input)?, &factors).data));
    }
    node.emit(Operator::Upsample { factors }, vec![input], shape, data_type)
}

/// The whole number that each axis is enlarged by.
fn factors(node: &NodeContext<'_, '_>) -> Result<Vec<usize>, ImportError> {
    let from = node.shape(node.input(0, "X")?).to_vec();
    let axes: Vec<usize> = match node.integer_list("axes")? {
        None => (0..from.len()).collect(),
        Some(axes) => axes.iter().map(|axis| node.axis(*axis, from.len())).collect::<Result<_, _>>()?,
    };
    let per_axis = |role: &'static str, count: usize| match count == axes.len() {
        true => Ok(()),
        false => Err(node.shape_error(format!("`{role}` must have {} elements", axes.len()), format!("{count}"))),
    };
    let mut factors = vec![1; from.len()];
    if let Some(scales) = scales(node)? {
        per_axis("scales", scales.len())?;
        for (axis, scale) in axes.iter().zip(scales) {
            let is_whole = scale.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&scale);
            if !is_whole {
                return Err(node.parameter_error(
                    "scales",
                    "whole numbers from 1 on",
                    format!("{scale} at axis {axis}"),
                ));
            }
            factors[*axis] = scale as usize;
        }
        return Ok(factors);
    }
    let sizes = node.integers(3, "sizes")?;
    per_axis("sizes", sizes.len())?;
    let policy = node.text("keep_aspect_ratio_policy")?.unwrap_or("stretch");
    if policy != "stretch" {
        return Err(node.attribute_error("keep_aspect_ratio_policy", "`stretch`", format!("`{policy}`")));
    }
    for (axis, size) in axes.iter().zip(sizes) {
        let whole = usize::try_from(size).ok().filter(|size| *size > 0 && size.is_multiple_of(from[*axis]));
        let size = whole.ok_or_else(|| {
            let must = format!("multiples of the input's extents {from:?}");
            node.parameter_error("sizes", must, format!("{size} at axis {axis}"))
        })?;
        factors[*axis] = size / from[*axis];
    }
    Ok(factors)
}

/// The factors as the node names them, `None` where it names sizes instead.
fn scales(node: &NodeContext<'_, '_>) -> Result<Option<Vec<f64>>, ImportError> {
    if let Some(scales) = node.float_list("scales")? {
        return Ok(Some(scales.iter().map(|scale| f64::from(*scale)).collect()));
    }
    // `Resize` has a region of interest between the tensor and the scales from operator set 11 on.
    let index = if node.operator() == "Upsample" || node.input_count() == 2 { 1 } else { 2 };
    let has_sizes = node.optional_input(3).is_some();
    match node.optional_input(index) {
        None if has_sizes => Ok(None),
        _ => {
            let scales = node.constant(index, "scales")?;
            // Exporters name an empty tensor where sizes follow.
            Ok(if scales.is_empty() && has_sizes { None } else { Some(scales.data.clone()) })
        }
    }
}

/// Which element of the input an element of the output takes.
struct Sampling {
    coordinates: Coordinates,
    rounding: Rounding,
}

/// From the index of an element of the output to a coordinate of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coordinates {
    HalfPixel,
    Asymmetric,
    AlignCorners,
    HalfPixelForNearest,
}

/// From a coordinate to an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rounding {
    PreferFloor,
    PreferCeil,
    Floor,
    Ceil,
}

impl Sampling {
    fn of(node: &NodeContext<'_, '_>) -> Result<Self, ImportError> {
        // `Upsample`, and `Resize` of operator set 10, divide the index and drop the fraction.
        if node.operator() == "Upsample" || node.input_count() == 2 {
            return Ok(Sampling { coordinates: Coordinates::Asymmetric, rounding: Rounding::Floor });
        }
        let name = "coordinate_transformation_mode";
        let coordinates = match node.text(name)?.unwrap_or("half_pixel") {
            // They differ from half_pixel only where an axis is reduced or its extent is no multiple.
            "half_pixel" | "half_pixel_symmetric" | "pytorch_half_pixel" => Coordinates::HalfPixel,
            "asymmetric" => Coordinates::Asymmetric,
            "align_corners" => Coordinates::AlignCorners,
            "tf_half_pixel_for_nn" => Coordinates::HalfPixelForNearest,
            other => {
                let must = "half_pixel, half_pixel_symmetric, pytorch_half_pixel, asymmetric, align_corners or \
                            tf_half_pixel_for_nn";
                return Err(node.attribute_error(name, must, format!("`{other}`")));
            }
        };
        let rounding = match node.text("nearest_mode")?.unwrap_or("round_prefer_floor") {
            "round_prefer_floor" => Rounding::PreferFloor,
            "round_prefer_ceil" => Rounding::PreferCeil,
            "floor" => Rounding::Floor,
            "ceil" => Rounding::Ceil,
            other => {
                let must = "round_prefer_floor, round_prefer_ceil, floor or ceil";
                return Err(node.attribute_error("nearest_mode", must, format!("`{other}`")));
            }
        };
        Ok(Sampling { coordinates, rounding })
    }

    /// The element that element `index` of `extent · factor` takes.
    fn source(&self, index: usize, extent: usize, factor: usize) -> usize {
        let (index, extent, factor) = (index as i128, extent as i128, factor as i128);
        // The coordinate as a fraction: no rounding decides a tie here.
        let (numerator, denominator) = match self.coordinates {
            Coordinates::HalfPixel => (2 * index + 1 - factor, 2 * factor),
            Coordinates::Asymmetric => (index, factor),
            Coordinates::AlignCorners if extent * factor == 1 => (0, 1),
            Coordinates::AlignCorners => (index * (extent - 1), extent * factor - 1),
            Coordinates::HalfPixelForNearest => (2 * index + 1, 2 * factor),
        };
        let floor = numerator.div_euclid(denominator);
        let twice_rest = 2 * numerator.rem_euclid(denominator);
        let is_next = match self.rounding {
            Rounding::PreferFloor => twice_rest > denominator,
            Rounding::PreferCeil => twice_rest >= denominator,
            Rounding::Floor => false,
            Rounding::Ceil => twice_rest > 0,
        };
        (floor + i128::from(is_next)).clamp(0, extent - 1) as usize
    }

    /// Whether each of `extent` elements is taken `factor` times.
    ///
    /// Sources never fall, so the first and the last place of an element decide for those in between. How far the
    /// coordinates of these two lie from the element is linear in its index, and the limits of rounding leave an
    /// interval, so the inner elements that are next to the ends decide for those in between; only at the ends
    /// themselves the limits of the axis help.
    fn repeats(&self, extent: usize, factor: usize) -> bool {
        [0, 1, extent.saturating_sub(2), extent.saturating_sub(1)].iter().filter(|element| **element < extent).all(
            |element| {
                let first = element * factor;
                [first, first + factor - 1].iter().all(|index| self.source(*index, extent, factor) == *element)
            },
        )
    }
}

impl std::fmt::Display for Sampling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let coordinates = match self.coordinates {
            Coordinates::HalfPixel => "half_pixel",
            Coordinates::Asymmetric => "asymmetric",
            Coordinates::AlignCorners => "align_corners",
            Coordinates::HalfPixelForNearest => "tf_half_pixel_for_nn",
        };
        let rounding = match self.rounding {
            Rounding::PreferFloor => "round_prefer_floor",
            Rounding::PreferCeil => "round_prefer_ceil",
            Rounding::Floor => "floor",
            Rounding::Ceil => "ceil",
        };
        write!(f, "{coordinates} with {rounding}")
    }
}

#[cfg(test)]
mod tests {
    use super::Coordinates::{AlignCorners, Asymmetric, HalfPixel, HalfPixelForNearest};
    use super::Rounding::{Ceil, Floor, PreferCeil, PreferFloor};
    use super::Sampling;

    #[test]
    fn what_repeats() {
        let factors = |coordinates, rounding| -> Vec<usize> {
            (1..=5).filter(|factor| Sampling { coordinates, rounding }.repeats(4, *factor)).collect()
        };
        assert_eq!(factors(HalfPixel, PreferFloor), [1, 2, 3, 4, 5]);
        assert_eq!(factors(HalfPixel, PreferCeil), [1, 2, 3, 4, 5]);
        assert_eq!(factors(HalfPixel, Floor), [1]);
        assert_eq!(factors(HalfPixel, Ceil), [1]);
        assert_eq!(factors(Asymmetric, Floor), [1, 2, 3, 4, 5]);
        assert_eq!(factors(Asymmetric, PreferFloor), [1, 2]);
        assert_eq!(factors(Asymmetric, PreferCeil), [1]);
        assert_eq!(factors(AlignCorners, PreferFloor), [1, 2]);
        assert_eq!(factors(HalfPixelForNearest, Floor), [1, 2, 3, 4, 5]);
        assert_eq!(factors(HalfPixelForNearest, PreferFloor), [1]);
    }

    #[test]
    fn four_elements_decide_for_all() {
        for coordinates in [HalfPixel, Asymmetric, AlignCorners, HalfPixelForNearest] {
            for rounding in [PreferFloor, PreferCeil, Floor, Ceil] {
                for (extent, factor) in (1..=9).flat_map(|extent| (1..=6).map(move |factor| (extent, factor))) {
                    let sampling = Sampling { coordinates, rounding };
                    let all = (0..extent * factor).all(|i| sampling.source(i, extent, factor) == i / factor);
                    assert_eq!(sampling.repeats(extent, factor), all, "{sampling}, {extent} elements, {factor} times");
                }
            }
        }
    }
}
