//! Makes resets long enough.
//!
//! Ports: `clock`; `request`, high for one cycle or more; `reset`, high for [`RESET_CYCLES`] cycles after configuration and
//! from the cycle after a request on.

use crate::blocks::address_bits;
use crate::blocks::register::Register;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, Wire, Word, bits_of, clocked};

/// Length of a reset in clock cycles.
pub const RESET_CYCLES: usize = 128;

/// A counter that holds a reset.
#[derive(Clone, Debug, LogicBlock)]
pub struct ResetTimer {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Whether to begin again.
    pub request: Wire<In, Bit>,
    /// The reset.
    pub reset: Wire<Out, Bit>,
    count: Register,
    last: Parameter,
    _count: usize,
}

impl ResetTimer {
    /// A timer at the begin of a reset.
    #[allow(clippy::new_without_default, reason = "blocks are made by `new`")]
    pub fn new() -> Self {
        let count = address_bits(RESET_CYCLES);
        ResetTimer {
            module_name: ModuleName::new("reset_timer").about("Stretches resets to the cycles that the core needs."),
            clock: Wire::default(),
            request: Wire::default(),
            reset: Wire::default(),
            count: Register::new(count),
            last: Parameter::new(Word::new(RESET_CYCLES as u64 - 1, count)),
            _count: count,
        }
    }
}

clocked!(ResetTimer: clock);

impl Logic for ResetTimer {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, count);
        self.reset.next = self.count.q.val() != self.last.val();
        self.count.d.next = self.count.q.val();
        if self.reset.val() {
            self.count.d.next = self.count.q.val() + 1u64;
        }
        if self.request.val() {
            self.count.d.next = bits_of(0u64, self._count);
        }
    }
}
