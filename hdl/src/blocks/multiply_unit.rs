//! The product of two streams, element by element.
//!
//! Ports: `clock`, `reset`; the streams in, `in_*` and `second_*`, `lanes` elements a word each; the stream out, `lanes`
//! products a word in two's complement. The ready of an input follows `out_ready` and the other input's valid within the
//! cycle.
//!
//! A pair of words is taken in every cycle in which both are there and no finished word waits, and its products are offered
//! one cycle later.
//!
//! Elements are multiplied as unsigned numbers, as many bits as they have: a signed one with its sign bit flipped, which
//! adds an offset; what offsets add to the product is taken away.

use super::one_result::OneResult;
use super::stream_block::{StreamBlock, StreamPorts};
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamIn, StreamOut, Wire, Word, bits_of};
use abi::ElementType;

/// Multiplies two streams.
#[derive(Clone, Debug, LogicBlock)]
pub struct MultiplyUnit {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The first stream in.
    pub in_: StreamIn,
    /// The second stream in.
    pub second_in: StreamIn,
    /// The stream out.
    pub out: StreamOut,
    result: OneResult,
    first: Vec<Wire<Local>>,
    second: Vec<Wire<Local>>,
    first_code: Vec<Wire<Local>>,
    second_code: Vec<Wire<Local>>,
    first_wide: Vec<Wire<Local>>,
    second_wide: Vec<Wire<Local>>,
    products: Vec<Wire<Local>>,
    placed: Vec<Wire<Local>>,
    packed: Wire<Local>,
    take: Wire<Local, Bit>,
    first_lane: Parameter,
    second_lane: Parameter,
    lane_out: Parameter,
    first_sign: Parameter,
    second_sign: Parameter,
    first_doubled: Parameter,
    second_doubled: Parameter,
    first_offset: Parameter,
    second_offset: Parameter,
    offsets: Parameter,
    _lanes: usize,
    _bits: usize,
}

impl MultiplyUnit {
    /// The unit called `name` of two streams of elements, to products of `bits_out` bits.
    pub fn new(name: &str, elements: [ElementType; 2], lanes: usize, bits_out: usize) -> Self {
        let [first, second] = elements.map(|element| element.bits() as usize);
        let wires = |bits: usize| -> Vec<Wire<Local>> { (0..lanes).map(|_| Wire::of(bits)).collect() };
        let sign = |element: ElementType| match element {
            ElementType::Signed { bits } => 1u64 << (bits - 1),
            ElementType::Bipolar | ElementType::Unsigned { .. } => 0,
        };
        // value = code · 2^doubled − offset
        let offset = |element: ElementType| match element {
            ElementType::Bipolar => 1,
            element => sign(element),
        };
        let doubled = |element: ElementType| Parameter::number(usize::from(element == ElementType::Bipolar));
        let mask = if bits_out >= 64 { u64::MAX } else { (1 << bits_out) - 1 };
        let wide = |value: u64| Parameter::new(Word::new(value & mask, bits_out));
        let width = lanes * bits_out;
        MultiplyUnit {
            module_name: ModuleName::new(name).about("The product of two streams, element by element."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(lanes * first),
            second_in: StreamIn::of(lanes * second),
            out: StreamOut::of(width),
            result: OneResult::new(width),
            first: wires(first),
            second: wires(second),
            first_code: wires(first),
            second_code: wires(second),
            first_wide: wires(bits_out),
            second_wide: wires(bits_out),
            products: wires(bits_out),
            placed: wires(width),
            packed: Wire::of(width),
            take: Wire::default(),
            first_lane: Parameter::number(first),
            second_lane: Parameter::number(second),
            lane_out: Parameter::number(bits_out),
            first_sign: Parameter::new(Word::new(sign(elements[0]), first)),
            second_sign: Parameter::new(Word::new(sign(elements[1]), second)),
            first_doubled: doubled(elements[0]),
            second_doubled: doubled(elements[1]),
            first_offset: wide(offset(elements[0])),
            second_offset: wide(offset(elements[1])),
            offsets: wide(offset(elements[0]).wrapping_mul(offset(elements[1]))),
            _lanes: lanes,
            _bits: bits_out,
        }
    }
}

impl StreamBlock for MultiplyUnit {
    fn ports(&mut self) -> StreamPorts<'_> {
        StreamPorts::new(&mut self.clock, &mut self.reset, [&mut self.in_, &mut self.second_in], [&mut self.out])
    }
}

impl Logic for MultiplyUnit {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, result);
        self.result.reset.next = self.reset.val();

        StreamOut::link(&mut self.out, &mut self.result.out);
        self.in_.ready.next = self.result.room.val() && self.second_in.valid.val();
        self.second_in.ready.next = self.result.room.val() && self.in_.valid.val();
        self.take.next = self.result.room.val() && self.in_.valid.val() && self.second_in.valid.val();

        for i in 0..self._lanes {
            self.first[i].next = self.in_.data.val() >> (self.first_lane.val() * i);
            self.second[i].next = self.second_in.data.val() >> (self.second_lane.val() * i);
            self.first_code[i].next = self.first_sign.val() ^ self.first[i].val();
            self.second_code[i].next = self.second_sign.val() ^ self.second[i].val();
            self.first_wide[i].next =
                (bits_of(0u64, self._bits) + self.first_code[i].val()) << self.first_doubled.val();
            self.second_wide[i].next =
                (bits_of(0u64, self._bits) + self.second_code[i].val()) << self.second_doubled.val();
            self.products[i].next = (self.first_wide[i].val() * self.second_wide[i].val())
                - (self.first_wide[i].val() * self.second_offset.val())
                - (self.second_wide[i].val() * self.first_offset.val())
                + self.offsets.val();
            self.placed[i].next = self.products[i].val();
        }
        self.packed.next = self.placed[0].val();
        for i in 1..self._lanes {
            self.packed.next = self.packed.val() | (self.placed[i].val() << (self.lane_out.val() * i));
        }

        self.result.value.next = self.packed.val();
        self.result.load.next = self.take.val();
    }
}
