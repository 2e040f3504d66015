//! `quantize`: few-bit weights, and with images fixed-point activations, for a model trained in floats.

use crate::calibration::tensors;
use crate::error::VerbError;
use crate::file::FileError;
use crate::images;
use crate::refusals::LabelsWithoutImages;
use crate::run::{self, check_vector};
use abi::maps::image_shape;
use flow::atomic;
use network::approximate::approximate;
use network::calibrate::{Activations, calibrate};
use network::graph::{Approximation, Graph};
use network::onnx;
use network::quantize::model::{DotProduct, QuantizedLayer, dot_products, quantize as quantize_weights};
use network::quantize::{QuantizeError, Scheme, re_estimate};
use network::reference::Evaluator;
use serde::Serialize;
use sim::reference::Reference;
use sim::{Executor, RunOptions};
use std::path::{Path, PathBuf};

/// What to quantise, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// An ONNX file.
    pub model: PathBuf,
    /// The file to write.
    pub output: PathBuf,
    /// How weights are quantised.
    pub scheme: Scheme,
    /// How those of the first and the last layer are; `None` leaves them as they are.
    pub ends: Option<Scheme>,
    /// Nodes whose weights are left as they are.
    pub keep: Vec<String>,
    /// Images to choose the formats of activations on, and for schemes that see what layers read: an `.npy` file.
    pub calibrate: Option<PathBuf>,
    /// Whether to take the means and variances of batch normalisations anew on these images.
    pub re_estimate: bool,
    /// What activations become; `None` leaves them as they are.
    pub activations: Option<Activations>,
    /// Images to measure the accuracy on; without them those of `calibrate`.
    pub images: Option<PathBuf>,
    /// Their classes: an `.npy` file of integers. Without them no accuracy is reported.
    pub labels: Option<PathBuf>,
}

/// What was quantised.
#[derive(Clone, Debug, Serialize)]
pub struct QuantizeReport {
    /// The dot products.
    pub layers: Vec<LayerReport>,
    /// Bits of all weights of dot products, those left as they are included.
    pub weight_bits: u64,
    /// The same before, in float32.
    pub float_bits: u64,
    /// What the file computes otherwise than the numbers that it was made from.
    pub approximations: Vec<Approximation>,
    /// Right answers before and after, of how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<Accuracy>,
}

/// A dot product and its weights.
#[derive(Clone, Debug, Serialize)]
pub struct LayerReport {
    /// Name of its node.
    pub name: String,
    /// Outputs.
    pub outputs: usize,
    /// Input channels.
    pub channels: usize,
    /// Positions of a window.
    pub taps: usize,
    /// The scheme; null where the weights were left as they are.
    pub scheme: Option<String>,
    /// What the weights became.
    pub format: String,
    /// Mean square of the changes over that of the weights.
    pub relative_mse: f64,
    /// Bits of the weights.
    pub bits: u64,
}

/// Right answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Accuracy {
    /// Images asked for.
    pub images: usize,
    /// Right answers of the model as it was.
    pub correct_before: usize,
    /// Right answers of the file that was written.
    pub correct_after: usize,
}

/// Quantises a model that was trained in floats, and writes it as QONNX.
///
/// # Errors
/// Where the model or the images cannot be had, the weights or activations cannot be quantised, or the file cannot be written.
pub fn quantize(options: &Options) -> Result<QuantizeReport, VerbError> {
    let graph = onnx::import(&options.model)?;
    let images = match &options.calibrate {
        None => Vec::new(),
        Some(path) => tensors(path, &graph, None)?,
    };
    let test = test_images(options, &graph)?;
    let evaluator = Evaluator::new(&graph)?;
    let dots = dot_products(&graph, &evaluator);
    let named: Vec<&str> = dots.iter().map(|dot| graph.node(dot.node).name.as_str()).collect();
    if let Some(node) = options.keep.iter().find(|node| !named.contains(&node.as_str())) {
        return Err(QuantizeError::NoSuchNode { node: node.clone(), nodes: named.join(", ") }.into());
    }
    let choose = |dot: &DotProduct| {
        let is_end = [dots.first(), dots.last()].iter().flatten().any(|end| end.node == dot.node);
        let is_kept = options.keep.contains(&graph.node(dot.node).name);
        if is_kept {
            None
        } else if is_end {
            options.ends
        } else {
            Some(options.scheme)
        }
    };
    let (mut quantized, layers) = quantize_weights(&graph, choose, &images)?;
    if options.re_estimate {
        quantized = re_estimate(&quantized, &images)?;
    }
    if let (Some(activations), false) = (&options.activations, images.is_empty()) {
        quantized = calibrate(&quantized, &images, activations)?;
    }
    let bytes = onnx::export(&quantized)?;
    // As every verb reads the file: what has no exact integer form is rounded, and reported.
    let written = approximate(onnx::import_bytes(&bytes, None, &graph.name)?)?;
    let accuracy = match test {
        None => None,
        Some((images, labels)) => Some(Accuracy {
            images: images.len(),
            correct_before: correct(&graph, &images, &labels)?,
            correct_after: correct(&written, &images, &labels)?,
        }),
    };
    write(&options.output, &bytes)?;
    let approximations = [quantized.approximations, written.approximations].concat();
    Ok(QuantizeReport::new(&graph, &dots, &layers, approximations, accuracy))
}

/// Images with their labels, where labels are given.
#[allow(clippy::type_complexity, reason = "images and labels, where there are any")]
fn test_images(options: &Options, graph: &Graph) -> Result<Option<(Vec<Vec<f32>>, Vec<i64>)>, VerbError> {
    let Some(labels) = &options.labels else {
        return Ok(None);
    };
    let path = options.images.as_ref().or(options.calibrate.as_ref()).ok_or(LabelsWithoutImages)?;
    let images = images::images(path, &graph.value(graph.input).shape, None)?;
    let output = &graph.value(graph.output).shape;
    check_vector(image_shape(output))?;
    let labels = images::labels(labels, images.len(), classes(graph))?;
    Ok(Some((images, labels)))
}

/// The number of classes that the scores of a graph stand for; `None` where its output is an index.
fn classes(graph: &Graph) -> Option<usize> {
    let output = graph.value(graph.output);
    let scores = output.shape.iter().product();
    (!output.is_integer).then_some(if scores == 1 { 2 } else { scores })
}

/// How many predictions of a graph are right.
fn correct(graph: &Graph, images: &[Vec<f32>], labels: &[i64]) -> Result<usize, VerbError> {
    let run = Reference::new(graph)?.run(images, &RunOptions::default())?;
    let middle = if graph.gives_probability() { 0.5 } else { 0.0 };
    let predictions: Vec<i64> = run.scores.iter().map(|scores| scores.prediction(middle)).collect();
    Ok(run::correct(&predictions, labels))
}

/// Writes a file in one step: nobody finds half of it.
fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    atomic::write(path, bytes).map_err(FileError::context(format!("cannot write {}", path.display())))
}

impl QuantizeReport {
    fn new(
        graph: &Graph,
        dots: &[DotProduct],
        quantized: &[QuantizedLayer],
        approximations: Vec<Approximation>,
        accuracy: Option<Accuracy>,
    ) -> Self {
        let layer = |dot: &DotProduct| {
            let weights = dot.weights();
            let name = graph.node(dot.node).name.clone();
            let found = quantized.iter().find(|layer| layer.node == name);
            LayerReport {
                outputs: weights.outputs,
                channels: weights.channels,
                taps: weights.taps,
                scheme: found.map(|layer| layer.scheme.to_string()),
                format: found.map_or_else(|| "as it was".into(), |layer| layer.format.clone()),
                relative_mse: found.map_or(0.0, |layer| layer.relative_mse),
                bits: found.map_or(32 * weights.values.len() as u64, |layer| layer.bits),
                name,
            }
        };
        let layers: Vec<LayerReport> = dots.iter().map(layer).collect();
        QuantizeReport {
            weight_bits: layers.iter().map(|layer| layer.bits).sum(),
            float_bits: dots.iter().map(|dot| 32 * dot.weights().values.len() as u64).sum(),
            layers,
            approximations,
            accuracy,
        }
    }
}
