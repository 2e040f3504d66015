//! `boards`: what designs can be compiled for.

use crate::failure::Failure;
use crate::output::show;
use clap::Args;
use flow::board::{Board, BoardError, BoardFacts, Resources};
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
    family: &'static str,
    device: String,
    lut: u64,
    lut_inputs: u32,
    ff: u64,
    bram: u64,
    bram_bits: u64,
    spram: u64,
    dsp: u64,
    oscillator_mhz: f64,
    clock_mhz: f64,
    pll: Option<&'static str>,
    baud: u32,
    highest_baud: u32,
    link: String,
    programmer: String,
    bitstream: bool,
}

impl BoardReport {
    fn new(board: Board) -> Result<Self, BoardError> {
        let clock_mhz = board.design_clock()?.megahertz();
        let BoardFacts { title, fpga, clock, uart, programmer, .. } = board.facts;
        let Resources { lut, ff, bram, spram, dsp } = fpga.resources;
        Ok(BoardReport {
            name: board.name,
            title,
            family: fpga.family.name(),
            device: fpga.device,
            lut,
            lut_inputs: fpga.family.lut_inputs(),
            ff,
            bram,
            bram_bits: fpga.family.bram_bits(),
            spram,
            dsp,
            oscillator_mhz: f64::from(clock.hertz) / 1e6,
            clock_mhz,
            pll: clock.pll.map(|pll| pll.name()),
            baud: uart.baud,
            highest_baud: uart.highest_baud,
            link: uart.route,
            programmer: programmer.board,
            bitstream: fpga.family.bitstream().is_some(),
        })
    }

    fn text(&self) -> String {
        let BoardReport { name, title, family, device, lut, lut_inputs, ff, bram, .. } = self;
        let clock = match (self.clock_mhz == self.oscillator_mhz, self.pll) {
            (true, None) => format!("{} MHz", self.clock_mhz),
            (true, Some(_)) => format!("{} MHz, others by PLL", self.clock_mhz),
            (false, _) => format!("{} MHz by PLL from {} MHz", self.clock_mhz, self.oscillator_mhz),
        };
        let build = if self.bitstream { "" } else { "; no place and route with open tools, synthesis only" };
        format!(
            "{name}: {title}\n  \
             holds  {lut} LUT{lut_inputs}, {ff} flip-flops, {bram} block RAMs of {} Kbit ({family} {device}){build}\n  \
             clock  {clock}\n  \
             link   UART, {} baud, through {}\n",
            self.bram_bits / 1024,
            self.baud,
            self.link
        )
    }
}

impl Boards {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Failure> {
        let boards = Board::names()
            .iter()
            .map(|name| Board::find(name).and_then(BoardReport::new))
            .collect::<Result<Vec<BoardReport>, _>>()?;
        if self.json {
            let object = serde_json::json!({ "boards": boards });
            return show(&format!("{object}\n"));
        }
        show(&boards.iter().map(BoardReport::text).collect::<String>())
    }
}
