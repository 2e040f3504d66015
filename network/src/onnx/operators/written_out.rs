//! Quantisers that a file writes out: rounded to integers, scaled, and limited to a range whose ends are such numbers. Each
//! becomes a `Quant`, whose result is exact from there on, and the scaling behind it.

use crate::graph::{Node, Operator, RoundingMode, Source, ValueId};
use crate::onnx::data_type::DataType;
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;
use crate::tensor::Tensor;

/// Most bits of a quantiser that is recognised.
const MAX_BITS: u32 = 16;

/// What stands before limits.
struct Rounded {
    /// What is rounded.
    value: ValueId,
    rounding: RoundingMode,
    /// The factors behind the rounding, first to last.
    factors: Vec<ValueId>,
    /// The limits, as integers.
    range: (i64, i64),
}

/// Makes the output the quantiser that limits on `x` end, where they do; tells whether.
pub(super) fn quantised(node: &mut NodeContext<'_, '_>, x: ValueId, limits: (f64, f64)) -> Result<bool, ImportError> {
    let Some(Rounded { value, rounding, factors, range: (least, greatest) }) = rounded(node, x, limits) else {
        return Ok(false);
    };
    let (shape, data_type) = (node.shape(x).to_vec(), node.graph.data_type(x));
    let signed = least < 0;
    let magnitude = greatest.max(-(least + 1)).max(1) as f64;
    let bits = (magnitude + 1.0).log2().ceil() as u32 + u32::from(signed);
    if bits > MAX_BITS || (signed && bits < 2) {
        return Ok(false);
    }
    let parameters = [("scale", 1.0), ("zero_point", 0.0), ("bit_width", f64::from(bits))];
    let parameters = parameters.map(|(role, value)| node.add_constant(role, Tensor::scalar(value), DataType::Float32));
    let inputs = [value].into_iter().chain(parameters).collect();
    let quantiser = Operator::Quant { signed, narrow: false, rounding };
    let mut codes = node.emit_part("quantised", quantiser, inputs, shape.clone(), data_type)?;
    let whole = 2i64.pow(bits - u32::from(signed));
    if (least, greatest) != (if signed { -whole } else { 0 }, whole - 1) {
        let limits = Operator::Clip { minimum: least as f64, maximum: greatest as f64 };
        codes = node.emit_part("limited", limits, vec![codes], shape.clone(), data_type)?;
    }
    for factor in factors {
        codes = node.emit_part("scaled", Operator::Mul, vec![codes, factor], shape.clone(), data_type)?;
    }
    node.alias(codes);
    Ok(true)
}

/// What stands before limits, where it is a rounding, factors that are powers of two, and other limits.
fn rounded(node: &NodeContext<'_, '_>, x: ValueId, (mut low, mut high): (f64, f64)) -> Option<Rounded> {
    let (mut value, mut factors) = (x, Vec::new());
    let rounding = loop {
        let Source::Node(id) = node.graph.value(value).source else { return None };
        let Node { operator, inputs, .. } = &node.graph.nodes()[id.0];
        match (operator, inputs.as_slice()) {
            (Operator::Clip { minimum, maximum }, [before]) => {
                (low, high, value) = (low.max(*minimum), high.min(*maximum), *before);
            }
            (Operator::Mul, [one, other]) => {
                let (before, factor) = match node.graph.constant(*one) {
                    Some(_) => (*other, *one),
                    None => (*one, *other),
                };
                let number = node.graph.constant(factor)?.as_scalar().filter(|number| is_power_of_two(*number))?;
                (low, high, value) = (low / number, high / number, before);
                factors.insert(0, factor);
            }
            (Operator::Round, [before]) => break (RoundingMode::HalfEven, *before),
            (Operator::Floor, [before]) => break (RoundingMode::Floor, *before),
            (Operator::Ceil, [before]) => break (RoundingMode::Ceil, *before),
            _ => return None,
        }
        if node.shape(value) != node.shape(x) {
            return None;
        }
    };
    let most = 2f64.powi(MAX_BITS as i32);
    let are_integers = [low, high].iter().all(|limit| limit.fract() == 0.0 && limit.abs() <= most);
    let (rounding, value) = rounding;
    (are_integers && low < high).then_some(Rounded { value, rounding, factors, range: (low as i64, high as i64) })
}

/// Whether a number is a positive power of two, so that limits divided by it are exact.
fn is_power_of_two(number: f64) -> bool {
    number > 0.0 && number.is_normal() && number.to_bits() << 12 == 0
}
