//! The control of each stage of a pipeline.

use super::control::Control;
use super::shapes::{upsample_shape, window_shape};
use super::{
    arg_max, concat, depthwise_unit, fork, matrix_vector_unit, multi_threshold, one_result, sliding_window,
    stream_fifo, upsample, width_converter,
};
use crate::fold::Dot;
use crate::plan::{Stage, StageKind, Stream, arithmetic};
use network::network::{LayerId, Network};

/// The control of each of `stages`.
pub fn controls(network: &Network, streams: &[Stream], stages: &[Stage]) -> Vec<Box<dyn Control>> {
    stages.iter().map(|stage| control(network, streams, stages, stage)).collect()
}

fn control(network: &Network, streams: &[Stream], stages: &[Stage], stage: &Stage) -> Box<dyn Control> {
    let (input, output) = (&streams[stage.input().0], &streams[stage.output().0]);
    let levels = || arithmetic(network, streams, stages, stage).map_or(1, |arithmetic| arithmetic.unit.levels());
    let dot = |layer: LayerId| dot_of(network, layer);
    match &stage.kind {
        StageKind::WidthConverter => {
            let (channels, from, to) = (output.format.channels, input.format.lanes, output.format.lanes);
            Box::new(width_converter::WidthConverter::new(channels, from, to))
        }
        StageKind::MatrixVectorUnit { layer, pe, simd, .. } => {
            let dot = dot(*layer);
            let words = dot.taps * dot.columns.div_ceil(*simd);
            let levels = levels();
            Box::new(matrix_vector_unit::MatrixVectorUnit::new(words, dot.rows.div_ceil(*pe), levels))
        }
        StageKind::DepthwiseUnit { layer, .. } => {
            Box::new(depthwise_unit::DepthwiseUnit::new(dot(*layer).taps, levels()))
        }
        StageKind::MultiThreshold { .. } => Box::new(multi_threshold::MultiThreshold::new()),
        StageKind::ArgMax { .. } => Box::new(arg_max::ArgMax::new(input.format.words_per_image())),
        StageKind::Fifo { depth } => Box::new(stream_fifo::StreamFifo::new(*depth)),
        StageKind::SlidingWindow { layer, capacity } => {
            let shape = window_shape(network, network.layer(*layer), output.format.lanes, *capacity);
            Box::new(sliding_window::SlidingWindow::new(&shape.expect("the layer of a stage of windows has some")))
        }
        StageKind::Fork => Box::new(fork::Fork::default()),
        StageKind::PoolUnit { .. } => {
            let taps = input.format.words_per_image() / output.format.words_per_image();
            Box::new(one_result::OneResult::pool(taps))
        }
        StageKind::GlobalPool { .. } => {
            let blocks = output.format.words_per_image();
            Box::new(one_result::OneResult::global_pool(input.format.words_per_image() / blocks, blocks))
        }
        StageKind::AddUnit { .. } | StageKind::MultiplyUnit { .. } | StageKind::TableUnit { .. } => {
            Box::new(one_result::OneResult::element_wise(stage.inputs.len()))
        }
        StageKind::Concat { .. } => {
            let words = [0, 1].map(|input| stage.words_per_vector(streams, input));
            Box::new(concat::Concat::new(words))
        }
        StageKind::Upsample { layer } => {
            let shape = upsample_shape(network, network.layer(*layer), stage.words_per_vector(streams, 0));
            Box::new(upsample::Upsample::new(&shape.expect("the layer of an enlargement is one")))
        }
    }
}

/// The shape of a dot product; a stage of one always has a layer of that kind.
fn dot_of(network: &Network, layer: LayerId) -> Dot {
    Dot::new(network, network.layer(layer)).expect("the layer of a stage of dot products has weights")
}
