//! Whether the unused lanes of words hold zeros.

use super::{Stage, StageKind, Stream, StreamId};
use crate::chip::number::greatest_common_divisor;
use network::network::{LayerKind, Network, PoolOperation};

/// Whether the unused lanes of the words of a stream hold zeros, wherever a word has unused lanes.
///
/// Units that look at every lane of a word, used or not, rely on it.
pub fn has_clean_lanes(network: &Network, streams: &[Stream], stages: &[Stage], stream: StreamId) -> bool {
    let format = &streams[stream.0].format;
    if format.channels.is_multiple_of(format.lanes) {
        return true;
    }
    let Some(writer) = stages.iter().find(|stage| stage.outputs.contains(&stream)) else {
        // Words from outside follow the convention.
        return true;
    };
    let inputs_are_clean = || writer.inputs.iter().all(|input| has_clean_lanes(network, streams, stages, *input));
    match &writer.kind {
        StageKind::WidthConverter => {
            let part = greatest_common_divisor(streams[writer.input().0].format.lanes, format.lanes);
            format.channels.is_multiple_of(part) || inputs_are_clean()
        }
        // Rows beyond the last have steps that are never reached; their sums are whatever the memory gives.
        StageKind::MatrixVectorUnit { thresholds, .. } | StageKind::DepthwiseUnit { thresholds, .. } => {
            thresholds.is_some()
        }
        StageKind::MultiThreshold { .. } => true,
        StageKind::PoolUnit { layer } | StageKind::GlobalPool { layer } => match &network.layer(*layer).kind {
            LayerKind::Pool(pool) => pool.operation != PoolOperation::Sum && inputs_are_clean(),
            _ => false,
        },
        StageKind::AddUnit { .. } | StageKind::MultiplyUnit { .. } | StageKind::TableUnit { .. } => false,
        StageKind::SlidingWindow { .. }
        | StageKind::Concat { .. }
        | StageKind::Upsample { .. }
        | StageKind::Fork
        | StageKind::Fifo { .. }
        | StageKind::ArgMax { .. } => inputs_are_clean(),
    }
}
