//! `quantize`: few-bit weights, and with images fixed-point activations, for a model trained in floats.

use crate::output::{show, show_json};
use clap::Args;
use network::calibrate::Activations;
use network::quantize::{Scheme, SchemeError};
use std::path::PathBuf;
use std::str::FromStr;
use verbs::VerbError;
use verbs::quantize::{Accuracy, Options, QuantizeReport};

const SCHEMES: &str = "\
Schemes, NAME[:PARAMETERS][/layer|/channel]; /layer, /channel: the weights that share a scale:
  bwn             ±1: BWN and XNOR-Net (also named xnor)
  bwnh            ±1 that keep inner products with a layer's inputs (with --calibrate)
  twn[:F]         0 ±1, threshold F·E|W|: ternary weight networks [F: 0.7]
  tsq             0 ±1 that keep a layer's results: two-step quantisation (with --calibrate)
  ttq[:T]         +p 0 -n, threshold T·max|W|: trained ternary quantisation, initial [T: 0.05]
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

/// Quantise a float model and write it as QONNX.
///
/// Quantises the weights of every dot product; with --calibrate, the activations as well.
#[derive(Debug, Args)]
#[command(after_help = SCHEMES)]
pub struct Quantize {
    /// An ONNX file.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The file to write.
    #[arg(short, long, value_name = "OUT.onnx")]
    output: PathBuf,
    /// Quantisation scheme of the weights, see below.
    #[arg(long, value_name = "S")]
    scheme: String,
    /// Scheme of the first and the last layer, or `keep` to leave them as they are [default: as --scheme].
    #[arg(long, value_name = "S|keep")]
    first_last: Option<String>,
    /// Leave the weights of this node as they are; may be given several times.
    #[arg(long, value_name = "NODE")]
    keep: Vec<String>,
    /// Calibration images, for activations and for data-dependent schemes: .npy as for `run`.
    #[arg(long, value_name = "X.npy")]
    calibrate: Option<PathBuf>,
    /// Recompute means and variances of batch normalisations on the images of --calibrate.
    #[arg(long, requires = "calibrate")]
    re_estimate: bool,
    /// Format of activations: BITS, any:BITS, hwgq:BITS, or `keep` to leave them as they are [default: 8].
    #[arg(long, value_name = "A|keep", requires = "calibrate")]
    activations: Option<String>,
    /// Images to measure the accuracy on [default: those of --calibrate].
    #[arg(long, value_name = "X.npy", requires = "labels")]
    input: Option<PathBuf>,
    /// Classes of the images, .npy of integers: reports the accuracy before and after.
    #[arg(long, value_name = "L.npy")]
    labels: Option<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// A scheme, or `keep`.
fn scheme_or_keep(text: &str) -> Result<Option<Scheme>, SchemeError> {
    if text == "keep" { Ok(None) } else { Ok(Some(Scheme::from_str(text)?)) }
}

impl Quantize {
    /// Runs the verb.
    pub fn run(self) -> Result<(), VerbError> {
        let scheme: Scheme = self.scheme.parse()?;
        let ends = self.first_last.as_deref().map(scheme_or_keep).transpose()?.unwrap_or(Some(scheme));
        let activations = match self.activations.as_deref() {
            Some("keep") => None,
            Some(text) => Some(text.parse::<Activations>()?),
            None => Some(Activations::default()),
        };
        let options = Options {
            model: self.model,
            output: self.output,
            scheme,
            ends,
            keep: self.keep,
            calibrate: self.calibrate,
            re_estimate: self.re_estimate,
            activations,
            images: self.input,
            labels: self.labels,
        };
        let report = verbs::quantize::quantize(&options)?;
        if self.json {
            return show_json(&report);
        }
        show(&format!("{}written to {}\n", text(&report), options.output.display()))
    }
}

fn text(report: &QuantizeReport) -> String {
    let width = report.layers.iter().map(|layer| layer.name.len()).fold("layer".len(), usize::max);
    let format = report.layers.iter().map(|layer| layer.format.chars().count()).fold("weights".len(), usize::max);
    let mut text =
        format!("{:<width$} {:>14}  {:<format$} {:>12} {:>10}\n", "layer", "shape", "weights", "relative mse", "bits");
    for layer in &report.layers {
        let taps = if layer.taps > 1 { format!(" x {}", layer.taps) } else { String::new() };
        let shape = format!("{} x {}{taps}", layer.outputs, layer.channels);
        text += &format!(
            "{:<width$} {shape:>14}  {:<format$} {:>12.4} {:>10}\n",
            layer.name, layer.format, layer.relative_mse, layer.bits
        );
    }
    let ratio = report.float_bits as f64 / report.weight_bits.max(1) as f64;
    text += &format!("weights {} bits, {ratio:.1} times smaller than in float32\n", report.weight_bits);
    for approximation in &report.approximations {
        text += &format!(
            "{} {}, relative mse {:.1e}\n",
            approximation.node, approximation.format, approximation.relative_mse
        );
    }
    if let Some(Accuracy { images, correct_before, correct_after }) = &report.accuracy {
        let percent = |correct: usize| 100.0 * correct as f64 / *images as f64;
        text += &format!(
            "correct {correct_before} of {images} ({:.2} %) before, {correct_after} ({:.2} %) after\n",
            percent(*correct_before),
            percent(*correct_after)
        );
    }
    text
}
