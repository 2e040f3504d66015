//! `bench`: how fast an engine runs a network, and how near that comes to what its design allows.

use crate::output::{show, show_json};
use crate::preparation::Preparation;
use crate::progress::Screen;
use crate::trust::Trust;
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;
use verbs::VerbError;
use verbs::bench::{BenchReport, Machine, Options, Part};
use verbs::measure::{CycleKind, DeviceFigures, Figures, Measurement};

/// Measure the throughput and latency of an engine.
///
/// For a device or a simulated design, also compare them with the limits of core and link;
/// simulations are measured in simulated time.
#[derive(Debug, Args)]
pub struct Bench {
    /// A QONNX or TensorFlow Lite file, or a directory written by `compile`.
    #[arg(value_name = "MODEL|DIR")]
    model: PathBuf,
    /// Engine, as for `run`.
    #[arg(long, value_name = "ENGINE", default_value = "cpu")]
    on: String,
    /// Images, as for `run` [default: random images, the same each time].
    #[arg(long, value_name = "X.npy")]
    input: Option<PathBuf>,
    /// Images per batch [default: as many as fit the time].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    count: Option<u64>,
    /// How long to measure; at least one batch is always run.
    #[arg(long, value_name = "S", default_value_t = 4.0, value_parser = seconds)]
    seconds: f64,
    #[command(flatten)]
    trust: Trust,
    #[command(flatten)]
    preparation: Preparation,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite() && *seconds >= 0.0 && *seconds <= 1e6);
    number.ok_or_else(|| "give a number of seconds from 0 to 1000000".into())
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    engine: &'a str,
    #[serde(flatten)]
    report: &'a BenchReport,
}

impl Bench {
    /// Runs the verb.
    pub fn run(self) -> Result<(), VerbError> {
        let options = Options {
            engine: self.on.parse()?,
            model: self.model,
            images: self.input,
            count: self.count.map(|count| count as usize),
            seconds: self.seconds,
            trust: self.trust.option(),
            preparation: self.preparation.options(),
        };
        let report = verbs::bench::bench(&options, &Screen::default())?;
        let engine = self.on.as_str();
        if self.json { show_json(&Shown { engine, report: &report }) } else { show(&text(engine, &report)) }
    }
}

fn text(engine: &str, report: &BenchReport) -> String {
    let mut text = format!("engine    {engine}, network {}\n", report.network);
    text += &measured(&report.measurement);
    if let (Some(limits), Some(ratio)) = (&report.limits, report.ratio) {
        text += &format!("limit     core {:.1} images/s", limits.core_images_per_second);
        if let Some(link) = limits.link_images_per_second {
            text += &format!(", link {link:.1} images/s");
        }
        let by = match limits.by {
            Part::Core => "core",
            Part::Link => "link",
        };
        text += &format!("\nreached   {:.1} % of the limit of the {by}\n", 100.0 * ratio);
    }
    let Machine { cores, cpu } = &report.machine;
    text += &format!("machine   {cores} cores, {}\n", cpu.as_deref().unwrap_or("unknown CPU"));
    let verilator = report.versions.verilator.as_ref().map(|version| format!(", {version}")).unwrap_or_default();
    text + &format!("versions  xnorforge {}{verilator}\n", report.versions.xnorforge)
}

/// The figures in a few lines.
fn measured(measurement: &Measurement) -> String {
    let line = |name: &str, figures: &Figures, note: &str| {
        format!(
            "{name:9} {:.1} images/s, one image {} (p50), {} (p99){note}\n",
            figures.images_per_second,
            duration(figures.latency_p50_seconds),
            duration(figures.latency_p99_seconds)
        )
    };
    let batches = measurement.batch_images / measurement.batch;
    let mut text =
        format!("measured  {batches} x {} images, {} single images\n", measurement.batch, measurement.single_images);
    match &measurement.device {
        None => text + &line("wall", &measurement.wall, ""),
        Some(DeviceFigures { cycles, clock_hertz, figures }) => {
            let what = match cycles {
                CycleKind::All => "",
                CycleKind::Work => ", at work, without the link",
                CycleKind::Core => ", the core alone",
            };
            text += &line("device", figures, &format!(", simulated at {} MHz{what}", clock_hertz / 1e6));
            text + &line("wall", &measurement.wall, ", the speed of the simulation")
        }
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        _ if seconds >= 1.0 => format!("{seconds:.2} s"),
        _ if seconds >= 1e-3 => format!("{:.2} ms", seconds * 1e3),
        _ => format!("{:.1} µs", seconds * 1e6),
    }
}
