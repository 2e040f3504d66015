//! Networks quantised by onnxruntime: every engine gives onnxruntime's integers.
//!
//! `scripts/generate/qdq.py` wrote the models and what onnxruntime computes; its `--check` holds every integer in between to
//! exact arithmetic.

#![allow(clippy::unwrap_used)]

use abi::maps::Scores;
use compiler::lower::lower;
use compiler::planner::{Goal, plan};
use ndarray::{ArrayD, Axis};
use ndarray_npy::read_npy;
use network::graph::Graph;
use sim::integer::Integer;
use sim::packed::Packed;
use sim::reference::Reference;
use sim::rtl::Rtl;
use sim::verilator::{Cache, Verilator};
use sim::{Executor, RunOptions};
use std::path::{Path, PathBuf};

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models")
}

fn graph(name: &str) -> Graph {
    network::onnx::import(&models().join(format!("qdq/{name}.onnx"))).unwrap()
}

/// The first test images, as many as there are outputs of onnxruntime, and these outputs.
fn images_and_outputs(name: &str) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
    let golden = models().join(format!("qdq/{name}.npy"));
    // Integers where the model ends with its quantiser.
    let outputs: ArrayD<f32> = match read_npy::<_, ArrayD<u8>>(&golden) {
        Ok(integers) => integers.mapv(f32::from),
        Err(_) => read_npy(&golden).unwrap(),
    };
    let outputs: Vec<Vec<f32>> = outputs.axis_iter(Axis(0)).map(|row| row.iter().copied().collect()).collect();
    let images: ArrayD<u8> = read_npy(models().join("digits/test_images.npy")).unwrap();
    let images = images.axis_iter(Axis(0)).map(|image| image.iter().map(|value| f32::from(*value)).collect());
    (images.take(outputs.len()).collect(), outputs)
}

fn check(executor: &mut dyn Executor, images: &[Vec<f32>], outputs: &[Vec<f32>]) {
    let found = executor.run(images, &RunOptions::default()).unwrap().scores;
    for (index, (found, expected)) in found.iter().zip(outputs).enumerate() {
        assert_eq!(found, &Scores::Values(expected.clone()), "{}, image {index}", executor.name());
    }
    assert_eq!(found.len(), images.len());
}

/// Reference, naive integers and packed engine on all images.
fn agrees(name: &str) {
    let (graph, (images, outputs)) = (graph(name), images_and_outputs(name));
    assert!(images.len() >= 50);
    check(&mut Reference::new(&graph).unwrap(), &images, &outputs);
    let network = lower(&graph).unwrap();
    check(&mut Integer::new(network.clone()), &images, &outputs);
    check(&mut Packed::new(&network), &images, &outputs);
}

#[test]
fn quantizers_around_floats_and_a_scale_for_each_channel() {
    agrees("conv_qdq");
}

#[test]
fn symmetric_quantizers_and_a_residual_sum() {
    agrees("residual_qdq_int8");
}

#[test]
fn integer_operators_weights_with_a_zero_point_and_integers_out() {
    agrees("residual_qoperator");
}

#[test]
fn integer_products_and_an_activation_below_zero() {
    agrees("mlp_qoperator_int8");
}

/// The graph's quantisers around a pool have one scale and cost nothing in hardware.
#[test]
fn quantisers_that_change_nothing_are_taken_out() {
    let network = lower(&graph("conv_qdq")).unwrap();
    let kinds: Vec<&str> = network.layers.iter().map(|layer| layer.kind.name()).collect();
    let expected = [
        "convolution",
        "multi_threshold",
        "pool",
        "convolution",
        "multi_threshold",
        "reshape",
        "matrix_vector",
        "multi_threshold",
    ];
    assert_eq!(kinds, expected, "{network}");
}

#[test]
fn hardware_gives_the_same_integers() {
    let (images, outputs) = images_and_outputs("mlp_qoperator_int8");
    let plan = plan(lower(&graph("mlp_qoperator_int8")).unwrap(), &Goal::FramesPerSecond(1e5), 100.0).unwrap();
    check(&mut Rtl::new(&plan), &images[..6], &outputs[..6]);
    if !testkit::tool("verilator") {
        return;
    }
    let plan =
        compiler::planner::plan(lower(&graph("residual_qoperator")).unwrap(), &Goal::FramesPerSecond(1e4), 100.0);
    let folder = tempfile::tempdir().unwrap();
    let design = folder.path().join("design");
    let compiled = flow::artifacts::write(&plan.unwrap(), None, &design).unwrap();
    let cache = Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    let mut verilator = Verilator::of_design(&compiled, &design).unwrap().with_cache(cache);
    let (images, outputs) = images_and_outputs("residual_qoperator");
    check(&mut verilator, &images[..20], &outputs[..20]);
}
