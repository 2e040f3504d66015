//! Devices that are found, recorded and measured from the command line.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use support::{IMAGES, MODEL, PROGRAM, Room};

/// A simulated board, until it is dropped.
struct Server(Child, String);

impl Server {
    fn start(room: &Room, folder: &str) -> Self {
        let mut child = room
            .command(PROGRAM)
            .args(["simulate", folder, "--serve", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        Server(child, format!("uart:{}", ready["port"].as_str().unwrap()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// At a slow clock, which has few cycles in a bit of the line: rust-hdl simulates each.
fn compiled(folders: &[&str]) -> Room {
    let room = Room::new();
    for folder in folders {
        room.ok(&["compile", MODEL, "-o", folder, "--board", "ulx3s-85f", "--clock", "10"]);
    }
    room
}

/// The names of all values of an object, those of objects in it with a dot.
fn keys(value: &Value, before: &str, found: &mut BTreeSet<String>) {
    for (key, value) in value.as_object().unwrap() {
        let name = format!("{before}{key}");
        if value.is_object() {
            keys(value, &format!("{name}."), found);
        } else {
            found.insert(name);
        }
    }
}

#[test]
fn a_served_board_is_found_with_its_directory() {
    let room = compiled(&["design"]);
    let server = Server::start(&room, "design");
    let found = room.json(&["devices", &server.1, "--dir", "design", "--json"]);
    let device = &found["devices"][0];
    let manifest = room.json_file("design/manifest.json");
    assert_eq!((device["state"].as_str(), device["directory"].as_str()), (Some("ours"), Some("design")), "{found}");
    assert_eq!(device["design_hash"], manifest["design_hash"]);
    assert_eq!(device["clock_hertz"], manifest["device"]["clock_hertz"]);
    assert_eq!(device["address"].as_str(), Some(server.1.as_str()));
    let text = room.ok(&["devices", &server.1]);
    assert!(text.contains("design of none of the directories"), "{text}");
}

#[test]
fn places_without_a_device_are_told_with_a_next_step() {
    let room = Room::new();
    let text = room.ok(&["devices", "uart:/dev/nowhere", "pcie:7f:1f.7", "pcie:nowhere"]);
    assert_eq!((text.matches("  gone\n").count(), text.matches("  help: ").count()), (3, 3), "{text}");
    let listed = room.ok(&["devices", "--no-probe", "uart:/dev/nowhere"]);
    assert!(listed.contains("not asked"), "{listed}");
    assert!(room.json(&["devices", "--json", "--no-probe"])["devices"].is_array());
    room.error(&["devices", "usb:1"]);
    room.error(&["devices", "--dir", "nowhere"]);
}

#[test]
fn a_recorded_run_replays_without_the_device() {
    let room = compiled(&["design"]);
    let run = |on: &str, count: &str, more: &[&str]| {
        let words = ["run", "design", "--input", IMAGES, "--count", count, "--on", on, "--output", "scores.npy"];
        room.ok(&[&words, more].concat());
        fs::read(room.path("scores.npy")).unwrap()
    };
    let expected = run("sim:design", "2", &["--record", "session.txt"]);
    assert_eq!(run("replay:session.txt", "2", &[]), expected);

    let replay = |count, status| {
        let words = ["run", "design", "--input", IMAGES, "--count", count, "--on", "replay:session.txt"];
        room.failure(&words, status)
    };
    let other = replay("3", 1);
    assert!(other.contains("the host must write what was recorded"), "{other}");
    let text = fs::read_to_string(room.path("session.txt")).unwrap();
    fs::write(room.path("session.txt"), text.trim_end()).unwrap();
    assert!(replay("2", 2).contains("the file ends before"));
    fs::write(room.path("session.txt"), "hello").unwrap();
    assert!(replay("2", 2).contains("a recording must begin with"));
    room.error(&["run", "design", "--input", IMAGES, "--record", "file"]);
    room.error(&["run", MODEL, "--input", IMAGES, "--on", "replay:nowhere"]);
    room.error(&["run", "design", "--input", IMAGES, "--on", "replay:nowhere"]);
    room.error(&["bench", "design", "--on", "replay:session.txt"]);
}

#[test]
fn engines_are_measured_against_their_limits() {
    let room = compiled(&["design"]);
    let bench = |model: &str, on: &str, more: &[&str]| {
        room.json(&[&["bench", model, "--on", on, "--seconds", "0", "--json"], more].concat())
    };
    let cpu = bench(MODEL, "cpu", &["--count", "20"]);
    assert_eq!(cpu["batch_images"].as_u64(), Some(20));
    assert!(cpu["wall"]["images_per_second"].as_f64().unwrap() > 0.0);
    assert!(cpu["ratio"].is_null() && cpu["limits"].is_null() && cpu["device"].is_null(), "{cpu}");

    let rtl = bench("design", "rtl", &["--count", "12", "--input", IMAGES]);
    assert!((rtl["ratio"].as_f64().unwrap() - 1.0).abs() < 1e-9, "the core keeps to its plan: {rtl}");
    assert!(rtl["limits"]["link_images_per_second"].is_null());

    let sim = bench("design", "sim:design", &["--count", "4"]);
    assert_eq!(sim["device"]["cycles"].as_str(), Some("all"));
    let (limits, report) = (&sim["limits"], room.json_file("design/report.json"));
    assert_eq!(limits["link_images_per_second"], report["link_fps"]);
    assert_eq!(limits["core_images_per_second"], report["fps"]);
    let ratio = sim["ratio"].as_f64().unwrap();
    assert!((0.05..=1.0).contains(&ratio), "{sim}");
    let mut found = BTreeSet::new();
    keys(&sim, "", &mut found);
    insta::assert_snapshot!("bench_keys", found.into_iter().collect::<Vec<_>>().join("\n"));

    let text = room.ok(&["bench", "design", "--seconds", "0", "--on", "rtl", "--count", "10"]);
    assert!(text.contains("the speed of the simulation") && text.contains("of the limit of the core"), "{text}");
    room.error(&["bench", MODEL, "--seconds", "-1"]);
    room.error(&["bench", MODEL, "--count", "0"]);
    room.error(&["bench", "nowhere.onnx"]);
}
