//! Serial lines.

use super::{Found, Search, State, identify};
use crate::bus::Patience;
use crate::transport::Transport;
use crate::transport::uart::{Uart, UartAddress};
use crate::{BusError, FrameBus};
use serialport::{SerialPortType, available_ports};
use std::fs;
use std::path::{Path, PathBuf};

/// Lines that the system knows.
pub(super) fn all(search: &Search) -> Vec<Found> {
    let mut ports = available_ports().unwrap_or_default();
    ports.sort_by(|a, b| a.port_name.cmp(&b.port_name));
    ports
        .into_iter()
        .map(|port| {
            let (description, is_usb) = match &port.port_type {
                SerialPortType::UsbPort(usb) => {
                    let names = [&usb.manufacturer, &usb.product];
                    let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
                    (format!("USB {:04x}:{:04x} {}", usb.vid, usb.pid, names.join(" ")).trim_end().to_owned(), true)
                }
                SerialPortType::PciPort => ("a serial line of the machine".to_owned(), false),
                SerialPortType::BluetoothPort => ("a serial line over Bluetooth".to_owned(), false),
                SerialPortType::Unknown => ("a serial line".to_owned(), false),
            };
            let address = UartAddress { path: port.port_name, baud: None };
            if is_usb {
                return Found { description, ..at(search, &address) };
            }
            let reason = if search.is_probing {
                format!("it is no line over USB; `xnorforge devices uart:{}` asks it", address.path)
            } else {
                "nobody was to be asked".into()
            };
            let stable_name = stable_name(&search.serial_names, &address.path);
            Found { address: format!("uart:{address}"), stable_name, description, state: State::NotAsked { reason } }
        })
        .collect()
}

/// The line at `address`.
pub(super) fn at(search: &Search, address: &UartAddress) -> Found {
    let (address, state) = if search.is_probing { ask(search, address) } else { (address.clone(), State::unasked()) };
    Found {
        stable_name: stable_name(&search.serial_names, &address.path),
        address: format!("uart:{address}"),
        description: "a serial line".into(),
        state,
    }
}

/// Asks the line at its rate, or at each usual one until a device of ours answers there; then the address states the rate.
fn ask(search: &Search, address: &UartAddress) -> (UartAddress, State) {
    let rates = address.baud.map_or_else(|| search.bauds.clone(), |baud| vec![baud]);
    let mut strongest = None;
    for baud in rates {
        let at_rate = UartAddress { path: address.path.clone(), baud: Some(baud) };
        let line = match Uart::open(&at_rate.path, baud) {
            Ok(line) => line,
            Err(error) => {
                // An adapter that has not this rate may have the next one; whatever else is wrong stays wrong.
                let is_rate = matches!(error, crate::TransportError::BaudRate { .. });
                let state = State::of(&BusError::from(error));
                if is_rate {
                    strongest.get_or_insert(state);
                    continue;
                }
                return (address.clone(), state);
            }
        };
        let is_simulated = line.pace().time_scale > 1;
        let state = question(line, search.patience);
        match state {
            State::Ours(_) => {
                let named = if is_simulated { address.clone() } else { at_rate };
                return (named, state);
            }
            State::Silent { .. } => {
                strongest.get_or_insert(state);
            }
            other => strongest = Some(other),
        }
        // A pseudo-terminal has no rate.
        if is_simulated {
            break;
        }
    }
    (address.clone(), strongest.unwrap_or_else(State::unasked))
}

/// One request, and the others where it was answered.
fn question(line: Uart, patience: Patience) -> State {
    let once = Patience { attempts: 1, silent_attempts: 1, ..patience };
    let mut bus = FrameBus::new(line).with_patience(once);
    if let Err(error) = crate::Bus::read_register(&mut bus, abi::registers::Register::Identifier) {
        return State::of(&error);
    }
    identify(&mut bus.with_patience(patience))
}

/// The link in `names` that leads to `path`.
fn stable_name(names: &Path, path: &str) -> Option<PathBuf> {
    let target = fs::canonicalize(path).ok()?;
    let mut links: Vec<PathBuf> = fs::read_dir(names).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    links.sort();
    links.into_iter().find(|link| fs::canonicalize(link).is_ok_and(|place| place == target))
}
