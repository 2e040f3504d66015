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

pub(super) use identifier::is_identifier;

use std::collections::HashMap;

use crate::rust_hdl::prelude::Block;

use super::{EmitError, Module, VerilogDesign};
use collect::Collector;
use identifier::Identifiers;
use shape::{Shape, ShapeId};

/// Translates the tree below `top`.
pub(super) fn design(top: &dyn Block, name: &str) -> Result<VerilogDesign, EmitError> {
    let mut collector = Collector::new(name);
    top.accept(name, &mut collector);
    let (shapes, root) = collector.finish()?;

    // Names are given in order of first instantiation, the root's first.
    let mut identifiers = Identifiers::default();
    let mut names: HashMap<ShapeId, String> = HashMap::from([(root, identifiers.unique(name))]);
    let mut order = vec![root];
    let mut stack = vec![root];
    while let Some(id) = stack.pop() {
        if id != root && !names.contains_key(&id) {
            names.insert(id, identifiers.unique(&shapes[id].wanted));
            order.push(id);
        } else if id != root {
            continue;
        }
        stack.extend(shapes[id].instances.iter().rev().map(|instance| instance.shape));
    }
    let modules = order.iter().map(|id| Module { name: names[id].clone(), text: text(&shapes[*id], *id, &names) });
    Ok(VerilogDesign { top: name.to_owned(), modules: modules.collect() })
}

/// The text of a module, now that the names of its children's modules are known.
fn text(shape: &Shape, id: ShapeId, names: &HashMap<ShapeId, String>) -> String {
    let mut text = format!("module {}{}", names[&id], shape.head);
    for instance in &shape.instances {
        text.push_str(&format!("\n  {} {}", names[&instance.shape], instance.text));
    }
    text.push_str(&shape.tail);
    text.push_str("endmodule\n");
    text
}
