//! Searches for the greatest scores, with which a model ends.

use super::Walk;
use crate::lower::LowerError;
use crate::lower::symbol::{Data, Symbol};
use abi::maps::{Axis, Found, Reduction, Search};
use network::graph::{Node, Operator, ValueId};
use std::collections::HashMap;

/// The node that searches, and what it finds.
#[derive(Clone, Debug)]
pub(super) struct Searched {
    /// Its name.
    pub(super) name: String,
    /// The scores.
    pub(super) scores: Data,
    /// Their shape.
    pub(super) shape: Vec<usize>,
    along: Axis,
    k: usize,
    last: bool,
    /// What each value holds that is made of the results.
    found: HashMap<ValueId, Found>,
}

impl Searched {
    /// Whether a node reads a result.
    pub(super) fn is_read_by(&self, node: &Node) -> bool {
        node.inputs.iter().any(|input| self.found.contains_key(input))
    }

    /// How the results become `output`; `None` where that is made of something else.
    pub(super) fn reduction(&self, output: ValueId) -> Option<Reduction> {
        let gives = *self.found.get(&output)?;
        let is_whole = self.along.extent == self.shape.iter().product::<usize>();
        let is_plain = is_whole && self.k == 1 && !self.last && gives == Found::Indices;
        let Searched { along, k, last, .. } = *self;
        Some(if is_plain { Reduction::ArgMax } else { Reduction::Search(Search { along, k, last, gives }) })
    }
}

impl Walk<'_> {
    /// `TopK` or `ArgMax`.
    pub(super) fn search(&mut self, node: &Node) -> Result<Searched, LowerError> {
        let Symbol::Data(data) = self.symbol(node.inputs[0]) else {
            return Err(LowerError::NothingToDo { model: self.graph.name.clone() });
        };
        let scores = self.settled_input(node, 0, data)?;
        let shape = self.shape(node.inputs[0]).to_vec();
        let (axis, k, last) = match node.operator {
            Operator::TopK { axis, k } => (axis, k, false),
            Operator::ArgMax { axis, last } => (axis, 1, last),
            _ => (0, 1, false),
        };
        let along = Axis::of(&shape, axis);
        let found = match node.outputs.as_slice() {
            [values, indices] => HashMap::from([(*values, Found::Values), (*indices, Found::Indices)]),
            outputs => outputs.iter().map(|indices| (*indices, Found::Indices)).collect(),
        };
        Ok(Searched { name: node.name.clone(), scores, shape, along, k, last, found })
    }

    /// Behind a search only the shape may change.
    pub(super) fn after_search(&self, node: &Node, searched: &mut Searched) -> Result<(), LowerError> {
        match (&node.operator, searched.found.get(&node.inputs[0])) {
            (Operator::Reshape, Some(found)) => {
                searched.found.insert(node.outputs[0], *found);
                Ok(())
            }
            _ => Err(self.unsupported(
                node,
                "come before the search for the greatest scores",
                format!("it computes with what node `{}` finds", searched.name),
                "let the model end with its TopK or ArgMax",
            )),
        }
    }
}
