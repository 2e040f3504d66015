//! The engines by their names on the command line.

use crate::failure::{Exit, Failure};
use crate::model::Model;
use abi::weights::Segment;
use compiler::fold::{Goal, plan};
use hdl::artifacts::{self, Compiled};
use host::transport::uart::{AddressError, UartAddress};
use host::{Device, FrameBus, Transport};
use miette::Diagnostic;
use sim::board::{self, Pins, RtlBoard, SimulatedLine, VerilatedBoard};
use sim::device::OnDevice;
use sim::rtl::Rtl;
use sim::verilator::Verilator;
use sim::{Executor, SimError};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Images per second that a design is planned for where nothing else is said.
pub const DEFAULT_TARGET_FPS: f64 = 1000.0;
/// Clock in MHz that a design is planned for where nothing else is said.
pub const DEFAULT_CLOCK_MHZ: f64 = 100.0;

/// What runs a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The packed CPU engine.
    Cpu,
    /// The naive evaluator that defines what a model computes.
    Reference,
    /// The design simulated by rust-hdl.
    Rtl,
    /// The design's Verilog simulated by Verilator.
    Verilator,
    /// The netlist that `build` made, in Verilator, driven by the host runtime at its UART pins.
    Gates,
    /// The device simulated by rust-hdl, driven by the host runtime at its UART pins.
    Simulated(PathBuf),
    /// A board, or whatever answers on a serial line.
    Uart(UartAddress),
}

/// An engine that cannot be had.
#[derive(Debug, Error, Diagnostic)]
pub enum EngineError {
    /// A word that names no engine.
    #[error(
        "the engine must be one of cpu, reference, rtl, verilator, gates, sim:DIR, uart:PATH[@BAUD], but is `{found}`"
    )]
    #[diagnostic(
        code(xnorforge::engine),
        help(
            "use --on cpu for speed, --on reference for the definition, --on rtl or --on verilator to simulate the \
             hardware, --on uart:/dev/ttyUSB0 for a board"
        )
    )]
    Unknown {
        /// The word.
        found: String,
    },
    /// No serial line.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Address(#[from] AddressError),
    /// An engine that simulates nothing.
    #[error("`simulate --on` must be one of rtl, verilator, gates, but is `{found}`")]
    #[diagnostic(code(xnorforge::no_simulator), help("use one of them here, or `xnorforge run DIR --on {found}`"))]
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
    /// A device needs the directory that it was made from.
    #[error("`--on {engine}` must be given a directory compiled for a board, but {path} is a model")]
    #[diagnostic(
        code(xnorforge::no_device),
        help(
            "run `xnorforge compile {path} -o DIR --board BOARD` first and give DIR; `xnorforge boards` lists boards"
        )
    )]
    NoDevice {
        /// The engine.
        engine: &'static str,
        /// What was given.
        path: String,
    },
    /// An engine that holds no weights of its own.
    #[error("`load --on` must be one of uart:PATH[@BAUD], sim:DIR, gates: a device with a weight window")]
    #[diagnostic(
        code(xnorforge::no_load),
        help("without --on, DIR stands for the network on every engine: `xnorforge load DIR MODEL`")
    )]
    NoLoad,
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
        match word.split_once(':') {
            None => match word {
                "cpu" => Ok(Engine::Cpu),
                "reference" => Ok(Engine::Reference),
                "rtl" => Ok(Engine::Rtl),
                "verilator" => Ok(Engine::Verilator),
                "gates" => Ok(Engine::Gates),
                _ => Err(EngineError::Unknown { found: word.to_owned() }),
            },
            Some(("sim", folder)) if !folder.is_empty() => Ok(Engine::Simulated(folder.into())),
            Some(("uart", address)) => Ok(Engine::Uart(address.parse()?)),
            Some(_) => Err(EngineError::Unknown { found: word.to_owned() }),
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
    engine: &Engine,
    body: impl FnOnce(&mut dyn Executor) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match engine {
        Engine::Cpu => body(&mut sim::packed::Packed::new(model.network())),
        Engine::Reference => match model {
            Model::Imported { graph, .. } => body(&mut sim::reference::Reference::new(graph)?),
            Model::Compiled { folder, .. } => Err(EngineError::NoGraph { folder: folder.display().to_string() }.into()),
        },
        Engine::Rtl => with_design(model, |compiled, _| body(&mut Rtl::of_design(compiled)?)),
        Engine::Verilator => with_design(model, |compiled, folder| body(&mut Verilator::of_design(compiled, folder)?)),
        Engine::Gates => {
            let (compiled, folder) = device_of(model, "gates")?;
            let pins = VerilatedBoard::of_netlist(compiled, folder)?;
            body(&mut OnDevice::new("gates", board::open_pins(pins, compiled, compiled)?))
        }
        Engine::Simulated(simulated) => {
            let (compiled, _) = device_of(model, "sim")?;
            body(&mut OnDevice::new("sim", board::open(simulated, compiled)?))
        }
        Engine::Uart(address) => {
            let (compiled, _) = device_of(model, "uart")?;
            let bus = FrameBus::new(uart_line(address, compiled)?);
            body(&mut OnDevice::new("uart", Device::open(bus, &compiled.manifest).map_err(SimError::from)?))
        }
    }
}

/// Loads the weights in `segments`, those of the directory `folder` that `compiled` was read from, into `engine`.
///
/// # Errors
/// Where the engine is no device, or does not hold the weights.
pub fn load_device(compiled: &Compiled, folder: &Path, engine: &Engine, segments: &[Segment]) -> Result<(), Failure> {
    match engine {
        Engine::Gates => {
            load_line(line_of(VerilatedBoard::of_netlist(compiled, folder)?, compiled)?, compiled, segments)
        }
        Engine::Simulated(simulated) => {
            let other = artifacts::read(simulated)?;
            load_line(line_of(RtlBoard::new(&other)?, &other)?, compiled, segments)
        }
        Engine::Uart(address) => load_line(uart_line(address, compiled)?, compiled, segments),
        Engine::Cpu | Engine::Reference | Engine::Rtl | Engine::Verilator => Err(EngineError::NoLoad.into()),
    }
}

fn load_line(line: impl Transport, compiled: &Compiled, segments: &[Segment]) -> Result<(), Failure> {
    Device::load(FrameBus::new(line), &compiled.manifest, segments).map_err(SimError::from)?;
    Ok(())
}

/// Calls `body` with the compiled directory of `model`, a temporary one where it is a file.
fn with_design<T>(model: &Model, body: impl FnOnce(&Compiled, &Path) -> Result<T, Failure>) -> Result<T, Failure> {
    match model {
        Model::Compiled { folder, compiled } => body(compiled, folder),
        Model::Imported { network, .. } => {
            let goal = Goal::FramesPerSecond(DEFAULT_TARGET_FPS);
            let plan = plan((**network).clone(), &goal, DEFAULT_CLOCK_MHZ)?;
            let folder = tempfile::tempdir().map_err(anyhow::Error::from)?;
            let folder = folder.path().join("design");
            let compiled = artifacts::write(&plan, None, &folder)?;
            body(&compiled, &folder)
        }
    }
}

/// The compiled directory that `model` is.
fn device_of<'a>(model: &'a Model, engine: &'static str) -> Result<(&'a Compiled, &'a Path), EngineError> {
    match model {
        Model::Compiled { folder, compiled } => Ok((compiled, folder)),
        Model::Imported { path, .. } => Err(EngineError::NoDevice { engine, path: path.display().to_string() }),
    }
}

/// The line to the `pins` of the board of `simulated`.
fn line_of<P: Pins>(pins: P, simulated: &Compiled) -> Result<SimulatedLine<P>, Failure> {
    Ok(SimulatedLine::new(pins, board::device_of(simulated)?)?)
}

/// The line to a board of `compiled`.
fn uart_line(address: &UartAddress, compiled: &Compiled) -> Result<impl Transport + use<>, Failure> {
    let device = board::device_of(compiled)?;
    let address = UartAddress { baud: address.baud.or(Some(device.baud)), ..address.clone() };
    address.open().map_err(|error| Failure::new(Exit::Tool, error))
}
