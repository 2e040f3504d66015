//! Trained ternary quantisation, as it begins: what training makes of the two magnitudes is not known here.
//!
//! Zhu, Han, Mao, Dally: Trained ternary quantization, ICLR 2017, equations 6 and 9: the threshold is t · max|W|, the two
//! magnitudes are those of the weights above and below it.

use super::twn::ternary;
use super::{Format, Granularity, Quantized, Scales, Weights, greatest_magnitude, mean};

/// {+Wp, 0, −Wn}, one pair for each part; Wp and Wn are the means of the weights that they stand for.
pub(super) fn quantize(weights: &Weights<'_>, share: f64, granularity: Granularity) -> Quantized {
    let mut codes = Vec::with_capacity(weights.values.len());
    let (mut positive, mut negative) = (Vec::new(), Vec::new());
    for part in weights.parts(granularity) {
        let threshold = share * greatest_magnitude(part);
        let own: Vec<i32> = part.iter().map(|weight| ternary(*weight, threshold)).collect();
        let of = |code: i32| mean(part.iter().zip(&own).filter(|(_, own)| **own == code).map(|(w, _)| w.abs()));
        positive.push(of(1));
        negative.push(of(-1));
        codes.extend(own);
    }
    let (positive, negative) = (Scales::new(granularity, positive), Scales::new(granularity, negative));
    Quantized::new(weights, Format::TwoMagnitudes { codes, positive, negative }, 2)
}
