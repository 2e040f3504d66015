//! Sums of products with twice the precision of f64, so that a sum that f64 can hold comes out exactly.

/// An unevaluated sum of two f64, the second far smaller than the first: some 106 bits of precision.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct DoubleDouble {
    high: f64,
    low: f64,
}

impl DoubleDouble {
    /// Adds a · b.
    pub fn add_product(&mut self, a: f64, b: f64) {
        let (product, product_error) = two_product(a, b);
        let (sum, sum_error) = two_sum(self.high, product);
        let low = self.low + (sum_error + product_error);
        self.high = sum + low;
        self.low = low - (self.high - sum);
    }

    /// The sum times a factor.
    pub fn times(self, factor: f64) -> Self {
        let mut product = DoubleDouble::default();
        product.add_product(self.low, factor);
        product.add_product(self.high, factor);
        product
    }

    /// The sum, rounded once.
    pub fn value(self) -> f64 {
        self.high + self.low
    }
}

/// a + b and what rounding it lost (Knuth).
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    (sum, (a - (sum - b_part)) + (b - b_part))
}

/// a · b and what rounding it lost (Dekker; a fused multiply-add would be a library call on baseline x86-64).
fn two_product(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    let (a_high, a_low) = split(a);
    let (b_high, b_low) = split(b);
    let error = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low);
    (product, error)
}

/// Two halves of at most 26 bits whose sum is `a` (Veltkamp).
fn split(a: f64) -> (f64, f64) {
    let c = 134_217_729.0 * a;
    let high = c - (c - a);
    (high, a - high)
}

#[cfg(test)]
mod tests {
    use super::DoubleDouble;

    #[test]
    fn what_cancels_in_reals_is_zero() {
        let scale = f64::from(0.1f32) * f64::from(0.3f32);
        let mut sum = DoubleDouble::default();
        for term in [7.0, 1e6, -3.0, -1e6, -4.0] {
            sum.add_product(term * f64::from(0.1f32), f64::from(0.3f32));
        }
        assert_eq!(sum.value(), 0.0);

        let mut sum = DoubleDouble::default();
        for _ in 0..10 {
            sum.add_product(f64::from(0.1f32), f64::from(0.3f32));
        }
        assert_eq!(sum.value(), 10.0 * scale);
    }

    #[test]
    fn the_low_half_counts() {
        let mut sum = DoubleDouble::default();
        sum.add_product(1e16, 1.0);
        sum.add_product(1.0, 1.0);
        sum.add_product(-1e16, 1.0);
        assert_eq!(sum.value(), 1.0);
        assert_eq!(sum.times(0.1).value(), 0.1);
    }
}
