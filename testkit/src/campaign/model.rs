//! The campaign against devices in software: random networks, rings and lines, all from one seed.

use super::{Counted, Figures};
use crate::streams;
use host::Device;
use host::bus::{Bus, FrameBus, Patience};
use host::transport::fake::{Cut, Faults, FaultyLine, SoftwareDevice, manifest_of};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// The line of a case.
pub type Line = Counted<FaultyLine<SoftwareDevice>>;

/// Makes the bus that drives a line.
pub type MakeBus = for<'l> fn(&'l mut Line, Patience) -> Box<dyn Bus + 'l>;

/// Most frames of a case: a host that never gives up sends more.
const MAX_FRAMES: u64 = 20_000;

/// How long a core may stand still: those that lost their power do.
const PATIENCE: Duration = Duration::from_millis(50);

/// The bus of the host runtime.
pub fn frame_bus(line: &mut Line, patience: Patience) -> Box<dyn Bus + '_> {
    Box::new(FrameBus::new(line).with_patience(patience))
}

/// Runs cases from `seed` on until the host has sent `frames` frames.
pub fn campaign(seed: u64, frames: u64, make: MakeBus) -> Figures {
    let mut figures = Figures::default();
    for case in seed.. {
        run(case, make, &mut figures);
        if figures.sent >= frames {
            break;
        }
    }
    figures
}

/// Faults that are rare or many, of all kinds.
fn faults(random: &mut impl Rng) -> Faults {
    // From one byte in 10^5 to one in 30; each kind is left out now and then.
    let mut often =
        |most: f64| if random.random_bool(0.3) { 0.0 } else { most * 10f64.powf(random.random_range(-3.5..0.0)) };
    let (drop, flip, repeat, truncate) = (often(0.03), often(0.03), often(0.03), often(0.02));
    let (garbage, delay) = (often(0.03), often(0.02));
    let cut = match random.random_range(0..10) {
        0 => Some(Cut::Closed(random.random_range(0..5000))),
        1 => Some(Cut::Silent(random.random_range(0..5000))),
        _ => None,
    };
    Faults { drop, flip, repeat, truncate, garbage, delay, cut }
}

fn run(case: u64, make: MakeBus, figures: &mut Figures) {
    let random = &mut ChaCha8Rng::seed_from_u64(case);
    let (input, output) = (streams::stream(random), streams::stream(random));
    let manifest = manifest_of(input, output);
    let core = streams::core(output);
    let mut device = SoftwareDevice::new(&manifest, random.random_range(1..6), core.clone())
        .with_requests_per_image(random.random_range(0..4));
    let is_restarted = random.random_bool(0.1);
    if is_restarted {
        device = device.with_restart_after(random.random_range(1..80));
        figures.restarts += 1;
    }
    // Timeouts never run out here, so that a seed always takes the same way.
    let patience = Patience { attempts: random.random_range(1..20), ..Patience::default() };
    let count = random.random_range(1..12);
    let images = streams::images(random, &input, count);
    let expected: Vec<Vec<i32>> = images.iter().map(|image| core(image)).collect();
    let mut line = Counted::new(FaultyLine::new(device, faults(random), case));

    let name = format!("case {case}");
    let run = |line: &mut Line| {
        let mut device = Device::open(make(line, patience), &manifest)?.with_patience(PATIENCE);
        device.run(&images, &mut |_| {})
    };
    figures.take(&name, run(&mut line), &expected, is_restarted);
    let injected = line.line.injected();
    line.line.heal();
    // A power loss that is still to come would be no fault of the way back; once it has passed it is over.
    let mut reopened = run(&mut line);
    if is_restarted && reopened.is_err() {
        reopened = run(&mut line);
    }
    figures.take_reopened(&name, reopened, &expected);
    figures.take_line(&name, line.traffic, injected, MAX_FRAMES);
}
