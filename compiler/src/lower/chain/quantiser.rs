//! What makes an integer code of a real number.

use super::{Constant, Direction};
use crate::lower::arithmetic::{Arithmetic, Fault};
use network::graph::RoundingMode;
use network::kernel::{Codes, Factor, Quantize, looked_up};
use std::cmp::Ordering;
use std::sync::Arc;

/// What ends a chain: from a real number to an integer code.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantiser {
    /// +1 where x ≥ 0, else −1.
    Bipolar,
    /// −1, 0 or +1.
    Sign,
    /// round(clamp(x / scale + zero_point, minimum, maximum))
    Uniform {
        /// Distance of two levels.
        scale: Constant,
        /// Code of zero.
        zero_point: Constant,
        /// Least code.
        minimum: i64,
        /// Greatest code.
        maximum: i64,
        /// How the quotient is rounded.
        rounding: RoundingMode,
    },
    /// round(x / scale) + zero_point within a range: to the nearest integer, from the middle to the even one, before the
    /// zero point is added.
    Linear {
        /// Distance of two levels, greater than 0.
        scale: Constant,
        /// Code of zero.
        zero_point: i64,
        /// Least code.
        minimum: i64,
        /// Greatest code.
        maximum: i64,
    },
    /// first + step · (number of thresholds at or below x)
    Thresholds {
        /// The thresholds, in any order.
        thresholds: Arc<Vec<f64>>,
        /// The code below all thresholds.
        first: i64,
        /// What each threshold adds.
        step: i64,
    },
    /// The nearest integer times a factor, as codes.
    Multiply {
        /// The factor.
        factor: Factor,
        /// The codes given.
        codes: Codes,
    },
    /// The value at the nearest integer's place.
    Table {
        /// The integer of the first value.
        first: i64,
        /// The values.
        values: Arc<Vec<i32>>,
    },
    /// The code of a float as TensorFlow Lite has it.
    Float(Quantize),
}

/// No integer of this magnitude is told from another: kernels limit them to 32 bits.
const LIMIT: i64 = 1 << 32;

/// The nearest integer, from a middle up, within [`LIMIT`].
fn nearest<A: Arithmetic>(x: &A::Number, arithmetic: &mut A) -> Result<i64, Fault> {
    for (limit, beyond) in [(-LIMIT, Ordering::Less), (LIMIT, Ordering::Greater)] {
        let number = arithmetic.float(limit as f64);
        if is(arithmetic.compare(x, &number), beyond)? {
            return Ok(limit);
        }
    }
    let half = arithmetic.float(0.5);
    let raised = arithmetic.add(x, &half);
    arithmetic.floor(&raised)
}

impl Quantiser {
    /// Whether it is a function of integers, which no float32 program rounds on the way.
    pub fn is_of_integers(&self) -> bool {
        match self {
            Quantiser::Multiply { .. } | Quantiser::Table { .. } => true,
            Quantiser::Bipolar
            | Quantiser::Sign
            | Quantiser::Uniform { .. }
            | Quantiser::Linear { .. }
            | Quantiser::Thresholds { .. }
            | Quantiser::Float(_) => false,
        }
    }

    /// In which direction the code moves as the number grows, `None` where it turns.
    pub(super) fn direction(&self) -> Option<Direction> {
        match self {
            Quantiser::Uniform { scale, .. } => match scale.sign().ok()? {
                Ordering::Less => Some(Direction::Falling),
                Ordering::Equal | Ordering::Greater => Some(Direction::Rising),
            },
            Quantiser::Table { values, .. } if values.is_sorted() => Some(Direction::Rising),
            Quantiser::Table { values, .. } if values.is_sorted_by(|a, b| a >= b) => Some(Direction::Falling),
            Quantiser::Table { .. } => None,
            Quantiser::Bipolar
            | Quantiser::Sign
            | Quantiser::Linear { .. }
            | Quantiser::Thresholds { .. }
            | Quantiser::Multiply { .. }
            | Quantiser::Float(_) => Some(Direction::Rising),
        }
    }

    pub(super) fn code<A: Arithmetic>(&self, x: &A::Number, arithmetic: &mut A) -> Result<i64, Fault> {
        match self {
            Quantiser::Bipolar => Ok(if arithmetic.sign(x)? == Ordering::Less { -1 } else { 1 }),
            Quantiser::Sign => Ok(arithmetic.sign(x)? as i64),
            Quantiser::Thresholds { thresholds, first, step } => {
                let mut count = 0;
                for threshold in thresholds.iter() {
                    let threshold = arithmetic.float(*threshold);
                    count += i64::from(arithmetic.compare(x, &threshold)? != Ordering::Less);
                }
                Ok(first + step * count)
            }
            Quantiser::Uniform { scale, zero_point, minimum, maximum, rounding } => {
                let scale = scale.evaluate(arithmetic)?;
                let quotient = arithmetic.divide(x, &scale)?;
                let zero_point = zero_point.evaluate(arithmetic)?;
                let quotient = arithmetic.add(&quotient, &zero_point);
                for (limit, beyond) in [(*minimum, Ordering::Less), (*maximum, Ordering::Greater)] {
                    let number = arithmetic.float(limit as f64);
                    if is(arithmetic.compare(&quotient, &number), beyond)? {
                        return Ok(limit);
                    }
                }
                Ok(round(&quotient, *rounding, arithmetic)?.clamp(*minimum, *maximum))
            }
            Quantiser::Linear { scale, zero_point, minimum, maximum } => {
                let scale = scale.evaluate(arithmetic)?;
                let quotient = arithmetic.divide(x, &scale)?;
                for (limit, beyond) in [(*minimum, Ordering::Less), (*maximum, Ordering::Greater)] {
                    let number = arithmetic.float((limit - zero_point) as f64);
                    if is(arithmetic.compare(&quotient, &number), beyond)? {
                        return Ok(limit);
                    }
                }
                let code = round(&quotient, RoundingMode::HalfEven, arithmetic)? + zero_point;
                Ok(code.clamp(*minimum, *maximum))
            }
            Quantiser::Multiply { factor, codes } => Ok(codes.code(factor.times(nearest(x, arithmetic)?))),
            Quantiser::Table { first, values } => Ok(looked_up(*first, values, nearest(x, arithmetic)?)),
            Quantiser::Float(Quantize { scale, codes }) => {
                let scale = arithmetic.float(f64::from(*scale));
                let quotient = arithmetic.divide(x, &scale)?;
                for limit in [-LIMIT, LIMIT] {
                    let number = arithmetic.float(limit as f64);
                    if is(arithmetic.compare(&quotient, &number), limit.cmp(&0))? {
                        return Ok(codes.code(limit));
                    }
                }
                Ok(codes.code(round(&quotient, RoundingMode::HalfUp, arithmetic)?))
            }
        }
    }

    /// The code that a float32 program makes of a float, in the order of operations of qonnx and onnxruntime.
    pub(super) fn float_code(&self, x: f32) -> Result<i64, Fault> {
        if x.is_nan() {
            return Err(Fault::Undefined);
        }
        let single = |constant: &Constant| constant.approximate().map(|value| value as f32).ok_or(Fault::Undefined);
        match self {
            Quantiser::Bipolar => Ok(if x < 0.0 { -1 } else { 1 }),
            Quantiser::Sign => Ok(i64::from(x > 0.0) - i64::from(x < 0.0)),
            Quantiser::Thresholds { thresholds, first, step } => {
                let reached = thresholds.iter().filter(|threshold| f64::from(x) >= **threshold).count();
                Ok(first + step * reached as i64)
            }
            Quantiser::Uniform { scale, zero_point, minimum, maximum, rounding } => {
                let quotient = x / single(scale)? + single(zero_point)?;
                if quotient.is_nan() {
                    return Err(Fault::Undefined);
                }
                let limited = quotient.min(*maximum as f32).max(*minimum as f32);
                let rounded = match rounding {
                    RoundingMode::HalfEven => limited.round_ties_even(),
                    RoundingMode::Ceil => limited.ceil(),
                    RoundingMode::Floor => limited.floor(),
                    RoundingMode::Up => limited.abs().ceil().copysign(limited),
                    RoundingMode::Down => limited.trunc(),
                    RoundingMode::HalfUp => (limited.abs() + 0.5).floor().copysign(limited),
                    RoundingMode::HalfDown => (limited.abs() - 0.5).ceil() * limited.signum(),
                };
                Ok((rounded as i64).clamp(*minimum, *maximum))
            }
            Quantiser::Linear { scale, zero_point, minimum, maximum } => {
                let quotient = (x / single(scale)?).round_ties_even();
                Ok((quotient as i64).saturating_add(*zero_point).clamp(*minimum, *maximum))
            }
            Quantiser::Multiply { factor, codes } => Ok(codes.code(factor.times(nearest_of_float(x)))),
            Quantiser::Table { first, values } => Ok(looked_up(*first, values, nearest_of_float(x))),
            Quantiser::Float(quantize) => Ok(quantize.code_of_float(x)),
        }
    }
}

/// The nearest integer of a float, from a middle up.
fn nearest_of_float(x: f32) -> i64 {
    (f64::from(x) + 0.5).floor() as i64
}

/// Whether a quotient lies beyond a limit. Near it that need not be decided: what rounds to one integer, whichever side it
/// is on, has that one's code.
fn is(order: Result<Ordering, Fault>, beyond: Ordering) -> Result<bool, Fault> {
    match order {
        Err(Fault::Undecided) => Ok(false),
        order => Ok(order? == beyond),
    }
}

pub(super) fn round<A: Arithmetic>(x: &A::Number, mode: RoundingMode, arithmetic: &mut A) -> Result<i64, Fault> {
    let ceiling = |arithmetic: &mut A, x: &A::Number| {
        let negative = arithmetic.negate(x);
        arithmetic.floor(&negative).map(|floor| -floor)
    };
    match mode {
        RoundingMode::Floor => arithmetic.floor(x),
        RoundingMode::Ceil => ceiling(arithmetic, x),
        RoundingMode::Down if arithmetic.sign(x)? == Ordering::Less => ceiling(arithmetic, x),
        RoundingMode::Down => arithmetic.floor(x),
        RoundingMode::Up if arithmetic.sign(x)? == Ordering::Less => arithmetic.floor(x),
        RoundingMode::Up => ceiling(arithmetic, x),
        RoundingMode::HalfEven | RoundingMode::HalfUp | RoundingMode::HalfDown => {
            // Less a half, so that only near a middle the two neighbours must be told apart.
            let half = arithmetic.float(0.5);
            let shifted = arithmetic.subtract(x, &half);
            let below = arithmetic.floor(&shifted)?;
            let number = arithmetic.float(below as f64);
            let is_middle = arithmetic.compare(&shifted, &number)? == Ordering::Equal;
            let up = !is_middle
                || match mode {
                    RoundingMode::HalfEven => below % 2 != 0,
                    RoundingMode::HalfUp => below >= 0,
                    _ => below < 0,
                };
            Ok(below + i64::from(up))
        }
    }
}
