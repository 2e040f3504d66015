//! Running the stages.

use super::lock::Lock;
use super::timing::Utilisation;
use super::tools::share_folder;
use super::{BuildError, Installed, Tools, timing};
use crate::artifacts::{self, Compiled};
use crate::board::Board;
use crate::commands::{Stage, stages};
use abi::manifest::DeviceManifest;
use compiler::report::{Measured, Report};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A build about to be run.
#[derive(Clone, Debug)]
pub struct Build {
    folder: PathBuf,
    board: Board,
    clock_hertz: u32,
    report: Report,
}

/// What a build made.
#[derive(Clone, Debug, PartialEq)]
pub struct Built {
    /// The bitstream; none where no open tools place and route for the board's FPGA.
    pub bitstream: Option<PathBuf>,
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
        let (device, board) = device_and_board(compiled, folder)?;
        Ok(Build { folder: folder.to_owned(), board, clock_hertz: device.clock_hertz, report: compiled.report() })
    }

    /// Makes the bitstream with the first of `seeds` placements that meets timing, and writes what was measured into
    /// `report.json`; where no open tools place and route, the results of synthesis. The folder `build` keeps logs, netlist and
    /// reports.
    ///
    /// # Errors
    /// Where a tool is missing or fails, another build is at work, or the design does not fit or is too slow.
    pub fn run(&self, tools: &Tools, seeds: u32, mut report: impl FnMut(Event)) -> Result<Built, BuildError> {
        let first = stages(&self.board, self.clock_hertz, 1);
        let found = first.iter().map(|stage| tools.find(stage.tool)).collect::<Result<Vec<Installed>, _>>()?;
        let build = self.folder.join("build");
        fs::create_dir_all(&build).map_err(file("create", &build))?;
        let lock = Lock::take(&build)?;
        // What is there after a failure must not look like this build's.
        let bitstream = self.board.facts.fpga.family.bitstream();
        for stale in bitstream.into_iter().chain(["netlist.v", "netlist.json", "timing.json"]) {
            let stale = build.join(stale);
            if stale.exists() {
                fs::remove_file(&stale).map_err(file("remove", &stale))?;
            }
        }
        self.write_report(&self.report)?;
        let mut run = |stage: &Stage, tool: &Installed, seed: u32| {
            report(Event::Begins { stage: stage.name, seed, tool });
            let start = Instant::now();
            self.stage(stage, tool, &build, &lock)?;
            report(Event::Ends { stage: stage.name, elapsed: start.elapsed() });
            Ok::<(), BuildError>(())
        };
        run(&first.synthesis, &found[0], 1)?;
        self.copy_cells(&found[0].program, &build)?;
        let Some(implementation) = &first.implementation else {
            let report = self.measured(timing::synthesised(&build)?)?;
            return Ok(Built { bitstream: None, report });
        };
        let mut place = |seed: u32| {
            run(&implementation.placed_from(&seed.to_string()), &found[1], seed)?;
            timing::placed(&build, self.board.facts.fpga.family)
        };
        let report = self.first_in_time(seeds, &mut place)?;
        run(&implementation.pack, &found[2], 1)?;
        Ok(Built { bitstream: Some(build.join(implementation.bitstream)), report })
    }

    /// The report of the first placement that meets timing.
    fn first_in_time(
        &self,
        seeds: u32,
        place: &mut impl FnMut(u32) -> Result<Measured, BuildError>,
    ) -> Result<Report, BuildError> {
        let clock_mhz = self.report.clock_mhz;
        let speed = |measured: &Measured| measured.fmax_mhz.unwrap_or_default();
        let (mut best, mut failure, mut tried): (Option<Measured>, Option<BuildError>, u32) = (None, None, 0);
        for seed in 1..=seeds {
            tried = seed;
            match place(seed) {
                Ok(measured) if speed(&measured) >= clock_mhz => return self.measured(measured),
                Ok(measured) => {
                    if best.as_ref().is_none_or(|best| speed(best) < speed(&measured)) {
                        best = Some(measured);
                    }
                    if speed(&measured) < HOPELESS * clock_mhz {
                        break;
                    }
                }
                Err(error @ BuildError::DoesNotFit { is_certain: true, .. }) => return Err(error),
                // Another placement may succeed where this one found no way, or held a signal too shortly.
                Err(error) => failure = Some(error),
            }
        }
        match (best, failure) {
            (Some(measured), _) => {
                self.measured(measured)?;
                let fmax_mhz = speed(&measured);
                Err(BuildError::Timing { clock_mhz, tried, fmax_mhz, help: self.faster(fmax_mhz, tried) })
            }
            (None, Some(failure)) => Err(failure),
            (None, None) => Err(BuildError::Timing { clock_mhz, tried, fmax_mhz: 0.0, help: self.faster(0.0, tried) }),
        }
    }

    /// What to do about a design that reaches `fmax_mhz` only.
    fn faster(&self, fmax_mhz: f64, tried: u32) -> String {
        let mut ways = Vec::new();
        // A little below, because the next design is placed otherwise.
        let whole = (1..=(fmax_mhz * 0.98) as u32).rev();
        let slower = whole.map(f64::from).find_map(|megahertz| {
            let clock = self.board.clock(megahertz).ok()?;
            (clock.megahertz() <= fmax_mhz).then_some(clock.megahertz())
        });
        if let Some(clock) = slower {
            ways.push(format!("compile with a slower clock (`--clock {clock}`)"));
        }
        ways.push(format!("compile for fewer than {:.0} images/s (`--target-fps`)", self.report.fps));
        if fmax_mhz >= HOPELESS * self.report.clock_mhz {
            ways.push(format!(
                "try more placements (`xnorforge build {} --seeds {}`)",
                self.folder.display(),
                4 * tried
            ));
        }
        ways.join(", or ")
    }

    /// Writes the report with `measured` in it.
    fn measured(&self, measured: Measured) -> Result<Report, BuildError> {
        let report = Report { measured: Some(measured), ..self.report.clone() };
        self.write_report(&report)?;
        Ok(report)
    }

    fn write_report(&self, report: &Report) -> Result<(), BuildError> {
        Ok(artifacts::write_report(report, &self.folder)?)
    }

    fn stage(&self, stage: &Stage, tool: &Installed, build: &Path, lock: &Lock) -> Result<(), BuildError> {
        let log = build.join(stage.log());
        let out = File::create(&log).map_err(file("write", &log))?;
        let again = out.try_clone().map_err(file("write", &log))?;
        let mut command = Command::new(&tool.program);
        command.args(&stage.arguments).current_dir(build).stdin(lock.stdin()).stdout(out).stderr(again);
        let status = command.status().map_err(file("run", &tool.program))?;
        if status.success() {
            return Ok(());
        }
        let text = fs::read(&log).map_err(file("read", &log))?;
        let text = String::from_utf8_lossy(&text);
        let table = timing::utilisation(&text);
        let over: Vec<String> = table
            .iter()
            .filter(|row| row.used > row.available)
            .map(|row| {
                let Utilisation { cell, used, available } = row;
                format!("{used} of {available} {cell} are needed, {} too many", used - available)
            })
            .collect();
        let no_room =
            text.lines().find(|line| line.contains("ERROR") && NO_ROOM.iter().any(|sign| line.contains(sign)));
        let no_room = no_room.map(|line| line.trim_start_matches("ERROR: ").trim().to_owned());
        let is_certain = !over.is_empty();
        if let Some(reason) = is_certain.then(|| over.join("; ")).or(no_room) {
            let (board, help) = (self.board.name.clone(), self.smaller(&table));
            return Err(BuildError::DoesNotFit { board, reason, is_certain, help, log });
        }
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
        Err(BuildError::Stage { stage: stage.name, tool: stage.tool.name(), status: status.to_string(), tail, log })
    }

    /// What to do about a design that takes more than there is.
    fn smaller(&self, table: &[Utilisation]) -> String {
        let uses = table.iter().map(|row| (row.cell.clone(), row.used)).collect();
        let needed = timing::resources(self.board.facts.fpga.family, &uses);
        let boards = needed.map_or_else(Vec::new, |needed| self.board.larger(&needed));
        let mut help =
            format!("compile for fewer than {:.0} images/s (`--target-fps`), a smaller network", self.report.fps);
        match boards.is_empty() {
            true => help += "; no board of this program holds it",
            false => help += &format!(", or a larger board: by these numbers it fits {}", boards.join(", ")),
        }
        help
    }

    /// Puts yosys' simulation models of the family's cells beside the netlist, in one file. Without them the netlist
    /// cannot be simulated, but the bitstream is none the worse.
    fn copy_cells(&self, yosys: &Path, build: &Path) -> Result<(), BuildError> {
        let Some(share) = share_folder(yosys).map(|share| share.join(self.board.facts.fpga.family.cells())) else {
            return Ok(());
        };
        let text = with_includes(&share, "cells_sim.v")?;
        let path = build.join("cells_sim.v");
        fs::write(&path, text).map_err(file("write", &path))
    }
}

/// The device that the directory `folder` was compiled for, and its board.
pub(super) fn device_and_board<'a>(
    compiled: &'a Compiled,
    folder: &Path,
) -> Result<(&'a DeviceManifest, Board), BuildError> {
    let device = compiled.manifest.device.as_ref();
    let device = device.ok_or_else(|| BuildError::NoBoard { folder: folder.to_owned() })?;
    Ok((device, Board::find(&device.board)?))
}

/// Where a placement reaches less than this part of the clock, no other one is tried: placements differ by less.
const HOPELESS: f64 = 0.8;

/// What nextpnr says where it finds no place for a cell.
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
