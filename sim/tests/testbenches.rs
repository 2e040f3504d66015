//! The testbench that `compile` ships, as a user runs it: `sh DIR/testbench/run.sh`, with Icarus Verilog.

#![allow(clippy::unwrap_used)]

#[path = "random_networks/generator.rs"]
mod generator;

use compiler::fold::{Goal, PlanError, plan};
use compiler::lower::lower;
use generator::{random_convolutional_graph, random_graph};
use network::graph::Graph;
use std::path::Path;
use std::process::Command;

/// Compiles `graph` and runs the testbench of its directory.
fn check(graph: &Graph, images_per_second: f64) {
    let Ok(network) = lower(graph) else { return };
    let plan = match plan(network, &Goal::FramesPerSecond(images_per_second), 100.0) {
        // Some random networks have nothing for hardware to do.
        Err(PlanError::NoUnit { .. }) => return,
        plan => plan.unwrap(),
    };
    let room = tempfile::tempdir().unwrap();
    let folder = room.path().join("design");
    hdl::artifacts::write(&plan, None, &folder).unwrap();
    let output = Command::new("sh").arg(folder.join("testbench/run.sh")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let is_ok = output.status.success() && said.contains("TESTBENCH OK");
    assert!(is_ok, "the testbench needs `iverilog` and must pass for {}:\n{said}", graph.name);
}

#[test]
fn shipped_networks_pass_their_testbenches() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    for model in ["digits/digits_mlp", "digits/digits_conv", "methods/bnn", "methods/dorefa", "methods/xnor_net"] {
        check(&network::onnx::import(&models.join(model).with_extension("onnx")).unwrap(), 100_000.0);
    }
}

#[test]
fn random_networks_pass_their_testbenches() {
    for seed in 0..6 {
        check(&random_graph(seed, 10), 1e6);
        check(&random_convolutional_graph(seed), 2e4);
    }
}
