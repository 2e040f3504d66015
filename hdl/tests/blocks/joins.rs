//! Forks, sums, tables and concatenations against plain loops, and against their control models.

use abi::ElementType;
use compiler::blocks::concat::ConcatControl;
use compiler::blocks::fork::ForkControl;
use compiler::blocks::one_result::OneResultControl;
use hdl::blocks::add_unit::AddUnit;
use hdl::blocks::concat::Concat;
use hdl::blocks::fork::Fork;
use hdl::blocks::multiply_unit::MultiplyUnit;
use hdl::blocks::scale_unit::ScaleUnit;
use hdl::blocks::stream_block::StreamBlock;
use hdl::blocks::table_unit::{TableShape, TableUnit};
use hdl::blocks::weighed_lanes::WeighedShape;
use hdl::wire::{Simulation, Word};

use crate::control::agree;
use crate::stream::{FREE, PRESSURES, Pressure, codes, is_ready, offer, offered, pack, run, take};
use crate::support::{Bench, Stimulus};

/// Drives a block with two streams in, and collects what comes out.
fn run_two<B: StreamBlock>(block: B, inputs: [&[Word]; 2], expected: usize, pressure: Pressure) -> Vec<Word> {
    let mut simulation = Simulation::new(block);
    let mut stimulus = Stimulus::new(pressure.seed);
    let (mut sent, mut offering, mut words) = ([0; 2], [false; 2], Vec::new());
    for _ in 0..40 * (expected + 10) {
        for port in 0..2 {
            offering[port] = sent[port] < inputs[port].len() && (offering[port] || !stimulus.chance(pressure.source));
        }
        let ready = !stimulus.chance(pressure.sink);
        let top = &mut simulation.top;
        for port in 0..2 {
            offer(top, port, inputs[port].get(sent[port]).filter(|_| offering[port]).cloned());
        }
        take(top, 0, ready);
        simulation.settle().unwrap();
        let top = &mut simulation.top;
        let taken = [offering[0] && is_ready(top, 0), offering[1] && is_ready(top, 1)];
        words.extend(offered(top, 0).filter(|_| ready));
        for port in 0..2 {
            sent[port] += usize::from(taken[port]);
            offering[port] &= !taken[port];
        }
        simulation.tick().unwrap();
    }
    words
}

const ELEMENTS: [ElementType; 3] =
    [ElementType::Bipolar, ElementType::Unsigned { bits: 2 }, ElementType::Signed { bits: 3 }];

#[test]
fn sums_weigh_each_channel() {
    let (channels, lanes, vectors, bits_out) = (5, 2, 4, 9);
    for (seed, (a, b)) in ELEMENTS.into_iter().flat_map(|a| ELEMENTS.map(|b| (a, b))).enumerate() {
        for factors in [[vec![1], vec![-3]], [vec![2, -1, 0, 5, 7], vec![1, 1, -4, 2, 3]]] {
            let elements = [a, b].map(|element| {
                codes(vectors * channels, element.bits() as usize, seed as u64 + u64::from(element.bits()))
            });
            let sums = (0..vectors * channels).map(|index| {
                let term = |port: usize, element: ElementType| {
                    element.decode(elements[port][index]) * factors[port][index % channels % factors[port].len()]
                };
                (term(0, a) + term(1, b)) as u64 & ((1 << bits_out) - 1)
            });
            let sums: Vec<u64> = sums.collect();
            let sent = [
                pack(&elements[0], channels, lanes, a.bits() as usize),
                pack(&elements[1], channels, lanes, b.bits() as usize),
            ];
            let shape = |element, port: usize| WeighedShape { element, lanes, channels, factors: &factors[port] };
            let block = || AddUnit::new("add", [&shape(a, 0), &shape(b, 1)], bits_out);
            let check = |found: &[Word]| {
                let words = channels.div_ceil(lanes);
                assert_eq!(found.len(), vectors * words);
                for (index, sum) in sums.iter().enumerate() {
                    let (vector, channel) = (index / channels, index % channels);
                    let word = &found[vector * words + channel / lanes];
                    assert_eq!(word.lane(channel % lanes, bits_out), *sum, "{a} {b} {factors:?}, element {index}");
                }
            };
            for pressure in [PRESSURES[seed % 5], FREE] {
                check(&run_two(block(), [&sent[0], &sent[1]], vectors * 3, pressure));
            }
            agree(block(), || Box::new(OneResultControl::element_wise(2)), [&sent[0], &sent[1]], seed as u64);
            if b == a {
                let single = || ScaleUnit::new("scale", &shape(a, 0), bits_out);
                let found = run(single(), &sent[0], vectors * 3, PRESSURES[seed % 5]).words;
                for (index, code) in elements[0].iter().enumerate() {
                    let (vector, channel) = (index / channels, index % channels);
                    let product = a.decode(*code) * factors[0][channel % factors[0].len()];
                    let lane = found[vector * 3 + channel / lanes].lane(channel % lanes, bits_out);
                    assert_eq!(lane, product as u64 & ((1 << bits_out) - 1));
                }
                agree(single(), || Box::new(OneResultControl::element_wise(1)), [&sent[0], &[]], seed as u64);
            }
        }
    }
}

#[test]
fn products_of_two_streams() {
    let (lanes, words) = (3usize, 8usize);
    for (seed, (a, b)) in ELEMENTS.iter().flat_map(|a| ELEMENTS.iter().map(move |b| (*a, *b))).enumerate() {
        let bits_out = (a.bits() + b.bits() + 2) as usize;
        let elements = [a, b].map(|element| codes(lanes * words, element.bits() as usize, seed as u64));
        let sent =
            [pack(&elements[0], lanes, lanes, a.bits() as usize), pack(&elements[1], lanes, lanes, b.bits() as usize)];
        let block = || MultiplyUnit::new("multiply", [a, b], lanes, bits_out);
        for pressure in [PRESSURES[seed % 5], FREE] {
            let found = run_two(block(), [&sent[0], &sent[1]], words, pressure);
            for (index, (x, y)) in elements[0].iter().zip(&elements[1]).enumerate() {
                let product = (a.decode(*x) * b.decode(*y)) as u64 & ((1 << bits_out) - 1);
                assert_eq!(found[index / lanes].lane(index % lanes, bits_out), product, "{a} {b}, element {index}");
            }
        }
        agree(block(), || Box::new(OneResultControl::element_wise(2)), [&sent[0], &sent[1]], seed as u64);
        if a.bits() + b.bits() > 6 || seed % 4 == 0 {
            Bench::new("multiply", block()).cycles(200).run(|multiply, stimulus| {
                multiply.in_.data.next = stimulus.word(lanes * a.bits() as usize);
                multiply.second_in.data.next = stimulus.word(lanes * b.bits() as usize);
                multiply.in_.valid.next = stimulus.chance(0.8);
                multiply.second_in.valid.next = stimulus.chance(0.8);
                multiply.out.ready.next = stimulus.chance(0.7);
                multiply.reset.next = stimulus.chance(0.01);
            });
        }
    }
}

#[test]
fn tables_are_looked_up_by_channel() {
    let (channels, lanes, vectors) = (5usize, 2, 4);
    let inputs = [ElementType::Unsigned { bits: 2 }, ElementType::Signed { bits: 3 }];
    let output = ElementType::Signed { bits: 4 };
    for (seed, count) in [1, channels].into_iter().enumerate() {
        let mut stimulus = Stimulus::new(seed as u64);
        let values: Vec<Vec<i32>> =
            (0..count).map(|_| (0..32).map(|_| stimulus.below(16) as i32 - 8).collect()).collect();
        let elements = [codes(vectors * channels, 2, 3), codes(vectors * channels, 3, 4)];
        let found = (0..vectors * channels).map(|index| {
            let table = &values[index % channels % count];
            output.encode(i64::from(table[(elements[0][index] | elements[1][index] << 2) as usize]))
        });
        let expected: Vec<u64> = found.collect();
        let sent = [pack(&elements[0], channels, lanes, 2), pack(&elements[1], channels, lanes, 3)];
        let shape = TableShape { name: "lookup", inputs, output, lanes, channels, values: &values };
        let block = || TableUnit::new(&shape);
        for pressure in [PRESSURES[seed], FREE] {
            let words = run_two(block(), [&sent[0], &sent[1]], vectors * 3, pressure);
            for (index, code) in expected.iter().enumerate() {
                let (vector, channel) = (index / channels, index % channels);
                assert_eq!(words[vector * 3 + channel / lanes].lane(channel % lanes, 4), *code);
            }
        }
        agree(block(), || Box::new(OneResultControl::element_wise(2)), [&sent[0], &sent[1]], seed as u64);
        Bench::new("table_unit", block()).cycles(300).run(|table, stimulus| {
            table.in_.data.next = stimulus.word(4);
            table.second_in.data.next = stimulus.word(6);
            table.in_.valid.next = stimulus.chance(0.8);
            table.second_in.valid.next = stimulus.chance(0.8);
            table.out.ready.next = stimulus.chance(0.7);
            table.reset.next = stimulus.chance(0.01);
        });
    }
}

#[test]
fn concatenation_takes_turns() {
    for (seed, words) in [[1, 1], [2, 1], [1, 3], [4, 2]].into_iter().enumerate() {
        let mut stimulus = Stimulus::new(seed as u64);
        let sent = words.map(|count| (0..5 * count).map(|_| stimulus.word(6)).collect::<Vec<_>>());
        let pairs = sent[0].chunks(words[0]).zip(sent[1].chunks(words[1]));
        let expected: Vec<Word> = pairs.flat_map(|(a, b)| a.iter().chain(b).cloned()).collect();
        let block = || Concat::new(words, 6);
        for pressure in [PRESSURES[seed], FREE] {
            assert_eq!(run_two(block(), [&sent[0], &sent[1]], expected.len(), pressure), expected);
        }
        agree(block(), || Box::new(ConcatControl::new(words)), [&sent[0], &sent[1]], seed as u64);
    }
}

#[test]
fn forks_serve_both_readers() {
    for seed in 0..8 {
        let sent: Vec<Word> = (0..60).map(|word| Word::new(word, 6)).collect();
        agree(Fork::new(6), || Box::new(ForkControl::default()), [&sent, &[]], seed);
    }
}

#[test]
fn joins_are_the_same_in_verilog() {
    let factors = [vec![2, -1, 3], vec![1]];
    let shape = |element, port: usize| WeighedShape { element, lanes: 2, channels: 3, factors: &factors[port] };
    let add = AddUnit::new("add", [&shape(ELEMENTS[0], 0), &shape(ELEMENTS[2], 1)], 7);
    Bench::new("add", add).cycles(300).run(|add, stimulus| {
        add.in_.data.next = stimulus.word(2);
        add.second_in.data.next = stimulus.word(6);
        add.in_.valid.next = stimulus.chance(0.8);
        add.second_in.valid.next = stimulus.chance(0.8);
        add.out.ready.next = stimulus.chance(0.7);
        add.reset.next = stimulus.chance(0.01);
    });
    Bench::new("scale", ScaleUnit::new("scale", &shape(ELEMENTS[2], 0), 6)).cycles(200).run(|scale, stimulus| {
        scale.in_.data.next = stimulus.word(6);
        scale.in_.valid.next = stimulus.chance(0.8);
        scale.out.ready.next = stimulus.chance(0.7);
        scale.reset.next = stimulus.chance(0.01);
    });
    Bench::new("concat", Concat::new([2, 3], 5)).cycles(200).run(|concat, stimulus| {
        concat.in_.data.next = stimulus.word(5);
        concat.second_in.data.next = stimulus.word(5);
        concat.in_.valid.next = stimulus.chance(0.8);
        concat.second_in.valid.next = stimulus.chance(0.8);
        concat.out.ready.next = stimulus.chance(0.7);
        concat.reset.next = stimulus.chance(0.01);
    });
    Bench::new("fork_unit", Fork::new(5)).cycles(200).run(|fork, stimulus| {
        fork.in_.data.next = stimulus.word(5);
        fork.in_.valid.next = stimulus.chance(0.8);
        fork.out.ready.next = stimulus.chance(0.7);
        fork.second_out.ready.next = stimulus.chance(0.6);
        fork.reset.next = stimulus.chance(0.01);
    });
}
