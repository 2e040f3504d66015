//! Step functions that do nothing.

use super::drop_unused_tensors;
use network::network::{Layer, LayerKind, Network, TensorId};

/// Takes out step functions that give back every code that can come, as quantised graphs have them around each pool.
pub fn drop_identities(mut network: Network) -> Network {
    // What stands for each tensor.
    let mut stands_for: Vec<TensorId> = (0..network.tensors.len()).map(TensorId).collect();
    for mut layer in std::mem::take(&mut network.layers) {
        for input in &mut layer.inputs {
            *input = stands_for[input.0];
        }
        if is_identity(&network, &layer) {
            stands_for[layer.output.0] = layer.input();
        } else {
            network.layers.push(layer);
        }
    }
    network.output = stands_for[network.output.0];
    drop_unused_tensors(network)
}

fn is_identity(network: &Network, layer: &Layer) -> bool {
    let LayerKind::MultiThreshold(steps) = &layer.kind else {
        return false;
    };
    let (input, output) = (network.tensor(layer.inputs[0]), network.tensor(layer.output));
    // Wider ones are sums, which no code gives back.
    if input.element != output.element || input.element.bits() > 16 {
        return false;
    }
    steps.iter().enumerate().all(|(channel, step)| {
        let is_known = channel > 0 && steps[channel - 1] == *step;
        is_known || input.values().all(|code| i64::from(step.at(code)) == code)
    })
}
