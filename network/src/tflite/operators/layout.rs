//! Operators that only move elements, repeat them, or put others around them.

use crate::graph::{Operator, ValueId};
use crate::kernel::Codes;
use crate::tflite::error::TfliteError;
use crate::tflite::importer::{Grid, Importer, MALFORMED, Op, Real};
use crate::tflite::schema::Kind;
use abi::fixed_point::saturated;

impl Importer<'_> {
    /// A value in another shape of as many elements, as a part of an operator.
    pub(super) fn reshaped(&mut self, op: Op, value: ValueId, shape: Vec<usize>, role: &str) -> ValueId {
        if self.values.shape(value) == shape {
            return value;
        }
        let name = format!("{}_{role}", self.stem(op.output));
        self.values.node(&name, Operator::Reshape, &[value], shape)
    }

    /// The index of an axis that may be counted from behind.
    fn axis(&self, op: Op, axis: i64, rank: usize) -> Result<usize, TfliteError> {
        let counted = if axis < 0 { axis + rank as i64 } else { axis };
        usize::try_from(counted).ok().filter(|axis| *axis < rank).ok_or_else(|| {
            self.unsupported(op, format!("name one of {rank} axes"), format!("it names axis {axis}"), MALFORMED)
        })
    }

    /// Checks that an operator gives what it reads in the same type, and remembers which integers that is.
    fn keeps_type(&mut self, op: Op, index: usize) -> Result<(), TfliteError> {
        let kinds = [self.tensor(index).kind, self.tensor(op.output).kind];
        if kinds[0] == kinds[1] {
            self.real_of[op.output] = self.real_of[index].map(|real| Real { is_moved: true, ..real });
            return Ok(());
        }
        let found = format!("it makes {} of {}", kinds[1].name(), kinds[0].name());
        Err(self.unsupported(op, "keep the type of its input", found, MALFORMED))
    }
}

/// `RESHAPE`, `SQUEEZE`, `EXPAND_DIMS`: the file says which shape comes out.
pub(super) fn reshape(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let index = importer.operand(op, 0)?;
    importer.keeps_type(op, index)?;
    let shape = importer.shape(op.output)?;
    if let Some((source, softmax)) = importer.softmax_of[index] {
        importer.softmax_of[op.output] = Some((source, softmax));
    }
    let native = importer.native(index)?;
    if importer.values.shape(native).iter().product::<usize>() != shape.iter().product() {
        return importer.bind_native(op, native);
    }
    let stem = importer.stem(op.output);
    let reshaped = importer.values.node(stem, Operator::Reshape, &[native], shape);
    importer.bind_native(op, reshaped)
}

/// `TRANSPOSE`
pub(super) fn transpose(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let (index, axes) = (importer.operand(op, 0)?, importer.operand(op, 1)?);
    importer.keeps_type(op, index)?;
    let native = importer.native(index)?;
    let before = importer.values.shape(native).to_vec();
    let axes = importer.integers(op, axes)?;
    let permutation = axes.iter().map(|axis| importer.axis(op, *axis, before.len())).collect::<Result<Vec<_>, _>>()?;
    let mut sorted = permutation.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..before.len()) {
        let found = format!("they are {axes:?} of {before:?}");
        return Err(importer.unsupported(op, "name each axis once", found, MALFORMED));
    }
    let shape = permutation.iter().map(|axis| before[*axis]).collect();
    let stem = importer.stem(op.output);
    let turned = importer.values.node(stem, Operator::Transpose { permutation }, &[native], shape);
    importer.bind_native(op, turned)
}

/// `PAD` with the zero point, `PADV2` with any code.
pub(super) fn pad(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let (index, counts) = (importer.operand(op, 0)?, importer.operand(op, 1)?);
    importer.keeps_type(op, index)?;
    let ([height, width], channels) = importer.extents(op, index)?;
    let zero_point = importer.grid(op, op.output)?.codes.zero_point;
    let value = match importer.optional_operand(op, 2)? {
        Some(value) if op.kind == "PADV2" => importer.integers(op, value)?.first().copied().unwrap_or(zero_point),
        _ => zero_point,
    };
    let counts = importer.integers(op, counts)?;
    let is_small = |count: &i64| (0..=1 << 16).contains(count);
    let [0, 0, top, bottom, left, right, 0, 0] = *counts else {
        let help = "pad rows and columns only";
        return Err(importer.unsupported(op, "pad pixels", format!("it pads {counts:?}"), help));
    };
    if ![top, bottom, left, right].iter().all(is_small) {
        let found = format!("it pads {counts:?}");
        return Err(importer.unsupported(op, "pad at most 65536 rows and columns", found, MALFORMED));
    }
    let [top, bottom, left, right] = [top, bottom, left, right].map(|count| count as usize);
    let shape = vec![1, channels, height + top + bottom, width + left + right];
    let padded = |value: i64| Operator::Pad {
        before: vec![0, 0, top, left],
        after: vec![0, 0, bottom, right],
        value: value as f64,
    };
    let (stem, image) = (importer.stem(op.output), importer.image(op, index)?);
    let result = importer.values.node(stem, padded(value), &[image], shape.clone());
    importer.bind_image(op, result)?;
    if value == zero_point && zero_point != 0 {
        // Zeros around what a convolution reads: it takes them in.
        let centred = importer.less(index, image, zero_point);
        let name = format!("{stem}_centred");
        importer.forms[op.output].centred = Some(importer.values.node(&name, padded(0), &[centred], shape));
    }
    Ok(())
}

/// The code that a value with another scale gets when values of UINT8 are put together.
fn rescaled(input: Grid, output: Grid, code: i64) -> i64 {
    let Codes { minimum, maximum, zero_point } = output.codes;
    let scale = input.scale * (1.0 / output.scale);
    let bias = -input.codes.zero_point as f32 * scale;
    (i64::from(saturated((code as f32 * scale + bias).round() as i64)) + zero_point).clamp(minimum, maximum)
}

/// `CONCATENATION`
pub(super) fn concatenation(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let output = importer.grid(op, op.output)?;
    let rank = importer.shape(op.output)?.len();
    let axis = importer.axis(op, i64::from(importer.option(op, 0, 0i32)?), rank)?;
    if importer.option(op, 1, 0i8)? != 0 {
        let found = "it has one".into();
        return Err(importer.unsupported(op, "have no activation", found, "put the activation before it"));
    }
    let mut is_image = false;
    let mut values = Vec::new();
    for place in 0..op.operator.inputs.len() {
        let index = importer.operand(op, place)?;
        let grid = importer.grid(op, index)?;
        let value;
        (value, is_image) = importer.value(op, index)?;
        let role = format!("part_{place}");
        values.push(match grid == output {
            true => value,
            false if importer.tensor(index).kind == Kind::UInt8 && importer.tensor(op.output).kind == Kind::UInt8 => {
                importer.table(op, value, grid.codes, (1, 1), &role, |_, code| rescaled(grid, output, code))
            }
            false => {
                let found = format!("input {place} has {grid:?}, the output {output:?}");
                return Err(importer.unsupported(
                    op,
                    "join values of one type, scale and zero point",
                    found,
                    MALFORMED,
                ));
            }
        });
    }
    let axis = if is_image { [0, 2, 3, 1][axis] } else { axis };
    let shapes: Vec<&[usize]> = values.iter().map(|value| importer.values.shape(*value)).collect();
    let Some((first, rest)) = shapes.split_first() else {
        return Err(importer.unsupported(op, "join values", "it has none".into(), MALFORMED));
    };
    let mut shape = first.to_vec();
    for other in rest {
        let fits = other.len() == rank && (0..rank).all(|index| index == axis || other[index] == first[index]);
        if !fits || first.len() != rank {
            let found = format!("their shapes, channels first, are {shapes:?}");
            return Err(importer.unsupported(op, "join values that differ on one axis", found, MALFORMED));
        }
        shape[axis] += other[axis];
    }
    let joined = importer.values.node(importer.stem(op.output), Operator::Concat { axis }, &values, shape);
    importer.bind(op, joined, is_image)
}

/// `RESIZE_NEAREST_NEIGHBOR` to whole multiples.
pub(super) fn resize(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let index = importer.operand(op, 0)?;
    importer.keeps_type(op, index)?;
    let (before, channels) = importer.extents(op, index)?;
    let (after, _) = importer.extents(op, op.output)?;
    let (aligns, is_centred) = (importer.option(op, 0, 0u8)? != 0, importer.option(op, 1, 0u8)? != 0);
    let offset = if is_centred { 0.5f32 } else { 0.0 };
    let repeats = |axis: usize| {
        let factor = after[axis] / before[axis];
        let scale = before[axis] as f32 / after[axis] as f32;
        // The kernel finds the pixel in float32.
        let source = |place: usize| ((place as f32 + offset) * scale).floor() as usize;
        factor > 0
            && after[axis] % factor == 0
            && after[axis] / factor == before[axis]
            && (0..after[axis]).all(|place| source(place).min(before[axis] - 1) == place / factor)
    };
    if aligns || !(repeats(0) && repeats(1)) {
        let found = format!("it makes {after:?} of {before:?}, corners aligned: {aligns}");
        let help = "enlarge to whole multiples without align_corners";
        return Err(importer.unsupported(op, "repeat each pixel as often", found, help));
    }
    let image = importer.image(op, index)?;
    let factors = vec![1, 1, after[0] / before[0], after[1] / before[1]];
    let shape = vec![1, channels, after[0], after[1]];
    let larger = importer.values.node(importer.stem(op.output), Operator::Upsample { factors }, &[image], shape);
    importer.bind_image(op, larger)
}

/// `ARG_MAX`
pub(super) fn arg_max(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let (index, axis) = (importer.operand(op, 0)?, importer.operand(op, 1)?);
    importer.grid(op, index)?;
    let native = importer.native(index)?;
    let mut shape = importer.values.shape(native).to_vec();
    let found = importer.integers(op, axis)?.first().copied().unwrap_or(0);
    let axis = importer.axis(op, found, shape.len())?;
    shape.remove(axis);
    let index =
        importer.values.node(importer.stem(op.output), Operator::ArgMax { axis, last: false }, &[native], shape);
    importer.bind_native(op, index)
}
