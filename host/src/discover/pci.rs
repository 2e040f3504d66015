//! PCIe functions that can be ours.

use super::{State, identify};
use crate::MemoryBus;
use crate::bus::memory::{FunctionAddress, PcieAddress};
use abi::registers::{MAX_WINDOW_BYTES, OUTPUT_WINDOW};
use std::fs;
use std::path::Path;

/// Bytes of a BAR that every device of ours has.
const MIN_BYTES: u64 = (OUTPUT_WINDOW + MAX_WINDOW_BYTES) as u64;

/// Whether a function with these numbers can be ours: the ones that LitePCIe gives to its designs (Xilinx 7 series,
/// UltraScale and UltraScale+ by generation and lanes; Lattice), and memory that a virtual machine shares with a simulation
/// (`ivshmem`). Others are never read, since reads may have effects on their hardware.
pub fn may_be_ours(vendor: u16, device: u16) -> bool {
    match (vendor, device) {
        (0x1af4, 0x1110) | (0x1204, _) => true,
        // Family in the first digit, then generation, then lanes.
        (0x10ee, device) => {
            let (family, generation, lanes) = (device >> 12, device >> 4 & 0xff, device & 0xf);
            matches!(family, 7..=9) && (0x01..=0x04).contains(&generation) && matches!(lanes, 1 | 2 | 4 | 8 | 0xf)
        }
        _ => false,
    }
}

/// Functions in the folder `devices` that can be ours, in order.
pub fn list(devices: &Path) -> Vec<FunctionAddress> {
    let names =
        fs::read_dir(devices).into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let function = |name: String| match name.parse() {
        Ok(PcieAddress::Function(function)) => Some(function),
        _ => None,
    };
    let mut functions: Vec<FunctionAddress> = names.filter_map(function).collect();
    functions
        .retain(|function| numbers(*function, devices).is_some_and(|(vendor, device)| may_be_ours(vendor, device)));
    functions.sort();
    functions
}

/// What a person reads of a function.
pub(super) fn description(function: FunctionAddress, devices: &Path) -> String {
    match numbers(function, devices) {
        Some((0x1af4, 0x1110)) => "PCIe 1af4:1110, memory shared with a simulation".into(),
        Some((vendor, device)) => format!("PCIe {vendor:04x}:{device:04x}"),
        None => "PCIe".into(),
    }
}

/// Identifies the device mapped at `place`.
pub(super) fn ask(place: &PcieAddress, devices: &Path) -> State {
    let bus = match place {
        PcieAddress::Function(function) => MemoryBus::open_function(*function, devices, MIN_BYTES),
        PcieAddress::File(path) => MemoryBus::open_file(path, MIN_BYTES),
    };
    match bus {
        Ok(mut bus) => identify(&mut bus),
        Err(error) => State::of(&error.into()),
    }
}

fn numbers(function: FunctionAddress, devices: &Path) -> Option<(u16, u16)> {
    let number = |name: &str| {
        let text = fs::read_to_string(devices.join(function.to_string()).join(name)).ok()?;
        u16::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok()
    };
    Some((number("vendor")?, number("device")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_others_are_left_alone() {
        for (vendor, device) in
            [(0x10ee, 0x7021), (0x10ee, 0x9034), (0x10ee, 0x903f), (0x1204, 0x9c25), (0x1af4, 0x1110)]
        {
            assert!(may_be_ours(vendor, device), "{vendor:04x}:{device:04x}");
        }
        for (vendor, device) in
            [(0x8086, 0x7021), (0x10ee, 0x0007), (0x10ee, 0x7023), (0x10ee, 0x5000), (0x1af4, 0x1000)]
        {
            assert!(!may_be_ours(vendor, device), "{vendor:04x}:{device:04x}");
        }
    }
}
