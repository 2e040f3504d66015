//! From any bytes as an `.onnx` file to the reference's scores, the network in integers and a plan.

use super::render;
use abi::text::is_printable;
use compiler::lower::lower;
use compiler::planner::{Goal, plan};
use network::graph::Graph;
use network::onnx::import_bytes;
use network::tensor::Tensor;

/// Graphs with more elements than these would only cost time.
const MAX_ELEMENTS: usize = 1 << 13;

/// Imports the bytes; runs, lowers and plans what they hold where that is quick.
pub fn run(data: &[u8]) {
    match import_bytes(data, None, "fuzzed") {
        Ok(graph) => examine(&graph),
        Err(error) => render(&error),
    }
}

/// Runs, lowers and plans a graph where that is quick.
pub fn examine(graph: &Graph) {
    let names = graph.nodes.iter().map(|node| &node.name).chain(graph.values.iter().map(|value| &value.name));
    let shown = names.chain([&graph.name]).chain(&graph.remarks);
    shown.for_each(|name| assert!(is_printable(name), "{name:?}"));
    let size = |shape: &[usize]| shape.iter().try_fold(1usize, |size, axis| size.checked_mul(*axis));
    let elements = graph.values.iter().map(|value| size(&value.shape).unwrap_or(usize::MAX));
    if elements.fold(0, usize::saturating_add) > MAX_ELEMENTS {
        return;
    }
    let shape = graph.value(graph.input).shape.clone();
    let image: Vec<f64> = (0..shape.iter().product()).map(|index| [0.5, -1.0, 0.0, 200.0][index % 4]).collect();
    if let Err(error) = network::reference::run(graph, &Tensor::new(shape, image.clone())) {
        render(&error);
    }
    let network = match lower(graph) {
        Ok(network) => network,
        Err(error) => return render(&error),
    };
    network.validate().expect("lowering gives valid networks");
    let image: Vec<f32> = image.into_iter().map(|value| value as f32).collect();
    network::integer::run(&network, &image).expect("an image of numbers in the graph's shape");
    match plan(network, &Goal::FramesPerSecond(1e3), 100.0) {
        Ok(plan) => plan.validate().expect("planning gives valid plans"),
        Err(error) => render(&error),
    }
}
