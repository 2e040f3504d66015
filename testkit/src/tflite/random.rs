//! Random networks of TensorFlow Lite's 8-bit operators.

use super::{Builder, Field, Kind, Quantization, code};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A network and the shape of its input, batch axis included.
#[derive(Debug)]
pub struct Network {
    /// The file.
    pub bytes: Vec<u8>,
    /// Shape of the input.
    pub shape: Vec<usize>,
    /// Least and greatest number that the input may be.
    pub range: (f32, f32),
}

/// Types of a network's input and output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// Codes.
    Codes,
    /// Codes of the other type of 8 bits.
    Others,
    /// Floats.
    Floats,
}

/// A tensor so far.
#[derive(Clone, Debug)]
struct Value {
    tensor: i32,
    shape: Vec<usize>,
    scale: f32,
    zero_point: i64,
}

struct Writer {
    random: ChaCha8Rng,
    builder: Builder,
    kind: Kind,
    number: usize,
}

/// The network of a seed.
pub fn network(seed: u64) -> Network {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let kind = if random.random_bool(0.25) { Kind::UInt8 } else { Kind::Int8 };
    let mut writer = Writer { random, builder: Builder::default(), kind, number: 0 };
    let is_image = writer.random.random_bool(0.8);
    let shape = match is_image {
        true => {
            let [height, width] = [0; 2].map(|_| writer.random.random_range(3..9));
            vec![1, height, width, writer.random.random_range(1..5)]
        }
        false => vec![1, writer.random.random_range(3..20)],
    };
    let ends = [Ends::Codes, Ends::Codes, Ends::Others, Ends::Floats][writer.random.random_range(0..4)];
    let (input, mut value, range) = writer.beginning(ends, shape.clone());
    if is_image {
        for _ in 0..writer.random.random_range(1..6) {
            value = writer.image_step(value);
        }
        value = writer.flattened(value);
    }
    for _ in 0..writer.random.random_range(1..3) {
        value = writer.vector_step(value);
    }
    let output = writer.end(ends, value);
    Network { bytes: writer.builder.finish(&[input], &[output]), shape, range }
}

impl Writer {
    /// Least and greatest code.
    fn codes(&self) -> (i64, i64) {
        if self.kind == Kind::UInt8 { (0, 255) } else { (-128, 127) }
    }

    fn name(&mut self, role: &str) -> String {
        self.number += 1;
        format!("{role}_{}", self.number)
    }

    /// A scale, at times a power of two, with which roundings meet middles.
    fn scale(&mut self, near: f32) -> f32 {
        let exponent = near.log2().round();
        if self.random.random_bool(0.3) { exponent.exp2() } else { near * self.random.random_range(0.7..1.4) }
    }

    fn zero_point(&mut self) -> i64 {
        let (least, greatest) = self.codes();
        match self.random.random_range(0..4) {
            0 => least,
            1 => (least + greatest + 1) / 2,
            _ => self.random.random_range(least..=greatest),
        }
    }

    fn activations(&mut self, role: &str, shape: Vec<usize>, scale: f32, zero_point: i64) -> Value {
        let name = self.name(role);
        let quantization = Some(Quantization::of(scale, zero_point));
        let tensor = self.builder.tensor(&name, &shape, self.kind, quantization, None);
        Value { tensor, shape, scale, zero_point }
    }

    fn ints(&mut self, role: &str, shape: &[usize], values: &[i32]) -> i32 {
        let name = self.name(role);
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.builder.tensor(&name, shape, Kind::Int32, None, Some(bytes))
    }

    fn beginning(&mut self, ends: Ends, shape: Vec<usize>) -> (i32, Value, (f32, f32)) {
        let (scale, zero_point) = (self.scale(0.02), self.zero_point());
        let value = self.activations("input_codes", shape.clone(), scale, zero_point);
        let (least, greatest) = self.codes();
        let other = if self.kind == Kind::UInt8 { Kind::Int8 } else { Kind::UInt8 };
        let shift = if self.kind == Kind::UInt8 { -128 } else { 128 };
        let (kind, quantization, range) = match ends {
            Ends::Codes => return (value.tensor, value, (least as f32, greatest as f32)),
            Ends::Others => {
                let range = ((least + shift) as f32, (greatest + shift) as f32);
                (other, Some(Quantization::of(scale, zero_point + shift)), range)
            }
            Ends::Floats => {
                let real = |code: i64| scale * (code - zero_point) as f32;
                (Kind::Float, None, (real(least) - 4.0 * scale, real(greatest) + 4.0 * scale))
            }
        };
        let input = self.builder.tensor("input", &shape, kind, quantization, None);
        self.builder.operator(code::QUANTIZE, &[input], &[value.tensor], 0, vec![]);
        (input, value, range)
    }

    /// Random weights with scales along an axis, and biases; gives them and the spread of sums of `taps` products.
    fn weights(
        &mut self,
        shape: &[usize],
        axis: usize,
        taps: usize,
        input: &Value,
        is_biased: bool,
    ) -> (Vec<i32>, f32) {
        let outputs = shape[axis];
        let near = self.scale(0.01);
        let is_wide = self.kind == Kind::Int8 && self.random.random_bool(0.6);
        let count = if is_wide { outputs } else { 1 };
        let scales: Vec<f32> = (0..count).map(|_| if is_wide { self.scale(near) } else { near }).collect();
        let zero_point = if self.kind == Kind::UInt8 { self.random.random_range(100..156) } else { 0 };
        let elements: usize = shape.iter().product();
        let bytes = (0..elements).map(|_| match self.kind {
            Kind::UInt8 => self.random.random_range(0..=255u8),
            _ => self.random.random_range(-127..=127i8) as u8,
        });
        let bytes: Vec<u8> = bytes.collect();
        let name = self.name("weights");
        let zero_points = vec![zero_point; count];
        let quantization = Quantization { scales: scales.clone(), zero_points, axis: axis as i32 };
        let weights = self.builder.tensor(&name, shape, self.kind, Some(quantization), Some(bytes));
        let spread = 74.0 * 74.0 * (taps as f32).sqrt();
        let mut inputs = vec![input.tensor, weights];
        if is_biased || self.random.random_bool(0.9) {
            let biases = (0..outputs).flat_map(|_| {
                let bias: i32 = self.random.random_range(-spread as i32..=spread as i32);
                bias.to_le_bytes()
            });
            let biases: Vec<u8> = biases.collect();
            let name = self.name("bias");
            let scales: Vec<f32> = scales.iter().map(|scale| scale * input.scale).collect();
            let quantization = Quantization { zero_points: vec![0; scales.len()], scales, axis: 0 };
            inputs.push(self.builder.tensor(&name, &[outputs], Kind::Int32, Some(quantization), Some(biases)));
        } else if shape.len() == 2 {
            // Only fully connected layers may name a bias that is not there.
            inputs.push(-1);
        }
        (inputs, spread * near * input.scale)
    }

    fn activation(&mut self) -> i8 {
        [0, 0, 1, 3, 2][self.random.random_range(0..5)]
    }

    /// Rows and columns behind windows.
    fn windows(extents: [usize; 2], kernel: [usize; 2], stride: usize, dilation: usize, is_same: bool) -> [usize; 2] {
        [0, 1].map(|axis| {
            let reach = (kernel[axis] - 1) * dilation + 1;
            if is_same { extents[axis].div_ceil(stride) } else { (extents[axis] + stride - reach) / stride }
        })
    }

    fn convolution(&mut self, value: &Value, is_depthwise: bool) -> Value {
        let [_, height, width, channels] = value.shape[..] else { unreachable!("an image") };
        let kernel = [0; 2].map(|_| self.random.random_range(1..4usize));
        let dilation = if self.random.random_bool(0.15) { 2 } else { 1 };
        let stride = self.random.random_range(1..3);
        let fits = (0..2).all(|axis| (kernel[axis] - 1) * dilation < [height, width][axis]);
        let is_same = !fits || self.random.random_bool(0.6);
        let [rows, columns] = Self::windows([height, width], kernel, stride, dilation, is_same);
        let (stride, dilation) = (Field::Int(stride as i32), Field::Int(dilation as i32));
        let padding = Field::Byte(i8::from(!is_same));
        let activation = Field::Byte(self.activation());
        let (outputs, inputs, spread) = if is_depthwise {
            let outputs = channels * self.random.random_range(1..3);
            let (inputs, spread) =
                self.weights(&[1, kernel[0], kernel[1], outputs], 3, kernel[0] * kernel[1], value, true);
            (outputs, inputs, spread)
        } else {
            let outputs = self.random.random_range(1..7);
            let taps = kernel[0] * kernel[1] * channels;
            let (inputs, spread) = self.weights(&[outputs, kernel[0], kernel[1], channels], 0, taps, value, false);
            (outputs, inputs, spread)
        };
        let (scale, zero_point) = (self.scale(spread / 50.0), self.zero_point());
        let result = self.activations("conv", vec![1, rows, columns, outputs], scale, zero_point);
        let (operator, member, options) = match is_depthwise {
            true => {
                let multiplier = Field::Int((outputs / channels) as i32);
                let options = vec![padding, stride.clone(), stride, multiplier, activation, dilation.clone(), dilation];
                (code::DEPTHWISE_CONV_2D, 2, options)
            }
            false => (code::CONV_2D, 1, vec![padding, stride.clone(), stride, activation, dilation.clone(), dilation]),
        };
        self.builder.operator(operator, &inputs, &[result.tensor], member, options);
        result
    }

    fn pool(&mut self, value: &Value, is_average: bool) -> Value {
        let [_, height, width, channels] = value.shape[..] else { unreachable!("an image") };
        let kernel = [height, width].map(|extent| self.random.random_range(1..=extent.min(3)));
        let stride = self.random.random_range(1..3);
        let is_same = !is_average && self.random.random_bool(0.5);
        let [rows, columns] = Self::windows([height, width], kernel, stride, 1, is_same);
        let result = self.activations("pool", vec![1, rows, columns, channels], value.scale, value.zero_point);
        let stride = Field::Int(stride as i32);
        let [down, across] = kernel.map(|extent| Field::Int(extent as i32));
        let activation = Field::Byte(self.activation());
        let options = vec![Field::Byte(i8::from(!is_same)), stride.clone(), stride, across, down, activation];
        let operator = if is_average { code::AVERAGE_POOL_2D } else { code::MAX_POOL_2D };
        self.builder.operator(operator, &[value.tensor], &[result.tensor], 5, options);
        result
    }

    /// A sum, difference or product of two branches.
    fn joined(&mut self, value: &Value) -> Value {
        let other = self.table(value);
        let (scale, zero_point) = (self.scale(value.scale + other.scale), self.zero_point());
        let (operator, member, scale) = match self.random.random_range(0..4) {
            0 => (code::SUB, 28, scale),
            1 => (code::MUL, 21, self.scale(60.0 * value.scale * other.scale)),
            _ => (code::ADD, 11, scale),
        };
        let result = self.activations("joined", value.shape.clone(), scale, zero_point);
        let activation = Field::Byte(self.activation());
        let operands = if self.random.random_bool(0.5) { [value, &other] } else { [&other, value] };
        let operands = operands.map(|operand| operand.tensor);
        self.builder.operator(operator, &operands, &[result.tensor], member, vec![activation]);
        result
    }

    /// A sum or product with a constant for each channel.
    fn shifted(&mut self, value: &Value) -> Value {
        let channels = value.shape.last().copied().unwrap_or(1);
        let count = if self.random.random_bool(0.5) { channels } else { 1 };
        let bytes = (0..count).map(|_| self.random.random_range(0..=255u8)).collect();
        let name = self.name("constant");
        let (near, zero_point) = (self.scale(0.03), self.zero_point());
        let quantization = Some(Quantization::of(near, zero_point));
        let constant = self.builder.tensor(&name, &[count], self.kind, quantization, Some(bytes));
        let is_product = self.random.random_bool(0.5);
        let scale = if is_product { 60.0 * value.scale * near } else { value.scale + near };
        let (scale, zero_point) = (self.scale(scale), self.zero_point());
        let result = self.activations("shifted", value.shape.clone(), scale, zero_point);
        let (operator, member) = if is_product { (code::MUL, 21) } else { (code::ADD, 11) };
        let options = vec![Field::Byte(self.activation())];
        self.builder.operator(operator, &[value.tensor, constant], &[result.tensor], member, options);
        result
    }

    /// A function of single codes.
    fn table(&mut self, value: &Value) -> Value {
        let (least, _) = self.codes();
        let (scale, zero_point) = (self.scale(value.scale), self.zero_point());
        let (operator, member, options, scale, zero_point) = match self.random.random_range(0..7) {
            0 => (code::RELU, 0, vec![], scale, zero_point),
            1 => (code::RELU6, 0, vec![], scale, zero_point),
            2 => (code::LOGISTIC, 0, vec![], 1.0 / 256.0, least),
            3 => (code::TANH, 0, vec![], 1.0 / 128.0, least + 128),
            5 => (code::HARD_SWISH, 0, vec![], scale, zero_point),
            4 => (code::LEAKY_RELU, 75, vec![Field::Float(self.random.random_range(0.01..0.9))], scale, zero_point),
            _ => (code::QUANTIZE, 0, vec![], scale, zero_point),
        };
        let result = self.activations("function", value.shape.clone(), scale, zero_point);
        self.builder.operator(operator, &[value.tensor], &[result.tensor], member, options);
        result
    }

    /// A transposed convolution.
    fn transposed(&mut self, value: &Value) -> Value {
        let [_, height, width, channels] = value.shape[..] else { unreachable!("an image") };
        let kernel = [0; 2].map(|_| self.random.random_range(1..4usize));
        let strides = [0; 2].map(|_| self.random.random_range(1..3usize));
        let is_same = self.random.random_bool(0.5);
        let outputs = self.random.random_range(1..5);
        let extent = |axis: usize, pixels: usize| match is_same {
            true => pixels * strides[axis],
            false => pixels * strides[axis] + kernel[axis].saturating_sub(strides[axis]),
        };
        let shape = vec![1, extent(0, height), extent(1, width), outputs];
        let taps = (kernel[0] * kernel[1] * channels).div_ceil(strides[0] * strides[1]);
        let (inputs, spread) = self.weights(&[outputs, kernel[0], kernel[1], channels], 0, taps, value, false);
        let wanted: Vec<i32> = shape.iter().map(|extent| *extent as i32).collect();
        let mut operands = vec![self.ints("wanted", &[4], &wanted), inputs[1], inputs[0]];
        operands.extend(&inputs[2..]);
        let (scale, zero_point) = (self.scale(spread / 50.0), self.zero_point());
        let result = self.activations("transposed", shape, scale, zero_point);
        let [down, across] = strides.map(|stride| Field::Int(stride as i32));
        let options = vec![Field::Byte(i8::from(!is_same)), across, down];
        self.builder.operator(code::TRANSPOSE_CONV, &operands, &[result.tensor], 49, options);
        result
    }

    /// Integers that an operator computes of others.
    fn computed(&mut self, role: &str, shape: &[usize]) -> i32 {
        let name = self.name(role);
        self.builder.tensor(&name, shape, Kind::Int32, None, None)
    }

    /// The shape of a vector of the elements of an image, as converters compute it for an open batch.
    fn shape_of_vector(&mut self, value: &Value, elements: usize) -> i32 {
        let (shape, batch, packed) =
            (self.computed("shape", &[4]), self.computed("batch", &[]), self.computed("packed", &[2]));
        let [first, end, step] = [0, 1, 1].map(|bound| self.ints("bound", &[1], &[bound]));
        let elements = self.ints("elements", &[], &[elements as i32]);
        self.builder.operator(code::SHAPE, &[value.tensor], &[shape], 55, vec![Field::Byte(2)]);
        let options = vec![Field::Int(0), Field::Int(0), Field::Int(0), Field::Int(0), Field::Int(1)];
        self.builder.operator(code::STRIDED_SLICE, &[shape, first, end, step], &[batch], 32, options);
        self.builder.operator(code::PACK, &[batch, elements], &[packed], 59, vec![Field::Int(2), Field::Int(0)]);
        packed
    }

    fn padded(&mut self, value: &Value) -> Value {
        let [_, height, width, channels] = value.shape[..] else { unreachable!("an image") };
        let [top, bottom, left, right] = [0; 4].map(|_| self.random.random_range(0..3));
        let counts = self.ints("paddings", &[4, 2], &[0, 0, top, bottom, left, right, 0, 0]);
        let shape = vec![1, height + (top + bottom) as usize, width + (left + right) as usize, channels];
        let result = self.activations("padded", shape, value.scale, value.zero_point);
        if self.random.random_bool(0.6) {
            self.builder.operator(code::PAD, &[value.tensor, counts], &[result.tensor], 22, vec![]);
        } else {
            let name = self.name("border");
            let quantization = Some(Quantization::of(value.scale, value.zero_point));
            let byte = vec![self.random.random_range(0..=255u8)];
            let border = self.builder.tensor(&name, &[1], self.kind, quantization, Some(byte));
            self.builder.operator(code::PADV2, &[value.tensor, counts, border], &[result.tensor], 43, vec![]);
        }
        self.convolution(&result, false)
    }

    fn concatenated(&mut self, value: &Value) -> Value {
        let other = self.table(value);
        let requantized = self.activations("part", value.shape.clone(), value.scale, value.zero_point);
        self.builder.operator(code::QUANTIZE, &[other.tensor], &[requantized.tensor], 0, vec![]);
        let axis = value.shape.len() - 1;
        let mut shape = value.shape.clone();
        shape[axis] *= 2;
        let result = self.activations("concat", shape, value.scale, value.zero_point);
        let options = vec![Field::Int(axis as i32), Field::Byte(0)];
        let parts = [value.tensor, requantized.tensor];
        self.builder.operator(code::CONCATENATION, &parts, &[result.tensor], 10, options);
        result
    }

    fn enlarged(&mut self, value: &Value) -> Value {
        let [_, height, width, channels] = value.shape[..] else { unreachable!("an image") };
        let size = self.ints("size", &[2], &[2 * height as i32, 2 * width as i32]);
        let shape = vec![1, 2 * height, 2 * width, channels];
        let result = self.activations("enlarged", shape, value.scale, value.zero_point);
        let options = vec![Field::Byte(0), Field::Byte(0)];
        self.builder.operator(code::RESIZE_NEAREST_NEIGHBOR, &[value.tensor, size], &[result.tensor], 74, options);
        result
    }

    fn image_step(&mut self, value: Value) -> Value {
        let is_small = value.shape[1] * value.shape[2] <= 36;
        match self.random.random_range(0..12) {
            0..3 => self.convolution(&value, false),
            3 => self.convolution(&value, true),
            4 => self.pool(&value, false),
            5 => self.pool(&value, true),
            6 => self.joined(&value),
            7 => self.shifted(&value),
            8 if is_small => self.padded(&value),
            9 if is_small && value.shape[3] < 8 => self.concatenated(&value),
            10 if is_small => self.enlarged(&value),
            11 if is_small => self.transposed(&value),
            _ => self.table(&value),
        }
    }

    /// An image as a vector: its mean, or all of it.
    fn flattened(&mut self, value: Value) -> Value {
        let channels = value.shape[3];
        if self.random.random_bool(0.4) {
            let axes = self.ints("axes", &[2], &[1, 2]);
            let (scale, zero_point) = (self.scale(0.6 * value.scale), self.zero_point());
            let keeps = self.random.random_bool(0.5);
            let shape = if keeps { vec![1, 1, 1, channels] } else { vec![1, channels] };
            let result = self.activations("mean", shape, scale, zero_point);
            let options = vec![Field::Byte(i8::from(keeps))];
            self.builder.operator(code::MEAN, &[value.tensor, axes], &[result.tensor], 27, options);
            return result;
        }
        let elements = value.shape.iter().product();
        let shape = match self.random.random_bool(0.5) {
            true => self.shape_of_vector(&value, elements),
            false => self.ints("shape", &[2], &[1, elements as i32]),
        };
        let result = self.activations("flat", vec![1, elements], value.scale, value.zero_point);
        let options = vec![Field::Ints(vec![1, elements as i32])];
        self.builder.operator(code::RESHAPE, &[value.tensor, shape], &[result.tensor], 17, options);
        result
    }

    fn vector_step(&mut self, value: Value) -> Value {
        if value.shape.len() == 2 && self.random.random_bool(0.2) {
            return match self.random.random_range(0..3) {
                0 => self.joined(&value),
                1 => self.shifted(&value),
                _ => self.table(&value),
            };
        }
        let (inputs, outputs) = (value.shape.iter().product(), self.random.random_range(2..9));
        let (operands, spread) = self.weights(&[outputs, inputs], 0, inputs, &value, false);
        let (scale, zero_point) = (self.scale(spread / 50.0), self.zero_point());
        let result = self.activations("dense", vec![1, outputs], scale, zero_point);
        let options = vec![Field::Byte(self.activation()), Field::Byte(0), Field::Byte(0)];
        self.builder.operator(code::FULLY_CONNECTED, &operands, &[result.tensor], 8, options);
        result
    }

    fn end(&mut self, ends: Ends, mut value: Value) -> i32 {
        if self.random.random_bool(0.3) {
            let (least, _) = self.codes();
            let result = self.activations("softmax", value.shape.clone(), 1.0 / 256.0, least);
            let beta = [1.0, 1.0, 0.5, 2.0][self.random.random_range(0..4)];
            self.builder.operator(code::SOFTMAX, &[value.tensor], &[result.tensor], 9, vec![Field::Float(beta)]);
            value = result;
        }
        let shift = if self.kind == Kind::UInt8 { -128 } else { 128 };
        let other = if self.kind == Kind::UInt8 { Kind::Int8 } else { Kind::UInt8 };
        let (operator, kind, quantization) = match ends {
            Ends::Codes => return value.tensor,
            Ends::Others => {
                let quantization = Quantization::of(value.scale, value.zero_point + shift);
                (code::QUANTIZE, other, Some(quantization))
            }
            Ends::Floats => (code::DEQUANTIZE, Kind::Float, None),
        };
        let output = self.builder.tensor("output", &value.shape, kind, quantization, None);
        self.builder.operator(operator, &[value.tensor], &[output], 0, vec![]);
        output
    }
}
