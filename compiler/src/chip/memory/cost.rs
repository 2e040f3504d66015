//! What a memory costs.

use super::MemoryRole;
use crate::chip::family::Family;

/// Block RAMs of a memory of `depth` rows of `width` bits.
///
/// Of the modes of a block RAM the one that needs the fewest. Bits beyond the last whole block, or those of every block,
/// lie side by side as often as they fit, with a multiplexer, as synthesis (`memory_libmap`) does it; in a memory that is
/// written each must be as wide as what a block RAM can write alone. Odd shapes, about one in fifty, take one block more or
/// less.
pub fn block_rams(family: Family, role: MemoryRole, width: usize, depth: usize) -> u64 {
    let part = if role.is_written() { family.written_bits() } else { 1 };
    let blocks = |(bits, rows): &(usize, usize)| {
        let times = depth.div_ceil(*rows);
        let plain = match width % bits {
            0 => width / bits * times,
            rest => width / bits * times + times.div_ceil((bits / rest.next_multiple_of(part)).max(1)),
        };
        // Each block holds so many rows side by side that one block is deep enough.
        match bits / times / part * part {
            0 => plain,
            own => plain.min(width.div_ceil(own)),
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
        let ecp5 = |width, depth| block_rams(Family::Ecp5, MemoryRole::Weights, width, depth);
        assert_eq!(ecp5(524, 96), 15);
        assert_eq!(ecp5(44, 96), 2);
        assert_eq!(ecp5(9, 2048), 1);
        assert_eq!(ecp5(36, 1100), 3);
        assert_eq!(ecp5(72, 700), 4);
        assert_eq!(ecp5(5, 3000), 1, "three rows side by side");
        assert_eq!(ecp5(24, 1218), 2, "three times twelve bits in each");
        assert_eq!(ecp5(21, 2145), 3);
        assert_eq!(block_rams(Family::Ecp5, MemoryRole::Words, 56, 4096), 14, "two bits cannot be written alone");
        let ice40 = |width, depth| block_rams(Family::Ice40, MemoryRole::Weights, width, depth);
        assert_eq!(ice40(16, 256), 1);
        assert_eq!(ice40(133, 1267), 42);
        assert_eq!(ice40(245, 1407), 92);
        assert_eq!(ice40(3, 4096), 3);
    }
}
