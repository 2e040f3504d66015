//! Integers out of real weights.

use crate::chip::number::greatest_common_divisor;
use abi::ElementType;
use network::grid::{MAX_WEIGHT, greatest_common_step};
use network::network::WeightMatrix;

/// A matrix of real weights as integers times one scale per row.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegerWeights {
    /// The integers.
    pub matrix: WeightMatrix,
    /// The scale of each row, exact.
    pub scales: Vec<f64>,
}

/// Weights that lie on no grid of few bits.
#[derive(Clone, Debug, PartialEq)]
pub struct NoGrid {
    /// The first such row.
    pub row: usize,
    /// How many steps of the row's finest grid its greatest weight takes, where that could be told.
    pub steps: Option<u64>,
}

/// Splits each row of `rows` × `columns` real weights into integers and a scale, the greatest one there is.
///
/// # Errors
/// Where a row needs integers beyond [`MAX_WEIGHT`].
pub fn integer_weights(weights: &[f64], rows: usize, columns: usize) -> Result<IntegerWeights, NoGrid> {
    let mut values = Vec::with_capacity(weights.len());
    let mut scales = Vec::with_capacity(rows);
    for row in 0..rows {
        let weights = &weights[row * columns..(row + 1) * columns];
        let scale = greatest_common_step(weights, MAX_WEIGHT as f64).ok_or(NoGrid { row, steps: None })?;
        for weight in weights {
            let steps = weight / scale;
            if steps.abs() > MAX_WEIGHT as f64 {
                return Err(NoGrid { row, steps: Some(steps.abs() as u64) });
            }
            values.push(steps as i16);
        }
        scales.push(scale);
    }
    let element = element_of(&values);
    Ok(IntegerWeights { matrix: WeightMatrix { rows, columns, element, values }, scales })
}

/// The smallest type that holds all weights; [`ElementType::Bipolar`] where none is zero and none beyond ±1.
pub fn element_of(weights: &[i16]) -> ElementType {
    let minimum = i64::from(weights.iter().copied().min().unwrap_or(1));
    let maximum = i64::from(weights.iter().copied().max().unwrap_or(1));
    if weights.iter().all(|weight| weight.abs() == 1) {
        ElementType::Bipolar
    } else {
        ElementType::holding(minimum.min(-1), maximum)
    }
}

/// The least and the greatest dot product of `weights` with elements of a range.
pub fn row_range(weights: &[i16], (minimum, maximum): (i64, i64)) -> (i64, i64) {
    weights.iter().fold((0, 0), |(low, high), weight| {
        let (a, b) = (i64::from(*weight) * minimum, i64::from(*weight) * maximum);
        (low + a.min(b), high + a.max(b))
    })
}

/// Distance of neighbouring values of a dot product with `weights` of elements that lie `input_step` apart.
pub fn row_spacing(weights: &[i16], input_step: i64) -> i64 {
    let divisor = |divisor: usize, weight: &i16| greatest_common_divisor(divisor, usize::from(weight.unsigned_abs()));
    (weights.iter().fold(0, divisor) as i64 * input_step).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn scaled_integers_come_back(
            codes in prop::collection::vec(-8i64..8, 1..40),
            scale in (1e-3f32..10.0).prop_map(f64::from),
        ) {
            let weights: Vec<f64> = codes.iter().map(|code| *code as f64 * scale).collect();
            let found = integer_weights(&weights, 1, weights.len()).map_err(|e| TestCaseError::fail(format!("{e:?}")))?;
            for (integer, weight) in found.matrix.values.iter().zip(&weights) {
                prop_assert_eq!(f64::from(*integer) * found.scales[0], *weight);
            }
        }
    }

    #[test]
    fn weights_without_a_grid_are_told() {
        assert_eq!(integer_weights(&[1.0, 0.1], 1, 2), Err(NoGrid { row: 0, steps: None }));
        assert!(integer_weights(&[1.0, -1.0, 1.0, 1.0], 2, 2).unwrap().matrix.element == ElementType::Bipolar);
    }
}
