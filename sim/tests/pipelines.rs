//! Every kind of layer in hardware: the numbers of the integer form, in exactly the planned cycles.

#![allow(clippy::unwrap_used)]

use compiler::planner::{Goal, plan};
use network::integer;
use network::network::Network;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sim::packed::Packed;
use sim::plan::Plan;
use sim::rtl::Rtl;
use sim::trace::{Trace, first_difference};
use sim::{Executor, RunOptions};
use std::collections::BTreeSet;
use testkit::count;
use testkit::folding::random_folding;
use testkit::networks::all;
use testkit::random_networks::random_network;

fn random_images(network: &Network, count: usize, random: &mut ChaCha8Rng) -> Vec<Vec<f32>> {
    let element = network.tensor(network.input).element;
    let mut value = || random.random_range(element.minimum()..=element.maximum()) as f32;
    (0..count).map(|_| (0..network.input_map.len()).map(|_| value()).collect()).collect()
}

/// Runs `network` folded at random and compares everything.
fn check(network: &Network, seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let goal = Goal::Folding(random_folding(network, &mut random));
    let plan = plan(network.clone(), &goal, 100.0).unwrap();
    let images = random_images(network, 12, &mut random);
    let expected: Vec<_> = images.iter().map(|image| integer::run(network, image).unwrap()).collect();
    let mut rtl = Rtl::new(&plan);
    let run = rtl.run(&images, &RunOptions { trace: true, ..RunOptions::default() }).unwrap();
    let tensors = expected.iter().map(|evaluation| evaluation.tensors.clone()).collect();
    let expected_trace = Trace::of_network(network, tensors);
    let values = Plan::new(plan.clone()).run(&images, &RunOptions { trace: true, ..RunOptions::default() }).unwrap();
    for trace in [values.trace, run.trace] {
        let difference = first_difference(trace.as_ref().unwrap(), &expected_trace);
        assert!(difference.is_none(), "seed {seed}: {}\n{plan}", difference.unwrap());
    }
    let scores: Vec<_> = expected.into_iter().map(|evaluation| evaluation.scores).collect();
    assert_eq!(values.scores, scores, "seed {seed}\n{plan}");
    assert_eq!(run.scores, scores, "seed {seed}\n{plan}");
    let cycles = run.cycles.unwrap();
    assert_eq!(cycles.steady_interval(8), Some(plan.initiation_interval), "seed {seed}\n{plan}");
    assert_eq!(cycles.latency_cycles, plan.latency, "seed {seed}\n{plan}");
    let held = rtl.run(&images[..4], &RunOptions { back_pressure: Some(seed), ..RunOptions::default() }).unwrap();
    assert_eq!(held.scores, scores[..4], "back-pressure, seed {seed}\n{plan}");
}

macro_rules! networks {
    ($($name:ident),+ $(,)?) => {
        const TESTED: &[&str] = &[$(stringify!($name)),+];

        $(
        #[test]
        fn $name() {
            for seed in 1..=count(1, 3) {
                let networks = all(seed);
                let network = networks.iter().find(|network| network.name == stringify!($name)).unwrap();
                check(network, seed);
                check(network, seed + 1000);
            }
        }
        )+
    };
}

networks!(
    padded_bipolar,
    convolution_pool,
    residual,
    branches,
    depthwise,
    grouped,
    global_pool,
    upsample,
    one_dimensional,
    read_twice,
    powers_of_two,
    scaled_groups,
    sums_of_factors,
);

/// A network that is not in the list above would never be simulated.
#[test]
fn every_network_is_listed() {
    let networks = all(1);
    let names: BTreeSet<&str> = networks.iter().map(|network| network.name.as_str()).collect();
    assert_eq!(names, TESTED.iter().copied().collect());
}

#[test]
fn packed_engine_agrees() {
    for network in all(7) {
        let images = random_images(&network, 4, &mut ChaCha8Rng::seed_from_u64(7));
        let run = Packed::new(&network).run(&images, &RunOptions::default()).unwrap();
        for (image, scores) in images.iter().zip(&run.scores) {
            assert_eq!(&integer::run(&network, image).unwrap().scores, scores, "{network}");
        }
    }
}

/// Layers in an order that no one thought of.
#[test]
fn random_pipelines() {
    for seed in 0..count(15, 300) {
        check(&random_network(seed), seed);
    }
}
