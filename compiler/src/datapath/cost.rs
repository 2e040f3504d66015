//! What the datapaths cost, and the choice between them.

use super::{Datapath, Multiplier, WeightRange, group, operand};
use crate::codes::bits_for;
use abi::ElementType;

/// A datapath, and why it.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The one to take.
    pub datapath: Datapath,
    /// LUT4 places of one row with each datapath that computes the row.
    pub luts: Vec<(Datapath, u64)>,
    /// Why, for reports.
    pub reason: String,
}

/// The cheapest datapath for `weights` and inputs of the type `input`, `simd` lanes a word; the first one on ties.
///
/// `padded`: whether words may be padding. `clean_lanes`: whether unused lanes of the words hold zeros. Where they do
/// not, weights ±1 are stored with a 0 for those lanes.
pub fn choose(weights: WeightRange, input: ElementType, simd: usize, padded: bool, clean_lanes: bool) -> Choice {
    let luts: Vec<(Datapath, u64)> = [Datapath::Bipolar, Datapath::Products, Datapath::Planes]
        .into_iter()
        .filter(|datapath| *datapath != Datapath::Bipolar || (weights.is_bipolar && clean_lanes))
        .map(|datapath| {
            let bits = operand(datapath, input, padded).bits() as usize;
            (datapath, row_luts(&Multiplier::new(datapath, weights, bits), simd))
        })
        .collect();
    let datapath = luts.iter().min_by_key(|(_, cost)| *cost).map_or(Datapath::Products, |(datapath, _)| *datapath);
    let costs: Vec<String> = luts.iter().map(|(datapath, cost)| format!("{datapath} {cost}")).collect();
    let range =
        if weights.is_bipolar { "±1".to_owned() } else { format!("{}..={}", weights.minimum, weights.maximum) };
    let zeros = if weights.is_bipolar && !clean_lanes { ", 0 for unused lanes" } else { "" };
    let reason =
        format!("weights {range}{zeros} and {input} over {simd} lanes, LUT4 places a row: {}", costs.join(", "));
    Choice { datapath, luts, reason }
}

/// LUT4 places of one row's sum over `simd` lanes, a carry cell counting two.
///
/// Counted as synthesis does it (yosys 0.23, `synth_ecp5 -nodsp -nowidelut -abc9`): sums of at least five bits are carry
/// cells, two bits each, and what happens to a lane before takes a LUT a bit; smaller sums are LUTs, which take in some
/// of that. Measured over 16 lanes, inputs by weights, `t` for ternary:
///
/// | | 1 × ±1 | 2 × ±1 | 1 × t | 2 × t | 8 × t | 1 × 4 | 2 × 4 | 4 × 4 | 8 × 8 |
/// |---|---|---|---|---|---|---|---|---|---|
/// | bipolar | 41 | 78 | | | | | | | |
/// | products | | | 46 | 94 | 284 | 160 | 446 | 828 | 2708 |
/// | planes | | | 88 | 164 | 582 | 182 | 336 | 670 | 2372 |
///
/// A test holds the model to 5 % of them.
pub fn row_luts(multiplier: &Multiplier, simd: usize) -> u64 {
    let bits = multiplier.term_bits();
    match multiplier.datapath {
        Datapath::Bipolar => tree(simd, bits, 2),
        Datapath::Planes => {
            let planes = multiplier.weight_bits;
            let width = bits_for(simd as u64 * ((1 << bits) - 1));
            planes as u64 * tree(simd, bits, 2) + shifted(planes, width)
        }
        Datapath::Products if multiplier.twos_complement => tree(simd, bits, 2),
        // Magnitude and sign are two inputs besides the lane.
        Datapath::Products if multiplier.partial_products() == 1 => {
            tree(simd, bits, if multiplier.signed && multiplier.magnitude_bits() == 1 { 3 } else { 2 })
        }
        Datapath::Products => {
            let shorter = multiplier.partial_products();
            let longer = multiplier.input_bits.max(multiplier.magnitude_bits());
            // Four signals make each bit of a product in one LUT.
            let small = shorter + longer == 4;
            let parts = if small { 4 } else { (shorter * longer) as u64 + shifted(shorter, longer) };
            simd as u64 * parts + tree(simd, bits, if multiplier.signed { 2 } else { 1 })
        }
    }
}

/// An adder to a sum of `width` bits.
fn adder(width: usize) -> u64 {
    match width {
        0..=3 => width as u64,
        4 => 5,
        _ => 2 * width.div_ceil(2) as u64,
    }
}

/// A tree over `lanes` terms of `bits` bits, each a function of `inputs` signals a bit.
fn tree(lanes: usize, bits: usize, inputs: usize) -> u64 {
    let size = group(bits);
    let own = |lanes: usize| (if inputs > 1 { lanes * bits } else { 0 }) as u64;
    let first = |lanes: usize| match (bits, lanes) {
        (_, 1) => own(1),
        // Six signals make two bits in four LUTs.
        (1, 3) => {
            if inputs == 2 {
                4
            } else {
                own(3) + 2
            }
        }
        (1, 2) => {
            if inputs == 2 {
                2
            } else {
                own(2) + 2
            }
        }
        (2, 2) if inputs == 2 => 5,
        (3, 2) if inputs == 2 => 8,
        _ => own(lanes) + adder(bits + 1),
    };
    let most = (1u64 << bits) - 1;
    let mut terms: Vec<u64> = (0..lanes.div_ceil(size)).map(|n| size.min(lanes - n * size) as u64).collect();
    let mut places: u64 = terms.iter().map(|lanes| first(*lanes as usize)).sum();
    while terms.len() > 1 {
        let sums = terms.chunks(2).map(|pair| (pair.len(), pair.iter().sum::<u64>())).collect::<Vec<_>>();
        places += sums.iter().filter(|(count, _)| *count == 2).map(|(_, sum)| adder(bits_for(sum * most))).sum::<u64>();
        terms = sums.into_iter().map(|(_, sum)| sum).collect();
    }
    places
}

/// The adders that put `parts` of `width` bits together, each of twice the weight of the one before. The lowest bits of
/// each pair need none.
fn shifted(parts: usize, width: usize) -> u64 {
    let (mut widths, mut shift, mut places) = (vec![width; parts], 1, 0);
    while widths.len() > 1 {
        places += widths.chunks(2).filter(|pair| pair.len() == 2).map(|pair| adder(pair[1] + 1)).sum::<u64>();
        widths = widths.chunks(2).map(|pair| pair.get(1).map_or(pair[0], |high| high + shift)).collect();
        shift *= 2;
    }
    places
}

/// Flip-flops of one row's sum over `simd` lanes: one register behind each level.
pub fn row_registers(multiplier: &Multiplier, simd: usize) -> u64 {
    let bits = multiplier.term_bits();
    match multiplier.datapath {
        Datapath::Planes => {
            let planes = multiplier.weight_bits;
            let width = bits_for(simd as u64 * ((1 << bits) - 1));
            planes as u64 * tree_registers(simd, bits) + shifted_registers(planes, width)
        }
        Datapath::Products if multiplier.partial_products() > 1 => {
            let longer = multiplier.input_bits.max(multiplier.magnitude_bits());
            let shorter = multiplier.partial_products();
            let signs = if multiplier.signed { super::pair_levels(shorter) as u64 } else { 0 };
            simd as u64 * (shifted_registers(shorter, longer) + signs) + tree_registers(simd, bits)
        }
        Datapath::Bipolar | Datapath::Products => tree_registers(simd, bits),
    }
}

fn tree_registers(lanes: usize, bits: usize) -> u64 {
    let most = (1u64 << bits) - 1;
    let mut counts: Vec<u64> = vec![1; lanes];
    let (mut size, mut registers) = (group(bits), 0);
    loop {
        counts = counts.chunks(size).map(|part| part.iter().sum()).collect();
        registers += counts.iter().map(|count| bits_for(count * most) as u64).sum::<u64>();
        size = 2;
        if counts.len() == 1 {
            return registers;
        }
    }
}

fn shifted_registers(parts: usize, width: usize) -> u64 {
    let (mut widths, mut shift, mut registers) = (vec![width; parts], 1, 0);
    while widths.len() > 1 {
        widths = widths.chunks(2).map(|pair| pair.get(1).map_or(pair[0], |high| high + shift + 1)).collect();
        registers += widths.iter().map(|width| *width as u64).sum::<u64>();
        shift *= 2;
    }
    registers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(minimum: i64, maximum: i64) -> WeightRange {
        WeightRange { minimum, maximum, is_bipolar: false }
    }

    #[test]
    fn costs_are_those_of_synthesis() {
        let bipolar = WeightRange { is_bipolar: true, ..range(-1, 1) };
        let (ternary, two, three) = (range(-1, 1), range(-2, 1), range(-4, 3));
        let (four, eight) = (range(-8, 7), range(-128, 127));
        let measured = [
            (Datapath::Bipolar, bipolar, 4, 16, 160),
            (Datapath::Bipolar, bipolar, 8, 16, 284),
            (Datapath::Products, two, 1, 16, 78),
            (Datapath::Products, three, 1, 16, 108),
            (Datapath::Products, eight, 1, 16, 284),
            (Datapath::Products, two, 2, 16, 224),
            (Datapath::Products, ternary, 4, 16, 160),
            (Datapath::Products, ternary, 1, 32, 95),
            (Datapath::Products, ternary, 2, 32, 196),
            (Datapath::Planes, two, 1, 16, 88),
            (Datapath::Planes, three, 1, 16, 135),
            (Datapath::Planes, eight, 1, 16, 372),
            (Datapath::Planes, two, 2, 16, 164),
            (Datapath::Planes, ternary, 4, 16, 330),
            (Datapath::Planes, ternary, 1, 32, 174),
            (Datapath::Planes, ternary, 2, 32, 336),
            (Datapath::Bipolar, bipolar, 1, 16, 41),
            (Datapath::Bipolar, bipolar, 2, 16, 78),
            (Datapath::Bipolar, bipolar, 1, 32, 84),
            (Datapath::Products, ternary, 1, 16, 46),
            (Datapath::Products, ternary, 2, 16, 94),
            (Datapath::Products, ternary, 8, 16, 284),
            (Datapath::Products, four, 1, 16, 160),
            (Datapath::Products, four, 2, 16, 446),
            (Datapath::Products, four, 4, 16, 828),
            (Datapath::Products, eight, 8, 16, 2708),
            (Datapath::Planes, ternary, 1, 16, 88),
            (Datapath::Planes, ternary, 2, 16, 164),
            (Datapath::Planes, ternary, 8, 16, 582),
            (Datapath::Planes, four, 1, 16, 182),
            (Datapath::Planes, four, 2, 16, 336),
            (Datapath::Planes, four, 4, 16, 670),
            (Datapath::Planes, eight, 8, 16, 2372),
        ];
        for (datapath, weights, input_bits, simd, places) in measured {
            let model = row_luts(&Multiplier::new(datapath, weights, input_bits), simd);
            assert!(
                20 * model.abs_diff(places) <= places,
                "{datapath} {weights:?} {input_bits}: {model}, not {places}"
            );
        }
    }

    #[test]
    fn the_cheaper_datapath_is_chosen() {
        let chosen = |weights, bits, clean| choose(weights, ElementType::Unsigned { bits }, 16, false, clean).datapath;
        let bipolar = WeightRange { is_bipolar: true, ..range(-1, 1) };
        assert_eq!(chosen(bipolar, 1, true), Datapath::Bipolar);
        assert_eq!(chosen(bipolar, 1, false), Datapath::Products, "unused lanes hold anything");
        assert_eq!(chosen(range(-1, 1), 2, true), Datapath::Products);
        assert_eq!(chosen(range(-8, 7), 4, true), Datapath::Planes);
        let choice = choose(range(-8, 7), ElementType::Unsigned { bits: 4 }, 16, false, true);
        assert_eq!(choice.reason, "weights -8..=7 and u4 over 16 lanes, LUT4 places a row: products 828, planes 670");
    }
}
