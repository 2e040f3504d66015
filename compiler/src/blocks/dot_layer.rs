//! A dot-product layer as hardware sees it, whatever its parallelism, and its unit with each.

use super::dot_unit::DotUnit;
use super::{Dot, Parallelism};
use crate::chip::number::bits_for;
use crate::codes::Ladder;
use crate::datapath::weight_code::WeightCode;
use crate::datapath::{self, Datapath, UnitSize, WeightRange};
use abi::ElementType;
use network::network::{LayerId, LayerKind, Network, WeightMatrix};
use std::sync::OnceLock;

/// A dot-product layer and the step functions that its unit takes in.
#[derive(Debug)]
pub struct DotLayer<'a> {
    /// The layer.
    pub layer: LayerId,
    /// The `MultiThreshold` layer applied to its sums.
    pub thresholds: Option<LayerId>,
    /// Its loops.
    pub dot: Dot,
    /// Type of its inputs.
    pub element: ElementType,
    /// Whether words of padding reach it: ±1 has no zero to pad with.
    pub padded: bool,
    /// Whether other weights may be loaded.
    writable: bool,
    weights: &'a WeightMatrix,
    range: WeightRange,
    thresholds_per_row: usize,
    result_bits: usize,
    /// The least and the greatest sum over all rows with each datapath, unused lanes aside.
    ends: [OnceLock<(i64, i64)>; Datapath::ALL.len()],
}

impl<'a> DotLayer<'a> {
    /// The layer of a number, with the step functions of another one; `None` where it has no dot products.
    pub fn new(network: &'a Network, id: LayerId, thresholds: Option<LayerId>) -> Option<Self> {
        let layer = network.layer(id);
        let (dot, weights) = (Dot::new(network, layer)?, layer.kind.weights()?);
        let element = network.tensor(layer.input()).element;
        let padded = element == ElementType::Bipolar
            && matches!(&layer.kind, LayerKind::Convolution(convolution)
                if convolution.padding == 0 && !convolution.window.is_unpadded());
        let result = network.tensor(thresholds.map_or(layer.output, |id| network.layer(id).output));
        let ladder = thresholds.and_then(|id| Ladder::of_layer(network, id));
        Some(DotLayer {
            layer: id,
            thresholds,
            dot,
            element,
            padded,
            writable: network.replaceable,
            weights,
            range: WeightRange::held(weights, dot.part(), network.replaceable),
            thresholds_per_row: ladder.map_or(0, |ladder| ladder.levels()),
            result_bits: result.element.bits() as usize,
            ends: Default::default(),
        })
    }

    /// The unit with some parallelism. `clean`: whether unused lanes of its words hold zeros.
    pub fn unit(&self, parallelism: Parallelism, clean: bool) -> DotUnit {
        let dot = &self.dot;
        let Parallelism { pe, simd } = parallelism;
        let size = UnitSize { pe, simd, weight_rows: dot.weight_rows(parallelism) };
        // A row of a depthwise unit takes one lane and never sees the unused ones.
        let clean = clean || dot.depthwise;
        let choice = datapath::choose(self.range, self.element, size, self.padded, clean);
        let code = WeightCode::new(choice.form, self.range, self.element, self.padded);
        let lanes = dot.lanes(parallelism);
        let (words, folds) = if dot.depthwise {
            (dot.taps, dot.groups.div_ceil(pe))
        } else {
            (dot.taps * dot.columns.div_ceil(simd), dot.rows.div_ceil(pe))
        };
        DotUnit {
            layer: self.layer,
            thresholds: self.thresholds,
            reads: dot.reads(),
            depthwise: dot.depthwise,
            pe,
            simd,
            groups: dot.groups_in_turn(),
            taps: dot.taps,
            words,
            folds,
            multiplier: code.multiplier,
            offset: code.has_offset(),
            halves: code.counts_halves(),
            word_bits: lanes * self.element.bits() as usize + usize::from(self.padded),
            thresholds_per_row: self.thresholds_per_row,
            sum_bits: self.sum_bits(&code, words, parallelism),
            result_bits: self.result_bits,
            reason: choice.reason,
        }
    }

    /// Bits of the accumulators: they hold the sums of every row, counted from the least one, and with thresholds one value
    /// more, which is never reached.
    fn sum_bits(&self, code: &WeightCode, words: usize, Parallelism { pe, simd }: Parallelism) -> usize {
        let dot = &self.dot;
        let form = code.multiplier.form;
        let unused = if dot.depthwise { 0 } else { words * simd - self.weights.columns };
        let (least, greatest) = *self.ends[form.datapath() as usize].get_or_init(|| self.ends(code));
        let shift = code.unused_lanes(unused);
        let (mut least, mut greatest) = (least + shift, greatest + shift);
        if !dot.results().is_multiple_of(pe) && self.thresholds_per_row == 0 && form.has_zero() {
            // A row of zeros beyond the last one.
            (least, greatest) = (least.min(0), greatest.max(0));
        }
        bits_for((greatest - least) as u64 + u64::from(self.thresholds_per_row > 0))
    }

    fn ends(&self, code: &WeightCode) -> (i64, i64) {
        let row = |row: usize| match self.writable {
            true => code.any_row(self.weights.columns, 0, 0),
            false => code.row(self.weights.row(row).iter().map(|weight| i64::from(*weight)), 0),
        };
        let rows = if self.writable { 1 } else { self.weights.rows };
        let ends = (0..rows).map(row).map(|range| (range.least, range.greatest));
        ends.reduce(|low, high| (low.0.min(high.0), low.1.max(high.1))).unwrap_or((0, 0))
    }
}
