//! Control of a fork: which reader has taken the present word.

use super::control::{Control, Ports};

/// Control of a fork.
#[derive(Clone, Debug, Default)]
pub struct Fork {
    done: Ports,
}

impl Control for Fork {
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
