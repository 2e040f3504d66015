//! The naive integer evaluator as an executor: the specification itself, slow.

use crate::SimError;
use crate::executor::{Executor, Run, RunOptions};
use crate::trace::Trace;
use network::network::Network;

/// Runs a network with [`network::integer`].
#[derive(Clone, Debug)]
pub struct Integer {
    network: Network,
}

impl Integer {
    /// An executor of `network`.
    pub fn new(network: Network) -> Self {
        Integer { network }
    }
}

impl Executor for Integer {
    fn name(&self) -> &'static str {
        "integer"
    }

    fn run(&mut self, images: &[Vec<f32>], options: &RunOptions) -> Result<Run, SimError> {
        options.without_wave(self.name())?;
        let mut scores = Vec::with_capacity(images.len());
        let mut tensors = Vec::new();
        for (image, values) in images.iter().enumerate() {
            let evaluation =
                network::integer::run(&self.network, values).map_err(|source| SimError::Image { image, source })?;
            scores.push(evaluation.scores);
            if options.trace {
                tensors.push(evaluation.tensors);
            }
            options.report(image + 1);
        }
        let trace = options.trace.then(|| Trace::of_network(&self.network, tensors));
        Ok(Run { scores, cycles: None, trace })
    }
}
