//! The graph while it grows.

mod score_functions;

use super::data_type::{DataType, Kind};
use super::error::ImportError;
use super::names::clean;
use super::order::Providers;
use super::patches::Patches;
use super::proto::TensorProto;
use super::tensor_data::{MAX_ELEMENTS, decode};
use crate::graph::{Graph, MAX_INPUT_BITS, Node, NodeId, Operator, Source, Value, ValueId, WeightTypes};
use crate::grid::MAX_WEIGHT;
use crate::tensor::Tensor;
use abi::ElementType;
use abi::text::printable;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Constants that may be computed from nothing but shapes, whatever the size of the file.
const FREE_ELEMENTS: usize = 1 << 24;

/// Elements that may be computed for each byte that was read: enough for any chain of layout changes on weights.
const ELEMENTS_PER_BYTE: usize = 8;

/// The graph while it grows: values, nodes, and the tensors of the file that became values.
pub(super) struct Builder<'m> {
    values: Vec<Value>,
    types: Vec<DataType>,
    nodes: Vec<Node>,
    tensors: HashMap<&'m str, ValueId>,
    /// Names of the file's nodes, and of those added beside them.
    node_names: HashSet<String>,
    initializers: &'m [TensorProto],
    providers: &'m Providers<'m>,
    folder: Option<&'m Path>,
    allowance: usize,
    /// Least and greatest integer that constants may be multiples of, where the file says so.
    ranges: HashMap<ValueId, (i64, i64)>,
    /// The number of images that the file is made for, where it is read for one.
    pub batch: Option<usize>,
    /// The results of the file's `Im2Col` nodes.
    pub patches: HashMap<&'m str, Patches>,
    /// The integer types that the file states for its tensors.
    pub annotated_types: HashMap<&'m str, ElementType>,
    /// See [`Graph::input_type`].
    pub input_type: Option<ElementType>,
    /// See [`Graph::remarks`].
    pub remarks: Vec<String>,
    /// Version of the standard operator set.
    pub opset: i64,
}

impl<'m> Builder<'m> {
    pub fn new(
        initializers: &'m [TensorProto],
        providers: &'m Providers<'m>,
        node_names: &[String],
        folder: Option<&'m Path>,
        file_bytes: usize,
        opset: i64,
    ) -> Self {
        Builder {
            values: Vec::new(),
            types: Vec::new(),
            nodes: Vec::new(),
            tensors: HashMap::new(),
            node_names: node_names.iter().cloned().collect(),
            initializers,
            providers,
            folder,
            allowance: FREE_ELEMENTS + ELEMENTS_PER_BYTE * file_bytes,
            ranges: HashMap::new(),
            batch: None,
            patches: HashMap::new(),
            annotated_types: HashMap::new(),
            input_type: None,
            remarks: Vec::new(),
            opset,
        }
    }

    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0]
    }

    pub fn data_type(&self, id: ValueId) -> DataType {
        self.types[id.0]
    }

    pub fn constant(&self, id: ValueId) -> Option<&Tensor> {
        match &self.value(id).source {
            Source::Constant(tensor) => Some(tensor),
            Source::Input | Source::Node(_) => None,
        }
    }

    /// Adds a value.
    pub fn add_value(&mut self, name: String, shape: Vec<usize>, data_type: DataType, source: Source) -> ValueId {
        let is_integer = data_type.kind() == Kind::Integer;
        let name = clean(&name);
        self.values.push(Value { name, shape, source, is_integer, is_codes: false });
        self.types.push(data_type);
        ValueId(self.values.len() - 1)
    }

    /// Adds a constant.
    pub fn add_constant(&mut self, name: String, tensor: Tensor, data_type: DataType) -> ValueId {
        self.add_value(name, tensor.shape.clone(), data_type, Source::Constant(tensor))
    }

    /// States that a constant consists of integers from `least` to `greatest`, times a scale.
    pub fn set_range(&mut self, id: ValueId, range: (i64, i64)) {
        self.ranges.insert(id, range);
        self.set_codes(id);
    }

    /// States that a constant has come from codes.
    pub fn set_codes(&mut self, id: ValueId) {
        self.values[id.0].is_codes = true;
    }

    /// Whether a constant has come from codes, and the integers that it may be multiples of.
    pub fn mark(&mut self, id: ValueId, is_codes: bool, range: Option<(i64, i64)>) {
        self.values[id.0].is_codes |= is_codes;
        if let Some(range) = range {
            self.set_range(id, range);
        }
    }

    /// What [`set_range`](Self::set_range) was told of a constant.
    pub fn range(&self, id: ValueId) -> Option<(i64, i64)> {
        self.ranges.get(&id).copied()
    }

    /// For each value the integers that it is made of, themselves or in other places and scales, where they are known.
    fn weight_ranges(&self) -> Vec<Option<(i64, i64)>> {
        let mut ranges: Vec<Option<(i64, i64)>> = (0..self.values.len()).map(|id| self.range(ValueId(id))).collect();
        for node in self.nodes.iter().filter(|node| node.operator.keeps_codes()) {
            ranges[node.outputs[0].0] = node.inputs.iter().find_map(|input| ranges[input.0]);
        }
        ranges
    }

    /// See [`Graph::weight_types`].
    fn weight_types(&self) -> WeightTypes {
        let mut types = WeightTypes::new();
        let ranges = self.weight_ranges();
        for node in &self.nodes {
            if let Operator::MatMul | Operator::Gemm { .. } | Operator::Conv { .. } = node.operator
                // Weights are the second operand, but for a product from the left.
                && let Some((least, greatest)) = node.inputs.iter().take(2).rev().find_map(|id| ranges[id.0])
            {
                // Layers of wider types hold no greater ones.
                let (least, greatest) = (least.max(1 - MAX_WEIGHT), greatest.min(MAX_WEIGHT - 1));
                types.insert(node.name.clone(), ElementType::holding(least, greatest));
            }
        }
        types
    }

    /// Adds a node with its outputs: a name, a shape and a type for each.
    pub fn add_node(
        &mut self,
        name: String,
        operator: Operator,
        inputs: Vec<ValueId>,
        outputs: Vec<(String, Vec<usize>, DataType)>,
    ) -> Vec<ValueId> {
        let id = NodeId(self.nodes.len());
        let outputs: Vec<ValueId> = outputs
            .into_iter()
            .map(|(name, shape, data_type)| self.add_value(name, shape, data_type, Source::Node(id)))
            .collect();
        self.nodes.push(Node { name, operator, inputs, outputs: outputs.clone() });
        outputs
    }

    /// `name`, with a number behind it where another node has it, and taken from now on.
    pub fn free_name(&mut self, name: String) -> String {
        let mut free = name.clone();
        let mut number = 1u64;
        while !self.node_names.insert(free.clone()) {
            number += 1;
            free = format!("{name}_{number}");
        }
        free
    }

    /// Makes a value known under the name of a tensor of the file.
    pub fn bind(&mut self, tensor: &'m str, value: ValueId) {
        if !tensor.is_empty() {
            self.tensors.insert(tensor, value);
        }
    }

    /// The value that a tensor of the file is known to be by now.
    pub fn bound(&self, tensor: &str) -> Option<ValueId> {
        self.tensors.get(tensor).copied()
    }

    /// The value of a tensor of the file: bound already, or an initializer, which is decoded now.
    pub fn resolve(&mut self, tensor: &'m str, reader: impl FnOnce() -> String) -> Result<ValueId, ImportError> {
        if let Some(value) = self.tensors.get(tensor) {
            return Ok(*value);
        }
        if self.patches.contains_key(tensor) {
            return Err(ImportError::Patches { reader: reader(), tensor: tensor.into() });
        }
        let Some(index) = self.providers.initializers.get(tensor) else {
            let (reader, is_written) = (reader(), self.providers.nodes.contains_key(tensor));
            // Nodes come in order, so the one that writes the tensor has bound all outputs that it has here.
            return Err(match is_written {
                true => ImportError::FurtherOutput { reader, tensor: tensor.into() },
                false => ImportError::MissingTensor { reader, tensor: tensor.into() },
            });
        };
        let value = self.decode(&self.initializers[*index], tensor)?;
        if let Some(element) = self.annotated_types.get(tensor).filter(|element| element.bits() <= MAX_INPUT_BITS) {
            self.set_range(value, (element.minimum(), element.maximum()));
        }
        self.tensors.insert(tensor, value);
        Ok(value)
    }

    /// Adds a constant that is stored in the file.
    pub fn decode(&mut self, message: &TensorProto, name: &str) -> Result<ValueId, ImportError> {
        let (tensor, data_type) = decode(message, name, self.folder)?;
        if message.data_location == 1 {
            self.allowance += ELEMENTS_PER_BYTE * data_type.bytes(tensor.len());
        }
        Ok(self.add_constant(name.into(), tensor, data_type))
    }

    /// Sets aside memory for a constant that is about to be computed; `Err` holds the limit.
    pub fn reserve(&mut self, elements: usize) -> Result<(), usize> {
        match self.allowance.checked_sub(elements) {
            Some(rest) if elements <= MAX_ELEMENTS => {
                self.allowance = rest;
                Ok(())
            }
            _ => Err(self.allowance.min(MAX_ELEMENTS)),
        }
    }

    /// The nodes so far.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The graph of what contributes to `output`, with values and nodes numbered anew.
    pub fn finish(self, name: String, input: ValueId, output: ValueId) -> Graph {
        let contributes = self.contributing(output);
        let mut node_numbers = vec![None; self.nodes.len()];
        for (number, index) in (0..self.nodes.len()).filter(|index| contributes[*index]).enumerate() {
            node_numbers[index] = Some(NodeId(number));
        }
        let kept = || self.nodes.iter().enumerate().filter(|(index, _)| contributes[*index]).map(|(_, node)| node);
        let mut is_used = vec![false; self.values.len()];
        for id in kept().flat_map(|node| node.inputs.iter().chain(&node.outputs)).chain([&input, &output]) {
            is_used[id.0] = true;
        }
        let mut value_numbers = vec![ValueId(usize::MAX); self.values.len()];
        for (number, index) in (0..self.values.len()).filter(|index| is_used[*index]).enumerate() {
            value_numbers[index] = ValueId(number);
        }
        let renumber = |ids: &[ValueId]| ids.iter().map(|id| value_numbers[id.0]).collect();
        let nodes = kept()
            .map(|node| Node { inputs: renumber(&node.inputs), outputs: renumber(&node.outputs), ..node.clone() })
            .collect();
        let (weight_types, names) = (self.weight_types(), kept().map(|node| node.name.clone()).collect::<HashSet<_>>());
        let values = self
            .values
            .into_iter()
            .zip(is_used)
            .filter(|(_, is_used)| *is_used)
            .map(|(mut value, _)| {
                if let Source::Node(id) = &mut value.source
                    && let Some(number) = node_numbers[id.0]
                {
                    *id = number;
                }
                value
            })
            .collect();
        let weight_types = weight_types.into_iter().filter(|(name, _)| names.contains(name)).collect();
        Graph {
            name,
            opset: self.opset,
            nodes,
            values,
            input: value_numbers[input.0],
            input_type: self.input_type,
            weight_types,
            output: value_numbers[output.0],
            remarks: self.remarks.iter().map(|remark| printable(remark)).collect(),
            approximations: Vec::new(),
        }
    }

    /// For each node, whether `output` depends on it.
    pub fn contributing(&self, output: ValueId) -> Vec<bool> {
        let mut contributes = vec![false; self.nodes.len()];
        let mut pending = vec![output];
        while let Some(value) = pending.pop() {
            if let Source::Node(id) = self.value(value).source
                && !contributes[id.0]
            {
                contributes[id.0] = true;
                pending.extend(&self.nodes[id.0].inputs);
            }
        }
        contributes
    }

    /// Gives the output's value the name that the file has for it.
    pub fn rename(&mut self, value: ValueId, name: &str) {
        if matches!(self.value(value).source, Source::Node(_)) {
            self.values[value.0].name = clean(name);
        }
    }
}
