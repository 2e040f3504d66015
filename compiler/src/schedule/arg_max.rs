//! Control of the arg-max: counts a vector's words, then holds an index.

use super::control::{Control, Ports};

/// Control of the arg-max.
#[derive(Clone, Debug)]
pub struct ArgMax {
    words: usize,
    position: usize,
    complete: bool,
}

impl ArgMax {
    /// The arg-max of vectors of `words` words.
    pub fn new(words: usize) -> Self {
        ArgMax { words, position: 0, complete: false }
    }
}

impl Control for ArgMax {
    fn valid(&self, _: Ports) -> Ports {
        [self.complete, false]
    }

    fn ready(&self, _: Ports, ready: Ports) -> Ports {
        [!self.complete || ready[0], false]
    }

    fn tick(&mut self, taken: Ports, given: Ports) {
        self.complete &= !given[0];
        if taken[0] {
            self.position += 1;
            if self.position == self.words {
                self.position = 0;
                self.complete = true;
            }
        }
    }

    fn quiet(&self) -> u64 {
        u64::MAX
    }

    fn advance(&mut self, _: u64) {}
}
