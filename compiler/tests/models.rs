//! Real networks: the integer form computes what the reference computes, and what the golden outputs say.

#![allow(clippy::unwrap_used)]

use abi::maps::Scores;
use compiler::lower::lower;
use network::network::{LayerKind, Network};
use network::reference::Evaluator;
use network::tensor::Tensor;
use network::{integer, onnx};
use std::path::Path;
use testkit::models::shared;

const MODELS: &[&str] = &["TFC_1W1A", "TFC_1W2A", "w1a1_mlp_odd", "lfcW1A1", "build_dataflow_model", "KWS_W3A3"];

fn images(path: &Path, count: usize) -> Vec<Vec<f32>> {
    let array: ndarray::ArrayD<f32> = ndarray_npy::read_npy(path).unwrap();
    array.outer_iter().take(count).map(|image| image.iter().copied().collect()).collect()
}

fn lowered(folder: &Path, model: &str) -> (network::graph::Graph, Network) {
    let graph = onnx::import(&folder.join(format!("{model}.onnx"))).unwrap();
    let network = lower(&graph).unwrap();
    (graph, network)
}

#[test]
fn integers_agree_with_the_reference_on_real_networks() {
    let Some(folder) = shared() else { return };
    for model in MODELS {
        let (graph, network) = lowered(&folder, model);
        let evaluator = Evaluator::new(&graph).unwrap();
        let shape = graph.value(graph.input).shape.clone();
        for (number, image) in images(&folder.join("golden").join(model).join("input.npy"), 20).iter().enumerate() {
            let input = Tensor::new(shape.clone(), image.iter().map(|v| f64::from(*v)).collect());
            let expected = evaluator.run(&input).unwrap();
            let found = match integer::run(&network, image).unwrap().scores {
                Scores::Values(values) => values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>(),
                Scores::Indices(indices) => indices.iter().map(|i| *i as f64).collect(),
            };
            assert_eq!(found.len(), expected.data.len(), "{model}");
            let scale = expected.data.iter().fold(1e-6f64, |m, v| m.max(v.abs()));
            for (found, expected) in found.iter().zip(&expected.data) {
                assert!((found - expected).abs() <= 1e-6 * scale, "{model} image {number}: {found} {expected}");
            }
        }
    }
}

#[test]
fn no_batch_norm_and_few_layers_remain() {
    let Some(folder) = shared() else { return };
    let (_, network) = lowered(&folder, "TFC_1W1A");
    let kinds: Vec<&str> = network.layers.iter().map(|layer| layer.kind.name()).collect();
    assert_eq!(
        kinds,
        [
            "matrix_vector",
            "multi_threshold",
            "matrix_vector",
            "multi_threshold",
            "matrix_vector",
            "multi_threshold",
            "matrix_vector"
        ]
    );
    for layer in &network.layers {
        if let LayerKind::MultiThreshold(steps) = &layer.kind {
            assert!(steps.iter().all(|step| step.is_rising()), "falling steps are turned by negating weights");
        }
    }
    let (_, network) = lowered(&folder, "build_dataflow_model");
    assert_eq!(network.layers.last().unwrap().kind.name(), "arg_max");
}
