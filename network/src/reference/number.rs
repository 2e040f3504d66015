//! What the operators ask of numbers. They are written once, for numbers of three kinds: `f64`, each of which stands for
//! itself; [`Bounded`](super::bounded::Bounded), twice as precise and with a bound on their error; and
//! [`Exact`](super::exact::Exact), slow and without any error.

use crate::graph::Activation;
use std::cmp::Ordering;

/// Why an operator has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The error is too great to decide; exact numbers will.
    Undecided,
    /// The value does not exist: division by zero, root of a negative number.
    Undefined,
    /// Exact numbers do not reach so far: the root of a root, or a power that is neither whole nor a half.
    Beyond,
}

/// An element of a tensor: it can be compared, and summed.
pub(super) trait Element: Clone {
    /// What sums of products, quotients and roots are.
    type Sum: Number;
    /// The number that `value` is.
    fn of(value: f64) -> Self;
    /// The same number, as a sum.
    fn widened(&self) -> Self::Sum;
    /// −x
    fn negated(&self) -> Self;
    /// How the number compares with another.
    fn compare(&self, other: &Self) -> Result<Ordering, Fault>;
    /// The greater of two numbers. Which one it is need not be decided where their errors overlap.
    fn greater(&self, other: &Self) -> Result<Self, Fault> {
        Ok(if self.compare(other)? == Ordering::Less { other.clone() } else { self.clone() })
    }
    /// Adds a · b to a sum.
    fn add_product(sum: &mut Self::Sum, a: &Self, b: &Self);
}

/// A real number that can be computed with.
pub(super) trait Number: Element<Sum = Self> {
    /// a + b
    fn plus(&self, other: &Self) -> Self;
    /// a · b
    fn times(&self, other: &Self) -> Self;
    /// a / b
    fn over(&self, other: &Self) -> Result<Self, Fault>;
    /// √a
    fn square_root(&self) -> Result<Self, Fault>;
    /// A power that is neither whole nor a half.
    fn real_power(&self, exponent: f64) -> Result<Self, Fault>;
    /// A transcendental function of the number.
    fn activation(&self, activation: Activation) -> Result<Self, Fault>;
    /// A double precision number near it.
    fn nearest(&self) -> f64;
    /// The nearest float32.
    fn single(&self) -> Result<f32, Fault>;

    /// a − b
    fn minus(&self, other: &Self) -> Self {
        self.plus(&other.negated())
    }

    /// The greatest integer at or below the number, whose magnitude is less than 2^52.
    fn floor(&self) -> Result<f64, Fault> {
        let mut integer = self.nearest().floor();
        while self.compare(&Self::of(integer))? == Ordering::Less {
            integer -= 1.0;
        }
        while self.compare(&Self::of(integer + 1.0))? != Ordering::Less {
            integer += 1.0;
        }
        Ok(integer)
    }
}
