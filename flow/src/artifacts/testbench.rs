//! The self-checking testbench of a compiled directory.

use abi::manifest::Manifest;
use compiler::plan::Plan;
use compiler::values::Drawn;
use hdl::emit::testbench::testbench;

/// The testbench with the images that the plan was checked on, and what the network makes of them.
pub(super) fn testbench_files(plan: &Plan, manifest: &Manifest, images: &[Drawn]) -> Vec<(String, String)> {
    let stimulus: Vec<Vec<i32>> = images.iter().map(|image| image.input.clone()).collect();
    let expected: Vec<Vec<i32>> = images.iter().map(|image| image.output.clone()).collect();
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
