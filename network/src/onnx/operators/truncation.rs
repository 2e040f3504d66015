//! QONNX' `Trunc`: integers of fewer bits, whose lowest ones are left out by a rounding. Each becomes the operators that
//! it is made of, in the order in which qonnx computes them.

use super::quantizers::{bit_width, parameter, rounding, scale};
use super::result_type::result_type;
use crate::graph::{Node, Operator, RoundingMode, Source, ValueId};
use crate::onnx::data_type::DataType;
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;
use crate::tensor::{Tensor, broadcast_indices, broadcast_shape};

/// Most bits of the result, which is an activation.
const MAX_BITS: u32 = 16;

/// Most bits that integers may be said to have.
const MAX_STATED_BITS: u32 = 64;

/// The integers that a `Trunc` makes, and what they stand for.
struct Truncated {
    signed: bool,
    narrow: bool,
    bits: u32,
    /// Power of two that the integers before it are divided by.
    divisor: Tensor,
    /// Distance of two integers behind it.
    scale: Tensor,
    /// What is taken from a real number behind it, where there is a zero point.
    offset: Tensor,
}

/// `Trunc` of five inputs (tensor, scale, zero point, bits before and behind) and of six (the scale behind before the bits
/// behind)
pub(super) fn trunc(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let x = node.input(0, "x")?;
    let (scale, zero_point) = (scale(node, x)?, parameter(node, 2, "zero_point", x)?);
    let rounding = rounding(node, "FLOOR")?;
    let result = match node.input_count() {
        6.. => with_scale(node, scale, zero_point)?,
        _ => with_bits(node, x, scale, zero_point)?,
    };
    emit(node, x, [scale, zero_point], rounding, result)
}

/// The form of six inputs, whose result is clamped.
fn with_scale(node: &NodeContext<'_, '_>, scale: ValueId, zero_point: ValueId) -> Result<Truncated, ImportError> {
    let (before, zero_point) = (node.data(scale)?, node.data(zero_point)?);
    let scale = node.constant(4, "output_scale")?.clone();
    if let Some(value) = scale.data.iter().find(|value| **value <= 0.0 || !value.is_finite()) {
        return Err(node.parameter_error("output_scale", "greater than 0", value.to_string()));
    }
    let divisor = combined(node, &scale, before, |behind, before| f64::from((behind as f32 / before as f32).log2()))?
        .map(|exponent| 2f64.powi(exponent.round_ties_even() as i32));
    let offset = combined(node, &combined(node, zero_point, &divisor, |a, b| a / b)?, &scale, |a, b| a * b)?;
    let (signed, narrow) = (node.flag("signed", true)?, node.flag("narrow", false)?);
    let bits = bit_width(node, 5, "output_bit_width", if signed { 2 } else { 1 }, MAX_BITS)?;
    Ok(Truncated { signed, narrow, bits, divisor, scale, offset })
}

/// The form of five inputs, whose result is not clamped.
fn with_bits(
    node: &NodeContext<'_, '_>,
    x: ValueId,
    scale: ValueId,
    zero_point: ValueId,
) -> Result<Truncated, ImportError> {
    let (before, behind) = (
        bit_width(node, 3, "input_bit_width", 1, MAX_STATED_BITS)?,
        bit_width(node, 4, "output_bit_width", 1, MAX_STATED_BITS)?,
    );
    let shift = 2f64.powi(before as i32 - behind as i32);
    let (scale, zero_point) = (node.data(scale)?.clone(), node.data(zero_point)?);
    let offset = combined(node, zero_point, &scale, |a, b| a * b)?;
    // Wide enough for all that comes, so that the clamp of a quantiser does nothing.
    let least_scale = scale.data.iter().copied().fold(f64::INFINITY, f64::min);
    let shifted = zero_point.data.iter().fold(0.0, |most: f64, point| most.max(point.abs()));
    let (signed, bits) = match bounds(node, x) {
        Some((low, high)) => {
            let codes = (low.abs().max(high.abs()) / least_scale + shifted) / shift + 2.0;
            let signed = low < 0.0 || shifted > 0.0;
            (signed, codes.log2().ceil().clamp(1.0, 64.0) as u32 + u32::from(signed))
        }
        None => (true, MAX_BITS),
    };
    let bits = bits.min(MAX_BITS);
    Ok(Truncated { signed, narrow: false, bits, divisor: Tensor::scalar(shift), scale, offset })
}

/// `f` of the elements of two constants that broadcasting brings together.
fn combined(
    node: &NodeContext<'_, '_>,
    a: &Tensor,
    b: &Tensor,
    f: impl Fn(f64, f64) -> f64,
) -> Result<Tensor, ImportError> {
    let shape = broadcast_shape(&a.shape, &b.shape).ok_or_else(|| {
        node.shape_error("scales and zero point must broadcast", format!("{:?} and {:?}", a.shape, b.shape))
    })?;
    let pairs = broadcast_indices(&a.shape, &shape).into_iter().zip(broadcast_indices(&b.shape, &shape));
    let data = pairs.map(|(i, j)| f(a.data[i], b.data[j])).collect();
    Ok(Tensor::new(shape, data))
}

/// The nodes: onto the grid of integers, a quantiser, and what its integers stand for.
fn emit(
    node: &mut NodeContext<'_, '_>,
    x: ValueId,
    [scale, zero_point]: [ValueId; 2],
    rounding: RoundingMode,
    result: Truncated,
) -> Result<(), ImportError> {
    let (shape, data_type) = (node.shape(x).to_vec(), result_type(node, x));
    let part = |node: &mut NodeContext<'_, '_>, role, operator, inputs| {
        node.emit_part(role, operator, inputs, shape.clone(), data_type)
    };
    let mut integers = part(node, "scaled", Operator::Div, vec![x, scale])?;
    if node.data(zero_point)?.data.iter().any(|point| *point != 0.0) {
        integers = part(node, "shifted", Operator::Add, vec![integers, zero_point])?;
    }
    let integers = part(node, "rounded", Operator::Round, vec![integers])?;
    let Truncated { signed, narrow, bits, divisor, scale, offset } = result;
    let factor = combined(node, &scale, &divisor, |scale, divisor| scale / divisor)?;
    let parameters = [
        node.add_constant("divisor", divisor, DataType::Float32),
        node.add_constant("zero", Tensor::scalar(0.0), DataType::Float32),
        node.add_constant("bits", Tensor::scalar(f64::from(bits)), DataType::Float32),
    ];
    let quantiser = Operator::Quant { signed, narrow, rounding };
    let inputs = [integers].into_iter().chain(parameters).collect();
    let codes = part(node, "truncated", quantiser, inputs)?;
    let factor = node.add_constant("factor", factor, DataType::Float32);
    if offset.data.iter().all(|offset| *offset == 0.0) {
        return node.emit(Operator::Mul, vec![codes, factor], shape, data_type);
    }
    let real = part(node, "real", Operator::Mul, vec![codes, factor])?;
    let offset = node.add_constant("offset", offset, DataType::Float64);
    node.emit(Operator::Sub, vec![real, offset], shape, data_type)
}

/// The least and the greatest number that a value can hold, where a quantiser and what keeps its numbers within their
/// range says so.
fn bounds(node: &NodeContext<'_, '_>, value: ValueId) -> Option<(f64, f64)> {
    let Source::Node(id) = node.graph.value(value).source else { return None };
    let Node { operator, inputs, .. } = &node.graph.nodes()[id.0];
    let before = || bounds(node, inputs[0]);
    match operator {
        Operator::Quant { signed, narrow, rounding } => {
            let bits = node.graph.constant(inputs[3])?.as_scalar()?;
            let (least, greatest) =
                crate::reference::quantize::Grid::uniform(bits as u32, *signed, *narrow, *rounding).range();
            let (scales, points) = (node.graph.constant(inputs[1])?, node.graph.constant(inputs[2])?);
            let greatest_scale = scales.data.iter().copied().fold(0.0, f64::max);
            let (low, high) =
                (points.data.iter().copied().fold(0.0, f64::max), points.data.iter().copied().fold(0.0, f64::min));
            Some(((least as f64 - low) * greatest_scale, (greatest as f64 - high) * greatest_scale))
        }
        Operator::Reshape
        | Operator::Transpose { .. }
        | Operator::MaxPool { .. }
        | Operator::AveragePool { .. }
        | Operator::Upsample { .. } => before(),
        Operator::Relu => Some((0.0, before()?.1.max(0.0))),
        Operator::Mul => {
            let factors = node.graph.constant(inputs[1])?;
            let greatest = factors
                .data
                .iter()
                .all(|factor| *factor > 0.0)
                .then(|| factors.data.iter().copied().fold(0.0, f64::max))?;
            before().map(|(low, high)| (low.min(0.0) * greatest, high.max(0.0) * greatest))
        }
        _ => None,
    }
}
