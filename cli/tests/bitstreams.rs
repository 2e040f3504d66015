//! Bitstreams of the shipped network, and the netlists that they are made of, at their UART pins.
//!
//! Needs the tools of `constraints/requirements.txt` and Verilator.

#![allow(clippy::unwrap_used)]

mod support;

use flow::board::Board;
use flow::build::Tools;
use flow::commands::Tool;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::{IMAGES, MODEL, PROGRAM, Room};

/// Whether every tool for a board can be found.
fn has_tools(tools: &[Tool]) -> bool {
    let installed = Tools::from_environment();
    let found = |tool: &Tool| testkit::tools::found(tool.name(), installed.find(*tool).is_ok());
    tools.iter().all(found) && testkit::tool("verilator")
}

/// Compiles the digits for `board` with the given options, builds the bitstream, and runs five images on the netlist where
/// its cells can be simulated.
fn builds(board: &str, options: &[&str], bitstream: &str, is_simulated: bool) {
    let room = Room::new();
    room.ok(&[&["compile", MODEL, "-o", "design", "--board", board], options].concat());
    let gates = ["run", "design", "--input", IMAGES, "--count", "5", "--on", "gates", "--output", "gates.npy"];
    assert!(room.error(&gates).contains(if is_simulated { "sim::no_netlist" } else { "sim::no_models" }));
    let output = room.command(PROGRAM).args(["build", "design", "--json"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    for stage in ["synthesis", "place_and_route", "bitstream"] {
        assert!(said.contains(stage), "{said}");
        assert!(room.path(&format!("design/build/{stage}.log")).exists(), "{stage}");
    }
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report, room.json_file("design/report.json"));
    let measured = |name: &str| report["measured"][name].as_f64().unwrap();
    assert!(measured("fmax_mhz") >= report["clock_mhz"].as_f64().unwrap(), "{report}");
    for resource in ["lut", "ff", "bram"] {
        assert!(measured(resource) > 1.0, "{report}");
    }
    assert!(fs::metadata(room.path("design/build").join(bitstream)).unwrap().len() > 100_000);
    if is_simulated {
        room.ok(&gates);
        room.ok(&["run", MODEL, "--input", IMAGES, "--count", "5", "--on", "reference", "--output", "reference.npy"]);
        let bytes = |name: &str| fs::read(room.path(name)).unwrap();
        assert_eq!(bytes("gates.npy"), bytes("reference.npy"));
    }
}

/// With a clock that the PLL makes.
#[test]
fn ulx3s() {
    if has_tools(&[Tool::Yosys, Tool::NextpnrEcp5, Tool::Ecppack]) {
        builds("ulx3s-12f", &["--clock", "50"], "design.bit", true);
    }
}

/// Its designs run at a clock that the PLL makes, fed by the oscillator's own pin.
#[test]
fn icebreaker() {
    if has_tools(&[Tool::Yosys, Tool::NextpnrIce40, Tool::Icepack]) {
        builds("icebreaker", &[], "design.bin", true);
    }
}

#[test]
fn tang_nano_9k() {
    if has_tools(&[Tool::Yosys, Tool::NextpnrGowin, Tool::GowinPack]) {
        builds("tang-nano-9k", &[], "design.fs", false);
    }
}

/// The clock at which an ECP5 reads its bitstream, as the packer writes it and the unpacker reads it back.
#[test]
fn bitstreams_are_read_at_the_clock_of_the_board() {
    if !has_tools(&[Tool::Ecppack]) {
        return;
    }
    let packer = Tools::from_environment().find(Tool::Ecppack).unwrap().program;
    let unpacker = packer.with_file_name(packer.file_name().unwrap().to_str().unwrap().replace("ecppack", "ecpunpack"));
    let room = Room::new();
    for (name, megahertz, register) in [("orangecrab-25f", "38.8", "0x40000038"), ("ulx3s-85f", "62", "0x4000003b")] {
        let pins = Board::find(name).unwrap().pins;
        let found = pins.split_once("MCCLK_FREQ=").unwrap().1.split_whitespace().next();
        assert_eq!(found, Some(megahertz), "{name}");
        let config = format!(".device LFE5U-25F\n\n.sysconfig MCCLK_FREQ {megahertz}\n");
        fs::write(room.path("a.config"), config).unwrap();
        let run = |program: &Path, words: &[&str]| {
            let output = room.command(program.to_str().unwrap()).args(words).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
        };
        run(&packer, &["a.config", "a.bit"]);
        let said = run(&unpacker, &["-v", "a.bit", "b.config"]);
        assert!(said.contains(&format!("set control reg 0 to {register}")), "{name}: {said}");
    }
}

/// The script that `compile` writes makes the same bitstream without this program.
#[test]
fn the_build_script_runs_by_itself() {
    if !has_tools(&[Tool::Yosys, Tool::NextpnrIce40, Tool::Icepack]) {
        return;
    }
    let room = Room::new();
    room.ok(&["compile", MODEL, "-o", "design", "--board", "ice40-hx8k"]);
    let output = Command::new("sh").arg(room.path("design/board/build.sh")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bitstream = fs::read(room.path("design/build/design.bin")).unwrap();
    room.ok(&["compile", MODEL, "-o", "design", "--board", "ice40-hx8k"]);
    assert!(room.command(PROGRAM).args(["build", "design"]).output().unwrap().status.success());
    assert_eq!(fs::read(room.path("design/build/design.bin")).unwrap(), bitstream);
}

#[test]
fn builds_that_are_refused() {
    let room = Room::new();
    room.ok(&["compile", MODEL, "-o", "core"]);
    room.ok(&["compile", MODEL, "-o", "design", "--board", "ulx3s-85f"]);
    let mut errors = room.error(&["build", "core"]);
    errors += &room.error(&["build", "nowhere"]);
    errors += &room.error(&["build", "design", "--seeds", "0"]);
    errors += &room.error(&["simulate", "design", "--on", "gates", "--input", IMAGES]);
    errors += &room.error(&["compile", MODEL, "-o", "new", "--board", "de10-nano"]);
    errors += &room.error(&["compile", MODEL, "-o", "new", "--board", "ulx3s-85f", "--clock", "48"]);
    errors += &room.error(&["compile", MODEL, "-o", "new", "--board", "arty-a7-100t", "--clock", "50"]);
    room.nothing_at("new");
    let output = room
        .command(PROGRAM)
        .args(["build", "design"])
        .env("XNORFORGE_TOOLS", room.path("nowhere"))
        .env("PATH", "")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    errors += &format!("# without tools\n{}", String::from_utf8(output.stderr).unwrap());
    insta::assert_snapshot!("refused", errors);
}
