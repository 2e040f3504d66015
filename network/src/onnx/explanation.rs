//! What became of each node of a file.

use crate::graph::Graph;

/// A node of the file, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct FileNode {
    /// Its name, or the one made up for it.
    pub name: String,
    /// Its operator.
    pub operator: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a node of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Nodes of the graph, by their names. None where it only gives another name to its input.
    Taken(Vec<String>),
    /// A constant.
    Folded,
    /// It does not contribute to the output.
    LeftOut,
    /// It cannot be imported, for this reason.
    Refused(String),
    /// It reads what a refused node would have given.
    NotReached,
}

/// What became of the nodes of a file, in its order, and the graph or what stands in the way of one.
#[derive(Debug)]
pub struct Explanation<E> {
    /// The nodes.
    pub nodes: Vec<FileNode>,
    /// What they make.
    pub graph: Result<Graph, E>,
}

impl<E> Explanation<E> {
    /// With the refusal as another error.
    pub fn map_err<F>(self, error: impl FnOnce(E) -> F) -> Explanation<F> {
        Explanation { nodes: self.nodes, graph: self.graph.map_err(error) }
    }
}
