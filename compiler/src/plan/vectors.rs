//! The vectors that a stage reads.
//!
//! A [stream's format](crate::plan::Stream::format) is how its *writer* cuts the elements. What a stage reads follows from its own
//! layer. The two may differ (a group of channels, all channels of a pixel, a flattened feature map) as long as words are
//! cut alike, which [`Vectors::fit`] decides. A block takes its loop counts from the vectors that it reads, never from
//! the writer's.

use super::{Stage, StageKind, Stream, StreamId};
use crate::fold::Dot;
use abi::packing::StreamFormat;
use miette::Diagnostic;
use network::network::{LayerId, Network, TensorId};
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// The elements of one image in stream order, cut every `channels`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vectors {
    /// Vectors of an image.
    pub vectors: usize,
    /// Elements of a vector.
    pub channels: usize,
}

impl Vectors {
    /// The pixels of a tensor.
    pub fn of_tensor(network: &Network, tensor: TensorId) -> Self {
        let tensor = network.tensor(tensor);
        Vectors { vectors: tensor.vectors(), channels: tensor.channels }
    }

    /// The vectors as the writer of a stream cuts them.
    pub fn of_format(format: &StreamFormat) -> Self {
        Vectors { vectors: format.vectors, channels: format.channels }
    }

    /// Words of a vector, of `lanes` elements each.
    pub fn words_per_vector(self, lanes: usize) -> usize {
        self.channels.div_ceil(lanes)
    }

    /// Words of an image, of `lanes` elements each.
    pub fn words(self, lanes: usize) -> u64 {
        (self.vectors * self.words_per_vector(lanes)) as u64
    }

    /// Whether a stream's words hold these vectors: the writer cuts them so, or the lanes divide both lengths, so that no word
    /// has an unused lane under either cut.
    pub fn fit(self, format: &StreamFormat) -> bool {
        let whole = |channels: usize| channels.is_multiple_of(format.lanes);
        self.vectors * self.channels == format.elements_per_image()
            && (self.channels == format.channels || (whole(self.channels) && whole(format.channels)))
    }
}

impl fmt::Display for Vectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}]", self.vectors, self.channels)
    }
}

/// A stage whose vectors are not in the words that it is given.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
#[error(
    "stage `{stage}` must read vectors {reads} from stream `{stream}`, but its words are cut for vectors {written} at {lanes} lanes"
)]
#[diagnostic(
    code(compiler::plan::misfit),
    help("this is a fault of xnorforge: please report it with the model and the folding")
)]
pub struct Misfit {
    /// The stage.
    stage: String,
    /// The stream.
    stream: String,
    /// What the stage reads.
    reads: Vectors,
    /// What the stream's writer writes.
    written: Vectors,
    /// Elements of a word.
    lanes: usize,
}

/// Checks that every stage finds the vectors that it reads in the words that it is given.
///
/// # Errors
/// Where one does not, the first one.
pub fn check_fit(streams: &[Stream], stages: &[Stage]) -> Result<(), Box<Misfit>> {
    let ports = stages.iter().flat_map(|stage| stage.inputs.iter().zip(&stage.reads).map(move |port| (stage, port)));
    for (stage, (input, reads)) in ports {
        let Stream { name, format, .. } = &streams[input.0];
        if !reads.fit(format) {
            return Err(Box::new(Misfit {
                stage: stage.name.clone(),
                stream: name.clone(),
                reads: *reads,
                written: Vectors::of_format(format),
                lanes: format.lanes,
            }));
        }
    }
    Ok(())
}

/// The vectors that a stage of `kind` reads from each of `inputs`, as its layer has them. Stages that only carry words take
/// them as they are written; a width converter cuts as it writes.
pub fn reads(
    network: &Network,
    kind: &StageKind,
    inputs: &[StreamId],
    outputs: &[StreamId],
    streams: &[Stream],
) -> Vec<Vectors> {
    let carried = |stream: StreamId| vec![Vectors::of_format(&streams[stream.0].format)];
    let pixels = |layer: LayerId| {
        let inputs = network.layer(layer).inputs.iter();
        inputs.map(|tensor| Vectors::of_tensor(network, *tensor)).collect()
    };
    match kind {
        StageKind::WidthConverter => carried(outputs[0]),
        StageKind::Fork | StageKind::Fifo { .. } => carried(inputs[0]),
        StageKind::SlidingWindow { layer, .. } => {
            let image = Vectors::of_tensor(network, network.layer(*layer).input());
            let groups = groups(network, *layer);
            vec![Vectors { vectors: image.vectors * groups, channels: image.channels / groups }]
        }
        StageKind::MatrixVectorUnit { layer, .. } | StageKind::DepthwiseUnit { layer, .. } => {
            let image = Vectors::of_tensor(network, network.layer(*layer).input());
            let groups = groups(network, *layer);
            let result = network.tensor(network.layer(*layer).output).vectors();
            vec![Vectors { vectors: result * groups * taps(network, *layer), channels: image.channels / groups }]
        }
        StageKind::PoolUnit { layer } => {
            let image = Vectors::of_tensor(network, network.layer(*layer).input());
            let result = network.tensor(network.layer(*layer).output).vectors();
            vec![Vectors { vectors: result * taps(network, *layer), channels: image.channels }]
        }
        StageKind::GlobalPool { layer }
        | StageKind::MultiThreshold { layer }
        | StageKind::AddUnit { layer }
        | StageKind::MultiplyUnit { layer }
        | StageKind::TableUnit { layer }
        | StageKind::Concat { layer }
        | StageKind::Upsample { layer }
        | StageKind::ArgMax { layer } => pixels(*layer),
    }
}

/// Groups of channels that a dot product reads one after the other; those of a depthwise convolution lie side by side.
fn groups(network: &Network, layer: LayerId) -> usize {
    Dot::new(network, network.layer(layer)).map_or(1, |dot| if dot.depthwise { 1 } else { dot.groups })
}

/// Taps of a layer's windows; 1 without.
fn taps(network: &Network, layer: LayerId) -> usize {
    network.layer(layer).kind.window().map_or(1, |window| window.taps())
}
