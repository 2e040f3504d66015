//! How weights meet inputs: the datapaths of dot products, their cycles, their cost, and the choice between them.
//!
//! Inputs reach a datapath as unsigned numbers of `m` bits: a signed input has its sign bit flipped, which adds
//! `2^(m−1)` to it; ±1 counts as 1 and 0. What this adds to a dot product is a constant of the weights.

use crate::chip::memory::MemoryKind;
use abi::ElementType;
use bases::Bases;
use digits::Digits;
use groups::Grouping;
use network::network::WeightMatrix;
use serde::{Deserialize, Serialize};
use std::fmt;

pub mod bases;
mod cost;
pub mod digits;
pub mod groups;
pub mod weight_code;
pub use cost::{Choice, UnitSize, choose, row_luts, row_registers};

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
    /// Weights that are sums of at most two signed powers of two: each lane is shifted, and complemented where the power
    /// is negative; all first powers are added and all second ones.
    Shifts,
    /// Weights that are 0 or plus or minus the scale of their group of neighbouring columns: the lanes of each group are
    /// added as those of weights 0 and ±1 are, and each sum is multiplied by the scale.
    Groups,
    /// Weights that are sums of a few factors with either sign: lanes are counted with weights ±1 for each factor, and the
    /// counts times the factors added. Has no weight 0: unused lanes must hold zeros.
    Bases,
}

impl Datapath {
    /// All of them; of those that cost the same the first is taken.
    pub const ALL: [Datapath; 6] =
        [Datapath::Bipolar, Datapath::Products, Datapath::Planes, Datapath::Shifts, Datapath::Groups, Datapath::Bases];
}

impl fmt::Display for Datapath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Datapath::Bipolar => "bipolar",
            Datapath::Planes => "planes",
            Datapath::Products => "products",
            Datapath::Shifts => "shifts",
            Datapath::Groups => "groups",
            Datapath::Bases => "bases",
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
    /// Whether any other weights in the range may come.
    pub is_open: bool,
    /// The powers of two that the weights are sums of, where all are sums of few.
    pub digits: Option<Digits>,
    /// The groups that have a scale each.
    pub grouping: Option<Grouping>,
    /// The factors that the weights are sums of.
    pub bases: Option<Bases>,
}

impl WeightRange {
    /// The range of `values`.
    pub fn of(values: &[i16]) -> Self {
        let mut occurs = vec![false; 1 << i16::BITS];
        for value in values {
            occurs[usize::from(*value as u16)] = true;
        }
        let occurs = |value: &i16| occurs[usize::from(*value as u16)];
        let different: Vec<i64> = (i16::MIN..=i16::MAX).filter(occurs).map(i64::from).collect();
        WeightRange {
            minimum: values.iter().min().map_or(0, |value| i64::from(*value)),
            maximum: values.iter().max().map_or(0, |value| i64::from(*value)),
            is_bipolar: values.iter().all(|value| value.abs() == 1),
            is_open: false,
            digits: Digits::of(different.iter().copied()),
            grouping: None,
            bases: Bases::of(&different),
        }
    }

    /// The range of any weights from `minimum` to `maximum`.
    pub fn between(minimum: i64, maximum: i64) -> Self {
        let digits = Digits::of(minimum..=maximum);
        WeightRange { minimum, maximum, is_bipolar: false, is_open: true, digits, grouping: None, bases: None }
    }

    /// The range of all weights that may take the place of `weights`: those of their type, without the least one of a
    /// signed type, whose magnitude is one of more bits.
    pub fn of_any(weights: &WeightMatrix) -> Self {
        let (minimum, maximum) = (weights.element.minimum(), weights.element.maximum());
        let is_bipolar = weights.element == ElementType::Bipolar;
        WeightRange { is_bipolar, ..Self::between(minimum.max(-maximum), maximum) }
    }

    /// The range that a unit must hold: of any weights that may come where they are `writable`, else of those that are
    /// there. A row has parts of `part` columns, to which groups keep.
    pub fn held(weights: &WeightMatrix, part: usize, writable: bool) -> Self {
        if writable {
            Self::of_any(weights)
        } else {
            WeightRange { grouping: Grouping::of(weights, part), ..Self::of(&weights.values) }
        }
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

/// A datapath, and what it needs to know of the weights besides their range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// [`Datapath::Bipolar`].
    Bipolar,
    /// [`Datapath::Planes`].
    Planes,
    /// [`Datapath::Products`].
    Products,
    /// [`Datapath::Shifts`], by these powers of two.
    Shifts(Digits),
    /// [`Datapath::Groups`], of this size.
    Groups(Grouping),
    /// [`Datapath::Bases`], with these factors.
    Bases(Bases),
}

impl Form {
    /// How `datapath` computes weights in `range`; `None` where it cannot.
    pub fn new(datapath: Datapath, range: WeightRange) -> Option<Self> {
        match datapath {
            Datapath::Bipolar => range.is_bipolar.then_some(Form::Bipolar),
            Datapath::Planes => Some(Form::Planes),
            Datapath::Products => Some(Form::Products),
            Datapath::Shifts => range.digits.map(Form::Shifts),
            Datapath::Groups => range.grouping.map(Form::Groups),
            Datapath::Bases => range.bases.map(Form::Bases),
        }
    }

    /// The datapath.
    pub fn datapath(&self) -> Datapath {
        match self {
            Form::Bipolar => Datapath::Bipolar,
            Form::Planes => Datapath::Planes,
            Form::Products => Datapath::Products,
            Form::Shifts(_) => Datapath::Shifts,
            Form::Groups(_) => Datapath::Groups,
            Form::Bases(_) => Datapath::Bases,
        }
    }

    /// Whether inputs of a type can be computed, with words of padding or without. Factors that make twice each weight need
    /// inputs that are twice what they count. Of words that may be padding the unused lanes are not always the same, so
    /// that weights without a 0 cannot take them, unless their accumulators do.
    pub fn takes(&self, input: ElementType, padded: bool) -> bool {
        match self {
            Form::Bases(bases) => !padded && input.step() % bases.gain() == 0,
            Form::Bipolar | Form::Planes | Form::Products | Form::Shifts(_) | Form::Groups(_) => true,
        }
    }

    /// Whether there is a weight 0.
    pub fn has_zero(&self) -> bool {
        match self {
            Form::Bipolar | Form::Bases(_) => false,
            Form::Planes | Form::Products | Form::Shifts(_) | Form::Groups(_) => true,
        }
    }
}

/// How the weights of a datapath are multiplied with inputs of given bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Multiplier {
    /// The datapath and its weights.
    pub form: Form,
    /// Bits of an input.
    pub input_bits: usize,
    /// Bits of a weight as it is stored; of groups, without the scale.
    pub weight_bits: usize,
    /// Whether there are negative weights. In two's complement and in sign and magnitude their codes have the highest
    /// bit set.
    pub signed: bool,
    /// Whether weights are stored in two's complement, so that sums are signed where weights are.
    pub twos_complement: bool,
}

impl Multiplier {
    /// The multiplier of weights in `range`, 0 among them except with ±1, with inputs of `input_bits`.
    pub fn new(form: Form, range: WeightRange, input_bits: usize) -> Self {
        let (minimum, maximum) = (range.minimum.min(0), range.maximum.max(0));
        let signed = minimum < 0;
        let magnitude = ElementType::holding(0, maximum.max(-minimum)).bits() as usize;
        // A sign needs a bit besides: planes are added before the last one is subtracted.
        let two = (ElementType::holding(minimum, maximum).bits() as usize).max(1 + usize::from(signed));
        let (twos_complement, weight_bits) = match form {
            Form::Bipolar => (false, 1),
            Form::Planes => (true, two),
            Form::Products if input_bits == 1 && magnitude > 1 => (true, two),
            Form::Products => (false, magnitude + usize::from(signed)),
            Form::Shifts(digits) => (false, digits.code_bits()),
            Form::Groups(_) => (false, 1 + usize::from(signed)),
            Form::Bases(bases) => (false, bases.count()),
        };
        Multiplier { form, input_bits, weight_bits, signed, twos_complement }
    }

    /// Bits of the weights of a word of `simd` lanes.
    pub fn word_bits(&self, simd: usize) -> usize {
        let scales = match self.form {
            Form::Groups(grouping) => grouping.groups(simd) * grouping.scale_bits(),
            Form::Bipolar | Form::Planes | Form::Products | Form::Shifts(_) | Form::Bases(_) => 0,
        };
        simd * self.weight_bits + scales
    }

    /// Bits of a weight's magnitude, where it is stored as such.
    pub fn magnitude_bits(&self) -> usize {
        self.weight_bits - usize::from(self.signed)
    }

    /// Bits of what one lane gives to the adders: of one plane, a whole product, or the greatest of the powers.
    pub fn term_bits(&self) -> usize {
        match self.form {
            Form::Bipolar | Form::Planes | Form::Groups(_) | Form::Bases(_) => self.input_bits,
            Form::Products if self.twos_complement => self.weight_bits,
            Form::Products if self.magnitude_bits() == 1 => self.input_bits,
            Form::Products => self.input_bits + self.magnitude_bits(),
            Form::Shifts(digits) => digits.places().map(|place| place.term_bits(self.input_bits)).fold(0, usize::max),
        }
    }

    /// Partial products of a lane that adders put together, one for each bit of the shorter factor; 1 without adders.
    pub fn partial_products(&self) -> usize {
        match self.form {
            Form::Products if !self.twos_complement => self.input_bits.min(self.magnitude_bits()),
            Form::Bipolar | Form::Planes | Form::Products | Form::Shifts(_) | Form::Groups(_) | Form::Bases(_) => 1,
        }
    }

    /// Clock cycles from lanes to sum: one for each register level of the multiplying adders, or of the shifters, of the
    /// adder tree over `simd` lanes and of the adders over planes, or over both powers.
    pub fn levels(&self, simd: usize) -> usize {
        let tree = |size: usize| 1 + pair_levels(simd.div_ceil(size));
        let size = group(self.term_bits());
        match self.form {
            Form::Bipolar => tree(size),
            Form::Planes => tree(size) + pair_levels(self.weight_bits),
            Form::Products => pair_levels(self.partial_products()) + tree(size),
            Form::Shifts(digits) => 1 + tree(2) + pair_levels(digits.places().count()),
            Form::Groups(grouping) => grouping.levels(simd, self.input_bits),
            Form::Bases(bases) => tree(size) + pair_levels(bases.terms().count()),
        }
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

/// Registers between a unit's memories and its arithmetic: one, since words come late in the clock cycle, out of block RAM
/// as out of a tree of LUTs; none where the weights are constant.
pub fn operand_registers(weights: MemoryKind) -> usize {
    usize::from(weights != MemoryKind::Constant)
}
