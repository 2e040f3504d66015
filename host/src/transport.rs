//! What carries bytes to a device and back.

pub mod fake;
pub mod record;
pub mod uart;

mod error;

pub use error::TransportError;

use std::time::{Duration, Instant};

/// A line to a device: bytes in order, any of which may be lost or broken on the way.
///
/// Every call ends within its timeout, which is time as it passes here; [`Pace::stretched`] makes it from time as it
/// passes for the device.
pub trait Transport {
    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// [`TransportError::Timeout`] where the line did not take them in time, [`TransportError::Closed`] where the other
    /// side went away.
    fn write(&mut self, bytes: &[u8], timeout: Duration) -> Result<(), TransportError>;

    /// Reads what is there: waits for the first byte, then takes what came with it, at most `buffer.len()` bytes, and
    /// answers how many those are. Never 0, unless `buffer` is empty.
    ///
    /// # Errors
    /// [`TransportError::Timeout`] where nothing came in time, [`TransportError::Closed`] where the other side went
    /// away.
    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, TransportError>;

    /// How fast bytes move.
    fn pace(&self) -> Pace;
}

impl<T: Transport + ?Sized> Transport for &mut T {
    fn write(&mut self, bytes: &[u8], timeout: Duration) -> Result<(), TransportError> {
        (**self).write(bytes, timeout)
    }

    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, TransportError> {
        (**self).read(buffer, timeout)
    }

    fn pace(&self) -> Pace {
        (**self).pace()
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn write(&mut self, bytes: &[u8], timeout: Duration) -> Result<(), TransportError> {
        (**self).write(bytes, timeout)
    }

    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, TransportError> {
        (**self).read(buffer, timeout)
    }

    fn pace(&self) -> Pace {
        (**self).pace()
    }
}

/// How fast the bytes of a line move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Time of one byte, as it passes for the device.
    pub byte_time: Duration,
    /// Seconds that pass here while one passes for the device: 1 for hardware, more where time is simulated.
    pub time_scale: u32,
}

impl Pace {
    /// A line without delay.
    pub const INSTANT: Pace = Pace { byte_time: Duration::ZERO, time_scale: 1 };

    /// A line of `baud` bits a second, ten of which carry a byte, to a device of hardware.
    pub fn of_baud(baud: u32) -> Self {
        let byte_time = Duration::from_nanos(10_000_000_000 / u64::from(baud.max(1)));
        Pace { byte_time, time_scale: 1 }
    }

    /// The time that passes here while `time` passes for the device.
    pub fn stretched(&self, time: Duration) -> Duration {
        time.saturating_mul(self.time_scale)
    }
}

/// The end of a timeout.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    /// `None` where the clock has no such time.
    end: Option<Instant>,
}

impl Deadline {
    /// `timeout` from now.
    pub(crate) fn after(timeout: Duration) -> Self {
        Deadline { end: Instant::now().checked_add(timeout) }
    }

    /// The time until then.
    pub(crate) fn left(&self) -> Duration {
        self.end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()))
    }

    /// Whether none is left.
    pub(crate) fn has_passed(&self) -> bool {
        self.left().is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bits_travel_with_a_start_and_a_stop() {
        assert_eq!(Pace::of_baud(1_000_000).byte_time, Duration::from_micros(10));
        let pace = Pace { time_scale: 1000, ..Pace::of_baud(115_200) };
        assert_eq!(pace.stretched(pace.byte_time), Duration::from_micros(86_805));
    }

    #[test]
    fn times_beyond_the_clock_are_never_reached() {
        assert!(!Deadline::after(Duration::MAX).has_passed());
        assert!(Deadline::after(Duration::ZERO).has_passed());
    }
}
