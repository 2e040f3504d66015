//! The passes over a lowered network. Each is a pure function; [`super::PASSES`] is their order.

mod identity;
mod merge_functions;
mod ranges;

pub use identity::drop_identities;
pub use merge_functions::merge_functions;
pub use ranges::tighten_ranges;
pub(crate) use ranges::{accumulator, set_accumulator, set_derived_range, share_types, with_paddings};
pub(super) use ranges::{product_range, sum_of_windows, sum_range};

use super::weights::{row_range, row_spacing};
use abi::StepFunction;
use network::network::WeightMatrix;
use network::network::{Add, Convolution, Layer, LayerId, LayerKind, Network, Table, TensorId, TensorType};

/// Merges a step function into the one (or the input map) that alone feeds it, so that two quantisers in a row
/// cost one.
pub fn compose_steps(mut network: Network) -> Network {
    while let Some((first, second)) = composable(&network) {
        let LayerKind::MultiThreshold(second_steps) = network.layer(second).kind.clone() else {
            return network;
        };
        let output = network.layer(second).output;
        match first {
            Some(first) => {
                if let LayerKind::MultiThreshold(steps) = &mut network.layers[first.0].kind {
                    for (step, then) in steps.iter_mut().zip(&second_steps) {
                        *step = composed(step, then);
                    }
                }
                network.layers[first.0].output = output;
            }
            None => {
                network = into_input_map(network, &second_steps);
                network.input = output;
            }
        }
        network.layers.remove(second.0);
    }
    drop_unused_tensors(network)
}

/// A step function layer and what it can be merged into: a layer, or `None` for the input map.
fn composable(network: &Network) -> Option<(Option<LayerId>, LayerId)> {
    let only_consumer = |tensor: TensorId| {
        let mut consumers = network.consumers(tensor);
        let first = consumers.next()?;
        (consumers.next().is_none() && tensor != network.output).then_some(first)
    };
    let is_steps = |id: LayerId| matches!(network.layer(id).kind, LayerKind::MultiThreshold(_));
    if let Some(second) = only_consumer(network.input).filter(|id| is_steps(*id)) {
        return Some((None, second));
    }
    (0..network.layers.len()).map(LayerId).filter(|id| is_steps(*id)).find_map(|first| {
        let second = only_consumer(network.layer(first).output).filter(|id| is_steps(*id))?;
        Some((Some(first), second))
    })
}

fn into_input_map(mut network: Network, second: &[StepFunction<i64>]) -> Network {
    let elements = network.tensor(network.input).elements();
    let map = &mut network.input_map;
    let first = std::mem::take(&mut map.functions);
    let mut functions: Vec<StepFunction<f32>> = Vec::new();
    let mut function_of = vec![0; elements];
    for position in 0..elements {
        let image = map.source_of.get(position).map_or(position, |source| *source as usize);
        let number = map.function_of.get(image).map_or(0, |function| *function as usize);
        let function = composed(&first[number], &second[position % second.len()]);
        let found = functions.iter().position(|other| *other == function);
        function_of[image] = found.unwrap_or(functions.len()) as u32;
        if found.is_none() {
            functions.push(function);
        }
    }
    if functions.len() == 1 {
        function_of.clear();
    }
    map.functions = functions;
    map.function_of = function_of;
    let output = network.consumers(network.input).next().map(|layer| network.layer(layer).output);
    if let Some(output) = output {
        network.input_map.element = network.tensor(output).element;
    }
    network
}

fn composed<T: PartialOrd + Copy>(first: &StepFunction<T>, second: &StepFunction<i64>) -> StepFunction<T> {
    let value = |piece: usize| second.at(i64::from(first.values[piece]));
    let pieces = first.boundaries.iter().enumerate().map(|(index, boundary)| (*boundary, value(index + 1)));
    StepFunction::of_pieces(value(0), pieces)
}

/// Gives an input tensor that is only read as one pixel that form, so that its stream may be as wide as one likes.
pub fn flatten_input(mut network: Network) -> Network {
    let readers: Vec<LayerId> = network.consumers(network.input).collect();
    let is_flatten = |id: &LayerId| network.layer(*id).kind == LayerKind::Flatten;
    if readers.is_empty() || network.input == network.output || !readers.iter().all(is_flatten) {
        return network;
    }
    let input = &mut network.tensors[network.input.0];
    (input.height, input.width, input.channels) = (1, 1, input.elements());
    let flat: Vec<TensorId> = readers.iter().map(|id| network.layer(*id).output).collect();
    let renamed = |id: TensorId| if flat.contains(&id) { network.input } else { id };
    network.output = renamed(network.output);
    for layer in &mut network.layers {
        for input in &mut layer.inputs {
            *input = renamed(*input);
        }
    }
    let mut index = 0;
    network.layers.retain(|_| {
        index += 1;
        !readers.contains(&LayerId(index - 1))
    });
    drop_unused_tensors(network)
}

/// Merges a step function into the table that alone feeds it: the table then gives codes and needs no ranks.
pub fn compose_tables(mut network: Network) -> Network {
    let pair = |network: &Network| {
        (0..network.layers.len()).find_map(|index| {
            let layer = &network.layers[index];
            let consumers: Vec<LayerId> = network.consumers(layer.output).collect();
            let (LayerKind::Table(_), [next]) = (&layer.kind, &consumers[..]) else {
                return None;
            };
            let is_steps = matches!(network.layer(*next).kind, LayerKind::MultiThreshold(_));
            (is_steps && layer.output != network.output).then_some((index, next.0))
        })
    };
    while let Some((table, next)) = pair(&network) {
        let (LayerKind::Table(Table { values }), LayerKind::MultiThreshold(steps)) =
            (&network.layers[table].kind, &network.layers[next].kind)
        else {
            break;
        };
        let composed = |channel: usize| {
            let table = &values[channel % values.len()];
            table.iter().map(|value| steps[channel].at(i64::from(*value))).collect::<Vec<i32>>()
        };
        let mut values: Vec<Vec<i32>> = (0..steps.len()).map(composed).collect();
        if values.windows(2).all(|pair| pair[0] == pair[1]) {
            values.truncate(1);
        }
        network.layers[table].kind = LayerKind::Table(Table { values });
        network.layers[table].output = network.layers[next].output;
        network.layers.remove(next);
    }
    drop_unused_tensors(network)
}

/// Makes the falling step functions that are left rise, by a sum that negates those channels: the one that makes their
/// argument, where nothing else reads it, or one put in between.
pub fn negate_falling(mut network: Network) -> Network {
    let mut index = 0;
    while index < network.layers.len() {
        let layer = network.layers[index].clone();
        index += 1;
        let LayerKind::MultiThreshold(mut steps) = layer.kind else {
            continue;
        };
        let falls: Vec<bool> = steps.iter().map(|step| !step.is_rising() && step.is_falling()).collect();
        if !falls.contains(&true) {
            continue;
        }
        for (step, falls) in steps.iter_mut().zip(&falls) {
            if *falls {
                *step = mirrored(step, 1);
            }
        }
        let sign = |channel: usize| if falls[channel] { -1 } else { 1 };
        let source = layer.inputs[0];
        let only = network.consumers(source).count() == 1 && source != network.output;
        let producer = network.producer(source).filter(|_| only);
        let mut tensor = *network.tensor(source);
        match producer.map(|id| &mut network.layers[id.0].kind) {
            Some(LayerKind::Add(add)) => {
                for factors in &mut add.factors {
                    let of = |channel: usize| factors[channel % factors.len()] * sign(channel);
                    *factors = (0..falls.len()).map(of).collect();
                }
                let add = add.clone();
                let inputs = producer.map_or_else(Vec::new, |id| network.layer(id).inputs.clone());
                let inputs: Vec<TensorType> = inputs.iter().map(|id| *network.tensor(*id)).collect();
                set_accumulator(&mut network.tensors[source.0], sum_range(&add, &inputs));
                network.layers[index - 1].kind = LayerKind::MultiThreshold(steps);
            }
            _ => {
                let add = Add { factors: vec![(0..falls.len()).map(sign).collect()] };
                let range = sum_range(&add, &[tensor]);
                set_accumulator(&mut tensor, range);
                let negated = TensorId(network.tensors.len());
                network.tensors.push(tensor);
                network.layers[index - 1].kind = LayerKind::MultiThreshold(steps);
                network.layers[index - 1].inputs = vec![negated];
                let mut name = format!("{}_negate", layer.name);
                while network.layers.iter().any(|other| other.name == name) {
                    name.push('_');
                }
                let kind = LayerKind::Add(add);
                network.layers.insert(index - 1, Layer { name, kind, inputs: vec![source], output: negated });
                index += 1;
            }
        }
    }
    network
}

/// Makes every falling step function that alone reads a dot product rise, by negating that row of weights:
/// hardware then needs one kind of comparison.
pub fn orient_steps(mut network: Network) -> Network {
    for index in 0..network.layers.len() {
        let dot = &network.layers[index];
        let Some(mut weights) = dot.kind.weights().cloned() else {
            continue;
        };
        let consumers: Vec<LayerId> = network.consumers(dot.output).collect();
        let [consumer] = consumers[..] else {
            continue;
        };
        let LayerKind::MultiThreshold(mut steps) = network.layer(consumer).kind.clone() else {
            continue;
        };
        let range = reached(&dot.kind, network.tensor(dot.input()));
        let input_step = spacing(&dot.kind, network.tensor(dot.input()));
        for (row, step) in steps.iter_mut().enumerate() {
            if step.is_rising() || !step.is_falling() {
                continue;
            }
            let spacing = row_spacing(weights.row(row), input_step);
            let negated: Vec<i16> = weights.row(row).iter().map(|weight| -weight).collect();
            if negated.iter().all(|weight| weights.element.contains(i64::from(*weight))) {
                weights.values[row * weights.columns..(row + 1) * weights.columns].copy_from_slice(&negated);
                *step = mirrored(step, spacing);
            }
        }
        let output = network.layers[index].output;
        set_accumulator(&mut network.tensors[output.0], accumulator_range(&weights, range));
        if let Some(own) = network.layers[index].kind.weights_mut() {
            *own = weights;
        }
        network.layers[consumer.0].kind = LayerKind::MultiThreshold(steps);
    }
    network
}

/// The function of −x, whose boundaries again are the least reachable arguments with the new value.
fn mirrored(step: &StepFunction<i64>, spacing: i64) -> StepFunction<i64> {
    StepFunction {
        boundaries: step.boundaries.iter().rev().map(|boundary| spacing - boundary).collect(),
        values: step.values.iter().rev().copied().collect(),
    }
}

fn accumulator_range(weights: &WeightMatrix, range: (i64, i64)) -> (i64, i64) {
    let ranges = (0..weights.rows).map(|row| row_range(weights.row(row), range));
    ranges.fold((i64::MAX, i64::MIN), |(low, high), (a, b)| (low.min(a), high.max(b)))
}

/// What the taps of a dot product can count as: the elements' range, and the padding where there is some.
pub(crate) fn reached(kind: &LayerKind, input: &TensorType) -> (i64, i64) {
    match kind {
        LayerKind::Convolution(Convolution { window, padding, .. }) if !window.is_unpadded() => {
            (input.minimum.min(i64::from(*padding)), input.maximum.max(i64::from(*padding)))
        }
        _ => (input.minimum, input.maximum),
    }
}

/// Distance of neighbouring values of a tap: padding that is no code comes between the codes.
pub(super) fn spacing(kind: &LayerKind, input: &TensorType) -> i64 {
    match kind {
        LayerKind::Convolution(Convolution { window, padding, .. })
            if !window.is_unpadded() && !input.element.contains(i64::from(*padding)) =>
        {
            1
        }
        _ => input.element.step(),
    }
}

/// Leaves out layers that nothing reads.
fn drop_unread_layers(mut network: Network) -> Network {
    while let Some(unread) = network
        .layers
        .iter()
        .position(|layer| layer.output != network.output && network.consumers(layer.output).next().is_none())
    {
        network.layers.remove(unread);
    }
    drop_unused_tensors(network)
}

fn drop_unused_tensors(mut network: Network) -> Network {
    let used = |network: &Network, id: TensorId| {
        network.input == id
            || network.output == id
            || network.layers.iter().any(|layer| layer.inputs.contains(&id) || layer.output == id)
    };
    let kept: Vec<usize> = (0..network.tensors.len()).filter(|id| used(&network, TensorId(*id))).collect();
    let renamed = |id: TensorId| TensorId(kept.iter().position(|old| *old == id.0).unwrap_or(0));
    network.tensors = kept.iter().map(|id| network.tensors[*id]).collect();
    for layer in &mut network.layers {
        layer.inputs = layer.inputs.iter().map(|id| renamed(*id)).collect();
        layer.output = renamed(layer.output);
    }
    network.input = renamed(network.input);
    network.output = renamed(network.output);
    network
}
