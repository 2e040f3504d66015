//! The leaves: their Verilog is written by hand, so each is compared with its own simulation.

use std::sync::Arc;

use hdl::blocks::constant_table::ConstantTable;
use hdl::blocks::delay_line::DelayLine;
use hdl::blocks::lane_sum::{LaneSum, greatest_sum, levels};
use hdl::blocks::ram::Ram;
use hdl::blocks::register::Register;
use hdl::blocks::rom::Rom;
use hdl::wire::{Simulation, Word};

use crate::support::{Bench, Stimulus};
use crate::top::Top;

#[test]
fn a_register_is_the_same_in_verilog() {
    for width in [1, 64, 65] {
        Bench::new("leaf", Top(Register::new(width))).run(|leaf, stimulus| leaf.d.next = stimulus.word(width));
    }
}

#[test]
fn a_delay_line_is_the_same_in_verilog() {
    for (cycles, width) in [(1, 1), (3, 3), (2, 70)] {
        Bench::new("delay", Top(DelayLine::new(cycles, width))).run(|line, stimulus| {
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
fn a_rom_is_the_same_in_verilog() {
    for (depth, width) in [(1, 1), (1, 90), (2, 1), (3, 65), (16, 200)] {
        let mut contents = Stimulus::new(depth as u64);
        let rows: Arc<Vec<Word>> = Arc::new((0..depth).map(|_| contents.word(width)).collect());
        let rom = Rom::new("rom", rows);
        let file = rom.file();
        let mut bench = Bench::new("rom", Top(rom));
        if let Some((name, text)) = file {
            assert_eq!(text.lines().count(), depth);
            bench = bench.file(&name, text);
        }
        bench.run(|rom, stimulus| rom.address.next = Word::from(stimulus.below(depth)));
    }
}

#[test]
fn a_ram_is_the_same_in_verilog() {
    for (depth, width, registered) in [(2, 1, false), (8, 65, false), (2, 3, true), (16, 70, true)] {
        Bench::new("ram", Top(Ram::new(depth, width, registered))).verilator().cycles(500).run(|ram, stimulus| {
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

fn sum(x: &Word, weights: &Word, (lanes, bits, signed): (usize, usize, bool)) -> u64 {
    let flip = if signed { 1 << (bits - 1) } else { 0 };
    let lane = |i: usize| {
        let value = x.lane(i, bits) ^ flip;
        if weights.get_bit(i) { value } else { (1 << bits) - 1 - value }
    };
    (0..lanes).map(lane).sum()
}

#[test]
fn a_lane_sum_adds_weighed_lanes_after_its_levels() {
    for shape @ (lanes, bits, signed) in SUMS {
        let mut simulation = Simulation::new(Top(LaneSum::new(lanes, bits, signed)));
        let mut stimulus = Stimulus::new(lanes as u64);
        let mut expected = vec![];
        for cycle in 0..60 {
            let (x, weights) = (stimulus.word(lanes * bits), stimulus.word(lanes));
            expected.push(sum(&x, &weights, shape));
            simulation.top.x.next = x;
            simulation.top.weights.next = weights;
            simulation.step().unwrap();
            if let Some(then) = (cycle + 1usize).checked_sub(levels(lanes, bits)) {
                assert_eq!(simulation.top.sum.val(), expected[then], "{shape:?}");
            }
        }
        simulation.top.x.next = Word::ones(lanes * bits);
        simulation.top.weights.next = Word::ones(lanes);
        (0..levels(lanes, bits)).for_each(|_| simulation.step().unwrap());
        if !signed {
            assert_eq!(simulation.top.sum.val(), greatest_sum(lanes, bits), "the greatest sum fits");
        }
    }
}

#[test]
fn a_lane_sum_is_the_same_in_verilog() {
    for (lanes, bits, signed) in SUMS {
        Bench::new("lanes", Top(LaneSum::new(lanes, bits, signed))).run(|sum, stimulus| {
            sum.x.next = stimulus.word(lanes * bits);
            sum.weights.next = stimulus.word(lanes);
        });
    }
}
