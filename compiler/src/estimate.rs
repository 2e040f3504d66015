//! What a plan costs, before synthesis: LUTs, flip-flops and block RAMs of a family, and the clock that it may reach.
//!
//! Block RAMs are counted by rule, which Verilog forces upon synthesis. LUTs and flip-flops of each stage are a sum over its
//! [features], numbers that follow from its shape, each times a coefficient. `scripts/estimator.py` fits the
//! coefficients to what yosys makes of many random designs and measures the error on others; both are in
//! `coefficients.json`.
//!
//! LUTs are places: of an ECP5 two for each carry cell and four for each LUT RAM, of an iCE40 logic cells, those with only
//! a flip-flop included; of the Xilinx 7 series LUTs with six inputs.

use crate::family::Family;
use crate::plan::{Plan, Stage, Stream};
use network::network::Network;
use serde::{Deserialize, Serialize};

mod coefficients;
pub mod features;
mod shell;

pub use coefficients::{Accuracy, accuracy};
pub use features::Features;
pub use shell::{Shell, shell_features};

/// Resources of a design.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// LUT places.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// Block RAMs of the family's size.
    pub bram: u64,
    /// The clock in MHz that the slowest block reaches when it is placed and routed, where that has been measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fmax_mhz: Option<f64>,
}

impl Estimate {
    /// What the core of `plan` costs on `family`.
    pub fn new(plan: &Plan, family: Family) -> Self {
        Estimate::of_stages(&plan.network, &plan.streams, &plan.stages, family)
    }

    /// What the device around the core and the core cost together.
    pub fn of_device(plan: &Plan, family: Family, shell: &Shell) -> Self {
        Estimate::new(plan, family).with_shell(&plan.streams, plan.output(), family, shell)
    }

    /// The sum of what `stages` cost.
    pub fn of_stages(network: &Network, streams: &[Stream], stages: &[Stage], family: Family) -> Self {
        let each =
            stages.iter().map(|stage| features::of_stage(network, streams, stages, stage, family).estimate(family));
        each.fold(Estimate::default(), Estimate::plus)
    }

    /// The sum of two parts: the slower one's clock.
    pub fn plus(self, other: Estimate) -> Estimate {
        let fmax_mhz = match (self.fmax_mhz, other.fmax_mhz) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Estimate { lut: self.lut + other.lut, ff: self.ff + other.ff, bram: self.bram + other.bram, fmax_mhz }
    }

    pub(crate) fn with_shell(
        self,
        streams: &[Stream],
        output: crate::plan::StreamId,
        family: Family,
        shell: &Shell,
    ) -> Self {
        let (input, output) = (streams[0].format, streams[output.0].format);
        shell_features(&input, &output, family, shell)
            .iter()
            .fold(self, |sum, features| sum.plus(features.estimate(family)))
    }
}
