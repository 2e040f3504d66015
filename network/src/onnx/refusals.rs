//! All that stands in the way of an import in one go: behind a refused node, what it would have given stands in as data
//! that the model computes, where its shape is known.

use super::builder::Builder;
use super::data_type::DataType;
use super::error::ImportError;
use super::explanation::Outcome;
use super::node::NodeContext;
use super::operators;
use super::proto::{GraphProto, NodeProto, ValueInfoProto};
use super::tensor_data::elements;
use crate::graph::{Source, ValueId};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// Most refusals that are told: more are of no more help.
const MOST: usize = 32;

/// The refusals so far, each with what stands in for the node's results.
pub(super) struct Refusals<'m> {
    list: Vec<(ImportError, Vec<ValueId>)>,
    /// Tensors that nothing stands in for.
    missing: HashSet<&'m str>,
    /// Types of inner tensors, as the file has them.
    declared: HashMap<&'m str, &'m ValueInfoProto>,
}

impl<'m> Refusals<'m> {
    pub fn of(graph: &'m GraphProto) -> Self {
        let declared = graph.value_info.iter().chain(&graph.output).map(|info| (info.name.as_str(), info)).collect();
        Refusals { list: Vec::new(), missing: HashSet::new(), declared }
    }

    /// Adds what a node of the file becomes, or the refusal.
    pub fn add(&mut self, builder: &mut Builder<'m>, proto: &'m NodeProto, name: &str) -> Outcome {
        if proto.input.iter().any(|tensor| self.missing.contains(tensor.as_str())) {
            self.missing.extend(proto.output.iter().map(String::as_str));
            return Outcome::NotReached;
        }
        let before = builder.nodes().len();
        let mut is_constant = false;
        let added = NodeContext::new(proto, name, builder).and_then(|mut node| {
            is_constant = node.is_constant();
            operators::add(&mut node)
        });
        let Err(refusal) = added else {
            return outcome(builder, proto, before);
        };
        let reason = refusal.to_string();
        let mut stand_ins = Vec::new();
        for tensor in proto.output.iter().filter(|tensor| !tensor.is_empty()) {
            match self.stand_in(builder, proto, tensor).filter(|_| !is_constant) {
                Some((shape, data_type)) => {
                    let value = builder.add_value(tensor.clone(), shape, data_type, Source::Input);
                    builder.bind(tensor, value);
                    stand_ins.push(value);
                }
                None => drop(self.missing.insert(tensor)),
            }
        }
        self.list.push((refusal, stand_ins));
        Outcome::Refused(reason)
    }

    /// Shape and type of what a refused node would have given: what the file says, or for a function of single elements
    /// those of its input.
    fn stand_in(&self, builder: &Builder<'m>, proto: &NodeProto, tensor: &str) -> Option<(Vec<usize>, DataType)> {
        let declared = self.declared.get(tensor).and_then(|info| {
            let tensor = info.r#type.as_ref()?.tensor_type.as_ref()?;
            let extent = |dim: &super::proto::DimensionProto| usize::try_from(dim.dim_value?).ok().filter(|e| *e > 0);
            let mut shape = tensor.shape.as_ref()?.dim.iter().map(extent).collect::<Option<Vec<usize>>>()?;
            if let (Some(first), true) = (shape.first_mut(), builder.batch.is_some()) {
                *first = 1;
            }
            Some((shape, DataType::from_number(tensor.elem_type)?))
        });
        let same = || {
            let id: ValueId = builder.bound(proto.input.first()?)?;
            Some((builder.value(id).shape.clone(), builder.data_type(id)))
        };
        let declared = declared.filter(|(shape, _)| !shape.is_empty() && elements(shape).is_some());
        declared.or_else(|| if KEEPS_SHAPE.contains(&proto.op_type.as_str()) { same() } else { None })
    }

    /// The refusal of the whole, `None` where there is none that `output` depends on.
    pub fn finish(mut self, builder: &Builder<'m>, output: &str) -> Option<ImportError> {
        // What is bound depends on nothing that is missing.
        if let Some(output) = builder.bound(output) {
            let contributes = builder.contributing(output);
            let nodes = builder.nodes().iter().zip(contributes).filter(|(_, contributes)| *contributes);
            let mut read: HashSet<ValueId> = nodes.flat_map(|(node, _)| node.inputs.iter().copied()).collect();
            read.insert(output);
            self.list.retain(|(_, stand_ins)| stand_ins.iter().any(|value| read.contains(value)));
        }
        match self.list.len() {
            0 => None,
            1 => self.list.pop().map(|(refusal, _)| refusal),
            count => {
                let mut refusals = grouped(self.list.into_iter().map(|(refusal, _)| refusal));
                if refusals.len() == 1 {
                    return refusals.pop();
                }
                refusals.truncate(MOST);
                Some(ImportError::Several { count, refusals })
            }
        }
    }
}

/// The refusals, with those of unsupported operators as a single one.
fn grouped(refusals: impl Iterator<Item = ImportError>) -> Vec<ImportError> {
    let mut others = Vec::new();
    let mut operators: Vec<(String, usize)> = Vec::new();
    let mut ways_out: Vec<String> = Vec::new();
    let mut single = None;
    for refusal in refusals {
        let ImportError::Operator { place, way_out } = &refusal else {
            others.push(refusal);
            continue;
        };
        match operators.iter_mut().find(|(operator, _)| *operator == place.operator) {
            Some((_, count)) => *count += 1,
            None => operators.push((place.operator.clone(), 1)),
        }
        if !ways_out.contains(way_out) {
            ways_out.push(way_out.clone());
        }
        single = Some(refusal);
    }
    let count = operators.iter().map(|(_, count)| count).sum();
    if count <= 1 {
        others.extend(single);
        return others;
    }
    // The most frequent first; of equal ones, the first in the file.
    operators.sort_by_key(|(_, count)| Reverse(*count));
    let operators: Vec<String> = operators.iter().map(|(operator, count)| format!("{operator} ({count})")).collect();
    others.insert(0, ImportError::Operators { count, operators: operators.join(", "), way_out: ways_out.join("; ") });
    others
}

/// Operators whose result has the shape of their first input.
const KEEPS_SHAPE: [&str; 40] = [
    "Softmax",
    "LogSoftmax",
    "Hardmax",
    "Sigmoid",
    "Tanh",
    "HardSigmoid",
    "HardSwish",
    "Elu",
    "Selu",
    "Celu",
    "Gelu",
    "Mish",
    "Erf",
    "Exp",
    "Log",
    "Softplus",
    "Softsign",
    "LeakyRelu",
    "PRelu",
    "ThresholdedRelu",
    "Sin",
    "Cos",
    "LRN",
    "LayerNormalization",
    "InstanceNormalization",
    "GroupNormalization",
    "LpNormalization",
    "FloatQuant",
    "Quant",
    "BipolarQuant",
    "Trunc",
    "Not",
    "Less",
    "LessOrEqual",
    "Greater",
    "GreaterOrEqual",
    "Equal",
    "And",
    "Or",
    "Xor",
];

/// What became of a node that was added, when the graph had `before` nodes.
fn outcome(builder: &Builder<'_>, proto: &NodeProto, before: usize) -> Outcome {
    let result = proto.output.first().and_then(|tensor| builder.bound(tensor));
    if result.is_some_and(|id| builder.constant(id).is_some()) {
        return Outcome::Folded;
    }
    Outcome::Taken(builder.nodes()[before..].iter().map(|node| node.name.clone()).collect())
}
