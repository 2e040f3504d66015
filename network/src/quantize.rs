//! From real weights to few-bit weights, after training: one file for each published scheme.
//!
//! Every scheme is a pure function from [`Weights`] to [`Quantized`]: codes, scales, and with them the values that a
//! network computes with from then on. [`Scheme`] names them all; [`model`] puts one into a whole graph.

mod abc;
mod admm;
mod bwn;
mod bwnh;
mod descent;
mod dorefa;
mod fgq;
mod format;
mod horq;
pub mod hwgq;
mod inputs;
mod inq;
pub mod model;
mod normalization;
mod quant_py;
mod scheme;
mod shiftcnn;
mod tsq;
mod ttq;
mod twn;

pub use admm::Alphabet;
pub use format::{Basis, Format, Granularity, Quantized, Scales};
pub use inputs::InputProducts;
pub use normalization::re_estimate;
pub use scheme::{Method, QuantizeError, Scheme, SchemeError};

/// The weights of one dot product, `[outputs, channels, taps]` row-major: the order of a convolution's, and with one tap
/// that of a matrix with a row for each output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights<'a> {
    /// Number of output channels.
    pub outputs: usize,
    /// Number of input channels that an output reads.
    pub channels: usize,
    /// Positions of the kernel; 1 for a matrix product.
    pub taps: usize,
    /// The weights.
    pub values: &'a [f64],
}

impl<'a> Weights<'a> {
    /// Number of weights of an output.
    pub fn inputs(&self) -> usize {
        self.channels * self.taps
    }

    /// The weights that share a scale, one slice for each; groups are no slices and count as their outputs.
    fn parts(&self, granularity: Granularity) -> std::slice::ChunksExact<'a, f64> {
        match granularity {
            Granularity::Tensor => self.values.chunks_exact(self.values.len().max(1)),
            Granularity::Channel | Granularity::Group(_) => self.values.chunks_exact(self.inputs().max(1)),
        }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / count as f64 }
}

fn mean_magnitude(values: &[f64]) -> f64 {
    mean(values.iter().map(|value| value.abs()))
}

fn greatest_magnitude(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |greatest, value| greatest.max(value.abs()))
}

/// ±1, with +1 for zero.
fn sign(value: f64) -> i32 {
    if value >= 0.0 { 1 } else { -1 }
}
