//! The blocks of a pipeline, one file a kind: shape, vectors read, memories, control and cost features.
//!
//! A [`Block`] is made once, from its layer and the streams around it, and carried by its stage. Schedule, estimate,
//! report and hardware read it; none of them derives a count again.

use crate::chip::family::Family;
use crate::chip::features::Features;
use crate::chip::memory::{Memories, MemoryShape};
use control::Control;
use network::network::LayerId;
use pool_unit::PoolKind;
use serde::{Deserialize, Serialize};
use width_converter::WidthConverter;

pub mod add_unit;
pub mod arg_max;
pub mod concat;
pub mod control;
mod credits;
pub mod depthwise_unit;
pub mod dot;
pub mod dot_layer;
pub mod dot_unit;
pub mod fork;
pub mod matrix_vector_unit;
pub mod multi_threshold;
pub mod multiply_unit;
pub mod one_result;
pub mod pool_unit;
pub mod sliding_window;
pub mod stream_fifo;
pub mod table_unit;
pub mod upsample;
pub mod vectors;
pub mod width_converter;

pub use dot::{Dot, Parallelism};
pub use vectors::Vectors;

/// The properties of a block that planner, schedule, estimate and hardware use.
pub trait Shape {
    /// The vectors read at each input, as the layer defines them.
    fn reads(&self) -> Vec<Vectors>;

    /// Clock cycles that the block is busy with an image, if these can exceed the words of its streams.
    fn busy(&self) -> u64 {
        0
    }

    /// The memories whose kind (LUTs, block RAM, …) is chosen, as in [`Memories`]; an `Upsample` has two for words.
    fn memories(&self) -> Vec<MemoryShape> {
        Vec::new()
    }

    /// The control model: in which cycles words move.
    fn control(&self) -> Box<dyn Control>;

    /// The features of the cost, with memories of the given kinds.
    fn features(&self, family: Family, memories: &Memories) -> Features;
}

/// A block and its shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// The same elements in words of another number of lanes.
    WidthConverter(width_converter::WidthConverter),
    /// The windows of a layer, tap by tap.
    SlidingWindow(sliding_window::SlidingWindow),
    /// Dot products, their thresholds included where they follow directly.
    MatrixVectorUnit(dot_unit::DotUnit),
    /// Dot products of a convolution with one channel a group, their thresholds included where they follow directly.
    DepthwiseUnit(dot_unit::DotUnit),
    /// The greatest or least element, or the sum, of each channel of a window.
    PoolUnit(pool_unit::PoolUnit),
    /// The greatest or least element, or the sum, of each channel of the image.
    GlobalPool(pool_unit::PoolUnit),
    /// Step functions on a stream of integers.
    MultiThreshold(multi_threshold::MultiThreshold),
    /// The sum of one or two streams, each element times a factor.
    AddUnit(add_unit::AddUnit),
    /// The product of two streams.
    MultiplyUnit(multiply_unit::MultiplyUnit),
    /// A function of two codes.
    TableUnit(table_unit::TableUnit),
    /// The channels of the first stream, then those of the second.
    Concat(concat::Concat),
    /// Each pixel repeated in both directions.
    Upsample(upsample::Upsample),
    /// The same words twice.
    Fork(fork::Fork),
    /// A queue.
    StreamFifo(stream_fifo::StreamFifo),
    /// Index of the greatest element.
    ArgMax(arg_max::ArgMax),
}

impl Block {
    /// The kind's name, that of its hardware block.
    pub fn name(&self) -> &'static str {
        match self {
            Block::WidthConverter(_) => "width_converter",
            Block::SlidingWindow(_) => "sliding_window",
            Block::MatrixVectorUnit(_) => "matrix_vector_unit",
            Block::DepthwiseUnit(_) => "depthwise_unit",
            Block::PoolUnit(_) => "pool_unit",
            Block::GlobalPool(_) => "global_pool",
            Block::MultiThreshold(_) => "multi_threshold",
            Block::AddUnit(_) => "add_unit",
            Block::MultiplyUnit(_) => "multiply_unit",
            Block::TableUnit(_) => "table_unit",
            Block::Concat(_) => "concat",
            Block::Upsample(_) => "upsample",
            Block::Fork(_) => "fork",
            Block::StreamFifo(_) => "stream_fifo",
            Block::ArgMax(_) => "arg_max",
        }
    }

    /// Its shape.
    pub fn shape(&self) -> &dyn Shape {
        match self {
            Block::WidthConverter(block) => block,
            Block::SlidingWindow(block) => block,
            Block::MatrixVectorUnit(block) | Block::DepthwiseUnit(block) => block,
            Block::PoolUnit(block) | Block::GlobalPool(block) => block,
            Block::MultiThreshold(block) => block,
            Block::AddUnit(block) => block,
            Block::MultiplyUnit(block) => block,
            Block::TableUnit(block) => block,
            Block::Concat(block) => block,
            Block::Upsample(block) => block,
            Block::Fork(block) => block,
            Block::StreamFifo(block) => block,
            Block::ArgMax(block) => block,
        }
    }

    /// The layer computed, wholly or in part; `None` for blocks that only carry words.
    pub fn layer(&self) -> Option<LayerId> {
        match self {
            Block::SlidingWindow(block) => Some(block.layer),
            Block::MatrixVectorUnit(block) | Block::DepthwiseUnit(block) => Some(block.layer),
            Block::PoolUnit(block) | Block::GlobalPool(block) => Some(block.layer),
            Block::MultiThreshold(block) => Some(block.layer),
            Block::AddUnit(block) => Some(block.layer),
            Block::MultiplyUnit(block) => Some(block.layer),
            Block::TableUnit(block) => Some(block.layer),
            Block::Concat(block) => Some(block.layer),
            Block::Upsample(block) => Some(block.layer),
            Block::ArgMax(block) => Some(block.layer),
            Block::WidthConverter(_) | Block::Fork(_) | Block::StreamFifo(_) => None,
        }
    }

    /// Whether unused lanes of the words that it writes are zero, if those of the words that it reads are (or are not).
    pub fn is_clean(&self, inputs_are_clean: bool) -> bool {
        match self {
            Block::WidthConverter(block) => {
                inputs_are_clean || WidthConverter::cleans(block.reads.channels, block.from, block.to)
            }
            // Rows beyond the last have steps that are never reached; their sums are whatever the memory gives.
            Block::MatrixVectorUnit(unit) | Block::DepthwiseUnit(unit) => unit.thresholds.is_some(),
            Block::MultiThreshold(_) => true,
            Block::PoolUnit(block) | Block::GlobalPool(block) => block.kind != PoolKind::Sum && inputs_are_clean,
            Block::AddUnit(_) | Block::MultiplyUnit(_) | Block::TableUnit(_) => false,
            Block::SlidingWindow(_)
            | Block::Concat(_)
            | Block::Upsample(_)
            | Block::Fork(_)
            | Block::StreamFifo(_)
            | Block::ArgMax(_) => inputs_are_clean,
        }
    }

    /// Depth in words of a line buffer or queue; `None` for other blocks.
    pub fn words_held(&self) -> Option<usize> {
        match self {
            Block::SlidingWindow(block) => Some(block.shape.depth),
            Block::StreamFifo(block) => Some(block.depth),
            Block::WidthConverter(_)
            | Block::MatrixVectorUnit(_)
            | Block::DepthwiseUnit(_)
            | Block::PoolUnit(_)
            | Block::GlobalPool(_)
            | Block::MultiThreshold(_)
            | Block::AddUnit(_)
            | Block::MultiplyUnit(_)
            | Block::TableUnit(_)
            | Block::Concat(_)
            | Block::Upsample(_)
            | Block::Fork(_)
            | Block::ArgMax(_) => None,
        }
    }

    /// The unit of dot products.
    pub fn dot_unit(&self) -> Option<&dot_unit::DotUnit> {
        match self {
            Block::MatrixVectorUnit(unit) | Block::DepthwiseUnit(unit) => Some(unit),
            Block::WidthConverter(_)
            | Block::SlidingWindow(_)
            | Block::PoolUnit(_)
            | Block::GlobalPool(_)
            | Block::MultiThreshold(_)
            | Block::AddUnit(_)
            | Block::MultiplyUnit(_)
            | Block::TableUnit(_)
            | Block::Concat(_)
            | Block::Upsample(_)
            | Block::Fork(_)
            | Block::StreamFifo(_)
            | Block::ArgMax(_) => None,
        }
    }
}
