//! Bytes from a serial line.
//!
//! Ports: `clock`, `reset`; `rx`, the line, from a pin of any clock; in the one cycle with `valid` high, `data` is a byte
//! received, and stays so for at least a bit and a half; in the one cycle with `broken` high, a byte without a stop bit
//! has come and is dropped.
//!
//! The line is looked at two cycles late. A start bit is seen in the first cycle in which the line is 0 and sampled in
//! its middle: if the line is 1 there, it was none. The stop bit is sampled in its middle too, one cycle before `valid`
//! or `broken`, and the next start bit may follow at once; after a broken byte only when the line has been 1. Times are
//! those of [`UartTiming`].

use crate::blocks::register::Register;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, Wire, Word, bits_of, clocked};
use abi::uart::UartTiming;

/// A receiver of bytes.
#[derive(Clone, Debug, LogicBlock)]
pub struct UartReceiver {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The line.
    pub rx: Wire<In, Bit>,
    /// The byte.
    pub data: Wire<Out>,
    /// Whether a byte has come.
    pub valid: Wire<Out, Bit>,
    /// Whether a byte without a stop bit has come.
    pub broken: Wire<Out, Bit>,
    /// Takes the line into the clock, in two steps. Inverted, so that the line is idle at the start.
    synchroniser: Register,
    phase: Register,
    /// What the line is at: 0 idle, 1 start bit, 2 to 9 data bits, 10 stop bit, 11 what follows a broken byte.
    position: Register,
    bits: Register,
    /// Valid and broken.
    outcome: Register,
    low: Wire<Local, Bit>,
    sum: Wire<Local>,
    sample: Wire<Local, Bit>,
    increment: Parameter,
    start: Parameter,
    carry: Parameter,
    stop_bit: Parameter,
    after_broken: Parameter,
    _sum: usize,
}

impl UartReceiver {
    /// A receiver for a line of the given timing.
    pub fn new(timing: &UartTiming) -> Self {
        let phase = timing.phase_bits();
        UartReceiver {
            module_name: ModuleName::new(format!("uart_receiver_{}_{}", timing.clock_hertz(), timing.baud()))
                .about("Bytes from a serial line."),
            clock: Wire::default(),
            reset: Wire::default(),
            rx: Wire::default(),
            data: Wire::of(8),
            valid: Wire::default(),
            broken: Wire::default(),
            synchroniser: Register::new(2),
            phase: Register::new(phase),
            position: Register::new(4),
            bits: Register::new(8),
            outcome: Register::new(2),
            low: Wire::default(),
            sum: Wire::of(phase + 1),
            sample: Wire::default(),
            increment: Parameter::new(Word::new(timing.increment(), phase + 1)),
            start: Parameter::new(Word::new(timing.receive_start(), phase)),
            carry: Parameter::number(phase),
            stop_bit: Parameter::new(Word::new(10, 4)),
            after_broken: Parameter::new(Word::new(11, 4)),
            _sum: phase + 1,
        }
    }
}

clocked!(UartReceiver: clock);

impl Logic for UartReceiver {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, synchroniser, phase, position, bits, outcome);

        self.synchroniser.d.next = (self.synchroniser.q.val() << 1u64) | bits_of(!self.rx.val(), 2);
        self.low.next = self.synchroniser.q.val().get_bit(1u64);
        self.sum.next = bits_of(self.phase.q.val(), self._sum) + self.increment.val();
        self.sample.next = self.sum.val().get_bit(self.carry.val());

        self.phase.d.next = self.start.val();
        self.position.d.next = self.position.q.val();
        self.bits.d.next = self.bits.q.val();
        self.outcome.d.next = bits_of(0u64, 2);
        if !self.position.q.val().any() {
            if self.low.val() {
                self.position.d.next = bits_of(1u64, 4);
            }
        } else if self.position.q.val() == self.after_broken.val() {
            if !self.low.val() {
                self.position.d.next = bits_of(0u64, 4);
            }
        } else {
            self.phase.d.next = self.sum.val();
            if self.sample.val() {
                self.position.d.next = self.position.q.val() + 1u64;
                if self.position.q.val() == self.stop_bit.val() {
                    self.outcome.d.next = bits_of(2u64, 2);
                    if !self.low.val() {
                        self.outcome.d.next = bits_of(1u64, 2);
                        self.position.d.next = bits_of(0u64, 4);
                    }
                } else if self.position.q.val() == 1u64 {
                    if !self.low.val() {
                        self.position.d.next = bits_of(0u64, 4);
                    }
                } else {
                    self.bits.d.next = (self.bits.q.val() >> 1u64) | (bits_of(!self.low.val(), 8) << 7u64);
                }
            }
        }
        if self.reset.val() {
            self.position.d.next = bits_of(0u64, 4);
            self.outcome.d.next = bits_of(0u64, 2);
        }

        self.data.next = self.bits.q.val();
        self.valid.next = self.outcome.q.val().get_bit(0u64);
        self.broken.next = self.outcome.q.val().get_bit(1u64);
    }
}
