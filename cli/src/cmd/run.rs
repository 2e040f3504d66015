//! `run`: a network on images, on any engine.

use crate::output::{show, show_json};
use crate::preparation::Preparation;
use crate::progress::Screen;
use crate::trust::Trust;
use clap::Args;
use std::path::PathBuf;
use verbs::VerbError;
use verbs::run::{Batch, Options, RunReport};

/// Run a network on images.
#[derive(Debug, Args)]
pub struct Run {
    /// A QONNX or TensorFlow Lite file, or a directory written by `compile`.
    #[arg(value_name = "MODEL|DIR")]
    model: PathBuf,
    /// Images: .npy of uint8, int8 or float32, leading axis = images; values are not rescaled.
    #[arg(long, value_name = "X.npy")]
    input: PathBuf,
    /// Classes of the images: .npy of integers.
    #[arg(long, value_name = "L.npy")]
    labels: Option<PathBuf>,
    /// Where to write the outputs: float32 scores, or int64 class indices.
    #[arg(long, value_name = "Y.npy")]
    output: Option<PathBuf>,
    /// Engine: cpu, reference, plan, rtl, verilator; for a directory compiled for a board also gates, sim:DIR, replay:FILE,
    /// uart:PATH[@BAUD]; for any compiled directory also pcie:BDF|FILE.
    #[arg(long, value_name = "ENGINE", default_value = "cpu")]
    on: String,
    /// Record the bytes on the engine's serial line, for `--on replay:FILE`.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Run only the first N images.
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// Write each layer's integers to this directory.
    #[arg(long, value_name = "DIR")]
    trace: Option<PathBuf>,
    #[command(flatten)]
    trust: Trust,
    #[command(flatten)]
    preparation: Preparation,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

impl Run {
    /// Runs the verb.
    pub fn run(self) -> Result<(), VerbError> {
        let options = Options {
            engine: self.on.parse()?,
            model: self.model,
            batch: Batch {
                images: self.input,
                labels: self.labels,
                output: self.output,
                count: self.count,
                trace: self.trace,
            },
            record: self.record,
            trust: self.trust.option(),
            preparation: self.preparation.options(),
        };
        let report = verbs::run::run(&options, &Screen::default())?;
        if self.json { show_json(&report) } else { show(&text(&report)) }
    }
}

/// A report in a few lines.
pub fn text(report: &RunReport) -> String {
    let mut text = format!("images              {}\n", report.images);
    if let (Some(correct), Some(accuracy)) = (report.correct, report.accuracy) {
        text += &format!("correct             {correct} ({:.2} %)\n", 100.0 * accuracy);
    } else if let Some(shape) = &report.output_shape {
        text += &format!("output              {shape:?} for each image; `--output Y.npy` writes it\n");
    } else {
        let shown: Vec<String> = match &report.indices {
            None => report.predictions.iter().take(20).map(i64::to_string).collect(),
            Some(indices) => indices.iter().take(20).map(|indices| format!("{indices:?}")).collect(),
        };
        let more = if report.images > shown.len() { " …" } else { "" };
        text += &format!("predictions         {}{more}\n", shown.join(" "));
    }
    if let Some(cycles) = &report.cycles {
        text += &format!("cycles              {}\n", cycles.cycles);
        if let Some(interval) = cycles.initiation_interval_cycles {
            text += &format!("initiation interval {interval} cycles\n");
        }
        text += &format!("latency             {} cycles\n", cycles.latency_cycles);
    }
    text
}
