//! Predicts clock cycles: how long each stage is busy with an image, when words leave it, and which queues it takes.

use crate::fold::Dot;
use crate::plan::{Stage, StageKind, Stream, StreamId};
use network::network::Network;

pub mod control;
pub mod stream_fifo;
mod timing;
pub use timing::{lane_sum_group, lane_sum_levels, matrix_vector_unit_latency};

/// Clock cycles of a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Between two images.
    pub initiation_interval: u64,
    /// From an image's first word in to its last word out, the pipeline idle before.
    pub latency: u64,
}

/// Clock cycles that one image occupies a stage when source and sink never wait.
pub fn cycles(
    network: &Network,
    kind: &StageKind,
    inputs: &[StreamId],
    outputs: &[StreamId],
    streams: &[Stream],
) -> u64 {
    let words = inputs.iter().chain(outputs).map(|id| streams[id.0].format.words_per_image() as u64).max().unwrap_or(1);
    let busy = match kind {
        StageKind::WidthConverter => {
            let (from, to) = (streams[inputs[0].0].format, streams[outputs[0].0].format);
            (to.vectors * to.channels.div_ceil(greatest_common_divisor(from.lanes, to.lanes))) as u64
        }
        StageKind::MatrixVectorUnit { layer, pe, simd, .. } => {
            let dot = Dot::new(network, network.layer(*layer));
            dot.map_or(0, |dot| dot.cycles(crate::fold::Parallelism { pe: *pe, simd: *simd }))
        }
        _ => 0,
    };
    words.max(busy)
}

/// Finds the queues that the stages need, adds them, and gives the pipeline's exact times.
pub fn schedule(_network: &Network, streams: &mut Vec<Stream>, stages: &mut Vec<Stage>) -> Times {
    let initiation_interval = stages.iter().map(|stage| stage.cycles).max().unwrap_or(1);
    let mut times: Vec<u64> = (0..streams[0].format.words_per_image() as u64).collect();
    for stage in stages.iter() {
        times = timing::leave(stage, streams, &times);
    }
    Times { initiation_interval, latency: times.last().map_or(0, |last| *last) }
}

/// Words of the image that the windows of a layer need at the same time, in words of `lanes` channels.
pub fn least_capacity(network: &Network, layer: &network::network::Layer, lanes: usize) -> usize {
    let image = network.tensor(layer.input());
    image.elements().div_ceil(lanes)
}

/// Greatest common divisor of two positive numbers.
pub fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
