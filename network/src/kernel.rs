//! Operators of TensorFlow Lite on integers, as its reference kernels compute them: [`Kernel`].
//!
//! Integers are read from numbers by rounding to the nearest (from a middle up), and limited to 32 bits; what a kernel
//! reads in an imported model is an integer already.

use abi::fixed_point::{Multiplier, saturated};
use abi::maps::Softmax;
use std::sync::Arc;

/// An operator that computes with integers as a kernel of TensorFlow Lite does, roundings and limits included. Its
/// inputs are data, except where said.
#[derive(Clone, Debug, PartialEq)]
pub enum Kernel {
    /// `[x]`: sums times a factor as codes.
    Requantize(Requantize),
    /// `[x]`: floats as codes.
    Quantize(Quantize),
    /// `[x]`: a function of codes, by a table.
    Table(Table),
    /// `[a, b]`: the sum of two values of different scales as codes.
    Sum(Sum),
    /// `[x]`: a softmax of codes along the last axis.
    Softmax(Softmax),
}

impl Kernel {
    /// The kernel's name.
    pub fn name(&self) -> &'static str {
        match self {
            Kernel::Requantize(_) => "TfliteRequantize",
            Kernel::Quantize(_) => "TfliteQuantize",
            Kernel::Table(_) => "TfliteTable",
            Kernel::Sum(_) => "TfliteSum",
            Kernel::Softmax(_) => "TfliteSoftmax",
        }
    }
}

/// An offset and the limits of the codes that a kernel gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codes {
    /// The code of zero.
    pub zero_point: i64,
    /// Least code.
    pub minimum: i64,
    /// Greatest code.
    pub maximum: i64,
}

impl Codes {
    /// The code of an integer.
    pub fn code(&self, x: i64) -> i64 {
        x.saturating_add(self.zero_point).clamp(self.minimum, self.maximum)
    }
}

/// What integers are multiplied by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Factor {
    /// A fixed-point number, with its roundings.
    Fixed(Multiplier),
    /// A positive number of double precision: so is the product, which then goes to the nearest integer, from a middle away
    /// from zero.
    Real(f64),
}

impl Factor {
    /// The integer that `x` times the factor is, within 32 bits.
    pub fn times(self, x: i64) -> i64 {
        match self {
            Factor::Fixed(multiplier) => multiplier.times(x),
            Factor::Real(factor) => i64::from(saturated((x as f64 * factor).round() as i64)),
        }
    }
}

/// `zero_point + x · factor`, limited.
#[derive(Clone, Debug, PartialEq)]
pub struct Requantize {
    /// The factor of each channel, or one for all.
    pub factors: Vec<Factor>,
    /// Axis of x that the channels are on.
    pub channel_axis: usize,
    /// The codes given.
    pub codes: Codes,
}

impl Requantize {
    /// The factor of a channel.
    pub fn factor(&self, channel: usize) -> Factor {
        self.factors[channel % self.factors.len()]
    }
}

/// round(x / scale) + zero_point, limited: the quotient is a float32, rounded from a middle away from zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantize {
    /// Distance of two codes, a positive number.
    pub scale: f32,
    /// The codes given.
    pub codes: Codes,
}

impl Quantize {
    /// The code of a float.
    pub fn code_of_float(&self, x: f32) -> i64 {
        self.codes.code(i64::from(saturated((x / self.scale).round() as i64)))
    }
}

/// For each code the value at its place; codes beyond count as the nearest that has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The code of the first value.
    pub first: i64,
    /// The values for each channel, or once for all; at least one.
    pub rows: Vec<Arc<Vec<i32>>>,
    /// Axis of x that the channels are on.
    pub channel_axis: usize,
}

impl Table {
    /// The values of a channel.
    pub fn row(&self, channel: usize) -> &Arc<Vec<i32>> {
        &self.rows[channel % self.rows.len()]
    }
}

/// The value of a code in a list whose first one is that of `first`.
pub fn looked_up(first: i64, values: &[i32], code: i64) -> i64 {
    let last = values.len() as i64 - 1;
    i64::from(values[code.saturating_sub(first).clamp(0, last) as usize])
}

/// One operand of a [`Sum`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// The code of zero.
    pub zero_point: i64,
    /// Factor of the code, less its zero point and times 2^20.
    pub multiplier: Multiplier,
    /// Whether it is subtracted.
    pub is_negative: bool,
}

impl Term {
    /// Places that codes are moved up by before they are multiplied.
    const SHIFT: u32 = 20;

    /// What a code contributes.
    pub fn of(&self, code: i64) -> i64 {
        let value = self.multiplier.times(i64::from(saturated(code.saturating_sub(self.zero_point))) << Term::SHIFT);
        if self.is_negative { -value } else { value }
    }
}

/// The sum of two terms times a factor, as codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// The operands.
    pub terms: [Term; 2],
    /// Factor of the sum.
    pub multiplier: Multiplier,
    /// The codes given.
    pub codes: Codes,
}

impl Sum {
    /// The code of the sum of two codes.
    pub fn code(&self, a: i64, b: i64) -> i64 {
        self.codes.code(self.multiplier.times(self.terms[0].of(a) + self.terms[1].of(b)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_go_to_the_nearest_code() {
        let codes = Codes { zero_point: 3, minimum: -128, maximum: 127 };
        let quantize = Quantize { scale: 0.5, codes };
        // From a middle away from zero, before the zero point is added.
        assert_eq!([0.25, -0.25, 0.75, -0.75].map(|x| quantize.code_of_float(x)), [4, 2, 5, 1]);
        assert_eq!([1e38, -1e38].map(|x| quantize.code_of_float(x)), [127, -128]);
    }

    #[test]
    fn real_factors_round_away_from_zero() {
        assert_eq!([1, -1, 3, -3, 1 << 40].map(|x| Factor::Real(0.5).times(x)), [1, -1, 2, -2, i64::from(i32::MAX)]);
    }

    #[test]
    fn codes_beyond_a_table_count_as_its_ends() {
        assert_eq!([-9, -1, 0, 1, 9].map(|code| looked_up(-1, &[5, 6, 7], code)), [5, 5, 6, 7, 7]);
    }

    #[test]
    fn terms_of_equal_scales_add_up() {
        let half = Multiplier { significand: 1 << 30, exponent: 0 };
        let term = |zero_point, is_negative| Term { zero_point, multiplier: half, is_negative };
        let multiplier = Multiplier { significand: 1 << 30, exponent: -18 };
        let codes = Codes { zero_point: -4, minimum: -128, maximum: 127 };
        let sum = Sum { terms: [term(10, false), term(-5, false)], multiplier, codes };
        assert_eq!(sum.code(20, 1), 10 + 6 - 4);
        let difference = Sum { terms: [term(10, false), term(-5, true)], ..sum };
        assert_eq!(difference.code(20, 1), 10 - 6 - 4);
        assert_eq!(sum.code(1000, 1000), 127);
    }
}
