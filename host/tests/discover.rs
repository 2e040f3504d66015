//! Devices that are found, on lines in software and in a made-up tree of PCIe functions.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use abi::ElementType;
use abi::packing::StreamFormat;
use abi::registers::{IDENTIFIER, Register};
use host::FrameBus;
use host::discover::{Found, Search, State, identify};
use host::transport::fake::{SoftwareDevice, manifest_of};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use testkit::streams::SHORT;

const STREAM: StreamFormat =
    StreamFormat { element: ElementType::Signed { bits: 8 }, lanes: 3, channels: 3, vectors: 1 };

fn device() -> SoftwareDevice {
    SoftwareDevice::new(&manifest_of(STREAM, STREAM), 4, <[i32]>::to_vec)
}

fn search(devices: &Path) -> Search {
    Search { pci_devices: devices.to_owned(), ..Search::default() }
}

/// A function whose BAR holds `words` at their addresses.
fn function(devices: &Path, name: &str, numbers: [&str; 2], words: &[(u32, u32)]) {
    let place = devices.join(name);
    fs::create_dir(&place).unwrap();
    fs::write(place.join("vendor"), format!("{}\n", numbers[0])).unwrap();
    fs::write(place.join("device"), format!("{}\n", numbers[1])).unwrap();
    fs::write(place.join("enable"), "0\n").unwrap();
    fs::write(place.join("resource"), "0x00000000f0000000 0x00000000f1ffffff 0x0000000000040200\n").unwrap();
    let mut bar = File::create(place.join("resource0")).unwrap();
    bar.set_len(0x200_0000).unwrap();
    for (address, word) in words {
        bar.seek(SeekFrom::Start(u64::from(*address))).unwrap();
        bar.write_all(&word.to_le_bytes()).unwrap();
    }
}

fn state<'a>(found: &'a [Found], address: &str) -> &'a State {
    &found.iter().find(|found| found.address == address).unwrap().state
}

#[test]
fn a_device_says_who_it_is() {
    let State::Ours(identity) = identify(&mut FrameBus::new(device()).with_patience(SHORT)) else { panic!() };
    assert_eq!(identity.design_hash, "0123456789abcdef".repeat(4));
    assert_eq!(identity.slots, 4);
    assert!(identity.is_supported);

    let other = device().with_register(Register::Identifier, 7);
    assert!(matches!(identify(&mut FrameBus::new(other).with_patience(SHORT)), State::NotOurs { .. }));
    let older = device().with_register(Register::AbiVersion, 9);
    let State::Ours(identity) = identify(&mut FrameBus::new(older).with_patience(SHORT)) else { panic!() };
    assert!(!identity.is_supported);
}

#[test]
fn functions_are_found_and_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let ours = [(Register::Identifier.address(), IDENTIFIER), (Register::Slots.address(), 4)];
    function(folder.path(), "0000:01:00.0", ["0x10ee", "0x7021"], &ours);
    function(folder.path(), "0000:02:00.0", ["0x10ee", "0x7024"], &[(0, 5)]);
    function(folder.path(), "0000:03:00.0", ["0x8086", "0x1234"], &ours);
    let gone: Vec<(u32, u32)> = (0..64).map(|word| (4 * word, u32::MAX)).collect();
    function(folder.path(), "0000:04:00.0", ["0x1af4", "0x1110"], &gone);
    function(folder.path(), "0000:05:00.0", ["0x10ee", "0x7021"], &ours);
    let holder = File::open(folder.path().join("0000:05:00.0/resource0")).unwrap();
    holder.lock().unwrap();

    let search = search(folder.path());
    let mut found = search.all();
    found.retain(|found| found.address.starts_with("pcie:"));
    let addresses: Vec<&str> = found.iter().map(|found| found.address.as_str()).collect();
    assert_eq!(
        addresses,
        ["pcie:0000:01:00.0", "pcie:0000:02:00.0", "pcie:0000:04:00.0", "pcie:0000:05:00.0"],
        "hardware of others is left alone"
    );
    assert!(matches!(state(&found, addresses[0]), State::Ours(identity) if identity.slots == 4));
    assert!(matches!(state(&found, addresses[1]), State::NotOurs { .. }));
    assert!(matches!(state(&found, addresses[2]), State::Gone { .. }));
    assert!(matches!(state(&found, addresses[3]), State::Busy { .. }));
    let unasked = fs::read_to_string(folder.path().join("0000:03:00.0/enable")).unwrap();
    assert_eq!(unasked, "0\n");

    let missing = search.at(&"pcie:0000:09:00.0".parse().unwrap());
    assert!(matches!(missing.state, State::Gone { .. }));
}

#[test]
fn who_only_lists_touches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    function(folder.path(), "0000:01:00.0", ["0x10ee", "0x7021"], &[]);
    let search = Search { is_probing: false, ..search(folder.path()) };
    for found in search.all() {
        assert!(matches!(found.state, State::NotAsked { .. }), "{found:?}");
    }
    assert_eq!(fs::read_to_string(folder.path().join("0000:01:00.0/enable")).unwrap(), "0\n");
}

#[test]
fn every_state_without_a_device_has_a_next_step() {
    let search = Search::default();
    let gone = search.at(&"uart:/dev/nowhere".parse().unwrap());
    assert_eq!(gone.address, "uart:/dev/nowhere");
    assert!(matches!(&gone.state, State::Gone { next_step } if !next_step.is_empty()));
    let file = search.at(&"uart:/dev/null@115200".parse().unwrap());
    assert!(matches!(&file.state, State::Failed { next_step, .. } if !next_step.is_empty()), "{file:?}");
}

#[test]
fn lines_that_are_silent_or_held_by_others_are_told_apart() {
    let (_far, mut near) = serialport::TTYPort::pair().unwrap();
    let path = serialport::SerialPort::name(&near).unwrap();
    let address = format!("uart:{path}").parse().unwrap();
    let search = Search { patience: SHORT, ..Search::default() };
    let silent = search.at(&address);
    assert!(matches!(silent.state, State::Silent { .. }), "{silent:?}");
    assert_eq!(silent.address, format!("uart:{path}"));
    near.set_exclusive(true).unwrap();
    let held = search.at(&address);
    assert!(matches!(held.state, State::Busy { .. }), "{held:?}");
}
