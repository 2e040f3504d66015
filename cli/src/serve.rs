//! `simulate --serve`: a simulated board and a simulated card for hosts in other processes.

use crate::engine::{Engine, EngineError};
use crate::failure::{Exit, Failure};
use crate::output::announce;
use flow::artifacts::Compiled;
use serde::Serialize;
use signal_hook::consts::{SIGINT, SIGTERM};
use sim::board::{Pins, RtlBoard, Served, SimulatedLine, VerilatedBoard, device_of};
use sim::card::{BarFile, RtlSlave, ServedCard, Slave, VerilatedSlave, has_slave};
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// What `--json` prints once board and card answer.
#[derive(Debug, Serialize)]
struct Ready<'a> {
    board: Option<&'a str>,
    port: Option<&'a str>,
    baud: Option<u32>,
    bar: Option<&'a Path>,
}

type BoardPins = Box<dyn Pins + Send>;
type CardSlave = Box<dyn Slave + Send>;

/// Serves the board of `compiled` and a card with its design, simulated by `engine`, until this program is stopped. A
/// directory that was compiled for no board has a card only, and a netlist a board only.
///
/// # Errors
/// Where there is nothing to serve, the file `bar` cannot be made, or the simulation fails.
pub fn serve(
    compiled: &Compiled,
    folder: &Path,
    engine: &Engine,
    bar: Option<&Path>,
    json: bool,
) -> Result<(), Failure> {
    let pins = if compiled.manifest.device.is_some() { Some(pins(compiled, folder, engine)?) } else { None };
    let slave = match engine {
        Engine::Gates if bar.is_some() => return Err(EngineError::NoBar.into()),
        Engine::Gates => None,
        _ if bar.is_none() && pins.is_some() && !has_slave(compiled) => None,
        _ => Some(slave(compiled, folder, engine)?),
    };
    let mut board = match pins {
        Some(pins) => Some((SimulatedLine::new(pins, device_of(compiled)?)?, Served::open()?)),
        None => None,
    };
    if board.is_none() && slave.is_none() {
        device_of(compiled)?;
    }
    let stop = stopped()?;
    let mut card = match slave {
        Some(slave) => Some(ServedCard::new(slave, BarFile::create(bar)?)?),
        None => None,
    };
    let device = compiled.manifest.device.as_ref();
    let ready = Ready {
        board: device.map(|device| device.board.as_str()),
        port: board.as_ref().map(|(_, served)| served.path()),
        baud: device.map(|device| device.baud),
        bar: card.as_ref().map(ServedCard::path),
    };
    let text =
        if json { serde_json::to_string(&ready).map_err(anyhow::Error::from)? + "\n" } else { ready.text(folder) };
    // Nobody would learn where they answer.
    if !announce(&text)? {
        return Ok(());
    }
    let go_on = || !stop.load(Ordering::Relaxed);
    // Where one of them fails, the other one ends too. What fails once this program is to end was told to end as well.
    let until_failure = |result: Result<(), sim::SimError>| {
        if stop.swap(true, Ordering::Relaxed) { Ok(()) } else { result }
    };
    let results = thread::scope(|scope| {
        let board = board.as_mut().map(|(line, served)| scope.spawn(move || until_failure(served.run(line, go_on))));
        let card = card.as_mut().map(|card| scope.spawn(move || until_failure(card.run(go_on))));
        [board, card]
            .map(|thread| thread.map_or(Ok(()), |thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))))
    });
    results.into_iter().try_for_each(|result| result.map_err(Failure::from))
}

impl Ready<'_> {
    fn text(&self, folder: &Path) -> String {
        let folder = folder.display();
        let run =
            |engine: String| format!("run images on it with `xnorforge run {folder} --input X.npy --on {engine}`\n");
        let mut text = String::new();
        if let (Some(board), Some(port)) = (self.board, self.port) {
            text += &format!("a simulated {board} answers on {port} until this program is stopped\n");
            text += &run(format!("uart:{port}"));
        }
        if let Some(bar) = self.bar.map(Path::display) {
            text += &format!("a simulated card answers in {bar} until this program is stopped\n");
            text += &run(format!("pcie:{bar}"));
        }
        text
    }
}

fn pins(compiled: &Compiled, folder: &Path, engine: &Engine) -> Result<BoardPins, Failure> {
    Ok(match engine {
        Engine::Verilator => Box::new(VerilatedBoard::of_rtl(compiled, folder)?),
        Engine::Gates => Box::new(VerilatedBoard::of_netlist(compiled, folder)?),
        Engine::Plan
        | Engine::Rtl
        | Engine::Cpu
        | Engine::Reference
        | Engine::Simulated(_)
        | Engine::Device(_)
        | Engine::Replay(_) => Box::new(RtlBoard::new(compiled)?),
    })
}

fn slave(compiled: &Compiled, folder: &Path, engine: &Engine) -> Result<CardSlave, Failure> {
    Ok(match engine {
        Engine::Verilator => Box::new(VerilatedSlave::new(compiled, folder)?),
        Engine::Plan
        | Engine::Rtl
        | Engine::Gates
        | Engine::Cpu
        | Engine::Reference
        | Engine::Simulated(_)
        | Engine::Device(_)
        | Engine::Replay(_) => Box::new(RtlSlave::new(compiled)?),
    })
}

/// What becomes true when the user or the system wants this program to end, which then removes its files. Whoever wants it
/// twice has it end at once.
fn stopped() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, Exit::Tool as i32, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .map_err(|error| anyhow::Error::from(error).context("cannot listen to signals"))?;
    }
    Ok(stop)
}
