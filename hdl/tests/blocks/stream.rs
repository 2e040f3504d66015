//! Drives a block between a source and a sink and holds it to the rules of streams.

use hdl::blocks::stream_block::StreamBlock;
use hdl::wire::{Simulation, Word};

use crate::support::Stimulus;

/// Offers a word, or none, at a stream in.
pub fn offer(block: &mut impl StreamBlock, port: usize, word: Option<Word>) {
    if let Some(input) = block.ports().inputs.get_mut(port) {
        input.valid.next = word.is_some();
        input.data.next = word.unwrap_or_else(|| Word::ones(input.data.width()));
    }
}

/// Says whether the reader of a stream out takes its word.
pub fn take(block: &mut impl StreamBlock, port: usize, ready: bool) {
    if let Some(output) = block.ports().outputs.get_mut(port) {
        output.ready.next = ready;
    }
}

/// Whether a stream in takes a word.
pub fn is_ready(block: &mut impl StreamBlock, port: usize) -> bool {
    block.ports().inputs.get(port).is_some_and(|input| input.ready.val())
}

/// The word offered at a stream out.
pub fn offered(block: &mut impl StreamBlock, port: usize) -> Option<Word> {
    let ports = block.ports();
    let output = ports.outputs.get(port)?;
    output.valid.val().then(|| output.data.val())
}

/// How often source and sink make the other side wait.
#[derive(Clone, Copy, Debug)]
pub struct Pressure {
    pub source: f64,
    pub sink: f64,
    pub seed: u64,
}

/// Source always valid, sink always ready.
pub const FREE: Pressure = Pressure { source: 0.0, sink: 0.0, seed: 0 };

/// Both sides, either side, rarely and often.
pub const PRESSURES: [Pressure; 5] = [
    Pressure { source: 0.5, sink: 0.5, seed: 1 },
    Pressure { source: 0.9, sink: 0.0, seed: 2 },
    Pressure { source: 0.0, sink: 0.9, seed: 3 },
    Pressure { source: 0.1, sink: 0.1, seed: 4 },
    Pressure { source: 0.0, sink: 0.3, seed: 5 },
];

/// What moved, and in which cycle.
pub struct Run {
    pub taken: Vec<u64>,
    pub words: Vec<Word>,
    pub left: Vec<u64>,
}

/// Sends all of `inputs` and collects words until `expected` have come and then nothing more for a while.
pub fn run<B: StreamBlock>(block: B, inputs: &[Word], expected: usize, pressure: Pressure) -> Run {
    run_on(&mut Simulation::new(block), inputs, expected, pressure)
}

/// As [`run`], on a block that has run before.
pub fn run_on<B: StreamBlock>(
    simulation: &mut Simulation<B>,
    inputs: &[Word],
    expected: usize,
    pressure: Pressure,
) -> Run {
    let run = drive(simulation, inputs, expected, pressure);
    assert_eq!(run.words.len(), expected, "words out");
    run
}

/// As [`run`], for a block that may give words of an image that has not begun, of its border: they are dropped.
pub fn run_ahead<B: StreamBlock>(block: B, inputs: &[Word], expected: usize, pressure: Pressure) -> Run {
    run_ahead_on(&mut Simulation::new(block), inputs, expected, pressure)
}

/// As [`run_ahead`], on a block that has run before.
pub fn run_ahead_on<B: StreamBlock>(
    simulation: &mut Simulation<B>,
    inputs: &[Word],
    expected: usize,
    pressure: Pressure,
) -> Run {
    let mut run = drive(simulation, inputs, expected, pressure);
    run.words.truncate(expected);
    run
}

fn drive<B: StreamBlock>(simulation: &mut Simulation<B>, inputs: &[Word], expected: usize, pressure: Pressure) -> Run {
    let mut stimulus = Stimulus::new(pressure.seed);
    let mut run = Run { taken: vec![], words: vec![], left: vec![] };
    let mut offering = false;
    let mut waiting: Option<Word> = None;
    let (mut quiet, mut idle) = (0, 0);
    let start = simulation.cycle();
    while quiet < 40 {
        let now = simulation.cycle() - start;
        // A source may hesitate before it offers a word, but never takes it back.
        offering = offering || !stimulus.chance(pressure.source);
        let word = inputs.get(run.taken.len()).filter(|_| offering);
        let ready = !stimulus.chance(pressure.sink);
        offer(&mut simulation.top, 0, word.cloned());
        take(&mut simulation.top, 0, !ready);
        simulation.settle().unwrap();
        let before = offered(&mut simulation.top, 0);
        take(&mut simulation.top, 0, ready);
        simulation.settle().unwrap();
        let word_out = offered(&mut simulation.top, 0);
        assert_eq!(before.is_some(), word_out.is_some(), "cycle {now}: valid follows the ready of its port");
        assert_eq!(before, word_out, "cycle {now}: data follow the ready of their port");
        if waiting.is_some() {
            assert_eq!(waiting, word_out, "cycle {now}: a waiting word changed");
        }
        let takes = word.is_some() && is_ready(&mut simulation.top, 0);
        if takes {
            run.taken.push(now);
            offering = false;
        }
        waiting = word_out.clone().filter(|_| !ready);
        let moved = word_out.filter(|_| ready);
        idle = if takes || moved.is_some() { 0 } else { idle + 1 };
        if let Some(word) = moved {
            run.words.push(word);
            run.left.push(now);
        }
        assert!(
            idle < 3000,
            "stuck in cycle {now}: {} of {} in, {} of {expected} out",
            run.taken.len(),
            inputs.len(),
            run.words.len()
        );
        quiet = if run.taken.len() == inputs.len() && run.words.len() >= expected { quiet + 1 } else { 0 };
        simulation.tick().unwrap();
    }
    run
}

/// Packs codes, vector by vector, into words of `lanes`.
pub fn pack(codes: &[u64], channels: usize, lanes: usize, bits: usize) -> Vec<Word> {
    let words = |vector: &[u64]| -> Vec<Word> {
        let padded =
            |part: &[u64]| Word::from_lanes(part.iter().copied().chain(std::iter::repeat(0)).take(lanes), bits);
        vector.chunks(lanes).map(padded).collect()
    };
    codes.chunks(channels).flat_map(words).collect()
}

/// Random codes of `bits` bits.
pub fn codes(count: usize, bits: usize, seed: u64) -> Vec<u64> {
    let mut stimulus = Stimulus::new(seed ^ 0x5eed);
    (0..count).map(|_| stimulus.word(bits).low()).collect()
}
