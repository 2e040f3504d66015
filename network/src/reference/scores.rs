//! Functions of scores, which the host computes: the maps of a network's end define them.

use super::number::{Element, Fault, Number};
use crate::tensor::Tensor;
use abi::maps::{Axis, ScoreFunction};

/// Softmax along an axis, or its logarithm.
pub(super) fn softmax<N: Element>(x: &Tensor<N>, axis: usize, log: bool) -> Result<Tensor<N::Sum>, Fault> {
    let along = Axis::of(&x.shape, axis);
    apply(if log { ScoreFunction::LogSoftmax(along) } else { ScoreFunction::Softmax(along) }, x)
}

/// The logistic function.
pub(super) fn sigmoid<N: Element>(x: &Tensor<N>) -> Result<Tensor<N::Sum>, Fault> {
    apply(ScoreFunction::Sigmoid, x)
}

fn apply<N: Element>(function: ScoreFunction, x: &Tensor<N>) -> Result<Tensor<N::Sum>, Fault> {
    let scores: Vec<f32> = x.data.iter().map(|score| score.widened().single()).collect::<Result<_, _>>()?;
    let results = function.apply(&scores);
    Ok(Tensor::new(x.shape.clone(), results.into_iter().map(|result| N::Sum::of(f64::from(result))).collect()))
}
