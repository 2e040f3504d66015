//! Sums of two codes of different scales, each multiplied and rounded before they are added.
//!
//! Such a sum is no linear function of the codes `x` and `y`, but nearly so, and only its few codes count: factors `p` and
//! `q` are looked for by which `p · x + q · y` tells apart all pairs of codes that the kernel tells apart. They are the
//! first in the tree of fractions, on the way to the ratio of the scales, that do; the layer is then an addition and a
//! step function, both exact.

use crate::lower::LowerError;
use crate::lower::passes::{set_accumulator, sum_range};
use crate::lower::symbol::{Data, Origin};
use crate::lower::walk::Walk;
use crate::lower::walk::join::Operand;
use crate::lower::walk::layout::Extent;
use abi::{ElementType, StepFunction};
use network::graph::Node;
use network::kernel::{Sum, Term};
use network::network::{Add, LayerKind, TensorType};
use std::cmp::Ordering;

/// Greatest factor of a code.
const MAX_FACTOR: i64 = 1 << 12;
/// Most values that a code may have.
const MAX_CODES: i64 = 1 << 10;

/// An addition of two codes that tells apart what a kernel does.
#[derive(Debug, PartialEq)]
struct Addition {
    factors: [i64; 2],
    steps: StepFunction<i64>,
}

impl Walk<'_> {
    /// The layers of a kernel's sum.
    pub(super) fn kernel_sum(&mut self, node: &Node, sum: &Sum) -> Result<Data, LowerError> {
        let operands = self.operands(node)?;
        let [a, b] = operands.as_slice() else { unreachable!("the import gives a sum two inputs") };
        let mut tensors = [a.tensor, b.tensor];
        if Extent::of_shape(self.shape(node.inputs[0])).is_none() {
            tensors = tensors.map(|tensor| self.flat(&node.name, tensor));
        }
        let kinds = tensors.map(|tensor| self.tensors[tensor.0]);
        self.check_codes(node, [a, b], &kinds)?;
        if tensors[0] == tensors[1] {
            let pieces = kinds[0].values().map(|code| (code, sum.code(code, code) as i32));
            let steps = StepFunction::of_pieces(sum.code(kinds[0].minimum, kinds[0].minimum) as i32, pieces);
            return Ok(self.steps_of_codes(node, steps, tensors[0], a));
        }
        let addition = addition(sum, &kinds).ok_or_else(|| {
            self.unsupported(
                node,
                "add codes whose sums are told apart by small factors",
                format!("none up to {MAX_FACTOR} do so"),
                "give both operands of the addition scales that differ less",
            )
        })?;
        let add = Add { factors: addition.factors.map(|factor| vec![factor]).to_vec() };
        let mut output = TensorType { ..kinds[0] };
        set_accumulator(&mut output, sum_range(&add, &kinds));
        let total = self.add_layer(&node.name, LayerKind::Add(add), &tensors, output);
        Ok(self.steps_of_codes(node, addition.steps, total, a))
    }

    /// A layer that makes codes of a tensor's values, alike for all channels.
    fn steps_of_codes(
        &mut self,
        node: &Node,
        steps: StepFunction<i64>,
        source: network::network::TensorId,
        operand: &Operand,
    ) -> Data {
        let kind = self.tensors[source.0];
        let ends = || steps.values.iter().map(|value| i64::from(*value));
        let (minimum, maximum) = (ends().min().unwrap_or(0), ends().max().unwrap_or(0));
        let element = ElementType::holding(minimum, maximum);
        let output = TensorType { element, minimum, maximum, ..kind };
        let layer = LayerKind::MultiThreshold(vec![steps; kind.channels]);
        let codes = self.add_layer(&format!("{}_codes", node.name), layer, &[source], output);
        Data { order: operand.order.clone(), ..Data::of(Origin::Tensor(codes)) }
    }

    /// Checks that two operands are codes themselves, of one extent and in the same order.
    fn check_codes(&self, node: &Node, operands: [&Operand; 2], kinds: &[TensorType; 2]) -> Result<(), LowerError> {
        let [a, b] = operands;
        let is_order = a.order == b.order || (0..kinds[0].elements()).all(|e| a.position(e) == b.position(e));
        if Extent::of(&kinds[0]) != Extent::of(&kinds[1]) || !is_order {
            return Err(self.unsupported(
                node,
                "add values whose elements stand in the same order",
                "a Reshape, Flatten or Transpose on one branch mixes pixels and channels".into(),
                "move the reshaping behind the addition",
            ));
        }
        let is_one = |operand: &Operand| operand.factor.as_uniform().and_then(|factor| factor.as_integer()) == Some(1);
        for operand in operands {
            let is_code = is_one(operand) && self.is_zero(node, &operand.summand)?;
            let is_few = kinds.iter().all(|kind| kind.maximum - kind.minimum < MAX_CODES);
            if !is_code || !is_few {
                return Err(self.unsupported(
                    node,
                    "add codes of at most 10 bits",
                    "one operand is none".into(),
                    "put a quantiser before it",
                ));
            }
        }
        Ok(())
    }
}

/// The addition with the simplest factors for codes of two types, `None` where there is none.
fn addition(sum: &Sum, kinds: &[TensorType; 2]) -> Option<Addition> {
    let runs = Runs::of(sum, kinds);
    let [first, second] = &sum.terms;
    let sign = |term: &Term| if term.is_negative { -1 } else { 1 };
    let signs = [sign(first), sign(second)];
    let (mut low, mut high) = ((0i64, 1i64), (1i64, 0i64));
    loop {
        let (p, q) = (low.0 + high.0, low.1 + high.1);
        if p > MAX_FACTOR || q > MAX_FACTOR {
            return None;
        }
        let factors = [signs[0] * p, signs[1] * q];
        if let Some(steps) = runs.steps(factors) {
            return Some(Addition { factors, steps });
        }
        match compared(first, second, (p, q)) {
            Ordering::Less => high = (p, q),
            Ordering::Greater => low = (p, q),
            Ordering::Equal => return None,
        }
    }
}

/// How the ratio of two terms' factors compares with a fraction.
fn compared(first: &Term, second: &Term, (p, q): (i64, i64)) -> Ordering {
    // Factors have exponents from −31 to 1, as neither scale is more than half of twice the greater one.
    let scaled = |term: &Term, number: i64| {
        (i128::from(term.multiplier.significand) * i128::from(number)) << (term.multiplier.exponent.clamp(-31, 31) + 31)
    };
    scaled(first, q).cmp(&scaled(second, p))
}

/// All pairs of codes with what a kernel makes of them: runs of neighbouring `y` for each `x`.
struct Runs(Vec<Run>);

struct Run {
    code: i64,
    x: i64,
    /// First and last `y`.
    ends: [i64; 2],
}

impl Runs {
    fn of(sum: &Sum, kinds: &[TensorType; 2]) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        for x in kinds[0].values() {
            for y in kinds[1].values() {
                let code = sum.code(x, y);
                match runs.last_mut() {
                    Some(run) if run.x == x && run.code == code => run.ends[1] = y,
                    _ => runs.push(Run { code, x, ends: [y, y] }),
                }
            }
        }
        runs.sort_by_key(|run| run.code);
        Runs(runs)
    }

    /// The step function from `p · x + q · y` to codes, where the sums of each code are apart from those of all others.
    fn steps(&self, [p, q]: [i64; 2]) -> Option<StepFunction<i64>> {
        let mut pieces: Vec<(i64, i64)> = Vec::new();
        let mut greatest = i64::MIN;
        for runs in self.0.chunk_by(|a, b| a.code == b.code) {
            let sums = || runs.iter().flat_map(|run| run.ends.map(|y| p * run.x + q * y));
            let (least, last) = (sums().min()?, sums().max()?);
            if least <= greatest {
                return None;
            }
            greatest = last;
            pieces.push((least, runs[0].code));
        }
        let first = pieces.first()?.1 as i32;
        Some(StepFunction::of_pieces(first, pieces.into_iter().map(|(least, code)| (least, code as i32))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::fixed_point::Multiplier;
    use network::kernel::Codes;
    use proptest::prelude::*;

    fn sum(scales: [f32; 2], output: f32, zero_points: [i64; 3], is_difference: bool) -> Option<Sum> {
        let twice = f64::from(2.0 * scales[0].max(scales[1]));
        let term = |place: usize| {
            let multiplier = Multiplier::of(f64::from(scales[place]) / twice)?;
            Some(Term { zero_point: zero_points[place], multiplier, is_negative: place == 1 && is_difference })
        };
        let codes = Codes { zero_point: zero_points[2], minimum: -128, maximum: 127 };
        let multiplier = Multiplier::of(twice / f64::from(1048576.0 * output))?;
        Some(Sum { terms: [term(0)?, term(1)?], multiplier, codes })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn factors_tell_apart_what_the_kernel_does(
            scales in [0.001f32..1.0, 0.001f32..1.0],
            share in 0.1f32..2.0,
            zero_points in [-128i64..128, -128i64..128, -128i64..128],
            is_difference: bool,
        ) {
            let output = (scales[0] + scales[1]) * share;
            let sum = sum(scales, output, zero_points, is_difference).unwrap();
            let kinds = [TensorType::vector(1, ElementType::Signed { bits: 8 }); 2];
            if let Some(Addition { factors: [p, q], steps }) = addition(&sum, &kinds) {
                prop_assert!(steps.is_well_formed());
                for (x, y) in (-128..128).flat_map(|x| (-128..128).map(move |y| (x, y))) {
                    prop_assert_eq!(i64::from(steps.at(p * x + q * y)), sum.code(x, y), "{} {}", x, y);
                }
            } else {
                prop_assert!(false, "no factors for {scales:?}");
            }
        }
    }

    #[test]
    fn equal_scales_need_no_factors() {
        let kinds = [TensorType::vector(1, ElementType::Signed { bits: 8 }); 2];
        let factors =
            |difference| addition(&sum([0.1; 2], 0.2, [3, 4, 5], difference).unwrap(), &kinds).unwrap().factors;
        assert_eq!([factors(false), factors(true)], [[1, 1], [1, -1]]);
    }
}
