//! Conditional logic as a list of cases, of which the first that holds decides: what one `assign` can say.
//!
//! An `assign` has its value from the beginning. An `always @*` waits for one of its inputs to change, which the
//! inputs of a module that are constant, or set before time zero, never do in a simulator that follows the standard.

use super::expression::{Comparison, Expr, Operator};
use super::print::Printer;
use super::statement::Statement;
use super::symbol::SymbolId;

/// The value of the first case that holds, else `otherwise`; without it, that of what stands before.
#[derive(Clone, Debug, Default)]
pub(super) struct Choice {
    cases: Vec<(Expr, Choice)>,
    otherwise: Option<Expr>,
}

impl Choice {
    /// What `statements` say about `target`; `None` where they read it, so that their order matters.
    pub(super) fn of(statements: &[Statement], target: SymbolId) -> Option<Choice> {
        let mut choice = Choice::default();
        // A later statement replaces what an earlier one says.
        for statement in statements.iter().rev() {
            match statement {
                Statement::Assign(value) if value.reads_symbol(target) => return None,
                Statement::Assign(value) => choice.otherwise = Some(value.clone()),
                Statement::If { test, .. } if test.reads_symbol(target) => return None,
                Statement::If { test, then, otherwise } => {
                    choice.extend(test, Choice::of(then, target)?, Choice::of(otherwise, target)?);
                }
                Statement::Case { test, .. } if test.reads_symbol(target) => return None,
                Statement::Case { test, arms, otherwise } => {
                    let mut rest = Choice::of(otherwise, target)?;
                    for (label, arm) in arms.iter().rev() {
                        let mut all = Choice::default();
                        all.extend(&Expr::compare(Comparison::Eq, test, label), Choice::of(arm, target)?, rest);
                        rest = all;
                    }
                    choice.cases.extend(rest.cases);
                    choice.otherwise = rest.otherwise;
                }
            }
            if choice.otherwise.is_some() {
                break;
            }
        }
        Some(choice)
    }

    /// Appends `then` where `test` holds, `otherwise` where it does not.
    fn extend(&mut self, test: &Expr, then: Choice, otherwise: Choice) {
        let guarded = |guard: &Expr, choice: Choice| {
            let guard = guard.clone();
            choice.cases.into_iter().map(move |(case, value)| (Expr::binary(Operator::And, &guard, &case), value))
        };
        match (then.otherwise.is_some(), otherwise.otherwise.is_some()) {
            (true, _) => {
                self.cases.push((test.clone(), then));
                self.cases.extend(otherwise.cases);
                self.otherwise = otherwise.otherwise;
            }
            (false, true) => {
                self.cases.push((test.not(), otherwise));
                self.cases.extend(then.cases);
            }
            (false, false) => {
                self.cases.extend(guarded(test, then));
                self.cases.extend(guarded(&test.not(), otherwise));
            }
        }
    }

    /// Calls `visit` for every signal that is read.
    pub(super) fn reads(&self, visit: &mut impl FnMut(SymbolId)) {
        for (test, value) in &self.cases {
            test.reads(visit);
            value.reads(visit);
        }
        self.otherwise.iter().for_each(|value| value.reads(visit));
    }

    /// The cases and the rest, each ready to stand in a line of its own.
    pub(super) fn lines(&self, printer: &mut Printer) -> Vec<String> {
        let mut lines = Vec::with_capacity(self.cases.len() + 1);
        for (test, value) in &self.cases {
            let test = printer.operand(test);
            let inner = value.lines(printer);
            let text = inner.join(" ");
            lines.push(if inner.len() > 1 { format!("{test} ? ({text}) :") } else { format!("{test} ? {text} :") });
        }
        lines.extend(self.otherwise.iter().map(|value| printer.operand(value)));
        lines
    }
}
