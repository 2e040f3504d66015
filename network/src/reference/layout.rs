//! Operators that join, surround and repeat elements. The import uses the same functions for constants.

use crate::tensor::Tensor;

/// Number of blocks that an axis repeats in, and number of elements of one step along it.
fn around(shape: &[usize], axis: usize) -> (usize, usize) {
    (shape[..axis].iter().product(), shape[axis + 1..].iter().product())
}

/// The tensors one after the other along `axis`; their other extents must agree.
pub(crate) fn concatenated<N: Clone>(tensors: &[&Tensor<N>], axis: usize) -> Tensor<N> {
    let mut shape = tensors[0].shape.clone();
    shape[axis] = tensors.iter().map(|tensor| tensor.shape[axis]).sum();
    let (blocks, step) = around(&shape, axis);
    let mut data = Vec::with_capacity(shape.iter().product());
    for block in 0..blocks {
        for tensor in tensors {
            let run = tensor.shape[axis] * step;
            data.extend_from_slice(&tensor.data[block * run..(block + 1) * run]);
        }
    }
    Tensor::new(shape, data)
}

/// The tensor with `before[i]` and `after[i]` elements of `value` around axis i.
pub(crate) fn padded<N: Clone>(x: &Tensor<N>, before: &[usize], after: &[usize], value: &N) -> Tensor<N> {
    let mut padded = x.clone();
    for (axis, (before, after)) in before.iter().zip(after).enumerate() {
        if (*before, *after) == (0, 0) {
            continue;
        }
        let (blocks, step) = around(&padded.shape, axis);
        let run = padded.shape[axis] * step;
        let extent = before + padded.shape[axis] + after;
        let mut data = Vec::with_capacity(blocks * extent * step);
        for block in 0..blocks {
            data.resize(data.len() + before * step, value.clone());
            data.extend_from_slice(&padded.data[block * run..(block + 1) * run]);
            data.resize(data.len() + after * step, value.clone());
        }
        let mut shape = padded.shape;
        shape[axis] = extent;
        padded = Tensor::new(shape, data);
    }
    padded
}

/// The tensor with each element `factors[i]` times along axis i.
pub(crate) fn repeated<N: Clone>(x: &Tensor<N>, factors: &[usize]) -> Tensor<N> {
    let mut repeated = x.clone();
    for (axis, factor) in factors.iter().enumerate().filter(|(_, factor)| **factor != 1) {
        let (_, step) = around(&repeated.shape, axis);
        let mut data = Vec::with_capacity(repeated.len() * factor);
        if step > 0 {
            for slab in repeated.data.chunks_exact(step) {
                (0..*factor).for_each(|_| data.extend_from_slice(slab));
            }
        }
        let mut shape = repeated.shape;
        shape[axis] *= factor;
        repeated = Tensor::new(shape, data);
    }
    repeated
}
