//! `quantize`: few-bit weights, and with images fixed-point activations, for a model trained in floats.

use crate::calibration::tensors;
use crate::failure::Failure;
use crate::images;
use crate::output::show;
use crate::report::RunReport;
use anyhow::Context;
use clap::Args;
use network::approximate::approximate;
use network::calibrate::{Activations, calibrate};
use network::graph::{Approximation, Graph};
use network::onnx;
use network::quantize::model::{DotProduct, QuantizedLayer, dot_products, quantize};
use network::quantize::{QuantizeError, Scheme, re_estimate};
use network::reference::Evaluator;
use serde::Serialize;
use sim::reference::Reference;
use sim::{Executor, RunOptions};
use std::path::{Path, PathBuf};
use std::str::FromStr;

const SCHEMES: &str = "\
Schemes, NAME[:PARAMETERS][/layer|/channel]; the last says which weights share a scale:
  bwn             ±1: BWN and XNOR-Net (also named xnor)
  bwnh            ±1 that keep inner products with a layer's inputs (with --calibrate)
  twn[:F]         0 ±1, threshold F·E|W|: ternary weight networks [F: 0.7]
  tsq             0 ±1 that keep a layer's results: two-step quantisation (with --calibrate)
  ttq[:T]         +p 0 -n, threshold T·max|W|: trained ternary quantisation, as it begins [T: 0.05]
  fgq:N           0 ±1 with a scale for each N inputs: fine-grained quantisation
  admm:A          the nearest multiples of binary, ternary, 2 (0 ±1 ±2) or 4 (0 ±1 ±2 ±4)
  inq:B           0 and powers of two in B bits: incremental network quantisation
  shiftcnn:N,B    sums of N powers of two of B bits: ShiftCNN
  abc:M           M shifted bases of ±1: ABC-Net
  horq:K          K residual bases of ±1: high-order residual quantisation
  dorefa:K        odd integers of K bits through tanh: DoReFa-Net
  hwgq:B          levels for Gaussian weights of B bits: HWGQ and EdMIPS
  linear:B        two's complement of B bits, steps of a power of two
  minmax:B log:B tanh:B   2^B even levels of W, ln|W|, tanh W";

/// Quantise a model that was trained in floats, and write it as QONNX.
///
/// The weights of every dot product are replaced by those of the scheme; with
/// --calibrate, activations become fixed-point numbers as well.
#[derive(Debug, Args)]
#[command(after_help = SCHEMES)]
pub struct Quantize {
    /// An ONNX file.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The file to write.
    #[arg(short, long, value_name = "OUT.onnx")]
    output: PathBuf,
    /// How weights are quantised, see below.
    #[arg(long, value_name = "S")]
    scheme: String,
    /// Scheme of the first and the last layer, or `keep` to leave them as they are [default: that of the others].
    #[arg(long, value_name = "S|keep")]
    first_last: Option<String>,
    /// Leave the weights of this node as they are; may be given several times.
    #[arg(long, value_name = "NODE")]
    keep: Vec<String>,
    /// Images to choose the formats of activations on, and for schemes that see what layers read: .npy as for `run`.
    #[arg(long, value_name = "X.npy")]
    calibrate: Option<PathBuf>,
    /// Take the means and variances of batch normalisations anew on the images of --calibrate.
    #[arg(long, requires = "calibrate")]
    re_estimate: bool,
    /// What activations become: BITS, any:BITS, hwgq:BITS, or `keep` to leave them as they are [default: 8].
    #[arg(long, value_name = "A|keep", requires = "calibrate")]
    activations: Option<String>,
    /// Images to tell the accuracy on [default: those of --calibrate].
    #[arg(long, value_name = "X.npy", requires = "labels")]
    input: Option<PathBuf>,
    /// Classes of the images, .npy of integers: tells the accuracy before and after.
    #[arg(long, value_name = "L.npy")]
    labels: Option<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Labels of no images.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("`--labels` must come with images, but there is neither `--input` nor `--calibrate`")]
#[diagnostic(
    code(xnorforge::labels_without_images),
    help("add `--input X.npy` with the images that the labels belong to")
)]
pub struct LabelsWithoutImages;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report {
    layers: Vec<LayerReport>,
    /// Bits of all weights of dot products, those left as they are included.
    weight_bits: u64,
    /// The same before, in float32.
    float_bits: u64,
    /// What the file computes otherwise than the numbers that it was made from.
    approximations: Vec<Approximation>,
    /// Right answers before and after, of how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<Accuracy>,
}

#[derive(Debug, Serialize)]
struct LayerReport {
    name: String,
    outputs: usize,
    channels: usize,
    taps: usize,
    /// Null where the weights were left as they are.
    scheme: Option<String>,
    format: String,
    relative_mse: f64,
    bits: u64,
}

#[derive(Debug, Serialize)]
struct Accuracy {
    images: usize,
    correct_before: usize,
    correct_after: usize,
}

/// A scheme, or `keep`.
fn scheme_or_keep(text: &str) -> Result<Option<Scheme>, Failure> {
    if text == "keep" { Ok(None) } else { Ok(Some(Scheme::from_str(text)?)) }
}

impl Quantize {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Failure> {
        let scheme: Scheme = self.scheme.parse()?;
        let ends = self.first_last.as_deref().map(scheme_or_keep).transpose()?.unwrap_or(Some(scheme));
        let activations = match self.activations.as_deref() {
            Some("keep") => None,
            Some(text) => Some(text.parse::<Activations>()?),
            None => Some(Activations::default()),
        };
        let graph = onnx::import(&self.model)?;
        let images = match &self.calibrate {
            None => Vec::new(),
            Some(path) => tensors(path, &graph, None)?,
        };
        let test = self.test_images(&graph)?;
        let evaluator = Evaluator::new(&graph)?;
        let dots = dot_products(&graph, &evaluator);
        let named: Vec<&str> = dots.iter().map(|dot| graph.node(dot.node).name.as_str()).collect();
        if let Some(node) = self.keep.iter().find(|node| !named.contains(&node.as_str())) {
            return Err(QuantizeError::NoSuchNode { node: node.clone(), nodes: named.join(", ") }.into());
        }
        let choose = |dot: &DotProduct| {
            let is_end = [dots.first(), dots.last()].iter().flatten().any(|end| end.node == dot.node);
            let is_kept = self.keep.contains(&graph.node(dot.node).name);
            if is_kept {
                None
            } else if is_end {
                ends
            } else {
                Some(scheme)
            }
        };
        let (mut quantized, layers) = quantize(&graph, choose, &images)?;
        if self.re_estimate {
            quantized = re_estimate(&quantized, &images)?;
        }
        if let (Some(activations), false) = (activations, images.is_empty()) {
            quantized = calibrate(&quantized, &images, &activations)?;
        }
        let bytes = onnx::export(&quantized)?;
        // As every verb reads the file: what has no exact integer form is moved, and told.
        let written = approximate(onnx::import_bytes(&bytes, None, &graph.name)?)?;
        let accuracy = match test {
            None => None,
            Some((images, labels)) => Some(Accuracy {
                images: images.len(),
                correct_before: correct(&graph, &images, &labels)?,
                correct_after: correct(&written, &images, &labels)?,
            }),
        };
        write(&self.output, &bytes)?;
        let approximations = [quantized.approximations, written.approximations].concat();
        let report = Report::new(&graph, &dots, layers, approximations, accuracy);
        if self.json {
            show(&(serde_json::to_string(&report).map_err(anyhow::Error::from)? + "\n"))
        } else {
            show(&format!("{}written to {}\n", report.text(), self.output.display()))
        }
    }

    /// Images with their labels, where labels are given.
    #[allow(clippy::type_complexity, reason = "images and labels, where there are any")]
    fn test_images(&self, graph: &Graph) -> Result<Option<(Vec<Vec<f32>>, Vec<i64>)>, Failure> {
        let Some(labels) = &self.labels else {
            return Ok(None);
        };
        let path = self.input.as_ref().or(self.calibrate.as_ref()).ok_or(LabelsWithoutImages)?;
        let images = images::images(path, &graph.value(graph.input).shape, None)?;
        let labels = images::labels(labels, images.len(), classes(graph))?;
        Ok(Some((images, labels)))
    }
}

/// The number of classes that the scores of a graph stand for; `None` where its output is an index.
fn classes(graph: &Graph) -> Option<usize> {
    let output = graph.value(graph.output);
    let scores = output.shape.iter().product();
    (!output.is_integer).then_some(if scores == 1 { 2 } else { scores })
}

/// How many predictions of a graph are right.
fn correct(graph: &Graph, images: &[Vec<f32>], labels: &[i64]) -> Result<usize, Failure> {
    let run = Reference::new(graph)?.run(images, &RunOptions::default())?;
    Ok(RunReport::new(&run.scores, Some(labels), None, None).correct.unwrap_or(0))
}

/// Writes a file in one step: nobody finds half of it.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".partial{}", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        // There is nothing to be done about a file that cannot be removed either.
        let _ = std::fs::remove_file(&beside);
    }
    Ok(written.with_context(|| format!("cannot write {}", path.display()))?)
}

impl Report {
    fn new(
        graph: &Graph,
        dots: &[DotProduct],
        quantized: Vec<QuantizedLayer>,
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
        Report {
            weight_bits: layers.iter().map(|layer| layer.bits).sum(),
            float_bits: dots.iter().map(|dot| 32 * dot.weights().values.len() as u64).sum(),
            layers,
            approximations,
            accuracy,
        }
    }

    fn text(&self) -> String {
        let width = self.layers.iter().map(|layer| layer.name.len()).fold("layer".len(), usize::max);
        let format = self.layers.iter().map(|layer| layer.format.chars().count()).fold("weights".len(), usize::max);
        let mut text = format!(
            "{:<width$} {:>14}  {:<format$} {:>12} {:>10}\n",
            "layer", "shape", "weights", "relative mse", "bits"
        );
        for layer in &self.layers {
            let taps = if layer.taps > 1 { format!(" x {}", layer.taps) } else { String::new() };
            let shape = format!("{} x {}{taps}", layer.outputs, layer.channels);
            text += &format!(
                "{:<width$} {shape:>14}  {:<format$} {:>12.4} {:>10}\n",
                layer.name, layer.format, layer.relative_mse, layer.bits
            );
        }
        let ratio = self.float_bits as f64 / self.weight_bits.max(1) as f64;
        text += &format!("weights {} bits, {ratio:.1} times less than in float32\n", self.weight_bits);
        for approximation in &self.approximations {
            text += &format!(
                "{} {}, relative mse {:.1e}\n",
                approximation.node, approximation.format, approximation.relative_mse
            );
        }
        if let Some(Accuracy { images, correct_before, correct_after }) = &self.accuracy {
            let percent = |correct: usize| 100.0 * correct as f64 / *images as f64;
            text += &format!(
                "correct {correct_before} of {images} ({:.2} %) before, {correct_after} ({:.2} %) after\n",
                percent(*correct_before),
                percent(*correct_after)
            );
        }
        text
    }
}
