//! Lays out the pipeline: which stages compute the units, and the streams between them.
//!
//! Dot products come with their parallelism; every other stage takes the lanes of the stream before it, or more where
//! it would otherwise take longer than the interval.

use super::Planner;
use super::parallelism::Folding;
use crate::blocks::fork::Fork;
use crate::blocks::stream_fifo::StreamFifo;
use crate::blocks::{Block, Vectors};
use crate::plan::{Stage, Stream, StreamId};
use abi::packing::StreamFormat;
use network::network::{Edges, Layer, Network, TensorId};
use std::collections::{HashMap, VecDeque};

mod convert;
mod input;
mod kinds;

/// Streams and stages that compute `units`; queues are still missing.
pub fn lay_out(planner: &Planner, folding: &Folding, interval: u64) -> (Vec<Stream>, Vec<Stage>) {
    let network = planner.network;
    let mut layout = Layout {
        network,
        edges: planner.edges,
        folding,
        interval,
        streams: Vec::new(),
        stages: Vec::new(),
        unread: vec![VecDeque::new(); network.tensors.len()],
        names: HashMap::new(),
        name: "input".to_owned(),
    };
    layout.enter();
    for (number, unit) in planner.units.iter().enumerate() {
        layout.name = identifier(number, &network.layer(unit.layer).name);
        layout.unit(unit);
    }
    layout.leave()
}

/// A pipeline under construction.
struct Layout<'a> {
    network: &'a Network,
    edges: &'a Edges,
    folding: &'a Folding,
    /// Cycles that a stage should take at most.
    interval: u64,
    streams: Vec<Stream>,
    stages: Vec<Stage>,
    /// For each tensor the streams that carry it and have no reader yet.
    unread: Vec<VecDeque<StreamId>>,
    /// Names of the stages, each with the last number that made a new one of it.
    names: HashMap<String, usize>,
    /// What the names of the stages of the present unit begin with.
    name: String,
}

impl Layout<'_> {
    fn pixels(&self, tensor: TensorId) -> Vectors {
        Vectors::of_tensor(self.network, tensor)
    }

    fn format(&self, tensor: TensorId, Vectors { vectors, channels }: Vectors, lanes: usize) -> StreamFormat {
        StreamFormat { element: self.network.tensor(tensor).element, lanes, channels, vectors }
    }

    fn lanes(&self, stream: StreamId) -> usize {
        self.streams[stream.0].format.lanes
    }

    /// A stream that nothing reads yet.
    fn stream(&mut self, stream: Stream) -> StreamId {
        self.streams.push(stream);
        StreamId(self.streams.len() - 1)
    }

    /// Adds a stage of the present unit, called after it and `suffix`, that writes one stream.
    fn stage(
        &mut self,
        suffix: &str,
        block: Block,
        inputs: Vec<StreamId>,
        format: StreamFormat,
        tensor: Option<TensorId>,
    ) -> StreamId {
        let name = self.free_name(suffix);
        let whole = format.channels.is_multiple_of(format.lanes);
        let clean = whole || block.is_clean(inputs.iter().all(|input| self.streams[input.0].clean));
        let padded = matches!(&block, Block::SlidingWindow(window) if window.padded);
        let output = self.stream(Stream { name: format!("{name}_stream"), format, padded, clean, tensor });
        self.push(name, block, inputs, vec![output]);
        output
    }

    fn push(&mut self, name: String, block: Block, inputs: Vec<StreamId>, outputs: Vec<StreamId>) {
        self.stages.push(Stage::new(name, block, inputs, outputs, &self.streams));
    }

    /// The present unit's name with a suffix, and a number where another stage is called so.
    fn free_name(&mut self, suffix: &str) -> String {
        let plain = if suffix.is_empty() { self.name.clone() } else { format!("{}_{suffix}", self.name) };
        let mut number = self.names.get(&plain).copied().unwrap_or(1);
        let mut name = plain.clone();
        while self.names.contains_key(&name) {
            number += 1;
            name = format!("{plain}_{number}");
        }
        self.names.insert(plain, number);
        self.names.entry(name.clone()).or_insert(1);
        name
    }

    /// Gives `tensor` to its readers on `stream`, copied as often as there are more than one.
    fn provide(&mut self, tensor: TensorId, stream: StreamId) {
        let mut last = stream;
        for _ in 1..self.edges.readers(tensor) {
            let name = self.free_name("fork");
            let stream = self.streams[last.0].clone();
            let fork = Fork { reads: Vectors::of_format(&stream.format), word_bits: stream.word_bits() };
            let copy = self.stream(Stream { name: format!("{name}_first"), ..stream.clone() });
            let rest = self.stream(Stream { name: format!("{name}_second"), ..stream });
            self.push(name, Block::Fork(fork), vec![last], vec![copy, rest]);
            self.unread[tensor.0].push_back(copy);
            last = rest;
        }
        self.unread[tensor.0].push_back(last);
    }

    /// A stream that carries `tensor`, for its next reader.
    fn take(&mut self, tensor: TensorId) -> StreamId {
        self.unread[tensor.0].pop_front().expect("a tensor is provided as often as it is read")
    }

    /// The inputs of a layer, in its order.
    fn take_inputs(&mut self, layer: &Layer) -> Vec<StreamId> {
        layer.inputs.iter().map(|tensor| self.take(*tensor)).collect()
    }

    /// The finished pipeline. The stage that writes its output comes last.
    fn leave(mut self) -> (Vec<Stream>, Vec<Stage>) {
        let mut output = self.take(self.network.output);
        let writer = |stages: &[Stage]| stages.iter().position(|stage| stage.outputs.contains(&output));
        if let Some(writer) = writer(&self.stages) {
            if self.stages[writer].outputs.len() > 1 {
                // A copy is written before the other one is read, so it cannot come last itself.
                self.name = "output".to_owned();
                let stream = self.streams[output.0].clone();
                let (reads, word_bits) = (Vectors::of_format(&stream.format), stream.word_bits());
                let queue = Block::StreamFifo(StreamFifo { reads, depth: 2, word_bits });
                output = self.stage("fifo", queue, vec![output], stream.format, stream.tensor);
            } else {
                let stage = self.stages.remove(writer);
                self.stages.push(stage);
            }
        }
        debug_assert!(self.stages.last().is_some_and(|stage| stage.outputs == [output]));
        (self.streams, self.stages)
    }
}

/// A Verilog identifier for a layer: its number, and its name as far as identifiers go.
fn identifier(number: usize, name: &str) -> String {
    let clean = abi::text::identifier(name).to_ascii_lowercase();
    let clean: Vec<&str> = clean.split('_').filter(|part| !part.is_empty()).collect();
    let mut short = clean.join("_");
    short.truncate(40);
    format!("layer{number}_{short}")
}
