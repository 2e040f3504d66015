//! Making a graph from another.

use super::{Graph, Node, NodeId, Operator, Source, Value, ValueId};
use crate::tensor::Tensor;
use std::collections::HashMap;

/// A graph with the values of another and as yet no nodes: they are put in one by one, old and new ones, producers before
/// consumers.
#[derive(Clone, Debug)]
pub struct Edit {
    graph: Graph,
    /// Names of the nodes, each with the last number that made a new one of it.
    names: HashMap<String, u32>,
}

impl Edit {
    /// The beginning of a graph with the values of `graph`.
    pub fn of(graph: &Graph) -> Self {
        Edit::taking(graph.clone()).0
    }

    /// As [`of`](Self::of), without a copy, and the nodes that the graph had.
    pub fn taking(mut graph: Graph) -> (Self, Vec<Node>) {
        let nodes = std::mem::take(&mut graph.nodes);
        (Edit { graph, names: HashMap::new() }, nodes)
    }

    /// The value with the given id, an old or a new one.
    pub fn read(&self, id: ValueId) -> &Value {
        self.graph.value(id)
    }

    /// Adds a constant.
    pub fn constant(&mut self, name: impl Into<String>, tensor: Tensor) -> ValueId {
        self.value(name.into(), tensor.shape.clone(), Source::Constant(tensor))
    }

    /// Adds a node with one result, a number each.
    pub fn node(&mut self, name: &str, operator: Operator, inputs: Vec<ValueId>, shape: Vec<usize>) -> ValueId {
        let output = self.value(format!("{name}_out"), shape, Source::Node(NodeId(self.graph.nodes.len())));
        let name = self.unique(name);
        self.names.insert(name.clone(), 1);
        self.graph.nodes.push(Node { name, operator, inputs, outputs: vec![output] });
        output
    }

    /// Puts in a node of the old graph, perhaps with other inputs.
    pub fn keep(&mut self, node: Node) {
        self.names.entry(node.name.clone()).or_insert(1);
        self.graph.nodes.push(node);
    }

    /// The graph, without values that no node names.
    pub fn finish(self) -> Graph {
        let Edit { mut graph, names: _ } = self;
        let mut is_used = vec![false; graph.values.len()];
        let named = graph.nodes.iter().flat_map(|node| node.inputs.iter().chain(&node.outputs));
        for id in named.chain([&graph.input, &graph.output]) {
            is_used[id.0] = true;
        }
        for (index, node) in graph.nodes.iter().enumerate() {
            for output in &node.outputs {
                graph.values[output.0].source = Source::Node(NodeId(index));
            }
        }
        let mut numbers = vec![ValueId(usize::MAX); graph.values.len()];
        for (number, index) in (0..graph.values.len()).filter(|index| is_used[*index]).enumerate() {
            numbers[index] = ValueId(number);
        }
        for id in graph.nodes.iter_mut().flat_map(|node| node.inputs.iter_mut().chain(&mut node.outputs)) {
            *id = numbers[id.0];
        }
        (graph.input, graph.output) = (numbers[graph.input.0], numbers[graph.output.0]);
        let mut used = is_used.into_iter();
        graph.values.retain(|_| used.next().unwrap_or(false));
        graph
    }

    fn value(&mut self, name: String, shape: Vec<usize>, source: Source) -> ValueId {
        self.graph.values.push(Value { name, shape, source, is_integer: false, is_codes: false });
        ValueId(self.graph.values.len() - 1)
    }

    fn unique(&mut self, name: &str) -> String {
        let mut number = self.names.get(name).copied().unwrap_or(1);
        let mut unique = name.to_owned();
        while self.names.contains_key(&unique) {
            number += 1;
            unique = format!("{name}_{number}");
        }
        if unique != name {
            self.names.insert(name.to_owned(), number);
        }
        unique
    }
}
