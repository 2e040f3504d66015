//! The greatest elements along an axis.

use super::number::{Element, Fault};
use crate::tensor::Tensor;
use std::cmp::Ordering;

/// Values and indices of the `k` greatest elements along `axis`, greatest first; on ties the lower index first, or with
/// `last` the higher.
pub(super) fn top_k<N: Element>(
    x: &Tensor<N>,
    axis: usize,
    k: usize,
    last: bool,
) -> Result<Vec<Tensor<N::Sum>>, Fault> {
    let extent = x.shape[axis];
    let inner: usize = x.shape[axis + 1..].iter().product();
    let outer: usize = x.shape[..axis].iter().product();
    let mut shape = x.shape.clone();
    shape[axis] = k;
    let mut values = vec![N::Sum::of(0.0); outer * k * inner];
    let mut indices = values.clone();
    for block in 0..outer {
        for position in 0..inner {
            let element = |index: usize| &x.data[(block * extent + index) * inner + position];
            let mut left: Vec<usize> = (0..extent).collect();
            // No sort: where one comparison is undecided, the others need not be those of any order.
            for rank in 0..k {
                let mut best = 0;
                for place in 1..left.len() {
                    let order = element(left[place]).compare(element(left[best]))?;
                    if order == Ordering::Greater || last && order == Ordering::Equal {
                        best = place;
                    }
                }
                let index = left.remove(best);
                let place = (block * k + rank) * inner + position;
                values[place] = element(index).widened();
                indices[place] = N::Sum::of(index as f64);
            }
        }
    }
    Ok(vec![Tensor::new(shape.clone(), values), Tensor::new(shape, indices)])
}
