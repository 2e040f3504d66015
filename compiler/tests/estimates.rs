//! Estimates: each number that a cost is a sum of has a fitted coefficient.

#![allow(clippy::unwrap_used)]

use compiler::chip::family::Family;
use compiler::planner::{Goal, Target, plan_for};
use std::collections::BTreeSet;
use testkit::networks::all;
use testkit::random_networks::random_network;

/// What no design of the fit has had, in some family: it costs nothing until a sweep has seen it.
const UNSEEN: [(&str, &str); 10] = [
    ("depthwise_unit", "biased"),
    ("depthwise_unit", "bipolar_constants"),
    ("depthwise_unit", "compared_constants"),
    ("depthwise_unit", "products"),
    ("depthwise_unit", "sums_once"),
    ("global_pool", "compared"),
    ("global_pool", "masks"),
    ("matrix_vector_unit", "products_constants"),
    ("multi_threshold", "compared_constants"),
    ("upsample", "blocks_written"),
];

/// A feature without a coefficient would cost nothing, and so would one whose name is misspelt.
#[test]
fn every_feature_has_a_coefficient() {
    let mut unknown = BTreeSet::new();
    for network in all(3).into_iter().chain((0..100).map(random_network)) {
        for family in Family::ALL {
            for goal in [Goal::FramesPerSecond(1e3), Goal::FramesPerSecond(1e6)] {
                let Ok(plan) = plan_for(network.clone(), &goal, 100.0, &Target::of(family)) else { continue };
                for stage in &plan.stages {
                    let features = stage.block.shape().features(family, &stage.memories);
                    unknown.extend(features.unknown(family).into_iter().map(|name| (features.kind, name)));
                }
            }
        }
    }
    assert_eq!(unknown, BTreeSet::from(UNSEEN));
}
