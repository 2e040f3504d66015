//! Scores that are compared without rounding: a small bias counts beside a great scale.

use std::cmp::Ordering;

/// Beyond this, sums may leave float64: such scores are compared as they are rounded.
const GREAT: f64 = 1e300;

/// scale · element + bias.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExactScore {
    scale: f64,
    element: f64,
    bias: f64,
}

impl ExactScore {
    pub fn of(scale: f64, element: i32, bias: f64) -> Self {
        ExactScore { scale, element: f64::from(element), bias }
    }

    /// A number as it is.
    pub fn plain(value: f64) -> Self {
        ExactScore { scale: value, element: 1.0, bias: 0.0 }
    }

    fn product(&self) -> f64 {
        self.scale * self.element
    }

    /// The number, rounded.
    pub fn nearest(&self) -> f64 {
        self.product() + self.bias
    }

    /// What it is the sum of: the product, what that is rounded by, and the bias.
    fn parts(&self) -> [f64; 3] {
        [self.product(), self.scale.mul_add(self.element, -self.product()), self.bias]
    }

    /// How the number compares with another. This orders all scores, those that are no numbers included.
    pub fn compare(&self, other: &Self) -> Ordering {
        // −0 is 0, and not less.
        let (a, b) = (self.nearest() + 0.0, other.nearest() + 0.0);
        let is_great = |value: f64| value.is_nan() || value.abs() > GREAT;
        if is_great(a) || is_great(b) {
            return a.total_cmp(&b);
        }
        let difference = a - b;
        let magnitude = self.product().abs() + self.bias.abs() + other.product().abs() + other.bias.abs();
        if difference.abs() > 8.0 * f64::EPSILON * magnitude {
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

/// The rounded sum of two numbers, and what it is rounded by (Knuth).
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(a: (f64, i32, f64), b: (f64, i32, f64)) -> Ordering {
        let score = |(scale, element, bias)| ExactScore::of(scale, element, bias);
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
    fn all_scores_have_an_order() {
        let ends = [0.0, 1.0, -1.0, 1e-320, 1e299, 1e307, -1e307, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        let mut scores: Vec<ExactScore> = Vec::new();
        for scale in ends {
            for element in [0, 1, -7, i32::MAX] {
                scores.extend(ends.map(|bias| ExactScore::of(scale, element, bias)));
            }
        }
        // Sorting panics without an order.
        scores.sort_by(|a, b| a.compare(b));
        assert!(scores.is_sorted_by(|a, b| a.compare(b).is_le()));
    }
}
