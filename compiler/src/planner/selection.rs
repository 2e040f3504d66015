//! What the memories of a plan are made of.

use crate::blocks::Shape;
use crate::chip::family::Family;
use crate::chip::memory::{Memories, MemoryKind, MemoryRole, MemoryShape, block_rams, lut_cost};
use crate::plan::Stage;
use std::collections::BTreeMap;

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
    /// What the memories of `block`, the stage called `name`, are made of; `writable`: where they may be written from
    /// outside.
    pub fn of_block(&self, name: &str, block: &dyn Shape, writable: bool) -> Memories {
        let shapes = block.memories();
        let mut memories = Memories::default();
        for role in [MemoryRole::Weights, MemoryRole::Constants, MemoryRole::Words] {
            let parts: Vec<MemoryShape> = shapes.iter().copied().filter(|shape| shape.role == role).collect();
            if !parts.is_empty() {
                let kind = match self.select(name, &parts) {
                    // What is written and has contents at the start is only in block RAM on every family.
                    MemoryKind::Lut if writable && role != MemoryRole::Words => MemoryKind::Block,
                    kind => kind,
                };
                memories.set(role, kind);
            }
        }
        memories
    }

    /// The kind of a memory of the stage called `name`, its parts of the same role together.
    fn select(&self, name: &str, parts: &[MemoryShape]) -> MemoryKind {
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
pub fn choose(stages: &mut [Stage], selection: &Selection, writable: bool) {
    for stage in stages {
        stage.memories = selection.of_block(&stage.name, stage.block.shape(), writable);
    }
}
