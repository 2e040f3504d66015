//! Scores that are rounded once, at the end, and compared without rounding: a small bias counts beside a great scale.

use crate::error_free::two_sum;
use std::cmp::Ordering;

/// Beyond this, sums may leave float64: such scores are compared as they are rounded.
const GREAT: f64 = 1e300;

/// (scale · element + bias) / divisor.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExactScore {
    scale: f64,
    element: f64,
    bias: f64,
    divisor: f64,
}

impl ExactScore {
    /// Of a positive divisor.
    pub fn of(scale: f64, element: i32, bias: f64, divisor: f64) -> Self {
        ExactScore { scale, element: f64::from(element), bias, divisor }
    }

    /// A number as it is.
    pub fn plain(value: f64) -> Self {
        ExactScore { scale: value, element: 1.0, bias: 0.0, divisor: 1.0 }
    }

    fn product(&self) -> f64 {
        self.scale * self.element
    }

    /// The number, rounded more than once.
    fn near(&self) -> f64 {
        (self.product() + self.bias) / self.divisor
    }

    /// By how much `near` may be wrong.
    fn error(&self) -> f64 {
        4.0 * f64::EPSILON * (self.product().abs() + self.bias.abs()) / self.divisor
    }

    /// What it is the sum of, times the divisor: the product, what that is rounded by, and the bias.
    fn parts(&self) -> [f64; 3] {
        [self.product(), self.scale.mul_add(self.element, -self.product()), self.bias]
    }

    /// The nearest float32, the even one of two.
    pub fn single(&self) -> f32 {
        let (near, error) = (self.near(), self.error());
        let (mut low, mut high) = ((near - error) as f32, (near + error) as f32);
        if low == high || !(low.is_finite() && high.is_finite()) {
            return near as f32;
        }
        // Between two neighbours in the end.
        while low.next_up() < high {
            let middle = ((f64::from(low) + f64::from(high)) / 2.0) as f32;
            match self.compare_with(f64::from(middle)) {
                Ordering::Less => high = middle,
                Ordering::Equal => return middle,
                Ordering::Greater => low = middle,
            }
        }
        match self.compare_with((f64::from(low) + f64::from(high)) / 2.0) {
            Ordering::Less => low,
            Ordering::Equal if low.to_bits() & 1 == 0 => low,
            Ordering::Equal | Ordering::Greater => high,
        }
    }

    /// How the number compares with `value`.
    fn compare_with(&self, value: f64) -> Ordering {
        let product = value * self.divisor;
        let [a, b, c] = self.parts();
        sign([a, b, c, -product, -value.mul_add(self.divisor, -product), 0.0])
    }

    /// How the number compares with another of the same divisor. This orders all scores, those that are no numbers
    /// included.
    pub fn compare(&self, other: &Self) -> Ordering {
        // −0 is 0, and not less.
        let (a, b) = (self.near() + 0.0, other.near() + 0.0);
        let is_great = |value: f64| value.is_nan() || value.abs() > GREAT;
        if is_great(a) || is_great(b) {
            return a.total_cmp(&b);
        }
        let difference = a - b;
        if difference.abs() > 2.0 * (self.error() + other.error()) {
            return difference.total_cmp(&0.0);
        }
        let ([a, b, c], [d, e, f]) = (self.parts(), other.parts());
        sign([a, b, c, -d, -e, -f])
    }
}

/// How the sum of numbers compares with zero. Shewchuk, *Adaptive Precision Floating-Point Arithmetic and Fast Robust
/// Geometric Predicates* (1997), GROW-EXPANSION: the last part that is not zero has the sum's sign.
fn sign(numbers: [f64; 6]) -> Ordering {
    let mut parts = [0.0; 6];
    for (count, number) in numbers.into_iter().enumerate() {
        let mut sum = number;
        for part in &mut parts[..count] {
            (sum, *part) = two_sum(sum, *part);
        }
        parts[count] = sum;
    }
    let last = parts.into_iter().rev().find(|part| *part != 0.0);
    last.unwrap_or(0.0).partial_cmp(&0.0).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(a: (f64, i32, f64), b: (f64, i32, f64)) -> Ordering {
        let score = |(scale, element, bias)| ExactScore::of(scale, element, bias, 1.0);
        let order = score(a).compare(&score(b));
        assert_eq!(score(b).compare(&score(a)), order.reverse());
        order
    }

    #[test]
    fn digits_that_float64_has_no_room_for_count() {
        let great = 2f64.powi(49);
        assert_eq!(compared((great, 1071, 0.25), (great, 1071, -0.25)), Ordering::Greater);
        assert_eq!(compared((great, 1071, 0.25), (great, 1071, 0.25)), Ordering::Equal);
        assert_eq!(compared((great, 3, -great * 3.0), (0.25, 0, 2f64.powi(-200))), Ordering::Less);
        assert_eq!(compared((1e-3, 5, 1e20), (1e-3, 6, 1e20)), Ordering::Less);
        // 0.1 is not a tenth: ten times it is a little more than 1.
        assert_eq!(compared((0.1, 10, 0.0), (1.0, 1, 0.0)), Ordering::Greater);
        assert_eq!(compared((-1.0, 0, 0.0), (1.0, 0, -0.0)), Ordering::Equal);
    }

    #[test]
    fn scores_are_rounded_once() {
        let single = |scale, element, bias, divisor| ExactScore::of(scale, element, bias, divisor).single();
        assert_eq!(single(1.0, 1, 0.0, 3.0), 1.0 / 3.0);
        assert_eq!(single(0.1, 30, -0.1 * 30.0, 3.0), (2f64.powi(-54)) as f32);
        // Half-way between 1 and the next float32, and a little to either side.
        let half = 1.0 + 2f64.powi(-24);
        assert_eq!(single(half, 1, 0.0, 1.0), 1.0);
        assert_eq!(single(half, 1, 2f64.powi(-80), 1.0), 1.0f32.next_up());
        assert_eq!(single(half * 7.0, -1, 0.0, 7.0), -1.0);
        assert_eq!(single(half * 7.0, -1, -2f64.powi(-80), 7.0), -1.0f32.next_up());
        let next = f64::from(1.0f32.next_up());
        assert_eq!(single(next, 1, 2f64.powi(-24), 1.0), 1.0f32.next_up().next_up());
        // All digits cancel but the last.
        assert_eq!(single(1e20, 3, -3e20 + 65536.0, 1.0), (-3e20f64 + 65536.0 + 3e20) as f32);
        assert_eq!(single(f64::MAX, 2, 0.0, 1.0), f32::INFINITY);
        assert!(single(f64::NAN, 2, 0.0, 1.0).is_nan());
    }

    #[test]
    fn all_scores_have_an_order() {
        let ends = [0.0, 1.0, -1.0, 1e-320, 1e299, 1e307, -1e307, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        let mut scores: Vec<ExactScore> = Vec::new();
        for scale in ends {
            for element in [0, 1, -7, i32::MAX] {
                scores.extend(ends.map(|bias| ExactScore::of(scale, element, bias, 1.0)));
            }
        }
        // Sorting panics without an order.
        scores.sort_by(|a, b| a.compare(b));
        assert!(scores.is_sorted_by(|a, b| a.compare(b).is_le()));
    }
}
