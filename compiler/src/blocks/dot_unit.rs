//! A unit of dot products: matrix-vector or depthwise.

use super::control::Control;
use super::depthwise_unit::DepthwiseUnitControl;
use super::matrix_vector_unit::{MatrixVectorUnitControl, feed_depth, queue_depth};
use super::{Shape, Vectors};
use crate::chip::family::Family;
use crate::chip::features::{FeatureSum, Features, address};
use crate::chip::memory::{Memories, MemoryRole, MemoryShape};
use crate::datapath::{Form, Multiplier, row_luts, row_registers};
use network::network::LayerId;
use serde::{Deserialize, Serialize};

/// A unit of dot products.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DotUnit {
    /// The `MatrixVector` or `Convolution` layer.
    pub layer: LayerId,
    /// The `MultiThreshold` layer applied to its sums.
    pub thresholds: Option<LayerId>,
    /// The vectors read.
    pub reads: Vectors,
    /// Whether channels are computed side by side, each with weights of its own.
    pub depthwise: bool,
    /// Rows computed at once; channels of a depthwise unit.
    pub pe: usize,
    /// Columns taken at once; 1 in a depthwise unit.
    pub simd: usize,
    /// Groups of rows.
    pub groups: usize,
    /// Taps of a window; 1 without windows.
    pub taps: usize,
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
    pub thresholds_per_row: usize,
    /// Bits of an accumulator.
    pub sum_bits: usize,
    /// Bits of a result.
    pub result_bits: usize,
    /// Why this datapath.
    pub reason: String,
}

impl DotUnit {
    /// Clock cycles from operands read to sum.
    pub fn levels(&self) -> usize {
        // Words of a memory come late in the cycle and are registered; constants are not.
        self.multiplier.levels(self.simd) + usize::from(self.weight_rows() > 1)
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
        self.pe * if self.thresholds_per_row > 0 { self.thresholds_per_row * self.sum_bits } else { self.result_bits }
    }

    /// Rows of the memory of constants.
    pub fn constant_rows(&self) -> usize {
        self.groups * self.folds
    }

    fn kind(&self) -> &'static str {
        if self.depthwise { "depthwise_unit" } else { "matrix_vector_unit" }
    }
}

impl Shape for DotUnit {
    fn reads(&self) -> Vec<Vectors> {
        vec![self.reads]
    }

    fn busy(&self) -> u64 {
        let (lanes, row_folds) = if self.depthwise { (self.pe, 1) } else { (self.simd, self.folds) };
        self.reads.words(lanes) * row_folds as u64
    }

    fn memories(&self) -> Vec<MemoryShape> {
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

    fn control(&self) -> Box<dyn Control> {
        if self.depthwise {
            Box::new(DepthwiseUnitControl::new(self.words, self.levels()))
        } else {
            Box::new(MatrixVectorUnitControl::new(self.words, self.folds, self.levels()))
        }
    }

    fn features(&self, family: Family, memories: &Memories) -> Features {
        let mut sum = FeatureSum::new(self.kind(), family);
        let pe = self.pe as f64;
        let constant = self.weight_rows() == 1;
        let lanes = pe * row_luts(&self.multiplier, self.simd) as f64;
        let registers = pe * row_registers(&self.multiplier, self.simd) as f64;
        match (self.multiplier.form, constant) {
            (Form::Bipolar, false) => sum.lut("bipolar", lanes).ff("bipolar", registers),
            (Form::Planes | Form::Bases(_), false) => sum.lut("planes", lanes).ff("planes", registers),
            (Form::Bipolar, true) => sum.lut("bipolar_constants", lanes).ff("bipolar_constants", registers),
            (Form::Planes | Form::Bases(_), true) => {
                sum.lut("planes_constants", lanes).ff("planes_constants", registers)
            }
            // Bases are counted as planes are, shifted lanes and scaled groups added as products are.
            (Form::Products | Form::Shifts(_) | Form::Groups(_), false) => {
                sum.lut("products", lanes).ff("products", registers)
            }
            (Form::Products | Form::Shifts(_) | Form::Groups(_), true) => {
                sum.lut("products_constants", lanes).ff("products_constants", registers)
            }
        };
        let sums = pe * self.sum_bits as f64;
        // With one word a vector nothing is accumulated.
        sum.lut(if self.words == 1 { "sums_once" } else { "sums" }, sums);
        sum.ff("sums", sums).lut("halves", if self.halves { sums } else { 0.0 });
        sum.ff("halves", if self.halves { (self.levels() * (self.simd + 1)) as f64 } else { 0.0 });
        let thresholds = self.thresholds_per_row as f64;
        if self.thresholds_per_row > 0 {
            let compared = sums * thresholds;
            sum.lut(if self.constant_rows() == 1 { "compared_constants" } else { "compared" }, compared);
            sum.lut("counted", pe * (thresholds - 1.0) * self.result_bits as f64);
        } else {
            sum.lut(
                if self.constant_rows() == 1 { "biased_constants" } else { "biased" },
                pe * self.result_bits as f64,
            );
        }
        sum.ff("late_constants", if self.constant_rows() > 1 { self.constant_width() as f64 } else { 0.0 });
        let (word, result) = (self.word_bits as f64, self.pe * self.result_bits);
        sum.ff("result", result as f64).ff("flags", 3.0 * (1.0 + self.levels() as f64));
        sum.lut("flags", self.levels() as f64);
        sum.ff("word", if self.depthwise { word } else { 0.0 });
        sum.queue(result, queue_depth(self.words, self.levels()));
        let counters = address(self.words) + address(self.folds) + address(self.weight_rows());
        sum.both("counters", counters);
        if !constant {
            sum.ff("late", self.weight_width() as f64).ff("late_word", word);
        }
        sum.memory(MemoryRole::Weights, memories.weights, self.weight_width(), self.weight_rows());
        sum.memory(MemoryRole::Constants, memories.constants, self.constant_width(), self.constant_rows());
        if !self.depthwise {
            let feed = feed_depth(self.words, self.folds);
            sum.both("feed_counters", address(feed)).memory(MemoryRole::Words, memories.words, self.word_bits, feed);
        }
        sum.done()
    }
}
