//! The leaves: their Verilog is written by hand, so each is compared with its own simulation.

use std::sync::Arc;

use abi::ElementType;
use compiler::datapath::digits::Place;
use compiler::datapath::{Datapath, Form, Multiplier, WeightRange};
use hdl::blocks::address_bits;
use hdl::blocks::constant_table::ConstantTable;
use hdl::blocks::delay_line::DelayLine;
use hdl::blocks::lane_sum::LaneSum;
use hdl::blocks::padded_lanes::PaddedLanes;
use hdl::blocks::ram::Ram;
use hdl::blocks::register::Register;
use hdl::blocks::rom::Rom;
use hdl::blocks::weight_access::ACCESS_BITS;
use hdl::wire::{Simulation, Word};
use network::network::WeightMatrix;

use crate::support::{Bench, Stimulus};

#[test]
fn a_register_is_the_same_in_verilog() {
    for width in [1, 64, 65] {
        Bench::new("leaf", Register::new(width)).run(|leaf, stimulus| leaf.d.next = stimulus.word(width));
    }
}

#[test]
fn a_delay_line_is_the_same_in_verilog() {
    for (cycles, width) in [(1, 1), (3, 3), (2, 70)] {
        Bench::new("delay", DelayLine::new(cycles, width)).run(|line, stimulus| {
            line.d.next = stimulus.word(width);
            line.reset.next = stimulus.chance(0.05);
        });
    }
}

#[test]
fn a_table_is_the_same_in_verilog() {
    for (count, width) in [(1, 1), (5, 32), (8, 3), (40, 70)] {
        let mut contents = Stimulus::new(count as u64);
        let table = ConstantTable::new("constant_table", (0..count).map(|_| contents.word(width)).collect());
        Bench::new("constants", table).run_combinational(|table, stimulus| {
            table.address.next = stimulus.word(table.address.width());
        });
    }
}

#[test]
fn a_careless_memory_is_the_same_in_verilog_where_nothing_collides() {
    let width = 9;
    Bench::new("leaf", Ram::careless(8, width)).verilator().run(|ram, stimulus| {
        let place = stimulus.below(8);
        // Everything is written before it is read, as hardware may begin with anything.
        ram.write.next = stimulus.cycle < 8 || stimulus.chance(0.5);
        ram.write_address.next = Word::from(if stimulus.cycle < 8 { stimulus.cycle } else { place });
        ram.write_data.next = stimulus.word(width);
        let other = (place + 1 + stimulus.below(7)) % 8;
        ram.read_address.next = Word::from(if stimulus.cycle < 8 { (stimulus.cycle + 7) % 8 } else { other });
    });
}

#[test]
fn a_rom_is_the_same_in_verilog() {
    for (depth, width) in [(1, 1), (1, 90), (2, 1), (3, 65), (16, 200)] {
        let mut contents = Stimulus::new(depth as u64);
        let rows: Arc<Vec<Word>> = Arc::new((0..depth).map(|_| contents.word(width)).collect());
        let rom = Rom::new("rom", rows);
        let files = rom.files();
        let mut bench = Bench::new("rom", rom);
        for (name, text) in files {
            assert_eq!(text.lines().count(), depth);
            bench = bench.file(&name, text);
        }
        bench.run(|rom, stimulus| rom.address.next = Word::from(stimulus.below(depth)));
    }
}

#[test]
fn a_writable_memory_is_the_same_in_verilog() {
    for (depth, width) in [(1, 1), (1, 90), (2, 1), (3, 65), (16, 200), (5, 32)] {
        let mut contents = Stimulus::new(depth as u64);
        let rows: Arc<Vec<Word>> = Arc::new((0..depth).map(|_| contents.word(width)).collect());
        let mut rom = Rom::new("rom", rows).writable(true);
        let words = rom.window_words().expect("it is writable");
        rom.place(3 * words);
        let files = rom.files();
        let mut bench = Bench::new("rom", rom);
        for (name, text) in files {
            bench = bench.file(&name, text);
        }
        bench.verilator().cycles(600).run(|rom, stimulus| {
            // Rows beyond the last are no memory's.
            let columns = words.trailing_zeros() - if depth > 1 { address_bits(depth) as u32 } else { 0 };
            let place = (stimulus.below(1 << columns) << (words.trailing_zeros() - columns)) + stimulus.below(depth);
            let first = if stimulus.chance(0.8) { 3 * words as usize } else { 5 * words as usize };
            let request = ((first + place) as u64) << 32 | stimulus.below(1 << 32) as u64;
            let flags = stimulus.below(4) as u64;
            rom.access[0].next = Word::new(request | flags << 54, ACCESS_BITS);
            rom.address.next = Word::from(stimulus.below(depth));
        });
    }
}

#[test]
fn a_ram_is_the_same_in_verilog() {
    for (depth, width, registered) in [(2, 1, false), (8, 65, false), (2, 3, true), (16, 70, true)] {
        Bench::new("ram", Ram::new(depth, width, registered)).verilator().cycles(500).run(|ram, stimulus| {
            ram.write.next = stimulus.chance(0.5);
            ram.write_address.next = Word::from(stimulus.below(depth));
            ram.write_data.next = stimulus.word(width);
            ram.read_address.next = Word::from(stimulus.below(depth));
        });
    }
}

/// Lanes, bits, signed: below, at and above the groups of the first level, and across limbs.
const SUMS: [(usize, usize, bool); 15] = [
    (1, 1, false),
    (2, 1, false),
    (3, 1, false),
    (4, 1, false),
    (7, 1, true),
    (13, 1, false),
    (64, 1, false),
    (65, 1, true),
    (130, 1, false),
    (1, 2, false),
    (2, 2, true),
    (5, 3, true),
    (9, 4, false),
    (16, 8, true),
    (17, 8, false),
];

/// Every datapath for lanes of `bits` bits, with weights of several kinds.
fn multipliers(bits: usize) -> Vec<Multiplier> {
    let of = |datapath: Datapath, range: WeightRange| {
        Multiplier::new(Form::new(datapath, range).expect("weights that it computes"), range, bits)
    };
    let ranges = [(-1, 1), (0, 1), (-1, 0), (-2, 1), (-3, 3), (0, 6), (-256, 256)];
    let ranges = ranges.map(|(minimum, maximum)| WeightRange::between(minimum, maximum));
    let bipolar = of(Datapath::Bipolar, WeightRange { is_bipolar: true, ..ranges[0] });
    let others = ranges.into_iter().flat_map(|range| [of(Datapath::Planes, range), of(Datapath::Products, range)]);
    let powers = POWERS.map(|weights| of(Datapath::Shifts, WeightRange::of(weights)));
    let groups = GROUPS.map(|values| {
        let element = ElementType::Signed { bits: 9 };
        let weights = WeightMatrix { rows: 1, columns: values.len(), element, values: values.to_vec() };
        of(Datapath::Groups, WeightRange::held(&weights, values.len(), false))
    });
    let bases = BASES.map(|weights| of(Datapath::Bases, WeightRange::of(weights)));
    std::iter::once(bipolar).chain(others).chain(powers).chain(groups).chain(bases).collect()
}

/// Weights of one and of two powers of two: few exponents and many, with and without gaps, signs and a zero in full codes.
const POWERS: [&[i16]; 9] = [
    &[1, 2],
    &[-2, -1, 1, 2],
    &[-4, 1, 2, 4],
    &[0, 1, -2, 4, 8],
    &[2, 16, -256],
    &[1, 2, 4, -8, 16, -32, -64, 128],
    &[3, -5],
    &[-3, 7, 12, 40, 1, -64, -2],
    &[-128, 127, 96, 33, 17, -36, 129, 6, 20, 66],
];

/// One group each.
const GROUPS: [&[i16]; 4] = [&[3, 0, -3, 3], &[0, 5, 5, 0, 5, 5], &[200, -200, 0, 0, 0, 0, 0, 200], &[-2; 13]];

/// Weights with two and with three factors, once and twice.
const BASES: [&[i16]; 3] = [&[-54, -44, -20, 54], &[-3, 1, 3, -1], &[-2, -1, 2]];

/// What the documentation of lane sums says.
fn sum(x: &Word, weights: &Word, multiplier: &Multiplier, (lanes, bits, signed): (usize, usize, bool)) -> i64 {
    let flip = if signed { 1 << (bits - 1) } else { 0 };
    if let Form::Groups(grouping) = multiplier.form {
        let size = (1..=lanes).filter(|size| lanes % size == 0 && grouping.size() % size == 0).max().unwrap();
        let bit = |bit: usize| i64::from(weights.get_bit(bit));
        let group = |group: usize| {
            let first = lanes * multiplier.weight_bits + group * grouping.scale_bits();
            let scale: i64 = (0..grouping.scale_bits()).map(|n| bit(first + n) << n).sum();
            let lane = |i: usize| {
                let x = bit(i * multiplier.weight_bits) * (x.lane(i, bits) ^ flip) as i64;
                let negative = multiplier.signed && bit(i * multiplier.weight_bits + 1) == 1;
                if negative { (1 << bits) - 1 - x } else { x }
            };
            scale * (group * size..(group + 1) * size).map(lane).sum::<i64>()
        };
        return (0..lanes / size).map(group).sum();
    }
    let lane = |i: usize| {
        let x = (x.lane(i, bits) ^ flip) as i64;
        let code = weights.lane(i, multiplier.weight_bits);
        if multiplier.form == Form::Bipolar {
            return if code == 1 { x } else { (1 << bits) - 1 - x };
        }
        if let Form::Bases(bases) = multiplier.form {
            let lane = |base: usize| if code >> base & 1 == 1 { x } else { (1 << bits) - 1 - x };
            return bases.factors().enumerate().map(|(base, factor)| i64::from(factor) * lane(base)).sum();
        }
        if let Form::Shifts(digits) = multiplier.form {
            return powers(digits.places(), x, code, bits);
        }
        let negative = multiplier.signed && code >> (multiplier.weight_bits - 1) == 1;
        if multiplier.twos_complement {
            return x * (code as i64 - if negative { 1 << multiplier.weight_bits } else { 0 });
        }
        let magnitude = (code & ((1 << multiplier.magnitude_bits()) - 1)) as i64;
        if negative { (1 << multiplier.term_bits()) - 1 - magnitude * x } else { magnitude * x }
    };
    (0..lanes).map(lane).sum()
}

/// A lane by the powers of two that its code names in each place.
fn powers(places: impl Iterator<Item = Place>, x: i64, mut code: u64, bits: usize) -> i64 {
    let mut sum = 0;
    for place in places {
        let exponents: Vec<usize> = place.exponents().collect();
        let (least, greatest) = (exponents[0], exponents[exponents.len() - 1]);
        let number = code as usize % (1 << place.index_bits());
        let negative = place.signed && code >> place.index_bits() & 1 == 1;
        let full = (1i64 << (greatest + bits)) - (1 << least);
        let product = if number & exponents.len() == exponents.len() {
            0
        } else {
            let highest = 1 << number.max(1).ilog2();
            let like = || exponents[highest] + exponents[number - highest] - least;
            x << exponents.get(number).copied().unwrap_or_else(like) & full
        };
        sum += if negative { full - product } else { product };
        code >>= place.code_bits();
    }
    sum
}

#[test]
fn a_lane_sum_adds_multiplied_lanes_after_its_levels() {
    for shape @ (lanes, bits, signed) in SUMS {
        for (multiplier, width) in multipliers(bits).into_iter().flat_map(|m| [(m, 40), (m, 5)]) {
            let mut simulation = Simulation::new(LaneSum::new(multiplier, lanes, signed, width));
            let mut stimulus = Stimulus::new(lanes as u64);
            let mut expected = vec![];
            for cycle in 0..60 {
                let (x, weights) = (stimulus.word(lanes * bits), stimulus.word(multiplier.word_bits(lanes)));
                expected.push(sum(&x, &weights, &multiplier, shape));
                simulation.top.x.next = x;
                simulation.top.weights.next = weights;
                simulation.step().unwrap();
                if let Some(then) = (cycle + 1usize).checked_sub(multiplier.levels(lanes)) {
                    let expected = Word::signed(expected[then], width);
                    assert_eq!(simulation.top.sum.val(), expected, "{shape:?} {multiplier:?}");
                }
            }
        }
    }
}

#[test]
fn a_lane_sum_is_the_same_in_verilog() {
    for (n, (lanes, bits, signed)) in SUMS.into_iter().enumerate() {
        for (m, multiplier) in multipliers(bits).into_iter().enumerate() {
            // Three kinds of weights for each shape, all of them in turn.
            if m > 0 && (m + n) % 5 != 0 {
                continue;
            }
            let width = if m % 2 == 0 { 30 } else { 6 };
            Bench::new("lanes", LaneSum::new(multiplier, lanes, signed, width)).run(|sum, stimulus| {
                sum.x.next = stimulus.word(lanes * bits);
                sum.weights.next = stimulus.word(multiplier.word_bits(lanes));
            });
        }
    }
}

#[test]
fn padded_lanes_are_the_same_in_verilog() {
    for lanes in [1, 3, 70] {
        Bench::new("padded", PaddedLanes::new(lanes)).run_combinational(|block, stimulus| {
            block.word.next = stimulus.word(lanes + 1);
        });
    }
}
