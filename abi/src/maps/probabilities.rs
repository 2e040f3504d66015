//! What a host makes of all scores together: softmax, its logarithm, the logistic function; and codes of the result.
//!
//! This is the definition of these functions, for every engine and for the reference: of scores in float32, computed in
//! float64 by operations that give the same on every machine, the result rounded to float32 once.

use crate::StepFunction;
use serde::{Deserialize, Serialize};

/// Neighbours along an axis of values in row-major order: those of one row lie `inner` values apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// Values along the axis.
    pub extent: usize,
    /// Values between one and the next: the extents of all axes behind.
    pub inner: usize,
}

impl Axis {
    /// Axis number `axis` of values of shape `shape`.
    pub fn of(shape: &[usize], axis: usize) -> Self {
        Axis { extent: shape[axis], inner: shape[axis + 1..].iter().product() }
    }

    /// Whether `values` values are whole rows along the axis.
    pub fn divides(&self, values: usize) -> bool {
        self.extent.checked_mul(self.inner).is_some_and(|block| block > 0 && values.is_multiple_of(block))
    }

    /// The indices of each row's values; the rows in row-major order of the other axes.
    pub fn rows(self, values: usize) -> impl Iterator<Item = impl Iterator<Item = usize> + Clone> {
        let Axis { extent, inner } = self;
        let firsts = (0..values / (extent * inner)).flat_map(move |block| {
            let first = block * extent * inner;
            first..first + inner
        });
        firsts.map(move |first| (0..extent).map(move |index| first + index * inner))
    }
}

/// A function of scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreFunction {
    /// exp(x) divided by the sum of exp(x) along the axis.
    Softmax(Axis),
    /// The natural logarithm of the softmax.
    LogSoftmax(Axis),
    /// 1 / (1 + exp(−x)).
    Sigmoid,
}

impl ScoreFunction {
    /// The operator's name in ONNX.
    pub fn name(&self) -> &'static str {
        match self {
            ScoreFunction::Softmax(_) => "Softmax",
            ScoreFunction::LogSoftmax(_) => "LogSoftmax",
            ScoreFunction::Sigmoid => "Sigmoid",
        }
    }

    /// The axis that it sums along.
    pub fn axis(&self) -> Option<Axis> {
        match self {
            ScoreFunction::Softmax(axis) | ScoreFunction::LogSoftmax(axis) => Some(*axis),
            ScoreFunction::Sigmoid => None,
        }
    }

    /// The function of `scores`, which are finite and whole rows along its axis.
    pub fn apply(&self, scores: &[f32]) -> Vec<f32> {
        let mut results = vec![0.0; scores.len()];
        match self {
            ScoreFunction::Softmax(axis) => {
                for row in axis.rows(scores.len()) {
                    let (_, sum) = greatest_and_sum(scores, row.clone(), |index, power| results[index] = power);
                    for index in row {
                        results[index] /= sum;
                    }
                }
            }
            ScoreFunction::LogSoftmax(axis) => {
                for row in axis.rows(scores.len()) {
                    let (greatest, sum) = greatest_and_sum(scores, row.clone(), |_, _| {});
                    for index in row {
                        results[index] = f64::from(scores[index]) - greatest - libm::log(sum);
                    }
                }
            }
            ScoreFunction::Sigmoid => {
                for (result, score) in results.iter_mut().zip(scores) {
                    *result = sigmoid(f64::from(*score));
                }
            }
        }
        results.into_iter().map(|result| result as f32).collect()
    }
}

/// The greatest score of a row and the sum, in the row's order, of exp(x − greatest); each term is shown to `visit`.
fn greatest_and_sum(
    scores: &[f32],
    row: impl Iterator<Item = usize> + Clone,
    mut visit: impl FnMut(usize, f64),
) -> (f64, f64) {
    let greatest = row.clone().fold(f64::NEG_INFINITY, |greatest, index| greatest.max(f64::from(scores[index])));
    let mut sum = 0.0;
    for index in row {
        let power = libm::exp(f64::from(scores[index]) - greatest);
        visit(index, power);
        sum += power;
    }
    (greatest, sum)
}

/// No power is ever beyond f64.
fn sigmoid(x: f64) -> f64 {
    let power = libm::exp(-x.abs());
    if x >= 0.0 { 1.0 / (1.0 + power) } else { power / (1.0 + power) }
}

/// What a host computes of scores before they are the output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreMap {
    /// The function of the scores, each rounded to float32 first.
    pub function: ScoreFunction,
    /// Codes of its results, where a quantiser stands behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codes: Option<CodeMap>,
}

/// Codes of float32 numbers, and what they stand for: `scale · code + bias`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CodeMap {
    /// The codes.
    pub function: StepFunction<f32>,
    /// Factor of each code.
    pub scale: f64,
    /// Summand of each.
    pub bias: f64,
}

impl ScoreMap {
    /// The output's values, of which all are float32 but those of codes.
    pub(super) fn apply(&self, scores: &[f32]) -> Vec<f64> {
        let results = self.function.apply(scores).into_iter();
        match &self.codes {
            None => results.map(f64::from).collect(),
            Some(CodeMap { function, scale, bias }) => {
                results.map(|result| scale * f64::from(function.at(result)) + bias).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROW: ScoreFunction = ScoreFunction::Softmax(Axis { extent: 3, inner: 1 });

    #[test]
    fn functions_have_their_values() {
        // 1 / (1 + e + e²) times 1, e and e².
        assert_eq!(ROW.apply(&[1.0, 2.0, 3.0]), [0.090_030_57, 0.244_728_47, 0.665_240_94]);
        assert_eq!(ROW.apply(&[5.0; 3]), [1.0 / 3.0; 3]);
        assert_eq!(ROW.apply(&[3e38, -3e38, 3e38]), [0.5, 0.0, 0.5]);
        let logarithm = ScoreFunction::LogSoftmax(Axis { extent: 2, inner: 1 });
        assert_eq!(logarithm.apply(&[0.0, 0.0]), [-std::f32::consts::LN_2; 2]);
        assert_eq!(logarithm.apply(&[0.0, -1000.0]), [0.0, -1000.0]);
        let values = ScoreFunction::Sigmoid.apply(&[0.0, -3e38, 3e38, 1.0, -1.0]);
        assert_eq!(values, [0.5, 0.0, 1.0, 0.731_058_6, 0.268_941_43]);
    }

    #[test]
    fn rows_lie_along_the_axis() {
        let rows =
            |axis: Axis, values: usize| -> Vec<Vec<usize>> { axis.rows(values).map(Iterator::collect).collect() };
        let shape = [2, 3, 2];
        let expected: [&[usize]; 4] = [&[0, 2, 4], &[1, 3, 5], &[6, 8, 10], &[7, 9, 11]];
        assert_eq!(rows(Axis::of(&shape, 1), 12), expected);
        assert_eq!(rows(Axis::of(&shape, 2), 4), [[0, 1], [2, 3]]);
        assert!(Axis::of(&shape, 0).divides(12) && !Axis::of(&shape, 0).divides(11));
        assert!(!Axis { extent: usize::MAX, inner: 2 }.divides(0) && !Axis { extent: 0, inner: 1 }.divides(0));
    }

    #[test]
    fn codes_are_those_of_the_rounded_results() {
        let function = StepFunction { boundaries: vec![0.25, 0.5], values: vec![0, 1, 2] };
        let map =
            ScoreMap { function: ScoreFunction::Sigmoid, codes: Some(CodeMap { function, scale: 0.5, bias: -1.0 }) };
        assert_eq!(map.apply(&[-9.0, -1.0, 0.0, 9.0]), [-1.0, -0.5, 0.0, 0.0]);
    }

    proptest! {
        /// Within one unit of the last place of float32, by an independent order of operations.
        #[test]
        fn softmax_is_near_to_the_standard_library(scores in prop::collection::vec(-90f32..90.0, 6)) {
            let axis = Axis { extent: 3, inner: 2 };
            let found = ScoreFunction::Softmax(axis).apply(&scores);
            let logarithms = ScoreFunction::LogSoftmax(axis).apply(&scores);
            for row in 0..2 {
                let powers: Vec<f64> = (0..3).map(|i| f64::from(scores[row + 2 * i]).exp()).collect();
                for (i, power) in powers.iter().enumerate() {
                    let expected = power / powers.iter().sum::<f64>();
                    let error = |found: f32, expected: f64| (f64::from(found) - expected).abs() / expected.abs().max(1e-37);
                    prop_assert!(error(found[row + 2 * i], expected) <= 1.2e-7);
                    let logarithm = expected.ln();
                    prop_assert!((f64::from(logarithms[row + 2 * i]) - logarithm).abs() <= 1e-7 * logarithm.abs() + 1e-12);
                }
            }
        }
    }
}
