//! Writes expressions.

use std::collections::{BTreeSet, HashMap};

use super::expression::{Comparison, Direction, Expr, Node, Operator, Reduction};
use super::identifier::Identifiers;
use super::number;
use super::symbol::{SymbolId, SymbolTable};

/// Columns after which an expression is broken.
pub(super) const LINE: usize = 100;

/// The text of one module as it grows.
pub(super) struct Printer<'a> {
    table: &'a SymbolTable,
    pub(super) identifiers: Identifiers,
    /// The names of signals that have been given one.
    pub(super) names: Vec<Option<String>>,
    /// Declarations of the constants in use.
    pub(super) constants: Vec<String>,
    /// The names and widths under which constants are declared.
    constant_names: HashMap<SymbolId, (String, usize)>,
    /// Wires and variables that the kernel does not have: class, width and name.
    pub(super) temporaries: Vec<(&'static str, usize, String)>,
    /// The bits of each name that the text reads.
    read: HashMap<String, BTreeSet<usize>>,
    /// Wires that hold an expression of which bits are selected.
    holders: HashMap<Expr, String>,
    /// The assignments of new holders.
    helpers: String,
    pub(super) target: Target,
}

/// The signal whose logic is being written.
#[derive(Default)]
pub(super) struct Target {
    /// Set while an `always` block is written.
    pub(super) symbol: Option<SymbolId>,
    pub(super) name: String,
    /// Statements that must come before the one being written.
    pub(super) before: Vec<String>,
    /// Variables of the `always` block, which need a default.
    pub(super) variables: Vec<(String, usize)>,
}

impl<'a> Printer<'a> {
    pub(super) fn new(table: &'a SymbolTable, identifiers: Identifiers) -> Printer<'a> {
        Printer {
            table,
            identifiers,
            names: vec![None; table.ids().end],
            constants: Vec::new(),
            constant_names: HashMap::new(),
            temporaries: Vec::new(),
            read: HashMap::new(),
            holders: HashMap::new(),
            helpers: String::new(),
            target: Target::default(),
        }
    }

    /// The name of a signal, given on first use.
    pub(super) fn name(&mut self, symbol: SymbolId) -> String {
        let wanted = &self.table.get(symbol).name;
        self.names[symbol].get_or_insert_with(|| self.identifiers.unique(wanted)).clone()
    }

    /// The name of a signal that the text reads.
    pub(super) fn read(&mut self, symbol: SymbolId) -> String {
        let width = self.table.get(symbol).width;
        let name = self.name(symbol);
        self.mark(&name, 0, width);
        name
    }

    /// Notes that the text reads bits `low .. low + width` of a name.
    fn mark(&mut self, name: &str, low: usize, width: usize) {
        self.read.entry(name.to_owned()).or_default().extend(low..low + width);
    }

    /// The parts of a name of `width` bits that the text does not read.
    pub(super) fn unread(&self, name: &str, width: usize) -> Vec<String> {
        let Some(read) = self.read.get(name) else { return vec![name.to_owned()] };
        let mut parts = Vec::new();
        let mut low = 0;
        for end in read.iter().copied().chain([width]) {
            if low < end {
                parts.push(format!("{name}{}", select(low, end - low)));
            }
            low = end + 1;
        }
        parts
    }

    /// The assignments that the text written since the last call relies on.
    pub(super) fn take_helpers(&mut self) -> String {
        std::mem::take(&mut self.helpers)
    }

    /// `target = expression;`, broken over several lines if it is long.
    pub(super) fn assignment(&mut self, prefix: &str, expression: &Expr, indent: usize) -> String {
        let (open, parts, separator, close) = self.parts(expression);
        let length = indent + prefix.len() + parts.iter().map(|part| part.len() + separator.len()).sum::<usize>();
        if length <= LINE || parts.len() == 1 {
            return format!("{:indent$}{prefix} = {open}{}{close};\n", "", parts.join(&separator));
        }
        let break_at = format!("\n{:width$}", "", width = indent + 2);
        if open.is_empty() {
            let separator = format!("{break_at}{}", separator.trim_start());
            format!("{:indent$}{prefix} ={break_at}{};\n", "", parts.join(&separator))
        } else {
            let separator = format!("{}{break_at}", separator.trim_end());
            format!("{:indent$}{prefix} = {open}{break_at}{}\n{:indent$}{close};\n", "", parts.join(&separator), "")
        }
    }

    /// An expression as opening, pieces, separator and closing: `a + b + c` may break before each `+`.
    fn parts(&mut self, expression: &Expr) -> (&'static str, Vec<String>, String, &'static str) {
        match expression.node() {
            Node::Concat(pieces) => {
                let pieces = pieces.iter().map(|piece| self.expression(piece)).collect();
                ("{", pieces, ", ".into(), "}")
            }
            Node::Binary(operator, ..) if operator.is_associative() => {
                let mut parts = Vec::new();
                let mut rest = expression;
                while let Node::Binary(next, left, right) = rest.node() {
                    if next != operator {
                        break;
                    }
                    parts.push(self.operand(right));
                    rest = left;
                }
                parts.push(self.first_operand(*operator, rest));
                parts.reverse();
                ("", parts, format!(" {} ", operator.symbol(expression.width)), "")
            }
            _ => ("", vec![self.expression(expression)], String::new(), ""),
        }
    }

    /// An expression that stands alone.
    pub(super) fn expression(&mut self, expression: &Expr) -> String {
        let width = expression.width;
        match expression.node() {
            Node::Constant(value) => number::verilog(value, width),
            Node::Named(symbol, value) => {
                if let Some((name, declared)) = self.constant_names.get(symbol) {
                    return if *declared == width { name.clone() } else { number::verilog(value, width) };
                }
                let name = self.identifiers.unique(&self.table.get(*symbol).name);
                let value = number::verilog(value, width);
                self.constants.push(format!("localparam {}{name} = {value};", range(width)));
                self.constant_names.insert(*symbol, (name.clone(), width));
                name
            }
            Node::Signal(symbol) => self.read(*symbol),
            Node::Part(symbol, low) => {
                let name = self.name(*symbol);
                self.mark(&name, *low, width);
                format!("{name}{}", select(*low, width))
            }
            Node::Cut(inner, low) => {
                let name = self.held(inner);
                self.mark(&name, *low, width);
                format!("{name}{}", select(*low, width))
            }
            Node::Bit(base, index) => {
                let name = self.held(base);
                self.mark(&name, 0, base.width);
                format!("{name}[{}]", self.expression(index))
            }
            Node::Extend(inner) => {
                let zeros = number::verilog(&0u8.into(), width - inner.width);
                let pieces = match inner.node() {
                    Node::Concat(_) => self.parts(inner).1.join(", "),
                    _ => self.expression(inner),
                };
                format!("{{{zeros}, {pieces}}}")
            }
            Node::Binary(operator, left, right) if !operator.is_associative() => {
                format!("{} {} {}", self.first_operand(*operator, left), operator.symbol(width), self.operand(right))
            }
            Node::Concat(_) | Node::Binary(..) => {
                let (open, parts, separator, close) = self.parts(expression);
                format!("{open}{}{close}", parts.join(&separator))
            }
            Node::Not(inner) => format!("{}{}", if width == 1 { '!' } else { '~' }, self.sole_operand(inner)),
            Node::Negate(inner) => format!("-{}", self.sole_operand(inner)),
            Node::Reduce(reduction, inner) => {
                let symbol = match reduction {
                    Reduction::All => '&',
                    Reduction::Any => '|',
                    Reduction::Odd => '^',
                };
                format!("{symbol}{}", self.sole_operand(inner))
            }
            Node::Compare(comparison, left, right) => {
                let symbol = match comparison {
                    Comparison::Eq => "==",
                    Comparison::Ne => "!=",
                    Comparison::Lt => "<",
                    Comparison::Le => "<=",
                    Comparison::Gt => ">",
                    Comparison::Ge => ">=",
                };
                format!("{} {symbol} {}", self.operand(left), self.operand(right))
            }
            Node::Shift(direction, left, distance) => {
                let symbol = match direction {
                    Direction::Left => "<<",
                    Direction::Right => ">>",
                };
                format!("{} {symbol} {}", self.operand(left), self.operand(distance))
            }
        }
    }

    /// An expression next to an operator: nobody should have to know precedences.
    pub(super) fn operand(&mut self, expression: &Expr) -> String {
        let text = self.expression(expression);
        let is_not_of_name = matches!(expression.node(), Node::Not(inner) if !is_compound(inner));
        if is_compound(expression) && !is_not_of_name { format!("({text})") } else { text }
    }

    /// An expression behind a prefix: `-~x` is not for everyone.
    fn sole_operand(&mut self, expression: &Expr) -> String {
        let text = self.expression(expression);
        if is_compound(expression) { format!("({text})") } else { text }
    }

    /// `a - b + c` needs no parentheses.
    fn first_operand(&mut self, operator: Operator, left: &Expr) -> String {
        match (operator, left.node()) {
            (Operator::Add | Operator::Sub, Node::Binary(Operator::Add | Operator::Sub, ..)) => self.expression(left),
            _ => self.operand(left),
        }
    }

    /// The name of something that holds the value of `expression`, so that bits can be selected.
    fn held(&mut self, expression: &Expr) -> String {
        if let Node::Signal(symbol) = expression.node() {
            return self.name(*symbol);
        }
        if let Some(name) = self.holders.get(expression) {
            return name.clone();
        }
        let text = self.expression(expression);
        let width = expression.width;
        // A value that changes in the course of an `always` block must be taken inside it.
        if self.target.symbol.is_some_and(|symbol| expression.reads_symbol(symbol)) {
            let name = self.identifiers.unique(&format!("{}_step", self.target.name));
            self.temporaries.push(("reg ", width, name.clone()));
            self.target.before.push(format!("{name} = {text};"));
            self.target.variables.push((name.clone(), width));
            return name;
        }
        let name = self.identifiers.unique(&format!("{}_term", self.target.name));
        self.temporaries.push(("wire", width, name.clone()));
        self.helpers.push_str(&format!("  assign {name} = {text};\n"));
        self.holders.insert(expression.clone(), name.clone());
        name
    }
}

/// Whether an expression needs parentheses next to an operator.
fn is_compound(expression: &Expr) -> bool {
    matches!(
        expression.node(),
        Node::Not(_) | Node::Negate(_) | Node::Reduce(..) | Node::Binary(..) | Node::Compare(..) | Node::Shift(..)
    )
}

/// Bits `low .. low + width` of a name.
fn select(low: usize, width: usize) -> String {
    if width == 1 { format!("[{low}]") } else { format!("[{}:{low}]", low + width - 1) }
}

impl Operator {
    fn is_associative(self) -> bool {
        !matches!(self, Operator::Sub)
    }

    /// On single bits `&&` and `||` are what the kernel meant.
    fn symbol(self, width: usize) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Sub => "-",
            Operator::Mul => "*",
            Operator::And if width == 1 => "&&",
            Operator::And => "&",
            Operator::Or if width == 1 => "||",
            Operator::Or => "|",
            Operator::Xor => "^",
        }
    }
}

/// The range of a declaration, nothing for one bit.
pub(super) fn range(width: usize) -> String {
    if width == 1 { String::new() } else { format!("[{}:0] ", width - 1) }
}
