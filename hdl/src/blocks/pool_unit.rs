//! The greatest or least element, or the sum, of each channel over some words.
//!
//! Ports: `clock`, `reset`; the stream in, `lanes` elements a word, one bit more where words may be padding; the stream
//! out, `lanes` results a word. `in_ready` follows `out_ready` within the cycle.
//!
//! Words come in rounds of `inner` words, `outer` rounds a pool or an image. By taps ([`Rounds::Taps`]), a round is the
//! words of one window and block, and each gives a word. By pixels ([`Rounds::Pixels`]), a round is one pixel of the image,
//! and the last one gives as many words: accumulators wait in a small memory meanwhile. A word is taken in every cycle in
//! which no finished word waits; a finished word is offered one cycle after the last one that went into it was taken.
//!
//! Codes are compared with the sign bit flipped, so that unsigned comparison orders them, and with all bits flipped in
//! channels whose least element is wanted, which turns the order around.

use super::constant_table::ConstantTable;
use super::one_result::OneResult;
use super::ram::Ram;
use super::register::Register;
use super::stream_block::{StreamBlock, StreamPorts};
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamIn, StreamOut, Wire, Word, bits_of};
use abi::ElementType;

/// In which order a pool's words come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounds {
    /// All taps of a block of channels, then the next block.
    Taps,
    /// All blocks of channels of a pixel, then the next pixel.
    Pixels,
}

/// What a pool computes.
#[derive(Clone, Debug)]
pub struct PoolShape<'a> {
    /// Name of the unit, a Verilog identifier.
    pub name: &'a str,
    /// Type of the elements in.
    pub input: ElementType,
    /// Elements of a word.
    pub lanes: usize,
    /// Words that hold all channels of a pixel.
    pub blocks: usize,
    /// Taps of a window, or pixels of the image.
    pub taps: usize,
    /// Their order.
    pub rounds: Rounds,
    /// The channels whose least element is wanted; `None` for sums.
    pub least: Option<&'a [bool]>,
    /// Bits of a result.
    pub bits_out: usize,
    /// Whether words may be padding, which counts 0 in a sum.
    pub padded: bool,
}

/// Pools words.
#[derive(Clone, Debug, LogicBlock)]
pub struct PoolUnit {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The stream in.
    pub in_: StreamIn,
    /// The stream out.
    pub out: StreamOut,
    memory: Ram,
    masks: ConstantTable,
    inner: Register,
    outer: Register,
    result: OneResult,
    values: Vec<Wire<Local>>,
    lanes_in: Vec<Wire<Local>>,
    kept: Vec<Wire<Local>>,
    pooled: Vec<Wire<Local>>,
    placed: Vec<Wire<Local>>,
    packed: Wire<Local>,
    finished: Wire<Local>,
    padding: Wire<Local>,
    take: Wire<Local, Bit>,
    first: Wire<Local, Bit>,
    last: Wire<Local, Bit>,
    last_inner: Wire<Local, Bit>,
    last_outer: Wire<Local, Bit>,
    is_sum: Parameter,
    by_taps: Parameter,
    is_padded: Parameter,
    lane_in: Parameter,
    lane_out: Parameter,
    flag_place: Parameter,
    last_inner_number: Parameter,
    last_outer_number: Parameter,
    sign: Parameter,
    doubled: Parameter,
    subtracted: Parameter,
    _lanes: usize,
    _inner: usize,
    _outer: usize,
    _bits: usize,
    _address: usize,
}

impl PoolUnit {
    /// The unit of the given shape.
    pub fn new(shape: &PoolShape) -> Self {
        let PoolShape { name, input, lanes, blocks, taps, rounds, least, bits_out, padded } = shape.clone();
        let bits_in = input.bits() as usize;
        let (inner, outer) = match rounds {
            Rounds::Taps => (taps, blocks),
            Rounds::Pixels => (blocks, taps),
        };
        let flipped = match input {
            ElementType::Signed { bits } => 1u64 << (bits - 1),
            ElementType::Bipolar | ElementType::Unsigned { .. } => 0,
        };
        let all = (1u64 << bits_out) - 1;
        let mask = |channel: usize| {
            let least = least.is_some_and(|least| least.get(channel).copied().unwrap_or(false));
            if least { flipped ^ all } else { flipped }
        };
        let masks =
            (0..blocks).map(|block| Word::from_lanes((0..lanes).map(|lane| mask(block * lanes + lane)), bits_out));
        let depth = match rounds {
            Rounds::Taps => 2,
            Rounds::Pixels => blocks.next_power_of_two().max(2),
        };
        let width = lanes * bits_out;
        let number = |value: u64| Parameter::new(Word::new(value & all, bits_out));
        let (inner_bits, outer_bits) = (super::address_bits(inner), super::address_bits(outer));
        let is_sum = least.is_none();
        PoolUnit {
            module_name: ModuleName::new(name)
                .about("The greatest or least element, or the sum, of each channel over some words."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(lanes * bits_in + usize::from(padded)),
            out: StreamOut::of(width),
            memory: Ram::new(depth, width, false),
            masks: ConstantTable::new(&format!("{name}_masks"), masks.collect()),
            inner: Register::new(inner_bits),
            outer: Register::new(outer_bits),
            result: OneResult::new(width),
            values: (0..lanes).map(|_| Wire::of(bits_out)).collect(),
            lanes_in: (0..lanes).map(|_| Wire::of(bits_in)).collect(),
            kept: (0..lanes).map(|_| Wire::of(bits_out)).collect(),
            pooled: (0..lanes).map(|_| Wire::of(bits_out)).collect(),
            placed: (0..lanes).map(|_| Wire::of(width)).collect(),
            packed: Wire::of(width),
            finished: Wire::of(width),
            padding: Wire::of(1),
            take: Wire::default(),
            first: Wire::default(),
            last: Wire::default(),
            last_inner: Wire::default(),
            last_outer: Wire::default(),
            is_sum: Parameter::flag(is_sum),
            by_taps: Parameter::flag(rounds == Rounds::Taps),
            is_padded: Parameter::flag(padded),
            lane_in: Parameter::number(bits_in),
            lane_out: Parameter::number(bits_out),
            flag_place: Parameter::number(lanes * bits_in),
            last_inner_number: Parameter::new(Word::new(inner as u64 - 1, inner_bits)),
            last_outer_number: Parameter::new(Word::new(outer as u64 - 1, outer_bits)),
            sign: number(if is_sum { flipped } else { 0 }),
            doubled: Parameter::number(usize::from(is_sum && input == ElementType::Bipolar)),
            subtracted: number(match input {
                _ if !is_sum => 0,
                ElementType::Bipolar => 1,
                ElementType::Unsigned { .. } => 0,
                ElementType::Signed { .. } => flipped,
            }),
            _lanes: lanes,
            _inner: inner_bits,
            _outer: outer_bits,
            _bits: bits_out,
            _address: super::address_bits(depth),
        }
    }
}

impl StreamBlock for PoolUnit {
    fn ports(&mut self) -> StreamPorts<'_> {
        StreamPorts::new(&mut self.clock, &mut self.reset, [&mut self.in_], [&mut self.out])
    }
}

impl Logic for PoolUnit {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, memory, inner, outer, result);
        self.result.reset.next = self.reset.val();

        StreamOut::link(&mut self.out, &mut self.result.out);
        self.in_.ready.next = self.result.room.val();
        self.take.next = self.in_.valid.val() && self.in_.ready.val();
        self.last_inner.next = self.inner.q.val() == self.last_inner_number.val();
        self.last_outer.next = self.outer.q.val() == self.last_outer_number.val();
        if self.by_taps.val().any() {
            self.first.next = !self.inner.q.val().any();
            self.last.next = self.last_inner.val();
            self.memory.read_address.next = bits_of(0u64, self._address);
            self.memory.write_address.next = bits_of(0u64, self._address);
            self.masks.address.next = self.outer.q.val();
        } else {
            self.first.next = !self.outer.q.val().any();
            self.last.next = self.last_outer.val();
            self.memory.read_address.next = self.inner.q.val();
            self.memory.write_address.next = self.inner.q.val();
            self.masks.address.next = self.inner.q.val();
        }
        self.padding.next = bits_of(0u64, 1);
        if self.is_padded.val().any() {
            self.padding.next = self.in_.data.val() >> self.flag_place.val();
        }

        for i in 0..self._lanes {
            self.lanes_in[i].next = self.in_.data.val() >> (self.lane_in.val() * i);
            self.kept[i].next = self.memory.q.val() >> (self.lane_out.val() * i);
        }
        if self.is_sum.val().any() {
            for i in 0..self._lanes {
                self.values[i].next = bits_of(0u64, self._bits);
                if !self.padding.val().any() {
                    self.values[i].next = ((bits_of(0u64, self._bits) + (self.sign.val() ^ self.lanes_in[i].val()))
                        << self.doubled.val())
                        - self.subtracted.val();
                }
                self.pooled[i].next = self.values[i].val();
                if !self.first.val() {
                    self.pooled[i].next = self.kept[i].val() + self.values[i].val();
                }
            }
        } else {
            for i in 0..self._lanes {
                self.values[i].next = self.masks.q.val() >> (self.lane_out.val() * i);
                self.pooled[i].next = self.values[i].val() ^ self.lanes_in[i].val();
                if !self.first.val() && (self.kept[i].val() > (self.values[i].val() ^ self.lanes_in[i].val())) {
                    self.pooled[i].next = self.kept[i].val();
                }
            }
        }
        for i in 0..self._lanes {
            self.placed[i].next = self.pooled[i].val();
        }
        self.packed.next = self.placed[0].val();
        for i in 1..self._lanes {
            self.packed.next = self.packed.val() | (self.placed[i].val() << (self.lane_out.val() * i));
        }
        self.memory.write.next = self.take.val();
        self.memory.write_data.next = self.packed.val();
        self.finished.next = self.packed.val();
        if !self.is_sum.val().any() {
            self.finished.next = self.packed.val() ^ self.masks.q.val();
        }

        self.result.value.next = self.finished.val();
        self.result.load.next = self.take.val() && self.last.val();
        self.inner.d.next = self.inner.q.val();
        self.outer.d.next = self.outer.q.val();
        if self.take.val() {
            self.inner.d.next = self.inner.q.val() + 1u64;
            if self.last_inner.val() {
                self.inner.d.next = bits_of(0u64, self._inner);
                self.outer.d.next = self.outer.q.val() + 1u64;
                if self.last_outer.val() {
                    self.outer.d.next = bits_of(0u64, self._outer);
                }
            }
        }
        if self.reset.val() {
            self.inner.d.next = bits_of(0u64, self._inner);
            self.outer.d.next = bits_of(0u64, self._outer);
        }
    }
}
