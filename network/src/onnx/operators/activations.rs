//! Activation functions, as arithmetic on limits and few transcendental functions. Each part that rounds in float32 is one
//! that the operator's definition rounds, too: one side of a split at 0 is 0.

use super::arithmetic::unary;
use super::result_type::float_result;
use crate::graph::{Activation, Operator, ValueId};
use crate::onnx::data_type::DataType;
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;
use crate::tensor::Tensor;

/// A transcendental function that is an operator of its own.
pub(super) fn transcendental(node: &mut NodeContext<'_, '_>, activation: Activation) -> Result<(), ImportError> {
    unary(node, Operator::Activation(activation), |_| None)
}

/// The input of a function, and what is made of it step by step.
struct Steps<'n, 'a, 'm> {
    node: &'n mut NodeContext<'a, 'm>,
    x: ValueId,
    shape: Vec<usize>,
    data_type: DataType,
    count: usize,
}

impl<'n, 'a, 'm> Steps<'n, 'a, 'm> {
    fn of(node: &'n mut NodeContext<'a, 'm>) -> Result<Self, ImportError> {
        let x = node.input(0, "X")?;
        let (shape, data_type) = (node.shape(x).to_vec(), float_result(node, &[x])?);
        Ok(Steps { node, x, shape, data_type, count: 0 })
    }

    fn step(&mut self, operator: Operator, inputs: Vec<ValueId>) -> Result<ValueId, ImportError> {
        self.count += 1;
        self.node.emit_part(&format!("step_{}", self.count), operator, inputs, self.shape.clone(), self.data_type)
    }

    fn number(&mut self, value: f64) -> ValueId {
        let name = format!("number_{}", self.count);
        self.node.add_constant(&name, Tensor::scalar(value), self.data_type)
    }

    /// An operation with a number, which comes second.
    fn with(&mut self, operator: Operator, x: ValueId, number: f64) -> Result<ValueId, ImportError> {
        let number = self.number(number);
        self.step(operator, vec![x, number])
    }

    fn at_most_zero(&mut self, x: ValueId) -> Result<ValueId, ImportError> {
        self.step(Operator::Clip { minimum: f64::NEG_INFINITY, maximum: 0.0 }, vec![x])
    }

    /// max(αx + β, 0), at most 1
    fn hard_sigmoid(&mut self, alpha: f64, beta: f64) -> Result<ValueId, ImportError> {
        let scaled = self.with(Operator::Mul, self.x, alpha)?;
        let shifted = self.with(Operator::Add, scaled, beta)?;
        self.step(Operator::Clip { minimum: 0.0, maximum: 1.0 }, vec![shifted])
    }

    /// x where it is at least 0, else `slope` times x.
    fn sloped(mut self, slope: ValueId) -> Result<(), ImportError> {
        let above = self.step(Operator::Relu, vec![self.x])?;
        let negated = self.step(Operator::Neg, vec![self.x])?;
        let below = self.step(Operator::Relu, vec![negated])?;
        let below = self.step(Operator::Mul, vec![below, slope])?;
        self.finish(Operator::Sub, vec![above, below])
    }

    /// x where it is at least 0, else `alpha` · (e^(x / `over`) − 1); all of it times `factor`.
    fn exponential_below(mut self, alpha: f64, over: f64, factor: f64) -> Result<(), ImportError> {
        let above = self.step(Operator::Relu, vec![self.x])?;
        let below = self.at_most_zero(self.x)?;
        let below = if over == 1.0 { below } else { self.with(Operator::Div, below, over)? };
        let below = self.step(Operator::Activation(Activation::Elu), vec![below])?;
        let below = self.with(Operator::Mul, below, alpha)?;
        if factor == 1.0 {
            return self.finish(Operator::Add, vec![above, below]);
        }
        let sum = self.step(Operator::Add, vec![above, below])?;
        let factor = self.number(factor);
        self.finish(Operator::Mul, vec![sum, factor])
    }

    /// x · `gate`
    fn gated(self, gate: ValueId) -> Result<(), ImportError> {
        let x = self.x;
        self.finish(Operator::Mul, vec![x, gate])
    }

    /// x / 2 · (1 + `gate`)
    fn half_gated(mut self, gate: ValueId) -> Result<(), ImportError> {
        let gate = self.with(Operator::Add, gate, 1.0)?;
        let half = self.with(Operator::Mul, self.x, 0.5)?;
        self.finish(Operator::Mul, vec![half, gate])
    }

    fn finish(self, operator: Operator, inputs: Vec<ValueId>) -> Result<(), ImportError> {
        let Steps { node, shape, data_type, .. } = self;
        node.emit(operator, inputs, shape, data_type)
    }
}

/// An attribute that is a float32 with a value where it is left out.
fn parameter(node: &NodeContext<'_, '_>, name: &'static str, otherwise: f32) -> Result<f64, ImportError> {
    Ok(node.float(name)?.unwrap_or(f64::from(otherwise)))
}

/// `LeakyRelu`
pub(super) fn leaky_relu(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let alpha = parameter(node, "alpha", 0.01)?;
    let mut steps = Steps::of(node)?;
    let slope = steps.number(alpha);
    steps.sloped(slope)
}

/// `PRelu`
pub(super) fn p_relu(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (x, slope) = (node.input(0, "X")?, node.input(1, "slope")?);
    if node.graph.constant(slope).is_none() {
        return Err(node.not_constant("slope", slope));
    }
    if node.broadcast(node.shape(x), node.shape(slope))? != node.shape(x) {
        let found = format!("{:?} for {:?}", node.shape(slope), node.shape(x));
        return Err(node.shape_error("`slope` must broadcast to the input's shape", found));
    }
    Steps::of(node)?.sloped(slope)
}

/// `HardSigmoid`
pub(super) fn hard_sigmoid(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (alpha, beta) = (parameter(node, "alpha", 0.2)?, parameter(node, "beta", 0.5)?);
    let gate = Steps::of(node)?.hard_sigmoid(alpha, beta)?;
    node.alias(gate);
    Ok(())
}

/// `HardSwish`
pub(super) fn hard_swish(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let mut steps = Steps::of(node)?;
    let gate = steps.hard_sigmoid(f64::from(1.0f32 / 6.0), 0.5)?;
    steps.gated(gate)
}

/// `Elu`
pub(super) fn elu(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    match parameter(node, "alpha", 1.0)? {
        1.0 => transcendental(node, Activation::Elu),
        alpha => Steps::of(node)?.exponential_below(alpha, 1.0, 1.0),
    }
}

/// `Selu`
pub(super) fn selu(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (alpha, gamma) = (parameter(node, "alpha", 1.673_263_2)?, parameter(node, "gamma", 1.050_701)?);
    Steps::of(node)?.exponential_below(alpha, 1.0, gamma)
}

/// `Celu`
pub(super) fn celu(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let alpha = parameter(node, "alpha", 1.0)?;
    if alpha <= 0.0 {
        // With a negative one it is the exponential of what grows.
        return Err(node.attribute_error("alpha", "greater than 0", alpha.to_string()));
    }
    Steps::of(node)?.exponential_below(alpha, alpha, 1.0)
}

/// `Gelu`, by the error function or by the hyperbolic tangent
pub(super) fn gelu(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let by_tangent = match node.text("approximate")?.unwrap_or("none") {
        "none" => false,
        "tanh" => true,
        other => return Err(node.attribute_error("approximate", "none or tanh", format!("`{other}`"))),
    };
    let mut steps = Steps::of(node)?;
    let gate = if by_tangent {
        let cube = steps.with(Operator::Pow, steps.x, 3.0)?;
        let cube = steps.with(Operator::Mul, cube, f64::from(0.044_715f32))?;
        let sum = steps.step(Operator::Add, vec![steps.x, cube])?;
        let scaled =
            steps.with(Operator::Mul, sum, f64::from(std::f32::consts::FRAC_2_SQRT_PI / std::f32::consts::SQRT_2))?;
        steps.step(Operator::Activation(Activation::Tanh), vec![scaled])?
    } else {
        let scaled = steps.with(Operator::Div, steps.x, f64::from(std::f32::consts::SQRT_2))?;
        steps.step(Operator::Activation(Activation::Erf), vec![scaled])?
    };
    steps.half_gated(gate)
}

/// x · sigmoid(αx): `Swish`, and onnxruntime's `QuickGelu`
pub(super) fn swish(node: &mut NodeContext<'_, '_>, otherwise: f32) -> Result<(), ImportError> {
    let alpha = parameter(node, "alpha", otherwise)?;
    let mut steps = Steps::of(node)?;
    let scaled = if alpha == 1.0 { steps.x } else { steps.with(Operator::Mul, steps.x, alpha)? };
    let gate = steps.step(Operator::Activation(Activation::Sigmoid), vec![scaled])?;
    steps.gated(gate)
}

/// `Mish`
pub(super) fn mish(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let mut steps = Steps::of(node)?;
    let softplus = steps.step(Operator::Activation(Activation::Softplus), vec![steps.x])?;
    let gate = steps.step(Operator::Activation(Activation::Tanh), vec![softplus])?;
    steps.gated(gate)
}

/// `Softsign`
pub(super) fn softsign(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let mut steps = Steps::of(node)?;
    let magnitude = steps.step(Operator::Abs, vec![steps.x])?;
    let divisor = steps.with(Operator::Add, magnitude, 1.0)?;
    let x = steps.x;
    steps.finish(Operator::Div, vec![x, divisor])
}

/// `Reciprocal`
pub(super) fn reciprocal(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let mut steps = Steps::of(node)?;
    let (x, one) = (steps.x, steps.number(1.0));
    steps.finish(Operator::Div, vec![one, x])
}
