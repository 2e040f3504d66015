//! The slave in Verilator: a program that runs on demand.
//!
//! A request is a kind, a byte address and a count: [`READ`] that many words, [`WRITE`] the words that follow, or let that
//! many cycles [`PASS`]. The answer is the number of words that the slave took or gave and that of all cycles so far, followed by
//! the words it gave.

use super::{Slave, TIME_SCALE, check_windows, closed, refused};
use crate::SimError;
use crate::verilator::{Process, Program};
use flow::artifacts::Compiled;
use host::{Bus, BusError};
use std::path::{Path, PathBuf};

const HARNESS: &str = include_str!("harness.cpp");

const READ: u32 = 0;
const WRITE: u32 = 1;
const PASS: u32 = 2;

/// A slave in Verilator.
#[derive(Debug)]
pub struct VerilatedSlave {
    process: Process,
    cycles: u32,
}

impl VerilatedSlave {
    /// The slave's Verilog, as [`Sources`](flow::artifacts::Sources) or `compile` wrote it into `folder`, which must be there
    /// for as long as this is. It is executed.
    ///
    /// # Errors
    /// Where an image of the network is too large for windows, or Verilator is missing or refuses it.
    pub fn new(compiled: &Compiled, folder: &Path) -> Result<Self, SimError> {
        check_windows(&flow::soc::facts(&compiled.plan, 0, [0; 32]), compiled)?;
        let folder = folder.join("rtl");
        let folder = folder.canonicalize().map_err(SimError::file("open", &folder))?;
        let is_verilog = |file: &&String| file.ends_with(".v");
        let core = &compiled.manifest.files;
        let mut verilog: Vec<PathBuf> = core.iter().filter(is_verilog).map(Into::into).collect();
        let prefix = &compiled.prefix;
        verilog.push(Path::new("..").join(flow::soc::FOLDER).join(prefix.name(flow::soc::VERILOG)));
        let memories: Vec<PathBuf> = core.iter().filter(|file| !file.ends_with(".v")).map(Into::into).collect();
        let program = Program {
            top: &prefix.name(flow::soc::WISHBONE),
            folder: &folder,
            verilog: &verilog,
            memories: &memories,
            texts: &[("harness.cpp", HARNESS)],
            flags: &[],
            wave: false,
        };
        Ok(VerilatedSlave { process: Process::start(&program)?, cycles: 0 })
    }

    /// Sends a request and gives the number of words of the answer.
    fn request(&mut self, kind: u32, address: u32, count: usize, words: &[u32]) -> Result<usize, BusError> {
        let request = [&[kind, address, count as u32], words].concat();
        self.process.send(&request).map_err(closed)?;
        let done = self.process.receive().map_err(closed)?;
        self.cycles = self.process.receive().map_err(closed)?;
        Ok(done as usize)
    }
}

impl Bus for VerilatedSlave {
    fn read(&mut self, address: u32, words: &mut [u32]) -> Result<(), BusError> {
        let given = self.request(READ, address, words.len(), &[])?;
        let given = words.get_mut(..given).ok_or_else(|| closed("the harness answered more than it was asked"))?;
        for word in &mut *given {
            *word = self.process.receive().map_err(closed)?;
        }
        if given.len() < words.len() {
            return Err(refused("read", address, words.len()));
        }
        Ok(())
    }

    fn write(&mut self, address: u32, words: &[u32]) -> Result<(), BusError> {
        if self.request(WRITE, address, words.len(), words)? < words.len() {
            return Err(refused("write", address, words.len()));
        }
        Ok(())
    }

    fn time_scale(&self) -> u32 {
        TIME_SCALE
    }
}

impl Slave for VerilatedSlave {
    fn pass(&mut self, cycles: u32) -> Result<(), BusError> {
        self.request(PASS, 0, cycles as usize, &[]).map(drop)
    }

    fn cycles(&self) -> u32 {
        self.cycles
    }
}
