//! Plans within the room of a chip.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use compiler::chip::family::Family;
use compiler::chip::memory::{MemoryKind, MemoryRole};
use compiler::estimate::{Estimate, Shell};
use compiler::plan::Plan;
use compiler::planner::{Budget, Goal, PlanError, Target, USABLE, has_room, plan_for};
use miette::Diagnostic;
use network::network::Network;
use testkit::networks::{BIPOLAR, Builder, U2, window};

const FAMILIES: [Family; 2] = [Family::Ecp5, Family::Ice40];

fn target(family: Family, lut: u64, bram: u64) -> Target {
    let shell = Shell { ring_words: 512, line_bytes: 512 };
    Target { budget: Some(Budget { lut, ff: lut, bram, shell }), ..Target::of(family) }
}

fn estimate(plan: &Plan, target: &Target) -> Estimate {
    target.estimate(&plan.streams, &plan.stages)
}

fn fastest(network: &Network, target: &Target) -> Result<Plan, PlanError> {
    plan_for(network.clone(), &Goal::Fastest, 100.0, target)
}

/// Dense layers of ±1.
fn perceptron(widths: &[usize]) -> Network {
    let (mut builder, mut at) = Builder::new("perceptron", [1, 1, widths[0]], BIPOLAR, 3);
    for (number, width) in widths.iter().enumerate().skip(1) {
        at = builder.dense(at, *width, BIPOLAR);
        if number + 1 < widths.len() {
            at = builder.steps(at, BIPOLAR);
        }
    }
    builder.finish(at)
}

fn convolutional() -> Network {
    let (mut builder, at) = Builder::new("convolutional", [12, 12, 3], U2, 5);
    let at = builder.convolution(at, window(3, 1, 1), 1, 0, (16, BIPOLAR));
    let at = builder.steps(at, BIPOLAR);
    let at = builder.convolution(at, window(3, 1, 0), 1, 0, (24, BIPOLAR));
    let at = builder.steps(at, U2);
    let at = builder.extremum(at, window(2, 2, 0));
    let at = builder.flatten(at);
    let at = builder.dense(at, 10, BIPOLAR);
    builder.finish(at)
}

#[test]
fn the_fastest_design_fits_and_more_room_makes_it_no_slower() {
    for family in FAMILIES {
        for network in [perceptron(&[200, 128, 64, 10]), convolutional()] {
            let mut before: Option<u64> = None;
            for times in [1, 4, 32] {
                let target = target(family, 3000 * times, 16 * times);
                let Ok(plan) = fastest(&network, &target) else { continue };
                plan.validate().unwrap();
                let budget = target.budget.unwrap();
                assert_eq!(budget.lacking(&estimate(&plan, &target), USABLE), [], "{family} {times}\n{plan}");
                let interval = plan.initiation_interval;
                // The search stops within a hundredth, and queues may cost a step of a twentieth.
                let allowed = before.map_or(u64::MAX, |before| before + before / 10 + 1);
                assert!(interval <= allowed, "{family} {times}: {interval} after {before:?}");
                before = Some(interval);
            }
            let all_rows = network.layers.iter().filter_map(|layer| layer.kind.weights()).map(|w| w.rows).max();
            assert!(before.is_some_and(|interval| interval < 10_000), "{family}: {before:?}, {all_rows:?} rows");
        }
    }
}

#[test]
fn nothing_is_faster_than_the_stream_in() {
    let network = perceptron(&[16, 8, 4]);
    let plan = fastest(&network, &target(Family::Ecp5, 1_000_000, 1000)).unwrap();
    assert_eq!(plan.initiation_interval, plan.input_format().words_per_image() as u64);
}

#[test]
fn a_rate_without_room_says_what_lacks_and_what_there_is_room_for() {
    let network = convolutional();
    let target = target(Family::Ecp5, 3500, 12);
    let error = plan_for(network.clone(), &Goal::FramesPerSecond(7e4), 100.0, &target).unwrap_err();
    let PlanError::NoRoom { lacking, most: Some(most), .. } = &error else { panic!("{error}") };
    assert!(error.is_too_large() && lacking.contains("LUTs, of 2975 that may be used of 3500"), "{lacking}");
    assert!(error.help().unwrap().to_string().starts_with(&format!("lower --target-fps to {most} or less")));
    plan_for(network.clone(), &Goal::FramesPerSecond(most.parse().unwrap()), 100.0, &target).unwrap();
    assert!(has_room(&network, 100.0, &target).unwrap());
    let small = self::target(Family::Ecp5, 300, 1);
    let error = fastest(&network, &small).unwrap_err();
    assert!(matches!(&error, PlanError::NoRoom { most: None, .. }), "{error}");
    assert!(error.help().unwrap().to_string().contains("larger board"), "{error}");
    assert!(!has_room(&network, 100.0, &small).unwrap());
}

#[test]
fn scarce_block_ram_is_not_wasted() {
    // 2.9 Mbit of weights in 208 block RAMs of 18 kbit.
    let network = perceptron(&[784, 1024, 1024, 1024, 10]);
    let target = target(Family::Ecp5, 83_640, 208);
    let plan = fastest(&network, &target).unwrap();
    let found = estimate(&plan, &target);
    assert!(found.bram <= 208, "{found:?}");
    assert!(plan.initiation_interval <= 1100, "{}", plan.initiation_interval);
}

#[test]
fn memories_of_one_row_are_constants_and_scarce_ones_move_to_luts() {
    let network = perceptron(&[64, 32, 10]);
    for family in FAMILIES {
        let plan = |price| {
            let target = Target { price: Some(price), ..Target::of(family) };
            plan_for(network.clone(), &Goal::FramesPerSecond(5e5), 100.0, &target).unwrap()
        };
        let kinds = |plan: &Plan| -> Vec<(MemoryRole, usize, MemoryKind)> {
            let shapes = plan.stages.iter().flat_map(|stage| {
                stage.block.shape().memories().into_iter().map(move |shape| (shape, stage.memories.kind(shape.role)))
            });
            shapes.map(|(shape, kind)| (shape.role, shape.depth, kind.unwrap())).collect()
        };
        let (dear, cheap) = (plan(1e9), plan(0.0));
        for (role, depth, kind) in kinds(&dear) {
            assert_eq!(kind == MemoryKind::Constant, depth == 1, "{role}");
            assert_ne!(kind, MemoryKind::Block, "{role}");
            if role.is_written() && depth > 1 {
                assert_eq!(kind == MemoryKind::Registers, !family.has_lut_ram(), "{family}");
            }
        }
        assert!(kinds(&cheap).iter().all(|(_, depth, kind)| (*depth == 1) != (*kind == MemoryKind::Block)));
        assert!(Estimate::new(&cheap, family).bram > 0 && Estimate::new(&dear, family).bram == 0);
    }
}
