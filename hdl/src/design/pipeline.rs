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

use super::unit::{INPUTS, OUTPUTS, Unit};
use crate::blocks::rom::Rom;
use crate::blocks::weight_access::WeightAccess;
use crate::wire::{Clocked, ModuleName, Wire, Word};
use abi::weights::ADDRESS_BITS;
use abi::window::WORD_BITS;
use rust_hdl::core::ast::{VerilogExpression, VerilogStatement};
use rust_hdl::core::prelude::{Bit, Block, Clock, In, Local, Logic, Out, Probe, Verilog};

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
    /// Whether the bus is at a word of the weights; this and the next ones only where weights are writable.
    pub weights_select: Vec<Wire<In, Bit>>,
    /// Whether to store the word.
    pub weights_write: Vec<Wire<In, Bit>>,
    /// Number of the word.
    pub weights_address: Vec<Wire<In>>,
    /// What to store.
    pub weights_data: Vec<Wire<In>>,
    /// The word at the address of three cycles before.
    pub weights_q: Vec<Wire<Out>>,
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
        let ports = usize::from(writable > 0);
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
            weights_select: (0..ports).map(|_| Wire::default()).collect(),
            weights_write: (0..ports).map(|_| Wire::default()).collect(),
            weights_address: (0..ports).map(|_| Wire::of(ADDRESS_BITS)).collect(),
            weights_data: (0..ports).map(|_| Wire::of(WORD_BITS)).collect(),
            weights_q: (0..ports).map(|_| Wire::of(WORD_BITS)).collect(),
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
            None => (self.in_valid.val() && self.in_ready.val()).then(|| self.in_data.val()),
            Some(inner) => {
                let stream = &self.streams[inner];
                (stream.valid.val() && stream.ready.val()).then(|| stream.data.val())
            }
        }
    }

    fn blocks_mut(&mut self) -> impl Iterator<Item = &mut dyn Block> {
        let access = self.weight_access.iter_mut().map(|access| access as &mut dyn Block);
        self.stages.iter_mut().map(|stage| stage.unit.block_mut()).chain(access)
    }

    /// The name of one of a stream's wires.
    fn wire(&self, stream: usize, wire: &str) -> String {
        match stream.checked_sub(1) {
            None => format!("in_{wire}"),
            Some(inner) => format!("{}_{wire}", self.streams[inner].name),
        }
    }
}

impl Clocked for Pipeline {
    fn clock(&mut self) -> &mut Wire<In, Clock> {
        &mut self.clock
    }
}

impl Logic for Pipeline {
    fn update(&mut self) {
        let (clock, reset) = (self.clock.val(), self.reset.val());
        for stage in &mut self.stages {
            stage.unit.clock(clock, reset);
            for (port, input) in stage.inputs.iter().enumerate() {
                let offer = match input.checked_sub(1) {
                    None => (self.in_data.val(), self.in_valid.val()),
                    Some(inner) => (self.streams[inner].data.val(), self.streams[inner].valid.val()),
                };
                stage.unit.offer(port, offer);
                let ready = stage.unit.is_ready(port);
                match input.checked_sub(1) {
                    None => self.in_ready.next = ready,
                    Some(inner) => self.streams[inner].ready.next = ready,
                }
            }
            for (port, output) in stage.outputs.iter().enumerate() {
                let stream = &mut self.streams[*output - 1];
                (stream.data.next, stream.valid.next) = stage.unit.offered(port);
                stage.unit.take(port, stream.ready.val());
            }
        }
        if let Some(access) = &mut self.weight_access {
            access.clock.next = clock;
            access.select.next = self.weights_select[0].val();
            access.write.next = self.weights_write[0].val();
            access.address.next = self.weights_address[0].val();
            access.data.next = self.weights_data[0].val();
            let units = self.stages.iter_mut().filter_map(|stage| stage.unit.weights());
            for (to_access, (to_unit, from_unit)) in access.answers.iter_mut().zip(units) {
                to_unit.next = access.access.val();
                to_access.next = from_unit.val();
            }
            self.weights_q[0].next = access.q.val();
        }
        let last = &mut self.streams[self.output - 1];
        self.out_data.next = last.data.val();
        self.out_valid.next = last.valid.val();
        last.ready.next = self.out_ready.val();
    }

    fn connect(&mut self) {
        for stage in &mut self.stages {
            stage.unit.connect_inputs();
            if let Some((access, _)) = stage.unit.weights() {
                access.connect();
            }
        }
        if let Some(access) = &mut self.weight_access {
            access.clock.connect();
            access.select.connect();
            access.write.connect();
            access.address.connect();
            access.data.connect();
            access.answers.iter_mut().for_each(Wire::connect);
        }
        self.weights_q.iter_mut().for_each(Wire::connect);
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
        let of = |stage: &Placed, port: &str, wire: &str| format!("{}${port}_{wire}", stage.name);
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
        body.push(assign(self.wire(self.output, "ready"), "out_ready".into()));
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
                body.push(assign(port(name), format!("weights_{name}")));
            }
            body.push(assign("weights_q".into(), port("q")));
        }
        body.push(assign("out_data".into(), self.wire(self.output, "data")));
        body.push(assign("out_valid".into(), self.wire(self.output, "valid")));
        Verilog::Combinatorial(body)
    }
}

impl Block for Pipeline {
    fn connect_all(&mut self) {
        self.connect();
        for block in self.blocks_mut() {
            block.connect_all();
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
        self.weights_select.iter_mut().for_each(Wire::update_all);
        self.weights_write.iter_mut().for_each(Wire::update_all);
        self.weights_address.iter_mut().for_each(Wire::update_all);
        self.weights_data.iter_mut().for_each(Wire::update_all);
        self.weights_q.iter_mut().for_each(Wire::update_all);
        for stream in &mut self.streams {
            stream.data.update_all();
            stream.valid.update_all();
            stream.ready.update_all();
        }
        for block in self.blocks_mut() {
            block.update_all();
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
            || self.weights_select.iter().any(Wire::has_changed)
            || self.weights_write.iter().any(Wire::has_changed)
            || self.weights_address.iter().any(Wire::has_changed)
            || self.weights_data.iter().any(Wire::has_changed)
            || self.weights_q.iter().any(Wire::has_changed)
            || self.weight_access.as_ref().is_some_and(Block::has_changed)
            || self
                .streams
                .iter()
                .any(|stream| stream.data.has_changed() || stream.valid.has_changed() || stream.ready.has_changed())
            || self.stages.iter().any(|stage| stage.unit.block().has_changed())
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
        // One each at most, called as if they stood alone.
        self.weights_select.iter().for_each(|wire| wire.accept("weights_select", probe));
        self.weights_write.iter().for_each(|wire| wire.accept("weights_write", probe));
        self.weights_address.iter().for_each(|wire| wire.accept("weights_address", probe));
        self.weights_data.iter().for_each(|wire| wire.accept("weights_data", probe));
        self.weights_q.iter().for_each(|wire| wire.accept("weights_q", probe));
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
