//! The product of two streams, element by element.

use super::control::Control;
use super::one_result::OneResultControl;
use super::{Shape, Vectors};
use crate::chip::family::Family;
use crate::chip::features::{FeatureSum, Features};
use crate::chip::memory::Memories;
use network::network::LayerId;
use serde::{Deserialize, Serialize};

/// A product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultiplyUnit {
    /// The `Multiply` layer.
    pub layer: LayerId,
    /// The vectors read from each stream.
    pub reads: [Vectors; 2],
    /// Elements of a word, read and written.
    pub lanes: usize,
    /// Bits of an element of each stream.
    pub bits_in: [usize; 2],
    /// Bits of an element written.
    pub bits_out: usize,
}

impl Shape for MultiplyUnit {
    fn reads(&self) -> Vec<Vectors> {
        self.reads.to_vec()
    }

    fn control(&self) -> Box<dyn Control> {
        Box::new(OneResultControl::element_wise(2))
    }

    /// With the coefficients of a sum whose factors differ between channels: products of the same kind.
    fn features(&self, family: Family, _: &Memories) -> Features {
        let mut sum = FeatureSum::new("add_unit", family);
        let lanes = self.lanes as f64;
        let [a, b] = self.bits_in.map(|bits| bits as f64);
        sum.both("word_out", (self.lanes * self.bits_out) as f64);
        sum.lut("terms", lanes * (a + b)).lut("products", lanes * a * b);
        sum.done()
    }
}
