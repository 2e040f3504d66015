//! Control of the steps on a stream: one word a cycle, as many on their way as the queue has places.

use super::control::{Control, Ports};
use super::credits::Credits;

/// Places of the output queue: covers the words on their way.
pub const QUEUE: usize = 8;
/// Cycles from a word taken to its codes offered.
pub const LATENCY: u64 = 4;

/// Control of the steps on a stream.
#[derive(Clone, Debug)]
pub struct MultiThreshold {
    results: Credits,
}

impl MultiThreshold {
    /// The unit, empty.
    pub fn new() -> Self {
        MultiThreshold { results: Credits::new(QUEUE, LATENCY) }
    }
}

impl Default for MultiThreshold {
    fn default() -> Self {
        MultiThreshold::new()
    }
}

impl Control for MultiThreshold {
    fn valid(&self, _: Ports) -> Ports {
        [self.results.offers(), false]
    }

    fn ready(&self, _: Ports, _: Ports) -> Ports {
        [self.results.has_room(), false]
    }

    fn tick(&mut self, taken: Ports, given: Ports) {
        if taken[0] {
            self.results.issue();
        }
        self.results.tick(given[0]);
    }

    fn quiet(&self) -> u64 {
        self.results.quiet(u64::MAX)
    }

    fn advance(&mut self, cycles: u64) {
        self.results.advance(cycles);
    }
}
