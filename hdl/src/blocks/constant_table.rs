//! A table of constants, found by number, in LUTs.
//!
//! Ports: `address`; `q`, the constant of that number within the same cycle, zero beyond the last.

use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Wire, Word};
use std::fmt::Write;
use std::sync::Arc;

/// A table of constants.
#[derive(Clone, Debug, LogicBlock)]
pub struct ConstantTable {
    module_name: ModuleName,
    /// Number of the constant.
    pub address: Wire<In>,
    /// The constant.
    pub q: Wire<Out>,
    _rows: Arc<Vec<Word>>,
}

impl ConstantTable {
    /// A table called `name` of at least one constant, all of one width.
    pub fn new(name: &str, rows: Vec<Word>) -> Self {
        ConstantTable {
            module_name: ModuleName::new(name).about("A table of constants in LUTs, found by number."),
            address: Wire::of(super::address_bits(rows.len())),
            q: Wire::of(rows[0].bits()),
            _rows: Arc::new(rows),
        }
    }
}

impl Logic for ConstantTable {
    fn update(&mut self) {
        let row = self.address.val().low() as usize;
        self.q.next = self._rows.get(row).cloned().unwrap_or_else(|| Word::zero(self.q.width()));
    }

    fn connect(&mut self) {
        self.q.connect();
    }

    fn hdl(&self) -> Verilog {
        let (width, bits) = (self.q.width(), self.address.width());
        // In a function: an `always @*` would wait for the address to change.
        let mut text = format!("function [{}:0] row(input [{}:0] number);\n  case (number)\n", width - 1, bits - 1);
        for (number, row) in self._rows.iter().enumerate() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "    {bits}'d{number}: row = {width}'h{row:x};");
        }
        text += &format!("    default: row = {width}'d0;\n  endcase\nendfunction\nassign q = row(address);");
        Verilog::Custom(text)
    }
}
