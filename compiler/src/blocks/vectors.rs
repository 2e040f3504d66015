//! The vectors that a stage reads.
//!
//! A [stream's format](crate::plan::Stream::format) is how its *writer* cuts the elements. What a stage reads follows from its own
//! layer. The two may differ (a group of channels, all channels of a pixel, a flattened feature map) as long as words are
//! cut alike, which [`Vectors::fit`] decides. A block takes its loop counts from the vectors that it reads, never from
//! the writer's.

use abi::packing::StreamFormat;
use network::network::{Network, TensorId};
use serde::{Deserialize, Serialize};
use std::fmt;

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
