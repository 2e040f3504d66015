//! Each element of a stream times a factor: changes of type and of sign.
//!
//! Ports: `clock`, `reset`; the stream in, `lanes` elements a word; the stream out, `lanes` products a word. `in_ready`
//! follows `out_ready` within the cycle.
//!
//! A word is taken in every cycle in which no finished word waits, and its products are offered one cycle later.

use super::one_result::OneResult;
use super::register::Register;
use super::stream_block::{StreamBlock, StreamPorts};
use super::weighed_lanes::{WeighedLanes, WeighedShape};
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamIn, StreamOut, Wire, bits_of};

/// Scales a stream.
#[derive(Clone, Debug, LogicBlock)]
pub struct ScaleUnit {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The stream in.
    pub in_: StreamIn,
    /// The stream out.
    pub out: StreamOut,
    lanes: WeighedLanes,
    position: Register,
    result: OneResult,
    take: Wire<Local, Bit>,
    last: Wire<Local>,
    last_number: Parameter,
    _position: usize,
}

impl ScaleUnit {
    /// The unit called `name`, to products of `bits_out` bits.
    pub fn new(name: &str, shape: &WeighedShape, bits_out: usize) -> Self {
        let lanes = shape.lanes;
        let words = shape.words();
        let position = super::address_bits(words);
        let width = lanes * bits_out;
        ScaleUnit {
            module_name: ModuleName::new(name).about("Each element of a stream times a factor."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(lanes * shape.element.bits() as usize),
            out: StreamOut::of(width),
            lanes: WeighedLanes::new(&format!("{name}_lanes"), shape, bits_out),
            position: Register::new(position),
            result: OneResult::new(width),
            take: Wire::default(),
            last: Wire::of(position),
            last_number: Parameter::new(crate::wire::Word::new(words as u64 - 1, position)),
            _position: position,
        }
    }
}

impl StreamBlock for ScaleUnit {
    fn ports(&mut self) -> StreamPorts<'_> {
        StreamPorts::new(&mut self.clock, &mut self.reset, [&mut self.in_], [&mut self.out])
    }
}

impl Logic for ScaleUnit {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, position, result);
        self.result.reset.next = self.reset.val();

        StreamOut::link(&mut self.out, &mut self.result.out);
        self.in_.ready.next = self.result.room.val();
        self.take.next = self.in_.valid.val() && self.in_.ready.val();
        self.last.next = self.last_number.val();

        self.lanes.x.next = self.in_.data.val();
        self.lanes.position.next = self.position.q.val();

        self.result.value.next = self.lanes.products.val();
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
