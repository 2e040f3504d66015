//! The float ends of a network as data: from input values to codes, from output integers to scores.
//!
//! Both are tables found by evaluating the network's own arithmetic, so a program that only looks things up gets
//! exactly the codes and scores that the network defines.

mod exact;
mod probabilities;
mod search;
mod softmax;

pub use probabilities::{Axis, CodeMap, ScoreFunction, ScoreMap};
pub use search::{Found, Search};
pub use softmax::Softmax;

use crate::{ElementType, StepFunction};
use exact::ExactScore;
use miette::Diagnostic;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// From the values of one input image to the elements of the network's first tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputMap {
    /// The integers that the file says the image's values are; `None` where it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<ElementType>,
    /// Shape of an image as the model states it, batch axis included where the model has one.
    pub shape: Vec<usize>,
    /// Type of the elements made.
    pub element: ElementType,
    /// The different step functions in use.
    pub functions: Vec<StepFunction<f32>>,
    /// Which of `functions` each image value goes through, in the image's row-major order; empty where there is
    /// one for all.
    pub function_of: Vec<u32>,
    /// For each element in stream order, the row-major index of the image value it is made from; empty where
    /// the orders agree.
    pub source_of: Vec<u32>,
}

/// `shape`, a model's for one image, without its batch axis.
pub fn image_shape(shape: &[usize]) -> &[usize] {
    match shape.split_first() {
        Some((1, image)) => image,
        _ => shape,
    }
}

/// Whether an array of shape `found` is one of images of a model's `shape`: its leading axis counts them, the others are an
/// image's, with or without a batch axis.
pub fn is_shape_of_images(found: &[usize], shape: &[usize]) -> bool {
    found.split_first().is_some_and(|(_, image)| image == shape || image == image_shape(shape))
}

/// An image value that stands for nothing.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
pub enum MapError {
    /// NaN or an infinity, of which no model says what it makes.
    #[error("every input value must be a finite number, but the value at index {index} of the image is {value}")]
    #[diagnostic(code(abi::not_finite), help("replace or drop the images that hold NaN or infinite values"))]
    NotFinite {
        /// Row-major index in the image.
        index: usize,
        /// The value.
        value: f32,
    },
    /// Wrong number of values.
    #[error("an image of this network has {expected} values, but {found} were given")]
    #[diagnostic(code(abi::image_size), help("give each image in the shape that `xnorforge info` shows"))]
    ImageSize {
        /// Values of one image.
        expected: usize,
        /// Values given.
        found: usize,
    },
}

impl InputMap {
    /// Number of values of one image.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether an image has no values at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements, in stream order, of one image given in row-major order.
    ///
    /// # Errors
    /// Where the number of values is not that of an image, or one of them is not finite.
    pub fn apply(&self, image: &[f32]) -> Result<Vec<i32>, MapError> {
        if image.len() != self.len() {
            return Err(MapError::ImageSize { expected: self.len(), found: image.len() });
        }
        check_finite(image)?;
        let code = |index: usize| {
            let function = self.function_of.get(index).map_or(0, |f| *f as usize);
            self.functions[function].at(image[index])
        };
        Ok(if self.source_of.is_empty() {
            (0..image.len()).map(code).collect()
        } else {
            self.source_of.iter().map(|source| code(*source as usize)).collect()
        })
    }
}

/// Checks that all values of an image are numbers.
///
/// # Errors
/// Where one is NaN or infinite, the first one.
pub fn check_finite(image: &[f32]) -> Result<(), MapError> {
    match image.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(index) => Err(MapError::NotFinite { index, value: image[index] }),
    }
}

/// What is made of the scores at the very end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// Nothing: the scores are the output.
    None,
    /// The index of the greatest score, the lowest on ties, is the output, an integer.
    ArgMax,
    /// The device has already taken the index: the integer is the output.
    Index,
    /// The greatest scores along an axis, or their indices.
    Search(Search),
    /// A softmax of the scores, which are integers, is the output.
    Softmax(Softmax),
}

/// From the integers of the network's last tensor to the scores of one image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputMap {
    /// Shape of one image's output, batch axis left out.
    pub shape: Vec<usize>,
    /// Factor of each score, or one factor for all.
    pub scale: Vec<f64>,
    /// Summand of each score, or one summand for all.
    pub bias: Vec<f64>,
    /// What all sums are divided by, a positive number: 1, but where no float64 is the quotient.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub divisor: f64,
    /// For each score in the output's row-major order, the index of its element in stream order; empty where the
    /// orders agree.
    pub source_of: Vec<u32>,
    /// What the host computes of the scores first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score_map: Option<ScoreMap>,
    /// What is made of the scores.
    pub reduction: Reduction,
}

fn one() -> f64 {
    1.0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_one(divisor: &f64) -> bool {
    *divisor == 1.0
}

/// The output of one image.
#[derive(Clone, Debug, PartialEq)]
pub enum Scores {
    /// One number per class.
    Values(Vec<f32>),
    /// Class indices.
    Indices(Vec<i64>),
}

impl OutputMap {
    /// The output of one image whose last tensor, in stream order, is `elements`.
    pub fn apply(&self, elements: &[i32]) -> Scores {
        if self.reduction == Reduction::Index {
            return Scores::Indices(elements.iter().map(|index| i64::from(*index)).collect());
        }
        let score = |index: usize| {
            let element = self.source_of.get(index).map_or(index, |source| *source as usize);
            let at = |table: &[f64]| if table.len() == 1 { table[0] } else { table[index] };
            ExactScore::of(at(&self.scale), elements[element], at(&self.bias), self.divisor)
        };
        let scores = (0..elements.len()).map(score);
        let scores: Vec<ExactScore> = match &self.score_map {
            None => scores.collect(),
            Some(map) => {
                let singles: Vec<f32> = scores.map(|score| score.single()).collect();
                map.apply(&singles).into_iter().map(ExactScore::plain).collect()
            }
        };
        match self.reduction {
            Reduction::None => Scores::Values(scores.iter().map(ExactScore::single).collect()),
            Reduction::ArgMax | Reduction::Index => Scores::Indices(vec![greatest(&scores) as i64]),
            Reduction::Search(search) => search.apply(&scores),
            Reduction::Softmax(softmax) => {
                let scores: Vec<i64> = scores.iter().map(|score| score.single().round() as i64).collect();
                Scores::Values(softmax.values(&scores).into_iter().map(|value| value as f32).collect())
            }
        }
    }

    /// Whether the output holds indices, not numbers.
    pub fn gives_indices(&self) -> bool {
        match self.reduction {
            Reduction::None | Reduction::Softmax(_) => false,
            Reduction::ArgMax | Reduction::Index => true,
            Reduction::Search(search) => search.gives == Found::Indices,
        }
    }

    /// Number of outputs of an image whose last tensor has `elements` elements.
    pub fn outputs(&self, elements: usize) -> usize {
        match self.reduction {
            Reduction::None | Reduction::Softmax(_) => elements,
            Reduction::ArgMax | Reduction::Index => 1,
            Reduction::Search(search) => search.outputs(elements),
        }
    }

    /// Number of classes that a prediction tells apart, two where there is a single score; `None` where the device finds the
    /// class and only the network knows how many there are.
    pub fn classes(&self, elements: usize) -> Option<usize> {
        match self.reduction {
            Reduction::Index => None,
            Reduction::None if elements == 1 => Some(2),
            Reduction::None | Reduction::ArgMax | Reduction::Softmax(_) => Some(elements),
            Reduction::Search(search) => Some(search.along.extent),
        }
    }

    /// Whether what follows the scores can be applied to `elements` of them.
    pub fn fits(&self, elements: usize) -> bool {
        let axis = self.score_map.as_ref().and_then(|map| map.function.axis());
        let searches = match self.reduction {
            Reduction::None | Reduction::ArgMax | Reduction::Index => true,
            Reduction::Search(search) => search.fits(elements),
            Reduction::Softmax(softmax) => {
                (1..=Softmax::DEEPEST).contains(&softmax.depth) && elements.is_multiple_of(softmax.depth)
            }
        };
        searches && axis.is_none_or(|axis| axis.divides(elements))
    }

    /// The class that an output of this map [predicts](Scores::prediction).
    pub fn prediction(&self, output: &Scores) -> i64 {
        let is_probability = self.score_map.as_ref().is_some_and(|map| map.function == ScoreFunction::Sigmoid);
        output.prediction(if is_probability { 0.5 } else { 0.0 })
    }
}

impl Scores {
    /// The outputs of all images one after the other: indices where every image gives indices, else numbers.
    pub fn concat(images: &[Scores]) -> Scores {
        let indices: Option<Vec<&[i64]>> = images.iter().map(Scores::indices).collect();
        match indices {
            Some(indices) => Scores::Indices(indices.concat()),
            None => Scores::Values(images.iter().flat_map(Scores::numbers).collect()),
        }
    }

    /// The indices, if these are some.
    fn indices(&self) -> Option<&[i64]> {
        match self {
            Scores::Indices(indices) => Some(indices),
            Scores::Values(_) => None,
        }
    }

    /// The outputs as numbers, indices among them.
    pub fn numbers(&self) -> Vec<f32> {
        match self {
            Scores::Values(values) => values.clone(),
            Scores::Indices(indices) => indices.iter().map(|index| *index as f32).collect(),
        }
    }

    /// The predicted class: the first index itself, the greatest value's index (the lowest on ties), or for a single value
    /// whether it is above `middle`: 0 for a score, 1/2 for a probability.
    pub fn prediction(&self, middle: f32) -> i64 {
        match self {
            Scores::Indices(indices) => indices[0],
            Scores::Values(values) if values.len() == 1 => i64::from(values[0] > middle),
            Scores::Values(values) => arg_max(values) as i64,
        }
    }
}

/// Index of the greatest score, the lowest index on ties. No rounding makes a tie.
fn greatest(scores: &[ExactScore]) -> usize {
    let greater = |best: usize, index: usize| if scores[index].compare(&scores[best]).is_gt() { index } else { best };
    (1..scores.len()).fold(0, greater)
}

/// Index of the greatest value, the lowest index on ties; 0 for an empty slice.
pub fn arg_max<T: PartialOrd>(values: &[T]) -> usize {
    let mut best = 0;
    for index in 1..values.len() {
        if values[index] > values[best] {
            best = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_have_a_batch_axis_or_none() {
        let batched = [1, 3, 8, 8];
        assert_eq!(image_shape(&batched), [3, 8, 8]);
        for found in [vec![5, 3, 8, 8], vec![5, 1, 3, 8, 8], vec![0, 3, 8, 8]] {
            assert!(is_shape_of_images(&found, &batched), "{found:?}");
        }
        for found in [&[] as &[usize], &[3, 8, 8], &[5, 2, 3, 8, 8], &[5, 192], &[5, 3, 8, 8, 1]] {
            assert!(!is_shape_of_images(found, &batched), "{found:?}");
        }
        assert_eq!(image_shape(&[7]), [7]);
        assert!(is_shape_of_images(&[2, 7], &[7]) && !is_shape_of_images(&[2, 1, 7], &[7]));
    }

    #[test]
    fn outputs_stand_one_after_the_other() {
        let values = |values: &[f32]| Scores::Values(values.to_vec());
        let indices = |indices: &[i64]| Scores::Indices(indices.to_vec());
        assert_eq!(Scores::concat(&[values(&[1.5, 2.0]), values(&[0.0, -1.0])]), values(&[1.5, 2.0, 0.0, -1.0]));
        assert_eq!(Scores::concat(&[indices(&[3]), indices(&[4])]), indices(&[3, 4]));
        assert_eq!(indices(&[3, 4]).numbers(), [3.0, 4.0]);
    }

    #[test]
    fn functions_come_between_scores_and_search() {
        let along = Axis { extent: 2, inner: 1 };
        let map = OutputMap {
            shape: vec![2],
            scale: vec![0.5],
            bias: vec![0.0, 0.0, 1.0, 1.0],
            divisor: 1.0,
            source_of: vec![3, 2, 1, 0],
            score_map: Some(ScoreMap { function: ScoreFunction::Softmax(along), codes: None }),
            reduction: Reduction::Search(Search { along, k: 1, last: false, gives: Found::Values }),
        };
        assert!(map.fits(4) && !map.fits(3) && map.outputs(4) == 2 && map.classes(4) == Some(2));
        assert_eq!(map.apply(&[7, 7, 400, 0]), Scores::Values(vec![1.0, 0.5]));
        let all = OutputMap { reduction: Reduction::None, ..map };
        assert_eq!(all.apply(&[7, 7, 400, 0]), Scores::Values(vec![0.0, 1.0, 0.5, 0.5]));
    }

    #[test]
    fn a_single_probability_is_judged_at_a_half() {
        let mut map = OutputMap {
            shape: vec![1],
            scale: vec![1.0],
            bias: vec![0.0],
            divisor: 1.0,
            source_of: vec![],
            score_map: None,
            reduction: Reduction::None,
        };
        for function in [None, Some(ScoreFunction::Sigmoid)] {
            map.score_map = function.map(|function| ScoreMap { function, codes: None });
            let classes = [-1, 0, 1].map(|score| map.prediction(&map.apply(&[score])));
            assert_eq!(classes, [0, 0, 1], "{function:?}");
        }
    }

    #[test]
    fn scores_closer_than_float32_are_no_tie() {
        let map = OutputMap {
            shape: vec![1],
            scale: vec![1.0],
            bias: vec![0.0, 1e-12],
            divisor: 1.0,
            source_of: vec![],
            score_map: None,
            reduction: Reduction::ArgMax,
        };
        assert_eq!(map.apply(&[100, 100]), Scores::Indices(vec![1]));
        assert_eq!(OutputMap { bias: vec![0.0], ..map }.apply(&[100, 100]), Scores::Indices(vec![0]));
    }
}
