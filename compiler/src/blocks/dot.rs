//! The shape of a dot-product layer, as its hardware sees it.

use super::Vectors;
use network::network::{Convolution, Layer, LayerKind, Network};
use serde::{Deserialize, Serialize};

/// Parallelism of a dot-product layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parallelism {
    /// Rows (output channels of a group) computed at once, 1 to all; channels for a depthwise convolution.
    pub pe: usize,
    /// Columns (input channels of a group) taken at once, 1 to all; 1 for a depthwise convolution.
    pub simd: usize,
}

/// Whether a layer has a parallelism of its own to choose.
pub fn is_dot(layer: &Layer) -> bool {
    layer.kind.weights().is_some()
}

/// A dot-product layer of a network as loops: for each output pixel, group and row group the taps and words of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dot {
    /// Output pixels.
    pub pixels: usize,
    /// Groups of channels.
    pub groups: usize,
    /// Taps of a window; 1 without windows.
    pub taps: usize,
    /// Input channels of one group.
    pub columns: usize,
    /// Output channels of one group.
    pub rows: usize,
    /// Whether every channel is a group with one output, so that channels are computed side by side.
    pub depthwise: bool,
}

impl Dot {
    /// The loops of `layer`, `None` where it has no dot products.
    pub fn new(network: &Network, layer: &Layer) -> Option<Self> {
        let input = network.tensor(layer.input());
        let pixels = network.tensor(layer.output).vectors();
        match &layer.kind {
            LayerKind::MatrixVector(weights) => {
                Some(Dot { pixels, groups: 1, taps: 1, columns: weights.columns, rows: weights.rows, depthwise: false })
            }
            LayerKind::Convolution(Convolution { window, groups, padding: _, weights }) => Some(Dot {
                pixels,
                groups: *groups,
                taps: window.taps(),
                columns: input.channels / groups,
                rows: weights.rows / groups,
                depthwise: *groups == input.channels && *groups == weights.rows,
            }),
            LayerKind::Pool(_)
            | LayerKind::MultiThreshold(_)
            | LayerKind::Add(_)
            | LayerKind::Multiply
            | LayerKind::Table(_)
            | LayerKind::Concat
            | LayerKind::Upsample { .. }
            | LayerKind::Reshape
            | LayerKind::ArgMax => None,
        }
    }

    /// The vectors that its unit reads: of each output pixel and tap a group's channels, those of a depthwise convolution side
    /// by side.
    pub fn reads(&self) -> Vectors {
        let (groups, channels) = if self.depthwise { (1, self.groups) } else { (self.groups, self.columns) };
        Vectors { vectors: self.pixels * groups * self.taps, channels }
    }

    /// Groups of channels that its unit reads one after the other.
    pub fn groups_in_turn(&self) -> usize {
        if self.depthwise { 1 } else { self.groups }
    }

    /// Channels of a vector that its unit writes.
    pub fn results(&self) -> usize {
        if self.depthwise { self.groups } else { self.rows }
    }

    /// Elements of a word that its unit reads.
    pub fn lanes(&self, parallelism: Parallelism) -> usize {
        if self.depthwise { parallelism.pe } else { parallelism.simd }
    }

    /// Columns of weights that a word's lanes are taken from.
    pub fn part(&self) -> usize {
        if self.depthwise { 1 } else { self.columns }
    }

    /// The greatest `pe` and `simd`.
    pub fn limits(&self) -> Parallelism {
        Parallelism { pe: self.results(), simd: self.part() }
    }

    /// Rows of its unit's memory of weights.
    pub fn weight_rows(&self, parallelism: Parallelism) -> usize {
        let Parallelism { pe, simd } = parallelism;
        if self.depthwise {
            self.taps * self.groups.div_ceil(pe)
        } else {
            self.groups * self.rows.div_ceil(pe) * self.taps * self.columns.div_ceil(simd)
        }
    }

    /// Words that its unit takes in for one image.
    pub fn words(&self, parallelism: Parallelism) -> u64 {
        self.reads().words(self.lanes(parallelism))
    }

    /// Clock cycles that one image occupies its unit.
    pub fn cycles(&self, parallelism: Parallelism) -> u64 {
        let row_folds = if self.depthwise { 1 } else { self.rows.div_ceil(parallelism.pe) };
        self.words(parallelism) * row_folds as u64
    }
}
