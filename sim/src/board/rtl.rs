//! The device simulated by rust-hdl.

use super::{Levels, Pins};
use crate::SimError;
use flow::artifacts::Compiled;
use flow::device;
use hdl::shell::device::Device;
use hdl::wire::Simulation;

/// A device in rust-hdl.
#[derive(Debug)]
pub struct RtlBoard {
    simulation: Simulation<Device>,
}

impl RtlBoard {
    /// The device of a directory that was compiled for a board.
    ///
    /// # Errors
    /// Where it was compiled for none.
    pub fn new(compiled: &Compiled) -> Result<Self, SimError> {
        let manifest = super::device_of(&compiled.manifest)?;
        let hash = compiled.manifest.design_hash_bytes();
        let hash = hash.ok_or(SimError::Internal("a manifest was read without a check of its design hash"))?;
        // What was loaded since is not in the bitstream.
        let plan = compiled.built_plan();
        let core = hdl::design::design(&plan)?.pipeline;
        let device = device::device(&plan, core, manifest, hash)?;
        Ok(RtlBoard { simulation: Simulation::new(device) })
    }
}

impl Pins for RtlBoard {
    fn run(&mut self, rx: &Levels) -> Result<Levels, SimError> {
        let mut tx = Levels::default();
        for level in rx.iter() {
            self.simulation.top.rx.next = level;
            self.simulation.settle()?;
            tx.push(self.simulation.top.tx.val());
            self.simulation.tick()?;
        }
        Ok(tx)
    }

    fn time_scale(&self) -> u32 {
        // Some 10^5 cycles a second of 10^7 on the board, and a machine that does other things as well.
        1000
    }
}
