//! Hosts that misbehave on the pseudo-terminal of a served board: what they send is bounded, and the next host is served.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use abi::ElementType;
use abi::frame::Frame;
use abi::manifest::{DeviceManifest, Manifest};
use abi::packing::StreamFormat;
use abi::registers::Register;
use abi::uart::{LineDecoder, LineEncoder, UartTiming};
use host::transport::fake::{SoftwareDevice, manifest_of};
use host::transport::uart::Uart;
use host::{Device, FrameBus};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serialport::{SerialPort, TTYPort};
use sim::SimError;
use sim::board::{Levels, Pins, Served, SimulatedLine};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use testkit::streams;

/// Few clock cycles in a bit.
const LINE: (u32, u32) = (5_000_000, 1_000_000);

/// Bytes that the system and the server hold for a board, and some more: far below what a flood sends.
const MOST_HELD: usize = 40_000;

fn manifest() -> Manifest {
    let stream = |channels| StreamFormat { element: ElementType::Signed { bits: 5 }, lanes: 4, channels, vectors: 2 };
    manifest_of(stream(37), stream(11))
}

/// A device in software at its pins. A chunk of its time takes `nap`.
struct SoftPins {
    device: SoftwareDevice,
    decoder: LineDecoder,
    encoder: LineEncoder,
    nap: Duration,
    heard: Arc<AtomicUsize>,
}

impl Pins for SoftPins {
    fn run(&mut self, rx: &Levels) -> Result<Levels, SimError> {
        thread::sleep(self.nap);
        let mut tx = Levels::default();
        for level in rx.iter() {
            if let Some(Ok(byte)) = self.decoder.push(level) {
                self.heard.fetch_add(1, Ordering::Relaxed);
                self.device.take(&[byte]).into_iter().for_each(|byte| self.encoder.push(byte));
            }
            tx.push(self.encoder.next_level());
        }
        Ok(tx)
    }

    fn time_scale(&self) -> u32 {
        1000
    }
}

/// A served board, until it is stopped.
struct Board {
    path: String,
    heard: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<(), SimError>>>,
}

impl Board {
    fn new(nap: Duration) -> Self {
        let (clock_hertz, baud) = LINE;
        let timing = UartTiming::new(clock_hertz, baud).unwrap();
        let (heard, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let pins = SoftPins {
            device: SoftwareDevice::new(&manifest(), 5, streams::core(manifest().output_stream)),
            decoder: LineDecoder::new(&timing),
            encoder: LineEncoder::new(&timing),
            nap,
            heard: Arc::clone(&heard),
        };
        let (board, top, files) = ("soft".into(), "soft".into(), Vec::new());
        let device = DeviceManifest { board, top, files, clock_hertz, baud, line_bytes: 0, slots: 5 };
        let mut line = SimulatedLine::new(pins, &device).unwrap();
        let mut served = Served::open().unwrap();
        let path = served.path().to_owned();
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || served.run(&mut line, || !stopped.load(Ordering::Relaxed)));
        Board { path, heard, stop, thread: Some(thread) }
    }

    /// The line as somebody opens it who does not care for others.
    fn far(&self) -> TTYPort {
        let mut far = TTYPort::open(&serialport::new(&self.path, LINE.1).exclusive(false)).unwrap();
        far.set_timeout(Duration::from_millis(20)).unwrap();
        far
    }

    /// Images of a host that keeps the rules.
    fn serves_a_host(&self) {
        let mut device = Device::open(FrameBus::new(Uart::open(&self.path, LINE.1).unwrap()), &manifest()).unwrap();
        let images: Vec<Vec<i32>> =
            (0..3).map(|image| (0..74).map(|index| (image * 7 + index) % 16).collect()).collect();
        let core = streams::core(manifest().output_stream);
        let expected: Vec<Vec<i32>> = images.iter().map(|image| core(image)).collect();
        assert_eq!(device.run(&images, &mut |_| {}).unwrap(), expected);
    }

    /// Ends the server, which must not wait for anybody.
    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap().unwrap();
    }
}

/// Writes `bytes` again and again, until the line has taken `most` or nothing `patience` times; how many it has taken.
fn flood(far: &mut TTYPort, bytes: &[u8], most: usize, patience: usize) -> usize {
    let (mut taken, mut refusals) = (0, 0);
    for chunk in bytes.chunks(64).cycle() {
        if taken >= most || refusals >= patience {
            break;
        }
        match far.write(chunk) {
            Ok(count) => taken += count,
            Err(error) if error.kind() == ErrorKind::TimedOut => refusals += 1,
            Err(error) => panic!("{error}"),
        }
    }
    taken
}

fn garbage(seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; 1 << 16];
    ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

#[test]
fn a_flood_waits_for_the_board() {
    // So slow that it takes next to nothing meanwhile.
    let mut board = Board::new(Duration::from_millis(20));
    let mut far = board.far();
    let taken = flood(&mut far, &garbage(1), 1 << 20, 20);
    let heard = board.heard.load(Ordering::Relaxed);
    assert!(taken < MOST_HELD + heard, "{taken} bytes were taken, {heard} of them by the board");
    board.end();
}

#[test]
fn a_host_is_served_after_floods() {
    let mut board = Board::new(Duration::from_millis(1));
    for seed in 0..4 {
        let mut far = board.far();
        flood(&mut far, &garbage(seed), 1 << 20, 5);
        drop(far);
        board.serves_a_host();
    }
    board.end();
}

#[test]
fn a_host_is_served_beside_one_that_has_flooded_and_stays() {
    let mut board = Board::new(Duration::from_millis(1));
    let mut far = File::options().read(true).write(true).open(&board.path).unwrap();
    // Less than the system takes without waiting, and more than the board hears in time.
    far.write_all(&garbage(7)[..10_000]).unwrap();
    board.serves_a_host();
    drop(far);
    board.end();
}

/// Answers that nobody reads fill the line, and are lost then: neither does the board stand still, nor does the server wait.
#[test]
fn a_host_that_reads_nothing_holds_nobody_up() {
    let mut board = Board::new(Duration::ZERO);
    let mut far = board.far();
    let request = |sequence| Frame::read(sequence, Register::DesignHash.address(), 8).encode();
    let requests: Vec<u8> = (0..=255).flat_map(request).collect();
    flood(&mut far, &requests, 100_000, 1000);
    assert!(board.heard.load(Ordering::Relaxed) > 50_000, "the board goes on");
    drop(far);
    board.serves_a_host();
    board.end();
}
