//! The queue.

use super::control::{Control, Ports};
use super::{Shape, Vectors};
use crate::chip::family::Family;
use crate::chip::features::{FeatureSum, Features, address};
use crate::chip::memory::{Memories, MemoryKind, MemoryRole, MemoryShape};
use serde::{Deserialize, Serialize};

/// Words that a queue in LUT RAM holds at most; deeper ones have a choice.
pub const SHALLOW: usize = 32;

/// A queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamFifo {
    /// The vectors as their writer cuts them.
    pub reads: Vectors,
    /// Words that it holds.
    pub depth: usize,
    /// Bits of a word.
    pub word_bits: usize,
}

impl Shape for StreamFifo {
    fn reads(&self) -> Vec<Vectors> {
        vec![self.reads]
    }

    fn memories(&self) -> Vec<MemoryShape> {
        if self.depth <= SHALLOW {
            return Vec::new();
        }
        vec![MemoryShape { role: MemoryRole::Words, width: self.word_bits, depth: self.depth }]
    }

    fn control(&self) -> Box<dyn Control> {
        Box::new(StreamFifoControl::new(self.depth))
    }

    fn features(&self, family: Family, memories: &Memories) -> Features {
        let mut sum = FeatureSum::new("stream_fifo", family);
        if memories.words == Some(MemoryKind::Block) {
            let word = self.word_bits as f64;
            sum.both("deep_counters", 3.0 * address(self.depth)).both("deep_word", word);
            sum.memory(MemoryRole::Words, memories.words, self.word_bits, self.depth);
        } else {
            sum.queue(self.word_bits, self.depth);
        }
        sum.done()
    }
}

/// Control of a queue.
#[derive(Clone, Debug)]
pub struct StreamFifoControl {
    depth: usize,
    count: usize,
}

impl StreamFifoControl {
    /// An empty queue of `depth` words.
    pub fn new(depth: usize) -> Self {
        StreamFifoControl { depth, count: 0 }
    }

    /// Words inside.
    pub fn count(&self) -> usize {
        self.count
    }
}

impl Control for StreamFifoControl {
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
