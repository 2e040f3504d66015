//! Boards: hand-written facts from `constraints/<board>/`, and the top module around a device.
//!
//! A board is a folder with `board.toml` and a pin file (`pins.lpf` or `pins.pcf`, by the FPGA's family). All folders are
//! built into the program; adding one adds no Rust.

pub mod device;
mod pins;
mod target;
mod top;

pub use pins::{Direction, Port};
pub use top::TOP;

use abi::uart::{UartError, UartTiming};
use include_dir::{Dir, include_dir};
use miette::Diagnostic;
use serde::Deserialize;
use thiserror::Error;

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

/// `board.toml`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardFacts {
    /// What people call it.
    pub title: String,
    /// The chip.
    pub fpga: Fpga,
    /// The oscillator.
    pub clock: Oscillator,
    /// The way to the host.
    pub uart: UartRoute,
    /// Output pins that must stand at a level.
    #[serde(default)]
    pub tied: Vec<Tied>,
}

/// A chip as the tools name it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fpga {
    /// Which tools build for it.
    pub family: Family,
    /// The size, as in the place-and-route tool's options: `85k`, `hx8k`.
    pub device: String,
    /// The package, as in the place-and-route tool's options.
    pub package: String,
    /// The speed grade, where the family has them.
    pub speed_grade: Option<u8>,
    /// What it holds.
    pub resources: Resources,
}

/// What a chip holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// LUTs with four inputs.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// Block RAMs, of the family's size.
    pub bram: u64,
}

/// A family of FPGAs with one set of tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Lattice ECP5.
    Ecp5,
    /// Lattice iCE40.
    Ice40,
}

impl Family {
    /// Name of the pin file.
    pub fn pin_file(self) -> &'static str {
        match self {
            Family::Ecp5 => "pins.lpf",
            Family::Ice40 => "pins.pcf",
        }
    }

    /// Bits of a block RAM.
    pub fn bram_bits(self) -> u64 {
        match self {
            Family::Ecp5 => 18 * 1024,
            Family::Ice40 => 4 * 1024,
        }
    }

    /// The family's name in commands and files.
    pub fn name(self) -> &'static str {
        match self {
            Family::Ecp5 => "ecp5",
            Family::Ice40 => "ice40",
        }
    }
}

/// An oscillator on the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oscillator {
    /// Its frequency in Hz.
    pub hertz: u32,
}

/// The way from the host to the FPGA's UART pins.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UartRoute {
    /// The chips and sockets on the way.
    pub route: String,
    /// The rate that designs use.
    pub baud: u32,
    /// The highest rate of the chips on the way.
    pub highest_baud: u32,
}

/// An output pin at a constant level.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tied {
    /// The port.
    pub port: String,
    /// High or low.
    pub level: bool,
    /// Why.
    pub reason: String,
}

/// A board that cannot be used.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
pub enum BoardError {
    /// No folder of this name.
    #[error("`{name}` must be a board of this program, but those are {known}")]
    #[diagnostic(
        code(hdl::board::unknown),
        help("choose one of them, or add a folder under constraints/ as CONTRIBUTING.md says")
    )]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A file is missing or says something else than it should.
    #[error("constraints/{board}/{file} must describe the board, but {reason}")]
    #[diagnostic(code(hdl::board::file), help("compare it with that of another board under constraints/"))]
    File {
        /// The board.
        board: String,
        /// The file.
        file: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A port of the design that has no pin.
    #[error("every port must have a pin, but `{port}` has none in constraints/{board}/{file}")]
    #[diagnostic(
        code(hdl::board::port_without_pin),
        help("add a line for it, with the pin from the board's schematic")
    )]
    PortWithoutPin {
        /// The board.
        board: String,
        /// The pin file.
        file: &'static str,
        /// The port.
        port: String,
    },
    /// A pin for a port that the design does not have.
    #[error("every pin must belong to a port of the design, but constraints/{board}/{file} places `{port}`")]
    #[diagnostic(
        code(hdl::board::pin_without_port),
        help("remove the line, or list the port under [[tied]] in board.toml")
    )]
    PinWithoutPort {
        /// The board.
        board: String,
        /// The pin file.
        file: &'static str,
        /// The port.
        port: String,
    },
    /// A clock that the board does not have.
    #[error("the clock must be the oscillator of {board}, {expected} MHz, but is {found} MHz")]
    #[diagnostic(code(hdl::board::clock), help("leave `--clock` out: designs run straight from the oscillator"))]
    Clock {
        /// The board.
        board: String,
        /// Its clock in MHz.
        expected: f64,
        /// The clock asked for.
        found: f64,
    },
    /// Weights that the chip has no room for.
    #[error(
        "the network's weights must fit the memory of {board}, {memory_bits} bits of block RAM and LUTs together, but take {weight_bits}"
    )]
    #[diagnostic(code(hdl::board::too_large), help("choose a larger board (`xnorforge boards`) or a smaller network"))]
    TooLarge {
        /// The board.
        board: String,
        /// Bits of all its memory.
        memory_bits: u64,
        /// Bits of all weights.
        weight_bits: u64,
    },
    /// A line faster than its chips.
    #[error("`baud` in constraints/{board}/board.toml must be at most `highest_baud`, {highest}, but is {found}")]
    #[diagnostic(code(hdl::board::baud), help("set a lower `baud`"))]
    Baud {
        /// The board.
        board: String,
        /// The highest rate.
        highest: u32,
        /// The rate.
        found: u32,
    },
    /// Images larger than a window.
    #[error("a window of the device must hold two images, but one takes {bytes} bytes, more than {limit}, on {board}")]
    #[diagnostic(code(hdl::board::window), help("use a smaller input, or a core without a board: leave `--board` out"))]
    Window {
        /// The board.
        board: String,
        /// Bytes of an image.
        bytes: usize,
        /// Half a window.
        limit: usize,
    },
    /// The clock cannot make the line's rate.
    #[error("{board}: {source}")]
    #[diagnostic(code(hdl::board::uart), help("set a lower `baud` in constraints/{board}/board.toml"))]
    Uart {
        /// The board.
        board: String,
        /// Why.
        source: UartError,
    },
}

impl BoardError {
    /// Whether the answer is no rather than the question wrong.
    pub fn is_too_large(&self) -> bool {
        matches!(self, BoardError::TooLarge { .. } | BoardError::Window { .. })
    }
}

impl Board {
    /// The board called `name`.
    ///
    /// # Errors
    /// Where there is none, or its folder is damaged.
    pub fn find(name: &str) -> Result<Board, BoardError> {
        let known = Board::names();
        if !known.iter().any(|known| known == name) {
            return Err(BoardError::Unknown { name: name.to_owned(), known: known.join(", ") });
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
        board.timing()?;
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

    /// The UART's timing at the board's clock.
    ///
    /// # Errors
    /// Where the clock cannot make the rate.
    pub fn timing(&self) -> Result<UartTiming, BoardError> {
        UartTiming::new(self.facts.clock.hertz, self.facts.uart.baud)
            .map_err(|source| BoardError::Uart { board: self.name.clone(), source })
    }

    /// Refuses networks whose weights cannot fit, whatever the tools do.
    ///
    /// # Errors
    /// Where there are more bits of weights than of memory.
    pub fn check_weights(&self, weight_bits: u64) -> Result<(), BoardError> {
        const BITS_OF_A_LUT: u64 = 16;
        let Resources { lut, bram, .. } = self.facts.fpga.resources;
        let memory_bits = bram * self.facts.fpga.family.bram_bits() + lut * BITS_OF_A_LUT;
        if weight_bits <= memory_bits {
            return Ok(());
        }
        Err(BoardError::TooLarge { board: self.name.clone(), memory_bits, weight_bits })
    }

    /// The board's clock in MHz.
    pub fn clock_mhz(&self) -> f64 {
        f64::from(self.facts.clock.hertz) / 1e6
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
