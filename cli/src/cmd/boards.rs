//! `boards`: what designs can be compiled for.

use crate::failure::Failure;
use crate::output::show;
use clap::Args;
use hdl::board::Board;
use serde::Serialize;

/// List the boards that designs can be compiled for.
#[derive(Debug, Args)]
pub struct Boards {
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// A board as `--json` shows it.
#[derive(Debug, Serialize)]
struct BoardReport {
    name: String,
    title: String,
    fpga: String,
    lut: u64,
    bram: u64,
    clock_mhz: f64,
    baud: u32,
    link: String,
}

impl Boards {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Failure> {
        let boards = Board::names().iter().map(|name| Board::find(name)).collect::<Result<Vec<Board>, _>>()?;
        let boards: Vec<BoardReport> = boards
            .into_iter()
            .map(|board| BoardReport {
                clock_mhz: board.clock_mhz(),
                fpga: format!("{} {}", board.facts.fpga.family.name(), board.facts.fpga.device),
                lut: board.facts.fpga.resources.lut,
                bram: board.facts.fpga.resources.bram,
                baud: board.facts.uart.baud,
                link: board.facts.uart.route,
                title: board.facts.title,
                name: board.name,
            })
            .collect();
        if self.json {
            let object = serde_json::json!({ "boards": boards });
            return show(&format!("{object}\n"));
        }
        let mut text = String::new();
        for BoardReport { name, title, fpga, lut, bram, clock_mhz, baud, link } in &boards {
            text += &format!(
                "{name:<14} {title}\n{:<14} {fpga}: {lut} LUT4, {bram} block RAMs; {clock_mhz} MHz; UART with {baud} baud \
                 through {link}\n",
                ""
            );
        }
        show(&text)
    }
}
