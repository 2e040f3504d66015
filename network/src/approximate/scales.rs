//! Sums of quantised values with unrelated scales that a dot product reads: binary bases of activations (ABC-Net, HORQ),
//! levels that are not evenly spaced (HWGQ). Both scales become integers times a common one.
//!
//! Sums whose result goes through a quantiser need no such scale: lowering finds their steps exactly.

use crate::graph::{Approximation, ApproximationKind, Edit, Graph, Node, Operator, ValueId};
use crate::grid::{FITTED_STEPS, greatest};
use crate::reference::{Evaluator, ReferenceError};
use crate::shared_list::SharedList;
use crate::tensor::Tensor;

/// Greatest integer of a ratio of scales that needs no change.
const MAX_FACTOR: u32 = 1 << 12;

/// The distance of a value's integers: a product of numbers and reciprocals of numbers of the graph; and how great the value
/// is at most.
#[derive(Clone, Debug)]
struct Scale {
    factors: SharedList<Factor>,
    /// Their product, in their order.
    value: f64,
    greatest: f64,
}

#[derive(Clone, Copy, Debug)]
enum Factor {
    Times(f64),
    Over(f64),
}

impl Factor {
    fn apply(self, number: f64) -> f64 {
        match self {
            Factor::Times(factor) => number * factor,
            Factor::Over(factor) => number / factor,
        }
    }
}

impl Scale {
    /// That of integers up to `greatest` in magnitude, times `factor`.
    fn of(factor: f64, greatest: f64) -> Scale {
        Scale { factors: [Factor::Times(factor)].into(), value: factor, greatest: greatest * factor.abs() }
    }

    fn then(mut self, factor: Factor) -> Scale {
        self.greatest = factor.apply(self.greatest).abs();
        self.value = factor.apply(self.value);
        self.factors.push(factor);
        self
    }

    fn shifted(mut self, offset: f64) -> Scale {
        self.greatest += offset;
        self
    }
}

/// The scales of operands made simple multiples of each other.
pub(super) fn approximate(graph: Graph) -> Result<Graph, ReferenceError> {
    let evaluator = Evaluator::new(&graph)?;
    let constants: Vec<Option<Constants>> =
        (0..graph.values.len()).map(|id| evaluator.constant(ValueId(id)).map(Constants::of)).collect();
    drop(evaluator);
    let read_by_dots = read_by_dots(&graph, &constants);
    let scales = vec![None; graph.values.len()];
    let (edit, nodes) = Edit::taking(graph);
    let mut pass = Pass { edit, constants, scales, changes: Vec::new() };
    for node in nodes {
        pass.node(node, &read_by_dots);
    }
    let mut graph = pass.edit.finish();
    graph.approximations.extend(pass.changes);
    Ok(graph)
}

/// For each value whether a dot product reads it as it is: through nothing but scales, offsets and layout.
fn read_by_dots(graph: &Graph, constants: &[Option<Constants>]) -> Vec<bool> {
    let is_constant = |id: &ValueId| constants[id.0].is_some();
    let mut found = vec![false; graph.values.len()];
    for node in graph.nodes.iter().rev() {
        let passes_on = match &node.operator {
            Operator::Conv { .. } | Operator::MatMul | Operator::Gemm { .. } | Operator::AveragePool { .. } => true,
            Operator::Div if is_constant(&node.inputs[0]) => false,
            operator if keeps_scale(operator) => node.outputs.iter().any(|output| found[output.0]),
            Operator::Concat { .. } => node.outputs.iter().any(|output| found[output.0]),
            _ => false,
        };
        if passes_on {
            node.inputs.iter().for_each(|input| found[input.0] = true);
        }
    }
    found
}

/// Whether an operator's integers are those of its data, perhaps with another scale and offset.
fn keeps_scale(operator: &Operator) -> bool {
    matches!(
        operator,
        Operator::Add
            | Operator::Sub
            | Operator::Mul
            | Operator::Div
            | Operator::Neg
            | Operator::Reshape
            | Operator::Transpose { .. }
            | Operator::MaxPool { .. }
            | Operator::Pad { .. }
            | Operator::Upsample { .. }
            | Operator::Select { .. }
            | Operator::Dilate { .. }
    )
}

/// What counts of a constant tensor.
#[derive(Clone, Copy, Debug)]
struct Constants {
    /// Its number, where it is one.
    scalar: Option<f64>,
    /// The greatest magnitude.
    greatest: f64,
}

impl Constants {
    fn of(tensor: &Tensor) -> Constants {
        Constants { scalar: tensor.as_scalar(), greatest: greatest(&tensor.data) }
    }
}

struct Pass {
    edit: Edit,
    /// Of the values that the graph had.
    constants: Vec<Option<Constants>>,
    scales: Vec<Option<Scale>>,
    changes: Vec<Approximation>,
}

impl Pass {
    fn node(&mut self, mut node: Node, read_by_dots: &[bool]) {
        let output = node.outputs[0];
        let constant = |id: &ValueId| self.constants[id.0];
        let scalar = |id: &ValueId| constant(id).and_then(|constants| constants.scalar);
        let scale = match (&node.operator, node.inputs.as_slice()) {
            (Operator::BipolarQuant, [x, scale]) if constant(x).is_none() => {
                scalar(scale).map(|scale| Scale::of(scale, 1.0))
            }
            (Operator::Quant { signed, .. }, [x, scale, zero_point, bits]) if constant(x).is_none() => {
                let codes = scalar(bits).map(|bits| (bits - f64::from(u8::from(*signed))).exp2());
                let offset = constant(zero_point).map_or(0.0, |zero_point| zero_point.greatest);
                scalar(scale).zip(codes).map(|(scale, codes)| Scale::of(scale, codes + offset))
            }
            (Operator::MultiThreshold { out_scale, out_bias, .. }, [_, thresholds]) => {
                let levels = self.edit.read(*thresholds).shape[1] as f64;
                Some(Scale::of(*out_scale, levels).shifted(out_bias.abs()))
            }
            (Operator::QuantizeLinear { minimum, maximum }, _) => {
                Some(Scale::of(1.0, minimum.unsigned_abs().max(maximum.unsigned_abs()) as f64))
            }
            (Operator::Add | Operator::Sub, [a, b]) => match (constant(a), constant(b)) {
                (None, None) => self.sum(&mut node, read_by_dots[output.0]),
                (Some(offset), _) => self.scales[b.0].clone().map(|scale| scale.shifted(offset.greatest)),
                (None, Some(offset)) => self.scales[a.0].clone().map(|scale| scale.shifted(offset.greatest)),
            },
            (Operator::Mul, [a, b]) => match (scalar(a), scalar(b)) {
                (Some(number), None) => self.scaled(*b, Factor::Times(number)),
                (None, Some(number)) => self.scaled(*a, Factor::Times(number)),
                _ => None,
            },
            (Operator::Div, [a, b]) => scalar(b).and_then(|number| self.scaled(*a, Factor::Over(number))),
            (Operator::Neg, [x]) => self.scaled(*x, Factor::Times(-1.0)),
            (operator, [x, ..]) if keeps_scale(operator) => self.scales[x.0].clone(),
            _ => None,
        };
        self.scales[output.0] = scale.filter(|scale| scale.value.is_finite() && scale.value != 0.0);
        self.edit.keep(node);
    }

    fn scaled(&self, value: ValueId, factor: Factor) -> Option<Scale> {
        self.scales[value.0].clone().map(|scale| scale.then(factor))
    }

    /// The scale of a sum, whose operands get scales that are simple multiples of each other where dot products read it.
    fn sum(&mut self, node: &mut Node, is_read_by_dots: bool) -> Option<Scale> {
        let scales = [self.scales[node.inputs[0].0].clone()?, self.scales[node.inputs[1].0].clone()?];
        let values = [scales[0].value, scales[1].value];
        let spans = [scales[0].greatest, scales[1].greatest];
        let greatest = spans[0] + spans[1];
        if let Some(q) = small_divisor(values[0] / values[1]) {
            // The operands are integers times this.
            let unit = scales[1].clone().then(Factor::Over(f64::from(q)));
            return Some(Scale { greatest, ..unit });
        }
        if !is_read_by_dots {
            return None;
        }
        let (factors, unit) = fitted(values.map(f64::abs), spans)?;
        let after = [0, 1].map(|index| (f64::from(factors[index]) * unit).copysign(values[index]));
        for index in 0..2 {
            node.inputs[index] = self.rescaled(node.inputs[index], &scales[index], after[index], &node.name, index);
        }
        let format = format!("integers up to {} times a scale", factors[0].max(factors[1]));
        // Told of the values that the operands reach, which need not be of one size.
        let reached = [0, 1].map(|index| after[index] / values[index] * spans[index]);
        let kind = ApproximationKind::Scales;
        self.changes.extend(Approximation::between(&node.name, kind, format, &spans, &reached));
        Some(Scale { factors: [Factor::Times(unit)].into(), value: unit, greatest })
    }

    /// `value` with the scale `after` in place of `scale`: divided by the one, so that integers are left, times the other.
    fn rescaled(&mut self, value: ValueId, scale: &Scale, after: f64, name: &str, index: usize) -> ValueId {
        let inverse = scale.factors.backwards().map(|factor| match factor {
            Factor::Times(number) => (Operator::Div, *number),
            Factor::Over(number) => (Operator::Mul, *number),
        });
        let shape = self.edit.read(value).shape.clone();
        inverse.chain([(Operator::Mul, after)]).enumerate().fold(value, |value, (step, (operator, number))| {
            let name = format!("{name}_scale_{index}_{step}");
            let factor = self.edit.constant(format!("{name}_factor"), Tensor::scalar(number));
            self.edit.node(&name, operator, vec![value, factor], shape.clone())
        })
    }
}

/// The least integer that makes a small integer of a ratio, `None` where there is none.
fn small_divisor(ratio: f64) -> Option<u32> {
    let magnitude = ratio.abs();
    (1..=MAX_FACTOR).find(|q| {
        let p = magnitude * f64::from(*q);
        // Beyond the rounding of the product that a scale is.
        (p - p.round()).abs() <= p * 16.0 * f64::EPSILON && p.round() <= f64::from(MAX_FACTOR)
    })
}

/// The least integers, and what they are times, that come as near to two scales that the sum of the operands, which reach
/// `spans`, is off by at most half a step of [`FITTED_STEPS`]; `None` where none up to [`MAX_FACTOR`] do.
fn fitted(scales: [f64; 2], spans: [f64; 2]) -> Option<([u32; 2], f64)> {
    let near = (spans[0] + spans[1]) / f64::from(2 * FITTED_STEPS);
    let greatest = scales[0].max(scales[1]);
    let integers = |steps: u32| scales.map(|scale| (scale * f64::from(steps) / greatest).round() as u32);
    let candidate = |steps: u32| {
        let factors = integers(steps);
        // The unit with the least square error of what the operands reach.
        let share = [0, 1].map(|index| f64::from(factors[index]) / scales[index] * spans[index]);
        let squares = share[0] * share[0] + share[1] * share[1];
        let unit = f64::from(((share[0] * spans[0] + share[1] * spans[1]) / squares) as f32);
        let off = |index: usize| (f64::from(factors[index]) * unit / scales[index] - 1.0).abs() * spans[index];
        (!factors.contains(&0) && off(0) + off(1) <= near).then_some((factors, unit))
    };
    (1..=MAX_FACTOR).find_map(candidate)
}
