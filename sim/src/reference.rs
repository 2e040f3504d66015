//! The graph itself, node by node: what the model means.

use crate::SimError;
use crate::executor::{Executor, Run, RunOptions};
use crate::threads::spread;
use abi::maps::Scores;
use network::graph::Graph;
use network::reference::{Evaluator, ReferenceError};
use network::tensor::Tensor;
use rayon::prelude::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs a graph with [`network::reference`], images spread over threads.
#[derive(Clone, Debug)]
pub struct Reference<'g> {
    graph: &'g Graph,
    evaluator: Evaluator<'g>,
}

impl<'g> Reference<'g> {
    /// An executor of `graph`.
    ///
    /// # Errors
    /// Where the graph's constants give no finite numbers.
    pub fn new(graph: &'g Graph) -> Result<Self, ReferenceError> {
        Ok(Reference { graph, evaluator: Evaluator::new(graph)? })
    }

    fn scores(&self, image: &[f32]) -> Result<Scores, ReferenceError> {
        let shape = self.graph.value(self.graph.input).shape.clone();
        let input = Tensor::new(shape, image.iter().map(|value| f64::from(*value)).collect());
        let output = self.evaluator.run(&input)?;
        Ok(if self.graph.gives_indices() {
            Scores::Indices(output.data.iter().map(|index| *index as i64).collect())
        } else {
            Scores::Values(output.data.iter().map(|score| *score as f32).collect())
        })
    }
}

impl Executor for Reference<'_> {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn run(&mut self, images: &[Vec<f32>], options: &RunOptions) -> Result<Run, SimError> {
        options.without_wave(self.name())?;
        if options.trace {
            return Err(SimError::Unsupported { executor: self.name(), what: "integer tensors to trace" });
        }
        let done = AtomicUsize::new(0);
        let scores = spread(|| {
            let scores = images.par_iter().enumerate().map(|(image, values)| {
                let scores = self.scores(values).map_err(|source| SimError::Reference { image, source });
                options.report(done.fetch_add(1, Ordering::Relaxed) + 1);
                scores
            });
            scores.collect::<Result<Vec<Scores>, SimError>>()
        })??;
        Ok(Run { scores, cycles: None, trace: None })
    }
}
