//! Convolutions and fully connected layers: sums of products of integers, then a factor for each channel.

use super::options::WindowFields;
use crate::graph::{Operator, ValueId};
use crate::kernel::{Factor, Kernel, Requantize};
use crate::tensor::{Tensor, transpose_indices};
use crate::tflite::error::TfliteError;
use crate::tflite::importer::{Grid, Importer, MALFORMED, Op};
use crate::tflite::schema::Kind;

const CONVOLUTION: WindowFields = WindowFields { padding: 0, strides: [2, 1], dilations: Some([5, 4]) };
const DEPTHWISE: WindowFields = WindowFields { padding: 0, strides: [2, 1], dilations: Some([6, 5]) };

/// Weights of a product, less their zero point.
pub(super) struct Weights {
    pub integers: Vec<f64>,
    pub scales: Vec<f32>,
    /// Least and greatest integer that may be among them.
    pub range: (i64, i64),
}

impl Importer<'_> {
    /// The weights of an operator that reads tensor `data`, with one scale or one for each of `outputs` channels on `axis`.
    pub(super) fn weights(
        &mut self,
        op: Op,
        index: usize,
        data: usize,
        axis: usize,
        outputs: usize,
    ) -> Result<Weights, TfliteError> {
        let (integers, tensor) = (self.integers(op, index)?, self.tensor(index));
        let activations = self.tensor(data).kind;
        if tensor.kind != activations {
            let found = format!("its weights are {}, its input {}", tensor.kind.name(), activations.name());
            let help = "convert with INT8 weights and activations (not 16x8, not dynamic range, not INT4)";
            return Err(self.unsupported(op, "have weights of its input's type", found, help));
        }
        let refuse = |found: String| {
            let must = format!("have one weight scale, or one for each of {outputs} outputs, with zero points of 0");
            self.unsupported(op, must, found, MALFORMED)
        };
        let Some(quantization) = &tensor.quantization else {
            return Err(refuse("its weights have none".into()));
        };
        let count = quantization.scales.len();
        if count != 1 && (count != outputs || usize::try_from(quantization.axis) != Ok(axis)) {
            return Err(refuse(format!("there are {count} on axis {}", quantization.axis)));
        }
        let zero_point = quantization.zero_points.first().copied().unwrap_or(0);
        let is_free = op.kind == "FULLY_CONNECTED" || tensor.kind == Kind::UInt8;
        let is_one = quantization.zero_points.iter().all(|other| *other == zero_point);
        let (least, greatest) = if tensor.kind == Kind::UInt8 { (0, 255) } else { (-128, 127) };
        let is_code = (least..=greatest).contains(&zero_point);
        if !is_one || !is_code || (zero_point != 0 && !(is_free && count == 1)) {
            return Err(refuse(format!("zero points are {zero_point} and others")));
        }
        Ok(Weights {
            integers: integers.into_iter().map(|weight| (weight - zero_point) as f64).collect(),
            scales: quantization.scales.clone(),
            range: (least - zero_point, greatest - zero_point),
        })
    }

    /// The factors from sums to codes of the output, each as its kernel computes it.
    fn factors(&self, op: Op, scales: &[f32], input: Grid, output: Grid) -> Result<Vec<Factor>, TfliteError> {
        let is_old = input.codes.minimum == 0;
        let factor = |scale: &f32| {
            let real = f64::from(input.scale) * f64::from(*scale) / f64::from(output.scale);
            // UINT8 came first, when scales were multiplied as float32.
            let single = f64::from(input.scale * scale) / f64::from(output.scale);
            let fixed = self.multiplier(op, if is_old { single } else { real })?;
            Ok(if op.kind == "FULLY_CONNECTED" { Factor::Real(real) } else { Factor::Fixed(fixed) })
        };
        scales.iter().map(factor).collect()
    }

    /// The bias, input `number` of an operator: an integer for each of `outputs` channels.
    pub(super) fn bias(&mut self, op: Op, number: usize, outputs: usize) -> Result<Option<ValueId>, TfliteError> {
        let Some(index) = self.optional_operand(op, number)? else { return Ok(None) };
        let integers = self.integers(op, index)?;
        if integers.len() != outputs || self.tensor(index).kind != Kind::Int32 {
            let found = format!("it has {} of {}", integers.len(), self.tensor(index).kind.name());
            return Err(self.unsupported(op, format!("have {outputs} biases of INT32"), found, MALFORMED));
        }
        let data = integers.into_iter().map(|bias| bias as f64).collect();
        let name = format!("{}_bias", self.stem(op.output));
        Ok(Some(self.values.integers(&name, Tensor::new(vec![outputs], data))))
    }

    /// The codes of an operator's output, out of sums of tensor `data` with channels on axis 1.
    pub(super) fn requantized(
        &mut self,
        op: Op,
        data: usize,
        sums: ValueId,
        scales: &[f32],
        activation: usize,
    ) -> Result<ValueId, TfliteError> {
        let (input, output) = (self.grid(op, data)?, self.grid(op, op.output)?);
        let codes = self.activated(op, self.option(op, activation, 0i8)?, output)?;
        let factors = self.factors(op, scales, input, output)?;
        let kernel = Kernel::Requantize(Requantize { factors, channel_axis: 1, codes });
        let (name, shape) = (format!("{}_requantize", self.stem(op.output)), self.values.shape(sums).to_vec());
        Ok(self.values.node(&name, Operator::Kernel(kernel), &[sums], shape))
    }

    /// An image less its zero point.
    pub(super) fn centred(&mut self, op: Op, index: usize) -> Result<ValueId, TfliteError> {
        if let Some(centred) = self.forms[index].centred {
            return Ok(centred);
        }
        let image = self.image(op, index)?;
        let zero_point = self.grid(op, index)?.codes.zero_point;
        let centred = self.less(index, image, zero_point);
        self.forms[index].centred = Some(centred);
        Ok(centred)
    }

    /// The integers of a tensor less a number.
    pub(super) fn less(&mut self, index: usize, value: ValueId, number: i64) -> ValueId {
        if number == 0 {
            return value;
        }
        let stem = self.stem(index);
        let number = self.values.integers(&format!("{stem}_zero_point"), Tensor::scalar(number as f64));
        let shape = self.values.shape(value).to_vec();
        self.values.node(&format!("{stem}_centred"), Operator::Sub, &[value, number], shape)
    }

    fn convolved(
        &mut self,
        op: Op,
        kernel: [usize; 2],
        groups: usize,
        weights: (Tensor, (i64, i64)),
        fields: &WindowFields,
    ) -> Result<ValueId, TfliteError> {
        let index = self.operand(op, 0)?;
        let (extents, _) = self.extents(op, index)?;
        let window = self.window(op, fields, kernel, extents)?;
        let (weights, range) = weights;
        let outputs = weights.shape[0];
        let mut shape = vec![1, outputs];
        shape.extend(window.output_extents(&extents).unwrap_or_default());
        let mut inputs = vec![self.centred(op, index)?];
        let stem = self.stem(op.output);
        inputs.push(self.values.integers(&format!("{stem}_weights"), weights));
        inputs.extend(self.bias(op, 2, outputs)?);
        let sums = self.values.node(stem, Operator::Conv { window, groups }, &inputs, shape);
        self.values.weights_of_newest(range.0, range.1);
        Ok(sums)
    }
}

/// `CONV_2D`: weights `[outputs, rows, columns, inputs]`.
pub(super) fn convolution(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let (index, weights) = (importer.operand(op, 0)?, importer.operand(op, 1)?);
    let (_, channels) = importer.extents(op, index)?;
    let shape = importer.shape(weights)?;
    let [outputs, rows, columns, inputs] = *shape else {
        let found = format!("they have shape {shape:?}");
        return Err(importer.unsupported(op, "have weights with 4 axes", found, MALFORMED));
    };
    if channels % inputs != 0 || outputs % (channels / inputs) != 0 {
        let found = format!("{channels} channels meet weights of shape {shape:?}");
        return Err(importer.unsupported(op, "have weights for equal groups of its channels", found, MALFORMED));
    }
    let Weights { integers, scales, range } = importer.weights(op, weights, index, 0, outputs)?;
    let order = transpose_indices(&shape, &[0, 3, 1, 2]);
    let data = order.into_iter().map(|index| integers[index]).collect();
    let tensor = Tensor::new(vec![outputs, inputs, rows, columns], data);
    let sums = importer.convolved(op, [rows, columns], channels / inputs, (tensor, range), &CONVOLUTION)?;
    let codes = importer.requantized(op, index, sums, &scales, 3)?;
    importer.bind_image(op, codes)
}

/// `DEPTHWISE_CONV_2D`: weights `[1, rows, columns, outputs]`, as many outputs in a row for each input channel.
pub(super) fn depthwise(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let (index, weights) = (importer.operand(op, 0)?, importer.operand(op, 1)?);
    let (_, channels) = importer.extents(op, index)?;
    let shape = importer.shape(weights)?;
    let [1, rows, columns, outputs] = *shape else {
        let found = format!("they have shape {shape:?}");
        return Err(importer.unsupported(op, "have weights [1, rows, columns, outputs]", found, MALFORMED));
    };
    if outputs % channels != 0 {
        let found = format!("{channels} channels give {outputs}");
        return Err(importer.unsupported(op, "give as many outputs for each channel", found, MALFORMED));
    }
    let Weights { integers, scales, range } = importer.weights(op, weights, index, 3, outputs)?;
    let order = transpose_indices(&shape, &[3, 0, 1, 2]);
    let data = order.into_iter().map(|index| integers[index]).collect();
    let tensor = Tensor::new(vec![outputs, 1, rows, columns], data);
    let sums = importer.convolved(op, [rows, columns], channels, (tensor, range), &DEPTHWISE)?;
    let codes = importer.requantized(op, index, sums, &scales, 4)?;
    importer.bind_image(op, codes)
}

/// `FULLY_CONNECTED`: weights `[outputs, inputs]`; inputs in rows as the file has them.
pub(super) fn fully_connected(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let (index, weights) = (importer.operand(op, 0)?, importer.operand(op, 1)?);
    let (shape, elements) = (importer.shape(weights)?, importer.shape(index)?.iter().product::<usize>());
    let [outputs, inputs] = *shape else {
        let found = format!("they have shape {shape:?}");
        return Err(importer.unsupported(op, "have weights [outputs, inputs]", found, MALFORMED));
    };
    if elements % inputs != 0 {
        let found = format!("there are {elements}");
        return Err(importer.unsupported(op, format!("read rows of {inputs} inputs"), found, MALFORMED));
    }
    if importer.option(op, 1, 0i8)? != 0 {
        let found = "they are shuffled for one processor".into();
        return Err(importer.unsupported(op, "have weights row by row", found, MALFORMED));
    }
    let rows = elements / inputs;
    let Weights { integers, scales, range } = importer.weights(op, weights, index, 0, outputs)?;
    let zero_point = importer.grid(op, index)?.codes.zero_point;
    let native = importer.native(index)?;
    let native = importer.reshaped(op, native, vec![rows, inputs], "rows");
    let stem = importer.stem(op.output);
    let mut operands = vec![importer.less(index, native, zero_point)];
    operands.push(importer.values.integers(&format!("{stem}_weights"), Tensor::new(vec![outputs, inputs], integers)));
    operands.extend(importer.bias(op, 2, outputs)?);
    let gemm = Operator::Gemm { alpha: 1.0, beta: 1.0, transpose_a: false, transpose_b: true };
    let sums = importer.values.node(stem, gemm, &operands, vec![rows, outputs]);
    importer.values.weights_of_newest(range.0, range.1);
    let codes = importer.requantized(op, index, sums, &scales, 0)?;
    let shape = importer.shape(op.output)?;
    if shape.iter().product::<usize>() != rows * outputs {
        return importer.bind_native(op, codes);
    }
    let codes = importer.reshaped(op, codes, shape, "shape");
    importer.bind_native(op, codes)
}
