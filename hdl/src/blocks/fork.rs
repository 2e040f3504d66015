//! One stream to two readers.
//!
//! Ports: `clock`, `reset`; the stream in; the streams out, `out_*` and `second_*`. Everything happens within the cycle:
//! a word in is offered to each reader until that one has taken it, and is taken itself when both have.

use super::register::Register;
use super::stream_block::{StreamBlock, StreamPorts};
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, StreamIn, StreamOut, Wire, bits_of};

/// One stream to two readers.
#[derive(Clone, Debug, LogicBlock)]
pub struct Fork {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The stream in.
    pub in_: StreamIn,
    /// The first stream out.
    pub out: StreamOut,
    /// The second stream out.
    pub second_out: StreamOut,
    /// Whether each reader has taken the present word.
    done: Register,
    second_done: Register,
    served: Wire<Local, Bit>,
    second_served: Wire<Local, Bit>,
}

impl Fork {
    /// A fork of words of `width` bits.
    pub fn new(width: usize) -> Self {
        Fork {
            module_name: ModuleName::new(format!("fork_w{width}")).about("One stream to two readers."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(width),
            out: StreamOut::of(width),
            second_out: StreamOut::of(width),
            done: Register::new(1),
            second_done: Register::new(1),
            served: Wire::default(),
            second_served: Wire::default(),
        }
    }
}

impl StreamBlock for Fork {
    fn ports(&mut self) -> StreamPorts<'_> {
        StreamPorts::new(&mut self.clock, &mut self.reset, [&mut self.in_], [&mut self.out, &mut self.second_out])
    }
}

impl Logic for Fork {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, done, second_done);
        self.out.data.next = self.in_.data.val();
        self.second_out.data.next = self.in_.data.val();
        self.out.valid.next = self.in_.valid.val() && !self.done.q.val().any();
        self.second_out.valid.next = self.in_.valid.val() && !self.second_done.q.val().any();
        self.served.next = self.done.q.val().any() || self.out.ready.val();
        self.second_served.next = self.second_done.q.val().any() || self.second_out.ready.val();
        self.in_.ready.next = self.served.val() && self.second_served.val();
        self.done.d.next = bits_of(0u64, 1);
        self.second_done.d.next = bits_of(0u64, 1);
        if self.in_.valid.val() && !self.reset.val() {
            if self.served.val() && !self.second_served.val() {
                self.done.d.next = bits_of(1u64, 1);
            }
            if self.second_served.val() && !self.served.val() {
                self.second_done.d.next = bits_of(1u64, 1);
            }
        }
    }
}
