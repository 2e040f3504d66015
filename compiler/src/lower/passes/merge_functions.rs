//! Sums and tables of step functions of one tensor are one step function: levels that are not evenly spaced, sums of
//! binary bases of activations, quantised residuals.

use crate::codes::{Ladder, MAX_THRESHOLDS};
use abi::{ElementType, StepFunction};
use network::network::{Add, Edges, LayerId, LayerKind, Network, Table, TensorId, TensorType};

/// Most pieces of a function that is looked for, and most values of a tensor that counts as a function of itself.
const MAX_PIECES: usize = 1 << 12;

/// What a tensor is of another one, channel by channel.
#[derive(Clone)]
struct Derived {
    root: TensorId,
    functions: Vec<StepFunction<i64>>,
}

/// Replaces each sum and table of functions of one tensor by their step function.
pub fn merge_functions(mut network: Network) -> Network {
    let edges = Edges::of(&network);
    let mut derived: Vec<Option<Derived>> = vec![None; network.tensors.len()];
    for index in 0..network.layers.len() {
        let id = LayerId(index);
        let Some(found) = of_layer(&network, &derived, id) else { continue };
        let output = network.layers[index].output;
        let is_step = matches!(network.layers[index].kind, LayerKind::MultiThreshold(_));
        if let (false, Some(tensor)) = (is_step, merged(&network, &edges, output, &found.functions)) {
            network.tensors[output.0] = tensor;
            network.layers[index].kind = LayerKind::MultiThreshold(found.functions.clone());
            network.layers[index].inputs = vec![found.root];
        }
        derived[output.0] = Some(found);
    }
    super::drop_unread_layers(network)
}

/// The tensor of step functions in the place of a sum or table, where hardware has such steps.
fn merged(network: &Network, edges: &Edges, output: TensorId, functions: &[StepFunction<i64>]) -> Option<TensorType> {
    let values = || functions.iter().flat_map(|function| function.values.iter().map(|value| i64::from(*value)));
    let (minimum, maximum) = (values().min()?, values().max()?);
    // Others rely on the type: tables look codes up, and some kinds keep it and the range.
    let may_change_type = edges.consumers(output).iter().all(|reader| {
        let kind = &network.layer(*reader).kind;
        kind.weights().is_some() || matches!(kind, LayerKind::MultiThreshold(_))
    });
    let mut tensor = *network.tensor(output);
    if may_change_type {
        let (low, high) = super::with_paddings(network, edges, output, (minimum, maximum));
        tensor = TensorType { minimum, maximum, element: ElementType::holding(low, high), ..tensor };
    }
    let ladder = Ladder::of(functions, &tensor, false);
    (ladder.holds(functions) && ladder.levels() <= MAX_THRESHOLDS).then_some(tensor)
}

/// The function that a layer is of one tensor, where it is one of few pieces.
fn of_layer(network: &Network, derived: &[Option<Derived>], id: LayerId) -> Option<Derived> {
    let layer = network.layer(id);
    let found = match &layer.kind {
        LayerKind::MultiThreshold(steps) => match &derived[layer.input().0] {
            Some(Derived { root, functions }) => {
                let functions = steps
                    .iter()
                    .enumerate()
                    .map(|(channel, step)| super::composed(&functions[channel], step))
                    .collect();
                Derived { root: *root, functions }
            }
            None => Derived { root: layer.input(), functions: steps.clone() },
        },
        LayerKind::Add(Add { factors }) => {
            let of = |port: usize, channel: usize| factors[port][channel % factors[port].len()];
            joined(network, derived, &layer.inputs, |channel, values| {
                let terms = values.iter().enumerate().map(|(port, value)| of(port, channel) * value);
                i32::try_from(terms.sum::<i64>()).ok()
            })?
        }
        LayerKind::Table(Table { values: tables }) => {
            let [a, b] = [0, 1].map(|port| network.tensor(layer.inputs[port]).element);
            joined(network, derived, &layer.inputs, |channel, values| {
                let code = a.encode(values[0]) | b.encode(values[1]) << a.bits();
                tables[channel % tables.len()].get(code as usize).copied()
            })?
        }
        LayerKind::MatrixVector(_)
        | LayerKind::Convolution(_)
        | LayerKind::Pool(_)
        | LayerKind::Multiply
        | LayerKind::Concat
        | LayerKind::Upsample { .. }
        | LayerKind::Reshape
        | LayerKind::ArgMax => return None,
    };
    found.functions.iter().all(|function| function.values.len() <= MAX_PIECES).then_some(found)
}

/// What `value` makes of the values of two tensors that are functions of one.
fn joined(
    network: &Network,
    derived: &[Option<Derived>],
    inputs: &[TensorId],
    value: impl Fn(usize, &[i64]) -> Option<i32>,
) -> Option<Derived> {
    let [first, second] = inputs else { return None };
    let root_of = |tensor: TensorId| derived[tensor.0].as_ref().map_or(tensor, |derived| derived.root);
    let root = root_of(*first);
    if root_of(*second) != root {
        return None;
    }
    let functions_of = |tensor: TensorId| match &derived[tensor.0] {
        Some(derived) => Some(derived.functions.clone()),
        None => identity(network, tensor),
    };
    let (first, second) = (functions_of(*first)?, functions_of(*second)?);
    let functions = first.iter().zip(&second).enumerate().map(|(channel, (first, second))| {
        let mut boundaries: Vec<i64> = first.boundaries.iter().chain(&second.boundaries).copied().collect();
        boundaries.sort_unstable();
        boundaries.dedup();
        let at = |argument: i64| value(channel, &[i64::from(first.at(argument)), i64::from(second.at(argument))]);
        let first = at(boundaries.first().map_or(0, |boundary| boundary - 1))?;
        let pieces = boundaries.into_iter().map(|boundary| Some((boundary, at(boundary)?)));
        Some(StepFunction::of_pieces(first, pieces.collect::<Option<Vec<_>>>()?))
    });
    Some(Derived { root, functions: functions.collect::<Option<_>>()? })
}

/// A tensor as a function of itself, where it has few values.
fn identity(network: &Network, tensor: TensorId) -> Option<Vec<StepFunction<i64>>> {
    let tensor = network.tensor(tensor);
    if (tensor.maximum - tensor.minimum) / tensor.element.step() >= MAX_PIECES as i64 {
        return None;
    }
    let values: Vec<i64> = tensor.values().collect();
    let function = StepFunction {
        boundaries: values.iter().skip(1).copied().collect(),
        values: values.iter().map(|value| i32::try_from(*value).ok()).collect::<Option<_>>()?,
    };
    Some(vec![function; tensor.channels])
}
