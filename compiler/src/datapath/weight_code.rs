//! Weights as bits, and what sums of their products mean.
//!
//! A unit's datapath adds up a number `R` over the words of a vector that is not quite the dot product. With
//! inputs `x = step · x' + least`, where `x'` is what the datapath sees, the true accumulator of a row is
//!
//! > `Σ w · x  =  step · (R − offset) + least · Σ w`
//!
//! where `offset` is what each negative weight adds beyond `w · x'`, and each unused lane beyond 0. Both are constants
//! of the row, so that they cost nothing where thresholds follow. Bases may make twice each weight; the scale is half the
//! step then.

use super::{Form, Multiplier, WeightRange, operand};
use abi::ElementType;

/// How a unit's weights are coded, multiplied and understood.
#[derive(Clone, Copy, Debug)]
pub struct WeightCode {
    /// The multiplier.
    pub multiplier: Multiplier,
    /// The type of the inputs as the datapath sees them.
    pub operand: ElementType,
    /// The least and the greatest input.
    range: (i64, i64),
    /// The range of the weights.
    weights: WeightRange,
    /// Whether padded words count half of their lanes: ±1 by ±1.
    halves: bool,
}

/// What a row's sums mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRange {
    /// The true accumulator is `scale · R + bias`.
    pub bias: i64,
    /// The least `R` that can occur.
    pub least: i64,
    /// The greatest `R` that can occur.
    pub greatest: i64,
}

impl WeightCode {
    /// The code of weights in `range` for inputs of type `input`, with or without words of padding. The form is one that
    /// computes the range.
    pub fn new(form: Form, range: WeightRange, input: ElementType, padded: bool) -> Self {
        debug_assert!(!padded || input == ElementType::Bipolar, "only ±1 has no zero to pad with");
        debug_assert!(Form::new(form.datapath(), range) == Some(form), "the datapath has other weights");
        let operand = operand(form.datapath(), input, padded);
        debug_assert!(form.takes(input, padded), "the datapath has other inputs");
        WeightCode {
            multiplier: Multiplier::new(form, range, operand.bits() as usize),
            operand,
            range: (input.minimum(), input.maximum()),
            weights: range,
            halves: padded && form == Form::Bipolar,
        }
    }

    /// Whether lanes have a sign bit to flip.
    pub fn has_offset(&self) -> bool {
        matches!(self.operand, ElementType::Signed { .. })
    }

    /// Whether the accumulators count twice each agreement, so that half of a padded lane is a number.
    pub fn counts_halves(&self) -> bool {
        self.halves
    }

    /// The bits of a weight; of 0 for lanes that count nothing.
    ///
    /// Without a weight 0 (±1), that is +1: the zero bits of an unused lane count nothing then, or, where they are
    /// signed, half of their range, which is a constant.
    pub fn encode(&self, weight: i64) -> u64 {
        let bits = self.multiplier.weight_bits;
        match self.multiplier.form {
            Form::Bipolar => u64::from(weight >= 0),
            Form::Shifts(digits) => digits.encode(weight),
            Form::Bases(bases) => bases.encode(weight),
            Form::Planes | Form::Products if self.multiplier.twos_complement => weight as u64 & ((1 << bits) - 1),
            Form::Planes | Form::Products => weight.unsigned_abs() | if weight < 0 { 1 << (bits - 1) } else { 0 },
            Form::Groups(_) => u64::from(weight != 0) | if weight < 0 { 1 << (bits - 1) } else { 0 },
        }
    }

    /// The weights of a row's lanes in one word, as numbers of so many bits.
    pub fn encode_word(&self, weights: &[i64]) -> Vec<(u64, usize)> {
        let lanes = weights.iter().map(|weight| (self.encode(*weight), self.multiplier.weight_bits));
        match self.multiplier.form {
            Form::Groups(grouping) => {
                lanes.chain(grouping.scales(weights).map(|scale| (scale, grouping.scale_bits()))).collect()
            }
            Form::Bipolar | Form::Planes | Form::Products | Form::Shifts(_) | Form::Bases(_) => lanes.collect(),
        }
    }

    /// What is added for a lane of zeros with a weight.
    fn offset(&self, weight: i64) -> i64 {
        let one = product(&self.multiplier, self.encode(weight), 0);
        if let Form::Groups(_) = self.multiplier.form { one * weight.abs() } else { one }
    }

    /// The scale of sums: 2 for ±1, unless halves are counted or weights are doubled.
    pub fn scale(&self) -> i64 {
        if self.halves { 1 } else { self.operand.step() / self.gain() }
    }

    /// How many times each weight counts.
    fn gain(&self) -> i64 {
        match self.multiplier.form {
            Form::Bases(bases) => bases.gain(),
            Form::Bipolar | Form::Planes | Form::Products | Form::Shifts(_) | Form::Groups(_) => 1,
        }
    }

    /// What the sums of a row of `weights` mean, when its words have `unused` lanes besides.
    ///
    /// With inputs `x'` in `a..=b`, the least sum takes `b` at negative weights and `a` at the others; both ends are
    /// reached, so accumulators are as wide as need be.
    pub fn row(&self, weights: impl Iterator<Item = i64>, unused: usize) -> RowRange {
        let (minimum, (a, b), gain) = (self.operand.minimum(), self.operands(), self.gain());
        let (mut positive, mut negative, mut offset, mut count) = (0, 0, 0, 0);
        for weight in weights {
            positive += gain * weight.max(0);
            negative += gain * weight.min(0);
            offset += self.offset(weight);
            count += 1;
        }
        let sum = (positive + negative) / gain;
        let range = RowRange { bias: 0, least: positive * a + negative * b, greatest: positive * b + negative * a };
        if self.halves {
            return RowRange { bias: -count, least: 0, greatest: 2 * count };
        }
        offset += unused as i64 * self.unused();
        RowRange {
            bias: minimum * sum - self.scale() * offset,
            least: range.least + offset,
            greatest: range.greatest + offset,
        }
    }

    /// What the sums of a row of `weights` mean in a unit that must hold them: any others as well where they are
    /// `writable`.
    pub fn held_row(&self, weights: &[i16], unused: usize, writable: bool) -> RowRange {
        let own = self.row(weights.iter().map(|weight| i64::from(*weight)), unused);
        if writable { self.any_row(weights.len(), unused, own.bias) } else { own }
    }

    /// What the sums of a row of the given bias mean, when its `columns` weights may become any in the code's range.
    pub fn any_row(&self, columns: usize, unused: usize, bias: i64) -> RowRange {
        let columns = columns as i64;
        if self.halves {
            return RowRange { bias, least: 0, greatest: 2 * columns };
        }
        let (a, b) = self.operands();
        let lane = |weight: i64| [weight * a, weight * b].map(|sum| sum + self.offset(weight));
        let weights = (self.weights.minimum..=self.weights.maximum).filter(|weight| self.weights.contains(*weight));
        let lanes = weights.flat_map(lane).map(|sum| (sum, sum));
        let (least, greatest) = lanes.reduce(|low, high| (low.0.min(high.0), low.1.max(high.1))).unwrap_or((0, 0));
        let unused = unused as i64 * self.unused();
        RowRange { bias, least: columns * least + unused, greatest: columns * greatest + unused }
    }

    /// The least and the greatest input as the datapath sees them.
    fn operands(&self) -> (i64, i64) {
        let (step, minimum) = (self.operand.step(), self.operand.minimum());
        ((self.range.0 - minimum) / step, (self.range.1 - minimum) / step)
    }

    /// What so many unused lanes add to a sum.
    pub(crate) fn unused_lanes(&self, lanes: usize) -> i64 {
        if self.halves { 0 } else { lanes as i64 * self.unused() }
    }

    /// What an unused lane adds.
    fn unused(&self) -> i64 {
        let zero = if self.has_offset() { -self.operand.minimum() } else { 0 };
        product(&self.multiplier, self.encode(0), zero)
    }
}

/// What a datapath counts for a word of `simd` lanes, unsigned ones as `x` gives them. `code` gives so many bits of the
/// weights from a bit on.
pub fn word_sum(
    multiplier: &Multiplier,
    simd: usize,
    x: impl Fn(usize) -> i64,
    code: impl Fn(usize, usize) -> u64,
) -> i64 {
    let bits = multiplier.weight_bits;
    let lane = |lane: usize| product(multiplier, code(lane * bits, bits), x(lane));
    let Form::Groups(grouping) = multiplier.form else { return (0..simd).map(lane).sum() };
    let lanes = grouping.lanes(simd);
    let scaled = |group: usize| {
        let scale = code(simd * bits + group * grouping.scale_bits(), grouping.scale_bits()) as i64;
        scale * (group * lanes..(group + 1) * lanes).map(lane).sum::<i64>()
    };
    (0..grouping.groups(simd)).map(scaled).sum()
}

/// What a datapath counts for a lane `x`, unsigned, with a weight of the given code; of groups, before it is scaled.
pub fn product(multiplier: &Multiplier, code: u64, x: i64) -> i64 {
    let negative = multiplier.signed && code >> (multiplier.weight_bits - 1) == 1;
    let mask = (1i64 << multiplier.term_bits()) - 1;
    match multiplier.form {
        Form::Bipolar => {
            if code == 1 {
                x
            } else {
                mask - x
            }
        }
        Form::Shifts(digits) => digits.product(code, x, multiplier.input_bits),
        Form::Bases(bases) => bases.product(code, x, multiplier.input_bits),
        Form::Planes | Form::Products if multiplier.twos_complement => {
            let weight = if negative { code as i64 - (1 << multiplier.weight_bits) } else { code as i64 };
            weight * x
        }
        Form::Planes | Form::Products | Form::Groups(_) => {
            let magnitude = code as i64 & ((1 << multiplier.magnitude_bits()) - 1);
            if negative { mask - magnitude * x } else { magnitude * x }
        }
    }
}
