//! `bench`: how fast an engine runs a network, and how near that comes to what its design allows.

use crate::engine::{Engine, Setting, with_executor};
use crate::engine_error::EngineError;
use crate::error::VerbError;
use crate::images;
use crate::measure::{Goal, Measurement, measure};
use crate::model::with_subject;
use crate::observer::{Observer, outside};
use crate::preparation::Preparation;
use abi::domain::Outside;
use abi::manifest::Manifest;
use flow::artifacts::Trust;
use flow::device::link_frames_per_second;
use host::DeviceAddress;
use serde::Serialize;
use std::path::PathBuf;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// A QONNX or TensorFlow Lite file, or a directory that `compile` wrote.
    pub model: PathBuf,
    /// What runs it.
    pub engine: Engine,
    /// Images: an `.npy` file; without it, random images, the same each time.
    pub images: Option<PathBuf>,
    /// Images of a batch; without it, as many as fit the time.
    pub count: Option<usize>,
    /// Seconds to measure; at least one batch is always run.
    pub seconds: f64,
    /// Whether files of a directory are executed as they lie.
    pub trust: Trust,
    /// What is done to the graph of a model first.
    pub preparation: Preparation,
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct BenchReport {
    /// Name of the network.
    pub network: String,
    /// Throughput and latency.
    #[serde(flatten)]
    pub measurement: Measurement,
    /// What the design allows, where the engine runs one.
    pub limits: Option<Limits>,
    /// Measured images per second divided by `limits.images_per_second`.
    pub ratio: Option<f64>,
    /// Values that the network was not made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside: Option<Outside>,
    /// The machine that measured.
    pub machine: Machine,
    /// The programs that measured.
    pub versions: Versions,
}

/// Images per second that a design allows.
#[derive(Clone, Debug, Serialize)]
pub struct Limits {
    /// Of the core.
    pub core_images_per_second: f64,
    /// Of the link; null where images come to the core over no line, or its time is not known.
    pub link_images_per_second: Option<f64>,
    /// The lower one of both.
    pub images_per_second: f64,
    /// Whose that is.
    pub by: Part,
}

/// What limits a design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The core.
    Core,
    /// The link.
    Link,
}

/// A machine.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Threads that run at once.
    pub cores: usize,
    /// Its processor, if the system reports it.
    pub cpu: Option<String>,
}

/// Versions of programs.
#[derive(Clone, Debug, Serialize)]
pub struct Versions {
    /// Of this one.
    pub xnorforge: &'static str,
    /// Null where the engine does without.
    pub verilator: Option<String>,
}

impl Machine {
    fn here() -> Self {
        let facts = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = facts.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        Machine {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: model.map(|(_, name)| name.trim().to_owned()),
        }
    }
}

/// Measures how many images a second an engine runs, and how long one takes; for a device or a simulated design also how near
/// that comes to what core and link allow, in the device's own time where that is simulated.
///
/// # Errors
/// Where the model, the images or the engine cannot be had, or a run fails.
pub fn bench(options: &Options, observer: &dyn Observer) -> Result<BenchReport, VerbError> {
    let Options { engine, count, seconds, .. } = options;
    if let Engine::Replay(_) = engine {
        return Err(EngineError::NoBench.into());
    }
    with_subject(&options.model, &options.preparation, engine.is_device(), |subject| {
        let ends = subject.ends();
        let images = match &options.images {
            Some(path) => images::images(path, &ends.input_map.shape, *count)?,
            None => images::drawn(ends.input_map, count.unwrap_or(images::MAX_DRAWN).min(images::MAX_DRAWN)),
        };
        let outside = options.images.as_ref().and_then(|_| outside(ends.input_map, &images, observer));
        let setting = Setting { record: None, trust: options.trust, observer };
        let (measurement, limits) = with_executor(subject, engine, setting, |executor, manifest| {
            let core_hertz = manifest.map(|manifest| manifest.clock_mhz * 1e6);
            let measurement = measure(executor, &images, &Goal { batch: *count, seconds: *seconds, core_hertz })?;
            let limits = manifest.map(|manifest| Limits::of(manifest, engine, &measurement));
            Ok((measurement, limits))
        })?;
        let verilator = match engine {
            Engine::Verilator | Engine::Gates => Some(sim::verilator::Tool::new("verilator").version()?),
            Engine::Cpu
            | Engine::Reference
            | Engine::Plan
            | Engine::Rtl
            | Engine::Simulated(_)
            | Engine::Device(_)
            | Engine::Replay(_) => None,
        };
        Ok(BenchReport {
            network: ends.name.to_owned(),
            ratio: limits.as_ref().map(|limits| measurement.images_per_second() / limits.images_per_second),
            measurement,
            limits,
            outside,
            machine: Machine::here(),
            versions: Versions { xnorforge: env!("CARGO_PKG_VERSION"), verilator },
        })
    })
}

impl Limits {
    fn of(manifest: &Manifest, engine: &Engine, measurement: &Measurement) -> Self {
        let core = manifest.clock_mhz * 1e6 / manifest.initiation_interval_cycles as f64;
        let is_line = matches!(engine, Engine::Gates | Engine::Simulated(_) | Engine::Device(DeviceAddress::Uart(_)));
        let link = link_frames_per_second(manifest).filter(|_| is_line && measurement.covers_link());
        let (images_per_second, by) = match link {
            Some(link) if link < core => (link, Part::Link),
            _ => (core, Part::Core),
        };
        Limits { core_images_per_second: core, link_images_per_second: link, images_per_second, by }
    }
}
