//! Control of blocks that keep one finished word: pools, sums, tables.

use super::control::{Control, Ports};

/// Control of a block that finishes a word with some of the words that it takes, and takes no more while that one waits.
#[derive(Clone, Debug)]
pub struct OneResultControl {
    two_inputs: bool,
    /// Words of a period, and how many of the last ones of it finish a word each.
    period: usize,
    finishing: usize,
    taken: usize,
    complete: bool,
}

impl OneResultControl {
    /// A pool over `taps` words, each window's words one after the other.
    pub fn pool(taps: usize) -> Self {
        OneResultControl { two_inputs: false, period: taps, finishing: 1, taken: 0, complete: false }
    }

    /// A pool over all `pixels` of an image, each of `blocks` words.
    pub fn global_pool(pixels: usize, blocks: usize) -> Self {
        OneResultControl { two_inputs: false, period: pixels * blocks, finishing: blocks, taken: 0, complete: false }
    }

    /// A word out for each word in, or for each pair of words in.
    pub fn element_wise(inputs: usize) -> Self {
        OneResultControl { two_inputs: inputs == 2, period: 1, finishing: 1, taken: 0, complete: false }
    }
}

impl Control for OneResultControl {
    fn valid(&self, _: Ports) -> Ports {
        [self.complete, false]
    }

    fn ready(&self, offered: Ports, ready: Ports) -> Ports {
        let room = !self.complete || ready[0];
        if self.two_inputs { [room && offered[1], room && offered[0]] } else { [room, false] }
    }

    fn tick(&mut self, taken: Ports, given: Ports) {
        self.complete &= !given[0];
        if taken[0] {
            self.taken += 1;
            self.complete |= self.taken > self.period - self.finishing;
            self.taken %= self.period;
        }
    }

    fn quiet(&self) -> u64 {
        u64::MAX
    }

    fn advance(&mut self, _: u64) {}
}
