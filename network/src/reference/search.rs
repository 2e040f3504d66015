//! The greatest elements along an axis.

use crate::tensor::Tensor;
use std::cmp::Ordering;

/// Values and indices of the `k` greatest elements along `axis`, greatest first, lower index first on ties.
pub(super) fn top_k(x: &Tensor, axis: usize, k: usize) -> Vec<Tensor> {
    let extent = x.shape[axis];
    let inner: usize = x.shape[axis + 1..].iter().product();
    let outer: usize = x.shape[..axis].iter().product();
    let mut shape = x.shape.clone();
    shape[axis] = k;
    let mut values = vec![0.0; outer * k * inner];
    let mut indices = values.clone();
    for block in 0..outer {
        for position in 0..inner {
            let element = |index: &usize| x.data[(block * extent + index) * inner + position];
            let mut order: Vec<usize> = (0..extent).collect();
            // A stable sort keeps the lower index first among equals, −0 and +0 included.
            order.sort_by(|a, b| element(b).partial_cmp(&element(a)).unwrap_or(Ordering::Equal));
            for (rank, index) in order.iter().take(k).enumerate() {
                let place = (block * k + rank) * inner + position;
                values[place] = element(index);
                indices[place] = *index as f64;
            }
        }
    }
    vec![Tensor::new(shape.clone(), values), Tensor::new(shape, indices)]
}
