//! Sums of quantised values with unrelated scales that a dot product reads: binary bases of activations (ABC-Net, HORQ),
//! levels that are not evenly spaced (HWGQ). Both scales become integers times a common one.
//!
//! Sums whose result goes through a quantiser need no such scale: lowering finds their steps exactly.

use super::add_constant;
use crate::graph::{Approximation, ApproximationKind, Graph, Node, NodeId, Operator, Source, Value, ValueId};
use crate::grid::FittedGrid;
use crate::reference::{Evaluator, ReferenceError};
use crate::tensor::Tensor;

/// Greatest integer of a ratio of scales that needs no change.
const GREATEST_FACTOR: u32 = 1 << 12;

/// The distance of a value's integers: a product of numbers and reciprocals of numbers of the graph.
#[derive(Clone, Debug)]
struct Scale(Vec<Factor>);

#[derive(Clone, Copy, Debug)]
enum Factor {
    Times(f64),
    Over(f64),
}

impl Scale {
    fn of(factor: f64) -> Scale {
        Scale(vec![Factor::Times(factor)])
    }

    fn then(mut self, factor: Factor) -> Scale {
        self.0.push(factor);
        self
    }

    fn value(&self) -> f64 {
        self.0.iter().fold(1.0, |product, factor| match factor {
            Factor::Times(number) => product * number,
            Factor::Over(number) => product / number,
        })
    }
}

/// The scales of operands made simple multiples of each other.
pub(super) fn approximate(graph: Graph) -> Result<Graph, ReferenceError> {
    let evaluator = Evaluator::new(&graph)?;
    let constant = |id: ValueId| evaluator.constant(id).map(|tensor| (tensor.as_scalar(), ()));
    let scalars: Vec<Option<Option<f64>>> =
        (0..graph.values.len()).map(|id| constant(ValueId(id)).map(|(scalar, ())| scalar)).collect();
    drop(evaluator);
    let read_by_dots = read_by_dots(&graph, &scalars);
    let mut pass = Pass { scales: vec![None; graph.values.len()], graph, scalars, nodes: Vec::new() };
    for node in std::mem::take(&mut pass.graph.nodes) {
        pass.node(node, &read_by_dots);
    }
    pass.graph.nodes = pass.nodes;
    Ok(pass.graph)
}

/// For each value whether a dot product reads it as it is: through nothing but scales, offsets and layout.
fn read_by_dots(graph: &Graph, scalars: &[Option<Option<f64>>]) -> Vec<bool> {
    let is_constant = |id: &ValueId| scalars[id.0].is_some();
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
    )
}

struct Pass {
    graph: Graph,
    /// For constants the number that they are, if they are one.
    scalars: Vec<Option<Option<f64>>>,
    scales: Vec<Option<Scale>>,
    nodes: Vec<Node>,
}

impl Pass {
    fn node(&mut self, mut node: Node, read_by_dots: &[bool]) {
        let output = node.outputs[0];
        let scale = match (&node.operator, node.inputs.as_slice()) {
            (Operator::BipolarQuant | Operator::Quant { .. }, [x, scale, ..]) if self.scalars[x.0].is_none() => {
                self.scalars[scale.0].flatten().map(Scale::of)
            }
            (Operator::MultiThreshold { out_scale, .. }, _) => Some(Scale::of(*out_scale)),
            (Operator::QuantizeLinear { .. }, _) => Some(Scale::of(1.0)),
            (Operator::Add | Operator::Sub, [a, b]) => match (self.scalars[a.0], self.scalars[b.0]) {
                (None, None) => self.sum(&mut node, read_by_dots[output.0]),
                (Some(_), _) => self.scales[b.0].clone(),
                (None, Some(_)) => self.scales[a.0].clone(),
            },
            (Operator::Mul, [a, b]) => match (self.scalars[a.0], self.scalars[b.0]) {
                (Some(Some(number)), None) => self.scaled(*b, Factor::Times(number)),
                (None, Some(Some(number))) => self.scaled(*a, Factor::Times(number)),
                _ => None,
            },
            (Operator::Div, [a, b]) => {
                self.scalars[b.0].flatten().and_then(|number| self.scaled(*a, Factor::Over(number)))
            }
            (Operator::Neg, [x]) => self.scaled(*x, Factor::Times(-1.0)),
            (operator, [x, ..]) if keeps_scale(operator) => self.scales[x.0].clone(),
            _ => None,
        };
        self.scales[output.0] = scale.filter(|scale| scale.value().is_finite() && scale.value() != 0.0);
        self.push(node);
    }

    fn scaled(&self, value: ValueId, factor: Factor) -> Option<Scale> {
        self.scales[value.0].clone().map(|scale| scale.then(factor))
    }

    fn push(&mut self, node: Node) {
        for output in &node.outputs {
            self.graph.values[output.0].source = Source::Node(NodeId(self.nodes.len()));
        }
        self.nodes.push(node);
    }

    /// The scale of a sum, whose operands get scales that are simple multiples of each other where dot products read it.
    fn sum(&mut self, node: &mut Node, is_read_by_dots: bool) -> Option<Scale> {
        let scales = [self.scales[node.inputs[0].0].clone()?, self.scales[node.inputs[1].0].clone()?];
        let values = [scales[0].value(), scales[1].value()];
        if let Some([p, q]) = small_ratio(values[0] / values[1]) {
            // The operands are p and q times this.
            return Some(scales[usize::from(q != 0)].clone().then(Factor::Over(f64::from(if q != 0 { q } else { p }))));
        }
        if !is_read_by_dots {
            return None;
        }
        let magnitudes = values.map(f64::abs);
        let grid = FittedGrid::new(&magnitudes, &[1, 1]);
        if grid.integers.contains(&0) {
            return None;
        }
        let becomes = |index: usize| (f64::from(grid.integers[index]) * grid.scale).copysign(values[index]);
        let after = [becomes(0), becomes(1)];
        for index in 0..2 {
            node.inputs[index] = self.rescaled(node.inputs[index], &scales[index], after[index], &node.name, index);
        }
        let greatest = grid.integers.iter().max().copied().unwrap_or(0);
        let format = format!("integers up to {greatest} times a scale");
        let kind = ApproximationKind::Scales;
        self.graph.approximations.extend(Approximation::between(&node.name, kind, format, &values, &after));
        Some(Scale::of(grid.scale))
    }

    /// `value` with the scale `after` in place of `scale`: divided by the one, so that integers are left, times the other.
    fn rescaled(&mut self, value: ValueId, scale: &Scale, after: f64, name: &str, index: usize) -> ValueId {
        let inverse = scale.0.iter().rev().map(|factor| match factor {
            Factor::Times(number) => (Operator::Div, *number),
            Factor::Over(number) => (Operator::Mul, *number),
        });
        let mut value = value;
        for (step, (operator, number)) in inverse.chain([(Operator::Mul, after)]).enumerate() {
            let name = format!("{name}_scale_{index}_{step}");
            let factor = add_constant(&mut self.graph, format!("{name}_factor"), Tensor::scalar(number));
            let shape = self.graph.value(value).shape.clone();
            let result = Value { name: name.clone(), shape, source: Source::Input, is_integer: false };
            self.graph.values.push(result);
            let output = ValueId(self.graph.values.len() - 1);
            self.push(Node { name, operator, inputs: vec![value, factor], outputs: vec![output] });
            value = output;
        }
        self.scales.resize(self.graph.values.len(), None);
        self.scalars.resize(self.graph.values.len(), None);
        value
    }
}

/// The ratio as a fraction of small integers, `None` where it is none.
fn small_ratio(ratio: f64) -> Option<[i32; 2]> {
    let magnitude = ratio.abs();
    (1..=GREATEST_FACTOR).find_map(|q| {
        let p = magnitude * f64::from(q);
        // Beyond the rounding of the product that a scale is.
        let is_integer = (p - p.round()).abs() <= p * 16.0 * f64::EPSILON;
        (is_integer && p.round() <= f64::from(GREATEST_FACTOR)).then_some([p.round() as i32, q as i32])
    })
}
