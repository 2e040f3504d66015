//! What others do to `simulate --serve`: files cut, full, foreign or damaged, garbage on its line, streams that nobody reads.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use serialport::{SerialPort, TTYPort};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::{FileExt, symlink};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;
use support::{IMAGES, MODEL, PROGRAM, Room};

/// The program while it serves, until it is dropped.
struct Server {
    process: Child,
    ready: Value,
}

impl Server {
    fn start(mut command: Command) -> Server {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Server { process, ready: serde_json::from_str(&line).unwrap() }
    }

    /// Serves `folder` with a card in the file `bar`.
    fn of(room: &Room, folder: &str) -> Server {
        let mut command = room.command(PROGRAM);
        command.args(["simulate", folder, "--serve", "--json", "--bar", "bar"]);
        Server::start(command)
    }

    /// Asks it to end; its exit status and what it printed.
    fn stop(mut self) -> (Option<i32>, String) {
        assert!(Command::new("kill").arg(self.process.id().to_string()).status().unwrap().success());
        self.end()
    }

    fn end(&mut self) -> (Option<i32>, String) {
        let mut text = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        (self.process.wait().unwrap().code(), text)
    }

    /// Bytes of memory that it holds.
    fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The scores of the first digits on an engine.
fn scores(room: &Room, model: &str, engine: &str) -> Vec<u8> {
    room.ok(&["run", model, "--input", IMAGES, "--count", "2", "--on", engine, "--output", "scores.npy"]);
    fs::read(room.path("scores.npy")).unwrap()
}

#[test]
fn a_card_whose_file_is_truncated_ends_server_and_run() {
    let room = Room::new();
    room.ok(&["compile", MODEL, "-o", "design"]);
    let expected = scores(&room, MODEL, "reference");
    for bytes in [0, 4096] {
        let mut server = Server::of(&room, "design");
        assert_eq!(scores(&room, "design", "pcie:bar"), expected);
        let mut command = room.command(PROGRAM);
        command.args(["bench", "design", "--on", "pcie:bar", "--seconds", "30"]);
        let mut bench = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Until it runs images, more than those that were run before: the register `completed`.
        let bar = File::options().read(true).write(true).open(room.path("bar")).unwrap();
        let mut completed = [0; 4];
        while u32::from_le_bytes(completed) < 3 {
            bar.read_exact_at(&mut completed, 0x14).unwrap();
            thread::sleep(Duration::from_millis(1));
            assert!(bench.try_wait().unwrap().is_none());
        }
        bar.set_len(bytes).unwrap();
        let (status, text) = server.end();
        assert!(status == Some(3) && text.contains("host::pcie::lost") && text.contains("bar"), "{status:?} {text}");
        let Output { status, stderr, .. } = bench.wait_with_output().unwrap();
        let text = String::from_utf8(stderr).unwrap();
        assert!(status.code() == Some(3) && text.contains("host::pcie::lost"), "{status:?} {text}");
        assert!(!room.path("bar").exists());
    }
}

#[test]
fn a_file_without_space_is_refused() {
    let room = Room::new();
    room.ok(&["compile", MODEL, "-o", "design"]);
    let script = format!("trap '' XFSZ; ulimit -f 100; exec timeout 60 {PROGRAM} simulate design --serve --bar bar");
    let output = room.command("sh").args(["-c", &script]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("sim::bar_space") && text.contains("bar"), "{text}");
    room.nothing_at("bar");
    // As large as the file claims to be, but not as its contents are. The file system is of a namespace that ends with it.
    fs::create_dir(room.path("small")).unwrap();
    let mounted = |script: &str| {
        let script = format!("mount -t tmpfs -o size=8k none small && {script}");
        room.command("unshare").args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]).output()
    };
    if !mounted("true").is_ok_and(|output| output.status.success()) {
        println!("passed over: the system lets nobody mount a file system of his own");
        return;
    }
    let output =
        mounted(&format!("timeout 60 {PROGRAM} simulate design --serve --bar small/bar; echo $?; ls small")).unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("sim::bar_space") && text.contains("small/bar"), "{text}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "2\n", "and nothing is left");
}

#[test]
fn foreign_files_are_neither_taken_nor_removed() {
    let room = Room::new();
    room.ok(&["compile", MODEL, "-o", "design"]);
    fs::write(room.path("file"), "mine").unwrap();
    symlink("nowhere", room.path("link")).unwrap();
    symlink("file", room.path("known")).unwrap();
    assert!(Command::new("mkfifo").arg(room.path("pipe")).status().unwrap().success());
    for name in ["file", "link", "known", "pipe", "digits", "none/bar", "file/bar"] {
        let text = room.failure(&["simulate", "design", "--serve", "--bar", name], 2);
        assert!(text.contains("sim::bar_file") && text.contains(name), "{text}");
    }
    assert_eq!(fs::read(room.path("file")).unwrap(), b"mine");
    assert!(!room.path("nowhere").exists() && !room.path("none").exists());
    // One that has taken the place of ours.
    let server = Server::of(&room, "design");
    fs::rename(room.path("file"), room.path("bar")).unwrap();
    let (status, text) = server.stop();
    assert_eq!((status, text.as_str()), (Some(0), ""));
    assert_eq!(fs::read(room.path("bar")).unwrap(), b"mine");
    // Nor is a file written that is no card's.
    let zeros = vec![0; 32 << 20];
    fs::write(room.path("bar"), &zeros).unwrap();
    room.failure(&["run", "design", "--input", IMAGES, "--on", "pcie:bar"], 3);
    assert!(fs::read(room.path("bar")).unwrap() == zeros);
}

#[test]
fn a_card_whose_file_is_damaged_serves_the_next_run() {
    let room = Room::new();
    room.ok(&["compile", MODEL, "-o", "design"]);
    let expected = scores(&room, MODEL, "reference");
    let server = Server::of(&room, "design");
    for garbage in [[0u8; 64], [0xff; 64], [0xa5; 64]] {
        let bar = File::options().read(true).write(true).open(room.path("bar")).unwrap();
        let mut whole = vec![0; 0x68];
        bar.read_exact_at(&mut whole, 0).unwrap();
        for place in (0..32 << 20).step_by(1 << 12) {
            bar.write_all_at(&garbage, place).unwrap();
        }
        // Until its constants are there again.
        let mut found = vec![0; 8];
        while found != whole[..8] {
            bar.read_exact_at(&mut found, 0).unwrap();
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(scores(&room, "design", "pcie:bar"), expected);
    }
    assert_eq!(server.stop(), (Some(0), String::new()));
}

/// Writes garbage to a terminal until it has taken `most` bytes or nothing `patience` times; how many it has taken.
fn flood(far: &mut TTYPort, most: usize, patience: usize) -> usize {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let (mut taken, mut refusals, mut chunk) = (0, 0, [0; 64]);
    while taken < most && refusals < patience {
        random.fill_bytes(&mut chunk);
        match far.write(&chunk) {
            Ok(count) => taken += count,
            Err(error) if error.kind() == ErrorKind::TimedOut => refusals += 1,
            Err(error) => panic!("{error}"),
        }
    }
    taken
}

#[test]
fn garbage_on_a_line_is_not_kept_and_the_next_host_is_served() {
    let room = Room::new();
    room.ok(&["compile", MODEL, "-o", "design", "--board", "ulx3s-85f", "--clock", "5"]);
    let expected = scores(&room, MODEL, "reference");
    let mut command = room.command(PROGRAM);
    command.args(["simulate", "design", "--serve", "--json"]);
    let server = Server::start(command);
    let port = server.ready["port"].as_str().unwrap().to_owned();
    let engine = format!("uart:{port}");
    assert_eq!(scores(&room, "design", &engine), expected);
    let before = server.resident();
    for _ in 0..2 {
        let mut far = TTYPort::open(&serialport::new(&port, 1_000_000).exclusive(false)).unwrap();
        far.set_timeout(Duration::from_millis(10)).unwrap();
        flood(&mut far, 1 << 20, 20);
        drop(far);
        // A host that comes before the server has noticed that the other one left finds a few thousand bytes before its own,
        // and on a busy machine gives up.
        let words = ["run", "design", "--input", IMAGES, "--count", "2", "--on", &engine, "--output", "scores.npy"];
        assert!((0..3).any(|_| room.run(&words).status.success()));
        assert_eq!(fs::read(room.path("scores.npy")).unwrap(), expected);
    }
    let grown = server.resident().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes more");
    assert_eq!(server.stop(), (Some(0), String::new()));
}

/// What takes nothing.
#[derive(Clone, Copy, Debug)]
enum Sink {
    /// A disk that is full.
    Full,
    /// A pipe whose reader has gone.
    Closed,
}

impl Sink {
    fn open(self) -> Stdio {
        match self {
            Sink::Full => File::options().write(true).open("/dev/full").unwrap().into(),
            Sink::Closed => io::pipe().unwrap().1.into(),
        }
    }
}

#[test]
fn nobody_who_listens_is_no_reason_to_panic() {
    let room = Room::new();
    room.ok(&["compile", MODEL, "-o", "design", "--board", "ulx3s-85f"]);
    let cases: &[(&[&str], i32)] = &[
        (&["info", MODEL], 0),
        (&["boards"], 0),
        (&["--help"], 0),
        (&["run", "--help"], 0),
        (&["--version"], 0),
        (&["run", MODEL, "--input", IMAGES, "--count", "3"], 0),
        (&["simulate", "design", "--input", IMAGES, "--count", "1"], 0),
        (&["compile", MODEL, "-o", "again"], 0),
        (&["flash", "design"], 2),
        (&["build", "design"], 3),
        (&["info", "none.onnx"], 2),
        (&["frobnicate"], 2),
        (&[], 2),
        (&["run", MODEL], 2),
    ];
    let none = [("XNORFORGE_TOOLS", "/none"), ("PATH", "/none")];
    for (words, expected) in cases {
        for sink in [Sink::Full, Sink::Closed] {
            let command = || {
                let mut command = room.command(PROGRAM);
                command.args(*words).envs(none);
                command
            };
            let status = |command: &mut Command| command.output().unwrap();
            // Nobody hears of warnings and errors, but the status tells.
            let output = status(command().stderr(sink.open()));
            assert_eq!(output.status.code(), Some(*expected), "{words:?}, no stderr ({sink:?})");
            // Results that cannot be written are an error, unless their reader has enough.
            let output = status(command().stdout(sink.open()));
            let text = String::from_utf8(output.stderr).unwrap();
            let is_lost = *expected == 0 && matches!(sink, Sink::Full);
            let code = if is_lost { 2 } else { *expected };
            assert_eq!(output.status.code(), Some(code), "{words:?}, no stdout ({sink:?}): {text}");
            assert!(!text.contains("panicked") && text.contains("standard output") == is_lost, "{words:?}: {text}");
            let output = status(command().stdout(sink.open()).stderr(sink.open()));
            assert_eq!(output.status.code(), Some(code), "{words:?}, nothing ({sink:?})");
        }
    }
}
