//! Devices on simulated boards, opened as those on boards are.

use super::{Pins, RtlBoard, SimulatedLine, device_of};
use crate::SimError;
use hdl::artifacts::{self, Compiled};
use host::{Device, FrameBus};
use std::path::Path;

/// A device that the host runtime drives through the UART's pins of a simulated board.
pub type SimulatedDevice<P> = Device<FrameBus<SimulatedLine<P>>>;

/// Opens the board that the directory `folder` was compiled for, simulated by rust-hdl, as the device of `compiled`: the
/// same directory, or the answer is that another design was found.
///
/// # Errors
/// Where the directory is none or was compiled for no board, or the device is not that of `compiled`.
pub fn open(folder: &Path, compiled: &Compiled) -> Result<SimulatedDevice<RtlBoard>, SimError> {
    let simulated = artifacts::read(folder)?;
    open_pins(RtlBoard::new(&simulated)?, &simulated, compiled)
}

/// Opens the board of `simulated`, whose pins are `pins`, as the device of `compiled`.
///
/// A simulated device begins as the design was compiled, so it is given what was loaded since.
///
/// # Errors
/// Where `simulated` was compiled for no board, or the device is not that of `compiled`.
pub fn open_pins<P: Pins>(pins: P, simulated: &Compiled, compiled: &Compiled) -> Result<SimulatedDevice<P>, SimError> {
    let bus = FrameBus::new(SimulatedLine::new(pins, device_of(simulated)?)?);
    let device = match &compiled.built {
        None => Device::open(bus, &compiled.manifest),
        Some(_) => {
            let segments = artifacts::segments(&compiled.plan).map_err(artifacts::ArtifactsError::from)?;
            Device::load(bus, &compiled.manifest, &segments)
        }
    };
    Ok(device?)
}
