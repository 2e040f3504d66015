//! Whole devices at their UART pins, driven by the host runtime.

#![allow(clippy::unwrap_used)]

use compiler::lower::lower;
use compiler::planner::{Goal, plan};
use flow::artifacts::{self, Compiled};
use flow::board::Board;
use host::transport::fake::{Faults, FaultyLine};
use host::{Device, DeviceError, FrameBus, Transport};
use sim::board::{Pins, RtlBoard, SimulatedLine, VerilatedBoard};
use sim::device::OnDevice;
use sim::packed::Packed;
use sim::{Executor, RunOptions, SimError};
use std::path::Path;
use testkit::random_graphs::{random_graph, random_images};

/// The random network of `seed`, compiled for `board` into `folder`.
fn compiled(seed: u64, size: usize, board: &str, folder: &Path) -> Compiled {
    let network = lower(&random_graph(seed, size)).unwrap();
    let board = Board::find(board).unwrap();
    let plan = plan(network, &Goal::FramesPerSecond(5e4), board.design_clock().unwrap().megahertz()).unwrap();
    artifacts::write(&plan, Some(&board), folder).unwrap()
}

/// The same with a line of four cycles a bit and few slots, which simulates faster and wraps around sooner.
fn hurried(mut compiled: Compiled, slots: usize) -> Compiled {
    let device = compiled.manifest.device.as_mut().unwrap();
    (device.clock_hertz, device.baud, device.slots) = (8_000_000, 2_000_000, slots);
    compiled
}

fn line<P: Pins>(pins: P, compiled: &Compiled) -> SimulatedLine<P> {
    SimulatedLine::new(pins, compiled.manifest.device.as_ref().unwrap()).unwrap()
}

fn open<T: Transport>(line: T, compiled: &Compiled) -> Result<Device<FrameBus<T>>, DeviceError> {
    Device::open(FrameBus::new(line), &compiled.manifest)
}

#[test]
fn devices_in_rust_hdl_compute_their_networks() {
    for seed in 0..6 {
        let folder = tempfile::tempdir().unwrap();
        let compiled = hurried(compiled(seed, 24, "ulx3s-85f", &folder.path().join("design")), 2 + seed as usize % 3);
        let images = random_images(&random_graph(seed, 24), seed, 9);
        let expected = Packed::new(&compiled.plan.network).run(&images, &RunOptions::default()).unwrap();
        let device = open(line(RtlBoard::new(&compiled).unwrap(), &compiled), &compiled).unwrap();
        let found = OnDevice::new("sim", device).run(&images, &RunOptions::default()).unwrap();
        assert_eq!(found.scores, expected.scores, "seed {seed}\n{}", compiled.plan);
    }
}

#[test]
fn boards_in_verilator_compute_their_networks() {
    if !testkit::tool("verilator") {
        return;
    }
    for (seed, board) in [(1, "ulx3s-85f"), (2, "ice40-hx8k")] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("design");
        let compiled = compiled(seed, 40, board, &folder);
        let slots = compiled.manifest.device.as_ref().unwrap().slots;
        // Twice around the ring and a bit.
        let images = random_images(&random_graph(seed, 40), seed, 2 * slots + 3);
        let expected = Packed::new(&compiled.plan.network).run(&images, &RunOptions::default()).unwrap();
        let pins = VerilatedBoard::of_rtl(&compiled, &folder).unwrap();
        let mut device = open(line(pins, &compiled), &compiled).unwrap();
        assert_eq!(device.infer(&images, &mut |_| ()).unwrap(), expected.scores, "seed {seed}\n{}", compiled.plan);
        let counters = device.counters().unwrap();
        assert_eq!((counters.line_errors, counters.frame_errors, counters.is_busy), (0, 0, false));
        assert_eq!(counters.completed as usize, images.len());
        // The core works on one image after the other at the planned pace, and stands still between two batches.
        let busy = images.len() as u64 * compiled.plan.initiation_interval;
        assert!(u64::from(counters.cycles) >= busy, "{} of {busy} cycles", counters.cycles);
        device.reset().unwrap();
        assert_eq!(device.infer(&images[..3], &mut |_| ()).unwrap(), expected.scores[..3], "after a reset");
    }
}

#[test]
fn the_hardware_recovers_from_a_bad_line() {
    if !testkit::tool("verilator") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("design");
    let compiled = compiled(5, 16, "ulx3s-85f", &folder);
    let images = random_images(&random_graph(5, 16), 5, 40);
    let expected = Packed::new(&compiled.plan.network).run(&images, &RunOptions::default()).unwrap();
    let (mut right, mut injected) = (0, 0);
    for seed in 0..10 {
        let faults = Faults { drop: 0.0003, flip: 0.0003, repeat: 0.0002, garbage: 0.0005, ..Faults::default() };
        let line = FaultyLine::new(line(VerilatedBoard::of_rtl(&compiled, &folder).unwrap(), &compiled), faults, seed);
        let Ok(mut device) = open(line, &compiled) else {
            continue;
        };
        if let Ok(found) = device.infer(&images, &mut |_| ()) {
            assert_eq!(found, expected.scores, "seed {seed}: a bad line gave wrong answers");
            right += 1;
        }
        injected += device.bus().transport().injected().total();
    }
    assert!(right >= 7 && injected > 20, "{right} of 10 runs came through, {injected} faults");
}

#[test]
fn devices_of_other_designs_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let design = |seed| hurried(compiled(seed, 12, "ulx3s-85f", &folder.path().join(seed.to_string())), 2);
    let (ours, other) = (design(1), design(2));
    let error = open(line(RtlBoard::new(&other).unwrap(), &other), &ours).unwrap_err();
    assert!(matches!(error, DeviceError::DesignHash { .. }), "{error}");
}

#[test]
fn cores_without_a_board_are_no_devices() {
    let network = lower(&random_graph(1, 12)).unwrap();
    let plan = plan(network, &Goal::FramesPerSecond(1e3), 100.0).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let compiled = artifacts::write(&plan, None, &folder.path().join("design")).unwrap();
    assert!(matches!(RtlBoard::new(&compiled), Err(SimError::NoDevice { .. })));
}
