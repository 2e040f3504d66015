//! The sliding window against windows taken from whole images.

use compiler::blocks::sliding_window::{SlidingWindowControl, SlidingWindowShape};
use hdl::blocks::sliding_window::SlidingWindow;
use hdl::wire::{Simulation, Word};
use network::network::Window;

use crate::control::agree;
use crate::stream::{FREE, PRESSURES, run_ahead, run_ahead_on};
use crate::support::{Bench, Stimulus};

const BITS: usize = 5;
/// Words out of an image, so that a test stays short.
const MAX_WORDS: usize = 300;

/// A random shape whose padded image holds a window.
fn shape(seed: u64, deep: bool) -> SlidingWindowShape {
    let mut stimulus = Stimulus::new(seed);
    loop {
        let mut pair = |least: usize, count: usize| [least + stimulus.below(count), least + stimulus.below(count)];
        let (kernel, stride, dilation) = (pair(1, 4), pair(1, 3), pair(1, 2));
        let (before, after) = (pair(0, 3), pair(0, 3));
        let window = Window { kernel, stride, dilation, before, after };
        let ([height, width], [blocks, words]) = (pair(1, 6), pair(1, 3));
        let mut shape = SlidingWindowShape { height, width, window, blocks, words, depth: 0 };
        shape.depth = if deep { shape.good_depth() } else { shape.least_depth() };
        if !window.output(height, width).contains(&0) && shape.words_out() <= MAX_WORDS {
            return shape;
        }
    }
}

fn paddings(shape: &SlidingWindowShape) -> Vec<Word> {
    (0..shape.pixel_words()).map(|word| Word::new((7 * word as u64 + 3) % 32, BITS)).collect()
}

fn block(shape: &SlidingWindowShape, flagged: bool) -> SlidingWindow {
    SlidingWindow::new("window", shape, BITS, &paddings(shape), flagged)
}

/// Words of some images, and what becomes of them.
fn words(shape: &SlidingWindowShape, images: usize, flagged: bool, seed: u64) -> (Vec<Word>, Vec<Word>) {
    let mut stimulus = Stimulus::new(seed);
    let sent: Vec<Word> = (0..images * shape.words_in()).map(|_| stimulus.word(BITS)).collect();
    let paddings = paddings(shape);
    let [rows, columns] = shape.window.output(shape.height, shape.width);
    let out = BITS + usize::from(flagged);
    let mut expected = Vec::new();
    for image in sent.chunks(shape.words_in()) {
        for (y, x) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
            for block in 0..shape.blocks {
                for tap in 0..shape.window.taps() {
                    let pixel = shape.window.pixel(shape.height, shape.width, (y, x), tap);
                    for word in block * shape.words..(block + 1) * shape.words {
                        expected.push(match pixel {
                            Some(pixel) => Word::new(image[pixel * shape.pixel_words() + word].low(), out),
                            None => Word::new(paddings[word].low() | u64::from(flagged) << BITS, out),
                        });
                    }
                }
            }
        }
    }
    (sent, expected)
}

#[test]
fn windows_are_those_of_the_image_under_any_pressure() {
    for seed in 0..40 {
        let shape = shape(seed, seed % 2 == 0);
        let flagged = seed % 3 == 0;
        let (sent, expected) = words(&shape, 3, flagged, seed);
        for pressure in [PRESSURES[seed as usize % 5], FREE] {
            let run = run_ahead(block(&shape, flagged), &sent, expected.len(), pressure);
            assert_eq!(run.words, expected, "{shape:?}, {pressure:?}");
        }
    }
}

#[test]
fn control_is_that_of_the_model() {
    for seed in 100..130 {
        let shape = shape(seed, seed % 2 == 0);
        let (sent, _) = words(&shape, 2, false, seed);
        agree(block(&shape, false), || Box::new(SlidingWindowControl::new(&shape)), [&sent, &[]], seed);
    }
}

#[test]
fn an_image_takes_as_many_cycles_as_it_has_words() {
    for seed in 200..220 {
        let shape = shape(seed, true);
        let (sent, expected) = words(&shape, 6, false, seed);
        let run = run_ahead(block(&shape, false), &sent, expected.len(), FREE);
        let last = |image: usize| run.left[(image + 1) * shape.words_out() - 1];
        for image in 3..6 {
            assert_eq!(last(image) - last(image - 1), shape.cycles() as u64, "{shape:?}, image {image}");
        }
    }
}

#[test]
fn reset_forgets_everything_on_the_way() {
    let shape = shape(7, true);
    let (sent, expected) = words(&shape, 2, false, 7);
    for cycles in (1..60).step_by(7) {
        let mut simulation = Simulation::new(block(&shape, false));
        for n in 0..cycles {
            simulation.top.in_.valid.next = true;
            simulation.top.in_.data.next = sent[n % sent.len()].clone();
            simulation.step().unwrap();
        }
        simulation.top.reset.next = true;
        simulation.step().unwrap();
        simulation.top.reset.next = false;
        let run = run_ahead_on(&mut simulation, &sent, expected.len(), FREE);
        assert_eq!(run.words, expected);
    }
}

#[test]
fn a_window_is_the_same_in_verilog() {
    for seed in 300..303 {
        let shape = shape(seed, true);
        Bench::new("window", block(&shape, seed % 2 == 0)).cycles(600).verilator().run(|window, stimulus| {
            window.in_.data.next = stimulus.word(BITS);
            window.in_.valid.next = stimulus.chance(0.8);
            window.out.ready.next = stimulus.chance(0.8);
            window.reset.next = stimulus.chance(0.002);
        });
    }
}
