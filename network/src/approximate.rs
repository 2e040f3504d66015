//! Graph → Graph: numbers that have no exact integer form are moved to the nearest that have one, and each change is
//! told ([`Graph::approximations`]).
//!
//! This happens before anything is executed or lowered, so that every executor computes the same numbers exactly.

mod scales;
mod weights;

use crate::graph::{Graph, Source, Value, ValueId};
use crate::reference::ReferenceError;
use crate::tensor::Tensor;

/// `graph` with weights and scales that lowering can make integers of, as far as they are quantised already: weights of
/// few different magnitudes, sums of quantised values. Real weights stay as they are.
///
/// # Errors
/// Where a constant of the graph is not a finite number.
pub fn approximate(graph: Graph) -> Result<Graph, ReferenceError> {
    scales::approximate(weights::approximate(graph)?)
}

/// Adds a constant.
fn add_constant(graph: &mut Graph, name: String, tensor: Tensor) -> ValueId {
    let value = Value { name, shape: tensor.shape.clone(), source: Source::Constant(tensor), is_integer: false };
    graph.values.push(value);
    ValueId(graph.values.len() - 1)
}
