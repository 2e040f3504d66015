//! The quantisers of QONNX and FINN. Weights that pass through one are folded.

use super::result_type::{float_result, result_type};
use crate::graph::{Operator, RoundingMode, ValueId};
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;
use crate::reference::quantize::Grid;
use crate::tensor::{Tensor, broadcast_indices, broadcast_shape};

/// Wider integers than these are no low-bit quantisation.
const MAX_BITS: u32 = 29;

/// Most bits of a constant's codes: beyond, the ends of the range are no numbers.
const MAX_CONSTANT_BITS: u32 = 1023;

/// Most bits of an activation, which the lowering refuses beyond.
const MAX_ACTIVATION_BITS: u32 = 16;

/// Zero points up to this magnitude leave differences from codes of at most 29 bits.
const MAX_OFFSET: f64 = (1 << 28) as f64;

/// What `value` makes of the code, scale and zero point of each element of a constant. Codes are decided in float32 where it
/// is floats, exactly where it has been folded from codes.
pub(super) fn quantised_constant(
    node: &NodeContext<'_, '_>,
    grid: Grid,
    x: ValueId,
    [scale, zero_point]: [&Tensor; 2],
    value: impl Fn(f64, f64, f64) -> f64,
) -> Result<Vec<f64>, ImportError> {
    let (is_float, x) = (node.is_float(x), node.data(x)?);
    let scales = broadcast_indices(&scale.shape, &x.shape);
    let zero_points = broadcast_indices(&zero_point.shape, &x.shape);
    let quantised = |(x, (i, j)): (&f64, (usize, usize))| {
        let (scale, zero_point) = (scale.data[i], zero_point.data[j]);
        let code = match is_float {
            true => Some(grid.code_of_float(*x as f32, scale as f32, zero_point as f32)),
            false => grid.code_of_real(*x, scale, zero_point),
        };
        let code = code.ok_or_else(|| node.parameter_error("scale", "other than 0", scale.to_string()))?;
        Ok(value(code, scale, zero_point))
    };
    x.data.iter().zip(scales.into_iter().zip(zero_points)).map(quantised).collect()
}

/// An input that scales or shifts `x`: one element, or one for each index of some axes. Leading axes that `x` does
/// not have are dropped where they have extent 1, as exporters write them.
pub(super) fn parameter(
    node: &mut NodeContext<'_, '_>,
    index: usize,
    role: &'static str,
    x: ValueId,
) -> Result<ValueId, ImportError> {
    let id = node.input(index, role)?;
    node.check_finite(id)?;
    let shape = node.shape(x).to_vec();
    let own = node.shape(id).to_vec();
    let surplus = own.len().saturating_sub(shape.len());
    let fits = own[..surplus].iter().all(|extent| *extent == 1)
        && broadcast_shape(&own[surplus..], &shape).as_ref() == Some(&shape);
    if !fits {
        return Err(
            node.shape_error(format!("`{role}` must broadcast to the input's shape"), format!("{own:?} for {shape:?}"))
        );
    }
    if surplus == 0 {
        return Ok(id);
    }
    let tensor = Tensor::new(own[surplus..].to_vec(), node.constant(index, role)?.data.clone());
    let data_type = node.graph.data_type(id);
    Ok(node.add_constant(role, tensor, data_type))
}

pub(super) fn scale(node: &mut NodeContext<'_, '_>, x: ValueId) -> Result<ValueId, ImportError> {
    let id = parameter(node, 1, "scale", x)?;
    if let Some(tensor) = node.graph.constant(id)
        && let Some(index) = tensor.data.iter().position(|value| *value <= 0.0)
    {
        let value = tensor.data[index];
        let help = match (node.graph.constant(x).is_some(), value < 0.0) {
            (true, false) => "a scale of 0 is a channel whose weights are all zero: give it any positive scale",
            (true, true) => "make the scale positive, and change the sign of the weights that it belongs to",
            (false, false) => {
                "a scale of 0 leaves nothing of an activation: look at how it was trained or calibrated, and export again"
            }
            (false, true) => {
                "make the scale positive; a change of sign belongs into the weights of the layer before or behind"
            }
        };
        let tensor = node.graph.value(id).name.clone();
        return Err(ImportError::Scale { place: node.place(), tensor, index, value, help });
    }
    Ok(id)
}

/// `BipolarQuant`
pub(super) fn bipolar_quant(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let x = node.input(0, "x")?;
    let scale = scale(node, x)?;
    add_bipolar(node, x, scale)
}

fn add_bipolar(node: &mut NodeContext<'_, '_>, x: ValueId, scale: ValueId) -> Result<(), ImportError> {
    let shape = node.shape(x).to_vec();
    let data_type = result_type(node, x);
    if node.graph.constant(x).is_some() && node.graph.constant(scale).is_some() {
        node.check_finite(x)?;
        return node.fold_codes(shape, data_type, |node| {
            let (x, scale) = (node.data(x)?, node.data(scale)?);
            if let Some(scale) = scale.as_scalar() {
                return Ok(x.data.iter().map(|x| signed(*x, scale)).collect());
            }
            let indices = broadcast_indices(&scale.shape, &x.shape);
            Ok(x.data.iter().zip(indices).map(|(x, i)| signed(*x, scale.data[i])).collect())
        });
    }
    node.emit(Operator::BipolarQuant, vec![x, scale], shape, data_type)
}

/// The scale with the sign of x.
fn signed(x: f64, scale: f64) -> f64 {
    if x >= 0.0 { scale } else { -scale }
}

/// The first element of a constant for which `is_wrong` holds.
fn find(node: &NodeContext<'_, '_>, id: ValueId, is_wrong: impl Fn(f64) -> bool) -> Option<f64> {
    node.graph.constant(id)?.data.iter().copied().find(|value| is_wrong(*value))
}

pub(super) fn rounding(node: &NodeContext<'_, '_>, default: &'static str) -> Result<RoundingMode, ImportError> {
    let mode = node.text("rounding_mode")?.unwrap_or(default);
    Ok(match mode.to_ascii_uppercase().as_str() {
        "ROUND" | "HALF_EVEN" => RoundingMode::HalfEven,
        "CEIL" => RoundingMode::Ceil,
        "FLOOR" => RoundingMode::Floor,
        "UP" => RoundingMode::Up,
        "DOWN" | "ROUND_TO_ZERO" => RoundingMode::Down,
        "HALF_UP" => RoundingMode::HalfUp,
        "HALF_DOWN" => RoundingMode::HalfDown,
        _ => {
            let must = "ROUND, HALF_EVEN, CEIL, FLOOR, UP, DOWN, ROUND_TO_ZERO, HALF_UP or HALF_DOWN";
            return Err(node.attribute_error("rounding_mode", must, format!("`{mode}`")));
        }
    })
}

/// A number of bits from `least` to `most`.
pub(super) fn bit_width(
    node: &NodeContext<'_, '_>,
    index: usize,
    role: &'static str,
    least: u32,
    most: u32,
) -> Result<u32, ImportError> {
    let help = "one bit width for all channels is supported: train and export with one";
    let width = node.one_number(index, role, help)?;
    if width.fract() == 0.0 && (f64::from(least)..=f64::from(most)).contains(&width) {
        return Ok(width as u32);
    }
    let must = match most {
        MAX_BITS => format!("an integer from {least} to {MAX_ACTIVATION_BITS} for activations"),
        _ => format!("an integer from {least} to {most}"),
    };
    Err(node.parameter_error(role, must, width.to_string()))
}

/// `Quant`, also named `IntQuant`
pub(super) fn quant(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let x = node.input(0, "x")?;
    let scale = scale(node, x)?;
    let zero_point = parameter(node, 2, "zero_point", x)?;
    if let Some(value) = find(node, zero_point, |value| value.fract() != 0.0) {
        return Err(node.parameter_error("zero_point", "an integer", value.to_string()));
    }
    // Constants may have more: float32 tells no more than 24 bits of their codes apart.
    let most = if node.graph.constant(x).is_some() { MAX_CONSTANT_BITS } else { MAX_BITS };
    let width = bit_width(node, 3, "bit_width", 1, most)?;
    for name in ["signed", "narrow"] {
        if !node.has_attribute(name) {
            return Err(node.attribute_error(name, "0 or 1", "missing"));
        }
    }
    let (signed, narrow) = (node.flag("signed", true)?, node.flag("narrow", true)?);
    let rounding = rounding(node, "ROUND")?;
    if signed && width == 1 {
        // QONNX defines one signed bit as −1 or +1 by the sign of the quotient, which is the sign of x.
        if node.graph.constant(zero_point).is_none() {
            return Err(node.not_constant("zero_point", zero_point));
        }
        if let Some(value) = find(node, zero_point, |value| value != 0.0) {
            let must = "0 where bit_width is 1 and signed is 1";
            return Err(node.parameter_error("zero_point", must, value.to_string()));
        }
        return add_bipolar(node, x, scale);
    }
    let shape = node.shape(x).to_vec();
    let data_type = result_type(node, x);
    let constants = [x, scale, zero_point].iter().all(|id| node.graph.constant(*id).is_some());
    // Beyond, f64 may not hold what a code stands for. A code of a float has 24 bits that count, however wide it is.
    if constants && find(node, zero_point, |value| value.abs() > MAX_OFFSET).is_none() {
        node.check_finite(x)?;
        let grid = Grid::uniform(width, signed, narrow, rounding);
        let (least, greatest) = grid.range();
        let range = node.extremes(zero_point);
        let range = range.map(|(low, high)| (least.saturating_sub(high), greatest.saturating_sub(low)));
        return node.fold_in(range, shape, data_type, |node| {
            let parameters = [node.data(scale)?, node.data(zero_point)?];
            quantised_constant(node, grid, x, parameters, |code, scale, zero_point| (code - zero_point) * scale)
        });
    }
    let bit_width = node.input(3, "bit_width")?;
    node.emit(Operator::Quant { signed, narrow, rounding }, vec![x, scale, zero_point, bit_width], shape, data_type)
}

/// `MultiThreshold`
pub(super) fn multi_threshold(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (x, thresholds) = (node.input(0, "x")?, node.input(1, "thresholds")?);
    let shape = node.shape(x).to_vec();
    let out_scale = node.float("out_scale")?.unwrap_or(1.0);
    let out_bias = node.float("out_bias")?.unwrap_or(0.0);
    let layout = node.text("data_layout")?.unwrap_or("");
    let channel_axis = match (layout, shape.len()) {
        ("", 3) => 2,
        ("", _) => 1,
        (layout, _) => layout.find('C').unwrap_or(1),
    };
    if channel_axis >= shape.len() {
        return Err(node.shape_error(
            format!("the input must have a channel axis (number {channel_axis}, layout `{layout}`)"),
            format!("shape {shape:?}"),
        ));
    }
    let channels = shape[channel_axis];
    match node.shape(thresholds) {
        [rows, _] if *rows == 1 || *rows == channels => {}
        other => {
            let must = format!("thresholds must have 1 or {channels} rows, one for each index of axis {channel_axis}");
            let found = format!("shape {other:?} for shape {shape:?}");
            let help = match layout {
                "" => {
                    "QONNX takes axis 1 for the channels, but the last one of three axes: where they are another one, say \
                     so by the attribute `data_layout`, such as NCW, NWC or NHWC"
                }
                _ => "the attribute `data_layout` says which axis the channels are: change it, or the thresholds",
            };
            return Err(node.unsupported_shape(must, found, help));
        }
    }
    let data_type = float_result(node, &[x, thresholds])?;
    node.emit(Operator::MultiThreshold { out_scale, out_bias, channel_axis }, vec![x, thresholds], shape, data_type)
}
