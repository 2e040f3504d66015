//! `board.toml`: what people wrote down about a board.

use super::{Family, Primitive};
use serde::Deserialize;

/// `board.toml`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardFacts {
    /// What people call it.
    pub title: String,
    /// The chip.
    pub fpga: Fpga,
    /// The oscillator, and what designs make of it.
    pub clock: ClockFacts,
    /// The way to the host.
    pub uart: UartRoute,
    /// What shows how the device is.
    pub leds: Leds,
    /// What loads bitstreams.
    pub programmer: Programmer,
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
    /// The size, as in the place-and-route tool's options: `85k`, `hx8k`; of Gowin the name in its data base: `GW1N-9C`.
    pub device: String,
    /// The package, as in the place-and-route tool's options; of Gowin the whole part number.
    pub package: String,
    /// The speed grade, where the family has them as a number of their own.
    pub speed_grade: Option<u8>,
    /// What it holds.
    pub resources: Resources,
}

/// What a chip holds, as far as the tools can use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// LUTs, with as many inputs as the family's have.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// Block RAMs, of the family's size.
    pub bram: u64,
    /// Large single-port RAMs of 256 Kbit, which designs do not use.
    #[serde(default)]
    pub spram: u64,
    /// Multipliers, which designs do not use.
    #[serde(default)]
    pub dsp: u64,
}

/// An oscillator on the board.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockFacts {
    /// Its frequency in Hz.
    pub hertz: u32,
    /// The pin that it drives.
    pub pin: String,
    /// The PLL that it can drive; none where `xnorforge` knows no way to use one.
    pub pll: Option<Primitive>,
    /// The frequency of designs for which no other was asked for, in Hz; the oscillator's where left out.
    pub design_hertz: Option<u32>,
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

/// LEDs for the state of the device.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leds {
    /// Which one lights once the device is ready.
    pub ready: String,
    /// Which one lights while images are in work, where the board has a second LED.
    pub busy: Option<String>,
    /// Whether a low level lights them.
    #[serde(default)]
    pub active_low: bool,
}

/// What openFPGALoader must know.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Programmer {
    /// Its name of the board.
    pub board: String,
    /// Where the bitstream goes, and what must be done before.
    pub note: String,
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
