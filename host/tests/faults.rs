//! Lines with faults: a run gives the right answers or says why not, and always ends.

#![allow(clippy::unwrap_used)]

mod support;

use host::bus::{LineStatistics, Patience};
use host::transport::fake::{Cut, Faults, FaultyLine, SoftwareDevice, manifest_of};
use host::{BusError, Device, DeviceError, FrameBus, TransportError};
use miette::Diagnostic;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const CASES: u64 = 6000;

/// Longest time of a case. No time passes on these lines, so this is time for work.
const LONGEST: Duration = Duration::from_secs(3);

/// Faults that are rare or many.
fn faults(random: &mut impl Rng) -> Faults {
    // From one byte in 10^5 to one in 30; each kind is left out now and then.
    let mut often =
        |most: f64| if random.random_bool(0.3) { 0.0 } else { most * 10f64.powf(random.random_range(-3.5..0.0)) };
    let (drop, flip, repeat, garbage, delay) = (often(0.03), often(0.03), often(0.03), often(0.03), often(0.01));
    let cut = match random.random_range(0..10) {
        0 => Some(Cut::Closed(random.random_range(0..5000))),
        1 => Some(Cut::Silent(random.random_range(0..5000))),
        _ => None,
    };
    Faults { drop, flip, repeat, garbage, delay, cut }
}

/// Whether a line, and not the device or the host, may be the reason for `error`.
fn is_of_the_line(error: &DeviceError) -> bool {
    let DeviceError::Bus(error) = error else { return false };
    match error {
        BusError::Transport(TransportError::Closed { .. }) => true,
        BusError::Silent { .. } | BusError::Unintelligible { .. } | BusError::Stopped { .. } => true,
        BusError::Late { .. } | BusError::Payload { .. } => true,
        _ => false,
    }
}

#[derive(Default)]
struct Figures {
    right: u64,
    errors: BTreeMap<String, u64>,
    faults: u64,
    line: LineStatistics,
    longest: Duration,
}

#[test]
fn answers_are_right_or_there_are_none() {
    let mut figures = Figures::default();
    for seed in 0..CASES {
        let random = &mut ChaCha8Rng::seed_from_u64(seed);
        let (input, output) = (support::stream(random), support::stream(random));
        let manifest = manifest_of(input, output);
        let core = support::core(output);
        let device = SoftwareDevice::new(&manifest, random.random_range(1..6), core.clone())
            .with_requests_per_image(random.random_range(0..4));
        let line = FaultyLine::new(device, faults(random), seed);
        let patience = Patience { attempts: random.random_range(1..20), ..support::SHORT };
        let mut bus = FrameBus::new(line).with_patience(patience);
        let count = random.random_range(1..12);
        let images = support::images(random, &input, count);
        let expected: Vec<Vec<i32>> = images.iter().map(|image| core(image)).collect();

        let begin = Instant::now();
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
        figures.longest = figures.longest.max(begin.elapsed());
        assert!(begin.elapsed() < LONGEST, "seed {seed} took {:?}", begin.elapsed());
        assert!(!bus.transport().line().is_overrun(), "seed {seed}");
        let line = bus.statistics();
        figures.faults += bus.transport().injected().total();
        figures.line.answered += line.answered;
        figures.line.repeated += line.repeated;
        figures.line.broken_frames += line.broken_frames;
        figures.line.stray_frames += line.stray_frames;
        figures.line.refused_payloads += line.refused_payloads;
    }
    let Figures { right, errors, faults, line, longest } = figures;
    println!("{CASES} cases, {faults} faults: {right} right, errors {errors:?}; {line:?}; longest {longest:?}");
    // The campaign must exercise both ends: lines that are mended by repeating, and lines that cannot be.
    assert!(right > CASES / 4 && errors.values().sum::<u64>() > CASES / 10 && faults > 10 * CASES);
}
