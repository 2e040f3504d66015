//! Step functions on a stream, one per channel.
//!
//! Ports: `clock`, `reset`; the stream in, `lanes` integers a word; the stream out, `lanes` codes a word. A word taken in
//! cycle `t` is offered from cycle `t + 4` on; one word moves in every cycle.
//! Where the thresholds are writable, `access` and `answer` lead to their memory ([`rom`](super::rom)).

use super::delay_line::DelayLine;
use super::register::Register;
use super::rom::Rom;
use super::stream_block::{StreamBlock, StreamPorts};
use super::stream_fifo::StreamFifo;
use super::threshold_row::ThresholdRow;
use super::weight_access::ports;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamIn, StreamOut, Wire, Word, bits_of};
use abi::StepFunction;
use compiler::blocks::multi_threshold::QUEUE;
use compiler::chip::memory::MemoryKind;
use compiler::codes::{Ladder, Rung};
use network::network::TensorType;
use std::sync::Arc;

/// Step functions on a stream.
#[derive(Clone, Debug, LogicBlock)]
pub struct MultiThreshold {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The stream in.
    pub in_: StreamIn,
    /// The stream out.
    pub out: StreamOut,
    /// Access to the thresholds, where they are writable.
    pub access: Vec<Wire<In>>,
    /// The word accessed.
    pub answer: Vec<Wire<Out>>,
    position: Register,
    constants: Rom,
    late_constants: Vec<Register>,
    word_constants: Wire<Local>,
    word: Register,
    late_word: Register,
    flags: DelayLine,
    values: Vec<Wire<Local>>,
    rows: Vec<ThresholdRow>,
    results: Vec<Wire<Local>>,
    packed: Wire<Local>,
    result: Register,
    queue: StreamFifo,
    reserved: Register,
    take: Wire<Local, Bit>,
    release: Wire<Local, Bit>,
    queue_depth: Parameter,
    last_position: Parameter,
    value_width: Parameter,
    sign: Parameter,
    constant_width: Parameter,
    result_width: Parameter,
    _writable: usize,
    _lanes: usize,
    _position: usize,
    _reserved: usize,
    _packed: usize,
    _late: usize,
}

impl MultiThreshold {
    /// The unit called `name` for `steps` from tensor `input` to tensor `output`, `lanes` elements a word. Their values are
    /// on `ladder`.
    pub fn new(
        name: &str,
        steps: &[StepFunction<i64>],
        (input, output): (&TensorType, &TensorType),
        ladder: &Ladder,
        lanes: usize,
    ) -> Self {
        let bits = input.element.bits() as usize;
        let element = output.element.bits() as usize;
        let words = steps.len().div_ceil(lanes);
        // One bit more than the elements have, for thresholds that are never reached.
        let compared = bits + 1;
        let levels = ladder.levels();
        let key = |rung: Rung| match rung {
            Rung::Always => 0,
            Rung::From(boundary) => ordered(input, boundary),
            Rung::Never => 1 << bits,
        };
        let thresholds = |channel: usize| {
            let rungs = steps.get(channel).map_or_else(|| ladder.zero_rungs(output), |step| ladder.rungs(step));
            rungs.into_iter().map(key).collect::<Vec<u64>>()
        };
        let constants: Vec<Word> = (0..words)
            .map(|word| Word::from_lanes((0..lanes).flat_map(|lane| thresholds(word * lanes + lane)), compared))
            .collect();
        // A memory of one row is a constant and needs no register.
        let (late, constant_bits) = (usize::from(words > 1), lanes * levels * compared);
        let position = super::address_bits(words);
        let reserved = super::bits_for(QUEUE);
        let sign = match input.element {
            abi::ElementType::Signed { bits } => 1u64 << (bits - 1),
            abi::ElementType::Bipolar | abi::ElementType::Unsigned { .. } => 0,
        };
        MultiThreshold {
            module_name: ModuleName::new(name).about("Step functions on a stream, one per channel."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(lanes * bits),
            out: StreamOut::of(lanes * element),
            access: Vec::new(),
            answer: Vec::new(),
            position: Register::new(position),
            late_constants: (0..late).map(|_| Register::new(constant_bits)).collect(),
            word_constants: Wire::of(constant_bits),
            _writable: 0,
            constants: Rom::new(&format!("{name}_thresholds"), Arc::new(constants)),
            word: Register::new(lanes * bits),
            late_word: Register::new(lanes * bits),
            flags: DelayLine::new(3, 1),
            values: (0..lanes).map(|_| Wire::of(bits)).collect(),
            rows: (0..lanes).map(|_| ThresholdRow::new(ladder, compared, output.element)).collect(),
            results: (0..lanes).map(|_| Wire::of(lanes * element)).collect(),
            packed: Wire::of(lanes * element),
            result: Register::new(lanes * element),
            queue: StreamFifo::new(QUEUE, lanes * element),
            reserved: Register::new(reserved),
            take: Wire::default(),
            release: Wire::default(),
            queue_depth: Parameter::new(Word::new(QUEUE as u64, reserved)),
            last_position: Parameter::new(Word::new(words as u64 - 1, position)),
            value_width: Parameter::number(bits),
            sign: Parameter::new(Word::new(sign, bits)),
            constant_width: Parameter::number(levels * compared),
            result_width: Parameter::number(element),
            _lanes: lanes,
            _position: position,
            _reserved: reserved,
            _packed: lanes * element,
            _late: late,
        }
    }

    /// The same block with constants in what the plan says.
    pub fn of_kind(mut self, kind: Option<MemoryKind>) -> Self {
        self.constants = self.constants.of_kind(kind);
        self
    }

    /// The same block with thresholds that can be written, or not.
    pub fn writable(mut self, is_writable: bool) -> Self {
        (self.access, self.answer) = ports(is_writable);
        self._writable = usize::from(is_writable);
        self.constants = self.constants.writable(is_writable);
        self
    }
}

/// The code of `value` with the sign bit of signed types flipped, so that unsigned comparison orders the values; a value
/// beyond the type's range becomes the code of its end, or one more than the greatest.
fn ordered(tensor: &TensorType, value: i64) -> u64 {
    match tensor.element {
        abi::ElementType::Bipolar => (value + 2).clamp(0, 4) as u64 / 2,
        element => (value - element.minimum()).clamp(0, 1 << element.bits()) as u64,
    }
}

impl StreamBlock for MultiThreshold {
    fn ports(&mut self) -> StreamPorts<'_> {
        StreamPorts::new(&mut self.clock, &mut self.reset, [&mut self.in_], [&mut self.out])
    }

    fn memories(&self) -> Vec<&Rom> {
        vec![&self.constants]
    }

    fn memories_mut(&mut self) -> Vec<&mut Rom> {
        vec![&mut self.constants]
    }

    fn weights(&mut self) -> Option<(&mut Wire<In>, &Wire<Out>)> {
        self.access.first_mut().zip(self.answer.first())
    }
}

impl Logic for MultiThreshold {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, position, constants, word, late_word, flags, result, queue, reserved);
        self.flags.reset.next = self.reset.val();
        self.queue.reset.next = self.reset.val();

        self.in_.ready.next = self.reserved.q.val() != self.queue_depth.val();
        self.take.next = self.in_.valid.val() && self.in_.ready.val();
        self.release.next = self.queue.out.valid.val() && self.out.ready.val();
        self.reserved.d.next = self.reserved.q.val();
        if self.take.val() && !self.release.val() {
            self.reserved.d.next = self.reserved.q.val() + 1u64;
        } else if !self.take.val() && self.release.val() {
            self.reserved.d.next = self.reserved.q.val() - 1u64;
        }
        self.position.d.next = self.position.q.val();
        if self.take.val() {
            self.position.d.next = self.position.q.val() + 1u64;
            if self.position.q.val() == self.last_position.val() {
                self.position.d.next = bits_of(0u64, self._position);
            }
        }
        if self.reset.val() {
            self.reserved.d.next = bits_of(0u64, self._reserved);
            self.position.d.next = bits_of(0u64, self._position);
        }
        self.constants.address.next = self.position.q.val();
        for i in 0..self._writable {
            self.constants.access[i].next = self.access[i].val();
            self.answer[i].next = self.constants.answer[i].val();
        }
        self.word_constants.next = self.constants.q.val();
        for i in 0..self._late {
            self.late_constants[i].clock.next = self.clock.val();
            self.late_constants[i].d.next = self.constants.q.val();
            self.word_constants.next = self.late_constants[i].q.val();
        }
        self.word.d.next = self.in_.data.val();
        self.late_word.d.next = self.word.q.val();
        self.flags.d.next = bits_of(0u64, 1) + self.take.val();

        self.packed.next = bits_of(0u64, self._packed);
        for i in 0..self._lanes {
            self.values[i].next = self.late_word.q.val() >> (self.value_width.val() * i);
            self.rows[i].value.next = self.values[i].val() ^ self.sign.val();
            self.rows[i].thresholds.next = self.word_constants.val() >> (self.constant_width.val() * i);
            self.results[i].next = self.rows[i].code.val();
            self.packed.next = self.packed.val() | (self.results[i].val() << (self.result_width.val() * i));
        }
        self.result.d.next = self.packed.val();
        self.queue.in_.data.next = self.result.q.val();
        self.queue.in_.valid.next = self.flags.q.val().any();
        StreamOut::link(&mut self.out, &mut self.queue.out);
    }
}
