//! Lanes shifted by the exponents of their weights.

use super::text::{Bit, Term, Text};
use compiler::datapath::digits::{Digits, Place};
use std::collections::BTreeMap;

/// The sum of `simd` lanes `x_0`, `x_1` … of `bits` bits: those shifted to each place, then both places.
pub(super) fn sum(text: &mut Text, digits: &Digits, bits: usize, simd: usize, weight: Bit) -> Term {
    let mut sums = Vec::new();
    let mut first_bit = 0;
    for (number, place) in digits.places().enumerate() {
        let code = |lane: usize, bit: usize| weight(lane, first_bit + bit);
        let terms = (0..simd).map(|lane| shifted(text, (number, &place), bits, lane, &code)).collect();
        let sum = text.tree(&format!("place_{number}"), terms, 2);
        sums.push(scaled(text, &sum, place.least()));
        first_bit += place.code_bits();
    }
    let [first, second] = &sums[..] else { return sums.swap_remove(0) };
    let sum =
        Term { name: "both".to_owned(), least: first.least + second.least, greatest: first.greatest + second.greatest };
    text.register(&sum, &format!("{} + {}", text.resized(first, sum.width()), text.resized(second, sum.width())));
    sum
}

/// `term` times `2^exponent`.
fn scaled(text: &mut Text, term: &Term, exponent: usize) -> Term {
    if exponent == 0 {
        return term.clone();
    }
    let range = (term.least << exponent, term.greatest << exponent);
    text.wire(format!("{}_scaled", term.name), range, &format!("{{{}, {exponent}'d0}}", term.name))
}

/// The register of a lane shifted to a place, complemented where its digit is negative. Synthesis makes the choices of
/// one level and the sign in one LUT a bit, and the flip-flop stands beside it.
fn shifted(text: &mut Text, (number, place): (usize, &Place), bits: usize, lane: usize, code: Bit) -> Term {
    let prefix = format!("shift_{number}_{lane}");
    let full = |bits: usize| (0, (1i64 << bits) - 1);
    let count = place.count();
    let zero: Vec<String> =
        (0..place.index_bits()).filter(|bit| count >> bit & 1 == 1).map(|bit| code(lane, bit)).collect();
    let present = text.wire(format!("{prefix}_present"), (0, 1), &format!("~({})", zero.join(" & ")));
    let value = format!("x_{lane} & {{{bits}{{{}}}}}", present.name);
    let own = text.wire(format!("{prefix}_own"), full(bits), &value);
    let shifts: Vec<usize> = (0..count.next_power_of_two()).map(|number| place.shift(number)).collect();
    let mut made = BTreeMap::from([(vec![0], own)]);
    let select = |level: usize| code(lane, level);
    let choice = choice(text, &prefix, &shifts, &select, &mut made);
    let width = place.term_bits(bits);
    let value = if place.signed {
        format!("{} ^ {{{width}{{{}}}}}", text.resized(&choice, width), code(lane, place.index_bits()))
    } else {
        text.resized(&choice, width)
    };
    let (least, greatest) = full(width);
    let term = Term { name: prefix, least, greatest };
    text.register(&term, &value);
    term
}

/// The lane shifted by one of `shifts`, chosen by as many bits as it takes, less the first of them. Halves that differ by
/// a shift are made once.
fn choice(
    text: &mut Text,
    prefix: &str,
    shifts: &[usize],
    select: &dyn Fn(usize) -> String,
    made: &mut BTreeMap<Vec<usize>, Term>,
) -> Term {
    let relative: Vec<usize> = shifts.iter().map(|shift| shift - shifts[0]).collect();
    if let Some(term) = made.get(&relative) {
        return term.clone();
    }
    let (low, high) = relative.split_at(relative.len() / 2);
    let level = low.len().trailing_zeros() as usize;
    let shift = high[0];
    let (low, high) = (choice(text, prefix, low, select, made), choice(text, prefix, high, select, made));
    let greatest = low.greatest.max(high.greatest << shift);
    let width = Term { greatest, ..low.clone() }.width();
    let value = format!(
        "{} ? {{{}, {shift}'d0}} : {}",
        select(level),
        text.resized(&high, width - shift),
        text.resized(&low, width)
    );
    let term = text.wire(format!("{prefix}_choice_{}", made.len()), (0, greatest), &value);
    made.insert(relative, term.clone());
    term
}
