//! A card without a card: a design simulated at its bus slave, as a PCIe bridge on a card would drive it.
//!
//! [`Slave`] is a device reduced to its Wishbone slave: [`RtlSlave`] simulates the top that `compile` writes for systems on a
//! chip in rust-hdl, [`VerilatedSlave`] its Verilog. Both are a [`Bus`] like any other. [`ServedCard`] mirrors one into a
//! [`BarFile`], the memory of a PCIe function, for hosts in other processes and inside of virtual machines.

mod bar;
mod front;
mod rtl;
mod serve;
mod verilated;

pub use bar::BarFile;
pub use rtl::RtlSlave;
pub use serve::ServedCard;
pub use verilated::VerilatedSlave;

use crate::SimError;
use flow::artifacts::Compiled;
use hdl::shell::register_file::DeviceFacts;
use host::{Bus, BusError, TransportError};

/// A simulated device at its bus slave. Time passes for it in accesses, and when it is let.
pub trait Slave: Bus {
    /// Lets `cycles` clock cycles pass without an access.
    ///
    /// # Errors
    /// Where the simulation fails.
    fn pass(&mut self, cycles: u32) -> Result<(), BusError>;

    /// Clock cycles that have passed in all, modulo 2^32.
    fn cycles(&self) -> u32;
}

impl<S: Slave + ?Sized> Slave for Box<S> {
    fn pass(&mut self, cycles: u32) -> Result<(), BusError> {
        (**self).pass(cycles)
    }

    fn cycles(&self) -> u32 {
        (**self).cycles()
    }
}

/// The time scale of a simulated slave: some 10^5 cycles a second of 10^8, and a machine that does other things as well.
const TIME_SCALE: u32 = host::bus::memory::SIMULATED_TIME_SCALE;

/// Whether the design of a compiled directory has a slave with windows.
pub fn has_slave(compiled: &Compiled) -> bool {
    flow::soc::facts(&compiled.plan, 0, [0; 32]).slots > 0
}

/// Checks that a device says of itself that it has windows.
fn check_windows(facts: &DeviceFacts, compiled: &Compiled) -> Result<(), SimError> {
    if facts.slots > 0 {
        return Ok(());
    }
    Err(SimError::NoWindows { network: compiled.manifest.network.clone() })
}

/// The bus error for a simulation that failed.
fn closed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> BusError {
    TransportError::Closed { source: std::io::Error::other(error) }.into()
}

/// The error of a slave that refused `words` words from `address` on.
fn refused(action: &'static str, address: u32, words: usize) -> BusError {
    BusError::Address { action, address, words }
}
