//! The numbers by which a host knows a device again.

use crate::random::Random;
use std::hash::{BuildHasher, Hasher, RandomState};

/// Where the numbers come from that a host writes to a device after each reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sessions {
    random: Random,
}

impl Sessions {
    /// Numbers that no other host and no earlier reset is likely to have chosen.
    pub fn random() -> Self {
        Sessions::seeded(RandomState::new().build_hasher().finish())
    }

    /// The same numbers each time, for replays: a device that somebody else resets with the same seed is taken for one's
    /// own.
    pub fn seeded(seed: u64) -> Self {
        Sessions { random: Random::new(seed) }
    }

    /// The next number, never 0.
    pub(super) fn next(&mut self) -> u32 {
        // Its numbers differ in every bit even where seeds are 0, 1, 2.
        (self.random.bits() as u32).max(1)
    }
}
