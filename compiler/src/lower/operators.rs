//! Each operator's effect on what is known of its input.

use super::LowerError;
use super::chain::{Binary, Constant, Function, Quantiser};
use super::symbol::{Data, Parameter, Step};
use abi::ElementType;
use network::graph::{Node, RoundingMode};
use network::kernel::{Quantize, Requantize, Table};
use network::tensor::{Tensor, broadcast_indices};
use std::sync::Arc;

/// The parameter that `constants` of shape `from` are to elements of shape `to`.
pub fn parameter(constants: &Arc<Vec<Constant>>, from: &[usize], to: &[usize]) -> Parameter {
    if let [constant] = constants.as_slice() {
        return Parameter::uniform(constant.clone());
    }
    // The usual case: some neighbouring axes are there in full, the others broadcast.
    let missing = to.len() - from.len();
    let is_wide = |axis: &usize| *axis >= missing && from[axis - missing] != 1;
    let (first, last) = ((0..to.len()).find(is_wide).unwrap_or(0), (0..to.len()).rfind(is_wide).unwrap_or(0));
    if (first..=last).all(|axis| axis >= missing && from[axis - missing] == to[axis]) {
        return Parameter::repeated(constants.to_vec(), to[last + 1..].iter().product());
    }
    let indices = broadcast_indices(from, to);
    Parameter::per_element(Arc::new(indices.into_iter().map(|index| constants[index].clone()).collect()))
}

/// The steps of a batch normalisation of elements of shape `shape`, as real arithmetic has it.
pub fn batch_normalization(data: Data, shape: &[usize], tensors: [&Tensor; 4], epsilon: f64) -> Data {
    let [scale, bias, mean, variance] = tensors;
    let along_channels = |constant: &dyn Fn(usize) -> Constant| {
        let per_channel: Arc<Vec<Constant>> = Arc::new((0..scale.len()).map(constant).collect());
        let mut from = vec![1; shape.len()];
        from[1] = scale.len();
        parameter(&per_channel, &from, shape)
    };
    let float = |tensor: &Tensor, channel: usize| Constant::Float(tensor.data[channel]);
    let deviation = |channel: usize| {
        let sum = float(variance, channel).binary(Binary::Add, Constant::Float(epsilon));
        sum.square_root()
    };
    data.then(Step::with(Binary::Subtract, along_channels(&|channel| float(mean, channel))))
        .then(Step::with(Binary::Divide, along_channels(&deviation)))
        .then(Step::with(Binary::Multiply, along_channels(&|channel| float(scale, channel))))
        .then(Step::with(Binary::Add, along_channels(&|channel| float(bias, channel))))
}

/// The steps of a batch normalisation of floats, as onnxruntime has it: a factor and a summand for each channel, each
/// operation float32's.
pub fn float_batch_normalization(data: Data, shape: &[usize], tensors: [&Tensor; 4], epsilon: f64) -> Data {
    let [scale, bias, mean, variance] = tensors.map(|tensor| tensor.data.iter().map(|value| *value as f32));
    let deviations = variance.map(|variance| 1.0 / (variance + epsilon as f32).sqrt());
    let factors: Vec<f32> = scale.zip(deviations).map(|(scale, deviation)| scale * deviation).collect();
    let summands: Vec<f32> = bias.zip(mean).zip(&factors).map(|((bias, mean), factor)| bias - mean * factor).collect();
    let along_channels = |floats: &[f32]| {
        let constants = floats.iter().map(|value| Constant::Float(f64::from(*value))).collect();
        let mut from = vec![1; shape.len()];
        from[1] = floats.len();
        parameter(&Arc::new(constants), &from, shape)
    };
    data.then(Step::with(Binary::Multiply, along_channels(&factors)))
        .ended()
        .then(Step::with(Binary::Add, along_channels(&summands)))
}

/// What a quantiser does: a code, and the way back from the code to the value it stands for.
pub struct Quantisation {
    /// The quantiser of each element's channel function.
    pub quantisers: Vec<Quantiser>,
    /// Type of the codes.
    pub element: ElementType,
    /// From codes to values.
    pub back: Vec<Step>,
}

fn times(parameter: Parameter) -> Step {
    Step::with(Binary::Multiply, parameter)
}

/// The QONNX `BipolarQuant`.
pub fn bipolar_quant(elements: usize, scale: Parameter) -> Quantisation {
    Quantisation {
        quantisers: vec![Quantiser::Bipolar; elements],
        element: ElementType::Bipolar,
        back: vec![times(scale)],
    }
}

/// The ONNX `Sign`: three values, of which zero may turn out not to occur.
pub fn sign(elements: usize) -> Quantisation {
    Quantisation {
        quantisers: vec![Quantiser::Sign; elements],
        element: ElementType::Signed { bits: 2 },
        back: Vec::new(),
    }
}

/// The attributes and width of a QONNX `Quant`.
pub struct QuantFormat {
    /// Whether the integers are signed.
    pub signed: bool,
    /// Whether the extreme integer is left out.
    pub narrow: bool,
    /// How the quotient is rounded.
    pub rounding: RoundingMode,
    /// Bits of an integer.
    pub bits: u32,
}

impl QuantFormat {
    /// The least and the greatest integer.
    fn range(&self) -> (i64, i64) {
        let narrow = i64::from(self.narrow);
        if self.signed {
            (-(1 << (self.bits - 1)) + narrow, (1 << (self.bits - 1)) - 1)
        } else {
            (0, (1 << self.bits) - 1 - narrow)
        }
    }
}

/// The QONNX `Quant`. A signed single bit is bipolar, as the QONNX executor has it.
pub fn quant(elements: usize, format: &QuantFormat, scale: Parameter, zero_point: Parameter) -> Quantisation {
    let (minimum, maximum) = format.range();
    if format.signed && format.bits == 1 {
        return bipolar_quant(elements, scale);
    }
    let quantisers = (0..elements)
        .map(|element| Quantiser::Uniform {
            scale: scale.at(element).clone(),
            zero_point: zero_point.at(element).clone(),
            minimum,
            maximum,
            rounding: format.rounding,
        })
        .collect();
    let element = if format.signed {
        ElementType::Signed { bits: format.bits }
    } else {
        ElementType::Unsigned { bits: format.bits }
    };
    let unshift = Step::with(Binary::Subtract, zero_point);
    Quantisation { quantisers, element, back: vec![unshift, times(scale)] }
}

/// The ONNX `QuantizeLinear` to integers of a range: its result is the code itself.
pub fn quantize_linear(
    elements: usize,
    (minimum, maximum): (i64, i64),
    scale: &Parameter,
    zero_point: &Parameter,
) -> Option<Quantisation> {
    let quantisers = (0..elements).map(|element| {
        let (scale, zero_point) = (scale.at(element).clone(), zero_point.at(element).as_integer()?);
        Some(Quantiser::Linear { scale, zero_point, minimum, maximum })
    });
    let element = ElementType::holding(minimum, maximum);
    Some(Quantisation { quantisers: quantisers.collect::<Option<_>>()?, element, back: Vec::new() })
}

/// Sums times factors.
pub fn requantize(elements: usize, requantize: &Requantize, channel_of: impl Fn(usize) -> usize) -> Quantisation {
    let codes = requantize.codes;
    let quantiser = |element| Quantiser::Multiply { factor: requantize.factor(channel_of(element)), codes };
    let element = ElementType::holding(codes.minimum, codes.maximum);
    Quantisation { quantisers: (0..elements).map(quantiser).collect(), element, back: Vec::new() }
}

/// Functions of codes by tables.
pub fn table(elements: usize, table: &Table, channel_of: impl Fn(usize) -> usize) -> Quantisation {
    let quantiser = |element| Quantiser::Table { first: table.first, values: table.row(channel_of(element)).clone() };
    let values = || table.rows.iter().flat_map(|row| row.iter().map(|value| i64::from(*value)));
    let element = ElementType::holding(values().min().unwrap_or(0), values().max().unwrap_or(0));
    Quantisation { quantisers: (0..elements).map(quantiser).collect(), element, back: Vec::new() }
}

/// TensorFlow Lite's codes of floats.
pub fn quantize_floats(elements: usize, quantize: Quantize) -> Quantisation {
    let element = ElementType::holding(quantize.codes.minimum, quantize.codes.maximum);
    Quantisation { quantisers: vec![Quantiser::Float(quantize); elements], element, back: Vec::new() }
}

/// The QONNX `MultiThreshold`. Two levels that lie symmetrically about zero are bipolar.
pub fn multi_threshold(
    channel_of: impl Fn(usize) -> usize,
    elements: usize,
    thresholds: &Tensor,
    out_scale: f64,
    out_bias: f64,
) -> Quantisation {
    let levels = thresholds.shape[1];
    let rows: Vec<Arc<Vec<f64>>> = thresholds.data.chunks(levels.max(1)).map(|row| Arc::new(row.to_vec())).collect();
    let bipolar = levels == 1 && out_scale == -2.0 * out_bias;
    let (first, step) = if bipolar { (-1, 2) } else { (0, 1) };
    let quantiser = |element: usize| {
        let row = if rows.len() == 1 { 0 } else { channel_of(element) };
        Quantiser::Thresholds { thresholds: rows[row].clone(), first, step }
    };
    let quantisers = (0..elements).map(quantiser).collect();
    let constant = |value| Parameter::uniform(Constant::Float(value));
    let (element, back) = if bipolar {
        (ElementType::Bipolar, vec![times(constant(-out_bias))])
    } else {
        let shift = Step::with(Binary::Add, constant(out_bias));
        (ElementType::holding(0, levels as i64), vec![times(constant(out_scale)), shift])
    };
    Quantisation { quantisers, element, back }
}

/// The function step of an operator without constants, `None` for other operators.
pub fn unary(operator: &network::graph::Operator) -> Option<Vec<Step>> {
    use network::graph::Operator;
    let function = |function| Some(vec![Step::Function(function)]);
    match operator {
        Operator::Relu => function(Function::Clip(0.0, f64::INFINITY)),
        Operator::Clip { minimum, maximum } => function(Function::Clip(*minimum, *maximum)),
        Operator::Abs => function(Function::Absolute),
        Operator::Round => function(Function::Round(RoundingMode::HalfEven)),
        Operator::Floor => function(Function::Round(RoundingMode::Floor)),
        Operator::Ceil => function(Function::Round(RoundingMode::Ceil)),
        Operator::Sqrt => function(Function::SquareRoot),
        Operator::Activation(activation) => function(Function::Activation(*activation)),
        Operator::Neg => Some(vec![times(Parameter::uniform(Constant::Float(-1.0)))]),
        _ => None,
    }
}

/// The steps of x to the power of `exponent`: positive integers, one half and their reciprocals.
///
/// # Errors
/// For other exponents.
pub fn power(node: &Node, exponent: f64) -> Result<Vec<Step>, LowerError> {
    let reciprocal =
        Step::Binary { operation: Binary::Divide, reversed: true, parameter: Parameter::uniform(Constant::Float(1.0)) };
    let magnitude = exponent.abs();
    let mut steps = if magnitude == 0.5 {
        vec![Step::Function(Function::SquareRoot)]
    } else if magnitude.fract() == 0.0 && (1.0..=16.0).contains(&magnitude) {
        vec![Step::Function(Function::Power(magnitude as u32))]
    } else {
        return Err(LowerError::Unsupported {
            node: node.name.clone(),
            operator: node.operator.name(),
            must: "have an exponent of ±0.5 or an integer of magnitude 1 to 16",
            found: format!("its exponent is {exponent}"),
            help: "replace the power by an activation that is supported, such as Relu or Clip",
        });
    };
    if exponent < 0.0 {
        steps.push(reciprocal);
    }
    Ok(steps)
}
