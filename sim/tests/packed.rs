//! The packed engine equals the naive evaluator on random networks: every weight type, every activation type, every
//! kind of step function.

#![allow(clippy::unwrap_used)]

use abi::maps::{MapError, Reduction};
use network::network::TensorId;
use proptest::prelude::*;
use sim::integer::Integer;
use sim::packed::Packed;
use sim::trace::first_difference;
use sim::{Executor, RunOptions, SimError};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use testkit::random_layers::{Limits, random_images, random_network};

proptest! {
    #![proptest_config(ProptestConfig { cases: testkit::count(500, 1500) as u32, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn packed_equals_integer(seed in any::<u64>()) {
        let network = random_network(seed, Limits::default());
        let images = random_images(&network, seed, 4);
        let mut packed = Packed::new(&network);
        let trace = RunOptions { trace: true, ..RunOptions::default() };
        let expected = Integer::new(network.clone()).run(&images, &trace).unwrap();
        // Twice, with and without the memory of a run before; then with every tensor kept.
        for _ in 0..2 {
            let found = packed.run(&images, &RunOptions::default()).unwrap();
            prop_assert_eq!(&found.scores, &expected.scores, "{}", network);
        }
        let found = packed.run(&images, &trace).unwrap();
        let difference = first_difference(expected.trace.as_ref().unwrap(), found.trace.as_ref().unwrap());
        prop_assert!(difference.is_none(), "{}\n{}", difference.unwrap(), network);
        prop_assert_eq!(found, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: testkit::count(100, 300) as u32, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    /// Also one that other layers read.
    #[test]
    fn any_tensor_may_be_the_output(seed in any::<u64>(), index in any::<prop::sample::Index>()) {
        let mut network = random_network(seed, Limits::default());
        network.layers.retain(|layer| layer.kind.name() != "arg_max");
        network.tensors.truncate(network.layers.len() + 1);
        network.output = TensorId(index.index(network.tensors.len()));
        network.output_map.shape = vec![network.tensor(network.output).elements()];
        network.output_map.reduction = Reduction::None;
        network.validate().unwrap();
        let images = random_images(&network, seed, 2);
        let expected = Integer::new(network.clone()).run(&images, &RunOptions::default()).unwrap();
        let found = Packed::new(&network).run(&images, &RunOptions::default()).unwrap();
        prop_assert_eq!(found, expected, "{}", network);
    }
}

#[test]
fn images_that_do_not_fit_are_named() {
    let network = random_network(1, Limits::default());
    let mut images = random_images(&network, 1, 5);
    images[3].pop();
    let error = Packed::new(&network).run(&images, &RunOptions::default()).unwrap_err();
    let SimError::Image { image: 3, source: MapError::ImageSize { .. } } = error else { panic!("{error:?}") };
    images[3].push(f32::NAN);
    let trace = RunOptions { trace: true, ..RunOptions::default() };
    let error = Packed::new(&network).run(&images, &trace).unwrap_err();
    let SimError::Image { image: 3, source: MapError::NotFinite { .. } } = error else { panic!("{error:?}") };
    let wave = RunOptions { wave: Some(PathBuf::from("x.vcd")), ..RunOptions::default() };
    let error = Packed::new(&network).run(&images, &wave).unwrap_err();
    assert_eq!(error.to_string(), "engine `cpu` has no waveforms");
}

#[test]
fn progress_reaches_the_end() {
    let network = random_network(2, Limits::default());
    let images = random_images(&network, 2, 200);
    let most = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&most);
    let progress = Arc::new(move |count| {
        seen.fetch_max(count, Ordering::Relaxed);
    });
    let options = RunOptions { progress: Some(progress), ..RunOptions::default() };
    Packed::new(&network).run(&images, &options).unwrap();
    assert_eq!(most.load(Ordering::Relaxed), 200);
    assert!(Packed::new(&network).run(&[], &options).unwrap().scores.is_empty());
}

/// A generator that leaves something out would leave it untested.
#[test]
fn random_networks_hold_every_kind_of_layer() {
    let mut kinds = BTreeMap::new();
    for seed in 0..3000 {
        for layer in random_network(seed, Limits::default()).layers {
            *kinds.entry(layer.kind.name()).or_insert(0) += 1;
        }
    }
    assert_eq!(kinds.len(), 10, "{kinds:?}");
    assert!(kinds.values().all(|count| *count >= 200), "{kinds:?}");
}
