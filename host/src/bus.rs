//! Words at addresses: a device as the host reads and writes it, whatever carries the words.

mod error;
mod frames;
pub mod memory;
mod patience;

pub use error::BusError;
pub use frames::{FrameBus, LineStatistics};
pub use memory::MemoryBus;
pub use patience::Patience;

use abi::registers::Register;

/// Reads and writes the words of a device. Every call ends, with the words or with an error.
///
/// Accesses take effect in the order of the calls. An access may reach the device more than once, which the
/// [contract](abi::registers) allows; a call that fails may have taken effect or not.
pub trait Bus {
    /// Reads the words from the byte address `address` on.
    ///
    /// # Errors
    /// Where the device did not answer, or refused.
    fn read(&mut self, address: u32, words: &mut [u32]) -> Result<(), BusError>;

    /// Writes the words from the byte address `address` on.
    ///
    /// # Errors
    /// Where the device did not answer, or refused.
    fn write(&mut self, address: u32, words: &[u32]) -> Result<(), BusError>;

    /// Seconds that pass here while one passes for the device: 1 for hardware, more where time is simulated.
    fn time_scale(&self) -> u32;

    /// Reads the (first) word of a register.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn read_register(&mut self, register: Register) -> Result<u32, BusError> {
        let mut word = [0];
        self.read(register.address(), &mut word)?;
        Ok(word[0])
    }

    /// Writes the (first) word of a register.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    fn write_register(&mut self, register: Register, word: u32) -> Result<(), BusError> {
        self.write(register.address(), &[word])
    }
}

impl<B: Bus + ?Sized> Bus for &mut B {
    fn read(&mut self, address: u32, words: &mut [u32]) -> Result<(), BusError> {
        (**self).read(address, words)
    }

    fn write(&mut self, address: u32, words: &[u32]) -> Result<(), BusError> {
        (**self).write(address, words)
    }

    fn time_scale(&self) -> u32 {
        (**self).time_scale()
    }
}

impl<B: Bus + ?Sized> Bus for Box<B> {
    fn read(&mut self, address: u32, words: &mut [u32]) -> Result<(), BusError> {
        (**self).read(address, words)
    }

    fn write(&mut self, address: u32, words: &[u32]) -> Result<(), BusError> {
        (**self).write(address, words)
    }

    fn time_scale(&self) -> u32 {
        (**self).time_scale()
    }
}
