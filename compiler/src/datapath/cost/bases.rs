//! What bases with a factor each cost.

use super::{adder, bits_for, tree, tree_registers};
use crate::datapath::bases::Bases;

/// LUT4 places of one row's sum over `simd` lanes of `bits` bits: each base is counted as weights ±1 are, and its count
/// added for each bit of its factor.
pub(super) fn luts(bases: &Bases, bits: usize, simd: usize) -> u64 {
    let counts = bases.count() as u64 * tree(simd, bits, 2);
    counts + sums(bases, bits, simd).iter().map(|sum| adder(sum.added) * u64::from(sum.is_sum)).sum::<u64>()
}

/// Flip-flops of one row's sum.
pub(super) fn registers(bases: &Bases, bits: usize, simd: usize) -> u64 {
    let counts = bases.count() as u64 * tree_registers(simd, bits);
    counts + sums(bases, bits, simd).iter().map(|sum| sum.width as u64).sum::<u64>()
}

/// A register behind the counts.
struct Sum {
    /// Bits that are not always 0.
    width: usize,
    /// Bits that an adder makes: those above the zeros of its operands.
    added: usize,
    /// Whether two were added.
    is_sum: bool,
}

/// All registers of the tree over the bits of the factors.
fn sums(bases: &Bases, bits: usize, simd: usize) -> Vec<Sum> {
    let most = simd as u64 * ((1 << bits) - 1);
    // Greatest value, and zeros below.
    let mut terms: Vec<(u64, usize)> = bases.terms().map(|(_, exponent)| (most << exponent, exponent)).collect();
    let mut all = Vec::new();
    while terms.len() > 1 {
        let pairs = terms.chunks(2).map(|pair| {
            let greatest = pair.iter().map(|(greatest, _)| greatest).sum::<u64>();
            let low = pair.iter().map(|(_, zeros)| *zeros).min().unwrap_or(0);
            let high = pair.iter().map(|(_, zeros)| *zeros).max().unwrap_or(0);
            let width = bits_for(greatest);
            (greatest, Sum { width: width - low, added: width - high, is_sum: pair.len() == 2 }, low)
        });
        let pairs: Vec<(u64, Sum, usize)> = pairs.collect();
        terms = pairs.iter().map(|(greatest, _, low)| (*greatest, *low)).collect();
        all.extend(pairs.into_iter().map(|(_, sum, _)| sum));
    }
    all
}
