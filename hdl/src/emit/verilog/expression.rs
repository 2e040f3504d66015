//! Expressions whose every node knows its width.
//!
//! The constructors keep two promises: the operands of every operator have exactly the width that
//! the operator needs, extension and cutting being explicit nodes; and whatever is known at
//! elaboration is folded. Cutting moves inwards as far as it can, down to part-selects of signals,
//! because Verilog cannot select bits of an arbitrary expression. The operators are in
//! [`operator`](super::operator).

use std::rc::Rc;

use num_bigint::BigUint;

use super::number::{fits, ones};
use super::symbol::SymbolId;

/// An expression of a fixed width, cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Expr {
    pub(super) width: usize,
    node: Rc<Node>,
}

/// The kinds of expressions. Widths of the operands are stated where they are not those of the result.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    Constant(BigUint),
    /// A constant with a name, at any width that holds its value.
    Named(SymbolId, BigUint),
    Signal(SymbolId),
    /// Bits `low ..` of a signal.
    Part(SymbolId, usize),
    /// Bits `low ..` of something that is not a signal.
    Cut(Expr, usize),
    /// One bit of an expression of at least two bits; the index is just wide enough to reach all.
    Bit(Expr, Expr),
    /// Zeros above.
    Extend(Expr),
    /// Pieces side by side, the highest first.
    Concat(Vec<Expr>),
    Not(Expr),
    Negate(Expr),
    /// One bit.
    Reduce(Reduction, Expr),
    Binary(Operator, Expr, Expr),
    /// One bit; both sides have the same width.
    Compare(Comparison, Expr, Expr),
    /// By a distance that is a signal, of any width.
    Shift(Direction, Expr, Expr),
}

/// Operators on two words of one width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operator {
    Add,
    Sub,
    Mul,
    And,
    Or,
    Xor,
}

/// Unsigned comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// From all bits to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Reduction {
    All,
    Any,
    Odd,
}

/// The way of a shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Direction {
    Left,
    Right,
}

impl Expr {
    pub(super) fn new(width: usize, node: Node) -> Expr {
        Expr { width, node: Rc::new(node) }
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    /// `value` cut to `width` bits.
    pub(super) fn constant(value: BigUint, width: usize) -> Expr {
        let value = if fits(&value, width) { value } else { value & ones(width) };
        Expr::new(width, Node::Constant(value))
    }

    pub(super) fn bool(value: bool) -> Expr {
        Expr::constant(value.into(), 1)
    }

    pub(super) fn zero(width: usize) -> Expr {
        Expr::constant(BigUint::ZERO, width)
    }

    pub(super) fn signal(symbol: SymbolId, width: usize) -> Expr {
        Expr::new(width, Node::Signal(symbol))
    }

    /// A constant that a reader knows by name.
    pub(super) fn named(symbol: SymbolId, value: BigUint, width: usize) -> Expr {
        Expr::new(width, Node::Named(symbol, value))
    }

    /// The value, if it is known at elaboration.
    pub(super) fn value(&self) -> Option<&BigUint> {
        match self.node() {
            Node::Constant(value) | Node::Named(_, value) => Some(value),
            _ => None,
        }
    }

    pub(super) fn is_value(&self, value: u8) -> bool {
        self.value() == Some(&BigUint::from(value))
    }

    pub(super) fn is_ones(&self) -> bool {
        self.value().is_some_and(|value| *value == ones(self.width))
    }

    /// Cut or extended with zeros to `width` bits.
    pub(super) fn resize(&self, width: usize) -> Expr {
        self.part(0, width)
    }

    /// Bits `low .. low + width`; bits beyond the end are zero.
    pub(super) fn part(&self, low: usize, width: usize) -> Expr {
        if low == 0 && width == self.width {
            return self.clone();
        }
        // Casts may go to zero bits, where nothing is left to select.
        if low >= self.width || width == 0 {
            return Expr::zero(width);
        }
        if width > self.width - low {
            return self.part(low, self.width - low).extend(width);
        }
        match self.node() {
            Node::Named(symbol, value) if low == 0 && fits(value, width) => Expr::named(*symbol, value.clone(), width),
            Node::Constant(value) | Node::Named(_, value) => Expr::constant(value >> low, width),
            Node::Signal(symbol) => Expr::new(width, Node::Part(*symbol, low)),
            Node::Part(symbol, base) => Expr::new(width, Node::Part(*symbol, base + low)),
            Node::Cut(inner, base) => Expr::new(width, Node::Cut(inner.clone(), base + low)),
            Node::Extend(inner) => inner.part(low, width),
            Node::Concat(pieces) => {
                let mut position = self.width;
                let mut kept = Vec::new();
                for piece in pieces {
                    position -= piece.width;
                    let from = low.max(position);
                    let to = (low + width).min(position + piece.width);
                    if from < to {
                        kept.push(piece.part(from - position, to - from));
                    }
                }
                Expr::concat(kept)
            }
            Node::Not(inner) => inner.part(low, width).not(),
            Node::Binary(operator @ (Operator::And | Operator::Or | Operator::Xor), left, right) => {
                Expr::binary(*operator, &left.part(low, width), &right.part(low, width))
            }
            // The low bits of a sum depend only on the low bits of the operands.
            Node::Binary(operator, left, right) if low == 0 => {
                Expr::binary(*operator, &left.resize(width), &right.resize(width))
            }
            Node::Negate(inner) if low == 0 => inner.resize(width).negate(),
            Node::Shift(Direction::Left, inner, distance) if low == 0 => {
                Expr::new(width, Node::Shift(Direction::Left, inner.resize(width), distance.clone()))
            }
            Node::Binary(..) | Node::Negate(_) | Node::Shift(Direction::Left, ..) if low + width < self.width => {
                self.resize(low + width).part(low, width)
            }
            _ => Expr::new(width, Node::Cut(self.clone(), low)),
        }
    }

    fn extend(&self, width: usize) -> Expr {
        match self.node() {
            _ if width == self.width => self.clone(),
            Node::Constant(value) => Expr::constant(value.clone(), width),
            Node::Named(symbol, value) => Expr::named(*symbol, value.clone(), width),
            Node::Extend(inner) => inner.extend(width),
            _ => Expr::new(width, Node::Extend(self.clone())),
        }
    }

    /// Pieces side by side, the highest first.
    pub(super) fn concat(pieces: Vec<Expr>) -> Expr {
        let mut flat: Vec<Expr> = Vec::with_capacity(pieces.len());
        pieces.iter().for_each(|piece| piece.flatten_into(&mut flat));
        // Zeros in front are what `Extend` says, and shifts out of nothing leave one constant.
        if flat.len() == 1 {
            return flat.swap_remove(0);
        }
        let width = flat.iter().map(|piece| piece.width).sum();
        if flat.iter().all(|piece| piece.is_value(0)) {
            return Expr::zero(width);
        }
        if flat[0].is_value(0) {
            flat.remove(0);
            return Expr::concat(flat).extend(width);
        }
        Expr::new(width, Node::Concat(flat))
    }

    fn flatten_into(&self, flat: &mut Vec<Expr>) {
        match self.node() {
            Node::Concat(pieces) => pieces.iter().for_each(|piece| piece.flatten_into(flat)),
            Node::Extend(inner) => {
                flat.push(Expr::zero(self.width - inner.width));
                inner.flatten_into(flat);
            }
            _ if self.width > 0 => flat.push(self.clone()),
            _ => {}
        }
    }

    /// Calls `visit` for every signal in the expression, once per occurrence.
    pub(super) fn reads(&self, visit: &mut impl FnMut(SymbolId)) {
        match self.node() {
            Node::Constant(_) | Node::Named(..) => {}
            Node::Signal(symbol) | Node::Part(symbol, _) => visit(*symbol),
            Node::Cut(inner, _)
            | Node::Extend(inner)
            | Node::Not(inner)
            | Node::Negate(inner)
            | Node::Reduce(_, inner) => inner.reads(visit),
            Node::Concat(pieces) => pieces.iter().for_each(|piece| piece.reads(visit)),
            Node::Bit(a, b) | Node::Binary(_, a, b) | Node::Compare(_, a, b) | Node::Shift(_, a, b) => {
                a.reads(visit);
                b.reads(visit);
            }
        }
    }

    /// Whether the expression reads `symbol`.
    pub(super) fn reads_symbol(&self, symbol: SymbolId) -> bool {
        let mut found = false;
        self.reads(&mut |read| found |= read == symbol);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(symbol: SymbolId, width: usize) -> Expr {
        Expr::signal(symbol, width)
    }

    fn number(value: u64, width: usize) -> Expr {
        Expr::constant(value.into(), width)
    }

    #[test]
    fn a_lane_of_a_word_is_a_part_select() {
        let offset = Expr::binary(Operator::Mul, &number(4, 32), &number(3, 32));
        let lane = signal(0, 20).shift(Direction::Right, &offset).resize(4);
        assert_eq!(*lane.node(), Node::Part(0, 12));
    }

    #[test]
    fn what_leaves_the_word_is_zero() {
        let word = signal(0, 8);
        assert_eq!(word.shift(Direction::Right, &number(8, 4)), Expr::zero(8));
        assert_eq!(word.shift(Direction::Left, &number(9, 4)), Expr::zero(8));
        assert_eq!(word.part(6, 8), word.part(6, 2).resize(8));
        assert_eq!(word.bit(&number(8, 4)), Expr::bool(false));
    }

    #[test]
    fn cutting_reaches_the_operands() {
        let sum = Expr::binary(Operator::Add, &signal(0, 8), &signal(1, 12)).resize(4);
        let Node::Binary(Operator::Add, left, right) = sum.node() else { panic!("{sum:?}") };
        assert_eq!((left.node(), right.node()), (&Node::Part(0, 0), &Node::Part(1, 0)));
    }

    #[test]
    fn zero_bits_are_zero() {
        let nothing = signal(0, 8).resize(0);
        assert_eq!(nothing, Expr::zero(0));
        assert_eq!(nothing.bit(&signal(1, 4)), Expr::bool(false));
        assert_eq!(Expr::binary(Operator::Add, &nothing, &signal(1, 4)), signal(1, 4));
        assert_eq!(nothing.reduce(Reduction::All), Expr::bool(true));
    }

    #[test]
    fn comparisons_that_cannot_change_are_folded() {
        let word = signal(0, 4);
        assert_eq!(Expr::compare(Comparison::Lt, &word, &number(16, 32)), Expr::bool(true));
        assert_eq!(Expr::compare(Comparison::Eq, &word, &number(16, 32)), Expr::bool(false));
        assert_eq!(Expr::compare(Comparison::Ge, &word, &number(0, 4)), Expr::bool(true));
        let narrow = Expr::compare(Comparison::Eq, &word.resize(9), &number(9, 32));
        assert_eq!(*narrow.node(), Node::Compare(Comparison::Eq, word, number(9, 4)));
    }
}
