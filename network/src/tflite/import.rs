//! From the tables of a file to a graph.

use super::error::TfliteError;
use super::flatbuffer::Allowance;
use super::importer::{Importer, MALFORMED, damaged};
use super::operators;
use super::schema::{Kind, Model};
use super::values::Forms;
use crate::graph::Graph;
use crate::onnx::names::clean;
use crate::onnx::{FileNode, Outcome};
use abi::ElementType;
use abi::text::printable;

/// Reads the model in a file's bytes.
pub(super) fn model(bytes: &[u8], name: &str) -> Result<Graph, TfliteError> {
    explained(bytes, name, &mut Vec::new())
}

/// As [`model`], and adds to `nodes` what becomes of each operator, those behind the first refusal included.
pub(super) fn explained(bytes: &[u8], name: &str, nodes: &mut Vec<FileNode>) -> Result<Graph, TfliteError> {
    if !super::is_tflite(bytes) {
        return Err(TfliteError::Identifier { name: name.into() });
    }
    let allowance = Allowance::of(bytes);
    let model = Model::read(bytes, &allowance).map_err(|damage| damaged(name, damage))?;
    let refused = |must, found, help| TfliteError::Model { name: printable(name), must, found, help };
    let [graph] = model.graphs.as_slice() else {
        let found = format!("it has {}", model.graphs.len());
        return Err(refused("have one graph", found, "export it without control flow (If, While, CallOnce)"));
    };
    let ends = (graph.inputs.as_slice(), graph.outputs.as_slice());
    let ([input], [output]) = ends else {
        let found = format!("it has {} and {}", graph.inputs.len(), graph.outputs.len());
        return Err(refused("have one input and one output", found, "export one branch of it at a time"));
    };
    let mut importer = Importer::new(name, &model, graph, bytes.len());
    let (input, output) = (importer.number(*input)?, importer.number(*output)?);
    let input_value = importer.input(input)?;
    let mut refusal = None;
    let mut is_missing = vec![false; graph.tensors.len()];
    for operator in &graph.operators {
        let op = match importer.op(operator) {
            Ok(op) => op,
            // What stands first in the file is told.
            Err(error) => return Err(refusal.unwrap_or(error)),
        };
        let first = importer.values.count();
        let missing = |input: &i32| usize::try_from(*input).ok().and_then(|input| is_missing.get(input)) == Some(&true);
        let reads_missing = op.operator.inputs.iter().any(missing);
        let outcome = match reads_missing {
            true => Outcome::NotReached,
            false => match operators::import(&mut importer, op) {
                Ok(()) if importer.known[op.output].is_some() => Outcome::Folded,
                Ok(()) => Outcome::Taken(importer.values.names_from(first)),
                Err(error) => {
                    let reason = error.to_string();
                    refusal.get_or_insert(error);
                    Outcome::Refused(reason)
                }
            },
        };
        is_missing[op.output] = matches!(outcome, Outcome::NotReached | Outcome::Refused(_));
        nodes.push(FileNode { name: clean(importer.stem(op.output)), operator: op.kind.into(), outcome });
    }
    if let Some(error) = refusal {
        return Err(error);
    }
    let output_value = match importer.forms[output] {
        Forms { native: None, image: None, .. } => {
            return Err(importer.refused("have an operator that writes its output", "none does".into(), MALFORMED));
        }
        _ => importer.native(output)?,
    };
    let input_type = match graph.tensors[input].kind {
        Kind::Int8 => Some(ElementType::Signed { bits: 8 }),
        Kind::UInt8 => Some(ElementType::Unsigned { bits: 8 }),
        Kind::Float32 | Kind::Int32 | Kind::Int64 | Kind::Other(_) => None,
    };
    Ok(importer.values.finish(name, input_value, input_type, output_value))
}
