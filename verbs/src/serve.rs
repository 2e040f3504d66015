//! `simulate --serve`: a simulated board and a simulated card for hosts in other processes.

use crate::engine::{gates, sources};
use crate::engine_error::EngineError;
use crate::error::VerbError;
use crate::observer::Observer;
use crate::simulate::{Simulator, compiled};
use flow::artifacts::{Compiled, Trust};
use serde::Serialize;
use sim::board::{Pins, RtlBoard, Served, SimulatedLine, VerilatedBoard, device_of};
use sim::card::{BarFile, RtlSlave, ServedCard, Slave, VerilatedSlave, has_slave};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use tempfile::TempDir;

/// What to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// A directory that `compile` wrote.
    pub folder: PathBuf,
    /// What simulates it.
    pub simulator: Simulator,
    /// The file that stands for the card's memory, which must be new; a temporary one where none is given.
    pub bar: Option<PathBuf>,
    /// Whether files of the directory are executed as they lie.
    pub trust: Trust,
}

/// Where board and card answer.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Ready<'a> {
    /// Name of the board.
    pub board: Option<&'a str>,
    /// The pseudo-terminal that is its serial line.
    pub port: Option<&'a str>,
    /// The line's rate in baud.
    pub baud: Option<u32>,
    /// The file that is the card's memory.
    pub bar: Option<&'a Path>,
}

type BoardPins = Box<dyn Pins + Send>;
type CardSlave = Box<dyn Slave + Send>;

/// A simulation that is built and does not answer yet.
pub struct Prepared {
    compiled: Box<Compiled>,
    room: Option<TempDir>,
    bar: Option<PathBuf>,
    board: Option<(SimulatedLine<BoardPins>, Served)>,
    slave: Option<CardSlave>,
}

/// Board and card that answer while they [run](Serving::run). Their files are removed when this is dropped.
pub struct Serving {
    compiled: Box<Compiled>,
    /// Where the simulation's files lie.
    _room: Option<TempDir>,
    board: Option<(SimulatedLine<BoardPins>, Served)>,
    card: Option<ServedCard<CardSlave>>,
}

/// Builds the simulation of the board and of a card with the design of a directory. A directory that was compiled for no
/// board has a card only, and a netlist a board only.
///
/// # Errors
/// Where there is nothing to serve, or the simulation cannot be built.
pub fn prepare(options: &Options, observer: &dyn Observer) -> Result<Prepared, VerbError> {
    let Options { folder, simulator, bar, trust } = options;
    let compiled = compiled(folder)?;
    let (compiled, room) = match simulator {
        Simulator::Verilator => {
            let (sources, room) = sources(&compiled, folder, *trust, observer)?;
            (Box::new(sources.compiled().clone()), Some(room))
        }
        Simulator::Rtl | Simulator::Gates => (compiled, None),
    };
    let sources = room.as_ref().map_or(folder.as_path(), TempDir::path);
    let pins = match (simulator, compiled.manifest.device.is_some()) {
        (_, false) => None,
        (Simulator::Verilator, true) => Some(Box::new(VerilatedBoard::of_rtl(&compiled, sources)?) as BoardPins),
        (Simulator::Gates, true) => Some(Box::new(gates(&compiled, folder, *trust)?) as BoardPins),
        (Simulator::Rtl, true) => Some(Box::new(RtlBoard::new(&compiled)?) as BoardPins),
    };
    let slave = match simulator {
        Simulator::Gates if bar.is_some() => return Err(EngineError::NoBar.into()),
        Simulator::Gates => None,
        Simulator::Rtl | Simulator::Verilator if bar.is_none() && pins.is_some() && !has_slave(&compiled) => None,
        Simulator::Rtl => Some(Box::new(RtlSlave::new(&compiled)?) as CardSlave),
        Simulator::Verilator => Some(Box::new(VerilatedSlave::new(&compiled, sources)?) as CardSlave),
    };
    let board = match pins {
        Some(pins) => Some((SimulatedLine::new(pins, device_of(&compiled.manifest)?)?, Served::open()?)),
        None => None,
    };
    if board.is_none() && slave.is_none() {
        device_of(&compiled.manifest)?;
    }
    Ok(Prepared { compiled, room, bar: bar.clone(), board, slave })
}

impl Prepared {
    /// Makes the card's memory. From here on there are files that a program which ends must remove, by dropping what it
    /// holds.
    ///
    /// # Errors
    /// Where the memory cannot be made.
    pub fn open(self) -> Result<Serving, VerbError> {
        let Prepared { compiled, room, bar, board, slave } = self;
        let card = match slave {
            Some(slave) => Some(ServedCard::new(slave, BarFile::create(bar.as_deref())?)?),
            None => None,
        };
        Ok(Serving { compiled, _room: room, board, card })
    }
}

impl Serving {
    /// Where board and card answer.
    pub fn ready(&self) -> Ready<'_> {
        let device = self.compiled.manifest.device.as_ref();
        Ready {
            board: device.map(|device| device.board.as_str()),
            port: self.board.as_ref().map(|(_, served)| served.path()),
            baud: device.map(|device| device.baud),
            bar: self.card.as_ref().map(ServedCard::path),
        }
    }

    /// Answers until `stop` is true.
    ///
    /// # Errors
    /// Where the simulation fails.
    pub fn run(mut self, stop: &AtomicBool) -> Result<(), VerbError> {
        let go_on = || !stop.load(Ordering::Relaxed);
        // Where one of them fails, the other one ends too. What fails once this program is to end was asked to end as well.
        let until_failure = |result: Result<(), sim::SimError>| {
            if stop.swap(true, Ordering::Relaxed) { Ok(()) } else { result }
        };
        let (board, card) = (&mut self.board, &mut self.card);
        let results = thread::scope(|scope| {
            let board =
                board.as_mut().map(|(line, served)| scope.spawn(move || until_failure(served.run(line, go_on))));
            let card = card.as_mut().map(|card| scope.spawn(move || until_failure(card.run(go_on))));
            [board, card].map(|thread| {
                thread.map_or(Ok(()), |thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
            })
        });
        results.into_iter().try_for_each(|result| result.map_err(VerbError::from))
    }
}
