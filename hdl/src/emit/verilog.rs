//! The Verilog printer, in the order in which a block passes through it.
//!
//! [`collect`] gathers ports, children and body of each instance and recognises repeated ones;
//! [`statement`] unrolls loops, resolves names ([`symbol`]) and gives every expression its width
//! ([`lower`] makes [`expression`]s); [`check`] holds the rules of kernels; [`module`] decides what
//! becomes a wire, a connection or an `always` block, and [`print`] writes it.

mod check;
mod choice;
mod collect;
mod drive;
mod expression;
mod identifier;
mod key;
mod lower;
mod module;
mod number;
mod operator;
mod print;
mod shape;
mod statement;
mod symbol;

pub use identifier::is_identifier;

use std::collections::HashMap;

use crate::rust_hdl::prelude::Block;

use super::{EmitError, Module, VerilogDesign};
use crate::wire::MEMORY_FOLDER;
use collect::Collector;
use identifier::Identifiers;
use shape::{Instance, Parameter, Shape, ShapeId};

/// Translates the tree below `top`; the names of all modules but the root's begin with `prefix`.
pub(super) fn design(top: &dyn Block, name: &str, prefix: &str) -> Result<VerilogDesign, EmitError> {
    let mut collector = Collector::new(name, prefix);
    top.accept(name, &mut collector);
    let (shapes, root) = collector.finish()?;

    // Names are given in order of first instantiation, the root's first.
    let mut identifiers = Identifiers::default();
    let mut names: HashMap<ShapeId, String> = HashMap::from([(root, identifiers.unique(name))]);
    let mut order = vec![root];
    // Shapes that differ in the values of parameters only are one module.
    let mut by_text: HashMap<(&str, &str, &[Instance], &str), String> = HashMap::new();
    let mut stack = vec![root];
    while let Some(id) = stack.pop() {
        if id != root && !names.contains_key(&id) {
            let Shape { wanted, head, instances, tail, .. } = &shapes[id];
            let name = by_text.entry((wanted, head, instances, tail)).or_insert_with(|| {
                order.push(id);
                identifiers.unique(wanted)
            });
            names.insert(id, name.clone());
        } else if id != root {
            continue;
        }
        stack.extend(shapes[id].instances.iter().rev().map(|instance| instance.shape));
    }
    let modules = order.iter().map(|id| {
        let comment = shapes[*id].about.lines().map(str::to_owned).collect();
        Module { name: names[id].clone(), comment, text: text(&shapes, *id, *id == root, &names) }
    });
    Ok(VerilogDesign { top: name.to_owned(), modules: modules.collect() })
}

/// The text of a module, now that the names of its children's modules are known.
fn text(shapes: &[Shape], id: ShapeId, is_root: bool, names: &HashMap<ShapeId, String>) -> String {
    let shape = &shapes[id];
    // Who instantiates a root gets it as it is; the text of other modules does not depend on values.
    let default = |parameter: &Parameter| if is_root { parameter.value } else { 1 };
    let parameter = |parameter: &Parameter| format!("parameter {} = {}", parameter.name, default(parameter));
    let mut parameters: Vec<String> = shape.parameters.iter().map(parameter).collect();
    if shape.reads_memories {
        parameters.push(format!("parameter {MEMORY_FOLDER} = \".\""));
    }
    let mut text = format!("module {}{}{}", names[&id], list(&parameters), shape.head);
    for Instance { shape, text: rest } in &shape.instances {
        let child = &shapes[*shape];
        let mut values: Vec<String> =
            child.parameters.iter().map(|parameter| format!(".{}({})", parameter.name, parameter.value)).collect();
        if child.reads_memories {
            values.push(format!(".{MEMORY_FOLDER}({MEMORY_FOLDER})"));
        }
        text.push_str(&format!("\n  {}{} {rest}", names[shape], list(&values)));
    }
    text.push_str(&shape.tail);
    text.push_str("endmodule\n");
    text
}

/// A list of parameters behind the name of a module, nothing where there are none.
fn list(parameters: &[String]) -> String {
    if parameters.is_empty() { String::new() } else { format!(" #({})", parameters.join(", ")) }
}
