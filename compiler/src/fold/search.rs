//! The smallest parallelism that reaches an interval.
//!
//! Each layer has few sensible choices (for each number of column folds the least `simd`, and with it the least
//! `pe`); neighbours interact only through the width converter between them. So the best combination is a shortest
//! path through the layers, found exactly.

use super::Parallelism;
use crate::schedule::greatest_common_divisor;
use network::network::{Layer, WeightMatrix};
use std::collections::BTreeSet;

/// One way to compute a layer within the interval.
#[derive(Clone, Copy, Debug)]
struct Choice {
    parallelism: Parallelism,
    cost: u64,
}

/// The cheapest parallelism of each layer so that no stage takes more than `interval` cycles, of which there is at
/// least one: then all rows and columns at once is a choice for every layer, and needs no converters.
pub fn smallest(dots: &[(&Layer, &WeightMatrix)], interval: u64) -> Vec<Parallelism> {
    let mut paths: Vec<(u64, Vec<Parallelism>)> = vec![(0, Vec::new())];
    for (_, weights) in dots {
        let choices = choices(weights, interval);
        paths = choices
            .iter()
            .filter_map(|choice| {
                paths
                    .iter()
                    .filter_map(|(cost, path)| {
                        let conversion = conversion_cost(path.last(), choice.parallelism, weights.columns, interval)?;
                        Some((cost + choice.cost + conversion, path))
                    })
                    .min_by_key(|(cost, _)| *cost)
                    .map(|(cost, path)| {
                        let mut path = path.clone();
                        path.push(choice.parallelism);
                        (cost, path)
                    })
            })
            .collect();
    }
    paths.into_iter().min_by_key(|(cost, _)| *cost).map_or_else(Vec::new, |(_, path)| path)
}

fn choices(weights: &WeightMatrix, interval: u64) -> Vec<Choice> {
    let (rows, columns) = (weights.rows, weights.columns);
    let simds: BTreeSet<usize> = (1..=columns).map(|simd| columns.div_ceil(columns.div_ceil(simd))).collect();
    simds
        .into_iter()
        .filter_map(|simd| {
            let row_folds = (interval / columns.div_ceil(simd) as u64).min(rows as u64) as usize;
            let pe = if row_folds == 0 { return None } else { rows.div_ceil(row_folds) };
            Some(Choice { parallelism: Parallelism { pe, simd }, cost: cost(pe, simd) })
        })
        .collect()
}

/// Relative cost in LUTs: each lane an XNOR and its share of the tree, each row an accumulator and a comparison.
fn cost(pe: usize, simd: usize) -> u64 {
    (pe * (2 * simd + 24)) as u64
}

/// Cost of the converter from the layer before, `None` where it would take more than the interval.
fn conversion_cost(before: Option<&Parallelism>, next: Parallelism, channels: usize, interval: u64) -> Option<u64> {
    let Some(before) = before else {
        return Some(0);
    };
    if before.pe == next.simd {
        return Some(0);
    }
    let common = greatest_common_divisor(before.pe, next.simd);
    let needed = channels.div_ceil(common) as u64;
    (needed <= interval).then_some((2 * (before.pe + next.simd) + 20) as u64)
}
