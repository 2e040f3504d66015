//! The naive evaluator of [`Network`]: obviously right, not fast. It is the specification of the integer form.

use crate::network::{Layer, LayerKind, Network};
use abi::maps::{MapError, Scores, arg_max};

/// Everything one image makes of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Each tensor of the network, in stream order, by [`TensorId`](crate::network::TensorId).
    pub tensors: Vec<Vec<i32>>,
    /// The image's output.
    pub scores: Scores,
}

/// Runs `network` on one image given in row-major order.
///
/// # Errors
/// Where the image does not fit the input map.
pub fn run(network: &Network, image: &[f32]) -> Result<Evaluation, MapError> {
    let tensors = run_elements(network, network.input_map.apply(image)?);
    let scores = network.output_map.apply(&tensors[network.output.0]);
    Ok(Evaluation { tensors, scores })
}

/// Each tensor of `network`, by id, when its input tensor holds `elements`.
pub fn run_elements(network: &Network, elements: Vec<i32>) -> Vec<Vec<i32>> {
    let mut tensors = vec![Vec::new(); network.tensors.len()];
    tensors[network.input.0] = elements;
    for layer in &network.layers {
        tensors[layer.output.0] = evaluate(layer, &tensors[layer.input.0]);
    }
    tensors
}

/// One layer's output for one input tensor.
pub fn evaluate(layer: &Layer, input: &[i32]) -> Vec<i32> {
    match &layer.kind {
        LayerKind::MatrixVector(weights) => input
            .chunks(weights.columns)
            .flat_map(|pixel| {
                (0..weights.rows)
                    .map(move |row| weights.row(row).iter().zip(pixel).map(|(w, x)| i32::from(*w) * x).sum::<i32>())
            })
            .collect(),
        LayerKind::MultiThreshold(steps) => input
            .chunks(steps.len())
            .flat_map(|pixel| pixel.iter().zip(steps).map(|(x, step)| step.at(i64::from(*x))))
            .collect(),
        LayerKind::ArgMax => vec![arg_max(input) as i32],
    }
}
