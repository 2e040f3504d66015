//! Ports of the top module, and the pins that a pin file gives them.

use super::{Board, BoardError, Family};
use std::collections::BTreeSet;

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
        let device =
            [("clock", In), ("uart_receive", In), ("uart_transmit", Out), ("led_ready", Out), ("led_busy", Out)];
        let tied = self.facts.tied.iter().map(|tied| (tied.port.as_str(), Out));
        let port = |(name, direction): (&str, Direction)| Port { name: name.to_owned(), direction };
        device.into_iter().chain(tied).map(port).collect()
    }

    /// Compares ports and pins both ways.
    pub(super) fn check_pins(&self) -> Result<(), BoardError> {
        let file = self.facts.fpga.family.pin_file();
        let board = || self.name.clone();
        let placed = placed_ports(self.facts.fpga.family, &self.pins);
        let ports: BTreeSet<String> = self.ports().into_iter().map(|port| port.name).collect();
        if let Some(port) = ports.difference(&placed).next() {
            return Err(BoardError::PortWithoutPin { board: board(), file, port: port.clone() });
        }
        match placed.difference(&ports).next() {
            Some(port) => Err(BoardError::PinWithoutPort { board: board(), file, port: port.clone() }),
            None => Ok(()),
        }
    }
}

/// The ports that a pin file places.
fn placed_ports(family: Family, text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
            match (family, words.as_slice()) {
                (Family::Ecp5, ["LOCATE", "COMP", port, "SITE", _]) => Some(port.trim_matches('"').to_owned()),
                // The port is the last word but one: options with values may stand before.
                (Family::Ice40, ["set_io", .., port, _]) => Some((*port).to_owned()),
                _ => None,
            }
        })
        .collect()
}
