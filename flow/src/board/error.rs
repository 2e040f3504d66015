//! What can be wrong with a board, or with what is asked of it.

use abi::uart::UartError;
use miette::Diagnostic;
use thiserror::Error;

/// A board that cannot be used.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
pub enum BoardError {
    /// No folder of this name.
    #[error("`{name}` must be a board of this program, but those are {known}")]
    #[diagnostic(
        code(flow::board::unknown),
        help("{}", if near.is_empty() {
            "choose one of them: `xnorforge boards` lists what each has".to_owned()
        } else {
            format!("did you mean {}? `xnorforge boards` lists what each has", near.join(" or "))
        })
    )]
    Unknown {
        /// The name asked for.
        name: String,
        /// Names that are nearly the same.
        near: Vec<String>,
        /// The names there are.
        known: String,
    },
    /// A file is missing or says something else than it should.
    #[error("constraints/{board}/{file} must describe the board, but {reason}")]
    #[diagnostic(code(flow::board::file), help("compare it with that of another board under constraints/"))]
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
        code(flow::board::port_without_pin),
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
        code(flow::board::pin_without_port),
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
    /// A clock that the board's PLL cannot make.
    #[error("the clock must be one that {board} can make within {percent} %, {nearest}, but {found} MHz is asked for")]
    #[diagnostic(code(flow::board::clock), help("{help}"))]
    Clock {
        /// The board.
        board: String,
        /// What the nearest clock may be off.
        percent: f64,
        /// What the board can make.
        nearest: String,
        /// The clock asked for.
        found: f64,
        /// What to do instead.
        help: String,
    },
    /// A pin of the oscillator that is not the clock's.
    #[error(
        "the port `clock` must be at the oscillator's pin {expected}, but constraints/{board}/{file} places it at {found}"
    )]
    #[diagnostic(code(flow::board::clock_pin), help("correct `pin` under [clock] in board.toml, or the pin file"))]
    ClockPin {
        /// The board.
        board: String,
        /// The pin file.
        file: &'static str,
        /// The pin by board.toml.
        expected: String,
        /// The pin by the pin file.
        found: String,
    },
    /// Weights that the chip has no room for.
    #[error(
        "the network's weights must fit the memory of {board}, {memory_bits} bits of block RAM and LUTs together, but take {weight_bits}"
    )]
    #[diagnostic(
        code(flow::board::too_large),
        help("{}", if larger.is_empty() {
            "no supported board has more: the network needs fewer or narrower layers, or weights of fewer bits".to_owned()
        } else {
            format!("choose a board with more, {}, or a smaller network", larger.join(" or "))
        })
    )]
    TooLarge {
        /// The board.
        board: String,
        /// Bits of all its memory.
        memory_bits: u64,
        /// Bits of all weights.
        weight_bits: u64,
        /// The boards with enough memory.
        larger: Vec<String>,
    },
    /// A line faster than its chips.
    #[error("`baud` in constraints/{board}/board.toml must be at most `highest_baud`, {highest}, but is {found}")]
    #[diagnostic(code(flow::board::baud), help("set a lower `baud`"))]
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
    #[diagnostic(
        code(flow::board::window),
        help("use a smaller input, or a core without a board: leave `--board` out")
    )]
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
    #[diagnostic(
        code(flow::board::uart),
        help("ask for a faster `--clock`, or set a lower `baud` in constraints/{board}/board.toml")
    )]
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
