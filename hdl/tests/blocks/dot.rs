//! Random weights and vectors, naive dot products: what the arithmetic units are compared with.

use abi::{ElementType, StepFunction};
use compiler::datapath::{Datapath, Form, WeightRange};
use hdl::blocks::row_results::RowFunction;
use hdl::wire::Word;
use network::network::{TensorType, WeightMatrix};

use crate::support::Stimulus;
use crate::thresholds::steps;

/// Kinds of weights: ±1, ternary, k bits, far from symmetric, all of one sign, the widest.
pub const WEIGHTS: [(i64, i64); 9] =
    [(-1, 1), (-2, 1), (-3, 3), (-8, 7), (0, 1), (0, 3), (-2, 0), (-100, 27), (-256, 256)];

/// Weights ±1.
pub fn signs(stimulus: &mut Stimulus, rows: usize, columns: usize) -> WeightMatrix {
    let values = (0..rows * columns).map(|_| if stimulus.chance(0.5) { 1 } else { -1 }).collect();
    WeightMatrix { rows, columns, element: ElementType::Bipolar, values }
}

/// Weights in `range`, the ends and 0 among them often.
pub fn integers(stimulus: &mut Stimulus, rows: usize, columns: usize, range: (i64, i64)) -> WeightMatrix {
    let mut value = || match stimulus.below(8) {
        0 => range.0,
        1 => range.1,
        2 => 0,
        _ => range.0 + stimulus.below((range.1 - range.0 + 1) as usize) as i64,
    };
    let values = (0..rows * columns).map(|_| value() as i16).collect();
    WeightMatrix { rows, columns, element: ElementType::holding(range.0, range.1), values }
}

/// Weights that are one power of two or the sum of two, in several codes.
pub const POWERS: [&[i16]; 5] = [
    &[0, 1, -1, 2, -2, 4, -4, 8],
    &[0, 1, 3, -5, 7, -12, 40, -64],
    &[-256, 1, 2, 128],
    &[1, 2],
    &[-128, 127, 96, 33, 17, -36, 129, 6, 20, 66, 0],
];

/// Weights that are each one of `values`.
pub fn of_values(stimulus: &mut Stimulus, rows: usize, columns: usize, values: &[i16]) -> WeightMatrix {
    let (least, greatest) = (values.iter().min().unwrap(), values.iter().max().unwrap());
    let element = ElementType::holding((*least).into(), (*greatest).into());
    let values = (0..rows * columns).map(|_| values[stimulus.below(values.len())]).collect();
    WeightMatrix { rows, columns, element, values }
}

/// The form that shifts these weights.
pub fn shifts(weights: &WeightMatrix) -> Form {
    Form::new(Datapath::Shifts, WeightRange::of(&weights.values)).expect("sums of powers of two")
}

/// Weights with bases: of bases as ABC-Net shifts them, any sums of two and of three, twice the weights.
pub const SUMS: [&[i16]; 4] = [&[-54, -44, -20, 54], &[-11, -7, 7, 11], &[-1, 0, 1, 5, 6, 7], &[-2, -1, 2]];

/// The form that adds bases of these weights, in a unit with inputs of the given type.
pub fn bases(weights: &WeightMatrix, input: ElementType) -> Option<Form> {
    Form::new(Datapath::Bases, WeightRange::of(&weights.values)).filter(|form| form.takes(input, false))
}

/// Weights in groups of `size` columns, each 0 or plus or minus the group's scale.
pub fn scaled(stimulus: &mut Stimulus, rows: usize, columns: usize, size: usize, greatest: i16) -> WeightMatrix {
    let mut values = Vec::new();
    for group in 0..rows * columns / size {
        let scale = if group == 0 { greatest } else { stimulus.below(greatest as usize + 1) as i16 };
        values.extend((0..size).map(|_| scale * (stimulus.below(3) as i16 - 1)));
    }
    values[0] = greatest;
    WeightMatrix { rows, columns, element: ElementType::holding(-i64::from(greatest), greatest.into()), values }
}

/// The form that scales groups of these weights, which has parts of so many columns.
pub fn groups(weights: &WeightMatrix, part: usize) -> Form {
    Form::new(Datapath::Groups, WeightRange::held(weights, part, false)).expect("groups with a scale")
}

/// Weights in `range`, or ±1.
pub fn weights(stimulus: &mut Stimulus, rows: usize, columns: usize, range: Option<(i64, i64)>) -> WeightMatrix {
    match range {
        None => signs(stimulus, rows, columns),
        Some(range) => integers(stimulus, rows, columns, range),
    }
}

pub fn inputs() -> Vec<ElementType> {
    vec![
        ElementType::Bipolar,
        ElementType::Unsigned { bits: 1 },
        ElementType::Unsigned { bits: 2 },
        ElementType::Unsigned { bits: 8 },
        ElementType::Signed { bits: 1 },
        ElementType::Signed { bits: 2 },
        ElementType::Signed { bits: 3 },
        ElementType::Signed { bits: 8 },
        ElementType::Signed { bits: 16 },
    ]
}

/// Every datapath that computes these weights.
pub fn forms(weights: &WeightMatrix) -> Vec<Form> {
    let range = WeightRange::of(&weights.values);
    let all = [Datapath::Products, Datapath::Planes, Datapath::Shifts, Datapath::Bipolar];
    all.into_iter().filter_map(|datapath| Form::new(datapath, range)).collect()
}

/// Those that have a weight 0.
pub fn forms_with_zero(weights: &WeightMatrix) -> Vec<Form> {
    forms(weights).into_iter().filter(Form::has_zero).collect()
}

/// The accumulators of a row, and what is made of them.
pub struct Function {
    pub steps: Vec<StepFunction<i64>>,
    pub output: Option<TensorType>,
    pub accumulator: ElementType,
}

impl Function {
    pub fn new(
        stimulus: &mut Stimulus,
        weights: &WeightMatrix,
        input: ElementType,
        output: Option<TensorType>,
    ) -> Self {
        let weight = weights.values.iter().map(|weight| i64::from(weight.abs())).max().unwrap();
        let most = weights.columns as i64 * weight.max(1) * input.minimum().abs().max(input.maximum());
        // Steps where sums of random terms lie.
        let range = if stimulus.chance(0.5) { (-most, most) } else { (-most / 4 - 1, most / 4 + 1) };
        let steps = output.map(|output| steps(stimulus, weights.rows, range, &output)).unwrap_or_default();
        Function { steps, output, accumulator: ElementType::holding(-most, most) }
    }

    pub fn row_function(&self) -> RowFunction<'_> {
        match &self.output {
            Some(output) => RowFunction::Steps(&self.steps, output),
            None => RowFunction::Accumulator(self.accumulator),
        }
    }

    pub fn element(&self) -> ElementType {
        self.output.map_or(self.accumulator, |output| output.element)
    }

    /// The code of the result of `row`.
    pub fn code(&self, row: usize, accumulator: i64) -> u64 {
        let value = if self.output.is_some() { self.steps[row].at(accumulator).into() } else { accumulator };
        self.element().encode(value)
    }
}

/// A word of codes; of padding, which stands for as many lanes, where they are `None`.
pub fn word(codes: Option<&[u64]>, count: usize, lanes: usize, bits: usize, padded: bool, unused: u64) -> Word {
    let mut word = match codes {
        Some(codes) => {
            let codes = codes.iter().copied().chain(std::iter::repeat(unused));
            Word::from_lanes(codes.take(lanes), bits)
        }
        None => Word::new(count as u64, lanes),
    };
    if padded {
        word = word.resized(lanes + 1).replace_bit(lanes, codes.is_none());
    }
    word
}
