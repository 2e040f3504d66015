//! What makes an integer code of a real number.

use super::Constant;
use crate::lower::arithmetic::{Arithmetic, Fault};
use network::graph::RoundingMode;
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
    /// round(x / scale) + zero_point within a range, with a quotient that is rounded to float32 before it goes to the
    /// nearest integer, from the middle to the even one.
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
}

impl Quantiser {
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
                    if arithmetic.compare(&quotient, &number)? == beyond {
                        return Ok(limit);
                    }
                }
                round(&quotient, *rounding, arithmetic)
            }
            Quantiser::Linear { scale, zero_point, minimum, maximum } => {
                let scale = scale.evaluate(arithmetic)?;
                let quotient = arithmetic.divide(x, &scale)?;
                for (limit, beyond) in [(*minimum, Ordering::Less), (*maximum, Ordering::Greater)] {
                    let number = arithmetic.float((limit - zero_point) as f64);
                    if arithmetic.compare(&quotient, &number)? == beyond {
                        return Ok(limit);
                    }
                }
                Ok(round_as_single(&quotient, arithmetic)? + zero_point)
            }
        }
    }
}

/// The integer nearest to `x` as a float32: what float32 rounds to a middle goes to the even neighbour. `x` is less than
/// 2^22 in magnitude, where float32 holds every middle with an even last bit.
fn round_as_single<A: Arithmetic>(x: &A::Number, arithmetic: &mut A) -> Result<i64, Fault> {
    let half = arithmetic.float(0.5);
    let shifted = arithmetic.add(x, &half);
    let nearest = arithmetic.floor(&shifted)?;
    if nearest % 2 == 0 {
        return Ok(nearest);
    }
    // An odd integer loses what float32 rounds to the middle on either side.
    let end = |middle: f32, inner: f32| (f64::from(middle) + f64::from(inner)) / 2.0;
    let (low, high) = (nearest as f32 - 0.5, nearest as f32 + 0.5);
    let first = arithmetic.float(end(low, low.next_up()));
    if arithmetic.compare(x, &first)? != Ordering::Greater {
        return Ok(nearest - 1);
    }
    let last = arithmetic.float(end(high, high.next_down()));
    Ok(nearest + i64::from(arithmetic.compare(x, &last)? != Ordering::Less))
}

fn round<A: Arithmetic>(x: &A::Number, mode: RoundingMode, arithmetic: &mut A) -> Result<i64, Fault> {
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
            let below = arithmetic.floor(x)?;
            let half = arithmetic.float(below as f64 + 0.5);
            let up = match arithmetic.compare(x, &half)? {
                Ordering::Less => false,
                Ordering::Greater => true,
                Ordering::Equal => match mode {
                    RoundingMode::HalfEven => below % 2 != 0,
                    RoundingMode::HalfUp => below >= 0,
                    _ => below < 0,
                },
            };
            Ok(below + i64::from(up))
        }
    }
}
