//! The timing contract of the blocks, and the token model built on it.
//!
//! Times are clock cycles; a word's time is the cycle in which it is transferred. The sink is always ready.

use super::matrix_vector_unit::{self, REPLAY};
use crate::datapath::{self, Datapath, WeightRange};
use crate::plan::{Stage, StageKind};
use abi::packing::StreamFormat;

/// When each output word of an image leaves `stage`, given when each input word is offered to it.
pub fn leave(stage: &Stage, offered: &[u64]) -> Vec<u64> {
    match &stage.kind {
        StageKind::MatrixVectorUnit { .. } => matrix_vector_leave(stage, offered),
        StageKind::WidthConverter => width_converter(&stage.input, &stage.output, offered),
        StageKind::MultiThreshold { .. } => offered.iter().map(|time| time + MULTI_THRESHOLD).collect(),
        StageKind::ArgMax { .. } => offered.last().map(|time| vec![time + ARG_MAX]).unwrap_or_default(),
    }
}

/// Cycles that a stage of thresholds of its own adds.
const MULTI_THRESHOLD: u64 = 3;
/// Cycles from the last score to the index.
const ARG_MAX: u64 = 1;

fn matrix_vector_leave(stage: &Stage, offered: &[u64]) -> Vec<u64> {
    let column_folds = stage.input.words_per_vector();
    let row_folds = stage.output.words_per_vector();
    let mut leave = Vec::with_capacity(stage.output.words_per_image());
    let bipolar = WeightRange { minimum: -1, maximum: 1, is_bipolar: true };
    let levels = datapath::levels(Datapath::Bipolar, stage.input.lanes, bipolar, stage.input.element.bits() as usize);
    let StageKind::MatrixVectorUnit { pe, simd, .. } = stage.kind else {
        return Vec::new();
    };
    let levels = levels + datapath::operand_registers(column_folds * row_folds, pe * simd);
    let issue_to_result = matrix_vector_unit::latency(levels) - REPLAY;
    let mut issued = 0;
    for vector in offered.chunks(column_folds) {
        for row_fold in 0..row_folds {
            for time in vector {
                issued = if row_fold == 0 { (issued + 1).max(time + REPLAY) } else { issued + 1 };
            }
            leave.push(issued + issue_to_result);
        }
    }
    leave
}

fn width_converter(input: &StreamFormat, output: &StreamFormat, offered: &[u64]) -> Vec<u64> {
    let common = super::greatest_common_divisor(input.lanes, output.lanes);
    let mut leave = Vec::with_capacity(output.words_per_image());
    let mut last = 0;
    for vector in offered.chunks(input.words_per_vector()) {
        let mut parts = Vec::new();
        for (word, time) in vector.iter().enumerate() {
            let first = word * input.lanes;
            let lanes = input.lanes.min(input.channels - first);
            for _ in 0..lanes.div_ceil(common) {
                last = (last + 1).max(time + 1);
                parts.push(last);
            }
        }
        leave.extend(parts.chunks(output.lanes / common).map(|parts| parts[parts.len() - 1] + 1));
    }
    leave
}
