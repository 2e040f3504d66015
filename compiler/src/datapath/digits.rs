//! Weights as sums of one or two signed powers of two, and their codes.
//!
//! A weight's digits are those of its canonical form, of which no two neighbours are both other than 0: the form with the
//! fewest. Of two digits the greater one stands in the first place, the other in the second. A single one stands in the
//! first place, unless only the second has its exponent anyway.

use crate::chip::number::bits_for;
use serde::{Deserialize, Serialize};

/// One place for a digit: 0, or plus or minus one of a few powers of two.
///
/// Its code is a number, and above it the sign where digits may be negative. The number counts the exponents, from the
/// least; one that has all bits of their count stands for 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The bit of each exponent that occurs.
    exponents: u16,
    /// Whether negative digits occur.
    pub signed: bool,
}

impl Place {
    /// Whether no digit stands there.
    pub fn is_empty(&self) -> bool {
        self.exponents == 0
    }

    /// Exponents that occur.
    pub fn count(&self) -> usize {
        self.exponents.count_ones() as usize
    }

    /// The exponents that occur, ascending.
    pub fn exponents(&self) -> impl Iterator<Item = usize> {
        let exponents = self.exponents;
        (0..u16::BITS as usize).filter(move |exponent| exponents >> exponent & 1 == 1)
    }

    /// The least exponent.
    pub fn least(&self) -> usize {
        self.exponents().next().unwrap_or(0)
    }

    /// The greatest exponent.
    fn greatest(&self) -> usize {
        self.exponents().last().unwrap_or(0)
    }

    /// Bits of the number of an exponent, or of 0.
    pub fn index_bits(&self) -> usize {
        bits_for(self.count() as u64)
    }

    /// Bits of a code.
    pub fn code_bits(&self) -> usize {
        self.index_bits() + usize::from(self.signed)
    }

    /// The exponent of a number, counted from the least one. Numbers that stand for none go on as those without their
    /// highest bit do, so that the choices are alike.
    pub fn shift(&self, number: usize) -> usize {
        let known = |number: usize| self.exponents().nth(number).unwrap_or(0).saturating_sub(self.least());
        if number < self.count() {
            return known(number);
        }
        let highest = 1 << number.ilog2();
        known(highest) + known(number - highest)
    }

    /// Bits of a lane of `input_bits` bits, shifted, without the zeros that all have.
    pub fn term_bits(&self, input_bits: usize) -> usize {
        input_bits + self.greatest() - self.least()
    }

    /// What the place adds for a lane `x` with the digit of the given code: `x` shifted, and complemented in
    /// [`term_bits`](Self::term_bits) where the digit is negative.
    fn term(&self, code: u64, x: i64, input_bits: usize) -> i64 {
        let index_bits = self.index_bits();
        let (index, count) = (code as usize & ((1 << index_bits) - 1), self.count());
        let mask = (1i64 << self.term_bits(input_bits)) - 1;
        let shifted = if index & count == count { 0 } else { (x << self.shift(index)) & mask };
        let negative = self.signed && code >> index_bits & 1 == 1;
        (if negative { mask - shifted } else { shifted }) << self.least()
    }

    fn contains(&self, digit: Digit) -> bool {
        self.exponents >> digit.exponent & 1 == 1
    }

    /// The code of a digit that occurs, or of 0.
    fn encode(&self, digit: Option<Digit>) -> u64 {
        let zero = (1 << self.index_bits()) - 1;
        let Some(digit) = digit else { return zero };
        let number = self.exponents().take_while(|exponent| *exponent < digit.exponent).count() as u64;
        number | u64::from(digit.negative) << self.index_bits()
    }
}

/// Plus or minus a power of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Digit {
    exponent: usize,
    negative: bool,
}

/// The digits of a weight in canonical form.
#[derive(Clone, Copy, Debug)]
struct Canonical {
    /// The bits of all digits other than 0, and of the negative ones.
    digits: u32,
    negative: u32,
}

impl Canonical {
    fn of(weight: i64) -> Self {
        let magnitude = weight.unsigned_abs() as u32;
        // A number is half of its triple less half of itself: where these differ in a bit, that is a digit.
        let (half, sum) = (magnitude >> 1, magnitude + (magnitude >> 1));
        let digits = half ^ sum;
        Canonical { digits, negative: digits & if weight < 0 { sum } else { half } }
    }

    fn count(&self) -> usize {
        self.digits.count_ones() as usize
    }

    /// The greatest digit, and the one left with the lesser ones.
    fn split(&self) -> Option<(Digit, Canonical)> {
        let exponent = self.digits.checked_ilog2()?;
        let digit = Digit { exponent: exponent as usize, negative: self.negative >> exponent & 1 == 1 };
        Some((digit, Canonical { digits: self.digits & !(1 << exponent), ..*self }))
    }

    /// Its two greatest digits.
    fn greatest(&self) -> (Option<Digit>, Option<Digit>) {
        match self.split() {
            None => (None, None),
            Some((digit, rest)) => (Some(digit), rest.split().map(|(digit, _)| digit)),
        }
    }
}

/// The powers of two that weights are sums of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digits {
    first: Place,
    second: Place,
}

impl Digits {
    /// The powers of two of `weights`; `None` where one of them is no sum of at most two, or where all are one power,
    /// so that there is nothing to shift.
    pub fn of(weights: impl Iterator<Item = i64>) -> Option<Self> {
        let mut all: Vec<(Option<Digit>, Option<Digit>)> = Vec::new();
        for weight in weights {
            let digits = Canonical::of(weight);
            if digits.count() > 2 || digits.digits >> u16::BITS != 0 {
                return None;
            }
            all.push(digits.greatest());
        }
        let mut found = Digits { first: Place::default(), second: Place::default() };
        for (first, second) in &all {
            if let (Some(first), Some(second)) = (first, second) {
                found.first.exponents |= 1 << first.exponent;
                found.second.exponents |= 1 << second.exponent;
            }
        }
        for digits in &all {
            if let (Some(digit), None) = digits
                && !found.second.contains(*digit)
            {
                found.first.exponents |= 1 << digit.exponent;
            }
        }
        for digits in all {
            let (first, second) = found.placed(digits);
            found.first.signed |= first.is_some_and(|digit| digit.negative);
            found.second.signed |= second.is_some_and(|digit| digit.negative);
        }
        (found.first.count() + found.second.count() > 1).then_some(found)
    }

    /// The places that hold digits: one or two.
    pub fn places(&self) -> impl Iterator<Item = Place> + use<> {
        [self.first, self.second].into_iter().filter(|place| !place.is_empty())
    }

    /// Bits of the code of a weight: those of the first place, and above them those of the second.
    pub fn code_bits(&self) -> usize {
        self.places().map(|place| place.code_bits()).sum()
    }

    /// The digits of a weight in their places.
    fn placed(&self, digits: (Option<Digit>, Option<Digit>)) -> (Option<Digit>, Option<Digit>) {
        match digits {
            (Some(single), None) if !self.first.contains(single) => (None, Some(single)),
            digits => digits,
        }
    }

    /// The code of a weight that is such a sum.
    pub fn encode(&self, weight: i64) -> u64 {
        let (first, second) = self.placed(Canonical::of(weight).greatest());
        let high = if self.second.is_empty() { 0 } else { self.second.encode(second) };
        self.first.encode(first) | high << self.first.code_bits()
    }

    /// What is added for a lane `x` of `input_bits` bits with a weight of the given code.
    pub fn product(&self, code: u64, x: i64, input_bits: usize) -> i64 {
        let first = self.first.term(code, x, input_bits);
        if self.second.is_empty() {
            first
        } else {
            first + self.second.term(code >> self.first.code_bits(), x, input_bits)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_digits_sum_up_and_are_few() {
        let value = |digit: Digit| (1i64 << digit.exponent) * if digit.negative { -1 } else { 1 };
        for weight in -300..=300i64 {
            let all = Canonical::of(weight);
            assert_eq!(all.digits & all.digits << 1, 0, "{weight}");
            let (mut rest, mut sum) = (all, 0);
            while let Some((digit, lesser)) = rest.split() {
                sum += value(digit);
                rest = lesser;
            }
            assert_eq!(sum, weight);
            let is_two = (0..10).flat_map(|a| (0..10).flat_map(move |b| [(1 << a) + (1 << b), (1 << a) - (1 << b)]));
            let is_two = is_two.chain((0..9).map(|a| 1 << a)).any(|sum: i64| sum == weight.abs());
            assert_eq!(all.count() <= 2, is_two || weight == 0, "{weight}");
        }
    }

    #[test]
    fn weights_survive_their_codes() {
        let powers: Vec<i64> = (0..8).flat_map(|e| [1 << e, -(1 << e)]).chain([0]).collect();
        let two: Vec<i64> = (-128..=128).filter(|weight| Canonical::of(*weight).count() <= 2).collect();
        for weights in [powers, two, vec![0, 1, 4], vec![-3, 5], vec![2, -16], (-10..=10).collect()] {
            let digits = Digits::of(weights.iter().copied()).expect("sums of two");
            let offset = |weight: i64| digits.product(digits.encode(weight), 0, 3);
            for weight in weights.iter().copied().chain([0]) {
                let code = digits.encode(weight);
                assert!(code < 1 << digits.code_bits());
                for x in 0..8 {
                    assert_eq!(digits.product(code, x, 3) - offset(weight), weight * x, "{weight} {digits:?}");
                }
            }
            assert_eq!(offset(0), 0);
        }
    }

    #[test]
    fn codes_are_as_narrow_as_in_the_literature() {
        // INQ of five bits: zero and eight powers of either sign; ShiftCNN of two digits of four bits.
        let powers = Digits::of((0..8).flat_map(|e| [1 << e, -(1 << e)])).expect("powers");
        assert_eq!(powers.places().count(), 1);
        assert_eq!(powers.code_bits(), 5);
        let words = |places: std::ops::Range<i32>| places.flat_map(|e| [1i64 << e, -(1 << e)]).chain([0]);
        let sums: Vec<i64> = words(1..8).flat_map(|a| words(0..6).map(move |b| a + b)).collect();
        let two = Digits::of(sums.into_iter().filter(|sum| sum.abs() <= 128)).expect("sums of two");
        assert_eq!(two.code_bits(), 8);
    }

    #[test]
    fn other_weights_have_no_digits() {
        assert_eq!(Digits::of([11].into_iter()), None);
        assert_eq!(Digits::of([0, 1, -1].into_iter()), None, "nothing to shift");
        assert_eq!(Digits::of([0].into_iter()), None);
    }
}
