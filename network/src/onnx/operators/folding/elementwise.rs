//! Functions of single elements.

use super::{all_inputs, broadcast};
use crate::onnx::data_type::{DataType, Kind};
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;

/// Folds a function of single elements, and tells whether the operator is one.
pub(super) fn fold(node: &mut NodeContext<'_, '_>, operator: &str) -> Result<bool, ImportError> {
    let inputs = all_inputs(node);
    let Some(own) = inputs.first().map(|input| node.graph.data_type(*input)) else { return Ok(false) };
    let truth = |holds: bool| f64::from(u8::from(holds));
    if let Some(function) = unary(node, operator)? {
        broadcast(node, &inputs[..1], own, |x| function(x[0]))?;
    } else if operator == "IsInf" {
        let (positive, negative) = (node.flag("detect_positive", true)?, node.flag("detect_negative", true)?);
        let holds = move |x: f64| x.is_infinite() && if x > 0.0 { positive } else { negative };
        broadcast(node, &inputs[..1], DataType::Bool, |x| truth(holds(x[0])))?;
    } else if let Some(holds) = comparison(operator) {
        broadcast(node, &inputs, DataType::Bool, |x| truth(holds(x[0], x.get(1).copied().unwrap_or(0.0))))?;
    } else if let Some(function) = binary(node, operator, own)? {
        broadcast(node, &inputs, own, |x| function(x[0], x.get(1).copied().unwrap_or(0.0)))?;
    } else {
        let over = |f: fn(f64, f64) -> f64| move |x: &[f64]| x.iter().copied().reduce(f).unwrap_or(0.0);
        match operator {
            "Max" => broadcast(node, &inputs, own, over(f64::max))?,
            "Min" => broadcast(node, &inputs, own, over(f64::min))?,
            "Sum" => broadcast(node, &inputs, own, over(|a, b| a + b))?,
            "Mean" => broadcast(node, &inputs, own, |x| x.iter().sum::<f64>() / x.len() as f64)?,
            _ => return Ok(false),
        }
    }
    Ok(true)
}

type Unary = Box<dyn Fn(f64) -> f64>;

fn unary(node: &NodeContext<'_, '_>, operator: &str) -> Result<Option<Unary>, ImportError> {
    let float = |name, default: f64| Ok::<f64, ImportError>(node.float(name)?.unwrap_or(default));
    let plain: fn(f64) -> f64 = match operator {
        "Exp" => f64::exp,
        "Log" => f64::ln,
        "Reciprocal" => f64::recip,
        "Sin" => f64::sin,
        "Cos" => f64::cos,
        "Tan" => f64::tan,
        "Asin" => f64::asin,
        "Acos" => f64::acos,
        "Atan" => f64::atan,
        "Sinh" => f64::sinh,
        "Cosh" => f64::cosh,
        "Tanh" => f64::tanh,
        "Asinh" => f64::asinh,
        "Acosh" => f64::acosh,
        "Atanh" => f64::atanh,
        "Sigmoid" => |x| 1.0 / (1.0 + (-x).exp()),
        "Softplus" => |x| x.exp().ln_1p(),
        "Softsign" => |x| x / (1.0 + x.abs()),
        "HardSwish" => |x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        "Not" => |x| f64::from(u8::from(x == 0.0)),
        "HardSigmoid" => {
            let (alpha, beta) = (float("alpha", f64::from(0.2f32))?, float("beta", 0.5)?);
            return Ok(Some(Box::new(move |x| (alpha * x + beta).clamp(0.0, 1.0))));
        }
        "LeakyRelu" => {
            let alpha = float("alpha", f64::from(0.01f32))?;
            return Ok(Some(Box::new(move |x| if x < 0.0 { alpha * x } else { x })));
        }
        "Elu" => {
            let alpha = float("alpha", 1.0)?;
            return Ok(Some(Box::new(move |x| if x < 0.0 { alpha * x.exp_m1() } else { x })));
        }
        _ => return Ok(None),
    };
    Ok(Some(Box::new(plain)))
}

fn comparison(operator: &str) -> Option<fn(f64, f64) -> bool> {
    Some(match operator {
        "Equal" => |a, b| a == b,
        "Greater" => |a, b| a > b,
        "GreaterOrEqual" => |a, b| a >= b,
        "Less" => |a, b| a < b,
        "LessOrEqual" => |a, b| a <= b,
        "And" => |a, b| a != 0.0 && b != 0.0,
        "Or" => |a, b| a != 0.0 || b != 0.0,
        "Xor" => |a, b| (a != 0.0) != (b != 0.0),
        "IsNaN" => |a, _| a.is_nan(),
        _ => return None,
    })
}

type Binary = Box<dyn Fn(f64, f64) -> f64>;

fn binary(node: &NodeContext<'_, '_>, operator: &str, data_type: DataType) -> Result<Option<Binary>, ImportError> {
    // The sign of the divisor, unless fmod is asked for.
    let floored = |a: f64, b: f64| {
        let rest = a % b;
        if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }
    };
    let integers = |f: fn(i64, i64) -> i64| move |a: f64, b: f64| f(a as i64, b as i64) as f64;
    let is_integer = data_type.kind() == Kind::Integer;
    Ok(Some(match operator {
        "Mod" if node.flag("fmod", false)? => Box::new(|a, b| a % b),
        "Mod" => Box::new(floored),
        "PRelu" => Box::new(|x, slope| if x < 0.0 { slope * x } else { x }),
        "BitwiseAnd" if is_integer => Box::new(integers(|a, b| a & b)),
        "BitwiseOr" if is_integer => Box::new(integers(|a, b| a | b)),
        "BitwiseXor" if is_integer => Box::new(integers(|a, b| a ^ b)),
        "BitShift" if is_integer => match node.text("direction")? {
            Some("LEFT") => Box::new(|a, b| a * b.exp2()),
            _ => Box::new(|a, b| (a / b.exp2()).floor()),
        },
        _ => return Ok(None),
    }))
}
