//! Predicts clock cycles: how long each stage is busy with an image, and when words leave it.
//!
//! The token model walks one image through the pipeline word by word. What a block adds to a word's way is its
//! timing contract, stated here once; the hardware's tests hold the blocks to it.

use crate::plan::{Stage, StageKind};
use abi::packing::StreamFormat;

/// Clock cycles that one image occupies a stage when source and sink never wait.
pub fn cycles(kind: &StageKind, input: &StreamFormat, output: &StreamFormat) -> u64 {
    let words = input.words_per_image().max(output.words_per_image()) as u64;
    match kind {
        StageKind::WidthConverter => {
            let common = greatest_common_divisor(input.lanes, output.lanes);
            words.max((input.vectors * input.channels.div_ceil(common)) as u64)
        }
        StageKind::MatrixVectorUnit { .. } => {
            (input.vectors * input.words_per_vector() * output.words_per_vector()) as u64
        }
        StageKind::MultiThreshold { .. } | StageKind::ArgMax { .. } => words,
    }
}

/// Initiation interval and latency of a pipeline, in clock cycles.
pub fn schedule(stages: &[Stage]) -> (u64, u64) {
    let interval = stages.iter().map(|stage| stage.cycles).max().unwrap_or(1);
    let Some(first) = stages.first() else {
        return (interval, 0);
    };
    let mut times: Vec<u64> = (0..first.input.words_per_image() as u64).collect();
    for stage in stages {
        times = timing::leave(stage, &times);
    }
    (interval, times.last().map_or(0, |last| *last))
}

pub mod arg_max;
pub mod control;
mod credits;
pub mod depthwise_unit;
pub mod matrix_vector_unit;
pub mod multi_threshold;
pub mod stream_fifo;
mod timing;
pub mod width_converter;

/// Greatest common divisor of two positive numbers.
pub fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
