//! Element-wise operators with broadcasting.

use crate::tensor::{Tensor, broadcast_indices, broadcast_shape};

/// `f` of each element.
pub(super) fn unary(x: &Tensor, f: impl Fn(f64) -> f64) -> Tensor {
    Tensor::new(x.shape.clone(), x.data.iter().map(|x| f(*x)).collect())
}

/// `f` of each pair of elements that broadcasting brings together.
pub(super) fn binary(a: &Tensor, b: &Tensor, f: impl Fn(f64, f64) -> f64) -> Tensor {
    let shape = broadcast_shape(&a.shape, &b.shape).expect("the import checks that shapes broadcast");
    let left = broadcast_indices(&a.shape, &shape);
    let right = broadcast_indices(&b.shape, &shape);
    let data = left.into_iter().zip(right).map(|(i, j)| f(a.data[i], b.data[j])).collect();
    Tensor::new(shape, data)
}
