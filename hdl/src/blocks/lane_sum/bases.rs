//! Bases: lanes counted with several weights ±1, and the counts times a factor each.

use super::text::{Bit, Term, Text};
use compiler::datapath::bases::Bases;
use compiler::datapath::group;

/// The sum of `simd` lanes `x_0`, `x_1` … of `bits` bits with each base, added for each bit of its factor.
pub(super) fn sum(text: &mut Text, bases: &Bases, bits: usize, simd: usize, weight: Bit) -> Term {
    let full = (0, (1i64 << bits) - 1);
    let mut counts = Vec::new();
    for base in 0..bases.count() {
        let lane = |text: &mut Text, lane: usize| {
            let value = format!("x_{lane} ^ {{{bits}{{~{}}}}}", weight(lane, base));
            text.wire(format!("lane_{base}_{lane}"), full, &value)
        };
        let terms = (0..simd).map(|place| lane(text, place)).collect();
        counts.push(text.tree(&format!("base_{base}"), terms, group(bits)));
    }
    let terms: Vec<Term> = bases
        .terms()
        .map(|(base, exponent)| {
            let count = &counts[base];
            let value = if exponent == 0 { count.name.clone() } else { format!("{{{}, {exponent}'d0}}", count.name) };
            let range = (count.least << exponent, count.greatest << exponent);
            text.wire(format!("scaled_{base}_{exponent}"), range, &value)
        })
        .collect();
    text.tree("sum", terms, 2)
}
