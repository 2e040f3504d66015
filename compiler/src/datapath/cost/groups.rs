//! What lanes in groups with a scale cost.

use super::{shifted, shifted_registers, tree, tree_of, tree_registers, tree_registers_of};
use crate::datapath::Multiplier;
use crate::datapath::groups::Grouping;

/// LUT4 places of one row's sum over `simd` lanes in groups.
pub(super) fn luts(multiplier: &Multiplier, grouping: &Grouping, simd: usize) -> u64 {
    let bits = multiplier.input_bits;
    let (short, long) = grouping.factor_bits(simd, bits);
    let groups = grouping.groups(simd);
    // Magnitude and sign are two inputs besides the lane.
    let sum = tree(grouping.lanes(simd), bits, if multiplier.signed { 3 } else { 2 });
    let product = (short * long) as u64 + shifted(short, long);
    groups as u64 * (sum + product) + tree_of(groups, short + long, 1, 2)
}

/// Flip-flops of one row's sum over `simd` lanes in groups: scales wait for the sums of their groups.
pub(super) fn registers(multiplier: &Multiplier, grouping: &Grouping, simd: usize) -> u64 {
    let bits = multiplier.input_bits;
    let (short, long) = grouping.factor_bits(simd, bits);
    let groups = grouping.groups(simd);
    let late = grouping.sum_levels(simd, bits) * grouping.scale_bits();
    let group = tree_registers(grouping.lanes(simd), bits) + late as u64 + shifted_registers(short, long);
    let sums = if groups > 1 { tree_registers_of(groups, short + long, 2) } else { 0 };
    groups as u64 * group + sums
}
