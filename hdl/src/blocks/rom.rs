//! A memory of parameters: weights and thresholds.
//!
//! Ports: `clock`; `address`; `q`, the row at the address of the last clock edge. A memory of one row is a constant
//! and follows no clock. The rows are read from a file by `$readmemh`, which synthesis turns into block RAM contents.
//!
//! A memory made of LUTs registers the address, the other kind the row: so that the LUTs stand between two registers of
//! which one is the user's, and no other logic gets mixed up with them.
//!
//! A writable memory has two ports more: `access`, as [`weight_access`](super::weight_access) makes it, and `answer`, the
//! word accessed, one cycle later, zero where it is another memory's or was written. While its own words are accessed, `q`
//! does not follow `address`. Its rows are cut into columns of 32 bits with a file each, as [`abi::weights`] describes; a
//! memory of one row is a register.

use super::weight_access::ports;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Wire, Word, clocked, memory_file, unused};
use abi::weights::Segment;
use abi::window::WORD_BITS;
use compiler::chip::memory::MemoryKind;
use std::fmt::Write;
use std::sync::Arc;

mod window;
use window::Window;

/// A memory of parameters.
#[derive(Clone, Debug, LogicBlock)]
pub struct Rom {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Row to read.
    pub address: Wire<In>,
    /// The row read at the last edge.
    pub q: Wire<Out>,
    /// Access from outside; only of a writable memory.
    pub access: Vec<Wire<In>>,
    /// The word accessed; only of a writable memory.
    pub answer: Vec<Wire<Out>>,
    _name: String,
    _rows: Arc<Vec<Word>>,
    _kind: Option<MemoryKind>,
    _shows: bool,
    _window: Option<Window>,
}

impl Rom {
    /// A memory called `name` (its file is `<name>.mem`) of at least one row, all of one width.
    pub fn new(name: &str, rows: Arc<Vec<Word>>) -> Self {
        let width = rows[0].bits();
        Rom {
            module_name: ModuleName::new(name)
                .about("A memory of parameters: weights, thresholds, biases or constants."),
            clock: Wire::default(),
            address: Wire::of(super::address_bits(rows.len())),
            q: Wire::of(width),
            access: Vec::new(),
            answer: Vec::new(),
            _name: name.to_owned(),
            _rows: rows,
            _kind: None,
            _shows: false,
            _window: None,
        }
    }

    /// The same memory, made of what the plan says; of what synthesis likes, where that is nothing.
    pub fn of_kind(self, kind: Option<MemoryKind>) -> Self {
        Rom { _kind: kind, ..self }
    }

    /// The same memory, writable or not. A writable one still needs its [place](Self::place) in the weight window.
    pub fn writable(self, is_writable: bool) -> Self {
        let (access, answer) = ports(is_writable);
        let window = is_writable.then(|| Window::new(self._rows.len(), self.q.width()));
        Rom { access, answer, _window: window, ..self }
    }

    /// Words of the weight window that the memory takes, a power of two; `None` where it cannot be written.
    pub fn window_words(&self) -> Option<u32> {
        self._window.as_ref().map(Window::words)
    }

    /// Puts a writable memory at `first`, a multiple of its words.
    pub fn place(&mut self, first: u32) {
        if let Some(window) = &mut self._window {
            window.first = first;
        }
    }

    /// What the memory holds, as words of the weight window; empty where it cannot be written.
    pub fn segments(&self) -> Vec<Segment> {
        self._window.as_ref().map_or_else(Vec::new, |window| window.segments(&self._rows))
    }

    /// Names and texts of the memory's files.
    pub fn files(&self) -> Vec<(String, String)> {
        if self._rows.len() == 1 {
            return Vec::new();
        }
        match &self._window {
            None => vec![(format!("{}.mem", self._name), memory_text(self._rows.iter()))],
            Some(window) => (0..window.columns())
                .map(|column| {
                    let words: Vec<Word> = self._rows.iter().map(|row| window.column(row, column)).collect();
                    (format!("{}_{column}.mem", self._name), memory_text(words.iter()))
                })
                .collect(),
        }
    }
}

/// Rows for `$readmemh`, one a line.
fn memory_text<'a>(rows: impl Iterator<Item = &'a Word>) -> String {
    let mut text = String::new();
    for row in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", digits(row));
    }
    text
}

/// A word with all its hexadecimal digits. A formatter pads to at most 65,535 of them.
fn digits(word: &Word) -> String {
    let digits = format!("{word:x}");
    "0".repeat(word.bits().div_ceil(4) - digits.len()) + &digits
}

/// Bits of a number in Verilog: simulators take no longer ones than twice as many.
const LONGEST_NUMBER: usize = 32768;

/// A word as a Verilog constant.
fn constant(word: &Word) -> String {
    let width = word.bits();
    if width <= LONGEST_NUMBER {
        return format!("{width}'h{word:x}");
    }
    let digits = digits(word);
    let (first, rest) = digits.split_at(digits.len() % (LONGEST_NUMBER / 4));
    let mut parts = Vec::new();
    if !first.is_empty() {
        parts.push(format!("{}'h{first}", width % LONGEST_NUMBER));
    }
    let whole = (0..rest.len()).step_by(LONGEST_NUMBER / 4);
    parts.extend(whole.map(|place| format!("{LONGEST_NUMBER}'h{}", &rest[place..place + LONGEST_NUMBER / 4])));
    format!("{{{}}}", parts.join(", "))
}

clocked!(Rom: clock);

impl Logic for Rom {
    fn update(&mut self) {
        let edge = self.clock.pos_edge();
        let own = self._window.as_ref().and_then(|window| window.own(self.access[0].val().low()));
        let is_write = own.is_some_and(|own| own.is_write);
        let row = own.map_or_else(|| self.address.val().low() as usize, |own| own.row);
        if edge && self._rows.len() > 1 && !is_write {
            // Addresses beyond the last row are never used; hardware gives anything there.
            self.q.next = self._rows.get(row).cloned().unwrap_or_else(|| Word::zero(self.q.width()));
            self._shows = true;
        } else if self._kind == Some(MemoryKind::Lut) && !self._shows && self._window.is_none() {
            self.q.next = self._rows[0].clone();
        }
        if let Some(window) = self._window.as_ref().filter(|_| edge) {
            self.answer[0].next = match own.and_then(|own| Some((own, self._rows.get(own.row)?))) {
                Some((own, row)) if !is_write => window.column(row, own.column),
                _ => Word::zero(WORD_BITS),
            };
            if let Some(own) = own.filter(|own| own.is_write && own.row < self._rows.len()) {
                let row = &mut Arc::make_mut(&mut self._rows)[own.row];
                *row = window.with_column(row, own.column, own.data);
            }
        }
        if self._rows.len() == 1 {
            self.q.next = self._rows[0].clone();
        }
    }

    fn connect(&mut self) {
        self.q.connect();
        self.answer.iter_mut().for_each(Wire::connect);
    }

    fn hdl(&self) -> Verilog {
        let (width, depth) = (self.q.width(), self._rows.len());
        if let Some(window) = &self._window {
            return Verilog::Custom(window.verilog(&self._name, &self._rows, self._kind));
        }
        if depth == 1 {
            let row = constant(&self._rows[0]);
            let unused = unused("unused", &["clock", "address"]).unwrap_or_default();
            return Verilog::Custom(format!("assign q = {row};\n{unused}"));
        }
        if self._kind == Some(MemoryKind::Lut) {
            return Verilog::Custom(format!(
                "(* rom_style = \"logic\" *) reg [{}:0] words [0:{}];\nreg [{}:0] place;\ninitial begin\n  \
                 $readmemh({}, words);\n  place = 0;\nend\nalways @(posedge clock) place <= address;\n\
                 assign q = words[place];",
                width - 1,
                depth - 1,
                self.address.width() - 1,
                memory_file(&self._name)
            ));
        }
        let (style, start) = match self._kind {
            // Block RAM of some families has no first word to give: logic beside it would have to.
            Some(MemoryKind::Block) => ("(* rom_style = \"block\" *) ", ""),
            _ => ("", "  row = 0;\n"),
        };
        Verilog::Custom(format!(
            "{style}reg [{}:0] words [0:{}];\nreg [{0}:0] row;\ninitial begin\n  $readmemh({}, words);\n{start}end\n\
             always @(posedge clock) row <= words[address];\nassign q = row;",
            width - 1,
            depth - 1,
            memory_file(&self._name)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_constants_are_put_together_from_parts() {
        let word = Word::from_bits((0..LONGEST_NUMBER + 6).map(|bit| bit == 0 || bit == LONGEST_NUMBER + 5));
        let zeros = "0".repeat(LONGEST_NUMBER / 4 - 1);
        assert_eq!(constant(&word), format!("{{6'h20, {LONGEST_NUMBER}'h{zeros}1}}"));
        assert_eq!(constant(&Word::new(0x1f, 5)), "5'h1f");
    }

    #[test]
    fn rows_have_all_their_digits_however_many() {
        assert_eq!(digits(&Word::new(0x1f, 13)), "001f");
        assert_eq!(digits(&Word::zero(1)), "0");
        let wide = Word::from_bits((0..300_000).map(|bit| bit == 0));
        assert_eq!(digits(&wide), "0".repeat(74_999) + "1");
        assert!(constant(&wide).ends_with("1}"));
    }
}
