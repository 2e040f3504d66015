//! What must hold of every `Network`.

use super::{Layer, LayerKind, Network, TensorId, TensorType};
use miette::Diagnostic;
use thiserror::Error;

/// A network that breaks its own rules: a fault of the pass that made it.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
#[error("layer `{layer}` of network `{network}` must satisfy: {rule}")]
#[diagnostic(
    code(network::invalid),
    help("this is a fault of xnorforge, not of the model: please report it together with the model")
)]
pub struct NetworkError {
    /// The network's name.
    pub network: String,
    /// The layer's name, or `input` or `output`.
    pub layer: String,
    /// The rule that is broken.
    pub rule: &'static str,
}

impl Network {
    /// Checks every rule that passes rely on.
    ///
    /// # Errors
    /// Where a rule is broken, the first one.
    pub fn validate(&self) -> Result<(), NetworkError> {
        let fail = |layer: &str, rule: &'static str| {
            Err(NetworkError { network: self.name.clone(), layer: layer.to_owned(), rule })
        };
        let known = |id: TensorId| id.0 < self.tensors.len();
        let ends = known(self.input) && known(self.output);
        if !ends || !self.layers.iter().all(|layer| known(layer.input) && known(layer.output)) {
            return fail("input", "every tensor named exists");
        }
        for tensor in &self.tensors {
            let element = tensor.element;
            if tensor.minimum > tensor.maximum || !element.contains(tensor.minimum) || !element.contains(tensor.maximum)
            {
                return fail("input", "the range of every tensor lies in its element type");
            }
        }
        let mut written = vec![false; self.tensors.len()];
        written[self.input.0] = true;
        for layer in &self.layers {
            if !written[layer.input.0] {
                return fail(&layer.name, "a tensor is written before it is read");
            }
            if std::mem::replace(&mut written[layer.output.0], true) {
                return fail(&layer.name, "a tensor is written once");
            }
            if let Some(rule) = broken_rule(layer, self.tensor(layer.input), self.tensor(layer.output)) {
                return fail(&layer.name, rule);
            }
        }
        if !written[self.output.0] {
            return fail("output", "the output is written");
        }
        if !self.input_map.functions.iter().all(|f| f.is_well_formed()) {
            return fail("input", "step functions are well formed");
        }
        Ok(())
    }
}

fn broken_rule(layer: &Layer, input: &TensorType, output: &TensorType) -> Option<&'static str> {
    match &layer.kind {
        LayerKind::MatrixVector(weights) => {
            if weights.values.len() != weights.rows * weights.columns {
                return Some("weights fill the matrix");
            }
            if weights.columns != input.channels || weights.rows != output.channels {
                return Some("the matrix fits its tensors");
            }
            if input.vectors != output.vectors {
                return Some("pixels go through one by one");
            }
            if !weights.values.iter().all(|w| weights.element.contains(i64::from(*w))) {
                return Some("weights lie in their type");
            }
        }
        LayerKind::MultiThreshold(steps) => {
            if steps.len() != output.channels || input.channels != output.channels || input.vectors != output.vectors {
                return Some("one step function per channel, same shape in and out");
            }
            for step in steps {
                if !step.is_well_formed() {
                    return Some("step functions are well formed");
                }
                if !step.values.iter().all(|v| output.element.contains(i64::from(*v))) {
                    return Some("step values lie in the output's type");
                }
            }
        }
        LayerKind::ArgMax => {
            if output.channels != 1 || input.vectors != 1 || output.vectors != 1 {
                return Some("arg-max makes one index of one pixel");
            }
        }
    }
    None
}
