//! Pools and means.

use super::options::WindowFields;
use crate::graph::{Operator, RoundingMode, ValueId, Window};
use crate::kernel::{Codes, Factor, Kernel, Requantize};
use crate::tflite::error::TfliteError;
use crate::tflite::importer::{Importer, MALFORMED, Op};
use abi::fixed_point::Multiplier;

const POOL: WindowFields = WindowFields { padding: 0, strides: [2, 1], dilations: None };

impl Importer<'_> {
    /// The windows of a pool and the shape of its result. What it reads and what it gives must have one scale.
    fn pool(&self, op: Op) -> Result<(Window, Vec<usize>), TfliteError> {
        let index = self.operand(op, 0)?;
        let grids = [self.grid(op, index)?, self.grid(op, op.output)?];
        if grids[0] != grids[1] {
            let found = format!("they are {:?} and {:?}", grids[0], grids[1]);
            return Err(self.unsupported(op, "give codes of the scale and zero point of its input", found, MALFORMED));
        }
        let (extents, channels) = self.extents(op, index)?;
        let kernel = [self.count(op, 4, 0)?, self.count(op, 3, 0)?];
        let window = self.window(op, &POOL, kernel, extents)?;
        let mut shape = vec![1, channels];
        shape.extend(window.output_extents(&extents).unwrap_or_default());
        Ok((window, shape))
    }

    /// Codes within the limits of the operator's activation.
    fn limited(&mut self, op: Op, codes: ValueId) -> Result<ValueId, TfliteError> {
        let grid = self.grid(op, op.output)?;
        let limits = self.activated(op, self.option(op, 5, 0i8)?, grid)?;
        if limits == grid.codes {
            return Ok(codes);
        }
        let limit = move |_, code: i64| code.clamp(limits.minimum, limits.maximum);
        Ok(self.table(op, codes, grid.codes, (1, 1), "limits", limit))
    }
}

/// `MAX_POOL_2D`
pub(super) fn greatest(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let (window, shape) = importer.pool(op)?;
    let image = importer.image(op, importer.operand(op, 0)?)?;
    let stem = importer.stem(op.output);
    let greatest = importer.values.node(stem, Operator::MaxPool { window }, &[image], shape);
    let limited = importer.limited(op, greatest)?;
    importer.bind_image(op, limited)
}

/// `AVERAGE_POOL_2D`: the mean of the codes in a window, from a middle away from zero.
pub(super) fn average(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let (window, shape) = importer.pool(op)?;
    let image = importer.image(op, importer.operand(op, 0)?)?;
    let stem = importer.stem(op.output);
    let pool = Operator::AveragePool { window, count_include_pad: false };
    let mean = importer.values.node(stem, pool, &[image], shape.clone());
    let Codes { minimum, .. } = importer.grid(op, op.output)?.codes;
    let parameters = [("scale", 1.0), ("zero_point", 0.0), ("bits", 8.0)];
    let mut inputs = vec![mean];
    inputs.extend(parameters.map(|(role, number)| importer.values.number(&format!("{stem}_{role}"), number)));
    let quant = Operator::Quant { signed: minimum < 0, narrow: false, rounding: RoundingMode::HalfUp };
    let codes = importer.values.node(&format!("{stem}_round"), quant, &inputs, shape);
    let limited = importer.limited(op, codes)?;
    importer.bind_image(op, limited)
}

/// The factor of a sum that makes a mean of it: the kernel divides the fixed-point number.
fn mean_multiplier(ratio: Multiplier, elements: u64) -> Multiplier {
    let shift = i64::from(63 - elements.leading_zeros()).min(32).min(31 + i64::from(ratio.exponent)).max(0);
    let significand = (i64::from(ratio.significand) << shift) / elements as i64;
    Multiplier { significand: significand as i32, exponent: ratio.exponent - shift as i32 }
}

/// `MEAN` over all pixels.
pub(super) fn mean(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let (index, axes) = (importer.operand(op, 0)?, importer.operand(op, 1)?);
    let mut axes = importer.integers(op, axes)?;
    axes.iter_mut().filter(|axis| **axis < 0).for_each(|axis| *axis += 4);
    axes.sort_unstable();
    axes.dedup();
    let (extents, channels) = importer.extents(op, index)?;
    if axes != [1, 2] {
        let help = "use a mean over both spatial axes, or put the mean on the host";
        return Err(importer.unsupported(op, "go over rows and columns", format!("its axes are {axes:?}"), help));
    }
    let (input, output) = (importer.grid(op, index)?, importer.grid(op, op.output)?);
    let ratio = importer.multiplier(op, f64::from(input.scale) / f64::from(output.scale))?;
    let pixels = extents[0] * extents[1];
    let factors = vec![Factor::Fixed(mean_multiplier(ratio, pixels as u64))];
    let image = importer.centred(op, index)?;
    let window = Window::of(extents.to_vec());
    let (stem, shape) = (importer.stem(op.output), vec![1, channels, 1, 1]);
    let pool = Operator::AveragePool { window, count_include_pad: false };
    let mean = importer.values.node(stem, pool, &[image], shape.clone());
    let count = importer.values.number(&format!("{stem}_pixels"), pixels as f64);
    let sum = importer.values.node(&format!("{stem}_sum"), Operator::Mul, &[mean, count], shape.clone());
    let kernel = Kernel::Requantize(Requantize { factors, channel_axis: 1, codes: output.codes });
    let codes = importer.values.node(&format!("{stem}_requantize"), Operator::Kernel(kernel), &[sum], shape);
    match *importer.shape(op.output)? {
        [_, _, _, _] => importer.bind_image(op, codes),
        ref shape => {
            let shape = shape.to_vec();
            if shape.iter().product::<usize>() != channels {
                return importer.bind_native(op, codes);
            }
            let codes = importer.reshaped(op, codes, shape, "shape");
            importer.bind_native(op, codes)
        }
    }
}
