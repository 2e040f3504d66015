//! What a plan costs on an ECP5, before synthesis: a first form, two constants a unit.
//!
//! Coefficients are read off two designs (TFC at 10^6 images/s and the shipped digits network at 10^5, yosys 0.23,
//! `synth_ecp5`): they reproduce those LUT counts within 6 %, block RAM exactly, and claim nothing about others.

use crate::plan::{Plan, Stage, StageKind};
use network::network::LayerKind;
use serde::{Deserialize, Serialize};

/// Resources of a design on an ECP5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// LUT4 places, two for each carry cell.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// Block RAMs of 18 kbit.
    pub bram: u64,
}

impl Estimate {
    /// The sum of what the stages of `plan` cost.
    pub fn new(plan: &Plan) -> Self {
        plan.stages.iter().map(|stage| of_stage(plan, stage)).fold(Estimate::default(), |sum, stage| Estimate {
            lut: sum.lut + stage.lut,
            ff: sum.ff + stage.ff,
            bram: sum.bram + stage.bram,
        })
    }
}

fn of_stage(plan: &Plan, stage: &Stage) -> Estimate {
    match &stage.kind {
        StageKind::MatrixVectorUnit { thresholds, pe, simd, .. } => {
            let lanes = (pe * simd) as u64 * u64::from(stage.input.element.bits());
            let folds = stage.input.words_per_vector() * stage.output.words_per_vector();
            let levels = match thresholds.map(|id| &plan.network.layer(id).kind) {
                Some(LayerKind::MultiThreshold(steps)) => steps.iter().map(|s| s.boundaries.len()).max().unwrap_or(0),
                _ => 1,
            };
            // Each threshold beyond the first is one more comparison of about the sum's width.
            let comparisons = (pe * levels.saturating_sub(1)) as u64 * 12;
            Estimate { lut: 5 * lanes + 300 + comparisons, ff: 2 * lanes + 120, bram: block_rams(pe * simd, folds) }
        }
        StageKind::WidthConverter | StageKind::ArgMax { .. } => Estimate { lut: 80, ff: 40, bram: 0 },
        StageKind::MultiThreshold { .. } => Estimate { lut: 40 * stage.input.lanes as u64, ff: 60, bram: 0 },
    }
}

/// Block RAMs of a memory of `depth` rows of `width` bits; one row is a constant, and memories of at most 2 kbit are made
/// of LUTs.
fn block_rams(width: usize, depth: usize) -> u64 {
    if depth == 1 || width * depth <= 2048 {
        return 0;
    }
    let modes = [(36, 512), (18, 1024), (9, 2048), (4, 4096), (2, 8192), (1, 16384)];
    modes.iter().map(|(bits, rows)| (width.div_ceil(*bits) * depth.div_ceil(*rows)) as u64).min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::block_rams;

    #[test]
    fn memories_take_the_cheapest_mode() {
        assert_eq!(block_rams(524, 96), 15);
        assert_eq!(block_rams(44, 96), 2);
        assert_eq!(block_rams(7, 100), 0);
        assert_eq!(block_rams(9, 2048), 1);
        assert_eq!(block_rams(8192, 1), 0);
    }
}
