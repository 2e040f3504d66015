//! `boards`: what designs can be compiled for.

use crate::error::VerbError;
use flow::board::{Board, BoardError, BoardFacts, Resources};
use serde::Serialize;

/// What a board is, for people and programs.
#[derive(Clone, Debug, Serialize)]
pub struct BoardReport {
    /// Its name.
    pub name: String,
    /// Its maker's name of it.
    pub title: String,
    /// Family of its FPGA.
    pub family: &'static str,
    /// Its FPGA.
    pub device: String,
    /// LUTs.
    pub lut: u64,
    /// Inputs of a LUT.
    pub lut_inputs: u32,
    /// Flip-flops.
    pub ff: u64,
    /// Block RAMs.
    pub bram: u64,
    /// Bits of a block RAM.
    pub bram_bits: u64,
    /// Large single-port memories.
    pub spram: u64,
    /// Multipliers.
    pub dsp: u64,
    /// The oscillator in MHz.
    pub oscillator_mhz: f64,
    /// Clock in MHz of designs for which no other is asked for.
    pub clock_mhz: f64,
    /// The PLL that other clocks come from.
    pub pll: Option<&'static str>,
    /// Rate of the serial line in baud.
    pub baud: u32,
    /// The highest rate of the line's chips.
    pub highest_baud: u32,
    /// The way of the serial line.
    pub link: String,
    /// The board's name for openFPGALoader.
    pub programmer: String,
    /// Whether open tools make its bitstreams.
    pub bitstream: bool,
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
}

/// All boards, sorted by name.
///
/// # Errors
/// Where the folder of one is damaged.
pub fn boards() -> Result<Vec<BoardReport>, VerbError> {
    let report = |name: &String| Board::find(name).and_then(BoardReport::new);
    Ok(Board::names().iter().map(report).collect::<Result<_, _>>()?)
}
