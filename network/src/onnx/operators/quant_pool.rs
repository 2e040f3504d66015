//! FINN's `QuantAvgPool2d`: sums over windows of integers, of which the highest bits are kept.

use super::channels_last::{channels_first, emit_channels_last};
use crate::graph::{Operator, RoundingMode, Window};
use crate::onnx::data_type::DataType;
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;
use crate::tensor::Tensor;

/// Most bits of integers, in and out.
const MAX_BITS: i64 = 16;

/// `QuantAvgPool2d`
pub(super) fn quant_average_pool(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let number = |name: &'static str, range: std::ops::RangeInclusive<i64>| match node.integer(name)? {
        Some(value) if range.contains(&value) => Ok(value),
        value => {
            let found = value.map_or("missing".into(), |value| value.to_string());
            Err(node.attribute_error(name, format!("an integer from {} to {}", range.start(), range.end()), found))
        }
    };
    let (kernel, stride) = (number("kernel", 1..=1 << 15)?, number("stride", 1..=1 << 15)?);
    let (before, behind) = (number("ibits", 1..=MAX_BITS)?, number("obits", 1..=MAX_BITS)?);
    let signed = node.flag("signed", false)?;
    let is_last = match node.text("data_layout")?.unwrap_or("NCHW") {
        "NCHW" => false,
        "NHWC" => true,
        other => return Err(node.attribute_error("data_layout", "NCHW or NHWC", format!("`{other}`"))),
    };
    let mut x = node.input(0, "x")?;
    if is_last {
        x = channels_first(node, "input", x)?;
    }
    let &[1, channels, height, width] = node.shape(x) else {
        let found = format!("shape {:?}", node.shape(x));
        return Err(node.shape_error("the input must have one image with two spatial axes", found));
    };
    let window = Window { strides: vec![stride as usize; 2], ..Window::of(vec![kernel as usize; 2]) };
    let Some(spatial) = window.output_extents(&[height, width]) else {
        let (must, found) = ("a window must fit into the input".into(), format!("{kernel} in {height} x {width}"));
        return Err(ImportError::Window { place: node.place(), must, found });
    };
    let shape: Vec<usize> = [1, channels].into_iter().chain(spatial).collect();
    let taps = (kernel * kernel) as f64;
    let greatest = (2f64.powi(before as i32) - 1.0) * taps;
    let shift = ((greatest + 1.0).log2().ceil() as i64 - behind).max(0);
    let pool = Operator::AveragePool { window, count_include_pad: false };
    let mean = node.emit_part("mean", pool, vec![x], shape.clone(), DataType::Float32)?;
    let constant = |node: &mut NodeContext<'_, '_>, role: &str, value: f64| {
        node.add_constant(role, Tensor::scalar(value), DataType::Float32)
    };
    let taps = constant(node, "taps", taps);
    let sum = node.emit_part("sum", Operator::Mul, vec![mean, taps], shape.clone(), DataType::Float32)?;
    let divisor = 2f64.powi(shift as i32);
    let parameters = [("divisor", divisor), ("zero", 0.0), ("bits", behind as f64)];
    let parameters = parameters.map(|(role, value)| constant(node, role, value));
    let inputs = [sum].into_iter().chain(parameters).collect();
    let quantiser = Operator::Quant { signed, narrow: false, rounding: RoundingMode::Floor };
    let codes = node.emit_part("shifted", quantiser, inputs, shape.clone(), DataType::Float32)?;
    let factor = constant(node, "factor", 1.0 / divisor);
    if !is_last {
        return node.emit(Operator::Mul, vec![codes, factor], shape, DataType::Float32);
    }
    let pooled = node.emit_part("pooled", Operator::Mul, vec![codes, factor], shape, DataType::Float32)?;
    emit_channels_last(node, pooled)
}
