//! Which nodes contribute to the output, and in which order they can be evaluated.

use super::error::ImportError;
use super::proto::GraphProto;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// What provides each tensor of the file.
pub(super) struct Providers<'m> {
    /// Node by the name of a tensor that it writes.
    pub nodes: HashMap<&'m str, usize>,
    /// Position among the initializers by name.
    pub initializers: HashMap<&'m str, usize>,
}

impl<'m> Providers<'m> {
    /// The providers of all tensors; fails where a tensor has two.
    pub fn of(graph: &'m GraphProto, names: &[String]) -> Result<Self, ImportError> {
        let duplicate = |tensor: &str, first: String, second: String| ImportError::DuplicateTensor {
            tensor: tensor.into(),
            first,
            second,
        };
        let mut initializers = HashMap::new();
        for (index, tensor) in graph.initializer.iter().enumerate() {
            if let Some(first) = initializers.insert(tensor.name.as_str(), index) {
                return Err(duplicate(
                    &tensor.name,
                    format!("initializer number {first}"),
                    format!("initializer number {index}"),
                ));
            }
        }
        let mut inputs = HashMap::new();
        for (index, input) in graph.input.iter().enumerate() {
            if let Some(first) = inputs.insert(input.name.as_str(), index) {
                return Err(duplicate(&input.name, format!("input number {first}"), format!("input number {index}")));
            }
        }
        let mut nodes: HashMap<&str, usize> = HashMap::new();
        for (index, node) in graph.node.iter().enumerate() {
            for tensor in node.output.iter().map(String::as_str).filter(|name| !name.is_empty()) {
                let second = || format!("node `{}`", names[index]);
                if let Some(first) = nodes.insert(tensor, index) {
                    return Err(duplicate(tensor, format!("node `{}`", names[first]), second()));
                }
                if initializers.contains_key(tensor) {
                    return Err(duplicate(tensor, "an initializer".into(), second()));
                }
                if inputs.contains_key(tensor) {
                    return Err(duplicate(tensor, "an input".into(), second()));
                }
            }
        }
        Ok(Providers { nodes, initializers })
    }
}

/// The nodes that contribute to tensor `output`, producers before consumers, otherwise in the file's order.
pub(super) fn contributing(
    graph: &GraphProto,
    providers: &Providers<'_>,
    names: &[String],
    output: &str,
) -> Result<Vec<usize>, ImportError> {
    let producers = |node: usize| graph.node[node].input.iter().filter_map(|name| providers.nodes.get(name.as_str()));
    let mut contributes = vec![false; graph.node.len()];
    let mut pending: Vec<usize> = providers.nodes.get(output).copied().into_iter().collect();
    while let Some(node) = pending.pop() {
        if !contributes[node] {
            contributes[node] = true;
            pending.extend(producers(node));
        }
    }

    let mut waits_for = vec![0usize; graph.node.len()];
    let mut consumers = vec![Vec::new(); graph.node.len()];
    for node in (0..graph.node.len()).filter(|node| contributes[*node]) {
        for producer in producers(node) {
            waits_for[node] += 1;
            consumers[*producer].push(node);
        }
    }
    let ready = |node: &usize| contributes[*node] && waits_for[*node] == 0;
    let mut heap: BinaryHeap<Reverse<usize>> = (0..graph.node.len()).filter(ready).map(Reverse).collect();
    let mut order = Vec::new();
    while let Some(Reverse(node)) = heap.pop() {
        order.push(node);
        for consumer in &consumers[node] {
            waits_for[*consumer] -= 1;
            if waits_for[*consumer] == 0 {
                heap.push(Reverse(*consumer));
            }
        }
    }

    let waiting: Vec<usize> = (0..graph.node.len()).filter(|node| contributes[*node] && waits_for[*node] > 0).collect();
    if waiting.is_empty() {
        return Ok(order);
    }
    const SHOWN: usize = 8;
    let mut nodes: Vec<String> = waiting.iter().take(SHOWN).map(|node| format!("`{}`", names[*node])).collect();
    if waiting.len() > SHOWN {
        nodes.push(format!("and {} more", waiting.len() - SHOWN));
    }
    Err(ImportError::Cycle { nodes: nodes.join(", ") })
}
