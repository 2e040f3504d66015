//! The core: the plan's stages, one block each, joined stream to stream.
//!
//! Ports: `clock`, `reset` (synchronous, active high), the stream in (`in_data`, `in_valid`, `in_ready`) and the
//! stream out (`out_data`, `out_valid`, `out_ready`).
//!
//! The stages are of different types and as many as the plan says, which a struct of named fields cannot hold.
//! Therefore this block, the only one, states its wiring by hand: once as [`Logic::update`] and once as the same
//! list of assignments in [`Logic::hdl`].

use crate::blocks::arg_max::ArgMax;
use crate::blocks::matrix_vector_unit::MatrixVectorUnit;
use crate::blocks::multi_threshold::MultiThreshold;
use crate::blocks::width_converter::WidthConverter;
use crate::wire::{Clocked, ModuleName, Wire, Word};
use rust_hdl::core::ast::{VerilogExpression, VerilogStatement};
use rust_hdl::core::prelude::{Bit, Block, Clock, In, Local, Logic, Out, Probe, Verilog};

/// The block of one stage.
#[derive(Debug)]
pub enum Unit {
    /// See [`crate::blocks::width_converter`].
    WidthConverter(Box<WidthConverter>),
    /// See [`crate::blocks::matrix_vector_unit`].
    MatrixVectorUnit(Box<MatrixVectorUnit>),
    /// See [`crate::blocks::multi_threshold`].
    MultiThreshold(Box<MultiThreshold>),
    /// See [`crate::blocks::arg_max`].
    ArgMax(Box<ArgMax>),
}

/// Evaluates an expression on the block inside a unit, whatever its type.
macro_rules! of_unit {
    ($unit:expr, $block:ident => $body:expr) => {
        match $unit {
            Unit::WidthConverter($block) => $body,
            Unit::MatrixVectorUnit($block) => $body,
            Unit::MultiThreshold($block) => $body,
            Unit::ArgMax($block) => $body,
        }
    };
}

/// The core.
#[derive(Debug)]
pub struct Pipeline {
    module: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// Word in.
    pub in_data: Wire<In>,
    /// Whether there is a word in.
    pub in_valid: Wire<In, Bit>,
    /// Whether the word in is taken.
    pub in_ready: Wire<Out, Bit>,
    /// Word out.
    pub out_data: Wire<Out>,
    /// Whether there is a word out.
    pub out_valid: Wire<Out, Bit>,
    /// Whether the word out is taken.
    pub out_ready: Wire<In, Bit>,
    stages: Vec<(String, Unit)>,
    streams: Vec<Stream>,
}

/// The stream that leaves a stage, as wires of the core with names to look at.
#[derive(Debug)]
struct Stream {
    data: Wire<Local>,
    valid: Wire<Local, Bit>,
    ready: Wire<Local, Bit>,
}

impl Pipeline {
    /// The core called `name` of the given stages, each with its instance name, between streams of words of
    /// `in_bits` and `out_bits`.
    pub fn new(name: &str, in_bits: usize, out_bits: usize, stages: Vec<(String, Unit)>) -> Self {
        Pipeline {
            module: ModuleName::new(name),
            clock: Wire::default(),
            reset: Wire::default(),
            in_data: Wire::of(in_bits),
            in_valid: Wire::default(),
            in_ready: Wire::default(),
            out_data: Wire::of(out_bits),
            out_valid: Wire::default(),
            out_ready: Wire::default(),
            streams: stages
                .iter()
                .map(|(_, unit)| Stream {
                    data: Wire::of(of_unit!(unit, unit => unit.out_data.width())),
                    valid: Wire::default(),
                    ready: Wire::default(),
                })
                .collect(),
            stages,
        }
    }

    /// Names and texts of the stages' memory files.
    pub fn memory_files(&self) -> Vec<(String, String)> {
        self.stages
            .iter()
            .flat_map(|(_, unit)| match unit {
                Unit::MatrixVectorUnit(unit) => unit.files(),
                Unit::MultiThreshold(unit) => unit.files(),
                Unit::WidthConverter(_) | Unit::ArgMax(_) => Vec::new(),
            })
            .collect()
    }

    /// The word that moves out of a stage at the coming clock edge, if one does; to be asked when settled.
    pub fn moving(&self, stage: usize) -> Option<Word> {
        let stream = &self.streams[stage];
        (stream.valid.val() && stream.ready.val()).then(|| stream.data.val())
    }
}

/// What the names of the wires of the stream behind stage `name` begin with: `_data`, `_valid`, `_ready` follow.
pub fn stream_prefix(name: &str) -> String {
    format!("{name}_stream")
}

impl Clocked for Pipeline {
    fn clock(&mut self) -> &mut Wire<In, Clock> {
        &mut self.clock
    }
}

impl Logic for Pipeline {
    fn update(&mut self) {
        let (clock, reset) = (self.clock.val(), self.reset.val());
        let (mut data, mut valid) = (self.in_data.val(), self.in_valid.val());
        for ((_, unit), stream) in self.stages.iter_mut().zip(&mut self.streams) {
            of_unit!(unit, unit => {
                unit.clock.next = clock;
                unit.reset.next = reset;
                unit.in_data.next = data;
                unit.in_valid.next = valid;
                stream.data.next = unit.out_data.val();
                stream.valid.next = unit.out_valid.val();
            });
            data = stream.data.val();
            valid = stream.valid.val();
        }
        self.out_data.next = data;
        self.out_valid.next = valid;
        let mut ready = self.out_ready.val();
        for ((_, unit), stream) in self.stages.iter_mut().zip(&mut self.streams).rev() {
            stream.ready.next = ready;
            of_unit!(unit, unit => {
                unit.out_ready.next = stream.ready.val();
                ready = unit.in_ready.val();
            });
        }
        self.in_ready.next = ready;
    }

    fn connect(&mut self) {
        for (_, unit) in &mut self.stages {
            of_unit!(unit, unit => {
                unit.clock.connect();
                unit.reset.connect();
                unit.in_data.connect();
                unit.in_valid.connect();
                unit.out_ready.connect();
            });
        }
        for stream in &mut self.streams {
            stream.data.connect();
            stream.valid.connect();
            stream.ready.connect();
        }
        self.in_ready.connect();
        self.out_data.connect();
        self.out_valid.connect();
    }

    fn hdl(&self) -> Verilog {
        let assign = |target: String, source: String| {
            VerilogStatement::Assignment(
                VerilogExpression::Signal(format!("{target}$next")),
                VerilogExpression::Signal(source),
            )
        };
        let of = |stage: usize, port: &str| format!("{}${port}", self.stages[stage].0);
        let stream = |stage: usize, wire: &str| format!("{}_{wire}", stream_prefix(&self.stages[stage].0));
        let mut body = Vec::new();
        for stage in 0..self.stages.len() {
            let last = stage + 1 == self.stages.len();
            body.push(assign(of(stage, "clock"), "clock".into()));
            body.push(assign(of(stage, "reset"), "reset".into()));
            for wire in ["data", "valid"] {
                let source = if stage == 0 { format!("in_{wire}") } else { stream(stage - 1, wire) };
                body.push(assign(of(stage, &format!("in_{wire}")), source));
                body.push(assign(stream(stage, wire), of(stage, &format!("out_{wire}"))));
            }
            let ready = if last { "out_ready".into() } else { of(stage + 1, "in_ready") };
            body.push(assign(stream(stage, "ready"), ready));
            body.push(assign(of(stage, "out_ready"), stream(stage, "ready")));
        }
        let last = self.stages.len() - 1;
        body.push(assign("in_ready".into(), of(0, "in_ready")));
        body.push(assign("out_data".into(), stream(last, "data")));
        body.push(assign("out_valid".into(), stream(last, "valid")));
        Verilog::Combinatorial(body)
    }
}

impl Block for Pipeline {
    fn connect_all(&mut self) {
        self.connect();
        for (_, unit) in &mut self.stages {
            of_unit!(unit, unit => unit.connect_all());
        }
    }

    fn update_all(&mut self) {
        self.update();
        self.clock.update_all();
        self.reset.update_all();
        self.in_data.update_all();
        self.in_valid.update_all();
        self.in_ready.update_all();
        self.out_data.update_all();
        self.out_valid.update_all();
        self.out_ready.update_all();
        for stream in &mut self.streams {
            stream.data.update_all();
            stream.valid.update_all();
            stream.ready.update_all();
        }
        for (_, unit) in &mut self.stages {
            of_unit!(unit, unit => unit.update_all());
        }
    }

    fn has_changed(&self) -> bool {
        self.clock.has_changed()
            || self.reset.has_changed()
            || self.in_data.has_changed()
            || self.in_valid.has_changed()
            || self.in_ready.has_changed()
            || self.out_data.has_changed()
            || self.out_valid.has_changed()
            || self.out_ready.has_changed()
            || self
                .streams
                .iter()
                .any(|stream| stream.data.has_changed() || stream.valid.has_changed() || stream.ready.has_changed())
            || self.stages.iter().any(|(_, unit)| of_unit!(unit, unit => unit.has_changed()))
    }

    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_start_scope(name, self);
        self.module.accept("module", probe);
        self.clock.accept("clock", probe);
        self.reset.accept("reset", probe);
        self.in_data.accept("in_data", probe);
        self.in_valid.accept("in_valid", probe);
        self.in_ready.accept("in_ready", probe);
        self.out_data.accept("out_data", probe);
        self.out_valid.accept("out_valid", probe);
        self.out_ready.accept("out_ready", probe);
        for ((stage, unit), stream) in self.stages.iter().zip(&self.streams) {
            let prefix = stream_prefix(stage);
            stream.data.accept(&format!("{prefix}_data"), probe);
            stream.valid.accept(&format!("{prefix}_valid"), probe);
            stream.ready.accept(&format!("{prefix}_ready"), probe);
            of_unit!(unit, unit => unit.accept(stage, probe));
        }
        probe.visit_end_scope(name, self);
    }
}
