//! Control of the matrix-vector unit: vectors taken in, each issued once for every row fold, results in a queue.

use super::control::{Control, Ports};
use super::credits::Credits;

/// Cycles from a word taken to its issue.
pub const REPLAY: u64 = 1;
/// Cycles of a fold's last word besides the arithmetic: memory, accumulator, thresholds, output queue.
pub const ACCUMULATE: u64 = 4;

/// Cycles from the last word of a vector taken to the result of its first row fold offered, where its last word is
/// issued at once. `levels` is the clock cycles from operands to sum:
/// [`Multiplier::levels`](crate::datapath::Multiplier::levels) and [`operand_registers`](crate::datapath::operand_registers).
pub fn latency(levels: usize) -> u64 {
    REPLAY + levels as u64 + ACCUMULATE
}

/// Places of the output queue of a unit that issues a result's last word every `words` cycles at most: as many as
/// results can be on their way, so that waiting for room never delays a free-running stream.
pub fn queue_depth(words: usize, levels: usize) -> usize {
    let lifetime = levels + 6;
    (lifetime.div_ceil(words) + 1).next_power_of_two().max(2)
}

/// Words that a unit takes in: two vectors, one being repeated, one coming in. A vector that is not repeated needs no
/// more than what covers the latency of the counters.
pub fn feed_depth(words: usize, folds: usize) -> usize {
    if folds == 1 { 4 } else { (2 * words).next_power_of_two().max(4) }
}

/// Control of the matrix-vector unit.
#[derive(Clone, Debug)]
pub struct MatrixVectorUnitControl {
    words: usize,
    folds: usize,
    capacity: usize,
    /// Words held that are not used up.
    available: usize,
    /// The next word of the fold.
    column: usize,
    fold: usize,
    results: Credits,
}

impl MatrixVectorUnitControl {
    /// A unit of vectors of `words` words, each issued `folds` times, with `levels` cycles from operands to sum.
    pub fn new(words: usize, folds: usize, levels: usize) -> Self {
        MatrixVectorUnitControl {
            words,
            folds,
            capacity: feed_depth(words, folds),
            available: 0,
            column: 0,
            fold: 0,
            results: Credits::new(queue_depth(words, levels), latency(levels) - REPLAY),
        }
    }

    fn is_last_fold(&self) -> bool {
        self.fold + 1 == self.folds
    }

    fn issues(&self) -> bool {
        let offset = if self.is_last_fold() { 0 } else { self.column };
        self.available > offset && (self.column + 1 < self.words || self.results.has_room())
    }

    /// Issues the next word of the fold.
    fn issue(&mut self) {
        if self.is_last_fold() {
            self.available -= 1;
        }
        self.column += 1;
        if self.column == self.words {
            self.column = 0;
            self.fold = (self.fold + 1) % self.folds;
            self.results.issue();
        }
    }
}

impl Control for MatrixVectorUnitControl {
    fn valid(&self, _: Ports) -> Ports {
        [self.results.offers(), false]
    }

    fn ready(&self, _: Ports, _: Ports) -> Ports {
        [self.available < self.capacity, false]
    }

    fn tick(&mut self, taken: Ports, given: Ports) {
        if self.issues() {
            self.issue();
        }
        self.available += usize::from(taken[0]);
        self.results.tick(given[0]);
    }

    fn quiet(&self) -> u64 {
        let to_last_word = (self.words - 1 - self.column) as u64;
        let valid = self.results.quiet(if self.issues() { to_last_word } else { u64::MAX });
        if self.available < self.capacity || !self.issues() {
            return valid;
        }
        // Ready changes with the first word of the last fold.
        let folds = (self.folds - 1 - self.fold) as u64;
        valid.min((folds * self.words as u64).saturating_sub(self.column as u64))
    }

    fn advance(&mut self, cycles: u64) {
        let mut left = cycles;
        while left > 0 {
            if !self.issues() {
                return self.results.advance(left);
            }
            // All but the last word of a fold are issued without looking, as far as they are there.
            let offset = if self.is_last_fold() { 0 } else { self.column };
            let inner = (self.words - 1 - self.column).min(self.available - offset);
            if inner == 0 {
                self.tick([false; 2], [false; 2]);
                left -= 1;
                continue;
            }
            let steps = (inner as u64).min(left);
            if self.is_last_fold() {
                self.available -= steps as usize;
            }
            self.column += steps as usize;
            self.results.advance(steps);
            left -= steps;
        }
    }
}
