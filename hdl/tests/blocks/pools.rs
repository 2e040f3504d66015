//! Pools and enlargement against plain loops.

use abi::ElementType;
use compiler::blocks::one_result::OneResultControl;
use compiler::blocks::upsample::{UpsampleControl, UpsampleShape};
use hdl::blocks::pool_unit::{PoolShape, PoolUnit, Rounds};
use hdl::blocks::upsample::Upsample;
use hdl::wire::Word;

use crate::control::agree;
use crate::stream::{FREE, PRESSURES, run, run_ahead};
use crate::support::{Bench, Stimulus};

/// A pool of three blocks of two lanes over `taps` words.
struct Case {
    input: ElementType,
    taps: usize,
    rounds: Rounds,
    least: Option<Vec<bool>>,
    bits_out: usize,
    padded: bool,
}

const LANES: usize = 2;
const BLOCKS: usize = 3;

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let inputs = [ElementType::Bipolar, ElementType::Unsigned { bits: 2 }, ElementType::Signed { bits: 3 }];
    for (input, taps) in inputs.into_iter().flat_map(|input| [1, 4, 9].map(|taps| (input, taps))) {
        for rounds in [Rounds::Taps, Rounds::Pixels] {
            let bits = input.bits() as usize;
            for least in [vec![false; 6], vec![true, false, false, true, true, false]] {
                cases.push(Case { input, taps, rounds, least: Some(least), bits_out: bits, padded: false });
            }
            let padded = input == ElementType::Bipolar && rounds == Rounds::Taps;
            cases.push(Case { input, taps, rounds, least: None, bits_out: 8, padded });
        }
    }
    cases
}

impl Case {
    fn block(&self) -> PoolUnit {
        PoolUnit::new(&PoolShape {
            name: "pool",
            input: self.input,
            lanes: LANES,
            blocks: BLOCKS,
            taps: self.taps,
            rounds: self.rounds,
            least: self.least.as_deref(),
            bits_out: self.bits_out,
            padded: self.padded,
        })
    }

    fn model(&self) -> OneResultControl {
        match self.rounds {
            Rounds::Taps => OneResultControl::pool(self.taps),
            Rounds::Pixels => OneResultControl::global_pool(self.taps, BLOCKS),
        }
    }

    /// Words of `pools` pools (of all blocks), and what becomes of them.
    fn words(&self, pools: usize, seed: u64) -> (Vec<Word>, Vec<Word>) {
        let mut stimulus = Stimulus::new(seed);
        let bits = self.input.bits() as usize;
        let width = LANES * bits + usize::from(self.padded);
        let sent: Vec<Word> = (0..pools * BLOCKS * self.taps).map(|_| stimulus.word(width)).collect();
        let mut expected = Vec::new();
        for pool in sent.chunks(BLOCKS * self.taps) {
            for block in 0..BLOCKS {
                let word = |tap: usize| match self.rounds {
                    Rounds::Taps => &pool[block * self.taps + tap],
                    Rounds::Pixels => &pool[tap * BLOCKS + block],
                };
                let lane = |lane: usize| -> u64 {
                    let values = (0..self.taps).map(|tap| {
                        let word = word(tap);
                        let is_padding = self.padded && word.get_bit(LANES * bits);
                        if is_padding { 0 } else { self.input.decode(word.lane(lane, bits)) }
                    });
                    let found = match &self.least {
                        None => values.sum(),
                        Some(least) if least[block * LANES + lane] => values.min().unwrap(),
                        Some(_) => values.max().unwrap(),
                    };
                    match self.least {
                        None => found as u64 & ((1 << self.bits_out) - 1),
                        Some(_) => self.input.encode(found),
                    }
                };
                expected.push(Word::from_lanes((0..LANES).map(lane), self.bits_out));
            }
        }
        (sent, expected)
    }
}

#[test]
fn pools_are_those_of_the_values_under_any_pressure() {
    for (seed, case) in cases().into_iter().enumerate() {
        let (sent, expected) = case.words(4, seed as u64);
        for pressure in [PRESSURES[seed % 5], FREE] {
            let run = run(case.block(), &sent, expected.len(), pressure);
            assert_eq!(run.words, expected, "case {seed}, {pressure:?}");
        }
        let free = run(case.block(), &sent, expected.len(), FREE);
        assert_eq!(free.taken, (0..sent.len() as u64).collect::<Vec<_>>(), "case {seed}: one word a cycle");
    }
}

#[test]
fn control_is_that_of_the_model() {
    for (seed, case) in cases().into_iter().enumerate() {
        let (sent, _) = case.words(6, seed as u64);
        agree(case.block(), || Box::new(case.model()), [&sent, &[]], seed as u64);
    }
}

#[test]
fn a_pool_is_the_same_in_verilog() {
    for case in cases().into_iter().skip(1).step_by(4) {
        let width = LANES * case.input.bits() as usize + usize::from(case.padded);
        Bench::new("pool", case.block()).cycles(300).verilator().run(|pool, stimulus| {
            pool.in_.data.next = stimulus.word(width);
            pool.in_.valid.next = stimulus.chance(0.8);
            pool.out.ready.next = stimulus.chance(0.7);
        });
    }
}

#[test]
fn enlargement_repeats_pixels_and_rows() {
    for (seed, (vertical, horizontal)) in [(1, 1), (2, 2), (3, 1), (1, 3), (2, 3)].into_iter().enumerate() {
        let shape = UpsampleShape { height: 3, width: 2, words: 2, vertical, horizontal };
        let mut stimulus = Stimulus::new(seed as u64);
        let sent: Vec<Word> = (0..3 * 12).map(|_| stimulus.word(7)).collect();
        let mut expected = Vec::new();
        for image in sent.chunks(12) {
            for y in 0..3 * vertical {
                for x in 0..2 * horizontal {
                    let pixel = y / vertical * 2 + x / horizontal;
                    expected.extend_from_slice(&image[pixel * 2..pixel * 2 + 2]);
                }
            }
        }
        let block = || Upsample::new("upsample", &shape, 7);
        for pressure in [PRESSURES[seed], FREE] {
            assert_eq!(run_ahead(block(), &sent, expected.len(), pressure).words, expected, "{shape:?}");
        }
        agree(block(), || Box::new(UpsampleControl::new(&shape)), [&sent, &[]], seed as u64);
        let free = run_ahead(block(), &sent, expected.len(), FREE);
        let last = |image: usize| free.left[(image + 1) * expected.len() / 3 - 1];
        assert_eq!(last(2) - last(1), shape.cycles() as u64, "{shape:?}");
    }
}
