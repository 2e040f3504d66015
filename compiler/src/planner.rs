//! `Network` → `Plan`: chooses the parallelism of each layer and lays out the pipeline.

use crate::blocks::Parallelism;
use crate::chip::memory::Memories;
use crate::plan::{self, Plan, Stage, Stream};
use crate::schedule;
use network::network::{Edges, Network};
use selection::Selection;
use std::collections::BTreeMap;
use units::Unit;

mod best;
mod error;
mod layout;
mod parallelism;
mod search;
mod selection;
mod target;
mod units;
mod validate;

pub use error::{MAX_CLOCK_MHZ, PlanError, RateGoal};
pub use target::{Budget, Lacking, Resource, Target, USABLE};
pub use validate::PlanInvalid;

/// What the planner aims at.
#[derive(Clone, Debug, PartialEq)]
pub enum Goal {
    /// The smallest design that takes this many images per second.
    FramesPerSecond(f64),
    /// The given parallelism of each dot-product layer, by layer name.
    Folding(BTreeMap<String, Parallelism>),
    /// The most images per second that there is room for.
    Fastest,
}

/// Plans hardware for `network` at `clock_mhz`, for any chip.
///
/// # Errors
/// Where the goal cannot be met, or the network holds what no unit computes.
pub fn plan(network: Network, goal: &Goal, clock_mhz: f64) -> Result<Plan, PlanError> {
    plan_for(network, goal, clock_mhz, &Target::default())
}

/// Plans hardware for `network` at `clock_mhz` within `target`.
///
/// # Errors
/// Where the goal cannot be met, there is no room for it, or the network holds what no unit computes.
pub fn plan_for(network: Network, goal: &Goal, clock_mhz: f64, target: &Target) -> Result<Plan, PlanError> {
    check_clock(clock_mhz)?;
    let draft = {
        let edges = Edges::of(&network);
        let units = units::units(&network, &edges)?;
        let planner = Planner { network: &network, edges: &edges, units: &units, clock_mhz, target };
        match goal {
            Goal::FramesPerSecond(rate) => best::reaching(&planner, *rate)?,
            Goal::Folding(folding) => {
                let parallelism = parallelism::explicit(&network, folding)?;
                let interval = parallelism::interval(&network, &parallelism);
                best::folded(&planner, &parallelism, interval)?
            }
            Goal::Fastest => best::fastest(&planner)?,
        }
    };
    Ok(draft.finished(network, clock_mhz))
}

/// Whether `target` has room for the slowest design of a network at `clock_mhz`, queues not counted.
///
/// # Errors
/// Where the network holds what no unit computes.
pub fn has_room(network: &Network, clock_mhz: f64, target: &Target) -> Result<bool, PlanError> {
    check_clock(clock_mhz)?;
    let edges = Edges::of(network);
    let units = units::units(network, &edges)?;
    Ok(best::has_room(&Planner { network, edges: &edges, units: &units, clock_mhz, target }))
}

/// Rebuilds a plan from its free choices: folding, clock, target interval and memory kinds.
///
/// Each stage besides dot products takes the first of its choices that keeps to the interval, and what the choices are
/// does not depend on it. So the cycles of a plan's slowest stage lead to the same plan as the interval that it was made
/// for.
fn plan_again(
    network: Network,
    folding: &BTreeMap<String, Parallelism>,
    clock_mhz: f64,
    interval: Option<u64>,
    memories: BTreeMap<String, Memories>,
) -> Result<Plan, PlanError> {
    check_clock(clock_mhz)?;
    let draft = {
        let edges = Edges::of(&network);
        let units = units::units(&network, &edges)?;
        let target = Target::default();
        let planner = Planner { network: &network, edges: &edges, units: &units, clock_mhz, target: &target };
        let parallelism = parallelism::explicit(&network, folding)?;
        let interval = interval.unwrap_or_else(|| parallelism::interval(&network, &parallelism));
        let pipeline = planner.lay_out(&parallelism, interval);
        planner.scheduled(pipeline, &Selection::Given(memories))?
    };
    Ok(draft.finished(network, clock_mhz))
}

fn check_clock(clock_mhz: f64) -> Result<(), PlanError> {
    if !clock_mhz.is_finite() || clock_mhz <= 0.0 {
        return Err(PlanError::NotPositive { what: "the clock in MHz", found: clock_mhz });
    }
    if clock_mhz > MAX_CLOCK_MHZ {
        return Err(PlanError::Clock { clock_mhz });
    }
    Ok(())
}

/// What every plan of a network has in common.
struct Planner<'a> {
    network: &'a Network,
    edges: &'a Edges,
    units: &'a [Unit<'a>],
    clock_mhz: f64,
    target: &'a Target,
}

/// Streams and stages without queues.
#[derive(Clone, Debug)]
struct Pipeline {
    streams: Vec<Stream>,
    stages: Vec<Stage>,
}

impl Pipeline {
    /// Cycles of the slowest stage.
    fn slowest(&self) -> Option<&Stage> {
        self.stages.iter().max_by_key(|stage| stage.cycles)
    }
}

/// A pipeline with queues and its times.
struct Draft {
    pipeline: Pipeline,
    times: schedule::Times,
}

impl Draft {
    fn finished(self, network: Network, clock_mhz: f64) -> Plan {
        Plan {
            network,
            clock_mhz,
            streams: self.pipeline.streams,
            stages: self.pipeline.stages,
            initiation_interval: self.times.initiation_interval,
            latency: self.times.latency,
        }
    }
}

impl Planner<'_> {
    /// The pipeline with the given parallelism, whose other stages keep to `interval` cycles where they can.
    fn lay_out(&self, parallelism: &parallelism::Folding, interval: u64) -> Pipeline {
        let mut interval = interval;
        loop {
            let (streams, stages) = layout::lay_out(self, parallelism, interval);
            let pipeline = Pipeline { streams, stages };
            match pipeline.slowest() {
                // What one stage cannot keep to, no other one need be wider for.
                Some(slowest) if slowest.cycles > interval => interval = slowest.cycles,
                _ => return pipeline,
            }
        }
    }

    /// The pipeline with memories, queues and times.
    fn scheduled(&self, mut pipeline: Pipeline, selection: &Selection) -> Result<Draft, PlanError> {
        let Pipeline { streams, stages } = &mut pipeline;
        plan::check_fit(streams, stages)?;
        let writable = self.network.replaceable;
        selection::choose(stages, selection, writable);
        let times =
            schedule::schedule(streams, stages).ok_or_else(|| PlanError::Stuck { name: self.network.name.clone() })?;
        // Queues and line buffers have their sizes only now; on what they are made of no time depends.
        selection::choose(stages, selection, writable);
        Ok(Draft { pipeline, times })
    }
}
