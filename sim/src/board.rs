//! A board without a board: a device simulated at its UART pins.
//!
//! [`Pins`] is a board reduced to two pins: [`RtlBoard`] simulates the device in rust-hdl, [`VerilatedBoard`] its Verilog
//! or the netlist that synthesis made of it. [`SimulatedLine`] puts the software side of the line on top and is a
//! [`Transport`](host::transport::Transport) like any other, so the whole host runtime runs against it.

mod cells;
mod line;
mod netlist;
mod open;
mod rtl;
mod serve;
mod verilated;

pub use line::SimulatedLine;
pub use netlist::Netlist;
pub use open::{LineDevice, open, open_line};
pub use rtl::RtlBoard;
pub use serve::Served;
pub use verilated::VerilatedBoard;

use crate::SimError;
use abi::manifest::{DeviceManifest, Manifest};
use flow::artifacts::ArtifactsError;
use flow::board::{Board, Family};

/// What the manifest of a compiled directory says of its device.
///
/// # Errors
/// Where the directory was compiled for no board.
pub fn device_of(manifest: &Manifest) -> Result<&DeviceManifest, SimError> {
    manifest.device.as_ref().ok_or_else(|| SimError::NoDevice { network: manifest.network.clone() })
}

/// The family of the FPGA on the device's board.
fn family_of(device: &DeviceManifest) -> Result<Family, SimError> {
    Ok(Board::find(&device.board).map_err(ArtifactsError::from)?.facts.fpga.family)
}

/// The UART's pins of a board, clock cycle by clock cycle.
pub trait Pins {
    /// Runs the board for as many cycles as `rx` is long and answers the other pin's levels in those cycles.
    ///
    /// # Errors
    /// Where the simulation fails.
    fn run(&mut self, rx: &Levels) -> Result<Levels, SimError>;

    /// Seconds that pass here while one passes on the board, at most, on a slow machine.
    fn time_scale(&self) -> u32;
}

impl<P: Pins + ?Sized> Pins for Box<P> {
    fn run(&mut self, rx: &Levels) -> Result<Levels, SimError> {
        (**self).run(rx)
    }

    fn time_scale(&self) -> u32 {
        (**self).time_scale()
    }
}

impl<P: Pins + ?Sized> Pins for &mut P {
    fn run(&mut self, rx: &Levels) -> Result<Levels, SimError> {
        (**self).run(rx)
    }

    fn time_scale(&self) -> u32 {
        (**self).time_scale()
    }
}

/// Levels of a pin over successive clock cycles, as runs of equal ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// Level and number of cycles.
    runs: Vec<(bool, u32)>,
}

impl Levels {
    /// Appends one cycle.
    pub fn push(&mut self, level: bool) {
        self.extend(level, 1);
    }

    /// Appends `cycles` cycles of one level.
    pub fn extend(&mut self, level: bool, cycles: u32) {
        match self.runs.last_mut() {
            Some((last, count)) if *last == level && u32::MAX - *count >= cycles => *count += cycles,
            _ => self.runs.push((level, cycles)),
        }
    }

    /// The runs in order.
    pub fn runs(&self) -> &[(bool, u32)] {
        &self.runs
    }

    /// Number of cycles.
    pub fn cycles(&self) -> u64 {
        self.runs.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// The level of each cycle.
    pub fn iter(&self) -> impl Iterator<Item = bool> {
        self.runs.iter().flat_map(|(level, count)| std::iter::repeat_n(*level, *count as usize))
    }
}
