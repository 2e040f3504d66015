//! Image values that the model was not made for.

use crate::{ElementType, InputMap, StepFunction};
use serde::Serialize;

/// Values outside of what a network's input is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outside {
    /// What a value must be, in words: the first one that is not, where values differ in that.
    pub expected: String,
    /// Number of values that are not.
    pub values: usize,
    /// Number of all values.
    pub of_values: usize,
    /// Number of images that hold such values.
    pub images: usize,
    /// Index of the first such image.
    pub first_image: usize,
    /// Row-major index of the first such value there.
    pub first_index: usize,
    /// That value.
    pub first_value: f32,
}

/// What the values of an input are.
enum Domain<'a> {
    /// Integers of a type that the file states.
    Integers(ElementType),
    /// Numbers of the scale of the input's quantiser: the ends for each of the map's functions.
    Ranges(&'a InputMap, Vec<(f32, f32)>),
}

impl Domain<'_> {
    fn of(map: &InputMap) -> Domain<'_> {
        match map.domain {
            Some(element) => Domain::Integers(element),
            None => Domain::Ranges(map, map.functions.iter().map(ends).collect()),
        }
    }

    fn contains(&self, index: usize, value: f32) -> bool {
        match self {
            Domain::Integers(element) => value.fract() == 0.0 && element.contains(value as i64),
            Domain::Ranges(map, ranges) => {
                let (low, high) = range(map, ranges, index);
                value.is_finite() && (low..=high).contains(&value)
            }
        }
    }

    /// What the value at `index` must be.
    fn in_words(&self, index: usize) -> String {
        match self {
            Domain::Integers(ElementType::Bipolar) => "-1 or 1, as the model states".into(),
            Domain::Integers(element) => {
                format!("an integer from {} to {}, as the model states", element.minimum(), element.maximum())
            }
            Domain::Ranges(map, ranges) => {
                let (low, high) = range(map, ranges, index);
                if low.is_finite() || high.is_finite() {
                    format!("from {low} to {high}, which the input's quantiser is made for")
                } else {
                    "a finite number".into()
                }
            }
        }
    }
}

/// The range of the function that the value at `index` goes through.
fn range(map: &InputMap, ranges: &[(f32, f32)], index: usize) -> (f32, f32) {
    ranges[map.function_of.get(index).map_or(0, |function| *function as usize)]
}

/// Between which numbers an input of a quantiser should lie. Quantisers are trained to cut off some numbers; one that lies
/// farther off than the range that is told apart is wide is of another scale. One with one or two boundaries asks on which
/// side of zero a number lies, or whether it is near it (the sign has two boundaries, around zero), and no number is too
/// far away for that.
fn ends(function: &StepFunction<f32>) -> (f32, f32) {
    match function.boundaries.as_slice() {
        [first, _, .., last] if last > first => (first - (last - first), last + (last - first)),
        _ => (f32::NEG_INFINITY, f32::INFINITY),
    }
}

impl InputMap {
    /// The values of `images`, each in the row-major order of the model's input shape, that the model was not made for:
    /// where the file states integers, others than those; else those of another scale than the input's quantiser. `None` where
    /// there are none.
    pub fn outside(&self, images: &[Vec<f32>]) -> Option<Outside> {
        let domain = Domain::of(self);
        let mut found: Option<Outside> = None;
        for (number, image) in images.iter().enumerate() {
            let strange =
                || image.iter().copied().enumerate().filter(|(index, value)| !domain.contains(*index, *value));
            let Some((first_index, first_value)) = strange().next() else { continue };
            let outside = found.get_or_insert_with(|| Outside {
                expected: domain.in_words(first_index),
                values: 0,
                of_values: images.iter().map(Vec::len).sum(),
                images: 0,
                first_image: number,
                first_index,
                first_value,
            });
            outside.values += strange().count();
            outside.images += 1;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(domain: Option<ElementType>, boundaries: &[&[f32]], function_of: &[u32]) -> InputMap {
        let function = |boundaries: &&[f32]| StepFunction {
            boundaries: boundaries.to_vec(),
            values: (0..=boundaries.len() as i32).collect(),
        };
        InputMap {
            domain,
            shape: vec![3],
            element: ElementType::Unsigned { bits: 8 },
            functions: boundaries.iter().map(function).collect(),
            function_of: function_of.to_vec(),
            source_of: Vec::new(),
        }
    }

    #[test]
    fn stated_integers_are_held_to_their_type() {
        let map = map(Some(ElementType::Unsigned { bits: 8 }), &[&[127.5]], &[]);
        assert_eq!(map.outside(&[vec![0.0, 255.0, 1.0]]), None);
        let images = [vec![0.0; 3], vec![7.0, 0.5, -1.0], vec![256.0, 0.0, 1e30]];
        let found = map.outside(&images).unwrap();
        assert_eq!((found.values, found.of_values, found.images), (4, 9, 2));
        assert_eq!((found.first_image, found.first_index, found.first_value), (1, 1, 0.5));
        assert_eq!(found.expected, "an integer from 0 to 255, as the model states");
        let signs = InputMap { domain: Some(ElementType::Bipolar), ..map };
        assert_eq!(signs.outside(&[vec![1.0, -1.0, 0.0]]).unwrap().values, 1);
    }

    #[test]
    fn signs_and_ternary_codes_are_of_no_scale() {
        let map = map(None, &[&[-0.0, f32::from_bits(1)], &[-0.5, 0.5], &[0.0]], &[0, 1, 2]);
        assert_eq!(map.outside(&[vec![1.0, -3.0, 1e30], vec![-255.0, 255.0, -1e30]]), None);
    }

    #[test]
    fn numbers_of_another_scale_are_told_and_signs_never() {
        let map = map(None, &[&[-0.5, 0.5, 1.5], &[10.0], &[]], &[0, 1, 2]);
        assert_eq!(map.outside(&[vec![-2.5, 1e30, -1e30], vec![3.5, 0.0, 0.0]]), None);
        let found = map.outside(&[vec![-2.6, 0.0, 0.0], vec![255.0, 0.0, 0.0]]).unwrap();
        assert_eq!((found.values, found.images, found.first_value), (2, 2, -2.6));
        assert!(found.expected.starts_with("from -2.5 to 3.5"), "{}", found.expected);
    }
}
