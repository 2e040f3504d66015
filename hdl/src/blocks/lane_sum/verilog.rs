//! The text of a lane sum: terms with exact ranges, added level by level.

use super::{bases, groups, shifts};
use abi::ElementType;
use compiler::datapath::{Form, Multiplier, group};
use std::fmt::Write;

/// A wire or register and the values it may have.
#[derive(Clone)]
pub(super) struct Term {
    pub(super) name: String,
    pub(super) least: i64,
    pub(super) greatest: i64,
}

impl Term {
    pub(super) fn width(&self) -> usize {
        ElementType::holding(self.least, self.greatest).bits() as usize
    }

    /// The term in `width` bits: extended with its sign, or cut.
    pub(super) fn resized(&self, width: usize) -> String {
        let own = self.width();
        let Term { name, least, .. } = self;
        match width.checked_sub(own) {
            None => format!("{name}[{}:0]", width - 1),
            Some(0) => name.clone(),
            Some(more) if *least < 0 => format!("{{{{{more}{{{name}[{}]}}}}, {name}}}", own - 1),
            Some(more) => format!("{{{more}'d0, {name}}}"),
        }
    }
}

/// The name of a bit of a numbered weight or scale.
pub(super) type Bit<'a> = &'a dyn Fn(usize, usize) -> String;

/// Declarations, and what the clock does.
#[derive(Default)]
pub(super) struct Text {
    declarations: String,
    updates: String,
}

// Writing to a string cannot fail.
impl Text {
    pub(super) fn wire(&mut self, name: String, (least, greatest): (i64, i64), value: &str) -> Term {
        let term = Term { name, least, greatest };
        let _ = writeln!(self.declarations, "wire [{}:0] {} = {value};", term.width() - 1, term.name);
        term
    }

    pub(super) fn register(&mut self, term: &Term, value: &str) {
        let Term { name, .. } = term;
        let _ = writeln!(self.declarations, "reg [{}:0] {name};\ninitial {name} = 0;", term.width() - 1);
        let _ = writeln!(self.updates, "  {name} <= {value};");
    }

    /// The sum of `terms`: the first level in groups of `size`, the others in pairs.
    pub(super) fn tree(&mut self, prefix: &str, mut terms: Vec<Term>, mut size: usize) -> Term {
        let mut level = 0;
        while level == 0 || terms.len() > 1 {
            let mut next = Vec::new();
            for (number, parts) in terms.chunks(size).enumerate() {
                let sum = Term {
                    name: format!("{prefix}_{level}_{number}"),
                    least: parts.iter().map(|part| part.least).sum(),
                    greatest: parts.iter().map(|part| part.greatest).sum(),
                };
                let parts: Vec<String> = parts.iter().map(|part| part.resized(sum.width())).collect();
                self.register(&sum, &parts.join(" + "));
                next.push(sum);
            }
            (terms, size) = (next, 2);
            level += 1;
        }
        terms.swap_remove(0)
    }

    /// The partial products of `x` and `factor`, both unsigned: the longer one for each bit of the shorter one.
    pub(super) fn parts(&mut self, suffix: &str, x: &Term, factor: &Term) -> Vec<Term> {
        let (shorter, longer) = if x.width() < factor.width() { (x, factor) } else { (factor, x) };
        let (long, range) = (longer.width(), (longer.least, longer.greatest));
        let part = |bit: usize| {
            let value = format!("{} & {{{long}{{{}[{bit}]}}}}", longer.name, shorter.name);
            self.wire(format!("part_{suffix}_{bit}"), range, &value)
        };
        (0..shorter.width()).map(part).collect()
    }

    /// `terms[0] + 2 · terms[1] + 4 · terms[2] …`, the last one subtracted if `signed`.
    pub(super) fn shifted(&mut self, prefix: &str, mut terms: Vec<Term>, signed: bool) -> Term {
        let mut level = 0;
        // Whether the last term is still to be subtracted.
        let mut negative = signed;
        while terms.len() > 1 {
            let shift = 1 << level;
            let mut next = Vec::new();
            let pairs = terms.len().div_ceil(2);
            for (number, pair) in terms.chunks(2).enumerate() {
                let name = format!("{prefix}_{level}_{number}");
                let [low, high] = pair else {
                    let same = Term { name, ..pair[0].clone() };
                    self.register(&same, &pair[0].name);
                    next.push(same);
                    continue;
                };
                let (mut least, mut greatest) = (high.least << shift, high.greatest << shift);
                let subtract = negative && number + 1 == pairs;
                if subtract {
                    (least, greatest) = (-greatest, -least);
                    negative = false;
                }
                let sum = Term { name, least: low.least + least, greatest: low.greatest + greatest };
                let width = sum.width();
                let operator = if subtract { '-' } else { '+' };
                let high = high.resized(width - shift);
                self.register(&sum, &format!("{} {operator} {{{high}, {shift}'d0}}", low.resized(width)));
                next.push(sum);
            }
            terms = next;
            level += 1;
        }
        terms.swap_remove(0)
    }
}

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
    format!(
        "{}always @(posedge clock) begin\n{}end\nassign sum = {};",
        text.declarations,
        text.updates,
        sum.resized(width)
    )
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
