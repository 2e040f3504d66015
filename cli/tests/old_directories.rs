//! Directories that older versions have written: `old/<commit>` holds manifest and plan as the program of that commit wrote
//! them for `fuzz/seeds/importer/perceptron.onnx`, with writable weights. Their Verilog nobody needs.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use ndarray::Array4;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use support::{PROGRAM, Room};

const MODEL: &str = "perceptron.onnx";

/// A room with the old directories `design`, `bare` (its manifest alone) and the model.
fn room(commit: &str) -> Room {
    let (room, here) = (Room::new(), Path::new(env!("CARGO_MANIFEST_DIR")));
    let old = here.join("tests/old").join(commit);
    for folder in ["design", "bare"] {
        fs::create_dir(room.path(folder)).unwrap();
    }
    for (file, copy) in [
        ("manifest.json", "design/manifest.json"),
        ("manifest.json", "bare/manifest.json"),
        ("plan.json", "design/plan.json"),
    ] {
        fs::copy(old.join(file), room.path(copy)).unwrap();
    }
    fs::copy(here.join("../fuzz/seeds/importer").join(MODEL), room.path(MODEL)).unwrap();
    let value = |(image, _, y, x): (usize, usize, usize, usize)| ((image * 7 + y * 3 + x * 5) % 4) as f32 - 1.5;
    ndarray_npy::write_npy(room.path("images.npy"), &Array4::from_shape_fn((3, 1, 2, 2), value)).unwrap();
    room
}

fn scores(room: &Room, model: &str, on: &str) -> Vec<u8> {
    room.ok(&["run", model, "--input", "images.npy", "--on", on, "--output", "scores.npy"]);
    fs::read(room.path("scores.npy")).unwrap()
}

/// The simulated board of `design`, and its address.
fn serve(room: &Room) -> (Child, String) {
    let mut command = room.command(PROGRAM);
    let mut child = command.args(["simulate", "design", "--serve", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    (child, format!("uart:{}", ready["port"].as_str().unwrap()))
}

#[test]
fn an_old_directory_drives_its_board() {
    let room = room("4c11908");
    let expected = scores(&room, MODEL, "reference");
    assert_eq!(scores(&room, "design", "cpu"), expected);
    assert_eq!(scores(&room, "design", "sim:design"), expected);
    let (mut board, address) = serve(&room);
    assert_eq!(scores(&room, "bare", &address), expected, "the manifest is all that a host needs");
    let found = room.json(&["devices", &address, "--dir", "bare", "--json"]);
    assert_eq!(found["devices"][0]["directory"].as_str(), Some("bare"), "{found}");
    let loaded = room.ok(&["load", "design", MODEL, "--on", &address]);
    assert!(loaded.contains("verified"), "{loaded}");
    assert_eq!(scores(&room, "design", &address), expected);
    board.kill().unwrap();
    board.wait().unwrap();
}

#[test]
fn what_is_newer_in_a_manifest_does_not_matter() {
    let room = room("4c11908");
    let mut manifest = room.json_file("bare/manifest.json");
    manifest["something_new"] = serde_json::json!({"a": 1});
    fs::write(room.path("bare/manifest.json"), manifest.to_string()).unwrap();
    room.ok(&["devices", "--no-probe", "uart:/dev/nowhere", "--dir", "bare"]);
    manifest["manifest_version"] = 99.into();
    fs::write(room.path("bare/manifest.json"), manifest.to_string()).unwrap();
    let error = room.error(&["devices", "--no-probe", "uart:/dev/nowhere", "--dir", "bare"]);
    assert!(error.contains("must be of manifest version"), "{error}");
    // Whatever its maps say, they are not applied before they were checked.
    manifest["manifest_version"] = 3.into();
    manifest["input_map"]["function_of"] = serde_json::json!([9]);
    fs::write(room.path("bare/manifest.json"), manifest.to_string()).unwrap();
    room.failure(&["bench", "bare", "--on", "uart:/dev/nowhere", "--seconds", "0"], 3);
}

/// What the version before put beside the plan for a loaded network, until the next `load`.
#[test]
fn a_network_that_an_older_version_loaded_counts() {
    let room = room("4c11908");
    room.ok(&["load", "design", MODEL]);
    fs::rename(room.path("design/loaded/network.json"), room.path("design/loaded.json")).unwrap();
    fs::remove_dir_all(room.path("design/loaded")).unwrap();
    let identity = |words: &[&str]| room.json(&[words, &["--json"]].concat())["identity"].as_u64().unwrap();
    assert_eq!(scores(&room, "design", "cpu"), scores(&room, MODEL, "reference"));
    let loaded = identity(&["load", "design", MODEL]);
    assert!(loaded != 0 && !room.path("design/loaded.json").exists() && room.path("design/loaded").is_dir());
    assert_eq!(identity(&["load", "design"]), 0);
    assert!(!room.path("design/loaded.json").exists() && !room.path("design/loaded").exists());
}
