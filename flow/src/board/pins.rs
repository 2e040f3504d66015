//! Ports of the top module, and the pins that a pin file gives them.

use super::{Board, BoardError, Family};
use std::collections::{BTreeMap, BTreeSet};

/// Which way a port's signal goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the FPGA.
    In,
    /// Out of it.
    Out,
}

/// A port of the top module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name, the same in the pin file.
    pub name: String,
    /// Its direction.
    pub direction: Direction,
}

impl Board {
    /// The ports of the top module.
    pub fn ports(&self) -> Vec<Port> {
        use Direction::{In, Out};
        let device = [("clock", In), ("uart_receive", In), ("uart_transmit", Out), ("led_ready", Out)];
        let busy = self.facts.leds.busy.iter().map(|_| ("led_busy", Out));
        let tied = self.facts.tied.iter().map(|tied| (tied.port.as_str(), Out));
        let port = |(name, direction): (&str, Direction)| Port { name: name.to_owned(), direction };
        device.into_iter().chain(busy).chain(tied).map(port).collect()
    }

    /// Compares ports and pins both ways.
    pub(super) fn check_pins(&self) -> Result<(), BoardError> {
        let file = self.facts.fpga.family.pin_file();
        let board = || self.name.clone();
        let pins = placed_ports(self.facts.fpga.family, &self.pins);
        let placed: BTreeSet<String> = pins.keys().cloned().collect();
        let ports: BTreeSet<String> = self.ports().into_iter().map(|port| port.name).collect();
        if let Some(port) = ports.difference(&placed).next() {
            return Err(BoardError::PortWithoutPin { board: board(), file, port: port.clone() });
        }
        if let Some(port) = placed.difference(&ports).next() {
            return Err(BoardError::PinWithoutPort { board: board(), file, port: port.clone() });
        }
        let expected = &self.facts.clock.pin;
        match pins.get("clock") {
            Some(found) if found != expected => {
                Err(BoardError::ClockPin { board: board(), file, expected: expected.clone(), found: found.clone() })
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// The ports that a pin file places, and where.
fn placed_ports(family: Family, text: &str) -> BTreeMap<String, String> {
    let bare = |word: &str| word.trim_matches(['"', ';']).to_owned();
    text.lines()
        .filter_map(|line| {
            let line = line.split(['#']).next().unwrap_or_default();
            let line = line.split("//").next().unwrap_or_default();
            let line = line.replace(['[', ']', '{', '}'], " ");
            let words: Vec<&str> = line.split_whitespace().collect();
            match (family, words.as_slice()) {
                (Family::Ecp5, ["LOCATE", "COMP", port, "SITE", pin]) => Some((bare(port), bare(pin))),
                // The port is the last word but one: options with values may stand before.
                (Family::Ice40 | Family::Ice40up, ["set_io", .., port, pin]) => Some((bare(port), bare(pin))),
                (Family::Gowin, ["IO_LOC", port, pin]) => Some((bare(port), bare(pin))),
                (Family::Xilinx7, ["set_property", "PACKAGE_PIN", pin, "get_ports", port]) => {
                    Some((bare(port), bare(pin)))
                }
                _ => None,
            }
        })
        .collect()
}
