//! Graphs that move elements, put zeros between them and compute functions before quantisers: integers are the reference's,
//! and plans have the integers' values.

#![allow(clippy::unwrap_used)]

use abi::maps::Scores;
use compiler::lower::{LowerError, lower};
use compiler::planner::{Goal, PlanError, plan};
use compiler::values::{check, check_stages};
use network::graph::{Graph, Operator};
use network::integer;
use network::network::Network;
use network::reference::{Evaluator, ReferenceError};
use network::tensor::Tensor;
use testkit::files::{self, Build, With};
use testkit::random_graphs::{random_images, random_topology_graph};

fn scores(found: &Scores) -> Vec<f64> {
    match found {
        Scores::Values(values) => values.iter().map(|value| f64::from(*value)).collect(),
        Scores::Indices(indices) => indices.iter().map(|index| *index as f64).collect(),
    }
}

/// The reference against the integers, image by image.
fn check_integers(graph: &Graph, network: &Network, seed: u64) {
    let evaluator = Evaluator::new(graph).unwrap();
    for image in random_images(graph, seed, 4) {
        let shape = graph.value(graph.input).shape.clone();
        let input = Tensor::new(shape, image.iter().map(|value| f64::from(*value)).collect());
        let expected = match evaluator.run(&input) {
            Ok(expected) => expected,
            // What is near a tie of a transcendental function is refused by name there.
            Err(ReferenceError::Beyond { .. }) => continue,
            Err(error) => panic!("seed {seed}: {error}\n{graph}"),
        };
        let expected: Vec<f64> = expected.data.iter().map(|score| f64::from(*score as f32)).collect();
        let found = scores(&integer::run(network, &image).unwrap().scores);
        assert_eq!(found, expected, "seed {seed}\n{graph}\n{network}");
    }
}

fn moves(graph: &Graph) -> bool {
    graph.nodes.iter().any(|node| {
        let is_move =
            matches!(node.operator, Operator::Select { .. } | Operator::Dilate { .. } | Operator::Activation(_));
        is_move || node.inputs.iter().any(|input| graph.value(*input).shape.len() > 4)
    })
}

#[test]
fn moved_elements_are_the_references() {
    let (mut lowered, mut planned, mut refused) = (0, 0, 0);
    for seed in 0..testkit::count(400, 8000) {
        let graph = random_topology_graph(seed);
        if !moves(&graph) {
            continue;
        }
        let network = match lower(&graph) {
            Ok(network) => network,
            Err(LowerError::Invalid(error)) => panic!("seed {seed}: {error}\n{graph}"),
            Err(_) => {
                refused += 1;
                continue;
            }
        };
        lowered += 1;
        check_integers(&graph, &network, seed);
        let plan = match plan(network, &Goal::FramesPerSecond(1e3), 100.0) {
            Ok(plan) => plan,
            Err(PlanError::NoUnit { .. } | PlanError::Unreachable { .. }) => continue,
            Err(error) => panic!("seed {seed}: {error}\n{graph}"),
        };
        planned += 1;
        plan.validate().unwrap_or_else(|error| panic!("seed {seed}: {error}\n{plan}"));
        check(&plan).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{plan}"));
        check_stages(&plan).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{plan}"));
    }
    println!("{lowered} lowered, {planned} planned, {refused} refused");
    assert!(
        lowered > 2 * refused && 10 * planned > 7 * lowered,
        "{lowered} lowered, {planned} planned, {refused} refused"
    );
}

/// What float32 quantises otherwise is told of channels in their new order.
#[test]
fn sensitive_channels_move_with_their_tensor() {
    let weights: Vec<f32> = [3.0, 6.0, 1.0, 5.0].map(|code| code * 0.1).to_vec();
    let quantised = |input: &str, scale: &str, output: &str| files::quant(&[input, scale, "none", "bits"], output);
    let model = files::model(&[1, 1, 4, 4])
        .constant(files::floats("tenth", &[], &[0.1]))
        .constant(files::floats("three", &[], &[0.3]))
        .constant(files::floats("none", &[], &[0.0]))
        .constant(files::floats("bits", &[], &[4.0]))
        .constant(files::floats("w", &[4, 1, 1, 1], &weights))
        .constant(files::integers("list", &[1, 2, 3, 0]))
        .add(quantised("x", "tenth", "codes"))
        .add(quantised("w", "tenth", "weights"))
        .add(files::node("Conv", &["codes", "weights"], &["sums"]))
        .add(quantised("sums", "three", "steps"))
        .add(files::node("Gather", &["steps", "list"], &["turned"]).int("axis", 1))
        .add(files::node("MaxPool", &["turned"], &["y"]).ints("kernel_shape", &[2, 2]).ints("strides", &[2, 2]));
    let graph = files::import(&model).unwrap();
    let network = lower(&graph).unwrap();
    let channels = &network.sensitive_steps[0].channels;
    assert!(channels.len() > 1 && channels.is_sorted() && channels[0] != channels[channels.len() - 1], "{channels:?}");
    check_integers(&graph, &network, 0);
}

/// Quantisers of the image that are the same, one for each reader, as onnxruntime's quantiser writes them.
#[test]
fn equal_quantisers_of_the_image_are_one() {
    let weights: Vec<f32> = [3.0, -6.0, 1.0, 5.0].map(|code| code * 0.1).to_vec();
    let quantised = |input: &str, output: &str| files::quant(&[input, "tenth", "none", "bits"], output);
    let model = |second: &str| {
        files::model(&[1, 2, 4, 4])
            .constant(files::floats("tenth", &[], &[0.1]))
            .constant(files::floats("fifth", &[], &[0.2]))
            .constant(files::floats("none", &[], &[0.0]))
            .constant(files::floats("bits", &[], &[4.0]))
            .constant(files::floats("w", &[2, 2, 1, 1], &weights))
            .add(quantised("x", "first"))
            .add(files::quant(&["x", second, "none", "bits"], "second"))
            .add(quantised("w", "weights"))
            .add(files::node("Conv", &["first", "weights"], &["a"]))
            .add(files::node("Conv", &["second", "weights"], &["b"]))
            .add(files::node("Add", &["a", "b"], &["y"]))
    };
    let graph = files::import(&model("tenth")).unwrap();
    check_integers(&graph, &lower(&graph).unwrap(), 0);
    let other = testkit::rendered(&lower(&files::import(&model("fifth")).unwrap()).unwrap_err());
    assert!(other.contains("as its other quantisers do"), "{other}");
}
