//! The constants of rows: thresholds of sums, or biases.

use crate::wire::Word;
use abi::{ElementType, StepFunction};
use compiler::codes::{Ladder, Rung};
use compiler::datapath::weight_code::{RowRange, WeightCode};
use network::network::TensorType;

/// What a unit makes of its accumulators.
#[derive(Clone, Copy, Debug)]
pub enum RowFunction<'a> {
    /// The accumulators themselves, of the given type.
    Accumulator(ElementType),
    /// Step functions on one ladder, one per row, into a tensor of the given type.
    Steps(&'a [StepFunction<i64>], &'a TensorType),
}

impl RowFunction<'_> {
    /// The row whose weights stand where there is no row, if not zeros: thresholds that are never reached make zeros of
    /// it, but only of sums that a row can have.
    pub(crate) fn stand_in(&self) -> Option<usize> {
        match self {
            RowFunction::Accumulator(_) => None,
            RowFunction::Steps(..) => Some(0),
        }
    }

    /// The type of the results.
    pub fn element(&self) -> ElementType {
        match self {
            RowFunction::Accumulator(element) => *element,
            RowFunction::Steps(_, tensor) => tensor.element,
        }
    }
}

/// The rows of a unit and what their sums mean.
pub struct Rows<'a> {
    /// What is made of each accumulator.
    pub function: RowFunction<'a>,
    /// What the sums of each row mean; after them, those of a row of zeros, if sums of one occur.
    pub ranges: &'a [RowRange],
    /// The rows of each fold, one for each lane out; `None` beyond the last.
    pub folds: &'a [Vec<Option<usize>>],
    /// The true accumulator is `scale · sum + bias`.
    pub scale: i64,
    /// Whether the memory of constants can be written; the ranges then hold for any row.
    pub writable: bool,
}

/// The accumulators' form and the rows of the memory of constants.
pub(super) struct RowConstants {
    /// What they are, for the memory's name.
    pub what: &'static str,
    /// One word per row fold.
    pub words: Vec<Word>,
    /// Bits of one row's constants.
    pub width: usize,
    /// The values that thresholds lead to; `None` for biases.
    pub ladder: Option<Ladder>,
    /// Bits of an accumulator.
    pub sum_bits: usize,
    /// What accumulators begin from.
    pub start: i64,
}

impl Rows<'_> {
    /// Sums are held from the least one on that any row reaches, so accumulators are never negative.
    fn start(&self) -> i64 {
        -self.ranges.iter().map(|range| range.least).min().unwrap_or(0)
    }

    /// Bits of an accumulator: it holds `R + start` modulo a power of two, and at the end of a vector
    /// `0 ≤ R + start ≤ greatest`, so that the bits of `greatest` are enough, whatever it passes through on the way.
    ///
    /// With thresholds there is one more value, which is never reached.
    pub fn sum_bits(&self) -> usize {
        crate::blocks::bits_for((self.greatest() + i64::from(self.has_thresholds())) as usize)
    }

    fn greatest(&self) -> i64 {
        self.ranges.iter().map(|range| range.greatest).max().unwrap_or(0) + self.start()
    }

    fn has_thresholds(&self) -> bool {
        matches!(self.function, RowFunction::Steps(..))
    }

    pub(super) fn constants(&self) -> RowConstants {
        let (start, sum_bits) = (self.start(), self.sum_bits());
        // Of the accumulator that begins from `start`.
        let bias = |row: usize| self.ranges[row].bias - self.scale * start;
        let words = |constants: &dyn Fn(Option<usize>) -> Vec<i64>, width: usize| -> Vec<Word> {
            let bits = |constant: i64| {
                let word = Word::signed(constant, width);
                (0..width).map(move |bit| word.get_bit(bit))
            };
            let word =
                |fold: &Vec<Option<usize>>| Word::from_bits(fold.iter().flat_map(|row| constants(*row)).flat_map(bits));
            self.folds.iter().map(word).collect()
        };
        match self.function {
            RowFunction::Accumulator(element) => {
                let width = element.bits() as usize;
                // A row beyond the last has weights 0, if there are such: its sum is 0.
                let words = words(&|row| vec![row.map_or(-self.scale * start, bias)], width);
                RowConstants { what: "biases", words, width, ladder: None, sum_bits, start }
            }
            RowFunction::Steps(steps, tensor) => {
                let never = self.greatest() + 1;
                let ladder = Ladder::of(steps, tensor, self.writable);
                let thresholds = |row: Option<usize>| {
                    let (rungs, bias) = match row {
                        Some(row) => (ladder.rungs(&steps[row]), bias(row)),
                        // Rows beyond the last one give zero bits.
                        None => (ladder.zero_rungs(tensor), 0),
                    };
                    rungs.into_iter().map(|rung| sum_threshold(rung, self.scale, bias).clamp(0, never)).collect()
                };
                RowConstants {
                    what: "thresholds",
                    words: words(&thresholds, sum_bits),
                    width: ladder.levels() * sum_bits,
                    ladder: Some(ladder),
                    sum_bits,
                    start,
                }
            }
        }
    }
}

/// The threshold of the sum. A threshold of 0 is always reached.
fn sum_threshold(rung: Rung, scale: i64, bias: i64) -> i64 {
    match rung {
        Rung::Always => 0,
        Rung::From(threshold) => {
            let distance = threshold - bias;
            distance.div_euclid(scale) + i64::from(distance.rem_euclid(scale) != 0)
        }
        Rung::Never => i64::MAX,
    }
}

/// The ranges of all rows, and that of a row of zeros where sums of one become accumulators.
///
/// With weights ±1 such rows give anything, and no range is needed.
pub fn ranges(
    code: &WeightCode,
    rows: impl Iterator<Item = RowRange>,
    folds: &[Vec<Option<usize>>],
    function: &RowFunction,
) -> Vec<RowRange> {
    let has_zeros =
        folds.iter().flatten().any(Option::is_none) && function.stand_in().is_none() && code.multiplier.form.has_zero();
    rows.chain(has_zeros.then_some(RowRange { bias: 0, least: 0, greatest: 0 })).collect()
}
