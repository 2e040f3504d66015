//! A line that loses, breaks, repeats, cuts off, delays and invents bytes.

use crate::random::Random;
use crate::transport::{Pace, Transport, TransportError};
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

/// Most bytes that one fault repeats: a header and a short payload.
const MAX_REPEATED: usize = 40;

/// Most bytes of garbage that one fault inserts.
const MAX_GARBAGE: usize = 20;

/// Most calls for which one fault holds bytes back.
const MAX_DELAY: usize = 4;

/// How often a line errs: each is a probability for every byte, from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// The byte is lost.
    pub drop: f64,
    /// One bit of the byte is flipped.
    pub flip: f64,
    /// The bytes up to this one come once more, as they came before.
    pub repeat: f64,
    /// The byte and those behind it are lost, to the end of what was sent or came at once.
    pub truncate: f64,
    /// Garbage follows the byte.
    pub garbage: f64,
    /// The byte and those behind it are held back for some calls.
    pub delay: f64,
    /// Where the line ends.
    pub cut: Option<Cut>,
}

/// The end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// After so many bytes, both ways together, the line is closed, as where a USB device is unplugged.
    Closed(u64),
    /// After so many bytes, both ways together, no byte comes through any more, as where a wire comes off.
    Silent(u64),
}

/// Faults that a line has committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Injected {
    /// Bytes lost.
    pub dropped: u64,
    /// Bits flipped.
    pub flipped: u64,
    /// Rows of bytes repeated.
    pub repeated: u64,
    /// Times that the rest of what was sent or came at once was lost.
    pub truncated: u64,
    /// Pieces of garbage.
    pub garbage: u64,
    /// Times that bytes were held back.
    pub delayed: u64,
    /// Whether the line was cut.
    pub is_cut: bool,
}

impl Injected {
    /// All faults together.
    pub fn total(&self) -> u64 {
        let Injected { dropped, flipped, repeated, truncated, garbage, delayed, is_cut } = *self;
        dropped + flipped + repeated + truncated + garbage + delayed + u64::from(is_cut)
    }
}

/// One direction of a line.
#[derive(Clone, Debug, Default)]
struct Way {
    bytes: VecDeque<u8>,
    /// Calls for which the bytes are held back.
    held: usize,
}

/// A line over another one, with faults that follow from a seed.
///
/// Like a serial line it keeps the order of bytes, and a repeated byte is a true copy of the one before it.
#[derive(Clone, Debug)]
pub struct FaultyLine<T> {
    line: T,
    faults: Faults,
    random: Random,
    there: Way,
    back: Way,
    carried: u64,
    injected: Injected,
}

impl<T: Transport> FaultyLine<T> {
    /// A line over `line` with the given faults.
    pub fn new(line: T, faults: Faults, seed: u64) -> Self {
        FaultyLine {
            line,
            faults,
            random: Random::new(seed),
            there: Way::default(),
            back: Way::default(),
            carried: 0,
            injected: Injected::default(),
        }
    }

    /// Ends all faults: a cut line is joined again, and what was held back comes through.
    pub fn heal(&mut self) {
        (self.there.held, self.back.held) = (0, 0);
        self.faults = Faults::default();
        self.injected.is_cut = false;
    }

    /// The faults so far.
    pub fn injected(&self) -> Injected {
        self.injected
    }

    /// The line below.
    pub fn line(&self) -> &T {
        &self.line
    }

    /// What becomes of `bytes`: those that arrive, and how many calls later they do.
    fn distort(&mut self, bytes: &[u8]) -> (Vec<u8>, usize) {
        let mut arriving = Vec::new();
        let mut held = 0;
        for byte in bytes {
            if self.random.chance(self.faults.delay) {
                self.injected.delayed += 1;
                held += 1 + self.random.below(MAX_DELAY);
            }
            if self.random.chance(self.faults.truncate) {
                self.injected.truncated += 1;
                break;
            }
            if self.random.chance(self.faults.drop) {
                self.injected.dropped += 1;
                continue;
            }
            let is_flipped = self.random.chance(self.faults.flip);
            self.injected.flipped += u64::from(is_flipped);
            arriving.push(if is_flipped { byte ^ 1 << self.random.below(8) } else { *byte });
            if self.random.chance(self.faults.repeat) {
                self.injected.repeated += 1;
                let count = (1 + self.random.below(MAX_REPEATED)).min(arriving.len());
                arriving.extend_from_within(arriving.len() - count..);
            }
            if self.random.chance(self.faults.garbage) {
                self.injected.garbage += 1;
                for _ in 0..=self.random.below(MAX_GARBAGE) {
                    let byte = self.random.bits() as u8;
                    arriving.push(
                        *[byte, byte, abi::frame::FLAG, abi::frame::ESCAPE].get(self.random.below(4)).unwrap_or(&byte),
                    );
                }
            }
        }
        (arriving, held)
    }

    /// Counts bytes that move; the error of a line that is closed, else whether the bytes still come through.
    fn carry(&mut self, count: usize) -> Result<bool, TransportError> {
        self.carried += count as u64;
        match self.faults.cut {
            Some(Cut::Closed(after)) if self.carried > after => {
                self.injected.is_cut = true;
                Err(TransportError::Closed { source: io::ErrorKind::BrokenPipe.into() })
            }
            Some(Cut::Silent(after)) if self.carried > after => {
                self.injected.is_cut = true;
                Ok(false)
            }
            _ => Ok(true),
        }
    }

    /// Sends on what is no longer held back.
    fn send(&mut self, timeout: Duration) -> Result<(), TransportError> {
        self.there.held = self.there.held.saturating_sub(1);
        if self.there.held > 0 || self.there.bytes.is_empty() {
            return Ok(());
        }
        let bytes: Vec<u8> = self.there.bytes.drain(..).collect();
        if self.carry(bytes.len())? { self.line.write(&bytes, timeout) } else { Ok(()) }
    }
}

impl<T: Transport> Transport for FaultyLine<T> {
    fn write(&mut self, bytes: &[u8], timeout: Duration) -> Result<(), TransportError> {
        let (arriving, held) = self.distort(bytes);
        self.there.bytes.extend(arriving);
        self.there.held += held;
        self.send(timeout)
    }

    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, TransportError> {
        self.send(timeout)?;
        self.carry(0)?;
        let mut bytes = vec![0; buffer.len().max(1)];
        match self.line.read(&mut bytes, if self.back.bytes.is_empty() { timeout } else { Duration::ZERO }) {
            Ok(count) => {
                let (arriving, held) = self.distort(&bytes[..count]);
                if self.carry(count)? {
                    self.back.bytes.extend(arriving);
                    self.back.held += held;
                }
            }
            Err(TransportError::Timeout { .. }) => {}
            Err(error) => return Err(error),
        }
        self.back.held = self.back.held.saturating_sub(1);
        let count = if self.back.held > 0 { 0 } else { buffer.len().min(self.back.bytes.len()) };
        if count == 0 && !buffer.is_empty() {
            return Err(TransportError::Timeout { timeout, done: 0, expected: 1 });
        }
        for (place, byte) in buffer.iter_mut().zip(self.back.bytes.drain(..count)) {
            *place = byte;
        }
        Ok(count)
    }

    fn pace(&self) -> Pace {
        self.line.pace()
    }
}
