//! Sums, differences and products of two values.

use crate::graph::{Operator, ValueId};
use crate::kernel::{Codes, Factor, Kernel, Requantize, Sum, Term};
use crate::tflite::error::TfliteError;
use crate::tflite::importer::{Grid, Importer, MALFORMED, Op};

/// Two operands, of which one may be a constant.
struct Pair {
    tensors: [usize; 2],
    grids: [Grid; 2],
    output: Grid,
    /// The codes given, within the limits of the activation.
    codes: Codes,
}

impl Importer<'_> {
    fn pair(&self, op: Op) -> Result<Pair, TfliteError> {
        let tensors = [self.operand(op, 0)?, self.operand(op, 1)?];
        let grids = [self.grid(op, tensors[0])?, self.grid(op, tensors[1])?];
        let output = self.grid(op, op.output)?;
        let codes = self.activated(op, self.option(op, 0, 0i8)?, output)?;
        Ok(Pair { tensors, grids, output, codes })
    }

    /// The values of both operands, in one layout.
    fn operands(&mut self, op: Op, tensors: [usize; 2]) -> Result<([ValueId; 2], bool), TfliteError> {
        let shapes = [self.shape(tensors[0])?, self.shape(tensors[1])?];
        if shapes[0] != shapes[1] {
            let found = format!("they have shapes {:?} and {:?}", shapes[0], shapes[1]);
            let help = "give both the same number of rows, columns and channels";
            return Err(self.unsupported(op, "join two values of one shape", found, help));
        }
        let ((a, is_image), (b, _)) = (self.value(op, tensors[0])?, self.value(op, tensors[1])?);
        Ok(([a, b], is_image))
    }

    /// A function of the codes of one operand and of the other, a constant with one element, or one for each channel.
    fn with_constant(
        &mut self,
        op: Op,
        pair: &Pair,
        place: usize,
        code: impl Fn(i64, i64) -> i64,
    ) -> Result<(), TfliteError> {
        let (data, constant) = (pair.tensors[1 - place], pair.tensors[place]);
        let numbers = self.integers(op, constant)?;
        let (shape, own) = (self.shape(data)?, self.shape(constant)?);
        let channels = shape.last().copied().unwrap_or(1);
        let is_last = own.last().is_none_or(|extent| *extent == numbers.len());
        if !(numbers.len() == 1 || (numbers.len() == channels && is_last)) || own.len() > shape.len() {
            let found = format!("the constant has shape {own:?}, the other operand {shape:?}");
            let help = "use one number, or one for each channel";
            return Err(self.unsupported(op, "combine channels with one constant each", found, help));
        }
        self.reserve(256 * numbers.len())?;
        let (value, is_image) = self.value(op, data)?;
        let axis = if is_image { 1 } else { shape.len().saturating_sub(1) };
        let codes = pair.grids[1 - place].codes;
        let of_channel = |channel: usize, x: i64| {
            let number = numbers[channel % numbers.len()];
            if place == 0 { code(number, x) } else { code(x, number) }
        };
        let stem = self.stem(op.output);
        let result = self.named_table(stem, value, codes, (numbers.len(), axis), of_channel);
        self.bind(op, result, is_image)
    }

    fn joined(&mut self, op: Op, is_difference: bool) -> Result<(), TfliteError> {
        let pair = self.pair(op)?;
        let scales = pair.grids.map(|grid| grid.scale);
        let twice = f64::from(2.0 * scales[0].max(scales[1]));
        // Of float32, as the kernel has it; a power of two changes nothing.
        let output = twice / f64::from((1u32 << 20) as f32 * pair.output.scale);
        let term = |place: usize| {
            let multiplier = self.multiplier(op, f64::from(scales[place]) / twice)?;
            let is_negative = place == 1 && is_difference;
            Ok(Term { zero_point: pair.grids[place].codes.zero_point, multiplier, is_negative })
        };
        let terms = [term(0)?, term(1)?];
        if output >= 1.0 && !is_difference {
            let found = format!("its scale is {}, theirs {} and {}", pair.output.scale, scales[0], scales[1]);
            return Err(self.unsupported(op, "give codes of a scale that its kernel reaches", found, MALFORMED));
        }
        let sum = Sum { terms, multiplier: self.multiplier(op, output)?, codes: pair.codes };
        for place in 0..2 {
            if self.is_constant(pair.tensors[place]) {
                return self.with_constant(op, &pair, place, |a, b| sum.code(a, b));
            }
        }
        let (values, is_image) = self.operands(op, pair.tensors)?;
        let shape = self.values.shape(values[0]).to_vec();
        let kernel = Operator::Kernel(Kernel::Sum(sum));
        let codes = self.values.node(self.stem(op.output), kernel, &values, shape);
        self.bind(op, codes, is_image)
    }
}

/// `ADD`
pub(super) fn add(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    importer.joined(op, false)
}

/// `SUB`
pub(super) fn subtract(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    importer.joined(op, true)
}

/// `MUL`
pub(super) fn product(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let pair = importer.pair(op)?;
    let [a, b] = pair.grids;
    let multiplier = importer.multiplier(op, f64::from(a.scale * b.scale / pair.output.scale))?;
    let zero_points = pair.grids.map(|grid| grid.codes.zero_point);
    for place in 0..2 {
        if importer.is_constant(pair.tensors[place]) {
            let codes = pair.codes;
            let code = move |a: i64, b: i64| codes.code(multiplier.times((a - zero_points[0]) * (b - zero_points[1])));
            return importer.with_constant(op, &pair, place, code);
        }
    }
    let (mut values, is_image) = importer.operands(op, pair.tensors)?;
    for place in 0..2 {
        let zero_point = zero_points[place];
        if zero_point != 0 {
            // As integers of their own: the product of two codes with offsets is none of integers.
            let codes = pair.grids[place].codes;
            let role = if place == 0 { "first" } else { "second" };
            values[place] = importer.table(op, values[place], codes, (1, 1), role, |_, code| code - zero_point);
        }
    }
    let (stem, shape) = (importer.stem(op.output), importer.values.shape(values[0]).to_vec());
    let product = importer.values.node(stem, Operator::Mul, &values, shape.clone());
    let requantize = Requantize { factors: vec![Factor::Fixed(multiplier)], channel_axis: 1, codes: pair.codes };
    let kernel = Operator::Kernel(Kernel::Requantize(requantize));
    let codes = importer.values.node(&format!("{stem}_requantize"), kernel, &[product], shape);
    importer.bind(op, codes, is_image)
}
