//! Ternary weight networks.
//!
//! Li, Zhang, Liu: Ternary weight networks, arXiv 1605.04711, section 2.2: Δ = 0.7 · E|W| approximates the threshold with
//! the least error; α is the mean of the magnitudes above it.

use super::{Granularity, Quantized, Scales, Weights, mean, mean_magnitude};

/// α · {−1, 0, 1}, one pair of threshold (`factor` · E|W|) and α for each part.
pub(super) fn quantize(weights: &Weights<'_>, factor: f64, granularity: Granularity) -> Quantized {
    let mut codes = Vec::with_capacity(weights.values.len());
    let mut scales = Vec::new();
    for part in weights.parts(granularity) {
        let threshold = factor * mean_magnitude(part);
        codes.extend(part.iter().map(|weight| ternary(*weight, threshold)));
        scales.push(mean(part.iter().map(|weight| weight.abs()).filter(|magnitude| *magnitude > threshold)));
    }
    Quantized::scaled(weights, codes, Scales::new(granularity, scales), 2)
}

/// The sign of a weight whose magnitude is above `threshold`, else 0.
pub(super) fn ternary(weight: f64, threshold: f64) -> i32 {
    i32::from(weight > threshold) - i32::from(weight < -threshold)
}
