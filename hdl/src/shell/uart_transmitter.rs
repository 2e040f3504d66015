//! Bytes onto a serial line.
//!
//! Ports: `clock`, `reset`; `in_data`/`in_valid`/`in_ready`, the bytes to send; `tx`, the line.
//!
//! A byte taken in cycle `t` begins its start bit in cycle `t + 1`. Bytes follow each other without idle bits: ready is
//! high again in the first cycle after the stop bit, which makes the stop bit one cycle longer. The line is 1 from the
//! first cycle on and changes only with a register. Times are those of [`UartTiming`].

use crate::blocks::register::Register;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamIn, Wire, Word, bits_of, clocked};
use abi::uart::{FRAME_BITS, UartTiming};

/// A transmitter of bytes.
#[derive(Clone, Debug, LogicBlock)]
pub struct UartTransmitter {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The stream in.
    pub in_: StreamIn,
    /// The line.
    pub tx: Wire<Out, Bit>,
    phase: Register,
    /// Bits to go, the present one included.
    left: Register,
    /// The bits, the present one lowest. Inverted, so that the line is idle at the start and stop bits shift in.
    bits: Register,
    sum: Wire<Local>,
    increment: Parameter,
    start: Parameter,
    carry: Parameter,
    frame_bits: Parameter,
    _sum: usize,
}

impl UartTransmitter {
    /// A transmitter for a line of the given timing.
    pub fn new(timing: &UartTiming) -> Self {
        let phase = timing.phase_bits();
        UartTransmitter {
            module_name: ModuleName::new(format!("uart_transmitter_{}_{}", timing.clock_hertz(), timing.baud()))
                .about("Bytes onto a serial line."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(8),
            tx: Wire::default(),
            phase: Register::new(phase),
            left: Register::new(4),
            bits: Register::new(9),
            sum: Wire::of(phase + 1),
            increment: Parameter::new(Word::new(timing.increment(), phase + 1)),
            start: Parameter::new(Word::new(timing.transmit_start(), phase)),
            carry: Parameter::number(phase),
            frame_bits: Parameter::new(Word::new(FRAME_BITS, 4)),
            _sum: phase + 1,
        }
    }
}

clocked!(UartTransmitter: clock);

impl Logic for UartTransmitter {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, phase, left, bits);

        self.tx.next = !self.bits.q.val().get_bit(0u64);
        self.in_.ready.next = !self.left.q.val().any();
        self.sum.next = bits_of(self.phase.q.val(), self._sum) + self.increment.val();

        self.phase.d.next = self.start.val();
        self.left.d.next = self.left.q.val();
        self.bits.d.next = self.bits.q.val();
        if self.left.q.val().any() {
            self.phase.d.next = self.sum.val();
            if self.sum.val().get_bit(self.carry.val()) {
                self.left.d.next = self.left.q.val() - 1u64;
                self.bits.d.next = self.bits.q.val() >> 1u64;
            }
        } else if self.in_.valid.val() {
            self.left.d.next = self.frame_bits.val();
            self.bits.d.next = (bits_of(!self.in_.data.val(), 9) << 1u64) | bits_of(1u64, 9);
        }
        if self.reset.val() {
            self.left.d.next = bits_of(0u64, 4);
            self.bits.d.next = bits_of(0u64, 9);
        }
    }
}
