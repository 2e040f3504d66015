//! The register map of a device, the same behind every transport.
//!
//! A device is 32-bit words at byte addresses that are multiples of four. Registers lie at the bottom, the two windows
//! (images in, answers out) above. Reads have no side effects and writes are idempotent: a host may
//! repeat any access that was lost.
//!
//! # How images are run
//!
//! Each window is a ring of [`Register::Slots`] images. The host writes image number `n` (from 0, counted since the last
//! reset) into slot `n mod slots` of the input window, then writes to [`Register::Submitted`] how many images it has
//! written in all. The device works in order and counts in [`Register::Completed`]; the answer of image `n` then lies in
//! slot `n mod slots` of the output window until image `n + slots` is submitted. So `submitted` never exceeds the number
//! of answers read by more than `slots`, and a host resets the device before it has submitted 2^32 images. How an image
//! lies in its slot says [`window`](crate::window).
//!
//! # How weights are loaded
//!
//! A device whose weights can be written has a window for them, of [`Register::WeightWords`] words; which word is which
//! says [`weights`](crate::weights). The window answers only while the device is not busy. A host resets the device,
//! writes the words, reads them again, writes their [identity](crate::weights::identity) to
//! [`Register::WeightsIdentity`], and resets the device again: a core may begin the padding of the next image before the
//! image is there, and any access to the window disturbs that. A reset leaves weights and identity as they are; configuring the FPGA brings back those
//! that the design was compiled with, and identity 0. Any word written to the window makes the identity
//! [`IDENTITY_UNKNOWN`], so that weights written in part are not taken for whole ones.
//!
//! # Sessions
//!
//! After it has written [`CONTROL_RESET`], the host waits until [`Register::Control`] reads 0 and [`STATUS_RESET`] is clear,
//! and then writes a number of its choice to [`Register::Session`]. In hardware, `control` always reads 0. Where a device is
//! memory that a simulation shares with the host, it reads as written until the simulation has taken it and emptied the
//! counters. Such memory also counts the clock cycles that have passed ([`SIMULATED_CYCLES`]), so that hosts see whether
//! somebody simulates. As long as the number of the session is there, nobody else has reset the device, and the answers are
//! those to the host's images.

use std::fmt;

/// What [`Register::Identifier`] reads: the letters `XNRF`, the first one in the lowest byte.
pub const IDENTIFIER: u32 = u32::from_le_bytes(*b"XNRF");

/// The version of registers, frames and windows that this crate states.
pub const ABI_VERSION: AbiVersion = AbiVersion { major: 2, minor: 0 };

/// Address of the input window.
pub const INPUT_WINDOW: u32 = 0x0010_0000;

/// Address of the output window.
pub const OUTPUT_WINDOW: u32 = 0x0020_0000;

/// Address of the weight window.
pub const WEIGHT_WINDOW: u32 = 0x0100_0000;

/// Greatest size of the weight window in bytes.
pub const MAX_WEIGHT_BYTES: u32 = 0x0100_0000;

/// Bytes from the first address of a device to the end of the last one, a power of two: what a bus must map for it.
pub const SPAN_BYTES: u32 = WEIGHT_WINDOW + MAX_WEIGHT_BYTES;

/// Address of a word that is no register, and means something only in memory that a simulation serves: there the simulation
/// counts all clock cycles that have passed in the device since it began, modulo 2^32. While it has work the number grows,
/// however slow the simulation is; where it stands still, nobody simulates.
pub const SIMULATED_CYCLES: u32 = 0x0000_0ffc;

/// What [`Register::WeightsIdentity`] reads after a word of the weight window was written.
pub const IDENTITY_UNKNOWN: u32 = u32::MAX;

/// Greatest size of the input and the output window in bytes.
pub const MAX_WINDOW_BYTES: u32 = OUTPUT_WINDOW - INPUT_WINDOW;

/// Bit of [`Register::Control`]: empties the core and the windows and sets every counter to zero. Reads as 0 once it has
/// been taken.
pub const CONTROL_RESET: u32 = 1;

/// Bit of [`Register::Status`]: submitted images are still in work.
pub const STATUS_BUSY: u32 = 1;

/// Bit of [`Register::Status`]: a reset is under way.
pub const STATUS_RESET: u32 = 2;

/// A version of the interface. Devices of another major version are driven differently; a minor version only adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AbiVersion {
    /// In the upper half of the register.
    pub major: u16,
    /// In the lower half.
    pub minor: u16,
}

impl AbiVersion {
    /// The register's value.
    pub fn code(self) -> u32 {
        u32::from(self.major) << 16 | u32::from(self.minor)
    }

    /// The version that the register's value stands for.
    pub fn from_code(code: u32) -> Self {
        AbiVersion { major: (code >> 16) as u16, minor: code as u16 }
    }

    /// Whether this crate's reader can drive a device of version `device`. What a device of an older minor version lacks
    /// is an addition, which only those miss who ask for it.
    pub fn drives(self, device: AbiVersion) -> bool {
        device.major == self.major
    }
}

impl fmt::Display for AbiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Who changes a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Never changes.
    Constant,
    /// Only the device changes it.
    Read,
    /// The host writes it.
    ReadWrite,
}

/// A register, or a row of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Register {
    /// Says that here is a device of this kind.
    Identifier,
    /// Says how it is driven.
    AbiVersion,
    /// Commands.
    Control,
    /// Conditions.
    Status,
    /// Images that the host has handed over.
    Submitted,
    /// Images whose answers are ready.
    Completed,
    /// Time spent working.
    Cycles,
    /// Bytes that came broken.
    LineErrors,
    /// Frames that came broken.
    FrameErrors,
    /// Images in each window.
    Slots,
    /// Size of an image in the input window.
    InputWords,
    /// Size of an answer in the output window.
    OutputWords,
    /// The clock.
    ClockHertz,
    /// Longest payload of a frame.
    FrameWords,
    /// Says whose reset was the last one.
    Session,
    /// How far requests may run ahead.
    LineBytes,
    /// Says which design it is.
    DesignHash,
    /// Size of the weight window.
    WeightWords,
    /// Says which weights the design holds.
    WeightsIdentity,
}

impl Register {
    /// Every register, by address.
    pub const ALL: [Register; 19] = [
        Register::Identifier,
        Register::AbiVersion,
        Register::Control,
        Register::Status,
        Register::Submitted,
        Register::Completed,
        Register::Cycles,
        Register::LineErrors,
        Register::FrameErrors,
        Register::Slots,
        Register::InputWords,
        Register::OutputWords,
        Register::ClockHertz,
        Register::FrameWords,
        Register::Session,
        Register::LineBytes,
        Register::DesignHash,
        Register::WeightWords,
        Register::WeightsIdentity,
    ];

    /// Byte address of the (first) word.
    pub const fn address(self) -> u32 {
        match self {
            Register::Identifier => 0x00,
            Register::AbiVersion => 0x04,
            Register::Control => 0x08,
            Register::Status => 0x0c,
            Register::Submitted => 0x10,
            Register::Completed => 0x14,
            Register::Cycles => 0x18,
            Register::LineErrors => 0x1c,
            Register::FrameErrors => 0x20,
            Register::Slots => 0x24,
            Register::InputWords => 0x28,
            Register::OutputWords => 0x2c,
            Register::ClockHertz => 0x30,
            Register::FrameWords => 0x34,
            Register::Session => 0x38,
            Register::LineBytes => 0x3c,
            Register::DesignHash => 0x40,
            Register::WeightWords => 0x60,
            Register::WeightsIdentity => 0x64,
        }
    }

    /// Number of words.
    pub const fn words(self) -> u32 {
        match self {
            Register::DesignHash => 8,
            Register::Identifier
            | Register::AbiVersion
            | Register::Control
            | Register::Status
            | Register::Submitted
            | Register::Completed
            | Register::Cycles
            | Register::LineErrors
            | Register::FrameErrors
            | Register::Slots
            | Register::InputWords
            | Register::OutputWords
            | Register::ClockHertz
            | Register::FrameWords
            | Register::Session
            | Register::LineBytes
            | Register::WeightWords
            | Register::WeightsIdentity => 1,
        }
    }

    /// Who changes it.
    pub const fn access(self) -> Access {
        match self {
            Register::Control | Register::Submitted | Register::Session | Register::WeightsIdentity => {
                Access::ReadWrite
            }
            Register::Status
            | Register::Completed
            | Register::Cycles
            | Register::LineErrors
            | Register::FrameErrors => Access::Read,
            Register::Identifier
            | Register::AbiVersion
            | Register::Slots
            | Register::InputWords
            | Register::OutputWords
            | Register::ClockHertz
            | Register::FrameWords
            | Register::LineBytes
            | Register::DesignHash
            | Register::WeightWords => Access::Constant,
        }
    }

    /// Its name in documentation, lower case with underscores.
    pub const fn name(self) -> &'static str {
        match self {
            Register::Identifier => "identifier",
            Register::AbiVersion => "abi_version",
            Register::Control => "control",
            Register::Status => "status",
            Register::Submitted => "submitted",
            Register::Completed => "completed",
            Register::Cycles => "cycles",
            Register::LineErrors => "line_errors",
            Register::FrameErrors => "frame_errors",
            Register::Slots => "slots",
            Register::InputWords => "input_words",
            Register::OutputWords => "output_words",
            Register::ClockHertz => "clock_hertz",
            Register::FrameWords => "frame_words",
            Register::Session => "session",
            Register::LineBytes => "line_bytes",
            Register::DesignHash => "design_hash",
            Register::WeightWords => "weight_words",
            Register::WeightsIdentity => "weights_identity",
        }
    }

    /// What its words mean.
    pub const fn meaning(self) -> &'static str {
        match self {
            Register::Identifier => "the letters `XNRF`, first letter in the lowest byte",
            Register::AbiVersion => "version of this interface: major in the upper half, minor in the lower",
            Register::Control => {
                "bit 0, `reset`: writing 1 empties the core and the windows and sets every counter to zero; \
                 reads as 0, in memory that a simulation serves once the reset is over"
            }
            Register::Status => {
                "bit 0, `busy`: submitted images are still in work; bit 1, `reset`: a reset is under way"
            }
            Register::Submitted => "number of images written to the input window since the last reset, modulo 2^32",
            Register::Completed => "number of answers written to the output window since the last reset, modulo 2^32",
            Register::Cycles => "clock cycles since the last reset in which `busy` was set, modulo 2^32",
            Register::LineErrors => "bytes received without a stop bit since the last reset, modulo 2^16",
            Register::FrameErrors => {
                "frames dropped or refused since the last reset for a wrong checksum or a premature end, or, in a device \
                 without windows, words whose `TLAST` did not match the end of an image; modulo 2^16"
            }
            Register::Slots => {
                "images that each window holds; 0 in a device without windows, whose images and answers are streams: there \
                 `submitted` counts the images begun and is not written"
            }
            Register::InputWords => "words of one image in the input window",
            Register::OutputWords => "words of one answer in the output window",
            Register::ClockHertz => "frequency of the clock that `cycles` counts",
            Register::FrameWords => "most words that one frame may read or write",
            Register::Session => "any number that the host has written since the last reset, 0 before",
            Register::LineBytes => {
                "bytes that the device holds while it answers a request; 0 where there is no serial line, or where a \
                 request must wait for the answer to the one before"
            }
            Register::DesignHash => {
                "SHA-256 of the core's files, as in `manifest.json`: first byte in the lowest byte of the first word"
            }
            Register::WeightWords => "words of the weight window, 0 where weights are fixed",
            Register::WeightsIdentity => {
                "0: the weights that the design was compiled with; all ones: a word of the weight window was written \
                 since; else what the host has written, the identity of the weights that it loaded; a reset changes \
                 nothing"
            }
        }
    }
}

/// `docs/registers.md`: the map as text.
pub fn documentation() -> String {
    let mut text = String::from(
        "# Registers\n\nGenerated from `abi/src/registers.rs`; a test keeps it up to date. Addresses are in bytes, words have \
         32 bits.\nReads have no side effects; writes are idempotent.\n\n\
         * how images are run with these registers: [abi/src/registers.rs](../abi/src/registers.rs), at the top\n\
         * how an image lies in a window: [abi/src/window.rs](../abi/src/window.rs); its elements, from values and to \
         scores: the maps in `manifest.json`, [abi/src/maps.rs](../abi/src/maps.rs)\n\
         * how weights are loaded: the same file; how they lie in their window: [abi/src/weights.rs](../abi/src/weights.rs)\n\
         * how registers are read and written over a serial line: [abi/src/frame.rs](../abi/src/frame.rs); 8 data bits, \
         no parity, one stop bit, at the rate that `manifest.json` states\n\n\
         | address | register | access | meaning |\n|---|---|---|---|\n",
    );
    for register in Register::ALL {
        let first = register.address();
        let last = first + 4 * (register.words() - 1);
        let place = if first == last { format!("0x{first:02x}") } else { format!("0x{first:02x} to 0x{last:02x}") };
        let access = match register.access() {
            Access::Constant => "constant",
            Access::Read => "read",
            Access::ReadWrite => "read, write",
        };
        text += &format!("| {place} | `{}` | {access} | {} |\n", register.name(), register.meaning());
    }
    text += &format!("| 0x{INPUT_WINDOW:08x} | input window | write | `slots` images of `input_words` words each |\n");
    text +=
        &format!("| 0x{OUTPUT_WINDOW:08x} | output window | read | `slots` answers of `output_words` words each |\n");
    text += &format!(
        "| 0x{WEIGHT_WINDOW:08x} | weight window | read, write | the parameters, as in `weights.mem`; refused while `busy`; \
         in designs compiled with `--writable-weights` |\n\nThis is version {ABI_VERSION}.\n"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_lie_in_order_and_do_not_overlap() {
        for pair in Register::ALL.windows(2) {
            assert!(pair[0].address() + 4 * pair[0].words() <= pair[1].address(), "{pair:?}");
        }
        let last = Register::ALL[Register::ALL.len() - 1];
        assert!(last.address() + 4 * last.words() <= INPUT_WINDOW);
        assert!(Register::ALL.iter().all(|register| register.address() % 4 == 0));
    }

    #[test]
    fn the_weight_window_lies_behind_the_others() {
        assert!(WEIGHT_WINDOW >= OUTPUT_WINDOW + MAX_WINDOW_BYTES && WEIGHT_WINDOW.is_multiple_of(MAX_WEIGHT_BYTES));
    }

    #[test]
    fn versions_drive_what_only_adds() {
        let version = |major, minor| AbiVersion { major, minor };
        assert!(version(1, 2).drives(version(1, 2)) && version(1, 2).drives(version(1, 3)));
        assert!(version(1, 2).drives(version(1, 1)) && !version(1, 2).drives(version(2, 2)));
        assert_eq!(AbiVersion::from_code(version(3, 7).code()), version(3, 7));
    }

    /// `XNORFORGE_BLESS=1` writes the page anew.
    #[test]
    fn the_documentation_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/registers.md");
        if std::env::var_os("XNORFORGE_BLESS").is_some() {
            std::fs::write(path, documentation()).expect("docs/ can be written");
        }
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(found, documentation(), "run the test with XNORFORGE_BLESS=1");
    }
}
