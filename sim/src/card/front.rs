//! The registers of a served card as they lie in memory.

use crate::SimError;
use abi::registers::{Access, Register, SIMULATED_CYCLES};
use host::{Bus, MemoryBus};

/// Words from the first register to the end of the last one.
const WORDS: usize = {
    let last = Register::ALL[Register::ALL.len() - 1];
    (last.address() / 4 + last.words()) as usize
};

/// What the server alone writes, in memory where everybody can: a copy tells whether somebody else has written there, which
/// no host does.
#[derive(Debug)]
pub(super) struct Front {
    memory: MemoryBus,
    /// What was laid there; `None` where hosts write too, and before anything is.
    shown: [Option<u32>; WORDS],
    cycles: u32,
}

impl Front {
    pub(super) fn new(memory: MemoryBus) -> Self {
        Front { memory, shown: [None; WORDS], cycles: 0 }
    }

    /// The memory, for what lies beyond the registers.
    pub(super) fn memory(&mut self) -> &mut MemoryBus {
        &mut self.memory
    }

    /// What stands in a register of one word.
    pub(super) fn read(&mut self, register: Register) -> Result<u32, SimError> {
        Ok(self.memory.read_register(register)?)
    }

    /// Lays words into a register.
    pub(super) fn show(&mut self, register: Register, words: &[u32]) -> Result<(), SimError> {
        self.memory.write(register.address(), words)?;
        match register.access() {
            Access::Constant | Access::Read => {
                let first = (register.address() / 4) as usize;
                self.shown.iter_mut().skip(first).zip(words).for_each(|(shown, word)| *shown = Some(*word));
            }
            Access::ReadWrite => {}
        }
        Ok(())
    }

    /// Publishes how many cycles have passed.
    pub(super) fn show_cycles(&mut self, cycles: u32) -> Result<(), SimError> {
        self.cycles = cycles;
        Ok(self.memory.write(SIMULATED_CYCLES, &[cycles])?)
    }

    /// Whether somebody else has written what only the server writes.
    pub(super) fn is_damaged(&mut self) -> Result<bool, SimError> {
        let (mut found, mut cycles) = ([0; WORDS], [0]);
        self.memory.read(0, &mut found)?;
        self.memory.read(SIMULATED_CYCLES, &mut cycles)?;
        let differs = |(shown, found): (&Option<u32>, &u32)| shown.is_some_and(|shown| shown != *found);
        Ok(cycles[0] != self.cycles || self.shown.iter().zip(&found).any(differs))
    }
}
