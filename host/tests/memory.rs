//! Devices in mapped memory: what leads to it, how it is refused, and that nothing beyond it is touched.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use abi::ElementType;
use abi::manifest::{Manifest, WeightsManifest};
use abi::packing::StreamFormat;
use abi::registers::{INPUT_WINDOW, OUTPUT_WINDOW, Register, SPAN_BYTES, WEIGHT_WINDOW};
use host::address::DeviceAddress;
use host::bus::memory::{BarError, FunctionAddress, MemoryBus, SIMULATED_TIME_SCALE, least_bytes};
use host::transport::fake::manifest_of;
use host::{Bus, BusError, Device, DeviceError};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use testkit::cards::lay_constants;

const LEAST: u64 = 0x30_0000;
const MEMORY: u64 = 0x4_0200;
const PORTS: u64 = 0x4_0101;

/// The folder of functions of a machine that has one.
struct Machine {
    folder: TempDir,
    function: FunctionAddress,
}

impl Machine {
    /// A function with the given BARs, each with its flags and its size.
    fn new(bars: &[(u64, u64)]) -> Machine {
        let folder = tempfile::tempdir().unwrap();
        let function = FunctionAddress { domain: 0, bus: 1, device: 0, function: 0 };
        let machine = Machine { folder, function };
        let place = machine.place();
        fs::create_dir(&place).unwrap();
        let line = |first: u64, last: u64, flags: u64| format!("{first:#018x} {last:#018x} {flags:#018x}\n");
        let mut resource = String::new();
        for (index, (flags, size)) in bars.iter().enumerate() {
            let first = if *size > 0 { 0xf000_0000 } else { 0 };
            resource += &line(first, (first + size).saturating_sub(1), *flags);
            if *size > 0 {
                File::create(place.join(format!("resource{index}"))).unwrap().set_len(*size).unwrap();
            }
        }
        // Behind the BARs stands a ROM.
        (bars.len()..6).for_each(|_| resource += &line(0, 0, 0));
        resource += &line(0xd000_0000, 0xdfff_ffff, MEMORY);
        fs::write(place.join("resource"), resource).unwrap();
        fs::write(place.join("enable"), "0\n").unwrap();
        fs::write(place.join("vendor"), "0x10ee\n").unwrap();
        fs::write(place.join("device"), "0x7021\n").unwrap();
        machine
    }

    fn place(&self) -> PathBuf {
        self.folder.path().join(self.function.to_string())
    }

    fn open(&self, least: u64) -> Result<MemoryBus, BarError> {
        MemoryBus::open_function(self.function, self.folder.path(), least)
    }

    /// Name of the file that is mapped, and the time scale.
    fn opened(&self, least: u64) -> (String, u32) {
        let bus = self.open(least).unwrap();
        (bus.path().file_name().unwrap().to_str().unwrap().into(), bus.time_scale())
    }
}

/// A file of `size` bytes.
fn bar(folder: &TempDir, size: u64) -> PathBuf {
    let path = folder.path().join("bar");
    File::create(&path).unwrap().set_len(size).unwrap();
    path
}

fn manifest() -> Manifest {
    let stream = |channels| StreamFormat { element: ElementType::Unsigned { bits: 8 }, lanes: 1, channels, vectors: 1 };
    manifest_of(stream(6), stream(3))
}

#[test]
fn the_first_bar_with_room_for_a_device_is_taken_and_switched_on() {
    let all = u64::from(SPAN_BYTES);
    // As an `ivshmem` device has them.
    let machine = Machine::new(&[(MEMORY, 256), (0, 0), (MEMORY, all)]);
    assert_eq!(machine.opened(LEAST), ("resource2".into(), 1));
    assert_eq!(fs::read_to_string(machine.place().join("enable")).unwrap(), "1");
    fs::write(machine.place().join("vendor"), "0x1af4\n").unwrap();
    fs::write(machine.place().join("device"), "0x1110\n").unwrap();
    fs::write(machine.place().join("enable"), "2\n").unwrap();
    assert_eq!(machine.opened(LEAST), ("resource2".into(), SIMULATED_TIME_SCALE));
    assert_eq!(fs::read_to_string(machine.place().join("enable")).unwrap(), "2\n", "it was on");
    let small_before_large = Machine::new(&[(PORTS, all), (MEMORY, LEAST), (MEMORY, all)]);
    assert_eq!(small_before_large.opened(LEAST).0, "resource2");
    let enough = Machine::new(&[(MEMORY, LEAST - 4), (MEMORY, LEAST), (MEMORY, 2 * LEAST)]);
    assert_eq!(enough.opened(LEAST).0, "resource1");
    // The file of a BAR leads to the same.
    let path = enough.place().join("resource1");
    fs::write(enough.place().join("enable"), "0").unwrap();
    assert_eq!(MemoryBus::open_file(&path, LEAST).unwrap().time_scale(), 1);
    assert_eq!(fs::read_to_string(enough.place().join("enable")).unwrap(), "1");
}

#[test]
fn words_lie_at_their_addresses_in_little_endian_order_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = bar(&folder, LEAST + 4);
    let mut bus = MemoryBus::open_file(&path, LEAST).unwrap();
    bus.write(INPUT_WINDOW, &[0x0403_0201, 5]).unwrap();
    bus.write(LEAST as u32, &[6]).unwrap();
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes[INPUT_WINDOW as usize..][..8], [1, 2, 3, 4, 5, 0, 0, 0]);
    assert_eq!(bytes.iter().filter(|byte| **byte != 0).count(), 6);
    let mut words = [0; 3];
    bus.read(INPUT_WINDOW, &mut words).unwrap();
    assert_eq!(words, [0x0403_0201, 5, 0]);
    for (address, count) in [(LEAST as u32, 2), (LEAST as u32 + 4, 1), (u32::MAX - 3, 2), (2, 1), (0, 1 << 20)] {
        let is_beyond = |result| matches!(result, Err(BusError::Bar(BarError::Beyond { .. })));
        assert!(is_beyond(bus.read(address, &mut vec![0; count])), "{count} at {address:#x}");
        assert!(is_beyond(bus.write(address, &vec![7; count])), "{count} at {address:#x}");
    }
    assert_eq!(fs::read(&path).unwrap(), bytes, "refused writes change nothing");
    assert!(bus.read(LEAST as u32 + 4, &mut []).is_ok());
}

#[test]
fn designs_with_loadable_weights_need_their_window() {
    let with_weights = |words| Manifest { weights: Some(WeightsManifest { words, identity: 0 }), ..manifest() };
    assert_eq!(least_bytes(&manifest()), LEAST);
    assert_eq!(least_bytes(&with_weights(3)), u64::from(WEIGHT_WINDOW) + 12);
    assert_eq!(least_bytes(&with_weights(u32::MAX)), u64::from(SPAN_BYTES));
}

#[test]
fn all_ones_are_nobodys_answer_unless_the_device_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut bus = MemoryBus::open_file(&bar(&folder, LEAST), LEAST).unwrap();
    bus.write(OUTPUT_WINDOW, &[u32::MAX; 2]).unwrap();
    assert!(bus.read(OUTPUT_WINDOW, &mut [0; 2]).is_ok());
    bus.write_register(Register::Identifier, u32::MAX).unwrap();
    assert!(matches!(bus.read(OUTPUT_WINDOW, &mut [0; 2]), Err(BusError::Bar(BarError::Gone { .. }))));
    assert!(bus.read(OUTPUT_WINDOW, &mut [0; 3]).is_ok());
}

#[test]
fn memory_that_nobody_serves_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let mut bus = MemoryBus::open_file(&bar(&folder, LEAST), LEAST).unwrap().with_time_scale(1);
    lay_constants(&mut bus, &manifest());
    let error = Device::open(bus, &manifest()).unwrap_err();
    assert!(matches!(error, DeviceError::ResetLasts { .. }), "{error}");
}

#[test]
fn messages() {
    let mut text = String::new();
    let mut error = |case: &str, error: &dyn miette::Diagnostic, folder: &Path| {
        text += &format!("# {case}\n{}\n", testkit::rendered(error).replace(folder.to_str().unwrap(), "DIR"));
    };
    let all = u64::from(SPAN_BYTES);
    let machine = Machine::new(&[(PORTS, 32)]);
    error("no memory", &machine.open(LEAST).unwrap_err(), machine.folder.path());
    let machine = Machine::new(&[(MEMORY, 4096), (MEMORY, 65536)]);
    error("small BARs", &machine.open(LEAST).unwrap_err(), machine.folder.path());
    let other = FunctionAddress { bus: 2, ..machine.function };
    let missing = MemoryBus::open_function(other, machine.folder.path(), LEAST).unwrap_err();
    error("no such function", &missing, machine.folder.path());
    let machine = Machine::new(&[(MEMORY, all)]);
    let held = machine.open(LEAST).unwrap();
    error("another program", &machine.open(LEAST).unwrap_err(), machine.folder.path());
    drop(held);
    assert!(machine.open(LEAST).is_ok(), "it is free again");
    fs::remove_file(machine.place().join("resource0")).unwrap();
    error("a BAR without a file", &machine.open(LEAST).unwrap_err(), machine.folder.path());
    let open = |path: &Path| MemoryBus::open_file(path, LEAST).unwrap_err();
    let folder = tempfile::tempdir().unwrap();
    error("no such file", &open(&folder.path().join("none")), folder.path());
    error("a folder", &open(folder.path()), folder.path());
    error("a device that is no BAR", &open(Path::new("/dev/null")), folder.path());
    error("a small file", &open(&bar(&folder, LEAST - 1)), folder.path());
    error("a file through a file", &open(&folder.path().join("bar/bar")), folder.path());
    let path = bar(&folder, LEAST);
    let mut bus = MemoryBus::open_file(&path, LEAST).unwrap();
    error("beyond the end", &bus.write(LEAST as u32 - 4, &[1, 2]).unwrap_err(), folder.path());
    bus.write_register(Register::Identifier, u32::MAX).unwrap();
    error("a card that is gone", &Device::open(bus, &manifest()).unwrap_err(), folder.path());
    let address: DeviceAddress = format!("pcie:{}", path.display()).parse().unwrap();
    let device = Device::open(address.open_bus(&manifest()).unwrap(), &manifest());
    error("gone, by its address", &device.map(drop).unwrap_err(), folder.path());
    let mut bus = MemoryBus::open_file(&bar(&folder, LEAST), LEAST).unwrap();
    bar(&folder, 0);
    error("memory that went away", &bus.read(INPUT_WINDOW, &mut [0]).unwrap_err(), folder.path());
    let path = PathBuf::from("/sys/bus/pci/devices/0000:01:00.0/resource0");
    error("permission", &BarError::PermissionDenied { path: path.clone() }, folder.path());
    let source = || std::io::ErrorKind::InvalidInput.into();
    error("opening", &BarError::Open { path: path.clone(), source: source() }, folder.path());
    error("mapping", &BarError::Map { path, source: source() }, folder.path());
    for text in ["usb:1", "pcie:", "pcie:01:00.9", "uart:"] {
        error(text, &text.parse::<DeviceAddress>().unwrap_err(), folder.path());
    }
    insta::assert_snapshot!("messages", text);
}
