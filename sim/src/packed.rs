//! A network on the CPU, 64 bits at a time.
//!
//! Tensors of few bits are kept as bit planes, and the weights that meet them are packed once into words of 64 bits: a
//! dot product counts the bits that pairs of planes have in common, one pair for ±1. Where integers are cheaper, they
//! are multiplied, many rows at a time. Step functions are applied to sums at once; those of one step become bits by
//! one comparison, and pools over bits are ors. Images run in parallel.
//!
//! Everything is exact: scores and tensors equal those of [`network::integer`].

mod bits;
mod elementwise;
mod form;
mod gather;
mod input;
mod kernels;
mod layout;
mod pool;
mod product;
mod program;
mod steps;

use crate::SimError;
use crate::executor::{Executor, Run, RunOptions};
use crate::threads::spread;
use crate::trace::Trace;
use abi::maps::Scores;
use network::network::Network;
use program::{Program, State};
use rayon::prelude::*;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The engine's name.
const NAME: &str = "cpu";

/// The packed engine for one network.
#[derive(Debug)]
pub struct Packed {
    network: Network,
    program: Program,
    /// Keeps every tensor as integers; made when the first trace is asked for.
    tracing: OnceLock<Program>,
}

impl Packed {
    /// Prepares `network`, which must be [valid](Network::validate).
    pub fn new(network: &Network) -> Self {
        let program = Program::new(network, false);
        Packed { network: network.clone(), program, tracing: OnceLock::new() }
    }

    /// The network that runs.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Runs images as [`Executor::run`] does. Several threads may do so at once.
    ///
    /// # Errors
    /// Where an image does not fit the network, an option is for hardware, or the system gives no threads.
    pub fn run_all(&self, images: &[Vec<f32>], options: &RunOptions) -> Result<Run, SimError> {
        options.without_wave(NAME)?;
        let done = AtomicUsize::new(0);
        let report = || {
            let count = done.fetch_add(1, Ordering::Relaxed) + 1;
            if count.is_multiple_of(64) || count == images.len() {
                options.report(count);
            }
        };
        let fault = |image: usize| move |source| SimError::Image { image, source };
        if !options.trace {
            let scores = spread(|| {
                let scores = images.par_iter().enumerate().map_init(PackedState::default, |state, (image, values)| {
                    let scores = self.run_one(values, state).map_err(fault(image))?;
                    report();
                    Ok(scores)
                });
                scores.collect::<Result<_, SimError>>()
            })??;
            return Ok(Run { scores, cycles: None, trace: None });
        }
        let tracing = self.tracing.get_or_init(|| Program::new(&self.network, true));
        let tensors = spread(|| {
            let tensors = images.par_iter().enumerate().map_init(State::default, |state, (image, values)| {
                tracing.run(values, state).map_err(fault(image))?;
                report();
                Ok(tracing.integers(state))
            });
            tensors.collect::<Result<Vec<_>, SimError>>()
        })??;
        let scores = tensors.iter().map(|image| self.network.output_map.apply(&image[self.network.output.0])).collect();
        Ok(Run { scores, cycles: None, trace: Some(Trace::of_network(&self.network, tensors)) })
    }

    /// Runs one image in the calling thread. `state` keeps memory from one image to the next.
    ///
    /// # Errors
    /// Where the image does not fit the network.
    pub fn run_one(&self, image: &[f32], state: &mut PackedState) -> Result<Scores, abi::maps::MapError> {
        self.program.run(image, &mut state.0)?;
        Ok(self.network.output_map.apply(self.program.output(&state.0)))
    }
}

/// Working memory of [`Packed::run_one`], for one thread.
#[derive(Debug, Default)]
pub struct PackedState(State);

impl Executor for Packed {
    fn name(&self) -> &'static str {
        NAME
    }

    fn run(&mut self, images: &[Vec<f32>], options: &RunOptions) -> Result<Run, SimError> {
        self.run_all(images, options)
    }
}
