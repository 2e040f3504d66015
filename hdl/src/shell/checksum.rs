//! The checksum of frames ([`abi::frame`]), bit by bit.
//!
//! Ports: `clock`; `start` begins anew; in a cycle with `step` high one bit passes: of data, which `data` gives, or
//! with `drain` high of the checksum, which `next_bit` gives. `wrong`: whether since the start `data` differed from
//! `next_bit` in a cycle that drained. All of these take effect in the next cycle.
//!
//! Draining 32 bits leaves the remainder as it was before, so that the next checksum goes over the data of both: that of a
//! frame's payload over its header too.
//!
//! One bit a cycle costs 33 registers and 18 LUTs on an iCE40, 48 on an ECP5. That is fast enough: a byte on a serial
//! line lasts 39 cycles or more.

use crate::blocks::register::Register;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, Wire, Word, bits_of, clocked};
use abi::frame::CHECKSUM_POLYNOMIAL;

/// A checksum.
#[derive(Clone, Debug, LogicBlock)]
pub struct Checksum {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Whether to begin anew.
    pub start: Wire<In, Bit>,
    /// Whether a bit passes.
    pub step: Wire<In, Bit>,
    /// Whether it is of the checksum.
    pub drain: Wire<In, Bit>,
    /// The bit on the line.
    pub data: Wire<In, Bit>,
    /// The next bit of the checksum.
    pub next_bit: Wire<Out, Bit>,
    /// Whether a wrong checksum passed.
    pub wrong: Wire<Out, Bit>,
    remainder: Register,
    mismatch: Register,
    polynomial: Parameter,
    ones: Parameter,
}

impl Checksum {
    /// A checksum of no bits.
    #[allow(clippy::new_without_default, reason = "blocks are made by `new`")]
    pub fn new() -> Self {
        Checksum {
            module_name: ModuleName::new("checksum").about("The checksum of frames, bit by bit."),
            clock: Wire::default(),
            start: Wire::default(),
            step: Wire::default(),
            drain: Wire::default(),
            data: Wire::default(),
            next_bit: Wire::default(),
            wrong: Wire::default(),
            remainder: Register::new(32),
            mismatch: Register::new(1),
            polynomial: Parameter::new(Word::new(CHECKSUM_POLYNOMIAL.into(), 32)),
            ones: Parameter::new(Word::ones(32)),
        }
    }
}

clocked!(Checksum: clock);

impl Logic for Checksum {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, remainder, mismatch);

        self.next_bit.next = !self.remainder.q.val().get_bit(0u64);
        self.wrong.next = self.mismatch.q.val().any();

        self.remainder.d.next = self.remainder.q.val();
        self.mismatch.d.next = self.mismatch.q.val();
        if self.start.val() {
            self.remainder.d.next = self.ones.val();
            self.mismatch.d.next = bits_of(0u64, 1);
        } else if self.step.val() {
            self.remainder.d.next = self.remainder.q.val() >> 1u64;
            if self.drain.val() {
                self.remainder.d.next =
                    (self.remainder.q.val() >> 1u64) | (bits_of(self.remainder.q.val().get_bit(0u64), 32) << 31u64);
                if self.data.val() == self.remainder.q.val().get_bit(0u64) {
                    self.mismatch.d.next = bits_of(1u64, 1);
                }
            } else if self.data.val() != self.remainder.q.val().get_bit(0u64) {
                self.remainder.d.next = (self.remainder.q.val() >> 1u64) ^ self.polynomial.val();
            }
        }
    }
}
