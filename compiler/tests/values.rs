//! Plans run for their values: the network's, and noticed where a plan is not the network's.

#![allow(clippy::unwrap_used)]

use abi::manifest::Checked;
use compiler::blocks::{Block, Parallelism, Vectors};
use compiler::plan::Plan;
use compiler::planner::{Goal, PlanError, plan};
use compiler::values::{Difference, check, check_stages};
use network::network::Network;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use testkit::folding::random_folding;
use testkit::networks::{BIPOLAR, Builder, I3, U2, all, window};
use testkit::random_networks::random_network;

fn random_plan(network: Network, seed: u64) -> Option<Plan> {
    let folding = random_folding(&network, &mut ChaCha8Rng::seed_from_u64(seed));
    match plan(network, &Goal::Folding(folding), 100.0) {
        Ok(plan) => Some(plan),
        Err(PlanError::NoUnit { .. }) => None,
        Err(error) => panic!("seed {seed}: {error}"),
    }
}

fn holds_values(plan: &Plan, seed: u64) {
    plan.validate().unwrap_or_else(|error| panic!("seed {seed}: {error}\n{plan}"));
    let checked = check(plan).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{plan}"));
    assert_eq!(checked.checked, Checked::Images);
    check_stages(plan).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{plan}"));
}

#[test]
fn plans_of_every_kind_of_layer_have_the_values_of_their_networks() {
    for (index, network) in all(3).into_iter().enumerate() {
        holds_values(&random_plan(network, index as u64).unwrap(), index as u64);
    }
}

#[test]
fn plans_have_the_values_of_their_networks() {
    let count = testkit::count(400, 20_000);
    let mut planned = 0;
    for seed in 0..count {
        let Some(plan) = random_plan(random_network(seed), seed) else { continue };
        holds_values(&plan, seed);
        planned += 1;
    }
    assert!(planned > count * 9 / 10, "{planned} of {count} planned");
}

/// A stage that takes the writer's cut for its own, as stages once did, is noticed wherever that makes a difference, before
/// there is hardware; and by the plan's own rules.
#[test]
fn the_writers_cut_in_place_of_the_layers_is_noticed() {
    let mut noticed = [0; 2];
    for seed in 0..200 {
        let Some(plan) = random_plan(random_network(seed), seed) else { continue };
        for index in 0..plan.stages.len() {
            let stage = &plan.stages[index];
            let written: Vec<Vectors> =
                stage.inputs.iter().map(|input| Vectors::of_format(&plan.stream(*input).format)).collect();
            let moves_alike = stage.reads() == written;
            let mut wrong = plan.clone();
            match &mut wrong.stages[index].block {
                Block::Concat(concat) => concat.reads = [written[0], written[1]],
                Block::Upsample(enlargement) => enlargement.channels = written[0].channels,
                _ => continue,
            }
            assert_eq!(wrong.validate().is_ok(), moves_alike, "seed {seed}\n{plan}");
            let found = [check(&wrong).is_err(), check_stages(&wrong).is_err()];
            assert!(!(moves_alike && found.contains(&true)), "seed {seed}\n{plan}");
            noticed.iter_mut().zip(found).for_each(|(noticed, found)| *noticed += usize::from(found));
        }
    }
    assert!(noticed.iter().all(|noticed| *noticed > 20), "{noticed:?}");
}

/// A stream whose writer cuts it otherwise than its reader can take it.
#[test]
fn words_that_do_not_fit_are_an_error() {
    let (mut b, x) = Builder::new("grouped", [2, 2, 4], U2, 5);
    let x = b.convolution(x, window(1, 1, 0), 2, 0, (6, I3));
    let x = b.steps(x, U2);
    let x = b.dense(x, 2, BIPOLAR);
    let network = b.finish(x);
    let folding = [("convolution_0", 2, 1), ("matrix_vector_2", 1, 3)];
    let folding = folding.map(|(name, pe, simd)| (name.to_owned(), Parallelism { pe, simd }));
    let mut plan = plan(network, &Goal::Folding(folding.into()), 100.0).unwrap();
    assert!(check(&plan).is_ok());
    // Without the converter between the groups of three and the pixels of six.
    let converter = plan.stages.iter().position(|stage| matches!(stage.block, Block::WidthConverter(_))).unwrap();
    let removed = plan.stages.remove(converter);
    for stage in &mut plan.stages {
        stage.inputs.iter_mut().filter(|input| **input == removed.output()).for_each(|input| *input = removed.input());
    }
    assert!(matches!(check(&plan), Err(Difference::Words(_))), "{:?}\n{plan}", check(&plan));
    let misfit = compiler::plan::check_fit(&plan.streams, &plan.stages).unwrap_err();
    assert!(misfit.to_string().contains("matrix_vector"), "{misfit}");
}
