//! Two designs in one system: names that begin with different prefixes never meet.

#![allow(clippy::unwrap_used)]

use abi::manifest::Manifest;
use compiler::lower::lower;
use compiler::planner::{Goal, plan};
use flow::artifacts;
use flow::prefix::Prefix;
use std::fs;
use std::path::Path;
use testkit::tools::run_in;

/// Compiles one of the shipped networks into `room/prefix`.
fn design(room: &Path, prefix: &str, model: &str, images_per_second: f64) -> Manifest {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits");
    let network = lower(&network::onnx::import(&models.join(model)).unwrap()).unwrap();
    let plan = plan(network, &Goal::FramesPerSecond(images_per_second), 100.0).unwrap();
    artifacts::write_as(&plan, None, &Prefix::new(prefix).unwrap(), &room.join(prefix)).unwrap().manifest
}

/// A module that feeds the testbench's images to the design called `prefix` and compares all answers.
fn player(prefix: &str, manifest: &Manifest) -> String {
    let (input, output) = (&manifest.input_stream, &manifest.output_stream);
    let testbench = |file: &str| format!("{prefix}/testbench/testbench_{file}.mem");
    format!(
        "module play_{prefix} (input wire clock, input wire reset, output reg done);
  reg [{in_high}:0] words [0:1048575];
  reg [{out_high}:0] expected [0:1048575];
  reg [31:0] sent, taken;
  wire in_ready, out_valid;
  wire [{out_high}:0] out_data;
  wire in_valid = (^words[sent] !== 1'bx);
  {prefix}_core #(.MEM_DIR(\"{prefix}/rtl\")) core (
    .clock(clock), .reset(reset), .in_data(words[sent]), .in_valid(in_valid), .in_ready(in_ready),
    .out_data(out_data), .out_valid(out_valid), .out_ready(1'b1)
  );
  initial begin
    $readmemh(\"{stimulus}\", words);
    $readmemh(\"{answers}\", expected);
    sent = 0; taken = 0; done = 0;
  end
  always @(posedge clock) if (!reset) begin
    if (in_valid && in_ready) sent <= sent + 1;
    if (out_valid) begin
      if (out_data !== expected[taken]) begin
        $display(\"{prefix}: word %0d is %h, expected %h\", taken, out_data, expected[taken]);
        $fatal;
      end
      taken <= taken + 1;
      done <= ^expected[taken + 1] === 1'bx;
    end
  end
endmodule
",
        in_high = input.word_bits() - 1,
        out_high = output.word_bits() - 1,
        stimulus = testbench("input"),
        answers = testbench("expected"),
    )
}

const SYSTEM: &str = "
module system;
  reg clock, reset;
  wire left_done, right_done;
  play_left left (clock, reset, left_done);
  play_right right (clock, reset, right_done);
  initial begin
    clock = 0; reset = 1;
    #45 reset = 0;
    #100000000 $display(\"no end\");
    $fatal;
  end
  always #5 clock = !clock;
  always @(posedge clock) if (left_done && right_done) begin
    $display(\"both right\");
    $finish;
  end
endmodule
";

#[test]
fn two_designs_run_in_one_system() {
    if !(testkit::tool("iverilog") && testkit::tool("vvp")) {
        return;
    }
    let room = tempfile::tempdir().unwrap();
    let room = room.path();
    let left = design(room, "left", "digits_mlp.onnx", 1e6);
    let right = design(room, "right", "digits_conv.onnx", 1e5);
    let system = player("left", &left) + &player("right", &right) + SYSTEM;
    fs::write(room.join("system.v"), system).unwrap();
    let files = ["left", "right"].map(|prefix| {
        ["rtl", "soc"].map(|folder| {
            let what = if folder == "rtl" { "core" } else { "soc" };
            format!("{prefix}/{folder}/{prefix}_{what}.v")
        })
    });
    let mut arguments = vec!["-g2012", "-s", "system", "-o", "system", "system.v"];
    arguments.extend(files.iter().flatten().map(String::as_str));
    run_in(room, "iverilog", &arguments);
    let said = run_in(room, "vvp", &["-N", "system"]);
    assert!(said.contains("both right"), "{said}");
}

#[test]
fn every_name_begins_with_the_prefix_and_every_module_says_what_it_is() {
    let room = tempfile::tempdir().unwrap();
    let manifest = design(room.path(), "left", "digits_conv.onnx", 1e5);
    let folder = room.path().join("left");
    assert!(manifest.files.iter().all(|file| file.starts_with("left_")), "{:?}", manifest.files);
    for file in ["rtl/left_core.v", "soc/left_soc.v"] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2).filter(|pair| pair[1].starts_with("module ")) {
            assert!(pair[1].starts_with("module left_") && pair[0].starts_with("// "), "{file}: {pair:?}");
        }
    }
    for file in ["soc/left_litex.py", "soc/left_litepcie.py", "soc/left_registers.h", "left.core"] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let names = ["xnorforge_", "XNORFORGE_"].map(|name| text.matches(name).count());
        assert_eq!(names, [0, 0], "{file}");
    }
    let read = artifacts::read(&folder).unwrap();
    assert_eq!((read.manifest.top.as_str(), read.prefix.to_string()), ("left_core", "left".to_owned()));
}
