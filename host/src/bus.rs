//! Words at addresses: a device as the host reads and writes it, whatever carries the words.

mod access;
mod error;
mod flights;
mod frames;
pub mod memory;
mod patience;
mod statistics;

pub use access::Access;
pub use error::BusError;
pub use frames::FrameBus;
pub use memory::MemoryBus;
pub use patience::Patience;
pub use statistics::LineStatistics;

use abi::registers::Register;

/// Reads and writes the words of a device. Every call ends, with the words or with an error.
///
/// Accesses of [`read`](Self::read) and [`write`](Self::write) take effect in the order of the calls. An access may reach
/// the device more than once, which the [contract](abi::registers) allows; a call that fails may have taken effect or not.
///
/// Whoever does not wait for each access hands them over with [`post`](Self::post) and gets them back, done, from
/// [`take`](Self::take). Those under way at the same time may take effect in any order.
pub trait Bus {
    /// Reads the words from the byte address `address` on. Nothing may be under way.
    ///
    /// # Errors
    /// Where the device did not answer, or refused.
    fn read(&mut self, address: u32, words: &mut [u32]) -> Result<(), BusError>;

    /// Writes the words from the byte address `address` on. Nothing may be under way.
    ///
    /// # Errors
    /// Where the device did not answer, or refused.
    fn write(&mut self, address: u32, words: &[u32]) -> Result<(), BusError>;

    /// Seconds that pass here while one passes for the device: 1 for hardware, more where time is simulated.
    fn time_scale(&self) -> u32;

    /// Clock cycles that have passed in the device since some moment, modulo 2^32, where a simulation beyond the bus counts
    /// them: [`SIMULATED_CYCLES`](abi::registers::SIMULATED_CYCLES).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn simulated_cycles(&mut self) -> Result<Option<u32>, BusError> {
        Ok(None)
    }

    /// Hands over an access of at most [`room`](Self::room) words; it comes back at once where the bus does one after the
    /// other.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn post(&mut self, access: Access) -> Result<Option<Access>, BusError> {
        Ok(Some(match access {
            Access::Read { address, mut words } => {
                self.read(address, &mut words)?;
                Access::Read { address, words }
            }
            Access::Write { address, words } => {
                self.write(address, &words)?;
                Access::Write { address, words }
            }
        }))
    }

    /// Waits until an access under way is done; `None` where none is under way.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn take(&mut self) -> Result<Option<Access>, BusError> {
        Ok(None)
    }

    /// Most words that an access may have which is handed over now; `None` where one must be taken back first.
    ///
    /// # Errors
    /// As [`read`](Self::read): it may have to ask the device.
    fn room(&mut self) -> Result<Option<usize>, BusError> {
        Ok(Some(usize::MAX))
    }

    /// Forgets the accesses under way, which may or may not take effect, but none of them after a later one.
    fn abandon(&mut self) {}

    /// What the line has carried, where there is one.
    fn statistics(&self) -> LineStatistics {
        LineStatistics::default()
    }

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

/// Passes every call on.
macro_rules! pass_on {
    ($($pointer:ty),+) => {$(
        impl<B: Bus + ?Sized> Bus for $pointer {
            fn read(&mut self, address: u32, words: &mut [u32]) -> Result<(), BusError> {
                (**self).read(address, words)
            }

            fn write(&mut self, address: u32, words: &[u32]) -> Result<(), BusError> {
                (**self).write(address, words)
            }

            fn time_scale(&self) -> u32 {
                (**self).time_scale()
            }

            fn simulated_cycles(&mut self) -> Result<Option<u32>, BusError> {
                (**self).simulated_cycles()
            }

            fn post(&mut self, access: Access) -> Result<Option<Access>, BusError> {
                (**self).post(access)
            }

            fn take(&mut self) -> Result<Option<Access>, BusError> {
                (**self).take()
            }

            fn room(&mut self) -> Result<Option<usize>, BusError> {
                (**self).room()
            }

            fn abandon(&mut self) {
                (**self).abandon();
            }

            fn statistics(&self) -> LineStatistics {
                (**self).statistics()
            }
        }
    )+};
}

pass_on!(&mut B, Box<B>);
