//! Puts flags and escapes between the bytes of frames ([`abi::frame`]).
//!
//! Ports: `clock`, `reset`; `in_data`/`in_valid`/`in_ready`, the bytes of a frame, or with `in_flag` high flags;
//! `out_data`/`out_valid`/`out_ready`, the bytes of the line.
//!
//! A byte goes through in the cycle in which it comes; one that must be escaped is taken with the second byte that it
//! becomes.

use crate::blocks::register::Register;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamIn, StreamOut, Wire, Word, bits_of, clocked};
use abi::frame::{ESCAPE, ESCAPE_FLIP, FLAG};

/// From bytes of frames to bytes of a line.
#[derive(Clone, Debug, LogicBlock)]
pub struct FrameTransmitter {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The stream in.
    pub in_: StreamIn,
    /// Whether the word in is a flag, whatever the byte.
    pub in_flag: Wire<In, Bit>,
    /// The stream out.
    pub out: StreamOut,
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
            module_name: ModuleName::new("frame_transmitter").about("Writes frames as bytes, with flags and escapes."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(8),
            in_flag: Wire::default(),
            out: StreamOut::of(8),
            escaped: Register::new(1),
            announce: Wire::default(),
            flag_code: Parameter::new(Word::new(FLAG.into(), 8)),
            escape_code: Parameter::new(Word::new(ESCAPE.into(), 8)),
            escape_flip: Parameter::new(Word::new(ESCAPE_FLIP.into(), 8)),
        }
    }
}

clocked!(FrameTransmitter: clock);

impl Logic for FrameTransmitter {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, escaped);

        self.announce.next = false;
        self.out.data.next = self.in_.data.val();
        if self.in_flag.val() {
            self.out.data.next = self.flag_code.val();
        } else if self.escaped.q.val().any() {
            self.out.data.next = self.in_.data.val() ^ self.escape_flip.val();
        } else if (self.in_.data.val() == self.flag_code.val()) || (self.in_.data.val() == self.escape_code.val()) {
            self.announce.next = true;
            self.out.data.next = self.escape_code.val();
        }

        self.out.valid.next = self.in_.valid.val();
        self.in_.ready.next = self.out.ready.val() && !self.announce.val();
        self.escaped.d.next = self.escaped.q.val();
        if self.in_.valid.val() && self.out.ready.val() {
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
