//! How long and how often a bus of frames waits.

use crate::transport::Pace;
use std::time::Duration;

/// How long and how often a [`FrameBus`](super::FrameBus) waits for an answer.
///
/// The first attempt waits for the time that the bytes take, twice over, and for both latencies; later attempts up to
/// [`MAX_GROWTH`](Self::MAX_GROWTH) times as long, because only the answer to the last attempt counts: a device
/// slower than thought would else never be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// What operating system and adapter may take, as time passes here.
    pub host_latency: Duration,
    /// What the device may take, as time passes for it.
    pub device_latency: Duration,
    /// Attempts at an access.
    pub attempts: u32,
    /// Attempts at an access on a line over which no byte has come yet: nothing says that anybody is there.
    pub silent_attempts: u32,
}

impl Patience {
    /// How many times as long as the first attempt a later one waits at most.
    pub const MAX_GROWTH: u32 = 4;

    /// How long attempt number `attempt` (from 1) at an access of `bytes` bytes, there and back, waits.
    pub fn timeout(&self, bytes: usize, attempt: u32, pace: Pace) -> Duration {
        let line = pace.byte_time.saturating_mul(u32::try_from(bytes).unwrap_or(u32::MAX)).saturating_mul(2);
        let growth = 1 << attempt.saturating_sub(1).min(Self::MAX_GROWTH.ilog2());
        let once = self.host_latency.saturating_add(pace.stretched(line.saturating_add(self.device_latency)));
        once.saturating_mul(growth)
    }
}

impl Default for Patience {
    /// Enough for any adapter on a loaded machine, which may hold bytes back for some 20 ms, and for a device that
    /// answers within a thousand clock cycles.
    fn default() -> Self {
        Patience {
            host_latency: Duration::from_millis(100),
            device_latency: Duration::from_millis(1),
            attempts: 10,
            silent_attempts: 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_grow_and_stretch() {
        let patience = Patience::default();
        let pace = Pace::of_baud(1_000_000);
        let millis = |attempt, pace| patience.timeout(100, attempt, pace).as_millis();
        assert_eq!([1, 2, 3, 4, 10].map(|attempt| millis(attempt, pace)), [103, 206, 412, 412, 412]);
        assert_eq!(millis(1, Pace { time_scale: 1000, ..pace }), 3100);
        let slow = Pace { byte_time: Duration::MAX, time_scale: u32::MAX };
        assert_eq!(patience.timeout(usize::MAX, u32::MAX, slow), Duration::MAX);
    }
}
