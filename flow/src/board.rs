//! Boards: hand-written facts from `constraints/<board>/`, and the top module around a device.
//!
//! A board is a folder with `board.toml` and the pin file of its FPGA's family ([`Family::pin_file`]). All folders are
//! built into the program; adding one adds no Rust.

mod clock;
mod error;
mod facts;
mod family;
mod names;
mod pins;
mod pll;
mod target;
mod top;

pub use clock::ClockSource;
pub use error::BoardError;
pub use facts::{BoardFacts, ClockFacts, Fpga, Leds, Programmer, Resources, Tied, UartRoute};
pub use family::Family;
pub use pins::{Direction, Port};
pub use pll::{Pll, Primitive};
pub use target::{line_bytes, ring_words, shell};
pub use top::TOP;

use include_dir::{Dir, include_dir};

static CONSTRAINTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../constraints");

/// A board that designs can be built for.
#[derive(Clone, Debug)]
pub struct Board {
    /// Name of its folder, and on the command line.
    pub name: String,
    /// What `board.toml` says.
    pub facts: BoardFacts,
    /// The text of its pin file.
    pub pins: String,
}

impl Board {
    /// The board called `name`.
    ///
    /// # Errors
    /// Where there is none, or its folder is damaged.
    pub fn find(name: &str) -> Result<Board, BoardError> {
        let known = Board::names();
        if !known.iter().any(|known| known == name) {
            let near = names::near(name, &known);
            return Err(BoardError::Unknown { name: name.to_owned(), near, known: known.join(", ") });
        }
        let text = |file: &'static str| {
            let found = CONSTRAINTS.get_file(format!("{name}/{file}")).and_then(|file| file.contents_utf8());
            let reason = || "it is missing or no text".to_owned();
            found.ok_or_else(|| BoardError::File { board: name.to_owned(), file, reason: reason() })
        };
        let facts = text("board.toml")?;
        let family = facts_of(name, facts)?.fpga.family;
        Board::parse(name, facts, text(family.pin_file())?)
    }

    /// The board called `name` from the texts of its two files.
    ///
    /// # Errors
    /// Where they contradict each other, or the clock cannot make the UART's rate.
    pub fn parse(name: &str, facts: &str, pins: &str) -> Result<Board, BoardError> {
        let board = Board { name: name.to_owned(), facts: facts_of(name, facts)?, pins: pins.to_owned() };
        let UartRoute { baud, highest_baud, .. } = board.facts.uart;
        if baud > highest_baud {
            return Err(BoardError::Baud { board: board.name, highest: highest_baud, found: baud });
        }
        board.design_clock()?;
        board.check_pins()?;
        Ok(board)
    }

    /// The names of all boards, sorted.
    pub fn names() -> Vec<String> {
        let mut names: Vec<String> =
            CONSTRAINTS.dirs().filter_map(|folder| folder.path().to_str().map(str::to_owned)).collect();
        names.sort();
        names
    }

    /// Refuses networks whose weights cannot fit, whatever the tools do.
    ///
    /// # Errors
    /// Where there are more bits of weights than of memory.
    pub fn check_weights(&self, weight_bits: u64) -> Result<(), BoardError> {
        let memory_bits = self.memory_bits();
        if weight_bits <= memory_bits {
            return Ok(());
        }
        let boards = Board::names().into_iter().filter_map(|name| Board::find(&name).ok());
        let larger = boards.filter(|board| weight_bits <= board.memory_bits()).map(|board| board.name).collect();
        Err(BoardError::TooLarge { board: self.name.clone(), memory_bits, weight_bits, larger })
    }

    /// Bits of all its block RAMs and LUTs.
    fn memory_bits(&self) -> u64 {
        let family = self.facts.fpga.family;
        let Resources { lut, bram, .. } = self.facts.fpga.resources;
        bram * family.bram_bits() + (lut << family.lut_inputs())
    }

    /// Boards that hold at least as much, this one left out: their names, the smallest first.
    pub fn larger(&self, needed: &Resources) -> Vec<String> {
        let family = self.facts.fpga.family;
        let mut boards: Vec<Board> = Board::names()
            .iter()
            .filter(|name| **name != self.name)
            .filter_map(|name| Board::find(name).ok())
            .filter(|board| {
                let (other, holds) = (board.facts.fpga.family, board.facts.fpga.resources);
                other.bitstream().is_some()
                    && holds.lut >= needed.lut
                    && holds.ff >= needed.ff
                    && holds.bram * other.bram_bits() >= needed.bram * family.bram_bits()
            })
            .collect();
        boards.sort_by_key(|board| board.facts.fpga.resources.lut);
        boards.into_iter().map(|board| board.name).collect()
    }
}

fn facts_of(name: &str, text: &str) -> Result<BoardFacts, BoardError> {
    let fault = |error: toml::de::Error| BoardError::File {
        board: name.to_owned(),
        file: "board.toml",
        reason: error.to_string().trim().to_owned(),
    };
    toml::from_str(text).map_err(fault)
}
