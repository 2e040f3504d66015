//! A function of two codes, element by element.

use super::control::Control;
use super::one_result::OneResultControl;
use super::{Shape, Vectors};
use crate::chip::family::Family;
use crate::chip::features::{FeatureSum, Features, address};
use crate::chip::memory::Memories;
use network::network::LayerId;
use serde::{Deserialize, Serialize};

/// A function of two codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableUnit {
    /// The `Table` layer.
    pub layer: LayerId,
    /// The vectors read from each stream.
    pub reads: [Vectors; 2],
    /// Elements of a word, read and written.
    pub lanes: usize,
    /// Bits of an element of each stream.
    pub bits_in: [usize; 2],
    /// Bits of an element written.
    pub bits_out: usize,
    /// Whether each channel has a table of its own.
    pub by_channel: bool,
}

impl Shape for TableUnit {
    fn reads(&self) -> Vec<Vectors> {
        self.reads.to_vec()
    }

    fn control(&self) -> Box<dyn Control> {
        Box::new(OneResultControl::element_wise(2))
    }

    fn features(&self, family: Family, _: &Memories) -> Features {
        let mut sum = FeatureSum::new("table_unit", family);
        let words = self.reads[0].words_per_vector(self.lanes);
        let pair: usize = self.bits_in.iter().sum();
        let tables = if self.by_channel { words as f64 } else { 1.0 };
        let entries = tables * f64::from(1u32 << pair.min(20));
        let word = (self.lanes * self.bits_out) as f64;
        sum.lut("entries", word * (entries / 16.0).max(1.0)).both("word_out", word);
        sum.both("counters", address(words));
        sum.done()
    }
}
