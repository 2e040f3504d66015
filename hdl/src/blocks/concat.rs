//! The channels of one stream, then those of another.
//!
//! Ports: `clock`, `reset`; the streams in, `in_*` and `second_*`, `lanes` elements a word each; the stream out, the words
//! of a vector of the first, then those of a vector of the second. Everything happens within the cycle: the stream whose
//! turn it is passes through.

use super::register::Register;
use super::stream_block::{StreamBlock, StreamPorts};
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamIn, StreamOut, Wire, Word, bits_of};

/// Joins two streams vector by vector.
#[derive(Clone, Debug, LogicBlock)]
pub struct Concat {
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
    position: Register,
    is_second: Wire<Local, Bit>,
    first_words: Parameter,
    last_number: Parameter,
    _position: usize,
}

impl Concat {
    /// For vectors of the given numbers of words of `width` bits.
    pub fn new(words: [usize; 2], width: usize) -> Self {
        let position = super::bits_for(words[0] + words[1]);
        let number = |value: usize| Parameter::new(Word::new(value as u64, position));
        Concat {
            module_name: ModuleName::new(format!("concat_{}_{}_w{width}", words[0], words[1]))
                .about("The channels of one stream, then those of another."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(width),
            second_in: StreamIn::of(width),
            out: StreamOut::of(width),
            position: Register::new(position),
            is_second: Wire::default(),
            first_words: number(words[0]),
            last_number: number(words[0] + words[1] - 1),
            _position: position,
        }
    }
}

impl StreamBlock for Concat {
    fn ports(&mut self) -> StreamPorts<'_> {
        StreamPorts::new(&mut self.clock, &mut self.reset, [&mut self.in_, &mut self.second_in], [&mut self.out])
    }
}

impl Logic for Concat {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, position);
        self.is_second.next = self.position.q.val() >= self.first_words.val();
        self.out.data.next = self.in_.data.val();
        if self.is_second.val() {
            self.out.data.next = self.second_in.data.val();
        }
        self.out.valid.next =
            (self.in_.valid.val() && !self.is_second.val()) || (self.second_in.valid.val() && self.is_second.val());
        self.in_.ready.next = self.out.ready.val() && !self.is_second.val();
        self.second_in.ready.next = self.out.ready.val() && self.is_second.val();
        self.position.d.next = self.position.q.val();
        if self.out.valid.val() && self.out.ready.val() {
            self.position.d.next = self.position.q.val() + 1u64;
            if self.position.q.val() == self.last_number.val() {
                self.position.d.next = bits_of(0u64, self._position);
            }
        }
        if self.reset.val() {
            self.position.d.next = bits_of(0u64, self._position);
        }
    }
}
