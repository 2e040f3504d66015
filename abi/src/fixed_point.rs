//! Fixed-point arithmetic of 32 bits as gemmlowp and TensorFlow Lite's reference kernels define it: every rounding is
//! part of the definition.
//!
//! Where their C++ overflows, which it leaves undefined, results are limited to 32 bits here.

use serde::{Deserialize, Serialize};

/// `x` within 32 bits.
pub fn saturated(x: i64) -> i32 {
    x.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

/// 2 · a · b / 2^32, to the nearest integer, from the middle away from zero upwards and towards zero downwards
/// (`SaturatingRoundingDoublingHighMul`).
pub fn high_product(a: i32, b: i32) -> i32 {
    let product = i64::from(a) * i64::from(b);
    let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
    // Only −2^31 times itself is beyond 32 bits.
    saturated((product + nudge) / (1 << 31))
}

/// x / 2^exponent, to the nearest integer, from the middle away from zero (`RoundingDivideByPOT`). The exponent is at
/// most 31.
pub fn rounding_shift(x: i32, exponent: u32) -> i32 {
    let x = i64::from(x);
    let mask = (1i64 << exponent) - 1;
    let threshold = (mask >> 1) + i64::from(x < 0);
    // No greater than x in magnitude.
    ((x >> exponent) + i64::from(x & mask > threshold)) as i32
}

/// A factor `significand / 2^31 · 2^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Multiplier {
    /// 0, or at least 2^30 where it was made of a number.
    pub significand: i32,
    /// From −31 on.
    pub exponent: i32,
}

impl Multiplier {
    /// The factor nearest to a number (`QuantizeMultiplier`): 0 below 2^−32; `None` where the number is negative, infinite or
    /// none.
    pub fn of(real: f64) -> Option<Self> {
        if !real.is_finite() || real < 0.0 {
            return None;
        }
        let zero = Multiplier { significand: 0, exponent: 0 };
        let field = (real.to_bits() >> 52) as i32;
        if field == 0 {
            // Zero, or so small that it is none.
            return Some(zero);
        }
        // real = mantissa / 2^53 · 2^exponent
        let mantissa = real.to_bits() & ((1 << 52) - 1) | 1 << 52;
        let mut exponent = field - 1022;
        let mut significand = (mantissa + (1 << 21)) >> 22;
        if significand == 1 << 31 {
            significand = 1 << 30;
            exponent += 1;
        }
        Some(if exponent < -31 { zero } else { Multiplier { significand: significand as i32, exponent } })
    }

    /// x times the factor, rounded twice (`MultiplyByQuantizedMultiplier` without `TFLITE_SINGLE_ROUNDING`).
    pub fn times(self, x: i64) -> i64 {
        // Beyond 31 places every other number is limited, too.
        let left = self.exponent.clamp(0, 31);
        let right = self.exponent.saturating_neg().clamp(0, 31) as u32;
        let shifted = saturated(i64::from(saturated(x)) << left);
        i64::from(rounding_shift(high_product(shifted, self.significand), right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_round_as_gemmlowp_has_them() {
        // ±3/2 and ±5/2: a half goes away from zero, downwards towards it.
        assert_eq!([3, -3, 5, -5].map(|x| high_product(x, 1 << 30)), [2, -1, 3, -2]);
        assert_eq!(high_product(i32::MIN, i32::MIN), i32::MAX);
        assert_eq!([3, -3, 5, -5, 4].map(|x| rounding_shift(x, 1)), [2, -2, 3, -3, 2]);
        assert_eq!([6, 5, -6, -5, -7].map(|x| rounding_shift(x, 2)), [2, 1, -2, -1, -2]);
        assert_eq!([i32::MAX, i32::MIN].map(|x| rounding_shift(x, 31)), [1, -1]);
        assert_eq!(rounding_shift(-7, 0), -7);
    }

    #[test]
    fn multipliers_are_the_nearest() {
        let parts = |real: f64| Multiplier::of(real).map(|m| (m.significand, m.exponent));
        assert_eq!(parts(0.0), Some((0, 0)));
        assert_eq!(parts(1.0), Some((1 << 30, 1)));
        assert_eq!(parts(0.75), Some((3 << 29, 0)));
        // Half of the last place goes up, to the next power of two.
        assert_eq!(parts(1.0 - 2f64.powi(-32)), Some((1 << 30, 1)));
        assert_eq!(parts(2f64.powi(-32)), Some((1 << 30, -31)));
        assert_eq!(parts(2f64.powi(-33)), Some((0, 0)));
        assert_eq!(parts(f64::MIN_POSITIVE / 2.0), Some((0, 0)));
        assert_eq!([-1.0, f64::NAN, f64::INFINITY].map(parts), [None; 3]);
    }

    #[test]
    fn multiples_are_within_32_bits() {
        let half = Multiplier { significand: 1 << 30, exponent: 0 };
        assert_eq!([3, -3, 1 << 40].map(|x| half.times(x)), [2, -1, 1 << 30]);
        for exponent in [i32::MIN, -31, 31, i32::MAX] {
            for significand in [i32::MIN, 0, i32::MAX] {
                for x in [i64::MIN, -1, 0, 1, i64::MAX] {
                    let product = Multiplier { significand, exponent }.times(x);
                    assert!(i32::try_from(product).is_ok());
                }
            }
        }
    }

    /// Whoever searches by halves relies on it.
    #[test]
    fn multiples_only_rise() {
        for exponent in [-9, -3, 0, 2] {
            let multiplier = Multiplier { significand: 1_234_567_891, exponent };
            let multiples: Vec<i64> = (-5000..5000).map(|x| multiplier.times(x)).collect();
            assert!(multiples.is_sorted());
        }
    }
}
