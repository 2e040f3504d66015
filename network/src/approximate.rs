//! Graph → Graph: numbers that have no exact integer form are moved to the nearest that have one, and each change is
//! told ([`Graph::approximations`]).
//!
//! This happens before anything is executed or lowered, so that every executor computes the same numbers exactly.

mod channels;
mod scales;
mod weights;

use crate::graph::Graph;
use crate::reference::ReferenceError;

/// `graph` with weights and scales that lowering can make integers of, as far as they are quantised already: weights of
/// few different magnitudes, sums of quantised values, channels of unlike scales. Real weights stay as they are.
///
/// # Errors
/// Where a constant of the graph is not a finite number.
pub fn approximate(graph: Graph) -> Result<Graph, ReferenceError> {
    channels::approximate(scales::approximate(weights::approximate(graph)?)?)
}
