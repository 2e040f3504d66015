//! The shape of a unit of dot products: all that its cost depends on.

use crate::codes::bits_for;
use crate::datapath::weight_code::WeightCode;
use crate::datapath::{Multiplier, operand_registers};
use crate::fold::Dot;
use crate::memory::{Memories, MemoryRole, MemoryShape, Selection};
use crate::schedule::matrix_vector_unit::feed_depth;
use network::network::WeightMatrix;

/// The shape of a unit of dot products.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DotUnit {
    /// Whether channels are computed side by side, each with weights of its own.
    pub depthwise: bool,
    /// Rows computed at once.
    pub pe: usize,
    /// Columns taken at once.
    pub simd: usize,
    /// Groups of rows.
    pub groups: usize,
    /// Words of a vector, or of the taps of a channel.
    pub words: usize,
    /// Folds of a group's rows, or blocks of channels.
    pub folds: usize,
    /// How weights and inputs are multiplied.
    pub multiplier: Multiplier,
    /// Whether inputs have a sign bit to flip.
    pub offset: bool,
    /// Whether padded words count halves.
    pub halves: bool,
    /// Bits of a word in.
    pub word_bits: usize,
    /// Thresholds of a row; 0 where accumulators leave.
    pub thresholds: usize,
    /// Bits of an accumulator.
    pub sum_bits: usize,
    /// Bits of a result.
    pub result_bits: usize,
    /// What its memories are made of.
    pub memories: Memories,
}

impl DotUnit {
    /// The unit of `dot` with the given rows and columns at once. Words are as wide as their lanes, and accumulators have no
    /// bits yet.
    pub fn new(
        dot: &Dot,
        code: WeightCode,
        (pe, simd): (usize, usize),
        thresholds: usize,
        result_bits: usize,
    ) -> DotUnit {
        let (words, folds) = if dot.depthwise {
            (dot.taps, dot.groups.div_ceil(pe))
        } else {
            (dot.taps * dot.columns.div_ceil(simd), dot.rows.div_ceil(pe))
        };
        let lanes = if dot.depthwise { pe } else { simd };
        DotUnit {
            depthwise: dot.depthwise,
            pe,
            simd,
            groups: if dot.depthwise { 1 } else { dot.groups },
            words,
            folds,
            multiplier: code.multiplier,
            offset: code.has_offset(),
            halves: code.counts_halves(),
            word_bits: lanes * code.operand.bits() as usize,
            thresholds,
            sum_bits: 0,
            result_bits,
            memories: Memories::default(),
        }
    }

    /// Clock cycles from operands read to sum.
    pub fn levels(&self) -> usize {
        self.multiplier.levels(self.simd) + self.memories.weights.map_or(0, operand_registers)
    }

    /// Bits of a row of the memory of weights.
    pub fn weight_width(&self) -> usize {
        self.pe * self.multiplier.word_bits(self.simd)
    }

    /// Rows of the memory of weights.
    pub fn weight_rows(&self) -> usize {
        self.groups * self.folds * self.words
    }

    /// Bits of a row of the memory of constants.
    pub fn constant_width(&self) -> usize {
        self.pe * if self.thresholds > 0 { self.thresholds * self.sum_bits } else { self.result_bits }
    }

    /// Rows of the memory of constants.
    pub fn constant_rows(&self) -> usize {
        self.groups * self.folds
    }

    /// Its memories.
    pub fn memory_shapes(&self) -> Vec<MemoryShape> {
        let shape = |role, width, depth| MemoryShape { role, width, depth };
        let mut all = vec![
            shape(MemoryRole::Weights, self.weight_width(), self.weight_rows()),
            shape(MemoryRole::Constants, self.constant_width(), self.constant_rows()),
        ];
        if !self.depthwise {
            all.push(shape(MemoryRole::Words, self.word_bits, feed_depth(self.words, self.folds)));
        }
        all
    }

    /// Chooses what its memories are made of.
    pub(crate) fn choose_memories(&mut self, selection: &Selection) {
        for shape in self.memory_shapes() {
            self.memories.set(shape.role, selection.select("", &[shape]));
        }
    }
}

/// Bits of the accumulators of `unit`: they hold the sums of every row, counted from the least one, and with thresholds
/// one value more, which is never reached. With `replaceable` weights, the rows are any.
pub fn sum_bits(code: &WeightCode, weights: &WeightMatrix, unit: &DotUnit, dot: &Dot, replaceable: bool) -> usize {
    let unused = if unit.depthwise { 0 } else { unit.words * unit.simd - weights.columns };
    let row = |row: usize| match replaceable {
        true => code.any_row(weights.columns, unused, 0),
        false => code.row(weights.row(row).iter().map(|weight| i64::from(*weight)), unused),
    };
    let mut ends = (0..if replaceable { 1 } else { weights.rows })
        .map(row)
        .map(|range| (range.least, range.greatest))
        .fold(None, |ends: Option<(i64, i64)>, (least, greatest)| {
            Some(ends.map_or((least, greatest), |(low, high)| (low.min(least), high.max(greatest))))
        })
        .unwrap_or((0, 0));
    let rows = if unit.depthwise { dot.groups } else { dot.rows };
    if !rows.is_multiple_of(unit.pe) && unit.thresholds == 0 && unit.multiplier.form.has_zero() {
        // A row of zeros beyond the last one.
        ends = (ends.0.min(0), ends.1.max(0));
    }
    bits_for((ends.1 - ends.0) as u64 + u64::from(unit.thresholds > 0))
}
