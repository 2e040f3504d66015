//! Stand-ins until the blocks' own models are there.

use super::control::{Control, Ports};

/// Takes `a[n]` words of each input per result, in lockstep rounds.
pub struct Round {
    pub takes: usize,
    pub gives: usize,
    taken: usize,
    left: usize,
    ports: usize,
}
impl Round {
    pub fn new(takes: usize, gives: usize, ports: usize) -> Self {
        Round { takes, gives, taken: 0, left: 0, ports }
    }
}
impl Control for Round {
    fn valid(&self, _: Ports) -> Ports {
        [self.left > 0, false]
    }
    fn ready(&self, offered: Ports, ready: Ports) -> Ports {
        let r = self.left == 0 || (self.left == 1 && ready[0]);
        if self.ports == 1 { [r, false] } else { [r && offered[1], r && offered[0]] }
    }
    fn tick(&mut self, taken: Ports, given: Ports) {
        if given[0] {
            self.left -= 1;
        }
        if taken[0] {
            self.taken += 1;
            if self.taken == self.takes {
                self.taken = 0;
                self.left = self.gives;
            }
        }
    }
    fn quiet(&self) -> u64 {
        u64::MAX
    }
    fn advance(&mut self, _: u64) {}
}

pub struct Fork {
    done: Ports,
}
impl Fork {
    pub fn new() -> Self {
        Fork { done: [false; 2] }
    }
}
impl Control for Fork {
    fn valid(&self, offered: Ports) -> Ports {
        [offered[0] && !self.done[0], offered[0] && !self.done[1]]
    }
    fn ready(&self, _: Ports, ready: Ports) -> Ports {
        [(self.done[0] || ready[0]) && (self.done[1] || ready[1]), false]
    }
    fn tick(&mut self, taken: Ports, given: Ports) {
        if taken[0] {
            self.done = [false; 2];
        } else {
            self.done[0] |= given[0];
            self.done[1] |= given[1];
        }
    }
    fn quiet(&self) -> u64 {
        u64::MAX
    }
    fn advance(&mut self, _: u64) {}
}

/// Joins words of the first input, then of the second.
pub struct Concat {
    words: [usize; 2],
    at: usize,
    held: bool,
}
impl Concat {
    pub fn new(words: [usize; 2]) -> Self {
        Concat { words, at: 0, held: false }
    }
}
impl Control for Concat {
    fn valid(&self, _: Ports) -> Ports {
        [self.held, false]
    }
    fn ready(&self, _: Ports, ready: Ports) -> Ports {
        let r = !self.held || ready[0];
        let first = self.at < self.words[0];
        [r && first, r && !first]
    }
    fn tick(&mut self, taken: Ports, given: Ports) {
        if given[0] {
            self.held = false;
        }
        if taken[0] || taken[1] {
            self.held = true;
            self.at = (self.at + 1) % (self.words[0] + self.words[1]);
        }
    }
    fn quiet(&self) -> u64 {
        u64::MAX
    }
    fn advance(&mut self, _: u64) {}
}

/// Rows of words, each word block repeated, each row repeated.
pub struct Upsample {
    row: usize,
    times: usize,
    vertical: usize,
    got: u64,
    next: u64,
}
impl Upsample {
    pub fn new(row: usize, times: usize, vertical: usize) -> Self {
        Upsample { row, times, vertical, got: 0, next: 0 }
    }
}
impl Upsample {
    fn source(&self) -> u64 {
        let out_row = (self.row * self.times) as u64;
        let r = self.next / out_row;
        let x = self.next % out_row;
        r / self.vertical as u64 * self.row as u64 + (x / self.times as u64).min(self.row as u64 - 1)
    }
}
impl Control for Upsample {
    fn valid(&self, _: Ports) -> Ports {
        [self.source() < self.got, false]
    }
    fn ready(&self, _: Ports, _: Ports) -> Ports {
        [self.got < self.source() / self.row as u64 * self.row as u64 + 2 * self.row as u64, false]
    }
    fn tick(&mut self, taken: Ports, given: Ports) {
        if taken[0] {
            self.got += 1;
        }
        if given[0] {
            self.next += 1;
        }
    }
    fn quiet(&self) -> u64 {
        u64::MAX
    }
    fn advance(&mut self, _: u64) {}
}
