//! Predicts clock cycles: runs the control of all blocks together, and finds the queues that a pipeline needs.

use crate::plan::{Plan, Stage};

mod insert;
mod queues;
pub mod simulate;

pub use queues::{add_queues as schedule, mean_interval, times_of};

/// Clock cycles of a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Between two images; the mean, rounded up, of intervals that alternate.
    pub initiation_interval: u64,
    /// From an image's first word in to its last word out, the pipeline idle before.
    pub latency: u64,
}

/// The control of each of `stages`.
fn controls(stages: &[Stage]) -> Vec<Box<dyn crate::blocks::control::Control>> {
    stages.iter().map(|stage| stage.block.shape().control()).collect()
}

/// Whether so many images pass through a plan's pipeline whose source and sink hesitate at random.
pub fn control_outcome(plan: &Plan, seed: u64, images: usize) -> bool {
    let flow = simulate::Flow::Hesitant(seed);
    let mut simulation = simulate::Simulation::new(&plan.streams, &plan.stages, flow, images as u64);
    simulation.run(images) == simulate::Outcome::Done
}
