//! One random network, every executor, no tolerance.

#[path = "random_networks/generator.rs"]
mod generator;

use abi::maps::Scores;
use compiler::lower::lower;
use generator::{random_graph, random_images};
use network::integer;
use network::reference::Evaluator;
use network::tensor::Tensor;
use proptest::prelude::*;

fn as_numbers(scores: &Scores) -> Vec<f64> {
    match scores {
        Scores::Values(values) => values.iter().map(|value| f64::from(*value)).collect(),
        Scores::Indices(indices) => indices.iter().map(|index| *index as f64).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn reference_equals_integers(seed in any::<u64>()) {
        let graph = random_graph(seed, 70);
        let network = lower(&graph).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let evaluator = Evaluator::new(&graph).map_err(|error| TestCaseError::fail(error.to_string()))?;
        for image in random_images(&graph, seed, 8) {
            let shape = graph.value(graph.input).shape.clone();
            let input = Tensor::new(shape, image.iter().map(|value| f64::from(*value)).collect());
            let expected = evaluator.run(&input).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let found = integer::run(&network, &image).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(as_numbers(&found.scores), expected.data, "seed {}\n{}\n{}", seed, graph, network);
        }
    }
}
