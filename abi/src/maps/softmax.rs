//! TensorFlow Lite's softmax of 8-bit integers, as its reference kernel computes it: no float takes part, so that every
//! program gets the same integers.

use crate::fixed_point::{Multiplier, high_product, rounding_shift, saturated};
use serde::{Deserialize, Serialize};

/// Bits of the integer part of differences between scores.
const DIFFERENCE_BITS: u32 = 5;
/// Bits of the integer part of the sum of exponentials.
const SUM_BITS: u32 = 12;
/// 1 with no integer bits.
const ONE: i32 = i32::MAX;

/// A softmax of rows of integers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Softmax {
    /// Scores of a row, from 1 to [`Softmax::DEEPEST`].
    pub depth: usize,
    /// From a difference of two scores to a fixed-point number with 5 integer bits.
    pub multiplier: Multiplier,
    /// Least difference from the greatest score that counts, at most 0.
    pub least: i64,
    /// Factor from 256ths to the values given.
    pub scale: f64,
    /// Summand behind it.
    pub bias: f64,
}

impl Softmax {
    /// Most scores of a row: the sum of more exponentials may be beyond its type.
    pub const DEEPEST: usize = (1 << SUM_BITS) - 1;

    /// The softmax of scores that are integers times `scale`, times `beta`, in 256ths; `None` where the kernel has no such
    /// factor.
    pub fn of(depth: usize, scale: f32, beta: f32) -> Option<Self> {
        let greatest = (1i64 << 31) as f64 - 1.0;
        let real = f64::from(beta) * f64::from(scale) * f64::from(1 << (31 - DIFFERENCE_BITS));
        if real.is_nan() || real <= 1.0 || !(1..=Softmax::DEEPEST).contains(&depth) {
            return None;
        }
        let multiplier = Multiplier::of(real.min(greatest))?;
        let radius = f64::from((1 << DIFFERENCE_BITS) - 1) * f64::from(1 << (31 - DIFFERENCE_BITS));
        let least = -(radius / 2f64.powi(multiplier.exponent)).floor() as i64;
        Some(Softmax { depth, multiplier, least, scale: 1.0, bias: 0.0 })
    }

    /// The values of rows of scores.
    pub fn values(&self, scores: &[i64]) -> Vec<f64> {
        let rows = scores.chunks(self.depth.max(1)).flat_map(|row| self.row(row));
        rows.map(|share| self.scale * f64::from(share) + self.bias).collect()
    }

    /// The shares of a row, in 256ths, at most 255 of them.
    fn row(&self, scores: &[i64]) -> Vec<i32> {
        let greatest = scores.iter().copied().max().unwrap_or(0);
        let exponential = |score: &i64| {
            let difference = score.saturating_sub(greatest);
            (difference >= self.least).then(|| exponential(saturated(self.multiplier.times(difference)).min(0)))
        };
        let exponentials: Vec<Option<i32>> = scores.iter().map(exponential).collect();
        let counted = exponentials.iter().flatten();
        let sum = counted.fold(0i32, |sum, e| sum.saturating_add(rounding_shift(*e, SUM_BITS)));
        let headroom = sum.max(1).leading_zeros();
        let reciprocal = one_over_one_plus(((i64::from(sum.max(1)) << headroom) - (1 << 31)) as i32);
        // Of a sum from 1 to 4095 with 12 integer bits: 11 to 23.
        let exponent = (SUM_BITS + 31 - 8).saturating_sub(headroom).min(31);
        let share =
            |e: &Option<i32>| e.map_or(0, |e| rounding_shift(high_product(reciprocal, e), exponent).clamp(0, 255));
        exponentials.iter().map(share).collect()
    }
}

/// x · 2^exponent within 32 bits.
fn shifted_left(x: i32, exponent: u32) -> i32 {
    saturated(i64::from(x) << exponent)
}

/// e^(x / 2^26) for x ≤ 0, with no integer bits (gemmlowp's `exp_on_negative_values` for 5 integer bits).
fn exponential(x: i32) -> i32 {
    /// e^−2^k for k from −2 on.
    const POWERS: [i32; 7] = [1_672_461_947, 1_302_514_674, 790_015_084, 290_630_308, 39_332_535, 720_401, 242];
    const FRACTION_BITS: u32 = 31 - DIFFERENCE_BITS;
    const QUARTER: i32 = 1 << (FRACTION_BITS - 2);
    if x == 0 {
        return ONE;
    }
    let rest = (x & (QUARTER - 1)) - QUARTER;
    let mut result = exponential_of_quarter(shifted_left(rest, DIFFERENCE_BITS));
    let quarters = rest.wrapping_sub(x);
    for (k, power) in POWERS.iter().enumerate() {
        if quarters >> (FRACTION_BITS - 2 + k as u32) & 1 == 1 {
            result = high_product(result, *power);
        }
    }
    result
}

/// e^x for −1/4 ≤ x < 0, all with no integer bits: a Taylor polynomial around −1/8.
fn exponential_of_quarter(x: i32) -> i32 {
    const AT_EIGHTH: i32 = 1_895_147_668;
    const THIRD: i32 = 715_827_883;
    let x = x.wrapping_add(1 << 28);
    let square = high_product(x, x);
    let cube = high_product(square, x);
    let quarter_of_fourth = rounding_shift(high_product(square, square), 2);
    let sixths = high_product(quarter_of_fourth.wrapping_add(cube), THIRD);
    let higher = rounding_shift(sixths.wrapping_add(square), 1);
    AT_EIGHTH.wrapping_add(high_product(AT_EIGHTH, x.wrapping_add(higher)))
}

/// 1 / (1 + x) for 0 ≤ x < 1, with no integer bits: three steps of Newton's method (gemmlowp's
/// `one_over_one_plus_x_for_x_in_0_1`).
fn one_over_one_plus(x: i32) -> i32 {
    // 48/17, −32/17 and 1 with two integer bits.
    const FIRST: i32 = 1_515_870_810;
    const SECOND: i32 = -1_010_580_540;
    const ONE_OF_TWO_BITS: i32 = 1 << 29;
    let sum = i64::from(x) + i64::from(ONE);
    let half = ((sum + if sum >= 0 { 1 } else { -1 }) / 2) as i32;
    let mut inverse = FIRST.wrapping_add(high_product(half, SECOND));
    for _ in 0..3 {
        let error = ONE_OF_TWO_BITS.wrapping_sub(high_product(half, inverse));
        inverse = inverse.wrapping_add(shifted_left(high_product(inverse, error), 2));
    }
    shifted_left(inverse, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_near_the_real_ones() {
        for (scale, beta) in [(0.1, 1.0), (0.01, 1.0), (0.25, 0.5), (2.0, 1.0)] {
            let softmax = Softmax::of(5, scale, beta).unwrap();
            let scores: Vec<i64> = (0..500).map(|i| i * 7919 % 256 - 128).collect();
            let shares = softmax.values(&scores);
            for (row, shares) in scores.chunks(5).zip(shares.chunks(5)) {
                let exponentials: Vec<f64> =
                    row.iter().map(|score| (*score as f64 * f64::from(scale * beta)).exp()).collect();
                let sum: f64 = exponentials.iter().sum();
                for (share, e) in shares.iter().zip(&exponentials) {
                    assert!((share - (e / sum * 256.0).min(255.0)).abs() <= 0.51, "{row:?} {shares:?}");
                }
            }
        }
    }

    #[test]
    fn factors_that_the_kernel_refuses() {
        assert_eq!(Softmax::of(5, 1e-9, 1.0), None);
        assert_eq!(Softmax::of(5, f32::NAN, 1.0), None);
        assert_eq!(Softmax::of(0, 1.0, 1.0), None);
        assert_eq!(Softmax::of(Softmax::DEEPEST + 1, 1.0, 1.0), None);
        // Any difference leaves nothing.
        let steep = Softmax::of(2, 1e9, 1.0).unwrap();
        assert_eq!(steep.values(&[3, 2, 5, 5]), [255.0, 0.0, 128.0, 128.0]);
    }

    #[test]
    fn what_a_file_holds_gives_numbers() {
        for significand in [i32::MIN, -1, 0, i32::MAX] {
            let multiplier = Multiplier { significand, exponent: 31 };
            let softmax = Softmax { depth: 0, multiplier, least: i64::MIN, scale: 1.0, bias: -128.0 };
            assert_eq!(softmax.values(&[i64::MIN, 0, i64::MAX]).len(), 3);
        }
    }
}
