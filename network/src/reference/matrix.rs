//! Matrix products.

use super::number::{Element, Number};
use crate::tensor::{Tensor, broadcast_indices, broadcast_shape};
use std::borrow::Cow;

/// The `rows` × `columns` sums of products of a row of `a` and a column of `b`, both row-major.
fn products<N: Element>(a: &[N], b: &[N], rows: usize, columns: usize) -> Vec<N::Sum> {
    let inner = a.len().checked_div(rows).unwrap_or(0);
    let mut sums = vec![N::Sum::of(0.0); rows * columns];
    for row in 0..rows {
        let sums = &mut sums[row * columns..(row + 1) * columns];
        for k in 0..inner {
            let factor = &a[row * inner + k];
            for (sum, b) in sums.iter_mut().zip(&b[k * columns..(k + 1) * columns]) {
                N::add_product(sum, factor, b);
            }
        }
    }
    sums
}

/// NumPy's `matmul`: the last two axes are matrices, the others are broadcast; a vector is a row on the left and a
/// column on the right, and its axis is dropped from the result.
pub(super) fn mat_mul<N: Element>(a: &Tensor<N>, b: &Tensor<N>) -> Tensor<N::Sum> {
    let left = if a.shape.len() == 1 { vec![1, a.shape[0]] } else { a.shape.clone() };
    let right = if b.shape.len() == 1 { vec![b.shape[0], 1] } else { b.shape.clone() };
    let (left_stack, left_matrix) = left.split_at(left.len() - 2);
    let (right_stack, right_matrix) = right.split_at(right.len() - 2);
    let (rows, inner, columns) = (left_matrix[0], left_matrix[1], right_matrix[1]);
    let stack = broadcast_shape(left_stack, right_stack).expect("the import checks that shapes broadcast");

    let pairs = broadcast_indices(left_stack, &stack).into_iter().zip(broadcast_indices(right_stack, &stack));
    let mut data = Vec::new();
    for (i, j) in pairs {
        let a = &a.data[i * rows * inner..(i + 1) * rows * inner];
        let b = &b.data[j * inner * columns..(j + 1) * inner * columns];
        data.extend(products(a, b, rows, columns));
    }

    let mut shape = stack;
    if a.shape.len() > 1 {
        shape.push(rows);
    }
    if b.shape.len() > 1 {
        shape.push(columns);
    }
    Tensor::new(shape, data)
}

/// A matrix, transposed if `is_transposed`.
pub(super) fn transposed_if<N: Clone>(is_transposed: bool, matrix: &Tensor<N>) -> Cow<'_, Tensor<N>> {
    if !is_transposed {
        return Cow::Borrowed(matrix);
    }
    let (rows, columns) = (matrix.shape[0], matrix.shape[1]);
    let data =
        (0..columns).flat_map(|column| (0..rows).map(move |row| matrix.data[row * columns + column].clone())).collect();
    Cow::Owned(Tensor::new(vec![columns, rows], data))
}

/// alpha · a · b + beta · c
pub(super) fn gemm<N: Element>(
    alpha: f64,
    a: &Tensor<N>,
    b: &Tensor<N>,
    beta: f64,
    c: Option<&Tensor<N>>,
) -> Tensor<N::Sum> {
    let shape = vec![a.shape[0], b.shape[1]];
    let alpha = N::Sum::of(alpha);
    let mut sums: Vec<N::Sum> =
        products(&a.data, &b.data, shape[0], shape[1]).into_iter().map(|sum| sum.times(&alpha)).collect();
    if let Some(c) = c {
        for (sum, index) in sums.iter_mut().zip(broadcast_indices(&c.shape, &shape)) {
            N::add_product(sum, &N::of(beta), &c.data[index]);
        }
    }
    Tensor::new(shape, sums)
}
