//! The register of a block that makes one result at a time, and the handshake on both of its sides.
//!
//! Ports: `clock`, `reset`; `room`, whether a result may come, which follows `out_ready` within the cycle; in a cycle with
//! `load` high, and `room`, `value` is one; the stream out, where it is offered from the next cycle on.

use super::register::Register;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, StreamOut, Wire, bits_of};

/// One result on its way out.
#[derive(Clone, Debug, LogicBlock)]
pub struct OneResult {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// Whether there is a result.
    pub load: Wire<In, Bit>,
    /// The result.
    pub value: Wire<In>,
    /// Whether a result may come.
    pub room: Wire<Out, Bit>,
    /// The stream out.
    pub out: StreamOut,
    complete: Register,
    result: Register,
}

impl OneResult {
    /// The register of results of `width` bits.
    pub fn new(width: usize) -> Self {
        OneResult {
            module_name: ModuleName::new(format!("one_result_w{width}")).about(
                "The register of a block that makes one result at a time, and the handshake on both of its sides.",
            ),
            clock: Wire::default(),
            reset: Wire::default(),
            load: Wire::default(),
            value: Wire::of(width),
            room: Wire::default(),
            out: StreamOut::of(width),
            complete: Register::new(1),
            result: Register::new(width),
        }
    }
}

impl Logic for OneResult {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, complete, result);
        self.out.data.next = self.result.q.val();
        self.out.valid.next = self.complete.q.val().any();
        self.room.next = !self.complete.q.val().any() || self.out.ready.val();
        self.result.d.next = self.result.q.val();
        self.complete.d.next = self.complete.q.val();
        if self.out.ready.val() {
            self.complete.d.next = bits_of(0u64, 1);
        }
        if self.load.val() {
            self.result.d.next = self.value.val();
            self.complete.d.next = bits_of(1u64, 1);
        }
        if self.reset.val() {
            self.complete.d.next = bits_of(0u64, 1);
        }
    }
}
