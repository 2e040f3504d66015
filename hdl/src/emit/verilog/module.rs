//! Decides what becomes of each signal of a module, and writes the module.

use std::collections::HashSet;

use crate::rust_hdl::ast::VerilogStatement;

use super::check::check;
use super::drive::{Form, Logic};
use super::expression::{Expr, Node};
use super::identifier::Identifiers;
use super::print::{Printer, range};
use super::shape::{Child, Field, Instance, Port, Role, Shape};
use super::statement::{Drive, dotted, translate};
use super::symbol::{Kind, Symbol, SymbolId, SymbolTable};
use crate::emit::EmitError;
use crate::wire::unused;

/// A module's text but for the names of modules.
pub(super) struct Text {
    pub(super) head: String,
    pub(super) instances: Vec<Instance>,
    pub(super) tail: String,
}

/// A leaf with hand-written Verilog.
pub(super) fn custom(body: &str, ports: &[Port]) -> Text {
    let mut tail = String::from("\n");
    for line in body.trim_matches('\n').lines() {
        let line = line.trim_end();
        tail.push_str(&if line.is_empty() { "\n".into() } else { format!("  {line}\n") });
    }
    Text { head: port_list(ports, |_| false), instances: Vec::new(), tail }
}

/// A block with a kernel.
pub(super) fn kernel(
    body: &[VerilogStatement],
    (fields, children): (&[Field], &[Child]),
    ports: &[Port],
    identifiers: Identifiers,
    shapes: &[Shape],
    path: &str,
) -> Result<Text, EmitError> {
    let (table, child_symbols) = symbols(fields, children, shapes);
    let (drives, history) = translate(body, &table, path)?;
    check(&drives, &history, &table, path)?;
    let drives = drives.into_iter().map(Drive::into_logic).collect();

    let mut wiring = Wiring::new(&table, drives, path)?;
    for (child, symbols) in children.iter().zip(&child_symbols).filter(|(child, _)| child.shape.is_some()) {
        for symbol in symbols.clone().filter(|symbol| table.get(*symbol).kind == Kind::ChildInput) {
            if wiring.drive_of[symbol].is_none() {
                let signal =
                    format!("{}.{}", dotted(&child.name), dotted(&table.get(symbol).name[child.name.len() + 1..]));
                return Err(EmitError::NotDriven { module: path.into(), signal });
            }
            wiring.make_live(symbol);
        }
    }

    let mut printer = Printer::new(&table, identifiers);
    wiring.name_fields(&mut printer, fields, ports);
    let instance_names: Vec<String> = children.iter().map(|child| printer.identifiers.unique(&child.name)).collect();
    wiring.merge_child_outputs(&mut printer);

    let mut instances = Vec::new();
    for ((child, symbols), name) in children.iter().zip(&child_symbols).zip(&instance_names) {
        let Some(shape) = child.shape else { continue };
        let mut connections = Vec::new();
        for (port, symbol) in shapes[shape].ports.iter().zip(symbols.clone()) {
            connections.push(format!("    .{}({})", port.name, wiring.connection(symbol, &mut printer)));
        }
        let connections = connections.join(",\n");
        let text =
            if connections.is_empty() { format!("{name} ();\n") } else { format!("{name} (\n{connections}\n  );\n") };
        instances.push(Instance { shape, text });
    }
    let mut tail = String::new();
    let mut was_block = true;
    for drive in wiring.drives.iter().filter(|drive| wiring.is_live[drive.target] && !wiring.is_absorbed[drive.target])
    {
        let text = printer.logic(drive);
        let is_block = text.lines().count() > 1;
        if is_block || was_block {
            tail.push('\n');
        }
        tail.push_str(&printer.take_helpers());
        tail.push_str(&text);
        was_block = is_block;
    }

    // The fields are the first symbols, in the same order.
    let procedural: HashSet<&str> = fields
        .iter()
        .enumerate()
        .filter(|(symbol, _)| wiring.is_procedural(*symbol))
        .map(|(_, f)| f.name.as_str())
        .collect();
    let mut head = port_list(ports, |port| procedural.contains(port.field.as_str()));
    let declarations = wiring.declarations(&printer);
    if !printer.constants.is_empty() {
        head.push('\n');
        printer.constants.iter().for_each(|line| head.push_str(&format!("  {line}\n")));
    }
    let inputs = ports.iter().filter(|port| !port.is_output).map(|port| (port.width, port.name.as_str()));
    let declared = declarations.iter().chain(&printer.temporaries).map(|(_, width, name)| (*width, name.as_str()));
    let unread: Vec<String> = inputs.chain(declared).flat_map(|(width, name)| printer.unread(name, width)).collect();
    if !declarations.is_empty() || !printer.temporaries.is_empty() {
        head.push('\n');
        for (class, width, name) in declarations.iter().chain(&printer.temporaries) {
            head.push_str(&format!("  {class} {}{name};\n", range(*width)));
        }
    }
    let name = printer.identifiers.unique("unused");
    if let Some(unused) = unused(&name, &unread) {
        tail.push_str(&format!("\n  // Read by nothing.\n  {unused}\n"));
    }
    Ok(Text { head, instances, tail })
}

fn port_list(ports: &[Port], is_reg: impl Fn(&Port) -> bool) -> String {
    let line = |port: &Port| {
        let direction = match (port.is_output, port.is_output && is_reg(port)) {
            (true, true) => "output reg ",
            (true, false) => "output wire",
            (false, _) => "input  wire",
        };
        let range = match &port.parameter {
            Some(parameter) => format!("[{parameter}-1:0] "),
            None => range(port.width),
        };
        format!("  {direction} {range}{}", port.name)
    };
    if ports.is_empty() {
        return " ();\n".into();
    }
    format!(" (\n{}\n);\n", ports.iter().map(line).collect::<Vec<_>>().join(",\n"))
}

/// The symbols of a module; those of each child are a range, in the order of its ports.
fn symbols(fields: &[Field], children: &[Child], shapes: &[Shape]) -> (SymbolTable, Vec<std::ops::Range<SymbolId>>) {
    let mut table = SymbolTable::default();
    for field in fields {
        let kind = match &field.role {
            Role::Input => Kind::Input,
            Role::Output => Kind::Output,
            Role::Local => Kind::Local,
            Role::Constant(value) => Kind::Constant(value.clone()),
        };
        table.add(Symbol { name: field.name.clone(), kind, width: field.width });
    }
    let mut ranges = Vec::with_capacity(children.len());
    for child in children {
        let start = table.ids().end;
        for port in child.shape.iter().flat_map(|shape| &shapes[*shape].ports) {
            let kind = if port.is_output { Kind::ChildOutput } else { Kind::ChildInput };
            table.add(Symbol { name: format!("{}${}", child.name, port.field), kind, width: port.width });
        }
        ranges.push(start..table.ids().end);
        // Inputs of a block that Verilog does not see: assigned, never connected.
        for (port, width) in &child.inputs {
            table.add(Symbol { name: format!("{}${port}", child.name), kind: Kind::ChildInput, width: *width });
        }
    }
    let child_ports = children.iter().filter_map(|child| child.shape).flat_map(|shape| &shapes[shape].ports);
    let fields = fields.iter().map(|field| (&field.variants, field.width));
    for (variants, width) in fields.chain(child_ports.map(|port| (&port.variants, port.width))) {
        for (value, variant) in variants.iter().enumerate() {
            let name = variant.replace("::", "$");
            table.add(Symbol { name, kind: Kind::Constant(value.into()), width });
        }
    }
    (table, ranges)
}

/// How the signals of a module hang together.
struct Wiring<'a> {
    table: &'a SymbolTable,
    drives: Vec<Logic>,
    drive_of: Vec<Option<usize>>,
    /// Whether a signal has an effect on an output or a child.
    is_live: Vec<bool>,
    /// How often live logic reads a signal.
    reads: Vec<usize>,
    /// Whether a signal's assignment has become a connection.
    is_absorbed: Vec<bool>,
    /// Whether a signal is called like another, which is declared.
    is_renamed: Vec<bool>,
}

impl<'a> Wiring<'a> {
    fn new(table: &'a SymbolTable, drives: Vec<Logic>, path: &str) -> Result<Wiring<'a>, EmitError> {
        let count = table.ids().end;
        let mut drive_of = vec![None; count];
        for (index, drive) in drives.iter().enumerate() {
            drive_of[drive.target] = Some(index);
        }
        let mut wiring = Wiring {
            table,
            drives,
            drive_of,
            is_live: vec![false; count],
            reads: vec![0; count],
            is_absorbed: vec![false; count],
            is_renamed: vec![false; count],
        };
        for symbol in table.ids().filter(|symbol| table.get(*symbol).kind == Kind::Output) {
            if wiring.drive_of[symbol].is_none() {
                let signal = dotted(&table.get(symbol).name);
                return Err(EmitError::NotDriven { module: path.into(), signal });
            }
            wiring.make_live(symbol);
        }
        Ok(wiring)
    }

    /// Marks a signal and all that it depends on.
    fn make_live(&mut self, symbol: SymbolId) {
        let mut stack = vec![symbol];
        while let Some(symbol) = stack.pop() {
            if std::mem::replace(&mut self.is_live[symbol], true) {
                continue;
            }
            let Some(drive) = self.drive_of[symbol].map(|index| &self.drives[index]) else { continue };
            let reads = &mut self.reads;
            drive.reads(&mut |read| {
                if read != symbol {
                    reads[read] += 1;
                    stack.push(read);
                }
            });
        }
    }

    /// The expression of a signal that is assigned once and unconditionally.
    fn plain(&self, symbol: SymbolId) -> Option<&Expr> {
        self.drives[self.drive_of[symbol]?].plain()
    }

    fn is_procedural(&self, symbol: SymbolId) -> bool {
        self.drive_of[symbol].is_some_and(|index| matches!(self.drives[index].form, Form::Steps(_)))
    }

    /// Ports have their names already; the other fields come next, so that these stay as written.
    fn name_fields(&self, printer: &mut Printer, fields: &[Field], ports: &[Port]) {
        let mut ports = ports.iter();
        for (symbol, field) in fields.iter().enumerate() {
            let name = match field.role {
                Role::Input | Role::Output => ports.next().map(|port| port.name.clone()),
                Role::Local if self.is_live[symbol] => Some(printer.identifiers.unique(&field.name)),
                Role::Local | Role::Constant(_) => None,
            };
            printer.names[symbol] = name;
        }
    }

    /// Where an output or local wire only passes on a child's output, the two are one wire. An output
    /// gives its name to the local wires on the way, too.
    fn merge_child_outputs(&mut self, printer: &mut Printer) {
        for kind in [Kind::Output, Kind::Local] {
            for index in 0..self.drives.len() {
                let target = self.drives[index].target;
                if self.table.get(target).kind != kind || !self.is_live[target] || self.is_absorbed[target] {
                    continue;
                }
                let way = self.way_to_child_output(target);
                let Some(source) = way.last().filter(|source| printer.names[**source].is_none()) else { continue };
                self.is_absorbed[target] = true;
                let merged = if kind == Kind::Output { &way[..] } else { std::slice::from_ref(source) };
                for symbol in merged {
                    printer.names[*symbol] = printer.names[target].clone();
                    self.is_absorbed[*symbol] = true;
                    self.is_renamed[*symbol] = true;
                }
            }
        }
    }

    /// The local wires that `target` is a copy of, and the child's output at their end; empty if there
    /// is none. From a local wire, only the direct way counts.
    fn way_to_child_output(&self, target: SymbolId) -> Vec<SymbolId> {
        let mut way = Vec::new();
        let mut copy = target;
        while let Some(Node::Signal(source)) = self.plain(copy).map(Expr::node) {
            way.push(*source);
            match self.table.get(*source).kind {
                Kind::ChildOutput => return way,
                Kind::Local if self.table.get(target).kind == Kind::Output && !self.is_absorbed[*source] => {
                    copy = *source
                }
                _ => break,
            }
        }
        Vec::new()
    }

    /// What is connected to a child's port.
    fn connection(&mut self, symbol: SymbolId, printer: &mut Printer) -> String {
        if self.table.get(symbol).kind == Kind::ChildOutput {
            return printer.name(symbol);
        }
        match self.plain(symbol).filter(|value| self.reads[symbol] == 0 && is_simple(value)).cloned() {
            Some(value) => {
                self.is_absorbed[symbol] = true;
                printer.expression(&value)
            }
            None => printer.read(symbol),
        }
    }

    /// Everything that is neither port nor child, in the order of the fields: its class, width and name.
    fn declarations(&self, printer: &Printer) -> Vec<(&'static str, usize, String)> {
        let mut declarations = Vec::new();
        for symbol in self.table.ids() {
            let Symbol { kind, width, .. } = self.table.get(symbol);
            let Some(name) = &printer.names[symbol] else { continue };
            if !matches!(kind, Kind::Local | Kind::ChildInput | Kind::ChildOutput) || self.is_renamed[symbol] {
                continue;
            }
            let class = if self.is_procedural(symbol) { "reg " } else { "wire" };
            declarations.push((class, *width, name.clone()));
        }
        declarations
    }
}

/// Whether an expression may stand in a port connection: no operator but `!`.
fn is_simple(expression: &Expr) -> bool {
    match expression.node() {
        Node::Signal(_) | Node::Part(..) | Node::Constant(_) | Node::Named(..) => true,
        Node::Extend(inner) | Node::Not(inner) => is_simple(inner),
        Node::Concat(pieces) => pieces.len() <= 4 && pieces.iter().all(is_simple),
        _ => false,
    }
}
