//! Dot products of each channel with weights of its own, thresholds included.
//!
//! Ports: `clock`, `reset`; the stream in, `lanes` channels a word: for each pixel, for each block of `lanes` channels,
//! one word for each of `taps` taps; the stream out, one word of `lanes` results a block. Unused lanes are zero, as in a
//! [`matrix_vector_unit`](super::matrix_vector_unit). `padded` words have one more bit, the highest: where it is set, the
//! word adds 0 in each lane, whatever its other bits.
//!
//! A word is taken in every cycle, except that the last one of a block waits until the output queue has room for its
//! result; the queue is deep enough that this never delays a free-running stream. From there to the result offered pass
//! [`latency`](compiler::blocks::depthwise_unit::latency) cycles.
//!
//! Where weights are writable, `access` and `answer` lead to both memories ([`rom`](super::rom)).
//!
//! Each lane is multiplied by a [`lane_sum`](super::lane_sum) of its own; taps are accumulated by
//! [`row_results`](super::row_results).

use super::delay_line::DelayLine;
use super::lane_sum::LaneSum;
use super::padded_lanes::PaddedLanes;
use super::register::Register;
use super::rom::Rom;
use super::row_results::{RowFunction, RowResults, Rows};
use super::stream_block::{StreamBlock, StreamPorts};
use super::weight_access::ports;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamIn, StreamOut, Wire, Word, bits_of};
use abi::ElementType;
use compiler::blocks::depthwise_unit::queue_depth;
use compiler::chip::memory::Memories;
use compiler::datapath::weight_code::WeightCode;
use compiler::datapath::{Form, WeightRange, operand_registers};
use network::network::WeightMatrix;
use std::sync::Arc;

/// What a unit computes.
#[derive(Clone, Copy, Debug)]
pub struct DepthwiseShape<'a> {
    /// Name of the unit, a Verilog identifier: its modules and memories are called after it.
    pub name: &'a str,
    /// The weights: one row a channel, one column a tap.
    pub weights: &'a WeightMatrix,
    /// Type of the elements of the stream in.
    pub input: ElementType,
    /// What is made of each accumulator.
    pub function: RowFunction<'a>,
    /// Whether words may be padding; only with ±1 in.
    pub padded: bool,
    /// How weights and lanes are multiplied.
    pub form: Form,
    /// Whether weights and constants can be written: others of the same type then fit as well.
    pub writable: bool,
    /// Channels taken at once, 1 to all.
    pub lanes: usize,
    /// What the memories are made of.
    pub memories: Memories,
}

impl DepthwiseShape<'_> {
    /// Blocks of channels.
    pub fn blocks(&self) -> usize {
        self.weights.rows.div_ceil(self.lanes)
    }

    fn code(&self) -> WeightCode {
        WeightCode::new(self.form, WeightRange::held(self.weights, 1, self.writable), self.input, self.padded)
    }

    /// Clock cycles from operands read to sum.
    pub fn levels(&self) -> usize {
        self.code().multiplier.levels(1) + self.registers()
    }

    fn registers(&self) -> usize {
        self.memories.weights.map_or(0, operand_registers)
    }

    fn block_rows(&self) -> Vec<Vec<Option<usize>>> {
        let channel = |row: usize| (row < self.weights.rows).then_some(row);
        (0..self.blocks())
            .map(|block| (0..self.lanes).map(|lane| channel(block * self.lanes + lane)).collect())
            .collect()
    }

    /// The words of the weight memory: for each block, for each tap, a code a lane.
    fn weight_words(&self, code: &WeightCode) -> Vec<Word> {
        let taps = self.weights.columns;
        let weight = |row: Option<usize>, tap: usize| {
            row.or(self.function.stand_in()).map_or(0, |row| self.weights.values[row * taps + tap])
        };
        let mut words = Vec::new();
        for rows in self.block_rows() {
            for tap in 0..taps {
                let codes = rows.iter().map(|row| code.encode(weight(*row, tap).into()));
                words.push(Word::from_lanes(codes, code.multiplier.weight_bits));
            }
        }
        words
    }
}

/// A depthwise unit.
#[derive(Clone, Debug, LogicBlock)]
pub struct DepthwiseUnit {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The stream in.
    pub in_: StreamIn,
    /// The stream out.
    pub out: StreamOut,
    /// Access to the memories, where they are writable.
    pub access: Vec<Wire<In>>,
    /// The word accessed.
    pub answer: Vec<Wire<Out>>,
    tap: Register,
    address: Register,
    taken: Register,
    weights: Rom,
    /// Registers behind weights and word, where there are some.
    late_weights: Vec<Register>,
    late_words: Vec<Register>,
    weight_word: Wire<Local>,
    word: Wire<Local>,
    padded_lanes: Vec<PaddedLanes>,
    x: Wire<Local>,
    lanes: Vec<LaneSum>,
    /// Padding, in step with the sums.
    padding: Vec<DelayLine>,
    term: Vec<Wire<Local>>,
    terms: Wire<Local>,
    /// First, last and issue, in step with the sums.
    flags: DelayLine,
    results: RowResults,
    take: Wire<Local, Bit>,
    last: Wire<Local, Bit>,
    last_tap: Parameter,
    last_address: Parameter,
    lane_width: Parameter,
    weight_width: Parameter,
    sum_width: Parameter,
    flag: Parameter,
    _writable: usize,
    _lanes: usize,
    _late: usize,
    _padded_lanes: usize,
    _padding: usize,
    _terms: usize,
    _tap: usize,
    _address: usize,
}

impl DepthwiseUnit {
    /// The unit of the given shape.
    pub fn new(shape: &DepthwiseShape) -> Self {
        let DepthwiseShape { name, weights, input, function, lanes, .. } = *shape;
        let code = shape.code();
        let (taps, words, levels) = (weights.columns, shape.blocks() * weights.columns, shape.levels());
        let row = |row: usize| code.held_row(weights.row(row), 0, shape.writable);
        let block_rows = shape.block_rows();
        let ranges = super::row_results::ranges(&code, (0..weights.rows).map(row), &block_rows, &function);
        let rows =
            Rows { function, ranges: &ranges, folds: &block_rows, scale: code.scale(), writable: shape.writable };
        let sum = rows.sum_bits();
        let width = lanes * input.bits() as usize + usize::from(shape.padded);
        let weight_width = lanes * code.multiplier.weight_bits;
        let late = shape.registers();
        let padding = usize::from(code.counts_halves());
        let padded_lanes = usize::from(shape.padded) - padding;
        let lane = code.operand.bits() as usize;
        let (tap, address) = (super::address_bits(taps), super::address_bits(words));
        let (access, answer) = ports(shape.writable);
        DepthwiseUnit {
            module_name: ModuleName::new(name)
                .about("Dot products of each channel with weights of its own, thresholds included."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(width),
            out: StreamOut::of(lanes * function.element().bits() as usize),
            access,
            answer,
            tap: Register::new(tap),
            address: Register::new(address),
            taken: Register::new(width),
            _writable: usize::from(shape.writable),
            weights: Rom::new(&format!("{name}_weights"), Arc::new(shape.weight_words(&code)))
                .of_kind(shape.memories.weights)
                .writable(shape.writable),
            late_weights: (0..late).map(|_| Register::new(weight_width)).collect(),
            late_words: (0..late).map(|_| Register::new(width)).collect(),
            weight_word: Wire::of(weight_width),
            word: Wire::of(width),
            padded_lanes: (0..padded_lanes).map(|_| PaddedLanes::new(lanes)).collect(),
            x: Wire::of(lanes * lane),
            lanes: (0..lanes).map(|_| LaneSum::new(code.multiplier, 1, code.has_offset(), sum)).collect(),
            padding: (0..padding).map(|_| DelayLine::new(levels - late, 1)).collect(),
            term: (0..lanes).map(|_| Wire::of(lanes * sum)).collect(),
            terms: Wire::of(lanes * sum),
            flags: DelayLine::new(1 + levels, 3),
            results: RowResults::new(name, &rows, queue_depth(taps, levels)).of_kind(shape.memories.constants),
            take: Wire::default(),
            last: Wire::default(),
            last_tap: Parameter::new(Word::new(taps as u64 - 1, tap)),
            last_address: Parameter::new(Word::new(words as u64 - 1, address)),
            lane_width: Parameter::number(lane),
            weight_width: Parameter::number(code.multiplier.weight_bits),
            sum_width: Parameter::number(sum),
            flag: Parameter::number(lanes),
            _lanes: lanes,
            _late: late,
            _padded_lanes: padded_lanes,
            _padding: padding,
            _terms: lanes * sum,
            _tap: tap,
            _address: address,
        }
    }
}

impl StreamBlock for DepthwiseUnit {
    fn ports(&mut self) -> StreamPorts<'_> {
        StreamPorts::new(&mut self.clock, &mut self.reset, [&mut self.in_], [&mut self.out])
    }

    fn memories(&self) -> Vec<&Rom> {
        vec![&self.weights, self.results.memory()]
    }

    fn memories_mut(&mut self) -> Vec<&mut Rom> {
        vec![&mut self.weights, self.results.memory_mut()]
    }

    fn weights(&mut self) -> Option<(&mut Wire<In>, &Wire<Out>)> {
        self.access.first_mut().zip(self.answer.first())
    }
}

impl Logic for DepthwiseUnit {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, tap, address, taken, weights, flags, results);
        self.flags.reset.next = self.reset.val();
        self.results.reset.next = self.reset.val();

        self.last.next = self.tap.q.val() == self.last_tap.val();
        self.in_.ready.next = self.results.room.val() || !self.last.val();
        self.take.next = self.in_.valid.val() && self.in_.ready.val();
        self.tap.d.next = self.tap.q.val();
        self.address.d.next = self.address.q.val();
        self.flags.d.next = bits_of(0u64, 3);
        if self.take.val() {
            self.flags.d.next = bits_of(4u64, 3) + (!self.tap.q.val().any());
            self.tap.d.next = self.tap.q.val() + 1u64;
            self.address.d.next = self.address.q.val() + 1u64;
            if self.last.val() {
                self.flags.d.next = bits_of(6u64, 3) + (!self.tap.q.val().any());
                self.tap.d.next = bits_of(0u64, self._tap);
            }
            if self.address.q.val() == self.last_address.val() {
                self.address.d.next = bits_of(0u64, self._address);
            }
        }
        if self.reset.val() {
            self.tap.d.next = bits_of(0u64, self._tap);
            self.address.d.next = bits_of(0u64, self._address);
        }

        self.taken.d.next = self.in_.data.val();
        self.weights.address.next = self.address.q.val();
        self.weight_word.next = self.weights.q.val();
        self.word.next = self.taken.q.val();
        for i in 0..self._late {
            self.late_weights[i].clock.next = self.clock.val();
            self.late_weights[i].d.next = self.weights.q.val();
            self.weight_word.next = self.late_weights[i].q.val();
            self.late_words[i].clock.next = self.clock.val();
            self.late_words[i].d.next = self.taken.q.val();
            self.word.next = self.late_words[i].q.val();
        }

        for i in 0..self._writable {
            self.weights.access[i].next = self.access[i].val();
            self.results.access[i].next = self.access[i].val();
            self.answer[i].next = self.weights.answer[i].val() | self.results.answer[i].val();
        }

        self.x.next = self.word.val();
        for i in 0..self._padded_lanes {
            self.padded_lanes[i].word.next = self.word.val();
            self.x.next = self.padded_lanes[i].x.val();
        }
        for i in 0..self._padding {
            self.padding[i].clock.next = self.clock.val();
            self.padding[i].reset.next = self.reset.val();
            self.padding[i].d.next = self.word.val() >> self.flag.val();
        }

        self.terms.next = bits_of(0u64, self._terms);
        for i in 0..self._lanes {
            self.lanes[i].clock.next = self.clock.val();
            self.lanes[i].x.next = self.x.val() >> (self.lane_width.val() * i);
            self.lanes[i].weights.next = self.weight_word.val() >> (self.weight_width.val() * i);
            self.term[i].next = self.lanes[i].sum.val();
            for j in 0..self._padding {
                self.term[i].next = self.lanes[i].sum.val() << 1;
                if self.padding[j].q.val().any() {
                    self.term[i].next = bits_of(1u64, self._terms);
                }
            }
            self.terms.next = self.terms.val() | (self.term[i].val() << (self.sum_width.val() * i));
        }

        self.results.terms.next = self.terms.val();
        self.results.add.next = self.flags.q.val().get_bit(2);
        self.results.first.next = self.flags.q.val().get_bit(0);
        self.results.last.next = self.flags.q.val().get_bit(1);
        self.results.reserve.next = self.take.val() && self.last.val();
        StreamOut::link(&mut self.out, &mut self.results.out);
    }
}
