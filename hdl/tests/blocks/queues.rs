//! The queue of words, and the feed that repeats vectors.

use compiler::blocks::control::Control;
use compiler::blocks::stream_fifo;
use hdl::blocks::stream_fifo::StreamFifo;
use hdl::blocks::vector_feed::VectorFeed;
use hdl::emit::emit;
use hdl::rust_hdl::prelude::Block;
use hdl::wire::{Simulation, Word};

use crate::control::agree;
use crate::stream::{FREE, PRESSURES, codes, run};
use crate::support::{Bench, Stimulus};

fn words(count: usize, width: usize, seed: u64) -> Vec<Word> {
    let mut stimulus = Stimulus::new(seed);
    (0..count).map(|_| stimulus.word(width)).collect()
}

#[test]
fn a_queue_keeps_every_word_in_order() {
    for (depth, width) in [(2, 1), (2, 8), (3, 5), (4, 65), (16, 7), (31, 2), (33, 9), (100, 70)] {
        let sent = words(200, width, depth as u64);
        for pressure in PRESSURES {
            assert_eq!(run(StreamFifo::new(depth, width), &sent, sent.len(), pressure).words, sent, "{pressure:?}");
        }
    }
}

#[test]
fn a_queue_moves_a_word_in_every_cycle_one_cycle_later() {
    for depth in [2, 3, 4, 16, 33, 64] {
        let sent = words(50, 8, 1);
        let run = run(StreamFifo::new(depth, 8), &sent, sent.len(), FREE);
        assert_eq!(run.taken, (0..50).collect::<Vec<u64>>());
        assert_eq!(run.left, (1..51).collect::<Vec<u64>>());
    }
}

#[test]
fn a_queue_moves_words_when_its_model_does() {
    for (seed, depth) in [2, 3, 4, 16, 33, 50].into_iter().enumerate() {
        let model = || -> Box<dyn Control> { Box::new(stream_fifo::StreamFifoControl::new(depth)) };
        agree(StreamFifo::new(depth, 8), model, [&words(400, 8, 2), &[]], seed as u64);
    }
}

#[test]
fn a_queue_holds_its_depth_and_no_more() {
    for depth in [2, 5, 8, 33, 64, 100] {
        let mut simulation = Simulation::new(StreamFifo::new(depth, 4));
        simulation.top.in_.valid.next = true;
        for cycle in 0..depth + 3 {
            simulation.settle().unwrap();
            assert_eq!(simulation.top.in_.ready.val(), cycle < depth);
            simulation.tick().unwrap();
        }
        simulation.top.in_.valid.next = false;
        simulation.top.reset.next = true;
        simulation.step().unwrap();
        simulation.top.reset.next = false;
        simulation.settle().unwrap();
        assert!(simulation.top.in_.ready.val() && !simulation.top.out.valid.val(), "reset empties the queue");
    }
}

#[test]
fn a_queue_is_the_same_in_verilog() {
    for (depth, width) in [(2, 1), (8, 70), (5, 3), (40, 9)] {
        Bench::new("queue", StreamFifo::new(depth, width)).cycles(400).verilator().run(|queue, stimulus| {
            queue.in_.data.next = stimulus.word(width);
            queue.in_.valid.next = stimulus.chance(0.6);
            queue.out.ready.next = stimulus.chance(0.5);
            queue.reset.next = stimulus.chance(0.02);
        });
    }
}

#[test]
fn a_deep_queue_lies_in_block_ram() {
    if !testkit::tool("yosys") {
        return;
    }
    let mut queue = StreamFifo::new(1000, 64);
    queue.connect_all();
    let design = emit(&queue, "queue", "").unwrap();
    let folder = tempfile::tempdir().unwrap();
    crate::support::tools::write_sources(folder.path(), &design, &[]);
    let script = "read_verilog -sv design.v; synth_ecp5 -top queue; stat";
    let said = testkit::tools::run_in(folder.path(), "yosys", &["-p", script]);
    let statistics = &said[said.rfind("Number of cells").unwrap()..];
    assert!(statistics.contains("DP16KD") && !statistics.contains("TRELLIS_DPR16X4"), "{statistics}");
    println!("{statistics}");
}

/// What a feed issues: the words in order, with what it says about each.
#[derive(Debug, PartialEq)]
struct Issued {
    word: Word,
    first: bool,
    last: bool,
    address: u64,
    cycle: u64,
}

fn feed((words, folds, group): (usize, usize, usize), sent: &[Word], source: f64, go: f64) -> (Vec<Issued>, Vec<u64>) {
    let width = sent[0].bits();
    let mut simulation = Simulation::new(VectorFeed::new(words, folds, width, group));
    let mut stimulus = Stimulus::new(9);
    let (mut issued, mut taken) = (Vec::<Issued>::new(), vec![]);
    let mut pending: Option<Issued> = None;
    let expected = sent.len() * folds;
    for cycle in 0..(expected as u64 + 20) * 20 {
        let word = sent.get(taken.len()).filter(|_| !stimulus.chance(source));
        simulation.top.in_.valid.next = word.is_some();
        simulation.top.in_.data.next = word.cloned().unwrap_or_else(|| Word::ones(width));
        simulation.top.go.next = !stimulus.chance(go);
        simulation.settle().unwrap();
        let top = &simulation.top;
        if let Some(mut before) = pending.take() {
            before.word = top.x.val();
            issued.push(before);
        }
        if word.is_some() && top.in_.ready.val() {
            taken.push(cycle);
        }
        if top.issue.val() {
            assert!(top.go.val() || !top.last.val(), "the last word of a fold waits for go");
            let (first, last, address) = (top.first.val(), top.last.val(), top.weight_address.val().low());
            pending = Some(Issued { word: Word::zero(width), first, last, address, cycle });
        }
        simulation.tick().unwrap();
    }
    assert_eq!(issued.len(), expected);
    (issued, taken)
}

#[test]
fn a_feed_issues_every_vector_once_per_fold() {
    let shapes = [(1, 1), (1, 5), (2, 3), (3, 1), (3, 4), (4, 2), (5, 7), (8, 3)];
    for (words, folds, group) in shapes.into_iter().flat_map(|(words, folds)| [1, 2, 3].map(|g| (words, folds, g))) {
        let sent: Vec<Word> = codes(6 * words, 9, words as u64).iter().map(|code| Word::new(*code, 9)).collect();
        for (source, go) in [(0.0, 0.0), (0.7, 0.0), (0.0, 0.7), (0.3, 0.3)] {
            let (issued, taken) = feed((words, folds, group), &sent, source, go);
            for (n, issued) in issued.iter().enumerate() {
                let (vector, step) = (n / (words * folds), n % (words * folds));
                assert_eq!(issued.word, sent[vector * words + step % words], "word {n} of {words}x{folds}");
                assert_eq!(issued.first, step % words == 0);
                assert_eq!(issued.last, step % words == words - 1);
                assert_eq!(issued.address, (n % (group * words * folds)) as u64);
                if (source, go) == (0.0, 0.0) {
                    assert_eq!(issued.cycle, n as u64 + 1, "{words}x{folds}: no gap");
                }
            }
            if (source, go) == (0.0, 0.0) {
                assert_eq!(taken[0], 0);
            }
        }
    }
}

/// A stage before that is just as busy gives one word every `folds` cycles: still no gap.
#[test]
fn an_evenly_slow_source_leaves_no_gap_after_the_first_vector() {
    for (words, folds) in [(1, 4), (3, 4), (4, 3), (5, 2), (7, 5)] {
        let sent: Vec<Word> = (0..6 * words as u64).map(|n| Word::new(n, 8)).collect();
        let mut simulation = Simulation::new(VectorFeed::new(words, folds, 8, 1));
        simulation.top.go.next = true;
        let (mut taken, mut ends) = (0, vec![]);
        for cycle in 0..(6 * words * folds + 50) as u64 {
            let due = cycle >= (taken * folds) as u64;
            let word = sent.get(taken).filter(|_| due);
            simulation.top.in_.valid.next = word.is_some();
            simulation.top.in_.data.next = word.cloned().unwrap_or_else(|| Word::zero(8));
            simulation.settle().unwrap();
            taken += usize::from(word.is_some() && simulation.top.in_.ready.val());
            let address = simulation.top.weight_address.val().low() as usize;
            if simulation.top.issue.val() && address == words * folds - 1 {
                ends.push(cycle);
            }
            simulation.tick().unwrap();
        }
        assert_eq!(ends.len(), 6);
        let intervals: Vec<u64> = ends.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(intervals.iter().all(|interval| *interval == (words * folds) as u64), "{words}x{folds}: {intervals:?}");
    }
}
