//! The board's top module in Verilator: a program that runs on demand.
//!
//! Requests and answers are of one form: a count of runs, then for each run its level and its number of cycles.

use super::{Levels, Netlist, Pins, cells, family_of};
use crate::SimError;
use crate::verilator::{Process, Program};
use flow::artifacts::Compiled;
use std::path::{Path, PathBuf};

const HARNESS: &str = include_str!("harness.cpp");

/// Cells of an iCE40 give their inputs default values in a way that Verilator does not know. The rest is for the C++
/// compiler, which takes minutes over the initial contents of many memories unless they lie in files of their own, compiled
/// without optimisation.
const NETLIST_FLAGS: &[&str] = &[
    "-DNO_ICE40_DEFAULT_ASSIGNMENTS",
    "--x-assign",
    "0",
    "-MAKEFLAGS",
    "VM_PARALLEL_BUILDS=1",
    "-MAKEFLAGS",
    "OPT_SLOW=-O0",
];

/// A board in Verilator.
#[derive(Debug)]
pub struct VerilatedBoard {
    process: Process,
}

impl VerilatedBoard {
    /// The board's Verilog, as [`Sources`](flow::artifacts::Sources) or `compile` wrote it into `folder`, which must be there
    /// for as long as this is. It is executed.
    ///
    /// # Errors
    /// Where the directory was compiled for no board, or Verilator is missing or refuses it.
    pub fn of_rtl(compiled: &Compiled, folder: &Path) -> Result<Self, SimError> {
        let device = super::device_of(&compiled.manifest)?;
        let is_verilog = |file: &&String| file.ends_with(".v");
        let core = &compiled.manifest.files;
        let board = device.files.iter().map(|file| format!("../board/{file}"));
        let verilog: Vec<PathBuf> = core
            .iter()
            .filter(is_verilog)
            .cloned()
            .chain(board.filter(|file| file.ends_with(".v")))
            .map(Into::into)
            .collect();
        let memories: Vec<PathBuf> = core.iter().filter(|file| !file.ends_with(".v")).map(Into::into).collect();
        let plls = cells::plls(family_of(device)?);
        Self::start(&device.top, &folder.join("rtl"), &verilog, &memories, &[], plls)
    }

    /// The netlist that `build` made of a design.
    ///
    /// # Errors
    /// Where the design was compiled for no board, or Verilator is missing or refuses the netlist.
    pub fn of_netlist(compiled: &Compiled, netlist: &Netlist) -> Result<Self, SimError> {
        let device = super::device_of(&compiled.manifest)?;
        let mut texts = vec![("netlist.v", netlist.text.as_str()), ("cells_sim.v", netlist.cells.as_str())];
        texts.extend(&netlist.own);
        Self::start(&device.top, &netlist.folder, &[], &[], NETLIST_FLAGS, &texts)
    }

    /// Starts the module `top` of the given files, which lie in `folder`, and of `cells`, by name and text.
    pub(super) fn start(
        top: &str,
        folder: &Path,
        verilog: &[PathBuf],
        memories: &[PathBuf],
        flags: &[&str],
        cells: &[(&'static str, &str)],
    ) -> Result<Self, SimError> {
        let folder = folder.canonicalize().map_err(SimError::file("open", folder))?;
        let texts = [&[("harness.cpp", HARNESS)], cells].concat();
        let program = Program { top, folder: &folder, verilog, memories, texts: &texts, flags, wave: false };
        Ok(VerilatedBoard { process: Process::start(&program)? })
    }

    fn exchange(&mut self, rx: &Levels) -> std::io::Result<Levels> {
        let mut words = vec![rx.runs().len() as u32];
        words.extend(rx.runs().iter().flat_map(|(level, cycles)| [u32::from(*level), *cycles]));
        self.process.send(&words)?;
        let mut tx = Levels::default();
        for _ in 0..self.process.receive()? {
            let level = self.process.receive()? != 0;
            tx.extend(level, self.process.receive()?);
        }
        Ok(tx)
    }
}

impl Pins for VerilatedBoard {
    fn run(&mut self, rx: &Levels) -> Result<Levels, SimError> {
        let program = self.process.program().clone();
        self.exchange(rx).map_err(SimError::file("drive the simulation", &program))
    }

    fn time_scale(&self) -> u32 {
        // A netlist makes some 5 * 10^5 cycles a second of 10^7 on the board, Verilog more.
        200
    }
}
