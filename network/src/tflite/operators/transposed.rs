//! Transposed convolutions: zeros between pixels, then a convolution with turned weights.

use super::products::Weights;
use crate::graph::{Operator, Window};
use crate::tensor::Tensor;
use crate::tflite::error::TfliteError;
use crate::tflite::importer::{Importer, MALFORMED, Op};

/// `TRANSPOSE_CONV`: inputs are the output's shape, weights `[outputs, rows, columns, inputs]`, the image, the bias.
pub(super) fn convolution(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let (weights, index) = (importer.operand(op, 1)?, importer.operand(op, 2)?);
    let (extents, channels) = importer.extents(op, index)?;
    let (output, _) = importer.extents(op, op.output)?;
    let shape = importer.shape(weights)?;
    let [outputs, rows, columns, inputs] = *shape else {
        let found = format!("they have shape {shape:?}");
        return Err(importer.unsupported(op, "have weights with 4 axes", found, MALFORMED));
    };
    if channels != inputs {
        let found = format!("{channels} channels meet weights of shape {shape:?}");
        return Err(importer.unsupported(op, "have weights for all of its channels", found, MALFORMED));
    }
    let is_same = importer.option(op, 0, 0i8)? == 0;
    let (kernel, strides) = ([rows, columns], [importer.count(op, 2, 0)?, importer.count(op, 1, 0)?]);
    let (mut before, mut after) = ([0; 2], [0; 2]);
    for axis in 0..2 {
        // As if the output were the input of a convolution.
        let windows = match is_same {
            true => output[axis].div_ceil(strides[axis]),
            false => (output[axis] + strides[axis]).saturating_sub(kernel[axis]) / strides[axis],
        };
        let border = (windows.saturating_sub(1) * strides[axis] + kernel[axis]).saturating_sub(output[axis]) / 2;
        let dilated = extents[axis] * strides[axis];
        match ((kernel[axis] - 1).checked_sub(border), (output[axis] + border).checked_sub(dilated)) {
            (Some(first), Some(last)) => (before[axis], after[axis]) = (first, last),
            _ => {
                let found = format!("it makes {output:?} pixels of {extents:?}");
                return Err(importer.unsupported(op, "leave no pixel of its input out", found, MALFORMED));
            }
        }
    }
    let Weights { integers, scales, range } = importer.weights(op, weights, index, 0, outputs)?;
    let turned = |place: usize| {
        let (column, place) = (place % columns, place / columns);
        let (row, place) = (place % rows, place / rows);
        let (input, output) = (place % inputs, place / inputs);
        integers[((output * rows + rows - 1 - row) * columns + columns - 1 - column) * inputs + input]
    };
    let weights = Tensor::new(vec![outputs, inputs, rows, columns], (0..integers.len()).map(turned).collect());
    let stem = importer.stem(op.output);
    let mut image = importer.centred(op, index)?;
    if strides != [1; 2] {
        let shape = vec![1, channels, extents[0] * strides[0], extents[1] * strides[1]];
        importer.reserve(shape.iter().product())?;
        let dilate = Operator::Dilate { factors: vec![1, 1, strides[0], strides[1]] };
        image = importer.values.node(&format!("{stem}_dilated"), dilate, &[image], shape);
    }
    let window = Window { pads_before: before.to_vec(), pads_after: after.to_vec(), ..Window::of(kernel.to_vec()) };
    let mut operands = vec![image, importer.values.integers(&format!("{stem}_weights"), weights)];
    operands.extend(importer.bias(op, 3, outputs)?);
    let shape = vec![1, outputs, output[0], output[1]];
    let sums = importer.values.node(stem, Operator::Conv { window, groups: 1 }, &operands, shape);
    importer.values.weights_of_newest(range.0, range.1);
    let codes = importer.requantized(op, index, sums, &scales, 3)?;
    importer.bind_image(op, codes)
}
