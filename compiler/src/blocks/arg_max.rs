//! The arg-max: index of the greatest element of a vector.

use super::control::{Control, Ports};
use super::{Shape, Vectors};
use crate::chip::family::Family;
use crate::chip::features::{FeatureSum, Features, bits};
use crate::chip::memory::Memories;
use network::network::LayerId;
use serde::{Deserialize, Serialize};

/// An arg-max.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArgMax {
    /// The `ArgMax` layer.
    pub layer: LayerId,
    /// The vectors read.
    pub reads: Vectors,
    /// Elements of a word read.
    pub lanes: usize,
    /// Bits of an element read.
    pub element_bits: usize,
}

impl ArgMax {
    /// Words of a vector.
    pub fn words(&self) -> usize {
        self.reads.words_per_vector(self.lanes)
    }
}

impl Shape for ArgMax {
    fn reads(&self) -> Vec<Vectors> {
        vec![self.reads]
    }

    fn control(&self) -> Box<dyn Control> {
        Box::new(ArgMaxControl::new(self.words()))
    }

    fn features(&self, family: Family, _: &Memories) -> Features {
        let mut sum = FeatureSum::new("arg_max", family);
        let (lanes, element_bits) = (self.lanes as f64, self.element_bits as f64);
        let position = bits(self.words() * self.lanes);
        sum.lut("compared", lanes * element_bits).lut("positions", lanes * position);
        sum.ff("best", element_bits).ff("position", position);
        sum.done()
    }
}

/// Control of the arg-max.
#[derive(Clone, Debug)]
pub struct ArgMaxControl {
    words: usize,
    position: usize,
    complete: bool,
}

impl ArgMaxControl {
    /// The arg-max of vectors of `words` words.
    pub fn new(words: usize) -> Self {
        ArgMaxControl { words, position: 0, complete: false }
    }
}

impl Control for ArgMaxControl {
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
