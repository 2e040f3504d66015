//! Waiting for an image that the device has in work: how long, and when to give up.
//!
//! A device at work counts its clock cycles in `cycles`. So whether its core is stuck is judged by its own clock, however
//! fast that runs: a simulation may be slow, on a busy machine very slow. Time here counts only where the device's stands
//! still, and only that which the host let pass for it.

use super::DeviceError;
use crate::bus::{Bus, BusError};
use std::thread::sleep;
use std::time::Duration;

/// Shortest and longest pause between two looks at a device that has not moved on.
const PAUSES: (Duration, Duration) = (Duration::from_micros(10), Duration::from_millis(5));

/// What share of the time waited the next pause takes: so much later than necessary an answer is noticed at most.
const SHARE: u32 = 8;

/// Clock cycles that the core may take besides what is planned for an image.
const SPARE_CYCLES: u32 = 20_000;

/// Clock cycles that a simulated device may take for a reset, and for each word of weights that it takes over then. It may
/// look for the reset only now and then.
const RESET_CYCLES: (u64, u64) = (1 << 20, 1 << 10);

/// Cycles in which a simulated device with `weight_words` words of weights must have reset.
pub(super) fn reset_cycles(weight_words: u32) -> u64 {
    RESET_CYCLES.0 + RESET_CYCLES.1 * u64::from(weight_words)
}

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Clock cycles that the device may work without finishing an image.
    pub(super) cycles: u32,
    /// Pauses in which its clock may stand still.
    pub(super) patience: Duration,
}

impl Limits {
    /// The limits of a device whose images take `image_cycles` as planned.
    pub(super) fn new(image_cycles: f64, patience: Duration) -> Self {
        // Half of what the register counts before it begins anew.
        let most = f64::from(u32::MAX / 2 - SPARE_CYCLES);
        Limits { cycles: (4.0 * image_cycles).min(most) as u32 + SPARE_CYCLES, patience }
    }
}

/// Time that the host lets pass for a device, and what its clock shows of that.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pauses {
    waited: Duration,
    /// That part of it since the clock last moved.
    still: Duration,
    /// What a simulation has counted at last.
    simulated: Option<u32>,
    /// Cycles that it has counted since the first pause.
    passed: u64,
}

impl Pauses {
    /// Makes the next pause, and looks whether a simulation beyond `bus` has counted on.
    pub(super) fn make(&mut self, bus: &mut impl Bus) -> Result<(), BusError> {
        let pause = self.next();
        sleep(pause);
        self.add(pause, bus.simulated_cycles()?);
        Ok(())
    }

    /// The next pause.
    fn next(&self) -> Duration {
        (self.waited / SHARE).clamp(PAUSES.0, PAUSES.1)
    }

    /// `pause` is over, and a simulation beyond the bus has counted `simulated` cycles.
    fn add(&mut self, pause: Duration, simulated: Option<u32>) {
        self.waited += pause;
        self.still += pause;
        if let (Some(last), Some(now)) = (self.simulated, simulated) {
            self.passed += u64::from(now.wrapping_sub(last));
        }
        if self.simulated != simulated {
            self.simulated = simulated;
            self.moved();
        }
    }

    /// The device's clock has moved.
    fn moved(&mut self) {
        self.still = Duration::ZERO;
    }

    /// Clock cycles that a simulation has counted since the first pause.
    pub(super) fn passed(&self) -> u64 {
        self.passed
    }

    /// Time in which the clock has stood still up to now.
    pub(super) fn still(&self) -> Duration {
        self.still
    }
}

/// The wait for the next image.
#[derive(Debug, Default)]
pub(super) struct Wait {
    pub(super) pauses: Pauses,
    /// What the register `cycles` read at first and at last.
    cycles: Option<(u32, u32)>,
}

impl Wait {
    /// Takes what the register `cycles` reads now.
    ///
    /// # Errors
    /// Where the device has worked too long, or does not work.
    pub(super) fn take(
        &mut self,
        now: u32,
        limits: &Limits,
        (taken, finished): (usize, usize),
    ) -> Result<(), DeviceError> {
        let (first, last) = self.cycles.unwrap_or((now, now));
        if now != last {
            self.pauses.moved();
        }
        self.cycles = Some((first, now));
        let cycles = now.wrapping_sub(first);
        if cycles > limits.cycles {
            return Err(DeviceError::Stuck { taken, finished, cycles });
        }
        if self.pauses.still() > limits.patience {
            return Err(DeviceError::Halted { taken, finished, waited: limits.patience });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { cycles: 100, patience: Duration::from_millis(10) };
    const PAUSE: Duration = Duration::from_millis(4);

    #[test]
    fn a_slow_clock_is_waited_for_and_a_core_that_does_nothing_is_not() {
        let mut wait = Wait::default();
        for cycles in u32::MAX - 50..=u32::MAX {
            wait.pauses.add(PAUSE, None);
            wait.take(cycles, &LIMITS, (3, 1)).unwrap();
        }
        wait.take(49, &LIMITS, (3, 1)).unwrap();
        let error = wait.take(50, &LIMITS, (3, 1)).unwrap_err();
        assert!(matches!(error, DeviceError::Stuck { taken: 3, finished: 1, cycles: 101 }), "{error}");
    }

    #[test]
    fn a_clock_that_stands_still_is_told_unless_a_simulation_counts() {
        let mut wait = Wait::default();
        for simulated in 0..100 {
            wait.pauses.add(PAUSE, Some(simulated));
            wait.take(7, &LIMITS, (3, 1)).unwrap();
        }
        wait.pauses.add(PAUSE, Some(99));
        wait.pauses.add(PAUSE, Some(99));
        wait.take(7, &LIMITS, (3, 1)).unwrap();
        wait.pauses.add(PAUSE, Some(99));
        let error = wait.take(7, &LIMITS, (3, 1)).unwrap_err();
        assert!(matches!(error, DeviceError::Halted { taken: 3, finished: 1, .. }), "{error}");
    }

    #[test]
    fn pauses_grow_with_the_time_waited() {
        let mut pauses = Pauses::default();
        assert_eq!(pauses.next(), PAUSES.0);
        pauses.add(Duration::from_millis(8), None);
        assert_eq!(pauses.next(), Duration::from_millis(1));
        pauses.add(Duration::from_secs(8), None);
        assert_eq!(pauses.next(), PAUSES.1);
        assert_eq!(Limits::new(1e30, PAUSE).cycles, u32::MAX / 2);
    }
}
