//! `run`: a network on images, on any engine.

use crate::calibration::Calibration;
use crate::domain;
use crate::engine::{Engine, with_recorded};
use crate::failure::Failure;
use crate::images;
use crate::model::Model;
use crate::output::show;
use crate::progress;
use crate::report::RunReport;
use clap::Args;
use sim::RunOptions;
use std::path::PathBuf;

/// Run a network on images.
#[derive(Debug, Args)]
pub struct Run {
    /// A QONNX file, or a directory written by `compile`.
    #[arg(value_name = "MODEL|DIR")]
    model: PathBuf,
    /// Images: .npy of uint8, int8 or float32, leading axis = images; values are taken as they are.
    #[arg(long, value_name = "X.npy")]
    input: PathBuf,
    /// Classes of the images: .npy of integers.
    #[arg(long, value_name = "L.npy")]
    labels: Option<PathBuf>,
    /// Where to write the outputs: float32 scores, or int64 class indices.
    #[arg(long, value_name = "Y.npy")]
    output: Option<PathBuf>,
    /// What runs it: cpu, reference, plan, rtl, verilator, for a directory compiled for a board gates, sim:DIR, replay:FILE or
    /// uart:PATH[@BAUD], for any compiled directory pcie:BDF|FILE.
    #[arg(long, value_name = "ENGINE", default_value = "cpu")]
    on: String,
    /// Write down what passes over the engine's serial line, for `--on replay:FILE`.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Run only the first N images.
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// Write each layer's integers into this directory.
    #[arg(long, value_name = "DIR")]
    trace: Option<PathBuf>,
    #[command(flatten)]
    calibration: Calibration,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

impl Run {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Failure> {
        let engine: Engine = self.on.parse()?;
        let model = Model::open(&self.model, &self.calibration)?;
        let network = model.network();
        let images = images::images(&self.input, &network.input_map.shape, self.count)?;
        let labels = self.labels.as_deref().map(|path| images::labels(path, images.len(), Some(network.classes())));
        let (labels, outside) = (labels.transpose()?, domain::outside(&network.input_map, &images));
        let (bar, progress) = progress::bar(images.len());
        let options = RunOptions { trace: self.trace.is_some(), progress: Some(progress), ..RunOptions::default() };
        let run =
            with_recorded(&model, &engine, self.record.as_deref(), |executor, _| Ok(executor.run(&images, &options)?))?;
        bar.finish_and_clear();
        if let Some(path) = &self.output {
            images::write_outputs(path, &network.output_map.shape, &run.scores)?;
        }
        if let (Some(folder), Some(trace)) = (&self.trace, &run.trace) {
            trace.write(folder).map_err(Failure::of_input)?;
        }
        let report = RunReport::new(&run.scores, labels.as_deref(), run.cycles.as_ref(), outside);
        if self.json {
            show(&(serde_json::to_string(&report).map_err(anyhow::Error::from)? + "\n"))
        } else {
            show(&report.text())
        }
    }
}
