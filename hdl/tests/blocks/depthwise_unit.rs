//! The depthwise unit against naive integer products.

use abi::ElementType;
use compiler::blocks::depthwise_unit as control;
use compiler::chip::memory::{Memories, MemoryKind};
use compiler::datapath::Form;
use hdl::blocks::depthwise_unit::{DepthwiseShape, DepthwiseUnit};
use hdl::blocks::stream_block::StreamBlock;
use hdl::wire::{Simulation, Word};
use network::network::{TensorType, WeightMatrix};

use crate::control::agree;
use crate::dot::{Function, WEIGHTS, forms, inputs, weights, word};
use crate::stream::{FREE, PRESSURES, Pressure, run, run_on};
use crate::support::{Bench, Stimulus};
use crate::thresholds::outputs;

struct Case {
    weights: WeightMatrix,
    input: ElementType,
    function: Function,
    padded: bool,
    form: Form,
    lanes: usize,
}

impl Case {
    fn new(
        (channels, taps, lanes): (usize, usize, usize),
        range: Option<(i64, i64)>,
        input: ElementType,
        output: Option<TensorType>,
    ) -> Case {
        let mut stimulus = Stimulus::new((channels * taps) as u64);
        let weights = weights(&mut stimulus, channels, taps, range);
        let function = Function::new(&mut stimulus, &weights, input, output);
        let form = forms(&weights).pop().unwrap();
        Case { weights, input, function, padded: false, form, lanes }
    }

    fn shape(&self) -> DepthwiseShape<'_> {
        let Case { weights, input, padded, form, lanes, .. } = self;
        let function = self.function.row_function();
        let block = weights.rows.div_ceil(*lanes) * weights.columns * lanes > 64;
        let kind = if block { MemoryKind::Block } else { MemoryKind::Lut };
        DepthwiseShape {
            name: "unit",
            weights,
            input: *input,
            function,
            padded: *padded,
            form: *form,
            writable: false,
            lanes: *lanes,
            memories: Memories { weights: Some(kind), constants: None, words: None },
        }
    }

    fn unit(&self) -> DepthwiseUnit {
        DepthwiseUnit::new(&self.shape())
    }

    fn control(&self) -> control::DepthwiseUnitControl {
        control::DepthwiseUnitControl::new(self.weights.columns, self.shape().levels())
    }

    fn pixels(&self, count: usize) -> (Vec<Word>, Vec<Word>) {
        let mut stimulus = Stimulus::new(count as u64);
        let (bits, bits_out) = (self.input.bits() as usize, self.function.element().bits() as usize);
        let (mut sent, mut expected) = (vec![], vec![]);
        for first in (0..count).flat_map(|_| (0..self.weights.rows).step_by(self.lanes)) {
            let used = self.lanes.min(self.weights.rows - first);
            let mut sums = vec![0; used];
            for tap in 0..self.weights.columns {
                let codes: Vec<u64> = (0..used).map(|_| stimulus.word(bits).low()).collect();
                let real = Some(&codes[..]).filter(|_| !self.padded || stimulus.chance(0.7));
                // What padding counts is of no importance here.
                let count = stimulus.below(2 * self.lanes);
                sent.push(word(real, count, self.lanes, bits, self.padded, 0));
                for (lane, code) in codes.iter().enumerate().filter(|_| real.is_some()) {
                    sums[lane] += self.input.decode(*code) * i64::from(self.weights.row(first + lane)[tap]);
                }
            }
            let results: Vec<u64> =
                sums.iter().enumerate().map(|(lane, sum)| self.function.code(first + lane, *sum)).collect();
            expected.push(word(Some(&results), 0, self.lanes, bits_out, false, 0));
        }
        (sent, expected)
    }

    fn check(&self, found: &[Word], expected: &[Word], pressure: Pressure) {
        let bits = self.function.element().bits() as usize;
        assert_eq!(found.len(), expected.len());
        for (n, (found, expected)) in found.iter().zip(expected).enumerate() {
            let used = self.lanes.min(self.weights.rows - n % self.shape().blocks() * self.lanes);
            let all = self.function.output.is_some() || self.form.has_zero();
            for lane in 0..if all { self.lanes } else { used } {
                let Case { weights, input, padded, form, lanes, .. } = self;
                assert_eq!(
                    found.lane(lane, bits),
                    expected.lane(lane, bits),
                    "word {n}, lane {lane}: {}x{} of {}, padded {padded}, {form:?}, {lanes} lanes, {input}, {pressure:?}",
                    weights.rows,
                    weights.columns,
                    weights.element
                );
            }
        }
    }

    fn run(&self, pixels: usize, pressures: &[Pressure]) {
        let (sent, expected) = self.pixels(pixels);
        for pressure in pressures {
            let run = run(self.unit(), &sent, expected.len(), *pressure);
            self.check(&run.words, &expected, *pressure);
        }
    }

    fn bench(&self) {
        let unit = self.unit();
        let files = unit.files();
        let mut bench = Bench::new("unit", unit).cycles(600).verilator();
        for (name, text) in files {
            bench = bench.file(&name, text);
        }
        let width = self.lanes * self.input.bits() as usize + usize::from(self.padded);
        bench.run(|unit, stimulus| {
            unit.in_.data.next = stimulus.word(width);
            unit.in_.valid.next = stimulus.chance(0.8);
            unit.out.ready.next = stimulus.chance(0.7);
            unit.reset.next = stimulus.chance(0.005);
        });
    }
}

/// Channels, taps, lanes.
const SHAPES: [(usize, usize, usize); 8] =
    [(1, 1, 1), (1, 9, 1), (5, 1, 2), (5, 9, 5), (7, 4, 3), (8, 9, 4), (6, 25, 1), (3, 2, 2)];

#[test]
fn every_weight_and_every_type_in_on_every_datapath() {
    for shape in SHAPES {
        for input in inputs() {
            for range in WEIGHTS.into_iter().map(Some).chain([None]) {
                for output in [None, Some(outputs()[0]), Some(outputs()[5])] {
                    let mut case = Case::new(shape, range, input, output);
                    for form in forms(&case.weights) {
                        case.form = form;
                        case.run(3, &[PRESSURES[0]]);
                    }
                }
            }
        }
    }
}

#[test]
fn words_of_padding_add_nothing_under_any_pressure() {
    let pressures: Vec<Pressure> = PRESSURES.into_iter().chain([FREE]).collect();
    for shape in SHAPES {
        for range in [None, Some((-1, 1)), Some((-8, 7))] {
            for output in [None, Some(outputs()[0]), Some(outputs()[3])] {
                let mut case = Case::new(shape, range, ElementType::Bipolar, output);
                case.padded = true;
                for form in forms(&case.weights) {
                    case.form = form;
                    case.run(6, &pressures);
                }
            }
        }
    }
}

#[test]
fn a_word_is_taken_in_every_cycle() {
    for shape @ (_, taps, _) in SHAPES {
        for range in [None, Some((-8, 7))] {
            let mut case = Case::new(shape, range, ElementType::Unsigned { bits: 3 }, None);
            for form in forms(&case.weights) {
                case.form = form;
                let (sent, expected) = case.pixels(12);
                let run = run(case.unit(), &sent, expected.len(), FREE);
                let latency = control::latency(case.shape().levels());
                assert_eq!(run.taken, (0..sent.len() as u64).collect::<Vec<u64>>(), "{shape:?}");
                let due = |n: usize| ((n + 1) * taps - 1) as u64 + latency;
                assert_eq!(run.left, (0..expected.len()).map(due).collect::<Vec<u64>>(), "{shape:?} {form:?}");
            }
        }
    }
}

#[test]
fn a_unit_moves_words_when_its_model_does() {
    for (seed, shape) in SHAPES.into_iter().enumerate() {
        for range in [None, Some((-8, 7))] {
            let mut case = Case::new(shape, range, ElementType::Unsigned { bits: 3 }, None);
            for form in forms(&case.weights) {
                case.form = form;
                let model = || -> Box<dyn compiler::blocks::control::Control> { Box::new(case.control()) };
                agree(case.unit(), model, [&case.pixels(60).0, &[]], seed as u64);
            }
        }
    }
}

#[test]
fn reset_forgets_everything_on_the_way() {
    let mut case = Case::new((7, 4, 3), None, ElementType::Bipolar, Some(outputs()[0]));
    case.padded = true;
    let (sent, expected) = case.pixels(4);
    for cycles in 1..40 {
        let mut simulation = Simulation::new(case.unit());
        for n in 0..cycles {
            simulation.top.in_.valid.next = true;
            simulation.top.in_.data.next = sent[n % sent.len()].clone();
            simulation.step().unwrap();
        }
        simulation.top.reset.next = true;
        simulation.step().unwrap();
        simulation.top.reset.next = false;
        let run = run_on(&mut simulation, &sent, expected.len(), FREE);
        case.check(&run.words, &expected, FREE);
    }
}

#[test]
fn a_unit_is_the_same_in_verilog() {
    // The last one's weights lie in block RAM.
    for (shape, range, input, output, form) in [
        ((7, 4, 3), None, ElementType::Bipolar, Some(outputs()[0]), Form::Bipolar),
        ((5, 9, 5), Some((-1, 1)), ElementType::Bipolar, None, Form::Products),
        ((40, 9, 5), Some((-8, 7)), ElementType::Signed { bits: 4 }, Some(outputs()[5]), Form::Planes),
        ((90, 9, 5), Some((-8, 7)), ElementType::Unsigned { bits: 4 }, None, Form::Products),
    ] {
        let mut case = Case::new(shape, range, input, output);
        (case.padded, case.form) = (input == ElementType::Bipolar, form);
        case.run(2, &[PRESSURES[0]]);
        case.bench();
    }
}
