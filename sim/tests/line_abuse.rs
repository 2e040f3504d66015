//! Whatever the line does, a board is back at once: the first whole request after it is answered, and nothing has changed
//! that no whole request changed.

#![allow(clippy::unwrap_used)]

#[path = "line_abuse/abuses.rs"]
mod abuses;
#[path = "line_abuse/probe.rs"]
mod probe;

use abi::frame::{Frame, FrameKind};
use abi::registers::Register;
use compiler::lower::lower;
use compiler::planner::{Goal, plan};
use flow::artifacts::{self, Compiled};
use flow::board::Board;
use probe::Probe;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sim::board::{Levels, Pins, RtlBoard, VerilatedBoard};
use std::path::Path;
use testkit::count;
use testkit::random_graphs::{random_graph, random_images};

/// Seed of the network.
const NETWORK: u64 = 3;

/// A small network on a board, with a line of four cycles a bit where it is hurried.
fn compiled(folder: &Path, is_hurried: bool) -> Compiled {
    let network = lower(&random_graph(NETWORK, 12)).unwrap();
    let mut board = Board::find("ulx3s-85f").unwrap();
    if is_hurried {
        let baud = (board.design_clock().unwrap().megahertz() * 1e6 / 4.0) as u32;
        (board.facts.uart.baud, board.facts.uart.highest_baud) = (baud, baud);
    }
    let plan = plan(network, &Goal::FramesPerSecond(5e4), board.design_clock().unwrap().megahertz()).unwrap();
    artifacts::write(&plan, Some(&board), folder).unwrap()
}

fn probe<P: Pins>(pins: P, compiled: &Compiled) -> Probe<P> {
    let network = &compiled.plan.network;
    let images = random_images(&random_graph(NETWORK, 12), NETWORK, 5);
    let with_answer = |image: &Vec<f32>| {
        let evaluation = network::integer::run(network, image).unwrap();
        (network.input_map.apply(image).unwrap(), evaluation.tensors[network.output.0].clone())
    };
    Probe::new(pins, compiled, images.iter().map(with_answer).collect())
}

/// How much of everything.
#[derive(Clone, Copy)]
struct Amount {
    /// Rounds of random abuse.
    rounds: u64,
    /// One of so many places at which a request is cut.
    cut_step: usize,
    /// One of so many requests that are refused.
    refused_step: usize,
}

/// Abuses a board in every way.
fn abuse<P: Pins>(probe: &mut Probe<P>, amount: Amount) {
    breaks_and_noise(probe, amount.rounds);
    half_requests(probe, amount.cut_step);
    wrong_rates(probe, amount.rounds);
    refused_requests(probe, amount.refused_step);
}

fn breaks_and_noise<P: Pins>(probe: &mut Probe<P>, rounds: u64) {
    let timing = *probe.timing();
    for bits in [9, 10, 11, 100, 1000] {
        assert_eq!(probe.survives(&format!("a break of {bits} bits"), &abuses::line_break(&timing, bits)), []);
    }
    for seed in 0..rounds {
        let random = &mut ChaCha8Rng::seed_from_u64(seed);
        for longest in [1, 3, 9, 40, 400] {
            let noise = abuses::noise(random, longest, 3000);
            assert_eq!(probe.survives(&format!("noise of up to {longest} cycles, seed {seed}"), &noise), []);
        }
        let glitches = abuses::glitches(random, &timing, 50);
        assert_eq!(probe.survives(&format!("glitches, seed {seed}"), &glitches), []);
        let burst = abuses::bytes(&timing, &abuses::flags_and_escapes(random, 100));
        assert_eq!(probe.survives(&format!("flags and escapes, seed {seed}"), &burst), []);
        let bytes: Vec<u8> = (0..100).map(|_| random.random()).collect();
        assert_eq!(probe.survives(&format!("random bytes, seed {seed}"), &abuses::bytes(&timing, &bytes)), []);
        // Requests among which single cycles are flipped: what is left of them may be whole and is answered.
        let reads: Vec<u8> = (0..8).flat_map(|sequence| Frame::read(sequence, 0, 2).encode()).collect();
        let glitched = abuses::with_glitches(random, &abuses::bytes(&timing, &reads), 0.003);
        let heard = probe.survives(&format!("glitches in requests, seed {seed}"), &glitched);
        assert!(heard.iter().all(|frame| frame.kind == FrameKind::ReadReply), "{heard:?}");
    }
}

/// Requests that end at any byte: only those that are whole have an effect or an answer.
fn half_requests<P: Pins>(probe: &mut Probe<P>, step: usize) {
    let timing = *probe.timing();
    let words: Vec<u32> = (0..probe.image_words() as u32).map(|word| !word).collect();
    let requests = [
        Frame::read(9, 0, 4),
        Frame::write(9, Register::Session.address(), vec![0x7e01_7d02]),
        Frame::write(9, probe.other_slot(), words),
    ];
    for (number, request) in requests.iter().enumerate() {
        let whole = request.encode();
        // The closing flag says nothing new: without it a request is whole.
        for length in (1..whole.len() - 1).skip(number).step_by(step) {
            let mut request = request.clone();
            if number == 2 {
                request.address = probe.other_slot();
            }
            let half = abuses::bytes(&timing, &request.encode()[..length]);
            let name = format!("{:?} of {} bytes, cut after {length}", request.kind, whole.len());
            let heard = probe.survives(&name, &half);
            assert_eq!(heard, [], "{name}");
        }
    }
}

fn wrong_rates<P: Pins>(probe: &mut Probe<P>, rounds: u64) {
    let timing = *probe.timing();
    for seed in 0..rounds {
        let random = &mut ChaCha8Rng::seed_from_u64(1000 + seed);
        for percent in [50, 75, 90, 110, 150, 200] {
            let requests: Vec<u8> = (0..6)
                .flat_map(|sequence| {
                    let write = Frame::write(sequence, Register::Session.address(), vec![random.random()]);
                    [write.encode(), Frame::read(sequence, 0, 3).encode()].concat()
                })
                .collect();
            let levels = abuses::bytes_at(&timing, percent, &requests);
            assert_eq!(probe.survives(&format!("{percent} % of the rate, seed {seed}"), &levels), []);
        }
    }
}

/// Requests that are whole and must be refused, one by one.
fn refused_requests<P: Pins>(probe: &mut Probe<P>, step: usize) {
    let timing = *probe.timing();
    for (name, bytes) in abuses::refused(probe.image_words()).into_iter().step_by(step) {
        let heard = probe.survives(&name, &abuses::bytes(&timing, &bytes));
        assert!(matches!(&heard[..], [frame] if frame.kind == FrameKind::Refusal), "{name}: {heard:?}");
    }
    // More requests than a device takes at once.
    let flood: Vec<u8> = (0..30).flat_map(|sequence| Frame::read(sequence, 0, 20).encode()).collect();
    let heard = probe.survives("a flood of requests", &abuses::bytes(&timing, &flood));
    assert!(!heard.is_empty() && heard.iter().all(|frame| frame.kind == FrameKind::ReadReply), "{heard:?}");
}

#[test]
fn a_device_in_rust_hdl_survives_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let compiled = compiled(&folder.path().join("design"), true);
    let amount = Amount { rounds: 1, cut_step: 13, refused_step: 9 };
    abuse(&mut probe(RtlBoard::new(&compiled).unwrap(), &compiled), amount);
}

#[test]
fn a_board_in_verilator_survives_its_line() {
    if !testkit::tool("verilator") {
        return;
    }
    for is_hurried in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("design");
        let compiled = compiled(&folder, is_hurried);
        let pins = VerilatedBoard::of_rtl(&compiled, &folder).unwrap();
        let amount = if is_hurried {
            Amount { rounds: count(8, 40), cut_step: count(5, 1) as usize, refused_step: count(3, 1) as usize }
        } else {
            Amount { rounds: count(1, 4), cut_step: count(20, 2) as usize, refused_step: count(9, 2) as usize }
        };
        abuse(&mut probe(pins, &compiled), amount);
    }
}

/// The test can fail: a probe notices a register that something else changed.
#[test]
#[should_panic(expected = "the registers")]
fn a_whole_write_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let compiled = compiled(&folder.path().join("design"), true);
    let mut probe = probe(RtlBoard::new(&compiled).unwrap(), &compiled);
    let write = Frame::write(1, Register::Session.address(), vec![5]).encode();
    let levels: Levels = abuses::bytes(&probe.timing().clone(), &write);
    probe.survives("a write", &levels);
}
