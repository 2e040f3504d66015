//! From rust-hdl's untyped syntax tree to expressions with widths.

use crate::rust_hdl::ast::{VerilogExpression, VerilogOp, VerilogOpUnary};
use num_bigint::BigUint;

use super::expression::{Comparison, Direction, Expr, Operator, Reduction};
use super::number::{fits, literal, rust_integer};
use super::symbol::{Kind, Loops, SymbolId, SymbolTable};
use crate::emit::EmitError;

/// What an expression of the kernel is before its context is known.
#[derive(Clone, Debug)]
enum Value {
    /// An integer literal, a loop variable, or arithmetic on those: it takes the width of its context.
    Integer(BigUint),
    /// Anything that has a width of its own.
    Word(Expr),
}

/// Where an expression stands.
pub(super) struct Lowering<'a> {
    pub(super) table: &'a SymbolTable,
    pub(super) loops: &'a Loops,
    /// Path of the instance, for errors.
    pub(super) module: &'a str,
    /// The signal being assigned, for errors.
    pub(super) signal: &'a str,
}

impl Lowering<'_> {
    /// An expression assigned to a signal of `width` bits.
    pub(super) fn assigned(&self, expression: &VerilogExpression, width: usize) -> Result<Expr, EmitError> {
        match self.value(expression)? {
            Value::Integer(value) => self.sized(value, width),
            Value::Word(word) => Ok(word.resize(width)),
        }
    }

    /// A condition.
    pub(super) fn condition(&self, expression: &VerilogExpression, what: &str) -> Result<Expr, EmitError> {
        self.one_bit(self.value(expression)?, what)
    }

    /// An expression that has a width of its own.
    pub(super) fn word(&self, expression: &VerilogExpression, what: &str) -> Result<Expr, EmitError> {
        self.with_width(self.value(expression)?, what)
    }

    /// The constant that a match arm stands for, `None` for the wildcard.
    pub(super) fn pattern(&self, text: &str, width: usize) -> Result<Option<Expr>, EmitError> {
        match text {
            "default" => return Ok(None),
            "true" | "false" => return self.sized(u8::from(text == "true").into(), width).map(Some),
            _ => {}
        }
        if let Some(value) = rust_integer(text) {
            return self.sized(value, width).map(Some);
        }
        let symbol = self.table.resolve(text, self.loops, self.module)?;
        match &self.table.get(symbol).kind {
            Kind::Constant(value) if fits(value, width) => Ok(Some(Expr::named(symbol, value.clone(), width))),
            Kind::Constant(value) => self.sized(value.clone(), width).map(Some),
            _ => Err(self.unsupported(
                &format!("the match arm `{text}`"),
                "match against integers, `true`, `false` or variants of an enumeration",
            )),
        }
    }

    fn value(&self, expression: &VerilogExpression) -> Result<Value, EmitError> {
        Ok(match expression {
            VerilogExpression::Signal(name) => {
                if let Some((_, value)) = self.loops.iter().rev().find(|(variable, _)| variable == name) {
                    return Ok(Value::Integer((*value).into()));
                }
                Value::Word(self.symbol(self.table.resolve(name, self.loops, self.module)?))
            }
            VerilogExpression::Literal(number) => match literal(number) {
                // Rust's `bool` is the only literal of one bit.
                Some((value, 1)) => Value::Word(Expr::constant(value, 1)),
                Some((value, _)) => Value::Integer(value),
                None => return Err(self.negative()),
            },
            VerilogExpression::Paren(inner) => self.value(inner)?,
            VerilogExpression::Cast(inner, width) => Value::Word(match self.value(inner)? {
                // The one place where an integer may be cut: it is written out in the kernel.
                Value::Integer(value) => Expr::constant(value, *width),
                Value::Word(word) => word.resize(*width),
            }),
            VerilogExpression::Signed(_) | VerilogExpression::Unsigned(_) => {
                return Err(self.unsupported(
                    "a signed value",
                    "write two's complement arithmetic on unsigned words: add and subtract at full width",
                ));
            }
            VerilogExpression::Binary(left, operator, right) => {
                self.binary(self.value(left)?, operator, self.value(right)?)?
            }
            VerilogExpression::Unary(operator, inner) => self.unary(operator, self.value(inner)?)?,
            VerilogExpression::Index(base, index) => {
                let base = self.with_width(self.value(base)?, "get_bit")?;
                Value::Word(base.bit(&distance(self.value(index)?)))
            }
            VerilogExpression::Slice(base, width, offset) => {
                let base = self.with_width(self.value(base)?, "a bit field")?;
                Value::Word(base.shift(Direction::Right, &distance(self.value(offset)?)).resize(*width))
            }
            VerilogExpression::IndexReplace(base, index, bit) => {
                let base = self.with_width(self.value(base)?, "replace_bit")?;
                let bit = self.one_bit(self.value(bit)?, "the bit in `replace_bit`")?;
                Value::Word(base.replace_bit(&distance(self.value(index)?), &bit))
            }
        })
    }

    fn symbol(&self, id: SymbolId) -> Expr {
        let symbol = self.table.get(id);
        match &symbol.kind {
            Kind::Constant(value) => Expr::named(id, value.clone(), symbol.width),
            _ => Expr::signal(id, symbol.width),
        }
    }

    fn binary(&self, left: Value, operator: &VerilogOp, right: Value) -> Result<Value, EmitError> {
        let comparison = |c| self.compare(c, &left, &right);
        let arithmetic = |o| self.arithmetic(o, &left, &right);
        match operator {
            VerilogOp::Add => arithmetic(Operator::Add),
            VerilogOp::Sub => arithmetic(Operator::Sub),
            VerilogOp::Mul => arithmetic(Operator::Mul),
            VerilogOp::BitXor => arithmetic(Operator::Xor),
            VerilogOp::BitAnd => arithmetic(Operator::And),
            VerilogOp::BitOr => arithmetic(Operator::Or),
            VerilogOp::Eq => comparison(Comparison::Eq),
            VerilogOp::Lt => comparison(Comparison::Lt),
            VerilogOp::Le => comparison(Comparison::Le),
            VerilogOp::Ne => comparison(Comparison::Ne),
            VerilogOp::Ge => comparison(Comparison::Ge),
            VerilogOp::Gt => comparison(Comparison::Gt),
            VerilogOp::LogicalAnd | VerilogOp::LogicalOr => {
                let left = self.one_bit(left, "an operand of `&&` or `||`")?;
                let right = self.one_bit(right, "an operand of `&&` or `||`")?;
                let operator = if matches!(operator, VerilogOp::LogicalAnd) { Operator::And } else { Operator::Or };
                Ok(Value::Word(Expr::binary(operator, &left, &right)))
            }
            VerilogOp::Shl => self.shift(Direction::Left, left, right),
            VerilogOp::Shr => self.shift(Direction::Right, left, right),
        }
    }

    fn shift(&self, direction: Direction, left: Value, right: Value) -> Result<Value, EmitError> {
        if let (Value::Integer(value), Value::Integer(distance)) = (&left, &right) {
            let distance = u64::try_from(distance).unwrap_or(u64::MAX).min(1 << 16);
            return Ok(Value::Integer(match direction {
                Direction::Left => value << distance,
                Direction::Right => value >> distance,
            }));
        }
        let left = self.with_width(left, "a shift")?;
        Ok(Value::Word(left.shift(direction, &distance(right))))
    }

    fn arithmetic(&self, operator: Operator, left: &Value, right: &Value) -> Result<Value, EmitError> {
        if let (Value::Integer(a), Value::Integer(b)) = (left, right) {
            return Ok(Value::Integer(match operator {
                Operator::Add => a + b,
                Operator::Sub if a < b => return Err(self.negative()),
                Operator::Sub => a - b,
                Operator::Mul => a * b,
                Operator::And => a & b,
                Operator::Or => a | b,
                Operator::Xor => a ^ b,
            }));
        }
        let (left, right) = self.matched(left, right)?;
        Ok(Value::Word(Expr::binary(operator, &left, &right)))
    }

    fn compare(&self, comparison: Comparison, left: &Value, right: &Value) -> Result<Value, EmitError> {
        let (left, right) = match (left, right) {
            (Value::Integer(a), Value::Integer(b)) => {
                let width = a.bits().max(b.bits()).max(1) as usize;
                (Expr::constant(a.clone(), width), Expr::constant(b.clone(), width))
            }
            _ => self.matched(left, right)?,
        };
        Ok(Value::Word(Expr::compare(comparison, &left, &right)))
    }

    /// Both sides as words, an integer at the width of the other side.
    fn matched(&self, left: &Value, right: &Value) -> Result<(Expr, Expr), EmitError> {
        match (left.clone(), right.clone()) {
            (Value::Word(left), Value::Word(right)) => Ok((left, right)),
            (Value::Word(left), Value::Integer(right)) => {
                let right = self.sized(right, left.width)?;
                Ok((left, right))
            }
            (Value::Integer(left), Value::Word(right)) => Ok((self.sized(left, right.width)?, right)),
            (Value::Integer(_), Value::Integer(_)) => Err(self.width_unknown("an operator")),
        }
    }

    fn unary(&self, operator: &VerilogOpUnary, inner: Value) -> Result<Value, EmitError> {
        let (what, apply): (_, fn(&Expr) -> Expr) = match operator {
            VerilogOpUnary::Not => ("`!`", Expr::not),
            VerilogOpUnary::Neg => ("`-`", Expr::negate),
            VerilogOpUnary::All => ("`all`", |e| e.reduce(Reduction::All)),
            VerilogOpUnary::Any => ("`any`", |e| e.reduce(Reduction::Any)),
            VerilogOpUnary::Xor => ("`xor`", |e| e.reduce(Reduction::Odd)),
        };
        Ok(Value::Word(apply(&self.with_width(inner, what)?)))
    }

    fn with_width(&self, value: Value, what: &str) -> Result<Expr, EmitError> {
        match value {
            Value::Word(word) => Ok(word),
            Value::Integer(_) => Err(self.width_unknown(what)),
        }
    }

    fn one_bit(&self, value: Value, what: &str) -> Result<Expr, EmitError> {
        match self.with_width(value, what)? {
            word if word.width == 1 => Ok(word),
            word => Err(EmitError::NotACondition {
                module: self.module.into(),
                signal: self.signal.into(),
                what: what.into(),
                width: word.width,
            }),
        }
    }

    fn sized(&self, value: BigUint, width: usize) -> Result<Expr, EmitError> {
        if fits(&value, width) {
            return Ok(Expr::constant(value, width));
        }
        Err(EmitError::LiteralTooWide {
            module: self.module.into(),
            signal: self.signal.into(),
            value: value.to_string(),
            width,
        })
    }

    fn width_unknown(&self, what: &str) -> EmitError {
        EmitError::WidthUnknown { module: self.module.into(), signal: self.signal.into(), what: what.into() }
    }

    fn negative(&self) -> EmitError {
        EmitError::NegativeInteger { module: self.module.into(), signal: self.signal.into() }
    }

    fn unsupported(&self, construct: &str, instead: &str) -> EmitError {
        EmitError::Unsupported {
            module: self.module.into(),
            signal: self.signal.into(),
            construct: construct.into(),
            instead: instead.into(),
        }
    }
}

/// A shift distance or bit index, which may be of any width.
fn distance(value: Value) -> Expr {
    match value {
        Value::Word(word) => word,
        Value::Integer(value) => {
            let width = value.bits().max(1) as usize;
            Expr::constant(value, width)
        }
    }
}
