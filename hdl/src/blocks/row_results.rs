//! The end of every arithmetic unit: sums are accumulated, become codes or accumulators, and wait in a queue.
//!
//! Ports: `clock`, `reset`; `terms`, one number a row; in cycles with `add` high they are added, the `first` ones of a
//! fold to the accumulators' start, and after the `last` ones the fold's results follow. `room`, whether the queue will
//! have a place for one more fold; `reserve`, that the last terms of one are on their way. The stream out, one word a
//! fold.
//!
//! A fold's results are offered three cycles after its last terms. The queue's places are counted when they are
//! reserved, so nothing here waits.
//!
//! Where the constants are writable, `access` and `answer` lead to their memory ([`rom`](super::rom)).
//!
//! An accumulator of the network is `scale · sum + bias` with constants of the row: thresholds are moved to the sum and
//! cost nothing, and only units without thresholds compute it.

use super::delay_line::DelayLine;
use super::register::Register;
use super::rom::Rom;
use super::stream_fifo::StreamFifo;
use super::threshold_row::ThresholdRow;
use super::weight_access::ports;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamOut, Wire, Word, bits_of};
use compiler::chip::memory::MemoryKind;
use compiler::codes::Ladder;
use std::sync::Arc;

mod constants;
pub use constants::{RowFunction, Rows, ranges};

/// Accumulators, thresholds and the output queue.
#[derive(Clone, Debug, LogicBlock)]
pub struct RowResults {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// One number a row.
    pub terms: Wire<In>,
    /// Whether to add them.
    pub add: Wire<In, Bit>,
    /// Whether they are the first of their fold.
    pub first: Wire<In, Bit>,
    /// Whether they are the last of their fold.
    pub last: Wire<In, Bit>,
    /// Whether a place for the results of a fold is taken.
    pub reserve: Wire<In, Bit>,
    /// Whether there is a place.
    pub room: Wire<Out, Bit>,
    /// The stream out.
    pub out: StreamOut,
    /// Access to the constants, where they are writable.
    pub access: Vec<Wire<In>>,
    /// The word accessed.
    pub answer: Vec<Wire<Out>>,
    term: Vec<Wire<Local>>,
    base: Vec<Wire<Local>>,
    accumulators: Vec<Register>,
    fold: Register,
    constants: Rom,
    late_constants: Vec<Register>,
    fold_constants: Wire<Local>,
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
    is_full: Register,
    next_reserved: Wire<Local>,
    release: Wire<Local, Bit>,
    queue_depth: Parameter,
    last_fold: Parameter,
    start: Parameter,
    sum_width: Parameter,
    constant_width: Parameter,
    result_width: Parameter,
    scale_shift: Parameter,
    _writable: usize,
    _rows: usize,
    _threshold_rows: usize,
    _bias_rows: usize,
    _fold: usize,
    _reserved: usize,
    _packed: usize,
    _late: usize,
}

impl RowResults {
    /// The results of `rows` in the unit `name`, with a queue of `depth` words.
    pub fn new(name: &str, rows: &Rows, depth: usize) -> Self {
        let constants = rows.constants();
        let (pe, folds) = (rows.folds[0].len(), rows.folds.len());
        let element = rows.function.element().bits() as usize;
        let (threshold_rows, bias_rows) = if constants.ladder.is_some() { (pe, 0) } else { (0, pe) };
        let (reserved, fold) = (super::bits_for(depth), super::address_bits(folds));
        let sum = constants.sum_bits;
        let threshold_row = |ladder: &Ladder| ThresholdRow::new(ladder, sum, rows.function.element());
        let (access, answer) = ports(rows.writable);
        // A memory of one row is a constant and needs no register.
        let (late, fold_constants) = (usize::from(folds > 1), constants.words[0].bits());
        RowResults {
            module_name: ModuleName::new(format!("{name}_results"))
                .about("Accumulates the sums of rows, turns them into results and queues these."),
            clock: Wire::default(),
            reset: Wire::default(),
            terms: Wire::of(pe * sum),
            add: Wire::default(),
            first: Wire::default(),
            last: Wire::default(),
            reserve: Wire::default(),
            room: Wire::default(),
            out: StreamOut::of(pe * element),
            access,
            answer,
            term: (0..pe).map(|_| Wire::of(sum)).collect(),
            base: (0..pe).map(|_| Wire::of(sum)).collect(),
            accumulators: (0..pe).map(|_| Register::new(sum)).collect(),
            fold: Register::new(fold),
            _writable: usize::from(rows.writable),
            constants: Rom::new(&format!("{name}_{}", constants.what), Arc::new(constants.words))
                .writable(rows.writable),
            late_constants: (0..late).map(|_| Register::new(fold_constants)).collect(),
            fold_constants: Wire::of(fold_constants),
            done: DelayLine::new(2, 1),
            thresholds: constants.ladder.iter().flat_map(|ladder| (0..pe).map(|_| threshold_row(ladder))).collect(),
            scaled: (0..bias_rows).map(|_| Wire::of(element)).collect(),
            biases: (0..bias_rows).map(|_| Wire::of(element)).collect(),
            biased: (0..bias_rows).map(|_| Wire::of(element)).collect(),
            results: (0..pe).map(|_| Wire::of(pe * element)).collect(),
            packed: Wire::of(pe * element),
            result: Register::new(pe * element),
            queue: StreamFifo::new(depth, pe * element),
            reserved: Register::new(reserved),
            is_full: Register::new(1),
            next_reserved: Wire::of(reserved),
            release: Wire::default(),
            queue_depth: Parameter::new(Word::new(depth as u64, reserved)),
            last_fold: Parameter::new(Word::new(folds as u64 - 1, fold)),
            start: Parameter::new(Word::signed(constants.start, sum)),
            sum_width: Parameter::number(sum),
            constant_width: Parameter::number(constants.width),
            result_width: Parameter::number(element),
            scale_shift: Parameter::number(usize::from(rows.scale == 2)),
            _rows: pe,
            _threshold_rows: threshold_rows,
            _bias_rows: bias_rows,
            _fold: fold,
            _reserved: reserved,
            _packed: pe * element,
            _late: late,
        }
    }

    /// The same block with constants in what the plan says.
    pub fn of_kind(mut self, kind: Option<MemoryKind>) -> Self {
        self.constants = self.constants.of_kind(kind);
        self
    }

    /// The memory of constants.
    pub fn memory(&self) -> &Rom {
        &self.constants
    }

    /// As [`memory`](Self::memory), to be changed.
    pub fn memory_mut(&mut self) -> &mut Rom {
        &mut self.constants
    }
}

impl Logic for RowResults {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, fold, constants, done, result, queue, reserved, is_full);
        self.done.reset.next = self.reset.val();
        self.queue.reset.next = self.reset.val();

        for i in 0..self._rows {
            self.term[i].next = self.terms.val() >> (self.sum_width.val() * i);
            self.base[i].next = self.accumulators[i].q.val();
            if self.first.val() {
                self.base[i].next = self.start.val();
            }
            self.accumulators[i].clock.next = self.clock.val();
            self.accumulators[i].d.next = self.accumulators[i].q.val();
            if self.add.val() {
                self.accumulators[i].d.next = self.base[i].val() + self.term[i].val();
            }
        }

        self.fold.d.next = self.fold.q.val();
        self.done.d.next = bits_of(0u64, 1);
        if self.last.val() {
            self.done.d.next = bits_of(1u64, 1);
            self.fold.d.next = self.fold.q.val() + 1u64;
            if self.fold.q.val() == self.last_fold.val() {
                self.fold.d.next = bits_of(0u64, self._fold);
            }
        }
        if self.reset.val() {
            self.fold.d.next = bits_of(0u64, self._fold);
        }
        // Those of the next fold are read one cycle early, and so come out of a register when they are used.
        self.constants.address.next = self.fold.d.val();
        for i in 0..self._writable {
            self.constants.access[i].next = self.access[i].val();
            self.answer[i].next = self.constants.answer[i].val();
        }
        self.fold_constants.next = self.constants.q.val();
        for i in 0..self._late {
            self.late_constants[i].clock.next = self.clock.val();
            self.late_constants[i].d.next = self.constants.q.val();
            self.fold_constants.next = self.late_constants[i].q.val();
        }

        for i in 0..self._threshold_rows {
            self.thresholds[i].value.next = self.accumulators[i].q.val();
            self.thresholds[i].thresholds.next = self.fold_constants.val() >> (self.constant_width.val() * i);
            self.results[i].next = self.thresholds[i].code.val();
        }
        for i in 0..self._bias_rows {
            self.scaled[i].next = self.accumulators[i].q.val();
            self.biases[i].next = self.fold_constants.val() >> (self.constant_width.val() * i);
            self.biased[i].next = (self.scaled[i].val() << self.scale_shift.val()) + self.biases[i].val();
            self.results[i].next = self.biased[i].val();
        }
        self.packed.next = bits_of(0u64, self._packed);
        for i in 0..self._rows {
            self.packed.next = self.packed.val() | (self.results[i].val() << (self.result_width.val() * i));
        }
        self.result.d.next = self.packed.val();

        self.queue.in_.data.next = self.result.q.val();
        self.queue.in_.valid.next = self.done.q.val().any();
        StreamOut::link(&mut self.out, &mut self.queue.out);

        self.room.next = !self.is_full.q.val().any();
        self.release.next = self.queue.out.valid.val() && self.out.ready.val();
        self.next_reserved.next = self.reserved.q.val();
        if self.reserve.val() && !self.release.val() {
            self.next_reserved.next = self.reserved.q.val() + 1u64;
        } else if !self.reserve.val() && self.release.val() {
            self.next_reserved.next = self.reserved.q.val() - 1u64;
        }
        if self.reset.val() {
            self.next_reserved.next = bits_of(0u64, self._reserved);
        }
        self.reserved.d.next = self.next_reserved.val();
        self.is_full.d.next = bits_of(0u64, 1) + (self.next_reserved.val() == self.queue_depth.val());
    }
}
