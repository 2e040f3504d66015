//! Constants, kept as expressions.

use super::{Binary, combine, decide};
use crate::lower::arithmetic::{Arithmetic, Ball, BallArithmetic, ExactArithmetic, Fault};
use num_rational::BigRational;
use num_traits::ToPrimitive;
use std::cmp::Ordering;
use std::sync::Arc;

/// A real constant: a float of the file, or an expression of such, kept unevaluated so that nothing is rounded.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// A number of the file.
    Float(f64),
    /// The first combined with the second.
    Binary(Binary, Arc<(Constant, Constant)>),
    /// Square root.
    SquareRoot(Arc<Constant>),
    /// Sum of products with integers.
    Sum(Arc<Vec<(Constant, i64)>>),
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
            _ => Constant::Binary(operation, Arc::new((self, other))),
        }
    }

    /// The value in `arithmetic`.
    ///
    /// # Errors
    /// Where the arithmetic has no answer.
    pub fn evaluate<A: Arithmetic>(&self, arithmetic: &mut A) -> Result<A::Number, Fault> {
        Ok(match self {
            Constant::Float(value) => arithmetic.float(*value),
            Constant::Binary(operation, operands) => {
                let a = operands.0.evaluate(arithmetic)?;
                let b = operands.1.evaluate(arithmetic)?;
                combine(*operation, &a, &b, arithmetic)?
            }
            Constant::SquareRoot(operand) => {
                let operand = operand.evaluate(arithmetic)?;
                arithmetic.square_root(&operand)?
            }
            Constant::Sum(terms) => {
                let mut sum = arithmetic.float(0.0);
                for (constant, factor) in terms.iter() {
                    let constant = constant.evaluate(arithmetic)?;
                    let factor = arithmetic.float(*factor as f64);
                    let product = arithmetic.multiply(&constant, &factor);
                    sum = arithmetic.add(&sum, &product);
                }
                sum
            }
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
