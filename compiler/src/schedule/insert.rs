//! Inserts queues into a pipeline.

use crate::blocks::stream_fifo::StreamFifo;
use crate::blocks::{Block, Vectors};
use crate::plan::{Stage, Stream, StreamId};

/// Depth of a queue that never fills.
pub const UNBOUNDED: usize = usize::MAX / 2;

/// The pipeline with `room` more words on each stream, rounded up to a power of two: in the line buffer of the window that
/// reads the stream, otherwise in a queue.
pub fn with_room(streams: &[Stream], stages: &[Stage], room: &[usize]) -> (Vec<Stream>, Vec<Stage>) {
    let mut stages = stages.to_vec();
    let mut depths = room.to_vec();
    for stage in &mut stages {
        let input = stage.inputs[0].0;
        if let Block::SlidingWindow(window) = &mut stage.block {
            window.shape.depth = (window.shape.depth + depths[input]).next_power_of_two();
            depths[input] = 0;
        }
    }
    insert(streams, &stages, &depths)
}

/// The pipeline with an unbounded queue behind every stage except windows: an image takes fewer words before it is
/// expanded to windows than after.
pub fn unbounded(streams: &[Stream], stages: &[Stage]) -> (Vec<Stream>, Vec<Stage>) {
    let mut depths = vec![UNBOUNDED; streams.len()];
    for stage in stages.iter().filter(|stage| matches!(stage.block, Block::SlidingWindow(_))) {
        depths[stage.output().0] = 0;
    }
    insert(streams, stages, &depths)
}

/// The pipeline with a queue of the given depth, rounded up to a power of two, on each stream between two stages; none
/// where the depth is 0. A queue is called after its writer: `<writer>_fifo`.
fn insert(streams: &[Stream], stages: &[Stage], depths: &[usize]) -> (Vec<Stream>, Vec<Stage>) {
    let mut streams = streams.to_vec();
    let mut result: Vec<Stage> = Vec::new();
    for stage in stages {
        let mut stage = stage.clone();
        for input in &mut stage.inputs {
            // Memories have a power of two of rows anyway.
            let depth = if depths[input.0] == UNBOUNDED { UNBOUNDED } else { depths[input.0].next_power_of_two() };
            // The source never waits, so a queue behind it only serves to measure its fill.
            if depths[input.0] == 0 || (input.0 == 0 && depth != UNBOUNDED) {
                continue;
            }
            let before = &streams[input.0];
            let base = before.name.strip_suffix("_stream").unwrap_or(&before.name);
            let name = format!("{base}_fifo");
            let after = Stream { name: format!("{name}_stream"), ..before.clone() };
            let queue = StreamFifo { reads: Vectors::of_format(&before.format), depth, word_bits: before.word_bits() };
            streams.push(after);
            let output = StreamId(streams.len() - 1);
            result.push(Stage::new(name, Block::StreamFifo(queue), vec![*input], vec![output], &streams));
            *input = output;
        }
        result.push(stage);
    }
    (streams, result)
}
