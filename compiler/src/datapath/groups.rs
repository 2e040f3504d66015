//! Weights in groups of neighbouring columns with a scale each.
//!
//! In each group of a row a weight is 0 or plus or minus the group's scale. Its code is that of a weight 0 or ±1; the
//! scales follow the codes of a word's lanes, one for each group of the word. A word that is no whole number of groups is
//! cut into smaller ones, which are groups as well.

use super::{group, pair_levels};
use crate::chip::number::bits_for;
use crate::chip::number::greatest_common_divisor;
use network::network::WeightMatrix;
use serde::{Deserialize, Serialize};

/// Columns of the smallest groups that are looked for.
const LEAST: usize = 4;

/// The greatest scale.
const GREATEST: u16 = 255;

/// Groups of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grouping {
    /// Columns of a group.
    size: usize,
    /// Bits of a scale.
    scale_bits: usize,
}

impl Grouping {
    /// The largest groups of `weights` that divide parts of `part` columns; `None` where there are none of a few columns
    /// at least, or where all weights are 0 and ±1, so that there is nothing to scale.
    pub fn of(weights: &WeightMatrix, part: usize) -> Option<Self> {
        let greatest = weights.values.iter().map(|weight| weight.unsigned_abs()).max()?;
        if !(2..=GREATEST).contains(&greatest) {
            return None;
        }
        let scaled = |group: &[i16]| {
            let mut magnitudes = group.iter().map(|weight| weight.unsigned_abs()).filter(|magnitude| *magnitude > 0);
            let scale = magnitudes.next();
            magnitudes.all(|magnitude| Some(magnitude) == scale)
        };
        let sizes = (LEAST..=part).rev().filter(|size| part.is_multiple_of(*size));
        let size = sizes.into_iter().find(|size| weights.values.chunks(*size).all(scaled))?;
        Some(Grouping { size, scale_bits: bits_for(greatest.into()) })
    }

    /// Columns of a group.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Bits of a scale.
    pub fn scale_bits(&self) -> usize {
        self.scale_bits
    }

    /// Lanes of a group of a word of `simd` lanes.
    pub fn lanes(&self, simd: usize) -> usize {
        greatest_common_divisor(self.size, simd)
    }

    /// Groups of a word of `simd` lanes.
    pub fn groups(&self, simd: usize) -> usize {
        simd / self.lanes(simd)
    }

    /// Bits of the sum of a group's lanes of `bits` bits.
    pub fn sum_bits(&self, simd: usize, bits: usize) -> usize {
        bits_for(self.lanes(simd) as u64 * ((1 << bits) - 1))
    }

    /// Bits of the shorter and of the longer factor of a scaled sum.
    pub fn factor_bits(&self, simd: usize, bits: usize) -> (usize, usize) {
        let sum = self.sum_bits(simd, bits);
        (sum.min(self.scale_bits), sum.max(self.scale_bits))
    }

    /// Register levels of the adders over a group's lanes.
    pub fn sum_levels(&self, simd: usize, bits: usize) -> usize {
        1 + pair_levels(self.lanes(simd).div_ceil(group(bits)))
    }

    /// Clock cycles from lanes of `bits` bits to the sum over a word: adders over each group, those that multiply it,
    /// and those over the groups.
    pub fn levels(&self, simd: usize, bits: usize) -> usize {
        let (short, _) = self.factor_bits(simd, bits);
        self.sum_levels(simd, bits) + pair_levels(short) + pair_levels(self.groups(simd))
    }

    /// The scales of a word with these weights.
    pub fn scales(&self, weights: &[i64]) -> impl Iterator<Item = u64> {
        let scale = |group: &[i64]| group.iter().map(|weight| weight.unsigned_abs()).max().unwrap_or(0);
        weights.chunks(self.lanes(weights.len())).map(scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::ElementType;

    fn matrix(columns: usize, values: &[i16]) -> WeightMatrix {
        let element = ElementType::Signed { bits: 9 };
        WeightMatrix { rows: values.len() / columns, columns, element, values: values.to_vec() }
    }

    #[test]
    fn the_largest_groups_are_found() {
        let values = [3, 0, -3, 3, 0, 0, 0, 0, 7, 7, 7, -7, 1, 0, -1, 1];
        let size = |columns, part, values: &[i16]| Grouping::of(&matrix(columns, values), part).map(|found| found.size);
        assert_eq!(size(16, 16, &values), Some(4));
        assert_eq!(size(16, 8, &values), Some(4), "3 and 0, but 7 and 1");
        assert_eq!(size(8, 8, &values[..8]), Some(8));
        assert_eq!(size(8, 4, &values[..8]), Some(4), "a group is at one kernel position");
        assert_eq!(size(8, 2, &values[..8]), None, "too few channels");
        assert_eq!(size(4, 4, &[1, 0, -1, 1]), None, "nothing to scale");
        assert_eq!(size(4, 4, &[1, 2, 0, 0]), None);
        assert_eq!(size(4, 4, &[256, 0, 0, 0]), None, "too great a scale");
    }

    #[test]
    fn words_cut_groups() {
        let groups = Grouping { size: 8, scale_bits: 3 };
        assert_eq!([2, 8, 12, 16, 3].map(|simd| groups.lanes(simd)), [2, 8, 4, 8, 1]);
        assert_eq!([2, 8, 12, 16, 3].map(|simd| groups.groups(simd)), [1, 1, 3, 2, 3]);
        assert_eq!(groups.scales(&[0, 5, -5, 0, 0, 0, 0, 0, 1, 0, 0, 0]).collect::<Vec<_>>(), [5, 0, 1]);
    }
}
