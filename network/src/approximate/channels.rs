//! Data with one scale for each channel, such as quantisers with `scaling_per_output_channel` and concatenations of branches
//! leave, that a dot product sums: the scales become integers times a common one, where neither weights nor data can take
//! them in as they are. A depthwise convolution reads one channel for each output, whatever their scales are.

use crate::graph::{Approximation, ApproximationKind, Edit, Graph, Node, NodeId, Operator, ValueId};
use crate::grid::{
    FITTED_STEPS, FittedGrid, WIDEST_DATA, greatest, greatest_common_step, is_exact_product, is_on_grid,
};
use crate::quantize::model::{DotProduct, dot_products};
use crate::reference::{Evaluator, ReferenceError};
use crate::tensor::Tensor;
use std::collections::HashMap;

/// A product or quotient with one number, or with one for each channel.
#[derive(Clone, Debug, PartialEq)]
enum Factor {
    Times(Vec<f64>),
    Over(Vec<f64>),
}

impl Factor {
    fn numbers(&self) -> &[f64] {
        match self {
            Factor::Times(numbers) | Factor::Over(numbers) => numbers,
        }
    }

    fn with(&self, numbers: Vec<f64>) -> Factor {
        match self {
            Factor::Times(_) => Factor::Times(numbers),
            Factor::Over(_) => Factor::Over(numbers),
        }
    }
}

/// What a value's integers are times: factors in their order. Channels are axis 1.
#[derive(Clone, Debug, PartialEq)]
struct Scales {
    factors: Vec<Factor>,
    /// The greatest magnitude of the integers.
    codes: f64,
}

impl Scales {
    fn of(numbers: Vec<f64>, codes: f64) -> Scales {
        Scales { factors: vec![Factor::Times(numbers)], codes }
    }

    fn then(mut self, factor: Factor) -> Scales {
        self.factors.push(factor);
        self
    }

    /// Those of some channels, in their order.
    fn selected(self, channels: &[usize]) -> Scales {
        let of = |factor: &Factor| match factor.numbers() {
            [number] => factor.with(vec![*number]),
            numbers => factor.with(channels.iter().map(|channel| numbers[*channel]).collect()),
        };
        Scales { factors: self.factors.iter().map(of).collect(), codes: self.codes }
    }

    fn is_uniform(&self) -> bool {
        self.factors.iter().all(|factor| factor.numbers().len() == 1)
    }

    /// The product of all factors, for each of so many channels.
    fn values(&self, channels: usize) -> Vec<f64> {
        let at = |numbers: &[f64], channel: usize| numbers[channel % numbers.len()];
        let value = |channel: usize| {
            self.factors.iter().fold(1.0, |value, factor| match factor {
                Factor::Times(numbers) => value * at(numbers, channel),
                Factor::Over(numbers) => value / at(numbers, channel),
            })
        };
        (0..channels).map(value).collect()
    }

    /// With each number of a channel so many times in a row.
    fn repeated(mut self, times: usize) -> Scales {
        for factor in &mut self.factors {
            if factor.numbers().len() > 1 {
                let numbers = factor.numbers().iter().flat_map(|number| vec![*number; times]).collect();
                *factor = factor.with(numbers);
            }
        }
        self
    }
}

/// The scales of channels made integers times one, where a dot product needs it.
pub(super) fn approximate(graph: Graph) -> Result<Graph, ReferenceError> {
    let evaluator = Evaluator::new(&graph)?;
    let scales = found_scales(&graph, &evaluator);
    let mut fitted: HashMap<NodeId, (DotProduct, Vec<f64>, u32)> = HashMap::new();
    for dot in dot_products(&graph, &evaluator) {
        let Some(own) = &scales[dot.data.0] else { continue };
        if let Some((after, steps)) = fit(&graph, &dot, own) {
            fitted.insert(dot.node, (dot, after, steps));
        }
    }
    drop(evaluator);
    if fitted.is_empty() {
        return Ok(graph);
    }
    let (mut edit, nodes) = Edit::taking(graph);
    let mut changes = Vec::new();
    for (index, mut node) in nodes.into_iter().enumerate() {
        if let Some((dot, after, steps)) = fitted.remove(&NodeId(index))
            && let Some(own) = &scales[dot.data.0]
        {
            let before = own.values(after.len());
            let format = format!("integers up to {steps} times a scale");
            changes.extend(Approximation::between(&node.name, ApproximationKind::Channels, format, &before, &after));
            node.inputs[1 - dot.operand] = rescaled(&mut edit, &node, dot.data, own, after);
        }
        edit.keep(node);
    }
    let mut graph = edit.finish();
    graph.approximations.extend(changes);
    Ok(graph)
}

/// `value` with the scales `after` in place of `scales`: divided by the ones, so that integers are left, times the others.
fn rescaled(edit: &mut Edit, node: &Node, value: ValueId, scales: &Scales, after: Vec<f64>) -> ValueId {
    let shape = edit.read(value).shape.clone();
    let inverse = scales.factors.iter().rev().map(|factor| match factor {
        Factor::Times(numbers) => (Operator::Div, numbers.clone()),
        Factor::Over(numbers) => (Operator::Mul, numbers.clone()),
    });
    inverse.chain([(Operator::Mul, after)]).enumerate().fold(value, |value, (step, (operator, numbers))| {
        let name = format!("{}_channel_scales_{step}", node.name);
        let mut own = vec![1; shape.len()];
        own[1] = numbers.len();
        let factor = edit.constant(format!("{name}_factor"), Tensor::new(own, numbers));
        edit.node(&name, operator, vec![value, factor], shape.clone())
    })
}

/// The scales, and the greatest integer, that are to take the place of those that a dot product reads; `None` where these
/// can stay.
fn fit(graph: &Graph, dot: &DotProduct, scales: &Scales) -> Option<(Vec<f64>, u32)> {
    let shape = &graph.value(dot.data).shape;
    let groups = match graph.node(dot.node).operator {
        Operator::Conv { groups, .. } => groups,
        // Of vectors one after the other, axis 1 is not the one summed along.
        _ if shape.len() == 2 && dot.operand == 1 => 1,
        _ => return None,
    };
    let channels = shape[1];
    let values = scales.values(channels);
    let is_number = |value: &f64| value.is_finite() && *value != 0.0;
    if scales.is_uniform() || !values.iter().all(is_number) || go_into_weights(dot, &values, groups) {
        return None;
    }
    // What the data may be times.
    let most = f64::from(1u32 << (WIDEST_DATA - 1)) / scales.codes;
    let is_exact = greatest_common_step(&values, most).is_some_and(|step| greatest(&values) / step <= most);
    if is_exact || most < 1.0 {
        return None;
    }
    let magnitudes: Vec<f64> = values.iter().map(|value| value.abs()).collect();
    let grid = FittedGrid::of_steps(FITTED_STEPS.min(most as u32), &magnitudes, &vec![1; channels]);
    let after = grid.integers.iter().zip(&values).map(|(n, value)| (f64::from(*n) * grid.scale).copysign(*value));
    Some((after.collect(), grid.integers.iter().copied().max().unwrap_or(0)))
}

/// Whether the weights can take the scales in: each row reads channels of one scale, or its weights times the scales are on
/// a grid of few steps again. Weights on no grid are not this pass' concern.
fn go_into_weights(dot: &DotProduct, scales: &[f64], groups: usize) -> bool {
    let weights = dot.weights();
    let (columns, rows_of_group) = (weights.channels * weights.taps, weights.outputs / groups.max(1));
    weights.values.chunks(columns.max(1)).enumerate().all(|(row, values)| {
        let first = row / rows_of_group.max(1) * weights.channels;
        let scale = |column: usize| scales[first + column / weights.taps];
        let mut read = values.iter().enumerate().filter(|(_, weight)| **weight != 0.0).map(|(column, _)| scale(column));
        let is_single = read.next().is_none_or(|first| read.all(|scale| scale == first));
        if is_single || !is_on_grid(values) {
            return true;
        }
        let step = greatest_common_step(values, f64::INFINITY).unwrap_or(1.0);
        let product = |(column, weight): (usize, &f64)| {
            let integer = weight / step;
            is_exact_product(integer, scale(column)).then(|| integer * scale(column))
        };
        values.iter().enumerate().map(product).collect::<Option<Vec<f64>>>().is_some_and(|row| is_on_grid(&row))
    })
}

/// The scales of all values that are known to be integers times such.
fn found_scales(graph: &Graph, evaluator: &Evaluator<'_>) -> Vec<Option<Scales>> {
    let mut found: Vec<Option<Scales>> = vec![None; graph.values.len()];
    for node in &graph.nodes {
        let output = node.outputs[0];
        if evaluator.constant(output).is_none() {
            found[output.0] = scales_of(graph, evaluator, node, &found);
        }
    }
    found
}

fn scales_of(graph: &Graph, evaluator: &Evaluator<'_>, node: &Node, found: &[Option<Scales>]) -> Option<Scales> {
    let shape = graph.value(node.outputs[0]).shape.as_slice();
    let constant = |index: usize| node.inputs.get(index).and_then(|id| evaluator.constant(*id));
    let numbers = |index: usize| by_channel(constant(index)?, shape);
    let of = |index: usize| found[node.inputs[index].0].clone();
    match &node.operator {
        Operator::BipolarQuant => Some(Scales::of(numbers(1)?, 1.0)),
        Operator::Sign => Some(Scales::of(vec![1.0], 1.0)),
        Operator::Quant { signed, .. } => {
            let bits = constant(3)?.as_scalar()? - f64::from(u8::from(*signed));
            Some(Scales::of(numbers(1)?, bits.exp2() + greatest(&constant(2)?.data)))
        }
        Operator::QuantizeLinear { minimum, maximum } => {
            Some(Scales::of(vec![1.0], minimum.unsigned_abs().max(maximum.unsigned_abs()) as f64))
        }
        Operator::MultiThreshold { out_scale, .. } => Some(Scales::of(vec![*out_scale], constant(1)?.shape[1] as f64)),
        Operator::Mul => match (constant(0), constant(1)) {
            (None, Some(_)) => Some(of(0)?.then(Factor::Times(numbers(1)?))),
            (Some(_), None) => Some(of(1)?.then(Factor::Times(numbers(0)?))),
            _ => None,
        },
        Operator::Div if constant(0).is_none() => Some(of(0)?.then(Factor::Over(numbers(1)?))),
        Operator::Add | Operator::Sub => match (constant(0), constant(1)) {
            (None, Some(_)) => of(0),
            (Some(_), None) => of(1),
            _ => None,
        },
        Operator::Neg => Some(of(0)?.then(Factor::Times(vec![-1.0]))),
        Operator::MaxPool { .. } | Operator::Pad { .. } | Operator::Upsample { .. } | Operator::Dilate { .. } => of(0),
        Operator::Select { axis: 1, indices } => Some(of(0)?.selected(indices)),
        Operator::Select { .. } => of(0),
        Operator::AveragePool { window, .. } => {
            let scales = of(0)?;
            let taps: usize = window.kernel.iter().product();
            Some(Scales { codes: scales.codes * taps as f64, ..scales })
        }
        Operator::Reshape => reshaped(of(0)?, &graph.value(node.inputs[0]).shape, shape),
        Operator::Transpose { .. } => of(0).filter(Scales::is_uniform),
        Operator::Concat { axis: 1 } => {
            let channels = |id: &ValueId| graph.value(*id).shape[1];
            let parts: Option<Vec<(Scales, usize)>> =
                node.inputs.iter().map(|id| Some((found[id.0].clone()?, channels(id)))).collect();
            Some(joined(&parts?))
        }
        Operator::Pow
        | Operator::Sqrt
        | Operator::Div
        | Operator::Abs
        | Operator::Relu
        | Operator::Clip { .. }
        | Operator::Activation(_)
        | Operator::Kernel(_)
        | Operator::Round
        | Operator::Floor
        | Operator::Ceil
        | Operator::MatMul
        | Operator::Gemm { .. }
        | Operator::BatchNormalization { .. }
        | Operator::Conv { .. }
        | Operator::Concat { .. }
        | Operator::TopK { .. }
        | Operator::ArgMax { .. }
        | Operator::Softmax { .. }
        | Operator::Sigmoid => None,
    }
}

/// The numbers of a constant that broadcasts to a value of the given shape, where they differ along axis 1 only: one, or one
/// for each channel.
fn by_channel(tensor: &Tensor, shape: &[usize]) -> Option<Vec<f64>> {
    if let Some(number) = tensor.as_scalar() {
        return Some(vec![number]);
    }
    let missing = shape.len().checked_sub(tensor.shape.len())?;
    let is_along = |(axis, extent): (usize, &usize)| *extent == 1 || axis + missing == 1;
    tensor.shape.iter().enumerate().all(is_along).then(|| tensor.data.clone())
}

/// The scales of a value in another shape: with the pixels of a channel as channels of their own, or with as many channels.
fn reshaped(scales: Scales, from: &[usize], to: &[usize]) -> Option<Scales> {
    if scales.is_uniform() {
        return Some(scales);
    }
    match to {
        [1, channels, ..] if from.first() == Some(&1) && from.get(1) == Some(channels) => Some(scales),
        [1, elements] if from.first() == Some(&1) => Some(scales.repeated(elements / from[1])),
        _ => None,
    }
}

/// The scales of values one after the other, each with so many channels.
fn joined(parts: &[(Scales, usize)]) -> Scales {
    let codes = parts.iter().fold(0.0, |codes: f64, (scales, _)| codes.max(scales.codes));
    if parts.iter().all(|(scales, _)| scales.is_uniform() && scales.factors == parts[0].0.factors) {
        return Scales { codes, ..parts[0].0.clone() };
    }
    let channels: usize = parts.iter().map(|(_, channels)| channels).sum();
    let mut factors = Vec::new();
    let mut before = 0;
    for (scales, own) in parts {
        for factor in &scales.factors {
            let mut numbers = vec![1.0; channels];
            for (channel, number) in numbers[before..before + own].iter_mut().enumerate() {
                *number = factor.numbers()[channel % factor.numbers().len()];
            }
            factors.push(factor.with(numbers));
        }
        before += own;
    }
    Scales { factors, codes }
}
