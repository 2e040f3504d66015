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
}

impl Register {
    /// A register of `width` bits.
    pub fn new(width: usize) -> Self {
        Register {
            module_name: ModuleName::new("register")
                .about("A register: the word of the last clock edge, zero at the start.")
                .parameter("WIDTH", width, &["d", "q"]),
            clock: Wire::default(),
            d: Wire::of(width),
            q: Wire::of(width),
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
        Verilog::Custom(
            "reg [WIDTH-1:0] value;\ninitial value = 0;\nalways @(posedge clock) value <= d;\nassign q = value;".into(),
        )
    }
}
