//! Odd integers through tanh.
//!
//! Zhou, Wu, Ni, Zhou, Wen, Zou: DoReFa-Net: training low bitwidth convolutional neural networks with low bitwidth
//! gradients, arXiv 1606.06160, equations 5 and 9: one bit is E|W| · sign(W), k bits are
//! 2 · quantize_k(tanh(W) / (2 max|tanh W|) + 1/2) − 1.

use super::{Granularity, Quantized, Scales, Weights, bwn, greatest_magnitude, sign};

/// The codes of the paper. Its weights lie between −1 and 1 whatever W was, since the network is trained with them; after
/// training the factor that comes nearest to W keeps what the network computes.
pub(super) fn quantize(weights: &Weights<'_>, bits: u32, granularity: Granularity) -> Quantized {
    if bits == 1 {
        return bwn::quantize(weights, granularity);
    }
    let mut codes = Vec::with_capacity(weights.values.len());
    let mut scales = Vec::new();
    for part in weights.parts(granularity) {
        let own = transform(part, bits);
        let square: f64 = own.iter().map(|code| f64::from(code * code)).sum();
        scales.push(part.iter().zip(&own).map(|(weight, code)| weight * f64::from(*code)).sum::<f64>() / square);
        codes.extend(own);
    }
    Quantized::scaled(weights, codes, Scales::new(granularity, scales), bits)
}

/// The odd integers from −(2^k − 1) to 2^k − 1 of which the paper's weights are the (2^k − 1)-th parts.
fn transform(values: &[f64], bits: u32) -> Vec<i32> {
    let steps = f64::from((1u32 << bits) - 1);
    let tanh: Vec<f64> = values.iter().map(|value| value.tanh()).collect();
    let greatest = greatest_magnitude(&tanh);
    if greatest == 0.0 {
        return values.iter().copied().map(sign).collect();
    }
    tanh.iter().map(|value| 2 * (steps * (value / (2.0 * greatest) + 0.5)).round() as i32 - steps as i32).collect()
}

#[cfg(test)]
mod tests {
    use super::transform;

    #[test]
    fn two_bits_are_odd_integers_up_to_three() {
        // tanh is nearly the identity here: quarters of the range, the outer ones half as wide.
        let values = [-0.01, -0.0068, -0.0065, -0.001, 0.001, 0.0065, 0.0068, 0.01];
        assert_eq!(transform(&values, 2), [-3, -3, -1, -1, 1, 1, 3, 3]);
    }
}
