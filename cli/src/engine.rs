//! The engines by their names on the command line.

use crate::failure::Failure;
use crate::model::Model;
use compiler::fold::{Goal, plan};
use hdl::artifacts::{self, Compiled};
use miette::Diagnostic;
use sim::Executor;
use sim::rtl::Rtl;
use sim::verilator::Verilator;
use std::path::Path;
use thiserror::Error;

/// Images per second that a design is planned for where nothing else is said.
pub const DEFAULT_TARGET_FPS: f64 = 1000.0;
/// Clock in MHz that a design is planned for where nothing else is said.
pub const DEFAULT_CLOCK_MHZ: f64 = 100.0;

/// What runs a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The packed CPU engine.
    Cpu,
    /// The naive evaluator that defines what a model computes.
    Reference,
    /// The design simulated by rust-hdl.
    Rtl,
    /// The design's Verilog simulated by Verilator.
    Verilator,
}

/// An engine that cannot be had.
#[derive(Debug, Error, Diagnostic)]
pub enum EngineError {
    /// A word that names no engine.
    #[error("the engine must be one of cpu, reference, rtl, verilator, but is `{found}`")]
    #[diagnostic(
        code(xnorforge::engine),
        help(
            "use --on cpu for speed, --on reference for the definition, --on rtl or --on verilator to simulate the hardware"
        )
    )]
    Unknown {
        /// The word.
        found: String,
    },
    /// An engine that simulates nothing.
    #[error("`simulate --on` must be one of rtl, verilator, but is `{found}`")]
    #[diagnostic(
        code(xnorforge::no_simulator),
        help("use --on rtl or --on verilator here, or `xnorforge run DIR --on {found}`")
    )]
    NoSimulator {
        /// The word.
        found: String,
    },
    /// The original model is not part of a compiled directory.
    #[error(
        "`--on reference` must be given the .onnx file, but {folder} is a compiled directory, which holds integers only"
    )]
    #[diagnostic(code(xnorforge::no_graph), help("run the .onnx file, or use `--on cpu` with the directory"))]
    NoGraph {
        /// The directory.
        folder: String,
    },
    /// Only compiled directories can be simulated.
    #[error("`simulate` must be given a directory that `compile` wrote, but {path} is none")]
    #[diagnostic(
        code(xnorforge::not_compiled),
        help("run `xnorforge compile MODEL -o DIR` first and give DIR, or `xnorforge run MODEL --on verilator`")
    )]
    NotCompiled {
        /// What was given.
        path: String,
    },
}

impl std::str::FromStr for Engine {
    type Err = EngineError;

    fn from_str(word: &str) -> Result<Self, EngineError> {
        match word {
            "cpu" => Ok(Engine::Cpu),
            "reference" => Ok(Engine::Reference),
            "rtl" => Ok(Engine::Rtl),
            "verilator" => Ok(Engine::Verilator),
            _ => Err(EngineError::Unknown { found: word.to_owned() }),
        }
    }
}

/// Calls `body` with the executor for `model` on `engine`.
///
/// A model that has not been compiled is compiled into a temporary directory first where the engine simulates it.
///
/// # Errors
/// Where the engine cannot be had for the model, or `body` fails.
pub fn with_executor<T>(
    model: &Model,
    engine: Engine,
    body: impl FnOnce(&mut dyn Executor) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match (engine, model) {
        (Engine::Cpu, _) => body(&mut sim::packed::Packed::new(model.network())),
        (Engine::Reference, Model::Imported { graph, .. }) => body(&mut sim::reference::Reference::new(graph)?),
        (Engine::Reference, Model::Compiled { folder, .. }) => {
            Err(EngineError::NoGraph { folder: folder.display().to_string() }.into())
        }
        (Engine::Rtl | Engine::Verilator, Model::Compiled { folder, compiled }) => {
            simulator(engine, compiled, folder, body)
        }
        (Engine::Rtl | Engine::Verilator, Model::Imported { network, .. }) => {
            let goal = Goal::FramesPerSecond(DEFAULT_TARGET_FPS);
            let plan = plan((**network).clone(), &goal, DEFAULT_CLOCK_MHZ)?;
            let folder = tempfile::tempdir().map_err(anyhow::Error::from)?;
            let folder = folder.path().join("design");
            let compiled = artifacts::write(&plan, &folder)?;
            simulator(engine, &compiled, &folder, body)
        }
    }
}

fn simulator<T>(
    engine: Engine,
    compiled: &Compiled,
    folder: &Path,
    body: impl FnOnce(&mut dyn Executor) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match engine {
        Engine::Verilator => body(&mut Verilator::of_design(compiled, folder)?),
        Engine::Rtl | Engine::Cpu | Engine::Reference => body(&mut Rtl::new(&compiled.plan)),
    }
}
