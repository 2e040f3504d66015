//! The methods of the literature, one trained network each: every engine computes the same integers.
//!
//! The networks and what is known of them stand in `models/methods`; the expected scores there come from the qonnx executor.

#![allow(clippy::unwrap_used)]

use abi::maps::Scores;
use compiler::datapath::Datapath;
use compiler::lower::lower;
use compiler::plan::Plan;
use compiler::planner::{Goal, Target, plan};
use compiler::report::Report;
use ndarray::ArrayD;
use network::approximate::approximate;
use network::calibrate::{Activations, calibrate};
use network::graph::Graph;
use network::integer;
use network::network::Network;
use network::reference::Evaluator;
use network::tensor::Tensor;
use serde_json::Value;
use sim::packed::Packed;
use sim::rtl::Rtl;
use sim::trace::{Trace, first_difference};
use sim::verilator::{Cache, Verilator};
use sim::{Executor, RunOptions};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use testkit::scale::{count, is_full};

/// Images that real activations get their formats from.
const CALIBRATION_IMAGES: usize = 100;

/// Images a second of the hardware: fast enough for a simulation in rust-hdl to be short. Convolutions of 8 x 8 pixels take
/// 576 cycles at least.
const RATES: [f64; 2] = [200_000.0, 100_000.0];

/// The methods whose Verilog every run of the tests simulates: all datapaths, signs and steps, sums, levels and scales that
/// are computed. The others differ from these in weights, and are simulated in full runs.
const SAMPLE: [&str; 9] = ["abc_net", "bnn", "dorefa", "fgq", "horq", "inq", "pact", "xnor_net_k", "zfnet_8bit"];

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models")
}

fn images() -> Vec<Vec<f32>> {
    let array: ArrayD<u8> = ndarray_npy::read_npy(models().join("digits/test_images.npy")).unwrap();
    array.outer_iter().map(|image| image.iter().map(|pixel| f32::from(*pixel)).collect()).collect()
}

fn labels() -> Vec<i64> {
    let array: ArrayD<u8> = ndarray_npy::read_npy(models().join("digits/test_labels.npy")).unwrap();
    array.iter().map(|label| i64::from(*label)).collect()
}

/// What is known of the methods.
fn methods() -> Value {
    let text = std::fs::read_to_string(models().join("methods/methods.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["methods"].take()
}

fn tensor(graph: &Graph, image: &[f32]) -> Tensor {
    let shape = graph.value(graph.input).shape.clone();
    Tensor::new(shape, image.iter().map(|value| f64::from(*value)).collect())
}

fn numbers(scores: &Scores) -> Vec<f64> {
    match scores {
        Scores::Values(values) => values.iter().map(|value| f64::from(*value)).collect(),
        Scores::Indices(indices) => indices.iter().map(|index| *index as f64).collect(),
    }
}

fn greatest(scores: &[f64]) -> usize {
    (0..scores.len()).rev().max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap()
}

/// How far two lists of scores are apart, in the greatest magnitude.
fn distance(found: &[f64], expected: &[f64]) -> f64 {
    assert!(found.iter().all(|score| score.is_finite()), "{found:?}");
    let most = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(f64::abs).fold(0.0, f64::max);
    most(&mut found.iter().zip(expected).map(|(a, b)| a - b)) / most(&mut expected.iter().copied())
}

/// The network of a method and the graph that it is made of.
fn network(name: &str, images: &[Vec<f32>]) -> (Graph, Network) {
    let graph = network::onnx::import(&models().join(format!("methods/{name}.onnx"))).unwrap();
    let graph = if methods()[name]["float_activations"].as_bool().unwrap() {
        let some: Vec<Tensor> = images[..CALIBRATION_IMAGES].iter().map(|image| tensor(&graph, image)).collect();
        calibrate(&graph, &some, &Activations::default()).unwrap()
    } else {
        graph
    };
    let graph = approximate(graph).unwrap();
    let network = lower(&graph).unwrap();
    (graph, network)
}

/// The graph against the integers, and both against the executor of the file.
fn check_reference(name: &str, graph: &Graph, network: &Network, images: &[Vec<f32>]) {
    let expected: ArrayD<f32> = ndarray_npy::read_npy(models().join(format!("methods/expected/{name}.npy"))).unwrap();
    let evaluator = Evaluator::new(graph).unwrap();
    let mut same = 0;
    for (image, expected) in images.iter().zip(expected.outer_iter()) {
        let expected: Vec<f64> = expected.iter().map(|score| f64::from(*score)).collect();
        let reference = evaluator.run(&tensor(graph, image)).unwrap().data;
        let integers = numbers(&integer::run(network, image).unwrap().scores);
        assert!(distance(&integers, &reference) < 1e-6, "{name}: {integers:?} for {reference:?}");
        same += usize::from(greatest(&integers) == greatest(&expected));
        // Eight bits for what is inexact are far nearer than this, but a step that is missed moves a score by more.
        let most = if network.approximations.is_empty() { 1e-5 } else { 0.15 };
        let found = distance(&integers, &expected);
        assert!(found < most, "{name}: {found}, {integers:?} for {expected:?}");
    }
    assert!(same + 1 >= expected.len_of(ndarray::Axis(0)), "{name}: {same} images are classified as by the file");
}

/// The images that the packed engine gets right.
fn correct(network: &Network, images: &[Vec<f32>]) -> usize {
    let run = Packed::new(network).run(images, &RunOptions::default()).unwrap();
    let is_right = |(scores, label): (&Scores, i64)| greatest(&numbers(scores)) as i64 == label;
    run.scores.iter().zip(labels()).filter(|(scores, label)| is_right((scores, *label))).count()
}

fn planned(network: &Network) -> Plan {
    let mut plans = RATES.iter().map(|rate| plan(network.clone(), &Goal::FramesPerSecond(*rate), 100.0));
    plans.find_map(Result::ok).unwrap()
}

/// Hardware against the integers: every tensor in rust-hdl's simulation, scores and cycles in Verilator.
fn check_hardware(name: &str, network: &Network, images: &[Vec<f32>]) {
    let plan = planned(network);
    let expected: Vec<_> = images.iter().map(|image| integer::run(network, image).unwrap()).collect();
    // A second image meets the state that the first leaves; so do those in Verilator.
    let traced = count(1, 2) as usize;
    let tensors = expected[..traced].iter().map(|evaluation| evaluation.tensors.clone()).collect();
    let scores: Vec<_> = expected.into_iter().map(|evaluation| evaluation.scores).collect();
    let packed = Packed::new(network).run(images, &RunOptions::default()).unwrap();
    assert_eq!(packed.scores, scores, "{name}");
    let run = Rtl::new(&plan).run(&images[..traced], &RunOptions { trace: true, ..RunOptions::default() }).unwrap();
    let difference = first_difference(run.trace.as_ref().unwrap(), &Trace::of_network(network, tensors));
    assert!(difference.is_none(), "{name}: {}\n{plan}", difference.unwrap());
    assert_eq!(run.scores, scores[..traced], "{name}\n{plan}");
    assert_eq!(run.cycles.unwrap().latency_cycles, plan.latency, "{name}\n{plan}");
    if !is_full() && !SAMPLE.contains(&name) || !testkit::tool("verilator") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("design");
    let compiled = flow::artifacts::write(&plan, None, &folder).unwrap();
    let cache = Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    let mut verilator = Verilator::of_design(&compiled, &folder).unwrap().with_cache(cache);
    let run = verilator.run(images, &RunOptions::default()).unwrap();
    assert_eq!(run.scores, scores, "{name}\n{plan}");
    let cycles = run.cycles.unwrap();
    assert_eq!(cycles.steady_interval(8), Some(plan.initiation_interval), "{name}\n{plan}");
    assert_eq!(cycles.latency_cycles, plan.latency, "{name}\n{plan}");
}

fn check(name: &str) {
    let images = images();
    let (graph, network) = network(name, &images);
    check_reference(name, &graph, &network, &images);
    let known = methods()[name]["correct"].as_u64().unwrap() as usize;
    let found = correct(&network, &images);
    println!("{name}: {found} of {} images, {known} by the file", images.len());
    for approximation in &network.approximations {
        println!("{name}: {approximation}");
    }
    if network.approximations.is_empty() {
        assert_eq!(found, known, "{name}");
    }
    assert!(found + 5 >= known, "{name}: {found} images are right, {known} by the file");
    check_hardware(name, &network, &images[..12]);
}

#[test]
fn the_sample_has_every_datapath() {
    let images = images();
    let datapaths = SAMPLE.iter().flat_map(|name| {
        let plan = planned(&network(name, &images).1);
        Report::new(&plan, &Target::default()).layers.into_iter().filter_map(|layer| layer.datapath)
    });
    let found: BTreeSet<String> = datapaths.map(|datapath| datapath.to_string()).collect();
    assert_eq!(found, Datapath::ALL.iter().map(Datapath::to_string).collect());
}

macro_rules! methods {
    ($($name:ident),+ $(,)?) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )+

        #[test]
        fn every_method_has_its_test() {
            let tested: BTreeSet<String> = [$(stringify!($name).to_owned()),+].into();
            let known = methods().as_object().unwrap().keys().cloned().collect();
            assert_eq!(tested, known);
        }
    };
}

methods!(
    abc_net,
    admm_2,
    admm_4,
    admm_binary,
    admm_ternary,
    binary_connect,
    bitwise,
    bn_free,
    bnn,
    bnn_shift,
    bwn,
    bwnh,
    dorefa,
    fgq,
    fp_bnn,
    horq,
    hwgq,
    hwgq_nonuniform,
    input_reuse,
    inq,
    pact,
    quant_py_linear,
    shift_cnn,
    tsq,
    ttq,
    twn,
    xnor_net,
    xnor_net_k,
    zfnet_8bit,
);
