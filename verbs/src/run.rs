//! `run`: a network on images, on any engine.

use crate::engine::{Engine, Setting, with_executor};
use crate::error::VerbError;
use crate::images;
use crate::model::{Ends, with_subject};
use crate::observer::{Observer, outside};
use crate::preparation::Preparation;
use crate::refusals::LabelsOfMap;
use abi::OutputMap;
use abi::domain::Outside;
use abi::maps::Scores;
use flow::artifacts::Trust;
use serde::Serialize;
use sim::{CycleReport, Run, RunOptions};
use std::path::PathBuf;

/// Images and what to make of them.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The images: an `.npy` file of uint8, int8 or float32, leading axis = images.
    pub images: PathBuf,
    /// Their classes: an `.npy` file of integers.
    pub labels: Option<PathBuf>,
    /// Where to write the outputs.
    pub output: Option<PathBuf>,
    /// Run only so many images.
    pub count: Option<usize>,
    /// Where to write each layer's integers.
    pub trace: Option<PathBuf>,
}

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// A QONNX or TensorFlow Lite file, or a directory that `compile` wrote.
    pub model: PathBuf,
    /// What runs it.
    pub engine: Engine,
    /// The images.
    pub batch: Batch,
    /// Where to write down what passes over the engine's serial line.
    pub record: Option<PathBuf>,
    /// Whether files of a directory are executed as they lie.
    pub trust: Trust,
    /// What is done to the graph of a model first.
    pub preparation: Preparation,
}

/// What a run says of itself.
#[derive(Clone, Debug, Serialize)]
pub struct RunReport {
    /// Number of images run.
    pub images: usize,
    /// Predicted class of each image; none where the output is no vector of classes.
    pub predictions: Vec<i64>,
    /// Of an output of several indices, the indices of each image, the first of which is the prediction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indices: Option<Vec<Vec<i64>>>,
    /// Shape of an image's output, where that is no vector of classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_shape: Option<Vec<usize>>,
    /// Images whose prediction is their label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correct: Option<usize>,
    /// `correct` divided by `images`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Values that the network was not made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside: Option<Outside>,
    /// Clock cycles of the whole simulation and its parts.
    #[serde(flatten)]
    pub cycles: Option<Cycles>,
}

/// Clock cycles of a simulation.
#[derive(Clone, Debug, Serialize)]
pub struct Cycles {
    /// From the first word accepted to the last word accepted.
    pub cycles: u64,
    /// Between two images; null for a single image.
    pub initiation_interval_cycles: Option<u64>,
    /// From an image's first word accepted to its last.
    pub latency_cycles: u64,
}

/// How many predictions are the labels.
pub(crate) fn correct(predictions: &[i64], labels: &[i64]) -> usize {
    predictions.iter().zip(labels).filter(|(prediction, label)| prediction == label).count()
}

impl RunReport {
    /// The report of a run with these outputs, with `labels`, where there are any, of images with values `outside` of the network's domain.
    fn new(
        output_map: &OutputMap,
        scores: &[Scores],
        labels: Option<&[i64]>,
        cycles: Option<&CycleReport>,
        outside: Option<Outside>,
    ) -> Self {
        let is_vector = is_vector(&output_map.shape);
        let predictions: Vec<i64> = match is_vector {
            true => scores.iter().map(|output| output_map.prediction(output)).collect(),
            false => Vec::new(),
        };
        let indices = |output: &Scores| match output {
            Scores::Indices(indices) if is_vector && indices.len() > 1 => Some(indices.clone()),
            Scores::Indices(_) | Scores::Values(_) => None,
        };
        let correct = labels.filter(|_| is_vector).map(|labels| correct(&predictions, labels));
        RunReport {
            images: scores.len(),
            accuracy: correct.map(|correct| correct as f64 / scores.len() as f64),
            correct,
            predictions,
            indices: scores.iter().map(indices).collect::<Option<Vec<_>>>().filter(|indices| !indices.is_empty()),
            output_shape: (!is_vector).then(|| output_map.shape.clone()),
            outside,
            cycles: cycles.map(|report| Cycles {
                cycles: report.cycles,
                initiation_interval_cycles: report.initiation_interval_cycles,
                latency_cycles: report.latency_cycles,
            }),
        }
    }
}

/// Whether an output of this shape is a vector, of classes or of a single number.
fn is_vector(shape: &[usize]) -> bool {
    shape.iter().filter(|extent| **extent != 1).count() <= 1
}

/// Refuses labels of outputs that are no vector of classes.
///
/// # Errors
/// Where the output has another shape.
pub(crate) fn check_vector(shape: &[usize]) -> Result<(), LabelsOfMap> {
    if is_vector(shape) { Ok(()) } else { Err(LabelsOfMap { shape: shape.to_vec() }) }
}

/// Runs a network on images.
///
/// # Errors
/// Where the model, the images or the engine cannot be had, the run fails, or a file cannot be written.
pub fn run(options: &Options, observer: &dyn Observer) -> Result<RunReport, VerbError> {
    let Options { model, engine, batch, record, preparation, trust } = options;
    with_subject(model, preparation, engine.is_device(), |subject| {
        let batch = LoadedBatch::new(batch, subject.ends(), observer)?;
        let run_options = batch.run_options(observer);
        let setting = Setting { record: record.as_deref(), trust: *trust, observer };
        let run =
            with_executor(subject, engine, setting, |executor, _| Ok(executor.run(&batch.images, &run_options)?))?;
        observer.run_ends();
        batch.finish(&run)
    })
}

/// A batch whose files were read.
pub(crate) struct LoadedBatch<'a> {
    options: &'a Batch,
    ends: Ends<'a>,
    /// The images.
    pub(crate) images: Vec<Vec<f32>>,
    labels: Option<Vec<i64>>,
    outside: Option<Outside>,
}

impl<'a> LoadedBatch<'a> {
    /// Reads images and labels for a network with these ends.
    pub(crate) fn new(options: &'a Batch, ends: Ends<'a>, observer: &dyn Observer) -> Result<Self, VerbError> {
        let images = images::images(&options.images, &ends.input_map.shape, options.count)?;
        let labels = options.labels.as_deref();
        if labels.is_some() {
            check_vector(&ends.output_map.shape)?;
        }
        let labels = labels.map(|path| images::labels(path, images.len(), ends.classes)).transpose()?;
        let outside = outside(ends.input_map, &images, observer);
        Ok(LoadedBatch { options, ends, images, labels, outside })
    }

    /// How an executor is to run the images.
    pub(crate) fn run_options(&self, observer: &dyn Observer) -> RunOptions {
        let progress = observer.run_begins(self.images.len());
        RunOptions { trace: self.options.trace.is_some(), progress, ..RunOptions::default() }
    }

    /// Writes the files that are asked for, and reports the run.
    pub(crate) fn finish(&self, run: &Run) -> Result<RunReport, VerbError> {
        if let Some(path) = &self.options.output {
            images::write_outputs(path, &self.ends.output_map.shape, &run.scores)?;
        }
        if let (Some(folder), Some(trace)) = (&self.options.trace, &run.trace) {
            trace.write(folder).map_err(|error| VerbError::Trace(Box::new(error)))?;
        }
        let (map, labels) = (self.ends.output_map, self.labels.as_deref());
        Ok(RunReport::new(map, &run.scores, labels, run.cycles.as_ref(), self.outside.clone()))
    }
}
