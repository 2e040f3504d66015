//! Operators that select, join, surround and repeat elements. The import uses the same functions for constants.

use crate::tensor::{Tensor, strides};

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

/// Of the elements along `axis` those with the given indices, in their order.
pub(crate) fn selected<N: Clone>(x: &Tensor<N>, axis: usize, indices: &[usize]) -> Tensor<N> {
    let (blocks, step) = around(&x.shape, axis);
    let run = x.shape[axis] * step;
    let mut data = Vec::with_capacity(blocks * indices.len() * step);
    for block in 0..blocks {
        for index in indices {
            data.extend_from_slice(&x.data[block * run + index * step..][..step]);
        }
    }
    let mut shape = x.shape.clone();
    shape[axis] = indices.len();
    Tensor::new(shape, data)
}

/// The tensor with `factors[i] − 1` elements of `value` behind each along axis i.
pub(crate) fn dilated<N: Clone>(x: &Tensor<N>, factors: &[usize], value: &N) -> Tensor<N> {
    let shape: Vec<usize> = x.shape.iter().zip(factors).map(|(extent, factor)| extent * factor).collect();
    let mut data = vec![value.clone(); shape.iter().product()];
    let strides = strides(&shape);
    for (index, element) in x.data.iter().enumerate() {
        let (mut rest, mut place) = (index, 0);
        for axis in (0..shape.len()).rev() {
            place += rest % x.shape[axis] * factors[axis] * strides[axis];
            rest /= x.shape[axis];
        }
        data[place] = element.clone();
    }
    Tensor::new(shape, data)
}
