//! The width converter.

use compiler::blocks::control::Control;
use compiler::blocks::width_converter;
use hdl::blocks::width_converter::WidthConverter;

use crate::control::agree;
use crate::stream::{FREE, PRESSURES, codes, pack, run};
use crate::support::Bench;

/// Channels, bits, lanes in, lanes out: dividing or not, one word or many, prime and whole.
const SHAPES: [(usize, usize, usize, usize); 18] = [
    (1, 1, 1, 2),
    (1, 3, 2, 1),
    (5, 1, 1, 5),
    (5, 2, 5, 1),
    (6, 1, 2, 3),
    (6, 4, 3, 2),
    (7, 1, 2, 3),
    (7, 3, 3, 2),
    (7, 1, 7, 3),
    (10, 2, 4, 6),
    (11, 1, 4, 6),
    (11, 1, 6, 4),
    (13, 5, 6, 9),
    (13, 1, 13, 1),
    (16, 1, 4, 8),
    (16, 8, 16, 4),
    (64, 2, 48, 40),
    (100, 1, 64, 49),
];

#[test]
fn every_element_arrives_in_its_lane() {
    for (channels, bits, from, to) in SHAPES {
        let elements = codes(5 * channels, bits, channels as u64);
        let sent = pack(&elements, channels, from, bits);
        let expected = pack(&elements, channels, to, bits);
        for pressure in PRESSURES.into_iter().chain([FREE]) {
            let run = run(WidthConverter::new(channels, bits, from, to), &sent, expected.len(), pressure);
            assert_eq!(run.words, expected, "{channels}x{bits}: {from} to {to}, {pressure:?}");
        }
    }
}

#[test]
fn a_vector_takes_as_many_cycles_as_it_has_parts() {
    for (channels, bits, from, to) in SHAPES {
        let common = compiler::chip::number::greatest_common_divisor(from, to);
        let (vectors, words_out) = (8, channels.div_ceil(to));
        let sent = pack(&codes(vectors * channels, bits, 1), channels, from, bits);
        let run = run(WidthConverter::new(channels, bits, from, to), &sent, vectors * words_out, FREE);
        let parts = channels.div_ceil(common) as u64;
        let ends: Vec<u64> = run.left.chunks(words_out).map(|words| words[words_out - 1]).collect();
        for (vector, end) in ends.iter().enumerate() {
            // Each part moves a cycle after its word was taken, and the last word is offered a cycle later.
            assert_eq!(*end, (vector as u64 + 1) * parts + 1, "{channels}x{bits}: {from} to {to}");
        }
    }
}

#[test]
fn a_converter_moves_words_when_its_model_does() {
    for (seed, (channels, bits, from, to)) in SHAPES.into_iter().enumerate() {
        let sent = pack(&codes(60 * channels, bits, 1), channels, from, bits);
        let model =
            || -> Box<dyn Control> { Box::new(width_converter::WidthConverterControl::new(channels, from, to)) };
        agree(WidthConverter::new(channels, bits, from, to), model, [&sent, &[]], seed as u64);
    }
}

#[test]
fn a_converter_is_the_same_in_verilog() {
    for (channels, bits, from, to) in [(7, 3, 3, 2), (11, 1, 4, 6), (5, 2, 5, 1), (9, 8, 12, 9)] {
        let converter = WidthConverter::new(channels, bits, from, to);
        Bench::new("converter", converter).cycles(400).run(|converter, stimulus| {
            converter.in_.data.next = stimulus.word(from * bits);
            converter.in_.valid.next = stimulus.chance(0.6);
            converter.out.ready.next = stimulus.chance(0.6);
            converter.reset.next = stimulus.chance(0.01);
        });
    }
}
