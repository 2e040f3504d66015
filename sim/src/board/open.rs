//! Devices on simulated boards, opened as those on boards are.

use super::{RtlBoard, SimulatedLine, device_of};
use crate::SimError;
use flow::artifacts::{self, Compiled};
use host::{Device, FrameBus, Transport};
use std::path::Path;

/// A device that the host runtime drives over a line.
pub type LineDevice<T> = Device<FrameBus<T>>;

/// Opens the board that the directory `folder` was compiled for, simulated by rust-hdl, as the device of `compiled`: the
/// same directory, or the answer is that another design was found.
///
/// # Errors
/// Where the directory is none or was compiled for no board, or the device is not that of `compiled`.
pub fn open(folder: &Path, compiled: &Compiled) -> Result<LineDevice<SimulatedLine<RtlBoard>>, SimError> {
    let simulated = artifacts::read(folder)?;
    open_line(SimulatedLine::new(RtlBoard::new(&simulated)?, device_of(&simulated.manifest)?)?, compiled)
}

/// Opens the device of `compiled` at the end of `line`, whose board is simulated: it begins as the design was compiled, so it
/// is given what was loaded since.
///
/// # Errors
/// Where the device is not that of `compiled`.
pub fn open_line<T: Transport>(line: T, compiled: &Compiled) -> Result<LineDevice<T>, SimError> {
    let bus = FrameBus::new(line);
    let device = match &compiled.built {
        None => Device::open(bus, &compiled.manifest),
        Some(_) => {
            let segments = artifacts::segments(&compiled.plan).map_err(artifacts::ArtifactsError::from)?;
            Device::load(bus, &compiled.manifest, &segments)
        }
    };
    Ok(device?)
}
