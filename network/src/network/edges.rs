//! Who writes and who reads each tensor.

use super::{LayerId, Network, TensorId};

/// The edges of a network, found in one walk over its layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edges {
    producers: Vec<Option<LayerId>>,
    consumers: Vec<Vec<LayerId>>,
    readers: Vec<usize>,
}

impl Edges {
    /// The edges of `network`.
    pub fn of(network: &Network) -> Self {
        let count = network.tensors.len();
        let mut edges =
            Edges { producers: vec![None; count], consumers: vec![Vec::new(); count], readers: vec![0; count] };
        edges.readers[network.output.0] = 1;
        for (index, layer) in network.layers.iter().enumerate() {
            edges.producers[layer.output.0] = Some(LayerId(index));
            for TensorId(input) in &layer.inputs {
                edges.readers[*input] += 1;
                if edges.consumers[*input].last() != Some(&LayerId(index)) {
                    edges.consumers[*input].push(LayerId(index));
                }
            }
        }
        edges
    }

    /// The layer that writes a tensor; `None` for the input.
    pub fn producer(&self, tensor: TensorId) -> Option<LayerId> {
        self.producers[tensor.0]
    }

    /// The layers that read a tensor, each once, in order.
    pub fn consumers(&self, tensor: TensorId) -> &[LayerId] {
        &self.consumers[tensor.0]
    }

    /// How often a tensor is read: by layers, and from outside where it is the network's output.
    pub fn readers(&self, tensor: TensorId) -> usize {
        self.readers[tensor.0]
    }

    /// The only layer that reads a tensor, where nothing else reads it, be it from outside.
    pub fn only_consumer(&self, tensor: TensorId) -> Option<LayerId> {
        match self.consumers[tensor.0].as_slice() {
            [only] if self.readers[tensor.0] == 1 => Some(*only),
            _ => None,
        }
    }
}
