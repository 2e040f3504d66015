//! From the statements of a kernel to one list of statements per signal.

use std::collections::HashMap;
use std::rc::Rc;

use crate::rust_hdl::ast::{
    VerilogBlockOrConditional, VerilogConditional, VerilogExpression, VerilogLink, VerilogLinkDetails, VerilogMatch,
    VerilogStatement,
};

use super::expression::Expr;
use super::lower::Lowering;
use super::number::literal;
use super::symbol::{Loops, SymbolId, SymbolTable};
use crate::emit::EmitError;

/// A statement about one signal.
#[derive(Clone, Debug)]
pub(super) enum Statement {
    Assign(Expr),
    If { test: Expr, then: Vec<Statement>, otherwise: Vec<Statement> },
    Case { test: Expr, arms: Vec<(Expr, Vec<Statement>)>, otherwise: Vec<Statement> },
}

/// All that a kernel says about one signal.
#[derive(Clone, Debug)]
pub(super) struct Drive {
    pub(super) target: SymbolId,
    pub(super) statements: Vec<Statement>,
}

/// Statements by the signal that they assign, in order of first assignment.
#[derive(Debug, Default)]
struct Slices {
    order: Vec<Drive>,
    index: HashMap<SymbolId, usize>,
}

impl Slices {
    fn of(&mut self, target: SymbolId) -> &mut Vec<Statement> {
        let index = *self.index.entry(target).or_insert_with(|| {
            self.order.push(Drive { target, statements: Vec::new() });
            self.order.len() - 1
        });
        &mut self.order[index].statements
    }

    fn take(&mut self, target: SymbolId) -> Vec<Statement> {
        self.index.get(&target).map(|index| std::mem::take(&mut self.order[*index].statements)).unwrap_or_default()
    }

    fn targets(&self) -> impl Iterator<Item = SymbolId> + '_ {
        self.order.iter().map(|drive| drive.target)
    }
}

/// Position of a statement: its number in program order and the branch it stands in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) time: u32,
    pub(super) branch: u32,
}

/// A branch of an `if` or `match`, as a node in the tree of branches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Branch {
    pub(super) parent: u32,
    pub(super) depth: u32,
    /// The `if` or `match`, of which only one branch is ever taken.
    pub(super) construct: u32,
}

/// A signal read on behalf of others.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) signal: SymbolId,
    pub(super) at: Position,
    pub(super) readers: Rc<[SymbolId]>,
}

/// What [`check`](super::check) needs to know about the order of reads and assignments.
#[derive(Debug)]
pub(super) struct History {
    pub(super) branches: Vec<Branch>,
    pub(super) reads: Vec<Read>,
    pub(super) assignments: HashMap<SymbolId, Vec<Position>>,
}

/// Translates the kernel of one module.
pub(super) fn translate(
    body: &[VerilogStatement],
    table: &SymbolTable,
    module: &str,
) -> Result<(Vec<Drive>, History), EmitError> {
    let history = History {
        branches: vec![Branch { parent: 0, depth: 0, construct: 0 }],
        reads: Vec::new(),
        assignments: HashMap::new(),
    };
    let mut kernel = Kernel { table, module, loops: Loops::new(), time: 0, constructs: 0, branch: 0, history };
    let mut slices = Slices::default();
    kernel.block(body, &mut slices)?;
    Ok((slices.order, kernel.history))
}

struct Kernel<'a> {
    table: &'a SymbolTable,
    module: &'a str,
    loops: Loops,
    time: u32,
    constructs: u32,
    branch: u32,
    history: History,
}

impl Kernel<'_> {
    fn block(&mut self, block: &[VerilogStatement], slices: &mut Slices) -> Result<(), EmitError> {
        block.iter().try_for_each(|statement| self.statement(statement, slices))
    }

    fn statement(&mut self, statement: &VerilogStatement, slices: &mut Slices) -> Result<(), EmitError> {
        match statement {
            VerilogStatement::Assignment(VerilogExpression::Signal(target), value) => {
                self.assignment(target, value, slices)
            }
            VerilogStatement::Assignment(..) | VerilogStatement::SliceAssignment { .. } => Err(self.unsupported(
                "an assignment to part of a signal",
                "assign the whole signal, with `replace_bit` or shifts and `|` for the part",
            )),
            VerilogStatement::If(conditional) => self.conditional(conditional, slices),
            VerilogStatement::Match(choice) => self.choice(choice, slices),
            VerilogStatement::Loop(repeat) => {
                let bound = |bound| {
                    literal(bound).and_then(|(value, _)| u64::try_from(value).ok()).ok_or_else(|| {
                        self.unsupported("a loop with such bounds", "loop from 0 to a number that fits 64 bits")
                    })
                };
                for value in bound(&repeat.from)?..bound(&repeat.to)? {
                    self.loops.push((repeat.index.clone(), value));
                    self.block(&repeat.block, slices)?;
                    self.loops.pop();
                }
                Ok(())
            }
            VerilogStatement::Comment(_) => Ok(()),
            VerilogStatement::Link(links) => links.iter().try_for_each(|link| self.link(link, slices)),
            VerilogStatement::Macro(block) => self.block(block, slices),
        }
    }

    /// One signal of an interface connected through: assigned in the direction of the link.
    fn link(&mut self, link: &VerilogLink, slices: &mut Slices) -> Result<(), EmitError> {
        let (to, from, details): (_, _, &VerilogLinkDetails) = match link {
            VerilogLink::Forward(link) => (&link.other_name, &link.owner_name, link),
            VerilogLink::Backward(link) => (&link.owner_name, &link.other_name, link),
            VerilogLink::Bidirectional(_) => {
                return Err(self.unsupported("a bidirectional link", "use separate wires for the two directions"));
            }
        };
        let inner = details.my_name.trim_start_matches('.').replace('.', "$");
        let field = |base: &String| if inner.is_empty() { base.clone() } else { format!("{base}${inner}") };
        self.assignment(&field(to), &VerilogExpression::Signal(field(from)), slices)
    }

    fn assignment(&mut self, target: &str, value: &VerilogExpression, slices: &mut Slices) -> Result<(), EmitError> {
        let target = self.table.resolve(target, &self.loops, self.module)?;
        let symbol = self.table.get(target);
        if !symbol.kind.is_driven_here() {
            return Err(EmitError::NotOursToDrive { module: self.module.into(), signal: dotted(&symbol.name) });
        }
        let value = self.lowering(&symbol.name).assigned(value, symbol.width)?;
        let at = self.now();
        self.read(&value, at, Rc::new([target]));
        self.history.assignments.entry(target).or_default().push(at);
        slices.of(target).push(Statement::Assign(value));
        Ok(())
    }

    fn conditional(&mut self, conditional: &VerilogConditional, slices: &mut Slices) -> Result<(), EmitError> {
        let test = self.lowering("the signals under it").condition(&conditional.test, "the condition")?;
        let otherwise = |kernel: &mut Self, slices: &mut Slices| match &conditional.otherwise {
            VerilogBlockOrConditional::Block(block) => kernel.block(block, slices),
            VerilogBlockOrConditional::Conditional(statement) => kernel.statement(statement, slices),
            VerilogBlockOrConditional::None => Ok(()),
        };
        // A condition on parameters selects a variant of the hardware.
        if let Some(value) = test.value() {
            return if value.bits() > 0 { self.block(&conditional.then, slices) } else { otherwise(self, slices) };
        }
        let at = self.now();
        let construct = self.construct();
        let mut yes = Slices::default();
        let mut no = Slices::default();
        self.within(construct, |kernel| kernel.block(&conditional.then, &mut yes))?;
        self.within(construct, |kernel| otherwise(kernel, &mut no))?;
        let targets = union([&yes, &no]);
        for target in &targets {
            let statement = Statement::If { test: test.clone(), then: yes.take(*target), otherwise: no.take(*target) };
            slices.of(*target).push(statement);
        }
        self.read(&test, at, targets.into());
        Ok(())
    }

    fn choice(&mut self, choice: &VerilogMatch, slices: &mut Slices) -> Result<(), EmitError> {
        let lowering = self.lowering("the signals under a match");
        let test = lowering.word(&choice.test, "`match`")?;
        let patterns: Vec<Option<Expr>> =
            choice.cases.iter().map(|case| lowering.pattern(&case.condition, test.width)).collect::<Result<_, _>>()?;
        if let Some(value) = test.value() {
            let taken = patterns.iter().position(|pattern| pattern.as_ref().is_none_or(|p| p.value() == Some(value)));
            return taken.map_or(Ok(()), |taken| self.block(&choice.cases[taken].block, slices));
        }
        if let Some(None) = patterns.first() {
            return self.block(&choice.cases[0].block, slices);
        }
        let at = self.now();
        let construct = self.construct();
        let mut arms: Vec<(Option<Expr>, Slices)> = Vec::new();
        for (pattern, case) in patterns.into_iter().zip(&choice.cases) {
            let mut arm = Slices::default();
            self.within(construct, |kernel| kernel.block(&case.block, &mut arm))?;
            let last = pattern.is_none();
            arms.push((pattern, arm));
            if last {
                break;
            }
        }
        let targets = union(arms.iter().map(|(_, arm)| arm));
        // Rust has checked that the arms are exhaustive, so the last one may as well be the default.
        let Some((_, mut default)) = arms.pop() else { return Ok(()) };
        for target in &targets {
            let arms =
                arms.iter_mut().filter_map(|(pattern, arm)| Some((pattern.clone()?, arm.take(*target)))).collect();
            slices.of(*target).push(Statement::Case { test: test.clone(), arms, otherwise: default.take(*target) });
        }
        self.read(&test, at, targets.into());
        Ok(())
    }

    fn lowering<'b>(&'b self, signal: &'b str) -> Lowering<'b> {
        Lowering { table: self.table, loops: &self.loops, module: self.module, signal }
    }

    fn now(&mut self) -> Position {
        self.time += 1;
        Position { time: self.time, branch: self.branch }
    }

    fn construct(&mut self) -> u32 {
        self.constructs += 1;
        self.constructs
    }

    /// Runs `f` in a new branch of `construct`.
    fn within(&mut self, construct: u32, f: impl FnOnce(&mut Self) -> Result<(), EmitError>) -> Result<(), EmitError> {
        let parent = self.branch;
        let depth = self.history.branches[parent as usize].depth + 1;
        self.branch = self.history.branches.len() as u32;
        self.history.branches.push(Branch { parent, depth, construct });
        let result = f(self);
        self.branch = parent;
        result
    }

    fn read(&mut self, expression: &Expr, at: Position, readers: Rc<[SymbolId]>) {
        let (table, reads) = (self.table, &mut self.history.reads);
        expression.reads(&mut |signal| {
            if table.get(signal).kind.is_driven_here() {
                reads.push(Read { signal, at, readers: readers.clone() });
            }
        });
    }

    fn unsupported(&self, construct: &str, instead: &str) -> EmitError {
        EmitError::Unsupported {
            module: self.module.into(),
            signal: "in the kernel".into(),
            construct: construct.into(),
            instead: instead.into(),
        }
    }
}

/// The signals assigned in any of the branches, in order of first assignment.
fn union<'a>(branches: impl IntoIterator<Item = &'a Slices>) -> Vec<SymbolId> {
    let mut seen = std::collections::HashSet::new();
    branches.into_iter().flat_map(Slices::targets).filter(|target| seen.insert(*target)).collect()
}

/// A signal's name for a reader: `pe$0$x` is `pe[0].x`.
pub(super) fn dotted(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for (position, part) in name.split('$').enumerate() {
        match part.parse::<usize>() {
            Ok(index) => text.push_str(&format!("[{index}]")),
            Err(_) if position > 0 => text.push_str(&format!(".{part}")),
            Err(_) => text.push_str(part),
        }
    }
    text
}
