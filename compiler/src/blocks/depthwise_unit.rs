//! Control of the depthwise unit: a word of every tap, then a result in a queue.

use super::control::{Control, Ports};
use super::credits::Credits;
use super::matrix_vector_unit::ACCUMULATE;
pub use super::matrix_vector_unit::queue_depth;

/// Cycles from the word of a block's last tap taken to its result offered. `levels` is the clock cycles from operands
/// to sum: [`Multiplier::levels`](crate::datapath::Multiplier::levels) for one lane and
/// [`operand_registers`](crate::datapath::operand_registers).
pub fn latency(levels: usize) -> u64 {
    levels as u64 + ACCUMULATE
}

/// Control of the depthwise unit.
#[derive(Clone, Debug)]
pub struct DepthwiseUnitControl {
    taps: usize,
    tap: usize,
    results: Credits,
}

impl DepthwiseUnitControl {
    /// A unit of `taps` words a block, with `levels` cycles from operands to sum.
    pub fn new(taps: usize, levels: usize) -> Self {
        DepthwiseUnitControl { taps, tap: 0, results: Credits::new(queue_depth(taps, levels), latency(levels)) }
    }
}

impl Control for DepthwiseUnitControl {
    fn valid(&self, _: Ports) -> Ports {
        [self.results.offers(), false]
    }

    fn ready(&self, _: Ports, _: Ports) -> Ports {
        [self.tap + 1 < self.taps || self.results.has_room(), false]
    }

    fn tick(&mut self, taken: Ports, given: Ports) {
        if taken[0] {
            self.tap += 1;
            if self.tap == self.taps {
                self.tap = 0;
                self.results.issue();
            }
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
