//! What can go wrong with an access.

use super::memory::BarError;
use crate::transport::TransportError;
use miette::Diagnostic;
use thiserror::Error;

/// An access that did not succeed.
#[derive(Debug, Error, Diagnostic)]
pub enum BusError {
    /// The line itself failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Transport(#[from] TransportError),
    /// The mapped memory cannot be had, or leads to nobody.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Bar(#[from] BarError),
    /// Not a single byte has ever come.
    #[error("a device must answer, but after {attempts} attempts not a single byte came")]
    #[diagnostic(
        code(host::bus::silent),
        help(
            "check that the board has power and is configured, that this path is its serial \
             line, that receive and transmit are not swapped, and that the baud rate is the design's"
        )
    )]
    Silent {
        /// Attempts made.
        attempts: u32,
    },
    /// Bytes come, but they are no frames.
    #[error(
        "a device must answer in frames, but after {attempts} attempts {bytes} bytes had come and {broken} broken \
         frames among them, not one whole"
    )]
    #[diagnostic(
        code(host::bus::unintelligible),
        help(
            "most likely the baud rate is not the design's: give it as PATH@BAUD; else another design is configured, or \
             the line is too noisy for the rate"
        )
    )]
    Unintelligible {
        /// Attempts made.
        attempts: u32,
        /// Bytes that came.
        bytes: u64,
        /// Frames that came broken.
        broken: u64,
    },
    /// The host hears itself.
    #[error("a device must answer, but after {attempts} attempts only the host's own requests had come back")]
    #[diagnostic(
        code(host::bus::echo),
        help(
            "receive and transmit of the line are joined, or what simulates a device leaves the echo of its terminal \
             on: give each its own wire, or set the terminal raw"
        )
    )]
    Echo {
        /// Attempts made.
        attempts: u32,
    },
    /// The device answers, but after the host stopped waiting.
    #[error("a device must answer in time, but in {attempts} attempts every answer came too late")]
    #[diagnostic(
        code(host::bus::late),
        help("the device or its simulation is slower than thought: raise the time scale of the line")
    )]
    Late {
        /// Attempts made.
        attempts: u32,
    },
    /// The device answered before, and does so no longer.
    #[error("the device must go on answering, but after {attempts} attempts nothing more had come")]
    #[diagnostic(
        code(host::bus::stopped),
        help(
            "the device lost its power or its configuration, or a wire came off: check them, configure it again with \
             the bitstream of DIR/build, and open it anew"
        )
    )]
    Stopped {
        /// Attempts made.
        attempts: u32,
    },
    /// What the host sends arrives broken every time.
    #[error("a payload must arrive whole, but the device found it broken in {refused} of {attempts} attempts")]
    #[diagnostic(
        code(host::bus::payload),
        help("the line to the device is noisy: shorten the cable, join the grounds, or take a lower baud rate")
    )]
    Payload {
        /// Attempts made.
        attempts: u32,
        /// Refusals among them.
        refused: u64,
    },
    /// No word lies there.
    #[error("the device must let {action} {} from {address:#x} on, but it refused the address", counted(*words))]
    #[diagnostic(
        code(host::bus::address),
        help("the device's design is of another version than this program: build and flash it with this version")
    )]
    Address {
        /// `read` or `write`.
        action: &'static str,
        /// Byte address of the first word.
        address: u32,
        /// Number of words.
        words: usize,
    },
    /// The device takes no frames of this kind.
    #[error("the device must know how to {action} words, but it refused the kind of the request")]
    #[diagnostic(
        code(host::bus::kind),
        help("the device's design is of another version than this program: build and flash it with this version")
    )]
    Kind {
        /// `read` or `write`.
        action: &'static str,
    },
    /// The device takes no frames of this length.
    #[error("the device must {action} {} from {address:#x} on at once, but it refused the count", counted(*words))]
    #[diagnostic(
        code(host::bus::count),
        help("the device's register `frame_words` promises more than it takes: build and flash it with this version")
    )]
    Count {
        /// `read` or `write`.
        action: &'static str,
        /// Byte address of the first word.
        address: u32,
        /// Number of words.
        words: usize,
    },
    /// The device gave a reason that nobody knows.
    #[error("a refusal must give a known reason, but the device refused to {action} at {address:#x} with code {code}")]
    #[diagnostic(
        code(host::bus::unknown_refusal),
        help("the device is newer than this program, or no device of xnorforge: update this program")
    )]
    UnknownRefusal {
        /// `read` or `write`.
        action: &'static str,
        /// Byte address of the first word.
        address: u32,
        /// The reason's code.
        code: u16,
    },
    /// The device's frames have no room.
    #[error("the device's frames must hold at least one word, but its register `frame_words` reads 0")]
    #[diagnostic(
        code(host::bus::frame_words),
        help("this is a fault of the device's design: build and flash it with this version")
    )]
    NoFrameWords,
}

fn counted(words: usize) -> String {
    if words == 1 { "1 word".into() } else { format!("{words} words") }
}
