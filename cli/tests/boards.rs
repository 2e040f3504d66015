//! Directories compiled for a board, on simulated boards: in this process, in another one, and from the netlist.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use abi::manifest::Manifest;
use abi::registers::Register;
use host::transport::fake::SoftwareDevice;
use serialport::{SerialPort, TTYPort};
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;
use support::{IMAGES, MODEL, PROGRAM, Room};

/// A board whose designs run at the oscillator's rate, and one whose PLL makes another.
const BOARDS: [&str; 2] = ["ulx3s-85f", "icebreaker"];

/// A simulated board in another process, until it is dropped.
struct Server {
    process: Child,
    port: String,
}

impl Server {
    fn start(room: &Room, folder: &str, engine: &str) -> Server {
        let mut command = room.command(PROGRAM);
        command.args(["simulate", folder, "--serve", "--on", engine, "--json"]).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        Server { process, port: ready["port"].as_str().unwrap().to_owned() }
    }

    fn engine(&self) -> String {
        format!("uart:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The scores of the first `count` digits on an engine.
fn scores(room: &Room, model: &str, engine: &str, count: usize) -> Vec<u8> {
    let count = count.to_string();
    room.ok(&["run", model, "--input", IMAGES, "--count", &count, "--on", engine, "--output", "scores.npy"]);
    fs::read(room.path("scores.npy")).unwrap()
}

#[test]
fn boards_are_listed() {
    let room = Room::new();
    insta::assert_snapshot!("boards", room.ok(&["boards"]));
    let listed = room.json(&["boards", "--json"]);
    let listed = listed["boards"].as_array().unwrap();
    assert_eq!(listed.len(), 10);
    for board in BOARDS {
        assert!(listed.iter().any(|listed| listed["name"] == board), "{board}");
    }
}

#[test]
fn a_simulated_board_gives_the_scores_of_the_reference() {
    let room = Room::new();
    let expected = scores(&room, MODEL, "reference", 3);
    for board in BOARDS {
        room.ok(&["compile", MODEL, "-o", board, "--board", board]);
        assert_eq!(scores(&room, board, &format!("sim:{board}"), 3), expected, "{board}");
    }
}

#[test]
fn a_board_of_another_process_gives_the_scores_of_the_reference() {
    let room = Room::new();
    room.ok(&["compile", MODEL, "-o", "design", "--board", "ulx3s-85f"]);
    let server = Server::start(&room, "design", "rtl");
    // Hosts come and go.
    for count in [3, 2] {
        assert_eq!(scores(&room, "design", &server.engine(), count), scores(&room, MODEL, "reference", count));
    }
}

#[test]
fn directories_tell_what_their_link_carries() {
    let room = Room::new();
    room.ok(&["compile", MODEL, "-o", "design", "--board", "ulx3s-85f"]);
    let report = room.json_file("design/report.json");
    let (fps, link_fps) = (report["fps"].as_f64().unwrap(), report["link_fps"].as_f64().unwrap());
    assert!(link_fps > 100.0 && link_fps < fps, "{link_fps} of {fps}");
    assert_eq!(report["clock_mhz"], 25.0);
    assert!(report["measured"].is_null());

    // A clock by PLL: the nearest that it can make, for the plan and for the device.
    room.ok(&["compile", MODEL, "-o", "faster", "--board", "ulx3s-85f", "--clock", "47"]);
    assert_eq!(room.json_file("faster/report.json")["clock_mhz"], 46.875);
    assert_eq!(room.json_file("faster/manifest.json")["device"]["clock_hertz"], 46_875_000);
    let top = fs::read_to_string(room.path("faster/board/xnorforge_board.v")).unwrap();
    assert!(top.contains("EHXPLLL") && top.contains(".CLKI_DIV(8), .CLKFB_DIV(15)"), "{top}");
    assert!(fs::read_to_string(room.path("faster/board/build.sh")).unwrap().contains("--freq 46.875"));
}

/// PLLs pass the oscillator on in simulations of the Verilog of a board.
#[test]
fn plls_of_all_families_are_simulated() {
    if !testkit::tool("verilator") {
        return;
    }
    let room = Room::new();
    for (board, clock) in [("ulx3s-12f", "60"), ("ice40-hx8k", "24"), ("icebreaker", "24"), ("tang-nano-9k", "54")] {
        room.ok(&["compile", MODEL, "-o", board, "--board", board, "--clock", clock]);
        let server = Server::start(&room, board, "verilator");
        assert_eq!(scores(&room, board, &server.engine(), 2), scores(&room, MODEL, "reference", 2), "{board}");
    }
}

/// Serves bytes on a pseudo-terminal: what `answer` makes of those that came, in a thread that ends with the test.
fn line(mut answer: impl FnMut(&[u8]) -> Vec<u8> + Send + 'static) -> (String, TTYPort) {
    let (mut near, mut far) = TTYPort::pair().unwrap();
    let path = far.name().unwrap();
    // Left open but not alone, so that the program can open it too.
    far.set_exclusive(false).unwrap();
    near.set_timeout(Duration::from_millis(20)).unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 256];
        loop {
            let bytes = match near.read(&mut buffer) {
                Ok(count) => &buffer[..count],
                Err(error) => {
                    // Nobody has the other end open: yet, or any more.
                    if error.kind() != ErrorKind::TimedOut {
                        thread::sleep(Duration::from_millis(20));
                    }
                    &[]
                }
            };
            if near.write_all(&answer(bytes)).is_err() {
                thread::sleep(Duration::from_millis(20));
            }
        }
    });
    (path, far)
}

/// The text without the numbers of bytes and frames, which hang on time, and without the hashes of designs.
fn without_counts(text: &str) -> String {
    let is_hash = |word: &str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let clean = |word: &str| match word.parse::<u64>() {
        _ if is_hash(word.trim_end()) => word.replace(word.trim_end(), "[hash]"),
        Ok(count) if count > 99 => "[count]".to_owned(),
        _ => word.to_owned(),
    };
    text.split(' ').map(clean).collect::<Vec<String>>().join(" ")
}

#[test]
fn devices_that_cannot_be_used_are_told_apart() {
    let room = Room::new();
    room.ok(&["compile", MODEL, "-o", "design", "--board", "ulx3s-85f"]);
    room.ok(&["compile", MODEL, "-o", "other", "--board", "ulx3s-85f", "--target-fps", "50000"]);
    room.ok(&["compile", MODEL, "-o", "core"]);
    let mut errors = String::new();
    let mut failure = |model: &str, engine: &str, path: &str, status: i32| {
        let words = ["run", model, "--input", IMAGES, "--count", "2", "--on", engine];
        errors += &without_counts(&room.failure(&words, status).replace(path, "[port]"));
    };
    failure("core", "sim:core", "[none]", 2);
    failure(MODEL, "sim:design", "[none]", 2);
    failure("design", "sim:nowhere", "[none]", 2);
    failure("design", "uart:/dev/nowhere", "[none]", 3);
    failure("design", "uart:/dev/null", "[none]", 3);
    failure("design", "uart:/dev/ttyS0@fast", "[none]", 2);
    failure("other", "sim:design", "[none]", 3);

    let manifest: Manifest = serde_json::from_value(room.json_file("design/manifest.json")).unwrap();
    let device = || SoftwareDevice::new(&manifest, 4, |_| vec![0; 10]);
    let mut older = device().with_register(Register::AbiVersion, 9);
    let (path, _far) = line(move |bytes| older.take(bytes));
    drop(_far);
    failure("design", &format!("uart:{path}"), &path, 3);

    let mut state = 1u32;
    let (path, _far) = line(move |_| {
        (0..64)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect()
    });
    drop(_far);
    failure("design", &format!("uart:{path}"), &path, 3);
    insta::assert_snapshot!("devices", errors);
}

#[test]
fn a_board_that_is_unplugged_ends_the_run() {
    let room = Room::new();
    room.ok(&["compile", MODEL, "-o", "design", "--board", "ulx3s-85f"]);
    let mut server = Server::start(&room, "design", "rtl");
    let mut command = room.command(PROGRAM);
    command.args(["run", "design", "--input", IMAGES, "--on", &server.engine(), "--record", "traffic"]);
    let run = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // Until some requests are answered.
    while fs::metadata(room.path("traffic")).map_or(0, |traffic| traffic.len()) < 2000 {
        thread::sleep(Duration::from_millis(20));
    }
    server.process.kill().unwrap();
    let output = run.wait_with_output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{message}");
    assert!(message.contains("host::transport::closed"), "{message}");
}
