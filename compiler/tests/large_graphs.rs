//! Graphs of thousands of nodes are lowered and planned, or refused by name.

#![allow(clippy::unwrap_used)]

use compiler::lower::{LowerError, lower};
use compiler::planner::{Goal, plan};
use network::graph::Graph;
use network::onnx::import_bytes;
use network::tensor::Tensor;
use network::{integer, reference};
use testkit::files::import;
use testkit::large_graphs::{FAMILIES, WIDTH, doubled, grown};

const NODES: usize = 4000;

/// The scores of an image by the reference and by the network that the graph becomes.
fn scores(graph: &Graph) -> (Vec<f32>, Vec<f32>) {
    let image: Vec<f32> = [3.0, -2.0, 7.0, 0.0].into();
    let input = Tensor::new(vec![1, WIDTH], image.iter().map(|value| f64::from(*value)).collect());
    let expected = reference::run(graph, &input).unwrap();
    let expected = expected.data.iter().map(|score| *score as f32).collect();
    (expected, integer::run(&lower(graph).unwrap(), &image).unwrap().scores.numbers())
}

#[test]
fn large_graphs_become_plans() {
    for family in FAMILIES {
        println!("{}", family.name);
        let graph = import_bytes(&family.file(NODES), None, "large").unwrap();
        let (expected, found) = scores(&graph);
        assert_eq!(expected, found, "{}", family.name);
        let network = lower(&graph).unwrap();
        // A tree of concatenations holds each channel once a level; else no tensor is wider than the first.
        let levels = NODES.ilog2() as usize + 3;
        let elements: usize = network.tensors.iter().map(|tensor| tensor.elements()).sum();
        assert!(elements <= WIDTH * NODES * levels, "{}: {elements} elements", family.name);
        plan(network, &Goal::FramesPerSecond(1000.0), 100.0).unwrap();
    }
}

#[test]
fn sums_of_a_value_with_itself_are_one_factor() {
    for count in [1, 40, 100] {
        let (expected, found) = scores(&import(&doubled(count)).unwrap());
        assert_eq!(expected, found);
        assert_eq!(expected[0] % 2f32.powi(count as i32), 0.0);
    }
    let beyond = lower(&import(&doubled(NODES)).unwrap()).unwrap_err();
    assert!(matches!(beyond, LowerError::Unsupported { must: "give scores that float32 holds", .. }), "{beyond}");
    // Each sum holds the one before twice, and no float is a product of its factors.
    assert!(lower(&import(&grown(5)).unwrap()).is_ok());
    for count in [40, NODES] {
        let error = lower(&import(&grown(count)).unwrap()).unwrap_err();
        assert!(matches!(error, LowerError::TooLong { .. }), "{error}");
    }
}
