//! The matrix-vector unit against naive integer products.

use abi::ElementType;
use compiler::blocks::control::Control;
use compiler::blocks::matrix_vector_unit as control;
use compiler::chip::memory::{Memories, MemoryKind};
use compiler::datapath::Form;
use hdl::blocks::matrix_vector_unit::{MatrixVectorShape, MatrixVectorUnit};
use hdl::blocks::stream_block::StreamBlock;
use hdl::wire::{Simulation, Word};
use network::network::{TensorType, WeightMatrix};

use crate::control::agree;
use crate::dot::{Function, WEIGHTS, forms, forms_with_zero, inputs, integers, signs, weights, word};
use crate::stream::{FREE, PRESSURES, Pressure, run, run_on};
use crate::support::{Bench, Stimulus};
use crate::thresholds::outputs;

/// Rows and columns of a group, PE and SIMD.
pub type Size = ((usize, usize), (usize, usize));

/// A unit, and how it is run.
pub struct Case {
    pub weights: WeightMatrix,
    pub input: ElementType,
    pub function: Function,
    pub groups: usize,
    pub taps: usize,
    pub padded: bool,
    /// Unused lanes hold anything.
    pub dirty: bool,
    pub form: Form,
    pub pe: usize,
    pub simd: usize,
}

impl Case {
    /// Weights ±1, one group, one tap.
    pub fn new((size, folding): Size, input: ElementType, output: Option<TensorType>, seed: u64) -> Case {
        let mut stimulus = Stimulus::new(seed);
        let weights = signs(&mut stimulus, size.0, size.1);
        Case::of(weights, (1, 1), folding, input, output, seed)
    }

    pub fn of(
        weights: WeightMatrix,
        (groups, taps): (usize, usize),
        (pe, simd): (usize, usize),
        input: ElementType,
        output: Option<TensorType>,
        seed: u64,
    ) -> Case {
        let function = Function::new(&mut Stimulus::new(seed), &weights, input, output);
        let form = forms(&weights).pop().unwrap();
        Case { weights, input, function, groups, taps, padded: false, dirty: false, form, pe, simd }
    }

    pub fn shape(&self) -> MatrixVectorShape<'_> {
        let Case { weights, input, groups, taps, padded, form, pe, simd, .. } = self;
        MatrixVectorShape {
            name: "unit",
            weights,
            input: *input,
            function: self.function.row_function(),
            groups: *groups,
            taps: *taps,
            padded: *padded,
            form: *form,
            writable: false,
            pe: *pe,
            simd: *simd,
            memories: self.memories(),
        }
    }

    /// Weights of more than a few bits in block RAM.
    pub fn memories(&self) -> Memories {
        let Case { weights, groups, taps, pe, simd, .. } = self;
        let rows = taps * (weights.columns / taps).div_ceil(*simd) * groups * (weights.rows / groups).div_ceil(*pe);
        let block = rows > 1 && rows * pe * simd > 256;
        let kind = if block { MemoryKind::Block } else { MemoryKind::Lut };
        Memories { weights: Some(kind), constants: None, words: Some(kind) }
    }

    pub fn unit(&self) -> MatrixVectorUnit {
        MatrixVectorUnit::new(&self.shape())
    }

    pub fn control(&self) -> control::MatrixVectorUnitControl {
        let shape = self.shape();
        control::MatrixVectorUnitControl::new(shape.words(), shape.folds(), shape.levels())
    }

    /// Words of `count` pixels in and out.
    pub fn pixels(&self, count: usize) -> (Vec<Word>, Vec<Word>) {
        let mut stimulus = Stimulus::new((self.weights.rows * self.weights.columns) as u64);
        let (bits, bits_out) = (self.input.bits() as usize, self.function.element().bits() as usize);
        let (rows, part) = (self.weights.rows / self.groups, self.weights.columns / self.taps);
        let (mut sent, mut expected) = (vec![], vec![]);
        for vector in 0..count * self.groups {
            let mut values = vec![];
            for _ in 0..self.taps {
                for first in (0..part).step_by(self.simd) {
                    let used = self.simd.min(part - first);
                    let codes: Vec<u64> = (0..used).map(|_| stimulus.word(bits).low()).collect();
                    let real = Some(&codes[..]).filter(|_| !self.padded || stimulus.chance(0.7));
                    let unused = if self.dirty { stimulus.word(bits).low() } else { 0 };
                    sent.push(word(real, used, self.simd, bits, self.padded, unused));
                    let value = |code: &u64| if real.is_some() { self.input.decode(*code) } else { 0 };
                    values.extend(codes.iter().map(value));
                }
            }
            let group = vector % self.groups;
            let row = |row: usize| {
                let terms = values.iter().zip(self.weights.row(row));
                self.function.code(row, terms.map(|(value, weight)| value * i64::from(*weight)).sum())
            };
            let results: Vec<u64> = (group * rows..(group + 1) * rows).map(row).collect();
            expected.extend(results.chunks(self.pe).map(|part| word(Some(part), 0, self.pe, bits_out, false, 0)));
        }
        (sent, expected)
    }

    /// Lanes beyond the last row: zero, but anything in accumulators of weights that have no 0.
    pub fn check(&self, found: &[Word], expected: &[Word], pressure: Pressure) {
        let what = || {
            let Case { weights, input, function, groups, taps, padded, form, pe, simd, .. } = self;
            let (rows, columns, output) = (weights.rows, weights.columns, function.output);
            format!(
                "{rows}x{columns} of {}, {groups} groups, {taps} taps, padded {padded}, {form:?}, pe {pe}, simd {simd}, \
                 {input} to {output:?}, {pressure:?}",
                weights.element
            )
        };
        assert_eq!(found.len(), expected.len(), "{}", what());
        let bits = self.function.element().bits() as usize;
        let folds = self.shape().folds();
        for (n, (found, expected)) in found.iter().zip(expected).enumerate() {
            let last = n % folds == folds - 1;
            let used = if last { self.weights.rows / self.groups - (folds - 1) * self.pe } else { self.pe };
            let all = self.function.output.is_some() || self.form.has_zero();
            for lane in 0..if all { self.pe } else { used } {
                assert_eq!(found.lane(lane, bits), expected.lane(lane, bits), "word {n}, lane {lane}: {}", what());
            }
        }
    }

    pub fn run(&self, pixels: usize, pressures: &[Pressure]) {
        let (sent, expected) = self.pixels(pixels);
        for pressure in pressures {
            let run = run(self.unit(), &sent, expected.len(), *pressure);
            self.check(&run.words, &expected, *pressure);
        }
    }

    /// The unit in Verilator, with any word in.
    pub fn bench(&self) {
        let unit = self.unit();
        let files = unit.files();
        let mut bench = Bench::new("unit", unit).cycles(600).verilator();
        for (name, text) in files {
            bench = bench.file(&name, text);
        }
        let width = self.simd * self.input.bits() as usize + usize::from(self.padded);
        bench.run(|unit, stimulus| {
            unit.in_.data.next = stimulus.word(width);
            unit.in_.valid.next = stimulus.chance(0.8);
            unit.out.ready.next = stimulus.chance(0.7);
            unit.reset.next = stimulus.chance(0.005);
        });
    }
}

/// One, primes, all, dividing or not.
const SHAPES: [Size; 14] = [
    ((1, 1), (1, 1)),
    ((1, 7), (1, 7)),
    ((7, 1), (3, 1)),
    ((5, 7), (1, 1)),
    ((5, 7), (5, 7)),
    ((5, 7), (2, 3)),
    ((5, 7), (4, 7)),
    ((5, 7), (5, 2)),
    ((6, 12), (3, 4)),
    ((8, 16), (8, 16)),
    ((11, 13), (3, 5)),
    ((4, 65), (2, 65)),
    ((3, 70), (2, 33)),
    ((16, 9), (1, 9)),
];

/// Groups, taps; rows of a group and columns of a part; PE and SIMD.
pub const PARTS: [((usize, usize), Size); 8] = [
    ((1, 3), ((4, 5), (2, 5))),
    ((1, 9), ((5, 3), (5, 2))),
    ((2, 1), ((3, 4), (2, 3))),
    ((3, 1), ((1, 7), (1, 4))),
    ((4, 4), ((2, 3), (2, 3))),
    ((2, 3), ((5, 7), (3, 4))),
    ((5, 2), ((4, 1), (1, 1))),
    ((3, 2), ((7, 6), (2, 4))),
];

fn in_parts(index: usize, range: Option<(i64, i64)>) -> (WeightMatrix, (usize, usize), (usize, usize)) {
    let ((groups, taps), ((rows, part), folding)) = PARTS[index];
    let mut stimulus = Stimulus::new(index as u64);
    let weights = weights(&mut stimulus, groups * rows, taps * part, range);
    (weights, (groups, taps), folding)
}

#[test]
fn bipolar_products_and_signs_under_any_pressure() {
    for (n, size) in SHAPES.into_iter().enumerate() {
        for output in [Some(outputs()[0]), None] {
            let pressures: Vec<Pressure> = PRESSURES.into_iter().chain([FREE]).collect();
            Case::new(size, ElementType::Bipolar, output, n as u64).run(6, &pressures);
        }
    }
}

#[test]
fn every_type_in_and_every_type_out() {
    for (n, size) in [SHAPES[2], SHAPES[5], SHAPES[4], SHAPES[10]].into_iter().enumerate() {
        for input in inputs() {
            for output in outputs().into_iter().map(Some).chain([None]) {
                Case::new(size, input, output, 100 + n as u64).run(5, &[PRESSURES[0], FREE]);
            }
        }
    }
}

#[test]
fn every_weight_and_every_type_in_on_every_datapath() {
    for (n, (size, folding)) in [SHAPES[0], SHAPES[5], SHAPES[10], SHAPES[6]].into_iter().enumerate() {
        for (range, input) in WEIGHTS.into_iter().flat_map(|range| inputs().into_iter().map(move |i| (range, i))) {
            let weights = integers(&mut Stimulus::new(n as u64), size.0, size.1, range);
            for output in [None, Some(outputs()[2]), Some(outputs()[5])] {
                let mut case = Case::of(weights.clone(), (1, 1), folding, input, output, 7);
                case.dirty = true;
                for form in forms_with_zero(&case.weights) {
                    case.form = form;
                    case.run(4, &[PRESSURES[0]]);
                }
            }
        }
    }
}

/// Weights ±1 with a 0 for lanes that hold anything.
#[test]
fn lanes_beyond_the_last_column_count_nothing() {
    for (n, size) in [SHAPES[5], SHAPES[7], SHAPES[10]].into_iter().enumerate() {
        for input in inputs() {
            let mut case = Case::new(size, input, Some(outputs()[0]), n as u64);
            case.dirty = true;
            for form in forms_with_zero(&case.weights) {
                case.form = form;
                case.run(6, &[FREE]);
            }
        }
    }
}

#[test]
fn groups_and_taps() {
    for index in 0..PARTS.len() {
        for range in [None, Some((-1, 1)), Some((-8, 7))] {
            for input in [ElementType::Bipolar, ElementType::Unsigned { bits: 2 }, ElementType::Signed { bits: 4 }] {
                let (weights, parts, folding) = in_parts(index, range);
                for output in [None, Some(outputs()[3])] {
                    let mut case = Case::of(weights.clone(), parts, folding, input, output, index as u64);
                    for form in forms(&case.weights) {
                        case.form = form;
                        case.run(3, &[PRESSURES[0], PRESSURES[2], FREE]);
                    }
                }
            }
        }
    }
}

#[test]
fn words_of_padding_add_nothing() {
    for index in 0..PARTS.len() {
        for range in [None, Some((-1, 1)), Some((-8, 7)), Some((0, 3))] {
            let (weights, parts, folding) = in_parts(index, range);
            for output in [None, Some(outputs()[0]), Some(outputs()[2])] {
                let mut case = Case::of(weights.clone(), parts, folding, ElementType::Bipolar, output, index as u64);
                case.padded = true;
                for form in forms(&case.weights) {
                    case.form = form;
                    case.run(6, &[PRESSURES[0], FREE]);
                }
            }
        }
    }
}

#[test]
fn a_vector_takes_a_cycle_per_word_and_fold() {
    for (n, (size, folding)) in SHAPES.into_iter().enumerate() {
        for input in [ElementType::Bipolar, ElementType::Unsigned { bits: 2 }] {
            for range in [None, Some((-2, 1))] {
                let weights = weights(&mut Stimulus::new(n as u64), size.0, size.1, range);
                let mut case = Case::of(weights, (1, 1), folding, input, Some(outputs()[0]), n as u64);
                for form in forms(&case.weights) {
                    case.form = form;
                    let (words, folds) = (size.1.div_ceil(folding.1) as u64, size.0.div_ceil(folding.0));
                    let (sent, expected) = case.pixels(10);
                    let run = run(case.unit(), &sent, expected.len(), FREE);
                    let latency = control::latency(case.shape().levels());
                    // The last word of the first fold is taken in cycle `words - 1`.
                    let result = |n: usize| words - 1 + latency + n as u64 * words;
                    let due: Vec<u64> = (0..10 * folds).map(result).collect();
                    assert_eq!(run.left, due, "{size:?} {folding:?} {input} {form:?}");
                }
            }
        }
    }
}

#[test]
fn a_unit_moves_words_when_its_model_does() {
    let boxed = |case: &Case| -> Box<dyn Control> { Box::new(case.control()) };
    for (n, size) in SHAPES.into_iter().enumerate() {
        for output in [None, Some(outputs()[0])] {
            let case = Case::new(size, ElementType::Bipolar, output, n as u64);
            agree(case.unit(), || boxed(&case), [&case.pixels(40).0, &[]], n as u64);
        }
    }
    for index in 0..PARTS.len() {
        let (weights, parts, folding) = in_parts(index, Some((-8, 7)));
        let mut case = Case::of(weights, parts, folding, ElementType::Unsigned { bits: 3 }, None, 1);
        for form in forms_with_zero(&case.weights) {
            case.form = form;
            agree(case.unit(), || boxed(&case), [&case.pixels(20).0, &[]], index as u64);
        }
    }
}

/// Weights in block RAM have one more register behind them.
#[test]
fn a_unit_with_many_weights() {
    let mut stimulus = Stimulus::new(5);
    let many = [
        Case::of(signs(&mut stimulus, 40, 130), (1, 1), (8, 16), ElementType::Bipolar, Some(outputs()[0]), 1),
        Case::of(signs(&mut stimulus, 30, 90), (2, 3), (5, 16), ElementType::Bipolar, None, 2),
        Case::of(integers(&mut stimulus, 12, 90, (-8, 7)), (2, 3), (3, 8), ElementType::Signed { bits: 4 }, None, 3),
    ];
    for (n, mut case) in many.into_iter().enumerate() {
        assert!(case.unit().files()[0].1.len() * 4 > 2048, "too few weights for block RAM");
        for padded in [false, true] {
            case.padded = padded && case.input == ElementType::Bipolar;
            case.run(3, &[PRESSURES[0], FREE]);
            agree(case.unit(), || Box::new(case.control()), [&case.pixels(6).0, &[]], n as u64);
        }
        if n != 1 {
            case.bench();
        }
    }
}

#[test]
fn reset_forgets_everything_on_the_way() {
    let (weights, parts, folding) = in_parts(5, Some((-2, 1)));
    let mut cases = vec![
        Case::new(((5, 7), (2, 3)), ElementType::Bipolar, Some(outputs()[0]), 1),
        Case::of(weights, parts, folding, ElementType::Bipolar, None, 1),
    ];
    cases[1].padded = true;
    for case in cases {
        let (sent, expected) = case.pixels(4);
        for cycles in 1..60 {
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
}

#[test]
fn a_unit_is_the_same_in_verilog() {
    let cases = [
        Case::new(((5, 7), (2, 3)), ElementType::Bipolar, Some(outputs()[0]), 1),
        Case::new(((5, 7), (5, 7)), ElementType::Bipolar, None, 2),
        Case::new(((7, 10), (3, 4)), ElementType::Signed { bits: 3 }, Some(outputs()[5]), 3),
        Case::new(((7, 10), (3, 4)), ElementType::Unsigned { bits: 2 }, None, 4),
    ];
    for case in cases {
        case.bench();
    }
    for (index, range, padded, input, form) in [
        (5, None, true, ElementType::Bipolar, Form::Bipolar),
        (7, Some((-1, 1)), true, ElementType::Bipolar, Form::Products),
        (2, Some((-8, 7)), false, ElementType::Signed { bits: 3 }, Form::Planes),
    ] {
        let (weights, parts, folding) = in_parts(index, range);
        let mut case = Case::of(weights, parts, folding, input, Some(outputs()[4]), 1);
        (case.padded, case.form) = (padded, form);
        case.bench();
    }
}
