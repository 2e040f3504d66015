//! Blocks against their control models: the same words offered, the same sinks ready, every cycle compared.

use compiler::blocks::control::{Control, Ports};
use hdl::blocks::stream_block::StreamBlock;
use hdl::wire::{Simulation, Word};

use crate::stream::{is_ready, offer, offered, take};
use crate::support::Stimulus;

/// Drives `block` and two models made by `model` with the words of `inputs` (those of the first port, those of the
/// second) and demands that the same words move in every cycle.
///
/// Source and sinks change their ways now and then: steady, hesitant or silent, for some cycles, so that queues run
/// full and empty. One model ticks in every cycle; the other one is left alone as long as it said that it would be
/// [quiet](Control::quiet) and then [advanced](Control::advance).
pub fn agree<B: StreamBlock>(block: B, model: impl Fn() -> Box<dyn Control>, inputs: [&[Word]; 2], seed: u64) {
    let mut simulation = Simulation::new(block);
    let mut stimulus = Stimulus::new(seed);
    let mut model = Pair { ticked: model(), lazy: model(), behind: 0 };
    let mut sent = [0; 2];
    let mut offering = [false; 2];
    let mut habits = Habits::default();
    let (mut moved, mut idle, mut quiet) = (0, 0, 0);
    let mut cycle = 0u64;
    while quiet < 60 {
        // In the end everything flows.
        let done = (0..2).all(|port| sent[port] == inputs[port].len());
        habits.change(&mut stimulus, done);
        for port in 0..2 {
            // A source may hesitate before it offers a word, but never takes it back.
            offering[port] = sent[port] < inputs[port].len() && (offering[port] || habits.source(&mut stimulus, port));
        }
        let ready = [habits.sink(&mut stimulus, 0), habits.sink(&mut stimulus, 1)];
        let word = |port: usize| inputs[port].get(sent[port]).filter(|_| offering[port]).cloned();
        for (port, ready) in ready.into_iter().enumerate() {
            offer(&mut simulation.top, port, word(port));
            take(&mut simulation.top, port, ready);
        }
        simulation.settle().unwrap();
        let top = &mut simulation.top;
        let both = |a: Ports, b: Ports| [a[0] && b[0], a[1] && b[1]];
        let taken = both(offering, [is_ready(top, 0), is_ready(top, 1)]);
        let given = both([offered(top, 0).is_some(), offered(top, 1).is_some()], ready);
        let expected = model.step(offering, ready, cycle);
        assert_eq!(taken, expected.0, "cycle {cycle}, seed {seed}: taken by the block, by its model");
        assert_eq!(given, expected.1, "cycle {cycle}, seed {seed}: given by the block, by its model");
        let count = [taken, given].into_iter().flatten().filter(|moves| *moves).count();
        for port in 0..2 {
            sent[port] += usize::from(taken[port]);
            offering[port] &= !taken[port];
        }
        moved += count;
        idle = if count > 0 { 0 } else { idle + 1 };
        assert!(idle < 3000, "stuck in cycle {cycle}: {sent:?} words taken, seed {seed}");
        quiet = if done && count == 0 { quiet + 1 } else { 0 };
        simulation.tick().unwrap();
        cycle += 1;
    }
    assert!(moved > inputs[0].len(), "words came out");
}

/// A model that ticks, and one that does so only where it must.
struct Pair {
    ticked: Box<dyn Control>,
    lazy: Box<dyn Control>,
    /// Cycles without a word moved that the lazy one has not seen.
    behind: u64,
}

impl Pair {
    /// What moves in and out in this cycle.
    fn step(&mut self, offered: Ports, ready: Ports, cycle: u64) -> (Ports, Ports) {
        let moves = |model: &dyn Control| {
            let (valid, takes) = (model.valid(offered), model.ready(offered, ready));
            ([offered[0] && takes[0], offered[1] && takes[1]], [valid[0] && ready[0], valid[1] && ready[1]])
        };
        let (taken, given) = moves(&*self.ticked);
        assert_eq!(moves(&*self.lazy), (taken, given), "cycle {cycle}: a model was not as quiet as it said");
        self.ticked.tick(taken, given);
        if [taken, given] != [[false; 2]; 2] {
            self.lazy.advance(self.behind);
            self.lazy.tick(taken, given);
            self.behind = 0;
        } else if self.behind < self.lazy.quiet() {
            self.behind += 1;
        } else {
            self.lazy.advance(self.behind);
            self.lazy.tick(taken, given);
            self.behind = 0;
        }
        (taken, given)
    }
}

/// How likely sources offer and sinks take, and for how many more cycles.
#[derive(Default)]
struct Habits {
    left: usize,
    source: [f64; 2],
    sink: [f64; 2],
}

impl Habits {
    fn change(&mut self, stimulus: &mut Stimulus, done: bool) {
        if self.left == 0 {
            const LIKELY: [f64; 6] = [1.0, 1.0, 0.9, 0.5, 0.1, 0.0];
            let mut pick = || LIKELY[stimulus.below(LIKELY.len())];
            (self.source, self.sink) = ([pick(), pick()], [pick(), pick()]);
            self.left = 1 + stimulus.below(50);
        }
        self.left -= 1;
        if done {
            self.sink = [1.0; 2];
        }
    }

    fn source(&self, stimulus: &mut Stimulus, port: usize) -> bool {
        stimulus.chance(self.source[port])
    }

    fn sink(&self, stimulus: &mut Stimulus, port: usize) -> bool {
        stimulus.chance(self.sink[port])
    }
}
