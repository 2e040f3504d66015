//! Matrix products.

use super::im2col;
use super::result_type::float_result;
use crate::graph::{Operator, ValueId};
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;

/// `MatMul`, with the shapes of NumPy's `matmul`
pub(super) fn mat_mul(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    if let Some(patches) = node.patches() {
        return im2col::product(node, patches);
    }
    let (a, b) = (node.input(0, "A")?, node.input(1, "B")?);
    let shape = product_shape(node, a, b)?;
    let data_type = float_result(node, &[a, b])?;
    node.emit(Operator::MatMul, vec![a, b], shape, data_type)
}

/// The shape of NumPy's `matmul` of two values.
pub(super) fn product_shape(node: &NodeContext<'_, '_>, a: ValueId, b: ValueId) -> Result<Vec<usize>, ImportError> {
    let (left, right) = (node.shape(a), node.shape(b));
    let misfit = || node.shape_error("a matrix product's inner extents must agree", format!("{left:?} and {right:?}"));
    let (rows, inner) = match left {
        [] => return Err(misfit()),
        [inner] => (None, *inner),
        [.., rows, inner] => (Some(*rows), *inner),
    };
    let (other_inner, columns) = match right {
        [] => return Err(misfit()),
        [inner] => (*inner, None),
        [.., inner, columns] => (*inner, Some(*columns)),
    };
    if inner != other_inner {
        return Err(misfit());
    }
    let stack = |shape: &[usize]| shape[..shape.len().saturating_sub(2)].to_vec();
    let mut shape = node.broadcast(&stack(left), &stack(right))?;
    shape.extend(rows);
    shape.extend(columns);
    Ok(shape)
}

/// `Gemm`
pub(super) fn gemm(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (a, b, c) = (node.input(0, "A")?, node.input(1, "B")?, node.optional_input(2));
    let (operator, inputs, shape) = gemm_of(node, a, b, c)?;
    let data_type = float_result(node, &inputs)?;
    node.emit(operator, inputs, shape, data_type)
}

/// The product that the attributes of a node describe, with its inputs and the shape of its result.
pub(super) fn gemm_of(
    node: &NodeContext<'_, '_>,
    a: ValueId,
    b: ValueId,
    c: Option<ValueId>,
) -> Result<(Operator, Vec<ValueId>, Vec<usize>), ImportError> {
    let transpose_a = node.flag("transA", false)?;
    let transpose_b = node.flag("transB", false)?;
    let alpha = node.float("alpha")?.unwrap_or(1.0);
    let beta = node.float("beta")?.unwrap_or(1.0);
    let (&[a0, a1], &[b0, b1]) = (node.shape(a), node.shape(b)) else {
        return Err(
            node.shape_error("both factors must be matrices", format!("{:?} and {:?}", node.shape(a), node.shape(b)))
        );
    };
    let (rows, inner) = if transpose_a { (a1, a0) } else { (a0, a1) };
    let (other_inner, columns) = if transpose_b { (b1, b0) } else { (b0, b1) };
    if inner != other_inner {
        return Err(node.shape_error(
            "a matrix product's inner extents must agree",
            format!("[{rows}, {inner}] and [{other_inner}, {columns}] after transposition"),
        ));
    }
    let shape = vec![rows, columns];
    let mut inputs = vec![a, b];
    if let Some(c) = c {
        if node.broadcast(node.shape(c), &shape)? != shape {
            return Err(node.shape_error(format!("`C` must broadcast to {shape:?}"), format!("{:?}", node.shape(c))));
        }
        inputs.push(c);
    }
    Ok((Operator::Gemm { alpha, beta, transpose_a, transpose_b }, inputs, shape))
}
