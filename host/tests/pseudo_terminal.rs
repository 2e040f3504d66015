//! The serial line's own code against the system's terminals.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use abi::ElementType;
use abi::manifest::Manifest;
use abi::packing::StreamFormat;
use host::bus::Patience;
use host::transport::Pace;
use host::transport::fake::{Cut, Faults, FaultyLine, SoftwareDevice, manifest_of};
use host::transport::uart::{PSEUDO_TERMINAL_TIME_SCALE, Uart};
use host::{Bus, BusError, Device, DeviceError, FrameBus, Transport, TransportError};
use serialport::{SerialPort, TTYPort};
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use testkit::streams;

/// serialport asks for terminals in a way that is not safe for several threads.
static OPENING: Mutex<()> = Mutex::new(());

/// A device in software behind a pseudo-terminal, until it is dropped.
struct Board {
    path: String,
    stop: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
    thread: Option<JoinHandle<SoftwareDevice>>,
    _slave: TTYPort,
}

impl Board {
    /// Serves `device`, and unplugs it after `most_bytes` bytes.
    fn new(mut device: SoftwareDevice, most_bytes: usize) -> Self {
        let (mut master, slave) = pair();
        let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (stopped, counted) = (stop.clone(), served.clone());
        let thread = thread::spawn(move || {
            master.set_timeout(Duration::from_millis(5)).unwrap();
            let mut buffer = [0; 300];
            while !stopped.load(Ordering::Relaxed) && counted.load(Ordering::Relaxed) < most_bytes {
                match master.read(&mut buffer) {
                    Ok(count) => {
                        counted.fetch_add(count, Ordering::Relaxed);
                        master.write_all(&device.take(&buffer[..count])).unwrap();
                    }
                    Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
                    Err(error) => panic!("{error}"),
                }
            }
            device
        });
        Board { path: slave.name().unwrap(), stop, served, thread: Some(thread), _slave: slave }
    }

    fn open(&self) -> Uart {
        Uart::open(&self.path, 1_000_000).unwrap()
    }

    /// Unplugs the line; the device stays as it is.
    fn unplug(mut self) -> SoftwareDevice {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn pair() -> (TTYPort, TTYPort) {
    let _guard = OPENING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    TTYPort::pair().unwrap()
}

fn manifest() -> Manifest {
    let stream = |channels| StreamFormat { element: ElementType::Signed { bits: 5 }, lanes: 4, channels, vectors: 2 };
    manifest_of(stream(37), stream(11))
}

fn software_device() -> SoftwareDevice {
    SoftwareDevice::new(&manifest(), 5, streams::core(manifest().output_stream)).with_requests_per_image(2)
}

fn images(count: i32) -> Vec<Vec<i32>> {
    (0..count).map(|image| (0..74).map(|index| (image * 7 + index * 5) % 16).collect()).collect()
}

fn answers(count: i32) -> Vec<Vec<i32>> {
    images(count).iter().map(|image| streams::core(manifest().output_stream)(image)).collect()
}

#[test]
fn a_device_runs_behind_a_terminal() {
    let board = Board::new(software_device(), usize::MAX);
    let uart = board.open();
    assert_eq!(uart.pace(), Pace { time_scale: PSEUDO_TERMINAL_TIME_SCALE, ..Pace::of_baud(1_000_000) });
    let mut device = Device::open(FrameBus::new(uart), &manifest()).unwrap();
    assert_eq!(device.run(&images(200), &mut |_| {}).unwrap(), answers(200));
    assert_eq!(device.bus().statistics().repeated, 0);
    assert!(board.served.load(Ordering::Relaxed) > 200 * 80);
}

#[test]
fn a_noisy_terminal_gives_the_same_answers() {
    let (mut right, mut faults, mut repeated) = (0, 0, 0);
    // Faults are made up here, and so is not what a loaded machine takes.
    let patience = Patience { host_latency: Duration::from_millis(10), attempts: 8, ..streams::SHORT };
    for seed in 0..15 {
        let board = Board::new(software_device(), usize::MAX);
        let rates =
            Faults { drop: 3e-4, flip: 3e-4, repeat: 3e-4, truncate: 1e-4, garbage: 3e-4, delay: 1e-4, cut: None };
        let line = FaultyLine::new(board.open().with_time_scale(1), rates, seed);
        let mut bus = FrameBus::new(line).with_patience(patience);
        let result = Device::open(&mut bus, &manifest()).and_then(|mut device| device.run(&images(30), &mut |_| {}));
        match result {
            Ok(found) => assert_eq!(found, answers(30), "seed {seed}"),
            Err(DeviceError::Bus(_)) => right -= 1,
            Err(error) => panic!("seed {seed}: {error}"),
        }
        right += 1;
        faults += bus.transport().injected().total();
        repeated += bus.statistics().repeated;
    }
    println!("{right} of 15 right with {faults} faults and {repeated} frames repeated");
    assert!(right > 5 && faults > 50);
}

#[test]
fn unplugging_is_noticed() {
    for most_bytes in [1, 200, 1000, 5000] {
        let board = Board::new(software_device(), most_bytes);
        let error = Device::open(FrameBus::new(board.open()), &manifest())
            .and_then(|mut device| device.run(&images(200), &mut |_| {}))
            .unwrap_err();
        let is_closed = matches!(error, DeviceError::Bus(BusError::Transport(TransportError::Closed { .. })));
        assert!(is_closed, "{most_bytes} bytes: {error}");
    }
}

/// A line that comes back under its path is opened again, whether its device kept its power or not.
#[test]
fn an_unplugged_line_is_opened_again_on_its_path() {
    let folder = std::env::temp_dir().join(format!("xnorforge-replugged-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let link = folder.join("board");
    let plug = |board: &Board| {
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(&board.path, &link).unwrap();
    };
    let open = || {
        let uart = Uart::open(link.to_str().unwrap(), 1_000_000).map_err(BusError::from)?.with_time_scale(1);
        Device::open(FrameBus::new(uart), &manifest())
    };
    for (most_bytes, keeps_power) in [(700, true), (1500, false), (3000, true), (6000, false), (9001, true)] {
        let board = Board::new(software_device(), most_bytes);
        plug(&board);
        let error = open().and_then(|mut device| device.run(&images(300), &mut |_| {})).unwrap_err();
        let is_closed = matches!(error, DeviceError::Bus(BusError::Transport(TransportError::Closed { .. })));
        assert!(is_closed, "{most_bytes} bytes: {error}");
        let device = board.unplug();
        let board = Board::new(if keeps_power { device } else { software_device() }, usize::MAX);
        plug(&board);
        assert_eq!(open().unwrap().run(&images(30), &mut |_| {}).unwrap(), answers(30), "{most_bytes} bytes");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A device that loses its power in the middle of a run is noticed, and the same host drives it again.
#[test]
fn a_loss_of_power_is_noticed_behind_a_terminal() {
    let mut noticed = 0;
    for requests in (21..90).step_by(6) {
        let board = Board::new(software_device().with_restart_after(requests), usize::MAX);
        let uart = board.open().with_time_scale(1);
        let Ok(device) = Device::open(FrameBus::new(uart), &manifest()) else { continue };
        let mut device = device.with_patience(Duration::from_millis(50));
        match device.run(&images(40), &mut |_| {}) {
            Ok(found) => assert_eq!(found, answers(40), "{requests} requests"),
            Err(DeviceError::OutOfStep { .. } | DeviceError::ForeignReset { .. } | DeviceError::Stuck { .. }) => {
                noticed += 1;
            }
            Err(error) => panic!("{requests} requests: {error}"),
        }
        assert_eq!(device.run(&images(40), &mut |_| {}).unwrap(), answers(40), "{requests} requests, again");
    }
    assert!(noticed >= 4, "{noticed} losses of power were noticed");
}

/// A device that falls silent in the middle of a run is reported within the patience, and goes on when it is back.
#[test]
fn a_device_that_falls_silent_is_reported_in_time() {
    for bytes in [800, 2000, 5000] {
        let board = Board::new(software_device(), usize::MAX);
        let faults = Faults { cut: Some(Cut::Silent(bytes)), ..Faults::default() };
        let line = FaultyLine::new(board.open().with_time_scale(1), faults, 1);
        let patience = Patience { host_latency: Duration::from_millis(20), ..streams::SHORT };
        let mut device = Device::open(FrameBus::new(line).with_patience(patience), &manifest()).unwrap();
        let error = device.run(&images(300), &mut |_| {}).unwrap_err();
        assert!(matches!(error, DeviceError::Bus(BusError::Stopped { .. })), "{bytes} bytes: {error}");
        device.bus_mut().transport_mut().heal();
        assert_eq!(device.run(&images(30), &mut |_| {}).unwrap(), answers(30), "{bytes} bytes");
    }
}

#[test]
fn a_silent_terminal_is_silent() {
    let (_master, slave) = pair();
    let uart = Uart::open(&slave.name().unwrap(), 1_000_000).unwrap().with_time_scale(1);
    let error = FrameBus::new(uart).with_patience(streams::SHORT).read(0, &mut [0]).unwrap_err();
    assert!(matches!(error, BusError::Silent { .. }), "{error}");
}

#[test]
fn calls_end_with_their_timeouts() {
    let (_master, slave) = pair();
    let mut uart = Uart::open(&slave.name().unwrap(), 1_000_000).unwrap();
    let timeout = Duration::from_millis(50);
    let error = uart.read(&mut [0; 9], timeout).unwrap_err();
    assert!(matches!(error, TransportError::Timeout { done: 0, .. }), "{error}");
    // More than any buffer takes, and nobody reads.
    let error = uart.write(&vec![0; 1 << 22], timeout).unwrap_err();
    assert!(matches!(error, TransportError::Timeout { done: 1.., expected: 0x40_0000, .. }), "{error}");
}

#[test]
fn what_lay_there_before_is_forgotten() {
    let (mut master, slave) = pair();
    master.write_all(b"left by another program").unwrap();
    thread::sleep(Duration::from_millis(20));
    let mut uart = Uart::open(&slave.name().unwrap(), 1_000_000).unwrap();
    assert!(matches!(uart.read(&mut [0; 9], Duration::from_millis(20)), Err(TransportError::Timeout { .. })));
    master.write_all(b"new").unwrap();
    let mut buffer = [0; 9];
    assert_eq!(uart.read(&mut buffer, Duration::from_secs(1)).unwrap(), 3);
    assert_eq!(&buffer[..3], b"new");
}

#[test]
fn a_line_belongs_to_one_program() {
    let (_master, slave) = pair();
    let path = slave.name().unwrap();
    let _first = Uart::open(&path, 1_000_000).unwrap();
    let error = Uart::open(&path, 1_000_000).unwrap_err();
    assert!(matches!(&error, TransportError::Busy { path: found } if *found == path), "{error}");
}

#[test]
fn links_to_terminals_are_terminals() {
    let (_master, slave) = pair();
    let folder = std::env::temp_dir().join(format!("xnorforge-host-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let link = folder.join("board");
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(slave.name().unwrap(), &link).unwrap();
    let uart = Uart::open(link.to_str().unwrap(), 115_200).unwrap();
    assert_eq!(uart.pace().time_scale, PSEUDO_TERMINAL_TIME_SCALE);
    std::fs::remove_dir_all(&folder).unwrap();
}
