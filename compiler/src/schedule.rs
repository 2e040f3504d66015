//! Predicts clock cycles: how long each stage is busy with an image, when words leave it, and which queues it takes.

use crate::fold::Dot;
use crate::plan::{StageKind, Stream, StreamId};
use network::network::Network;

pub mod arg_max;
pub mod concat;
pub mod control;
mod credits;
pub mod depthwise_unit;
pub mod fork;
mod insert;
pub mod matrix_vector_unit;
mod models;
pub mod multi_threshold;
pub mod one_result;
mod queues;
mod shapes;
pub mod simulate;
pub mod sliding_window;
pub mod stream_fifo;
pub mod upsample;
pub mod width_converter;

pub use models::controls;
pub use queues::{add_queues as schedule, times_of};
pub use shapes::{upsample_shape, window_shape};

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
        StageKind::SlidingWindow { layer, capacity } => {
            let lanes = streams[outputs[0].0].format.lanes;
            window_shape(network, network.layer(*layer), lanes, *capacity).map_or(0, |shape| shape.cycles() as u64)
        }
        _ => 0,
    };
    words.max(busy)
}

/// Greatest common divisor of two positive numbers.
pub fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Whether so many images pass through a plan's pipeline whose source and sink hesitate at random.
pub fn control_outcome(plan: &crate::plan::Plan, seed: u64, images: usize) -> bool {
    let controls = controls(&plan.network, &plan.streams, &plan.stages);
    let flow = simulate::Flow::Hesitant(seed);
    let mut simulation = simulate::Simulation::new(&plan.streams, &plan.stages, controls, flow, images as u64);
    simulation.run(images) == simulate::Outcome::Done
}
