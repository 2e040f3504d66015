//! How much of a serial line is payload, counted in the bit times of a simulated board.

#![allow(clippy::unwrap_used)]

use abi::window::WindowFormat;
use compiler::lower::lower;
use compiler::planner::{Goal, plan};
use flow::artifacts;
use flow::board::Board;
use host::{Bus, Device, FrameBus};
use sim::board::{SimulatedLine, VerilatedBoard};
use std::path::Path;

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/digits");

/// Payload of the busier direction per byte that the line could have carried, while `count` images of zeros run on the
/// network of `model`, compiled for `board`.
fn payload_share(model: &Path, board: &str, count: usize) -> f64 {
    let graph = network::onnx::import(model).unwrap();
    let board = Board::find(board).unwrap();
    let clock = board.design_clock().unwrap().megahertz();
    let plan = plan(lower(&graph).unwrap(), &Goal::FramesPerSecond(20_000.0), clock).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("design");
    let compiled = artifacts::write(&plan, Some(&board), &folder).unwrap();
    let manifest = compiled.manifest.device.as_ref().unwrap();
    let pins = VerilatedBoard::of_rtl(&compiled, &folder).unwrap();
    let bus = FrameBus::new(SimulatedLine::new(pins, manifest).unwrap());
    let mut device = Device::open(bus, &compiled.manifest).unwrap();
    let images = vec![vec![0; plan.input_format().elements_per_image()]; count];
    let mut cycles_of = |count: usize| {
        let before = device.bus().transport().cycles();
        device.run(&images[..count], &mut |_| {}).unwrap();
        device.bus().transport().cycles() - before
    };
    // Sustained: what filling and emptying the rings takes is in both.
    let cycles = -(cycles_of(count / 3) as i64) + cycles_of(count) as i64;
    let counters = device.counters().unwrap();
    assert_eq!((counters.line_errors, counters.frame_errors), (0, 0), "the device held everything");
    assert_eq!(device.bus().statistics().repeated, 0);
    let bytes = |format| 4 * WindowFormat::of(&format).words_per_image();
    let line_bytes = cycles as f64 / f64::from(manifest.clock_hertz) * f64::from(manifest.baud) / 10.0;
    ((count - count / 3) * bytes(plan.input_format()).max(bytes(plan.output_format()))) as f64 / line_bytes
}

#[test]
fn most_of_the_line_is_payload() {
    if !testkit::tool("verilator") {
        return;
    }
    // With long answers both ways are busy, and the line waits for the device now and then; an iCE40 holds less of it.
    for (model, board, least) in [
        ("digits_mlp.onnx", "ulx3s-85f", 0.94),
        ("digits_conv.onnx", "ulx3s-85f", 0.89),
        ("digits_conv.onnx", "icebreaker", 0.75),
    ] {
        let share = payload_share(&Path::new(MODELS).join(model), board, 1500);
        println!("{model} on {board}: {:.2} %", 100.0 * share);
        assert!(share >= least, "{model} on {board}: {share}");
    }
}
