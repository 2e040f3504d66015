//! The four quantisers of `quant.py` in Aaron Chen's pytorch-playground (`utee/quant.py`), as it applies them to weights.

use super::{Format, Granularity, Quantized, Scales, Weights, greatest_magnitude, sign};

/// Two's complement with a power of two as the step, so that the greatest magnitude fits into the integral part.
pub(super) fn linear(weights: &Weights<'_>, bits: u32, granularity: Granularity) -> Quantized {
    let half = 1 << (bits - 1);
    let mut codes = Vec::with_capacity(weights.values.len());
    let mut scales = Vec::new();
    for part in weights.parts(granularity) {
        let integral = (greatest_magnitude(part) + 1e-12).log2().ceil() as i32;
        let step = 2f64.powi(integral + 1 - bits as i32);
        codes.extend(part.iter().map(|weight| ((weight / step + 0.5).floor() as i32).clamp(-half, half - 1)));
        scales.push(step);
    }
    Quantized::scaled(weights, codes, Scales::new(granularity, scales), bits)
}

/// 2^bits evenly spaced levels from the least to the greatest weight.
pub(super) fn min_max(weights: &Weights<'_>, bits: u32) -> Quantized {
    let (codes, levels) = even_levels(weights.values, bits);
    levels_of(weights, codes, levels, bits)
}

/// A sign, and a magnitude whose logarithm is one of 2^(bits − 1) evenly spaced levels. Zero stays zero.
pub(super) fn log(weights: &Weights<'_>, bits: u32) -> Quantized {
    let logarithms: Vec<f64> = weights.values.iter().filter(|w| **w != 0.0).map(|w| w.abs().ln()).collect();
    let (codes, logarithms) = even_levels(&logarithms, bits - 1);
    let mut levels = vec![0.0];
    levels.extend(logarithms.iter().flat_map(|level| [level.exp(), -level.exp()]));
    let mut codes = codes.into_iter();
    let code = |weight: &f64| match *weight {
        0.0 => Some(0),
        weight => codes.next().map(|code| 1 + 2 * code + usize::from(sign(weight) < 0)),
    };
    // There is a code for each weight that is not zero.
    let codes = weights.values.iter().filter_map(code).collect();
    levels_of(weights, codes, levels, bits)
}

/// 2^bits evenly spaced levels of tanh(W). The outermost ones, which stand for infinity, are left out.
pub(super) fn tanh(weights: &Weights<'_>, bits: u32) -> Quantized {
    let steps = f64::from((1u32 << bits) - 1);
    let code = |weight: &f64| (((weight.tanh() + 1.0) / 2.0 * steps + 0.5).floor()).clamp(1.0, steps - 1.0) as usize;
    let codes: Vec<usize> = weights.values.iter().map(|weight| code(weight) - 1).collect();
    let levels = (1..steps as usize).map(|code| (2.0 * code as f64 / steps - 1.0).atanh()).collect();
    levels_of(weights, codes, levels, bits)
}

fn even_levels(values: &[f64], bits: u32) -> (Vec<usize>, Vec<f64>) {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if values.is_empty() || least == greatest {
        return (vec![0; values.len()], values.iter().copied().take(1).collect());
    }
    let steps = f64::from((1u32 << bits) - 1);
    let codes = values.iter().map(|v| ((v - least) / (greatest - least) * steps + 0.5).floor() as usize).collect();
    (codes, (0..=steps as usize).map(|code| code as f64 / steps * (greatest - least) + least).collect())
}

fn levels_of(weights: &Weights<'_>, codes: Vec<usize>, levels: Vec<f64>, bits: u32) -> Quantized {
    let levels = levels.into_iter().map(|level| f64::from(level as f32)).collect();
    Quantized::new(weights, Format::Levels { codes, levels }, bits)
}
