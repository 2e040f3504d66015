//! What an instance looks like before translation, as bytes.
//!
//! Thousands of instances share a few shapes. Two instances with equal keys give equal Verilog, so
//! only the first of them is translated. rust-hdl's syntax tree has no equality of its own.

use crate::rust_hdl::ast::{
    VerilogBlockOrConditional, VerilogConditional, VerilogExpression, VerilogLink, VerilogLiteral, VerilogOp,
    VerilogOpUnary, VerilogStatement,
};
use std::io::Write;

/// A byte string that two values share only if they are equal: every node writes a tag of its own,
/// every sequence its length.
#[derive(Debug, Default)]
pub(super) struct Key(Vec<u8>);

impl Key {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn tag(&mut self, tag: u8) {
        self.0.push(tag);
    }

    pub(super) fn number(&mut self, number: usize) {
        self.0.extend((number as u64).to_le_bytes());
    }

    pub(super) fn string(&mut self, text: &str) {
        self.number(text.len());
        self.0.extend(text.as_bytes());
    }

    pub(super) fn literal(&mut self, literal: &VerilogLiteral) {
        // Writing to a vector cannot fail.
        let _ = write!(self.0, "{literal};");
    }

    pub(super) fn block(&mut self, block: &[VerilogStatement]) {
        self.number(block.len());
        for statement in block {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &VerilogStatement) {
        match statement {
            VerilogStatement::Assignment(target, value) => {
                self.tag(0);
                self.expression(target);
                self.expression(value);
            }
            VerilogStatement::SliceAssignment { base, width, offset, replacement } => {
                self.tag(1);
                self.expression(base);
                self.number(*width);
                self.expression(offset);
                self.expression(replacement);
            }
            VerilogStatement::If(conditional) => {
                self.tag(2);
                self.conditional(conditional);
            }
            VerilogStatement::Match(choice) => {
                self.tag(3);
                self.expression(&choice.test);
                self.number(choice.cases.len());
                for case in &choice.cases {
                    self.string(&case.condition);
                    self.block(&case.block);
                }
            }
            VerilogStatement::Loop(repeat) => {
                self.tag(4);
                self.string(&repeat.index);
                self.literal(&repeat.from);
                self.literal(&repeat.to);
                self.block(&repeat.block);
            }
            // A comment is not part of what a module does.
            VerilogStatement::Comment(_) => self.tag(5),
            VerilogStatement::Link(links) => {
                self.tag(6);
                self.number(links.len());
                for link in links {
                    let (tag, link) = match link {
                        VerilogLink::Forward(link) => (0, link),
                        VerilogLink::Backward(link) => (1, link),
                        VerilogLink::Bidirectional(link) => (2, link),
                    };
                    self.tag(tag);
                    self.string(&link.my_name);
                    self.string(&link.owner_name);
                    self.string(&link.other_name);
                }
            }
            VerilogStatement::Macro(block) => {
                self.tag(7);
                self.block(block);
            }
        }
    }

    fn conditional(&mut self, conditional: &VerilogConditional) {
        self.expression(&conditional.test);
        self.block(&conditional.then);
        match &conditional.otherwise {
            VerilogBlockOrConditional::Block(block) => {
                self.tag(0);
                self.block(block);
            }
            VerilogBlockOrConditional::Conditional(statement) => {
                self.tag(1);
                self.statement(statement);
            }
            VerilogBlockOrConditional::None => self.tag(2),
        }
    }

    fn expression(&mut self, expression: &VerilogExpression) {
        match expression {
            VerilogExpression::Signal(name) => {
                self.tag(0);
                self.string(name);
            }
            VerilogExpression::Literal(literal) => {
                self.tag(1);
                self.literal(literal);
            }
            VerilogExpression::Cast(inner, width) => {
                self.tag(2);
                self.expression(inner);
                self.number(*width);
            }
            VerilogExpression::Signed(inner) => {
                self.tag(3);
                self.expression(inner);
            }
            VerilogExpression::Unsigned(inner) => {
                self.tag(4);
                self.expression(inner);
            }
            VerilogExpression::Paren(inner) => self.expression(inner),
            VerilogExpression::Binary(left, operator, right) => {
                self.tag(5);
                self.tag(binary(operator));
                self.expression(left);
                self.expression(right);
            }
            VerilogExpression::Unary(operator, inner) => {
                self.tag(6);
                self.tag(unary(operator));
                self.expression(inner);
            }
            VerilogExpression::Index(base, index) => {
                self.tag(7);
                self.expression(base);
                self.expression(index);
            }
            VerilogExpression::Slice(base, width, offset) => {
                self.tag(8);
                self.expression(base);
                self.number(*width);
                self.expression(offset);
            }
            VerilogExpression::IndexReplace(base, index, value) => {
                self.tag(9);
                self.expression(base);
                self.expression(index);
                self.expression(value);
            }
        }
    }
}

fn binary(operator: &VerilogOp) -> u8 {
    match operator {
        VerilogOp::Add => 0,
        VerilogOp::Sub => 1,
        VerilogOp::Mul => 2,
        VerilogOp::LogicalAnd => 3,
        VerilogOp::LogicalOr => 4,
        VerilogOp::BitXor => 5,
        VerilogOp::BitAnd => 6,
        VerilogOp::BitOr => 7,
        VerilogOp::Shl => 8,
        VerilogOp::Shr => 9,
        VerilogOp::Eq => 10,
        VerilogOp::Lt => 11,
        VerilogOp::Le => 12,
        VerilogOp::Ne => 13,
        VerilogOp::Ge => 14,
        VerilogOp::Gt => 15,
    }
}

fn unary(operator: &VerilogOpUnary) -> u8 {
    match operator {
        VerilogOpUnary::Not => 0,
        VerilogOpUnary::Neg => 1,
        VerilogOpUnary::All => 2,
        VerilogOpUnary::Any => 3,
        VerilogOpUnary::Xor => 4,
    }
}
