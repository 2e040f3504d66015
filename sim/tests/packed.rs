//! The packed engine equals the naive evaluator on random networks: every weight type, every activation type, every
//! kind of step function.

#![allow(clippy::unwrap_used)]

use abi::maps::{MapError, Reduction};
use abi::{ElementType, InputMap, OutputMap, StepFunction};
use network::network::{Layer, LayerKind, Network, TensorId, TensorType, WeightMatrix};
use proptest::prelude::*;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sim::integer::Integer;
use sim::packed::Packed;
use sim::trace::first_difference;
use sim::{Executor, RunOptions, SimError};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn element(random: &mut ChaCha8Rng) -> ElementType {
    let bits = *[1, 2, 3, 4, 7, 8, 9, 12].choose(random).unwrap();
    match random.random_range(0..5) {
        0 | 1 => ElementType::Bipolar,
        2 | 3 => ElementType::Unsigned { bits },
        _ => ElementType::Signed { bits },
    }
}

fn value_of(random: &mut ChaCha8Rng, element: ElementType) -> i64 {
    element.decode(random.random())
}

struct Builder {
    random: ChaCha8Rng,
    tensors: Vec<TensorType>,
    layers: Vec<Layer>,
}

impl Builder {
    fn last(&self) -> TensorType {
        self.tensors[self.tensors.len() - 1]
    }

    fn layer(&mut self, kind: LayerKind, output: TensorType) {
        let input = TensorId(self.tensors.len() - 1);
        self.tensors.push(output);
        let output = TensorId(self.tensors.len() - 1);
        self.layers.push(Layer { name: format!("{}_{}", kind.name(), output.0), kind, input, output });
    }

    fn matrix_vector(&mut self, rows: usize) {
        let input = self.last();
        let element = match self.random.random_range(0..4) {
            0 => ElementType::Signed { bits: self.random.random_range(1..=9) },
            1 => ElementType::Unsigned { bits: self.random.random_range(1..=4) },
            _ => ElementType::Bipolar,
        };
        let columns = input.channels;
        let values = (0..rows * columns).map(|_| value_of(&mut self.random, element) as i16).collect();
        let largest = columns as i64
            * element.minimum().abs().max(element.maximum())
            * input.element.minimum().abs().max(input.element.maximum());
        let output = TensorType::full(input.vectors, rows, ElementType::holding(-largest - 1, largest));
        self.layer(LayerKind::MatrixVector(WeightMatrix { rows, columns, element, values }), output);
    }

    fn multi_threshold(&mut self) {
        let input = self.last();
        let element = element(&mut self.random);
        let most = [1, 1, 3, 20, 40][self.random.random_range(0..5)];
        let reach = input.maximum.min(40 * input.channels as i64) as f64;
        let function = |random: &mut ChaCha8Rng| {
            let count = random.random_range(0..=most);
            let mut boundary = || match random.random_range(0..12) {
                0 => *[i64::MIN, i64::from(i32::MIN), 0, i64::from(i32::MAX), i64::MAX].choose(random).unwrap(),
                _ => (random.random_range(-0.7..0.7) * reach) as i64,
            };
            let boundaries: BTreeSet<i64> = (0..count).map(|_| boundary()).collect();
            let mut values: Vec<i32> = (0..=boundaries.len()).map(|_| element.decode(random.random()) as i32).collect();
            match random.random_range(0..3) {
                0 => values.sort_unstable(),
                1 => values.sort_unstable_by(|a, b| b.cmp(a)),
                _ => {}
            }
            StepFunction { boundaries: boundaries.into_iter().collect(), values }
        };
        let functions = (0..input.channels).map(|_| function(&mut self.random)).collect();
        let output = TensorType::full(input.vectors, input.channels, element);
        self.layer(LayerKind::MultiThreshold(functions), output);
    }
}

fn random_network(seed: u64) -> Network {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let vectors = random.random_range(1..=3);
    let channels = *[1, 5, 63, 64, 65, 130, 200].choose(&mut random).unwrap();
    let first = element(&mut random);
    let first = if first.bits() > 9 { ElementType::Bipolar } else { first };
    let input = TensorType::full(vectors, channels, first);
    let steps = (first.maximum() - first.minimum()) / first.step();
    let input_function = StepFunction {
        boundaries: (0..steps).map(|step| (first.minimum() + step * first.step()) as f32 + 0.5).collect(),
        values: (0..=steps).map(|step| (first.minimum() + step * first.step()) as i32).collect(),
    };
    let mut builder = Builder { random, tensors: vec![input], layers: Vec::new() };
    for _ in 0..builder.random.random_range(1..=3) {
        // A quarter each: thresholds alone, sums alone, and twice both.
        let kind = builder.random.random_range(0..4);
        if kind != 0 && builder.last().maximum <= 1 << 15 {
            let rows = *[1, 7, 64, 66, 129].choose(&mut builder.random).unwrap();
            builder.matrix_vector(rows);
        }
        if kind != 1 {
            builder.multi_threshold();
        }
    }
    let mut reduction = Reduction::None;
    if vectors == 1 && builder.random.random_bool(0.4) {
        builder.layer(LayerKind::ArgMax, TensorType::full(1, 1, ElementType::Unsigned { bits: 16 }));
        reduction = Reduction::Index;
    }
    let last = builder.last();
    let network = Network {
        name: format!("random_{seed}"),
        input: TensorId(0),
        output: TensorId(builder.tensors.len() - 1),
        tensors: builder.tensors,
        layers: builder.layers,
        input_map: InputMap {
            shape: vec![vectors, channels],
            element: first,
            functions: vec![input_function],
            function_of: Vec::new(),
            source_of: Vec::new(),
        },
        output_map: OutputMap {
            shape: vec![last.vectors(), last.channels],
            scale: vec![0.25],
            bias: vec![1.0],
            source_of: Vec::new(),
            reduction,
        },
        sensitive_steps: Vec::new(),
    };
    network.validate().unwrap();
    network
}

fn images(network: &Network, seed: u64, count: usize) -> Vec<Vec<f32>> {
    let mut random = ChaCha8Rng::seed_from_u64(!seed);
    let element = network.input_map.element;
    let value =
        |random: &mut ChaCha8Rng| value_of(random, element) as f32 + [0.0, 0.0, 0.25][random.random_range(0..3)];
    (0..count).map(|_| (0..network.input_map.len()).map(|_| value(&mut random)).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn packed_equals_integer(seed in any::<u64>()) {
        let network = random_network(seed);
        let images = images(&network, seed, 4);
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

#[test]
fn images_that_do_not_fit_are_named() {
    let network = random_network(1);
    let mut images = images(&network, 1, 5);
    images[3].pop();
    let error = Packed::new(&network).run(&images, &RunOptions::default()).unwrap_err();
    let SimError::Image { image: 3, source: MapError::ImageSize { .. } } = error else { panic!("{error:?}") };
    images[3].push(f32::NAN);
    let trace = RunOptions { trace: true, ..RunOptions::default() };
    let error = Packed::new(&network).run(&images, &trace).unwrap_err();
    let SimError::Image { image: 3, source: MapError::NotANumber { .. } } = error else { panic!("{error:?}") };
    let wave = RunOptions { wave: Some(PathBuf::from("x.vcd")), ..RunOptions::default() };
    let error = Packed::new(&network).run(&images, &wave).unwrap_err();
    assert_eq!(error.to_string(), "engine `cpu` has no waveforms");
}

#[test]
fn progress_reaches_the_end() {
    let network = random_network(2);
    let images = images(&network, 2, 200);
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
