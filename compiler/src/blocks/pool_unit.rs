//! Pools: the greatest or least element, or the sum, of each channel of a window or of the image.

use super::control::Control;
use super::one_result::OneResultControl;
use super::{Shape, Vectors};
use crate::chip::family::Family;
use crate::chip::features::{FeatureSum, Features, address, bits};
use crate::chip::memory::Memories;
use network::network::LayerId;
use serde::{Deserialize, Serialize};

/// What a pool goes through before it begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounds {
    /// The taps of a word's channels, one after the other.
    Taps,
    /// The pixels of an image, each in all its words.
    Pixels,
}

/// What a pool makes of the elements of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolKind {
    /// Their sum.
    Sum,
    /// The greatest of all channels, or the least of all.
    Extremum,
    /// The greatest of some channels, the least of others.
    MixedExtremum,
}

/// A pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolUnit {
    /// The `Pool` layer.
    pub layer: LayerId,
    /// The vectors read.
    pub reads: Vectors,
    /// Taps of a window, or pixels of the image.
    pub taps: usize,
    /// In which order they come.
    pub rounds: Rounds,
    /// What it makes of them.
    pub kind: PoolKind,
    /// Elements of a word, read and written.
    pub lanes: usize,
    /// Bits of an element read.
    pub bits_in: usize,
    /// Bits of an element written.
    pub bits_out: usize,
}

impl PoolUnit {
    /// Words of a pixel.
    pub fn blocks(&self) -> usize {
        self.reads.words_per_vector(self.lanes)
    }
}

impl Shape for PoolUnit {
    fn reads(&self) -> Vec<Vectors> {
        vec![self.reads]
    }

    fn control(&self) -> Box<dyn Control> {
        Box::new(match self.rounds {
            Rounds::Taps => OneResultControl::pool(self.taps),
            Rounds::Pixels => OneResultControl::global_pool(self.taps, self.blocks()),
        })
    }

    fn features(&self, family: Family, _: &Memories) -> Features {
        let kind = match self.rounds {
            Rounds::Taps => "pool_unit",
            Rounds::Pixels => "global_pool",
        };
        let mut sum = FeatureSum::new(kind, family);
        let (lanes, blocks) = (self.lanes as f64, self.blocks());
        let (bits_in, bits_out) = (self.bits_in as f64, self.bits_out as f64);
        sum.both("word_out", lanes * bits_out).both("counters", bits(self.taps) + address(blocks));
        match self.kind {
            PoolKind::Sum => sum.lut("sums", lanes * bits_out).lut("terms", lanes * bits_in),
            PoolKind::Extremum => sum.lut("compared", lanes * bits_out),
            PoolKind::MixedExtremum => {
                sum.lut("compared", lanes * bits_out).lut("masks", lanes * (blocks as f64 / 16.0).max(0.25))
            }
        };
        if self.rounds == Rounds::Pixels {
            sum.queue(self.lanes * self.bits_out, blocks.next_power_of_two().max(2));
        }
        sum.done()
    }
}
