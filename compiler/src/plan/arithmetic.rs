//! Which datapath the dot products of a stage take, and how long it is.

use super::{Stage, StageKind, Stream, has_clean_lanes};
use crate::codes::Ladder;
use crate::datapath::weight_code::WeightCode;
use crate::datapath::{self, Choice, UnitSize, WeightRange};
use crate::dot_unit::{self, DotUnit};
use crate::fold::{Dot, Parallelism};
use network::network::Network;

/// The datapath of a stage of dot products.
#[derive(Clone, Debug, PartialEq)]
pub struct Arithmetic {
    /// The datapath and why it.
    pub choice: Choice,
    /// All that the unit's cost depends on.
    pub unit: DotUnit,
}

/// The datapath of `stage`, `None` where it has no dot products.
pub fn arithmetic(network: &Network, streams: &[Stream], stages: &[Stage], stage: &Stage) -> Option<Arithmetic> {
    let lanes = stage.kind.lanes()?;
    let layer = network.layer(stage.kind.layer()?);
    let (weights, dot) = (layer.kind.weights()?, Dot::new(network, layer)?);
    let input = &streams[stage.input().0];
    let range = WeightRange::held(weights, dot.part(), network.replaceable);
    // A depthwise unit multiplies one lane at a time; a row never sees the unused ones.
    let depthwise = matches!(stage.kind, StageKind::DepthwiseUnit { .. });
    let clean = depthwise || has_clean_lanes(network, streams, stages, stage.input());
    let simd = if depthwise { 1 } else { lanes.simd };
    let weight_rows = dot.weight_rows(Parallelism { pe: lanes.pe, simd });
    let size = UnitSize { pe: lanes.pe, simd, weight_rows };
    let choice = datapath::choose(range, input.format.element, size, input.padded, clean);
    let code = WeightCode::new(choice.form, range, input.format.element, input.padded);
    let ladder = stage.kind.thresholds().and_then(|id| Ladder::of_layer(network, id));
    let thresholds = ladder.map_or(0, |ladder| ladder.levels());
    let result_bits = streams[stage.output().0].format.element.bits() as usize;
    let mut unit = DotUnit::new(&dot, code, (lanes.pe, simd), thresholds, result_bits);
    unit.word_bits = input.word_bits();
    unit.sum_bits = dot_unit::sum_bits(&code, weights, &unit, &dot, network.replaceable);
    unit.memories = stage.memories;
    Some(Arithmetic { choice, unit })
}
