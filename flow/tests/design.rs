//! The whole design of the shipped network is accepted by three independent Verilog tools.

#![allow(clippy::unwrap_used)]

use compiler::lower::lower;
use compiler::planner::{Goal, plan};
use std::path::Path;

/// Runs a tool in `folder`, which must not warn.
fn accepted(folder: &Path, tool: &str, arguments: &[&str]) {
    if testkit::tool(tool) {
        let said = testkit::tools::run_in(folder, tool, arguments);
        assert!(!said.to_lowercase().contains("warning"), "{tool} warns of the design:\n{said}");
    }
}

#[test]
fn verilator_icarus_and_yosys_accept_the_digits_design() {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits/digits_mlp.onnx");
    let network = lower(&network::onnx::import(&model).unwrap()).unwrap();
    for rate in [1e3, 1e6, 1e8] {
        let plan = plan(network.clone(), &Goal::FramesPerSecond(rate), 100.0).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let compiled = flow::artifacts::write(&plan, None, &folder.path().join("design")).unwrap();
        let rtl = folder.path().join("design/rtl");
        let (top, file) = (compiled.manifest.top.as_str(), compiled.manifest.files[0].as_str());
        std::fs::write(rtl.join("waivers.vlt"), hdl::emit::lint::verilator_configuration()).unwrap();
        accepted(&rtl, "verilator", &["--lint-only", "-Wall", "--top-module", top, "waivers.vlt", file]);
        accepted(&rtl, "iverilog", &["-g2012", "-Wall", "-t", "null", "-s", top, file]);
        let script = format!("read_verilog -sv {file}; hierarchy -check -top {top}; proc; check -assert");
        accepted(&rtl, "yosys", &["-q", "-p", &script]);
    }
}
