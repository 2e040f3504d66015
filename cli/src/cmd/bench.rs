//! `bench`: how fast an engine runs a network, and how near that comes to what its design allows.

use crate::calibration::Calibration;
use crate::domain;
use crate::engine::{Engine, EngineError, with_recorded};
use crate::failure::Failure;
use crate::images;
use crate::measure::{Goal, Measurement, measure};
use crate::model::Model;
use crate::output::show;
use abi::domain::Outside;
use clap::Args;
use flow::artifacts::Compiled;
use host::DeviceAddress;
use serde::Serialize;
use std::path::PathBuf;

/// Measure how many images a second an engine runs, and how long one takes.
///
/// For a device or a simulated design, also how near that comes to what core and link
/// allow, in the device's own time where that is simulated.
#[derive(Debug, Args)]
pub struct Bench {
    /// A QONNX file, or a directory written by `compile`.
    #[arg(value_name = "MODEL|DIR")]
    model: PathBuf,
    /// What runs it, as for `run`.
    #[arg(long, value_name = "ENGINE", default_value = "cpu")]
    on: String,
    /// Images, as for `run`; without it, images drawn from all that the network tells apart, the same ones each time.
    #[arg(long, value_name = "X.npy")]
    input: Option<PathBuf>,
    /// Images of a batch; without it, as many as fit the time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    count: Option<u64>,
    /// How long to measure; at least one batch is always run.
    #[arg(long, value_name = "S", default_value_t = 4.0, value_parser = seconds)]
    seconds: f64,
    #[command(flatten)]
    calibration: Calibration,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite() && *seconds >= 0.0 && *seconds <= 1e6);
    number.ok_or_else(|| "give a number of seconds from 0 to 1000000".into())
}

#[derive(Debug, Serialize)]
struct BenchReport {
    engine: String,
    network: String,
    #[serde(flatten)]
    measurement: Measurement,
    limits: Option<Limits>,
    /// Measured images per second divided by `limits.images_per_second`.
    ratio: Option<f64>,
    /// Values that the network was not made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    outside: Option<Outside>,
    machine: Machine,
    versions: Versions,
}

/// Images per second that a design allows.
#[derive(Debug, Serialize)]
struct Limits {
    core_images_per_second: f64,
    /// Null where images come to the core over no line, or its time is not known.
    link_images_per_second: Option<f64>,
    /// The lower one of both, and whose it is.
    images_per_second: f64,
    by: Part,
}

/// What limits a design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    Core,
    Link,
}

#[derive(Debug, Serialize)]
struct Machine {
    cores: usize,
    cpu: Option<String>,
}

#[derive(Debug, Serialize)]
struct Versions {
    xnorforge: &'static str,
    /// Null where the engine does without.
    verilator: Option<String>,
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

impl Bench {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Failure> {
        let engine: Engine = self.on.parse()?;
        if let Engine::Replay(_) = engine {
            return Err(EngineError::NoBench.into());
        }
        let model = Model::open(&self.model, &self.calibration)?;
        let network = model.network();
        let count = self.count.map(|count| count as usize);
        let images = match &self.input {
            Some(path) => images::images(path, &network.input_map.shape, count)?,
            None => images::drawn(&network.input_map, count.unwrap_or(images::MOST_DRAWN).min(images::MOST_DRAWN)),
        };
        let outside = self.input.as_ref().and_then(|_| domain::outside(&network.input_map, &images));
        let (measurement, limits) = with_recorded(&model, &engine, None, |executor, compiled| {
            let core_hertz = compiled.map(|compiled| compiled.manifest.clock_mhz * 1e6);
            let goal = Goal { batch: count, seconds: self.seconds, core_hertz };
            let measurement = measure(executor, &images, &goal)?;
            let limits = compiled.map(|compiled| Limits::of(compiled, &engine, &measurement));
            Ok((measurement, limits))
        })?;
        let verilator = match engine {
            Engine::Verilator | Engine::Gates => Some(sim::verilator::Tool::new("verilator").version()?),
            _ => None,
        };
        let report = BenchReport {
            ratio: limits.as_ref().map(|limits| measurement.images_per_second() / limits.images_per_second),
            engine: self.on,
            network: network.name.clone(),
            measurement,
            limits,
            outside,
            machine: Machine::here(),
            versions: Versions { xnorforge: env!("CARGO_PKG_VERSION"), verilator },
        };
        if self.json {
            show(&(serde_json::to_string(&report).map_err(anyhow::Error::from)? + "\n"))
        } else {
            show(&report.text())
        }
    }
}

impl Limits {
    fn of(compiled: &Compiled, engine: &Engine, measurement: &Measurement) -> Self {
        let report = compiled.report();
        let is_line = matches!(engine, Engine::Gates | Engine::Simulated(_) | Engine::Device(DeviceAddress::Uart(_)));
        let link = report.link_fps.filter(|_| is_line && measurement.covers_link());
        let (images_per_second, by) = match link {
            Some(link) if link < report.fps => (link, Part::Link),
            _ => (report.fps, Part::Core),
        };
        Limits { core_images_per_second: report.fps, link_images_per_second: link, images_per_second, by }
    }
}

impl BenchReport {
    fn text(&self) -> String {
        let mut text = format!("engine    {}, network {}\n", self.engine, self.network);
        text += &self.measurement.text();
        if let (Some(limits), Some(ratio)) = (&self.limits, self.ratio) {
            text += &format!("limit     core {:.1} images/s", limits.core_images_per_second);
            if let Some(link) = limits.link_images_per_second {
                text += &format!(", link {link:.1} images/s");
            }
            let by = match limits.by {
                Part::Core => "core",
                Part::Link => "link",
            };
            text += &format!("\nreached   {:.1} % of what the {by} allows\n", 100.0 * ratio);
        }
        let Machine { cores, cpu } = &self.machine;
        text += &format!("machine   {cores} cores, {}\n", cpu.as_deref().unwrap_or("unknown CPU"));
        let verilator = self.versions.verilator.as_ref().map(|version| format!(", {version}")).unwrap_or_default();
        text + &format!("versions  xnorforge {}{verilator}\n", self.versions.xnorforge)
    }
}
