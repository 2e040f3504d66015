//! The report as the page reads it: `report.json` with every key optional, so that reports of other versions show what they
//! have.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A report.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Data {
    /// Name of the network.
    pub network: String,
    /// Board compiled for.
    pub board: Option<String>,
    /// Clock cycles between two images.
    pub initiation_interval_cycles: u64,
    /// Clock cycles from an image's first word to its last answer.
    pub latency_cycles: u64,
    /// Clock in MHz, on which the rates are based.
    pub clock_mhz: f64,
    /// Images per second that the core takes.
    pub fps: f64,
    /// Images per second through the board's link.
    pub link_fps: Option<f64>,
    /// Multiplications and additions of one image.
    pub ops_per_inference: u64,
    /// Bits of all weights.
    pub weight_bits: u64,
    /// Resources, estimated.
    pub estimate: Resources,
    /// The family that the estimate is for.
    pub estimate_family: Option<String>,
    /// Largest errors of past estimates.
    pub estimate_accuracy: Option<Accuracy>,
    /// Resources of the chip.
    pub available: Option<Available>,
    /// Resources and clock of the built design.
    pub measured: Option<Measured>,
    /// The pipeline, stage by stage.
    pub layers: Vec<Layer>,
    /// Depth of each queue in words.
    pub fifo_depths: BTreeMap<String, u64>,
    /// Words of the line buffer of each sliding window.
    pub line_buffer_words: BTreeMap<String, u64>,
    /// The streams between the stages, the pipeline's input first.
    pub streams: Vec<Stream>,
    /// Thresholds within float32 rounding of a possible value, by quantiser.
    pub sensitive_steps: BTreeMap<String, u64>,
    /// Approximations of the model.
    pub approximations: Vec<Approximation>,
}

/// Numbers that were changed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Approximation {
    /// The node.
    pub node: String,
    /// What was changed.
    pub kind: String,
    /// What the numbers became.
    pub format: String,
    /// Mean square of the changes over that of the numbers.
    pub relative_mse: f64,
    /// The greatest change over the greatest magnitude.
    pub largest: f64,
}

/// Resources of a design or of a part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// LUTs.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// Block RAMs.
    pub bram: u64,
    /// The clock that may be reached, in MHz.
    pub fmax_mhz: Option<f64>,
}

/// Largest errors of the estimate on other designs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Accuracy {
    /// Designs compared.
    pub designs: u64,
    /// Greatest error of the LUTs, in percent.
    pub lut_percent: f64,
    /// Of the flip-flops.
    pub ff_percent: f64,
    /// Of the block RAMs.
    pub bram_percent: f64,
}

/// What a chip has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Available {
    /// LUTs.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// Block RAMs.
    pub bram: u64,
}

/// Resources and speed of a built design.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Measured {
    /// LUTs.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// Block RAMs.
    pub bram: u64,
    /// Highest clock in MHz, where the design was placed and routed.
    pub fmax_mhz: Option<f64>,
}

/// One stage of the pipeline.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Layer {
    /// Name of the stage.
    pub stage: String,
    /// Name of its layer, or else of the stage.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Rows computed at once.
    pub pe: Option<u64>,
    /// Columns taken at once.
    pub simd: Option<u64>,
    /// Clock cycles that one image occupies it.
    pub cycles: u64,
    /// How weights meet inputs.
    pub datapath: Option<String>,
    /// Why so.
    pub reason: Option<String>,
    /// Names of the streams read.
    pub inputs: Vec<String>,
    /// Names of the streams written.
    pub outputs: Vec<String>,
    /// Resources, estimated.
    pub estimate: Resources,
    /// Its memories.
    pub memories: Vec<Memory>,
}

/// One memory of a stage.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// What it holds.
    pub role: String,
    /// Bits of a row.
    pub width: u64,
    /// Rows.
    pub depth: u64,
    /// What it is made of.
    pub kind: String,
    /// Block RAMs that it takes.
    pub bram: u64,
    /// Why so.
    pub reason: String,
}

/// One stream.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Stream {
    /// Its name.
    pub name: String,
    /// Type of the elements.
    pub element: String,
    /// Elements of a word.
    pub lanes: u64,
    /// Bits of a word.
    pub bits: u64,
    /// Words of one image.
    pub words: u64,
}

impl Data {
    /// What `report` says, in whatever version it is.
    ///
    /// # Errors
    /// Where it has one of the keys with a value of another type.
    pub fn of(report: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::from_value(serde_json::to_value(report)?)
    }

    /// The stream called `name`.
    pub(super) fn stream(&self, name: &str) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.name == name)
    }

    /// Cycles of the slowest stages.
    pub(super) fn most_cycles(&self) -> u64 {
        self.layers.iter().map(|layer| layer.cycles).max().unwrap_or(0)
    }
}

impl Layer {
    /// The share of the initiation interval in which it works, at most 1.
    pub(super) fn share(&self, data: &Data) -> f64 {
        (self.cycles as f64 / data.initiation_interval_cycles.max(1) as f64).min(1.0)
    }

    /// Whether no stage takes longer.
    pub(super) fn is_bottleneck(&self, data: &Data) -> bool {
        self.cycles > 0 && self.cycles == data.most_cycles()
    }

    /// The kind in words.
    pub(super) fn kind_in_words(&self) -> String {
        self.kind.replace('_', " ")
    }

    /// Which of the groups of the legend it belongs to.
    pub(super) fn group(&self) -> Group {
        match self.kind.as_str() {
            "matrix_vector_unit" | "depthwise_unit" => Group::Weights,
            "sliding_window" | "pool_unit" | "global_pool" | "upsample" => Group::Windows,
            "width_converter" | "stream_fifo" | "fork" | "concat" => Group::Streams,
            _ => Group::Elements,
        }
    }
}

/// What a stage is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// Dot products.
    Weights,
    /// Windows and pools.
    Windows,
    /// Element-wise.
    Elements,
    /// Stream routing.
    Streams,
}

impl Group {
    pub(super) const ALL: [Group; 4] = [Group::Weights, Group::Windows, Group::Elements, Group::Streams];

    /// Its class in style sheets.
    pub(super) fn class(self) -> &'static str {
        match self {
            Group::Weights => "weights",
            Group::Windows => "windows",
            Group::Elements => "elements",
            Group::Streams => "streams",
        }
    }

    /// What the legend calls it.
    pub(super) fn label(self) -> &'static str {
        match self {
            Group::Weights => "dot products",
            Group::Windows => "windows and pools",
            Group::Elements => "element-wise",
            Group::Streams => "stream routing",
        }
    }
}
