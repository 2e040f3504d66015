//! Which datapath the dot products of a stage take, and how long it is.

use super::{Stage, StageKind, Stream, has_clean_lanes};
use crate::datapath::{self, Choice, Multiplier, WeightRange};
use crate::fold::Dot;
use network::network::Network;

/// The datapath of a stage of dot products.
#[derive(Clone, Debug, PartialEq)]
pub struct Arithmetic {
    /// The datapath and why it.
    pub choice: Choice,
    /// Clock cycles from operands to sum.
    pub levels: usize,
}

/// The datapath of `stage`, `None` where it has no dot products.
pub fn arithmetic(network: &Network, streams: &[Stream], stages: &[Stage], stage: &Stage) -> Option<Arithmetic> {
    let lanes = stage.kind.lanes()?;
    let layer = network.layer(stage.kind.layer()?);
    let (weights, dot) = (layer.kind.weights()?, Dot::new(network, layer)?);
    let input = &streams[stage.input().0];
    let range = WeightRange::in_network(network, weights);
    // A depthwise unit multiplies one lane at a time; a row never sees the unused ones.
    let depthwise = matches!(stage.kind, StageKind::DepthwiseUnit { .. });
    let clean = depthwise || has_clean_lanes(network, streams, stages, stage.input());
    let simd = if depthwise { 1 } else { lanes.simd };
    let choice = datapath::choose(range, input.format.element, simd, input.padded, clean);
    let operand = datapath::operand(choice.datapath, input.format.element, input.padded);
    let multiplier = Multiplier::new(choice.datapath, range, operand.bits() as usize);
    let words = if depthwise {
        dot.taps * dot.groups.div_ceil(lanes.pe)
    } else {
        dot.groups * dot.taps * dot.columns.div_ceil(simd) * dot.rows.div_ceil(lanes.pe)
    };
    let registers = datapath::operand_registers(words, lanes.pe * simd * multiplier.weight_bits);
    let levels = multiplier.levels(simd) + registers;
    Some(Arithmetic { choice, levels })
}
