//! `Plan`: a network and how hardware computes it.
//!
//! A directed acyclic graph of stages joined by streams. The plan fixes everything that costs or takes time:
//! parallelism, stream widths, depths of queues, cycles; it names no wire.

use crate::memory::{Memories, MemoryRole};
use abi::packing::StreamFormat;
use network::network::{LayerId, Network, TensorId};
use serde::{Deserialize, Serialize};
use std::fmt;

mod arithmetic;
mod clean;
mod validate;
mod vectors;

pub use arithmetic::{Arithmetic, arithmetic};
pub use clean::has_clean_lanes;
pub use validate::PlanInvalid;
pub use vectors::{Misfit, Vectors, check_fit, reads};

/// Index of a stream in [`Plan::streams`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamId(pub usize);

/// A network and how hardware computes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The network computed.
    pub network: Network,
    /// Clock that the frame rate is reckoned with, in MHz.
    pub clock_mhz: f64,
    /// The streams, each written by one stage and read by one. The first is the pipeline's input.
    pub streams: Vec<Stream>,
    /// The stages, writers before readers. The first output of the last one is the pipeline's output.
    pub stages: Vec<Stage>,
    /// Clock cycles between two images when source and sink never wait.
    pub initiation_interval: u64,
    /// Clock cycles from an image's first input word accepted to its last output word accepted, the pipeline
    /// idle before.
    pub latency: u64,
}

/// Words from one stage to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// Unique name, a Verilog identifier.
    pub name: String,
    /// How the elements lie in the words, as the writer cuts them. What a reader takes them for is in its
    /// [`reads`](Stage::reads).
    pub format: StreamFormat,
    /// Whether words have one more bit, above the elements: set where the word lies outside the image and its low bits
    /// hold the number of elements that it stands for.
    pub padded: bool,
    /// The tensor of the network that it carries, `None` for others, such as windows.
    pub tensor: Option<TensorId>,
}

impl Stream {
    /// Bits of a word.
    pub fn word_bits(&self) -> usize {
        self.format.word_bits() + usize::from(self.padded)
    }
}

/// One stage of the pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Unique name, a Verilog identifier.
    pub name: String,
    /// What it computes.
    pub kind: StageKind,
    /// The streams it reads, one or two.
    pub inputs: Vec<StreamId>,
    /// The streams it writes, one or two.
    pub outputs: Vec<StreamId>,
    /// The vectors that it reads from each of `inputs`, as its layer has them.
    #[serde(default)]
    pub reads: Vec<Vectors>,
    /// Clock cycles that one image occupies it.
    pub cycles: u64,
    /// What its memories are made of.
    #[serde(default, skip_serializing_if = "Memories::is_empty")]
    pub memories: Memories,
}

impl Stage {
    /// The first stream read, for most kinds the only one.
    pub fn input(&self) -> StreamId {
        self.inputs[0]
    }

    /// The first stream written, for most kinds the only one.
    pub fn output(&self) -> StreamId {
        self.outputs[0]
    }

    /// Words of a vector read at input `port`.
    pub fn words_per_vector(&self, streams: &[Stream], port: usize) -> usize {
        self.reads[port].words_per_vector(streams[self.inputs[port].0].format.lanes)
    }
}

/// What a stage computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageKind {
    /// The same elements in words of another number of lanes. Vectors are those of the stream written.
    WidthConverter,
    /// The windows of a layer, tap by tap.
    SlidingWindow {
        /// The `Convolution` or `Pool` layer.
        layer: LayerId,
        /// Words of the image that it holds.
        capacity: usize,
    },
    /// Dot products, their thresholds included where they follow directly.
    MatrixVectorUnit {
        /// The `MatrixVector` or `Convolution` layer.
        layer: LayerId,
        /// The `MultiThreshold` layer applied to its accumulators.
        thresholds: Option<LayerId>,
        /// Rows computed at once.
        pe: usize,
        /// Columns taken at once.
        simd: usize,
    },
    /// Dot products of a convolution with one channel a group, their thresholds included where they follow directly.
    DepthwiseUnit {
        /// The `Convolution` layer.
        layer: LayerId,
        /// The `MultiThreshold` layer applied to its accumulators.
        thresholds: Option<LayerId>,
        /// Channels computed at once.
        pe: usize,
    },
    /// The greatest or least element, or the sum, of each channel of a window.
    PoolUnit {
        /// The `Pool` layer.
        layer: LayerId,
    },
    /// The greatest or least element, or the sum, of each channel of the image.
    GlobalPool {
        /// The `Pool` layer.
        layer: LayerId,
    },
    /// Step functions on a stream of integers.
    MultiThreshold {
        /// The `MultiThreshold` layer.
        layer: LayerId,
    },
    /// The sum of one or two streams, each element times a factor.
    AddUnit {
        /// The `Add` layer.
        layer: LayerId,
    },
    /// The product of two streams.
    MultiplyUnit {
        /// The `Multiply` layer.
        layer: LayerId,
    },
    /// A function of two codes.
    TableUnit {
        /// The `Table` layer.
        layer: LayerId,
    },
    /// The channels of the first stream, then those of the second.
    Concat {
        /// The `Concat` layer.
        layer: LayerId,
    },
    /// Each pixel repeated in both directions.
    Upsample {
        /// The `Upsample` layer.
        layer: LayerId,
    },
    /// The same words twice.
    Fork,
    /// A queue.
    Fifo {
        /// Words that it holds.
        depth: usize,
    },
    /// Index of the greatest element.
    ArgMax {
        /// The `ArgMax` layer.
        layer: LayerId,
    },
}

/// Rows and columns that a stage computes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// Rows.
    pub pe: usize,
    /// Columns.
    pub simd: usize,
}

impl StageKind {
    /// The kind's name, that of its hardware block.
    pub fn name(&self) -> &'static str {
        match self {
            StageKind::WidthConverter => "width_converter",
            StageKind::SlidingWindow { .. } => "sliding_window",
            StageKind::MatrixVectorUnit { .. } => "matrix_vector_unit",
            StageKind::DepthwiseUnit { .. } => "depthwise_unit",
            StageKind::PoolUnit { .. } => "pool_unit",
            StageKind::GlobalPool { .. } => "global_pool",
            StageKind::MultiThreshold { .. } => "multi_threshold",
            StageKind::AddUnit { .. } => "add_unit",
            StageKind::MultiplyUnit { .. } => "multiply_unit",
            StageKind::TableUnit { .. } => "table_unit",
            StageKind::Concat { .. } => "concat",
            StageKind::Upsample { .. } => "upsample",
            StageKind::Fork => "fork",
            StageKind::Fifo { .. } => "stream_fifo",
            StageKind::ArgMax { .. } => "arg_max",
        }
    }

    /// The layer computed, wholly or in part; `None` for stages that only carry words.
    pub fn layer(&self) -> Option<LayerId> {
        match self {
            StageKind::SlidingWindow { layer, .. }
            | StageKind::MatrixVectorUnit { layer, .. }
            | StageKind::DepthwiseUnit { layer, .. }
            | StageKind::PoolUnit { layer }
            | StageKind::GlobalPool { layer }
            | StageKind::MultiThreshold { layer }
            | StageKind::AddUnit { layer }
            | StageKind::MultiplyUnit { layer }
            | StageKind::TableUnit { layer }
            | StageKind::Concat { layer }
            | StageKind::Upsample { layer }
            | StageKind::ArgMax { layer } => Some(*layer),
            StageKind::WidthConverter | StageKind::Fork | StageKind::Fifo { .. } => None,
        }
    }

    /// The layer of step functions taken in.
    pub fn thresholds(&self) -> Option<LayerId> {
        match self {
            StageKind::MatrixVectorUnit { thresholds, .. } | StageKind::DepthwiseUnit { thresholds, .. } => *thresholds,
            _ => None,
        }
    }

    /// The parallelism of dot products.
    pub fn lanes(&self) -> Option<Lanes> {
        match self {
            StageKind::MatrixVectorUnit { pe, simd, .. } => Some(Lanes { pe: *pe, simd: *simd }),
            StageKind::DepthwiseUnit { pe, .. } => Some(Lanes { pe: *pe, simd: 1 }),
            _ => None,
        }
    }
}

impl Plan {
    /// A stream.
    pub fn stream(&self, id: StreamId) -> &Stream {
        &self.streams[id.0]
    }

    /// The stream that leaves the pipeline.
    pub fn output(&self) -> StreamId {
        self.stages[self.stages.len() - 1].output()
    }

    /// Format of the stream that enters the pipeline.
    pub fn input_format(&self) -> StreamFormat {
        self.streams[0].format
    }

    /// Format of the stream that leaves the pipeline.
    pub fn output_format(&self) -> StreamFormat {
        self.stream(self.output()).format
    }

    /// Images per second that the core takes at the plan's clock.
    pub fn frames_per_second(&self) -> f64 {
        self.clock_mhz * 1e6 / self.initiation_interval as f64
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "plan {} at {} MHz", self.network.name, self.clock_mhz)?;
        let stream = |id: StreamId| {
            let Stream { name, format, padded, tensor: _ } = self.stream(id);
            let padded = if *padded { " padded" } else { "" };
            let StreamFormat { element, lanes, channels, vectors } = format;
            format!("{name}: {lanes} x {element}[{vectors}, {channels}]{padded}")
        };
        writeln!(f, "input {}", stream(StreamId(0)))?;
        for stage in &self.stages {
            let outputs: Vec<String> = stage.outputs.iter().map(|id| stream(*id)).collect();
            let inputs: Vec<&str> = stage.inputs.iter().map(|id| self.stream(*id).name.as_str()).collect();
            write!(f, "{} = {}({}", outputs.join(", "), stage.kind.name(), inputs.join(", "))?;
            match &stage.kind {
                StageKind::SlidingWindow { capacity, .. } => write!(f, ", holds {capacity} words")?,
                StageKind::Fifo { depth } => write!(f, ", holds {depth} words")?,
                kind => {
                    if let Some(Lanes { pe, simd }) = kind.lanes() {
                        write!(f, ", pe {pe}, simd {simd}")?;
                    }
                }
            }
            let layer = stage.kind.layer().map_or("", |id| self.network.layer(id).name.as_str());
            write!(f, ")  # {} cycles{}{layer}", stage.cycles, if layer.is_empty() { "" } else { ", " })?;
            for role in [MemoryRole::Weights, MemoryRole::Constants, MemoryRole::Words] {
                if let Some(kind) = stage.memories.kind(role) {
                    write!(f, ", {role} in {kind}")?;
                }
            }
            writeln!(f)?;
        }
        writeln!(f, "initiation interval {}, latency {}", self.initiation_interval, self.latency)
    }
}
