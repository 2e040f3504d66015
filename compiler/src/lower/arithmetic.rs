//! Real arithmetic in two kinds, fast with an error bound and exact, and what a float32 program makes of it.
//!
//! A chain of operations is evaluated in [`BallArithmetic`] first. Where a decision (a comparison, a rounding)
//! lies within the error bound, the answer is [`Fault::Undecided`] and the caller asks [`ExactArithmetic`], which
//! always decides: rationals extended by square roots, compared by squaring.

mod activation;
mod fixed;
mod float;

pub use fixed::FixedArithmetic;
pub use float::FloatArithmetic;

use network::graph::Activation;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Why an evaluation has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The error bound is too wide to decide; exact arithmetic will.
    Undecided,
    /// The value does not exist: division by zero, root of a negative number.
    Undefined,
    /// Exact arithmetic does not reach so far: a root of a root, a fractional power or a transcendental function.
    Beyond,
}

/// Real arithmetic on numbers of some representation.
pub trait Arithmetic {
    /// How a real number is represented.
    type Number: Clone;
    /// The number that `value` is.
    fn float(&mut self, value: f64) -> Self::Number;
    /// a + b
    fn add(&mut self, a: &Self::Number, b: &Self::Number) -> Self::Number;
    /// −a
    fn negate(&mut self, a: &Self::Number) -> Self::Number;
    /// a · b
    fn multiply(&mut self, a: &Self::Number, b: &Self::Number) -> Self::Number;
    /// a / b
    fn divide(&mut self, a: &Self::Number, b: &Self::Number) -> Result<Self::Number, Fault>;
    /// √a
    fn square_root(&mut self, a: &Self::Number) -> Result<Self::Number, Fault>;
    /// A transcendental function of a.
    fn activation(&mut self, activation: Activation, a: &Self::Number) -> Result<Self::Number, Fault>;
    /// How a compares with zero.
    fn sign(&mut self, a: &Self::Number) -> Result<Ordering, Fault>;
    /// The greatest integer at or below a, which is less than 2^53 in magnitude.
    fn floor(&mut self, a: &Self::Number) -> Result<i64, Fault>;

    /// a − b
    fn subtract(&mut self, a: &Self::Number, b: &Self::Number) -> Self::Number {
        let b = self.negate(b);
        self.add(a, &b)
    }

    /// How a compares with b.
    fn compare(&mut self, a: &Self::Number, b: &Self::Number) -> Result<Ordering, Fault> {
        let difference = self.subtract(a, b);
        self.sign(&difference)
    }
}

/// Double precision with a bound on the error of every result.
#[derive(Clone, Copy, Debug)]
pub struct BallArithmetic {
    /// Relative error that each operation may add.
    unit: f64,
    /// Absolute error that it may add: results below the least number underflow.
    least: f64,
    /// The greatest number.
    greatest: f64,
}

/// A number known to lie within `radius` of `middle`.
#[derive(Clone, Copy, Debug)]
pub struct Ball {
    middle: f64,
    radius: f64,
}

impl Ball {
    /// The best guess.
    pub fn middle(&self) -> f64 {
        self.middle
    }

    /// How far the number may lie from it.
    pub fn radius(&self) -> f64 {
        self.radius
    }
}

impl BallArithmetic {
    /// Bounds the error of double precision, the bound's own rounding included.
    pub fn double() -> Self {
        BallArithmetic { unit: 4.0 * f64::EPSILON, least: f64::MIN_POSITIVE, greatest: f64::MAX }
    }

    /// Bounds the error that a float32 program makes, operation by operation.
    pub fn single() -> Self {
        BallArithmetic {
            unit: f64::from(f32::EPSILON),
            least: f64::from(f32::from_bits(1)),
            greatest: f64::from(f32::MAX),
        }
    }

    /// Every number from `low` to `high`.
    pub fn between(low: f64, high: f64) -> Ball {
        let middle = low + (high - low) / 2.0;
        let radius = (middle - low).max(high - middle);
        Ball { middle, radius: radius * (1.0 + 4.0 * f64::EPSILON) }
    }

    /// The ball of a result whose operands' errors amount to `radius`; `exact` tells that double precision did not
    /// round it.
    fn ball(&self, middle: f64, radius: f64, exact: bool) -> Ball {
        let rounded = !exact || (self.least == Self::single().least && !is_single(middle));
        let own = if rounded { middle.abs() * self.unit + self.least } else { 0.0 };
        if middle.abs() + radius + own > self.greatest {
            // The program has an infinity, or will have one.
            return Ball { middle, radius: f64::INFINITY };
        }
        Ball { middle, radius: radius * (1.0 + 4.0 * f64::EPSILON) + own }
    }
}

/// Whether float32 holds the number.
fn is_single(value: f64) -> bool {
    f64::from(value as f32) == value
}

/// Whether the double precision sum of `a` and `b` is their sum (the error term of Knuth's TwoSum).
fn sum_is_exact(a: f64, b: f64) -> bool {
    let sum = a + b;
    let part = sum - a;
    (a - (sum - part)) + (b - part) == 0.0
}

/// Whether the double precision product is exact for certain: two times 24 bits fit in 53.
fn product_is_exact(a: f64, b: f64) -> bool {
    is_single(a) && is_single(b) && (a * b != 0.0 || a == 0.0 || b == 0.0)
}

impl Arithmetic for BallArithmetic {
    type Number = Ball;

    fn float(&mut self, value: f64) -> Ball {
        Ball { middle: value, radius: 0.0 }
    }

    fn add(&mut self, a: &Ball, b: &Ball) -> Ball {
        self.ball(a.middle + b.middle, a.radius + b.radius, sum_is_exact(a.middle, b.middle))
    }

    fn negate(&mut self, a: &Ball) -> Ball {
        Ball { middle: -a.middle, radius: a.radius }
    }

    fn multiply(&mut self, a: &Ball, b: &Ball) -> Ball {
        let radius = a.middle.abs() * b.radius + b.middle.abs() * a.radius + a.radius * b.radius;
        self.ball(a.middle * b.middle, radius, product_is_exact(a.middle, b.middle))
    }

    fn divide(&mut self, a: &Ball, b: &Ball) -> Result<Ball, Fault> {
        let least = b.middle.abs() - b.radius;
        if least <= 0.0 {
            return Err(Fault::Undecided);
        }
        let quotient = a.middle / b.middle;
        let exact = product_is_exact(quotient, b.middle) && quotient * b.middle == a.middle;
        Ok(self.ball(quotient, (a.radius + quotient.abs() * b.radius) / least, exact))
    }

    fn square_root(&mut self, a: &Ball) -> Result<Ball, Fault> {
        let least = a.middle - a.radius;
        if least <= 0.0 {
            return Err(Fault::Undecided);
        }
        let root = a.middle.sqrt();
        let exact = product_is_exact(root, root) && root * root == a.middle;
        Ok(self.ball(root, a.radius / least.sqrt(), exact))
    }

    fn activation(&mut self, activation: Activation, a: &Ball) -> Result<Ball, Fault> {
        if let (0.0, Some((argument, value))) = (a.radius, activation.rational_point())
            && a.middle == argument
        {
            return Ok(self.float(value));
        }
        if activation == Activation::Elu && a.middle - a.radius >= 0.0 {
            return Ok(*a);
        }
        if activation == Activation::Log && a.middle - a.radius <= 0.0 {
            return if a.middle + a.radius < 0.0 { Err(Fault::Undefined) } else { Err(Fault::Undecided) };
        }
        // It rises: the ends of an interval have those of its values.
        let reach =
            if a.radius == 0.0 { 0.0 } else { a.radius * (1.0 + 4.0 * f64::EPSILON) + a.middle.abs() * f64::EPSILON };
        let [low, high] = [a.middle - reach, a.middle + reach].map(|end| activation::value(activation, end));
        let magnitude = low.abs().max(high.abs());
        let middle = low + (high - low) / 2.0;
        // Programs of float32 have their own approximations.
        let own = magnitude * self.unit * 16.0 + self.least;
        let radius = (high - low).abs() * (0.5 + 4.0 * f64::EPSILON) + magnitude * activation::ERROR + own;
        if !middle.is_finite() || magnitude + radius > self.greatest {
            return Ok(Ball { middle: self.greatest, radius: f64::INFINITY });
        }
        Ok(Ball { middle, radius })
    }

    fn sign(&mut self, a: &Ball) -> Result<Ordering, Fault> {
        if a.middle > a.radius {
            Ok(Ordering::Greater)
        } else if a.middle < -a.radius {
            Ok(Ordering::Less)
        } else if a.radius == 0.0 {
            Ok(Ordering::Equal)
        } else {
            Err(Fault::Undecided)
        }
    }

    fn floor(&mut self, a: &Ball) -> Result<i64, Fault> {
        let (low, high) = ((a.middle - a.radius).floor(), (a.middle + a.radius).floor());
        if low == high && a.radius.is_finite() { Ok(low as i64) } else { Err(Fault::Undecided) }
    }
}

/// Exact real arithmetic: sums of rationals times products of square roots of rationals.
#[derive(Clone, Debug, Default)]
pub struct ExactArithmetic {
    /// The numbers whose roots have been taken so far.
    radicands: Vec<BigRational>,
}

/// A sum over products of roots: the bits of a key say which radicands' roots its coefficient is multiplied with.
#[derive(Clone, Debug, PartialEq)]
pub struct Surd {
    terms: BTreeMap<u32, BigRational>,
}

impl Surd {
    fn rational(value: BigRational) -> Self {
        let mut terms = BTreeMap::new();
        if !value.is_zero() {
            terms.insert(0, value);
        }
        Surd { terms }
    }

    /// The number, where no root remains in it.
    pub fn as_rational(&self) -> Option<BigRational> {
        match self.terms.len() {
            0 => Some(BigRational::zero()),
            1 => self.terms.get(&0).cloned(),
            _ => None,
        }
    }

    /// The parts without and with the root of the radicand `bit`: `self = first + second · √radicand`.
    fn split(&self, bit: u32) -> (Surd, Surd) {
        let mut parts = (Surd { terms: BTreeMap::new() }, Surd { terms: BTreeMap::new() });
        for (key, value) in &self.terms {
            if key >> bit & 1 == 1 {
                parts.1.terms.insert(key & !(1 << bit), value.clone());
            } else {
                parts.0.terms.insert(*key, value.clone());
            }
        }
        parts
    }

    fn highest_root(&self) -> Option<u32> {
        let all = self.terms.keys().fold(0, |all, key| all | key);
        (all != 0).then(|| 31 - all.leading_zeros())
    }
}

impl ExactArithmetic {
    fn radicand(&self, bit: u32) -> Surd {
        Surd::rational(self.radicands[bit as usize].clone())
    }

    /// `first² − second² · radicand`
    fn norm(&mut self, first: &Surd, second: &Surd, bit: u32) -> Surd {
        let radicand = self.radicand(bit);
        let first_squared = self.multiply(first, first);
        let second_squared = self.multiply(second, second);
        let scaled = self.multiply(&second_squared, &radicand);
        self.subtract(&first_squared, &scaled)
    }
}

/// The root of a rational that is a square, else `None`.
fn rational_root(value: &BigRational) -> Option<BigRational> {
    let root = BigRational::new(value.numer().sqrt(), value.denom().sqrt());
    (&root * &root == *value).then_some(root)
}

impl Arithmetic for ExactArithmetic {
    type Number = Surd;

    fn float(&mut self, value: f64) -> Surd {
        Surd::rational(BigRational::from_float(value).unwrap_or_else(BigRational::zero))
    }

    fn add(&mut self, a: &Surd, b: &Surd) -> Surd {
        let mut terms = a.terms.clone();
        for (key, value) in &b.terms {
            let sum = terms.remove(key).unwrap_or_else(BigRational::zero) + value;
            if !sum.is_zero() {
                terms.insert(*key, sum);
            }
        }
        Surd { terms }
    }

    fn negate(&mut self, a: &Surd) -> Surd {
        Surd { terms: a.terms.iter().map(|(key, value)| (*key, -value)).collect() }
    }

    fn multiply(&mut self, a: &Surd, b: &Surd) -> Surd {
        let mut terms: BTreeMap<u32, BigRational> = BTreeMap::new();
        for (key_a, value_a) in &a.terms {
            for (key_b, value_b) in &b.terms {
                let mut product = value_a * value_b;
                for (bit, radicand) in self.radicands.iter().enumerate() {
                    if (key_a & key_b) >> bit & 1 == 1 {
                        product *= radicand;
                    }
                }
                *terms.entry(key_a ^ key_b).or_insert_with(BigRational::zero) += product;
            }
        }
        terms.retain(|_, value| !value.is_zero());
        Surd { terms }
    }

    fn divide(&mut self, a: &Surd, b: &Surd) -> Result<Surd, Fault> {
        let Some(bit) = b.highest_root() else {
            let divisor = b.as_rational().ok_or(Fault::Beyond)?;
            if divisor.is_zero() {
                return Err(Fault::Undefined);
            }
            return Ok(Surd { terms: a.terms.iter().map(|(key, value)| (*key, value / &divisor)).collect() });
        };
        let (first, second) = b.split(bit);
        let norm = self.norm(&first, &second, bit);
        let mut root = BTreeMap::new();
        root.insert(1 << bit, BigRational::one());
        let second = self.multiply(&second, &Surd { terms: root });
        let conjugate = self.subtract(&first, &second);
        let numerator = self.multiply(a, &conjugate);
        self.divide(&numerator, &norm)
    }

    fn square_root(&mut self, a: &Surd) -> Result<Surd, Fault> {
        let value = a.as_rational().ok_or(Fault::Beyond)?;
        if value.is_negative() {
            return Err(Fault::Undefined);
        }
        if let Some(root) = rational_root(&value) {
            return Ok(Surd::rational(root));
        }
        // A radicand that is a square times an earlier one must not get a root of its own: division by
        // conjugates relies on the roots being independent.
        for (bit, radicand) in self.radicands.iter().enumerate() {
            if let Some(ratio) = rational_root(&(&value / radicand)) {
                return Ok(Surd { terms: BTreeMap::from([(1 << bit, ratio)]) });
            }
        }
        if self.radicands.len() == 16 {
            return Err(Fault::Beyond);
        }
        self.radicands.push(value);
        Ok(Surd { terms: BTreeMap::from([(1 << (self.radicands.len() - 1), BigRational::one())]) })
    }

    fn activation(&mut self, activation: Activation, a: &Surd) -> Result<Surd, Fault> {
        if activation == Activation::Elu && self.sign(a)? != Ordering::Less {
            return Ok(a.clone());
        }
        match activation.rational_point() {
            Some((argument, value)) if *a == self.float(argument) => Ok(self.float(value)),
            Some(_) | None => Err(Fault::Beyond),
        }
    }

    fn sign(&mut self, a: &Surd) -> Result<Ordering, Fault> {
        let Some(bit) = a.highest_root() else {
            let value = a.as_rational().ok_or(Fault::Beyond)?;
            return Ok(value.cmp(&BigRational::zero()));
        };
        let (first, second) = a.split(bit);
        let (sign_first, sign_second) = (self.sign(&first)?, self.sign(&second)?);
        if sign_second == Ordering::Equal || sign_first == sign_second {
            return Ok(sign_first);
        }
        if sign_first == Ordering::Equal {
            return Ok(sign_second);
        }
        let norm = self.norm(&first, &second, bit);
        let larger = self.sign(&norm)?;
        Ok(if sign_first == Ordering::Greater { larger } else { larger.reverse() })
    }

    fn floor(&mut self, a: &Surd) -> Result<i64, Fault> {
        let (mut low, mut high) = (-(1i64 << 53), 1i64 << 53);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let number = Surd::rational(BigRational::from_integer(BigInt::from(middle)));
            if self.compare(a, &number)? == Ordering::Less {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_compare_by_squaring() {
        let mut exact = ExactArithmetic::default();
        let two = exact.float(2.0);
        let three = exact.float(3.0);
        let five = exact.float(5.0);
        let (a, b, c) =
            (exact.square_root(&two).unwrap(), exact.square_root(&three).unwrap(), exact.square_root(&five).unwrap());
        let sum = exact.add(&a, &b);
        assert_eq!(exact.compare(&sum, &c), Ok(Ordering::Greater));
        let square = exact.multiply(&sum, &sum);
        let six = exact.float(6.0);
        let root_six = exact.square_root(&six).unwrap();
        let twice = exact.add(&root_six, &root_six);
        let expected = exact.add(&five, &twice);
        assert_eq!(exact.compare(&square, &expected), Ok(Ordering::Equal));
        assert_eq!(exact.floor(&sum), Ok(3));
        let quotient = exact.divide(&five, &sum).unwrap();
        let back = exact.multiply(&quotient, &sum);
        assert_eq!(exact.compare(&back, &five), Ok(Ordering::Equal));
    }

    #[test]
    fn a_multiple_of_a_root_is_no_new_root() {
        let mut exact = ExactArithmetic::default();
        let (two, eight) = (exact.float(2.0), exact.float(8.0));
        let root_two = exact.square_root(&two).unwrap();
        let root_eight = exact.square_root(&eight).unwrap();
        let twice = exact.add(&root_two, &root_two);
        assert_eq!(twice, root_eight);
    }

    #[test]
    fn balls_refuse_what_they_cannot_know() {
        let mut ball = BallArithmetic::double();
        let (tenth, three) = (ball.float(0.1), ball.float(3.0));
        let product = ball.multiply(&tenth, &three);
        let other = ball.float(0.3);
        assert_eq!(ball.compare(&product, &other), Err(Fault::Undecided));
        let far = ball.float(0.300_001);
        assert_eq!(ball.compare(&product, &far), Ok(Ordering::Less));
    }
}
