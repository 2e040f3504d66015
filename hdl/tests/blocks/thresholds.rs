//! Steps on a stream, steps of one row, and the arg-max.

use abi::{ElementType, StepFunction};
use compiler::blocks::control::Control;
use compiler::blocks::{arg_max, multi_threshold};
use compiler::codes::Ladder;
use hdl::blocks::arg_max::ArgMax;
use hdl::blocks::multi_threshold::MultiThreshold;
use hdl::blocks::stream_block::StreamBlock;
use hdl::blocks::threshold_row::ThresholdRow;
use network::network::TensorType;

use crate::control::agree;
use crate::stream::{FREE, PRESSURES, codes, pack, run};
use crate::support::{Bench, Stimulus};

/// Steps from any value of a range into the values of `output`: rising ones through all values, few, one, none below or
/// above, or steps that turn, at different places.
pub fn steps(stimulus: &mut Stimulus, rows: usize, range: (i64, i64), output: &TensorType) -> Vec<StepFunction<i64>> {
    let values: Vec<i64> = (output.minimum..=output.maximum).step_by(output.element.step() as usize).collect();
    let span = (range.1 - range.0 + 3) as usize;
    if stimulus.chance(0.3) {
        return turning_steps(stimulus, rows, (range.0 - 1, span), &values);
    }
    (0..rows)
        .map(|_| {
            let pick = stimulus.below(values.len() + 1).min(values.len());
            let count = if stimulus.chance(0.5) { values.len() } else { pick.max(1) };
            let mut chosen: Vec<i64> = (0..count).map(|_| values[stimulus.below(values.len())]).collect();
            if count == values.len() {
                chosen.clone_from(&values);
            }
            chosen.sort_unstable();
            chosen.dedup();
            let mut boundaries: Vec<i64> =
                (1..chosen.len()).map(|_| range.0 - 1 + stimulus.below(span) as i64).collect();
            boundaries.sort_unstable();
            boundaries.dedup();
            chosen.truncate(boundaries.len() + 1);
            StepFunction { boundaries, values: chosen.into_iter().map(|value| value as i32).collect() }
        })
        .collect()
}

/// Steps through `values` at random, the same ones in all rows, some of which leave out the last.
fn turning_steps(
    stimulus: &mut Stimulus,
    rows: usize,
    (first, span): (i64, usize),
    values: &[i64],
) -> Vec<StepFunction<i64>> {
    let mut path: Vec<i32> = (0..6).map(|_| values[stimulus.below(values.len())] as i32).collect();
    path.dedup();
    (0..rows)
        .map(|row| {
            let count = if row == 0 { path.len() } else { 1 + stimulus.below(path.len()) };
            let mut boundaries: Vec<i64> = (1..count).map(|_| first + stimulus.below(span) as i64).collect();
            boundaries.sort_unstable();
            boundaries.dedup();
            let values = path[..boundaries.len() + 1].to_vec();
            StepFunction { boundaries, values }
        })
        .collect()
}

/// Types out, with the least and greatest value that occur.
pub fn outputs() -> Vec<TensorType> {
    let of = |element, minimum, maximum| TensorType { height: 1, width: 1, channels: 1, element, minimum, maximum };
    vec![
        of(ElementType::Bipolar, -1, 1),
        of(ElementType::Unsigned { bits: 1 }, 0, 1),
        of(ElementType::Unsigned { bits: 2 }, 0, 3),
        of(ElementType::Unsigned { bits: 3 }, 2, 6),
        of(ElementType::Signed { bits: 2 }, -2, 1),
        of(ElementType::Signed { bits: 3 }, -3, 3),
        of(ElementType::Signed { bits: 4 }, -7, -2),
        of(ElementType::Signed { bits: 4 }, 1, 5),
    ]
}

#[test]
fn a_stream_of_values_becomes_a_stream_of_codes() {
    let inputs = [
        ElementType::Signed { bits: 5 },
        ElementType::Unsigned { bits: 4 },
        ElementType::Signed { bits: 1 },
        ElementType::Bipolar,
    ];
    let mut stimulus = Stimulus::new(3);
    for (element, output) in inputs.into_iter().flat_map(|element| outputs().into_iter().map(move |o| (element, o))) {
        for (channels, lanes) in [(1, 1), (7, 1), (7, 3), (7, 7), (8, 4)] {
            let input = TensorType::vector(channels, element);
            let steps = steps(&mut stimulus, channels, (input.minimum, input.maximum), &output);
            let (bits_in, bits_out) = (element.bits() as usize, output.element.bits() as usize);
            let values = codes(6 * channels, bits_in, channels as u64);
            let code = |(n, value): (usize, &u64)| {
                output.element.encode(steps[n % channels].at(element.decode(*value)).into())
            };
            let expected: Vec<u64> = values.iter().enumerate().map(code).collect();
            let sent = pack(&values, channels, lanes, bits_in);
            let expected = pack(&expected, channels, lanes, bits_out);
            let block =
                || MultiThreshold::new("steps", &steps, (&input, &output), &Ladder::of(&steps, &output, false), lanes);
            for pressure in [PRESSURES[0], PRESSURES[2], FREE] {
                let run = run(block(), &sent, expected.len(), pressure);
                assert_eq!(run.words, expected, "{element} to {output:?}, {lanes} of {channels}, {pressure:?}");
                if pressure.seed == FREE.seed {
                    let cycles: Vec<u64> = (0..sent.len() as u64).collect();
                    assert_eq!(run.taken, cycles);
                    let latency = run.left[0];
                    assert_eq!(latency, multi_threshold::LATENCY);
                    assert_eq!(run.left, cycles.iter().map(|cycle| cycle + latency).collect::<Vec<u64>>());
                }
            }
        }
    }
}

#[test]
fn a_threshold_row_is_the_same_in_verilog() {
    let unsigned = |bits| ElementType::Unsigned { bits };
    let signed = |bits| ElementType::Signed { bits };
    let cases: [(ElementType, usize, Vec<i32>); 7] = [
        (ElementType::Bipolar, 1, vec![-1, 1]),
        (unsigned(1), 10, vec![0, 1]),
        (unsigned(2), 7, (0..4).collect()),
        (signed(4), 9, (-8..8).collect()),
        (unsigned(4), 6, vec![0, 3, 10]),
        (signed(5), 6, vec![-13, -3, 3, 13]),
        (ElementType::Bipolar, 6, vec![-1, 1, -1, 1]),
    ];
    for (element, width, values) in cases {
        let steps = [StepFunction { boundaries: (1..values.len() as i64).collect(), values }];
        let ladder = Ladder::of(&steps, &TensorType::vector(1, element), false);
        let levels = ladder.levels();
        Bench::new("row", ThresholdRow::new(&ladder, width, element)).run_combinational(|row, stimulus| {
            row.value.next = stimulus.word(width);
            row.thresholds.next = stimulus.word(levels * width);
        });
    }
}

#[test]
fn a_stage_of_thresholds_is_the_same_in_verilog() {
    let mut stimulus = Stimulus::new(4);
    let input = TensorType::vector(7, ElementType::Signed { bits: 6 });
    let output = outputs()[5];
    let steps = steps(&mut stimulus, 7, (input.minimum, input.maximum), &output);
    let block = MultiThreshold::new("steps", &steps, (&input, &output), &Ladder::of(&steps, &output, false), 3);
    let files = block.files();
    let mut bench = Bench::new("steps", block).cycles(400).verilator();
    for (name, text) in files {
        bench = bench.file(&name, text);
    }
    bench.run(|block, stimulus| {
        block.in_.data.next = stimulus.word(18);
        block.in_.valid.next = stimulus.chance(0.7);
        block.out.ready.next = stimulus.chance(0.7);
        block.reset.next = stimulus.chance(0.01);
    });
}

#[test]
fn a_stage_of_thresholds_moves_words_when_its_model_does() {
    let mut stimulus = Stimulus::new(4);
    let input = TensorType::vector(7, ElementType::Signed { bits: 6 });
    let output = outputs()[5];
    let steps = steps(&mut stimulus, 7, (input.minimum, input.maximum), &output);
    let sent = pack(&codes(200 * 7, 6, 1), 7, 3, 6);
    let model = || -> Box<dyn Control> { Box::new(multi_threshold::MultiThresholdControl::new()) };
    for seed in 0..4 {
        agree(
            MultiThreshold::new("steps", &steps, (&input, &output), &Ladder::of(&steps, &output, false), 3),
            model,
            [&sent, &[]],
            seed,
        );
    }
}

/// Channels, bits, signed, lanes.
const SCORES: [(usize, usize, bool, usize); 9] = [
    (1, 4, true, 1),
    (2, 1, false, 1),
    (10, 3, true, 1),
    (10, 8, true, 10),
    (10, 2, true, 4),
    (10, 2, false, 3),
    (11, 5, true, 2),
    (100, 9, true, 7),
    (17, 16, true, 16),
];

#[test]
fn the_greatest_score_wins_and_the_lowest_index_on_ties() {
    for (channels, bits, signed, lanes) in SCORES {
        let element = if signed {
            ElementType::Signed { bits: bits as u32 }
        } else {
            ElementType::Unsigned { bits: bits as u32 }
        };
        let scores = codes(12 * channels, bits, channels as u64);
        let best = |vector: &[u64]| -> u64 {
            let value = |i: &usize| (element.decode(vector[*i]), std::cmp::Reverse(*i));
            (0..channels).max_by_key(value).map_or(0, |i| i as u64)
        };
        let expected: Vec<u64> = scores.chunks(channels).map(best).collect();
        let sent = pack(&scores, channels, lanes, bits);
        let index_bits = (usize::BITS - (channels - 1).leading_zeros()).max(1) as usize;
        for pressure in PRESSURES.into_iter().chain([FREE]) {
            let run = run(ArgMax::new(channels, bits, signed, lanes, index_bits), &sent, 12, pressure);
            let found: Vec<u64> = run.words.iter().map(|word| word.low()).collect();
            assert_eq!(found, expected, "{channels}x{bits} {signed} {lanes}, {pressure:?}");
            if pressure.seed == FREE.seed {
                assert_eq!(run.taken, (0..sent.len() as u64).collect::<Vec<u64>>(), "a word in every cycle");
                let words = channels.div_ceil(lanes) as u64;
                assert_eq!(run.left, (1..=12).map(|vector| vector * words).collect::<Vec<u64>>());
            }
        }
    }
}

#[test]
fn an_arg_max_moves_words_when_its_model_does() {
    for (seed, (channels, bits, signed, lanes)) in SCORES.into_iter().enumerate() {
        let sent = pack(&codes(60 * channels, bits, 1), channels, lanes, bits);
        let model = || -> Box<dyn Control> { Box::new(arg_max::ArgMaxControl::new(channels.div_ceil(lanes))) };
        agree(ArgMax::new(channels, bits, signed, lanes, 7), model, [&sent, &[]], seed as u64);
    }
}

#[test]
fn an_arg_max_is_the_same_in_verilog() {
    for (channels, bits, signed, lanes) in [(10, 3, true, 4), (10, 8, true, 1), (3, 2, false, 3)] {
        Bench::new("best", ArgMax::new(channels, bits, signed, lanes, 4)).cycles(400).run(|best, stimulus| {
            best.in_.data.next = stimulus.word(lanes * bits);
            best.in_.valid.next = stimulus.chance(0.7);
            best.out.ready.next = stimulus.chance(0.5);
            best.reset.next = stimulus.chance(0.01);
        });
    }
}
