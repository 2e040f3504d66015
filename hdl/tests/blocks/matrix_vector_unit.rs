//! The matrix-vector unit against naive integer products.

use abi::{ElementType, StepFunction};
use compiler::schedule::matrix_vector_unit_latency;
use hdl::blocks::matrix_vector_unit::{MatrixVectorShape, MatrixVectorUnit, RowFunction};
use hdl::wire::{Simulation, Word};
use network::network::{TensorType, WeightMatrix};

use crate::stream::{FREE, PRESSURES, Pressure, codes, pack, run, run_on};
use crate::support::{Bench, Stimulus};
use crate::thresholds::{outputs, steps};
use crate::top::Top;

struct Case {
    weights: WeightMatrix,
    input: ElementType,
    steps: Vec<StepFunction<i64>>,
    output: Option<TensorType>,
    accumulator: ElementType,
    pe: usize,
    simd: usize,
}

impl Case {
    fn new(
        (rows, columns): (usize, usize),
        (pe, simd): (usize, usize),
        input: ElementType,
        output: Option<TensorType>,
        seed: u64,
    ) -> Case {
        let mut stimulus = Stimulus::new(seed);
        let values = (0..rows * columns).map(|_| if stimulus.chance(0.5) { 1 } else { -1 }).collect();
        let greatest = columns as i64 * input.minimum().abs().max(input.maximum());
        let steps = output.map(|output| steps(&mut stimulus, rows, (-greatest, greatest), &output));
        Case {
            weights: WeightMatrix { rows, columns, element: ElementType::Bipolar, values },
            input,
            steps: steps.unwrap_or_default(),
            output,
            accumulator: ElementType::holding(-greatest, greatest),
            pe,
            simd,
        }
    }

    fn unit(&self) -> MatrixVectorUnit {
        let function = match &self.output {
            Some(output) => RowFunction::Steps(&self.steps, output),
            None => RowFunction::Accumulator(self.accumulator),
        };
        let Case { weights, input, pe, simd, .. } = self;
        MatrixVectorUnit::new(&MatrixVectorShape {
            name: "unit",
            weights,
            input: *input,
            function,
            pe: *pe,
            simd: *simd,
        })
    }

    fn element_out(&self) -> ElementType {
        self.output.map_or(self.accumulator, |output| output.element)
    }

    fn vectors(&self, count: usize) -> (Vec<Word>, Vec<Word>) {
        let (rows, columns) = (self.weights.rows, self.weights.columns);
        let (bits, bits_out) = (self.input.bits() as usize, self.element_out().bits() as usize);
        let elements = codes(count * columns, bits, (rows * columns) as u64);
        let row = |vector: &[u64], row: usize| -> u64 {
            let terms = vector.iter().zip(self.weights.row(row));
            let sum: i64 = terms.map(|(code, weight)| self.input.decode(*code) * i64::from(*weight)).sum();
            let value = if self.output.is_some() { self.steps[row].at(sum).into() } else { sum };
            self.element_out().encode(value)
        };
        let results: Vec<u64> =
            elements.chunks(columns).flat_map(|vector| (0..rows).map(move |n| row(vector, n))).collect();
        (pack(&elements, columns, self.simd, bits), self.compared(&results, bits_out))
    }

    fn compared(&self, results: &[u64], bits: usize) -> Vec<Word> {
        pack(results, self.weights.rows, self.pe, bits)
    }

    /// Lanes beyond the last row: zero bits with thresholds, anything in an accumulator.
    fn check(&self, found: &[Word], expected: &[Word], pressure: Pressure) {
        let what = || {
            let Case { weights, input, output, pe, simd, .. } = self;
            format!("{}x{}, pe {pe}, simd {simd}, {input} to {output:?}, {pressure:?}", weights.rows, weights.columns)
        };
        assert_eq!(found.len(), expected.len(), "{}", what());
        let bits = self.element_out().bits() as usize;
        let folds = self.weights.rows.div_ceil(self.pe);
        for (n, (found, expected)) in found.iter().zip(expected).enumerate() {
            let last = n % folds == folds - 1;
            let used = if last { self.weights.rows - (folds - 1) * self.pe } else { self.pe };
            for lane in 0..if self.output.is_some() { self.pe } else { used } {
                assert_eq!(found.lane(lane, bits), expected.lane(lane, bits), "word {n}, lane {lane}: {}", what());
            }
        }
    }
}

/// Rows and columns, PE and SIMD: one, primes, all, dividing or not.
const SHAPES: [((usize, usize), (usize, usize)); 14] = [
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

fn inputs() -> Vec<ElementType> {
    vec![
        ElementType::Bipolar,
        ElementType::Unsigned { bits: 1 },
        ElementType::Unsigned { bits: 2 },
        ElementType::Unsigned { bits: 8 },
        ElementType::Signed { bits: 1 },
        ElementType::Signed { bits: 2 },
        ElementType::Signed { bits: 3 },
    ]
}

#[test]
fn bipolar_products_and_signs_under_any_pressure() {
    for (n, (size, folding)) in SHAPES.into_iter().enumerate() {
        for output in [Some(outputs()[0]), None] {
            let case = Case::new(size, folding, ElementType::Bipolar, output, n as u64);
            let (sent, expected) = case.vectors(6);
            for pressure in PRESSURES.into_iter().chain([FREE]) {
                let run = run(case.unit(), &sent, expected.len(), pressure);
                case.check(&run.words, &expected, pressure);
            }
        }
    }
}

#[test]
fn every_type_in_and_every_type_out() {
    for (n, (size, folding)) in [SHAPES[2], SHAPES[5], SHAPES[4], SHAPES[10]].into_iter().enumerate() {
        for input in inputs() {
            for output in outputs().into_iter().map(Some).chain([None]) {
                let case = Case::new(size, folding, input, output, 100 + n as u64);
                let (sent, expected) = case.vectors(5);
                for pressure in [PRESSURES[0], FREE] {
                    let run = run(case.unit(), &sent, expected.len(), pressure);
                    case.check(&run.words, &expected, pressure);
                }
            }
        }
    }
}

#[test]
fn a_vector_takes_a_cycle_per_word_and_fold() {
    for (n, (size, folding)) in SHAPES.into_iter().enumerate() {
        for input in [ElementType::Bipolar, ElementType::Unsigned { bits: 2 }] {
            let case = Case::new(size, folding, input, Some(outputs()[0]), n as u64);
            let (words, folds) = (size.1.div_ceil(folding.1) as u64, size.0.div_ceil(folding.0));
            let (sent, expected) = case.vectors(10);
            let run = run(case.unit(), &sent, expected.len(), FREE);
            let latency = matrix_vector_unit_latency(folding.1, input.bits() as usize);
            // The last word of the first fold is taken in cycle `words - 1`.
            let result = |n: usize| words - 1 + latency + n as u64 * words;
            let due: Vec<u64> = (0..10 * folds).map(result).collect();
            assert_eq!(run.left, due, "{size:?} {folding:?} {input}");
        }
    }
}

#[test]
fn reset_forgets_everything_on_the_way() {
    let case = Case::new((5, 7), (2, 3), ElementType::Bipolar, Some(outputs()[0]), 1);
    let (sent, expected) = case.vectors(4);
    for cycles in 1..40 {
        let mut simulation = Simulation::new(Top(case.unit()));
        for n in 0..cycles {
            simulation.top.in_valid.next = true;
            simulation.top.in_data.next = sent[n % sent.len()].clone();
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
    let cases = [
        Case::new((5, 7), (2, 3), ElementType::Bipolar, Some(outputs()[0]), 1),
        Case::new((5, 7), (5, 7), ElementType::Bipolar, None, 2),
        Case::new((7, 10), (3, 4), ElementType::Signed { bits: 3 }, Some(outputs()[5]), 3),
        Case::new((7, 10), (3, 4), ElementType::Unsigned { bits: 2 }, None, 4),
    ];
    for case in cases {
        let unit = case.unit();
        let files = unit.files();
        let mut bench = Bench::new("unit", Top(unit)).cycles(600).verilator();
        for (name, text) in files {
            bench = bench.file(&name, text);
        }
        let width = case.simd * case.input.bits() as usize;
        bench.run(|unit, stimulus| {
            unit.in_data.next = stimulus.word(width);
            unit.in_valid.next = stimulus.chance(0.8);
            unit.out_ready.next = stimulus.chance(0.7);
            unit.reset.next = stimulus.chance(0.005);
        });
    }
}
