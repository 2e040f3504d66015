//! Expressions whose every node knows its width.
//!
//! The constructors keep two promises: the operands of every operator have exactly the width that
//! the operator needs, extension and cutting being explicit nodes; and whatever is known at
//! elaboration is folded. Cutting moves inwards as far as it can, down to part-selects of signals,
//! because Verilog cannot select bits of an arbitrary expression.

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
    fn new(width: usize, node: Node) -> Expr {
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

    fn is_value(&self, value: u8) -> bool {
        self.value() == Some(&BigUint::from(value))
    }

    fn is_ones(&self) -> bool {
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
        if low >= self.width {
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

    pub(super) fn not(&self) -> Expr {
        match self.node() {
            Node::Constant(value) | Node::Named(_, value) => Expr::constant(ones(self.width) - value, self.width),
            Node::Not(inner) => inner.clone(),
            Node::Compare(Comparison::Eq, left, right) => Expr::compare(Comparison::Ne, left, right),
            Node::Compare(Comparison::Ne, left, right) => Expr::compare(Comparison::Eq, left, right),
            _ => Expr::new(self.width, Node::Not(self.clone())),
        }
    }

    pub(super) fn negate(&self) -> Expr {
        match self.value() {
            Some(value) if *value == BigUint::ZERO => self.clone(),
            Some(value) => Expr::constant(ones(self.width) - value + 1u8, self.width),
            None => Expr::new(self.width, Node::Negate(self.clone())),
        }
    }

    pub(super) fn reduce(&self, reduction: Reduction) -> Expr {
        if self.width == 1 {
            return self.clone();
        }
        if let Some(value) = self.value() {
            return Expr::bool(match reduction {
                Reduction::All => self.is_ones(),
                Reduction::Any => *value != BigUint::ZERO,
                Reduction::Odd => value.count_ones() % 2 == 1,
            });
        }
        match (self.node(), reduction) {
            (Node::Extend(_), Reduction::All) => Expr::bool(false),
            (Node::Extend(inner), _) => inner.reduce(reduction),
            _ => Expr::new(1, Node::Reduce(reduction, self.clone())),
        }
    }

    /// At the width of the wider side, the other extended with zeros.
    pub(super) fn binary(operator: Operator, left: &Expr, right: &Expr) -> Expr {
        let width = left.width.max(right.width);
        let (left, right) = (left.resize(width), right.resize(width));
        if let (Some(a), Some(b)) = (left.value(), right.value()) {
            let value = match operator {
                Operator::Add => a + b,
                Operator::Sub => ones(width) + 1u8 + a - b,
                Operator::Mul => a * b,
                Operator::And => a & b,
                Operator::Or => a | b,
                Operator::Xor => a ^ b,
            };
            return Expr::constant(value, width);
        }
        match operator {
            Operator::Add | Operator::Or | Operator::Xor if left.is_value(0) => return right,
            Operator::Add | Operator::Sub | Operator::Or | Operator::Xor if right.is_value(0) => return left,
            Operator::Sub if left.is_value(0) => return right.negate(),
            Operator::And | Operator::Mul if left.is_value(0) || right.is_value(0) => return Expr::zero(width),
            Operator::And if left.is_ones() => return right,
            Operator::And if right.is_ones() => return left,
            Operator::Or if left.is_ones() || right.is_ones() => return Expr::constant(ones(width), width),
            Operator::Xor if left.is_ones() => return right.not(),
            Operator::Xor if right.is_ones() => return left.not(),
            Operator::Mul if left.is_value(1) => return right,
            Operator::Mul if right.is_value(1) => return left,
            _ => {}
        }
        Expr::new(width, Node::Binary(operator, left, right))
    }

    /// Unsigned, the narrower side extended with zeros. Against a constant, only the bits that the
    /// signal has are compared, and what no value of the signal can change is folded.
    pub(super) fn compare(comparison: Comparison, left: &Expr, right: &Expr) -> Expr {
        if let (Some(a), Some(b)) = (left.value(), right.value()) {
            return Expr::bool(match comparison {
                Comparison::Eq => a == b,
                Comparison::Ne => a != b,
                Comparison::Lt => a < b,
                Comparison::Le => a <= b,
                Comparison::Gt => a > b,
                Comparison::Ge => a >= b,
            });
        }
        if left.value().is_some() {
            return Expr::compare(comparison.mirrored(), right, left);
        }
        let Some(value) = right.value() else {
            let width = left.width.max(right.width);
            return Expr::new(1, Node::Compare(comparison, left.resize(width), right.resize(width)));
        };
        let left = match left.node() {
            Node::Extend(inner) => inner,
            _ => left,
        };
        let most = ones(left.width);
        match comparison {
            Comparison::Eq if *value > most => Expr::bool(false),
            Comparison::Ne if *value > most => Expr::bool(true),
            Comparison::Lt | Comparison::Le if *value > most => Expr::bool(true),
            Comparison::Gt | Comparison::Ge if *value > most => Expr::bool(false),
            Comparison::Lt if *value == BigUint::ZERO => Expr::bool(false),
            Comparison::Ge if *value == BigUint::ZERO => Expr::bool(true),
            Comparison::Le if *value == most => Expr::bool(true),
            Comparison::Gt if *value == most => Expr::bool(false),
            Comparison::Eq if left.width == 1 => if right.is_value(1) { left.clone() } else { left.not() },
            Comparison::Ne if left.width == 1 => if right.is_value(1) { left.not() } else { left.clone() },
            _ => Expr::new(1, Node::Compare(comparison, left.clone(), right.resize(left.width))),
        }
    }

    /// At the width of `self`; whatever leaves it is lost and zeros come in.
    pub(super) fn shift(&self, direction: Direction, distance: &Expr) -> Expr {
        let Some(value) = distance.value() else {
            if self.is_value(0) {
                return self.clone();
            }
            // Verilator refuses distances beyond 32 bits. Far below that, one bit says "everything is lost".
            const REACH: usize = 30;
            let distance = if distance.width > REACH + 1 {
                let beyond = distance.part(REACH, distance.width - REACH).reduce(Reduction::Any);
                Expr::concat(vec![beyond, distance.part(0, REACH)])
            } else {
                distance.clone()
            };
            return match distance.value() {
                Some(_) => self.shift(direction, &distance),
                None => Expr::new(self.width, Node::Shift(direction, self.clone(), distance)),
            };
        };
        let distance = usize::try_from(value).unwrap_or(usize::MAX).min(self.width);
        match direction {
            Direction::Right => self.part(distance, self.width),
            Direction::Left if distance == self.width => Expr::zero(self.width),
            Direction::Left => Expr::concat(vec![self.resize(self.width - distance), Expr::zero(distance)]),
        }
    }

    /// Bit `index`, zero beyond the end.
    pub(super) fn bit(&self, index: &Expr) -> Expr {
        if let Some(value) = index.value() {
            return usize::try_from(value).map_or(Expr::bool(false), |index| self.part(index, 1));
        }
        if self.width == 1 {
            return Expr::binary(Operator::And, self, &index.reduce(Reduction::Any).not());
        }
        let reach = usize::BITS as usize - (self.width - 1).leading_zeros() as usize;
        // The low bits of an index may be constant where the whole is not.
        let low = index.resize(reach);
        let bit = match low.value() {
            Some(_) => self.bit(&low),
            None => Expr::new(1, Node::Bit(self.clone(), low)),
        };
        let limit = Expr::constant(self.width.into(), usize::BITS as usize);
        Expr::binary(Operator::And, &Expr::compare(Comparison::Lt, index, &limit), &bit)
    }

    /// The word with bit `index` replaced; the same word if the index is beyond the end.
    pub(super) fn replace_bit(&self, index: &Expr, bit: &Expr) -> Expr {
        if let Some(value) = index.value() {
            let index = usize::try_from(value).unwrap_or(usize::MAX);
            if index >= self.width {
                return self.clone();
            }
            let above = self.width - index - 1;
            let high = (above > 0).then(|| self.part(index + 1, above));
            let low = (index > 0).then(|| self.part(0, index));
            return Expr::concat(high.into_iter().chain([bit.clone()]).chain(low).collect());
        }
        let mask = Expr::constant(1u8.into(), self.width).shift(Direction::Left, index);
        let bit = bit.resize(self.width).shift(Direction::Left, index);
        Expr::binary(Operator::Or, &Expr::binary(Operator::And, self, &mask.not()), &bit)
    }

    /// Calls `visit` for every signal in the expression, once per occurrence.
    pub(super) fn reads(&self, visit: &mut impl FnMut(SymbolId)) {
        match self.node() {
            Node::Constant(_) | Node::Named(..) => {}
            Node::Signal(symbol) | Node::Part(symbol, _) => visit(*symbol),
            Node::Cut(inner, _) | Node::Extend(inner) | Node::Not(inner) | Node::Negate(inner) | Node::Reduce(_, inner) => {
                inner.reads(visit)
            }
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

impl Comparison {
    /// The comparison that holds with the sides exchanged.
    fn mirrored(self) -> Comparison {
        match self {
            Comparison::Eq | Comparison::Ne => self,
            Comparison::Lt => Comparison::Gt,
            Comparison::Le => Comparison::Ge,
            Comparison::Gt => Comparison::Lt,
            Comparison::Ge => Comparison::Le,
        }
    }
}
