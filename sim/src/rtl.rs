//! The design simulated by rust-hdl: the kernels themselves, clock by clock, with nothing to install.

use crate::SimError;
use crate::back_pressure::Pattern;
use crate::executor::{Executor, Run, RunOptions};
use crate::stream_core::{FloatEnds, StageProbe, StreamCore, StreamRecord, Word};
use abi::weights::Segment;
use bitvec::prelude::{BitVec, Lsb0};
use compiler::plan::{Plan, Stage};
use flow::artifacts::Compiled;
use hdl::design::{Design, Pipeline};
use hdl::wire::{Simulation, Word as Wires};
use network::network::Network;
use std::path::{Path, PathBuf};

/// Runs a design in rust-hdl.
#[derive(Clone, Debug)]
pub struct Rtl {
    plan: Plan,
    ends: FloatEnds,
    core: StreamCore,
}

impl Rtl {
    /// An executor of the design that `plan` becomes.
    pub fn new(plan: &Plan) -> Self {
        let core = StreamCore {
            folder: PathBuf::new(),
            top: plan.network.name.clone(),
            verilog: Vec::new(),
            memories: Vec::new(),
            input: plan.input_format(),
            output: plan.output_format(),
            stages: probes(plan),
            weights: plan.network.replaceable.then(Vec::new),
            patience: StreamCore::patience_for(plan.latency),
        };
        Rtl { plan: plan.clone(), ends: ends_of(&plan.network), core }
    }

    /// An executor of the design of a compiled directory, which loads the directory's weights through the core's port
    /// where they are others than the design begins with.
    ///
    /// # Errors
    /// Where the plan contradicts itself.
    pub fn of_design(compiled: &Compiled) -> Result<Self, SimError> {
        let Rtl { plan, core, .. } = Rtl::new(&compiled.built_plan());
        let ends = ends_of(&compiled.plan.network);
        Ok(Rtl { plan, ends, core: StreamCore { weights: weights_of(compiled)?, ..core } })
    }
}

fn ends_of(network: &Network) -> FloatEnds {
    FloatEnds { input: network.input_map.clone(), output: network.output_map.clone() }
}

/// The words that the weight window of a compiled directory's design must be given.
fn weights_of(compiled: &Compiled) -> Result<Option<Vec<Segment>>, SimError> {
    Ok(match (&compiled.manifest.weights, &compiled.built) {
        (None, _) => None,
        (Some(_), None) => Some(Vec::new()),
        (Some(_), Some(_)) => Some(flow::artifacts::segments(&compiled.plan)?),
    })
}

/// The core of a compiled directory with a probe on every stage and the directory's weights.
///
/// # Errors
/// Where the plan contradicts itself.
pub fn core_of(compiled: &Compiled, folder: &Path) -> Result<StreamCore, SimError> {
    let core = StreamCore::from_manifest(&compiled.manifest, &folder.join("rtl"));
    Ok(StreamCore { stages: probes(&compiled.plan), weights: weights_of(compiled)?, ..core })
}

/// A probe on the stream behind every stage that carries a tensor. The last stream has no wires of its own: it is the
/// core's output.
fn probes(plan: &Plan) -> Vec<StageProbe> {
    let last = plan.output();
    let writer = |tensor| plan.network.layers.iter().find(|layer| layer.output == tensor);
    let probe = |stage: &Stage| {
        let stream = plan.stream(stage.output());
        let tensor = stream.tensor?;
        Some(StageProbe {
            stream: stage.output().0,
            prefix: if stage.output() == last { "out".to_owned() } else { stream.name.clone() },
            tensor,
            layer: writer(tensor).map_or_else(|| "input".to_owned(), |layer| layer.name.clone()),
            vectors: plan.network.tensor(tensor).vectors(),
            channels: plan.network.tensor(tensor).channels,
            format: stream.format,
        })
    };
    plan.stages.iter().filter_map(probe).collect()
}

fn to_wires(word: &Word) -> Wires {
    Wires::from_bits(word.iter().by_vals())
}

fn from_wires(wires: &Wires) -> Word {
    let mut word: BitVec<u64, Lsb0> = BitVec::from_slice(wires.limbs());
    word.truncate(wires.bits());
    word
}

impl Executor for Rtl {
    fn name(&self) -> &'static str {
        "rtl"
    }

    fn run(&mut self, images: &[Vec<f32>], options: &RunOptions) -> Result<Run, SimError> {
        options.without_wave(self.name())?;
        let words: Vec<Word> =
            self.ends.elements(images)?.iter().flat_map(|elements| self.core.input.pack(elements)).collect();
        let design: Design = hdl::design::design(&self.plan)?;
        let mut simulation = Simulation::new(design.pipeline);
        let record = drive(&mut simulation, &self.core, &words, images.len(), options)?;
        record.into_run(&self.core, &self.ends, images.len(), options)
    }
}

/// Writes words into the weight window.
fn load<'a>(
    simulation: &mut Simulation<Pipeline>,
    segments: impl Iterator<Item = &'a Segment>,
) -> Result<(), SimError> {
    for Segment { first, words } in segments {
        for (address, word) in (*first..).zip(words) {
            let weights = &mut simulation.top.weights[0];
            (weights.select.next, weights.write.next) = (true, true);
            weights.address.next = Wires::from(address as usize);
            weights.data.next = Wires::from(*word as usize);
            simulation.step()?;
        }
    }
    if let Some(weights) = simulation.top.weights.first_mut() {
        weights.select.next = false;
        for _ in 0..StreamCore::WEIGHTS_SETTLE {
            simulation.step()?;
        }
    }
    Ok(())
}

/// Feeds every word and collects every answer.
fn drive(
    simulation: &mut Simulation<Pipeline>,
    core: &StreamCore,
    words: &[Word],
    images: usize,
    options: &RunOptions,
) -> Result<StreamRecord, SimError> {
    let (mut source, mut sink) = (Pattern::source(options.back_pressure), Pattern::sink(options.back_pressure));
    let expected = core.output.words_per_image() * images;
    let per_image = core.input.words_per_image();
    let mut record = StreamRecord {
        stages: vec![Vec::new(); if options.trace { core.stages.len() } else { 0 }],
        ..Default::default()
    };
    simulation.top.reset.next = true;
    for _ in 0..2 {
        simulation.step()?;
    }
    // In reset: otherwise windows would begin with the padding of the first image meanwhile.
    load(simulation, core.weights.iter().flatten())?;
    simulation.top.reset.next = false;
    let (mut taken, mut offering, mut idle) = (0, false, 0);
    // Words that no output needs may still be on their way when the last output is there; traces show them too.
    let traced = |record: &StreamRecord| {
        let whole = |(probe, words): (&StageProbe, &Vec<Word>)| words.len() >= probe.format.words_per_image() * images;
        core.stages.iter().zip(&record.stages).all(whole)
    };
    while record.words.len() < expected || !traced(&record) {
        let cycle = simulation.cycle();
        offering = taken < words.len() && (source.willing() || offering);
        simulation.top.in_.valid.next = offering;
        simulation.top.in_.data.next =
            if offering { to_wires(&words[taken]) } else { Wires::zero(core.input.word_bits()) };
        simulation.top.out.ready.next = sink.willing();
        simulation.settle()?;
        idle += 1;
        if offering && simulation.top.in_.ready.val() {
            if taken % per_image == 0 {
                record.image_starts.push(cycle);
            }
            (taken, offering, idle) = (taken + 1, false, 0);
        }
        if simulation.top.out.valid.val() && simulation.top.out.ready.val() {
            record.words.push(from_wires(&simulation.top.out.data.val()));
            record.word_cycles.push(cycle);
            idle = 0;
            options.report(record.words.len() / core.output.words_per_image());
        }
        for (probe, words) in core.stages.iter().zip(&mut record.stages) {
            words.extend(simulation.top.moving(probe.stream).map(|word| from_wires(&word)));
        }
        if idle > core.patience {
            return Err(SimError::Stuck {
                top: core.top.clone(),
                cycle,
                patience: core.patience,
                taken: taken as u64,
                taken_expected: words.len() as u64,
                given: record.words.len() as u64,
                given_expected: expected as u64,
            });
        }
        simulation.tick()?;
    }
    Ok(record)
}
