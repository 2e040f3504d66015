//! The slave simulated by rust-hdl.

use super::{Slave, TIME_SCALE, check_windows, closed, refused};
use crate::SimError;
use flow::artifacts::Compiled;
use hdl::shell::BUS_ADDRESS_BITS;
use hdl::shell::mapped_core::MappedCore;
use hdl::shell::wishbone_device::WishboneDevice;
use hdl::wire::{NotSettled, Simulation, Word};
use host::{Bus, BusError};

/// Most clock cycles of an access; the slave answers in its sixth.
const MAX_CYCLES: usize = 16;

/// A slave in rust-hdl.
#[derive(Debug)]
pub struct RtlSlave {
    simulation: Simulation<WishboneDevice>,
}

impl RtlSlave {
    /// The slave of a compiled directory.
    ///
    /// # Errors
    /// Where an image of the network is too large for windows.
    pub fn new(compiled: &Compiled) -> Result<Self, SimError> {
        let hash = compiled.manifest.design_hash_bytes();
        let hash = hash.ok_or(SimError::Internal("a manifest was read without a check of its design hash"))?;
        // What was loaded since is not in the design.
        let plan = compiled.built_plan();
        let core = hdl::design::design(&plan)?.pipeline;
        let facts = flow::soc::facts(&plan, core.weight_words(), hash);
        check_windows(&facts, compiled)?;
        let mapped = MappedCore::new(core, (&plan.input_format(), &plan.output_format()), &facts);
        Ok(RtlSlave { simulation: Simulation::new(WishboneDevice::new(flow::soc::WISHBONE, mapped)) })
    }

    /// One bus cycle: the word read, `None` where the slave ends it badly.
    fn cycle(&mut self, address: u32, write: Option<u32>) -> Result<Option<u32>, NotSettled> {
        let top = &mut self.simulation.top;
        top.wb.adr_i.next = Word::new(u64::from(address), BUS_ADDRESS_BITS);
        top.wb.we_i.next = write.is_some();
        top.wb.dat_i.next = Word::new(u64::from(write.unwrap_or(0)), 32);
        top.wb.sel_i.next = Word::ones(4);
        (top.wb.cyc_i.next, top.wb.stb_i.next) = (true, true);
        let mut answer = None;
        for _ in 0..MAX_CYCLES {
            self.simulation.settle()?;
            let top = &self.simulation.top;
            let (ack, err, word) = (top.wb.ack_o.val(), top.wb.err_o.val(), top.wb.dat_o.val().low() as u32);
            self.simulation.tick()?;
            if ack || err {
                answer = ack.then_some(word);
                break;
            }
        }
        let top = &mut self.simulation.top;
        (top.wb.cyc_i.next, top.wb.stb_i.next) = (false, false);
        Ok(answer)
    }
}

impl Bus for RtlSlave {
    fn read(&mut self, address: u32, words: &mut [u32]) -> Result<(), BusError> {
        let count = words.len();
        for (word, place) in words.iter_mut().zip((address..).step_by(4)) {
            *word = self.cycle(place, None).map_err(closed)?.ok_or_else(|| refused("read", address, count))?;
        }
        Ok(())
    }

    fn write(&mut self, address: u32, words: &[u32]) -> Result<(), BusError> {
        for (word, place) in words.iter().zip((address..).step_by(4)) {
            let done = self.cycle(place, Some(*word)).map_err(closed)?;
            done.ok_or_else(|| refused("write", address, words.len()))?;
        }
        Ok(())
    }

    fn time_scale(&self) -> u32 {
        TIME_SCALE
    }
}

impl Slave for RtlSlave {
    fn pass(&mut self, cycles: u32) -> Result<(), BusError> {
        (0..cycles).try_for_each(|_| self.simulation.step().map(drop)).map_err(closed)
    }

    fn cycles(&self) -> u32 {
        self.simulation.cycle() as u32
    }
}
