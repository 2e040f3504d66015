//! Constants as tensors of a file.

use crate::grid::{greatest, greatest_common_step};
use crate::onnx::proto::TensorProto;
use crate::tensor::{Tensor, strides};
use prost::bytes::Bytes;

/// Number of float32 among the types of elements.
pub(super) const FLOAT: i32 = 1;
/// Number of int64.
pub(super) const INT64: i32 = 7;

fn tensor(name: &str, shape: &[usize], data_type: i32, raw_data: Vec<u8>) -> TensorProto {
    let dims = shape.iter().map(|extent| *extent as i64).collect();
    TensorProto { dims, data_type, name: name.into(), raw_data: Bytes::from(raw_data), ..TensorProto::default() }
}

/// A tensor of float32.
pub(super) fn float_tensor(name: &str, shape: &[usize], data: &[f64]) -> TensorProto {
    tensor(name, shape, FLOAT, data.iter().flat_map(|number| (*number as f32).to_le_bytes()).collect())
}

/// A tensor of int64.
pub(super) fn integer_tensor(name: &str, shape: &[usize], data: &[i64]) -> TensorProto {
    tensor(name, shape, INT64, data.iter().flat_map(|number| number.to_le_bytes()).collect())
}

/// Numbers as integers times float32 scales.
pub(super) struct Coded {
    /// The scales, in a shape that broadcasts to the numbers'.
    pub scale: Tensor,
    /// Bits of a signed integer.
    pub bits: u32,
}

/// Greatest integer: its product with a scale, rounded to float32, is still nearer to it than to its neighbours.
const MAX_CODE: f64 = (1 << 21) as f64;

/// Numbers as integers times one scale, or one scale for each index of an axis.
pub(super) fn coded(numbers: &Tensor) -> Option<Coded> {
    let axes = (0..numbers.shape.len()).map(Some);
    [None].into_iter().chain(axes).find_map(|axis| along(numbers, axis))
}

fn along(numbers: &Tensor, axis: Option<usize>) -> Option<Coded> {
    let mut shape = vec![1; if axis.is_some() { numbers.shape.len() } else { 0 }];
    let mut parts = vec![Vec::new(); axis.map_or(1, |axis| numbers.shape[axis])];
    let stride = axis.map_or(1, |axis| strides(&numbers.shape)[axis]);
    for (index, number) in numbers.data.iter().enumerate() {
        parts[axis.map_or(0, |axis| index / stride % numbers.shape[axis])].push(*number);
    }
    if let Some(axis) = axis {
        shape[axis] = numbers.shape[axis];
    }
    let scales: Vec<f64> = parts.iter().map(|part| common_scale(part)).collect::<Option<_>>()?;
    let greatest = parts.iter().zip(&scales).flat_map(|(part, scale)| part.iter().map(move |n| (n / scale).abs()));
    let greatest = greatest.fold(1.0, f64::max);
    let bits = (greatest + 1.0).log2().ceil() as u32 + 1;
    Some(Coded { scale: Tensor::new(shape, scales), bits })
}

/// The greatest float32 that all numbers are few multiples of.
fn common_scale(numbers: &[f64]) -> Option<f64> {
    let step = greatest_common_step(numbers, MAX_CODE)?;
    let greatest = greatest(numbers);
    // The codes may have a common divisor, which is in the step and must come out of it.
    (1..=4096).map(|divisor| step / f64::from(divisor)).find(|scale| {
        f64::from(*scale as f32) == *scale
            && greatest / scale <= MAX_CODE
            && (step / scale).fract() == 0.0
            && (step / scale) * scale == step
    })
}
