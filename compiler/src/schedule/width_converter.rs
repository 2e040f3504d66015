//! Control of the width converter: parts of a word left to move, parts of a word put together.

use super::control::{Control, Ports};
use super::greatest_common_divisor;

/// Control of the width converter.
#[derive(Clone, Debug)]
pub struct WidthConverter {
    parts_in: usize,
    parts_out: usize,
    parts: usize,
    /// Parts of the word taken still to move.
    left: usize,
    /// Parts of the vector moved.
    moved: usize,
    /// Parts in the word being put together.
    filled: usize,
    complete: bool,
}

impl WidthConverter {
    /// A converter of vectors of `channels` elements, from `from` to `to` lanes a word.
    pub fn new(channels: usize, from: usize, to: usize) -> Self {
        let common = greatest_common_divisor(from, to);
        WidthConverter {
            parts_in: from / common,
            parts_out: to / common,
            parts: channels.div_ceil(common),
            left: 0,
            moved: 0,
            filled: 0,
            complete: false,
        }
    }

    fn step(&mut self) {
        self.left -= 1;
        self.moved += 1;
        self.filled += 1;
        let vector_end = self.moved == self.parts;
        if vector_end || self.filled == self.parts_out {
            self.filled = 0;
            self.complete = true;
        }
        if vector_end {
            // The rest of a vector's last word is dropped.
            self.left = 0;
            self.moved = 0;
        }
    }
}

impl Control for WidthConverter {
    fn valid(&self, _: Ports) -> Ports {
        [self.complete, false]
    }

    fn ready(&self, _: Ports, ready: Ports) -> Ports {
        let steps = !self.complete || ready[0];
        [self.left == 0 || (steps && (self.left == 1 || self.moved + 1 == self.parts)), false]
    }

    fn tick(&mut self, taken: Ports, given: Ports) {
        let steps = self.left > 0 && (!self.complete || given[0]);
        self.complete &= !given[0];
        if steps {
            self.step();
        }
        if taken[0] {
            self.left = self.parts_in;
        }
    }

    fn quiet(&self) -> u64 {
        if self.left == 0 || self.complete {
            return u64::MAX;
        }
        // Ready comes with the last part, valid after the last place.
        let steps = (self.left - 1).min(self.parts - 1 - self.moved).min(self.parts_out - 1 - self.filled);
        steps.saturating_sub(1) as u64
    }

    fn advance(&mut self, cycles: u64) {
        if self.left > 0 && !self.complete {
            (0..cycles).for_each(|_| self.step());
        }
    }
}
