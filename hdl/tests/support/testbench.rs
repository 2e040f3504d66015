//! A SystemVerilog testbench that replays recorded ports.

use std::fmt::Write;

use hdl::emit::VerilogDesign;

use super::tools::{Simulator, simulator_available, write_sources};
use super::verilator;
use testkit::tools::run_in;

/// A port of the block under test.
#[derive(Clone, Debug)]
pub struct Port {
    pub name: String,
    pub is_output: bool,
    pub width: usize,
}

/// The values of all ports, cycle by cycle.
pub struct Vectors {
    pub ports: Vec<Port>,
    pub cycles: Vec<Vec<String>>,
}

impl Vectors {
    pub fn new(ports: Vec<Port>) -> Vectors {
        Vectors { ports, cycles: vec![] }
    }

    /// The values of one cycle in hexadecimal, in the order of the ports.
    pub fn record(&mut self, values: Vec<String>) {
        self.cycles.push(values);
    }

    /// One line per cycle, the ports side by side, each in whole hexadecimal digits.
    fn memory(&self) -> String {
        let mut text = String::new();
        for values in &self.cycles {
            for (port, value) in self.ports.iter().zip(values) {
                let digits = port.width.div_ceil(4);
                let value = value.trim_start_matches('0');
                assert!(value.len() <= digits, "{} = {value} is wider than its {} bits", port.name, port.width);
                write!(text, "{value:0>digits$}").expect("writing to a string");
            }
            text.push('\n');
        }
        text
    }

    fn testbench(&self, top: &str) -> String {
        let total: usize = self.ports.iter().map(|port| port.width.div_ceil(4) * 4).sum();
        let clock = self.ports.iter().any(|port| port.name == "clock");
        let mut text = format!(
            "module testbench;\n  reg [{}:0] vectors [0:{}];\n  reg [{}:0] vector;\n  integer cycle;\n  integer errors;\n",
            total - 1,
            self.cycles.len() - 1,
            total - 1
        );
        let mut high = total;
        let mut drive = String::new();
        let mut check = String::new();
        let mut connections = vec![];
        for Port { name, is_output, width } in &self.ports {
            high -= width.div_ceil(4) * 4;
            let class = if *is_output { "wire" } else { "reg " };
            writeln!(text, "  {class} [{}:0] p_{name};", width - 1).expect("writing to a string");
            connections.push(format!(".{name}(p_{name})"));
            let recorded = format!("vector[{high} +: {width}]");
            if *is_output {
                write!(
                    check,
                    "      if (p_{name} !== {recorded}) begin\n        errors = errors + 1;\n        if (errors < 20) $display(\"cycle %0d: {name} is %h, in Rust %h\", cycle, p_{name}, {recorded});\n      end\n"
                )
                .expect("writing to a string");
            } else if name != "clock" {
                writeln!(drive, "      p_{name} = {recorded};").expect("writing to a string");
            }
        }
        let (low, rise) = if clock { ("      p_clock = 0;\n", "      p_clock = 1;\n") } else { ("", "") };
        format!(
            "{text}  {top} dut ({});\n  initial begin\n    errors = 0;\n    $readmemh(\"vectors.hex\", vectors);\n{low}    \
             for (cycle = 0; cycle < {}; cycle = cycle + 1) begin\n      vector = vectors[cycle];\n{drive}      #1;\n{check}\
             {rise}      #1;\n{low}    end\n    if (errors == 0) $display(\"TESTBENCH OK\");\n    $finish;\n  end\nendmodule\n",
            connections.join(", "),
            self.cycles.len()
        )
    }
}

/// Runs the design on the recorded inputs; panics at the first cycles in which an output differs.
pub fn compare(design: &VerilogDesign, vectors: &Vectors, files: &[(String, String)], simulator: Simulator) {
    if vectors.cycles.is_empty() || !simulator_available(simulator) {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_sources(folder.path(), design, files);
    for (name, text) in [("vectors.hex", vectors.memory()), ("testbench.sv", vectors.testbench(&design.top))] {
        std::fs::write(folder.path().join(name), text).expect("the temporary folder is writable");
    }
    let output = match simulator {
        Simulator::Icarus => {
            run_in(folder.path(), "iverilog", &["-g2012", "-o", "simulation", "testbench.sv", "design.v"]);
            run_in(folder.path(), "vvp", &["-n", "simulation"])
        }
        Simulator::Verilator => {
            verilator::build(folder.path());
            run_in(folder.path(), "./obj/Vtestbench", &[])
        }
    };
    assert!(
        output.contains("TESTBENCH OK"),
        "{simulator:?} and Rust disagree about {}:\n{output}\n{}",
        design.top,
        design.text()
    );
}
