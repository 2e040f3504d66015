//! Memories are made of what the plan says, and take as many block RAMs as the rule says.

use compiler::chip::family::Family;
use compiler::chip::memory::{MemoryKind, MemoryRole, block_rams};
use hdl::blocks::ram::Ram;
use hdl::blocks::rom::Rom;
use hdl::emit::emit;
use hdl::rust_hdl::prelude::Block;
use hdl::wire::Word;
use std::sync::Arc;

/// Rows of bits without a pattern, so that nothing can be left out.
fn rows(width: usize, depth: usize) -> Vec<Word> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut bit = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 63 == 1
    };
    (0..depth).map(|_| Word::from_bits((0..width).map(|_| bit()))).collect()
}

/// How often each cell is said to occur after synthesis up to the mapping of memories.
fn cells<T: Block>(block: &T, files: &[(String, String)], family: Family, wanted: &[&str]) -> Vec<u64> {
    let design = emit(block, "memory", "").unwrap();
    let folder = tempfile::tempdir().unwrap();
    crate::support::tools::write_sources(folder.path(), &design, files);
    let synthesis = match family {
        Family::Ice40 => "synth_ice40",
        _ => "synth_ecp5",
    };
    let script = format!("read_verilog -sv design.v; {synthesis} -top {} -run begin:map_ffs; stat", design.top);
    let said = testkit::tools::run_in(folder.path(), "yosys", &["-p", &script]);
    let statistics = &said[said.rfind("Number of cells").unwrap()..];
    let count = |cell: &&str| {
        let line = statistics.lines().find(|line| line.split_whitespace().any(|word| word == *cell));
        line.map_or(0, |line| line.split_whitespace().find_map(|word| word.parse().ok()).unwrap())
    };
    wanted.iter().map(count).collect()
}

fn rom(width: usize, depth: usize, kind: MemoryKind, family: Family, wanted: &[&str]) -> Vec<u64> {
    let mut rom = Rom::new("memory", Arc::new(rows(width, depth))).of_kind(Some(kind));
    let files: Vec<(String, String)> = rom.files();
    rom.connect_all();
    cells(&rom, &files, family, wanted)
}

#[test]
fn block_rams_are_as_many_as_the_rule_says() {
    if !testkit::tool("yosys") {
        return;
    }
    for (width, depth) in [(36, 512), (44, 96), (9, 2049), (72, 700), (5, 3000), (24, 1218)] {
        let found = rom(width, depth, MemoryKind::Block, Family::Ecp5, &["DP16KD"]);
        assert_eq!(
            found,
            [block_rams(Family::Ecp5, MemoryRole::Weights, width, depth)],
            "{width} bits, {depth} rows on ECP5"
        );
    }
    for (width, depth) in [(16, 256), (133, 1267), (3, 4096), (40, 100)] {
        let found = rom(width, depth, MemoryKind::Block, Family::Ice40, &["SB_RAM40_4K"]);
        assert_eq!(
            found,
            [block_rams(Family::Ice40, MemoryRole::Weights, width, depth)],
            "{width} bits, {depth} rows on iCE40"
        );
    }
    for (width, depth) in [(36, 512), (8, 64), (56, 4096)] {
        let mut ram = Ram::careless(depth, width).of_kind(Some(MemoryKind::Block));
        ram.connect_all();
        let found = cells(&ram, &[], Family::Ecp5, &["DP16KD"]);
        assert_eq!(
            found,
            [block_rams(Family::Ecp5, MemoryRole::Words, width, depth)],
            "{width} bits, {depth} rows, written, on ECP5"
        );
    }
}

#[test]
fn small_and_large_memories_go_where_they_are_told_to() {
    if !testkit::tool("yosys") {
        return;
    }
    // Synthesis alone would choose the other way round.
    assert_eq!(rom(8, 16, MemoryKind::Block, Family::Ecp5, &["DP16KD"]), [1]);
    assert_eq!(rom(36, 512, MemoryKind::Lut, Family::Ecp5, &["DP16KD", "TRELLIS_DPR16X4"]), [0, 0]);
    let ram = |kind, family, wanted: &[&str]| {
        let mut ram = Ram::careless(256, 8).of_kind(Some(kind));
        ram.connect_all();
        cells(&ram, &[], family, wanted)
    };
    let found = ram(MemoryKind::Lut, Family::Ecp5, &["DP16KD", "TRELLIS_DPR16X4"]);
    assert!(found[0] == 0 && found[1] >= 32, "{found:?}");
    assert_eq!(ram(MemoryKind::Registers, Family::Ice40, &["SB_RAM40_4K"]), [0]);
}
