//! The serial line: how a clock makes and takes its bits, and a software modem for simulations.
//!
//! A byte is a start bit (0), eight data bits, lowest first, and a stop bit (1): 8N1. The idle line is 1.
//!
//! A clock seldom is a multiple of a line's rate, so bits are timed by a phase of [`phase_bits`](UartTiming::phase_bits)
//! bits that grows by [`increment`](UartTiming::increment) in each clock cycle. A bit ends in the cycle whose sum
//! overflows: bits differ by one cycle, and their mean is right. Both sides begin anew with every start bit, so nothing
//! adds up from byte to byte and every error is a known number, found by going through the ten bits:
//!
//! * the receiver sees a start bit up to a cycle late and samples in whole cycles, at moments that its start value fixes;
//! * the transmitter's edges lie in whole cycles;
//! * the far side's rate is off by up to [`FAR_RATE_ERROR`], and it too sees a start bit late, by up to
//!   [`FAR_START_ERROR`].
//!
//! With bits of at least [`FEWEST_CYCLES`] cycles all this moves a sample by at most [`MAX_ERROR`] from the middle of
//! its bit; what is faster is refused.

mod line;

pub use line::{LineDecoder, LineEncoder, LineError};

use miette::Diagnostic;
use thiserror::Error;

/// Bits of a byte on the line, start and stop bit included.
pub const FRAME_BITS: u64 = 10;

/// Part by which the far side's rate may be off: what UARTs with a divided crystal keep.
pub const FAR_RATE_ERROR: f64 = 0.02;

/// Part of a bit by which the far side may see a start bit late: common receivers look 16 times a bit.
pub const FAR_START_ERROR: f64 = 1.0 / 16.0;

/// Greatest distance of a sample from the middle of its bit, as part of the bit. At half a bit the neighbour would be
/// sampled; what is left, 17 ns at 3 Mbaud, is for edges, which do not rise and fall at one speed.
pub const MAX_ERROR: f64 = 0.45;

/// Fewest clock cycles of a bit. Seeing the start bit and sampling in whole cycles cost a cycle either way, so 25 % of a
/// bit; in the nine and a half bits up to the stop bit the far side's 2 % make 19 %, and our own rate less than 0.5 %.
pub const FEWEST_CYCLES: u32 = 4;

/// Leading bits of the increment: rates are off by 0.05 % at most.
const INCREMENT_BITS: u32 = 10;

/// How a clock times the bits of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UartTiming {
    clock_hertz: u32,
    baud: u32,
    phase_bits: u32,
    increment: u64,
    receive_start: u64,
    transmit_start: u64,
}

/// A line that a clock cannot drive.
#[derive(Clone, Copy, Debug, Diagnostic, Error, PartialEq)]
pub enum UartError {
    /// No clock, or no rate.
    #[error("a serial line needs a clock and a rate, found a clock of {clock_hertz} Hz and {baud} baud")]
    #[diagnostic(
        code(abi::uart::standstill),
        help("give both as positive numbers, such as 12000000 Hz and 115200 baud")
    )]
    Standstill {
        /// The clock.
        clock_hertz: u32,
        /// The rate.
        baud: u32,
    },
    /// Bits of fewer than [`FEWEST_CYCLES`] clock cycles.
    #[error(
        "a bit must last {FEWEST_CYCLES} clock cycles to be sampled near its middle, found {:.2} at {baud} baud and \
         {clock_hertz} Hz",
        f64::from(*clock_hertz) / f64::from(*baud)
    )]
    #[diagnostic(
        code(abi::uart::too_fast),
        help(
            "use at most {} baud, or make a clock of at least {} Hz with a PLL",
            clock_hertz / FEWEST_CYCLES,
            u64::from(FEWEST_CYCLES) * u64::from(*baud)
        )
    )]
    TooFast {
        /// The clock.
        clock_hertz: u32,
        /// The rate.
        baud: u32,
    },
}

impl UartTiming {
    /// The timing of a line of `baud` bits a second at a clock of `clock_hertz`.
    pub fn new(clock_hertz: u32, baud: u32) -> Result<Self, UartError> {
        if clock_hertz == 0 || baud == 0 {
            return Err(UartError::Standstill { clock_hertz, baud });
        }
        let (clock, rate) = (u64::from(clock_hertz), u64::from(baud));
        if clock < u64::from(FEWEST_CYCLES) * rate {
            return Err(UartError::TooFast { clock_hertz, baud });
        }
        let phase_bits = INCREMENT_BITS + clock.div_ceil(rate).next_power_of_two().ilog2();
        let increment = ((u128::from(rate) << phase_bits) + u128::from(clock / 2)) / u128::from(clock);
        let increment = increment as u64;
        let mut timing =
            UartTiming { clock_hertz, baud, phase_bits, increment, receive_start: 0, transmit_start: increment / 2 };
        // Half a bit less what a start bit is seen late and a sample is taken late, both up to a cycle: the best amount
        // depends on how the increment divides the phase.
        let half = 1 << (phase_bits - 1);
        let receive_error = |start: &u64| UartTiming { receive_start: *start, ..timing }.receive_error();
        let best = (half..=half + increment).min_by(|a, b| receive_error(a).total_cmp(&receive_error(b)));
        timing.receive_start = best.unwrap_or(half);
        Ok(timing)
    }

    /// Frequency of the clock.
    pub fn clock_hertz(&self) -> u32 {
        self.clock_hertz
    }

    /// The rate asked for, in bits a second.
    pub fn baud(&self) -> u32 {
        self.baud
    }

    /// Width of the phase.
    pub fn phase_bits(&self) -> usize {
        self.phase_bits as usize
    }

    /// What the phase grows by in a clock cycle.
    pub fn increment(&self) -> u64 {
        self.increment
    }

    /// The receiver's phase in the cycle after the one in which it sees a start bit. Each overflow is a sample.
    pub fn receive_start(&self) -> u64 {
        self.receive_start
    }

    /// The transmitter's phase in the first cycle of a start bit. Each overflow is a bit's last cycle.
    pub fn transmit_start(&self) -> u64 {
        self.transmit_start
    }

    /// The rate that the phase makes, in bits a second.
    pub fn actual_baud(&self) -> f64 {
        self.increment as f64 * f64::from(self.clock_hertz) / 2f64.powi(self.phase_bits as i32)
    }

    /// Part by which the actual rate is above the one asked for.
    pub fn rate_error(&self) -> f64 {
        self.actual_baud() / f64::from(self.baud) - 1.0
    }

    /// Greatest distance of the receiver's samples from the middle of their bits, as part of a bit.
    pub fn receive_error(&self) -> f64 {
        let distance = |bit: u64, late: f64, rate: f64| {
            let sample = self.overflow(self.receive_start, bit + 1) as f64 + late;
            (sample * rate / self.cycles_per_bit() - bit as f64 - 0.5).abs()
        };
        greatest((0..FRAME_BITS).flat_map(|bit| {
            [(0.0, SLOW), (0.0, FAST), (1.0, SLOW), (1.0, FAST)].map(|(late, rate)| distance(bit, late, rate))
        }))
    }

    /// Greatest distance of the far side's samples from the middle of the bits that the transmitter makes, as part of a
    /// bit.
    pub fn transmit_error(&self) -> f64 {
        let edge = |bit: u64| match bit {
            0 => 0.0,
            bit => self.overflow(self.transmit_start, bit) as f64 / self.cycles_per_bit(),
        };
        let distance = |bit: u64, late: f64, rate: f64| {
            let sample = (bit as f64 + 0.5) / rate + late;
            0.5 - (sample - edge(bit)).min(edge(bit + 1) - sample)
        };
        let late = FAR_START_ERROR / 2.0;
        greatest((0..FRAME_BITS).flat_map(|bit| {
            [(-late, SLOW), (-late, FAST), (late, SLOW), (late, FAST)].map(|(late, rate)| distance(bit, late, rate))
        }))
    }

    /// Cycles from a phase of `start` to the `number`th overflow.
    fn overflow(&self, start: u64, number: u64) -> u64 {
        ((number << self.phase_bits) - start).div_ceil(self.increment)
    }

    fn cycles_per_bit(&self) -> f64 {
        f64::from(self.clock_hertz) / f64::from(self.baud)
    }
}

const SLOW: f64 = 1.0 - FAR_RATE_ERROR;
const FAST: f64 = 1.0 + FAR_RATE_ERROR;

fn greatest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests;
