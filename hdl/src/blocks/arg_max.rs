//! Index of the greatest element of a vector, the lowest index on ties.
//!
//! Ports: `clock`, `reset`; the stream in, `lanes` signed or unsigned elements a word; the stream out, one index
//! a vector. `in_ready` follows `out_ready` within the cycle.
//!
//! A word is taken in every cycle in which no finished index waits. The index is offered one cycle after the vector's
//! last word was taken. The first word of the next vector is taken while the index leaves.

use super::register::Register;
use super::stream_block::{StreamBlock, StreamPorts};
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamIn, StreamOut, Wire, Word, bits_of};

/// Finds the greatest element.
#[derive(Clone, Debug, LogicBlock)]
pub struct ArgMax {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The stream in.
    pub in_: StreamIn,
    /// The stream out.
    pub out: StreamOut,
    /// Greatest element so far, its sign bit flipped so that unsigned comparison orders it.
    best: Register,
    index: Register,
    /// Index of the next word's first element.
    position: Register,
    complete: Register,
    keys: Vec<Wire<Local>>,
    bests: Vec<Wire<Local>>,
    indices: Vec<Wire<Local>>,
    positions: Vec<Wire<Local>>,
    take: Wire<Local, Bit>,
    last: Wire<Local, Bit>,
    sign: Parameter,
    lanes: Parameter,
    last_position: Parameter,
    channels: Parameter,
    element_width: Parameter,
    _lanes: usize,
    _end: usize,
    _position: usize,
}

impl ArgMax {
    /// The arg-max of vectors of `channels` elements of `bits` bits (two's complement where `signed`), `lanes` a word,
    /// to indices of `index_bits` bits.
    pub fn new(channels: usize, bits: usize, signed: bool, lanes: usize, index_bits: usize) -> Self {
        let words = channels.div_ceil(lanes);
        let position = super::bits_for(words * lanes);
        let kind = if signed { "signed" } else { "unsigned" };
        let sign = if signed { 1u64 << (bits - 1) } else { 0 };
        ArgMax {
            module_name: ModuleName::new(format!("arg_max_{channels}x{bits}_{kind}_{lanes}_lanes"))
                .about("Index of the greatest element of a vector; the lowest index on ties."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(lanes * bits),
            out: StreamOut::of(index_bits),
            best: Register::new(bits),
            index: Register::new(position),
            position: Register::new(position),
            complete: Register::new(1),
            keys: (0..lanes).map(|_| Wire::of(bits)).collect(),
            bests: (0..=lanes).map(|_| Wire::of(bits)).collect(),
            indices: (0..=lanes).map(|_| Wire::of(position)).collect(),
            positions: (0..lanes).map(|_| Wire::of(position)).collect(),
            take: Wire::default(),
            last: Wire::default(),
            sign: Parameter::new(Word::new(sign, bits)),
            lanes: Parameter::new(Word::new(lanes as u64, position)),
            last_position: Parameter::new(Word::new(((words - 1) * lanes) as u64, position)),
            channels: Parameter::new(Word::new(channels as u64, position)),
            element_width: Parameter::number(bits),
            _lanes: lanes,
            _end: lanes + 1,
            _position: position,
        }
    }
}

impl StreamBlock for ArgMax {
    fn ports(&mut self) -> StreamPorts<'_> {
        StreamPorts::new(&mut self.clock, &mut self.reset, [&mut self.in_], [&mut self.out])
    }
}

impl Logic for ArgMax {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, best, index, position, complete);

        self.out.data.next = self.index.q.val();
        self.out.valid.next = self.complete.q.val().any();
        self.in_.ready.next = !self.complete.q.val().any() || self.out.ready.val();
        self.take.next = self.in_.valid.val() && self.in_.ready.val();
        self.last.next = self.position.q.val() == self.last_position.val();

        self.bests[0].next = self.best.q.val();
        self.indices[0].next = self.index.q.val();
        for i in 0..self._lanes {
            self.keys[i].next = self.in_.data.val() >> (self.element_width.val() * i);
            self.positions[i].next = self.position.q.val() + i;
            self.bests[i + 1].next = self.bests[i].val();
            self.indices[i + 1].next = self.indices[i].val();
            if (self.positions[i].val() < self.channels.val())
                && (!self.positions[i].val().any() || ((self.keys[i].val() ^ self.sign.val()) > self.bests[i].val()))
            {
                self.bests[i + 1].next = self.keys[i].val() ^ self.sign.val();
                self.indices[i + 1].next = self.positions[i].val();
            }
        }

        self.best.d.next = self.best.q.val();
        self.index.d.next = self.index.q.val();
        self.position.d.next = self.position.q.val();
        self.complete.d.next = self.complete.q.val();
        if self.out.ready.val() {
            self.complete.d.next = bits_of(0u64, 1);
        }
        if self.take.val() {
            for i in self._lanes..self._end {
                self.best.d.next = self.bests[i].val();
                self.index.d.next = self.indices[i].val();
            }
            self.position.d.next = self.position.q.val() + self.lanes.val();
            if self.last.val() {
                self.position.d.next = bits_of(0u64, self._position);
                self.complete.d.next = bits_of(1u64, 1);
            }
        }
        if self.reset.val() {
            self.position.d.next = bits_of(0u64, self._position);
            self.complete.d.next = bits_of(0u64, 1);
        }
    }
}
