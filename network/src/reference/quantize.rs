//! What the quantisers compute: a code for each element, and the exact number that a code stands for. The import uses the
//! same functions for constants.
//!
//! A code of a float is decided in float32 as frameworks decide it, operation by operation; a code of anything else is
//! decided exactly.

use super::bounded::Bounded;
use super::exact::Exact;
use super::kernels;
use super::number::{Element, Fault, Number};
use crate::graph::{Operator, RoundingMode};
use crate::tensor::{Tensor, broadcast_indices, strides};
use std::cmp::Ordering;

/// The least and the greatest integer of `bits` bits.
pub(crate) fn limits(bits: u32, signed: bool) -> (f64, f64) {
    let codes = 2f64.powi(bits as i32);
    if signed { (-codes / 2.0, codes / 2.0 - 1.0) } else { (0.0, codes - 1.0) }
}

/// From real numbers to integers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Grid {
    /// +1 where x ≥ 0, else −1.
    Bipolar,
    /// −1, 0 or +1.
    Sign,
    /// `Quant`: round(clamp(x / scale + zero_point)).
    Uniform {
        /// Least code.
        least: f64,
        /// Greatest code.
        greatest: f64,
        /// How the quotient is rounded.
        rounding: RoundingMode,
    },
    /// `QuantizeLinear`: clamp(round(x / scale) + zero_point), from a middle to the even integer.
    Linear {
        /// Least code.
        least: f64,
        /// Greatest code.
        greatest: f64,
    },
}

impl Grid {
    /// The codes of a `Quant` of `bits` bits; one signed bit is −1 and +1, as QONNX defines it.
    pub fn uniform(bits: u32, signed: bool, narrow: bool, rounding: RoundingMode) -> Self {
        let left_out = f64::from(u8::from(narrow));
        let (least, greatest) = limits(bits, signed);
        match (signed, bits) {
            (true, 1) => Grid::Bipolar,
            (true, _) => Grid::Uniform { least: least + left_out, greatest, rounding },
            (false, _) => Grid::Uniform { least, greatest: greatest - left_out, rounding },
        }
    }

    /// The least and the greatest code.
    pub fn range(&self) -> (i64, i64) {
        match self {
            Grid::Bipolar | Grid::Sign => (-1, 1),
            Grid::Uniform { least, greatest, .. } | Grid::Linear { least, greatest } => {
                (*least as i64, *greatest as i64)
            }
        }
    }

    /// The code of a float: every operation is float32's, in the order of qonnx' `int_quant` and of ONNX.
    pub fn code_of_float(&self, x: f32, scale: f32, zero_point: f32) -> f64 {
        match self {
            Grid::Bipolar => f64::from(if x >= 0.0 { 1.0 } else { -1.0f32 }),
            Grid::Sign => f64::from(u8::from(x > 0.0)) - f64::from(u8::from(x < 0.0)),
            Grid::Uniform { least, greatest, rounding } => {
                let quotient = x / scale + zero_point;
                // A limit of more than 24 bits is no float32; the code must be one of the type all the same.
                round_float(quotient.min(*greatest as f32).max(*least as f32), *rounding).clamp(*least, *greatest)
            }
            Grid::Linear { least, greatest } => {
                (f64::from((x / scale).round_ties_even()) + f64::from(zero_point)).clamp(*least, *greatest)
            }
        }
    }

    /// The code of a real number, `None` for one that is undefined.
    pub fn code_of_real(&self, x: f64, scale: f64, zero_point: f64) -> Option<f64> {
        let of = |value| Bounded::of(value);
        match self.code(&of(x), &of(scale), &of(zero_point)) {
            Err(Fault::Undecided) => self.code(&Exact::of(x), &Exact::of(scale), &Exact::of(zero_point)).ok(),
            code => code.ok(),
        }
    }

    fn code<N: Number>(&self, x: &N, scale: &N, zero_point: &N) -> Result<f64, Fault> {
        let zero = N::of(0.0);
        let beyond = |x: &N, least: f64, greatest: f64| -> Result<Option<f64>, Fault> {
            Ok(if x.compare(&N::of(least))? == Ordering::Less {
                Some(least)
            } else if x.compare(&N::of(greatest))? == Ordering::Greater {
                Some(greatest)
            } else {
                None
            })
        };
        match self {
            Grid::Bipolar => Ok(if x.compare(&zero)? == Ordering::Less { -1.0 } else { 1.0 }),
            Grid::Sign => Ok(f64::from(x.compare(&zero)? as i8)),
            Grid::Uniform { least, greatest, rounding } => {
                let quotient = x.over(scale)?.plus(zero_point);
                match beyond(&quotient, *least, *greatest)? {
                    Some(limit) => Ok(limit),
                    None => round(&quotient, *rounding),
                }
            }
            Grid::Linear { least, greatest } => {
                // Zero points are integers of few bits: the limits of the quotient are exact.
                let shift = zero_point.nearest();
                let quotient = x.over(scale)?;
                match beyond(&quotient, least - shift, greatest - shift)? {
                    Some(limit) => Ok(limit + shift),
                    None => Ok(round(&quotient, RoundingMode::HalfEven)? + shift),
                }
            }
        }
    }
}

/// The neighbouring integer that a rounding mode picks, as numpy computes it in float32: the modes that go to a
/// neighbour but to the even one first add or subtract a half.
fn round_float(x: f32, mode: RoundingMode) -> f64 {
    let rounded = match mode {
        RoundingMode::HalfEven => x.round_ties_even(),
        RoundingMode::Ceil => x.ceil(),
        RoundingMode::Floor => x.floor(),
        RoundingMode::Up => x.abs().ceil().copysign(x),
        RoundingMode::Down => x.trunc(),
        RoundingMode::HalfUp => (x.abs() + 0.5).floor().copysign(x),
        RoundingMode::HalfDown => (x.abs() - 0.5).ceil() * x.signum(),
    };
    // Without the sign of zero.
    f64::from(rounded) + 0.0
}

/// The neighbouring integer that a rounding mode picks.
pub(super) fn round<N: Number>(x: &N, mode: RoundingMode) -> Result<f64, Fault> {
    let below = x.floor()?;
    let above = if x.compare(&N::of(below))? == Ordering::Equal { below } else { below + 1.0 };
    let outwards = |is_negative: bool| if is_negative { below } else { above };
    let inwards = |is_negative: bool| if is_negative { above } else { below };
    let is_negative = below < 0.0;
    let nearest = |from_the_middle: f64| {
        Ok(match x.compare(&N::of(below + 0.5))? {
            Ordering::Less => below,
            Ordering::Equal => from_the_middle,
            Ordering::Greater => below + 1.0,
        })
    };
    match mode {
        RoundingMode::Floor => Ok(below),
        RoundingMode::Ceil => Ok(above),
        RoundingMode::Up => Ok(outwards(is_negative)),
        RoundingMode::Down => Ok(inwards(is_negative)),
        RoundingMode::HalfEven => nearest(if below % 2.0 == 0.0 { below } else { below + 1.0 }),
        RoundingMode::HalfUp => nearest(outwards(is_negative)),
        RoundingMode::HalfDown => nearest(inwards(is_negative)),
    }
}

fn grid<N: Element>(operator: &Operator, inputs: &[&Tensor<N>]) -> Grid {
    match operator {
        Operator::BipolarQuant => Grid::Bipolar,
        Operator::Sign => Grid::Sign,
        Operator::Quant { signed, narrow, rounding } => {
            let bits = inputs[3].as_scalar().expect("the import checks that the bit width is one number");
            Grid::uniform(bits.widened().nearest() as u32, *signed, *narrow, *rounding)
        }
        Operator::QuantizeLinear { minimum, maximum } => {
            Grid::Linear { least: *minimum as f64, greatest: *maximum as f64 }
        }
        _ => unreachable!("only quantisers have a grid"),
    }
}

/// For each element the indices of its scale and zero point, where the quantiser has such.
fn parameters<N>(inputs: &[&Tensor<N>]) -> [Option<Vec<usize>>; 2] {
    [1, 2].map(|index| inputs.get(index).map(|tensor| broadcast_indices(&tensor.shape, &inputs[0].shape)))
}

/// The codes that a quantiser makes of its first input, decided exactly.
pub(super) fn codes<N: Element>(operator: &Operator, inputs: &[&Tensor<N>]) -> Result<Tensor, Fault> {
    if let Operator::MultiThreshold { channel_axis, .. } = operator {
        return counts(inputs[0], inputs[1], *channel_axis);
    }
    let grid = grid(operator, inputs);
    let [scale, zero_point] = parameters(inputs);
    let parameter = |input: usize, indices: &Option<Vec<usize>>, element: usize, otherwise: f64| match indices {
        Some(indices) => inputs[input].data[indices[element]].widened(),
        None => N::Sum::of(otherwise),
    };
    let code = |(element, x): (usize, &N)| {
        let (scale, zero_point) = (parameter(1, &scale, element, 1.0), parameter(2, &zero_point, element, 0.0));
        grid.code(&x.widened(), &scale, &zero_point)
    };
    let data = inputs[0].data.iter().enumerate().map(code).collect::<Result<_, _>>()?;
    Ok(Tensor::new(inputs[0].shape.clone(), data))
}

/// The codes that a quantiser makes of floats.
pub(super) fn codes_of_floats(operator: &Operator, inputs: &[&Tensor]) -> Result<Tensor, Fault> {
    if let Operator::Kernel(kernel) = operator {
        return kernels::evaluate_floats(kernel, inputs);
    }
    if let Operator::MultiThreshold { channel_axis, .. } = operator {
        return counts(inputs[0], inputs[1], *channel_axis);
    }
    let grid = grid(operator, inputs);
    let [scale, zero_point] = parameters(inputs);
    let parameter = |input: usize, indices: &Option<Vec<usize>>, element: usize, otherwise: f32| match indices {
        Some(indices) => inputs[input].data[indices[element]] as f32,
        None => otherwise,
    };
    let code = |(element, x): (usize, &f64)| {
        let (scale, zero_point) = (parameter(1, &scale, element, 1.0), parameter(2, &zero_point, element, 0.0));
        grid.code_of_float(*x as f32, scale, zero_point)
    };
    Ok(Tensor::new(inputs[0].shape.clone(), inputs[0].data.iter().enumerate().map(code).collect()))
}

/// The numbers that codes stand for; `parameters` are the quantiser's inputs behind the first.
pub(super) fn values<N: Number>(operator: &Operator, codes: &Tensor, parameters: &[&Tensor<N>]) -> Tensor<N> {
    let scaled = |offset: Option<&Tensor<N>>| {
        let scale = broadcast_indices(&parameters[0].shape, &codes.shape);
        let offsets = offset.map(|offset| broadcast_indices(&offset.shape, &codes.shape));
        let value = |(element, code): (usize, &f64)| {
            let code = N::of(*code);
            let code = match (offset, &offsets) {
                (Some(offset), Some(indices)) => code.minus(&offset.data[indices[element]]),
                _ => code,
            };
            code.times(&parameters[0].data[scale[element]])
        };
        Tensor::new(codes.shape.clone(), codes.data.iter().enumerate().map(value).collect())
    };
    match operator {
        Operator::BipolarQuant => scaled(None),
        Operator::Quant { .. } => scaled(Some(parameters[1])),
        Operator::MultiThreshold { out_scale, out_bias, .. } => {
            codes.map(|count| N::of(*count).times(&N::of(*out_scale)).plus(&N::of(*out_bias)))
        }
        _ => codes.map(|code| N::of(*code)),
    }
}

/// `MultiThreshold`: counts the thresholds of the element's channel that it reaches.
fn counts<N: Element>(x: &Tensor<N>, thresholds: &Tensor<N>, channel_axis: usize) -> Result<Tensor, Fault> {
    let (rows, levels) = (thresholds.shape[0], thresholds.shape[1]);
    let stride = strides(&x.shape)[channel_axis];
    let counted = |(index, value): (usize, &N)| {
        let channel = index / stride % x.shape[channel_axis];
        let row = if rows == 1 { 0 } else { channel };
        let mut reached = 0;
        for threshold in &thresholds.data[row * levels..(row + 1) * levels] {
            reached += u32::from(value.compare(threshold)? != Ordering::Less);
        }
        Ok(f64::from(reached))
    };
    let data = x.data.iter().enumerate().map(counted).collect::<Result<_, _>>()?;
    Ok(Tensor::new(x.shape.clone(), data))
}

#[cfg(test)]
mod tests {
    use super::{Exact, Grid, round, round_float};
    use crate::graph::RoundingMode;
    use crate::reference::number::Element;

    #[test]
    fn rounding_modes() {
        let all = [-2.5, -1.5, -1.2, -1.0, -0.5, 0.0, 0.5, 1.2, 1.5, 2.5, 1.7];
        let expected = [
            (RoundingMode::HalfEven, [-2.0, -2.0, -1.0, -1.0, 0.0, 0.0, 0.0, 1.0, 2.0, 2.0, 2.0]),
            (RoundingMode::Ceil, [-2.0, -1.0, -1.0, -1.0, 0.0, 0.0, 1.0, 2.0, 2.0, 3.0, 2.0]),
            (RoundingMode::Floor, [-3.0, -2.0, -2.0, -1.0, -1.0, 0.0, 0.0, 1.0, 1.0, 2.0, 1.0]),
            (RoundingMode::Up, [-3.0, -2.0, -2.0, -1.0, -1.0, 0.0, 1.0, 2.0, 2.0, 3.0, 2.0]),
            (RoundingMode::Down, [-2.0, -1.0, -1.0, -1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 1.0]),
            (RoundingMode::HalfUp, [-3.0, -2.0, -1.0, -1.0, -1.0, 0.0, 1.0, 1.0, 2.0, 3.0, 2.0]),
            (RoundingMode::HalfDown, [-2.0, -1.0, -1.0, -1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0]),
        ];
        for (mode, expected) in expected {
            assert_eq!(all.map(|x| round_float(x as f32, mode)), expected, "{mode:?}");
            assert_eq!(all.map(|x| round(&Exact::of(x), mode).unwrap()), expected, "{mode:?}");
        }
    }

    #[test]
    fn grids() {
        let ends = |bits, signed, narrow| {
            let grid = Grid::uniform(bits, signed, narrow, RoundingMode::HalfEven);
            let floats = (grid.code_of_float(-1e9, 1.0, 0.0), grid.code_of_float(1e9, 1.0, 0.0));
            assert_eq!(Some(floats.0), grid.code_of_real(-1e9, 1.0, 0.0));
            assert_eq!(Some(floats.1), grid.code_of_real(1e9, 1.0, 0.0));
            floats
        };
        assert_eq!(ends(8, true, false), (-128.0, 127.0));
        assert_eq!(ends(8, true, true), (-127.0, 127.0));
        assert_eq!(ends(8, false, false), (0.0, 255.0));
        assert_eq!(ends(8, false, true), (0.0, 254.0));
        assert_eq!(ends(1, true, false), (-1.0, 1.0));
        assert_eq!(ends(1, false, false), (0.0, 1.0));
    }

    #[test]
    fn floats_divide_in_float32_and_reals_exactly() {
        // 1.2f32 is above three times 0.4f32, by less than float32 tells from the quotient 3.
        let floor = Grid::uniform(8, true, false, RoundingMode::Floor);
        let (x, scale) = (f64::from(0.4f32) * 3.0 - 1e-12, 0.4f32);
        assert_eq!(floor.code_of_real(x, f64::from(scale), 0.0), Some(2.0));
        assert_eq!(floor.code_of_float(x as f32, scale, 0.0), 3.0);
    }
}
