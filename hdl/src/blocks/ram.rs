//! A memory with one write and one read port.
//!
//! Ports: `clock`; `write`, `write_address`, `write_data`: at a clock edge with `write` high the word is stored;
//! `read_address`; `q`: the stored word. A registered memory shows the word that was stored at the address of the last
//! clock edge, before a write of the same edge (block RAM); the other kind shows the word at the present address
//! (LUT RAM). A careless memory is a registered one that shows anything where the same edge wrote the word: block RAM
//! as it is, without the logic beside it that keeps reads before writes.
//!
//! An attribute selects what synthesis makes it of.

use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Wire, Word, clocked};
use compiler::chip::memory::MemoryKind;

/// A memory that is written and read.
#[derive(Clone, Debug, LogicBlock)]
pub struct Ram {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Whether to store.
    pub write: Wire<In, Bit>,
    /// Where to store.
    pub write_address: Wire<In>,
    /// What to store.
    pub write_data: Wire<In>,
    /// Where to read.
    pub read_address: Wire<In>,
    /// The word read.
    pub q: Wire<Out>,
    _words: Vec<Word>,
    _registered: bool,
    _careless: bool,
    _kind: Option<MemoryKind>,
}

impl Ram {
    /// A memory of `depth` words of `width` bits, all zero at the start. `depth` is a power of two, at least 2.
    pub fn new(depth: usize, width: usize, registered: bool) -> Self {
        let kind = if registered { "registered" } else { "immediate" };
        let address = super::address_bits(depth);
        Ram {
            module_name: ModuleName::new(format!("ram_{kind}_d{depth}_w{width}")),
            clock: Wire::default(),
            write: Wire::default(),
            write_address: Wire::of(address),
            write_data: Wire::of(width),
            read_address: Wire::of(address),
            q: Wire::of(width),
            _words: vec![Word::zero(width); depth],
            _registered: registered,
            _careless: false,
            _kind: None,
        }
    }

    /// The same memory, made of what the plan says; of what synthesis likes, where that is nothing.
    pub fn of_kind(mut self, kind: Option<MemoryKind>) -> Self {
        let immediate = if self._registered { "" } else { "immediate_" };
        let careless = if self._careless { "careless_" } else { "" };
        let Some(made_of) = super::made_of(kind) else { return self };
        let (depth, width) = (self._words.len(), self.q.width());
        self.module_name = ModuleName::new(format!("ram_{immediate}{careless}{made_of}_d{depth}_w{width}"));
        self._kind = kind;
        self
    }

    /// A registered memory whose reader does not care for words that are being written.
    pub fn careless(depth: usize, width: usize) -> Self {
        let ram = Ram::new(depth, width, true);
        Ram { module_name: ModuleName::new(format!("ram_careless_d{depth}_w{width}")), _careless: true, ..ram }
    }
}

clocked!(Ram: clock);

impl Logic for Ram {
    fn update(&mut self) {
        let edge = self.clock.pos_edge();
        let read = self.read_address.val().low() as usize;
        if edge && self._registered {
            self.q.next = self._words[read].clone();
        }
        if edge && self.write.val() {
            let address = self.write_address.val().low() as usize;
            if self._careless && address == read {
                self.q.next = !self.q.val();
            }
            self._words[address] = self.write_data.val();
        }
        if !self._registered {
            self.q.next = self._words[read].clone();
        }
    }

    fn connect(&mut self) {
        self.q.connect();
    }

    fn hdl(&self) -> Verilog {
        let (high, last) = (self.q.width() - 1, self._words.len() - 1);
        let store = "if (write) words[write_address] <= write_data;";
        let anything = format!("{}'bx", high + 1);
        let style = match self._kind {
            Some(MemoryKind::Lut) => "(* ram_style = \"distributed\" *) ",
            Some(MemoryKind::Registers) => "(* ram_style = \"registers\" *) ",
            Some(MemoryKind::Block) => "(* ram_style = \"block\" *) ",
            Some(MemoryKind::Constant | MemoryKind::Any) | None => "",
        };
        Verilog::Custom(if self._careless {
            format!(
                "{style}reg [{high}:0] words [0:{last}];\nreg [{high}:0] word;\ninitial word = 0;\nalways @(posedge clock) \
                 begin\n  {store}\n  word <= words[read_address];\n  if (write && write_address == read_address) word \
                 <= {anything};\nend\nassign q = word;"
            )
        } else if self._registered {
            format!(
                "{style}reg [{high}:0] words [0:{last}];\nreg [{high}:0] word;\ninitial word = 0;\nalways @(posedge clock) \
                 begin\n  {store}\n  word <= words[read_address];\nend\nassign q = word;"
            )
        } else {
            format!(
                "{style}reg [{high}:0] words [0:{last}];\nalways @(posedge clock) {store}\nassign q = words[read_address];"
            )
        })
    }
}
