//! Terms with exact ranges, added level by level, as text.

use crate::wire::unused;
use abi::ElementType;
use std::cell::RefCell;
use std::collections::BTreeSet;
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
}

/// The name of a bit of a numbered weight or scale.
pub(super) type Bit<'a> = &'a dyn Fn(usize, usize) -> String;

/// Declarations, and what the clock does.
#[derive(Default)]
pub(super) struct Text {
    declarations: String,
    updates: String,
    /// Bits that were cut off.
    unread: RefCell<BTreeSet<String>>,
}

// Writing to a string cannot fail.
impl Text {
    /// `term` in `width` bits: extended with its sign, or cut.
    pub(super) fn resized(&self, term: &Term, width: usize) -> String {
        let own = term.width();
        let Term { name, least, .. } = term;
        match width.checked_sub(own) {
            None => {
                self.unread.borrow_mut().insert(format!("{name}[{}:{width}]", own - 1));
                format!("{name}[{}:0]", width - 1)
            }
            Some(0) => name.clone(),
            Some(more) if *least < 0 => format!("{{{{{more}{{{name}[{}]}}}}, {name}}}", own - 1),
            Some(more) => format!("{{{more}'d0, {name}}}"),
        }
    }

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
                let parts: Vec<String> = parts.iter().map(|part| self.resized(part, sum.width())).collect();
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
                let (low, high) = (self.resized(low, width), self.resized(high, width - shift));
                self.register(&sum, &format!("{} {operator} {{{high}, {shift}'d0}}", low));
                next.push(sum);
            }
            terms = next;
            level += 1;
        }
        terms.swap_remove(0)
    }

    /// The body of the module whose output `sum` has the given value.
    pub(super) fn finish(self, sum: &str) -> String {
        let Text { declarations, updates, unread } = self;
        let unread: Vec<String> = unread.into_inner().into_iter().collect();
        let unused = unused("unused", &unread).map_or_else(String::new, |unused| format!("\n{unused}"));
        format!("{declarations}always @(posedge clock) begin\n{updates}end\nassign sum = {sum};{unused}")
    }
}
