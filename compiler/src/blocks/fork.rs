//! The fork: the same words twice.

use super::control::{Control, Ports};
use super::{Shape, Vectors};
use crate::chip::family::Family;
use crate::chip::features::{FeatureSum, Features};
use crate::chip::memory::Memories;
use serde::{Deserialize, Serialize};

/// A fork.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// The vectors as their writer cuts them.
    pub reads: Vectors,
    /// Bits of a word.
    pub word_bits: usize,
}

impl Shape for Fork {
    fn reads(&self) -> Vec<Vectors> {
        vec![self.reads]
    }

    fn control(&self) -> Box<dyn Control> {
        Box::new(ForkControl::default())
    }

    fn features(&self, family: Family, _: &Memories) -> Features {
        FeatureSum::new("fork", family).done()
    }
}

/// Control of a fork.
#[derive(Clone, Debug, Default)]
pub struct ForkControl {
    done: Ports,
}

impl Control for ForkControl {
    fn valid(&self, offered: Ports) -> Ports {
        self.done.map(|done| offered[0] && !done)
    }

    fn ready(&self, _: Ports, ready: Ports) -> Ports {
        [(self.done[0] || ready[0]) && (self.done[1] || ready[1]), false]
    }

    fn tick(&mut self, taken: Ports, given: Ports) {
        self.done = if taken[0] { [false; 2] } else { [self.done[0] || given[0], self.done[1] || given[1]] };
    }

    fn quiet(&self) -> u64 {
        u64::MAX
    }

    fn advance(&mut self, _: u64) {}
}
