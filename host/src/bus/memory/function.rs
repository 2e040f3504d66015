//! PCIe functions as Linux shows them in its file system.

use super::{BarError, SIMULATED_TIME_SCALE, refused};
use abi::registers::SPAN_BYTES;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Folder of all PCIe functions.
pub const PCI_DEVICES: &str = "/sys/bus/pci/devices";

/// Memory that a virtual machine shares with programs outside: vendor and device. Only a simulation can answer there.
const SHARED_MEMORY: [&str; 2] = ["0x1af4", "0x1110"];

/// Flag of a BAR that holds memory, in the file `resource`.
const MEMORY: u64 = 0x200;

/// BARs of a function; further lines of `resource` are its ROM and windows of bridges.
const BARS: usize = 6;

/// Address of a PCIe function, written `0000:01:00.0` or `01:00.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FunctionAddress {
    /// Domain, 0 on most machines.
    pub domain: u32,
    /// Bus.
    pub bus: u8,
    /// Device on the bus, below 32.
    pub device: u8,
    /// Function of the device, below 8.
    pub function: u8,
}

impl fmt::Display for FunctionAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FunctionAddress { domain, bus, device, function } = self;
        write!(f, "{domain:04x}:{bus:02x}:{device:02x}.{function}")
    }
}

impl FunctionAddress {
    /// The function that `text` names, if it names one.
    fn parse(text: &str) -> Option<Self> {
        let (places, function) = text.rsplit_once('.')?;
        let (domain, places) = match places.split_once(':')? {
            (domain, places) if places.contains(':') => (hexadecimal(domain, 4..=8)?, places),
            _ => (0, places),
        };
        let (bus, device) = places.split_once(':')?;
        let (bus, device) = (hexadecimal(bus, 2..=2)? as u8, hexadecimal(device, 2..=2)? as u8);
        let function = hexadecimal(function, 1..=1)? as u8;
        (device < 32 && function < 8).then_some(FunctionAddress { domain, bus, device, function })
    }
}

/// The number of `text`, which has as many hexadecimal digits as `digits` allows.
fn hexadecimal(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let is_number = digits.contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    u32::from_str_radix(text, 16).ok().filter(|_| is_number)
}

/// What leads to memory of a device: a PCIe function, or the file of a BAR.
///
/// Text of hexadecimal digits, `:` and `.` is meant as a function; a file of such a name is written with a folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PcieAddress {
    /// A function.
    Function(FunctionAddress),
    /// A file.
    File(PathBuf),
}

/// A text that is meant as the address of a function and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoFunctionAddress;

impl FromStr for PcieAddress {
    type Err = NoFunctionAddress;

    fn from_str(text: &str) -> Result<Self, NoFunctionAddress> {
        if let Some(function) = FunctionAddress::parse(text) {
            return Ok(PcieAddress::Function(function));
        }
        let is_meant = |byte: u8| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.';
        if text.is_empty() || (text.contains(':') && text.bytes().all(is_meant)) {
            return Err(NoFunctionAddress);
        }
        Ok(PcieAddress::File(text.into()))
    }
}

impl fmt::Display for PcieAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PcieAddress::Function(function) => write!(f, "{function}"),
            PcieAddress::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A function that the system knows.
pub(super) struct Function {
    address: FunctionAddress,
    folder: PathBuf,
}

impl Function {
    /// The function at `address` among those in the folder `devices`.
    pub(super) fn find(address: FunctionAddress, devices: &Path) -> Result<Self, BarError> {
        let folder = devices.join(address.to_string());
        if !folder.is_dir() {
            return Err(BarError::NoFunction { function: address });
        }
        Ok(Function { address, folder })
    }

    /// The function that the file `resource` belongs to, if it does.
    pub(super) fn of_resource(resource: &Path) -> Option<Self> {
        let folder = resource.canonicalize().ok()?.parent()?.to_owned();
        let address = FunctionAddress::parse(folder.file_name()?.to_str()?)?;
        folder.join("resource").is_file().then_some(Function { address, folder })
    }

    /// The file of the first BAR with room for every address of a device, else of the first of `least` bytes.
    pub(super) fn bar(&self, least: u64) -> Result<PathBuf, BarError> {
        let path = self.folder.join("resource");
        let text = fs::read_to_string(&path).map_err(|source| refused(&path, source))?;
        let sizes: Vec<(usize, u64)> =
            text.lines().take(BARS).enumerate().filter_map(|(index, line)| Some((index, memory_size(line)?))).collect();
        let Some(largest) = sizes.iter().map(|(_, size)| *size).max() else {
            return Err(BarError::NoMemory { function: self.address });
        };
        let of_size = |size: u64| sizes.iter().find(|(_, found)| *found >= size);
        match of_size(u64::from(SPAN_BYTES)).or_else(|| of_size(least)) {
            Some((index, _)) => Ok(self.folder.join(format!("resource{index}"))),
            None => Err(BarError::SmallBars { function: self.address, expected: least, found: largest }),
        }
    }

    /// Lets the function answer accesses, which it does not before a driver or somebody else wants it.
    pub(super) fn enable(&self) -> Result<(), BarError> {
        let path = self.folder.join("enable");
        let found = fs::read_to_string(&path).map_err(|source| refused(&path, source))?;
        if found.trim() != "0" {
            return Ok(());
        }
        fs::write(&path, "1").map_err(|source| refused(&path, source))
    }

    /// [`Bus::time_scale`](crate::Bus::time_scale) of what answers there.
    pub(super) fn time_scale(&self) -> u32 {
        let read = |name| fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        let is_shared = [read("vendor"), read("device")].iter().map(|text| text.trim()).eq(SHARED_MEMORY);
        if is_shared { SIMULATED_TIME_SCALE } else { 1 }
    }
}

/// Size of the BAR that a line of `resource` (first address, last address, flags) describes, if it holds memory.
fn memory_size(line: &str) -> Option<u64> {
    let mut numbers = line.split_whitespace().map(|word| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok());
    let (first, last, flags) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let size = last.checked_sub(first)?.checked_add(1)?;
    (flags & MEMORY != 0).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_and_files_are_told_apart() {
        let function = |domain, bus, device, function| {
            Ok(PcieAddress::Function(FunctionAddress { domain, bus, device, function }))
        };
        assert_eq!("01:00.0".parse(), function(0, 1, 0, 0));
        assert_eq!("0000:af:1F.7".parse(), function(0, 0xaf, 0x1f, 7));
        assert_eq!("10000:01:00.0".parse(), function(0x10000, 1, 0, 0));
        for file in ["/dev/shm/bar", "bar", "./01:00.0", "cafe", "a.b", "/sys/bus/pci/devices/0000:01:00.0/resource0"] {
            assert_eq!(file.parse(), Ok(PcieAddress::File(file.into())));
        }
        for text in ["", ":", "01:00", "1:0.0", "01:20.0", "01:00.8", "0:01:00.0", "01:00.0.0", "0000:01:00:0.0"] {
            assert_eq!(text.parse::<PcieAddress>(), Err(NoFunctionAddress), "{text}");
        }
        assert_eq!("af:1F.7".parse::<PcieAddress>().map(|address| address.to_string()), Ok("0000:af:1f.7".into()));
    }

    #[test]
    fn sizes_of_memory_are_read() {
        assert_eq!(memory_size("0x00000000fe000000 0x00000000ffffffff 0x000000000014220c"), Some(0x200_0000));
        assert_eq!(memory_size("0x000000000000c000 0x000000000000c01f 0x0000000000040101"), None);
        assert_eq!(memory_size("0x0000000000000000 0x0000000000000000 0x0000000000000000"), None);
        assert_eq!(memory_size("0x10 0x0f 0x200"), None);
        assert_eq!(memory_size("0x0 0xffffffffffffffff 0x200"), None);
        assert_eq!(memory_size("gibberish"), None);
    }
}
