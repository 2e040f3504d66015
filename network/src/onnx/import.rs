//! From the messages of a file to a graph.

use super::batch::{fixed_batch, keeps_images_apart};
use super::builder::Builder;
use super::data_type::DataType;
use super::error::ImportError;
use super::explanation::{Explanation, FileNode, Outcome};
use super::names;
use super::operators;
use super::order::{Providers, contributing};
use super::proto::{
    DimensionProto, GraphProto, ModelProto, NodeProto, TensorAnnotation, TensorTypeProto, ValueInfoProto,
};
use super::refusals::Refusals;
use super::tensor_data::{MAX_AXES, MAX_ELEMENTS, elements};
use crate::graph::{Graph, MAX_INPUT_BITS, Source, ValueId};
use abi::ElementType;
use abi::text::printable;
use prost::Message;
use prost::bytes::Bytes;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::Path;

/// Versions of the standard operator set that are understood.
const OPSETS: RangeInclusive<i64> = 9..=25;

pub(super) fn model(bytes: Bytes, folder: Option<&Path>, name: &str) -> Result<Graph, ImportError> {
    explained(bytes, folder, name)?.graph
}

/// The graph of a file, or why there is none, with what became of each node.
///
/// # Errors
/// Where the file is no model, whose nodes could be looked at.
pub(super) fn explained(
    bytes: Bytes,
    folder: Option<&Path>,
    name: &str,
) -> Result<Explanation<ImportError>, ImportError> {
    if bytes.is_empty() {
        return Err(ImportError::Empty { name: name.into() });
    }
    let file_bytes = bytes.len();
    let model = ModelProto::decode(bytes)
        .map_err(|error| ImportError::NotProtobuf { name: name.into(), reason: error.to_string() })?;
    let graph = model.graph.as_ref().ok_or_else(|| ImportError::NoGraph { name: name.into() })?;
    let opset = opset(&model, name)?;
    let node_names = names::unique(&graph.node);
    let providers = Providers::of(graph, &node_names)?;
    let input = only_input(graph, &providers)?;
    let output = only_output(graph)?;
    let order = contributing(graph, &providers, &node_names, output)?;
    let file = File { graph, opset, node_names, providers, input, output, order, folder, name, file_bytes };
    let Some(count) = fixed_batch(graph, input) else {
        return file.read(None);
    };
    match file.read(Some(count)) {
        // What joins images of a batch has another meaning for one.
        Ok(Explanation { graph: Ok(graph), .. }) if !keeps_images_apart(&graph) => file.read(None),
        one => one,
    }
}

/// A file's parts.
struct File<'m> {
    graph: &'m GraphProto,
    opset: i64,
    node_names: Vec<String>,
    providers: Providers<'m>,
    input: &'m ValueInfoProto,
    output: &'m str,
    /// The nodes that contribute to the output.
    order: Vec<usize>,
    folder: Option<&'m Path>,
    name: &'m str,
    file_bytes: usize,
}

impl File<'_> {
    /// Reads the nodes, for one image of a batch where one is given.
    fn read(&self, batch: Option<usize>) -> Result<Explanation<ImportError>, ImportError> {
        let File { graph, input, node_names, .. } = self;
        let mut builder =
            Builder::new(&graph.initializer, &self.providers, node_names, self.folder, self.file_bytes, self.opset);
        let (mut shape, data_type, remark) = input_type(input)?;
        builder.remarks.extend(remark);
        if let (Some(count), Some(first)) = (batch, shape.first_mut()) {
            *first = 1;
            builder.batch = batch;
            builder.remarks.push(format!(
                "the first axis of input `{}`, of extent {count}, is taken for a batch: the network computes one image",
                input.name
            ));
        }
        let input_value = builder.add_value(input.name.clone(), shape, data_type, Source::Input);
        builder.bind(&input.name, input_value);
        builder.annotated_types = annotated_types(graph);
        builder.input_type =
            builder.annotated_types.get(input.name.as_str()).copied().or_else(|| stored_type(data_type));
        builder.remarks.extend(builder.input_type.map(|element| {
            let counts = match element.bits() <= MAX_INPUT_BITS {
                true => "they are taken for such where the model does not quantise them".to_owned(),
                false => format!("that is not used, because it has more than {MAX_INPUT_BITS} bits"),
            };
            format!("the file says that the input's values are of type {element}: {counts}")
        }));
        let mut outcomes = vec![Outcome::LeftOut; graph.node.len()];
        let mut refusals = Refusals::of(graph);
        for index in &self.order {
            outcomes[*index] = refusals.add(&mut builder, &graph.node[*index], &node_names[*index]);
        }
        let result = match refusals.finish(&builder, self.output) {
            Some(refusal) => Err(refusal),
            None => self.finish(builder, input_value),
        };
        if result.is_ok() {
            // What was refused does not count then.
            let is_refused = |outcome: &Outcome| matches!(outcome, Outcome::Refused(_) | Outcome::NotReached);
            outcomes.iter_mut().filter(|outcome| is_refused(outcome)).for_each(|outcome| *outcome = Outcome::LeftOut);
        }
        let nodes = graph.node.iter().zip(node_names).zip(outcomes);
        let node = |((node, name), outcome): ((&NodeProto, &String), Outcome)| FileNode {
            name: name.clone(),
            operator: printable(&node.op_type),
            outcome,
        };
        Ok(Explanation { nodes: nodes.map(node).collect(), graph: result })
    }

    fn finish<'s>(&'s self, mut builder: Builder<'s>, input_value: ValueId) -> Result<Graph, ImportError> {
        let File { graph, input, output, order, .. } = self;
        let output_value = builder.resolve(output, || "the graph's output".into())?;
        builder.rename(output_value, output);
        builder.skip_score_functions(output_value);
        builder.place_sigmoids(output_value);
        let depends = output_value == input_value
            || builder
                .contributing(output_value)
                .iter()
                .zip(builder.nodes())
                .any(|(contributes, node)| *contributes && node.inputs.contains(&input_value));
        if !depends {
            return Err(ImportError::Disconnected { output: (*output).into(), input: input.name.clone() });
        }
        let left_out = graph.node.len() - order.len();
        if left_out > 0 {
            builder.remarks.push(format!("{left_out} nodes do not contribute to the output and were left out"));
        }
        let name = if graph.name.is_empty() || is_exporters_name(&graph.name) { self.name } else { &graph.name };
        Ok(builder.finish(names::clean(name), input_value, output_value))
    }
}

/// Whether a graph's name only tells which exporter wrote it.
fn is_exporters_name(name: &str) -> bool {
    ["torch-jit-export", "torch_jit", "main_graph", "fuse-graph", "tf2onnx"].contains(&name)
}

fn opset(model: &ModelProto, name: &str) -> Result<i64, ImportError> {
    let standard = model.opset_import.iter().find(|set| operators::is_standard(&set.domain));
    let Some(set) = standard else {
        let others: Vec<String> = model.opset_import.iter().map(|set| format!("`{}`", set.domain)).collect();
        let found = if others.is_empty() { "none".into() } else { format!("only {}", others.join(", ")) };
        return Err(ImportError::NoOpset { name: name.into(), found });
    };
    if !OPSETS.contains(&set.version) {
        return Err(ImportError::Opset { name: name.into(), version: set.version });
    }
    Ok(set.version)
}

fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    let mut quoted: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    if names.len() > SHOWN {
        quoted.push("…".into());
    }
    match names.len() {
        0 => "none".into(),
        count => format!("{count}: {}", quoted.join(", ")),
    }
}

fn only_input<'m>(graph: &'m GraphProto, providers: &Providers<'_>) -> Result<&'m ValueInfoProto, ImportError> {
    let inputs: Vec<&ValueInfoProto> =
        graph.input.iter().filter(|input| !providers.initializers.contains_key(input.name.as_str())).collect();
    match inputs.as_slice() {
        [input] => Ok(input),
        _ => {
            let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
            Err(ImportError::Inputs { found: listed(&names) })
        }
    }
}

fn only_output(graph: &GraphProto) -> Result<&str, ImportError> {
    match graph.output.as_slice() {
        [output] => Ok(&output.name),
        outputs => {
            let names: Vec<&str> = outputs.iter().map(|output| output.name.as_str()).collect();
            Err(ImportError::Outputs { found: listed(&names) })
        }
    }
}

/// The integers that an input of a small integer type holds.
fn stored_type(data_type: DataType) -> Option<ElementType> {
    let (minimum, maximum) = data_type.integer_range().filter(|_| data_type.bits() <= MAX_INPUT_BITS as usize)?;
    Some(ElementType::holding(minimum as i64, maximum as i64))
}

/// The integer types that QONNX keeps for tensors, by their names. Of several for one tensor the first counts.
fn annotated_types(graph: &GraphProto) -> HashMap<&str, ElementType> {
    let mut types = HashMap::new();
    for annotation in &graph.quantization_annotation {
        types.entry(annotation.tensor_name.as_str()).or_insert_with(|| annotated_type(annotation));
    }
    types.into_iter().filter_map(|(tensor, element)| Some((tensor, element?))).collect()
}

/// The integer type that an annotation names, `None` where it names none or one of more than 64 bits.
fn annotated_type(annotation: &TensorAnnotation) -> Option<ElementType> {
    let entry = annotation.quant_parameter_tensor_names.iter().find(|entry| entry.key == "finn_datatype")?;
    let bits = |digits: &str| digits.parse::<u32>().ok().filter(|bits| (1..=64).contains(bits));
    match entry.value.as_str() {
        "BIPOLAR" => Some(ElementType::Bipolar),
        "BINARY" => Some(ElementType::Unsigned { bits: 1 }),
        "TERNARY" => Some(ElementType::Signed { bits: 2 }),
        name => match (name.strip_prefix("UINT"), name.strip_prefix("INT")) {
            (Some(digits), _) => bits(digits).map(|bits| ElementType::Unsigned { bits }),
            (_, Some(digits)) => bits(digits).map(|bits| ElementType::Signed { bits }),
            (None, None) => None,
        },
    }
}

/// Shape and type of the input, and a remark where its batch axis had no number.
fn input_type(input: &ValueInfoProto) -> Result<(Vec<usize>, DataType, Option<String>), ImportError> {
    let wrong = |found: &str| ImportError::InputType { input: input.name.clone(), found: found.into() };
    let tensor: &TensorTypeProto = input
        .r#type
        .as_ref()
        .and_then(|value_type| value_type.tensor_type.as_ref())
        .ok_or_else(|| wrong("no tensor (a sequence, a map, or without a type)"))?;
    let data_type = DataType::from_number(tensor.elem_type)
        .filter(|data_type| *data_type != DataType::Bool)
        .ok_or_else(|| wrong(&format!("a tensor of element type number {}", tensor.elem_type)))?;
    let dimensions = &tensor.shape.as_ref().ok_or_else(|| wrong("a tensor without a shape"))?.dim;
    if dimensions.len() > MAX_AXES {
        return Err(wrong(&format!("a tensor with {} axes, more than {MAX_AXES}", dimensions.len())));
    }
    let mut shape = Vec::new();
    let mut remark = None;
    for (axis, dimension) in dimensions.iter().enumerate() {
        let extent = dimension.dim_value.and_then(|value| usize::try_from(value).ok()).filter(|extent| *extent > 0);
        let symbol = match (&dimension.dim_param, dimension.dim_value) {
            (Some(symbol), _) if !symbol.is_empty() => symbol.clone(),
            (_, Some(value)) => value.to_string(),
            (_, None) => "unknown".into(),
        };
        match extent {
            Some(extent) => shape.push(extent),
            None if axis == 0 => {
                shape.push(1);
                remark = Some(format!("batch axis `{symbol}` of input `{}` is taken as 1", input.name));
            }
            None => {
                let extent = |(axis, dimension): (usize, &DimensionProto)| match dimension.dim_value {
                    Some(value) if value > 0 => value.to_string(),
                    _ if axis == 0 => "1".to_owned(),
                    _ => "N".to_owned(),
                };
                let shape: Vec<String> = dimensions.iter().enumerate().map(extent).collect();
                let (input, shape) = (input.name.clone(), shape.join(","));
                return Err(ImportError::SymbolicDimension { shape, input, axis, symbol });
            }
        }
    }
    if elements(&shape).is_none() {
        return Err(ImportError::TooLarge {
            what: format!("input `{}`", input.name),
            limit: MAX_ELEMENTS,
            shape: format!("{shape:?}"),
        });
    }
    Ok((shape, data_type, remark))
}
