//! One random network, every executor, no tolerance.

#![allow(clippy::unwrap_used)]

use abi::maps::Scores;
use compiler::lower::{LowerError, lower};
use compiler::plan::Plan;
use compiler::planner::{Goal, PlanError, plan};
use hdl::design::{DesignError, design};
use network::calibrate::{Activations, calibrate};
use network::graph::{Edit, Graph, Operator, ValueId};
use network::network::Network;
use network::reference::Evaluator;
use network::tensor::Tensor;
use network::{integer, onnx};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sim::packed::Packed;
use sim::rtl::Rtl;
use sim::{Executor, RunOptions, SimError};
use testkit::folding::random_folding;
use testkit::random_graphs::{random_convolutional_graph, random_graph, random_images, random_topology_graph};

fn fail(error: impl std::fmt::Display) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

/// Cases in a sample and in full. A failing seed is reproduced by the seed alone, so shrinking it means nothing.
fn config(sample: u64, full: u64) -> ProptestConfig {
    ProptestConfig {
        cases: testkit::count(sample, full) as u32,
        max_shrink_iters: 0,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn as_numbers(scores: &Scores) -> Vec<f64> {
    match scores {
        Scores::Values(values) => values.iter().map(|value| f64::from(*value)).collect(),
        Scores::Indices(indices) => indices.iter().map(|index| *index as f64).collect(),
    }
}

/// The graph of unusual shape of a seed, `None` where it is refused by name.
fn topology(seed: u64) -> Result<Option<Graph>, TestCaseError> {
    let graph = random_topology_graph(seed);
    match lower(&graph) {
        Ok(_) => Ok(Some(graph)),
        Err(LowerError::Invalid(error)) => Err(fail(format!("seed {seed}: {error}\n{graph}"))),
        Err(_) => Ok(None),
    }
}

/// Whether a dot product reads integers that no 16 bits hold.
fn reads_wide(network: &Network) -> bool {
    let is_wide = |minimum: i64, maximum: i64| match minimum {
        0.. => maximum >= 1 << 16,
        _ => minimum < -1 << 15 || maximum >= 1 << 15,
    };
    network.layers.iter().filter(|layer| layer.kind.weights().is_some()).any(|layer| {
        let read = network.tensor(layer.input());
        is_wide(read.minimum, read.maximum)
    })
}

/// The reference against the integers, image by image.
fn check_reference(graph: &Graph, seed: u64) -> Result<(), TestCaseError> {
    let network = lower(graph).map_err(|error| fail(format!("seed {seed}: {error}\n{graph}")))?;
    let evaluator = Evaluator::new(graph).map_err(fail)?;
    for image in random_images(graph, seed, 8) {
        let shape = graph.value(graph.input).shape.clone();
        let input = Tensor::new(shape, image.iter().map(|value| f64::from(*value)).collect());
        let expected = evaluator.run(&input).map_err(fail)?;
        let found = integer::run(&network, &image).map_err(fail)?;
        // Scores are float32.
        let expected: Vec<f64> = expected.data.iter().map(|score| f64::from(*score as f32)).collect();
        prop_assert_eq!(as_numbers(&found.scores), expected, "seed {}\n{}\n{}", seed, graph, network);
    }
    Ok(())
}

/// The graph with real activations, as far as dot products read them: ReLU in place of quantisers.
fn with_real_activations(graph: &Graph) -> Graph {
    let is_dot =
        |operator: &Operator| matches!(operator, Operator::MatMul | Operator::Gemm { .. } | Operator::Conv { .. });
    let last = graph.nodes.iter().rposition(|node| is_dot(&node.operator)).unwrap_or(0);
    let mut edit = Edit::of(graph);
    for (index, node) in graph.nodes.iter().enumerate() {
        let mut node = node.clone();
        let quantises =
            matches!(node.operator, Operator::Quant { .. } | Operator::BipolarQuant | Operator::MultiThreshold { .. });
        if quantises && index < last {
            node.operator = Operator::Relu;
            node.inputs.truncate(1);
        }
        edit.keep(node);
    }
    edit.finish()
}

/// Whether two activations are added after constants beside which float32 has no room for the image: calibrated, their
/// steps may be 2^52 and 1, and no integer holds the sum.
fn adds_unlike_steps(graph: &Graph) -> bool {
    let constant = |input: &ValueId| graph.constant(*input);
    let is_sum = |inputs: &[ValueId]| inputs.iter().all(|input| constant(input).is_none());
    let adds = || graph.nodes.iter().filter(|node| node.operator == Operator::Add);
    adds().any(|node| is_sum(&node.inputs))
        && adds().flat_map(|node| node.inputs.iter().filter_map(constant)).any(|tensor| tensor.data[0].abs() > 1e15)
}

/// Real activations, calibrated: every network has integers then, and they are the reference's.
fn check_calibrated(graph: &Graph, seed: u64) -> Result<(), TestCaseError> {
    // The steps of pixels and of a sum that they are added to may have no common measure that codes have room for.
    if graph.nodes.iter().any(|node| node.operator == Operator::Mul && node.inputs[0] == graph.input) {
        return Ok(());
    }
    let real = with_real_activations(graph);
    let shape = real.value(real.input).shape.clone();
    let tensor = |image: Vec<f32>| Tensor::new(shape.clone(), image.into_iter().map(f64::from).collect());
    let images: Vec<Tensor> = random_images(&real, seed, 8).into_iter().map(tensor).collect();
    let activations = Activations { bits: 2 + (seed % 7) as u32, ..Activations::default() };
    let calibrated = calibrate(&real, &images, &activations).map_err(fail)?;
    if adds_unlike_steps(graph) && matches!(lower(&calibrated), Err(LowerError::NotQuantised { .. })) {
        return Ok(());
    }
    check_reference(&calibrated, seed)?;
    // The file that it would be written to computes the same.
    let bytes = onnx::export(&calibrated).map_err(fail)?;
    let again = onnx::import_bytes(&bytes, None, "again").map_err(fail)?;
    let (one, other) = (Evaluator::new(&calibrated).map_err(fail)?, Evaluator::new(&again).map_err(fail)?);
    for image in &images {
        prop_assert_eq!(one.run(image).map_err(fail)?, other.run(image).map_err(fail)?, "seed {}", seed);
    }
    Ok(())
}

/// The packed engine against the integers.
fn check_packed(graph: &Graph, seed: u64) -> Result<(), TestCaseError> {
    let network = lower(graph).map_err(fail)?;
    let images = random_images(graph, seed, 8);
    let run = Packed::new(&network).run(&images, &RunOptions::default()).map_err(fail)?;
    for (image, scores) in images.iter().zip(&run.scores) {
        prop_assert_eq!(&integer::run(&network, image).map_err(fail)?.scores, scores, "seed {}\n{}", seed, network);
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(300, 3000))]

    #[test]
    fn reference_equals_integers(seed in any::<u64>()) {
        check_reference(&random_graph(seed, 70), seed)?;
    }

    #[test]
    fn calibrated_activations_have_integers(seed in any::<u64>()) {
        check_calibrated(&random_graph(seed, 40), seed)?;
    }

    #[test]
    fn calibrated_activations_have_integers_on_convolutions(seed in any::<u64>()) {
        check_calibrated(&random_convolutional_graph(seed), seed)?;
    }

    #[test]
    fn packed_engine_equals_integers(seed in any::<u64>()) {
        check_packed(&random_graph(seed, 70), seed)?;
    }

    #[test]
    fn reference_equals_integers_on_convolutions(seed in any::<u64>()) {
        check_reference(&random_convolutional_graph(seed), seed)?;
    }

    #[test]
    fn packed_engine_equals_integers_on_convolutions(seed in any::<u64>()) {
        check_packed(&random_convolutional_graph(seed), seed)?;
    }

    #[test]
    fn engines_equal_integers_on_unusual_shapes(seed in any::<u64>()) {
        if let Some(graph) = topology(seed)? {
            check_reference(&graph, seed)?;
            check_packed(&graph, seed)?;
        }
    }
}

proptest! {
    #![proptest_config(config(20, 60))]

    #[test]
    fn hardware_equals_integers_in_the_planned_cycles(seed in any::<u64>()) {
        check_hardware(&random_graph(seed, 70), seed)?;
    }
}

proptest! {
    #![proptest_config(config(10, 30))]

    #[test]
    fn hardware_equals_integers_on_convolutions(seed in any::<u64>()) {
        check_hardware(&random_convolutional_graph(seed), seed)?;
    }

    #[test]
    fn hardware_equals_integers_on_unusual_shapes(seed in any::<u64>()) {
        if let Some(graph) = topology(seed)? {
            check_hardware(&graph, seed)?;
        }
    }
}

/// The plan of a network folded at random, `None` where hardware has no unit or block for it.
fn random_plan(graph: &Graph, seed: u64) -> Result<Option<Plan>, TestCaseError> {
    let network = lower(graph).map_err(fail)?;
    let folding = random_folding(&network, &mut ChaCha8Rng::seed_from_u64(seed ^ 0x5eed));
    let plan = match plan(network.clone(), &Goal::Folding(folding), 100.0) {
        Err(PlanError::NoUnit { must: "read activations of at most 16 bits", found, .. }) => {
            prop_assert!(reads_wide(&network), "seed {}: {}\n{}", seed, found, network);
            return Ok(None);
        }
        Err(PlanError::NoUnit { .. }) => return Ok(None),
        plan => plan.map_err(fail)?,
    };
    match design(&plan) {
        Err(DesignError::NoBlock { .. }) => Ok(None),
        Err(error) => Err(fail(format!("{error}, seed {seed}\n{plan}"))),
        Ok(_) => Ok(Some(plan)),
    }
}

/// Folds a network at random and compares scores, interval and latency, then scores under back-pressure.
fn check_hardware(graph: &Graph, seed: u64) -> Result<(), TestCaseError> {
    let Some(plan) = random_plan(graph, seed)? else { return Ok(()) };
    let images = random_images(graph, seed, 12);
    let expected: Result<Vec<Scores>, TestCaseError> =
        images.iter().map(|image| Ok(integer::run(&plan.network, image).map_err(fail)?.scores)).collect();
    let expected = expected?;
    let mut rtl = Rtl::new(&plan);
    let run = |error: SimError| fail(format!("{error}, seed {seed}\n{plan}"));
    let free = rtl.run(&images, &RunOptions::default()).map_err(run)?;
    prop_assert_eq!(&free.scores, &expected, "seed {}\n{}", seed, plan);
    let cycles = free.cycles.ok_or_else(|| fail("a simulation has cycles"))?;
    prop_assert_eq!(cycles.steady_interval(8), Some(plan.initiation_interval), "seed {}\n{}", seed, plan);
    prop_assert_eq!(cycles.latency_cycles, plan.latency, "seed {}\n{}", seed, plan);
    let held = RunOptions { back_pressure: Some(seed), ..RunOptions::default() };
    let held = rtl.run(&images, &held).map_err(run)?;
    prop_assert_eq!(&held.scores, &expected, "back-pressure, seed {}\n{}", seed, plan);
    Ok(())
}

/// Most graphs of unusual shape run: what is compared above is not what is left of them.
#[test]
fn few_unusual_shapes_are_refused() {
    let refused = (0..200).filter(|seed| lower(&random_topology_graph(*seed)).is_err()).count();
    assert!(refused < 60, "{refused} of 200 are refused");
}

/// Most random graphs have hardware: what is compared above is not what is left of them.
#[test]
fn most_random_graphs_have_hardware() {
    let planned = |graph: fn(u64) -> Graph| {
        let graphs = (0..100).map(|seed| (seed, graph(seed))).filter(|(_, graph)| lower(graph).is_ok());
        graphs.filter(|(seed, graph)| random_plan(graph, *seed).unwrap().is_some()).count()
    };
    let planned = [|seed| random_graph(seed, 70), random_convolutional_graph, random_topology_graph].map(planned);
    let least = [80, 60, 40];
    assert!(
        planned.iter().zip(least).all(|(planned, least)| *planned >= least),
        "{planned:?} of 100 each, must: {least:?}"
    );
}

/// A sum behind a convolution in groups, whose stream is cut into vectors of a group.
#[test]
fn sums_count_the_channels_of_their_own_tensor() {
    let seed = 18_010_529_728_703_855_783;
    check_hardware(&random_convolutional_graph(seed), seed).unwrap();
}

/// Scores that two huge biases absorb in twice the precision of f64: an arg-max compares them once they are exact.
#[test]
fn absorbed_scores_have_an_arg_max() {
    let seed = 11_878_171_883_107_531_290;
    check_reference(&random_graph(seed, 70), seed).unwrap();
}

/// Two forks and two joins: images leave after two and three cycles in turn.
#[test]
fn intervals_that_alternate_have_a_mean() {
    let seed = 4_618_786_466_358_798_690;
    check_hardware(&random_topology_graph(seed), seed).unwrap();
}

/// Scores that differ by less than float64 tells apart, and quotients that are zero: the host compares what is exact.
#[test]
fn scores_are_ordered_exactly() {
    for seed in [2_475_509_474_240_560_965, 8_727_462_775_516_750_266] {
        check_calibrated(&random_convolutional_graph(seed), seed).unwrap();
        check_calibrated(&random_graph(seed, 40), seed).unwrap();
    }
}

/// As many elements as a tensor has, one of them read twice and another not at all.
#[test]
fn elements_that_are_read_twice_have_two_weights() {
    let seed = 16_617_735_329_184_736_449;
    let graph = random_topology_graph(seed);
    check_reference(&graph, seed).unwrap();
    check_hardware(&graph, seed).unwrap();
}

/// A padding with a code that the image itself has not, behind an enlargement.
#[test]
fn paddings_widen_all_that_has_their_type() {
    let seed = 6_074_707_413_310_828_519;
    let graph = random_topology_graph(seed);
    check_reference(&graph, seed).unwrap();
    check_hardware(&graph, seed).unwrap();
}
