//! Which values can occur: the ranges of tensors, and the types that hold them.

use super::{accumulator_range, reached};
use crate::lower::weights::element_of;
use abi::ElementType;
use network::network::{
    Add, Convolution, LayerId, LayerKind, Network, Pool, PoolOperation, Table, TensorId, TensorType, Window,
};

/// Sets the range of sums, and the smallest type that holds it: a bit more for a sign that cannot occur would make sums
/// of unsigned codes too wide for the dot product that reads them.
pub(crate) fn set_accumulator(tensor: &mut TensorType, (minimum, maximum): (i64, i64)) {
    (tensor.minimum, tensor.maximum) = (minimum, maximum);
    tensor.element = ElementType::holding(minimum, maximum);
}

/// The type of sums in a range, `None` where engines, which have 32 bits and a sign, cannot hold them or their negatives.
pub(crate) fn accumulator((minimum, maximum): (i64, i64)) -> Option<ElementType> {
    let fits = minimum.unsigned_abs().max(maximum.unsigned_abs()) <= i32::MAX as u64;
    fits.then(|| ElementType::holding(minimum, maximum))
}

/// Sets each tensor's range to what can occur now, and each weight matrix's type to the smallest that holds it.
pub fn tighten_ranges(mut network: Network) -> Network {
    for index in 0..network.layers.len() {
        let output = network.layers[index].output.0;
        let inputs: Vec<TensorType> = network.layers[index].inputs.iter().map(|id| *network.tensor(*id)).collect();
        let from = inputs[0];
        if let Some(weights) = network.layers[index].kind.weights_mut() {
            weights.element = element_of(&weights.values);
        }
        let is_shared = shares_type(&network, TensorId(output));
        let tensor = &mut network.tensors[output];
        let before = tensor.element;
        match &network.layers[index].kind {
            kind @ (LayerKind::MatrixVector(weights) | LayerKind::Convolution(Convolution { weights, .. })) => {
                set_accumulator(tensor, accumulator_range(weights, reached(kind, &from)));
            }
            LayerKind::MultiThreshold(steps) => {
                let values = || steps.iter().flat_map(|step| step.values.iter().map(|value| i64::from(*value)));
                tensor.minimum = values().min().unwrap_or(0);
                tensor.maximum = values().max().unwrap_or(0);
            }
            kind => set_derived_range(kind, &inputs, tensor),
        }
        if is_shared && before.contains(tensor.minimum) && before.contains(tensor.maximum) {
            tensor.element = before;
        }
        let range = (network.tensors[output].minimum, network.tensors[output].maximum);
        let (low, high) = with_paddings(&network, TensorId(output), range);
        let tensor = &mut network.tensors[output];
        if !(tensor.element.contains(low) && tensor.element.contains(high)) && (low, high) != range {
            tensor.element = ElementType::holding(low, high);
        }
    }
    network
}

/// Whether a tensor's type is more than its own: what is concatenated has one type, and tables are looked up by codes.
fn shares_type(network: &Network, tensor: TensorId) -> bool {
    network.consumers(tensor).any(|reader| match &network.layer(reader).kind {
        LayerKind::Concat | LayerKind::Table(_) => true,
        LayerKind::Pool(Pool { operation: PoolOperation::Extremum(_), .. })
        | LayerKind::Upsample { .. }
        | LayerKind::Flatten => shares_type(network, network.layer(reader).output),
        LayerKind::Pool(Pool { operation: PoolOperation::Sum, .. })
        | LayerKind::MatrixVector(_)
        | LayerKind::Convolution(_)
        | LayerKind::MultiThreshold(_)
        | LayerKind::Add(_)
        | LayerKind::Multiply
        | LayerKind::ArgMax => false,
    })
}

/// Widens the types of tensors that must have one, until they do.
pub(crate) fn share_types(network: &mut Network) {
    let mut differs = true;
    while std::mem::take(&mut differs) {
        for layer in &network.layers {
            let keeps_type = match &layer.kind {
                LayerKind::Pool(Pool { operation, .. }) => *operation != PoolOperation::Sum,
                LayerKind::Concat | LayerKind::Upsample { .. } | LayerKind::Flatten => true,
                LayerKind::MatrixVector(_)
                | LayerKind::Convolution(_)
                | LayerKind::MultiThreshold(_)
                | LayerKind::Add(_)
                | LayerKind::Multiply
                | LayerKind::Table(_)
                | LayerKind::ArgMax => false,
            };
            let tensors = || layer.inputs.iter().chain([&layer.output]).map(|id| id.0);
            let elements: Vec<ElementType> = tensors().map(|id| network.tensors[id].element).collect();
            if !keeps_type || elements.iter().all(|element| *element == elements[0]) {
                continue;
            }
            let least = elements.iter().map(|element| element.minimum()).min().unwrap_or(0);
            let greatest = elements.iter().map(|element| element.maximum()).max().unwrap_or(0);
            let element = ElementType::holding(least, greatest);
            tensors().for_each(|id| network.tensors[id].element = element);
            differs = true;
        }
    }
    network.input_map.element = network.tensor(network.input).element;
}

/// A range and what the convolutions that read `tensor` take a position outside the image for.
pub(crate) fn with_paddings(network: &Network, tensor: TensorId, range: (i64, i64)) -> (i64, i64) {
    let padding = |reader: LayerId| match &network.layer(reader).kind {
        LayerKind::Convolution(Convolution { window, padding, .. }) if !window.is_unpadded() && *padding != 0 => {
            Some(i64::from(*padding))
        }
        _ => None,
    };
    let paddings = network.consumers(tensor).filter_map(padding);
    paddings.fold(range, |(low, high), padding| (low.min(padding), high.max(padding)))
}

/// Sets the range of what a layer without weights and steps makes of `inputs`.
pub(crate) fn set_derived_range(kind: &LayerKind, inputs: &[TensorType], tensor: &mut TensorType) {
    let from = inputs[0];
    match kind {
        LayerKind::Pool(Pool { window, operation: PoolOperation::Sum }) => {
            set_accumulator(tensor, sum_of_windows(&from, window));
        }
        // With one tensor it is there for its type.
        LayerKind::Add(add) if inputs.len() == 1 => (tensor.minimum, tensor.maximum) = sum_range(add, inputs),
        LayerKind::Add(add) => set_accumulator(tensor, sum_range(add, inputs)),
        LayerKind::Multiply => set_accumulator(tensor, product_range(&inputs[0], &inputs[1])),
        LayerKind::Table(Table { values }) => {
            let values = || values.iter().flatten().map(|value| i64::from(*value));
            tensor.minimum = values().min().unwrap_or(0);
            tensor.maximum = values().max().unwrap_or(0);
        }
        LayerKind::Concat => {
            tensor.minimum = inputs.iter().map(|input| input.minimum).min().unwrap_or(0);
            tensor.maximum = inputs.iter().map(|input| input.maximum).max().unwrap_or(0);
        }
        LayerKind::Pool(Pool { operation: PoolOperation::Extremum(_), .. })
        | LayerKind::Upsample { .. }
        | LayerKind::Flatten => {
            (tensor.element, tensor.minimum, tensor.maximum) = (from.element, from.minimum, from.maximum);
        }
        LayerKind::ArgMax => (tensor.minimum, tensor.maximum) = (0, from.channels as i64 - 1),
        // Their ranges hang on weights and steps.
        LayerKind::MatrixVector(_) | LayerKind::Convolution(_) | LayerKind::MultiThreshold(_) => {}
    }
}

/// The least and the greatest sum over a window; one at the border may hold fewer pixels.
pub(in crate::lower) fn sum_of_windows(input: &TensorType, window: &Window) -> (i64, i64) {
    let taps = window.taps() as i64;
    ((input.minimum * taps).min(input.minimum), (input.maximum * taps).max(input.maximum))
}

/// The least and the greatest product of elements of two tensors.
pub(in crate::lower) fn product_range(a: &TensorType, b: &TensorType) -> (i64, i64) {
    let ends = [a.minimum * b.minimum, a.minimum * b.maximum, a.maximum * b.minimum, a.maximum * b.maximum];
    ends.into_iter().fold((i64::MAX, i64::MIN), |(low, high), end| (low.min(end), high.max(end)))
}

/// The least and the greatest sum over all channels.
pub(in crate::lower) fn sum_range(add: &Add, inputs: &[TensorType]) -> (i64, i64) {
    let of_channel = |channel: usize| {
        add.factors.iter().zip(inputs).fold((0, 0), |(low, high), (factors, tensor)| {
            let factor = factors[channel % factors.len()];
            let (a, b) = (factor * tensor.minimum, factor * tensor.maximum);
            (low + a.min(b), high + a.max(b))
        })
    };
    let channels = add.factors.iter().map(Vec::len).max().unwrap_or(1);
    (0..channels).map(of_channel).fold((i64::MAX, i64::MIN), |(low, high), (a, b)| (low.min(a), high.max(b)))
}
