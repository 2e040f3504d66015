//! Binary weights that keep inner products with a layer's inputs.
//!
//! Hu, Wang, Cheng: From hashing to CNNs: training binary weight networks via hashing, AAAI 2018, equations 5 to 12:
//! minimises ‖Xᵀw − g·Xᵀb‖² over g and b in {±1}ⁿ by discrete cyclic coordinate descent. X are the inputs of the network
//! as it was; the training between layers is not done here.

use super::descent::fit;
use super::{Granularity, InputProducts, Quantized, Scales, Weights, sign};

/// g · {±1}, one g for each output.
pub(super) fn quantize(weights: &Weights<'_>, inputs: &InputProducts) -> Quantized {
    let mut codes = Vec::with_capacity(weights.values.len());
    let mut scales = Vec::new();
    for (output, part) in weights.parts(Granularity::Channel).enumerate() {
        let start = part.iter().copied().map(sign).collect();
        let (own, scale) = fit(part, inputs.of_output(output, weights.outputs), &[-1, 1], start);
        codes.extend(own);
        scales.push(scale);
    }
    Quantized::scaled(weights, codes, Scales::new(Granularity::Channel, scales), 1)
}
