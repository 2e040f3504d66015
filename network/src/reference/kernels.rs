//! What [`Kernel`]s compute: integers, decided exactly.

use super::number::{Element, Fault, Number};
use crate::kernel::{Kernel, Quantize, looked_up};
use crate::tensor::{Tensor, strides};
use std::cmp::Ordering;

/// No kernel tells integers of this magnitude apart: all are limited to 32 bits.
const LIMIT: f64 = (1i64 << 32) as f64;

/// The nearest integer, from a middle up, within [`LIMIT`].
fn nearest<N: Element>(x: &N) -> Result<i64, Fault> {
    let x = x.widened();
    for (limit, beyond) in [(-LIMIT, Ordering::Less), (LIMIT, Ordering::Greater)] {
        if x.compare(&N::Sum::of(limit))? == beyond {
            return Ok(limit as i64);
        }
    }
    Ok(x.plus(&N::Sum::of(0.5)).floor()? as i64)
}

/// The code of a real number.
fn quantized<N: Element>(quantize: &Quantize, x: &N) -> Result<i64, Fault> {
    let quotient = x.widened().over(&N::Sum::of(f64::from(quantize.scale)))?;
    let is_negative = quotient.compare(&N::Sum::of(0.0))? == Ordering::Less;
    let magnitude = nearest(&if is_negative { quotient.negated() } else { quotient })?;
    Ok(quantize.codes.code(if is_negative { -magnitude } else { magnitude }))
}

/// The channel of each element along `axis`.
fn channels(shape: &[usize], axis: usize) -> impl Fn(usize) -> usize + use<> {
    let (stride, extent) = (strides(shape).get(axis).copied().unwrap_or(1), shape.get(axis).copied().unwrap_or(1));
    move |element| element / stride % extent
}

/// What a kernel makes of its inputs.
pub(super) fn evaluate<N: Element>(kernel: &Kernel, inputs: &[&Tensor<N>]) -> Result<Tensor, Fault> {
    let x = inputs[0];
    let elements = || x.data.iter().enumerate();
    let data = match kernel {
        Kernel::Requantize(requantize) => {
            let channel_of = channels(&x.shape, requantize.channel_axis);
            let code = |(element, x)| {
                let factor = requantize.factor(channel_of(element));
                Ok(requantize.codes.code(factor.times(nearest(x)?)) as f64)
            };
            elements().map(code).collect::<Result<Vec<f64>, Fault>>()?
        }
        Kernel::Quantize(quantize) => {
            elements().map(|(_, x)| Ok(quantized(quantize, x)? as f64)).collect::<Result<Vec<f64>, Fault>>()?
        }
        Kernel::Table(table) => {
            let channel_of = channels(&x.shape, table.channel_axis);
            let value = |(element, x)| Ok(looked_up(table.first, table.row(channel_of(element)), nearest(x)?) as f64);
            elements().map(value).collect::<Result<Vec<f64>, Fault>>()?
        }
        Kernel::Sum(sum) => {
            let pairs = x.data.iter().zip(&inputs[1].data);
            pairs.map(|(a, b)| Ok(sum.code(nearest(a)?, nearest(b)?) as f64)).collect::<Result<Vec<f64>, Fault>>()?
        }
        Kernel::Softmax(softmax) => {
            let scores = x.data.iter().map(nearest).collect::<Result<Vec<i64>, Fault>>()?;
            softmax.values(&scores)
        }
    };
    Ok(Tensor::new(x.shape.clone(), data))
}

/// What a kernel makes of floats: a quotient is float32's.
pub(super) fn evaluate_floats(kernel: &Kernel, inputs: &[&Tensor]) -> Result<Tensor, Fault> {
    match kernel {
        Kernel::Quantize(quantize) => Ok(inputs[0].map(|x| quantize.code_of_float(*x as f32) as f64)),
        Kernel::Requantize(_) | Kernel::Table(_) | Kernel::Sum(_) | Kernel::Softmax(_) => evaluate(kernel, inputs),
    }
}
