//! Matrix-vector products with weights ±1, thresholds included.
//!
//! Ports: `clock`, `reset`; the stream in, `simd` columns a word; the stream out, `pe` rows a word: codes where there
//! are thresholds, else accumulators in two's complement.
//!
//! A vector takes `row folds × column folds` cycles, one word of weights a cycle, and the next one follows without a
//! gap. From the last input word taken to the first output word offered (one row fold) pass
//! [`matrix_vector_unit_latency`](compiler::schedule::matrix_vector_unit_latency) cycles. Nothing inside stalls: the
//! last word of a fold is issued only when the output queue has room for its result, and the queue is deep enough that
//! this never delays a free-running stream.
//!
//! Each row's lanes are weighed and added ([`lane_sum`](super::lane_sum)) and accumulated as an unsigned sum `s`; the
//! accumulator of the network is `scale · s + bias` with constants of the row, so thresholds are moved to `s` and cost
//! nothing, and only a unit without thresholds computes it.

use super::delay_line::DelayLine;
use super::lane_sum::{self, LaneSum};
use super::register::Register;
use super::rom::Rom;
use super::stream_fifo::StreamFifo;
use super::threshold_row::ThresholdRow;
use super::vector_feed::VectorFeed;
use crate::wire::{ModuleName, Parameter, Wire, Word, bits_of};
use abi::ElementType;
use network::network::WeightMatrix;
use rust_hdl::core::prelude::*;
use std::sync::Arc;

mod constants;
pub use constants::{RowFunction, least_value, levels};
use constants::{row_constants, weight_rows};

/// What a unit computes.
#[derive(Clone, Copy, Debug)]
pub struct MatrixVectorShape<'a> {
    /// Name of the unit, a Verilog identifier: its module and memories are called after it.
    pub name: &'a str,
    /// The weights, ±1.
    pub weights: &'a WeightMatrix,
    /// Type of the elements of the stream in.
    pub input: ElementType,
    /// What is made of each accumulator.
    pub function: RowFunction<'a>,
    /// Rows computed at once, 1 to all.
    pub pe: usize,
    /// Columns taken at once, 1 to all.
    pub simd: usize,
}

/// A matrix-vector unit.
#[derive(Clone, Debug, LogicBlock)]
pub struct MatrixVectorUnit {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// Word in.
    pub in_data: Wire<In>,
    /// Whether there is a word in.
    pub in_valid: Wire<In, Bit>,
    /// Whether the word in is taken.
    pub in_ready: Wire<Out, Bit>,
    /// Word out.
    pub out_data: Wire<Out>,
    /// Whether there is a word out.
    pub out_valid: Wire<Out, Bit>,
    /// Whether the word out is taken.
    pub out_ready: Wire<In, Bit>,
    feed: VectorFeed,
    weights: Rom,
    lanes: Vec<LaneSum>,
    accumulators: Vec<Register>,
    /// First, last and issue, in step with the sums.
    flags: DelayLine,
    fold: Register,
    constants: Rom,
    done: DelayLine,
    thresholds: Vec<ThresholdRow>,
    scaled: Vec<Wire<Local>>,
    biases: Vec<Wire<Local>>,
    biased: Vec<Wire<Local>>,
    results: Vec<Wire<Local>>,
    packed: Wire<Local>,
    result: Register,
    queue: StreamFifo,
    reserved: Register,
    reserve: Wire<Local, Bit>,
    release: Wire<Local, Bit>,
    queue_depth: Parameter,
    last_fold: Parameter,
    simd_width: Parameter,
    constant_width: Parameter,
    result_width: Parameter,
    scale_shift: Parameter,
    _rows: usize,
    _threshold_rows: usize,
    _bias_rows: usize,
    _fold: usize,
    _reserved: usize,
    _packed: usize,
}

impl MatrixVectorUnit {
    /// The unit of the given shape.
    pub fn new(shape: &MatrixVectorShape) -> Self {
        let MatrixVectorShape { name, weights, input, function: _, pe, simd } = *shape;
        let bits = input.bits() as usize;
        let column_folds = weights.columns.div_ceil(simd);
        let row_folds = weights.rows.div_ceil(pe);
        let signed = matches!(input, ElementType::Signed { .. });
        let levels = lane_sum::levels(simd, bits);
        let greatest = lane_sum::greatest_sum(simd * column_folds, bits);
        let constants = row_constants(shape, row_folds, column_folds * simd);
        let element = constants.element_bits;
        let (threshold_rows, bias_rows) = if constants.levels > 0 { (pe, 0) } else { (0, pe) };
        let lifetime = levels + 6;
        let depth = (lifetime.div_ceil(column_folds) + 1).next_power_of_two().max(2);
        let (reserved, fold) = (super::bits_for(depth), super::address_bits(row_folds));
        // One more than the greatest sum is a threshold that is never reached.
        let sum = super::bits_for(greatest + 1);
        MatrixVectorUnit {
            module_name: ModuleName::new(name),
            clock: Wire::default(),
            reset: Wire::default(),
            in_data: Wire::of(simd * bits),
            in_valid: Wire::default(),
            in_ready: Wire::default(),
            out_data: Wire::of(pe * element),
            out_valid: Wire::default(),
            out_ready: Wire::default(),
            feed: VectorFeed::new(column_folds, row_folds, simd * bits),
            weights: Rom::new(&format!("{name}_weights"), Arc::new(weight_rows(weights, pe, simd))),
            lanes: (0..pe).map(|_| LaneSum::new(simd, bits, signed)).collect(),
            accumulators: (0..pe).map(|_| Register::new(sum)).collect(),
            flags: DelayLine::new(1 + levels, 3),
            fold: Register::new(fold),
            constants: Rom::new(&format!("{name}_{}", constants.what), Arc::new(constants.rows)),
            done: DelayLine::new(2, 1),
            thresholds: (0..threshold_rows)
                .map(|_| ThresholdRow::new(constants.levels, sum, element, constants.least))
                .collect(),
            scaled: (0..bias_rows).map(|_| Wire::of(element)).collect(),
            biases: (0..bias_rows).map(|_| Wire::of(element)).collect(),
            biased: (0..bias_rows).map(|_| Wire::of(element)).collect(),
            results: (0..pe).map(|_| Wire::of(pe * element)).collect(),
            packed: Wire::of(pe * element),
            result: Register::new(pe * element),
            queue: StreamFifo::new(depth, pe * element),
            reserved: Register::new(reserved),
            reserve: Wire::default(),
            release: Wire::default(),
            queue_depth: Parameter::new(Word::new(depth as u64, reserved)),
            last_fold: Parameter::new(Word::new(row_folds as u64 - 1, fold)),
            simd_width: Parameter::number(simd),
            constant_width: Parameter::number(constants.width),
            result_width: Parameter::number(element),
            scale_shift: Parameter::number(usize::from(input == ElementType::Bipolar)),
            _rows: pe,
            _threshold_rows: threshold_rows,
            _bias_rows: bias_rows,
            _fold: fold,
            _reserved: reserved,
            _packed: pe * element,
        }
    }

    /// Names and texts of the memory files.
    pub fn files(&self) -> Vec<(String, String)> {
        self.weights.file().into_iter().chain(self.constants.file()).collect()
    }
}

impl Logic for MatrixVectorUnit {
    #[hdl_gen]
    fn update(&mut self) {
        self.feed.clock.next = self.clock.val();
        self.weights.clock.next = self.clock.val();
        self.flags.clock.next = self.clock.val();
        self.fold.clock.next = self.clock.val();
        self.constants.clock.next = self.clock.val();
        self.done.clock.next = self.clock.val();
        self.result.clock.next = self.clock.val();
        self.queue.clock.next = self.clock.val();
        self.reserved.clock.next = self.clock.val();
        self.feed.reset.next = self.reset.val();
        self.flags.reset.next = self.reset.val();
        self.done.reset.next = self.reset.val();
        self.queue.reset.next = self.reset.val();

        self.feed.in_data.next = self.in_data.val();
        self.feed.in_valid.next = self.in_valid.val();
        self.in_ready.next = self.feed.in_ready.val();
        self.feed.go.next = self.reserved.q.val() != self.queue_depth.val();
        self.weights.address.next = self.feed.weight_address.val();

        self.flags.d.next = bits_of(0u64, 3);
        if self.feed.issue.val() {
            self.flags.d.next = bits_of(4u64, 3) + self.feed.first.val();
            if self.feed.last.val() {
                self.flags.d.next = bits_of(6u64, 3) + self.feed.first.val();
            }
        }

        for i in 0..self._rows {
            self.lanes[i].clock.next = self.clock.val();
            self.lanes[i].x.next = self.feed.x.val();
            self.lanes[i].weights.next = self.weights.q.val() >> (self.simd_width.val() * i);
            self.accumulators[i].clock.next = self.clock.val();
            self.accumulators[i].d.next = self.accumulators[i].q.val();
            if self.flags.q.val().get_bit(2) {
                self.accumulators[i].d.next = self.accumulators[i].q.val() + self.lanes[i].sum.val();
                if self.flags.q.val().get_bit(0) {
                    self.accumulators[i].d.next = self.lanes[i].sum.val();
                }
            }
        }

        self.fold.d.next = self.fold.q.val();
        if self.flags.q.val().get_bit(1) {
            self.fold.d.next = self.fold.q.val() + 1u64;
            if self.fold.q.val() == self.last_fold.val() {
                self.fold.d.next = bits_of(0u64, self._fold);
            }
        }
        if self.reset.val() {
            self.fold.d.next = bits_of(0u64, self._fold);
        }
        self.constants.address.next = self.fold.q.val();
        self.done.d.next = bits_of(0u64, 1);
        if self.flags.q.val().get_bit(1) {
            self.done.d.next = bits_of(1u64, 1);
        }

        for i in 0..self._threshold_rows {
            self.thresholds[i].value.next = self.accumulators[i].q.val();
            self.thresholds[i].thresholds.next = self.constants.q.val() >> (self.constant_width.val() * i);
            self.results[i].next = self.thresholds[i].code.val();
        }
        for i in 0..self._bias_rows {
            self.scaled[i].next = self.accumulators[i].q.val();
            self.biases[i].next = self.constants.q.val() >> (self.constant_width.val() * i);
            self.biased[i].next = (self.scaled[i].val() << self.scale_shift.val()) + self.biases[i].val();
            self.results[i].next = self.biased[i].val();
        }
        self.packed.next = bits_of(0u64, self._packed);
        for i in 0..self._rows {
            self.packed.next = self.packed.val() | (self.results[i].val() << (self.result_width.val() * i));
        }
        self.result.d.next = self.packed.val();

        self.queue.in_data.next = self.result.q.val();
        self.queue.in_valid.next = self.done.q.val().any();
        self.out_data.next = self.queue.out_data.val();
        self.out_valid.next = self.queue.out_valid.val();
        self.queue.out_ready.next = self.out_ready.val();

        self.reserve.next = self.feed.issue.val() && self.feed.last.val();
        self.release.next = self.queue.out_valid.val() && self.out_ready.val();
        self.reserved.d.next = self.reserved.q.val();
        if self.reserve.val() && !self.release.val() {
            self.reserved.d.next = self.reserved.q.val() + 1u64;
        } else if !self.reserve.val() && self.release.val() {
            self.reserved.d.next = self.reserved.q.val() - 1u64;
        }
        if self.reset.val() {
            self.reserved.d.next = bits_of(0u64, self._reserved);
        }
    }
}
