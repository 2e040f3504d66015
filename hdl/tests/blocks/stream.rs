//! Drives a block between a source and a sink and holds it to the rules of streams.

use hdl::blocks::add_unit::AddUnit;
use hdl::blocks::arg_max::ArgMax;
use hdl::blocks::concat::Concat;
use hdl::blocks::depthwise_unit::DepthwiseUnit;
use hdl::blocks::fork::Fork;
use hdl::blocks::matrix_vector_unit::MatrixVectorUnit;
use hdl::blocks::multi_threshold::MultiThreshold;
use hdl::blocks::multiply_unit::MultiplyUnit;
use hdl::blocks::pool_unit::PoolUnit;
use hdl::blocks::scale_unit::ScaleUnit;
use hdl::blocks::sliding_window::SlidingWindow;
use hdl::blocks::stream_fifo::StreamFifo;
use hdl::blocks::table_unit::TableUnit;
use hdl::blocks::upsample::Upsample;
use hdl::blocks::width_converter::WidthConverter;
use hdl::wire::{Simulation, Word};

use crate::support::Stimulus;
use crate::top::{HasClock, Top};

/// A block with one stream in and one stream out; blocks with a second stream on a side say so.
pub trait Stage: HasClock {
    fn offer(&mut self, word: Option<Word>);
    fn take(&mut self, ready: bool);
    fn is_ready(&self) -> bool;
    fn offered(&self) -> Option<Word>;
    /// Whether the block may give words of an image that has not begun: a sliding window does, of its border.
    fn runs_ahead(&self) -> bool {
        false
    }
    fn offer_second(&mut self, _: Option<Word>) {}
    fn take_second(&mut self, _: bool) {}
    fn second_is_ready(&self) -> bool {
        false
    }
    fn second_offered(&self) -> Option<Word> {
        None
    }
}

/// Makes blocks stages; methods beyond those of one stream on each side come in braces.
macro_rules! stage {
    ($($block:ty),+) => {$(stage!($block {});)+};
    ($block:ty { $($more:item)* }) => {
        impl Stage for $block {
            fn offer(&mut self, word: Option<Word>) {
                self.in_valid.next = word.is_some();
                self.in_data.next = word.unwrap_or_else(|| Word::ones(self.in_data.width()));
            }
            fn take(&mut self, ready: bool) {
                self.out_ready.next = ready;
            }
            fn is_ready(&self) -> bool {
                self.in_ready.val()
            }
            fn offered(&self) -> Option<Word> {
                self.out_valid.val().then(|| self.out_data.val())
            }
            $($more)*
        }
    };
}
stage!(StreamFifo, WidthConverter, MatrixVectorUnit, DepthwiseUnit, MultiThreshold, ArgMax, PoolUnit, ScaleUnit);

macro_rules! stage_that_runs_ahead {
    ($($block:ty),+) => {$(
        stage!($block {
            fn runs_ahead(&self) -> bool {
                true
            }
        });
    )+};
}
stage_that_runs_ahead!(SlidingWindow, Upsample);

macro_rules! stage_of_two {
    ($($block:ty),+) => {$(
        stage!($block {
            fn offer_second(&mut self, word: Option<Word>) {
                self.second_valid.next = word.is_some();
                self.second_data.next = word.unwrap_or_else(|| Word::ones(self.second_data.width()));
            }
            fn second_is_ready(&self) -> bool {
                self.second_ready.val()
            }
        });
    )+};
}
stage_of_two!(AddUnit, MultiplyUnit, TableUnit, Concat);

stage!(Fork {
    fn take_second(&mut self, ready: bool) {
        self.second_ready.next = ready;
    }
    fn second_offered(&self) -> Option<Word> {
        self.second_valid.val().then(|| self.second_data.val())
    }
});

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
pub fn run<B: Stage>(block: B, inputs: &[Word], expected: usize, pressure: Pressure) -> Run {
    run_on(&mut Simulation::new(Top(block)), inputs, expected, pressure)
}

/// As [`run`], on a block that has run before.
pub fn run_on<B: Stage>(
    simulation: &mut Simulation<Top<B>>,
    inputs: &[Word],
    expected: usize,
    pressure: Pressure,
) -> Run {
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
        simulation.top.offer(word.cloned());
        simulation.top.take(!ready);
        simulation.settle().unwrap();
        let before = simulation.top.offered();
        simulation.top.take(ready);
        simulation.settle().unwrap();
        let offered = simulation.top.offered();
        assert_eq!(before.is_some(), offered.is_some(), "cycle {now}: valid follows the ready of its port");
        assert_eq!(before, offered, "cycle {now}: data follow the ready of their port");
        if waiting.is_some() {
            assert_eq!(waiting, offered, "cycle {now}: a waiting word changed");
        }
        let takes = word.is_some() && simulation.top.is_ready();
        if takes {
            run.taken.push(now);
            offering = false;
        }
        waiting = offered.clone().filter(|_| !ready);
        let moved = offered.filter(|_| ready);
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
    if simulation.top.runs_ahead() {
        run.words.truncate(expected);
    }
    assert_eq!(run.words.len(), expected, "words out");
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
