//! Ternary weights with a scale for each small group.
//!
//! Mellempudi, Kundu, Mudigere, Das, Kaul, Dubey: Ternary neural networks with fine-grained quantization, arXiv
//! 1705.01462: groups of N weights along the input channels, the threshold of each found by trying all, scales in 8-bit
//! fixed point.

use super::{Granularity, Quantized, Scales, Weights};

/// Bits of a scale.
const SCALE_BITS: u32 = 8;

/// Ternary weights with a scale for each `size` input channels of an output at a position of the kernel. The scales of a
/// layer are 8-bit integers times one power of two.
pub(super) fn quantize(weights: &Weights<'_>, size: usize) -> Quantized {
    let mut codes = vec![0; weights.values.len()];
    let mut scales = Vec::new();
    for output in 0..weights.outputs {
        for tap in 0..weights.taps {
            for first in (0..weights.channels).step_by(size) {
                let members = first..(first + size).min(weights.channels);
                let index = |channel: usize| output * weights.inputs() + channel * weights.taps + tap;
                let group: Vec<f64> = members.clone().map(|channel| weights.values[index(channel)]).collect();
                let (ternary, scale) = nearest_ternary(&group);
                for (channel, code) in members.zip(ternary) {
                    codes[index(channel)] = code;
                }
                scales.push(scale);
            }
        }
    }
    let greatest = scales.iter().copied().fold(0.0, f64::max);
    let step = if greatest > 0.0 { power_of_two_step(greatest) } else { 1.0 };
    let fixed = scales.iter().map(|scale| (scale / step).round() * step).collect();
    let scales = Scales { bits: SCALE_BITS, ..Scales::new(Granularity::Group(size), fixed) };
    Quantized::scaled(weights, codes, scales, 2)
}

/// The least power of two of which the greatest scale, rounded, takes at most 8 bits.
fn power_of_two_step(greatest: f64) -> f64 {
    let most = f64::from((1u32 << SCALE_BITS) - 1);
    let mut step = 2f64.powi(greatest.log2().floor() as i32 - SCALE_BITS as i32);
    while (greatest / step).round() > most {
        step *= 2.0;
    }
    step
}

/// The ternary vector t and the α for which α·t is the nearest to `group`: the k greatest magnitudes with their mean, for
/// the k that makes (sum of these)² / k greatest.
fn nearest_ternary(group: &[f64]) -> (Vec<i32>, f64) {
    let mut magnitudes: Vec<f64> = group.iter().map(|weight| weight.abs()).collect();
    magnitudes.sort_by(|a, b| b.total_cmp(a));
    let mut best = (0.0, 0, 0.0);
    let mut sum = 0.0;
    for (index, magnitude) in magnitudes.iter().enumerate() {
        sum += magnitude;
        let count = (index + 1) as f64;
        if sum * sum / count > best.0 {
            best = (sum * sum / count, index + 1, sum / count);
        }
    }
    let (_, kept, scale) = best;
    let mut order: Vec<usize> = (0..group.len()).collect();
    order.sort_by(|a, b| group[*b].abs().total_cmp(&group[*a].abs()));
    let mut codes = vec![0; group.len()];
    for index in &order[..kept] {
        codes[*index] = super::sign(group[*index]);
    }
    (codes, scale)
}

#[cfg(test)]
mod tests {
    use super::nearest_ternary;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_other_ternary_vector_is_nearer(group in prop::collection::vec(-2f64..2.0, 1..7)) {
            let error = |codes: &[i32], scale: f64| -> f64 {
                group.iter().zip(codes).map(|(w, code)| (w - scale * f64::from(*code)).powi(2)).sum()
            };
            let (codes, scale) = nearest_ternary(&group);
            let found = error(&codes, scale);
            for number in 0..3usize.pow(group.len() as u32) {
                let codes: Vec<i32> =
                    (0..group.len()).map(|place| (number / 3usize.pow(place as u32) % 3) as i32 - 1).collect();
                let square: i32 = codes.iter().map(|code| code * code).sum();
                let product: f64 = group.iter().zip(&codes).map(|(w, code)| w * f64::from(*code)).sum();
                let best = if square == 0 { 0.0 } else { (product / f64::from(square)).max(0.0) };
                prop_assert!(found <= error(&codes, best) + 1e-12);
            }
        }
    }
}
