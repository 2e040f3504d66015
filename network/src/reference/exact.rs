//! Exact numbers: sums of rational multiples of square roots of rational numbers.
//!
//! Roots of rationals no two of which have a ratio that is a square are linearly independent over the rationals. So a sum
//! whose terms have been gathered by such classes is zero only where no term is left, and any other sum has a sign that
//! enough digits show.

use super::bounded::Bounded;
use super::number::{Element, Fault, Number};
use crate::graph::Activation;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::cmp::Ordering;

/// Factor · √radicand.
#[derive(Clone, Debug, PartialEq)]
struct Term {
    factor: BigRational,
    radicand: BigRational,
}

/// A sum of terms, no two of which are rational multiples of each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Exact {
    terms: Vec<Term>,
}

/// Digits (binary) behind the point with which a sum of roots is first looked at.
const DIGITS: usize = 128;

impl Exact {
    fn rational(value: BigRational) -> Self {
        let mut sum = Exact::default();
        sum.add(value, BigRational::one());
        sum
    }

    /// The sum of two numbers of f64.
    pub fn of_parts([high, low]: [f64; 2]) -> Self {
        Exact::of(high).plus(&Exact::of(low))
    }

    fn as_rational(&self) -> Option<BigRational> {
        match self.terms.as_slice() {
            [] => Some(BigRational::zero()),
            [term] if term.radicand.is_one() => Some(term.factor.clone()),
            _ => None,
        }
    }

    /// Adds factor · √radicand.
    fn add(&mut self, factor: BigRational, radicand: BigRational) {
        if factor.is_zero() {
            return;
        }
        for (index, term) in self.terms.iter_mut().enumerate() {
            let Some(ratio) = root(&(&radicand / &term.radicand)) else {
                continue;
            };
            term.factor += factor * ratio;
            if term.factor.is_zero() {
                self.terms.remove(index);
            }
            return;
        }
        // A square is the root of one.
        match root(&radicand) {
            Some(root) => self.terms.push(Term { factor: factor * root, radicand: BigRational::one() }),
            None => self.terms.push(Term { factor, radicand }),
        }
    }

    /// The sum times 2^digits, with an error of less than the number of its terms.
    fn scaled(&self, digits: usize) -> BigInt {
        let scale = BigRational::from_integer(BigInt::one() << (2 * digits));
        let magnitude = |term: &Term| (&term.factor * &term.factor * &term.radicand * &scale).to_integer().sqrt();
        let signed = |term: &Term| if term.factor.is_negative() { -magnitude(term) } else { magnitude(term) };
        self.terms.iter().map(signed).sum()
    }

    fn sign(&self) -> Ordering {
        if let Some(value) = self.as_rational() {
            return value.cmp(&BigRational::zero());
        }
        let count = BigInt::from(self.terms.len());
        let mut digits = DIGITS;
        loop {
            let scaled = self.scaled(digits);
            if scaled.abs() > count {
                return scaled.cmp(&BigInt::zero());
            }
            digits *= 2;
        }
    }

    /// The number in twice the precision of f64.
    pub fn bounded(&self) -> Bounded {
        let (value, error) = self.as_rational().map_or_else(
            || {
                let digits = 8 * DIGITS;
                let unit = BigInt::one() << digits;
                let error = BigRational::new(BigInt::from(self.terms.len()), unit.clone());
                (BigRational::new(self.scaled(digits), unit), error)
            },
            |value| (value, BigRational::zero()),
        );
        let float = |value: &BigRational| value.to_f64().unwrap_or(f64::NAN);
        let less =
            |value: &BigRational, part: f64| value - BigRational::from_float(part).unwrap_or_else(BigRational::zero);
        let high = float(&value);
        let rest = less(&value, high);
        let low = float(&rest);
        let rest = less(&rest, low).abs() + error;
        let radius = if rest.is_zero() { 0.0 } else { float(&rest) * 2.0 + f64::MIN_POSITIVE };
        Bounded::new(high, low, radius)
    }
}

/// The root of a number that is a square.
fn root(value: &BigRational) -> Option<BigRational> {
    if value.is_one() {
        return Some(BigRational::one());
    }
    let root = BigRational::new(value.numer().sqrt(), value.denom().sqrt());
    (&root * &root == *value).then_some(root)
}

impl Element for Exact {
    type Sum = Self;

    fn of(value: f64) -> Self {
        Exact::rational(BigRational::from_float(value).expect("values are checked to be finite"))
    }

    fn widened(&self) -> Self {
        self.clone()
    }

    fn negated(&self) -> Self {
        let negated = |term: &Term| Term { factor: -&term.factor, radicand: term.radicand.clone() };
        Exact { terms: self.terms.iter().map(negated).collect() }
    }

    fn compare(&self, other: &Self) -> Result<Ordering, Fault> {
        Ok(self.minus(other).sign())
    }

    fn add_product(sum: &mut Self, a: &Self, b: &Self) {
        for first in &a.terms {
            for second in &b.terms {
                sum.add(&first.factor * &second.factor, &first.radicand * &second.radicand);
            }
        }
    }
}

impl Number for Exact {
    fn plus(&self, other: &Self) -> Self {
        let mut sum = self.clone();
        for term in &other.terms {
            sum.add(term.factor.clone(), term.radicand.clone());
        }
        sum
    }

    fn times(&self, other: &Self) -> Self {
        let mut product = Exact::default();
        Exact::add_product(&mut product, self, other);
        product
    }

    fn over(&self, other: &Self) -> Result<Self, Fault> {
        match other.terms.as_slice() {
            [] => Err(Fault::Undefined),
            // 1 / (c √r) = √r / (c r)
            [Term { factor, radicand }] => {
                let reciprocal = Term { factor: (factor * radicand).recip(), radicand: radicand.clone() };
                Ok(self.times(&Exact { terms: vec![reciprocal] }))
            }
            _ => Err(Fault::Beyond),
        }
    }

    fn square_root(&self) -> Result<Self, Fault> {
        let value = self.as_rational().ok_or(Fault::Beyond)?;
        if value.is_negative() {
            return Err(Fault::Undefined);
        }
        let mut sum = Exact::default();
        if !value.is_zero() {
            sum.add(BigRational::one(), value);
        }
        Ok(sum)
    }

    fn real_power(&self, _: f64) -> Result<Self, Fault> {
        Err(Fault::Beyond)
    }

    fn activation(&self, activation: Activation) -> Result<Self, Fault> {
        if activation == Activation::Elu && self.sign() != Ordering::Less {
            return Ok(self.clone());
        }
        match activation.rational_point() {
            Some((argument, value)) if *self == Exact::of(argument) => Ok(Exact::of(value)),
            Some(_) | None => Err(Fault::Beyond),
        }
    }

    fn single(&self) -> Result<f32, Fault> {
        Ok(self.nearest() as f32)
    }

    fn nearest(&self) -> f64 {
        self.bounded().nearest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_of_one_class_are_gathered() {
        let root = |value: f64| Exact::of(value).square_root().unwrap();
        let are_equal = |a: &Exact, b: &Exact| a.compare(b) == Ok(Ordering::Equal);
        assert!(are_equal(&root(8.0), &root(2.0).plus(&root(2.0))));
        assert_eq!(root(2.0).times(&root(18.0)), Exact::of(6.0));
        assert_eq!(Exact::of(3.0).over(&root(3.0)).unwrap(), root(3.0));
        let sum = root(2.0).plus(&root(3.0));
        assert_eq!(sum.compare(&root(5.0)), Ok(Ordering::Greater));
        assert!(are_equal(&sum.times(&sum), &Exact::of(5.0).plus(&root(24.0))));
        assert_eq!(sum.minus(&root(3.0)), root(2.0));
        assert_eq!(sum.floor(), Ok(3.0));
        assert_eq!(Exact::of(-1.0).square_root(), Err(Fault::Undefined));
        assert_eq!(sum.square_root(), Err(Fault::Beyond));
    }

    #[test]
    fn nothing_is_absorbed() {
        let sum = Exact::of(1e30).plus(&Exact::of(1e-30)).minus(&Exact::of(1e30));
        assert_eq!(sum, Exact::of(1e-30));
    }
}
