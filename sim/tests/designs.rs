//! Generated designs in Verilator: scores, every tensor on a stream, and cycles as planned.

#![allow(clippy::unwrap_used)]

use compiler::lower::lower;
use compiler::planner::{Goal, plan};
use network::graph::Graph;
use sim::packed::Packed;
use sim::trace::first_difference;
use sim::verilator::{Cache, Verilator};
use sim::{Executor, RunOptions};
use std::path::Path;
use testkit::random_graphs::{random_convolutional_graph, random_graph, random_images};

/// Holds the design of a graph, for `rate` images/s at 100 MHz, to its network and plan.
fn check(graph: &Graph, seed: u64, rate: f64) {
    let network = lower(graph).unwrap();
    let plan = plan(network.clone(), &Goal::FramesPerSecond(rate), 100.0).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let compiled = flow::artifacts::write(&plan, None, &folder.path().join("design")).unwrap();
    let cache = Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    let mut verilator = Verilator::of_design(&compiled, &folder.path().join("design")).unwrap().with_cache(cache);
    let images = random_images(graph, seed, 30);
    let trace = RunOptions { trace: true, ..RunOptions::default() };
    let expected = Packed::new(&network).run(&images, &trace).unwrap();

    // With its streams recorded both times, which is one program to compile.
    let free = verilator.run(&images, &trace).unwrap();
    assert_eq!(free.scores, expected.scores, "seed {seed}\n{plan}");
    let cycles = free.cycles.unwrap();
    assert_eq!(cycles.steady_interval(8), Some(plan.initiation_interval), "seed {seed}\n{plan}\n{cycles:?}");
    assert_eq!(cycles.latency_cycles, plan.latency, "seed {seed}\n{plan}");

    let held = verilator.run(&images, &RunOptions { back_pressure: Some(seed), ..trace }).unwrap();
    assert_eq!(held.scores, expected.scores, "seed {seed}\n{plan}");
    let difference = first_difference(&expected.trace.unwrap(), &held.trace.unwrap());
    assert!(difference.is_none(), "seed {seed}: {}\n{plan}", difference.unwrap());
}

#[test]
fn designs_compute_their_networks_in_the_cycles_planned() {
    if !testkit::tool("verilator") {
        return;
    }
    for seed in 0..testkit::count(2, 4) {
        check(&random_graph(seed, 40), seed, 1e6);
    }
}

#[test]
fn convolutional_designs_compute_their_networks_in_the_cycles_planned() {
    if !testkit::tool("verilator") {
        return;
    }
    // The first ones with many stages: windows, pools, forks and joins among them.
    let is_long = |seed: &u64| {
        let network = lower(&random_convolutional_graph(*seed)).unwrap();
        plan(network, &Goal::FramesPerSecond(1e4), 100.0).is_ok_and(|plan| plan.stages.len() >= 10)
    };
    for seed in (0..).filter(is_long).take(testkit::count(2, 3) as usize) {
        check(&random_convolutional_graph(seed), seed, 1e4);
    }
}
