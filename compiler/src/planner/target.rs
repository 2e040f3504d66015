//! What a plan is made for: a family, and the room on a chip.

use crate::chip::family::Family;
use crate::estimate::{Estimate, Shell};
use crate::plan::{Stage, Stream, StreamId};
use std::fmt;

/// What a plan is made for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target {
    /// The family; without one memories and arithmetic cost what they cost on an ECP5.
    pub family: Option<Family>,
    /// What there is room for; anything, where there is none.
    pub budget: Option<Budget>,
    /// LUTs that a block RAM is worth at first, unless that follows from the chip.
    pub price: Option<f64>,
}

/// The room on a chip.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// LUTs of the chip.
    pub lut: u64,
    /// Flip-flops of the chip.
    pub ff: u64,
    /// Block RAMs of the chip.
    pub bram: u64,
    /// The device around the core, which takes its part.
    pub shell: Shell,
}

/// Share of a chip's LUTs and flip-flops that a plan may take: the estimate is not exact, and the last places are hard to
/// route to. Block RAMs, whose number is certain, may all be taken.
pub const USABLE: f64 = 0.85;

impl Budget {
    /// What of `estimate` there is no room for, with so much of the chip's LUTs and flip-flops.
    pub fn lacking(&self, estimate: &Estimate, usable: f64) -> Vec<Lacking> {
        let share = |all: u64| (all as f64 * usable) as u64;
        [
            (Resource::Luts, estimate.lut, share(self.lut), self.lut),
            (Resource::FlipFlops, estimate.ff, share(self.ff), self.ff),
            (Resource::BlockRams, estimate.bram, self.bram, self.bram),
        ]
        .into_iter()
        .filter(|(_, needed, usable, _)| needed > usable)
        .map(|(resource, needed, usable, all)| Lacking { resource, needed, usable, all })
        .collect()
    }

    /// The greatest share of a resource of the chip that `estimate` takes.
    pub fn share(&self, estimate: &Estimate) -> f64 {
        let shares = [(estimate.lut, self.lut), (estimate.ff, self.ff), (estimate.bram, self.bram)];
        shares.into_iter().map(|(needed, all)| needed as f64 / all.max(1) as f64).fold(0.0, f64::max)
    }
}

/// What a chip has so many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// LUTs.
    Luts,
    /// Flip-flops.
    FlipFlops,
    /// Block RAMs.
    BlockRams,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Resource::Luts => "LUTs",
            Resource::FlipFlops => "flip-flops",
            Resource::BlockRams => "block RAMs",
        })
    }
}

/// A resource of which a design needs more than a plan may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// The resource.
    pub resource: Resource,
    /// How many are needed.
    pub needed: u64,
    /// How many a plan may take.
    pub usable: u64,
    /// How many there are.
    pub all: u64,
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Lacking { resource, needed, usable, all } = self;
        write!(f, "{needed} {resource}")?;
        if usable == all { write!(f, ", of {all}") } else { write!(f, ", of {usable} that may be used of {all}") }?;
        write!(f, " ({} too many)", needed - usable)
    }
}

/// Share of its LUTs for each block RAM that a block RAM is worth, see [`Family::usual_price`].
const ROUTABLE: f64 = 0.4;

impl Target {
    /// A family and nothing else.
    pub fn of(family: Family) -> Self {
        Target { family: Some(family), ..Target::default() }
    }

    /// The family that costs are those of.
    pub fn costs(&self) -> Family {
        self.family.unwrap_or(Family::Ecp5)
    }

    /// LUTs that a block RAM is worth at first.
    pub fn price(&self) -> f64 {
        match (self.price, &self.budget) {
            (Some(price), _) => price,
            (None, Some(budget)) if budget.bram > 0 => ROUTABLE * budget.lut as f64 / budget.bram as f64,
            _ => self.costs().usual_price(),
        }
    }

    /// What a pipeline costs, the device around it included where there is one.
    pub fn estimate(&self, streams: &[Stream], stages: &[Stage]) -> Estimate {
        let core = Estimate::of_stages(stages, self.costs());
        match &self.budget {
            None => core,
            Some(budget) => {
                let output: StreamId = stages[stages.len() - 1].output();
                core.with_shell(streams, output, self.costs(), &budget.shell)
            }
        }
    }
}
