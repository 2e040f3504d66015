//! Puts flags and escapes between the bytes of frames ([`abi::frame`]).
//!
//! Ports: `clock`, `reset`; `in_data`/`in_valid`/`in_ready`, the bytes of a frame, or with `in_flag` high flags;
//! `out_data`/`out_valid`/`out_ready`, the bytes of the line.
//!
//! A byte goes through in the cycle in which it comes; one that must be escaped is taken with the second byte that it
//! becomes.

use crate::blocks::register::Register;
use crate::wire::{ModuleName, Parameter, Wire, Word, bits_of};
use abi::frame::{ESCAPE, ESCAPE_FLIP, FLAG};
use rust_hdl::core::prelude::*;

/// From bytes of frames to bytes of a line.
#[derive(Clone, Debug, LogicBlock)]
pub struct FrameTransmitter {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// Byte in.
    pub in_data: Wire<In>,
    /// Whether it is a flag, whatever the byte.
    pub in_flag: Wire<In, Bit>,
    /// Whether there is a byte in.
    pub in_valid: Wire<In, Bit>,
    /// Whether the byte in is taken.
    pub in_ready: Wire<Out, Bit>,
    /// Byte out.
    pub out_data: Wire<Out>,
    /// Whether there is a byte out.
    pub out_valid: Wire<Out, Bit>,
    /// Whether the byte out is taken.
    pub out_ready: Wire<In, Bit>,
    /// Whether the byte in has been announced.
    escaped: Register,
    announce: Wire<Local, Bit>,
    flag_code: Parameter,
    escape_code: Parameter,
    escape_flip: Parameter,
}

impl FrameTransmitter {
    /// A transmitter.
    #[allow(clippy::new_without_default, reason = "blocks are made by `new`")]
    pub fn new() -> Self {
        FrameTransmitter {
            module_name: ModuleName::new("frame_transmitter"),
            clock: Wire::default(),
            reset: Wire::default(),
            in_data: Wire::of(8),
            in_flag: Wire::default(),
            in_valid: Wire::default(),
            in_ready: Wire::default(),
            out_data: Wire::of(8),
            out_valid: Wire::default(),
            out_ready: Wire::default(),
            escaped: Register::new(1),
            announce: Wire::default(),
            flag_code: Parameter::new(Word::new(FLAG.into(), 8)),
            escape_code: Parameter::new(Word::new(ESCAPE.into(), 8)),
            escape_flip: Parameter::new(Word::new(ESCAPE_FLIP.into(), 8)),
        }
    }
}

impl Logic for FrameTransmitter {
    #[hdl_gen]
    fn update(&mut self) {
        self.escaped.clock.next = self.clock.val();

        self.announce.next = false;
        self.out_data.next = self.in_data.val();
        if self.in_flag.val() {
            self.out_data.next = self.flag_code.val();
        } else if self.escaped.q.val().any() {
            self.out_data.next = self.in_data.val() ^ self.escape_flip.val();
        } else if (self.in_data.val() == self.flag_code.val()) || (self.in_data.val() == self.escape_code.val()) {
            self.announce.next = true;
            self.out_data.next = self.escape_code.val();
        }

        self.out_valid.next = self.in_valid.val();
        self.in_ready.next = self.out_ready.val() && !self.announce.val();
        self.escaped.d.next = self.escaped.q.val();
        if self.in_valid.val() && self.out_ready.val() {
            self.escaped.d.next = bits_of(0u64, 1);
            if self.announce.val() {
                self.escaped.d.next = bits_of(1u64, 1);
            }
        }
        if self.reset.val() {
            self.escaped.d.next = bits_of(0u64, 1);
        }
    }
}
