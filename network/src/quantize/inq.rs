//! Powers of two and zero.
//!
//! Zhou, Yao, Guo, Xu, Chen: Incremental network quantization: towards lossless CNNs with low-precision weights, ICLR
//! 2017, equations 1 to 4: the set {0, ±2^n2, …, ±2^n1} that the greatest weight asks for, each weight to its nearest
//! element. Quantising in portions with training between them is not done here.

use super::{Granularity, Quantized, Scales, Weights, greatest_magnitude};

/// Codes that are powers of two times 2^n2, one set for each part.
pub(super) fn quantize(weights: &Weights<'_>, bits: u32, granularity: Granularity) -> Quantized {
    let exponents = 1 << (bits - 2);
    let mut codes = Vec::with_capacity(weights.values.len());
    let mut scales = Vec::new();
    for part in weights.parts(granularity) {
        let greatest = greatest_magnitude(part);
        let highest = if greatest > 0.0 { (4.0 * greatest / 3.0).log2().floor() as i32 } else { 0 };
        let unit = 2f64.powi(highest + 1 - exponents);
        codes.extend(part.iter().map(|weight| nearest_power(weight / unit, exponents)));
        scales.push(unit);
    }
    Quantized::scaled(weights, codes, Scales::new(granularity, scales), bits)
}

/// The nearest of 0 and ±2^e with 0 ≤ e < `exponents`, the lesser one of two.
fn nearest_power(value: f64, exponents: i32) -> i32 {
    let mut nearest = 0;
    for exponent in 0..exponents {
        let power = 1 << exponent;
        if (value.abs() - f64::from(power)).abs() < (value.abs() - f64::from(nearest)).abs() {
            nearest = power;
        }
    }
    nearest * super::sign(value)
}
