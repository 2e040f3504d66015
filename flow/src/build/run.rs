//! A build: the stages in order, placements until one meets timing.

use super::cells::cells_of;
use super::stage::{Event, Workshop};
use super::{BuildError, Installed, Tools, timing};
use crate::artifacts::{self, Lock, Sources};
use crate::atomic::Partial;
use crate::board::Board;
use crate::commands::{Implementation, Stages, stages};
use abi::manifest::{DeviceManifest, Manifest};
use compiler::report::{Measured, Report};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// A build about to be run.
#[derive(Clone, Debug)]
pub struct Build {
    folder: PathBuf,
    sources: Sources,
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

/// What came of the stages.
struct Outcome {
    /// What was measured, by the best placement where none will do.
    measured: Option<Measured>,
    /// The bitstream's name.
    result: Result<Option<&'static str>, BuildError>,
}

impl From<BuildError> for Outcome {
    fn from(error: BuildError) -> Self {
        Outcome { measured: None, result: Err(error) }
    }
}

impl Build {
    /// The build of the compiled directory `folder` from `sources`.
    ///
    /// # Errors
    /// Where it was compiled for no board of this program.
    pub fn new(sources: Sources, folder: &Path) -> Result<Self, BuildError> {
        let compiled = sources.compiled();
        let (device, board) = device_and_board(&compiled.manifest, folder)?;
        let (clock_hertz, report) = (device.clock_hertz, compiled.report());
        Ok(Build { folder: folder.to_owned(), sources, board, clock_hertz, report })
    }

    /// Makes the bitstream with the first of `seeds` placements that meets timing, and writes what was measured into
    /// `report.json`; where no open tools place and route, the results of synthesis. The folder `build` keeps logs, netlist and
    /// reports, also of a build that fails; one that is stopped leaves what was there before.
    ///
    /// # Errors
    /// Where a tool is missing or fails, another build is at work, the design does not fit or is too slow, or `stop` became
    /// true.
    pub fn run(
        &self,
        tools: &Tools,
        seeds: u32,
        stop: &AtomicBool,
        mut notify: impl FnMut(Event),
    ) -> Result<Built, BuildError> {
        let first = stages(&self.board, self.clock_hertz, 1);
        let found = first.iter().map(|stage| tools.find(stage.tool)).collect::<Result<Vec<Installed>, _>>()?;
        let lock = Lock::take(&self.folder)?;
        let place = self.folder.join("build");
        let partial = Partial::folder(&place).map_err(file("create", &place))?;
        self.sources.lay(partial.path())?;
        let room = partial.path().join("build");
        fs::create_dir(&room).map_err(file("create", &room))?;
        let mut workshop = Workshop {
            room,
            place: place.clone(),
            lock: &lock,
            stop,
            board: &self.board,
            fps: self.report.fps,
            notify: &mut notify,
        };
        let Outcome { measured, result } = self.make(&first, &found, seeds, &mut workshop);
        if let Err(stopped @ BuildError::Stopped { .. }) = result {
            return Err(stopped);
        }
        partial.publish_folder("build").map_err(file("write", &place))?;
        let report = Report { measured, ..self.report.clone() };
        artifacts::write_report(&report, &self.folder)?;
        Ok(Built { bitstream: result?.map(|name| place.join(name)), report })
    }

    fn make(&self, stages: &Stages, found: &[Installed], seeds: u32, workshop: &mut Workshop) -> Outcome {
        let synthesised = workshop
            .run(&stages.synthesis, &found[0], 1)
            .and_then(|()| self.copy_cells(&found[0].program, &workshop.room));
        if let Err(error) = synthesised {
            return error.into();
        }
        let Some(implementation) = &stages.implementation else {
            return match timing::synthesised(&workshop.room) {
                Ok(measured) => Outcome { measured: Some(measured), result: Ok(None) },
                Err(error) => workshop.published(error).into(),
            };
        };
        let place = |seed| Self::place(implementation, &found[1], seed, workshop);
        let measured = match self.first_in_time(seeds, place) {
            Ok(measured) => measured,
            Err(outcome) => return *outcome,
        };
        match workshop.make(&implementation.pack, &found[2], implementation.bitstream) {
            Ok(()) => Outcome { measured: Some(measured), result: Ok(Some(implementation.bitstream)) },
            Err(error) => error.into(),
        }
    }

    /// What the placement from `seed` measures.
    fn place(
        implementation: &Implementation,
        tool: &Installed,
        seed: u32,
        workshop: &mut Workshop,
    ) -> Result<Measured, BuildError> {
        // That of the placement before would look like this one's.
        let report = workshop.room.join(timing::REPORT);
        if report.exists() {
            fs::remove_file(&report).map_err(file("remove", &report))?;
        }
        workshop.run(&implementation.placed_from(&seed.to_string()), tool, seed)?;
        let family = workshop.board.facts.fpga.family;
        timing::placed(&workshop.room, family).map_err(|error| workshop.published(error))
    }

    /// What the first placement that meets timing measures.
    fn first_in_time(
        &self,
        seeds: u32,
        mut place: impl FnMut(u32) -> Result<Measured, BuildError>,
    ) -> Result<Measured, Box<Outcome>> {
        let clock_mhz = self.report.clock_mhz;
        let speed = |measured: &Measured| measured.fmax_mhz.unwrap_or_default();
        let (mut best, mut failure, mut tried): (Option<Measured>, Option<BuildError>, u32) = (None, None, 0);
        for seed in 1..=seeds {
            tried = seed;
            match place(seed) {
                Ok(measured) if speed(&measured) >= clock_mhz => return Ok(measured),
                Ok(measured) => {
                    if best.as_ref().is_none_or(|best| speed(best) < speed(&measured)) {
                        best = Some(measured);
                    }
                    if speed(&measured) < HOPELESS * clock_mhz {
                        break;
                    }
                }
                Err(error @ (BuildError::DoesNotFit { is_certain: true, .. } | BuildError::Stopped { .. })) => {
                    return Err(Box::new(error.into()));
                }
                // Another placement may succeed where this one found no way, or held a signal too shortly.
                Err(error) => failure = Some(error),
            }
        }
        if let (None, Some(failure)) = (&best, failure) {
            return Err(Box::new(failure.into()));
        }
        let fmax_mhz = best.as_ref().map_or(0.0, speed);
        let result = Err(BuildError::Timing { clock_mhz, tried, fmax_mhz, help: self.faster(fmax_mhz, tried) });
        Err(Box::new(Outcome { measured: best, result }))
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

    /// Puts yosys' simulation models of the family's cells beside the netlist, in one file. Without them the netlist
    /// cannot be simulated, but the bitstream is none the worse.
    fn copy_cells(&self, yosys: &Path, room: &Path) -> Result<(), BuildError> {
        let Some(text) = cells_of(yosys, self.board.facts.fpga.family)? else { return Ok(()) };
        let path = room.join("cells_sim.v");
        fs::write(&path, text).map_err(file("write", &path))
    }
}

/// The device that the directory `folder` with this manifest was compiled for, and its board.
pub(super) fn device_and_board<'a>(
    manifest: &'a Manifest,
    folder: &Path,
) -> Result<(&'a DeviceManifest, Board), BuildError> {
    let device = manifest.device.as_ref();
    let device = device.ok_or_else(|| BuildError::NoBoard { folder: folder.to_owned() })?;
    Ok((device, Board::find(&device.board)?))
}

/// Where a placement reaches less than this part of the clock, no other one is tried: placements differ by less.
const HOPELESS: f64 = 0.8;

fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> BuildError {
    let path = path.to_owned();
    move |source| BuildError::File { action, path, source }
}
