//! Other weights in a compiled design: in its directory, on simulated boards, on a board that runs.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use network::onnx::proto::ModelProto;
use prost::Message;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use support::{IMAGES, MODEL, PROGRAM, Room};

const CONVOLUTIONS: &str = "digits/digits_conv.onnx";

fn room() -> Room {
    let room = Room::new();
    let conv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits/digits_conv.onnx");
    fs::copy(conv, room.path(CONVOLUTIONS)).unwrap();
    room
}

/// Writes a network like `model` to `other`, in which about one weight in four has the other sign and thresholds differ.
fn write_other(room: &Room, model: &str, other: &str) {
    let mut file = ModelProto::decode(fs::read(room.path(model)).unwrap().as_slice()).unwrap();
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut changed = 0;
    for tensor in &mut file.graph.as_mut().unwrap().initializer {
        let is_matrix = tensor.dims.len() >= 2 && tensor.dims.iter().product::<i64>() > 100;
        if !is_matrix {
            continue;
        }
        let mut values: Vec<f32> =
            tensor.raw_data.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        values.extend(std::mem::take(&mut tensor.float_data));
        for value in &mut values {
            if random() % 4 == 0 {
                *value = -*value;
                changed += 1;
            }
        }
        tensor.raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>().into();
    }
    assert!(changed > 100, "{changed} weights changed");
    fs::write(room.path(other), file.encode_to_vec()).unwrap();
}

/// The scores of the first images on an engine.
fn scores(room: &Room, model: &str, engine: &str, count: &str) -> Vec<u8> {
    room.ok(&["run", model, "--input", IMAGES, "--count", count, "--on", engine, "--output", "scores.npy"]);
    fs::read(room.path("scores.npy")).unwrap()
}

#[test]
fn a_directory_stands_for_the_network_that_was_loaded() {
    let room = room();
    for (model, engines) in [(MODEL, ["cpu", "verilator"]), (CONVOLUTIONS, ["cpu", "verilator"])] {
        write_other(&room, model, "other.onnx");
        let rate = ["--target-fps", "20000", "--board", "ulx3s-85f", "--writable-weights"];
        room.ok(&[&["compile", model, "-o", "design"][..], &rate].concat());
        let verilog = fs::read(room.path("design/rtl/xnorforge_core.v")).unwrap();
        let [first, other] = [model, "other.onnx"].map(|model| scores(&room, model, "reference", "1"));
        assert_ne!(first, other);
        for (loaded, expected) in [(None, &first), (Some("other.onnx"), &other), (None, &first)] {
            let words = ["load", "design"].into_iter().chain(loaded).chain(["--json"]);
            let report = room.json(&words.collect::<Vec<_>>());
            assert_eq!(report["identity"] == 0, loaded.is_none(), "{report}");
            for engine in engines {
                assert_eq!(&scores(&room, "design", engine, "1"), expected, "{model} on {engine}");
            }
        }
        assert_eq!(fs::read(room.path("design/rtl/xnorforge_core.v")).unwrap(), verilog);
        let words = fs::read_to_string(room.path("design/weights.mem")).unwrap();
        assert!(words.starts_with('@') && words.lines().count() > 100);
    }
}

#[test]
fn a_board_that_runs_is_loaded() {
    let room = room();
    write_other(&room, MODEL, "other.onnx");
    let words =
        ["compile", MODEL, "-o", "design", "--board", "ulx3s-85f", "--target-fps", "50000", "--writable-weights"];
    room.ok(&words);
    let mut command = room.command(PROGRAM);
    // The simulation in rust-hdl does it too, in minutes.
    if !testkit::tool("verilator") {
        return;
    }
    command.args(["simulate", "design", "--serve", "--on", "verilator", "--json"]).stdout(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    let board = format!("uart:{}", ready["port"].as_str().unwrap());

    let [first, other] = [MODEL, "other.onnx"].map(|model| scores(&room, model, "reference", "2"));
    assert_eq!(scores(&room, "design", &board, "2"), first);
    room.ok(&["load", "design", "other.onnx"]);
    let run = ["run", "design", "--input", IMAGES, "--count", "1", "--on", &board];
    let message = room.failure(&run, 3);
    assert!(message.contains("must hold the weights"), "{message}");
    room.ok(&["load", "design", "other.onnx", "--on", &board]);
    assert_eq!(scores(&room, "design", &board, "2"), other);
    room.ok(&["load", "design", "--on", &board]);
    assert_eq!(scores(&room, "design", &board, "2"), first);
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn networks_that_do_not_fit_are_refused() {
    let room = room();
    room.ok(&["compile", MODEL, "-o", "fixed"]);
    room.ok(&["compile", MODEL, "-o", "design", "--writable-weights"]);
    let mut messages = room.error(&["load", "fixed", MODEL]);
    messages += &room.error(&["load", "design", CONVOLUTIONS]);
    messages += &room.error(&["load", "design", "nowhere.onnx"]);
    messages += &room.error(&["load", "nowhere", MODEL]);
    messages += &room.error(&["load", "design", MODEL, "--on", "cpu"]);
    messages += &room.error(&["load", "design", MODEL, "--on", "sim:design"]);
    insta::assert_snapshot!("refused_loads", messages);
}
