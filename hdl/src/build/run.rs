//! Running the stages.

use super::stages::{Stage, Tool, bitstream, stages};
use super::tools::share_folder;
use super::{BuildError, Installed, Tools, timing};
use crate::artifacts::{self, Compiled};
use crate::board::{Board, Family};
use compiler::report::{Measured, Report};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A build about to be run.
#[derive(Clone, Debug)]
pub struct Build {
    folder: PathBuf,
    board: Board,
    report: Report,
}

/// What a build made.
#[derive(Clone, Debug, PartialEq)]
pub struct Built {
    /// The bitstream.
    pub bitstream: PathBuf,
    /// The report, measured figures included, as in `report.json`.
    pub report: Report,
}

/// What a build is at.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// A stage begins.
    Begins {
        /// Its name.
        stage: &'a str,
        /// Where placement begins.
        seed: u32,
        /// What runs it.
        tool: &'a Installed,
    },
    /// A stage is over.
    Ends {
        /// Its name.
        stage: &'a str,
        /// How long it took.
        elapsed: Duration,
    },
}

impl Build {
    /// The build of the compiled directory `folder`.
    ///
    /// # Errors
    /// Where it was compiled for no board of this program.
    pub fn new(compiled: &Compiled, folder: &Path) -> Result<Self, BuildError> {
        let device = compiled.manifest.device.as_ref();
        let device = device.ok_or_else(|| BuildError::NoBoard { folder: folder.to_owned() })?;
        Ok(Build { folder: folder.to_owned(), board: Board::find(&device.board)?, report: compiled.report() })
    }

    /// Makes the bitstream with the best of `seeds` placements, and writes what was measured into `report.json`. The
    /// folder `build` keeps logs, netlist and reports.
    ///
    /// # Errors
    /// Where a tool is missing or fails, or the design does not fit or is too slow.
    pub fn run(&self, tools: &Tools, seeds: u32, mut tell: impl FnMut(Event)) -> Result<Built, BuildError> {
        let family = self.board.facts.fpga.family;
        let [synthesis, place_and_route, pack] = stages(&self.board, 1).map(|stage| tools.find(stage.tool));
        let (yosys, nextpnr, packer) = (synthesis?, place_and_route?, pack?);
        let build = self.folder.join("build");
        fs::create_dir_all(&build).map_err(file("create", &build))?;
        let bitstream = build.join(bitstream(family));
        // What is there after a failure must not look like this build's.
        for stale in [&bitstream, &build.join("netlist.v"), &build.join("netlist.json"), &build.join("timing.json")] {
            if stale.exists() {
                fs::remove_file(stale).map_err(file("remove", stale))?;
            }
        }
        self.write_report(&self.report)?;
        let mut run = |stage: &Stage, tool: &Installed, seed: u32| {
            tell(Event::Begins { stage: stage.name, seed, tool });
            let start = Instant::now();
            self.stage(stage, tool, &build)?;
            tell(Event::Ends { stage: stage.name, elapsed: start.elapsed() });
            Ok::<(), BuildError>(())
        };
        let [synthesis, _, pack] = stages(&self.board, 1);
        run(&synthesis, &yosys, 1)?;
        self.copy_cells(&yosys.program, &build)?;
        let mut place = |seed: u32| {
            let [_, place_and_route, _] = stages(&self.board, seed);
            run(&place_and_route, &nextpnr, seed)?;
            Ok::<_, BuildError>((seed, timing::measured(&build, family)?))
        };
        // Another placement may succeed where the one before found no way.
        let mut best = place(1);
        for seed in 2..=seeds {
            best = faster(best, place(seed));
        }
        let (seed, measured) = best?;
        let report = Report { measured: Some(measured), ..self.report.clone() };
        self.write_report(&report)?;
        if measured.fmax_mhz < self.board.clock_mhz() {
            let clock_mhz = self.board.clock_mhz();
            return Err(BuildError::Timing { clock_mhz, seeds, fmax_mhz: measured.fmax_mhz });
        }
        // The packer takes the last placement.
        if seed < seeds {
            place(seed)?;
        }
        run(&pack, &packer, seed)?;
        Ok(Built { bitstream, report })
    }

    fn write_report(&self, report: &Report) -> Result<(), BuildError> {
        Ok(artifacts::write_report(report, &self.folder)?)
    }

    fn stage(&self, stage: &Stage, tool: &Installed, build: &Path) -> Result<(), BuildError> {
        let log = build.join(stage.log());
        let out = File::create(&log).map_err(file("write", &log))?;
        let again = out.try_clone().map_err(file("write", &log))?;
        let mut command = Command::new(&tool.program);
        command.args(&stage.arguments).current_dir(build).stdin(Stdio::null()).stdout(out).stderr(again);
        let status = command.status().map_err(file("run", &tool.program))?;
        if status.success() {
            return Ok(());
        }
        let text = fs::read(&log).map_err(file("read", &log))?;
        let text = String::from_utf8_lossy(&text);
        let no_room =
            text.lines().find(|line| line.contains("ERROR") && NO_ROOM.iter().any(|sign| line.contains(sign)));
        if let (Some(line), Tool::NextpnrEcp5 | Tool::NextpnrIce40) = (no_room, stage.tool) {
            let reason = line.trim_start_matches("ERROR: ").trim().to_owned();
            return Err(BuildError::DoesNotFit { board: self.board.name.clone(), reason, log });
        }
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
        Err(BuildError::Stage { stage: stage.name, tool: stage.tool.name(), status: status.to_string(), tail, log })
    }

    /// Puts yosys' simulation models of the family's cells beside the netlist, in one file. Without them the netlist
    /// cannot be simulated, but the bitstream is none the worse.
    fn copy_cells(&self, yosys: &Path, build: &Path) -> Result<(), BuildError> {
        let family = match self.board.facts.fpga.family {
            Family::Ecp5 => "ecp5",
            Family::Ice40 => "ice40",
        };
        let Some(share) = share_folder(yosys).map(|share| share.join(family)) else {
            return Ok(());
        };
        let text = with_includes(&share, "cells_sim.v")?;
        let path = build.join("cells_sim.v");
        fs::write(&path, text).map_err(file("write", &path))
    }
}

type Placement = Result<(u32, Measured), BuildError>;

/// The placement with the higher clock, the first one on ties and where both failed.
fn faster(first: Placement, second: Placement) -> Placement {
    match (&first, &second) {
        (Ok((_, a)), Ok((_, b))) if b.fmax_mhz > a.fmax_mhz => second,
        (Err(_), Ok(_)) => second,
        (Ok(_) | Err(_), Ok(_) | Err(_)) => first,
    }
}

/// What nextpnr says where a chip is full.
const NO_ROOM: [&str; 3] = ["Unable to place", "unable to place", "Unable to find legal placement"];

/// Lines of a failed tool's log that an error shows.
const LOG_LINES: usize = 12;

/// The text of a Verilog file of `folder`, the files that it includes in their places.
fn with_includes(folder: &Path, name: &str) -> Result<String, BuildError> {
    let path = folder.join(name);
    let text = fs::read_to_string(&path).map_err(file("read", &path))?;
    let mut whole = String::with_capacity(text.len());
    for line in text.lines() {
        match line.trim().strip_prefix("`include \"").and_then(|rest| rest.strip_suffix('"')) {
            Some(included) => whole += &with_includes(folder, included)?,
            None => whole += line,
        }
        whole.push('\n');
    }
    Ok(whole)
}

fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> BuildError {
    let path = path.to_owned();
    move |source| BuildError::File { action, path, source }
}
