//! What a memory costs.

use super::MemoryRole;
use crate::family::Family;

/// Block RAMs of a memory of `depth` rows of `width` bits.
///
/// Of the modes of a block RAM the one that needs the fewest. Bits beyond the last whole block lie side by side in one as
/// often as they fit, with a multiplexer, as synthesis (`memory_libmap`) does it.
pub fn block_rams(family: Family, width: usize, depth: usize) -> u64 {
    let blocks = |(bits, rows): &(usize, usize)| {
        let whole = width / bits * depth.div_ceil(*rows);
        match width % bits {
            0 => whole,
            rest => whole + depth.div_ceil(rows * (bits / rest)),
        }
    };
    family.block_modes().iter().map(blocks).min().unwrap_or(0) as u64
}

/// LUT places of a memory made of LUTs, or what its registers and their multiplexers take.
pub fn lut_cost(family: Family, role: MemoryRole, width: usize, depth: usize) -> f64 {
    let banks = depth.div_ceil(16);
    // A tree of multiplexers between banks takes two LUTs for three inputs more.
    let multiplexers = (width * (banks - 1)) as f64 * 2.0 / 3.0;
    if !role.is_written() {
        // One LUT for sixteen bits, unless a few rows leave less to tell apart.
        let rows = (depth as f64 / 16.0).max(0.5);
        return width as f64 * rows + multiplexers;
    }
    if family.has_lut_ram() {
        (width.div_ceil(4) * banks * 4) as f64 + multiplexers
    } else {
        1.7 * (width * depth) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_take_the_cheapest_mode() {
        let ecp5 = |width, depth| block_rams(Family::Ecp5, width, depth);
        assert_eq!(ecp5(524, 96), 15);
        assert_eq!(ecp5(44, 96), 2);
        assert_eq!(ecp5(9, 2048), 1);
        assert_eq!(ecp5(36, 1100), 3);
        assert_eq!(ecp5(72, 700), 4);
        assert_eq!(ecp5(5, 3000), 1, "three rows side by side");
        let ice40 = |width, depth| block_rams(Family::Ice40, width, depth);
        assert_eq!(ice40(16, 256), 1);
        assert_eq!(ice40(133, 1267), 42);
        assert_eq!(ice40(245, 1407), 92);
        assert_eq!(ice40(3, 4096), 3);
    }
}
