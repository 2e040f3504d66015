//! Parallelism as a folding file gives it.

use super::PlanError;
use crate::blocks::{Dot, Parallelism};
use network::network::{LayerId, Network};
use std::collections::{BTreeMap, HashSet};

/// The parallelism of each dot-product layer.
pub type Folding = BTreeMap<LayerId, Parallelism>;

/// The dot-product layers of a network and their shapes.
pub fn dots(network: &Network) -> impl Iterator<Item = (LayerId, Dot)> {
    let dot = |index: usize| Some((LayerId(index), Dot::new(network, &network.layers[index])?));
    (0..network.layers.len()).filter_map(dot)
}

/// The parallelism that `folding` names.
///
/// # Errors
/// Where a layer is missing or unknown, or a number out of range.
pub fn explicit(network: &Network, folding: &BTreeMap<String, Parallelism>) -> Result<Folding, PlanError> {
    let name_of = |id: LayerId| network.layer(id).name.as_str();
    let names: HashSet<&str> = dots(network).map(|(id, _)| name_of(id)).collect();
    if let Some(name) = folding.keys().find(|name| !names.contains(name.as_str())) {
        let known: Vec<&str> = dots(network).map(|(id, _)| name_of(id)).collect();
        return Err(PlanError::UnknownLayer { name: name.clone(), known: known.join(", ") });
    }
    dots(network)
        .map(|(id, dot)| {
            let name = name_of(id).to_owned();
            let limits = dot.limits();
            let found = *folding.get(&name).ok_or_else(|| PlanError::MissingLayer {
                name: name.clone(),
                rows: limits.pe,
                columns: limits.simd,
            })?;
            for (dimension, found, limit) in [("pe", found.pe, limits.pe), ("simd", found.simd, limits.simd)] {
                if found < 1 || found > limit {
                    return Err(PlanError::OutOfRange { name, dimension, limit, found });
                }
            }
            Ok((id, found))
        })
        .collect()
}

/// Clock cycles of the slowest dot product, which the other stages keep to; without one they need not hurry.
pub fn interval(network: &Network, folding: &Folding) -> u64 {
    dots(network).filter_map(|(id, dot)| Some(dot.cycles(*folding.get(&id)?))).max().unwrap_or(u64::MAX)
}
