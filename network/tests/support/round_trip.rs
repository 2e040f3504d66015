//! A graph through a file and back.

use network::graph::{Graph, Source, ValueId};
use network::onnx::{export, import_bytes};
use std::collections::HashMap;

/// The graph without names and remarks, values numbered in the order in which nodes name them.
pub fn normal(graph: &Graph) -> Graph {
    let mut numbers: HashMap<ValueId, ValueId> = HashMap::new();
    let mut order = Vec::new();
    let named = graph.nodes.iter().flat_map(|node| node.inputs.iter().chain(&node.outputs));
    for id in [graph.input].iter().chain(named).chain([&graph.output]) {
        let next = ValueId(numbers.len());
        numbers.entry(*id).or_insert_with(|| {
            order.push(*id);
            next
        });
    }
    let renumbered = |ids: &[ValueId]| ids.iter().map(|id| numbers[id]).collect();
    let mut normal = graph.clone();
    normal.name.clear();
    normal.remarks.clear();
    // By names; and weights that a file holds as floats are of no type.
    normal.weight_types.clear();
    for node in &mut normal.nodes {
        node.name.clear();
        (node.inputs, node.outputs) = (renumbered(&node.inputs), renumbered(&node.outputs));
    }
    normal.values = order.iter().map(|id| graph.value(*id).clone()).collect();
    for value in &mut normal.values {
        value.name.clear();
        // A file's floats have come from codes only where something computes with them, which `floats` tells.
        value.is_codes = false;
        if let Source::Constant(tensor) = &mut value.source {
            // −0 and 0 are the same number, and a Quant node knows no −0.
            tensor.data.iter_mut().for_each(|number| *number += 0.0);
        }
    }
    (normal.input, normal.output) = (numbers[&graph.input], numbers[&graph.output]);
    normal
}

/// Checks that the file of a graph is the graph.
pub fn check(graph: &Graph) {
    // Where the first axis could count images, the file of a graph is one for each of them.
    if graph.value(graph.input).shape.first().is_some_and(|extent| *extent > 1) {
        return;
    }
    let bytes = export(graph).unwrap_or_else(|error| panic!("{error}\n{graph}"));
    let again = import_bytes(&bytes, None, "again").unwrap_or_else(|error| panic!("{error}\n{graph}"));
    assert_eq!(normal(&again), normal(graph), "{graph}\n{again}");
    let computed = |graph: &Graph| -> Vec<bool> {
        let floats = graph.floats();
        graph.nodes.iter().flat_map(|node| &node.outputs).map(|output| floats[output.0]).collect()
    };
    assert_eq!(computed(&again), computed(graph), "{graph}\n{again}");
    assert_eq!(again.value(again.input).name, graph.value(graph.input).name);
    assert_eq!(again.value(again.output).name, graph.value(graph.output).name);
    // Once more, and nothing changes, names included.
    assert_eq!(export(&again).unwrap(), export(&import_bytes(&export(&again).unwrap(), None, "").unwrap()).unwrap());
}
