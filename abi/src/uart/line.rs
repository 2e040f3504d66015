//! The line in simulations: bytes to levels, one for each clock cycle, and back.

use super::UartTiming;
use std::collections::VecDeque;
use thiserror::Error;

/// Millionths in one.
const MILLION: u64 = 1_000_000;

/// Time in bits, counted in clock cycles without rounding.
#[derive(Clone, Copy, Debug)]
struct BitClock {
    /// Part of the bit that has passed, in units of which a bit has `bit` and a clock cycle `cycle`.
    passed: u64,
    cycle: u64,
    bit: u64,
}

impl BitClock {
    fn new(timing: &UartTiming, deviation: i32) -> Self {
        let deviation = deviation.clamp(-500_000, 500_000);
        let cycle = u64::from(timing.baud()) * MILLION.saturating_add_signed(deviation.into());
        BitClock { passed: 0, cycle, bit: u64::from(timing.clock_hertz()) * MILLION }
    }

    /// Lets a clock cycle pass; true where it ends the bit.
    fn pass(&mut self) -> bool {
        self.passed += self.cycle;
        let ends = self.passed >= self.bit;
        if ends {
            self.passed -= self.bit;
        }
        ends
    }
}

/// Bytes as the levels of a line. Edges lie where they would in continuous time and show in the next clock cycle, so
/// that no error adds up.
#[derive(Clone, Debug)]
pub struct LineEncoder {
    clock: BitClock,
    bits: VecDeque<bool>,
}

impl LineEncoder {
    /// A line with exactly the rate that `timing` asks for.
    pub fn new(timing: &UartTiming) -> Self {
        LineEncoder::deviating(timing, 0)
    }

    /// A line that is `deviation` millionths faster, at most half a million either way.
    pub fn deviating(timing: &UartTiming, deviation: i32) -> Self {
        LineEncoder { clock: BitClock::new(timing, deviation), bits: VecDeque::new() }
    }

    /// Sends `byte` after those before it.
    pub fn push(&mut self, byte: u8) {
        self.push_bits(byte, [true]);
    }

    /// Sends `byte` with a 0 for its stop bit, then one idle bit.
    pub fn push_broken(&mut self, byte: u8) {
        self.push_bits(byte, [false, true]);
    }

    /// Lets the line idle for `bits` bits after the bytes before.
    pub fn push_idle(&mut self, bits: usize) {
        self.bits.extend(std::iter::repeat_n(true, bits));
    }

    fn push_bits(&mut self, byte: u8, end: impl IntoIterator<Item = bool>) {
        self.bits.push_back(false);
        self.bits.extend((0..8).map(|bit| byte >> bit & 1 == 1));
        self.bits.extend(end);
    }

    /// Whether everything is sent.
    pub fn is_idle(&self) -> bool {
        self.bits.is_empty()
    }

    /// Forgets what is not sent yet, in the middle of a byte too: the line idles from now on.
    pub fn forget(&mut self) {
        self.bits.clear();
    }

    /// Bytes that are not sent yet.
    pub fn bytes_waiting(&self) -> usize {
        self.bits.len().div_ceil(super::FRAME_BITS as usize)
    }

    /// The level in the next clock cycle.
    pub fn next_level(&mut self) -> bool {
        let Some(level) = self.bits.front().copied() else {
            return true;
        };
        if self.clock.pass() {
            self.bits.pop_front();
        }
        level
    }
}

/// What is wrong with a byte on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LineError {
    /// The line was 0 where the stop bit belongs. The next byte begins after the line was 1.
    #[error("a byte has no stop bit")]
    NoStopBit,
}

/// The levels of a line as bytes.
#[derive(Clone, Debug)]
pub struct LineDecoder {
    clock: BitClock,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Idle,
    /// Sampling, the bits so far from the lowest place on.
    Byte {
        bits: u16,
        count: u32,
    },
    /// A byte was broken, and the line has not been 1 since.
    Broken,
}

impl LineDecoder {
    /// A decoder for a line with the rate that `timing` asks for.
    pub fn new(timing: &UartTiming) -> Self {
        LineDecoder { clock: BitClock::new(timing, 0), state: State::Idle }
    }

    /// Whether no byte is under way.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Takes the level of the next clock cycle; answers where it completes a byte.
    pub fn push(&mut self, level: bool) -> Option<Result<u8, LineError>> {
        match self.state {
            State::Idle if !level => {
                // The edge is up to a cycle old; so is a sample when it is taken.
                self.clock.passed = self.clock.bit / 2 + self.clock.cycle;
                self.state = State::Byte { bits: 0, count: 0 };
            }
            State::Broken if level => self.state = State::Idle,
            State::Idle | State::Broken => {}
            State::Byte { bits, count } => {
                if self.clock.pass() {
                    let bits = bits | u16::from(level) << count;
                    return self.sampled(bits, count, level);
                }
            }
        }
        None
    }

    fn sampled(&mut self, bits: u16, count: u32, level: bool) -> Option<Result<u8, LineError>> {
        const STOP: u32 = 9;
        self.state = match (count, level) {
            (0, true) | (STOP, true) => State::Idle,
            (STOP, false) => State::Broken,
            _ => State::Byte { bits, count: count + 1 },
        };
        let byte = (bits >> 1) as u8;
        (count == STOP).then_some(if level { Ok(byte) } else { Err(LineError::NoStopBit) })
    }
}
