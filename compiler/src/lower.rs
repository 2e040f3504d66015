//! `Graph` → `Network`: everything between two dot products becomes integer step functions, found by evaluation.
//!
//! [`lower`] walks the graph once and then runs [`PASSES`], the one ordered list of passes.

pub mod arithmetic;
pub mod chain;
mod error;
mod float_differences;
mod operators;
pub(crate) mod passes;
pub mod steps;
mod symbol;
mod walk;
pub mod weights;

pub use error::LowerError;

use network::graph::Graph;
use network::network::Network;

/// A pass: an owned network in, an owned network out.
pub struct Pass {
    /// The pass's name.
    pub name: &'static str,
    /// The pass itself.
    pub run: fn(Network) -> Network,
}

/// The passes over a lowered network, in order.
pub const PASSES: &[Pass] = &[
    // First, because what it takes out may stand between two step functions.
    Pass { name: "drop_identities", run: passes::drop_identities },
    // Early, because it makes step functions of sums and tables, which the others look at.
    Pass { name: "merge_functions", run: passes::merge_functions },
    // Early, because it leaves fewer step functions for the others to look at.
    Pass { name: "compose_steps", run: passes::compose_steps },
    // After composing, which may leave nothing but a Reshape behind the input.
    Pass { name: "flatten_input", run: passes::flatten_input },
    // Before the passes that turn steps around: none is left behind a table.
    Pass { name: "compose_tables", run: passes::compose_tables },
    // After composing, which may put a step function right behind its dot product.
    Pass { name: "orient_steps", run: passes::orient_steps },
    // After orient_steps: negating a weight row is free.
    Pass { name: "negate_falling", run: passes::negate_falling },
    // Last, because the others change which values can occur.
    Pass { name: "tighten_ranges", run: passes::tighten_ranges },
];

/// Lowers an imported model to integers.
///
/// # Errors
/// Where a node has no exact integer form: see [`LowerError`].
pub fn lower(graph: &Graph) -> Result<Network, LowerError> {
    let mut network = checked(walk::walk(graph)?)?;
    for pass in PASSES {
        network = checked((pass.run)(network))?;
    }
    Ok(network)
}

/// A network that keeps the rules. That one is large is the model's doing, all else a pass's.
fn checked(network: Network) -> Result<Network, LowerError> {
    let elements = network.tensors.iter().fold(0, |sum: usize, tensor| sum.saturating_add(tensor.elements()));
    if elements > Network::MAX_ELEMENTS {
        return Err(LowerError::TooLarge { model: network.name, elements });
    }
    network.validate()?;
    Ok(network)
}
