//! `simulate`: a compiled design on images, compared with what its network computes.

use crate::engine::{Engine, Setting, with_executor};
use crate::engine_error::EngineError;
use crate::error::VerbError;
use crate::model::{Model, Subject};
use crate::observer::Observer;
use crate::preparation::Preparation;
use crate::refusals::Mismatch;
use crate::run::{Batch, LoadedBatch, RunReport};
use compiler::plan::Plan;
use flow::artifacts::{Compiled, Trust};
use sim::trace::first_difference;
use sim::{CycleReport, Executor, Run, RunOptions};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What simulates a design.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Simulator {
    /// rust-hdl.
    Rtl,
    /// Verilator, from the Verilog.
    Verilator,
    /// Verilator, from the netlist that `build` made.
    Gates,
}

impl FromStr for Simulator {
    type Err = EngineError;

    fn from_str(word: &str) -> Result<Self, EngineError> {
        match word.parse()? {
            Engine::Rtl => Ok(Simulator::Rtl),
            Engine::Verilator => Ok(Simulator::Verilator),
            Engine::Gates => Ok(Simulator::Gates),
            Engine::Cpu
            | Engine::Reference
            | Engine::Plan
            | Engine::Simulated(_)
            | Engine::Device(_)
            | Engine::Replay(_) => Err(EngineError::NoSimulator { found: word.to_owned() }),
        }
    }
}

impl From<Simulator> for Engine {
    fn from(simulator: Simulator) -> Self {
        match simulator {
            Simulator::Rtl => Engine::Rtl,
            Simulator::Verilator => Engine::Verilator,
            Simulator::Gates => Engine::Gates,
        }
    }
}

/// What to simulate.
#[derive(Clone, Debug)]
pub struct Options {
    /// A directory that `compile` wrote.
    pub folder: PathBuf,
    /// What simulates it.
    pub simulator: Simulator,
    /// The images.
    pub batch: Batch,
    /// Seed of a pattern of words held back on both ends.
    pub back_pressure: Option<u64>,
    /// Where to write a waveform.
    pub wave: Option<PathBuf>,
    /// Whether files of the directory are executed as they lie.
    pub trust: Trust,
}

/// What was simulated.
#[derive(Debug)]
pub struct Simulated {
    /// The run, whatever the comparison says.
    pub report: RunReport,
    /// What was compared.
    pub verdict: Result<Equal, VerbError>,
}

/// A simulation that is as it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Equal {
    /// Every output is the network's.
    Outputs,
    /// Every output and every traced layer is the network's.
    OutputsAndLayers,
}

/// Images until the pipeline is full and every further interval is the planned one.
const WARM_UP_IMAGES: usize = 8;

/// Simulates a compiled design and compares every integer with the network's own, and cycles with those planned.
///
/// # Errors
/// Where the directory, the images or the simulator cannot be had, the simulation fails, or a file cannot be written. That
/// the design differs is part of what is simulated.
pub fn simulate(options: &Options, observer: &dyn Observer) -> Result<Simulated, VerbError> {
    let model = open(&options.folder)?;
    let subject = Subject::Model(&model);
    let batch = LoadedBatch::new(&options.batch, subject.ends(), observer)?;
    let run_options =
        RunOptions { back_pressure: options.back_pressure, wave: options.wave.clone(), ..batch.run_options(observer) };
    let setting = Setting { record: None, trust: options.trust, observer };
    let run = with_executor(subject, &options.simulator.into(), setting, |executor, _| {
        Ok(executor.run(&batch.images, &run_options)?)
    })?;
    observer.run_ends();
    let report = batch.finish(&run)?;
    let verdict = compare(&model, options, &batch.images, &run);
    Ok(Simulated { report, verdict })
}

/// The compiled directory `folder` as a model.
fn open(folder: &Path) -> Result<Model, VerbError> {
    if !folder.is_dir() {
        return Err(EngineError::NotCompiled { path: folder.display().to_string() }.into());
    }
    Model::open(folder, &Preparation::default())
}

/// The contents of the compiled directory `folder`.
pub(crate) fn compiled(folder: &Path) -> Result<Box<Compiled>, VerbError> {
    match open(folder)? {
        Model::Compiled { compiled, .. } => Ok(compiled),
        Model::Imported { path, .. } => Err(EngineError::NotCompiled { path: path.display().to_string() }.into()),
    }
}

fn compare(model: &Model, options: &Options, images: &[Vec<f32>], run: &Run) -> Result<Equal, VerbError> {
    let run_options = RunOptions { trace: run.trace.is_some(), ..RunOptions::default() };
    let expected = sim::packed::Packed::new(model.network()).run(images, &run_options)?;
    let difference = match (&expected.trace, &run.trace) {
        (Some(expected), Some(found)) => first_difference(expected, found).map(|difference| format!(": {difference}")),
        _ => None,
    };
    let unexplained = || (expected.scores != run.scores).then(|| "; run again with `--trace DIR` to see where".into());
    if let Some(place) = difference.or_else(unexplained) {
        return Err(Mismatch::Integers { place }.into());
    }
    if let (Model::Compiled { compiled, .. }, Some(cycles), None) = (model, &run.cycles, options.back_pressure) {
        check_cycles(&compiled.plan, cycles)?;
    }
    Ok(if run.trace.is_some() { Equal::OutputsAndLayers } else { Equal::Outputs })
}

/// Compares measured cycles with the planned ones.
fn check_cycles(plan: &Plan, cycles: &CycleReport) -> Result<(), Mismatch> {
    let planned = plan.initiation_interval;
    let differing = cycles.intervals.iter().skip(WARM_UP_IMAGES).copied().find(|cycles| *cycles != planned);
    if let Some(measured) = differing {
        return Err(Mismatch::Interval { planned, measured });
    }
    if cycles.latency_cycles != plan.latency {
        return Err(Mismatch::Latency { planned: plan.latency, measured: cycles.latency_cycles });
    }
    Ok(())
}
