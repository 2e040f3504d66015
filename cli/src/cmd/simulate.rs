//! `simulate`: a compiled design on images, compared with what its network computes.

use crate::calibration::Calibration;
use crate::domain;
use crate::engine::{Engine, EngineError, with_executor};
use crate::failure::{Exit, Failure};
use crate::images;
use crate::model::Model;
use crate::output::show;
use crate::progress;
use crate::report::RunReport;
use crate::serve::serve;
use clap::Args;
use compiler::plan::Plan;
use miette::Diagnostic;
use sim::trace::first_difference;
use sim::{CycleReport, Executor, RunOptions};
use std::path::PathBuf;
use thiserror::Error;

/// Simulate a compiled design and compare every integer with the network's own.
#[derive(Debug, Args)]
pub struct Simulate {
    /// A directory written by `compile`.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Images: .npy of uint8, int8 or float32, leading axis = images; values are taken as they are.
    #[arg(long, value_name = "X.npy", required_unless_present = "serve")]
    input: Option<PathBuf>,
    /// Classes of the images: .npy of integers.
    #[arg(long, value_name = "L.npy")]
    labels: Option<PathBuf>,
    /// Where to write the outputs: float32 scores, or int64 class indices.
    #[arg(long, value_name = "Y.npy")]
    output: Option<PathBuf>,
    /// What simulates it: rtl, verilator, or gates (the netlist, after `build`).
    #[arg(long, value_name = "ENGINE", default_value = "rtl")]
    on: String,
    /// Simulate only the first N images.
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// Hold words back at random on both ends; the same seed gives the same pattern.
    #[arg(long, value_name = "SEED")]
    backpressure: Option<u64>,
    /// Write a waveform.
    #[arg(long, value_name = "F.vcd")]
    wave: Option<PathBuf>,
    /// Write each layer's integers into this directory.
    #[arg(long, value_name = "DIR")]
    trace: Option<PathBuf>,
    /// Instead of running images, let the simulated board answer on a pseudo-terminal, for `run --on uart:PATH` in
    /// another process, and the simulated card in a file, for `run --on pcie:FILE`.
    #[arg(long, conflicts_with_all = ["input", "labels", "output", "count", "backpressure", "wave", "trace"])]
    serve: bool,
    /// With --serve: the file that stands for the card's memory, which must be new and is removed in the end.
    #[arg(long, value_name = "FILE", requires = "serve")]
    bar: Option<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// The answer is no.
#[derive(Debug, Error, Diagnostic)]
enum Mismatch {
    /// Scores differ.
    #[error("every engine must give the same integers, but the simulated design differs{place}")]
    #[diagnostic(
        code(xnorforge::mismatch),
        help(
            "this is a fault of xnorforge: please report it with the model; `--trace DIR --wave F.vcd` records the evidence"
        )
    )]
    Integers {
        /// Where, with leading punctuation.
        place: String,
    },
    /// Another interval than planned.
    #[error("the design must take an image every {planned} cycles as planned, but takes one every {measured}")]
    #[diagnostic(
        code(xnorforge::interval),
        help("this is a fault of xnorforge: please report it with the model and the folding")
    )]
    Interval {
        /// The plan's interval.
        planned: u64,
        /// The simulation's.
        measured: u64,
    },
    /// Another latency than planned.
    #[error("the first image must be through after {planned} cycles as planned, but takes {measured}")]
    #[diagnostic(
        code(xnorforge::latency),
        help("this is a fault of xnorforge: please report it with the model and the folding")
    )]
    Latency {
        /// The plan's latency.
        planned: u64,
        /// The simulation's.
        measured: u64,
    },
}

/// Images until the pipeline is full and every further interval is the planned one.
const WARM_UP_IMAGES: usize = 8;

impl Simulate {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Failure> {
        let engine: Engine = self.on.parse()?;
        if !matches!(engine, Engine::Rtl | Engine::Verilator | Engine::Gates) {
            return Err(EngineError::NoSimulator { found: self.on }.into());
        }
        if !self.folder.is_dir() {
            return Err(EngineError::NotCompiled { path: self.folder.display().to_string() }.into());
        }
        let model = Model::open(&self.folder, &Calibration::default())?;
        let Model::Compiled { compiled, .. } = &model else {
            return Err(EngineError::NotCompiled { path: self.folder.display().to_string() }.into());
        };
        let Some(input) = self.input.as_deref().filter(|_| !self.serve) else {
            return serve(compiled, &self.folder, &engine, self.bar.as_deref(), self.json);
        };
        let network = model.network();
        let images = images::images(input, &network.input_map.shape, self.count)?;
        let labels = self.labels.as_deref().map(|path| images::labels(path, images.len(), Some(network.classes())));
        let (labels, outside) = (labels.transpose()?, domain::outside(&network.input_map, &images));
        let (bar, progress) = progress::bar(images.len());
        let options = RunOptions {
            back_pressure: self.backpressure,
            wave: self.wave.clone(),
            trace: self.trace.is_some(),
            progress: Some(progress),
        };
        let run = with_executor(&model, &engine, |executor| Ok(executor.run(&images, &options)?))?;
        bar.finish_and_clear();
        if let Some(path) = &self.output {
            images::write_outputs(path, &network.output_map.shape, &run.scores)?;
        }
        if let (Some(folder), Some(trace)) = (&self.trace, &run.trace) {
            trace.write(folder).map_err(Failure::of_input)?;
        }
        let report = RunReport::new(&run.scores, labels.as_deref(), run.cycles.as_ref(), outside);
        if self.json {
            show(&(serde_json::to_string(&report).map_err(anyhow::Error::from)? + "\n"))?;
        } else {
            show(&report.text())?;
        }
        let options = RunOptions { trace: run.trace.is_some(), ..RunOptions::default() };
        let expected = sim::packed::Packed::new(network).run(&images, &options)?;
        let difference = match (&expected.trace, &run.trace) {
            (Some(expected), Some(found)) => {
                first_difference(expected, found).map(|difference| format!(": {difference}"))
            }
            _ => None,
        };
        let unexplained =
            || (expected.scores != run.scores).then(|| "; run again with `--trace DIR` to see where".into());
        if let Some(place) = difference.or_else(unexplained) {
            return Err(Failure::new(Exit::No, Mismatch::Integers { place }));
        }
        if let Some(cycles) = run.cycles.as_ref().filter(|_| self.backpressure.is_none()) {
            check_cycles(&compiled.plan, cycles)?;
        }
        if !self.json {
            let compared =
                if run.trace.is_some() { "every output and every traced layer equals" } else { "every output equals" };
            show(&format!("{compared} the network's\n"))?;
        }
        Ok(())
    }
}

/// Compares measured cycles with the planned ones.
fn check_cycles(plan: &Plan, cycles: &CycleReport) -> Result<(), Failure> {
    let planned = plan.initiation_interval;
    let differing = cycles.intervals.iter().skip(WARM_UP_IMAGES).copied().find(|cycles| *cycles != planned);
    if let Some(measured) = differing {
        return Err(Failure::new(Exit::No, Mismatch::Interval { planned, measured }));
    }
    if cycles.latency_cycles != plan.latency {
        return Err(Failure::new(
            Exit::No,
            Mismatch::Latency { planned: plan.latency, measured: cycles.latency_cycles },
        ));
    }
    Ok(())
}
