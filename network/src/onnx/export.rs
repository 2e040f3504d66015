//! From a graph to the bytes of a QONNX file.
//!
//! What [`import_bytes`](super::import_bytes) makes of the file is the graph again, up to names, remarks and
//! which floats have come from codes, where nothing computes with them. A constant that no float32 holds, as quantised
//! weights are that an import has folded, is written as codes and scale of a `Quant` node.

mod attributes;
mod constants;

use super::proto::{
    DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorAnnotation,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use crate::graph::{Graph, Node, Operator, Source, ValueId};
use abi::ElementType;
use constants::{FLOAT, INT64, float_tensor, integer_tensor};
use miette::Diagnostic;
use prost::Message;
use std::collections::HashSet;

/// Domain of the quantisers.
const QUANTIZER_DOMAIN: &str = "qonnx.custom_op.general";

/// A graph that a file of float32 numbers cannot hold.
#[derive(Clone, Debug, PartialEq, thiserror::Error, Diagnostic)]
pub enum ExportError {
    /// A constant that is neither float32 nor integers times a float32.
    #[error(
        "constant `{value}` must consist of float32 numbers, or of integers times float32 scales, but element {index} is {number}"
    )]
    #[diagnostic(
        code(network::onnx::export_precision),
        help("export the model in float32 from the framework: it holds numbers of double precision")
    )]
    Precision {
        /// The constant.
        value: String,
        /// The first such element.
        index: usize,
        /// What it is.
        number: f64,
    },
    /// Arithmetic on integers.
    #[error(
        "every node must compute with floats, but node `{node}` reads integers that are computed when the model runs"
    )]
    #[diagnostic(
        code(network::onnx::export_integers),
        help("start from the model in float32 that this one was quantised from")
    )]
    IntegerArithmetic {
        /// The node.
        node: String,
    },
    /// A node of a graph that is quantised in the standard operators.
    #[error("every quantiser must be one of QONNX, but node `{node}` is QuantizeLinear")]
    #[diagnostic(
        code(network::onnx::export_quantize_linear),
        help("start from the model in float32 that this one was quantised from")
    )]
    QuantizeLinear {
        /// The node.
        node: String,
    },
}

/// The bytes of a file with this graph.
///
/// # Errors
/// Where a constant cannot be written exactly, or a quantiser is none of QONNX.
pub fn export(graph: &Graph) -> Result<Vec<u8>, ExportError> {
    if let Some(node) = graph.nodes.iter().find(|node| matches!(node.operator, Operator::Kernel(_))) {
        return Err(ExportError::IntegerArithmetic { node: node.name.clone() });
    }
    let is_standard = |node: &&Node| matches!(node.operator, Operator::QuantizeLinear { .. });
    if let Some(node) = graph.nodes.iter().find(is_standard) {
        return Err(ExportError::QuantizeLinear { node: node.name.clone() });
    }
    // Integers may change their shape or type and be found by TopK and ArgMax; files of QONNX compute with floats.
    let computes = |node: &&Node| {
        let is_integer = |id: &ValueId| graph.value(*id).is_integer && graph.constant(*id).is_none();
        !matches!(node.operator, Operator::Reshape) && node.inputs.iter().any(is_integer)
    };
    if let Some(node) = graph.nodes.iter().find(computes) {
        return Err(ExportError::IntegerArithmetic { node: node.name.clone() });
    }
    let mut writer = Writer { graph, names: Vec::new(), taken: HashSet::new(), proto: GraphProto::default() };
    writer.name_values();
    for id in writer.used_constants() {
        writer.constant(id)?;
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        writer.node(node, index);
    }
    let has_quantisers = writer.proto.node.iter().any(|node| !node.domain.is_empty());
    let mut opset_import = vec![OperatorSetIdProto { domain: String::new(), version: graph.opset }];
    if has_quantisers {
        opset_import.push(OperatorSetIdProto { domain: QUANTIZER_DOMAIN.into(), version: 1 });
    }
    let model = ModelProto {
        // The oldest version of the format that knows the operator set.
        ir_version: match graph.opset {
            ..=18 => 8,
            19..=20 => 9,
            21..=22 => 10,
            23 => 11,
            24 => 12,
            _ => 13,
        },
        producer_name: "xnorforge".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(writer.finish()),
        opset_import,
    };
    Ok(model.encode_to_vec())
}

struct Writer<'g> {
    graph: &'g Graph,
    /// The name of each value in the file.
    names: Vec<String>,
    taken: HashSet<String>,
    proto: GraphProto,
}

impl Writer<'_> {
    /// Gives every value a name of its own; input and output keep theirs.
    fn name_values(&mut self) {
        let graph = self.graph;
        self.names = vec![String::new(); graph.values.len()];
        let ends = [graph.input, graph.output];
        for id in ends.into_iter().chain((0..graph.values.len()).map(ValueId)) {
            if self.names[id.0].is_empty() {
                self.names[id.0] = self.fresh(&graph.value(id).name);
            }
        }
    }

    /// `stem`, with a number behind it where that is taken.
    fn fresh(&mut self, stem: &str) -> String {
        let stem = if stem.is_empty() { "value" } else { stem };
        let mut name = stem.to_owned();
        let mut number = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{stem}_{number}");
            number += 1;
        }
        name
    }

    /// The constants that nodes read or that are the output, each once.
    fn used_constants(&self) -> Vec<ValueId> {
        let read = self.graph.nodes.iter().flat_map(|node| node.inputs.iter().copied());
        let mut seen = HashSet::new();
        read.chain([self.graph.output])
            .filter(|id| matches!(self.graph.value(*id).source, Source::Constant(_)) && seen.insert(*id))
            .collect()
    }

    fn constant(&mut self, id: ValueId) -> Result<(), ExportError> {
        let value = self.graph.value(id);
        let Source::Constant(tensor) = &value.source else {
            return Ok(());
        };
        let name = self.names[id.0].clone();
        if value.is_integer {
            let numbers: Vec<i64> = tensor.data.iter().map(|number| *number as i64).collect();
            self.proto.initializer.push(integer_tensor(&name, &tensor.shape, &numbers));
            return Ok(());
        }
        let is_single = |number: &f64| f64::from(*number as f32) == *number;
        let index = tensor.data.iter().position(|number| !is_single(number));
        if index.is_none() && !self.computes_exactly(id) {
            self.proto.initializer.push(float_tensor(&name, &tensor.shape, &tensor.data));
            return Ok(());
        }
        let index = index.unwrap_or(0);
        let coded = constants::coded(tensor).ok_or_else(|| ExportError::Precision {
            value: value.name.clone(),
            index,
            number: tensor.data[index],
        })?;
        let inputs = [
            self.helper(&format!("{name}_values"), |name| float_tensor(name, &tensor.shape, &tensor.data)),
            self.helper(&format!("{name}_scale"), |name| float_tensor(name, &coded.scale.shape, &coded.scale.data)),
            self.helper(&format!("{name}_zero_point"), |name| float_tensor(name, &[], &[0.0])),
            self.helper(&format!("{name}_bit_width"), |name| float_tensor(name, &[], &[f64::from(coded.bits)])),
        ];
        self.proto.node.push(NodeProto {
            input: inputs.into(),
            output: vec![name.clone()],
            name: format!("{name}_quant"),
            op_type: "Quant".into(),
            attribute: attributes::quant(true, false, crate::graph::RoundingMode::HalfEven),
            domain: QUANTIZER_DOMAIN.into(),
        });
        Ok(())
    }

    /// Whether a constant has come from codes and a node computes with it and other constants: read again as floats, the
    /// node would be folded with its result rounded.
    fn computes_exactly(&self, id: ValueId) -> bool {
        let is_constant = |id: &ValueId| self.graph.constant(*id).is_some();
        let computes = |node: &&Node| node.inputs.contains(&id) && node.inputs.iter().all(is_constant);
        self.graph.value(id).is_codes && self.graph.nodes.iter().any(|node| computes(&node))
    }

    /// Adds an initializer that is no value of the graph, and gives its name.
    fn helper(&mut self, stem: &str, tensor: impl FnOnce(&str) -> TensorProto) -> String {
        let name = self.fresh(stem);
        self.proto.initializer.push(tensor(&name));
        name
    }

    fn node(&mut self, node: &Node, index: usize) {
        let graph = self.graph;
        let opset = graph.opset;
        let mut input: Vec<String> = node.inputs.iter().map(|id| self.names[id.0].clone()).collect();
        let integers = |list: &[usize]| list.iter().map(|number| *number as i64).collect::<Vec<i64>>();
        let mut op_type = node.operator.name();
        let stem = if node.name.is_empty() { format!("{op_type}_{index}") } else { node.name.clone() };
        match &node.operator {
            Operator::Reshape if self.is_cast(node) => op_type = "Cast",
            Operator::Reshape => {
                let shape = integers(&graph.value(node.outputs[0]).shape);
                input.push(self.helper(&format!("{stem}_shape"), |n| integer_tensor(n, &[shape.len()], &shape)));
            }
            Operator::Clip { minimum, maximum } if opset >= 11 => {
                for (role, limit) in [("minimum", *minimum), ("maximum", *maximum)] {
                    // A limit left out is an empty name, and the last names need not be there.
                    input.push(match limit.is_finite() {
                        true => self.helper(&format!("{stem}_{role}"), |n| float_tensor(n, &[], &[limit])),
                        false => String::new(),
                    });
                }
                while input.last().is_some_and(String::is_empty) {
                    input.pop();
                }
            }
            Operator::Pad { before, after, value } if opset >= 11 => {
                let pads = integers(&[before.as_slice(), after].concat());
                input.push(self.helper(&format!("{stem}_pads"), |n| integer_tensor(n, &[pads.len()], &pads)));
                input.push(self.helper(&format!("{stem}_value"), |n| float_tensor(n, &[], &[*value])));
            }
            Operator::Upsample { factors } => {
                let scales: Vec<f64> = factors.iter().map(|factor| *factor as f64).collect();
                if opset >= 11 {
                    input.push(String::new());
                }
                input.push(self.helper(&format!("{stem}_scales"), |n| float_tensor(n, &[scales.len()], &scales)));
                op_type = if opset >= 10 { "Resize" } else { "Upsample" };
            }
            Operator::Select { indices, .. } => {
                let indices = integers(indices);
                input.push(self.helper(&format!("{stem}_indices"), |n| integer_tensor(n, &[indices.len()], &indices)));
            }
            Operator::Dilate { .. } => {
                // Each element times 1, and zeros behind it.
                let mut shape = vec![1; graph.value(node.inputs[0]).shape.len()];
                shape[0] = graph.value(node.inputs[0]).shape[1];
                let ones = vec![1.0; shape[0]];
                input.push(self.helper(&format!("{stem}_ones"), |n| float_tensor(n, &shape, &ones)));
            }
            Operator::TopK { k, .. } if opset >= 10 => {
                input.push(self.helper(&format!("{stem}_k"), |n| integer_tensor(n, &[1], &[*k as i64])));
            }
            _ => {}
        }
        let is_custom =
            matches!(node.operator, Operator::Quant { .. } | Operator::BipolarQuant | Operator::MultiThreshold { .. });
        self.proto.node.push(NodeProto {
            input,
            output: node.outputs.iter().map(|id| self.names[id.0].clone()).collect(),
            name: node.name.clone(),
            op_type: op_type.into(),
            attribute: attributes::of(graph, node),
            domain: if is_custom { QUANTIZER_DOMAIN.into() } else { String::new() },
        });
    }

    /// Whether a node that only changes the shape changes the type instead.
    fn is_cast(&self, node: &Node) -> bool {
        let is_integer = |id: ValueId| self.graph.value(id).is_integer;
        is_integer(node.inputs[0]) != is_integer(node.outputs[0])
    }

    fn finish(mut self) -> GraphProto {
        let graph = self.graph;
        self.proto.name.clone_from(&graph.name);
        self.proto.input = vec![self.value_info(graph.input)];
        self.proto.output = vec![self.value_info(graph.output)];
        let inner = graph.nodes.iter().flat_map(|node| &node.outputs).filter(|id| **id != graph.output);
        self.proto.value_info = inner.map(|id| self.value_info(*id)).collect();
        self.proto.quantization_annotation.extend(graph.input_type.map(|element| {
            let value = match element {
                ElementType::Bipolar => "BIPOLAR".into(),
                ElementType::Unsigned { bits } => format!("UINT{bits}"),
                ElementType::Signed { bits } => format!("INT{bits}"),
            };
            TensorAnnotation {
                tensor_name: self.names[graph.input.0].clone(),
                quant_parameter_tensor_names: vec![StringStringEntryProto { key: "finn_datatype".into(), value }],
            }
        }));
        self.proto
    }

    fn value_info(&self, id: ValueId) -> ValueInfoProto {
        let value = self.graph.value(id);
        let dimension = |extent: &usize| DimensionProto { dim_value: Some(*extent as i64), dim_param: None };
        let shape = Some(TensorShapeProto { dim: value.shape.iter().map(dimension).collect() });
        let tensor = TensorTypeProto { elem_type: if value.is_integer { INT64 } else { FLOAT }, shape };
        ValueInfoProto { name: self.names[id.0].clone(), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
    }
}
