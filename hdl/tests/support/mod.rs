//! Test support: a block against its own Verilog.
//!
//! ```ignore
//! Bench::new("register", Register::of(8)).cycles(500).run(|block, random| {
//!     block.d.next = random.word(8);
//!     block.enable.next = random.chance(0.5);
//! });
//! ```
//!
//! The closure assigns every input but the clock, once per cycle. The block is simulated in Rust;
//! the same inputs then go into the emitted Verilog, and every output must agree in every cycle,
//! just before the rising edge. The Verilog must also pass [`tools::accept`].
//!
//! Use it with `#[path = "…/support/mod.rs"] mod support;`.
#![allow(dead_code)]

pub mod testbench;
pub mod tools;
pub mod verilator;

use hdl::emit::{VerilogDesign, emit};
use hdl::rust_hdl::prelude::*;
use hdl::wire::{Clocked, Simulation, Word};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use testbench::{Port, Vectors};

pub use tools::Simulator;

/// Random inputs, the same in every run.
pub struct Stimulus {
    random: ChaCha8Rng,
    /// The current cycle, from 0.
    pub cycle: usize,
}

impl Stimulus {
    pub fn new(seed: u64) -> Stimulus {
        Stimulus { random: ChaCha8Rng::seed_from_u64(seed), cycle: 0 }
    }

    /// A random word. Zeros, ones and small values come often: they are where mistakes are.
    pub fn word(&mut self, width: usize) -> Word {
        match self.random.random_range(0..8) {
            0 => Word::zero(width),
            1 => Word::ones(width),
            2 => Word::new(self.random.random_range(0..4), width),
            _ => {
                let limbs: Vec<u64> = (0..width.div_ceil(64)).map(|_| self.random.random()).collect();
                Word::from_limbs(width, &limbs)
            }
        }
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.random.random_bool(probability)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.random.random_range(0..limit)
    }
}

/// A comparison about to be run.
pub struct Bench<B> {
    name: String,
    block: B,
    cycles: usize,
    seed: u64,
    files: Vec<(String, String)>,
    simulator: Simulator,
    waived: Vec<&'static str>,
}

impl<B: Block> Bench<B> {
    /// `block`, to be emitted with `name` as its module.
    pub fn new(name: &str, block: B) -> Bench<B> {
        Bench {
            name: name.into(),
            block,
            cycles: 200,
            seed: 1,
            files: vec![],
            simulator: Simulator::Icarus,
            waived: vec![],
        }
    }

    /// The number of cycles; 200 by default.
    pub fn cycles(mut self, cycles: usize) -> Self {
        self.cycles = cycles;
        self
    }

    /// The seed of the stimulus; 1 by default.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// A file that the Verilog reads, such as the contents of a memory.
    pub fn file(mut self, name: &str, text: impl Into<String>) -> Self {
        self.files.push((name.into(), text.into()));
        self
    }

    /// Allows a lint rule of Verilator to be broken; say why where you call this.
    pub fn waive(mut self, rule: &'static str) -> Self {
        self.waived.push(rule);
        self
    }

    /// Verilator instead of Icarus: seconds to build, then far faster.
    pub fn verilator(mut self) -> Self {
        self.simulator = Simulator::Verilator;
        self
    }

    /// Compares a block without a clock; each cycle is one set of inputs.
    pub fn run_combinational(mut self, mut drive: impl FnMut(&mut B, &mut Stimulus)) -> VerilogDesign {
        self.block.connect_all();
        let design = accepted(&self.block, &self.name, &self.files, &self.waived);
        let mut stimulus = Stimulus::new(self.seed);
        let mut vectors = Vectors::new(ports(&self.block));
        for cycle in 0..self.cycles {
            stimulus.cycle = cycle;
            drive(&mut self.block, &mut stimulus);
            let settled = (0..1000).any(|_| {
                self.block.update_all();
                !self.block.has_changed()
            });
            assert!(settled, "{} does not settle in cycle {cycle}", self.name);
            vectors.record(values(&self.block));
        }
        testbench::compare(&design, &vectors, &self.files, self.simulator);
        design
    }
}

impl<B: Clocked> Bench<B> {
    /// Compares a clocked block.
    pub fn run(self, mut drive: impl FnMut(&mut B, &mut Stimulus)) -> VerilogDesign {
        let Bench { name, block, cycles, seed, files, simulator, waived } = self;
        let mut simulation = Simulation::new(block);
        let design = accepted(&simulation.top, &name, &files, &waived);
        let mut stimulus = Stimulus::new(seed);
        let mut vectors = Vectors::new(ports(&simulation.top));
        for cycle in 0..cycles {
            stimulus.cycle = cycle;
            drive(&mut simulation.top, &mut stimulus);
            simulation.settle().unwrap_or_else(|error| panic!("{name}: {error}"));
            vectors.record(values(&simulation.top));
            simulation.tick().unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        testbench::compare(&design, &vectors, &files, simulator);
        design
    }
}

/// The Verilog of a connected block, which all tools accept.
fn accepted(block: &dyn Block, name: &str, files: &[(String, String)], waived: &[&str]) -> VerilogDesign {
    let design = emit(block, name, "").unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)));
    tools::accept(&design, files, waived);
    design
}

/// The ports of a block; names inside interfaces are as in Verilog, `bus_data` for `bus.data` and `in_data` for `in_.data`.
fn ports(block: &dyn Block) -> Vec<Port> {
    probe(block).into_iter().map(|(port, _)| port).collect()
}

/// The values of the ports, as hexadecimal digits.
fn values(block: &dyn Block) -> Vec<String> {
    probe(block).into_iter().map(|(_, value)| value).collect()
}

fn probe(block: &dyn Block) -> Vec<(Port, String)> {
    #[derive(Default)]
    struct Ports {
        depth: usize,
        interfaces: Vec<String>,
        found: Vec<(Port, String)>,
    }
    impl Probe for Ports {
        fn visit_start_scope(&mut self, _: &str, _: &dyn Block) {
            self.depth += 1;
        }
        fn visit_end_scope(&mut self, _: &str, _: &dyn Block) {
            self.depth -= 1;
        }
        fn visit_start_namespace(&mut self, name: &str, _: &dyn Block) {
            self.interfaces.push(name.trim_end_matches('_').replace('$', "_"));
        }
        fn visit_end_namespace(&mut self, _: &str, _: &dyn Block) {
            self.interfaces.pop();
        }
        fn visit_atom(&mut self, name: &str, atom: &dyn Atom) {
            let is_output = match atom.kind() {
                AtomKind::InputParameter => false,
                AtomKind::OutputParameter => true,
                _ => return,
            };
            if self.depth == 1 {
                let mut path = self.interfaces.clone();
                path.push(name.replace('$', "_"));
                let port = Port { name: path.join("_"), is_output, width: atom.bits() };
                self.found.push((port, format!("{:x}", atom.verilog())));
            }
        }
    }
    let mut ports = Ports::default();
    block.accept("top", &mut ports);
    for (_, value) in &mut ports.found {
        // `LowerHex` of a literal is `<width>'h<digits>`.
        *value = value.split_once("'h").expect("a literal has a base").1.to_owned();
    }
    ports.found
}
