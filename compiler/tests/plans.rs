//! Plans of every kind of layer: they keep to their interval, are planned again alike, and never get stuck.

#![allow(clippy::unwrap_used)]

use compiler::blocks::Block;
use compiler::blocks::{Dot, Parallelism};
use compiler::plan::Plan;
use compiler::planner::{Goal, plan};
use compiler::schedule::{Times, control_outcome, times_of};
use network::network::Network;
use std::collections::BTreeMap;
use testkit::networks::{Builder, U2, all, window};

/// Some legal parallelism for each layer, dividing or not.
fn folding(network: &Network, seed: u64) -> BTreeMap<String, Parallelism> {
    let mut random = seed | 1;
    let mut below = |limit: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % limit
    };
    let parallelism = |layer| {
        let limits = Dot::new(network, layer)?.limits();
        Some((layer.name.clone(), Parallelism { pe: 1 + below(limits.pe), simd: 1 + below(limits.simd) }))
    };
    network.layers.iter().filter_map(parallelism).collect()
}

fn plans() -> impl Iterator<Item = Plan> {
    (1..4).flat_map(|seed| {
        all(seed).into_iter().flat_map(move |network| {
            let goals = [
                Goal::Folding(folding(&network, seed)),
                Goal::Folding(folding(&network, seed + 77)),
                Goal::FramesPerSecond(2e4),
                Goal::FramesPerSecond(1e5),
            ];
            goals.map(|goal| plan(network.clone(), &goal, 100.0).unwrap())
        })
    })
}

#[test]
fn the_slowest_stage_sets_the_interval() {
    for plan in plans() {
        let slowest = plan.stages.iter().map(|stage| stage.cycles).max().unwrap();
        assert_eq!(plan.initiation_interval, slowest, "{plan}");
    }
}

#[test]
fn plans_are_planned_again_alike() {
    for plan in plans() {
        plan.validate().unwrap_or_else(|error| panic!("{error}\n{plan}"));
    }
}

#[test]
fn no_hesitation_stops_a_pipeline_for_good() {
    for plan in plans() {
        for seed in 0..6 {
            assert!(control_outcome(&plan, seed, 5), "seed {seed}\n{plan}");
        }
    }
}

/// The short branch of a fork must hold what the long one keeps back.
#[test]
fn a_branch_without_room_is_seen_to_be_stuck() {
    let (mut builder, x) = Builder::new("residual", [6, 6, 4], U2, 3);
    let y = builder.convolution(x, window(3, 1, 1), 1, 0, (4, U2));
    let y = builder.steps(y, U2);
    let sum = builder.add(&[(x, 1), (y, 1)]);
    let plan = plan(builder.finish(sum), &Goal::FramesPerSecond(1e4), 100.0).unwrap();
    let times = times_of(&plan.streams, &plan.stages).unwrap();
    assert_eq!(times, Times { initiation_interval: plan.initiation_interval, latency: plan.latency });
    let mut shallow = plan.stages.clone();
    let mut queues = shallow.iter_mut().filter_map(|stage| match &mut stage.block {
        Block::StreamFifo(queue) => Some(queue),
        _ => None,
    });
    queues.next().unwrap().depth = 2;
    assert_eq!(times_of(&plan.streams, &shallow), None);
}
