//! Levels for numbers that are nearly Gaussian.
//!
//! Cai, He, Sun, Vasconcelos: Deep learning with low precision by half-wave Gaussian quantization, CVPR 2017, section 4:
//! evenly spaced levels with the least mean squared error on the positive half of a Gaussian, where any positive number
//! gets at least the first level. Steps by number of bits, for weights too: Cai, Vasconcelos: Rethinking differentiable
//! search for mixed-precision neural networks, CVPR 2020, its published code.

use super::{Granularity, Quantized, Scales, Weights, mean};

/// Greatest number of bits with a step.
pub const MAX_BITS: u32 = 4;

/// Step of the levels of a half-wave of deviation 1, for 1 to 4 bits.
pub fn activation_step(bits: u32) -> Option<f64> {
    [0.799, 0.538, 0.3217, 0.185].get(bits.checked_sub(1)? as usize).copied()
}

/// Step between the levels of weights of deviation 1, which lie halfway between multiples of it, for 1 to 4 bits.
pub fn weight_step(bits: u32) -> Option<f64> {
    [1.596, 0.996, 0.586, 0.336].get(bits.checked_sub(1)? as usize).copied()
}

/// The step that [`activation_step`] tells, fitted by Lloyd's iteration: levels and borders in turn.
pub fn fitted_activation_step(bits: u32) -> f64 {
    let levels = (1u32 << bits) - 1;
    fitted(0.5, &|x, step| (x / step + 0.5).floor().clamp(1.0, f64::from(levels)))
}

/// The step that [`weight_step`] tells, fitted by Lloyd's iteration.
pub fn fitted_weight_step(bits: u32) -> f64 {
    let half = f64::from(1u32 << (bits - 1));
    fitted(1.0, &|x, step| (x / step).floor().min(half - 1.0) + 0.5)
}

/// The step with which the positive half of a Gaussian is nearest to `level(x, step)` · step.
fn fitted(start: f64, level: &dyn Fn(f64, f64) -> f64) -> f64 {
    const POINTS: usize = 20_000;
    const REACH: f64 = 8.0;
    const ROUNDS: usize = 400;
    let mut step = start;
    for _ in 0..ROUNDS {
        let (mut product, mut square) = (0.0, 0.0);
        for point in 0..POINTS {
            let x = (point as f64 + 0.5) * REACH / POINTS as f64;
            let (density, level) = ((-x * x / 2.0).exp(), level(x, step));
            product += density * x * level;
            square += density * level * level;
        }
        step = product / square;
    }
    step
}

/// Weights as odd multiples of half a step times their deviation.
pub(super) fn quantize(weights: &Weights<'_>, bits: u32, granularity: Granularity) -> Quantized {
    let step = weight_step(bits).unwrap_or_else(|| fitted_weight_step(bits));
    let mut codes = Vec::with_capacity(weights.values.len());
    let mut scales = Vec::new();
    for part in weights.parts(granularity) {
        let centre = mean(part.iter().copied());
        let deviation = mean(part.iter().map(|weight| (weight - centre).powi(2))).sqrt();
        let unit = if deviation > 0.0 { step * deviation } else { 1.0 };
        let half = f64::from(1 << (bits - 1));
        codes.extend(part.iter().map(|weight| 2 * (weight / unit).floor().clamp(-half, half - 1.0) as i32 + 1));
        scales.push(step * deviation / 2.0);
    }
    Quantized::scaled(weights, codes, Scales::new(granularity, scales), bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_steps_are_found_again() {
        for bits in 1..=MAX_BITS {
            let pairs =
                [(activation_step(bits), fitted_activation_step(bits)), (weight_step(bits), fitted_weight_step(bits))];
            for (published, fitted) in pairs {
                let published = published.unwrap_or_default();
                assert!((published - fitted).abs() <= 0.003, "{bits} bits: {published}, but {fitted} was found");
            }
        }
    }
}
