//! The self-checking testbench of a compiled directory.

use crate::emit::testbench::testbench;
use abi::manifest::Manifest;
use compiler::plan::Plan;
use network::integer;

/// Images that the testbench feeds.
const TESTBENCH_IMAGES: u64 = 4;

/// The testbench with reproducible random images and what the network makes of them.
pub(super) fn testbench_files(plan: &Plan, manifest: &Manifest) -> Vec<(String, String)> {
    let network = &plan.network;
    let input = network.tensor(network.input);
    let values = ((input.maximum - input.minimum) / input.element.step()) as u64 + 1;
    // Any fixed sequence will do; this is the multiplier and increment of Knuth's MMIX generator.
    let mut state = 1u64;
    let mut element = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (input.minimum + ((state >> 33) % values) as i64 * input.element.step()) as i32
    };
    let stimulus: Vec<Vec<i32>> =
        (0..TESTBENCH_IMAGES).map(|_| (0..input.elements()).map(|_| element()).collect()).collect();
    let expected: Vec<Vec<i32>> = stimulus
        .iter()
        .map(|elements| integer::run_elements(network, elements.clone()).swap_remove(network.output.0))
        .collect();
    let patience = 4 * plan.latency + 20_000;
    let (from, to) = (&manifest.input_stream, &manifest.output_stream);
    let testbench = testbench(&manifest.top, from, to, &stimulus, &expected, patience, manifest.weights.is_some());
    let mut files = testbench.memories;
    files.push(("testbench.v".into(), testbench.verilog));
    files.push(("run.sh".into(), RUN_TESTBENCH.into()));
    files
}

const RUN_TESTBENCH: &str = "\
#!/bin/sh
# Compiles the design with its testbench in Icarus Verilog and runs it; the exit status tells whether it passed.
set -e
cd \"$(dirname \"$0\")/../rtl\"
program=$(mktemp)
trap 'rm -f \"$program\"' EXIT
iverilog -g2012 -o \"$program\" -s testbench ./*.v ../testbench/testbench.v
vvp -N \"$program\" +vectors=../testbench
";
