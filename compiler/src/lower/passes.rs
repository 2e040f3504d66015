//! The passes over a lowered network. Each is a pure function; [`super::PASSES`] is their order.

use super::weights::{element_of, row_spacing};
use abi::StepFunction;
use network::network::{Layer, LayerId, LayerKind, Network, TensorId, WeightMatrix};

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
    let map = &mut network.input_map;
    let first = std::mem::take(&mut map.functions);
    let number = |position: usize| map.function_of.get(position).map_or(0, |f| *f as usize);
    let mut functions: Vec<StepFunction<f32>> = Vec::new();
    let mut function_of = Vec::new();
    for (position, then) in second.iter().enumerate() {
        let function = composed(&first[number(position)], then);
        let found = functions.iter().position(|other| *other == function);
        function_of.push(found.unwrap_or(functions.len()) as u32);
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
    let mut result = StepFunction::constant(value(0));
    for (index, boundary) in first.boundaries.iter().enumerate() {
        let here = value(index + 1);
        if result.values[result.values.len() - 1] != here {
            result.boundaries.push(*boundary);
            result.values.push(here);
        }
    }
    result
}

/// Makes every falling step function that alone reads a dot product rise, by negating that row of weights:
/// hardware then needs one kind of comparison.
pub fn orient_steps(mut network: Network) -> Network {
    for index in 0..network.layers.len() {
        let dot = &network.layers[index];
        let LayerKind::MatrixVector(weights) = dot.kind.clone() else {
            continue;
        };
        let consumers: Vec<LayerId> = network.consumers(dot.output).collect();
        let [consumer] = consumers[..] else {
            continue;
        };
        let LayerKind::MultiThreshold(mut steps) = network.layer(consumer).kind.clone() else {
            continue;
        };
        let input = *network.tensor(dot.input);
        let mut weights = weights;
        for (row, step) in steps.iter_mut().enumerate() {
            if step.is_rising() || !step.is_falling() {
                continue;
            }
            let spacing = row_spacing(weights.row(row), input.element.step());
            let negated: Vec<i16> = weights.row(row).iter().map(|weight| -weight).collect();
            if negated.iter().all(|weight| weights.element.contains(i64::from(*weight))) {
                weights.values[row * weights.columns..(row + 1) * weights.columns].copy_from_slice(&negated);
                *step = mirrored(step, spacing);
            }
        }
        let output = network.layers[index].output;
        let (minimum, maximum) = accumulator_range(&weights, input.minimum, input.maximum);
        let tensor = &mut network.tensors[output.0];
        (tensor.minimum, tensor.maximum) = (minimum, maximum);
        tensor.element = abi::ElementType::holding(minimum.min(-1), maximum);
        network.layers[index].kind = LayerKind::MatrixVector(weights);
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

fn accumulator_range(weights: &WeightMatrix, minimum: i64, maximum: i64) -> (i64, i64) {
    let row_range = |row: usize| {
        weights.row(row).iter().fold((0, 0), |(low, high), weight| {
            let (a, b) = (i64::from(*weight) * minimum, i64::from(*weight) * maximum);
            (low + a.min(b), high + a.max(b))
        })
    };
    (0..weights.rows).map(row_range).fold((i64::MAX, i64::MIN), |(low, high), (a, b)| (low.min(a), high.max(b)))
}

/// Sets each tensor's range to what can occur now, and each weight matrix's type to the smallest that holds it.
pub fn tighten_ranges(mut network: Network) -> Network {
    for index in 0..network.layers.len() {
        let Layer { input, output, .. } = network.layers[index];
        let from = *network.tensor(input);
        let range = match &mut network.layers[index].kind {
            LayerKind::MatrixVector(weights) => {
                weights.element = element_of(&weights.values);
                let (minimum, maximum) = accumulator_range(weights, from.minimum, from.maximum);
                network.tensors[output.0].element = abi::ElementType::holding(minimum.min(-1), maximum);
                (minimum, maximum)
            }
            LayerKind::MultiThreshold(steps) => {
                let values = || steps.iter().flat_map(|step| step.values.iter().map(|value| i64::from(*value)));
                (values().min().unwrap_or(0), values().max().unwrap_or(0))
            }
            LayerKind::ArgMax => (0, from.channels as i64 - 1),
        };
        (network.tensors[output.0].minimum, network.tensors[output.0].maximum) = range;
    }
    network
}

fn drop_unused_tensors(mut network: Network) -> Network {
    let used = |network: &Network, id: TensorId| {
        network.input == id
            || network.output == id
            || network.layers.iter().any(|layer| layer.input == id || layer.output == id)
    };
    let kept: Vec<usize> = (0..network.tensors.len()).filter(|id| used(&network, TensorId(*id))).collect();
    let renamed = |id: TensorId| TensorId(kept.iter().position(|old| *old == id.0).unwrap_or(0));
    network.tensors = kept.iter().map(|id| network.tensors[*id]).collect();
    for layer in &mut network.layers {
        layer.input = renamed(layer.input);
        layer.output = renamed(layer.output);
    }
    network.input = renamed(network.input);
    network.output = renamed(network.output);
    network
}
