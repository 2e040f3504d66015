//! Functions of one code, each as a table; and the ends of a model, where codes are made of floats and floats of codes.

use crate::graph::{Operator, ValueId};
use crate::kernel::{Codes, Kernel, Quantize, Table};
use crate::tflite::error::TfliteError;
use crate::tflite::importer::{Grid, Importer, MALFORMED, Op, QUANTISE, Real};
use crate::tflite::schema::Kind;
use abi::fixed_point::{Multiplier, rounding_shift, saturated};
use abi::maps::Softmax;
use std::sync::Arc;

impl Importer<'_> {
    /// A function of a value's codes, for each of `channels.0` channels along axis `channels.1`, as a part of an operator.
    pub(super) fn table(
        &mut self,
        op: Op,
        value: ValueId,
        codes: Codes,
        channels: (usize, usize),
        role: &str,
        function: impl Fn(usize, i64) -> i64,
    ) -> ValueId {
        let name = format!("{}_{role}", self.stem(op.output));
        self.named_table(&name, value, codes, channels, function)
    }

    /// As [`table`](Self::table), under a name.
    pub(super) fn named_table(
        &mut self,
        name: &str,
        value: ValueId,
        codes: Codes,
        (channels, channel_axis): (usize, usize),
        function: impl Fn(usize, i64) -> i64,
    ) -> ValueId {
        let values = |channel| (codes.minimum..=codes.maximum).map(|code| saturated(function(channel, code))).collect();
        let rows = (0..channels).map(|channel| Arc::new(values(channel))).collect();
        let kernel = Kernel::Table(Table { first: codes.minimum, rows, channel_axis });
        let shape = self.values.shape(value).to_vec();
        self.values.node(name, Operator::Kernel(kernel), &[value], shape)
    }

    /// Makes an operator's output a function of its input's codes.
    fn function(&mut self, op: Op, function: impl Fn(i64) -> i64) -> Result<(), TfliteError> {
        let index = self.operand(op, 0)?;
        let codes = self.grid(op, index)?.codes;
        let (value, is_image) = self.value(op, index)?;
        let result = self.named_table(self.stem(op.output), value, codes, (1, 1), |_, code| function(code));
        self.bind(op, result, is_image)
    }

    /// Makes an operator's output a function of the real numbers of its input, each step float32's.
    fn float_function(&mut self, op: Op, function: fn(f32) -> f32) -> Result<(), TfliteError> {
        let (input, output) = (self.grid(op, self.operand(op, 0)?)?, self.grid(op, op.output)?);
        let inverse = 1.0 / output.scale;
        let code = |code: i64| {
            let real = input.scale * (code - input.codes.zero_point) as f32;
            let rounded = (function(real) * inverse).round() + output.codes.zero_point as f32;
            i64::from(saturated(rounded as i64)).clamp(output.codes.minimum, output.codes.maximum)
        };
        self.function(op, code)
    }
}

/// `LOGISTIC`
pub(super) fn logistic(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    importer.float_function(op, |x| 1.0 / (1.0 + (-x).exp()))
}

/// `TANH`
pub(super) fn tanh(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    importer.float_function(op, f32::tanh)
}

/// `RELU`, `RELU6`, `RELU_N1_TO_1`
pub(super) fn relu(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let (input, output) = (importer.grid(op, importer.operand(op, 0)?)?, importer.grid(op, op.output)?);
    let activation = match op.kind {
        "RELU" => 1,
        "RELU6" => 3,
        _ => 2,
    };
    let codes = importer.activated(op, activation, output)?;
    let multiplier = importer.multiplier(op, f64::from(input.scale / output.scale))?;
    importer.function(op, |code| codes.code(multiplier.times(code - input.codes.zero_point)))
}

/// `LEAKY_RELU`
pub(super) fn leaky_relu(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let (input, output) = (importer.grid(op, importer.operand(op, 0)?)?, importer.grid(op, op.output)?);
    let alpha = importer.option(op, 0, 0f32)?;
    let slope = f64::from(input.scale * alpha / output.scale);
    let identity = importer.multiplier(op, f64::from(input.scale / output.scale))?;
    let leak = importer.multiplier(op, slope.abs())?;
    importer.function(op, |code| {
        let x = code - input.codes.zero_point;
        let product = match (x >= 0, slope < 0.0) {
            (true, _) => identity.times(x),
            (false, false) => leak.times(x),
            (false, true) => -leak.times(x),
        };
        output.codes.code(product)
    })
}

/// `HARD_SWISH`, x · clip((x + 3) / 6, 0, 1), in fixed point of 16 bits as the reference kernel computes it.
pub(super) fn hard_swish(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let (input, output) = (importer.grid(op, importer.operand(op, 0)?)?, importer.grid(op, op.output)?);
    // x has 7 more bits than its code. `share`, x / 3 limited to -1 and 1, has 15 bits of fraction.
    let fine = 1.0f32 / 128.0 * input.scale;
    let to_output = HalfMultiplier::of(importer.multiplier(op, f64::from(fine / output.scale))?);
    let to_share = HalfMultiplier::of(importer.multiplier(op, f64::from(fine / (3.0 / 32768.0)))?);
    if to_output.exponent > 0 {
        let found = format!("they are {} and {}", input.scale, output.scale);
        let help =
            "calibrate it again: no output is greater than its input, so neither need its scale be smaller by far";
        return Err(importer.unsupported(op, "have an output scale of at least a 128th of its input's", found, help));
    }
    importer.function(op, |code| {
        let fine = (code - input.codes.zero_point) << 7;
        let value = half_product(fine, to_output.significand, 1 << 14);
        let mut share = fine;
        if to_share.exponent > 0 {
            share = half(share << (to_share.exponent - 1).min(15));
        }
        share = half_product(share, to_share.significand, 1 << 14);
        share = match to_share.exponent {
            1.. => half(share << 1),
            exponent => i64::from(rounding_shift(share as i32, exponent.unsigned_abs().min(31))),
        };
        let product = half_product((share + (1 << 15)) >> 1, value, 0);
        output.codes.code(i64::from(rounding_shift(product as i32, to_output.exponent.unsigned_abs().min(31))))
    })
}

/// A factor `significand / 2^15 · 2^exponent`.
struct HalfMultiplier {
    significand: i64,
    exponent: i32,
}

impl HalfMultiplier {
    /// `DownScaleInt32ToInt16Multiplier`
    fn of(multiplier: Multiplier) -> Self {
        let significand = i64::from(multiplier.significand);
        let rounded = if significand >= i64::from(i32::MAX) - (1 << 15) {
            i64::from(i16::MAX)
        } else {
            (significand + (1 << 15)) >> 16
        };
        HalfMultiplier { significand: rounded, exponent: multiplier.exponent }
    }
}

/// `x` within 16 bits.
fn half(x: i64) -> i64 {
    x.clamp(i64::from(i16::MIN), i64::from(i16::MAX))
}

/// a · b / 2^15, towards zero behind a nudge away from it.
fn half_product(a: i64, b: i64, nudge: i64) -> i64 {
    let product = a * b;
    half((product + if product >= 0 { nudge } else { (1 - nudge).min(0) }) / (1 << 15))
}

/// `QUANTIZE`: from the model's input, from integers, or from what stands for such.
pub(super) fn quantize(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let index = importer.operand(op, 0)?;
    let Grid { scale, codes } = importer.grid(op, op.output)?;
    let quantize = Quantize { scale, codes };
    if let Some((source, softmax)) = importer.softmax_of[index] {
        let input = importer.grid(op, index)?;
        let shift = codes.zero_point - input.codes.zero_point;
        let is_within = codes.minimum <= input.codes.minimum + shift && input.codes.maximum + shift <= codes.maximum;
        if input.scale != scale || !is_within {
            let found = format!("they are {:?} and {:?}", (input.scale, input.codes), (scale, codes));
            let help =
                "let the model end with its SOFTMAX, or with the DEQUANTIZE or QUANTIZE that a converter puts there";
            return Err(importer.unsupported(op, "keep the scale behind a SOFTMAX", found, help));
        }
        return importer.softmax_as(op, source, Softmax { bias: softmax.bias + shift as f64, ..softmax });
    }
    match (importer.tensor(index).kind, importer.real_of[index]) {
        (Kind::Float32, None) => {
            let (value, is_image) = importer.value(op, index)?;
            let shape = importer.values.shape(value).to_vec();
            let kernel = Operator::Kernel(Kernel::Quantize(quantize));
            let codes = importer.values.node(importer.stem(op.output), kernel, &[value], shape);
            importer.bind(op, codes, is_image)
        }
        (Kind::Float32, Some(Real { is_moved: true, .. })) => {
            let found = "a RESHAPE or TRANSPOSE moves them before".into();
            let help = "move the RESHAPE or TRANSPOSE before the DEQUANTIZE, or behind the QUANTIZE";
            Err(importer.unsupported(op, "quantise numbers as a DEQUANTIZE gives them", found, help))
        }
        (Kind::Float32, Some(Real { codes: source, .. })) => {
            let Grid { scale, codes } = importer.grid(op, source)?;
            let (value, is_image) = importer.value(op, source)?;
            let code =
                |_, code: i64| quantize.code_of_float((f64::from(scale) * (code - codes.zero_point) as f64) as f32);
            let result = importer.named_table(importer.stem(op.output), value, codes, (1, 1), code);
            importer.bind(op, result, is_image)
        }
        _ => {
            let input = importer.grid(op, index)?;
            let multiplier = importer.multiplier(op, f64::from(input.scale) / f64::from(scale))?;
            importer.function(op, |code| codes.code(multiplier.times(code - input.codes.zero_point)))
        }
    }
}

/// `DEQUANTIZE`
pub(super) fn dequantize(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let index = importer.operand(op, 0)?;
    let Grid { scale, codes } = importer.grid(op, index)?;
    if importer.tensor(op.output).kind != Kind::Float32 {
        let found = format!("it gives {}", importer.tensor(op.output).kind.name());
        return Err(importer.unsupported(op, "give FLOAT32", found, MALFORMED));
    }
    if let Some((source, softmax)) = importer.softmax_of[index] {
        let scale = f64::from(scale);
        let bias = scale * (softmax.bias - codes.zero_point as f64);
        return importer.softmax_as(op, source, Softmax { scale, bias, ..softmax });
    }
    let native = importer.native(index)?;
    let centred = importer.less(index, native, codes.zero_point);
    let stem = importer.stem(op.output);
    let factor = importer.values.number(&format!("{stem}_scale"), f64::from(scale));
    let shape = importer.values.shape(centred).to_vec();
    let real = importer.values.node(stem, Operator::Mul, &[centred, factor], shape);
    importer.real_of[op.output] = Some(Real { codes: index, is_moved: false });
    importer.bind_native(op, real)
}

impl Importer<'_> {
    /// Makes an operator's output a softmax of a tensor.
    fn softmax_as(&mut self, op: Op, source: usize, softmax: Softmax) -> Result<(), TfliteError> {
        let value = self.native(source)?;
        let shape = self.values.shape(value).to_vec();
        let kernel = Operator::Kernel(Kernel::Softmax(softmax));
        let result = self.values.node(self.stem(op.output), kernel, &[value], shape);
        self.softmax_of[op.output] = Some((source, softmax));
        self.bind_native(op, result)
    }
}

/// `SOFTMAX`
pub(super) fn softmax(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let index = importer.operand(op, 0)?;
    let (input, output) = (importer.grid(op, index)?, importer.grid(op, op.output)?);
    let Codes { zero_point, minimum, .. } = output.codes;
    let is_of_kernel = zero_point == minimum && (output.scale * 256.0 - 1.0).abs() <= 1e-3;
    if input.codes.minimum != minimum || !is_of_kernel {
        let found = format!("its output has scale {} and zero point {zero_point}", output.scale);
        return Err(importer.unsupported(op, "give 256ths from its type's least code on", found, QUANTISE));
    }
    let depth = importer.shape(index)?.last().copied().unwrap_or(1);
    let softmax = Softmax::of(depth, input.scale, importer.option(op, 0, 0f32)?).ok_or_else(|| {
        let must = format!("have at most {} scores, and a scale times beta from 2^-26 on", Softmax::DEEPEST);
        importer.unsupported(op, must, format!("it has {depth}, of scale {}", input.scale), MALFORMED)
    })?;
    importer.softmax_as(op, index, Softmax { bias: minimum as f64, ..softmax })
}
