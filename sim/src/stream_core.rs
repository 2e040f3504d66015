//! A generated core as its simulators see it: files, a stream in, a stream out, and streams inside to look at.

use crate::SimError;
use crate::executor::{CycleReport, Run, RunOptions};
use crate::trace::{Trace, TracedTensor};
use abi::manifest::Manifest;
use abi::packing::StreamFormat;
use abi::weights::Segment;
use abi::{InputMap, OutputMap};
use bitvec::prelude::{BitVec, Lsb0};
use network::network::TensorId;
use std::path::{Path, PathBuf};

/// A word of a stream, bit 0 first.
pub type Word = BitVec<u64, Lsb0>;

/// A Verilog module with one valid/ready stream in and one out.
///
/// Its ports are `clock`, `reset` (synchronous, active high), `in_data`, `in_valid`, `in_ready`, `out_data`,
/// `out_valid` and `out_ready`; images follow each other without a gap.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamCore {
    /// The design's folder. Simulations run in it, so that the names of memory files are found.
    pub folder: PathBuf,
    /// Name of the top module.
    pub top: String,
    /// Verilog files relative to the folder.
    pub verilog: Vec<PathBuf>,
    /// Memory files relative to the folder, read with `$readmemh` at the start of each simulation.
    pub memories: Vec<PathBuf>,
    /// Format of the stream in.
    pub input: StreamFormat,
    /// Format of the stream out.
    pub output: StreamFormat,
    /// Streams inside, for traces.
    pub stages: Vec<StageProbe>,
    /// With a weight window, the words that are written there, in reset; `None` without one.
    ///
    /// The window's ports are `weights_select`, `weights_write`, `weights_address` and `weights_data`.
    pub weights: Option<Vec<Segment>>,
    /// Clock cycles without any word moving after which the core counts as stuck.
    pub patience: u64,
}

/// A stream inside a core: the wires `<prefix>_data`, `<prefix>_valid` and `<prefix>_ready` of the top module.
#[derive(Clone, Debug, PartialEq)]
pub struct StageProbe {
    /// Number of the stream among the core's.
    pub stream: usize,
    /// What the names of the wires begin with.
    pub prefix: String,
    /// The network's tensor on it.
    pub tensor: TensorId,
    /// Name of the layer that writes the tensor.
    pub layer: String,
    /// Pixels of the tensor.
    pub vectors: usize,
    /// Elements of one pixel.
    pub channels: usize,
    /// How the tensor lies in the words; perhaps in shorter vectors than pixels.
    pub format: StreamFormat,
}

impl StreamCore {
    /// Clock cycles in reset after the last word of the weight window: one more than an access is under way.
    pub const WEIGHTS_SETTLE: u64 = 4;

    /// The core that a manifest describes, in the folder where the manifest lies; without probes, with the weights that it
    /// begins with.
    pub fn from_manifest(manifest: &Manifest, folder: &Path) -> Self {
        let is_verilog = |file: &&String| file.ends_with(".v") || file.ends_with(".sv");
        StreamCore {
            folder: folder.to_owned(),
            top: manifest.top.clone(),
            verilog: manifest.files.iter().filter(is_verilog).map(PathBuf::from).collect(),
            memories: manifest.files.iter().filter(|file| !is_verilog(file)).map(PathBuf::from).collect(),
            input: manifest.input_stream,
            output: manifest.output_stream,
            stages: Vec::new(),
            weights: manifest.weights.map(|_| Vec::new()),
            patience: Self::patience_for(manifest.latency_cycles),
        }
    }

    /// Cycles to wait for a word in a core of the given latency: under back-pressure a sink may stop for a few
    /// hundred cycles, and nothing moves for longer than one image takes alone.
    pub fn patience_for(latency_cycles: u64) -> u64 {
        latency_cycles.saturating_mul(4).saturating_add(20_000)
    }
}

/// The float ends of a network, which simulators of hardware apply outside of it.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatEnds {
    /// From input values to elements.
    pub input: InputMap,
    /// From the last elements to scores.
    pub output: OutputMap,
}

impl FloatEnds {
    /// The elements of each image in stream order.
    ///
    /// # Errors
    /// Where an image does not fit the input map.
    pub fn elements(&self, images: &[Vec<f32>]) -> Result<Vec<Vec<i32>>, SimError> {
        images
            .iter()
            .enumerate()
            .map(|(image, values)| self.input.apply(values).map_err(|source| SimError::Image { image, source }))
            .collect()
    }
}

/// What a simulator saw on the streams of a core.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamRecord {
    /// Cycle of each image's first input word.
    pub image_starts: Vec<u64>,
    /// Every output word.
    pub words: Vec<Word>,
    /// Cycle of each output word.
    pub word_cycles: Vec<u64>,
    /// The words of each stage of the core; empty where they were not recorded.
    pub stages: Vec<Vec<Word>>,
}

impl StreamRecord {
    /// The run that the record of `images` images amounts to.
    ///
    /// # Errors
    /// Where a stream carried another number of words than the images have.
    pub fn into_run(
        self,
        core: &StreamCore,
        ends: &FloatEnds,
        images: usize,
        options: &RunOptions,
    ) -> Result<Run, SimError> {
        let outputs = tensors(&core.output, "out", &self.words, images)?;
        let scores = outputs.iter().map(|elements| ends.output.apply(elements)).collect();
        let last_words = self.word_cycles.iter().skip(core.output.words_per_image().saturating_sub(1));
        let image_ends: Vec<u64> = last_words.step_by(core.output.words_per_image().max(1)).copied().collect();
        let start = self.image_starts.first().copied().unwrap_or(0);
        let cycles = CycleReport::new(start, &image_ends, options.back_pressure.is_none());
        let mut trace = None;
        if options.trace {
            let mut traced = Vec::with_capacity(self.stages.len());
            for (probe, words) in core.stages.iter().zip(&self.stages) {
                traced.push(TracedTensor {
                    tensor: probe.tensor,
                    layer: probe.layer.clone(),
                    vectors: probe.vectors,
                    channels: probe.channels,
                    images: tensors(&probe.format, &probe.prefix, words, images)?,
                });
            }
            trace = Some(Trace::new(traced));
        }
        Ok(Run { scores, cycles, trace })
    }
}

fn tensors(format: &StreamFormat, stream: &str, words: &[Word], images: usize) -> Result<Vec<Vec<i32>>, SimError> {
    let expected = format.words_per_image() * images;
    if words.len() != expected {
        return Err(SimError::ProbeCount { stream: stream.to_owned(), expected, found: words.len() });
    }
    Ok(words
        .chunks(format.words_per_image().max(1))
        .map(|image| format.unpack(image.iter().map(|word| word.as_bitslice())))
        .collect())
}
