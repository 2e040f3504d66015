//! A register: the word of the last clock edge, zero at the start.
//!
//! Ports: `clock`; `d`, the word to keep; `q`, the word kept, one cycle later.

use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Wire, clocked};

/// A register of a run-time width.
#[derive(Clone, Debug, LogicBlock)]
pub struct Register {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// The word to keep.
    pub d: Wire<In>,
    /// The word kept.
    pub q: Wire<Out>,
    _width: usize,
}

impl Register {
    /// A register of `width` bits.
    pub fn new(width: usize) -> Self {
        Register {
            module_name: ModuleName::new(format!("register_w{width}")),
            clock: Wire::default(),
            d: Wire::of(width),
            q: Wire::of(width),
            _width: width,
        }
    }
}

clocked!(Register: clock);

impl Logic for Register {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.q.next = self.d.val();
        }
    }

    fn connect(&mut self) {
        self.q.connect();
    }

    fn hdl(&self) -> Verilog {
        let high = self._width - 1;
        Verilog::Custom(format!(
            "reg [{high}:0] value;\ninitial value = 0;\nalways @(posedge clock) value <= d;\nassign q = value;"
        ))
    }
}
