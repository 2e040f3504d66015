//! Transcendental functions of numbers that know how wrong they can be: series whose operations keep the bound, with
//! what is cut off added to it.

use super::super::number::{Element, Fault, Number};
use super::{Bounded, UNDEFINED};
use crate::graph::Activation;
use std::cmp::Ordering;

/// e to the power of this magnitude is far within the range of f64.
const FAR: f64 = 600.0;
/// Below what functions differ by from their limits beyond [`FAR`].
const NEAR_LIMIT: f64 = 1e-250;
/// Beyond it the error function differs from ±1 by less than [`ERF_REST`].
const ERF_FAR: f64 = 9.0;
const ERF_REST: f64 = 1e-36;

/// What the function makes of `x`.
pub(super) fn of(x: &Bounded, activation: Activation) -> Result<Bounded, Fault> {
    if let Some((argument, value)) = activation.rational_point()
        && x.exactly() == Bounded::of(argument).exactly()
    {
        return Ok(Bounded::of(value));
    }
    match activation {
        Activation::Exp => Ok(exponential(x)),
        Activation::Log => logarithm(x),
        Activation::Erf => error_function(x),
        Activation::Sigmoid => sigmoid(x),
        // 2 · sigmoid(2x) − 1
        Activation::Tanh => {
            let twice = x.plus(x);
            let sigmoid = sigmoid(&twice)?;
            Ok(sigmoid.plus(&sigmoid).minus(&Bounded::of(1.0)))
        }
        Activation::Softplus => softplus(x),
        Activation::Elu => match x.compare(&Bounded::of(0.0)) {
            Ok(Ordering::Less) => Ok(exponential(x).minus(&Bounded::of(1.0))),
            // Where the sign is open, both sides are as near to x as x is to 0.
            Ok(Ordering::Equal | Ordering::Greater) => Ok(*x),
            Err(_) => Ok(x.widened_by(x.radius() * x.radius())),
        },
    }
}

/// ln 2, the third part of which is the error.
fn ln_2() -> Bounded {
    Bounded::new(std::f64::consts::LN_2, 2.3190468138462996e-17, 1e-32)
}

/// e^x; what is too great for f64 does not exist.
fn exponential(x: &Bounded) -> Bounded {
    let near = x.nearest();
    if near > FAR || !near.is_finite() {
        return UNDEFINED;
    }
    if near < -FAR {
        return Bounded::of(0.0).widened_by(NEAR_LIMIT);
    }
    // x = count · ln 2 + 2^HALVINGS · small
    const HALVINGS: i32 = 9;
    let count = (near / std::f64::consts::LN_2).round();
    let small = x.minus(&ln_2().times(&Bounded::of(count))).times(&Bounded::of(0.5f64.powi(HALVINGS)));
    let (mut sum, mut term) = (Bounded::of(1.0), Bounded::of(1.0));
    for n in 1..=12 {
        term = match term.times(&small).over(&Bounded::of(f64::from(n))) {
            Ok(term) => term,
            Err(_) => return UNDEFINED,
        };
        sum = sum.plus(&term);
    }
    let size = small.nearest().abs() + small.radius();
    if size > 1.0 {
        return UNDEFINED;
    }
    // The rest is less than the last term.
    let mut power = sum.widened_by(size.powi(13));
    for _ in 0..HALVINGS {
        power = power.times(&power);
    }
    power.times(&Bounded::of(2.0f64.powi(count as i32)))
}

/// ln x, from the nearest f64 by what its exponential misses.
fn logarithm(x: &Bounded) -> Result<Bounded, Fault> {
    if x.compare(&Bounded::of(0.0))? != Ordering::Greater {
        return Ok(UNDEFINED);
    }
    let near = x.nearest().ln();
    let missed = exponential(&Bounded::of(-near)).times(x).minus(&Bounded::of(1.0));
    let size = missed.nearest().abs() + missed.radius();
    if size.is_nan() || size > 0.25 {
        return Err(Fault::Undecided);
    }
    // ln(1 + z) = z − z² / 2 + …
    let half_square = missed.times(&missed).times(&Bounded::of(0.5));
    Ok(Bounded::of(near).plus(&missed).minus(&half_square).widened_by(size.powi(3)))
}

fn sigmoid(x: &Bounded) -> Result<Bounded, Fault> {
    let near = x.nearest();
    if near.abs() > FAR {
        let limit = if near > 0.0 { 1.0 } else { 0.0 };
        return Ok(Bounded::of(limit).widened_by(NEAR_LIMIT));
    }
    let one = Bounded::of(1.0);
    one.over(&one.plus(&exponential(&x.negated())))
}

/// ln(1 + e^x) = x + ln(1 + e^−x)
fn softplus(x: &Bounded) -> Result<Bounded, Fault> {
    let near = x.nearest();
    if near > FAR {
        return Ok(x.widened_by(NEAR_LIMIT));
    }
    if near < -FAR {
        return Ok(Bounded::of(0.0).widened_by(NEAR_LIMIT));
    }
    let one = Bounded::of(1.0);
    if near > 0.0 {
        return Ok(x.plus(&logarithm(&one.plus(&exponential(&x.negated())))?));
    }
    logarithm(&one.plus(&exponential(x)))
}

/// erf x = 2 / √π · e^(−x²) · (x + 2x³/3 + 4x⁵/15 + …), whose terms have one sign.
fn error_function(x: &Bounded) -> Result<Bounded, Fault> {
    let near = x.nearest();
    if near.abs() > ERF_FAR {
        return Ok(Bounded::of(1.0f64.copysign(near)).widened_by(ERF_REST));
    }
    let square = x.times(x);
    let twice = square.plus(&square);
    let (mut sum, mut term) = (*x, *x);
    let mut odd = 1.0;
    loop {
        odd += 2.0;
        term = term.times(&twice).over(&Bounded::of(odd))?;
        sum = sum.plus(&term);
        let ratio = twice.nearest() / (odd + 2.0);
        let rest = term.nearest().abs() + term.radius();
        if rest.is_nan() || sum.radius() > 1e30 {
            return Err(Fault::Undecided);
        }
        // From here on each term is less than half of the one before.
        if ratio < 0.5 && (rest < 1e-36 * sum.nearest().abs() || rest < 1e-300) {
            let sum = sum.widened_by(rest);
            return Ok(two_over_root_pi().times(&exponential(&square.negated())).times(&sum));
        }
    }
}

/// 2 / √π
fn two_over_root_pi() -> Bounded {
    Bounded::new(std::f64::consts::FRAC_2_SQRT_PI, 1.533545961316588e-17, 1e-32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(activation: Activation, x: f64) -> Bounded {
        of(&Bounded::of(x), activation).unwrap()
    }

    /// Values to 30 digits and more from mpmath, as pairs of f64.
    #[test]
    fn values() {
        for (activation, x, high, low) in VALUES {
            let found = near(*activation, *x);
            let miss = found.minus(&Bounded::of(*high)).minus(&Bounded::of(*low));
            assert!(found.radius() < 1e-27 * high.abs().max(1.0), "{activation:?} of {x} is {found:?}");
            assert!(miss.nearest().abs() <= found.radius() + 1e-31 * high.abs(), "{activation:?} of {x} is {found:?}");
        }
    }

    #[test]
    fn rational_values_are_exact() {
        for activation in Activation::ALL {
            let Some((argument, value)) = activation.rational_point() else { continue };
            assert_eq!(near(activation, argument), Bounded::of(value));
        }
        assert_eq!(near(Activation::Elu, 3.5), Bounded::of(3.5));
    }

    #[test]
    fn bounds_of_arguments_are_kept() {
        for activation in Activation::ALL {
            let wide = Bounded::new(1.5, 0.0, 1e-3);
            let found = of(&wide, activation).unwrap();
            for inside in [1.4991, 1.5, 1.5009] {
                let miss = near(activation, inside).minus(&found).nearest().abs();
                assert!(miss <= found.radius(), "{activation:?}: {found:?}");
            }
        }
    }

    #[test]
    fn ends() {
        assert!(near(Activation::Exp, 1e4).nearest().is_nan());
        assert!(near(Activation::Exp, -1e4).nearest() == 0.0);
        assert!(near(Activation::Sigmoid, 1e4).nearest() == 1.0);
        assert!(near(Activation::Softplus, 1e4).nearest() == 1e4);
        assert!(near(Activation::Erf, -1e4).nearest() == -1.0);
        assert!(near(Activation::Log, -1.0).nearest().is_nan());
        assert_eq!(of(&Bounded::new(1e-9, 0.0, 1e-6), Activation::Log), Err(Fault::Undecided));
    }

    const VALUES: &[(Activation, f64, f64, f64)] = &[
        (Activation::Exp, 1.0, std::f64::consts::E, 1.4456468917292502e-16),
        (Activation::Exp, -3.25, 0.03877420783172201, 1.1433418851841824e-18),
        (Activation::Exp, 0.1, 1.1051709180756477, -8.149523913327619e-17),
        (Activation::Exp, 50.5, 8.548134287298057e+21, 222305.91690892167),
        (Activation::Exp, -200.0, 1.3838965267367376e-87, -3.0390043403234164e-104),
        (Activation::Log, 2.0, std::f64::consts::LN_2, 2.3190468138462996e-17),
        (Activation::Log, 0.1, -2.3025850929940455, -1.7150243628057985e-16),
        (Activation::Log, 10000000000.0, 23.025850929940457, -3.94399383981999e-16),
        (Activation::Log, 3e-09, -19.624653548278303, 1.6342728975140055e-15),
        (Activation::Erf, 0.5, 0.5204998778130465, 1.900077467916287e-17),
        (Activation::Erf, -1.0, -0.8427007929497149, 2.4801011789118602e-17),
        (Activation::Erf, 3.0, 0.9999779095030014, 5.363397058636269e-17),
        (Activation::Erf, 8.5, 1.0, -2.7623240713337716e-33),
        (Activation::Erf, 0.001, 0.0011283787909692365, -7.88735357945236e-20),
        (Activation::Sigmoid, 1.0, 0.7310585786300049, -1.679727399649845e-17),
        (Activation::Sigmoid, -2.5, 0.07585818002124355, 5.328066821693456e-18),
        (Activation::Sigmoid, 40.0, 1.0, -4.248354255291589e-18),
        (Activation::Sigmoid, -40.0, 4.248354255291589e-18, 1.063261941480036e-34),
        (Activation::Tanh, 0.25, 0.24491866240370913, -1.6036228849882693e-18),
        (Activation::Tanh, -1.5, -0.9051482536448664, -4.1992024501810215e-17),
        (Activation::Tanh, 20.0, 1.0, -8.496708510583178e-18),
        (Activation::Softplus, 0.0, std::f64::consts::LN_2, 2.3190468138462996e-17),
        (Activation::Softplus, 1.0, 1.3132616875182228, 2.515869523777819e-17),
        (Activation::Softplus, -5.0, 0.006715348489118068, 1.962161297662602e-19),
        (Activation::Softplus, 30.0, 30.000000000000092, 1.2056740395843437e-15),
        (Activation::Elu, -0.5, -0.3934693402873666, -6.593178415491414e-19),
        (Activation::Elu, -30.0, -0.9999999999999064, -1.557128749895031e-17),
    ];
}
