//! The operators on expressions, folded as far as the values are known.

use num_bigint::BigUint;

use super::expression::{Comparison, Direction, Expr, Node, Operator, Reduction};
use super::number::ones;

impl Expr {
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
            Comparison::Eq if left.width == 1 => {
                if right.is_value(1) {
                    left.clone()
                } else {
                    left.not()
                }
            }
            Comparison::Ne if left.width == 1 => {
                if right.is_value(1) {
                    left.not()
                } else {
                    left.clone()
                }
            }
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
        if self.width == 0 {
            return Expr::bool(false);
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
