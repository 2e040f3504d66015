//! Constants, kept as expressions.

use super::{Binary, combine, decide};
use crate::lower::arithmetic::{Arithmetic, Ball, BallArithmetic, ExactArithmetic, Fault};
use num_rational::BigRational;
use num_traits::ToPrimitive;
use std::cmp::Ordering;
use std::sync::Arc;

/// Most operations of an expression. It may hold a part many times, and each counts: what is asked of a constant takes as
/// many steps. A sum counts as its longest term.
pub const MAX_OPERATIONS: u32 = 1 << 11;

/// Most operations of an expression with every term of its sums.
const MAX_WITH_TERMS: u32 = 1 << 20;

/// How long an expression is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// Operations, each sum as its longest term.
    operations: u32,
    /// Operations in all.
    with_terms: u32,
}

/// A real constant: a float of the file, or an expression of such, kept unevaluated so that nothing is rounded.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// A number of the file.
    Float(f64),
    /// The first combined with the second.
    Binary(Binary, Arc<(Constant, Constant)>, Length),
    /// Square root.
    SquareRoot(Arc<Constant>, Length),
    /// Sum of products with integers.
    Sum(Arc<Vec<(Constant, i64)>>, Length),
    /// An expression that is too long, which is not kept: no arithmetic knows its value.
    TooLong,
}

/// Whether float32 holds a number.
fn is_single(value: f64) -> bool {
    f64::from(value as f32) == value && value.is_finite()
}

/// Whether a result is a float32, not zero by underflow, and `holds`: then no arithmetic rounds it.
fn is_exact(result: f64, holds: impl FnOnce(f64) -> bool) -> bool {
    is_single(result) && result != 0.0 && holds(result)
}

/// Relative error of a number in double precision that is near enough.
const NEAR: f64 = 1e-13;

impl Constant {
    /// The expression of `self` and `other`, simplified where that is exact for certain.
    pub fn binary(self, operation: Binary, other: Constant) -> Constant {
        match (operation, &self, &other) {
            (Binary::Add, Constant::Float(0.0), _) => other,
            (Binary::Add | Binary::Subtract, _, Constant::Float(0.0)) => self,
            (Binary::Multiply, Constant::Float(1.0), _) => other,
            (Binary::Multiply | Binary::Divide, _, Constant::Float(1.0)) => self,
            (Binary::Multiply, Constant::Float(0.0), _) | (Binary::Multiply, _, Constant::Float(0.0)) => {
                Constant::Float(0.0)
            }
            (Binary::Add, Constant::Float(a), Constant::Float(b))
                if is_exact(a + b, |sum| sum - a == *b && sum - b == *a) =>
            {
                Constant::Float(a + b)
            }
            // Two float32 have a product of at most 48 bits.
            (Binary::Multiply, Constant::Float(a), Constant::Float(b))
                if is_exact(a * b, |_| is_single(*a) && is_single(*b)) =>
            {
                Constant::Float(a * b)
            }
            (Binary::Add, one, other) if one == other => one.doubled(),
            _ => {
                let (a, b) = (self.length(), other.length());
                let length =
                    Length { operations: 1 + a.operations + b.operations, with_terms: 1 + a.with_terms + b.with_terms };
                Constant::of_length(length, || Constant::Binary(operation, Arc::new((self, other)), length))
            }
        }
    }

    /// The expression's square root.
    pub fn square_root(self) -> Constant {
        let Length { operations, with_terms } = self.length();
        let length = Length { operations: 1 + operations, with_terms: 1 + with_terms };
        Constant::of_length(length, || Constant::SquareRoot(Arc::new(self), length))
    }

    /// The sum of products with integers.
    pub fn sum(terms: Vec<(Constant, i64)>) -> Constant {
        let lengths = || terms.iter().map(|(constant, _)| constant.length());
        let length = Length {
            operations: 1 + lengths().map(|length| length.operations).max().unwrap_or(0),
            with_terms: lengths().fold(0, |sum, length| sum.saturating_add(2 + length.with_terms)),
        };
        Constant::of_length(length, || Constant::Sum(Arc::new(terms), length))
    }

    fn of_length(length: Length, expression: impl FnOnce() -> Constant) -> Constant {
        let is_short = length.operations <= MAX_OPERATIONS && length.with_terms <= MAX_WITH_TERMS;
        if is_short { expression() } else { Constant::TooLong }
    }

    fn length(&self) -> Length {
        match self {
            Constant::Float(_) => Length { operations: 0, with_terms: 0 },
            Constant::Binary(_, _, length) | Constant::SquareRoot(_, length) | Constant::Sum(_, length) => *length,
            // Longer with every operation, too.
            Constant::TooLong => Length { operations: MAX_OPERATIONS, with_terms: MAX_WITH_TERMS },
        }
    }

    /// Twice the constant, as one product however often it is doubled.
    fn doubled(&self) -> Constant {
        match self {
            Constant::Binary(Binary::Multiply, operands, _) => match &**operands {
                (Constant::Float(factor), rest) if is_single(2.0 * factor) => {
                    Constant::Float(2.0 * factor).binary(Binary::Multiply, rest.clone())
                }
                _ => Constant::Float(2.0).binary(Binary::Multiply, self.clone()),
            },
            _ => Constant::Float(2.0).binary(Binary::Multiply, self.clone()),
        }
    }

    /// The value in `arithmetic`.
    ///
    /// # Errors
    /// Where the arithmetic has no answer.
    pub fn evaluate<A: Arithmetic>(&self, arithmetic: &mut A) -> Result<A::Number, Fault> {
        Ok(match self {
            Constant::Float(value) => arithmetic.float(*value),
            Constant::Binary(operation, operands, _) => {
                let a = operands.0.evaluate(arithmetic)?;
                let b = operands.1.evaluate(arithmetic)?;
                combine(*operation, &a, &b, arithmetic)?
            }
            Constant::SquareRoot(operand, _) => {
                let operand = operand.evaluate(arithmetic)?;
                arithmetic.square_root(&operand)?
            }
            Constant::Sum(terms, _) => {
                let mut sum = arithmetic.float(0.0);
                for (constant, factor) in terms.iter() {
                    let constant = constant.evaluate(arithmetic)?;
                    let factor = arithmetic.float(*factor as f64);
                    let product = arithmetic.multiply(&constant, &factor);
                    sum = arithmetic.add(&sum, &product);
                }
                sum
            }
            Constant::TooLong => return Err(Fault::Beyond),
        })
    }

    /// The float32 nearest to the value, `None` where it does not exist.
    pub fn rounded(&self) -> Option<Constant> {
        let single = self.approximate()? as f32;
        single.is_finite().then(|| Constant::Float(f64::from(single)))
    }

    /// The value in double precision, `None` where it does not exist.
    pub fn approximate(&self) -> Option<f64> {
        let ball = self.evaluate(&mut BallArithmetic::double());
        // What cancels has lost its digits: a bias, less the same bias again.
        let is_near = |ball: &Ball| ball.radius() <= ball.middle().abs() * NEAR;
        let value = match ball {
            Ok(ball) if is_near(&ball) => ball.middle(),
            Ok(ball) => self.as_ratio().and_then(|ratio| ratio.to_f64()).unwrap_or(ball.middle()),
            Err(Fault::Undecided) => self.as_ratio()?.to_f64()?,
            Err(Fault::Undefined | Fault::Beyond) => return None,
        };
        value.is_finite().then_some(value)
    }

    /// How the constant compares with zero, exactly.
    ///
    /// # Errors
    /// Where it does not exist.
    pub fn sign(&self) -> Result<Ordering, Fault> {
        decide(|arithmetic| sign_of(self, arithmetic), |arithmetic| sign_of(self, arithmetic))
    }

    /// Whether two constants are the same number, exactly.
    ///
    /// # Errors
    /// Where one does not exist.
    pub fn equals(&self, other: &Constant) -> Result<bool, Fault> {
        if self == other {
            return Ok(true);
        }
        Ok(self.clone().binary(Binary::Subtract, other.clone()).sign()? == Ordering::Equal)
    }

    /// The integer that the constant is, `None` where it is none.
    pub fn as_integer(&self) -> Option<i64> {
        let ratio = self.as_ratio()?;
        ratio.is_integer().then(|| ratio.to_integer().to_i64()).flatten()
    }

    /// The float that the constant is, where it is one of the file or a product of exact steps; `None` where it is not
    /// known to be a float.
    pub fn as_float(&self) -> Option<f64> {
        let value = self.approximate()?;
        self.equals(&Constant::Float(value)).ok()?.then_some(value)
    }

    /// The rational number that the constant is, `None` where it is none.
    pub fn as_ratio(&self) -> Option<BigRational> {
        self.evaluate(&mut ExactArithmetic::default()).ok()?.as_rational()
    }
}

fn sign_of<A: Arithmetic>(constant: &Constant, arithmetic: &mut A) -> Result<Ordering, Fault> {
    let number = constant.evaluate(arithmetic)?;
    arithmetic.sign(&number)
}
