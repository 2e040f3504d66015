//! The depth of queues and line buffers, from simulations of the pipeline's control.
//!
//! A pipeline should take an image every `interval` cycles, the cycles of its slowest stage. Without room it may not:
//! behind a fork, the words of the fast branch wait for the slow one, and a window that still reads one image does not
//! accept the next. So the control is simulated with unbounded queues and a source that sends one image per interval; the
//! maximum fill of a queue is the room needed there. The source of the real pipeline never waits, which makes words
//! arrive earlier, never later.
//!
//! Less is often enough: factors of that room are tried in ascending order, from none to eight times, and the first
//! with which the exact control reaches the interval is taken. [`insert`] rounds up to powers of two.
//!
//! # No deadlock
//!
//! The order in which a stage reads and writes its streams does not depend on timing, and a stage waits only for words
//! and room. With free places of queues as tokens that flow backwards, the pipeline is a Kahn process network: which words
//! pass, and whether it deadlocks, does not depend on the timing of source, sink and stages. So one schedule without
//! deadlock proves all. The schedule simulated here is that of a single image, to its last word; it leaves the pipeline as
//! empty as it began, so the next image finds the same state, under any pattern of back-pressure.

use super::simulate::{Flow, Outcome, Simulation};
use super::{Times, insert};
use crate::blocks::Block;
use crate::plan::{Stage, Stream};

/// Number of equal intervals that count as steady.
const EQUAL: usize = 8;
/// Images after which intervals no longer become equal. No more are offered: those behind an image do not change when it
/// passes, but fill a long pipeline.
const MAX_IMAGES: usize = 48;
/// Steps of the simulation after which two equal intervals suffice.
const MAX_STEPS: u64 = 20_000_000;

/// Added room for each stream, in words; if a window reads the stream, in its line buffer.
pub type Room = Vec<usize>;

/// Adds the queues to a pipeline and gives its exact times; `None` if it deadlocks with any queues.
pub fn add_queues(streams: &mut Vec<Stream>, stages: &mut Vec<Stage>) -> Option<Times> {
    let interval = stages.iter().map(|stage| stage.cycles).max().unwrap_or(1);
    let mut best: Option<(Times, Vec<Stream>, Vec<Stage>)> = None;
    let mut gathered: Option<Room> = None;
    // No room at all is tried before anything is measured: chains of dot products need none.
    let shares = [(0, 1), (1, 4), (1, 2), (3, 4), (1, 1), (3, 2), (2, 1), (4, 1), (8, 1)].map(|share| (share, 0));
    // If a join waits for the second word of one branch while the other offers its first, a queue of two words is needed
    // although its fill is never more than one: tried only if the pipeline deadlocks otherwise.
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

/// Maximum fill of a queue that only passes words on.
const SMALL: usize = 1;

/// Maximum fill of unbounded queues on every stream between two stages, with the source sending at the interval.
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

/// The exact times of a pipeline; `None` if it deadlocks.
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
    let ends = &simulation.image_ends[simulation.image_ends.len() / 2..];
    let intervals: Vec<u64> = ends.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mean = (ends[ends.len() - 1] - ends[0]).div_ceil(intervals.len() as u64);
    Some(Times { initiation_interval: mean_interval(&intervals).unwrap_or(mean), latency })
}

/// The mean of intervals that repeat, rounded up; `None` where they do not.
pub fn mean_interval(intervals: &[u64]) -> Option<u64> {
    let repeats = |period: &usize| intervals[*period..].iter().zip(intervals).all(|(later, earlier)| later == earlier);
    let period = (1..intervals.len()).find(repeats).or((intervals.len() == 1).then_some(1))?;
    Some(intervals[..period].iter().sum::<u64>().div_ceil(period as u64))
}
