//! The memories of a plan: what they hold, how large they are, and what they are made of.
//!
//! A stage has up to three: weights, constants of its rows (thresholds or biases), and words of a stream (line buffers,
//! the vector that a unit repeats, deep queues). One of a single row is a constant. The others lie in LUTs or in block RAM,
//! whichever costs less when a block RAM is worth a number of LUTs, its price. Verilog forces what was chosen by attributes,
//! so that synthesis has no choice and block RAMs can be counted before it.
//!
//! Queues of few words and the accumulators of global pools are read within the cycle, which block RAM cannot do; they are
//! always made of LUTs.

use serde::{Deserialize, Serialize};
use std::fmt;

mod cost;
pub use cost::{block_rams, lut_cost};

/// What a memory is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryKind {
    /// One row: no memory at all.
    Constant,
    /// LUTs: logic where it is never written, else LUT RAM.
    Lut,
    /// Registers, for memories that are written where the family has no LUT RAM.
    Registers,
    /// Block RAM.
    Block,
    /// Whatever synthesis makes of it: a small memory that is written, where the family is not known.
    Any,
}

impl fmt::Display for MemoryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MemoryKind::Constant => "constants",
            MemoryKind::Lut => "LUTs",
            MemoryKind::Registers => "registers",
            MemoryKind::Block => "block RAM",
            MemoryKind::Any => "LUTs or block RAM",
        })
    }
}

/// What a memory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryRole {
    /// Weights.
    Weights,
    /// Thresholds or biases.
    Constants,
    /// Words of a stream.
    Words,
}

impl MemoryRole {
    /// Whether it is written while the design runs.
    pub fn is_written(self) -> bool {
        self == MemoryRole::Words
    }
}

impl fmt::Display for MemoryRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MemoryRole::Weights => "weights",
            MemoryRole::Constants => "constants",
            MemoryRole::Words => "words",
        })
    }
}

/// What the memories of a stage are made of; `None` where it has no such memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memories {
    /// Of the weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<MemoryKind>,
    /// Of the constants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constants: Option<MemoryKind>,
    /// Of the words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<MemoryKind>,
}

impl Memories {
    /// The kind of a memory.
    pub fn kind(&self, role: MemoryRole) -> Option<MemoryKind> {
        match role {
            MemoryRole::Weights => self.weights,
            MemoryRole::Constants => self.constants,
            MemoryRole::Words => self.words,
        }
    }

    pub(crate) fn set(&mut self, role: MemoryRole, kind: MemoryKind) {
        match role {
            MemoryRole::Weights => self.weights = Some(kind),
            MemoryRole::Constants => self.constants = Some(kind),
            MemoryRole::Words => self.words = Some(kind),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Memories::default()
    }
}

/// The size of one memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryShape {
    /// What it holds.
    pub role: MemoryRole,
    /// Bits of a row.
    pub width: usize,
    /// Rows.
    pub depth: usize,
}
