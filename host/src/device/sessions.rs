//! The numbers by which a host knows a device again.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Where the numbers come from that a host writes to a device after each reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sessions {
    state: u64,
}

impl Sessions {
    /// Numbers that no other host and no earlier reset is likely to have chosen.
    pub fn random() -> Self {
        Sessions::seeded(RandomState::new().build_hasher().finish())
    }

    /// The same numbers each time, for replays: a device that somebody else resets with the same seed is taken for one's
    /// own.
    pub fn seeded(seed: u64) -> Self {
        Sessions { state: seed }
    }

    /// The next number, never 0.
    pub(super) fn next(&mut self) -> u32 {
        // SplitMix64: its outputs differ in every bit even where seeds are 0, 1, 2.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) as u32).max(1)
    }
}
