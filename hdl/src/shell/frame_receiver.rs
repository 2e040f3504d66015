//! Separates flags from bytes of frames and removes escapes ([`abi::frame`]).
//!
//! Ports: `clock`, `reset`; `in_data` with `in_valid`, the bytes of a line; in the same cycle `flag` says that the byte
//! is a flag, or `valid` that it belongs to a frame, as `data`.

use crate::blocks::register::Register;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, Wire, Word, bits_of, clocked};
use abi::frame::{ESCAPE, ESCAPE_FLIP, FLAG};

/// From bytes of a line to bytes of frames.
#[derive(Clone, Debug, LogicBlock)]
pub struct FrameReceiver {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// Byte of the line.
    pub in_data: Wire<In>,
    /// Whether there is one.
    pub in_valid: Wire<In, Bit>,
    /// Byte of a frame.
    pub data: Wire<Out>,
    /// Whether there is one.
    pub valid: Wire<Out, Bit>,
    /// Whether there is a flag.
    pub flag: Wire<Out, Bit>,
    /// Whether the last byte was an escape.
    escape: Register,
    flag_code: Parameter,
    escape_code: Parameter,
    escape_flip: Parameter,
}

impl FrameReceiver {
    /// A receiver that has met no byte.
    #[allow(clippy::new_without_default, reason = "blocks are made by `new`")]
    pub fn new() -> Self {
        FrameReceiver {
            module_name: ModuleName::new("frame_receiver")
                .about("Finds the flags of frames in a line of bytes and resolves escapes."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_data: Wire::of(8),
            in_valid: Wire::default(),
            data: Wire::of(8),
            valid: Wire::default(),
            flag: Wire::default(),
            escape: Register::new(1),
            flag_code: Parameter::new(Word::new(FLAG.into(), 8)),
            escape_code: Parameter::new(Word::new(ESCAPE.into(), 8)),
            escape_flip: Parameter::new(Word::new(ESCAPE_FLIP.into(), 8)),
        }
    }
}

clocked!(FrameReceiver: clock);

impl Logic for FrameReceiver {
    #[hdl_gen]
    fn update(&mut self) {
        self.escape.clock.next = self.clock.val();

        self.data.next = self.in_data.val();
        if self.escape.q.val().any() {
            self.data.next = self.in_data.val() ^ self.escape_flip.val();
        }

        self.valid.next = false;
        self.flag.next = false;
        self.escape.d.next = self.escape.q.val();
        if self.in_valid.val() {
            self.escape.d.next = bits_of(0u64, 1);
            if self.in_data.val() == self.flag_code.val() {
                self.flag.next = true;
            } else if self.in_data.val() == self.escape_code.val() {
                self.escape.d.next = bits_of(1u64, 1);
            } else {
                self.valid.next = true;
            }
        }
        if self.reset.val() {
            self.escape.d.next = bits_of(0u64, 1);
        }
    }
}
