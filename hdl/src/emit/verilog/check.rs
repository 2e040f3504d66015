//! The rules under which a kernel, which runs from top to bottom, and its Verilog, in which every
//! signal has one value at a time, mean the same.

use super::expression::Expr;
use super::statement::{Branch, Drive, History, Position, Statement, dotted};
use super::symbol::{SymbolId, SymbolTable};
use crate::emit::EmitError;

/// Checks one module's kernel.
pub(super) fn check(drives: &[Drive], history: &History, table: &SymbolTable, module: &str) -> Result<(), EmitError> {
    let name = |symbol: SymbolId| dotted(&table.get(symbol).name);
    for drive in drives {
        let complete =
            assigned(&drive.statements, drive.target, false).map_err(|()| EmitError::ReadBeforeAssigned {
                module: module.into(),
                signal: name(drive.target),
                reader: name(drive.target),
            })?;
        if !complete {
            return Err(EmitError::NotAlwaysAssigned { module: module.into(), signal: name(drive.target) });
        }
    }
    for read in &history.reads {
        // A signal may read itself: its own block keeps the order of its statements.
        let Some(reader) = read.readers.iter().find(|reader| **reader != read.signal) else { continue };
        let assignments = history.assignments.get(&read.signal).map_or(&[][..], Vec::as_slice);
        let later = assignments.partition_point(|at| at.time <= read.at.time);
        if assignments.is_empty() {
            return Err(EmitError::NotDriven { module: module.into(), signal: name(read.signal) });
        }
        if assignments[later..].iter().any(|at| !exclusive(&history.branches, *at, read.at)) {
            return Err(EmitError::ReadBeforeAssigned {
                module: module.into(),
                signal: name(read.signal),
                reader: name(*reader),
            });
        }
    }
    Ok(())
}

/// Whether two positions stand in different branches of one `if` or `match`.
fn exclusive(branches: &[Branch], a: Position, b: Position) -> bool {
    let (mut a, mut b) = (a.branch as usize, b.branch as usize);
    // The branches just below the lowest common one.
    let (mut below_a, mut below_b) = (a, b);
    while a != b {
        if branches[a].depth >= branches[b].depth {
            below_a = a;
            a = branches[a].parent as usize;
        } else {
            below_b = b;
            b = branches[b].parent as usize;
        }
    }
    below_a != a && below_b != b && branches[below_a].construct == branches[below_b].construct
}

/// Whether the statements assign `target` on every path; `Err` if one reads it before.
fn assigned(statements: &[Statement], target: SymbolId, before: bool) -> Result<bool, ()> {
    let mut done = before;
    let readable = |expression: &Expr, done: bool| {
        if done || !expression.reads_symbol(target) { Ok(()) } else { Err(()) }
    };
    for statement in statements {
        done = match statement {
            Statement::Assign(value) => {
                readable(value, done)?;
                true
            }
            Statement::If { test, then, otherwise } => {
                readable(test, done)?;
                // Both branches are visited even when the first is incomplete: they may read.
                let (yes, no) = (assigned(then, target, done)?, assigned(otherwise, target, done)?);
                yes && no
            }
            Statement::Case { test, arms, otherwise } => {
                readable(test, done)?;
                let mut all = assigned(otherwise, target, done)?;
                for (_, arm) in arms {
                    all &= assigned(arm, target, done)?;
                }
                all
            }
        };
    }
    Ok(done)
}
