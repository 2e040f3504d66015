//! What each operator computes.

use super::elementwise::{binary, unary};
use super::quantize::{IntegerGrid, bipolar, multi_threshold, quantize_linear};
use super::{layout, matrix, search, window};
use crate::graph::Operator;
use crate::tensor::{Tensor, broadcast_indices, transpose_indices};

/// The results of an operator; `shapes` are those of its outputs.
pub(super) fn node(operator: &Operator, inputs: &[&Tensor], shapes: &[&[usize]]) -> Vec<Tensor> {
    let x = inputs[0];
    let result = match operator {
        Operator::Reshape => Tensor::new(shapes[0].to_vec(), x.data.clone()),
        Operator::Transpose { permutation } => transpose(x, permutation),
        Operator::Add => binary(x, inputs[1], |a, b| a + b),
        Operator::Sub => binary(x, inputs[1], |a, b| a - b),
        Operator::Mul => binary(x, inputs[1], |a, b| a * b),
        Operator::Div => binary(x, inputs[1], |a, b| a / b),
        Operator::Pow => binary(x, inputs[1], power),
        Operator::Sqrt => unary(x, f64::sqrt),
        Operator::Neg => unary(x, |x| -x),
        Operator::Abs => unary(x, f64::abs),
        Operator::Relu => unary(x, |x| x.max(0.0)),
        Operator::Clip { minimum, maximum } => unary(x, |x| x.max(*minimum).min(*maximum)),
        Operator::Sign => unary(x, |x| if x == 0.0 { 0.0 } else { x.signum() }),
        Operator::MatMul => matrix::mat_mul(x, inputs[1]),
        Operator::Gemm { alpha, beta, transpose_a, transpose_b } => {
            let a = matrix::transposed_if(*transpose_a, x);
            let b = matrix::transposed_if(*transpose_b, inputs[1]);
            matrix::gemm(*alpha, &a, &b, *beta, inputs.get(2).copied())
        }
        Operator::BatchNormalization { epsilon } => batch_normalization(inputs, *epsilon),
        Operator::BipolarQuant => binary(x, inputs[1], bipolar),
        Operator::Quant { signed, narrow, rounding } => {
            let bits = inputs[3].as_scalar().expect("the import checks that the bit width is one number");
            let grid = IntegerGrid::new(bits as u32, *signed, *narrow, *rounding);
            let scale = broadcast_indices(&inputs[1].shape, &x.shape);
            let zero_point = broadcast_indices(&inputs[2].shape, &x.shape);
            let quantized =
                (0..x.len()).map(|i| grid.quantize(x.data[i], inputs[1].data[scale[i]], inputs[2].data[zero_point[i]]));
            Tensor::new(x.shape.clone(), quantized.collect())
        }
        Operator::QuantizeLinear { minimum, maximum } => {
            let limits = (*minimum as f64, *maximum as f64);
            let scale = broadcast_indices(&inputs[1].shape, &x.shape);
            let zero_point = broadcast_indices(&inputs[2].shape, &x.shape);
            let quantized = (0..x.len())
                .map(|i| quantize_linear(x.data[i], inputs[1].data[scale[i]], inputs[2].data[zero_point[i]], limits));
            Tensor::new(x.shape.clone(), quantized.collect())
        }
        Operator::MultiThreshold { out_scale, out_bias, channel_axis } => {
            multi_threshold(x, inputs[1], *out_scale, *out_bias, *channel_axis)
        }
        Operator::Conv { window, groups } => window::convolution(x, inputs[1], inputs.get(2).copied(), window, *groups),
        Operator::MaxPool { window } => window::max_pool(x, window),
        Operator::AveragePool { window, count_include_pad } => window::average_pool(x, window, *count_include_pad),
        Operator::Concat { axis } => layout::concatenated(inputs, *axis),
        Operator::Pad { before, after, value } => layout::padded(x, before, after, *value),
        Operator::Upsample { factors } => layout::repeated(x, factors),
        Operator::TopK { axis, k } => return search::top_k(x, *axis, *k),
        Operator::ArgMax { axis } => {
            let [_, indices] = search::top_k(x, *axis, 1).try_into().expect("TopK has two results");
            Tensor::new(shapes[0].to_vec(), indices.data)
        }
    };
    vec![result]
}

/// The root is rounded correctly by `sqrt`, a general power need not be.
fn power(base: f64, exponent: f64) -> f64 {
    if exponent == 0.5 { base.sqrt() } else { base.powf(exponent) }
}

fn transpose(x: &Tensor, permutation: &[usize]) -> Tensor {
    let shape = permutation.iter().map(|axis| x.shape[*axis]).collect();
    let indices = transpose_indices(&x.shape, permutation);
    Tensor::new(shape, indices.into_iter().map(|index| x.data[index]).collect())
}

fn batch_normalization(inputs: &[&Tensor], epsilon: f64) -> Tensor {
    let [x, scale, bias, mean, variance] = inputs else {
        unreachable!("the import gives batch normalisation five inputs")
    };
    let channels = x.shape[1];
    let pixels: usize = x.shape[2..].iter().product();
    let normalized = |(index, value): (usize, &f64)| {
        let channel = index / pixels % channels;
        let deviation = (variance.data[channel] + epsilon).sqrt();
        scale.data[channel] * (value - mean.data[channel]) / deviation + bias.data[channel]
    };
    Tensor::new(x.shape.clone(), x.data.iter().enumerate().map(normalized).collect())
}
