//! The core: the plan's stages, one block each, joined stream to stream.
//!
//! Ports: `clock`, `reset` (synchronous, active high), the stream in (`in_data`, `in_valid`, `in_ready`) and the
//! stream out (`out_data`, `out_valid`, `out_ready`).
//!
//! Where weights are writable, also `weights_select`, `weights_write`, `weights_address`, `weights_data` and `weights_q`:
//! the weight window ([`abi::weights`]) as [`weight_access`](crate::blocks::weight_access) describes it. The
//! core must be in `reset` while something is selected there, and for three cycles more, or be reset afterwards.
//!
//! The stages are of different types and as many as the plan says, which a struct of named fields cannot hold.
//! Therefore this block, the only one, states its wiring by hand: once as [`Logic::update`] and once as the same
//! list of assignments in [`Logic::hdl`].

use super::Unit;
use crate::blocks::rom::Rom;
use crate::blocks::stream_block::{INPUTS, OUTPUTS};
use crate::blocks::weight_access::{WeightAccess, WeightsSlave};
use crate::rust_hdl::ast::{VerilogExpression, VerilogStatement};
use crate::rust_hdl::prelude::{Bit, Block, Clock, In, Local, Logic, LogicLink, Probe, Verilog};
use crate::wire::{ModuleName, StreamIn, StreamOut, Wire, Word, clocked};

/// A stage as its core sees it.
#[derive(Debug)]
pub struct Placed {
    /// Name of the instance.
    pub name: String,
    /// The block.
    pub unit: Unit,
    /// The streams read, by number.
    pub inputs: Vec<usize>,
    /// The streams written, by number.
    pub outputs: Vec<usize>,
}

/// Streams and the stages between them.
#[derive(Debug)]
pub struct Netlist {
    /// Name and bits of a word of each stream. The first is the stream in; its name is not used.
    pub streams: Vec<(String, usize)>,
    /// The stages; each stream is written by one and read by one.
    pub stages: Vec<Placed>,
    /// The stream out.
    pub output: usize,
}

/// The core.
#[derive(Debug)]
pub struct Pipeline {
    module: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The stream in.
    pub in_: StreamIn,
    /// The stream out.
    pub out: StreamOut,
    /// The weight window, one where weights are writable.
    pub weights: Vec<WeightsSlave>,
    weight_access: Option<WeightAccess>,
    stages: Vec<Placed>,
    /// The wires of every stream but the first.
    streams: Vec<Stream>,
    output: usize,
}

/// A stream that a stage writes, as wires of the core with names to look at: `_data`, `_valid`, `_ready` follow.
#[derive(Debug)]
struct Stream {
    name: String,
    data: Wire<Local>,
    valid: Wire<Local, Bit>,
    ready: Wire<Local, Bit>,
}

impl Pipeline {
    /// The core called `name`.
    pub fn new(name: &str, netlist: Netlist) -> Self {
        let Netlist { streams, stages, output } = netlist;
        let writable = stages.iter().filter(|stage| stage.unit.is_writable()).count();
        let (in_bits, out_bits) = (streams[0].1, streams[output].1);
        let stream =
            |(name, bits)| Stream { name, data: Wire::of(bits), valid: Wire::default(), ready: Wire::default() };
        Pipeline {
            module: ModuleName::new(name)
                .about("The core: one instance for each stage of the plan, joined stream to stream."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(in_bits),
            out: StreamOut::of(out_bits),
            weights: (0..usize::from(writable > 0)).map(|_| WeightsSlave::new()).collect(),
            weight_access: (writable > 0).then(|| WeightAccess::new(writable)),
            streams: streams.into_iter().skip(1).map(stream).collect(),
            stages,
            output,
        }
    }

    /// Names and texts of the stages' memory files.
    pub fn memory_files(&self) -> Vec<(String, String)> {
        self.memories().flat_map(Rom::files).collect()
    }

    /// The memories of weights and thresholds.
    pub fn memories(&self) -> impl Iterator<Item = &Rom> {
        self.stages.iter().flat_map(|stage| stage.unit.memories())
    }

    /// Words of the weight window; 0 where weights are fixed.
    pub fn weight_words(&self) -> u32 {
        self.memories().filter_map(Rom::window_words).sum()
    }

    /// The word that moves on a stream at the coming clock edge, if one does; to be asked when settled.
    pub fn moving(&self, stream: usize) -> Option<Word> {
        match stream.checked_sub(1) {
            None => (self.in_.valid.val() && self.in_.ready.val()).then(|| self.in_.data.val()),
            Some(inner) => {
                let stream = &self.streams[inner];
                (stream.valid.val() && stream.ready.val()).then(|| stream.data.val())
            }
        }
    }

    /// Everything that the core is made of.
    fn parts(&self) -> impl Iterator<Item = &dyn Block> {
        let ports: [&dyn Block; 5] = [&self.clock, &self.reset, &self.in_, &self.out, &self.weights];
        let streams =
            self.streams.iter().flat_map(|Stream { data, valid, ready, .. }| [data as &dyn Block, valid, ready]);
        let access = self.weight_access.iter().map(|access| access as &dyn Block);
        ports.into_iter().chain(streams).chain(self.stages.iter().map(|stage| &*stage.unit as &dyn Block)).chain(access)
    }

    /// As [`parts`](Self::parts), to be changed.
    fn parts_mut(&mut self) -> impl Iterator<Item = &mut dyn Block> {
        let ports: [&mut dyn Block; 5] =
            [&mut self.clock, &mut self.reset, &mut self.in_, &mut self.out, &mut self.weights];
        let streams = self
            .streams
            .iter_mut()
            .flat_map(|Stream { data, valid, ready, .. }| [data as &mut dyn Block, valid, ready]);
        let access = self.weight_access.iter_mut().map(|access| access as &mut dyn Block);
        let stages = self.stages.iter_mut().map(|stage| &mut *stage.unit as &mut dyn Block);
        ports.into_iter().chain(streams).chain(stages).chain(access)
    }

    /// The name of one of a stream's wires.
    fn wire(&self, stream: usize, wire: &str) -> String {
        match stream.checked_sub(1) {
            None => format!("in_${wire}"),
            Some(inner) => format!("{}_{wire}", self.streams[inner].name),
        }
    }
}

clocked!(Pipeline: clock);

impl Logic for Pipeline {
    fn update(&mut self) {
        let (clock, reset) = (self.clock.val(), self.reset.val());
        for stage in &mut self.stages {
            let ports = stage.unit.ports();
            (ports.clock.next, ports.reset.next) = (clock, reset);
            for (port, input) in ports.inputs.into_iter().zip(&stage.inputs) {
                match input.checked_sub(1) {
                    None => self.in_.link(port),
                    Some(inner) => {
                        let stream = &mut self.streams[inner];
                        (port.data.next, port.valid.next) = (stream.data.val(), stream.valid.val());
                        stream.ready.next = port.ready.val();
                    }
                }
            }
            for (port, output) in ports.outputs.into_iter().zip(&stage.outputs) {
                let stream = &mut self.streams[*output - 1];
                (stream.data.next, stream.valid.next) = (port.data.val(), port.valid.val());
                port.ready.next = stream.ready.val();
            }
        }
        if let Some(access) = &mut self.weight_access {
            access.clock.next = clock;
            self.weights[0].link(&mut access.weights);
            let units = self.stages.iter_mut().filter_map(|stage| stage.unit.weights());
            for (to_access, (to_unit, from_unit)) in access.answers.iter_mut().zip(units) {
                to_unit.next = access.access.val();
                to_access.next = from_unit.val();
            }
        }
        let last = &mut self.streams[self.output - 1];
        (self.out.data.next, self.out.valid.next) = (last.data.val(), last.valid.val());
        last.ready.next = self.out.ready.val();
    }

    fn connect(&mut self) {
        for stage in &mut self.stages {
            if let Some((access, _)) = stage.unit.weights() {
                access.connect();
            }
            let ports = stage.unit.ports();
            ports.clock.connect();
            ports.reset.connect();
            ports.inputs.into_iter().for_each(StreamIn::link_connect_dest);
            ports.outputs.into_iter().for_each(StreamOut::link_connect_dest);
        }
        if let Some(access) = &mut self.weight_access {
            access.clock.connect();
            access.weights.link_connect_dest();
            access.answers.iter_mut().for_each(Wire::connect);
        }
        self.weights.iter_mut().for_each(WeightsSlave::link_connect_source);
        for stream in &mut self.streams {
            stream.data.connect();
            stream.valid.connect();
            stream.ready.connect();
        }
        self.in_.link_connect_source();
        self.out.link_connect_source();
    }

    fn hdl(&self) -> Verilog {
        let assign = |target: String, source: String| {
            VerilogStatement::Assignment(
                VerilogExpression::Signal(format!("{target}$next")),
                VerilogExpression::Signal(source),
            )
        };
        let of = |stage: &Placed, port: &str, wire: &str| format!("{}${port}${wire}", stage.name);
        let mut body = Vec::new();
        // What stages give to the streams first, so that everything is assigned before it is read.
        for stage in &self.stages {
            for (port, input) in INPUTS.iter().zip(&stage.inputs) {
                body.push(assign(self.wire(*input, "ready"), of(stage, port, "ready")));
            }
            for (port, output) in OUTPUTS.iter().zip(&stage.outputs) {
                body.push(assign(self.wire(*output, "data"), of(stage, port, "data")));
                body.push(assign(self.wire(*output, "valid"), of(stage, port, "valid")));
            }
        }
        body.push(assign(self.wire(self.output, "ready"), "out$ready".into()));
        for stage in &self.stages {
            body.push(assign(format!("{}$clock", stage.name), "clock".into()));
            body.push(assign(format!("{}$reset", stage.name), "reset".into()));
            for (port, input) in INPUTS.iter().zip(&stage.inputs) {
                body.push(assign(of(stage, port, "data"), self.wire(*input, "data")));
                body.push(assign(of(stage, port, "valid"), self.wire(*input, "valid")));
            }
            for (port, output) in OUTPUTS.iter().zip(&stage.outputs) {
                body.push(assign(of(stage, port, "ready"), self.wire(*output, "ready")));
            }
        }
        if self.weight_access.is_some() {
            let port = |port: &str| format!("weight_access${port}");
            let units = self.stages.iter().filter(|stage| stage.unit.is_writable());
            for (number, stage) in units.enumerate() {
                body.push(assign(format!("{}$access$0", stage.name), port("access")));
                body.push(assign(port(&format!("answers${number}")), format!("{}$answer$0", stage.name)));
            }
            body.push(assign(port("clock"), "clock".into()));
            for name in ["select", "write", "address", "data"] {
                body.push(assign(port(&format!("weights${name}")), format!("weights${name}")));
            }
            body.push(assign("weights$q".into(), port("weights$q")));
        }
        body.push(assign("out$data".into(), self.wire(self.output, "data")));
        body.push(assign("out$valid".into(), self.wire(self.output, "valid")));
        Verilog::Combinatorial(body)
    }
}

impl Block for Pipeline {
    fn connect_all(&mut self) {
        self.connect();
        self.parts_mut().for_each(Block::connect_all);
    }

    fn update_all(&mut self) {
        self.update();
        self.parts_mut().for_each(Block::update_all);
    }

    fn has_changed(&self) -> bool {
        self.parts().any(Block::has_changed)
    }

    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_start_scope(name, self);
        self.module.accept("module", probe);
        self.clock.accept("clock", probe);
        self.reset.accept("reset", probe);
        self.in_.accept("in_", probe);
        self.out.accept("out", probe);
        // One at most, called as if it stood alone.
        self.weights.iter().for_each(|weights| weights.accept("weights", probe));
        for stage in &self.stages {
            for stream in stage.outputs.iter().map(|output| &self.streams[*output - 1]) {
                stream.data.accept(&format!("{}_data", stream.name), probe);
                stream.valid.accept(&format!("{}_valid", stream.name), probe);
                stream.ready.accept(&format!("{}_ready", stream.name), probe);
            }
            stage.unit.accept(&stage.name, probe);
        }
        if let Some(access) = &self.weight_access {
            access.accept("weight_access", probe);
        }
        probe.visit_end_scope(name, self);
    }
}
