//! `Plan`: a network and how hardware computes it.
//!
//! A directed acyclic graph of stages joined by streams. The plan fixes everything that costs or takes time:
//! parallelism, stream widths, depths of queues, cycles; it names no wire.

use crate::blocks::dot_unit::DotUnit;
use crate::blocks::{Block, Vectors};
use crate::chip::memory::{Memories, MemoryRole};
use abi::packing::StreamFormat;
use network::network::{Network, TensorId};
use serde::{Deserialize, Serialize};
use std::fmt;

mod fit;

pub use fit::{Misfit, check_fit};

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
    /// Clock cycles between two images when source and sink never wait; the mean, rounded up, of intervals that alternate.
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
    /// Whether lanes beyond the last element of a vector hold zeros, wherever a word has any. Units that look at every lane
    /// rely on it.
    pub clean: bool,
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
    /// What it computes, and its shape.
    pub block: Block,
    /// The streams it reads, one or two.
    pub inputs: Vec<StreamId>,
    /// The streams it writes, one or two.
    pub outputs: Vec<StreamId>,
    /// Clock cycles that one image occupies it.
    pub cycles: u64,
    /// What its memories are made of.
    #[serde(default, skip_serializing_if = "Memories::is_empty")]
    pub memories: Memories,
}

impl Stage {
    /// A stage whose memories are not chosen yet.
    pub fn new(name: String, block: Block, inputs: Vec<StreamId>, outputs: Vec<StreamId>, streams: &[Stream]) -> Self {
        let words = inputs.iter().chain(&outputs).map(|id| streams[id.0].format.words_per_image() as u64).max();
        let cycles = words.unwrap_or(1).max(block.shape().busy());
        Stage { name, block, inputs, outputs, cycles, memories: Memories::default() }
    }

    /// The vectors that it reads from each of `inputs`, as its layer has them.
    pub fn reads(&self) -> Vec<Vectors> {
        self.block.shape().reads()
    }

    /// The first stream read, for most kinds the only one.
    pub fn input(&self) -> StreamId {
        self.inputs[0]
    }

    /// The first stream written, for most kinds the only one.
    pub fn output(&self) -> StreamId {
        self.outputs[0]
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
            let Stream { name, format, padded, clean: _, tensor: _ } = self.stream(id);
            let padded = if *padded { " padded" } else { "" };
            let StreamFormat { element, lanes, channels, vectors } = format;
            format!("{name}: {lanes} x {element}[{vectors}, {channels}]{padded}")
        };
        writeln!(f, "input {}", stream(StreamId(0)))?;
        for stage in &self.stages {
            let outputs: Vec<String> = stage.outputs.iter().map(|id| stream(*id)).collect();
            let inputs: Vec<&str> = stage.inputs.iter().map(|id| self.stream(*id).name.as_str()).collect();
            write!(f, "{} = {}({}", outputs.join(", "), stage.block.name(), inputs.join(", "))?;
            if let Some(words) = stage.block.words_held() {
                write!(f, ", depth {words}")?;
            } else if let Some(DotUnit { pe, simd, .. }) = stage.block.dot_unit() {
                write!(f, ", pe {pe}, simd {simd}")?;
            }
            let layer = stage.block.layer().map_or("", |id| self.network.layer(id).name.as_str());
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
