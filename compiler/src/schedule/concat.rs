//! Control of a concatenation: whose turn it is.

use super::control::{Control, Ports};

/// Control of a concatenation.
#[derive(Clone, Debug)]
pub struct Concat {
    words: [usize; 2],
    position: usize,
}

impl Concat {
    /// For vectors of the given numbers of words.
    pub fn new(words: [usize; 2]) -> Self {
        Concat { words, position: 0 }
    }

    fn turn(&self) -> usize {
        usize::from(self.position >= self.words[0])
    }
}

impl Control for Concat {
    fn valid(&self, offered: Ports) -> Ports {
        [offered[self.turn()], false]
    }

    fn ready(&self, _: Ports, ready: Ports) -> Ports {
        let mut ports = [false; 2];
        ports[self.turn()] = ready[0];
        ports
    }

    fn tick(&mut self, taken: Ports, _: Ports) {
        if taken[0] || taken[1] {
            self.position = (self.position + 1) % (self.words[0] + self.words[1]);
        }
    }

    fn quiet(&self) -> u64 {
        u64::MAX
    }

    fn advance(&mut self, _: u64) {}
}
