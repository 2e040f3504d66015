//! The cores for systems on a chip as files: what tools say to them, and what the descriptions name.

#![allow(clippy::unwrap_used)]

use compiler::lower::lower;
use compiler::plan::Plan;
use compiler::planner::{Goal, plan};
use flow::artifacts;
use hdl::emit::lint;
use std::fs;
use std::path::Path;
use testkit::tool;
use testkit::tools::run_in;

const TOPS: [&str; 3] = ["xnorforge_axi_stream", "xnorforge_axi_lite", "xnorforge_wishbone"];

fn digits(model: &str, images_per_second: f64) -> Plan {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits");
    let graph = network::onnx::import(&models.join(model)).unwrap();
    plan(lower(&graph).unwrap(), &Goal::FramesPerSecond(images_per_second), 100.0).unwrap()
}

#[test]
fn tools_accept_every_top() {
    for (model, images_per_second) in [("digits_conv.onnx", 100_000.0), ("digits_mlp.onnx", 1e6)] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("design");
        artifacts::write(&digits(model, images_per_second), None, &folder).unwrap();
        for top in TOPS {
            let files = ["soc/xnorforge_soc.v", "rtl/xnorforge_core.v"];
            let mut complaints = String::new();
            if tool("verilator") {
                let lint = ["--lint-only", "-Wall", "--top-module", top, "soc/waivers.vlt"];
                complaints += &run_in(&folder, "verilator", &[&lint[..], &files].concat());
            }
            if tool("iverilog") {
                let arguments = ["-g2005", "-Wall", "-Wno-timescale", "-s", top, "-o", "../simulation"];
                complaints += &run_in(&folder, "iverilog", &[&arguments[..], &files].concat());
            }
            if tool("yosys") {
                let script = format!(
                    "read_verilog ../soc/xnorforge_soc.v xnorforge_core.v; hierarchy -check -top {top}; proc; select \
                     -assert-none t:$dlatch; check -assert"
                );
                complaints += &run_in(&folder.join("rtl"), "yosys", &["-q", "-p", &script]);
            }
            assert!(complaints.trim().is_empty(), "{model}, {top}:\n{complaints}");
        }
    }
}

#[test]
fn descriptions_name_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("design");
    let compiled = artifacts::write(&digits("digits_conv.onnx", 100_000.0), None, &folder).unwrap();
    let text = |path: &str| fs::read_to_string(folder.join(path)).unwrap();
    let (fusesoc, litex) = (text("xnorforge.core"), text("soc/xnorforge_litex.py"));
    for file in &compiled.manifest.files {
        assert!(fusesoc.contains(&format!("- rtl/{file} ")), "{file}");
        assert_eq!(litex.contains(&format!("\"{file}\"")), file.ends_with(".v"), "{file}");
    }
    let card = text("soc/xnorforge_litepcie.py");
    assert!(!card.contains('@') && card.contains("CLOCK_HERTZ = 100000000\n") && card.contains("32 MiB"), "{card}");
    assert_eq!(text("soc/waivers.vlt"), lint::verilator_configuration());
    assert!(
        !litex.contains('@')
            || litex.lines().filter(|line| line.contains('@')).all(|line| line.trim() == "@staticmethod")
    );
    let verilog = text("soc/xnorforge_soc.v");
    for top in TOPS {
        assert_eq!(verilog.matches(&format!("module {top} #(")).count(), 1);
        assert!(fusesoc.contains(&format!("toplevel : {top}\n")) && litex.contains(&format!("\"{top}\"")), "{top}");
    }
    // No module of the core is there twice, or a design with both files has it twice.
    let modules = |text: &str| -> Vec<String> {
        text.lines().filter_map(|line| Some(line.strip_prefix("module ")?.split(' ').next()?.to_owned())).collect()
    };
    let core = modules(&text("rtl/xnorforge_core.v"));
    assert!(modules(&verilog).iter().all(|name| !core.contains(name)));
    insta::assert_snapshot!("fusesoc", fusesoc);
    insta::assert_snapshot!("header", text("soc/xnorforge_registers.h"));
}
