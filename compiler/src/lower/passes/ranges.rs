//! Which values can occur: the ranges of tensors, and the types that hold them.

use super::{accumulator_range, reached};
use crate::lower::weights::element_of;
use abi::ElementType;
use network::network::{
    Add, Convolution, Edges, LayerId, LayerKind, Network, Pool, PoolOperation, Table, TensorId, TensorType, Window,
};
use std::collections::BTreeMap;

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
    let (edges, shared) = (Edges::of(&network), shared_types(&network));
    for index in 0..network.layers.len() {
        let output = network.layers[index].output.0;
        let inputs: Vec<TensorType> = network.layers[index].inputs.iter().map(|id| *network.tensor(*id)).collect();
        let from = inputs[0];
        if let Some(weights) = network.layers[index].kind.weights_mut() {
            weights.element = element_of(&weights.values);
        }
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
        if shared[output] && before.contains(tensor.minimum) && before.contains(tensor.maximum) {
            tensor.element = before;
        }
        let range = (network.tensors[output].minimum, network.tensors[output].maximum);
        let (low, high) = with_paddings(&network, &edges, TensorId(output), range);
        let tensor = &mut network.tensors[output];
        if !(tensor.element.contains(low) && tensor.element.contains(high)) && (low, high) != range {
            tensor.element = ElementType::holding(low, high);
        }
    }
    // What a padding has widened is the type of all that must have it, too.
    share_types(&mut network);
    network
}

/// For each tensor whether its type is more than its own: what is concatenated has one type, and tables are looked up by
/// codes.
fn shared_types(network: &Network) -> Vec<bool> {
    let mut is_shared = vec![false; network.tensors.len()];
    for layer in network.layers.iter().rev() {
        let shares = match &layer.kind {
            LayerKind::Concat | LayerKind::Table(_) => true,
            LayerKind::Pool(Pool { operation: PoolOperation::Extremum(_), .. })
            | LayerKind::Upsample { .. }
            | LayerKind::Reshape => is_shared[layer.output.0],
            LayerKind::Pool(Pool { operation: PoolOperation::Sum, .. })
            | LayerKind::MatrixVector(_)
            | LayerKind::Convolution(_)
            | LayerKind::MultiThreshold(_)
            | LayerKind::Add(_)
            | LayerKind::Multiply
            | LayerKind::ArgMax => false,
        };
        layer.inputs.iter().for_each(|input| is_shared[input.0] |= shares);
    }
    is_shared
}

/// Widens the types of tensors that must have one, so that they do.
pub(crate) fn share_types(network: &mut Network) {
    // Each tensor names another one that must have its type, or itself.
    let mut like: Vec<usize> = (0..network.tensors.len()).collect();
    for layer in &network.layers {
        let keeps_type = match &layer.kind {
            LayerKind::Pool(Pool { operation, .. }) => *operation != PoolOperation::Sum,
            LayerKind::Concat | LayerKind::Upsample { .. } | LayerKind::Reshape => true,
            LayerKind::MatrixVector(_)
            | LayerKind::Convolution(_)
            | LayerKind::MultiThreshold(_)
            | LayerKind::Add(_)
            | LayerKind::Multiply
            | LayerKind::Table(_)
            | LayerKind::ArgMax => false,
        };
        for input in layer.inputs.iter().filter(|_| keeps_type) {
            let (one, other) = (first_like(&mut like, input.0), first_like(&mut like, layer.output.0));
            like[one.max(other)] = one.min(other);
        }
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for tensor in 0..like.len() {
        groups.entry(first_like(&mut like, tensor)).or_default().push(tensor);
    }
    for group in groups.values() {
        let elements = || group.iter().map(|tensor| network.tensors[*tensor].element);
        if elements().all(|element| element == network.tensors[group[0]].element) {
            continue;
        }
        let least = elements().map(|element| element.minimum()).min().unwrap_or(0);
        let greatest = elements().map(|element| element.maximum()).max().unwrap_or(0);
        let element = ElementType::holding(least, greatest);
        group.iter().for_each(|tensor| network.tensors[*tensor].element = element);
    }
    network.input_map.element = network.tensor(network.input).element;
}

/// The tensor that names itself among those that `tensor` must be like. The way there gets shorter.
fn first_like(like: &mut [usize], mut tensor: usize) -> usize {
    while like[tensor] != tensor {
        like[tensor] = like[like[tensor]];
        tensor = like[tensor];
    }
    tensor
}

/// A range and what the convolutions that read `tensor` take a position outside the image for.
pub(crate) fn with_paddings(network: &Network, edges: &Edges, tensor: TensorId, range: (i64, i64)) -> (i64, i64) {
    let padding = |reader: &LayerId| match &network.layer(*reader).kind {
        LayerKind::Convolution(Convolution { window, padding, .. }) if !window.is_unpadded() && *padding != 0 => {
            Some(i64::from(*padding))
        }
        _ => None,
    };
    let paddings = edges.consumers(tensor).iter().filter_map(padding);
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
        | LayerKind::Reshape => {
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
