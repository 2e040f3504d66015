//! Element-wise operators.

use super::cancelled::cancelled;
use super::quantized::limited_integers;
use super::result_type::float_result;
use super::written_out;
use crate::graph::{Operator, ValueId};
use crate::onnx::data_type::{DataType, Kind};
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;
use crate::tensor::broadcast_indices;

/// Integers beyond are not exact in a tensor's f64.
const MAX_EXACT: i64 = 1 << 53;

fn is_constant_integer(node: &NodeContext<'_, '_>, id: ValueId) -> bool {
    node.graph.constant(id).is_some() && node.graph.data_type(id).kind() == Kind::Integer
}

fn exact(node: &NodeContext<'_, '_>, result: Option<i64>, data_type: DataType) -> Result<f64, ImportError> {
    let (least, greatest) = data_type.integer_range().unwrap_or((0, 0));
    let in_range =
        |value: &i64| value.unsigned_abs() <= MAX_EXACT as u64 && (least..=greatest).contains(&i128::from(*value));
    result.filter(in_range).map(|value| value as f64).ok_or_else(|| ImportError::IntegerArithmetic {
        place: node.place(),
        found: format!("a result is undefined or outside the range of {data_type:?} or of 53 bits"),
    })
}

/// A two-operand operator: folded on integers and floats.
pub(super) fn binary(
    node: &mut NodeContext<'_, '_>,
    operator: Operator,
    on_integers: fn(i64, i64) -> Option<i64>,
) -> Result<(), ImportError> {
    let (a, b) = (node.input(0, "A")?, node.input(1, "B")?);
    let shape = node.broadcast(node.shape(a), node.shape(b))?;
    if is_constant_integer(node, a) && is_constant_integer(node, b) {
        let data_type = node.graph.data_type(a);
        return node.fold(shape.clone(), data_type, |node| {
            let (left, right) = (node.data(a)?, node.data(b)?);
            broadcast_indices(&left.shape, &shape)
                .into_iter()
                .zip(broadcast_indices(&right.shape, &shape))
                .map(|(i, j)| exact(node, on_integers(left.data[i] as i64, right.data[j] as i64), data_type))
                .collect()
        });
    }
    let data_type = float_result(node, &[a, b])?;
    if operator == Operator::Add
        && let Some(rest) = cancelled(node, a, b)
    {
        node.alias(rest);
        return Ok(());
    }
    if operator == Operator::Div
        && let Some(index) = node.graph.constant(b).and_then(|b| b.data.iter().position(|value| *value == 0.0))
    {
        return Err(node.parameter_error("B", "other than 0", format!("0 at element {index}")));
    }
    node.emit(operator, vec![a, b], shape, data_type)
}

/// `Pow` of integers
pub(super) fn power(base: i64, exponent: i64) -> Option<i64> {
    base.checked_pow(u32::try_from(exponent).ok()?)
}

/// A one-operand operator: folded on integers and floats.
pub(super) fn unary(
    node: &mut NodeContext<'_, '_>,
    operator: Operator,
    on_integers: fn(i64) -> Option<i64>,
) -> Result<(), ImportError> {
    let input = node.input(0, "X")?;
    let shape = node.shape(input).to_vec();
    if is_constant_integer(node, input) {
        let data_type = node.graph.data_type(input);
        return node.fold(shape, data_type, |node| {
            node.data(input)?.data.iter().map(|value| exact(node, on_integers(*value as i64), data_type)).collect()
        });
    }
    let data_type = float_result(node, &[input])?;
    node.emit(operator, vec![input], shape, data_type)
}

/// A one-operand operator whose result is exact: folded on every constant, because weights pass through it.
pub(super) fn exact_unary(
    node: &mut NodeContext<'_, '_>,
    operator: Operator,
    value: impl Fn(f64) -> f64,
) -> Result<(), ImportError> {
    let input = node.input(0, "X")?;
    exact_unary_of(node, input, operator, value)
}

fn exact_unary_of(
    node: &mut NodeContext<'_, '_>,
    input: ValueId,
    operator: Operator,
    value: impl Fn(f64) -> f64,
) -> Result<(), ImportError> {
    let shape = node.shape(input).to_vec();
    if node.graph.constant(input).is_some() {
        node.check_finite(input)?;
        let data_type = node.graph.data_type(input);
        return node.fold(shape, data_type, |node| Ok(node.data(input)?.data.iter().map(|x| value(*x)).collect()));
    }
    let data_type = float_result(node, &[input])?;
    node.emit(operator, vec![input], shape, data_type)
}

/// `Sign`
pub(super) fn sign(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    exact_unary(node, Operator::Sign, |x| if x == 0.0 { 0.0 } else { x.signum() })
}

/// `Clip`, whose limits are attributes before operator set 11 and inputs from then on
pub(super) fn clip(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let limit = |name, index, open: f64| match node.any_float(name)? {
        Some(value) => Ok(value),
        None if node.optional_input(index).is_some() => node.scalar(index, name),
        None => Ok(open),
    };
    let (minimum, maximum) = (limit("min", 1, f64::NEG_INFINITY)?, limit("max", 2, f64::INFINITY)?);
    limited(node, minimum, maximum)
}

fn limited(node: &mut NodeContext<'_, '_>, minimum: f64, maximum: f64) -> Result<(), ImportError> {
    if minimum.is_nan() || maximum.is_nan() || minimum > maximum {
        return Err(node.parameter_error("limits", "ordered numbers", format!("{minimum} and {maximum}")));
    }
    let input = tensor_input(node)?;
    let data_type = node.graph.data_type(input);
    match (node.graph.constant(input).is_some(), data_type.integer_range()) {
        (false, Some(_)) => limited_integers(node, input, minimum, maximum),
        (true, Some((least, greatest))) => {
            let shape = node.shape(input).to_vec();
            let (least, greatest) = node.graph.range(input).unwrap_or((least as i64, greatest as i64));
            let within = |limit: i64| (limit as f64).clamp(minimum, maximum) as i64;
            node.fold_in(Some((within(least), within(greatest))), shape, data_type, |node| {
                Ok(node.data(input)?.data.iter().map(|x| x.clamp(minimum, maximum)).collect())
            })
        }
        (false, None) if written_out::quantised(node, input, (minimum, maximum))? => Ok(()),
        (_, None) => exact_unary_of(node, input, Operator::Clip { minimum, maximum }, |x| x.clamp(minimum, maximum)),
    }
}

/// `Relu`
pub(super) fn relu(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "X")?;
    match node.graph.data_type(input).kind() {
        Kind::Integer => limited(node, 0.0, f64::INFINITY),
        Kind::Float | Kind::Boolean => exact_unary_of(node, input, Operator::Relu, |x| x.max(0.0)),
    }
}

/// `Max` of a tensor and one number
pub(super) fn maximum(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let bound = bound(node)?;
    limited(node, bound, f64::INFINITY)
}

/// `Min` of a tensor and one number
pub(super) fn minimum(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let bound = bound(node)?;
    limited(node, f64::NEG_INFINITY, bound)
}

/// The input that limits are put on: the first, or of a `Max` or `Min` the one that is not constant.
fn tensor_input(node: &NodeContext<'_, '_>) -> Result<ValueId, ImportError> {
    let first = node.input(0, "X")?;
    let is_bound = node.graph.constant(first).is_some() && matches!(node.operator(), "Max" | "Min");
    match node.optional_input(1) {
        Some(second) if is_bound && node.graph.constant(second).is_none() => Ok(second),
        _ => Ok(first),
    }
}

/// The number that a `Max` or `Min` compares all elements with.
fn bound(node: &NodeContext<'_, '_>) -> Result<f64, ImportError> {
    const HELP: &str = "Max and Min are supported with one number for all elements: use one there, such as 0 for Relu, or \
                        a quantiser, whose range limits its values";
    if node.input_count() != 2 {
        let found = format!("{} inputs", node.input_count());
        return Err(node.unsupported_shape("there must be a tensor and one number", found, HELP));
    }
    let (tensor, first) = (tensor_input(node)?, node.input(0, "data_0")?);
    let index = usize::from(tensor == first);
    let rank = node.shape(node.input(index, "data_1")?).len();
    if rank > node.shape(tensor).len() {
        let must = "the bound must have no more axes than the tensor";
        return Err(node.unsupported_shape(must, format!("{rank} axes"), HELP));
    }
    node.one_number(index, "data_1", HELP)
}
