//! `Plan`: a network and how hardware computes it.
//!
//! A pipeline of stages joined by streams. The plan fixes everything that costs or takes time: parallelism, stream
//! widths, cycles; it names no wire.

use abi::packing::StreamFormat;
use network::network::{LayerId, Network, TensorId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A network and how hardware computes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The network computed.
    pub network: Network,
    /// Clock that the frame rate is reckoned with, in MHz.
    pub clock_mhz: f64,
    /// The pipeline, input first. Each stage's output format is the next one's input format.
    pub stages: Vec<Stage>,
    /// Clock cycles between two images when source and sink never wait.
    pub initiation_interval: u64,
    /// Clock cycles from an image's first input word accepted to its last output word accepted, the pipeline
    /// idle before.
    pub latency: u64,
}

/// One stage of the pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Unique name, a Verilog identifier.
    pub name: String,
    /// What it computes.
    pub kind: StageKind,
    /// Format of the stream it reads.
    pub input: StreamFormat,
    /// Format of the stream it writes.
    pub output: StreamFormat,
    /// The tensor that the written stream carries.
    pub tensor: TensorId,
    /// Clock cycles that one image occupies it.
    pub cycles: u64,
}

/// What a stage computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageKind {
    /// The same elements in words of another number of lanes.
    WidthConverter,
    /// A matrix-vector product, its thresholds included where they follow directly.
    MatrixVectorUnit {
        /// The `MatrixVector` layer.
        layer: LayerId,
        /// The `MultiThreshold` layer applied to its accumulators.
        thresholds: Option<LayerId>,
        /// Rows computed at once.
        pe: usize,
        /// Columns taken at once.
        simd: usize,
    },
    /// Step functions on a stream of integers.
    MultiThreshold {
        /// The `MultiThreshold` layer.
        layer: LayerId,
    },
    /// Index of the greatest element.
    ArgMax {
        /// The `ArgMax` layer.
        layer: LayerId,
    },
}

impl Plan {
    /// Format of the stream that enters the pipeline.
    pub fn input_format(&self) -> StreamFormat {
        self.stages[0].input
    }

    /// Format of the stream that leaves the pipeline.
    pub fn output_format(&self) -> StreamFormat {
        self.stages[self.stages.len() - 1].output
    }

    /// Images per second that the core takes at the plan's clock.
    pub fn frames_per_second(&self) -> f64 {
        self.clock_mhz * 1e6 / self.initiation_interval as f64
    }
}

/// A plan that contradicts itself.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
#[error("stage `{stage}` of the plan must satisfy: {rule}")]
#[diagnostic(code(compiler::plan), help("the plan is damaged or written by hand: compile the model again"))]
pub struct PlanInvalid {
    /// The stage's name, or `pipeline`.
    pub stage: String,
    /// The rule that is broken.
    pub rule: &'static str,
}

impl Plan {
    /// Checks every rule that hardware relies on.
    ///
    /// # Errors
    /// Where a rule is broken, the first one.
    pub fn validate(&self) -> Result<(), PlanInvalid> {
        let fail = |stage: &str, rule| Err(PlanInvalid { stage: stage.to_owned(), rule });
        if self.stages.is_empty() {
            return fail("pipeline", "there is at least one stage");
        }
        if !(self.clock_mhz.is_finite() && self.clock_mhz > 0.0) || self.initiation_interval == 0 {
            return fail("pipeline", "clock and initiation interval are positive");
        }
        for pair in self.stages.windows(2) {
            if pair[0].output != pair[1].input {
                return fail(&pair[1].name, "it reads the format that the stage before writes");
            }
        }
        for stage in &self.stages {
            if let Some(rule) = self.broken_rule(stage) {
                return fail(&stage.name, rule);
            }
        }
        Ok(())
    }

    fn broken_rule(&self, stage: &Stage) -> Option<&'static str> {
        let network = &self.network;
        let layer = |id: LayerId| network.layers.get(id.0);
        let (reads, writes, fits) = match &stage.kind {
            StageKind::WidthConverter => (stage.tensor, stage.tensor, true),
            StageKind::MatrixVectorUnit { layer: id, thresholds, pe, simd } => {
                let (Some(dot), true) = (layer(*id), thresholds.is_none_or(|id| layer(id).is_some())) else {
                    return Some("the layer exists");
                };
                let follows = thresholds.is_none_or(|id| network.layer(id).input == dot.output);
                let output = thresholds.map_or(dot.output, |id| network.layer(id).output);
                (dot.input, output, follows && *pe == stage.output.lanes && *simd == stage.input.lanes)
            }
            StageKind::MultiThreshold { layer: id } | StageKind::ArgMax { layer: id } => match layer(*id) {
                Some(layer) => (layer.input, layer.output, true),
                None => return Some("the layer exists"),
            },
        };
        if !fits || writes != stage.tensor {
            return Some("parallelism and tensor are those of its streams");
        }
        let carries = |format: &StreamFormat, tensor: TensorId| {
            network.tensors.get(tensor.0).is_some_and(|tensor| {
                format.element == tensor.element
                    && format.channels == tensor.channels
                    && format.vectors == tensor.vectors
                    && (1..=format.channels).contains(&format.lanes)
            })
        };
        if !carries(&stage.input, reads) || !carries(&stage.output, writes) {
            return Some("its streams carry the tensors of its layer");
        }
        None
    }
}

impl StageKind {
    /// The kind's name, that of its hardware block.
    pub fn name(&self) -> &'static str {
        match self {
            StageKind::WidthConverter => "width_converter",
            StageKind::MatrixVectorUnit { .. } => "matrix_vector_unit",
            StageKind::MultiThreshold { .. } => "multi_threshold",
            StageKind::ArgMax { .. } => "arg_max",
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "plan {} at {} MHz", self.network.name, self.clock_mhz)?;
        let stream = |format: &StreamFormat| {
            format!("{} x {}[{}, {}]", format.lanes, format.element, format.vectors, format.channels)
        };
        writeln!(f, "input {}", stream(&self.input_format()))?;
        for stage in &self.stages {
            write!(f, "{} = {}", stage.name, stage.kind.name())?;
            if let StageKind::MatrixVectorUnit { layer, pe, simd, .. } = &stage.kind {
                write!(f, "({}, pe {pe}, simd {simd})", self.network.layer(*layer).name)?;
            }
            writeln!(f, " -> {}  # {} cycles", stream(&stage.output), stage.cycles)?;
        }
        writeln!(f, "initiation interval {}, latency {}", self.initiation_interval, self.latency)
    }
}
