//! Step functions that do nothing.

use super::drop_unused_tensors;
use network::network::{LayerKind, Network, TensorId};

/// Takes out step functions that give back every code that can come, as quantised graphs have them around each pool.
pub fn drop_identities(mut network: Network) -> Network {
    let mut index = 0;
    while let Some(layer) = network.layers.get(index) {
        let (input, output) = (layer.inputs[0], layer.output);
        if !is_identity(&network, index) {
            index += 1;
            continue;
        }
        network.layers.remove(index);
        let renamed = |id: TensorId| if id == output { input } else { id };
        network.output = renamed(network.output);
        for read in network.layers.iter_mut().flat_map(|layer| &mut layer.inputs) {
            *read = renamed(*read);
        }
    }
    drop_unused_tensors(network)
}

fn is_identity(network: &Network, index: usize) -> bool {
    let layer = &network.layers[index];
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
