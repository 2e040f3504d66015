//! Numbers of twice the precision of f64 that know how wrong they can be: what an operation rounds off is computed
//! itself, without error, and added to the bound. So an exact result is known to be exact.

mod activation;

use super::number::{Element, Fault, Number};
use crate::graph::Activation;
use abi::error_free::two_sum;
use std::cmp::Ordering;

/// A number within `radius` of `high + low`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Bounded {
    high: f64,
    low: f64,
    radius: f64,
}

/// What a bound grows by so that its own rounding does not matter.
const SLACK: f64 = 1.0 + 1e-12;
/// Beyond these magnitudes the error of a product may not be a number of f64.
const LEAST: f64 = 1e-270;
const GREATEST: f64 = 1e270;

/// What does not exist: the evaluator names the element, as it does one that is too great.
const UNDEFINED: Bounded = Bounded { high: f64::NAN, low: 0.0, radius: 0.0 };

impl Bounded {
    /// The number `high + low`, with an error of at most `radius`.
    pub fn new(high: f64, low: f64, radius: f64) -> Self {
        let (high, low) = two_sum(high, low);
        Bounded { high, low, radius }
    }

    /// How wrong the number can be.
    fn radius(&self) -> f64 {
        self.radius
    }

    /// The same number, known less well by `radius`.
    fn widened_by(self, radius: f64) -> Self {
        Bounded { radius: (self.radius + radius) * SLACK, ..self }
    }

    /// The two parts of a number without error.
    pub fn exactly(&self) -> Option<[f64; 2]> {
        (self.radius == 0.0).then_some([self.high, self.low])
    }

    /// The number, where it is one of f64 far from the ends of its range.
    pub fn as_float(&self) -> Option<f64> {
        let magnitude = self.high.abs();
        let is_within = magnitude == 0.0 || (1e-120..1e120).contains(&magnitude);
        (self.radius == 0.0 && self.low == 0.0 && is_within).then_some(self.high)
    }

    /// Whether all numbers within the bound round to one float32.
    pub fn is_single(&self) -> bool {
        let (middle, radius) = (self.high + self.low, self.radius * SLACK);
        radius == 0.0 || (middle - radius) as f32 == (middle + radius) as f32
    }

    /// The sum of parts, greatest first, of which two are kept.
    fn of_parts<const N: usize>(mut parts: [f64; N], radius: f64) -> Self {
        for _ in 0..3 {
            for index in (1..N).rev() {
                (parts[index - 1], parts[index]) = two_sum(parts[index - 1], parts[index]);
            }
        }
        let rest: f64 = parts[2..].iter().map(|part| part.abs()).sum();
        Bounded { high: parts[0], low: parts[1], radius: (radius + rest) * SLACK }
    }

    /// Adds a · b, where the products' errors are numbers of f64.
    #[inline]
    pub fn add_float_product(&mut self, a: f64, b: f64) {
        let (product, product_error) = two_product(a, b);
        let (high, high_error) = two_sum(self.high, product);
        let (error, lost) = two_sum(high_error, product_error);
        let (low, low_lost) = two_sum(self.low, error);
        self.high = high;
        self.low = low;
        self.radius += lost.abs() + low_lost.abs();
    }

    fn magnitude(&self) -> f64 {
        (self.high.abs() + self.low.abs()) * SLACK
    }

    /// The number without its error, its greater part first: sums of products may leave two parts of any size.
    fn middle(&self) -> Self {
        Bounded::new(self.high, self.low, 0.0)
    }

    /// `quotient`, given what its product with the divisor leaves of the dividend.
    fn corrected(quotient: Self, rest: &Self, radius: f64, divisor: f64) -> Self {
        let error = rest.magnitude() + rest.radius + radius;
        Bounded { radius: if error == 0.0 { 0.0 } else { error / divisor * SLACK }, ..quotient }
    }
}

impl Element for f64 {
    type Sum = Bounded;

    fn of(value: f64) -> Self {
        value
    }

    fn widened(&self) -> Self::Sum {
        Self::Sum::of(*self)
    }

    fn negated(&self) -> Self {
        -self
    }

    fn compare(&self, other: &Self) -> Result<Ordering, Fault> {
        self.partial_cmp(other).ok_or(Fault::Undefined)
    }

    #[inline]
    fn add_product(sum: &mut Self::Sum, a: &Self, b: &Self) {
        sum.add_float_product(*a, *b);
    }
}

impl Element for Bounded {
    type Sum = Self;

    fn of(value: f64) -> Self {
        Bounded { high: value, low: 0.0, radius: 0.0 }
    }

    fn widened(&self) -> Self {
        *self
    }

    fn negated(&self) -> Self {
        Bounded { high: -self.high, low: -self.low, radius: self.radius }
    }

    fn compare(&self, other: &Self) -> Result<Ordering, Fault> {
        let difference = self.minus(other);
        let middle = difference.high + difference.low;
        // The sum of the parts is rounded to nearest, so it keeps its sign.
        if middle.abs() > difference.radius * SLACK {
            Ok(middle.total_cmp(&0.0))
        } else if middle == 0.0 && difference.radius == 0.0 {
            Ok(Ordering::Equal)
        } else {
            Err(Fault::Undecided)
        }
    }

    fn greater(&self, other: &Self) -> Result<Self, Fault> {
        Ok(match self.compare(other) {
            Ok(Ordering::Less) => *other,
            Ok(Ordering::Equal | Ordering::Greater) => *self,
            // |max(a, b) − max(a', b')| ≤ max(|a − a'|, |b − b'|)
            Err(_) => {
                let greater = if self.middle().compare(&other.middle()) == Ok(Ordering::Less) { other } else { self };
                Bounded { radius: self.radius.max(other.radius), ..*greater }
            }
        })
    }

    fn add_product(sum: &mut Self, a: &Self, b: &Self) {
        let (is_exact, is_short) = (a.radius == 0.0 && b.radius == 0.0, a.low == 0.0 && b.low == 0.0);
        let product = a.high * b.high;
        let is_within = product == 0.0 || (LEAST..GREATEST).contains(&product.abs());
        if !is_within || is_exact && !is_short {
            *sum = sum.plus(&a.times(b));
            return;
        }
        // Nothing more is lost by rounding the small parts of a product that is not exact.
        sum.add_float_product(a.high, b.high);
        if !(is_exact && is_short) {
            let small = a.high * b.low + a.low * b.high;
            let size = a.high.abs() * b.low.abs() + a.low.abs() * b.high.abs();
            let (low, lost) = two_sum(sum.low, small);
            sum.low = low;
            let rounded = 4.0 * f64::EPSILON * size + a.low.abs() * b.low.abs() + lost.abs() + LEAST;
            let own = a.magnitude() * b.radius + b.magnitude() * a.radius + a.radius * b.radius;
            sum.radius += (rounded + own) * SLACK;
        }
    }
}

impl Number for Bounded {
    fn plus(&self, other: &Self) -> Self {
        let (high, error) = two_sum(self.high, other.high);
        let (low, low_error) = two_sum(self.low, other.low);
        Bounded::of_parts([high, error, low, low_error], self.radius + other.radius)
    }

    fn times(&self, other: &Self) -> Self {
        let (a, b) = (self.magnitude(), other.magnitude());
        let mut radius = a * other.radius + b * self.radius + self.radius * other.radius;
        let pairs = [(self.high, other.high), (self.high, other.low), (self.low, other.high), (self.low, other.low)];
        let products = pairs.map(|(a, b)| two_product(a, b));
        if a.max(b) > GREATEST || a * b > GREATEST {
            radius = f64::INFINITY;
        }
        if pairs.iter().any(|(a, b)| *a != 0.0 && *b != 0.0 && (a * b).abs() < LEAST) {
            radius += LEAST;
        }
        let [(p, p_error), (q, q_error), (r, r_error), (s, s_error)] = products;
        Bounded::of_parts([p, p_error, q, r, q_error, r_error, s, s_error], radius)
    }

    fn over(&self, other: &Self) -> Result<Self, Fault> {
        let (a, b) = (self.middle(), other.middle());
        let least = b.magnitude() / SLACK / SLACK - other.radius;
        if least <= 0.0 {
            return if other.radius == 0.0 { Ok(UNDEFINED) } else { Err(Fault::Undecided) };
        }
        let first = Bounded::of(a.high / b.high);
        let rest = a.minus(&b.times(&first));
        let quotient = Bounded::of_parts([first.high, rest.high / b.high], 0.0);
        let rest = a.minus(&b.times(&quotient));
        let radius = self.radius + quotient.magnitude() * other.radius;
        Ok(Bounded::corrected(quotient, &rest, radius, least))
    }

    fn square_root(&self) -> Result<Self, Fault> {
        if *self == Bounded::default() {
            return Ok(*self);
        }
        let least = self.high + self.low - self.radius * SLACK;
        if least <= 0.0 {
            let is_negative = self.compare(&Bounded::default()) == Ok(Ordering::Less);
            return if is_negative { Ok(UNDEFINED) } else { Err(Fault::Undecided) };
        }
        let a = self.middle();
        let first = Bounded::of(a.high.sqrt());
        let rest = a.minus(&first.times(&first));
        let root = Bounded::of_parts([first.high, rest.high / (2.0 * first.high)], 0.0);
        let rest = a.minus(&root.times(&root));
        // |√a − r| = |a − r²| / (√a + r), and both are at least half of √least.
        Ok(Bounded::corrected(root, &rest, self.radius, least.sqrt() / 2.0))
    }

    fn real_power(&self, exponent: f64) -> Result<Self, Fault> {
        if self.radius > 0.0 {
            return Err(Fault::Undecided);
        }
        let power = self.nearest().powf(exponent);
        let relative = (exponent.abs() + 1.0) * 1e-12;
        Ok(Bounded { high: power, low: 0.0, radius: power.abs() * relative })
    }

    fn activation(&self, activation: Activation) -> Result<Self, Fault> {
        activation::of(self, activation)
    }

    fn single(&self) -> Result<f32, Fault> {
        if self.is_single() { Ok(self.nearest() as f32) } else { Err(Fault::Undecided) }
    }

    fn nearest(&self) -> f64 {
        self.high + self.low
    }
}

/// a · b and what rounding it lost (Dekker; a fused multiply-add would be a library call on baseline x86-64).
#[inline]
fn two_product(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    let (a_high, a_low) = split(a);
    let (b_high, b_low) = split(b);
    let error = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low);
    (product, error)
}

/// Two halves of at most 26 bits whose sum is `a` (Veltkamp).
#[inline]
fn split(a: f64) -> (f64, f64) {
    let c = 134_217_729.0 * a;
    let high = c - (c - a);
    (high, a - high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::exact::Exact;
    use proptest::prelude::*;

    #[test]
    fn what_is_exact_is_known_to_be() {
        let mut sum = Bounded::default();
        for (a, b) in [(1e16, 1.0), (1.0, 1.0), (-1e16, 1.0)] {
            sum.add_float_product(a, b);
        }
        assert_eq!(sum.as_float(), None);
        assert_eq!(sum.compare(&Bounded::of(1.0)), Ok(Ordering::Equal));
        let (tenth, three) = (Bounded::of(f64::from(0.1f32)), Bounded::of(3.0));
        let product = tenth.times(&three);
        assert_eq!(product.over(&tenth).unwrap().compare(&three), Ok(Ordering::Equal));
        assert_eq!(product.over(&three).unwrap().compare(&tenth), Ok(Ordering::Equal));
        assert_eq!(product.times(&product).square_root().unwrap().compare(&product), Ok(Ordering::Equal));
    }

    #[test]
    fn what_is_lost_is_told() {
        let (third, three) = (Bounded::of(1.0).over(&Bounded::of(3.0)).unwrap(), Bounded::of(3.0));
        assert_eq!(third.times(&three).compare(&Bounded::of(1.0)), Err(Fault::Undecided));
        let far = Bounded::of(1e30).plus(&Bounded::of(1e-30));
        assert_eq!(far.minus(&Bounded::of(1e30)).compare(&Bounded::of(0.0)), Ok(Ordering::Greater));
        let farther = Bounded::of(1e30).plus(&Bounded::of(1.0)).plus(&Bounded::of(1e-30));
        assert_eq!(farther.minus(&Bounded::of(1e30)).compare(&Bounded::of(1.0)), Err(Fault::Undecided));
    }

    /// A number computed from floats by operations, in both kinds.
    fn computed(operations: &[(u8, f32)]) -> Option<(Bounded, Exact)> {
        let mut pair = (Bounded::of(1.0), Exact::of(1.0));
        for (operation, operand) in operations {
            let (a, b) = (Bounded::of(f64::from(*operand)), Exact::of(f64::from(*operand)));
            pair = match operation {
                0 => (pair.0.plus(&a), pair.1.plus(&b)),
                1 => (pair.0.times(&a), pair.1.times(&b)),
                2 => (pair.0.over(&a).ok()?, pair.1.over(&b).ok()?),
                _ => (pair.0.minus(&a), pair.1.minus(&b)),
            };
        }
        Some(pair)
    }

    #[test]
    fn powers_are_bounded() {
        let power = Bounded::of(-1.1).real_power(65.0).unwrap();
        assert_eq!(power.compare(&power), Err(Fault::Undecided), "{power:?}");
        assert_eq!(power.compare(&Bounded::of(0.0)), Ok(Ordering::Less));
        let third = Bounded::of(1.0).over(&Bounded::of(3.0)).unwrap();
        assert_eq!(third.real_power(65.0), Err(Fault::Undecided));
    }

    #[test]
    fn parts_may_cancel() {
        // What a sum of products leaves.
        let quarter = Bounded { high: 1.0, low: -0.75, radius: 0.0 };
        let quotient = Bounded::of(1.0).over(&quarter).unwrap();
        assert_eq!(quotient.compare(&Bounded::of(4.0)), Ok(Ordering::Equal), "{quotient:?}");
        assert_eq!(quarter.square_root().unwrap().compare(&Bounded::of(0.5)), Ok(Ordering::Equal));
        let near = Bounded { radius: 0.5, ..quarter };
        assert_eq!(Bounded::of(1.0).over(&near), Err(Fault::Undecided));
    }

    #[test]
    fn the_greater_of_equals_is_either() {
        let third = Bounded::of(1.0).over(&Bounded::of(3.0)).unwrap();
        let same = Bounded::of(2.0).over(&Bounded::of(6.0)).unwrap();
        let greater = third.greater(&same).unwrap();
        assert_eq!(greater.compare(&Bounded::of(0.3)), Ok(Ordering::Greater));
        assert_eq!(greater.compare(&third), Err(Fault::Undecided));
        assert_eq!(greater.greater(&Bounded::of(0.5)).unwrap(), Bounded::of(0.5));
    }

    proptest! {
        #[test]
        fn bounds_hold(
            operations in prop::collection::vec((0u8..4, prop_oneof![-2f32..2.0, -1e20f32..1e20, Just(1e-20), Just(3.0)]), 0..12),
            other in prop::collection::vec((0u8..4, -2f32..2.0), 0..4),
        ) {
            if let (Some((a, exact_a)), Some((b, exact_b))) = (computed(&operations), computed(&other)) {
                let exactly = exact_a.compare(&exact_b);
                let decided = a.compare(&b);
                prop_assert!(decided == Err(Fault::Undecided) || decided == exactly);
                if let (Ok(a), Ok(b)) = (a.square_root(), exact_a.square_root()) {
                    let decided = a.compare(&Bounded::of(1.5));
                    prop_assert!(decided == Err(Fault::Undecided) || decided == b.compare(&Exact::of(1.5)));
                }
            }
        }
    }
}
