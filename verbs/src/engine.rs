//! The engines by their names on the command line.

use crate::engine_error::EngineError;
use crate::error::VerbError;
use crate::file::FileError;
use crate::model::{Model, Subject};
use crate::observer::Observer;
use abi::manifest::Manifest;
use abi::weights::Segment;
use compiler::plan::Plan;
use compiler::planner::{Goal, PlanError, plan};
use flow::artifacts::{self, Compiled, Sources, Trust};
use flow::build::Tools;
use host::DeviceAddress;
use host::device::Sessions;
use host::transport::record::{Recorder, Recording, Replay};
use host::{Bus, Device, FrameBus, Transport};
use network::network::Network;
use sim::board::{self, LineDevice, Netlist, Pins, RtlBoard, SimulatedLine, VerilatedBoard};
use sim::device::OnDevice;
use sim::rtl::Rtl;
use sim::verilator::Verilator;
use sim::{Executor, SimError};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Images per second that a design is planned for where nothing else is said.
pub const DEFAULT_TARGET_FPS: f64 = 1000.0;
/// Clock in MHz that a design is planned for where nothing else is said.
pub const DEFAULT_CLOCK_MHZ: f64 = 100.0;

/// Name of the engine that is a card.
const PCIE: &str = "pcie";

/// What runs a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The packed CPU engine.
    Cpu,
    /// The naive evaluator that defines what a model computes.
    Reference,
    /// The plan's stages, without a clock.
    Plan,
    /// The design simulated by rust-hdl.
    Rtl,
    /// The design's Verilog simulated by Verilator.
    Verilator,
    /// The netlist that `build` made, in Verilator, driven by the host runtime at its UART pins.
    Gates,
    /// The device simulated by rust-hdl, driven by the host runtime at its UART pins.
    Simulated(PathBuf),
    /// A board or a card, or whatever answers on a serial line or in mapped memory.
    Device(DeviceAddress),
    /// A recording of a serial line.
    Replay(PathBuf),
}

impl std::str::FromStr for Engine {
    type Err = EngineError;

    fn from_str(word: &str) -> Result<Self, EngineError> {
        match word.split_once(':') {
            None => match word {
                "cpu" => Ok(Engine::Cpu),
                "reference" => Ok(Engine::Reference),
                "plan" => Ok(Engine::Plan),
                "rtl" => Ok(Engine::Rtl),
                "verilator" => Ok(Engine::Verilator),
                "gates" => Ok(Engine::Gates),
                _ => Err(EngineError::Unknown { found: word.to_owned() }),
            },
            Some(("replay", file)) if !file.is_empty() => Ok(Engine::Replay(file.into())),
            Some(("sim", folder)) if !folder.is_empty() => Ok(Engine::Simulated(folder.into())),
            Some(("uart" | "pcie", _)) => Ok(Engine::Device(word.parse()?)),
            Some(_) => Err(EngineError::Unknown { found: word.to_owned() }),
        }
    }
}

impl Engine {
    /// Whether a manifest is all that it needs of a compiled directory.
    pub(crate) fn is_device(&self) -> bool {
        match self {
            Engine::Device(_) | Engine::Replay(_) => true,
            Engine::Cpu
            | Engine::Reference
            | Engine::Plan
            | Engine::Rtl
            | Engine::Verilator
            | Engine::Gates
            | Engine::Simulated(_) => false,
        }
    }
}

/// How an engine is had.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    /// Where to write down what passes over the engine's serial line.
    pub(crate) record: Option<&'a Path>,
    /// Whether files of a directory are executed as they lie.
    pub(crate) trust: Trust,
    /// Who learns that they are not.
    pub(crate) observer: &'a dyn Observer,
}

/// Calls `body` with the executor for `subject` on `engine`, and with the manifest of the design where the engine runs one.
/// Records what passes over the engine's serial line into a file where one is given.
///
/// A model that has not been compiled is compiled into a temporary directory first where the engine simulates it.
///
/// # Errors
/// Where the engine cannot be had for the model or has no line to record, or `body` fails.
pub(crate) fn with_executor<T>(
    subject: Subject,
    engine: &Engine,
    setting: Setting,
    body: impl FnOnce(&mut dyn Executor, Option<&Manifest>) -> Result<T, VerbError>,
) -> Result<T, VerbError> {
    let Setting { record, trust, .. } = setting;
    let has_line = matches!(engine, Engine::Gates | Engine::Simulated(_) | Engine::Device(DeviceAddress::Uart(_)));
    if record.is_some() && !has_line {
        return Err(EngineError::NoRecord.into());
    }
    let manifest_for = |name| match subject {
        Subject::Manifest(manifest) => Ok(manifest),
        Subject::Model(model) => device_of(model, name).map(|(compiled, _)| &compiled.manifest),
    };
    let model = match (engine, subject) {
        (Engine::Device(address), _) => return on_device(address, manifest_for, record, body),
        (Engine::Replay(path), _) => {
            let manifest = manifest_for("replay")?;
            let recording = Recording::read(path)?;
            let sessions = Sessions::seeded(recording.seed);
            let bus = FrameBus::new(Replay::new(recording));
            let device = Device::open_with(bus, manifest, sessions).map_err(SimError::from)?;
            return body(&mut OnDevice::new("replay", device), Some(manifest));
        }
        (_, Subject::Model(model)) => model,
        // Only devices are given a manifest alone.
        (_, Subject::Manifest(manifest)) => {
            return Err(EngineError::NotCompiled { path: manifest.network.clone() }.into());
        }
    };
    match engine {
        Engine::Device(_) | Engine::Replay(_) | Engine::Cpu => {
            body(&mut sim::packed::Packed::new(model.network()), None)
        }
        Engine::Reference => match model {
            Model::Imported { graph, .. } => body(&mut sim::reference::Reference::new(graph)?, None),
            Model::Compiled { folder, .. } => Err(EngineError::NoGraph { folder: folder.display().to_string() }.into()),
        },
        Engine::Plan => match model {
            Model::Compiled { compiled, .. } => {
                body(&mut sim::plan::Plan::new(compiled.plan.clone()), Some(&compiled.manifest))
            }
            Model::Imported { network, .. } => body(&mut sim::plan::Plan::new(default_plan(network)?), None),
        },
        Engine::Rtl => match model {
            Model::Compiled { compiled, .. } => body(&mut Rtl::of_design(compiled)?, Some(&compiled.manifest)),
            Model::Imported { network, .. } => {
                with_new_design(network, |compiled, _| body(&mut Rtl::of_design(compiled)?, Some(&compiled.manifest)))
            }
        },
        Engine::Verilator => {
            let run = |compiled: &Compiled, folder: &Path| {
                body(&mut Verilator::of_design(compiled, folder)?, Some(&compiled.manifest))
            };
            match model {
                Model::Compiled { compiled, folder } => {
                    let (sources, room) = sources(compiled, folder, trust, setting.observer)?;
                    run(sources.compiled(), room.path())
                }
                Model::Imported { network, .. } => with_new_design(network, run),
            }
        }
        Engine::Gates => {
            let (compiled, folder) = device_of(model, "gates")?;
            let line = line_of(gates(compiled, folder, trust)?, compiled)?;
            let clock = line.clock();
            let device = recorded_simulation(line, compiled, record)?;
            body(&mut OnDevice::new("gates", device).with_clock(clock), Some(&compiled.manifest))
        }
        Engine::Simulated(simulated) => {
            let (compiled, _) = device_of(model, "sim")?;
            let other = artifacts::read(simulated)?;
            let line = line_of(RtlBoard::new(&other)?, &other)?;
            let clock = line.clock();
            let device = recorded_simulation(line, compiled, record)?;
            body(&mut OnDevice::new("sim", device).with_clock(clock), Some(&compiled.manifest))
        }
    }
}

/// Calls `body` with the executor that is the device at `address`.
fn on_device<'a, T>(
    address: &DeviceAddress,
    manifest_for: impl FnOnce(&'static str) -> Result<&'a Manifest, EngineError>,
    record: Option<&Path>,
    body: impl FnOnce(&mut dyn Executor, Option<&Manifest>) -> Result<T, VerbError>,
) -> Result<T, VerbError> {
    let name = match address {
        DeviceAddress::Uart(_) => "uart",
        DeviceAddress::Pcie(_) => PCIE,
    };
    let manifest = manifest_for(name)?;
    if let (DeviceAddress::Uart(uart), Some(path)) = (address, record) {
        board::device_of(manifest)?;
        let line = uart.open_for(manifest).map_err(VerbError::Line)?;
        return body(&mut OnDevice::new(name, recorded(line, manifest, path)?), Some(manifest));
    }
    let device = Device::open(bus_of(address, manifest)?, manifest).map_err(SimError::from)?;
    body(&mut OnDevice::new(name, device), Some(manifest))
}

/// What tools are to execute of the directory `folder`, and where it lies for as long as the second is kept.
pub(crate) fn sources(
    compiled: &Compiled,
    folder: &Path,
    trust: Trust,
    observer: &dyn Observer,
) -> Result<(Sources, TempDir), VerbError> {
    let sources = Sources::of(compiled, folder, trust)?;
    if let Some(note) = sources.other_version() {
        observer.other_version(note);
    }
    let room = sources.laid()?;
    Ok((sources, room))
}

/// The netlist of the directory `folder`.
pub(crate) fn gates(compiled: &Compiled, folder: &Path, trust: Trust) -> Result<VerilatedBoard, VerbError> {
    let netlist = Netlist::read(compiled, folder, trust, &Tools::from_environment())?;
    Ok(VerilatedBoard::of_netlist(compiled, &netlist)?)
}

/// A device at the end of a line.
type OnLine<'a> = LineDevice<Box<dyn Transport + 'a>>;

/// The device of `manifest` at the end of `line`, whose traffic is recorded in the file at `path`.
fn recorded<'a>(line: impl Transport + 'a, manifest: &Manifest, path: &Path) -> Result<OnLine<'a>, VerbError> {
    let seed = RandomState::new().build_hasher().finish();
    let line: Box<dyn Transport + 'a> = Box::new(Recorder::create(line, path, seed).map_err(VerbError::Recorder)?);
    let device = Device::open_with(FrameBus::new(line), manifest, Sessions::seeded(seed));
    Ok(device.map_err(SimError::from)?)
}

/// The simulated device of `compiled` at the end of `line`, whose traffic is recorded where a file is given.
fn recorded_simulation<'a>(
    line: impl Transport + 'a,
    compiled: &Compiled,
    record: Option<&Path>,
) -> Result<OnLine<'a>, VerbError> {
    match record {
        None => {
            let line: Box<dyn Transport + 'a> = Box::new(line);
            Ok(board::open_line(line, compiled)?)
        }
        // A replay does not know whether weights were loaded first.
        Some(_) if compiled.built.is_some() => Err(EngineError::NoRecord.into()),
        Some(path) => recorded(line, &compiled.manifest, path),
    }
}

/// Loads the weights in `segments`, those of the directory `folder` that `compiled` was read from, into `engine`.
///
/// # Errors
/// Where the engine is no device, or does not hold the weights.
pub(crate) fn load_device(
    compiled: &Compiled,
    folder: &Path,
    engine: &Engine,
    trust: Trust,
    segments: &[Segment],
) -> Result<(), VerbError> {
    match engine {
        Engine::Gates => {
            let line = line_of(gates(compiled, folder, trust)?, compiled)?;
            load_bus(FrameBus::new(line), compiled, segments)
        }
        Engine::Simulated(simulated) => {
            let other = artifacts::read(simulated)?;
            load_bus(FrameBus::new(line_of(RtlBoard::new(&other)?, &other)?), compiled, segments)
        }
        Engine::Device(address) => load_bus(bus_of(address, &compiled.manifest)?, compiled, segments),
        Engine::Cpu | Engine::Reference | Engine::Plan | Engine::Rtl | Engine::Verilator | Engine::Replay(_) => {
            Err(EngineError::NoLoad.into())
        }
    }
}

fn load_bus(bus: impl Bus, compiled: &Compiled, segments: &[Segment]) -> Result<(), VerbError> {
    Device::load(bus, &compiled.manifest, segments).map_err(SimError::from)?;
    Ok(())
}

/// Calls `body` with the design of a network that has not been compiled, in a temporary directory.
fn with_new_design<T>(
    network: &Network,
    body: impl FnOnce(&Compiled, &Path) -> Result<T, VerbError>,
) -> Result<T, VerbError> {
    let plan = default_plan(network)?;
    let folder = tempfile::tempdir().map_err(|error| FileError::of(&error))?;
    let folder = folder.path().join("design");
    let compiled = artifacts::write(&plan, None, &folder)?;
    body(&compiled, &folder)
}

/// The plan of a model that has not been compiled.
///
/// # Errors
/// Where it cannot be planned.
pub(crate) fn default_plan(network: &Network) -> Result<Plan, PlanError> {
    plan(network.clone(), &Goal::FramesPerSecond(DEFAULT_TARGET_FPS), DEFAULT_CLOCK_MHZ)
        .map_err(PlanError::of_default_rate)
}

/// The compiled directory that `model` is.
fn device_of<'a>(model: &'a Model, engine: &'static str) -> Result<(&'a Compiled, &'a Path), EngineError> {
    match model {
        Model::Compiled { folder, compiled } => Ok((compiled, folder)),
        Model::Imported { path, .. } => {
            let path = path.display().to_string();
            Err(if engine == PCIE { EngineError::NoCard { path } } else { EngineError::NoDevice { engine, path } })
        }
    }
}

/// The line to the `pins` of the board of `simulated`.
fn line_of<P: Pins>(pins: P, simulated: &Compiled) -> Result<SimulatedLine<P>, VerbError> {
    Ok(SimulatedLine::new(pins, board::device_of(&simulated.manifest)?)?)
}

/// The bus to a board or a card with the design of `manifest`.
fn bus_of(address: &DeviceAddress, manifest: &Manifest) -> Result<Box<dyn Bus + Send>, VerbError> {
    // A design for no board has no UART; a card needs none.
    if let DeviceAddress::Uart(_) = address {
        board::device_of(manifest)?;
    }
    Ok(address.open_bus(manifest)?)
}
