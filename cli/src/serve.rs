//! `simulate --serve`: a simulated board for hosts in other processes.

use crate::engine::Engine;
use crate::failure::Failure;
use crate::output::show;
use hdl::artifacts::Compiled;
use serde::Serialize;
use sim::board::{Pins, RtlBoard, Served, SimulatedLine, VerilatedBoard, device_of};
use std::path::Path;

/// What `--json` prints once the board answers.
#[derive(Debug, Serialize)]
struct Ready<'a> {
    board: &'a str,
    port: &'a str,
    baud: u32,
}

/// Serves the board of `compiled`, simulated by `engine`, until this program is stopped.
///
/// # Errors
/// Where the directory was compiled for no board, or the simulation fails.
pub fn serve(compiled: &Compiled, folder: &Path, engine: &Engine, json: bool) -> Result<(), Failure> {
    match engine {
        Engine::Verilator => serve_pins(VerilatedBoard::of_rtl(compiled, folder)?, compiled, folder, json),
        Engine::Gates => serve_pins(VerilatedBoard::of_netlist(compiled, folder)?, compiled, folder, json),
        Engine::Rtl
        | Engine::Cpu
        | Engine::Reference
        | Engine::Simulated(_)
        | Engine::Device(_)
        | Engine::Replay(_) => serve_pins(RtlBoard::new(compiled)?, compiled, folder, json),
    }
}

fn serve_pins(pins: impl Pins, compiled: &Compiled, folder: &Path, json: bool) -> Result<(), Failure> {
    let device = device_of(compiled)?;
    let mut line = SimulatedLine::new(pins, device)?;
    let mut served = Served::open()?;
    let path = served.path().to_owned();
    let ready = Ready { board: &device.board, port: &path, baud: device.baud };
    if json {
        show(&(serde_json::to_string(&ready).map_err(anyhow::Error::from)? + "\n"))?;
    } else {
        let Ready { board, port, .. } = &ready;
        show(&format!(
            "a simulated {board} answers on {port} until this program is stopped\n\
             run images on it with `xnorforge run {} --input X.npy --on uart:{port}`\n",
            folder.display()
        ))?;
    }
    Ok(served.run(&mut line, || true)?)
}
