//! Greedy residual bases.
//!
//! Li, Ni, Zhang, Yang, Gao: Performance guaranteed network acceleration via high-order residual quantization, ICCV 2017,
//! section 3: each basis is the sign of what the ones before leave over, its factor the mean magnitude of that. The paper
//! does so with the inputs of a layer; here it is done with weights.

use super::{Basis, Format, Granularity, Quantized, Scales, Weights, mean_magnitude, sign};

/// β₁·H₁ + … of `order` bases, one set of factors for each part.
pub(super) fn quantize(weights: &Weights<'_>, order: usize, granularity: Granularity) -> Quantized {
    let mut rest = weights.values.to_vec();
    let mut bases = Vec::new();
    for _ in 0..order {
        let remaining = Weights { values: &rest, ..*weights };
        let factors: Vec<f64> = remaining.parts(granularity).map(mean_magnitude).collect();
        let codes: Vec<i32> = rest.iter().copied().map(sign).collect();
        let length = rest.len() / factors.len().max(1);
        for (element, value) in rest.iter_mut().enumerate() {
            *value -= factors[element / length] * f64::from(codes[element]);
        }
        bases.push(Basis { codes, scales: Scales::new(granularity, factors) });
    }
    Quantized::new(weights, Format::Sum(bases), order as u32)
}
