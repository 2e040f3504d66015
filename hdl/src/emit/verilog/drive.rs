//! What a kernel says about one signal, made short and written out.

use super::choice::Choice;
use super::expression::{Expr, Node};
use super::number;
use super::print::{LINE, Printer};
use super::statement::{Drive, Statement};
use super::symbol::SymbolId;

/// Up to this many terms, a sum over a loop is one expression instead of a list of statements.
const MAX_TERMS: usize = 16;

/// What a module says about one signal.
#[derive(Debug)]
pub(super) struct Logic {
    pub(super) target: SymbolId,
    pub(super) form: Form,
}

/// The shortest form that says it.
#[derive(Debug)]
pub(super) enum Form {
    /// An `assign` of one expression.
    Plain(Expr),
    /// An `assign` of one of several.
    Choice(Choice),
    /// An `always` block of statements that read what those before have assigned.
    Steps(Vec<Statement>),
}

impl Logic {
    /// The expression of a signal that is assigned once and unconditionally.
    pub(super) fn plain(&self) -> Option<&Expr> {
        match &self.form {
            Form::Plain(value) => Some(value),
            Form::Choice(_) | Form::Steps(_) => None,
        }
    }

    /// Calls `visit` for every signal that is read.
    pub(super) fn reads(&self, visit: &mut impl FnMut(SymbolId)) {
        match &self.form {
            Form::Plain(value) => value.reads(visit),
            Form::Choice(choice) => choice.reads(visit),
            Form::Steps(statements) => reads(statements, visit),
        }
    }
}

impl Drive {
    /// Drops assignments that a later one replaces, writes short accumulations as one expression, and finds the form of
    /// what is left.
    pub(super) fn into_logic(mut self) -> Logic {
        self.simplify();
        let Drive { target, statements } = self;
        let form = match statements.as_slice() {
            [Statement::Assign(value)] => Form::Plain(value.clone()),
            several => Choice::of(several, target).map_or_else(|| Form::Steps(several.to_vec()), Form::Choice),
        };
        Logic { target, form }
    }

    fn simplify(&mut self) {
        let target = self.target;
        let replaces =
            |statement: &Statement| matches!(statement, Statement::Assign(value) if !value.reads_symbol(target));
        if let Some(last) = self.statements.iter().rposition(replaces) {
            self.statements.drain(..last);
        }
        let are_all_plain = self.statements.iter().all(|statement| matches!(statement, Statement::Assign(_)));
        let is_short = are_all_plain && self.statements.len() <= MAX_TERMS + 1;
        while let [Statement::Assign(first), Statement::Assign(second), ..] = self.statements.as_slice() {
            let mut occurrences = 0;
            second.reads(&mut |read| occurrences += usize::from(read == target));
            let is_free = first.value().is_some() || (is_short && occurrences == 1);
            if !is_free {
                break;
            }
            let merged = second.substitute(target, first);
            self.statements.drain(..1);
            self.statements[0] = Statement::Assign(merged);
        }
    }
}

fn reads(statements: &[Statement], visit: &mut impl FnMut(SymbolId)) {
    for statement in statements {
        match statement {
            Statement::Assign(value) => value.reads(visit),
            Statement::If { test, then, otherwise } => {
                test.reads(visit);
                reads(then, visit);
                reads(otherwise, visit);
            }
            Statement::Case { test, arms, otherwise } => {
                test.reads(visit);
                arms.iter().for_each(|(_, arm)| reads(arm, visit));
                reads(otherwise, visit);
            }
        }
    }
}

impl Expr {
    /// The expression with `value` in the place of a signal, folded anew.
    fn substitute(&self, symbol: SymbolId, value: &Expr) -> Expr {
        let again = |inner: &Expr| inner.substitute(symbol, value);
        match self.node() {
            Node::Signal(read) if *read == symbol => value.clone(),
            Node::Part(read, low) if *read == symbol => value.part(*low, self.width),
            Node::Constant(_) | Node::Named(..) | Node::Signal(_) | Node::Part(..) => self.clone(),
            Node::Cut(inner, low) => again(inner).part(*low, self.width),
            Node::Bit(base, index) => again(base).bit(&again(index)),
            Node::Extend(inner) => again(inner).resize(self.width),
            Node::Concat(pieces) => Expr::concat(pieces.iter().map(again).collect()),
            Node::Not(inner) => again(inner).not(),
            Node::Negate(inner) => again(inner).negate(),
            Node::Reduce(reduction, inner) => again(inner).reduce(*reduction),
            Node::Binary(operator, left, right) => Expr::binary(*operator, &again(left), &again(right)),
            Node::Compare(comparison, left, right) => Expr::compare(*comparison, &again(left), &again(right)),
            Node::Shift(direction, inner, distance) => again(inner).shift(*direction, &again(distance)),
        }
    }
}

impl Printer<'_> {
    /// The logic of one signal: an `assign` or an `always` block.
    pub(super) fn logic(&mut self, logic: &Logic) -> String {
        let name = self.name(logic.target);
        self.target.name = name.clone();
        match &logic.form {
            Form::Plain(value) => self.assignment(&format!("assign {name}"), value, 2),
            Form::Choice(choice) => {
                let lines = choice.lines(self);
                let line = lines.join(" ");
                let text = if line.len() <= LINE - name.len() {
                    format!(" {line}")
                } else {
                    format!("\n    {}", lines.join("\n    "))
                };
                format!("  assign {name} ={text};\n")
            }
            Form::Steps(statements) => self.steps(logic.target, statements, &name),
        }
    }

    fn steps(&mut self, target: SymbolId, statements: &[Statement], name: &str) -> String {
        self.target.symbol = Some(target);
        let mut body = String::new();
        self.statements(statements, name, 4, &mut body);
        self.target.symbol = None;
        let mut text = String::from("  always @* begin\n");
        for (variable, width) in std::mem::take(&mut self.target.variables) {
            text.push_str(&format!("    {variable} = {};\n", number::verilog(&0u8.into(), width)));
        }
        text + &body + "  end\n"
    }

    fn statements(&mut self, statements: &[Statement], name: &str, indent: usize, out: &mut String) {
        for statement in statements {
            self.statement(statement, name, indent, out);
        }
    }

    fn statement(&mut self, statement: &Statement, name: &str, indent: usize, out: &mut String) {
        match statement {
            Statement::Assign(value) => {
                let text = self.assignment(name, value, indent);
                self.flush(indent, out);
                out.push_str(&text);
            }
            Statement::If { test, then, otherwise } => {
                let (test, then, otherwise) =
                    if then.is_empty() { (&test.not(), otherwise, then) } else { (test, then, otherwise) };
                let test = self.expression(test);
                self.flush(indent, out);
                out.push_str(&format!("{:indent$}", ""));
                self.conditional(&test, then, otherwise, name, indent, out);
            }
            Statement::Case { test, arms, otherwise } => {
                let test = self.expression(test);
                self.flush(indent, out);
                out.push_str(&format!("{:indent$}case ({test})\n", ""));
                for (label, arm) in arms {
                    let label = self.expression(label);
                    self.arm(&label, arm, name, indent + 2, out);
                }
                self.arm("default", otherwise, name, indent + 2, out);
                out.push_str(&format!("{:indent$}endcase\n", ""));
            }
        }
    }

    fn conditional(
        &mut self,
        test: &str,
        then: &[Statement],
        otherwise: &[Statement],
        name: &str,
        indent: usize,
        out: &mut String,
    ) {
        out.push_str(&format!("if ({test}) begin\n"));
        self.statements(then, name, indent + 2, out);
        if let [Statement::If { test, then, otherwise }] = otherwise
            && !then.is_empty()
        {
            let test = self.expression(test);
            if self.target.before.is_empty() {
                out.push_str(&format!("{:indent$}end else ", ""));
                return self.conditional(&test, then, otherwise, name, indent, out);
            }
            // The condition needs a statement of its own, which has no place in `else if`.
            out.push_str(&format!("{:indent$}end else begin\n", ""));
            self.flush(indent + 2, out);
            out.push_str(&format!("{:width$}", "", width = indent + 2));
            self.conditional(&test, then, otherwise, name, indent + 2, out);
        } else if !otherwise.is_empty() {
            out.push_str(&format!("{:indent$}end else begin\n", ""));
            self.statements(otherwise, name, indent + 2, out);
        }
        out.push_str(&format!("{:indent$}end\n", ""));
    }

    fn arm(&mut self, label: &str, arm: &[Statement], name: &str, indent: usize, out: &mut String) {
        let mut body = String::new();
        self.statements(arm, name, indent + 2, &mut body);
        if arm.is_empty() {
            out.push_str(&format!("{:indent$}{label}: ;\n", ""));
        } else if body.lines().count() == 1 {
            out.push_str(&format!("{:indent$}{label}: {}\n", "", body.trim()));
        } else {
            out.push_str(&format!("{:indent$}{label}: begin\n{body}{:indent$}end\n", "", ""));
        }
    }

    /// The statements that the text about to be written relies on.
    fn flush(&mut self, indent: usize, out: &mut String) {
        for line in self.target.before.drain(..) {
            out.push_str(&format!("{:indent$}{line}\n", ""));
        }
    }
}
