//! The concatenation: the words of a vector of the first stream, then those of a vector of the second.

use super::control::{Control, Ports};
use super::{Shape, Vectors};
use crate::chip::family::Family;
use crate::chip::features::{FeatureSum, Features, bits};
use crate::chip::memory::Memories;
use network::network::LayerId;
use serde::{Deserialize, Serialize};

/// A concatenation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concat {
    /// The `Concat` layer.
    pub layer: LayerId,
    /// The vectors read from each stream.
    pub reads: [Vectors; 2],
    /// Elements of a word.
    pub lanes: usize,
    /// Bits of a word.
    pub word_bits: usize,
}

impl Concat {
    /// Words of a vector of each stream.
    pub fn words(&self) -> [usize; 2] {
        self.reads.map(|reads| reads.words_per_vector(self.lanes))
    }
}

impl Shape for Concat {
    fn reads(&self) -> Vec<Vectors> {
        self.reads.to_vec()
    }

    fn control(&self) -> Box<dyn Control> {
        Box::new(ConcatControl::new(self.words()))
    }

    fn features(&self, family: Family, _: &Memories) -> Features {
        let mut sum = FeatureSum::new("concat", family);
        sum.lut("word_out", self.word_bits as f64).both("counters", bits(self.words().into_iter().sum()));
        sum.done()
    }
}

/// Control of a concatenation.
#[derive(Clone, Debug)]
pub struct ConcatControl {
    words: [usize; 2],
    position: usize,
}

impl ConcatControl {
    /// For vectors of the given numbers of words.
    pub fn new(words: [usize; 2]) -> Self {
        ConcatControl { words, position: 0 }
    }

    fn turn(&self) -> usize {
        usize::from(self.position >= self.words[0])
    }
}

impl Control for ConcatControl {
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
