//! Memory that goes away while it is mapped: files that are truncated under a host. Every access gives an error, the process
//! lives, and faults elsewhere do what they did before.

#![cfg(target_os = "linux")]
#![allow(unsafe_code, clippy::unwrap_used)]

use abi::ElementType;
use abi::packing::StreamFormat;
use abi::registers::{INPUT_WINDOW, Register};
use host::bus::memory::BarError;
use host::transport::fake::manifest_of;
use host::{Bus, BusError, Device, DeviceError, MemoryBus};
use libc::{SIG_IGN, SIGBUS, c_int, c_void, siginfo_t};
use memmap2::MmapOptions;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::env;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use testkit::cards::IdleCard;

const BYTES: u64 = 0x30_0000;

/// No page is larger.
const PAGE: u64 = 0x1_0000;

/// A file of zeros, made anew or cut.
fn sized(path: &Path, bytes: u64) {
    File::options().write(true).create(true).truncate(false).open(path).unwrap().set_len(bytes).unwrap();
}

fn opened(folder: &Path, name: &str) -> (PathBuf, MemoryBus) {
    let path = folder.join(name);
    sized(&path, BYTES);
    let bus = reopened(&path);
    (path, bus)
}

/// The file, perhaps not for the first time.
fn reopened(path: &Path) -> MemoryBus {
    loop {
        match MemoryBus::open_file(path, BYTES) {
            Ok(bus) => return bus,
            // A process that another test starts holds it too, until it runs its program.
            Err(BarError::Busy { .. }) => thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

fn is_lost(result: &Result<(), BusError>, path: &Path) -> bool {
    matches!(result, Err(BusError::Bar(BarError::Lost { path: found })) if found == path)
}

#[test]
fn accesses_beyond_the_end_of_a_cut_file_are_errors_and_those_before_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut lost = 0;
    for seed in 0..60 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (path, mut bus) = opened(folder.path(), &format!("bar{seed}"));
        let (_, mut other) = opened(folder.path(), "other");
        let end = match seed % 3 {
            0 => 0,
            1 => random.random_range(1..BYTES / PAGE) * PAGE,
            _ => random.random_range(1..BYTES),
        };
        sized(&path, end);
        let mut is_over = false;
        for _ in 0..10 {
            let count = random.random_range(1..PAGE / 2);
            let first = random.random_range(0..(BYTES - 4 * count) / 4) * 4;
            let (address, mut words) = (first as u32, vec![7; count as usize]);
            let result = if random.random() { bus.read(address, &mut words) } else { bus.write(address, &words) };
            if is_over || first + 4 * count > end.next_multiple_of(PAGE) {
                assert!(is_lost(&result, &path), "seed {seed}: {count} words at {first:#x} of {end:#x}: {result:?}");
                is_over = true;
            } else if first + 4 * count <= end {
                assert!(result.is_ok(), "seed {seed}: {count} words at {first:#x} of {end:#x}: {result:?}");
            } else {
                is_over = result.is_err();
            }
            assert!(other.read(address, &mut words).is_ok(), "seed {seed}: another file");
        }
        lost += usize::from(is_over);
        // What comes back is another file's memory for this bus, and the memory for the next.
        sized(&path, BYTES);
        assert_eq!(bus.read(0, &mut [0]).is_err(), is_over, "seed {seed}");
        drop(bus);
        assert!(reopened(&path).write(INPUT_WINDOW, &[1; 1000]).is_ok(), "seed {seed}");
    }
    assert!((40..60).contains(&lost), "{lost} of 60 were lost");
}

#[test]
fn many_memories_go_away_in_many_threads() {
    let folder = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        for thread in 0..4 {
            let folder = folder.path();
            scope.spawn(move || {
                let name = |index| format!("bar{thread}-{index}");
                let mut all: Vec<(PathBuf, MemoryBus)> = (0..40).map(|index| opened(folder, &name(index))).collect();
                for (index, (path, bus)) in all.iter_mut().enumerate() {
                    let is_cut = index % 3 != thread % 3;
                    if is_cut {
                        sized(path, 0);
                    }
                    assert_eq!(is_lost(&bus.write(INPUT_WINDOW, &[1, 2, 3]), path), is_cut);
                }
            });
        }
    });
}

#[test]
fn a_device_whose_memory_goes_away_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bar");
    let stream = |channels| StreamFormat { element: ElementType::Signed { bits: 9 }, lanes: 2, channels, vectors: 1 };
    let manifest = manifest_of(stream(6), stream(3));
    let card = IdleCard::new(&path, &manifest);
    let mut device = Device::open(MemoryBus::open_file(&path, BYTES).unwrap(), &manifest).unwrap();
    assert!(is_lost(&card.truncate(), &path), "whoever serves it is told as well");
    for _ in 0..2 {
        let error = device.infer(&[vec![0.0; 6]], &mut |_| {}).unwrap_err();
        assert!(matches!(error, DeviceError::Bus(BusError::Bar(BarError::Lost { .. }))), "{error}");
    }
    assert!(device.counters().is_err());
}

/// Exit status of a handler that was there before.
const HANDLED: c_int = 42;

extern "C" fn one_argument(_: c_int) {
    // SAFETY: ends the process, which a handler may do.
    unsafe { libc::_exit(HANDLED) }
}

extern "C" fn three_arguments(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
    // SAFETY: the system gives an `info`, since the handler is installed with `SA_SIGINFO`; the rest as above.
    unsafe { libc::_exit(if (*info).si_signo == SIGBUS { HANDLED } else { 1 }) }
}

/// Name of the case in the environment of a process that ends by a signal.
const CASE: &str = "XNORFORGE_TEST_FAULT";

/// Sets what happens at a fault, opens and loses memory, and has a fault elsewhere or sends the signal.
fn fault(case: &str) {
    let (before, what) = case.split_once(' ').unwrap();
    // SAFETY: actions of zeros and of the handlers above.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        match before {
            "default" => {}
            "ignored" => action.sa_sigaction = SIG_IGN,
            "one" => action.sa_sigaction = one_argument as *const () as usize,
            _ => {
                action.sa_sigaction = three_arguments as *const () as usize;
                action.sa_flags = libc::SA_SIGINFO;
            }
        }
        assert_eq!(libc::sigaction(SIGBUS, &action, std::ptr::null_mut()), 0);
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, mut bus) = opened(folder.path(), "bar");
    sized(&path, 0);
    assert!(is_lost(&bus.read(Register::Session.address(), &mut [0]), &path));
    let elsewhere = folder.path().join("elsewhere");
    sized(&elsewhere, BYTES);
    let memory = MmapOptions::new().map_raw(&File::options().read(true).write(true).open(&elsewhere).unwrap()).unwrap();
    sized(&elsewhere, 0);
    // Nobody else removes it where this process ends.
    drop(folder);
    // SAFETY: an address within the mapping, and a signal to this process.
    unsafe {
        match what {
            "fault" => drop(memory.as_ptr().read_volatile()),
            _ => assert_eq!(libc::raise(SIGBUS), 0),
        }
    }
}

#[test]
fn faults_elsewhere_do_what_they_did_before() {
    if let Ok(case) = env::var(CASE) {
        return fault(&case);
    }
    for (case, code, signal) in [
        ("default fault", None, Some(SIGBUS)),
        ("default signal", None, Some(SIGBUS)),
        ("ignored fault", None, Some(SIGBUS)),
        ("ignored signal", Some(0), None),
        ("one fault", Some(HANDLED), None),
        ("one signal", Some(HANDLED), None),
        ("three fault", Some(HANDLED), None),
        ("three signal", Some(HANDLED), None),
    ] {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "faults_elsewhere_do_what_they_did_before", "--nocapture"]).env(CASE, case);
        let output = command.output().unwrap();
        assert_eq!((output.status.code(), output.status.signal()), (code, signal), "{case}: {output:?}");
    }
}
