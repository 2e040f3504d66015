//! The graph while it grows: values in the file's layout and with channels before pixels.

use super::schema::Kind;
use crate::graph::{Graph, Node, NodeId, Operator, Source, Value, ValueId, WeightTypes};
use crate::onnx::names::clean;
use crate::tensor::Tensor;
use abi::ElementType;
use std::collections::HashSet;

/// What a tensor of the file is in the graph, as far as it has been needed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Forms {
    /// The value in the file's layout.
    pub native: Option<ValueId>,
    /// The value of an image, `[1, height, width, channels]` in the file, as `[1, channels, height, width]`.
    pub image: Option<ValueId>,
    /// The image less its zero point.
    pub centred: Option<ValueId>,
}

/// Values and nodes.
#[derive(Default)]
pub(super) struct Values {
    values: Vec<Value>,
    nodes: Vec<Node>,
    names: HashSet<String>,
    weight_types: WeightTypes,
    /// See [`Graph::remarks`].
    pub remarks: Vec<String>,
}

impl Values {
    /// The shape of a value.
    pub fn shape(&self, id: ValueId) -> &[usize] {
        &self.values[id.0].shape
    }

    /// Number of nodes so far.
    pub fn count(&self) -> usize {
        self.nodes.len()
    }

    /// The names of the nodes from number `first` on.
    pub fn names_from(&self, first: usize) -> Vec<String> {
        self.nodes[first..].iter().map(|node| node.name.clone()).collect()
    }

    fn add(&mut self, name: &str, shape: Vec<usize>, source: Source, is_integer: bool) -> ValueId {
        self.values.push(Value { name: clean(name), shape, source, is_integer, is_codes: is_integer });
        ValueId(self.values.len() - 1)
    }

    /// The model's input.
    pub fn input(&mut self, name: &str, shape: Vec<usize>, kind: Kind) -> ValueId {
        self.add(name, shape, Source::Input, kind != Kind::Float32)
    }

    /// Integers.
    pub fn integers(&mut self, name: &str, tensor: Tensor) -> ValueId {
        self.add(name, tensor.shape.clone(), Source::Constant(tensor), true)
    }

    /// One real number.
    pub fn number(&mut self, name: &str, number: f64) -> ValueId {
        self.add(name, Vec::new(), Source::Constant(Tensor::scalar(number)), false)
    }

    /// What a new node makes of `inputs`; where another has its name, it gets a number.
    pub fn node(&mut self, name: &str, operator: Operator, inputs: &[ValueId], shape: Vec<usize>) -> ValueId {
        let stem = clean(name);
        let mut unique = stem.clone();
        let mut number = 1u64;
        while !self.names.insert(unique.clone()) {
            number += 1;
            unique = format!("{stem}_{number}");
        }
        let is_integer = match &operator {
            Operator::Reshape | Operator::Transpose { .. } | Operator::Concat { .. } | Operator::Upsample { .. } => {
                inputs.iter().all(|input| self.values[input.0].is_integer)
            }
            Operator::MaxPool { .. } | Operator::Pad { .. } => self.values[inputs[0].0].is_integer,
            Operator::Kernel(_) | Operator::ArgMax { .. } => true,
            _ => false,
        };
        let output = self.add(&unique, shape, Source::Node(NodeId(self.nodes.len())), false);
        self.values[output.0].is_integer = is_integer;
        self.nodes.push(Node { name: unique, operator, inputs: inputs.to_vec(), outputs: vec![output] });
        output
    }

    /// States which integers the weights of the newest node may be.
    pub fn weights_of_newest(&mut self, least: i64, greatest: i64) {
        let most = crate::grid::MAX_WEIGHT - 1;
        if let Some(node) = self.nodes.last() {
            self.weight_types.insert(node.name.clone(), ElementType::holding(least.max(-most), greatest.min(most)));
        }
    }

    /// The graph of what contributes to `output`.
    pub fn finish(self, name: &str, input: ValueId, input_type: Option<ElementType>, output: ValueId) -> Graph {
        let mut contributes = vec![false; self.nodes.len()];
        let mut pending = vec![output];
        while let Some(value) = pending.pop() {
            if let Source::Node(id) = self.values[value.0].source
                && !contributes[id.0]
            {
                contributes[id.0] = true;
                pending.extend(&self.nodes[id.0].inputs);
            }
        }
        let mut is_used = vec![false; self.values.len()];
        let kept = self.nodes.iter().zip(&contributes).filter(|(_, contributes)| **contributes).map(|(node, _)| node);
        for id in kept.flat_map(|node| node.inputs.iter().chain(&node.outputs)).chain([&input, &output]) {
            is_used[id.0] = true;
        }
        let numbers = |kept: &[bool]| {
            let next = |next: &mut usize, kept: &bool| {
                *next += usize::from(*kept);
                Some(*next - usize::from(*kept))
            };
            kept.iter().scan(0, next).collect::<Vec<usize>>()
        };
        let (node_numbers, value_numbers) = (numbers(&contributes), numbers(&is_used));
        let renumbered = |ids: Vec<ValueId>| ids.into_iter().map(|id| ValueId(value_numbers[id.0])).collect();
        let nodes: Vec<Node> = self
            .nodes
            .into_iter()
            .zip(contributes)
            .filter(|(_, contributes)| *contributes)
            .map(|(node, _)| Node { inputs: renumbered(node.inputs), outputs: renumbered(node.outputs), ..node })
            .collect();
        let values = self.values.into_iter().zip(&is_used).filter(|(_, is_used)| **is_used).map(|(mut value, _)| {
            if let Source::Node(id) = &mut value.source {
                *id = NodeId(node_numbers[id.0]);
            }
            value
        });
        let names: HashSet<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        let weight_types = self.weight_types.into_iter().filter(|(name, _)| names.contains(name.as_str())).collect();
        Graph {
            name: clean(name),
            opset: 0,
            values: values.collect(),
            input: ValueId(value_numbers[input.0]),
            input_type,
            weight_types,
            output: ValueId(value_numbers[output.0]),
            remarks: self.remarks,
            approximations: Vec::new(),
            nodes,
        }
    }
}
