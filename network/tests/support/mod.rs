//! What the tests of this crate share.

#![allow(dead_code, missing_docs, clippy::unwrap_used)]

pub mod round_trip;

use network::tensor::Tensor;

pub fn tensor(shape: &[usize], data: &[f64]) -> Tensor {
    Tensor::new(shape.to_vec(), data.to_vec())
}
