//! Finds the steps of a quantised chain by evaluating it: `docs/design/lowering.md`.
//!
//! No algebra on scales, normalisation or signs: the chain is asked for its code at chosen arguments until every
//! place where the code changes is known. A monotone chain is searched by bisection, others one by one.

use super::arithmetic::Fault;
use super::chain::QuantisedChain;
use crate::chip::number::greatest_common_divisor;
use abi::StepFunction;
use network::network::TensorType;

/// Arguments that an accumulator can have: `first`, `first + step`, … `count` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lattice {
    /// Least argument.
    pub first: i64,
    /// Distance of neighbours, at least 1.
    pub step: i64,
    /// Number of arguments, at least 1.
    pub count: u64,
}

impl Lattice {
    /// The values of a tensor's elements.
    pub fn of(tensor: &TensorType) -> Self {
        let step = tensor.element.step();
        Lattice { first: tensor.minimum, step, count: ((tensor.maximum - tensor.minimum) / step) as u64 + 1 }
    }

    /// The sums of one value of each lattice times its factor.
    pub fn sum(terms: &[(i64, Lattice)]) -> Self {
        let ends = |(factor, lattice): &(i64, Lattice)| (factor * lattice.first, factor * lattice.last());
        let (first, last) =
            terms.iter().map(ends).fold((0, 0), |(first, last), (a, b)| (first + a.min(b), last + a.max(b)));
        let spacing = |(factor, lattice): &(i64, Lattice)| {
            let moves = *factor != 0 && lattice.count > 1;
            if moves { (factor * lattice.step).unsigned_abs() as usize } else { 0 }
        };
        let step = terms.iter().map(spacing).fold(0, greatest_common_divisor).max(1) as i64;
        Lattice { first, step, count: ((last - first) / step) as u64 + 1 }
    }

    /// The least lattice that holds the arguments of both.
    pub fn with(self, other: Lattice) -> Lattice {
        let (first, last) = (self.first.min(other.first), self.last().max(other.last()));
        let spacing = |lattice: Lattice| if lattice.count > 1 { lattice.step } else { 0 };
        let numbers = [spacing(self), spacing(other), (self.first - other.first).abs()];
        let step = numbers.into_iter().map(|number| number as usize).fold(0, greatest_common_divisor).max(1) as i64;
        Lattice { first, step, count: ((last - first) / step) as u64 + 1 }
    }

    /// The argument at `index`.
    pub fn at(&self, index: u64) -> i64 {
        self.first + self.step * index as i64
    }

    /// The greatest argument.
    pub fn last(&self) -> i64 {
        self.at(self.count - 1)
    }
}

/// Most times that a chain which is not monotone is asked.
pub const MOST_QUESTIONS: u64 = 1 << 20;

/// Why steps were not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepsFault {
    /// The chain has no value somewhere.
    Chain(Fault),
    /// The chain is not monotone, and [`MOST_QUESTIONS`] do not tell all of its codes; or its arguments are floats.
    TooManyArguments,
}

/// The step function that `chain` is on `lattice`: each boundary is the least argument of the lattice with the
/// new code.
///
/// # Errors
/// Where the chain has no value, or cannot be searched.
pub fn find_steps(chain: &QuantisedChain, lattice: Lattice) -> Result<StepFunction<i64>, StepsFault> {
    let code = |index: u64| chain.code(lattice.at(index) as f64);
    let pieces = if chain.is_monotone() {
        bisect(code, lattice.count).map_err(StepsFault::Chain)?
    } else {
        let between = |low: u64, high: u64| chain.code_between(lattice.at(low) as f64, lattice.at(high) as f64);
        divide(code, between, lattice.count)?
    };
    Ok(step_function(pieces, |index| lattice.at(index)))
}

/// The step function that `chain` is on the finite float32 numbers, in float32, node by node. Every operation with a
/// constant keeps its direction when its result is rounded.
///
/// # Errors
/// Where the chain has no value, or is not monotone.
pub fn find_input_steps(chain: &QuantisedChain) -> Result<StepFunction<f32>, StepsFault> {
    if !chain.is_monotone() {
        return Err(StepsFault::TooManyArguments);
    }
    let count = u64::from(2 * FINITE_MAGNITUDES);
    let pieces = bisect(|index| chain.float_code(f64::from(float_at(index))), count).map_err(StepsFault::Chain)?;
    Ok(step_function(pieces, float_at))
}

/// Number of finite float32 magnitudes: bit patterns below that of infinity.
const FINITE_MAGNITUDES: u32 = 0x7f80_0000;

/// The finite float32 numbers in ascending order; −0 comes just before +0.
fn float_at(index: u64) -> f32 {
    let index = index as u32;
    if index < FINITE_MAGNITUDES {
        -f32::from_bits(FINITE_MAGNITUDES - 1 - index)
    } else {
        f32::from_bits(index - FINITE_MAGNITUDES)
    }
}

/// First indices of the pieces with their codes.
type Pieces = Vec<(u64, i64)>;

fn bisect(code: impl Fn(u64) -> Result<i64, Fault>, count: u64) -> Result<Pieces, Fault> {
    let mut pieces = vec![(0, code(0)?)];
    let mut open = vec![(0, pieces[0].1, count - 1, code(count - 1)?)];
    while let Some((low, low_code, high, high_code)) = open.pop() {
        if low_code == high_code {
            continue;
        }
        if high - low == 1 {
            pieces.push((high, high_code));
            continue;
        }
        let middle = low + (high - low) / 2;
        let middle_code = code(middle)?;
        open.push((middle, middle_code, high, high_code));
        open.push((low, low_code, middle, middle_code));
    }
    Ok(pieces)
}

/// The pieces of a function that may turn: intervals, halved until each is known to have one code.
fn divide(
    code: impl Fn(u64) -> Result<i64, Fault>,
    between: impl Fn(u64, u64) -> Option<i64>,
    count: u64,
) -> Result<Pieces, StepsFault> {
    let mut pieces: Pieces = Vec::new();
    let mut open = vec![(0, count - 1)];
    let mut questions = 0;
    while let Some((low, high)) = open.pop() {
        questions += 1;
        if questions > MOST_QUESTIONS {
            return Err(StepsFault::TooManyArguments);
        }
        let found = match low == high {
            true => Some(code(low).map_err(StepsFault::Chain)?),
            false => between(low, high),
        };
        match found {
            Some(found) if pieces.last().is_none_or(|(_, last)| *last != found) => pieces.push((low, found)),
            Some(_) => {}
            None => {
                let middle = low + (high - low) / 2;
                open.push((middle + 1, high));
                open.push((low, middle));
            }
        }
    }
    Ok(pieces)
}

fn step_function<T>(pieces: Pieces, at: impl Fn(u64) -> T) -> StepFunction<T> {
    StepFunction {
        boundaries: pieces[1..].iter().map(|(index, _)| at(*index)).collect(),
        values: pieces.iter().map(|(_, code)| *code as i32).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::chain::{Binary, Constant, Function, Quantiser};
    use super::*;
    use proptest::prelude::*;

    fn float(value: f32) -> Constant {
        Constant::Float(f64::from(value))
    }

    fn normalisation(scale: f32, bias: f32, mean: f32, variance: f32) -> Vec<Function> {
        let deviation = float(variance).binary(Binary::Add, float(1e-5)).square_root();
        vec![
            Function::Binary(Binary::Subtract, float(mean)),
            Function::Binary(Binary::Divide, deviation),
            Function::Binary(Binary::Multiply, float(scale)),
            Function::Binary(Binary::Add, float(bias)),
        ]
    }

    proptest! {
        #[test]
        fn bisection_finds_what_enumeration_finds(
            scale in prop_oneof![Just(0f32), -3f32..3.0],
            bias in prop_oneof![Just(0f32), -3f32..3.0],
            mean in (-20i32..20).prop_map(|mean| mean as f32 / 2.0),
            variance in 0f32..9.0,
            first in -40i64..0,
            step in 1i64..3,
            count in 1u64..60,
            levels in 0i64..4,
        ) {
            let quantiser = if levels == 0 {
                Quantiser::Bipolar
            } else {
                Quantiser::Uniform {
                    scale: float(0.25),
                    zero_point: float(0.0),
                    minimum: -levels,
                    maximum: levels,
                    rounding: network::graph::RoundingMode::HalfEven,
                }
            };
            let chain = QuantisedChain { functions: normalisation(scale, bias, mean, variance), quantiser };
            let lattice = Lattice { first, step, count };
            let steps = find_steps(&chain, lattice).map_err(|f| TestCaseError::fail(format!("{f:?}")))?;
            prop_assert!(steps.is_well_formed());
            for index in 0..count {
                let x = lattice.at(index);
                prop_assert_eq!(Ok(i64::from(steps.at(x))), chain.code(x as f64));
            }
        }
    }

    #[test]
    fn lattices_are_joined() {
        let lattice = |first, step, count| Lattice { first, step, count };
        assert_eq!(lattice(0, 4, 3).with(lattice(2, 4, 1)), lattice(0, 2, 5));
        assert_eq!(lattice(-3, 6, 3).with(lattice(3, 6, 1)), lattice(-3, 6, 3));
        assert_eq!(lattice(5, 1, 1).with(lattice(5, 9, 1)), lattice(5, 1, 1));
    }

    #[test]
    fn turning_chains_are_found_by_intervals() {
        // x · min(max(x / 64 + 1/2, 0), 1), which falls and rises again.
        let gate = vec![
            Function::Binary(Binary::Multiply, float(1.0 / 64.0)),
            Function::Binary(Binary::Add, float(0.5)),
            Function::Clip(0.0, 1.0),
        ];
        let functions = vec![
            Function::Binary(Binary::Multiply, float(0.25)),
            Function::Fork(Binary::Multiply, std::sync::Arc::new([vec![], gate])),
        ];
        let quantiser = Quantiser::Uniform {
            scale: float(1.0),
            zero_point: float(0.0),
            minimum: -128,
            maximum: 127,
            rounding: network::graph::RoundingMode::HalfEven,
        };
        let chain = QuantisedChain { functions, quantiser };
        assert!(!chain.is_monotone());
        let lattice = Lattice { first: -400, step: 2, count: 401 };
        let steps = find_steps(&chain, lattice).unwrap();
        for index in 0..lattice.count {
            let x = lattice.at(index);
            assert_eq!(Ok(i64::from(steps.at(x))), chain.code(x as f64), "{x}");
        }
        let wide = Lattice { first: -(1 << 30), step: 1, count: 1 << 31 };
        let steps = find_steps(&chain, wide).unwrap();
        assert_eq!((steps.at(-(1 << 30)), steps.at(-64), steps.at(1 << 30)), (0, -4, 127));
    }

    #[test]
    fn input_steps_sit_on_the_first_float_that_fires() {
        let chain = QuantisedChain {
            functions: vec![Function::Binary(Binary::Subtract, float(0.1))],
            quantiser: Quantiser::Bipolar,
        };
        let steps = find_input_steps(&chain).unwrap();
        assert_eq!(steps.boundaries, vec![0.1f32]);
        assert_eq!(steps.values, vec![-1, 1]);
    }

    #[test]
    fn a_tie_that_float32_computes_exactly_is_not_sensitive() {
        let exact = QuantisedChain { functions: vec![], quantiser: Quantiser::Bipolar };
        assert!(!exact.is_sensitive(0.0));
        let rounded = QuantisedChain {
            functions: vec![
                Function::Binary(Binary::Multiply, float(0.1)),
                Function::Binary(Binary::Subtract, float(0.3)),
            ],
            quantiser: Quantiser::Bipolar,
        };
        assert!(rounded.is_sensitive(3.0));
        assert!(!rounded.is_sensitive(4.0));
    }
}
