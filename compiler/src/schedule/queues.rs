//! Finds the queues that a pipeline needs, by running its control.
//!
//! A pipeline should take an image every `interval` cycles, the time that its slowest stage is busy with one. What may
//! keep it from that is want of room: behind a fork the one branch is late and the other one must wait, and a window
//! cannot take in the next image while it still reads the last one. So all queues are made without end, the source is
//! slowed down to the interval, and what gathers in each queue is the room needed there. The source of the real
//! pipeline never waits, which lets words come earlier but none later.
//!
//! Part of that room is often enough, which the exact control then shows: the smallest share that keeps the interval is
//! taken.
//!
//! # No deadlock
//!
//! Each stage reads and writes its streams in an order that no timing changes, and waits for nothing but words and room.
//! With the free places of queues as words that flow backwards, the whole pipeline is a Kahn network: which words pass,
//! and whether it halts, does not depend on when source, sink or stages hesitate. Every schedule is therefore safe if one
//! is. The schedule with one image, alone, is run here to its last word; it leaves the pipeline as empty as it began, so
//! the next image finds the same. No pattern of back-pressure can stop such a pipeline for good.

use super::simulate::{Flow, Outcome, Simulation};
use super::{Times, insert};
use crate::blocks::Block;
use crate::plan::{Stage, Stream};

/// Intervals that have to be equal.
const EQUAL: usize = 8;
/// Images after which intervals no longer become equal. No more are offered: those behind an image do not change when it
/// passes, but fill a long pipeline.
const MAX_IMAGES: usize = 48;
/// Steps of the simulation after which two equal intervals must do.
const MAX_STEPS: u64 = 20_000_000;

/// Words of room for each stream; for one that a window reads, room in that window.
pub type Room = Vec<usize>;

/// Adds the queues to a pipeline and gives its exact times, `None` where it gets stuck with any queues.
pub fn add_queues(streams: &mut Vec<Stream>, stages: &mut Vec<Stage>) -> Option<Times> {
    let interval = stages.iter().map(|stage| stage.cycles).max().unwrap_or(1);
    let mut best: Option<(Times, Vec<Stream>, Vec<Stage>)> = None;
    let mut gathered: Option<Room> = None;
    // No room at all is tried before anything is measured: chains of dot products need none.
    let shares = [(0, 1), (1, 4), (1, 2), (3, 4), (1, 1), (3, 2), (2, 1), (4, 1), (8, 1)].map(|share| (share, 0));
    // Where a join waits for the second word of one branch while the other offers its first, a queue of two words is needed
    // although no more than one word ever gathers: tried only where nothing else gets an image through.
    for ((times, over), least) in shares.into_iter().chain([((2, 1), 2), ((8, 1), 2)]) {
        if least > 0 && best.is_some() {
            break;
        }
        let room: Room = if times == 0 {
            vec![0; streams.len()]
        } else {
            let all = gathered.get_or_insert_with(|| gather(streams, stages, interval));
            let enough = |words: &usize| if *words <= SMALL { least } else { (words * times).div_ceil(over).max(2) };
            all.iter().map(enough).collect()
        };
        let (with_streams, with_stages) = insert::with_room(streams, stages, &room);
        let Some(found) = times_of(&with_streams, &with_stages) else { continue };
        let better = best.as_ref().is_none_or(|(before, ..)| found.initiation_interval < before.initiation_interval);
        if better {
            best = Some((found, with_streams, with_stages));
        }
        if found.initiation_interval <= interval {
            break;
        }
    }
    let (times, with_streams, with_stages) = best?;
    (*streams, *stages) = (with_streams, with_stages);
    Some(times)
}

/// Words that gather in a queue that nothing waits in.
const SMALL: usize = 1;

/// What gathers in queues without end on every stream between two stages while the source keeps to the interval.
fn gather(streams: &[Stream], stages: &[Stage], interval: u64) -> Room {
    let (with_streams, with_stages) = insert::unbounded(streams, stages);
    let mut simulation = Simulation::new(&with_streams, &with_stages, Flow::Paced(interval), MAX_IMAGES as u64);
    let most = |simulation: &Simulation| -> Room {
        let mut room = vec![0; streams.len()];
        for (index, stage) in with_stages.iter().enumerate() {
            if matches!(&stage.block, Block::StreamFifo(queue) if queue.depth == insert::UNBOUNDED) {
                // The queue behind a stream has that stream as its input.
                room[stage.input().0] = simulation.most_inside(index) as usize;
            }
        }
        room
    };
    let mut before = Room::new();
    for images in 2..MAX_IMAGES {
        if simulation.run(images) == Outcome::Stuck {
            break;
        }
        let now = most(&simulation);
        if now == before || simulation.steps() > MAX_STEPS {
            break;
        }
        before = now;
    }
    most(&simulation)
}

/// The exact times of a pipeline, `None` where it gets stuck.
pub fn times_of(streams: &[Stream], stages: &[Stage]) -> Option<Times> {
    let mut alone = Simulation::new(streams, stages, Flow::Free, 1);
    if alone.run(1) == Outcome::Stuck {
        return None;
    }
    let latency = alone.image_ends[0] - alone.start;
    let mut simulation = Simulation::new(streams, stages, Flow::Free, MAX_IMAGES as u64);
    for images in 3..=MAX_IMAGES {
        if simulation.run(images) == Outcome::Stuck {
            return None;
        }
        let ends = &simulation.image_ends;
        let intervals: Vec<u64> = ends.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let last = intervals[intervals.len() - 1];
        let equal = intervals.iter().rev().take_while(|interval| **interval == last).count();
        if equal >= EQUAL || (equal >= 2 && simulation.steps() > MAX_STEPS) {
            return Some(Times { initiation_interval: last, latency });
        }
        if simulation.steps() > 4 * MAX_STEPS {
            break;
        }
    }
    // Intervals that alternate: on average no less than this.
    let ends = &simulation.image_ends;
    let half = ends.len() / 2;
    let mean = (ends[ends.len() - 1] - ends[half]).div_ceil((ends.len() - 1 - half) as u64);
    Some(Times { initiation_interval: mean, latency })
}
