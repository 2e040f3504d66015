//! Puts queues into a pipeline.

use crate::blocks::stream_fifo::StreamFifo;
use crate::blocks::{Block, Vectors};
use crate::plan::{Stage, Stream, StreamId};

/// Depth of a queue that never fills.
pub const UNBOUNDED: usize = usize::MAX / 2;

/// The pipeline with room for so many more words on each stream: in the window that reads it, else in a queue.
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

/// The pipeline with a queue without end behind every stage but windows: an image takes less room before it is cut into
/// windows than after.
pub fn unbounded(streams: &[Stream], stages: &[Stage]) -> (Vec<Stream>, Vec<Stage>) {
    let mut depths = vec![UNBOUNDED; streams.len()];
    for stage in stages.iter().filter(|stage| matches!(stage.block, Block::SlidingWindow(_))) {
        depths[stage.output().0] = 0;
    }
    insert(streams, stages, &depths)
}

/// The pipeline with a queue of the given depth on each stream between two stages; none where the depth is 0.
fn insert(streams: &[Stream], stages: &[Stage], depths: &[usize]) -> (Vec<Stream>, Vec<Stage>) {
    let mut streams = streams.to_vec();
    let mut result: Vec<Stage> = Vec::new();
    for stage in stages {
        let mut stage = stage.clone();
        for input in &mut stage.inputs {
            // Queues are as deep as a power of two, which memories are anyway.
            let depth = if depths[input.0] == UNBOUNDED { UNBOUNDED } else { depths[input.0].next_power_of_two() };
            // The source never waits, so a queue behind it is of use only to be looked at.
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
