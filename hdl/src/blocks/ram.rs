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

/// The word that a memory shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Registered,
    Immediate,
    Careless,
}

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
    _reading: Reading,
    _kind: Option<MemoryKind>,
}

impl Ram {
    /// A memory of `depth` words of `width` bits, all zero at the start. `depth` is a power of two, at least 2.
    pub fn new(depth: usize, width: usize, registered: bool) -> Self {
        Ram::reading(depth, width, if registered { Reading::Registered } else { Reading::Immediate })
    }

    /// A registered memory whose reader does not care for words that are being written.
    pub fn careless(depth: usize, width: usize) -> Self {
        Ram::reading(depth, width, Reading::Careless)
    }

    fn reading(depth: usize, width: usize, reading: Reading) -> Self {
        let (name, shows) = match reading {
            Reading::Registered => {
                ("ram_registered", "at the address of the last clock edge, before a write of that edge")
            }
            Reading::Immediate => ("ram_immediate", "at the present address"),
            Reading::Careless => {
                ("ram_careless", "at the address of the last clock edge; any word where that edge wrote it")
            }
        };
        let address = super::address_bits(depth);
        let module_name = ModuleName::new(name)
            .about(format!("A memory with one write and one read port, which shows the word {shows}."))
            .parameter("WIDTH", width, &["write_data", "q"])
            .parameter("ADDRESS_BITS", address, &["write_address", "read_address"]);
        Ram {
            module_name,
            clock: Wire::default(),
            write: Wire::default(),
            write_address: Wire::of(address),
            write_data: Wire::of(width),
            read_address: Wire::of(address),
            q: Wire::of(width),
            _words: vec![Word::zero(width); depth],
            _reading: reading,
            _kind: None,
        }
    }

    /// The same memory, made of what the plan says; of what synthesis likes, where that is nothing.
    pub fn of_kind(self, kind: Option<MemoryKind>) -> Self {
        Ram { module_name: super::named_after(self.module_name, kind), _kind: kind, ..self }
    }
}

clocked!(Ram: clock);

impl Logic for Ram {
    fn update(&mut self) {
        let edge = self.clock.pos_edge();
        let read = self.read_address.val().low() as usize;
        if edge && self._reading != Reading::Immediate {
            self.q.next = self._words[read].clone();
        }
        if edge && self.write.val() {
            let address = self.write_address.val().low() as usize;
            if self._reading == Reading::Careless && address == read {
                self.q.next = !self.q.val();
            }
            self._words[address] = self.write_data.val();
        }
        if self._reading == Reading::Immediate {
            self.q.next = self._words[read].clone();
        }
    }

    fn connect(&mut self) {
        self.q.connect();
    }

    fn hdl(&self) -> Verilog {
        let style = match self._kind {
            Some(MemoryKind::Lut) => "(* ram_style = \"distributed\" *) ",
            Some(MemoryKind::Registers) => "(* ram_style = \"registers\" *) ",
            Some(MemoryKind::Block) => "(* ram_style = \"block\" *) ",
            Some(MemoryKind::Constant | MemoryKind::Any) | None => "",
        };
        let words = format!("{style}reg [WIDTH-1:0] words [0:(1<<ADDRESS_BITS)-1];\n");
        let store = "if (write) words[write_address] <= write_data;";
        let registered = |collision: &str| {
            format!(
                "reg [WIDTH-1:0] word;\ninitial word = 0;\nalways @(posedge clock) begin\n  {store}\n  \
                 word <= words[read_address];\n{collision}end\nassign q = word;"
            )
        };
        Verilog::Custom(match self._reading {
            Reading::Immediate => {
                format!("{words}always @(posedge clock) {store}\nassign q = words[read_address];")
            }
            Reading::Registered => words + &registered(""),
            Reading::Careless => {
                words + &registered("  if (write && write_address == read_address) word <= {WIDTH{1'bx}};\n")
            }
        })
    }
}
