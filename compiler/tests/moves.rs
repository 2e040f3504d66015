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
