//! The contents of a unit's memories: weights, and per row thresholds or biases.

use super::MatrixVectorShape;
use crate::blocks::lane_sum::greatest_sum;
use crate::wire::Word;
use abi::{ElementType, StepFunction};
use network::network::{TensorType, WeightMatrix};

/// What a unit makes of its accumulators.
#[derive(Clone, Copy, Debug)]
pub enum RowFunction<'a> {
    /// The accumulators themselves, of the given type.
    Accumulator(ElementType),
    /// Rising step functions, one per row, into a tensor of the given type.
    Steps(&'a [StepFunction<i64>], &'a TensorType),
}

/// The rows of the second memory.
pub(super) struct RowConstants {
    /// What they are, for the memory's name.
    pub what: &'static str,
    /// One word per row fold.
    pub rows: Vec<Word>,
    /// Bits of one row's constants.
    pub width: usize,
    /// Thresholds of a row; 0 for biases.
    pub levels: usize,
    /// Bit pattern of the least code.
    pub least: u64,
    /// Bits of an element out.
    pub element_bits: usize,
}

/// The words of the weight memory: for each row fold, for each column fold, `pe` times `simd` bits. Lanes beyond the
/// last column have weight +1, so that their zero bits count nothing.
pub(super) fn weight_rows(weights: &WeightMatrix, pe: usize, simd: usize) -> Vec<Word> {
    let (row_folds, column_folds) = (weights.rows.div_ceil(pe), weights.columns.div_ceil(simd));
    let bit = |row: usize, column: usize| {
        row >= weights.rows || column >= weights.columns || weights.values[row * weights.columns + column] > 0
    };
    let mut words = Vec::with_capacity(row_folds * column_folds);
    for row_fold in 0..row_folds {
        for column_fold in 0..column_folds {
            let bits = (0..pe * simd).map(|n| bit(row_fold * pe + n / simd, column_fold * simd + n % simd));
            words.push(Word::from_bits(bits));
        }
    }
    words
}

/// What the true accumulator of `row` has beyond `scale · sum`, when vectors are padded to `columns`.
fn bias(shape: &MatrixVectorShape, row: usize, columns: usize) -> i64 {
    let weights = shape.weights.row(row);
    let negative = weights.iter().filter(|weight| **weight < 0).count() as i64;
    let positive = weights.len() as i64 - negative;
    match shape.input {
        // Matches minus mismatches.
        ElementType::Bipolar => -(weights.len() as i64),
        // A lane with weight −1 counts 2^bits − 1 − x.
        ElementType::Unsigned { bits } => -negative * ((1 << bits) - 1),
        // Lanes count x + 2^(bits−1), or 2^bits − 1 − that; unused lanes are zero with weight +1.
        ElementType::Signed { bits } => {
            let half = 1i64 << (bits - 1);
            let unused = (columns - weights.len()) as i64;
            -(positive + unused) * half - negative * (half - 1)
        }
    }
}

/// The thresholds of the sum, ascending, one for each code above the least. A threshold of 0 is always reached, one of
/// `never` never.
fn sum_thresholds(step: &StepFunction<i64>, tensor: &TensorType, scale: i64, bias: i64, never: i64) -> Vec<i64> {
    let codes = (1..=levels(tensor) as i64).map(|level| least_value(tensor) + level * tensor.element.step());
    codes
        .map(|code| match step.values.iter().position(|value| i64::from(*value) >= code) {
            None => never,
            Some(0) => 0,
            Some(piece) => {
                let threshold = step.boundaries[piece - 1];
                (threshold - bias).div_euclid(scale) + i64::from((threshold - bias).rem_euclid(scale) != 0)
            }
        })
        .map(|threshold| threshold.clamp(0, never))
        .collect()
}

/// The value that codes are counted from: low enough that zero bits, which unused lanes must hold, can be counted too.
pub fn least_value(tensor: &TensorType) -> i64 {
    match tensor.element {
        ElementType::Bipolar => -1,
        ElementType::Unsigned { .. } | ElementType::Signed { .. } => tensor.minimum.min(0),
    }
}

/// Thresholds that a tensor's codes take, zero included, at least one.
pub fn levels(tensor: &TensorType) -> usize {
    let greatest = match tensor.element {
        ElementType::Bipolar => 1,
        ElementType::Unsigned { .. } | ElementType::Signed { .. } => tensor.maximum.max(0),
    };
    ((greatest - least_value(tensor)) / tensor.element.step()).max(1) as usize
}

/// The rows of the constants' memory.
pub(super) fn row_constants(shape: &MatrixVectorShape, row_folds: usize, columns: usize) -> RowConstants {
    let scale = if shape.input == ElementType::Bipolar { 2 } else { 1 };
    let greatest = greatest_sum(columns, shape.input.bits() as usize);
    let rows = shape.weights.rows;
    let fold = |make: &dyn Fn(usize) -> Word, width: usize| -> Vec<Word> {
        (0..row_folds)
            .map(|fold| {
                let words = (0..shape.pe).map(|pe| make(fold * shape.pe + pe));
                Word::from_bits(words.flat_map(|word| (0..width).map(move |bit| word.get_bit(bit))))
            })
            .collect()
    };
    match shape.function {
        RowFunction::Accumulator(element) => {
            let width = element.bits() as usize;
            let word = |row: usize| Word::signed(if row < rows { bias(shape, row, columns) } else { 0 }, width);
            RowConstants { what: "biases", rows: fold(&word, width), width, levels: 0, least: 0, element_bits: width }
        }
        RowFunction::Steps(steps, tensor) => {
            let threshold_bits = crate::blocks::bits_for(greatest + 1);
            let never = greatest as i64 + 1;
            let levels = levels(tensor);
            let element = tensor.element;
            let thresholds = |row: usize| -> Vec<i64> {
                if row < rows {
                    return sum_thresholds(&steps[row], tensor, scale, bias(shape, row, columns), never);
                }
                // Rows beyond the last one give zero bits.
                let to_zero = if element == ElementType::Bipolar { 0 } else { -least_value(tensor) };
                (0..levels as i64).map(|level| if level < to_zero { 0 } else { never }).collect()
            };
            let word = |row: usize| {
                Word::from_lanes(thresholds(row).into_iter().map(|threshold| threshold as u64), threshold_bits)
            };
            let width = levels * threshold_bits;
            RowConstants {
                what: "thresholds",
                rows: fold(&word, width),
                width,
                levels,
                least: element.encode(least_value(tensor)),
                element_bits: element.bits() as usize,
            }
        }
    }
}
