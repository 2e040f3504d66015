//! Matrix products.

use super::double_double::DoubleDouble;
use crate::tensor::{Tensor, broadcast_indices, broadcast_shape};
use std::borrow::Cow;

/// The `rows` × `columns` sums of products of a row of `a` and a column of `b`, both row-major.
fn products(a: &[f64], b: &[f64], rows: usize, columns: usize) -> Vec<DoubleDouble> {
    let inner = a.len().checked_div(rows).unwrap_or(0);
    let mut sums = vec![DoubleDouble::default(); rows * columns];
    for row in 0..rows {
        let sums = &mut sums[row * columns..(row + 1) * columns];
        for k in 0..inner {
            let factor = a[row * inner + k];
            for (sum, b) in sums.iter_mut().zip(&b[k * columns..(k + 1) * columns]) {
                sum.add_product(factor, *b);
            }
        }
    }
    sums
}

/// NumPy's `matmul`: the last two axes are matrices, the others are broadcast; a vector is a row on the left and a
/// column on the right, and its axis is dropped from the result.
pub(super) fn mat_mul(a: &Tensor, b: &Tensor) -> Tensor {
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
        data.extend(products(a, b, rows, columns).into_iter().map(DoubleDouble::value));
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
pub(super) fn transposed_if(is_transposed: bool, matrix: &Tensor) -> Cow<'_, Tensor> {
    if !is_transposed {
        return Cow::Borrowed(matrix);
    }
    let (rows, columns) = (matrix.shape[0], matrix.shape[1]);
    let data = (0..columns).flat_map(|column| (0..rows).map(move |row| matrix.data[row * columns + column])).collect();
    Cow::Owned(Tensor::new(vec![columns, rows], data))
}

/// alpha · a · b + beta · c, rounded once.
pub(super) fn gemm(alpha: f64, a: &Tensor, b: &Tensor, beta: f64, c: Option<&Tensor>) -> Tensor {
    let shape = vec![a.shape[0], b.shape[1]];
    let mut sums: Vec<DoubleDouble> =
        products(&a.data, &b.data, shape[0], shape[1]).into_iter().map(|sum| sum.times(alpha)).collect();
    if let Some(c) = c {
        for (sum, index) in sums.iter_mut().zip(broadcast_indices(&c.shape, &shape)) {
            sum.add_product(beta, c.data[index]);
        }
    }
    Tensor::new(shape, sums.into_iter().map(DoubleDouble::value).collect())
}
