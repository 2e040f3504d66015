//! The body of a lane sum: what each form of weights makes of the lanes.

use super::text::{Term, Text};
use super::{bases, groups, shifts};
use abi::ElementType;
use compiler::datapath::{Form, Multiplier, group};

/// The lanes `x`, unsigned.
fn lanes(text: &mut Text, bits: usize, simd: usize, offset: bool) {
    for lane in 0..simd {
        let flip = if offset { format!(" ^ {bits}'h{:x}", 1u64 << (bits - 1)) } else { String::new() };
        // A port of one bit is a scalar, which Verilog does not let one select from.
        let x = if simd * bits == 1 { "x".into() } else { format!("x[{}:{}]", lane * bits + bits - 1, lane * bits) };
        text.wire(format!("x_{lane}"), (0, (1 << bits) - 1), &format!("{x}{flip}"));
    }
}

/// The body of the module.
pub(super) fn text(multiplier: &Multiplier, simd: usize, offset: bool, width: usize) -> String {
    let Multiplier { form, input_bits: bits, weight_bits, signed, .. } = *multiplier;
    let mut text = Text::default();
    lanes(&mut text, bits, simd, offset);
    let weight = |lane: usize, bit: usize| {
        if multiplier.word_bits(simd) == 1 {
            "weights".to_owned()
        } else {
            format!("weights[{}]", lane * weight_bits + bit)
        }
    };
    let full = (0, (1i64 << bits) - 1);
    let sum = match form {
        Form::Bipolar => {
            let term = |text: &mut Text, lane: usize| {
                text.wire(format!("lane_{lane}"), full, &format!("x_{lane} ^ {{{bits}{{~{}}}}}", weight(lane, 0)))
            };
            let terms = (0..simd).map(|lane| term(&mut text, lane)).collect();
            text.tree("sum", terms, group(bits))
        }
        Form::Planes => {
            let planes = (0..weight_bits).map(|plane| {
                let term = |lane: usize| {
                    let value = format!("x_{lane} & {{{bits}{{{}}}}}", weight(lane, plane));
                    text.wire(format!("lane_{plane}_{lane}"), full, &value)
                };
                let terms = (0..simd).map(term).collect();
                text.tree(&format!("plane_{plane}"), terms, group(bits))
            });
            let planes = planes.collect();
            text.shifted("sum", planes, signed)
        }
        Form::Products if multiplier.twos_complement => {
            let element = if signed {
                ElementType::Signed { bits: weight_bits as u32 }
            } else {
                ElementType::Unsigned { bits: weight_bits as u32 }
            };
            let range = (element.minimum(), element.maximum());
            let term = |lane: usize| {
                let (high, low) = (lane * weight_bits + weight_bits - 1, lane * weight_bits);
                let value = format!("weights[{high}:{low}] & {{{weight_bits}{{x_{lane}}}}}");
                text.wire(format!("lane_{lane}"), range, &value)
            };
            let terms = (0..simd).map(term).collect();
            text.tree("sum", terms, group(weight_bits))
        }
        Form::Products => {
            let terms = (0..simd).map(|lane| product(&mut text, multiplier, lane, &weight)).collect();
            text.tree("sum", terms, group(multiplier.term_bits()))
        }
        Form::Groups(grouping) => {
            let lane = |text: &mut Text, lane: usize| product(text, multiplier, lane, &weight);
            let scale = |number: usize, bit: usize| {
                format!("weights[{}]", simd * weight_bits + number * grouping.scale_bits() + bit)
            };
            groups::sum(&mut text, multiplier, &grouping, simd, &lane, &scale)
        }
        Form::Bases(factors) => bases::sum(&mut text, &factors, bits, simd, &weight),
        Form::Shifts(digits) => shifts::sum(&mut text, &digits, bits, simd, &weight),
    };
    let sum = text.resized(&sum, width);
    text.finish(&sum)
}

/// The product of a lane with a weight of sign and magnitude, complemented where the weight is negative.
fn product(text: &mut Text, multiplier: &Multiplier, lane: usize, weight: &dyn Fn(usize, usize) -> String) -> Term {
    let (bits, magnitude_bits) = (multiplier.input_bits, multiplier.magnitude_bits());
    let full = |bits: usize| (0, (1i64 << bits) - 1);
    let mut sign = weight(lane, magnitude_bits);
    let product = if magnitude_bits == 1 {
        format!("x_{lane} & {{{bits}{{{}}}}}", weight(lane, 0))
    } else if bits == 1 {
        unreachable!("single bits select weights in two's complement")
    } else {
        let magnitude: Vec<String> = (0..magnitude_bits).rev().map(|bit| weight(lane, bit)).collect();
        let factor = text.wire(format!("w_{lane}"), full(magnitude_bits), &format!("{{{}}}", magnitude.join(", ")));
        let x = Term { name: format!("x_{lane}"), least: 0, greatest: full(bits).1 };
        let parts = text.parts(&lane.to_string(), &x, &factor);
        if multiplier.signed {
            // The sign waits for the product.
            for level in 0..compiler::datapath::pair_levels(parts.len()) {
                let late = Term { name: format!("sign_{lane}_{level}"), least: 0, greatest: 1 };
                text.register(&late, &sign);
                sign = late.name;
            }
        }
        text.shifted(&format!("product_{lane}"), parts, false).name
    };
    let width = multiplier.term_bits();
    let value = if multiplier.signed { format!("({product}) ^ {{{width}{{{sign}}}}}") } else { product };
    text.wire(format!("lane_{lane}"), full(width), &value)
}
