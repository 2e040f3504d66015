//! The sum of two streams, each element times a factor.
//!
//! Ports: `clock`, `reset`; the streams in, `in_*` and `second_*`, `lanes` elements a word each; the stream out, `lanes`
//! sums a word in two's complement. The ready of an input follows `out_ready` and the other input's valid within the cycle.
//!
//! A pair of words is taken in every cycle in which both are there and no finished word waits, and its sums are offered
//! one cycle later.

use super::one_result::OneResult;
use super::register::Register;
use super::stream_block::{StreamBlock, StreamPorts};
use super::weighed_lanes::{WeighedLanes, WeighedShape};
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamIn, StreamOut, Wire, bits_of};

/// Adds two streams.
#[derive(Clone, Debug, LogicBlock)]
pub struct AddUnit {
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
    first: WeighedLanes,
    second: WeighedLanes,
    position: Register,
    result: OneResult,
    sums: Vec<Wire<Local>>,
    placed: Vec<Wire<Local>>,
    packed: Wire<Local>,
    take: Wire<Local, Bit>,
    last: Wire<Local>,
    last_number: Parameter,
    lane_out: Parameter,
    _lanes: usize,
    _position: usize,
}

impl AddUnit {
    /// The unit called `name` of two streams, to sums of `bits_out` bits.
    pub fn new(name: &str, shapes: [&WeighedShape; 2], bits_out: usize) -> Self {
        let lanes = shapes[0].lanes;
        let words = shapes[0].words();
        let position = super::address_bits(words);
        let width = lanes * bits_out;
        let lanes_of = |shape: &WeighedShape, part: &str| WeighedLanes::new(&format!("{name}_{part}"), shape, bits_out);
        AddUnit {
            module_name: ModuleName::new(name).about("The sum of two streams, each element times a factor."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(lanes * shapes[0].element.bits() as usize),
            second_in: StreamIn::of(lanes * shapes[1].element.bits() as usize),
            out: StreamOut::of(width),
            first: lanes_of(shapes[0], "first"),
            second: lanes_of(shapes[1], "second"),
            position: Register::new(position),
            result: OneResult::new(width),
            sums: (0..lanes).map(|_| Wire::of(bits_out)).collect(),
            placed: (0..lanes).map(|_| Wire::of(width)).collect(),
            packed: Wire::of(width),
            take: Wire::default(),
            last: Wire::of(position),
            last_number: Parameter::new(crate::wire::Word::new(words as u64 - 1, position)),
            lane_out: Parameter::number(bits_out),
            _lanes: lanes,
            _position: position,
        }
    }
}

impl StreamBlock for AddUnit {
    fn ports(&mut self) -> StreamPorts<'_> {
        StreamPorts::new(&mut self.clock, &mut self.reset, [&mut self.in_, &mut self.second_in], [&mut self.out])
    }
}

impl Logic for AddUnit {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, position, result);
        self.result.reset.next = self.reset.val();

        StreamOut::link(&mut self.out, &mut self.result.out);
        self.in_.ready.next = self.result.room.val() && self.second_in.valid.val();
        self.second_in.ready.next = self.result.room.val() && self.in_.valid.val();
        self.take.next = self.result.room.val() && self.in_.valid.val() && self.second_in.valid.val();
        self.last.next = self.last_number.val();

        self.first.x.next = self.in_.data.val();
        self.second.x.next = self.second_in.data.val();
        self.first.position.next = self.position.q.val();
        self.second.position.next = self.position.q.val();
        for i in 0..self._lanes {
            self.sums[i].next = (self.first.products.val() >> (self.lane_out.val() * i))
                + (self.second.products.val() >> (self.lane_out.val() * i));
            self.placed[i].next = self.sums[i].val();
        }
        self.packed.next = self.placed[0].val();
        for i in 1..self._lanes {
            self.packed.next = self.packed.val() | (self.placed[i].val() << (self.lane_out.val() * i));
        }

        self.result.value.next = self.packed.val();
        self.result.load.next = self.take.val();
        self.position.d.next = self.position.q.val();
        if self.take.val() {
            self.position.d.next = self.position.q.val() + 1u64;
            if self.position.q.val() == self.last.val() {
                self.position.d.next = bits_of(0u64, self._position);
            }
        }
        if self.reset.val() {
            self.position.d.next = bits_of(0u64, self._position);
        }
    }
}
