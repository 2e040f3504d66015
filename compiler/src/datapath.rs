//! How weights meet inputs: the datapaths of dot products, their cycles, their cost, and the choice between them.
//!
//! Inputs reach a datapath as unsigned numbers of `m` bits: a signed input has its sign bit flipped, which adds
//! `2^(m−1)` to it; ±1 counts as 1 and 0. What this adds to a dot product is a constant of the weights.

use crate::memory::MemoryKind;
use abi::ElementType;
use network::network::WeightMatrix;
use serde::{Deserialize, Serialize};
use std::fmt;

mod cost;
pub mod weight_code;
pub use cost::{Choice, choose, row_luts, row_registers};

/// How the products of a word's lanes with their weights are made and added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Datapath {
    /// Weights ±1, one bit each: a lane counts as it is or complemented (for single bits XNOR), and all are added. Has
    /// no weight 0: unused lanes must hold zeros.
    Bipolar,
    /// Weights in two's complement, cut into bit planes: the lanes that have a plane's bit are added, plane by plane,
    /// and the sums of the planes are put together by shift and add.
    Planes,
    /// Each lane is multiplied, then the products are added. Weights are sign and magnitude, and a negative product is
    /// complemented, which is a constant of the weights away from negating it; where inputs are single bits, weights
    /// are in two's complement and each lane is its weight or 0.
    Products,
}

impl fmt::Display for Datapath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Datapath::Bipolar => "bipolar",
            Datapath::Planes => "planes",
            Datapath::Products => "products",
        })
    }
}

/// What a datapath needs to know of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightRange {
    /// The least weight.
    pub minimum: i64,
    /// The greatest weight.
    pub maximum: i64,
    /// Whether every weight is +1 or −1.
    pub is_bipolar: bool,
}

impl WeightRange {
    /// The range of `values`.
    pub fn of(values: &[i16]) -> Self {
        WeightRange {
            minimum: values.iter().min().map_or(0, |value| i64::from(*value)),
            maximum: values.iter().max().map_or(0, |value| i64::from(*value)),
            is_bipolar: values.iter().all(|value| value.abs() == 1),
        }
    }

    /// The range of all weights that may take the place of `weights`: those of their type, without the least one of a
    /// signed type, whose magnitude is one of more bits.
    pub fn of_any(weights: &WeightMatrix) -> Self {
        let (minimum, maximum) = (weights.element.minimum(), weights.element.maximum());
        WeightRange { minimum: minimum.max(-maximum), maximum, is_bipolar: weights.element == ElementType::Bipolar }
    }

    /// The range that a unit must hold: of any weights that may come where they are `replaceable`, else of those that are
    /// there.
    pub fn held(weights: &WeightMatrix, replaceable: bool) -> Self {
        if replaceable { Self::of_any(weights) } else { Self::of(&weights.values) }
    }

    /// Whether `weight` is in the range.
    pub fn contains(&self, weight: i64) -> bool {
        (self.minimum..=self.maximum).contains(&weight) && (!self.is_bipolar || weight != 0)
    }
}

/// The type of inputs as a datapath sees them: where words may be padding, ±1 and 0 in two bits, unless the weights are
/// ±1 (there the accumulator takes care of it).
pub fn operand(datapath: Datapath, input: ElementType, padded: bool) -> ElementType {
    if padded && datapath != Datapath::Bipolar { ElementType::Signed { bits: 2 } } else { input }
}

/// How the weights of a datapath are multiplied with inputs of given bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multiplier {
    /// The datapath.
    pub datapath: Datapath,
    /// Bits of an input.
    pub input_bits: usize,
    /// Bits of a weight as it is stored.
    pub weight_bits: usize,
    /// Whether there are negative weights. Their codes have the highest bit set, in either representation.
    pub signed: bool,
    /// Whether weights are stored in two's complement, so that sums are signed where weights are; else in sign and
    /// magnitude.
    pub twos_complement: bool,
}

impl Multiplier {
    /// The multiplier of weights in `range`, 0 among them except with ±1, with inputs of `input_bits`.
    pub fn new(datapath: Datapath, range: WeightRange, input_bits: usize) -> Self {
        let (minimum, maximum) = (range.minimum.min(0), range.maximum.max(0));
        let signed = minimum < 0;
        let magnitude = ElementType::holding(0, maximum.max(-minimum)).bits() as usize;
        let twos_complement = match datapath {
            Datapath::Bipolar => false,
            Datapath::Planes => true,
            Datapath::Products => input_bits == 1 && magnitude > 1,
        };
        let weight_bits = if datapath == Datapath::Bipolar {
            1
        } else if twos_complement {
            // A sign needs a bit besides: planes are added before the last one is subtracted.
            (ElementType::holding(minimum, maximum).bits() as usize).max(1 + usize::from(signed))
        } else {
            magnitude + usize::from(signed)
        };
        Multiplier { datapath, input_bits, weight_bits, signed, twos_complement }
    }

    /// Bits of a weight's magnitude, where it is stored as such.
    pub fn magnitude_bits(&self) -> usize {
        self.weight_bits - usize::from(self.signed)
    }

    /// Bits of what one lane gives to the adders: of one plane, or a whole product.
    pub fn term_bits(&self) -> usize {
        match self.datapath {
            Datapath::Bipolar | Datapath::Planes => self.input_bits,
            Datapath::Products if self.twos_complement => self.weight_bits,
            Datapath::Products if self.magnitude_bits() == 1 => self.input_bits,
            Datapath::Products => self.input_bits + self.magnitude_bits(),
        }
    }

    /// Partial products of a lane that adders put together, one for each bit of the shorter factor; 1 without adders.
    pub fn partial_products(&self) -> usize {
        match self.datapath {
            Datapath::Products if !self.twos_complement => self.input_bits.min(self.magnitude_bits()),
            Datapath::Bipolar | Datapath::Planes | Datapath::Products => 1,
        }
    }

    /// Clock cycles from lanes to sum: one for each register level of the multiplying adders, of the adder tree over
    /// `simd` lanes and of the adders over planes.
    pub fn levels(&self, simd: usize) -> usize {
        let planes = if self.datapath == Datapath::Planes { self.weight_bits } else { 1 };
        let tree = 1 + pair_levels(simd.div_ceil(group(self.term_bits())));
        pair_levels(self.partial_products()) + tree + pair_levels(planes)
    }
}

/// Terms of `bits` bits that the first level of an adder tree adds up: single bits are counted in threes, others added in
/// pairs.
pub fn group(bits: usize) -> usize {
    if bits == 1 { 3 } else { 2 }
}

/// Levels of two-operand adders that make one sum of `terms`.
pub fn pair_levels(terms: usize) -> usize {
    terms.next_power_of_two().trailing_zeros() as usize
}

/// Clock cycles from lanes to sum; see [`Multiplier::levels`].
pub fn levels(datapath: Datapath, simd: usize, weights: WeightRange, input_bits: usize) -> usize {
    Multiplier::new(datapath, weights, input_bits).levels(simd)
}

/// Registers between a unit's memories and its arithmetic: one, since words come late in the clock cycle, out of block RAM
/// as out of a tree of LUTs; none where the weights are constant.
pub fn operand_registers(weights: MemoryKind) -> usize {
    usize::from(weights != MemoryKind::Constant)
}
