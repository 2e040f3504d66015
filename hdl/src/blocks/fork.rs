//! One stream to two readers.
//!
//! Ports: `clock`, `reset`; the stream in; the streams out, `out_*` and `second_*`. Everything happens within the cycle:
//! a word in is offered to each reader until that one has taken it, and is taken itself when both have.

use super::register::Register;
use crate::wire::{ModuleName, Wire, bits_of};
use rust_hdl::core::prelude::*;

/// One stream to two readers.
#[derive(Clone, Debug, LogicBlock)]
pub struct Fork {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// Word in.
    pub in_data: Wire<In>,
    /// Whether there is a word in.
    pub in_valid: Wire<In, Bit>,
    /// Whether the word in is taken.
    pub in_ready: Wire<Out, Bit>,
    /// Word for the first reader.
    pub out_data: Wire<Out>,
    /// Whether there is one.
    pub out_valid: Wire<Out, Bit>,
    /// Whether it is taken.
    pub out_ready: Wire<In, Bit>,
    /// Word for the second reader.
    pub second_data: Wire<Out>,
    /// Whether there is one.
    pub second_valid: Wire<Out, Bit>,
    /// Whether it is taken.
    pub second_ready: Wire<In, Bit>,
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
            module_name: ModuleName::new(format!("fork_w{width}")),
            clock: Wire::default(),
            reset: Wire::default(),
            in_data: Wire::of(width),
            in_valid: Wire::default(),
            in_ready: Wire::default(),
            out_data: Wire::of(width),
            out_valid: Wire::default(),
            out_ready: Wire::default(),
            second_data: Wire::of(width),
            second_valid: Wire::default(),
            second_ready: Wire::default(),
            done: Register::new(1),
            second_done: Register::new(1),
            served: Wire::default(),
            second_served: Wire::default(),
        }
    }
}

impl Logic for Fork {
    #[hdl_gen]
    fn update(&mut self) {
        self.done.clock.next = self.clock.val();
        self.second_done.clock.next = self.clock.val();
        self.out_data.next = self.in_data.val();
        self.second_data.next = self.in_data.val();
        self.out_valid.next = self.in_valid.val() && !self.done.q.val().any();
        self.second_valid.next = self.in_valid.val() && !self.second_done.q.val().any();
        self.served.next = self.done.q.val().any() || self.out_ready.val();
        self.second_served.next = self.second_done.q.val().any() || self.second_ready.val();
        self.in_ready.next = self.served.val() && self.second_served.val();
        self.done.d.next = bits_of(0u64, 1);
        self.second_done.d.next = bits_of(0u64, 1);
        if self.in_valid.val() && !self.reset.val() {
            if self.served.val() && !self.second_served.val() {
                self.done.d.next = bits_of(1u64, 1);
            }
            if self.second_served.val() && !self.served.val() {
                self.second_done.d.next = bits_of(1u64, 1);
            }
        }
    }
}
