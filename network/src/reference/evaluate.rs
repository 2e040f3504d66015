//! What each operator computes.

use super::elementwise::{absolute, binary, clip, integer, power, unary};
use super::number::{Element, Fault, Number};
use super::{kernels, layout, matrix, quantize, scores, search, window};
use crate::graph::{Operator, RoundingMode};
use crate::tensor::{Tensor, transpose_indices};

/// The results of an operator; `shapes` are those of its outputs.
pub(super) fn node<N: Element>(
    operator: &Operator,
    inputs: &[&Tensor<N>],
    shapes: &[&[usize]],
) -> Result<Vec<Tensor<N::Sum>>, Fault> {
    let x = inputs[0];
    let wide = |tensor: &Tensor<N>| tensor.map(N::widened);
    let result = match operator {
        Operator::Reshape => Tensor::new(shapes[0].to_vec(), wide(x).data),
        Operator::Transpose { permutation } => transpose(x, permutation),
        Operator::Add => binary(x, inputs[1], |a, b| Ok(a.plus(b)))?,
        Operator::Sub => binary(x, inputs[1], |a, b| Ok(a.minus(b)))?,
        Operator::Mul => binary(x, inputs[1], |a, b| Ok(a.times(b)))?,
        Operator::Div => binary(x, inputs[1], N::Sum::over)?,
        Operator::Pow => binary(x, inputs[1], power)?,
        Operator::Sqrt => unary(x, |x| x.widened().square_root())?,
        Operator::Neg => x.map(|x| x.negated().widened()),
        Operator::Abs => unary(x, absolute)?,
        Operator::Round => unary(x, |x| integer(x, RoundingMode::HalfEven))?,
        Operator::Floor => unary(x, |x| integer(x, RoundingMode::Floor))?,
        Operator::Ceil => unary(x, |x| integer(x, RoundingMode::Ceil))?,
        Operator::Relu => unary(x, |x| clip(x, 0.0, f64::INFINITY))?,
        Operator::Clip { minimum, maximum } => unary(x, |x| clip(x, *minimum, *maximum))?,
        Operator::MatMul => matrix::mat_mul(x, inputs[1]),
        Operator::Gemm { alpha, beta, transpose_a, transpose_b } => {
            let a = matrix::transposed_if(*transpose_a, x);
            let b = matrix::transposed_if(*transpose_b, inputs[1]);
            matrix::gemm(*alpha, &a, &b, *beta, inputs.get(2).copied())
        }
        Operator::BatchNormalization { epsilon } => batch_normalization(inputs, *epsilon)?,
        Operator::BipolarQuant
        | Operator::Sign
        | Operator::Quant { .. }
        | Operator::QuantizeLinear { .. }
        | Operator::MultiThreshold { .. } => {
            let codes = quantize::codes(operator, inputs)?;
            let parameters: Vec<Tensor<N::Sum>> = inputs[1..].iter().map(|tensor| wide(tensor)).collect();
            quantize::values(operator, &codes, &parameters.iter().collect::<Vec<_>>())
        }
        Operator::Kernel(kernel) => kernels::evaluate(kernel, inputs)?.map(|value| N::Sum::of(*value)),
        Operator::Conv { window, groups } => window::convolution(x, inputs[1], inputs.get(2).copied(), window, *groups),
        Operator::MaxPool { window } => window::max_pool(x, window)?,
        Operator::AveragePool { window, count_include_pad } => window::average_pool(x, window, *count_include_pad)?,
        Operator::Concat { axis } => wide(&layout::concatenated(inputs, *axis)),
        Operator::Pad { before, after, value } => wide(&layout::padded(x, before, after, &N::of(*value))),
        Operator::Upsample { factors } => wide(&layout::repeated(x, factors)),
        Operator::Select { axis, indices } => wide(&layout::selected(x, *axis, indices)),
        Operator::Dilate { factors } => wide(&layout::dilated(x, factors, &N::of(0.0))),
        Operator::Activation(activation) => unary(x, |x| x.widened().activation(*activation))?,
        Operator::Softmax { axis, log } => scores::softmax(x, *axis, *log)?,
        Operator::Sigmoid => scores::sigmoid(x)?,
        Operator::TopK { axis, k } => return search::top_k(x, *axis, *k, false),
        Operator::ArgMax { axis, last } => {
            let [_, indices] =
                search::top_k(x, *axis, 1, *last)?.try_into().unwrap_or_else(|_| unreachable!("TopK has two results"));
            Tensor::new(shapes[0].to_vec(), indices.data)
        }
    };
    Ok(vec![result])
}

fn transpose<N: Element>(x: &Tensor<N>, permutation: &[usize]) -> Tensor<N::Sum> {
    let shape = permutation.iter().map(|axis| x.shape[*axis]).collect();
    let indices = transpose_indices(&x.shape, permutation);
    Tensor::new(shape, indices.into_iter().map(|index| x.data[index].widened()).collect())
}

fn batch_normalization<N: Element>(inputs: &[&Tensor<N>], epsilon: f64) -> Result<Tensor<N::Sum>, Fault> {
    let [x, scale, bias, mean, variance] = inputs else {
        unreachable!("the import gives batch normalisation five inputs")
    };
    let channels = x.shape[1];
    let pixels: usize = x.shape[2..].iter().product();
    let deviations: Vec<N::Sum> = variance
        .data
        .iter()
        .map(|variance| variance.widened().plus(&N::Sum::of(epsilon)).square_root())
        .collect::<Result<_, _>>()?;
    let normalized = |(index, value): (usize, &N)| {
        let channel = index / pixels % channels;
        let centred = value.widened().minus(&mean.data[channel].widened());
        let scaled = scale.data[channel].widened().times(&centred).over(&deviations[channel])?;
        Ok(scaled.plus(&bias.data[channel].widened()))
    };
    let data = x.data.iter().enumerate().map(normalized).collect::<Result<_, _>>()?;
    Ok(Tensor::new(x.shape.clone(), data))
}

/// Batch normalisation of floats as onnxruntime has it: a factor and a summand for each channel, each operation float32's.
pub(super) fn float_batch_normalization(inputs: &[&Tensor], epsilon: f64) -> Tensor {
    let [x, scale, bias, mean, variance] = inputs else {
        unreachable!("the import gives batch normalisation five inputs")
    };
    let channels = x.shape[1];
    let pixels: usize = x.shape[2..].iter().product();
    let single = |tensor: &Tensor, channel: usize| tensor.data[channel] as f32;
    let affine: Vec<(f32, f32)> = (0..channels)
        .map(|channel| {
            let factor = single(scale, channel) * (1.0 / (single(variance, channel) + epsilon as f32).sqrt());
            (factor, single(bias, channel) - single(mean, channel) * factor)
        })
        .collect();
    let normalized = |(index, value): (usize, &f64)| {
        let (factor, summand) = affine[index / pixels % channels];
        f64::from(*value as f32 * factor + summand)
    };
    Tensor::new(x.shape.clone(), x.data.iter().enumerate().map(normalized).collect())
}
