//! Transcendental functions in double precision.

use network::graph::Activation;

/// Relative error of [`value`], far more than there is: the functions of the system's library are right to one or two
/// units in the last place, and the sum of the error function's series has at most some hundred terms of one sign.
pub(super) const ERROR: f64 = 1e-13;

/// What the function makes of `x`; NaN where it is undefined, infinite where it is too great.
pub(super) fn value(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Exp => x.exp(),
        Activation::Log => x.ln(),
        Activation::Erf => error_function(x),
        Activation::Sigmoid if x < 0.0 => x.exp() / (1.0 + x.exp()),
        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Activation::Tanh => x.tanh(),
        Activation::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Activation::Elu if x < 0.0 => x.exp_m1(),
        Activation::Elu => x,
    }
}

/// Beyond it the error function is ±1 to double precision.
const FAR: f64 = 6.5;

fn error_function(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x.abs() > FAR {
        return 1.0f64.copysign(x);
    }
    // 2 / √π · e^(−x²) · (x + 2x³/3 + 4x⁵/15 + …)
    let (mut sum, mut term, mut odd) = (x, x, 1.0);
    while term.abs() > 1e-18 * sum.abs() {
        odd += 2.0;
        term *= 2.0 * x * x / odd;
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let cases = [
            (Activation::Exp, -3.25, 0.038_774_207_831_722),
            (Activation::Log, 3e-9, -19.624_653_548_278_303),
            (Activation::Erf, 0.5, 0.520_499_877_813_046_5),
            (Activation::Erf, -1.0, -0.842_700_792_949_714_9),
            (Activation::Erf, 3.0, 0.999_977_909_503_001_4),
            (Activation::Sigmoid, -2.5, 0.075_858_180_021_243_55),
            (Activation::Tanh, 0.25, 0.244_918_662_403_709_13),
            (Activation::Softplus, -5.0, 0.006_715_348_489_118_068),
            (Activation::Elu, -0.5, -0.393_469_340_287_366_6),
            (Activation::Elu, 0.5, 0.5),
        ];
        for (activation, x, expected) in cases {
            let found = value(activation, x);
            assert!((found - expected).abs() <= 1e-12 * f64::abs(expected), "{activation:?} of {x} is {found}");
        }
    }
}
