//! What a plan costs on an ECP5, before synthesis: a first form, a few constants a unit.
//!
//! Coefficients are read off two designs (TFC at 10^6 images/s and the shipped digits network at 10^5, yosys 0.23,
//! `synth_ecp5`): they reproduce those LUT counts within 6 %, block RAM exactly, and claim nothing about others. Units
//! besides dot products of bipolar weights are guessed from the bits that they hold.

use crate::datapath::Datapath;
use crate::fold::Dot;
use crate::plan::{Lanes, Plan, Stage, StageKind, arithmetic};
use network::network::{LayerId, LayerKind};
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
    let (input, output) = (plan.stream(stage.input()), plan.stream(stage.output()));
    let memory = |words: usize| {
        let bram = block_rams(input.word_bits(), words);
        // A LUT holds sixteen bits of a memory that is made of them.
        let lut = if bram == 0 { (input.word_bits() * words.div_ceil(16)) as u64 } else { 0 };
        Estimate { lut: lut + 40, ff: 30, bram }
    };
    match &stage.kind {
        StageKind::MatrixVectorUnit { thresholds, .. } | StageKind::DepthwiseUnit { thresholds, .. } => {
            dot(plan, stage, *thresholds).unwrap_or_default()
        }
        StageKind::WidthConverter | StageKind::ArgMax { .. } => Estimate { lut: 80, ff: 40, bram: 0 },
        StageKind::MultiThreshold { .. } => Estimate { lut: 40 * input.format.lanes as u64, ff: 60, bram: 0 },
        StageKind::SlidingWindow { capacity, .. } => {
            let Estimate { lut, ff, bram } = memory(*capacity);
            Estimate { lut: lut + 150, ff: ff + 80, bram }
        }
        StageKind::Fifo { depth } => memory(*depth),
        StageKind::PoolUnit { .. } | StageKind::GlobalPool { .. } | StageKind::AddUnit { .. } => {
            let bits = output.word_bits() as u64;
            Estimate { lut: 3 * bits + 40, ff: 2 * bits + 30, bram: 0 }
        }
        StageKind::TableUnit { .. } => {
            let lanes = output.format.lanes as u64;
            let inputs = stage.inputs.iter().map(|id| plan.stream(*id).format.element.bits()).sum::<u32>();
            // One LUT4 for every sixteen entries and bit.
            let entries = 1u64 << inputs.saturating_sub(4);
            Estimate { lut: lanes * entries * u64::from(output.format.element.bits()) + 20, ff: 40, bram: 0 }
        }
        StageKind::Concat { .. } | StageKind::Upsample { .. } | StageKind::Fork => {
            let bits = output.word_bits() as u64;
            Estimate { lut: bits + 30, ff: bits + 20, bram: 0 }
        }
    }
}

/// The estimate of a stage of dot products.
fn dot(plan: &Plan, stage: &Stage, thresholds: Option<LayerId>) -> Option<Estimate> {
    let Lanes { pe, simd } = stage.kind.lanes()?;
    let layer = plan.network.layer(stage.kind.layer()?);
    let (shape, weights) = (Dot::new(&plan.network, layer)?, layer.kind.weights()?);
    let choice = arithmetic(&plan.network, &plan.streams, &plan.stages, stage)?.choice;
    let lanes = (pe * simd) as u64 * u64::from(plan.stream(stage.input()).format.element.bits());
    let lut_lanes = match choice.luts.iter().find(|(datapath, _)| *datapath == choice.datapath) {
        Some((datapath, luts)) if *datapath != Datapath::Bipolar => pe as u64 * luts,
        _ => 5 * lanes,
    };
    let words = if shape.depthwise { shape.groups.div_ceil(pe) } else { shape.groups * shape.columns.div_ceil(simd) };
    let folds = if shape.depthwise { 1 } else { shape.rows.div_ceil(pe) };
    let bram = block_rams(pe * simd * weights.element.bits() as usize, words * shape.taps * folds);
    let comparisons = comparisons(plan, thresholds, pe);
    Some(Estimate { lut: lut_lanes + 300 + comparisons, ff: 2 * lanes + 120, bram })
}

/// Each threshold of a row beyond the first is one more comparison of about the sum's width.
fn comparisons(plan: &Plan, thresholds: Option<LayerId>, rows: usize) -> u64 {
    let levels = match thresholds.map(|id| &plan.network.layer(id).kind) {
        Some(LayerKind::MultiThreshold(steps)) => steps.iter().map(|s| s.boundaries.len()).max().unwrap_or(0),
        _ => 1,
    };
    (rows * levels.saturating_sub(1)) as u64 * 12
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
