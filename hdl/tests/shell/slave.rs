//! A naive slave: words in a map, and answers that come as late as the bus allows.

use std::collections::BTreeMap;
use std::ops::Range;

use hdl::wire::Word;

use crate::support::Stimulus;

/// Cycles after which the answers for an address are right, at the latest that any master has to bear.
const DELAY: usize = 4;

/// Words at addresses, and which of them may be read or written.
#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    pub words: BTreeMap<u32, u32>,
    pub readable: Vec<Range<u32>>,
    pub writable: Vec<Range<u32>>,
}

impl Memory {
    /// Registers at the bottom, a window to write that is full to its end, a window to read, with random words.
    pub fn new(stimulus: &mut Stimulus) -> Memory {
        let readable = vec![0..0x60, 0x20_0000..0x20_0800];
        let writable = vec![0x08..0x0c, 0x10..0x14, 0x10_0000..0x10_0800, 0x1f_fff0..0x20_0000];
        let word = |stimulus: &mut Stimulus| {
            let kind = stimulus.below(4);
            if kind == 0 { 0x7e7d_5e5d } else { stimulus.word(32).low() as u32 }
        };
        let words = readable.iter().flat_map(|range| range.clone().step_by(4)).map(|at| (at, word(stimulus))).collect();
        Memory { words, readable, writable }
    }

    pub fn read(&self, address: u32) -> Option<u32> {
        let readable = address.is_multiple_of(4) && self.readable.iter().any(|range| range.contains(&address));
        readable.then(|| self.words.get(&address).copied().unwrap_or(0))
    }

    pub fn can_write(&self, address: u32) -> bool {
        address.is_multiple_of(4) && self.writable.iter().any(|range| range.contains(&address))
    }
}

/// What the slave says to the bridge in one cycle.
pub struct Answer {
    pub read_data: Word,
    pub readable: bool,
    pub writable: bool,
}

/// The memory on the bus.
pub struct Slave {
    pub memory: Memory,
    stimulus: Stimulus,
    delay: usize,
    address: u32,
    unchanged: usize,
}

impl Slave {
    pub fn new(memory: Memory, seed: u64) -> Slave {
        Slave::with_delay(memory, seed, DELAY)
    }

    /// A slave whose answers for an address are right `delay` cycles after it came.
    pub fn with_delay(memory: Memory, seed: u64, delay: usize) -> Slave {
        Slave { memory, stimulus: Stimulus::new(seed), delay, address: 0, unchanged: 0 }
    }

    /// The answer in a cycle with `address` on the bus: anything until the address has been there for long enough.
    pub fn answer(&mut self, address: u32) -> Answer {
        self.unchanged = if address == self.address { self.unchanged + 1 } else { 0 };
        self.address = address;
        if self.unchanged < self.delay {
            let read_data = self.stimulus.word(32);
            return Answer { read_data, readable: self.stimulus.chance(0.5), writable: self.stimulus.chance(0.5) };
        }
        let read = self.memory.read(address);
        Answer {
            read_data: Word::new(read.unwrap_or(0).into(), 32),
            readable: read.is_some(),
            writable: self.memory.can_write(address),
        }
    }

    /// Stores a word that the bridge writes.
    pub fn write(&mut self, address: u32, word: u32) {
        assert!(self.memory.can_write(address), "a word was written to {address:#x}");
        assert!(self.unchanged >= self.delay, "a word was written before the slave can have answered");
        self.memory.words.insert(address, word);
    }
}
