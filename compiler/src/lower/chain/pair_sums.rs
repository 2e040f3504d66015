//! Sums of two codes with unrelated scales, in the order of small integer sums.
//!
//! `first·x + second·y` over all pairs of codes has an order, and `p·x + q·y` has the same order wherever `p / q` lies
//! between the same two fractions of small numbers as `first / second`: pairs differ by at most the ranges of the codes,
//! and only the ratio of such differences decides which sum is greater. The simplest `p / q` in between is found by
//! descending the tree of fractions, and an integer sum then tells which pair it is.

use super::{Binary, Constant};
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};
use std::cmp::Ordering;

/// Most pairs of codes that are kept.
const MAX_PAIRS: i64 = 1 << 18;

/// The sums of two codes as integers in the order of the real sums.
#[derive(Clone, Debug, PartialEq)]
pub struct PairSums {
    /// Factors of the integer sum.
    pub factors: [i64; 2],
    /// Factors of the real sum.
    scales: [Constant; 2],
    /// The integer sums that occur, ascending, with the codes that make them.
    pairs: Vec<(i64, [i64; 2])>,
}

impl PairSums {
    /// The sums of two codes within `ranges` (least, greatest, distance of neighbours); `None` where a scale is zero or not
    /// rational, or where there are too many codes.
    pub fn new(scales: [Constant; 2], ranges: [(i64, i64, i64); 2]) -> Option<Self> {
        let [first, second] = [scales[0].as_ratio()?, scales[1].as_ratio()?];
        if first.is_zero() || second.is_zero() {
            return None;
        }
        let count = |(least, greatest, step): (i64, i64, i64)| (greatest - least) / step + 1;
        if count(ranges[0]).checked_mul(count(ranges[1])).is_none_or(|pairs| pairs > MAX_PAIRS) {
            return None;
        }
        let sign = |ratio: &BigRational| if ratio.is_negative() { -1 } else { 1 };
        let signs = [sign(&first), sign(&second)];
        let [x, y] = ranges.map(|(least, greatest, _)| greatest - least);
        let (p, q) = between(&(first / second).abs(), (y, x))?;
        let factors = [signs[0] * p, signs[1] * q];
        let codes = |(least, greatest, step): (i64, i64, i64)| (least..=greatest).step_by(step as usize);
        let mut pairs: Vec<(i64, [i64; 2])> = codes(ranges[0])
            .flat_map(|x| codes(ranges[1]).map(move |y| (factors[0] * x + factors[1] * y, [x, y])))
            .collect();
        pairs.sort_unstable();
        // Pairs of the same integer sum have the same real sum.
        pairs.dedup_by_key(|(sum, _)| *sum);
        Some(PairSums { factors, scales, pairs })
    }

    /// The real sum that an integer sum stands for. One that does not occur counts as the next lesser one that does.
    pub fn real(&self, sum: i64) -> Option<Constant> {
        let behind = self.pairs.partition_point(|(other, _)| *other <= sum);
        let (_, codes) = self.pairs.get(behind.checked_sub(1)?)?;
        Some(Constant::sum(self.scales.iter().cloned().zip(*codes).collect()))
    }
}

/// Numerator and denominator of the simplest fraction that lies where `ratio` lies among all fractions with numerators up
/// to `most.0` and denominators up to `most.1`.
fn between(ratio: &BigRational, most: (i64, i64)) -> Option<(i64, i64)> {
    let (mut low, mut high) = ((0i64, 1i64), (1i64, 0i64));
    loop {
        let middle = (low.0 + high.0, low.1 + high.1);
        if middle.0 > most.0 || middle.1 > most.1 {
            return Some(middle);
        }
        // ratio against p / q, as numerator · q against p · denominator
        match (ratio.numer() * middle.1).cmp(&(ratio.denom() * middle.0)) {
            Ordering::Less => high = middle,
            Ordering::Greater => low = middle,
            Ordering::Equal => return Some(middle),
        }
    }
}

/// The ratio of two constants as small integers, `None` where there are none of at most `greatest`.
pub fn small_ratio(first: &Constant, second: &Constant, greatest: i64) -> Option<(i64, i64)> {
    let ratio = first.clone().binary(Binary::Divide, second.clone()).as_ratio()?;
    let (p, q) = (ratio.numer().to_i64()?, ratio.denom().to_i64()?);
    (p.abs() <= greatest && q.abs() <= greatest).then_some((p, q))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn float(value: f32) -> Constant {
        Constant::Float(f64::from(value))
    }

    fn ratio(constant: &Constant) -> BigRational {
        constant.as_ratio().unwrap_or_else(BigRational::zero)
    }

    proptest! {
        #[test]
        fn integer_sums_are_in_the_order_of_real_sums(
            first in prop_oneof![-4f32..4.0, 1e-4f32..1e-3, 100f32..1000.0],
            second in prop_oneof![Just(1f32), -4f32..4.0, 0.01f32..0.02],
            least in [-9i64..1, -9i64..1],
            width in [1i64..18, 1i64..18],
            step in [1i64..3, 1i64..3],
        ) {
            let range = |i: usize| (least[i], least[i] + width[i] / step[i] * step[i], step[i]);
            let ranges = [range(0), range(1)];
            let Some(sums) = PairSums::new([float(first), float(second)], ranges) else {
                prop_assert!(first == 0.0 || second == 0.0);
                return Ok(());
            };
            let (f, s) = (ratio(&float(first)), ratio(&float(second)));
            let codes = |(a, b, step): (i64, i64, i64)| (a..=b).step_by(step as usize).collect::<Vec<_>>();
            let integer = |x: i64, y: i64| sums.factors[0] * x + sums.factors[1] * y;
            let mut all: Vec<(i64, BigRational)> = Vec::new();
            for x in codes(ranges[0]) {
                for y in codes(ranges[1]) {
                    let real = &f * BigRational::from_integer(x.into()) + &s * BigRational::from_integer(y.into());
                    prop_assert_eq!(sums.real(integer(x, y)).map(|sum| ratio(&sum)), Some(real.clone()));
                    all.push((integer(x, y), real));
                }
            }
            all.sort();
            for pair in all.windows(2) {
                prop_assert_eq!(pair[0].0.cmp(&pair[1].0), pair[0].1.cmp(&pair[1].1));
            }
        }
    }

    #[test]
    fn fractions_in_between_are_small() {
        // Between 245/78 and 22/7, the neighbours of pi among those with numbers up to 255.
        let pi = BigRational::from_float(std::f64::consts::PI);
        assert_eq!(pi.and_then(|pi| between(&pi, (255, 255))), Some((267, 85)));
    }
}
