//! What the quantisers compute. The import uses the same functions for weights.

use crate::graph::RoundingMode;
use crate::tensor::{Tensor, strides};

/// `BipolarQuant`: +scale where x ≥ 0, else −scale.
pub(crate) fn bipolar(x: f64, scale: f64) -> f64 {
    if x >= 0.0 { scale } else { -scale }
}

/// The least and the greatest integer of `bits` bits.
pub(crate) fn limits(bits: u32, signed: bool) -> (f64, f64) {
    let codes = 2f64.powi(bits as i32);
    if signed { (-codes / 2.0, codes / 2.0 - 1.0) } else { (0.0, codes - 1.0) }
}

/// The integers that a `Quant` node maps to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IntegerGrid {
    /// None for the grid of one signed bit, which QONNX defines as −1 and +1.
    range: Option<(f64, f64)>,
    rounding: RoundingMode,
}

impl IntegerGrid {
    /// The integers of `bits` bits.
    pub fn new(bits: u32, signed: bool, narrow: bool, rounding: RoundingMode) -> Self {
        let left_out = f64::from(u8::from(narrow));
        let (least, greatest) = limits(bits, signed);
        let range = match (signed, bits) {
            (true, 1) => None,
            (true, _) => Some((least + left_out, greatest)),
            (false, _) => Some((least, greatest - left_out)),
        };
        IntegerGrid { range, rounding }
    }

    /// The least and the greatest integer; `None` for −1 and +1.
    pub fn range(&self) -> Option<(i64, i64)> {
        self.range.map(|(least, greatest)| (least as i64, greatest as i64))
    }

    /// The number that `Quant` makes of `x`. QONNX clamps before it rounds.
    pub fn quantize(&self, x: f64, scale: f64, zero_point: f64) -> f64 {
        let quotient = x / scale + zero_point;
        let integer = match self.range {
            None => bipolar(quotient, 1.0),
            Some((least, greatest)) => round(quotient.min(greatest).max(least), self.rounding),
        };
        (integer - zero_point) * scale
    }
}

/// The integer that `QuantizeLinear` makes of `x`: the quotient is a float32, as it is wherever the operator runs.
pub(crate) fn quantize_linear(x: f64, scale: f64, zero_point: f64, (least, greatest): (f64, f64)) -> f64 {
    let quotient = (x / scale) as f32;
    (f64::from(quotient).round_ties_even() + zero_point).min(greatest).max(least)
}

/// The neighbouring integer that a rounding mode picks.
fn round(x: f64, mode: RoundingMode) -> f64 {
    let below = x.floor();
    let is_tie = x - below == 0.5;
    match mode {
        RoundingMode::HalfEven => x.round_ties_even(),
        RoundingMode::Ceil => x.ceil(),
        RoundingMode::Floor => below,
        RoundingMode::Up => x.abs().ceil().copysign(x),
        RoundingMode::Down => x.trunc(),
        RoundingMode::HalfUp => x.round(),
        RoundingMode::HalfDown if is_tie => x.trunc(),
        RoundingMode::HalfDown => x.round(),
    }
}

/// `MultiThreshold`: counts the thresholds of the element's channel that it reaches.
pub(super) fn multi_threshold(
    x: &Tensor,
    thresholds: &Tensor,
    out_scale: f64,
    out_bias: f64,
    channel_axis: usize,
) -> Tensor {
    let (rows, levels) = (thresholds.shape[0], thresholds.shape[1]);
    let stride = strides(&x.shape)[channel_axis];
    let counted = |(index, value): (usize, &f64)| {
        let channel = index / stride % x.shape[channel_axis];
        let row = if rows == 1 { 0 } else { channel };
        let reached = thresholds.data[row * levels..(row + 1) * levels].iter().filter(|t| *value >= **t).count();
        out_scale * reached as f64 + out_bias
    };
    Tensor::new(x.shape.clone(), x.data.iter().enumerate().map(counted).collect())
}

#[cfg(test)]
mod tests {
    use super::{IntegerGrid, round};
    use crate::graph::RoundingMode;

    #[test]
    fn rounding_modes() {
        let rounded = |mode| [-2.5, -1.5, -1.2, -0.5, 0.5, 1.2, 1.5, 2.5, 1.7].map(|x| round(x, mode));
        assert_eq!(rounded(RoundingMode::HalfEven), [-2.0, -2.0, -1.0, 0.0, 0.0, 1.0, 2.0, 2.0, 2.0]);
        assert_eq!(rounded(RoundingMode::Ceil), [-2.0, -1.0, -1.0, 0.0, 1.0, 2.0, 2.0, 3.0, 2.0]);
        assert_eq!(rounded(RoundingMode::Floor), [-3.0, -2.0, -2.0, -1.0, 0.0, 1.0, 1.0, 2.0, 1.0]);
        assert_eq!(rounded(RoundingMode::Up), [-3.0, -2.0, -2.0, -1.0, 1.0, 2.0, 2.0, 3.0, 2.0]);
        assert_eq!(rounded(RoundingMode::Down), [-2.0, -1.0, -1.0, 0.0, 0.0, 1.0, 1.0, 2.0, 1.0]);
        assert_eq!(rounded(RoundingMode::HalfUp), [-3.0, -2.0, -1.0, -1.0, 1.0, 1.0, 2.0, 3.0, 2.0]);
        assert_eq!(rounded(RoundingMode::HalfDown), [-2.0, -1.0, -1.0, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0]);
    }

    #[test]
    fn grids() {
        let ends = |bits, signed, narrow| {
            let grid = IntegerGrid::new(bits, signed, narrow, RoundingMode::HalfEven);
            (grid.quantize(-1e9, 1.0, 0.0), grid.quantize(1e9, 1.0, 0.0))
        };
        assert_eq!(ends(8, true, false), (-128.0, 127.0));
        assert_eq!(ends(8, true, true), (-127.0, 127.0));
        assert_eq!(ends(8, false, false), (0.0, 255.0));
        assert_eq!(ends(8, false, true), (0.0, 254.0));
        assert_eq!(ends(1, true, false), (-1.0, 1.0));
        assert_eq!(ends(1, false, false), (0.0, 1.0));
    }

    #[test]
    fn zero_points_shift_the_grid() {
        let grid = IntegerGrid::new(4, false, false, RoundingMode::HalfEven);
        assert_eq!(grid.quantize(-10.0, 0.5, 3.0), -1.5);
        assert_eq!(grid.quantize(0.3, 0.5, 3.0), 0.5);
        assert_eq!(grid.quantize(10.0, 0.5, 3.0), 6.0);
    }
}
