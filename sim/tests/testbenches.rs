//! The testbench that `compile` ships, as a user runs it: `sh DIR/testbench/run.sh`, with Icarus Verilog.

#![allow(clippy::unwrap_used)]

use compiler::lower::lower;
use compiler::planner::{Goal, PlanError, plan};
use flow::artifacts::ArtifactsError;
use hdl::design::DesignError;
use network::graph::Graph;
use std::path::Path;
use std::process::Command;
use testkit::random_graphs::{random_convolutional_graph, random_graph, random_topology_graph};

/// When reset rises.
#[derive(Clone, Copy)]
enum Reset {
    /// As in the testbench that is shipped: after time zero, so that logic gets an event.
    Late,
    /// At time zero, as other testbenches have it: logic must have its value without any event.
    Early,
}

/// Compiles `graph` and runs the testbench of its directory; whether hardware has units and blocks for it.
fn check(graph: &Graph, images_per_second: f64, reset: Reset) -> bool {
    let Ok(network) = lower(graph) else { return false };
    let plan = match plan(network, &Goal::FramesPerSecond(images_per_second), 100.0) {
        // Some random networks have nothing for hardware to do.
        Err(PlanError::NoUnit { .. }) => return false,
        plan => plan.unwrap(),
    };
    let room = tempfile::tempdir().unwrap();
    let folder = room.path().join("design");
    match flow::artifacts::write(&plan, None, &folder) {
        Err(ArtifactsError::Design(DesignError::NoBlock { .. })) => return false,
        written => _ = written.unwrap(),
    }
    if let Reset::Early = reset {
        let file = folder.join("testbench/testbench.v");
        let late = std::fs::read_to_string(&file).unwrap();
        let early = late.replace("reg reset = 0;", "reg reset = 1;");
        assert_ne!(early, late);
        std::fs::write(file, early).unwrap();
    }
    let output = Command::new("sh").arg(folder.join("testbench/run.sh")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let is_ok = output.status.success() && said.contains("TESTBENCH OK");
    assert!(is_ok, "the testbench must pass for {}:\n{said}", graph.name);
    true
}

#[test]
fn shipped_networks_pass_their_testbenches() {
    if !testkit::tool("iverilog") {
        return;
    }
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    for model in ["digits/digits_mlp", "digits/digits_conv", "methods/bnn", "methods/dorefa", "methods/xnor_net"] {
        let graph = network::onnx::import(&models.join(model).with_extension("onnx")).unwrap();
        assert!(check(&graph, 100_000.0, Reset::Late), "{model}");
    }
}

#[test]
fn random_networks_pass_their_testbenches() {
    if !testkit::tool("iverilog") {
        return;
    }
    let run = |graph: fn(u64) -> Graph, images_per_second: f64| {
        let reset = |seed: u64| if seed.is_multiple_of(2) { Reset::Late } else { Reset::Early };
        (0..6).filter(|seed| check(&graph(*seed), images_per_second, reset(*seed))).count()
    };
    let dense = run(|seed| random_graph(seed, 10), 1e6);
    let run = [dense, run(random_convolutional_graph, 2e4), run(random_topology_graph, 2e4)];
    assert!(run.iter().all(|run| *run >= 3), "only {run:?} of 6 each are run");
}
