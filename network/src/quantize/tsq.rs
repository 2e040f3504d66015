//! Ternary weights that keep a layer's results: the weight step of two-step quantisation.
//!
//! Wang, Hu, Zhang, Zhang, Liu, Cheng: Two-step quantization for low-bit neural networks, CVPR 2018, section 3.3:
//! minimises ‖y − α·ŵᵀX‖² over α and ŵ in {−1, 0, 1}ⁿ, the factor and one weight after the other in turn. Here y are the
//! results of the real weights; the auxiliary variable that stands for a quantiser behind them is left out.

use super::descent::fit;
use super::twn::ternary;
use super::{Granularity, InputProducts, Quantized, Scales, Weights, mean_magnitude};

/// α · {−1, 0, 1}, one α for each output.
pub(super) fn quantize(weights: &Weights<'_>, inputs: &InputProducts) -> Quantized {
    let mut codes = Vec::with_capacity(weights.values.len());
    let mut scales = Vec::new();
    for (output, part) in weights.parts(Granularity::Channel).enumerate() {
        let threshold = 0.7 * mean_magnitude(part);
        let start = part.iter().map(|weight| ternary(*weight, threshold)).collect();
        let (own, scale) = fit(part, inputs.of_output(output, weights.outputs), &[-1, 0, 1], start);
        codes.extend(own);
        scales.push(scale);
    }
    Quantized::scaled(weights, codes, Scales::new(Granularity::Channel, scales), 2)
}
