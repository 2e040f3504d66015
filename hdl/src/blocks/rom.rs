//! A read-only memory: weights and thresholds.
//!
//! Ports: `clock`; `address`; `q`, the row at the address of the last clock edge. A memory of one row is a constant
//! and follows no clock. The rows are read from a file by `$readmemh`, which synthesis turns into block RAM contents.
//!
//! A memory made of LUTs registers the address, the other kind the row: so that the LUTs stand between two registers of
//! which one is the user's, and no other logic gets mixed up with them.

use crate::wire::{ModuleName, Wire, Word};
use compiler::memory::MemoryKind;
use rust_hdl::core::prelude::*;
use std::fmt::Write;
use std::sync::Arc;

/// A memory that is never written.
#[derive(Clone, Debug, LogicBlock)]
pub struct Rom {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Row to read.
    pub address: Wire<In>,
    /// The row read at the last edge.
    pub q: Wire<Out>,
    _name: String,
    _rows: Arc<Vec<Word>>,
    _kind: Option<MemoryKind>,
    _shows: bool,
}

impl Rom {
    /// A memory called `name` (its file is `<name>.mem`) of at least one row, all of one width.
    pub fn new(name: &str, rows: Arc<Vec<Word>>) -> Self {
        let width = rows[0].bits();
        Rom {
            module_name: ModuleName::new(name),
            clock: Wire::default(),
            address: Wire::of(super::address_bits(rows.len())),
            q: Wire::of(width),
            _name: name.to_owned(),
            _rows: rows,
            _kind: None,
            _shows: false,
        }
    }

    /// The same memory, made of what the plan says; of what synthesis likes, where that is nothing.
    pub fn of_kind(self, kind: Option<MemoryKind>) -> Self {
        Rom { _kind: kind, ..self }
    }

    /// Name and text of the memory's file; `None` for a constant.
    pub fn file(&self) -> Option<(String, String)> {
        if self._rows.len() == 1 {
            return None;
        }
        let digits = self.q.width().div_ceil(4);
        let mut text = String::with_capacity(self._rows.len() * (digits + 1));
        for row in self._rows.iter() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{row:0digits$x}");
        }
        Some((format!("{}.mem", self._name), text))
    }
}

impl Logic for Rom {
    fn update(&mut self) {
        if self._rows.len() == 1 {
            self.q.next = self._rows[0].clone();
        } else if self.clock.pos_edge() {
            let row = self.address.val().low() as usize;
            // Addresses beyond the last row are never used; hardware gives anything there.
            self.q.next = self._rows.get(row).cloned().unwrap_or_else(|| Word::zero(self.q.width()));
            self._shows = true;
        } else if self._kind == Some(MemoryKind::Lut) && !self._shows {
            self.q.next = self._rows[0].clone();
        }
    }

    fn connect(&mut self) {
        self.q.connect();
    }

    fn hdl(&self) -> Verilog {
        let (width, depth) = (self.q.width(), self._rows.len());
        if depth == 1 {
            return Verilog::Custom(format!("assign q = {width}'h{:x};", self._rows[0]));
        }
        if self._kind == Some(MemoryKind::Lut) {
            return Verilog::Custom(format!(
                "(* rom_style = \"logic\" *) reg [{}:0] words [0:{}];\nreg [{}:0] place;\ninitial begin\n  \
                 $readmemh(\"{}.mem\", words);\n  place = 0;\nend\nalways @(posedge clock) place <= address;\n\
                 assign q = words[place];",
                width - 1,
                depth - 1,
                self.address.width() - 1,
                self._name
            ));
        }
        let (style, start) = match self._kind {
            // Block RAM of some families has no first word to give: logic beside it would have to.
            Some(MemoryKind::Block) => ("(* rom_style = \"block\" *) ", ""),
            _ => ("", "  row = 0;\n"),
        };
        Verilog::Custom(format!(
            "{style}reg [{}:0] words [0:{}];\nreg [{0}:0] row;\ninitial begin\n  $readmemh(\"{}.mem\", words);\n{start}end\n\
             always @(posedge clock) row <= words[address];\nassign q = row;",
            width - 1,
            depth - 1,
            self._name
        ))
    }
}
