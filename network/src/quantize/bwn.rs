//! Binary weight networks, and the weights of XNOR-Net.
//!
//! Rastegari, Ordonez, Redmon, Farhadi: XNOR-Net: ImageNet classification using binary convolutional neural networks,
//! ECCV 2016, equations 2 to 6: of all α·B with B in {±1}ⁿ, sign(W) with α = mean |W| is the nearest to W.

use super::{Granularity, Quantized, Scales, Weights, mean_magnitude, sign};

/// α · sign(W), one α for each part.
pub(super) fn quantize(weights: &Weights<'_>, granularity: Granularity) -> Quantized {
    let scales = weights.parts(granularity).map(mean_magnitude).collect();
    let codes = weights.values.iter().copied().map(sign).collect();
    Quantized::scaled(weights, codes, Scales::new(granularity, scales), 1)
}
