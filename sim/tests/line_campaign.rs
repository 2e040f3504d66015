//! The campaign of lines with faults through the pins of a board in Verilator.

#![allow(clippy::unwrap_used)]

use compiler::lower::lower;
use compiler::planner::{Goal, plan};
use flow::artifacts;
use flow::board::Board;
use host::transport::fake::{Cut, Faults, FaultyLine};
use host::{Device, FrameBus, Transport};
use sim::board::{SimulatedLine, VerilatedBoard};
use testkit::campaign::{Counted, Figures};
use testkit::random_graphs::{random_graph, random_images};

/// Frames through the pins at least.
fn frames() -> u64 {
    testkit::count(2000, 10_000)
}

/// Seed of the network.
const NETWORK: u64 = 5;

/// Most frames of a case: a host that never gives up sends more.
const MAX_FRAMES: u64 = 100_000;

#[test]
fn no_fault_at_the_pins_gives_a_wrong_answer() {
    if !testkit::tool("verilator") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("design");
    let network = lower(&random_graph(NETWORK, 16)).unwrap();
    let board = Board::find("ulx3s-85f").unwrap();
    let plan = plan(network, &Goal::FramesPerSecond(5e4), board.design_clock().unwrap().megahertz()).unwrap();
    let compiled = artifacts::write(&plan, Some(&board), &folder).unwrap();
    let images = random_images(&random_graph(NETWORK, 16), NETWORK, 12);
    let network = &compiled.plan.network;
    let elements: Vec<Vec<i32>> = images.iter().map(|image| network.input_map.apply(image).unwrap()).collect();
    let expected: Vec<Vec<i32>> = elements
        .iter()
        .map(|image| network::integer::run_elements(network, image.clone())[network.output.0].clone())
        .collect();

    let mut figures = Figures::default();
    for seed in 0.. {
        // Rates that mend themselves, rates that seldom do, and lines that end.
        let rate = [1e-4, 5e-4, 2e-3, 1e-2][seed as usize % 4];
        let cut = [None, None, Some(Cut::Closed(600)), None, Some(Cut::Silent(900))][seed as usize % 5];
        let (drop, flip, repeat, truncate) = (rate, rate, rate, rate / 2.0);
        let faults = Faults { drop, flip, repeat, truncate, garbage: rate, delay: rate, cut };
        let pins = VerilatedBoard::of_rtl(&compiled, &folder).unwrap();
        let device = compiled.manifest.device.as_ref().unwrap();
        let mut line = Counted::new(FaultyLine::new(SimulatedLine::new(pins, device).unwrap(), faults, seed));
        let name = format!("case {seed}");
        let run = |line: &mut dyn Transport| {
            Device::open(FrameBus::new(line), &compiled.manifest)?.run(&elements, &mut |_| ())
        };
        figures.take(&name, run(&mut line), &expected, false);
        let injected = line.line.injected();
        line.line.heal();
        figures.take_reopened(&name, run(&mut line), &expected);
        figures.take_line(&name, line.traffic, injected, MAX_FRAMES);
        if figures.sent >= frames() {
            break;
        }
    }
    println!("seeds from 0\n{figures}");
    assert!(figures.is_clean(), "{figures}");
    let faults = figures.faults;
    let kinds = [faults.dropped, faults.flipped, faults.repeated, faults.truncated, faults.garbage, faults.delayed];
    assert!(kinds.iter().all(|count| *count > 0) && figures.cuts > 0, "every kind of fault occurs: {figures}");
    assert!(figures.answered > 0 && figures.failed > 0, "{figures}");
}
