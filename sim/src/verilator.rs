//! Generated Verilog, compiled by [Verilator](https://verilator.org) and driven at full speed.
//!
//! A [`Model`] is a core compiled together with a C++ harness (`verilator/harness.cpp`) into one program, kept in a
//! [`Cache`] under a hash of everything that went into it. A run writes the input words to a file, starts the program
//! in the design's folder and reads the file that it leaves: every output word with its cycle, or what went wrong.
//! The harness checks the protocol: a word on offer neither changes nor goes away, and nothing comes after the end.
//!
//! Verilator knows only 0 and 1. Under back-pressure, registers therefore start with random contents, a new choice for
//! each seed, so that a result that hangs on a register that nothing initialises is found.

mod build;
mod cache;
mod files;
mod hash;
mod process;
mod program;
mod tool;

pub use build::{Model, ModelOptions};
pub use cache::Cache;
pub use process::Process;
pub use program::Program;
pub use tool::Tool;

use crate::SimError;
use crate::executor::{Executor, Run, RunOptions};
use crate::rtl::core_of;
use crate::stream_core::{FloatEnds, StreamCore};
use flow::artifacts::Compiled;
use std::path::Path;

/// Runs a core in Verilator.
#[derive(Clone, Debug)]
pub struct Verilator {
    core: StreamCore,
    ends: FloatEnds,
    cache: Cache,
    tool: Tool,
}

impl Verilator {
    /// An executor of `core`, compiled into the user's [cache](Cache::from_environment).
    ///
    /// # Errors
    /// Where no cache folder is known.
    pub fn new(core: StreamCore, ends: FloatEnds) -> Result<Self, SimError> {
        Ok(Verilator { core, ends, cache: Cache::from_environment()?, tool: Tool::default() })
    }

    /// An executor of the design whose Verilog [`Sources`](flow::artifacts::Sources) or `compile` wrote into `folder`, where it
    /// is executed. It loads the directory's weights through the core's
    /// port where they are others than the design begins with.
    ///
    /// # Errors
    /// Where no cache folder is known, or the plan contradicts itself.
    pub fn of_design(compiled: &Compiled, folder: &Path) -> Result<Self, SimError> {
        let network = &compiled.plan.network;
        let ends = FloatEnds { input: network.input_map.clone(), output: network.output_map.clone() };
        Verilator::new(core_of(compiled, folder)?, ends)
    }

    /// The same with another cache.
    pub fn with_cache(self, cache: Cache) -> Self {
        Verilator { cache, ..self }
    }

    /// The same with another Verilator.
    pub fn with_tool(self, tool: Tool) -> Self {
        Verilator { tool, ..self }
    }

    /// The core that runs.
    pub fn core(&self) -> &StreamCore {
        &self.core
    }
}

impl Executor for Verilator {
    fn name(&self) -> &'static str {
        "verilator"
    }

    fn run(&mut self, images: &[Vec<f32>], options: &RunOptions) -> Result<Run, SimError> {
        let elements = self.ends.elements(images)?;
        let model_options = ModelOptions { wave: options.wave.is_some(), probes: options.trace };
        let model = Model::build(&self.core, model_options, &self.cache, &self.tool)?;
        let record = model.run(&elements, options)?;
        record.into_run(&self.core, &self.ends, images.len(), options)
    }
}
