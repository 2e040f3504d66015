//! `Network` → `Plan`: chooses the parallelism of each layer and lays out the pipeline.

use crate::plan::Plan;
use crate::schedule;
use network::network::Network;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

mod dot;
mod error;
mod layout;
mod parallelism;
mod search;
mod units;

pub use dot::{Dot, is_dot};
pub use error::PlanError;

/// Parallelism of one dot-product layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parallelism {
    /// Rows (output channels of a group) computed at once, 1 to all; channels for a depthwise convolution.
    pub pe: usize,
    /// Columns (input channels of a group) taken at once, 1 to all; 1 for a depthwise convolution.
    pub simd: usize,
}

/// What the planner aims at.
#[derive(Clone, Debug, PartialEq)]
pub enum Goal {
    /// The smallest design that takes this many images per second.
    FramesPerSecond(f64),
    /// The given parallelism of each dot-product layer, by layer name.
    Folding(BTreeMap<String, Parallelism>),
}

/// Plans hardware for `network` at `clock_mhz`.
///
/// # Errors
/// Where the goal cannot be met, or the network holds what no unit computes.
pub fn plan(network: Network, goal: &Goal, clock_mhz: f64) -> Result<Plan, PlanError> {
    plan_within(network, goal, clock_mhz, None)
}

/// As [`plan`]; the stages besides dot products keep to `interval` cycles, if there is one, instead of those of the
/// goal: of a finished plan those of its slowest stage.
///
/// Each of them takes the first of its choices that keeps to the interval, and what the choices are does not depend on
/// it. So the cycles of a plan's slowest stage lead to the same plan as the interval that it was made for.
pub(crate) fn plan_within(
    network: Network,
    goal: &Goal,
    clock_mhz: f64,
    interval: Option<u64>,
) -> Result<Plan, PlanError> {
    if !(clock_mhz.is_finite() && clock_mhz > 0.0) {
        return Err(PlanError::NotPositive { what: "the clock in MHz", found: clock_mhz });
    }
    let units = units::units(&network)?;
    let (parallelism, planned_interval) = match goal {
        Goal::FramesPerSecond(rate) => {
            if !(rate.is_finite() && *rate > 0.0) {
                return Err(PlanError::NotPositive { what: "the target rate in images per second", found: *rate });
            }
            let cycles = clock_mhz * 1e6 / rate;
            if cycles < 1.0 {
                return Err(PlanError::TooFast { frames_per_second: *rate, clock_mhz, cycles });
            }
            let interval = cycles.min(1e18) as u64;
            (search::smallest(&network, interval), interval)
        }
        Goal::Folding(folding) => {
            let parallelism = parallelism::explicit(&network, folding)?;
            let interval = parallelism::interval(&network, &parallelism);
            (parallelism, interval)
        }
    };
    let mut interval = interval.unwrap_or(planned_interval);
    let (mut streams, mut stages) = layout::lay_out(&network, &units, &parallelism, interval);
    while let Some(slowest) = stages.iter().max_by_key(|stage| stage.cycles)
        && slowest.cycles > interval
    {
        if let Goal::FramesPerSecond(rate) = goal {
            return Err(PlanError::Unreachable {
                frames_per_second: *rate,
                clock_mhz,
                interval,
                name: slowest.name.clone(),
                cycles: slowest.cycles,
                most: clock_mhz * 1e6 / slowest.cycles as f64,
            });
        }
        // What one stage cannot keep to, no other one need be wider for.
        interval = slowest.cycles;
        (streams, stages) = layout::lay_out(&network, &units, &parallelism, interval);
    }
    let times = schedule::schedule(&network, &mut streams, &mut stages)
        .ok_or_else(|| PlanError::Stuck { name: network.name.clone() })?;
    Ok(Plan {
        network,
        clock_mhz,
        streams,
        stages,
        initiation_interval: times.initiation_interval,
        latency: times.latency,
    })
}
