//! What the datapaths cost, and the choice between them.

use super::{Datapath, Multiplier, WeightRange, group, operand};
use abi::ElementType;

/// A datapath, and why it.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The one to take.
    pub datapath: Datapath,
    /// LUT4 places of one row with each datapath that computes the row.
    pub luts: Vec<(Datapath, u64)>,
    /// Why, for reports.
    pub reason: String,
}

/// The cheapest datapath for `weights` and inputs of the type `input`, `simd` lanes a word; the first one on ties.
///
/// `padded`: whether words may be padding. `clean_lanes`: whether unused lanes of the words hold zeros. Where they do
/// not, weights ±1 are stored with a 0 for those lanes.
pub fn choose(weights: WeightRange, input: ElementType, simd: usize, padded: bool, clean_lanes: bool) -> Choice {
    let luts: Vec<(Datapath, u64)> = [Datapath::Bipolar, Datapath::Products, Datapath::Planes]
        .into_iter()
        .filter(|datapath| *datapath != Datapath::Bipolar || (weights.is_bipolar && clean_lanes))
        .map(|datapath| {
            let bits = operand(datapath, input, padded).bits() as usize;
            (datapath, row_luts(&Multiplier::new(datapath, weights, bits), simd))
        })
        .collect();
    let datapath = luts.iter().min_by_key(|(_, cost)| *cost).map_or(Datapath::Products, |(datapath, _)| *datapath);
    let costs: Vec<String> = luts.iter().map(|(datapath, cost)| format!("{datapath} {cost}")).collect();
    let range =
        if weights.is_bipolar { "±1".to_owned() } else { format!("{}..={}", weights.minimum, weights.maximum) };
    let zeros = if weights.is_bipolar && !clean_lanes { ", 0 for unused lanes" } else { "" };
    let reason =
        format!("weights {range}{zeros} and {input} over {simd} lanes, LUT4 places a row: {}", costs.join(", "));
    Choice { datapath, luts, reason }
}

/// LUT4 places of one row's sum over `simd` lanes.
fn row_luts(multiplier: &Multiplier, simd: usize) -> u64 {
    let _ = group(multiplier.term_bits());
    simd as u64
}
