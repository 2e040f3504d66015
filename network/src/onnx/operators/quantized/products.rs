//! Products of integers: `QLinearConv`, `QLinearMatMul`, `ConvInteger`, `MatMulInteger` and onnxruntime's `QGemm`.
//!
//! The product is one of integers, exact, and the scales of both factors follow as one factor.

use super::super::{matrix, window};
use super::{Along, Grid, ZeroPoint, centred, grid, integers, requantise, zero_points};
use crate::graph::{Operator, ValueId};
use crate::onnx::data_type::DataType;
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;
use crate::tensor::Tensor;

/// A factor of a product: the integers, and their scale and zero point at the inputs behind them.
fn factor(
    node: &NodeContext<'_, '_>,
    index: usize,
    roles: [&'static str; 3],
    axis: Option<usize>,
) -> Result<(ValueId, Grid), ImportError> {
    let id = node.input(index, roles[0])?;
    let along = Along { shape: node.shape(id), axis };
    let grid = grid(node, index + 1, [roles[1], roles[2]], ZeroPoint::Needed, along)?;
    Ok((integers(node, index, roles[0], grid.data_type)?, grid))
}

/// A summand of the integers that a product gives.
fn integer_bias(node: &NodeContext<'_, '_>, index: usize, role: &'static str) -> Result<Option<ValueId>, ImportError> {
    let Some(id) = node.optional_input(index) else {
        return Ok(None);
    };
    node.constant(index, role)?;
    match node.graph.data_type(id) {
        DataType::Int32 => Ok(Some(id)),
        other => Err(node.parameter_error(role, "of type Int32", format!("{other:?}"))),
    }
}

/// The inputs of the multiplication of a product of integers with both scales, whose product f64 holds exactly. A scale
/// for each row or column of `second` goes along `axis` of the result.
fn scaled(
    node: &mut NodeContext<'_, '_>,
    product: ValueId,
    (first, second): (&Grid, &Grid),
    axis: usize,
) -> Result<Vec<ValueId>, ImportError> {
    let Some(scale) = first.scale.as_scalar() else {
        return Err(node.unsupported_shape(
            "the scale of data must have one element",
            format!("shape {:?}", first.scale.shape),
            "quantise activations per tensor; one scale for each output channel is supported for weights",
        ));
    };
    let factors: Vec<f64> = second.scale.data.iter().map(|other| scale * other).collect();
    let behind = node.shape(product).len().saturating_sub(axis + 1);
    let factors = match factors.as_slice() {
        [factor] => Tensor::new(vec![], vec![*factor]),
        _ => Tensor::new([factors.len()].into_iter().chain(vec![1; behind]).collect(), factors),
    };
    let factors = node.add_constant("product_scale", factors, DataType::Float64);
    Ok(vec![product, factors])
}

/// The scaled product, quantised.
fn finish(
    node: &mut NodeContext<'_, '_>,
    product: ValueId,
    grids: (&Grid, &Grid),
    axis: usize,
    result: Grid,
) -> Result<(), ImportError> {
    let factors = scaled(node, product, grids, axis)?;
    let shape = node.shape(product).to_vec();
    let real = node.emit_part("scaled", Operator::Mul, factors, shape, DataType::Float32)?;
    requantise(node, real, result)
}

/// `QLinearConv`
pub(in super::super) fn q_linear_conv(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (x, x_grid) = factor(node, 0, ["x", "x_scale", "x_zero_point"], None)?;
    let (w, w_grid) = factor(node, 3, ["w", "w_scale", "w_zero_point"], Some(0))?;
    let y_grid = grid(node, 6, ["y_scale", "y_zero_point"], ZeroPoint::Needed, Along::whole())?;
    let bias = integer_bias(node, 8, "B")?;
    let product = convolution(node, (x, &x_grid.zero_point), (w, &w_grid.zero_point), bias)?;
    let (operator, inputs, shape) = product;
    let product = node.emit_part("product", operator, inputs, shape, DataType::Float32)?;
    finish(node, product, (&x_grid, &w_grid), 1, y_grid)
}

type Parts = (Operator, Vec<ValueId>, Vec<usize>);

fn convolution(
    node: &mut NodeContext<'_, '_>,
    (x, x_zero_point): (ValueId, &Tensor),
    (w, w_zero_point): (ValueId, &Tensor),
    bias: Option<ValueId>,
) -> Result<Parts, ImportError> {
    if node.graph.constant(w).is_none() {
        return Err(node.not_constant("w", w));
    }
    let x = centred(node, "x_centred", x, x_zero_point)?;
    let w = centred(node, "w_centred", w, w_zero_point)?;
    window::convolution(node, x, w, bias)
}

/// `ConvInteger`
pub(in super::super) fn conv_integer(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (x, x_zero_point) = plain_factor(node, (0, 2), ["x", "x_zero_point"], None)?;
    let (w, w_zero_point) = plain_factor(node, (1, 3), ["w", "w_zero_point"], Some(0))?;
    let (operator, inputs, shape) = convolution(node, (x, &x_zero_point), (w, &w_zero_point), None)?;
    node.emit(operator, inputs, shape, DataType::Int32)
}

/// A factor without a scale, whose zero point may be left out.
fn plain_factor(
    node: &NodeContext<'_, '_>,
    (index, zero_index): (usize, usize),
    roles: [&'static str; 2],
    axis: Option<usize>,
) -> Result<(ValueId, Tensor), ImportError> {
    let id = node.input(index, roles[0])?;
    let own = node.graph.data_type(id);
    let along = Along { shape: node.shape(id), axis };
    let (zero_point, data_type) = zero_points(node, zero_index, roles[1], ZeroPoint::Optional(own))?;
    let zero_point = along.fit(node, roles[1], &zero_point)?;
    if !matches!(own, DataType::Int8 | DataType::UInt8) {
        return Err(node.parameter_error(roles[0], "of type Int8 or UInt8", format!("{own:?}")));
    }
    Ok((integers(node, index, roles[0], data_type)?, zero_point))
}

/// The axis of a matrix's columns, the last; `None` for a vector.
fn columns(node: &NodeContext<'_, '_>, index: usize, role: &'static str) -> Result<Option<usize>, ImportError> {
    Ok(node.shape(node.input(index, role)?).len().checked_sub(1).filter(|axis| *axis > 0))
}

/// `QLinearMatMul`
pub(in super::super) fn q_linear_mat_mul(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let columns = columns(node, 3, "b")?;
    let (a, a_grid) = factor(node, 0, ["a", "a_scale", "a_zero_point"], None)?;
    let (b, b_grid) = factor(node, 3, ["b", "b_scale", "b_zero_point"], columns)?;
    let y_grid = grid(node, 6, ["y_scale", "y_zero_point"], ZeroPoint::Needed, Along::whole())?;
    let shape = matrix::product_shape(node, a, b)?;
    let a = centred(node, "a_centred", a, &a_grid.zero_point)?;
    let b = centred(node, "b_centred", b, &b_grid.zero_point)?;
    let axis = shape.len().saturating_sub(1);
    let product = node.emit_part("product", Operator::MatMul, vec![a, b], shape, DataType::Float32)?;
    finish(node, product, (&a_grid, &b_grid), axis, y_grid)
}

/// `MatMulInteger`
pub(in super::super) fn mat_mul_integer(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let columns = columns(node, 1, "B")?;
    let (a, a_zero_point) = plain_factor(node, (0, 2), ["A", "a_zero_point"], None)?;
    let (b, b_zero_point) = plain_factor(node, (1, 3), ["B", "b_zero_point"], columns)?;
    let shape = matrix::product_shape(node, a, b)?;
    let a = centred(node, "a_centred", a, &a_zero_point)?;
    let b = centred(node, "b_centred", b, &b_zero_point)?;
    node.emit(Operator::MatMul, vec![a, b], shape, DataType::Int32)
}

/// onnxruntime's `QGemm`, whose result is real where it names no scale for it
pub(in super::super) fn q_gemm(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let columns = usize::from(!node.flag("transB", false)?);
    let (a, a_grid) = factor(node, 0, ["A", "a_scale", "a_zero_point"], None)?;
    let (b, b_grid) = factor(node, 3, ["B", "b_scale", "b_zero_point"], Some(columns))?;
    let c = integer_bias(node, 6, "C")?;
    let y_grid = match node.optional_input(7) {
        None => None,
        Some(_) => {
            let rule = ZeroPoint::Optional(a_grid.data_type);
            Some(grid(node, 7, ["y_scale", "y_zero_point"], rule, Along::whole())?)
        }
    };
    let a = centred(node, "a_centred", a, &a_grid.zero_point)?;
    let b = centred(node, "b_centred", b, &b_grid.zero_point)?;
    let (mut operator, inputs, shape) = matrix::gemm_of(node, a, b, c)?;
    let mut factor = 1.0;
    if let Operator::Gemm { alpha, .. } = &mut operator {
        // The bias is in units of the scaled product, so the factor is that of the sum.
        factor = std::mem::replace(alpha, 1.0);
    }
    let mut product = node.emit_part("product", operator, inputs, shape.clone(), DataType::Float32)?;
    if factor != 1.0 {
        let factor = node.add_constant("alpha", Tensor::scalar(factor), DataType::Float32);
        product = node.emit_part("multiplied", Operator::Mul, vec![product, factor], shape, DataType::Float32)?;
    }
    match y_grid {
        Some(y_grid) => finish(node, product, (&a_grid, &b_grid), 1, y_grid),
        None => {
            let factors = scaled(node, product, (&a_grid, &b_grid), 1)?;
            let shape = node.shape(product).to_vec();
            node.emit(Operator::Mul, factors, shape, DataType::Float32)
        }
    }
}
