//! Random convolutional networks, folded at random: the same rules as for those made by hand.

#![allow(clippy::unwrap_used)]

use compiler::lower::lower;
use compiler::planner::{Goal, PlanError, plan};
use compiler::schedule::control_outcome;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use testkit::folding::random_folding;
use testkit::random_graphs::random_convolutional_graph;

#[test]
fn random_networks_are_planned() {
    let (mut planned, mut refused, mut slower) = (0, 0, 0);
    for seed in 0..400 {
        let network = lower(&random_convolutional_graph(seed)).unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let goal = match seed % 3 {
            0 => Goal::FramesPerSecond(1e5),
            _ => Goal::Folding(random_folding(&network, &mut random)),
        };
        let plan = match plan(network.clone(), &goal, 100.0) {
            Ok(plan) => plan,
            Err(error) => {
                assert!(matches!(error, PlanError::NoUnit { .. } | PlanError::Unreachable { .. }), "{error}");
                println!("{error}");
                refused += 1;
                continue;
            }
        };
        planned += 1;
        plan.validate().unwrap_or_else(|error| panic!("seed {seed}: {error}\n{plan}"));
        let slowest = plan.stages.iter().map(|stage| stage.cycles).max().unwrap();
        if plan.initiation_interval != slowest {
            println!("seed {seed} slowest {slowest}\n{plan}");
            slower += 1;
        }
        for pattern in 0..3 {
            assert!(control_outcome(&plan, pattern, 4), "seed {seed}\n{plan}");
        }
    }
    println!("{planned} planned, {refused} refused");
    assert_eq!(slower, 0);
}
