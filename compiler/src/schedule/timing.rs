//! The timing contract of the blocks, and the token model built on it.
//!
//! Times are clock cycles; a word's time is the cycle in which it is transferred. The sink is always ready.

use crate::plan::{Stage, StageKind, Stream};
use abi::packing::StreamFormat;

/// When each output word of an image leaves `stage`, given when each input word is offered to it.
pub fn leave(stage: &Stage, streams: &[Stream], offered: &[u64]) -> Vec<u64> {
    let (input, output) = (streams[stage.input().0].format, streams[stage.output().0].format);
    match &stage.kind {
        StageKind::MatrixVectorUnit { .. } => matrix_vector_unit(&input, &output, offered),
        StageKind::WidthConverter => width_converter(&input, &output, offered),
        StageKind::MultiThreshold { .. } => offered.iter().map(|time| time + MULTI_THRESHOLD).collect(),
        _ => offered.last().map(|time| vec![time + ARG_MAX]).unwrap_or_default(),
    }
}

/// Cycles from a word taken by a matrix-vector unit to its issue.
const REPLAY: u64 = 1;
/// Cycles of a row fold's last word besides the adder tree: weight memory, accumulator, thresholds, output queue.
const ACCUMULATE: u64 = 4;
/// Cycles that a stage of thresholds of its own adds.
const MULTI_THRESHOLD: u64 = 3;
/// Cycles from the last score to the index.
const ARG_MAX: u64 = 1;

/// Lanes of `bits` bits that the first level of an adder tree adds up: single bits are counted in threes, others added in
/// pairs.
pub fn lane_sum_group(bits: usize) -> usize {
    if bits == 1 { 3 } else { 2 }
}

/// Register levels of the adder tree over `simd` lanes of `bits` bits: clock cycles from lanes to sum.
pub fn lane_sum_levels(simd: usize, bits: usize) -> usize {
    1 + simd.div_ceil(lane_sum_group(bits)).next_power_of_two().trailing_zeros() as usize
}

/// Cycles from the last word of a vector taken by a matrix-vector unit to the result of its only row fold offered.
pub fn matrix_vector_unit_latency(simd: usize, bits: usize) -> u64 {
    REPLAY + lane_sum_levels(simd, bits) as u64 + ACCUMULATE
}

fn matrix_vector_unit(input: &StreamFormat, output: &StreamFormat, offered: &[u64]) -> Vec<u64> {
    let column_folds = input.words_per_vector();
    let row_folds = output.words_per_vector();
    let mut leave = Vec::with_capacity(output.words_per_image());
    let issue_to_result = matrix_vector_unit_latency(input.lanes, input.element.bits() as usize) - REPLAY;
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
