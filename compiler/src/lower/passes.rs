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
use network::network::{
    Add, Convolution, Edges, Layer, LayerId, LayerKind, Network, Table, TensorId, TensorType, WeightMatrix,
};
use std::collections::HashSet;

/// Merges a step function into the one (or the input map) that alone feeds it, so that two quantisers in a row
/// cost one.
pub fn compose_steps(mut network: Network) -> Network {
    let edges = Edges::of(&network);
    // For each tensor the layer of step functions that writes it, perhaps in the place of others.
    let mut writers: Vec<Option<LayerId>> = vec![None; network.tensors.len()];
    let mut is_merged = vec![false; network.layers.len()];
    for (index, is_merged) in is_merged.iter_mut().enumerate() {
        let LayerKind::MultiThreshold(steps) = &network.layers[index].kind else { continue };
        let (source, output) = (network.layers[index].input(), network.layers[index].output);
        writers[output.0] = Some(LayerId(index));
        if edges.only_consumer(source).is_none() {
            continue;
        }
        if source == network.input {
            let steps = steps.clone();
            compose_input_map(&mut network, &steps, output);
        } else if let Some(first) = writers[source.0] {
            let steps = steps.clone();
            let first_layer = &mut network.layers[first.0];
            if let LayerKind::MultiThreshold(before) = &mut first_layer.kind {
                for (step, then) in before.iter_mut().zip(&steps) {
                    *step = composed(step, then);
                }
            }
            first_layer.output = output;
            writers[output.0] = Some(first);
        } else {
            continue;
        }
        *is_merged = true;
    }
    keep_layers(&mut network, |index| !is_merged[index]);
    drop_unused_tensors(network)
}

/// Merges step functions that alone read the input into the input map, whose tensor `output` then is.
fn compose_input_map(network: &mut Network, second: &[StepFunction<i64>], output: TensorId) {
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
    map.element = network.tensors[output.0].element;
    network.input = output;
}

fn composed<T: PartialOrd + Copy>(first: &StepFunction<T>, second: &StepFunction<i64>) -> StepFunction<T> {
    let value = |piece: usize| second.at(i64::from(first.values[piece]));
    let pieces = first.boundaries.iter().enumerate().map(|(index, boundary)| (*boundary, value(index + 1)));
    StepFunction::of_pieces(value(0), pieces)
}

/// Gives an input tensor that is only read as one pixel that form, so that its stream may be as wide as one likes.
pub fn flatten_input(mut network: Network) -> Network {
    let readers: Vec<LayerId> = network.consumers(network.input).collect();
    let is_flatten = |id: &LayerId| {
        let layer = network.layer(*id);
        layer.kind == LayerKind::Reshape && network.tensor(layer.output).vectors() == 1
    };
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
    keep_layers(&mut network, |index| !readers.contains(&LayerId(index)));
    drop_unused_tensors(network)
}

/// Merges a step function into the table that alone feeds it: the table then gives codes and needs no ranks.
pub fn compose_tables(mut network: Network) -> Network {
    let edges = Edges::of(&network);
    let mut is_merged = vec![false; network.layers.len()];
    for index in 0..network.layers.len() {
        let layer = &network.layers[index];
        let (LayerKind::Table(Table { values }), Some(next)) = (&layer.kind, edges.only_consumer(layer.output)) else {
            continue;
        };
        let LayerKind::MultiThreshold(steps) = &network.layer(next).kind else { continue };
        let composed = |channel: usize| {
            let table = &values[channel % values.len()];
            table.iter().map(|value| steps[channel].at(i64::from(*value))).collect::<Vec<i32>>()
        };
        let mut values: Vec<Vec<i32>> = (0..steps.len()).map(composed).collect();
        if values.windows(2).all(|pair| pair[0] == pair[1]) {
            values.truncate(1);
        }
        let output = network.layer(next).output;
        network.layers[index].kind = LayerKind::Table(Table { values });
        network.layers[index].output = output;
        is_merged[next.0] = true;
    }
    keep_layers(&mut network, |index| !is_merged[index]);
    drop_unused_tensors(network)
}

/// Makes the falling step functions that are left rise, by a sum that negates those channels: the one that makes their
/// argument, where nothing else reads it, or one put in between.
pub fn negate_falling(mut network: Network) -> Network {
    let edges = Edges::of(&network);
    let mut names: HashSet<String> = network.layers.iter().map(|layer| layer.name.clone()).collect();
    // Where the layers of the old network stand in the new one.
    let mut places = Vec::with_capacity(network.layers.len());
    let mut layers: Vec<Layer> = Vec::with_capacity(network.layers.len());
    for mut layer in std::mem::take(&mut network.layers) {
        let falls = match &mut layer.kind {
            LayerKind::MultiThreshold(steps) => rise(steps),
            _ => Vec::new(),
        };
        if falls.contains(&true) {
            let sign = |channel: usize| if falls[channel] { -1 } else { 1 };
            let source = layer.input();
            let producer = edges.producer(source).filter(|_| edges.only_consumer(source).is_some());
            match producer.map(|id| &mut layers[places[id.0]]) {
                Some(Layer { kind: LayerKind::Add(add), inputs, .. }) => {
                    for factors in &mut add.factors {
                        let of = |channel: usize| factors[channel % factors.len()] * sign(channel);
                        *factors = (0..falls.len()).map(of).collect();
                    }
                    let inputs: Vec<TensorType> = inputs.iter().map(|id| *network.tensor(*id)).collect();
                    let range = sum_range(add, &inputs);
                    set_accumulator(&mut network.tensors[source.0], range);
                }
                _ => {
                    let add = Add { factors: vec![(0..falls.len()).map(sign).collect()] };
                    let mut tensor = *network.tensor(source);
                    let range = sum_range(&add, &[tensor]);
                    set_accumulator(&mut tensor, range);
                    let negated = TensorId(network.tensors.len());
                    network.tensors.push(tensor);
                    layer.inputs = vec![negated];
                    let mut name = format!("{}_negate", layer.name);
                    while !names.insert(name.clone()) {
                        name.push('_');
                    }
                    layers.push(Layer { name, kind: LayerKind::Add(add), inputs: vec![source], output: negated });
                }
            }
        }
        places.push(layers.len());
        layers.push(layer);
    }
    network.layers = layers;
    network
}

/// Turns falling step functions around, and tells which those are.
fn rise(steps: &mut [StepFunction<i64>]) -> Vec<bool> {
    let turned = |step: &mut StepFunction<i64>| {
        let falls = !step.is_rising() && step.is_falling();
        if falls {
            *step = mirrored(step, 1);
        }
        falls
    };
    steps.iter_mut().map(turned).collect()
}

/// Makes every step function that ends below its beginning and alone reads a dot product end above it, by negating that row
/// of weights: hardware then needs one kind of comparison.
pub fn orient_steps(mut network: Network) -> Network {
    let edges = Edges::of(&network);
    for index in 0..network.layers.len() {
        let dot = &network.layers[index];
        let Some(mut weights) = dot.kind.weights().cloned() else {
            continue;
        };
        let Some(consumer) = edges.only_consumer(dot.output) else {
            continue;
        };
        let LayerKind::MultiThreshold(mut steps) = network.layer(consumer).kind.clone() else {
            continue;
        };
        let range = reached(&dot.kind, network.tensor(dot.input()));
        let input_step = spacing(&dot.kind, network.tensor(dot.input()));
        for (row, step) in steps.iter_mut().enumerate() {
            // One that turns goes up from its first value to its last: so channels have more of their values in one order.
            if step.is_rising() || step.values[0] <= step.values[step.values.len() - 1] {
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

/// Leaves out layers that nothing reads, and those that only such layers read.
fn drop_unread_layers(mut network: Network) -> Network {
    let mut is_read = vec![false; network.tensors.len()];
    is_read[network.output.0] = true;
    for layer in network.layers.iter().rev() {
        if is_read[layer.output.0] {
            layer.inputs.iter().for_each(|input| is_read[input.0] = true);
        }
    }
    network.layers.retain(|layer| is_read[layer.output.0]);
    drop_unused_tensors(network)
}

/// Leaves out the layers of which `is_kept` does not hold.
fn keep_layers(network: &mut Network, is_kept: impl Fn(usize) -> bool) {
    let mut index = 0;
    network.layers.retain(|_| {
        index += 1;
        is_kept(index - 1)
    });
}

fn drop_unused_tensors(mut network: Network) -> Network {
    let mut is_used = vec![false; network.tensors.len()];
    let named = network.layers.iter().flat_map(|layer| layer.inputs.iter().chain([&layer.output]));
    named.chain([&network.input, &network.output]).for_each(|id| is_used[id.0] = true);
    let mut numbers = vec![TensorId(0); network.tensors.len()];
    let mut tensors = Vec::with_capacity(network.tensors.len());
    for (index, tensor) in network.tensors.iter().enumerate().filter(|(index, _)| is_used[*index]) {
        numbers[index] = TensorId(tensors.len());
        tensors.push(*tensor);
    }
    network.tensors = tensors;
    for id in network.layers.iter_mut().flat_map(|layer| layer.inputs.iter_mut().chain([&mut layer.output])) {
        *id = numbers[id.0];
    }
    (network.input, network.output) = (numbers[network.input.0], numbers[network.output.0]);
    network
}
