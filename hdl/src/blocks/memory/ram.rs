//! A memory with one write port and one read port.

use rust_hdl::core::prelude::*;

use super::address_width;
use crate::wire::{ModuleName, Wire, Word, clocked};

/// A simple dual-port memory: one write and one read per cycle.
///
/// At a rising edge the row `write_address` takes `write_data` where `write_enable` is high, and `q`
/// shows the row that `read_address` named. Reading a row at the very edge that writes it gives
/// nothing defined, so that every kind of memory will do without by-pass logic; the simulation then
/// shows the complement of the old row, so that a block that uses it fails its tests.
#[derive(Clone, Debug, LogicBlock)]
pub struct Ram {
    name: ModuleName,
    /// Clock, rising edge.
    pub clock: Wire<In, Clock>,
    /// The row to write.
    pub write_address: Wire<In>,
    /// What to write.
    pub write_data: Wire<In>,
    /// Whether to write.
    pub write_enable: Wire<In, Bit>,
    /// The row to read.
    pub read_address: Wire<In>,
    /// The row read at the last edge.
    pub q: Wire<Out>,
    _rows: Vec<Word>,
}

impl Ram {
    /// A memory of `depth` rows of `width` bits, both at least one.
    pub fn new(depth: usize, width: usize) -> Ram {
        let (depth, width) = (depth.max(1), width.max(1));
        let address = address_width(depth);
        Ram {
            name: ModuleName::new(format!("ram_d{depth}_w{width}")),
            clock: Wire::default(),
            write_address: Wire::of(address),
            write_data: Wire::of(width),
            write_enable: Wire::default(),
            read_address: Wire::of(address),
            q: Wire::of(width),
            _rows: vec![Word::zero(width); depth],
        }
    }
}

impl Logic for Ram {
    fn update(&mut self) {
        if !self.clock.pos_edge() {
            return;
        }
        let (write, read) = (self.write_address.val().low(), self.read_address.val().low());
        let writing = self.write_enable.next;
        if let Some(row) = self._rows.get(read as usize) {
            self.q.next = if writing && write == read { !row.clone() } else { row.clone() };
        }
        if writing && let Some(row) = self._rows.get_mut(write as usize) {
            *row = self.write_data.val();
        }
    }
    fn connect(&mut self) {
        self.q.connect();
    }
    fn hdl(&self) -> Verilog {
        let (width, depth) = (self.q.width(), self._rows.len());
        Verilog::Custom(format!(
            "(* no_rw_check *)\n\
             reg [{}:0] memory [0:{}];\n\
             always @(posedge clock) begin\n\
             \x20 if (write_enable) memory[write_address] <= write_data;\n\
             \x20 q <= memory[read_address];\n\
             end\n",
            width - 1,
            depth - 1
        ))
    }
}

clocked!(Ram);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::testing::{Trace, below, random_word, rng};
    use crate::wire::Simulation;

    #[test]
    fn a_ram_matches_its_verilog() {
        for (depth, width) in [(2, 1), (3, 8), (16, 65), (100, 7)] {
            let mut rng = rng(depth as u64);
            let mut simulation = Simulation::new(Ram::new(depth, width));
            let mut trace = Trace::new(&simulation.top);
            let mut model: Vec<Option<Word>> = vec![None; depth];
            // Every row is written once, so that reads are defined; then random traffic.
            for cycle in 0..depth + 300 {
                let (mut write, mut enable) = (below(&mut rng, depth), below(&mut rng, 2) == 1);
                if cycle < depth {
                    (write, enable) = (cycle, true);
                }
                let mut read = below(&mut rng, depth);
                if enable && read == write {
                    read = (read + 1) % depth;
                }
                let data = random_word(&mut rng, width);
                let top = &mut simulation.top;
                top.write_address.next = Word::from(write as u64);
                top.write_data.next = data.clone();
                top.write_enable.next = enable;
                top.read_address.next = Word::from(read as u64);
                simulation.settle().unwrap();
                if cycle > depth { trace.record(&simulation.top) } else { trace.drive(&simulation.top) }
                simulation.tick().unwrap();
                if let Some(row) = &model[read] {
                    assert_eq!(simulation.top.q.val(), *row);
                }
                if enable {
                    model[write] = Some(data);
                }
            }
            trace.assert_leaf_matches(&simulation.top);
        }
    }

    #[test]
    fn a_row_read_while_written_is_visibly_wrong() {
        let mut simulation = Simulation::new(Ram::new(2, 4));
        simulation.top.write_enable.next = true;
        simulation.top.write_data.next = Word::new(3, 4);
        simulation.step().unwrap();
        assert_eq!(simulation.top.q.val(), 0xf);
    }
}
