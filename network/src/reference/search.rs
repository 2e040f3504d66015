//! The greatest elements along an axis.

use super::number::{Element, Fault};
use crate::tensor::Tensor;
use std::cmp::Ordering;

/// Values and indices of the `k` greatest elements along `axis`, greatest first, lower index first on ties.
pub(super) fn top_k<N: Element>(x: &Tensor<N>, axis: usize, k: usize) -> Result<Vec<Tensor<N::Sum>>, Fault> {
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
            let mut order: Vec<usize> = (0..extent).collect();
            let mut fault = None;
            // A stable sort keeps the lower index first among equals.
            order.sort_by(|a, b| {
                let compared = element(*b).compare(element(*a));
                compared.unwrap_or_else(|found| {
                    fault = Some(found);
                    Ordering::Equal
                })
            });
            if let Some(fault) = fault {
                return Err(fault);
            }
            for (rank, index) in order.iter().take(k).enumerate() {
                let place = (block * k + rank) * inner + position;
                values[place] = element(*index).widened();
                indices[place] = N::Sum::of(*index as f64);
            }
        }
    }
    Ok(vec![Tensor::new(shape.clone(), values), Tensor::new(shape, indices)])
}
