//! What operators say of themselves: windows and activations.

use crate::graph::Window;
use crate::kernel::Codes;
use crate::tflite::error::TfliteError;
use crate::tflite::flatbuffer::Scalar;
use crate::tflite::importer::{Grid, Importer, MALFORMED, Op};
use abi::fixed_point::{Multiplier, saturated};

/// Greatest extent, step or distance of a window.
const LARGEST: usize = 1 << 16;

/// Where the numbers of a window stand among an operator's options, rows first.
pub(super) struct WindowFields {
    pub padding: usize,
    pub strides: [usize; 2],
    pub dilations: Option<[usize; 2]>,
}

impl Importer<'_> {
    /// A number among an operator's options.
    pub(super) fn option<T: Scalar>(&self, op: Op, number: usize, otherwise: T) -> Result<T, TfliteError> {
        let Some(options) = &op.operator.options else { return Ok(otherwise) };
        options.scalar(number, otherwise).map_err(|damage| self.damaged(damage))
    }

    /// A count among an operator's options, from 1 on.
    pub(super) fn count(&self, op: Op, number: usize, otherwise: i32) -> Result<usize, TfliteError> {
        let found = self.option(op, number, otherwise)?;
        let count = usize::try_from(found).ok().filter(|count| (1..=LARGEST).contains(count));
        count.ok_or_else(|| {
            let must = format!("have kernels, strides and dilations from 1 to {LARGEST}");
            self.unsupported(op, must, format!("one is {found}"), MALFORMED)
        })
    }

    /// The windows of `kernel` rows and columns over an image of `extents` rows and columns.
    pub(super) fn window(
        &self,
        op: Op,
        fields: &WindowFields,
        kernel: [usize; 2],
        extents: [usize; 2],
    ) -> Result<Window, TfliteError> {
        let is_same = match self.option(op, fields.padding, 0i8)? {
            0 => true,
            1 => false,
            other => {
                return Err(self.unsupported(op, "pad SAME or VALID", format!("its padding is {other}"), MALFORMED));
            }
        };
        let mut window = Window::of(kernel.to_vec());
        for axis in 0..2 {
            let stride = self.count(op, fields.strides[axis], 0)?;
            let dilation = match fields.dilations {
                Some(dilations) => self.count(op, dilations[axis], 1)?,
                None => 1,
            };
            (window.strides[axis], window.dilations[axis]) = (stride, dilation);
            // Within 2^44: a kernel has at most 2^28 taps.
            let reach = (kernel[axis] - 1) * dilation + 1;
            if is_same {
                let outputs = extents[axis].div_ceil(stride);
                let border = ((outputs - 1) * stride + reach).saturating_sub(extents[axis]);
                window.pads_before[axis] = border / 2;
                window.pads_after[axis] = border - border / 2;
            } else if reach > extents[axis] {
                let found = format!("they reach over {reach} positions of {}", extents[axis]);
                return Err(self.unsupported(
                    op,
                    "have windows within its image, unless padded SAME",
                    found,
                    MALFORMED,
                ));
            }
        }
        Ok(window)
    }

    /// The codes of an operator's output behind its activation.
    pub(super) fn activated(&self, op: Op, activation: i8, grid: Grid) -> Result<Codes, TfliteError> {
        let code = |x: f32| grid.codes.zero_point + i64::from(saturated((x / grid.scale).round() as i64));
        let Codes { zero_point, minimum, maximum } = grid.codes;
        let limited = |least: f32, greatest: Option<f32>| Codes {
            zero_point,
            minimum: minimum.max(code(least)),
            maximum: greatest.map_or(maximum, |greatest| maximum.min(code(greatest))),
        };
        match activation {
            0 => Ok(grid.codes),
            1 => Ok(limited(0.0, None)),
            2 => Ok(limited(-1.0, Some(1.0))),
            3 => Ok(limited(0.0, Some(6.0))),
            other => {
                let found = format!("it has activation number {other}");
                let help = "make TANH or SIGN_BIT an operator of its own behind it, or use RELU or RELU6";
                Err(self.unsupported(op, "have no activation, or RELU, RELU6 or RELU_N1_TO_1", found, help))
            }
        }
    }

    /// A fixed-point factor.
    pub(super) fn multiplier(&self, op: Op, real: f64) -> Result<Multiplier, TfliteError> {
        Multiplier::of(real).ok_or_else(|| {
            self.unsupported(op, "have scales that are positive numbers", format!("their ratio is {real}"), MALFORMED)
        })
    }

    /// Rows and columns of pixels, and channels, of an image.
    pub(super) fn extents(&self, op: Op, index: usize) -> Result<([usize; 2], usize), TfliteError> {
        match *self.shape(index)? {
            [_, height, width, channels] => Ok(([height, width], channels)),
            ref shape => {
                let must = "read an image of shape [1, height, width, channels]";
                let help = "reshape its input to one image with two spatial axes";
                Err(self.unsupported(op, must, format!("its input has shape {shape:?}"), help))
            }
        }
    }
}
