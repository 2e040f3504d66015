//! The operations between two dot products as one function of one number, evaluated in any arithmetic.

mod constant;
pub mod pair_sums;
mod quantiser;

pub use constant::{Constant, MAX_OPERATIONS};
pub use quantiser::Quantiser;

use super::arithmetic::{Arithmetic, BallArithmetic, ExactArithmetic, Fault, FixedArithmetic, FloatArithmetic};
use network::graph::{Activation, RoundingMode};
use num_rational::BigRational;
use num_traits::ToPrimitive;
use pair_sums::PairSums;
use std::cmp::Ordering;
use std::sync::Arc;

/// Operations on two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// a + b
    Add,
    /// a − b
    Subtract,
    /// a · b
    Multiply,
    /// a / b
    Divide,
}

fn combine<A: Arithmetic>(
    operation: Binary,
    a: &A::Number,
    b: &A::Number,
    arithmetic: &mut A,
) -> Result<A::Number, Fault> {
    Ok(match operation {
        Binary::Add => arithmetic.add(a, b),
        Binary::Subtract => arithmetic.subtract(a, b),
        Binary::Multiply => arithmetic.multiply(a, b),
        Binary::Divide => arithmetic.divide(a, b)?,
    })
}

/// Asks the fast arithmetic, and the exact one where that cannot tell.
fn decide<T>(
    fast: impl FnOnce(&mut BallArithmetic) -> Result<T, Fault>,
    exact: impl FnOnce(&mut ExactArithmetic) -> Result<T, Fault>,
) -> Result<T, Fault> {
    match fast(&mut BallArithmetic::double()) {
        Err(Fault::Undecided) => exact(&mut ExactArithmetic::default()),
        answer => answer,
    }
}

/// One operation on the number that runs through a chain.
#[derive(Clone, Debug, PartialEq)]
pub enum Function {
    /// The number combined with a constant, the number first.
    Binary(Binary, Constant),
    /// A constant combined with the number, the constant first.
    Reversed(Binary, Constant),
    /// √x
    SquareRoot,
    /// x to an integer power.
    Power(u32),
    /// |x|
    Absolute,
    /// The integer that a rounding mode picks. Numbers from 2^52 on stay.
    Round(RoundingMode),
    /// x limited to a range, either end possibly infinite.
    Clip(f64, f64),
    /// The constant with number x, which is a whole number from 0 on. The constants ascend.
    Lookup(Arc<Vec<Constant>>),
    /// The real sum that x, an integer sum, stands for.
    PairSum(Arc<PairSums>),
    /// A transcendental function of x.
    Activation(Activation),
    /// What two functions make of x, combined.
    Fork(Binary, Arc<[Vec<Function>; 2]>),
    /// x itself, where a node of the file ends: there a float32 program rounds.
    NodeEnd,
}

impl Function {
    /// Whether a greater argument never turns from a greater to a lesser result or back.
    pub fn is_monotone(&self) -> bool {
        match self {
            Function::Binary(..) | Function::Clip(..) | Function::SquareRoot | Function::Round(_) => true,
            Function::Lookup(_) | Function::PairSum(_) | Function::Activation(_) | Function::NodeEnd => true,
            Function::Fork(operation, branches) => Direction::of_fork(*operation, branches).is_some(),
            Function::Reversed(operation, _) => *operation != Binary::Divide,
            Function::Power(exponent) => exponent % 2 == 1,
            Function::Absolute => false,
        }
    }

    fn apply<A: Arithmetic>(&self, x: A::Number, arithmetic: &mut A) -> Result<A::Number, Fault> {
        Ok(match self {
            Function::Binary(operation, constant) => {
                let constant = constant.evaluate(arithmetic)?;
                combine(*operation, &x, &constant, arithmetic)?
            }
            Function::Reversed(operation, constant) => {
                let constant = constant.evaluate(arithmetic)?;
                combine(*operation, &constant, &x, arithmetic)?
            }
            Function::NodeEnd => x,
            Function::Activation(activation) => arithmetic.activation(*activation, &x)?,
            Function::Fork(operation, branches) => {
                let a = applied(&branches[0], x.clone(), arithmetic)?;
                let b = applied(&branches[1], x, arithmetic)?;
                combine(*operation, &a, &b, arithmetic)?
            }
            Function::SquareRoot => arithmetic.square_root(&x)?,
            Function::Lookup(constants) => {
                let number = usize::try_from(arithmetic.floor(&x)?).map_err(|_| Fault::Undefined)?;
                constants.get(number).ok_or(Fault::Undefined)?.evaluate(arithmetic)?
            }
            Function::PairSum(sums) => {
                let sum = arithmetic.floor(&x)?;
                sums.real(sum).ok_or(Fault::Undefined)?.evaluate(arithmetic)?
            }
            Function::Power(exponent) => {
                let mut product = arithmetic.float(1.0);
                for _ in 0..*exponent {
                    product = arithmetic.multiply(&product, &x);
                }
                product
            }
            Function::Absolute => match arithmetic.sign(&x)? {
                Ordering::Less => arithmetic.negate(&x),
                Ordering::Equal | Ordering::Greater => x,
            },
            Function::Round(mode) => {
                for (limit, beyond) in [(-LEAST_WHOLE, Ordering::Less), (LEAST_WHOLE, Ordering::Greater)] {
                    let limit = arithmetic.float(limit);
                    if arithmetic.compare(&x, &limit)? == beyond {
                        return Ok(x);
                    }
                }
                let integer = quantiser::round(&x, *mode, arithmetic)?;
                arithmetic.float(integer as f64)
            }
            Function::Clip(minimum, maximum) => {
                for (limit, beyond) in [(*minimum, Ordering::Less), (*maximum, Ordering::Greater)] {
                    if limit.is_finite() {
                        let limit = arithmetic.float(limit);
                        if arithmetic.compare(&x, &limit)? == beyond {
                            return Ok(limit);
                        }
                    }
                }
                x
            }
        })
    }
}

/// Numbers of double precision from here on are integers.
const LEAST_WHOLE: f64 = (1u64 << 52) as f64;

/// What functions, one after the other, make of `x`.
fn chained<A: Arithmetic>(functions: &[Function], x: f64, arithmetic: &mut A) -> Result<A::Number, Fault> {
    let x = arithmetic.float(x);
    applied(functions, x, arithmetic)
}

/// As [`chained`], of a number of the arithmetic.
fn applied<A: Arithmetic>(functions: &[Function], x: A::Number, arithmetic: &mut A) -> Result<A::Number, Fault> {
    functions.iter().try_fold(x, |number, function| function.apply(number, arithmetic))
}

/// What a float32 program makes of `x`: each node's result goes through `round`.
fn rounded(functions: &[Function], x: f64, round: &impl Fn(f64) -> f32) -> Result<f64, Fault> {
    functions.iter().try_fold(x, |number, function| match function {
        Function::NodeEnd => Ok(f64::from(round(number))),
        Function::Fork(operation, branches) => {
            let [a, b] = [&branches[0], &branches[1]].map(|branch| rounded(branch, number, round));
            combine(*operation, &a?, &b?, &mut FloatArithmetic)
        }
        function => function.apply(number, &mut FloatArithmetic),
    })
}

/// What functions, one after the other, make of `x`, where that is a double precision number exactly.
pub fn exact_value(functions: &[Function], x: f64) -> Option<f64> {
    held(&chained(functions, x, &mut ExactArithmetic::default()).ok()?.as_rational()?)
}

/// The double precision number that a ratio is, `None` where it is none exactly.
pub fn held(ratio: &BigRational) -> Option<f64> {
    let value = ratio.to_f64()?;
    (BigRational::from_float(value)? == *ratio).then_some(value)
}

/// How a function's result moves as its argument grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Never down. A constant counts as rising.
    Rising,
    /// Never up, and not constant for certain.
    Falling,
}

impl Direction {
    /// +1 for rising, −1 for falling.
    fn sign(self) -> f64 {
        match self {
            Direction::Rising => 1.0,
            Direction::Falling => -1.0,
        }
    }

    /// The direction of functions applied one after the other, `None` where one of them turns.
    pub fn of(functions: &[Function]) -> Option<Direction> {
        let mut falling = false;
        for function in functions {
            let turns = match function {
                Function::Binary(Binary::Multiply | Binary::Divide, constant)
                | Function::Reversed(Binary::Multiply, constant) => match constant.sign().ok()? {
                    Ordering::Less => true,
                    // From here on the argument no longer counts.
                    Ordering::Equal => return Some(Direction::Rising),
                    Ordering::Greater => false,
                },
                Function::Reversed(Binary::Subtract, _) => true,
                Function::Fork(operation, branches) => Direction::of_fork(*operation, branches)? == Direction::Falling,
                function if function.is_monotone() => false,
                _ => return None,
            };
            falling ^= turns;
        }
        Some(if falling { Direction::Falling } else { Direction::Rising })
    }

    /// The direction of a sum or difference of two functions, `None` where they go against each other.
    fn of_fork(operation: Binary, branches: &[Vec<Function>; 2]) -> Option<Direction> {
        let [first, second] = [Direction::of(&branches[0])?, Direction::of(&branches[1])?];
        match operation {
            Binary::Add if first == second => Some(first),
            Binary::Subtract if first != second => Some(first),
            Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide => None,
        }
    }
}

/// A chain of operations on one number, ended by a quantiser.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantisedChain {
    /// The operations, first to last.
    pub functions: Vec<Function>,
    /// What makes an integer of the result.
    pub quantiser: Quantiser,
}

impl QuantisedChain {
    fn evaluate<A: Arithmetic>(&self, x: f64, arithmetic: &mut A) -> Result<i64, Fault> {
        let number = chained(&self.functions, x, arithmetic)?;
        self.quantiser.code(&number, arithmetic)
    }

    /// The code of `x`, exactly.
    ///
    /// # Errors
    /// Where the chain has no value there.
    pub fn code(&self, x: f64) -> Result<i64, Fault> {
        let decided = decide(|arithmetic| self.evaluate(x, arithmetic), |arithmetic| self.evaluate(x, arithmetic));
        let finer = |bits: usize| match self.evaluate(x, &mut FixedArithmetic::new(bits)) {
            Err(Fault::Undecided) => None,
            decided => Some(decided),
        };
        match decided {
            Err(Fault::Beyond) => FixedArithmetic::PRECISIONS.into_iter().find_map(finer).unwrap_or(Err(Fault::Beyond)),
            decided => decided,
        }
    }

    /// The code of every number from `low` to `high`, where double precision tells that it is one.
    pub fn code_between(&self, low: f64, high: f64) -> Option<i64> {
        let arithmetic = &mut BallArithmetic::double();
        let number = applied(&self.functions, BallArithmetic::between(low, high), arithmetic).ok()?;
        self.quantiser.code(&number, arithmetic).ok()
    }

    /// The code that a float32 program makes of `x`, each node's result rounded once. Beyond float32 there is no result, and the
    /// reference refuses the image; what is so great takes the code of the greatest float, so that every float has one.
    ///
    /// # Errors
    /// Where the chain has no value there.
    pub fn float_code(&self, x: f64) -> Result<i64, Fault> {
        self.rounded_code(x, |number| (number as f32).clamp(f32::MIN, f32::MAX))
    }

    /// As [`float_code`](Self::float_code), but what is beyond float32 goes on as an infinity, as frameworks have it.
    ///
    /// # Errors
    /// Where the chain has no value there.
    pub fn framework_code(&self, x: f64) -> Result<i64, Fault> {
        self.rounded_code(x, |number| number as f32)
    }

    fn rounded_code(&self, x: f64, round: impl Fn(f64) -> f32) -> Result<i64, Fault> {
        let number = rounded(&self.functions, x, &round)?;
        self.quantiser.float_code(number as f32)
    }

    /// The real number before the quantiser, in double precision: exactly computed where no root remains in it.
    pub fn value(&self, x: f64) -> Option<f64> {
        let exactly = chained(&self.functions, x, &mut ExactArithmetic::default()).ok();
        let ratio = exactly.and_then(|number| number.as_rational());
        ratio.and_then(|ratio| ratio.to_f64()).or_else(|| chained(&self.functions, x, &mut FloatArithmetic).ok())
    }

    /// Whether rounding each operation to float32 could change the code of `x`.
    pub fn is_sensitive(&self, x: f64) -> bool {
        self.evaluate(x, &mut BallArithmetic::single()) == Err(Fault::Undecided)
    }

    /// As [`is_sensitive`](Self::is_sensitive), of any number from `low` to `high`.
    pub fn is_sensitive_between(&self, low: f64, high: f64) -> bool {
        let arithmetic = &mut BallArithmetic::single();
        let number = applied(&self.functions, BallArithmetic::between(low, high), arithmetic);
        number.and_then(|number| self.quantiser.code(&number, arithmetic)) == Err(Fault::Undecided)
    }

    /// In which direction the code moves as `x` grows, `None` where it turns.
    pub fn direction(&self) -> Option<Direction> {
        let mut functions = self.functions.clone();
        functions.push(Function::Binary(Binary::Multiply, Constant::Float(self.quantiser.direction()?.sign())));
        Direction::of(&functions)
    }

    /// Whether the code never turns from rising to falling or back as `x` grows.
    pub fn is_monotone(&self) -> bool {
        self.functions.iter().all(Function::is_monotone) && self.quantiser.direction().is_some()
    }
}
