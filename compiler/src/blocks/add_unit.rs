//! The sum of one or two streams, each element times a factor: the hardware blocks `scale_unit` and `add_unit`.

use super::control::Control;
use super::one_result::OneResultControl;
use super::{Shape, Vectors};
use crate::chip::family::Family;
use crate::chip::features::{FeatureSum, Features, address};
use crate::chip::memory::Memories;
use crate::chip::number::bits_for;
use network::network::LayerId;
use serde::{Deserialize, Serialize};

/// A sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddUnit {
    /// The `Add` layer.
    pub layer: LayerId,
    /// The streams summed, one or two.
    pub terms: Vec<Term>,
    /// Elements of a word, read and written.
    pub lanes: usize,
    /// Bits of an element written.
    pub bits_out: usize,
}

/// One stream of a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// The vectors read.
    pub reads: Vectors,
    /// Bits of an element.
    pub bits: usize,
    /// What elements are multiplied by.
    pub factors: Factors,
}

/// What multiplying by the factors of a stream takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factors {
    /// Whether all channels have the same factor.
    pub same: bool,
    /// Most digits of a factor's signed form with the fewest: one more than the adders that multiply by it.
    pub digits: u32,
    /// Bits of the widest factor, with a sign.
    pub bits: usize,
    /// Whether the first factor is negative.
    pub negative: bool,
}

impl Factors {
    /// Of `factors`, one for all channels or one for each.
    pub fn of(factors: &[i64]) -> Self {
        let digits = |magnitude: u64| ((3 * magnitude) ^ magnitude).count_ones();
        let magnitudes = || factors.iter().map(|factor| factor.unsigned_abs());
        Factors {
            same: factors.len() == 1,
            digits: magnitudes().map(digits).max().unwrap_or(0),
            bits: magnitudes().map(|magnitude| bits_for(magnitude) + 1).max().unwrap_or(1),
            negative: factors.first().is_some_and(|factor| *factor < 0),
        }
    }
}

impl Shape for AddUnit {
    fn reads(&self) -> Vec<Vectors> {
        self.terms.iter().map(|term| term.reads).collect()
    }

    fn control(&self) -> Box<dyn Control> {
        Box::new(OneResultControl::element_wise(self.terms.len()))
    }

    fn features(&self, family: Family, _: &Memories) -> Features {
        let mut sum = FeatureSum::new("add_unit", family);
        let (lanes, bits_out) = (self.lanes as f64, self.bits_out as f64);
        let words = self.terms[0].reads.words_per_vector(self.lanes);
        sum.both("word_out", lanes * bits_out).both("counters", address(words));
        for Term { bits, factors, .. } in &self.terms {
            let bits_in = *bits as f64;
            if factors.same || words == 1 {
                let adders = factors.digits.saturating_sub(1);
                sum.lut("digits", lanes * f64::from(adders) * bits_out);
                sum.lut("negated", if factors.negative { lanes * bits_out } else { 0.0 });
            } else {
                let width = factors.bits as f64;
                sum.lut("products", lanes * bits_in * width)
                    .lut("factors", lanes * width * (words as f64 / 16.0).max(0.25));
            }
            sum.lut("terms", lanes * bits_in);
        }
        if self.terms.len() > 1 {
            sum.lut("sums", lanes * bits_out);
        }
        sum.done()
    }
}
