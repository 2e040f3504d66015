//! The width converter: the same elements in words of another number of lanes.

use super::control::{Control, Ports};
use super::{Shape, Vectors};
use crate::chip::family::Family;
use crate::chip::features::{FeatureSum, Features};
use crate::chip::memory::Memories;
use crate::chip::number::greatest_common_divisor;
use serde::{Deserialize, Serialize};

/// A width converter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WidthConverter {
    /// The vectors converted; no word holds elements of two.
    pub reads: Vectors,
    /// Bits of an element.
    pub element_bits: usize,
    /// Elements of a word read.
    pub from: usize,
    /// Elements of a word written.
    pub to: usize,
}

impl WidthConverter {
    /// Clock cycles of a conversion of vectors of `shape`: one for each part that words of both sizes consist of.
    pub fn cycles(shape: Vectors, from: usize, to: usize) -> u64 {
        shape.words(greatest_common_divisor(from, to))
    }

    /// Whether unused lanes of the words written hold zeros, whatever those of the words read hold: no part is filled in
    /// part.
    pub fn cleans(channels: usize, from: usize, to: usize) -> bool {
        channels.is_multiple_of(greatest_common_divisor(from, to))
    }
}

impl Shape for WidthConverter {
    fn reads(&self) -> Vec<Vectors> {
        vec![self.reads]
    }

    fn busy(&self) -> u64 {
        WidthConverter::cycles(self.reads, self.from, self.to)
    }

    fn control(&self) -> Box<dyn Control> {
        Box::new(WidthConverterControl::new(self.reads.channels, self.from, self.to))
    }

    fn features(&self, family: Family, _: &Memories) -> Features {
        let mut sum = FeatureSum::new("width_converter", family);
        sum.converter(self.reads.channels, self.from, self.to, self.element_bits as f64);
        sum.done()
    }
}

/// Control of the width converter.
#[derive(Clone, Debug)]
pub struct WidthConverterControl {
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

impl WidthConverterControl {
    /// A converter of vectors of `channels` elements, from `from` to `to` lanes a word.
    pub fn new(channels: usize, from: usize, to: usize) -> Self {
        let common = greatest_common_divisor(from, to);
        WidthConverterControl {
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

impl Control for WidthConverterControl {
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
