//! Intervals of fixed-point numbers of as many bits as one likes, for what neither double precision nor rationals decide.

use super::{Arithmetic, Fault};
use network::graph::Activation;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::cmp::Ordering;

/// Arithmetic on intervals with so many bits behind the point.
#[derive(Clone, Copy, Debug)]
pub struct FixedArithmetic {
    bits: usize,
}

/// Every number from `low` to `high`, in units of the last bit.
#[derive(Clone, Debug)]
pub struct Interval {
    low: BigInt,
    high: BigInt,
}

/// Bits beyond those asked for, which what is rounded off in a function stays far below.
const GUARD: usize = 96;
/// Arguments of functions up to this magnitude, in bits before the point.
const ARGUMENT: usize = 16;

impl FixedArithmetic {
    /// The precisions that are tried one after the other.
    pub const PRECISIONS: [usize; 4] = [128, 256, 512, 1024];

    /// Intervals of numbers with `bits` bits behind the point.
    pub fn new(bits: usize) -> Self {
        FixedArithmetic { bits }
    }

    fn of_ends(ends: impl IntoIterator<Item = BigInt> + Clone, down: impl Fn(BigInt) -> BigInt) -> Interval {
        let low = ends.clone().into_iter().map(&down).min().unwrap_or_default();
        let high = ends.into_iter().map(|end| -down(-end)).max().unwrap_or_default();
        Interval { low, high }
    }

    /// `a` / `b` rounded down.
    fn quotient(&self, a: &BigInt, b: &BigInt) -> BigInt {
        BigRational::new(a << self.bits, b.clone()).floor().to_integer()
    }

    /// The value of a rising function at a number: an interval that holds it.
    fn value(&self, activation: Activation, x: &BigInt) -> Result<Interval, Fault> {
        let is_positive = x.is_positive();
        if x.bits() as usize > self.bits + ARGUMENT {
            return far(activation, is_positive, x, self.bits);
        }
        let functions = Functions { bits: self.bits + GUARD };
        let x = x << GUARD;
        let value = match activation {
            Activation::Elu if !x.is_negative() => x,
            Activation::Elu => functions.exponential(&x) - functions.one(),
            Activation::Exp => functions.exponential(&x),
            Activation::Sigmoid => functions.sigmoid(&x),
            Activation::Tanh => (functions.sigmoid(&(&x << 1)) << 1) - functions.one(),
            Activation::Log if !is_positive => return Err(Fault::Undefined),
            Activation::Log => functions.logarithm(&x),
            Activation::Softplus => functions.logarithm(&(functions.one() + functions.exponential(&x))),
            Activation::Erf => functions.error_function(&x),
        };
        // An error of half the guard's bits, times the value where that is great.
        let error = (value.abs() >> (self.bits + GUARD / 2)) + (BigInt::one() << (GUARD / 2));
        let low = (&value - &error) >> GUARD;
        let high: BigInt = ((value + error) >> GUARD) + 1;
        Ok(Interval { low, high })
    }
}

/// The value at a number of so great a magnitude that it is a limit, the number itself, or too great.
fn far(activation: Activation, is_positive: bool, x: &BigInt, bits: usize) -> Result<Interval, Fault> {
    let near = |limit: i64| {
        let limit: BigInt = BigInt::from(limit) << bits;
        Interval { low: &limit - 1, high: limit + 1 }
    };
    match (activation, is_positive) {
        (Activation::Exp, true) | (Activation::Log, _) => Err(Fault::Beyond),
        (Activation::Exp | Activation::Sigmoid | Activation::Softplus, false) => Ok(near(0)),
        (Activation::Sigmoid | Activation::Tanh | Activation::Erf, true) => Ok(near(1)),
        (Activation::Tanh | Activation::Erf | Activation::Elu, false) => Ok(near(-1)),
        (Activation::Softplus | Activation::Elu, true) => Ok(Interval { low: x.clone(), high: x + 1 }),
    }
}

/// Functions of fixed-point numbers, each right but for few of the last bits, or of the value's.
struct Functions {
    bits: usize,
}

impl Functions {
    fn one(&self) -> BigInt {
        BigInt::one() << self.bits
    }

    fn product(&self, a: &BigInt, b: &BigInt) -> BigInt {
        (a * b) >> self.bits
    }

    /// ln 2 = 1/2 + 1/8 + 1/24 + 1/64 + …
    fn ln_2(&self) -> BigInt {
        let extra = 32;
        let sum: BigInt = (1..=self.bits + extra).map(|n| (self.one() << extra >> n) / BigInt::from(n)).sum();
        sum >> extra
    }

    /// e^x: x = count · ln 2 + 2^16 · small
    fn exponential(&self, x: &BigInt) -> BigInt {
        const HALVINGS: usize = 16;
        // The count of halvings and of ln 2 both multiply what is rounded off.
        let finer = Functions { bits: self.bits + 48 };
        let x = x << 48;
        let ln_2 = finer.ln_2();
        let quotient: BigInt = &x / &ln_2;
        let count = quotient.to_i64().unwrap_or(0);
        let small = (x - &ln_2 * count) >> HALVINGS;
        let (mut sum, mut term) = (finer.one(), finer.one());
        let mut n = 1;
        while !term.is_zero() && term != BigInt::from(-1) {
            term = finer.product(&term, &small) / n;
            sum += &term;
            n += 1;
        }
        for _ in 0..HALVINGS {
            sum = finer.product(&sum, &sum);
        }
        let sum = if count >= 0 { sum << count } else { sum >> -count };
        sum >> 48
    }

    fn sigmoid(&self, x: &BigInt) -> BigInt {
        let exponential = self.exponential(&-x.abs());
        let divisor = self.one() + &exponential;
        let dividend = if x.is_negative() { exponential } else { self.one() };
        (dividend << self.bits) / divisor
    }

    /// The root of e^y = x, by Halley's steps, each of which triples the digits.
    fn logarithm(&self, x: &BigInt) -> BigInt {
        // x = count · ln 2 + ln m, m near 1
        let count = x.bits() as i64 - self.bits as i64;
        let m = if count >= 0 { x >> count } else { x << -count };
        let mut y = BigInt::zero();
        let mut digits = 1;
        while digits < 4 * self.bits {
            let exponential = self.exponential(&y);
            y += ((&m - &exponential) << (self.bits + 1)) / (&m + &exponential);
            digits *= 3;
        }
        y + self.ln_2() * count
    }

    /// 2 / √π · e^(−x²) · (x + 2x³/3 + 4x⁵/15 + …)
    fn error_function(&self, x: &BigInt) -> BigInt {
        let square = self.product(x, x);
        // Where 1 − erf is less than a bit.
        if (&square >> self.bits).to_usize().is_none_or(|square| square > self.bits) {
            return if x.is_negative() { -self.one() } else { self.one() };
        }
        // e^(x²) is as great as the bits that cancel.
        let cancelled = (&square >> self.bits).to_usize().unwrap_or(0) * 2 + 8;
        let finer = Functions { bits: self.bits + cancelled };
        let (x, square) = (x << cancelled, square << cancelled);
        let (mut sum, mut term, mut odd) = (x.clone(), x, 1);
        while term.abs() > BigInt::one() {
            odd += 2;
            term = (finer.product(&term, &square) << 1) / odd;
            sum += &term;
        }
        let factor = finer.product(&sum, &finer.exponential(&-square));
        // 2 / √π = √(4 / π)
        let four_over_pi = (finer.one() << (finer.bits + 2)) / finer.pi();
        let root = (four_over_pi << finer.bits).sqrt();
        finer.product(&factor, &root) >> cancelled
    }

    /// Machin: π / 4 = 4 · atan(1 / 5) − atan(1 / 239)
    fn pi(&self) -> BigInt {
        let extra = 32;
        let atan_of_reciprocal = |x: i64| {
            let mut power: BigInt = (self.one() << extra) / x;
            let (mut sum, mut n) = (BigInt::zero(), 1i64);
            while !power.is_zero() {
                let term = &power / n;
                sum = if n % 4 == 1 { sum + term } else { sum - term };
                power /= x * x;
                n += 2;
            }
            sum
        };
        (atan_of_reciprocal(5) * 16 - atan_of_reciprocal(239) * 4) >> extra
    }
}

impl Arithmetic for FixedArithmetic {
    type Number = Interval;

    fn float(&mut self, value: f64) -> Interval {
        let exact = BigRational::from_float(value).unwrap_or_else(BigRational::zero);
        let scaled = exact * BigRational::from_integer(BigInt::one() << self.bits);
        Interval { low: scaled.floor().to_integer(), high: scaled.ceil().to_integer() }
    }

    fn add(&mut self, a: &Interval, b: &Interval) -> Interval {
        Interval { low: &a.low + &b.low, high: &a.high + &b.high }
    }

    fn negate(&mut self, a: &Interval) -> Interval {
        Interval { low: -&a.high, high: -&a.low }
    }

    fn multiply(&mut self, a: &Interval, b: &Interval) -> Interval {
        let ends = [&a.low * &b.low, &a.low * &b.high, &a.high * &b.low, &a.high * &b.high];
        FixedArithmetic::of_ends(ends, |end| end >> self.bits)
    }

    fn divide(&mut self, a: &Interval, b: &Interval) -> Result<Interval, Fault> {
        if b.low.is_zero() && b.high.is_zero() {
            return Err(Fault::Undefined);
        }
        if !b.low.is_positive() && !b.high.is_negative() {
            return Err(Fault::Undecided);
        }
        let pairs = [(&a.low, &b.low), (&a.low, &b.high), (&a.high, &b.low), (&a.high, &b.high)];
        let low = pairs.iter().map(|(a, b)| self.quotient(a, b)).min().unwrap_or_default();
        let high = pairs.iter().map(|(a, b)| -self.quotient(&-*a, b)).max().unwrap_or_default();
        Ok(Interval { low, high })
    }

    fn square_root(&mut self, a: &Interval) -> Result<Interval, Fault> {
        if a.high.is_negative() {
            return Err(Fault::Undefined);
        }
        if a.low.is_negative() {
            return Err(Fault::Undecided);
        }
        let root = |end: &BigInt| (end << self.bits).sqrt();
        Ok(Interval { low: root(&a.low), high: root(&a.high) + 1 })
    }

    fn activation(&mut self, activation: Activation, a: &Interval) -> Result<Interval, Fault> {
        if let Some((argument, value)) = activation.rational_point() {
            let argument = self.float(argument);
            if (&a.low, &a.high) == (&argument.low, &argument.low) {
                return Ok(self.float(value));
            }
        }
        if activation == Activation::Log && !a.low.is_positive() && a.high.is_positive() {
            return Err(Fault::Undecided);
        }
        let low = self.value(activation, &a.low)?.low;
        Ok(Interval { low, high: self.value(activation, &a.high)?.high })
    }

    fn sign(&mut self, a: &Interval) -> Result<Ordering, Fault> {
        match (a.low.cmp(&BigInt::zero()), a.high.cmp(&BigInt::zero())) {
            (Ordering::Greater, _) => Ok(Ordering::Greater),
            (_, Ordering::Less) => Ok(Ordering::Less),
            (Ordering::Equal, Ordering::Equal) => Ok(Ordering::Equal),
            _ => Err(Fault::Undecided),
        }
    }

    fn floor(&mut self, a: &Interval) -> Result<i64, Fault> {
        let (low, high): (BigInt, BigInt) = (&a.low >> self.bits, &a.high >> self.bits);
        if low == high { low.to_i64().ok_or(Fault::Undecided) } else { Err(Fault::Undecided) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::activation;
    use super::*;
    use proptest::prelude::*;

    fn middle(interval: &Interval, bits: usize) -> f64 {
        let sum = BigRational::new(&interval.low + &interval.high, BigInt::one() << (bits + 1));
        sum.to_f64().unwrap()
    }

    fn of(activation: Activation, x: f64, bits: usize) -> Interval {
        let mut fixed = FixedArithmetic::new(bits);
        let x = fixed.float(x);
        fixed.activation(activation, &x).unwrap()
    }

    proptest! {
        #[test]
        fn functions_agree_with_double_precision(x in prop_oneof![-30.0f64..30.0, -1.0f64..1.0], kind in 0usize..7) {
            let activation = Activation::ALL[kind];
            let x = if activation == Activation::Log { x.abs() + 1e-6 } else { x };
            let found = of(activation, x, 256);
            let value = activation::value(activation, x);
            prop_assert!(&found.high - &found.low < BigInt::from(1u64 << 60), "{activation:?} of {x}");
            prop_assert!((middle(&found, 256) - value).abs() <= 1e-12 * value.abs().max(1e-3), "{activation:?} of {x}");
        }

        #[test]
        fn more_bits_lie_within_fewer(x in -20.0f64..20.0, kind in 0usize..7) {
            let activation = Activation::ALL[kind];
            let x = if activation == Activation::Log { x.abs() + 1e-6 } else { x };
            let (coarse, fine) = (of(activation, x, 128), of(activation, x, 512));
            prop_assert!(coarse.low <= (&fine.high >> 384) + 1 && (&fine.low >> 384) <= coarse.high, "{activation:?} of {x}");
            prop_assert!(coarse.low <= fine.low.clone() >> 384usize && fine.high >> 384usize <= coarse.high, "{activation:?} of {x}");
        }
    }

    #[test]
    fn ends_are_limits() {
        for (activation, x, limit) in [
            (Activation::Sigmoid, 1e9, 1.0),
            (Activation::Tanh, -1e9, -1.0),
            (Activation::Exp, -1e9, 0.0),
            (Activation::Erf, 1e9, 1.0),
            (Activation::Elu, -1e9, -1.0),
        ] {
            assert_eq!(middle(&of(activation, x, 128), 128), limit, "{activation:?}");
        }
        let mut fixed = FixedArithmetic::new(64);
        let far = fixed.float(1e9);
        assert_eq!(fixed.activation(Activation::Exp, &far).unwrap_err(), Fault::Beyond);
    }
}
