//! A plan's values without a clock as an executor.

use crate::SimError;
use crate::executor::{Executor, Run, RunOptions};
use crate::trace::{Trace, TracedTensor, layer_of};
use compiler::plan::Plan as HardwarePlan;
use compiler::values;
use network::network::TensorId;
use std::collections::BTreeMap;

/// Runs a plan with [`compiler::values`]: each stage moves words as its hardware does, without a clock.
#[derive(Clone, Debug)]
pub struct Plan {
    plan: HardwarePlan,
}

impl Plan {
    /// An executor of `plan`.
    pub fn new(plan: HardwarePlan) -> Self {
        Plan { plan }
    }
}

impl Executor for Plan {
    fn name(&self) -> &'static str {
        "plan"
    }

    fn run(&mut self, images: &[Vec<f32>], options: &RunOptions) -> Result<Run, SimError> {
        options.without_wave(self.name())?;
        let network = &self.plan.network;
        let mut scores = Vec::with_capacity(images.len());
        let mut traced: BTreeMap<TensorId, Vec<Vec<i32>>> = BTreeMap::new();
        for (image, values) in images.iter().enumerate() {
            let input = network.input_map.apply(values).map_err(|source| SimError::Image { image, source })?;
            let output = values::run(&self.plan, &input, |stream, words| {
                let tensor = self.plan.stream(stream).tensor.filter(|_| options.trace);
                let images = tensor.map(|tensor| traced.entry(tensor).or_default());
                // A tensor on several streams is the same on each.
                if let Some(images) = images.filter(|images| images.len() == image) {
                    images.push(words.elements().collect());
                }
            })?;
            scores.push(network.output_map.apply(&output.elements().collect::<Vec<i32>>()));
            options.report(image + 1);
        }
        let tensors = traced.into_iter().map(|(tensor, images)| TracedTensor {
            tensor,
            layer: layer_of(network, tensor).to_owned(),
            vectors: network.tensor(tensor).vectors(),
            channels: network.tensor(tensor).channels,
            images,
        });
        let trace = options.trace.then(|| Trace::new(tensors.collect()));
        Ok(Run { scores, cycles: None, trace })
    }
}
