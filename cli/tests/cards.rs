//! Directories compiled for no board, as simulated cards in another process.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use support::{IMAGES, MODEL, PROGRAM, Room};

/// Serves `design` in the file `bar`.
fn serve(room: &Room) -> Child {
    let mut command = room.command(PROGRAM);
    command.args(["simulate", "design", "--serve", "--json", "--bar", "bar"]).stdout(Stdio::piped());
    command.spawn().unwrap()
}

/// The scores of the first digits on an engine.
fn scores(room: &Room, model: &str, engine: &str) -> Vec<u8> {
    room.ok(&["run", model, "--input", IMAGES, "--count", "3", "--on", engine, "--output", "scores.npy"]);
    fs::read(room.path("scores.npy")).unwrap()
}

#[test]
fn a_simulated_card_gives_the_scores_of_the_reference_until_it_is_stopped() {
    let room = Room::new();
    room.ok(&["compile", MODEL, "-o", "design"]);
    let mut server = serve(&room);
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(ready["bar"].as_str().unwrap().ends_with("/bar") && ready["port"].is_null(), "{ready}");
    let expected = scores(&room, MODEL, "reference");
    for _ in 0..2 {
        assert_eq!(scores(&room, "design", "pcie:bar"), expected);
    }
    for _ in 0..3 {
        let text = room.ok(&["bench", "design", "--on", "pcie:bar", "--seconds", "0", "--count", "8", "--json"]);
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        let (device, limits) = (&report["device"], &report["limits"]);
        assert_eq!((device["cycles"].as_str(), limits["by"].as_str()), (Some("all"), Some("core")), "{report}");
        assert!((0.01..=1.0).contains(&report["ratio"].as_f64().unwrap()), "{report}");
    }
    let message = room.failure(&["simulate", "design", "--serve", "--bar", "bar"], 2);
    assert!(message.contains("sim::bar_file"), "{message}");
    assert!(Command::new("kill").arg(server.id().to_string()).status().unwrap().success());
    assert_eq!(server.wait().unwrap().code(), Some(0));
    assert!(!room.path("bar").exists(), "the file is removed");
    let message = room.failure(&["run", "design", "--input", IMAGES, "--on", "pcie:bar"], 3);
    assert!(message.contains("host::pcie::not_found"), "{message}");
    let message = room.failure(&["run", MODEL, "--input", IMAGES, "--on", "pcie:bar"], 2);
    assert!(message.contains("xnorforge::no_card"), "{message}");
}

#[test]
fn a_card_that_nobody_can_learn_of_ends() {
    let room = Room::new();
    room.ok(&["compile", MODEL, "-o", "design"]);
    let mut server = serve(&room);
    drop(server.stdout.take());
    assert_eq!(server.wait().unwrap().code(), Some(0));
    assert!(!room.path("bar").exists());
}
