//! Channels in another order for nothing: the rows of what makes them are put into that order.

use super::super::Walk;
use crate::lower::symbol::{Origin, Symbol};
use network::network::{Convolution, LayerKind, PoolOperation, TensorId};
use std::sync::Arc;

/// Positions in a tensor whose channel `list[i]` now is channel i.
pub(super) fn moved(positions: &[usize], list: &[usize]) -> Vec<usize> {
    let mut places = vec![0; list.len()];
    for (place, channel) in list.iter().enumerate() {
        places[*channel] = place;
    }
    let channels = list.len();
    positions.iter().map(|position| position / channels * channels + places[position % channels]).collect()
}

fn picked<T: Clone>(items: &[T], list: &[usize]) -> Vec<T> {
    list.iter().map(|index| items[*index].clone()).collect()
}

impl Walk<'_> {
    /// Makes channel `list[i]` of a tensor its channel i, where the layers that compute it can do so and no layer reads it
    /// yet. What is known of its elements stays right.
    pub(super) fn permute_producer(&mut self, tensor: TensorId, list: &[usize]) -> bool {
        let Some(layers) = self.permutable(tensor) else {
            return false;
        };
        for index in layers {
            let layer = &mut self.layers[index];
            match &mut layer.kind {
                LayerKind::MultiThreshold(steps) => *steps = picked(steps, list),
                LayerKind::MatrixVector(weights) | LayerKind::Convolution(Convolution { weights, .. }) => {
                    let columns = weights.columns;
                    weights.values =
                        list.iter().flat_map(|row| &weights.values[row * columns..][..columns]).copied().collect();
                }
                LayerKind::Pool(pool) => {
                    if let PoolOperation::Extremum(least) = &mut pool.operation {
                        *least = picked(least, list);
                    }
                }
                LayerKind::Add(_)
                | LayerKind::Multiply
                | LayerKind::Table(_)
                | LayerKind::Concat
                | LayerKind::Upsample { .. }
                | LayerKind::Reshape
                | LayerKind::ArgMax => {}
            }
            let (name, output) = (layer.name.clone(), layer.output);
            self.reorder(&name, output, list);
        }
        true
    }

    /// The layers to be changed, the last first.
    fn permutable(&self, tensor: TensorId) -> Option<Vec<usize>> {
        let mut layers = Vec::new();
        let mut tensor = tensor;
        loop {
            let reader = layers.last().copied();
            let is_read = |(index, inputs): (usize, &Vec<TensorId>)| Some(index) != reader && inputs.contains(&tensor);
            if self.layers.iter().map(|layer| &layer.inputs).enumerate().any(is_read) {
                return None;
            }
            let index = self.layers.iter().rposition(|layer| layer.output == tensor)?;
            layers.push(index);
            let layer = &self.layers[index];
            match &layer.kind {
                LayerKind::MatrixVector(_) => return Some(layers),
                LayerKind::Convolution(convolution) if convolution.groups == 1 => return Some(layers),
                LayerKind::Convolution(Convolution { groups, weights, .. })
                    if (*groups, weights.rows) == (self.tensors[layer.input().0].channels, *groups) => {}
                LayerKind::MultiThreshold(_) | LayerKind::Pool(_) => {}
                LayerKind::Convolution(_)
                | LayerKind::Add(_)
                | LayerKind::Multiply
                | LayerKind::Table(_)
                | LayerKind::Concat
                | LayerKind::Upsample { .. }
                | LayerKind::Reshape
                | LayerKind::ArgMax => return None,
            }
            tensor = layer.input();
        }
    }

    /// Brings what is known of a tensor's channels into their new order.
    fn reorder(&mut self, layer: &str, tensor: TensorId, list: &[usize]) {
        if let Some(lattices) = self.lattices.get_mut(&tensor) {
            *lattices = picked(lattices, list);
        }
        self.arranged.retain(|(_, _, arranged)| *arranged != tensor);
        for steps in self.sensitive_steps.iter_mut().filter(|steps| steps.node == layer) {
            steps.channels = moved(&steps.channels, list);
            steps.channels.sort_unstable();
            for difference in &mut steps.differences {
                difference.channel = moved(&[difference.channel], list)[0];
            }
            steps.differences.sort_by_key(|difference| (difference.channel, difference.sum));
        }
        let kind = self.tensors[tensor.0];
        for symbol in self.symbols.values_mut() {
            if let Symbol::Data(data) = symbol
                && data.origin == Origin::Tensor(tensor)
            {
                let pixels = match &data.pending {
                    Some(crate::lower::symbol::Pending::MaxPool { window, .. }) => {
                        window.output(kind.height, kind.width).iter().product()
                    }
                    Some(crate::lower::symbol::Pending::Pad { .. }) | None => kind.vectors(),
                };
                let positions: Vec<usize> = match &data.order {
                    Some(order) => order.to_vec(),
                    None => (0..pixels * kind.channels).collect(),
                };
                data.order = Some(Arc::new(moved(&positions, list)));
            }
        }
    }
}
