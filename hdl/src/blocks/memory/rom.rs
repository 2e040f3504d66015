//! A read-only memory, its contents in a `.mem` file that `$readmemh` reads.

use std::sync::Arc;

use rust_hdl::core::prelude::*;

use super::{MemoryError, address_width};
use crate::wire::{ModuleName, Wire, Word, clocked};

/// A read-only memory whose rows appear cut into equal fields.
///
/// `q[i]` holds bits `[i * field_width +: field_width]` of the row that `address` named before the
/// last rising edge. A memory of one row is a constant: `q` shows it from the start and `address`
/// (one bit) is ignored. The hardware gives no promise for addresses beyond the last row.
#[derive(Clone, Debug, LogicBlock)]
pub struct Rom {
    name: ModuleName,
    /// Clock, rising edge.
    pub clock: Wire<In, Clock>,
    /// The row to read.
    pub address: Wire<In>,
    /// The fields of the row.
    pub q: Vec<Wire<Out>>,
    _rows: Arc<[Word]>,
    _field_width: usize,
    _file: String,
}

impl Rom {
    /// A memory of `rows`, each cut into `fields` output fields; the module is called `name` and
    /// reads its contents from `<name>.mem`, unless it is a constant.
    pub fn new(name: &str, rows: Arc<[Word]>, fields: usize) -> Result<Rom, MemoryError> {
        let Some(first) = rows.first() else {
            return Err(MemoryError::Empty { name: name.into() });
        };
        let fields = fields.max(1);
        let expected = first.bits().max(1).next_multiple_of(fields);
        if let Some((row, word)) = rows.iter().enumerate().find(|(_, word)| word.bits() != expected) {
            return Err(MemoryError::RowWidth { name: name.into(), row, found: word.bits(), expected, fields });
        }
        let field_width = expected / fields;
        let constant = rows.len() == 1;
        Ok(Rom {
            name: ModuleName::new(name),
            clock: Wire::default(),
            address: Wire::of(address_width(rows.len())),
            q: (0..fields)
                .map(|i| Wire::starting(if constant { first.field(i, field_width) } else { Word::zero(field_width) }))
                .collect(),
            _rows: rows,
            _field_width: field_width,
            _file: format!("{name}.mem"),
        })
    }

    /// Bits of a whole row.
    pub fn row_width(&self) -> usize {
        self.q.len() * self._field_width
    }

    /// Number of rows.
    pub fn depth(&self) -> usize {
        self._rows.len()
    }

    /// The file that the Verilog reads and its text, one row per line; none for a constant.
    pub fn file(&self) -> Option<(&str, String)> {
        (self.depth() > 1).then(|| (self._file.as_str(), mem_text(&self._rows)))
    }
}

/// The text of a `.mem` file: one row per line, all hexadecimal digits, address 0 first.
pub fn mem_text(rows: &[Word]) -> String {
    use std::fmt::Write;
    let digits = rows.first().map_or(0, |row| row.bits().div_ceil(4) + 1);
    let mut text = String::with_capacity(rows.len() * digits);
    for row in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{row:x}");
    }
    text
}

impl Logic for Rom {
    fn update(&mut self) {
        if !self.clock.pos_edge() {
            return;
        }
        let address = self.address.val().low() as usize;
        if let [q] = &mut self.q[..] {
            q.next = match self._rows.get(address.min(self._rows.len() - 1)) {
                Some(row) => row.clone(),
                None => Word::zero(self._field_width),
            };
            return;
        }
        // A constant ignores its address; beyond the last row anything may be read.
        let row = &self._rows[address.min(self._rows.len() - 1)];
        for (i, q) in self.q.iter_mut().enumerate() {
            q.next = row.field(i, self._field_width);
        }
    }
    fn connect(&mut self) {
        self.q.iter_mut().for_each(Logic::connect);
    }
    fn hdl(&self) -> Verilog {
        let (width, depth, field) = (self.row_width(), self.depth(), self._field_width);
        let part = |name: &str, i: usize| {
            if self.q.len() == 1 { name.to_string() } else { format!("{name}[{}:{}]", (i + 1) * field - 1, i * field) }
        };
        let mut text = String::new();
        if depth == 1 {
            text += "// One row: a register that never changes, which synthesis takes for a constant.\n";
            text += "wire unused = &{1'b0, address};\n";
            for i in 0..self.q.len() {
                let value = self._rows[0].field(i, field);
                text += &format!("initial q${i} = {value};\nalways @(posedge clock) q${i} <= {value};\n");
            }
            return Verilog::Custom(text);
        }
        text += &format!("reg [{}:0] memory [0:{}];\n", width - 1, depth - 1);
        text += &format!("initial $readmemh(\"{}\", memory);\n", self._file);
        if self.q.len() == 1 {
            text += "always @(posedge clock) q$0 <= memory[address];\n";
        } else {
            text += &format!("reg [{}:0] row;\nalways @(posedge clock) row <= memory[address];\n", width - 1);
            for i in 0..self.q.len() {
                text += &format!("always @(*) q${i} = {};\n", part("row", i));
            }
        }
        Verilog::Custom(text)
    }
}

clocked!(Rom);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::testing::{Trace, below, random_word, rng};
    use crate::wire::Simulation;

    #[test]
    fn a_rom_matches_its_verilog() {
        for (depth, fields, field_width) in [(1, 1, 5), (1, 3, 4), (2, 1, 1), (7, 3, 1), (16, 1, 200), (5, 4, 70)] {
            let mut rng = rng(depth as u64);
            let rows: Arc<[Word]> = (0..depth).map(|_| random_word(&mut rng, fields * field_width)).collect();
            let mut simulation = Simulation::new(Rom::new("rom", rows.clone(), fields).unwrap());
            let mut trace = Trace::new(&simulation.top);
            trace.file(simulation.top.file());
            // The output register of a memory has no initial value in hardware.
            simulation.step().unwrap();
            trace.skip();
            for _ in 0..100 {
                let address = below(&mut rng, depth);
                simulation.top.address.next = Word::from(address as u64);
                simulation.settle().unwrap();
                trace.record(&simulation.top);
                simulation.tick().unwrap();
                for i in 0..fields {
                    assert_eq!(simulation.top.q[i].val(), rows[address].field(i, field_width));
                }
            }
            trace.assert_leaf_matches(&simulation.top);
        }
    }

    #[test]
    fn bad_contents_are_refused() {
        assert!(matches!(Rom::new("rom", Arc::new([]), 1), Err(MemoryError::Empty { .. })));
        let rows: Arc<[Word]> = Arc::new([Word::zero(4), Word::zero(5)]);
        assert!(matches!(Rom::new("rom", rows, 1), Err(MemoryError::RowWidth { row: 1, found: 5, .. })));
        let rows: Arc<[Word]> = Arc::new([Word::zero(4)]);
        assert!(matches!(Rom::new("rom", rows, 3), Err(MemoryError::RowWidth { row: 0, .. })));
    }

    #[test]
    fn a_mem_file_has_one_row_per_line() {
        assert_eq!(mem_text(&[Word::new(0x1f, 9), Word::new(0x100, 9)]), "01f\n100\n");
    }
}
