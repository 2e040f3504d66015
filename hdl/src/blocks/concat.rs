//! The channels of one stream, then those of another.
//!
//! Ports: `clock`, `reset`; the streams in, `in_*` and `second_*`, `lanes` elements a word each; the stream out, the words
//! of a vector of the first, then those of a vector of the second. Everything happens within the cycle: the stream whose
//! turn it is passes through.

use super::register::Register;
use crate::wire::{ModuleName, Parameter, Wire, Word, bits_of};
use rust_hdl::core::prelude::*;

/// Joins two streams vector by vector.
#[derive(Clone, Debug, LogicBlock)]
pub struct Concat {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// Word of the first stream.
    pub in_data: Wire<In>,
    /// Whether there is one.
    pub in_valid: Wire<In, Bit>,
    /// Whether it is taken.
    pub in_ready: Wire<Out, Bit>,
    /// Word of the second stream.
    pub second_data: Wire<In>,
    /// Whether there is one.
    pub second_valid: Wire<In, Bit>,
    /// Whether it is taken.
    pub second_ready: Wire<Out, Bit>,
    /// Word out.
    pub out_data: Wire<Out>,
    /// Whether there is a word out.
    pub out_valid: Wire<Out, Bit>,
    /// Whether the word out is taken.
    pub out_ready: Wire<In, Bit>,
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
            module_name: ModuleName::new(format!("concat_{}_{}_w{width}", words[0], words[1])),
            clock: Wire::default(),
            reset: Wire::default(),
            in_data: Wire::of(width),
            in_valid: Wire::default(),
            in_ready: Wire::default(),
            second_data: Wire::of(width),
            second_valid: Wire::default(),
            second_ready: Wire::default(),
            out_data: Wire::of(width),
            out_valid: Wire::default(),
            out_ready: Wire::default(),
            position: Register::new(position),
            is_second: Wire::default(),
            first_words: number(words[0]),
            last_number: number(words[0] + words[1] - 1),
            _position: position,
        }
    }
}

impl Logic for Concat {
    #[hdl_gen]
    fn update(&mut self) {
        self.position.clock.next = self.clock.val();
        self.is_second.next = self.position.q.val() >= self.first_words.val();
        self.out_data.next = self.in_data.val();
        if self.is_second.val() {
            self.out_data.next = self.second_data.val();
        }
        self.out_valid.next =
            (self.in_valid.val() && !self.is_second.val()) || (self.second_valid.val() && self.is_second.val());
        self.in_ready.next = self.out_ready.val() && !self.is_second.val();
        self.second_ready.next = self.out_ready.val() && self.is_second.val();
        self.position.d.next = self.position.q.val();
        if self.out_valid.val() && self.out_ready.val() {
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
