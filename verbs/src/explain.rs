//! `info --explain`: what becomes of each node of a model's file.

use crate::error::VerbError;
use crate::model::prepared;
use crate::preparation::Preparation;
use crate::refusals::NodesRefused;
use compiler::lower::{LowerError, lower};
use network::file;
use network::graph::Graph;
use network::onnx::{FileNode, Outcome};
use std::path::Path;

/// What becomes of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is a part of the network.
    Taken,
    /// It is a constant, or a part of one.
    Folded,
    /// It is a part of the network, with other numbers.
    Approximated,
    /// It stands in the way.
    Refused,
    /// The output does not depend on it.
    LeftOut,
    /// It reads what a refused node would give.
    NotReached,
}

/// A node of the file and what becomes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainedNode {
    /// Its name.
    pub name: String,
    /// Its operator.
    pub operator: String,
    /// What becomes of it.
    pub state: State,
    /// Why, or into what; may be empty.
    pub why: String,
}

/// The nodes of a file, and why there is no network of them, where there is none.
#[derive(Debug)]
pub struct Explained {
    /// The nodes, in the file's order.
    pub nodes: Vec<ExplainedNode>,
    /// What stands in the way of the whole.
    pub refusal: Option<VerbError>,
}

/// Looks at each node of a model's file.
///
/// # Errors
/// Where the file is no model.
pub fn explain(path: &Path, preparation: &Preparation) -> Result<Explained, VerbError> {
    let explanation = file::explain(path)?;
    let graph = match explanation.graph {
        Ok(graph) => prepared(graph, preparation),
        Err(refusal) => Err(refusal.into()),
    };
    let lowered = graph.map(|graph| {
        let refusal = lower(&graph).err();
        (graph, refusal)
    });
    let (graph, lower_refusal, refusal) = match lowered {
        Ok((graph, refusal)) => (Some(graph), refusal.clone(), refusal.map(VerbError::from)),
        Err(refusal) => (None, None, Some(refusal)),
    };
    let nodes = explanation.nodes.into_iter();
    let nodes: Vec<ExplainedNode> = nodes.map(|node| explained(node, graph.as_ref(), lower_refusal.as_ref())).collect();
    let refused = nodes.iter().filter(|node| node.state == State::Refused).count();
    // What the table says need not be said again.
    let refusal = refusal.map(|refusal| match refused {
        0 => refusal,
        refused => NodesRefused { refused, nodes: nodes.len() }.into(),
    });
    Ok(Explained { nodes, refusal })
}

fn explained(node: FileNode, graph: Option<&Graph>, refusal: Option<&LowerError>) -> ExplainedNode {
    let FileNode { name, operator, outcome } = node;
    let (state, why) = match outcome {
        Outcome::Taken(parts) => taken(&operator, &parts, graph, refusal),
        Outcome::Folded => (State::Folded, String::new()),
        Outcome::LeftOut => (State::LeftOut, "the output does not depend on it".into()),
        Outcome::Refused(reason) => (State::Refused, reason),
        Outcome::NotReached => (State::NotReached, "it reads what a refused node would give".into()),
    };
    ExplainedNode { name, operator, state, why }
}

/// What becomes of a node that the graph has in the form of `parts`.
fn taken(operator: &str, parts: &[String], graph: Option<&Graph>, refusal: Option<&LowerError>) -> (State, String) {
    let is_part = |name: &str| parts.iter().any(|part| part == name);
    let refusals = refusal.map(LowerError::refusals).unwrap_or_default();
    if let Some((_, refusal)) = refusals.into_iter().find(|(node, _)| node.is_some_and(is_part)) {
        return (State::Refused, refusal.to_string());
    }
    let Some(graph) = graph else { return (State::Taken, String::new()) };
    if let Some(approximation) = graph.approximations.iter().find(|approximation| is_part(&approximation.node)) {
        return (State::Approximated, approximation.to_string());
    }
    let kept: Vec<&str> =
        graph.nodes.iter().filter(|node| is_part(&node.name)).map(|node| node.operator.name()).collect();
    match kept.as_slice() {
        [] if parts.is_empty() => (State::Taken, "it keeps its input as it is".into()),
        [] => (State::Taken, "as a part of the node that reads it".into()),
        [one] if *one == operator => (State::Taken, String::new()),
        several => (State::Taken, format!("as {}", several.join(", "))),
    }
}
