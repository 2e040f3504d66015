//! Lines with faults: a run gives the right answers or says why not, and always ends.

#![allow(clippy::unwrap_used)]

use abi::ElementType;
use abi::frame::{CHECKSUM_BYTES, Decoder, ESCAPE, HEADER_BYTES};
use abi::packing::StreamFormat;
use abi::registers::{INPUT_WINDOW, OUTPUT_WINDOW};
use host::bus::{LineStatistics, Patience};
use host::transport::Pace;
use host::transport::fake::{Cut, Faults, FaultyLine, SoftwareDevice, manifest_of};
use host::{Bus, Device, DeviceError, FrameBus, Transport, TransportError};
use miette::Diagnostic;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::time::Duration;
use testkit::campaign::is_of_the_line;
use testkit::streams;

/// Faults that are rare or many.
fn faults(random: &mut impl Rng) -> Faults {
    // From one byte in 10^5 to one in 30; each kind is left out now and then.
    let mut often =
        |most: f64| if random.random_bool(0.3) { 0.0 } else { most * 10f64.powf(random.random_range(-3.5..0.0)) };
    let (drop, flip, repeat, truncate) = (often(0.03), often(0.03), often(0.03), often(0.01));
    let (garbage, delay) = (often(0.03), often(0.01));
    let cut = match random.random_range(0..10) {
        0 => Some(Cut::Closed(random.random_range(0..5000))),
        1 => Some(Cut::Silent(random.random_range(0..5000))),
        _ => None,
    };
    Faults { drop, flip, repeat, truncate, garbage, delay, cut }
}

#[derive(Default)]
struct Figures {
    right: u64,
    errors: BTreeMap<String, u64>,
    faults: u64,
    line: LineStatistics,
}

#[test]
fn answers_are_right_or_there_are_none() {
    let mut figures = Figures::default();
    let cases = testkit::count(6000, 60_000);
    for seed in 0..cases {
        let random = &mut ChaCha8Rng::seed_from_u64(seed);
        let (input, output) = (streams::stream(random), streams::stream(random));
        let manifest = manifest_of(input, output);
        let core = streams::core(output);
        let device = SoftwareDevice::new(&manifest, random.random_range(1..6), core.clone())
            .with_requests_per_image(random.random_range(0..4));
        let line = FaultyLine::new(device, faults(random), seed);
        // Timeouts never run out here, so that a seed always takes the same way.
        let patience = Patience { attempts: random.random_range(1..20), ..Patience::default() };
        let mut bus = FrameBus::new(line).with_patience(patience);
        let count = random.random_range(1..12);
        let images = streams::images(random, &input, count);
        let expected: Vec<Vec<i32>> = images.iter().map(|image| core(image)).collect();

        let mut failed = |error: DeviceError| {
            assert!(is_of_the_line(&error), "seed {seed}: {error}");
            *figures.errors.entry(error.code().unwrap().to_string()).or_default() += 1;
        };
        match Device::open(&mut bus, &manifest) {
            Ok(mut device) => {
                match device.run(&images, &mut |_| {}) {
                    Ok(answers) => {
                        assert_eq!(answers, expected, "seed {seed}");
                        figures.right += 1;
                    }
                    Err(error) => failed(error),
                }
                // Whatever happened: once the line is whole again, the same device goes on.
                device.bus_mut().transport_mut().heal();
                assert_eq!(device.run(&images, &mut |_| {}).unwrap(), expected, "seed {seed}, healed");
            }
            Err(error) => failed(error),
        }
        assert!(!bus.transport().line().is_overrun(), "seed {seed}");
        let line = bus.statistics();
        figures.faults += bus.transport().injected().total();
        figures.line.answered += line.answered;
        figures.line.repeated += line.repeated;
        figures.line.broken_frames += line.broken_frames;
        figures.line.stray_frames += line.stray_frames;
        figures.line.refused_payloads += line.refused_payloads;
    }
    let Figures { right, errors, faults, line } = figures;
    println!("{cases} cases, {faults} faults: {right} right, errors {errors:?}; {line:?}");
    // The campaign must exercise both ends: lines that are mended by repeating, and lines that cannot be.
    assert!(right > cases / 4 && errors.values().sum::<u64>() > cases / 10 && faults > 10 * cases);
}

/// The answer to the first attempt at a write comes late, and the second attempt arrives broken: by then the window
/// holds rubbish, and only an answer to a third attempt says otherwise.
#[test]
fn an_answer_to_an_earlier_attempt_is_not_enough() {
    /// A line to a device that does this to the first write of more than one word.
    struct Trap {
        device: SoftwareDevice,
        late: Vec<u8>,
        attempt: u32,
    }
    impl Transport for Trap {
        fn write(&mut self, bytes: &[u8], timeout: Duration) -> Result<(), TransportError> {
            let mut decoder = Decoder::default();
            let is_image =
                bytes.iter().filter_map(|byte| decoder.push(*byte)?.ok()).any(|frame| frame.payload.len() > 1);
            self.attempt += u32::from(is_image);
            match self.attempt {
                1 if is_image => self.late = self.device.take(bytes),
                2 if is_image => {
                    let mut bytes = bytes.to_vec();
                    bytes[16] ^= 1;
                    // Without its end the frame gets no answer either.
                    self.device.take(&bytes[..bytes.len() - 3]);
                }
                _ => self.device.write(bytes, timeout)?,
            }
            Ok(())
        }

        fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, TransportError> {
            if self.attempt == 2 && !self.late.is_empty() {
                let count = self.late.len();
                buffer[..count].copy_from_slice(&std::mem::take(&mut self.late));
                return Ok(count);
            }
            self.device.read(buffer, timeout)
        }

        fn pace(&self) -> Pace {
            Pace::INSTANT
        }
    }
    let stream = StreamFormat { element: ElementType::Unsigned { bits: 8 }, lanes: 1, channels: 12, vectors: 1 };
    let manifest = manifest_of(stream, stream);
    let device = SoftwareDevice::new(&manifest, 1, <[i32]>::to_vec);
    let line = Trap { device, late: vec![], attempt: 0 };
    let mut device = Device::open(FrameBus::new(line), &manifest).unwrap();
    let images: Vec<Vec<i32>> = vec![(10..22).collect()];
    assert_eq!(device.run(&images, &mut |_| {}).unwrap(), images);
    assert_eq!(device.bus().transport().attempt, 3);
}

/// Whenever another reset comes, the run fails or its answers are right.
#[test]
fn a_restart_is_noticed() {
    let stream = StreamFormat { element: ElementType::Unsigned { bits: 8 }, lanes: 1, channels: 3, vectors: 1 };
    let manifest = manifest_of(stream, stream);
    let images: Vec<Vec<i32>> = (0..60).map(|image| vec![image; 3]).collect();
    let mut noticed = 0;
    for requests in 0..90 {
        let line = SoftwareDevice::new(&manifest, 4, <[i32]>::to_vec).with_restart_after(requests);
        let Ok(mut device) = Device::open(FrameBus::new(line), &manifest) else {
            continue;
        };
        match device.run(&images, &mut |_| {}) {
            Ok(answers) => assert_eq!(answers, images, "{requests}"),
            Err(DeviceError::OutOfStep { .. } | DeviceError::ForeignReset { .. }) => {
                noticed += 1;
                assert_eq!(device.run(&images, &mut |_| {}).unwrap(), images, "{requests}");
            }
            Err(error) => panic!("{requests}: {error}"),
        }
    }
    println!("{noticed} noticed");
    assert!(noticed > 40, "{noticed}");
}

/// A header with its checksum is as long as two words with theirs: where the line repeats one, the device must not take
/// it for the words.
#[test]
fn a_repeated_header_is_no_payload() {
    /// A line that repeats every header, in both directions.
    struct Stutter(SoftwareDevice);
    fn stutter(bytes: &[u8]) -> Vec<u8> {
        const HEADER_END: usize = 1 + HEADER_BYTES + CHECKSUM_BYTES;
        let is_long = bytes.len() > HEADER_END + 1 && !bytes[..HEADER_END].contains(&ESCAPE);
        if is_long { [&bytes[..HEADER_END], &bytes[1..]].concat() } else { bytes.to_vec() }
    }
    impl Transport for Stutter {
        fn write(&mut self, bytes: &[u8], timeout: Duration) -> Result<(), TransportError> {
            self.0.write(&stutter(bytes), timeout)
        }

        fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, TransportError> {
            let mut bytes = [0; 100];
            let count = self.0.read(&mut bytes, timeout)?;
            let bytes = stutter(&bytes[..count]);
            buffer[..bytes.len()].copy_from_slice(&bytes);
            Ok(bytes.len())
        }

        fn pace(&self) -> Pace {
            Pace::INSTANT
        }
    }
    let stream = StreamFormat { element: ElementType::Unsigned { bits: 8 }, lanes: 1, channels: 6, vectors: 1 };
    let manifest = manifest_of(stream, stream);
    // One attempt: a header with an escaped byte is not repeated, and sooner or later one comes.
    let patience = Patience { attempts: 1, silent_attempts: 1, ..Patience::default() };
    let device = Stutter(SoftwareDevice::new(&manifest, 1, <[i32]>::to_vec));
    let mut bus = FrameBus::new(device).with_patience(patience);
    assert!(bus.write(INPUT_WINDOW, &[1, 2]).is_err());
    assert!(bus.read(OUTPUT_WINDOW, &mut [0, 0]).is_err());
}
