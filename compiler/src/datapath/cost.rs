//! What the datapaths cost, and the choice between them.

mod bases;
mod groups;
mod shifts;
#[cfg(test)]
mod tests;

use super::digits::Place;
use super::{Datapath, Form, Multiplier, WeightRange, group, operand, pair_levels};
use crate::chip::family::Family;
use crate::chip::memory::{MemoryRole, block_rams, lut_cost};
use crate::chip::number::bits_for;
use abi::ElementType;

/// A datapath, and why it.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The one to take.
    pub form: Form,
    /// LUT4 places of one row with each datapath that computes the row, its part of the memory of weights included.
    pub luts: Vec<(Datapath, u64)>,
    /// Why, for reports.
    pub reason: String,
}

/// The size of a unit, as far as the choice hangs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitSize {
    /// Rows computed at once.
    pub pe: usize,
    /// Lanes of a word.
    pub simd: usize,
    /// Rows of the memory of weights.
    pub weight_rows: usize,
}

impl UnitSize {
    /// LUTs of one row's part of the memory of weights, in a chip of usual size: for all families the same.
    fn memory_luts(&self, word_bits: usize) -> u64 {
        if self.weight_rows == 1 {
            return 0;
        }
        let (width, family) = (self.pe * word_bits, Family::Ecp5);
        let blocks = block_rams(family, MemoryRole::Weights, width, self.weight_rows);
        let luts = lut_cost(family, MemoryRole::Weights, width, self.weight_rows);
        (luts.min(family.usual_price() * blocks as f64) / self.pe as f64).round() as u64
    }
}

/// The cheapest datapath for `weights` and inputs of the type `input` in a unit of a size; the first one on ties.
///
/// `padded`: whether words may be padding. `clean_lanes`: whether unused lanes of the words hold zeros. Where they do
/// not, weights ±1 are stored with a 0 for those lanes.
pub fn choose(weights: WeightRange, input: ElementType, size: UnitSize, padded: bool, clean_lanes: bool) -> Choice {
    let cost = |form: Form| {
        let bits = operand(form.datapath(), input, padded).bits() as usize;
        let multiplier = Multiplier::new(form, weights, bits);
        row_luts(&multiplier, size.simd) + size.memory_luts(multiplier.word_bits(size.simd))
    };
    let forms = Datapath::ALL
        .into_iter()
        .filter_map(|datapath| Form::new(datapath, weights))
        .filter(|form| clean_lanes || form.has_zero())
        .filter(|form| form.takes(input, padded));
    let costs: Vec<(Form, u64)> = forms.map(|form| (form, cost(form))).collect();
    let form = costs.iter().min_by_key(|(_, cost)| *cost).map_or(Form::Products, |(form, _)| *form);
    let luts: Vec<(Datapath, u64)> = costs.into_iter().map(|(form, cost)| (form.datapath(), cost)).collect();
    let texts: Vec<String> = luts.iter().map(|(datapath, cost)| format!("{datapath} {cost}")).collect();
    let range =
        if weights.is_bipolar { "±1".to_owned() } else { format!("{}..={}", weights.minimum, weights.maximum) };
    let zeros = if weights.is_bipolar && !clean_lanes { ", 0 for unused lanes" } else { "" };
    let (lanes, texts) = (size.simd, texts.join(", "));
    let impossible = if weights.is_open && !weights.is_bipolar { impossible(weights) } else { String::new() };
    let reason = format!("weights {range}{zeros}, inputs {input}, {lanes} lanes; LUT4s per row: {texts}{impossible}");
    Choice { form, luts, reason }
}

/// The datapaths that writable weights exclude.
fn impossible(weights: WeightRange) -> String {
    let without = [Datapath::Shifts, Datapath::Groups, Datapath::Bases]
        .into_iter()
        .filter(|datapath| Form::new(*datapath, weights).is_none());
    let without: Vec<String> = without.map(|datapath| datapath.to_string()).collect();
    if without.is_empty() { String::new() } else { format!("; excluded by writable weights: {}", without.join(", ")) }
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
    match multiplier.form {
        Form::Bipolar => tree(simd, bits, 2),
        Form::Planes => {
            let planes = multiplier.weight_bits;
            let width = bits_for(simd as u64 * ((1 << bits) - 1));
            planes as u64 * tree(simd, bits, 2) + shifted(planes, width)
        }
        Form::Shifts(digits) => {
            let places: Vec<Place> = digits.places().collect();
            shifts::luts(&places, multiplier.input_bits, simd)
        }
        Form::Groups(grouping) => groups::luts(multiplier, &grouping, simd),
        Form::Bases(bases) => bases::luts(&bases, bits, simd),
        Form::Products if multiplier.twos_complement => tree(simd, bits, 2),
        // Magnitude and sign are two inputs besides the lane.
        Form::Products if multiplier.partial_products() == 1 => {
            tree(simd, bits, if multiplier.signed && multiplier.magnitude_bits() == 1 { 3 } else { 2 })
        }
        Form::Products => {
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
    tree_of(lanes, bits, inputs, group(bits))
}

/// A tree whose first level adds `size` terms.
fn tree_of(lanes: usize, bits: usize, inputs: usize, size: usize) -> u64 {
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
    match multiplier.form {
        Form::Planes => {
            let planes = multiplier.weight_bits;
            let width = bits_for(simd as u64 * ((1 << bits) - 1));
            planes as u64 * tree_registers(simd, bits) + shifted_registers(planes, width)
        }
        Form::Shifts(digits) => {
            let places: Vec<Place> = digits.places().collect();
            shifts::registers(&places, multiplier.input_bits, simd)
        }
        Form::Groups(grouping) => groups::registers(multiplier, &grouping, simd),
        Form::Bases(bases) => bases::registers(&bases, bits, simd),
        Form::Products if multiplier.partial_products() > 1 => {
            let longer = multiplier.input_bits.max(multiplier.magnitude_bits());
            let shorter = multiplier.partial_products();
            let signs = if multiplier.signed { pair_levels(shorter) as u64 } else { 0 };
            simd as u64 * (shifted_registers(shorter, longer) + signs) + tree_registers(simd, bits)
        }
        Form::Bipolar | Form::Products => tree_registers(simd, bits),
    }
}

fn tree_registers(lanes: usize, bits: usize) -> u64 {
    tree_registers_of(lanes, bits, group(bits))
}

fn tree_registers_of(lanes: usize, bits: usize, mut size: usize) -> u64 {
    let most = (1u64 << bits) - 1;
    let mut counts: Vec<u64> = vec![1; lanes];
    let mut registers = 0;
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
