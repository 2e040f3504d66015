//! The open tools that must accept our Verilog.

use std::path::Path;

use hdl::emit::{VerilogDesign, lint};
use testkit::tool;
use testkit::tools::run_in;

/// What runs the emitted Verilog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Simulator {
    Icarus,
    Verilator,
}

/// Whether a simulator is installed.
pub fn simulator_available(simulator: Simulator) -> bool {
    match simulator {
        Simulator::Icarus => tool("iverilog") && tool("vvp"),
        Simulator::Verilator => tool("verilator"),
    }
}

/// Writes the design as `design.v`, the lint waivers and the files that the design reads.
pub fn write_sources(folder: &Path, design: &VerilogDesign, files: &[(String, String)]) {
    let sources = [("design.v", design.text()), ("waivers.vlt", lint::verilator_configuration())];
    let files = files.iter().map(|(name, text)| (name.as_str(), text.clone()));
    for (name, text) in sources.into_iter().chain(files) {
        std::fs::write(folder.join(name), text).expect("the temporary folder is writable");
    }
}

/// Lint, elaboration and synthesis front end: Verilator, Icarus and yosys, without any message but
/// those of the `waived` rules of Verilator.
pub fn accept(design: &VerilogDesign, files: &[(String, String)], waived: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    write_sources(folder, design, files);
    let top = design.top.as_str();
    let mut complaints = String::new();
    if tool("verilator") {
        let mut arguments = vec!["--lint-only", "-Wall", "--top-module", top, "waivers.vlt", "design.v"];
        let waived: Vec<String> = waived.iter().map(|rule| format!("-Wno-{rule}")).collect();
        arguments.extend(waived.iter().map(String::as_str));
        complaints += &run_in(folder, "verilator", &arguments);
    }
    if tool("iverilog") {
        complaints += &run_in(folder, "iverilog", &["-g2012", "-Wall", "-s", top, "-o", "design.vvp", "design.v"]);
    }
    if tool("yosys") {
        let script = format!(
            "read_verilog -sv design.v; hierarchy -check -top {top}; proc; select -assert-none t:$dlatch; check -assert"
        );
        let output = run_in(folder, "yosys", &["-q", "-p", &script]);
        complaints += &output;
    }
    assert!(complaints.trim().is_empty(), "{complaints}\n{}", numbered(&design.text()));
}

/// A source with line numbers, to read next to a tool's complaints.
fn numbered(source: &str) -> String {
    source.lines().enumerate().map(|(index, line)| format!("{:5} {line}\n", index + 1)).collect()
}
