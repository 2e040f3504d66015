//! Random parallelism.

use compiler::blocks::{Dot, Parallelism};
use network::network::Network;
use rand::{Rng, RngExt};
use std::collections::BTreeMap;

/// Any legal parallelism for each dot product of `network`, dividing its rows and columns or not, by the layer's name.
pub fn random_folding(network: &Network, random: &mut impl Rng) -> BTreeMap<String, Parallelism> {
    let parallelism = |layer| {
        let limits = Dot::new(network, layer)?.limits();
        let pe = random.random_range(1..=limits.pe);
        let simd = random.random_range(1..=limits.simd);
        Some((layer.name.clone(), Parallelism { pe, simd }))
    };
    network.layers.iter().filter_map(parallelism).collect()
}
