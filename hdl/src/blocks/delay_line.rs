//! A delay line: the word of some clock cycles ago, zero at the start.
//!
//! Ports: `clock`; `reset` (synchronous, empties the line); `d`; `q`, the word `cycles` later.

use super::register::Register;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Wire, bits_of, clocked};

/// A chain of registers.
#[derive(Clone, Debug, LogicBlock)]
pub struct DelayLine {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The word in.
    pub d: Wire<In>,
    /// The word out.
    pub q: Wire<Out>,
    links: Vec<Wire<Local>>,
    registers: Vec<Register>,
    _cycles: usize,
    _end: usize,
    _width: usize,
}

impl DelayLine {
    /// A line of `cycles` registers of `width` bits.
    pub fn new(cycles: usize, width: usize) -> Self {
        DelayLine {
            module_name: ModuleName::new(format!("delay_line_c{cycles}_w{width}"))
                .about("The word of some clock cycles ago, zero at the start."),
            clock: Wire::default(),
            reset: Wire::default(),
            d: Wire::of(width),
            q: Wire::of(width),
            links: (0..=cycles).map(|_| Wire::of(width)).collect(),
            registers: (0..cycles).map(|_| Register::new(width)).collect(),
            _cycles: cycles,
            _end: cycles + 1,
            _width: width,
        }
    }
}

clocked!(DelayLine: clock);

impl Logic for DelayLine {
    #[hdl_gen]
    fn update(&mut self) {
        self.links[0].next = self.d.val();
        for i in 0..self._cycles {
            self.registers[i].clock.next = self.clock.val();
            self.registers[i].d.next = bits_of(0u64, self._width);
            if !self.reset.val() {
                self.registers[i].d.next = self.links[i].val();
            }
            self.links[i + 1].next = self.registers[i].q.val();
        }
        for i in self._cycles..self._end {
            self.q.next = self.links[i].val();
        }
    }
}
