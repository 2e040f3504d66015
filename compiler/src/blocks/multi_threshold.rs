//! Step functions on a stream of integers.

use super::control::{Control, Ports};
use super::credits::Credits;
use super::{Shape, Vectors};
use crate::chip::family::Family;
use crate::chip::features::{FeatureSum, Features, address};
use crate::chip::memory::{Memories, MemoryRole, MemoryShape};
use network::network::LayerId;
use serde::{Deserialize, Serialize};

/// Places of the output queue: covers the words on their way.
pub const QUEUE: usize = 8;
/// Cycles from a word taken to its codes offered.
pub const LATENCY: u64 = 4;

/// Step functions on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultiThreshold {
    /// The `MultiThreshold` layer.
    pub layer: LayerId,
    /// The vectors read.
    pub reads: Vectors,
    /// Elements of a word, read and written.
    pub lanes: usize,
    /// Thresholds of a channel.
    pub levels: usize,
    /// Bits of an element read.
    pub bits_in: usize,
    /// Bits of an element written.
    pub bits_out: usize,
}

impl MultiThreshold {
    /// Words of a vector.
    pub fn words(&self) -> usize {
        self.reads.words_per_vector(self.lanes)
    }
}

impl Shape for MultiThreshold {
    fn reads(&self) -> Vec<Vectors> {
        vec![self.reads]
    }

    fn memories(&self) -> Vec<MemoryShape> {
        // One bit more than the elements have, for thresholds that are never reached.
        let width = self.lanes * self.levels * (self.bits_in + 1);
        vec![MemoryShape { role: MemoryRole::Constants, width, depth: self.words() }]
    }

    fn control(&self) -> Box<dyn Control> {
        Box::new(MultiThresholdControl::new())
    }

    fn features(&self, family: Family, memories: &Memories) -> Features {
        let mut sum = FeatureSum::new("multi_threshold", family);
        let (lanes, levels, words) = (self.lanes as f64, self.levels as f64, self.words());
        let (bits_in, bits_out) = (self.bits_in as f64, self.bits_out as f64);
        let compared = lanes * levels * (bits_in + 1.0);
        sum.lut(if words == 1 { "compared_constants" } else { "compared" }, compared);
        sum.lut("counted", lanes * (levels - 1.0) * bits_out);
        sum.both("word_out", lanes * bits_out).ff("word_in", lanes * bits_in).both("counters", address(words));
        sum.queue(self.lanes * self.bits_out, QUEUE);
        for shape in self.memories() {
            sum.memory(shape.role, memories.kind(shape.role), shape.width, shape.depth);
        }
        sum.done()
    }
}

/// Control of the steps on a stream.
#[derive(Clone, Debug)]
pub struct MultiThresholdControl {
    results: Credits,
}

impl MultiThresholdControl {
    /// The unit, empty.
    pub fn new() -> Self {
        MultiThresholdControl { results: Credits::new(QUEUE, LATENCY) }
    }
}

impl Default for MultiThresholdControl {
    fn default() -> Self {
        MultiThresholdControl::new()
    }
}

impl Control for MultiThresholdControl {
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
