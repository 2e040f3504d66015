//! The memories of a plan: what they hold, how large they are, and what they are made of.
//!
//! A stage has up to three: weights, constants of its rows (thresholds or biases), and words of a stream (line buffers,
//! the vector that a unit repeats, deep queues). One of a single row is a constant. The others lie in LUTs or in block RAM,
//! whichever costs less when a block RAM is worth a number of LUTs, its price. Verilog forces what was chosen by attributes,
//! so that synthesis has no choice and block RAMs can be counted before it.
//!
//! Queues of few words and the accumulators of global pools are read within the cycle, which block RAM cannot do; they are
//! always made of LUTs.

use crate::family::Family;
use crate::plan::{Stage, StageKind, Stream, arithmetic};
use crate::schedule::{upsample_shape, window_shape};
use network::network::Network;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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

/// The memories of `stage` that have a kind, as [`Memories`] names them; an enlargement has two for words.
pub fn shapes(network: &Network, streams: &[Stream], stages: &[Stage], stage: &Stage) -> Vec<MemoryShape> {
    let (input, output) = (&streams[stage.input().0], &streams[stage.output().0]);
    let shape = |role, width, depth| MemoryShape { role, width, depth };
    match &stage.kind {
        StageKind::MatrixVectorUnit { .. } | StageKind::DepthwiseUnit { .. } => {
            let Some(unit) = arithmetic(network, streams, stages, stage).map(|arithmetic| arithmetic.unit) else {
                return Vec::new();
            };
            unit.memory_shapes()
        }
        StageKind::MultiThreshold { layer } => {
            let Some(ladder) = crate::codes::Ladder::of_layer(network, *layer) else { return Vec::new() };
            let levels = ladder.levels();
            // One bit more than the elements have, for thresholds that are never reached.
            let compared = input.format.element.bits() as usize + 1;
            let rows = output.format.channels.div_ceil(input.format.lanes);
            vec![shape(MemoryRole::Constants, input.format.lanes * levels * compared, rows)]
        }
        StageKind::SlidingWindow { layer, capacity } => {
            let window = window_shape(network, network.layer(*layer), output.format.lanes, *capacity);
            window.map(|window| shape(MemoryRole::Words, output.format.word_bits(), window.depth)).into_iter().collect()
        }
        StageKind::Upsample { layer } => {
            let windows = upsample_shape(network, network.layer(*layer), stage.words_per_vector(streams, 0));
            let windows = windows.map(|shape| shape.windows()).into_iter().flatten();
            windows.map(|window| shape(MemoryRole::Words, input.word_bits(), window.depth)).collect()
        }
        StageKind::Fifo { depth } if *depth > SHALLOW => vec![shape(MemoryRole::Words, input.word_bits(), *depth)],
        _ => Vec::new(),
    }
}

/// Words that a queue in LUT RAM holds at most; deeper ones have a choice.
pub const SHALLOW: usize = 32;

/// How kinds are chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum Selection {
    /// By cost, in a family, or in any, with a block RAM worth so many LUTs.
    ByCost {
        /// The family, if it is known.
        family: Option<Family>,
        /// LUTs that a block RAM is worth.
        price: f64,
    },
    /// As given, by stage. Where nothing is given that can be, as by cost in any family.
    Given(BTreeMap<String, Memories>),
}

impl Selection {
    /// By cost in a chip of usual size.
    pub fn usual(family: Option<Family>) -> Self {
        let price = family.unwrap_or(Family::Ecp5).usual_price();
        Selection::ByCost { family, price }
    }

    /// The kind of a memory of the stage called `name`, its parts of the same role together.
    pub(crate) fn select(&self, name: &str, parts: &[MemoryShape]) -> MemoryKind {
        let role = parts[0].role;
        if parts.iter().all(|part| part.depth == 1) {
            return MemoryKind::Constant;
        }
        let (family, price) = match self {
            Selection::ByCost { family, price } => (*family, *price),
            Selection::Given(given) => {
                let kind = given.get(name).and_then(|memories| memories.kind(role));
                let legal = |kind: &MemoryKind| match kind {
                    MemoryKind::Constant => false,
                    MemoryKind::Lut | MemoryKind::Block => true,
                    MemoryKind::Registers | MemoryKind::Any => role.is_written(),
                };
                if let Some(kind) = kind.filter(legal) {
                    return kind;
                }
                (None, Family::Ecp5.usual_price())
            }
        };
        let costs = family.unwrap_or(Family::Ecp5);
        let blocks: u64 = parts.iter().map(|part| block_rams(costs, part.role, part.width, part.depth)).sum();
        let luts: f64 = parts.iter().map(|part| lut_cost(costs, part.role, part.width, part.depth)).sum();
        if luts > price * blocks as f64 {
            MemoryKind::Block
        } else if !role.is_written() {
            MemoryKind::Lut
        } else {
            match family {
                None => MemoryKind::Any,
                Some(family) if family.has_lut_ram() => MemoryKind::Lut,
                Some(_) => MemoryKind::Registers,
            }
        }
    }
}

/// Chooses what the memories of all stages are made of.
pub fn choose(network: &Network, streams: &[Stream], stages: &mut [Stage], selection: &Selection) {
    for index in 0..stages.len() {
        let shapes = shapes(network, streams, stages, &stages[index]);
        let mut memories = Memories::default();
        for role in [MemoryRole::Weights, MemoryRole::Constants, MemoryRole::Words] {
            let parts: Vec<MemoryShape> = shapes.iter().copied().filter(|shape| shape.role == role).collect();
            if !parts.is_empty() {
                let kind = match selection.select(&stages[index].name, &parts) {
                    // What is written and has contents at the start is only in block RAM on every family.
                    MemoryKind::Lut if network.replaceable && role != MemoryRole::Words => MemoryKind::Block,
                    kind => kind,
                };
                memories.set(role, kind);
            }
        }
        stages[index].memories = memories;
    }
}
