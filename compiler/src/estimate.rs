//! What a plan costs, before synthesis: LUTs, flip-flops and block RAMs of a family.
//!
//! Block RAMs are counted by rule, which Verilog forces upon synthesis. LUTs and flip-flops of each stage are a sum over its
//! [features](crate::chip::features), numbers that follow from its shape, each times a coefficient. `scripts/estimator/estimator.py` fits the
//! coefficients to what yosys makes of many random designs and measures the error on others; both are in
//! `coefficients.json`.
//!
//! LUTs are places: of an ECP5 two for each carry cell and four for each LUT RAM, of an iCE40 logic cells, those with only
//! a flip-flop included; of the Xilinx 7 series LUTs with six inputs.

use crate::chip::family::Family;
use crate::plan::{Plan, Stage, Stream};
use serde::{Deserialize, Serialize};

mod coefficients;
mod shell;

pub use coefficients::{Accuracy, accuracy};
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
}

impl Estimate {
    /// What the core of `plan` costs on `family`.
    pub fn new(plan: &Plan, family: Family) -> Self {
        Estimate::of_stages(&plan.stages, family)
    }

    /// What the device around the core and the core cost together.
    pub fn of_device(plan: &Plan, family: Family, shell: &Shell) -> Self {
        Estimate::new(plan, family).with_shell(&plan.streams, plan.output(), family, shell)
    }

    /// What a stage costs.
    pub fn of_stage(stage: &Stage, family: Family) -> Self {
        stage.block.shape().features(family, &stage.memories).estimate(family)
    }

    /// The sum of what `stages` cost.
    pub fn of_stages(stages: &[Stage], family: Family) -> Self {
        stages.iter().map(|stage| Estimate::of_stage(stage, family)).fold(Estimate::default(), Estimate::plus)
    }

    /// The sum of two parts.
    pub fn plus(self, other: Estimate) -> Estimate {
        Estimate { lut: self.lut + other.lut, ff: self.ff + other.ff, bram: self.bram + other.bram }
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
