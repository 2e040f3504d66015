//! Control of a queue: a count of words.

use super::control::{Control, Ports};

/// Control of a queue.
#[derive(Clone, Debug)]
pub struct StreamFifo {
    depth: usize,
    count: usize,
}

impl StreamFifo {
    /// An empty queue of `depth` words.
    pub fn new(depth: usize) -> Self {
        StreamFifo { depth, count: 0 }
    }

    /// Words inside.
    pub fn count(&self) -> usize {
        self.count
    }
}

impl Control for StreamFifo {
    fn valid(&self, _: Ports) -> Ports {
        [self.count > 0, false]
    }

    fn ready(&self, _: Ports, _: Ports) -> Ports {
        [self.count < self.depth, false]
    }

    fn tick(&mut self, taken: Ports, given: Ports) {
        self.count += usize::from(taken[0]);
        self.count -= usize::from(given[0]);
    }

    fn quiet(&self) -> u64 {
        u64::MAX
    }

    fn advance(&mut self, _: u64) {}
}
