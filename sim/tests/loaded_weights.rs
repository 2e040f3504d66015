//! Designs compiled from one network and loaded with another of the same shape.

#![allow(clippy::unwrap_used)]

use abi::{ElementType, StepFunction};
use compiler::datapath::WeightRange;
use compiler::lower::lower;
use compiler::planner::{Goal, PlanError, plan};
use compiler::replace::{ReplaceError, replace, with_writable_weights};
use flow::artifacts::{self, ArtifactsError, Compiled};
use flow::board::Board;
use host::{Device, DeviceError, FrameBus};
use network::graph::WeightTypes;
use network::integer;
use network::network::{LayerKind, Network, PoolOperation, TensorType};
use rand::seq::IteratorRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sim::board::{Pins, RtlBoard, SimulatedLine, VerilatedBoard};
use sim::rtl::Rtl;
use sim::verilator::Verilator;
use sim::{Executor, RunOptions};
use std::path::Path;
use testkit::count;
use testkit::folding::random_folding;
use testkit::random_graphs::{random_convolutional_graph, random_graph, random_topology_graph};

fn random_images(network: &Network, count: usize, random: &mut ChaCha8Rng) -> Vec<Vec<f32>> {
    let element = network.input_map.element;
    let mut value = || random.random_range(element.minimum()..=element.maximum()) as f32;
    (0..count).map(|_| (0..network.input_map.len()).map(|_| value()).collect()).collect()
}

fn random_step(from: &TensorType, to: &TensorType, random: &mut ChaCha8Rng) -> StepFunction<i64> {
    let codes = (to.minimum..=to.maximum).filter(|code| to.element.contains(*code));
    let count = random.random_range(1..=codes.clone().count().min(20));
    let mut values: Vec<i32> = codes.sample(random, count).into_iter().map(|code| code as i32).collect();
    values.sort_unstable();
    let arguments = from.minimum - 2..=from.maximum + 2;
    let mut boundaries: Vec<i64> = (1..count).map(|_| random.random_range(arguments.clone())).collect();
    boundaries.sort_unstable();
    boundaries.dedup();
    values.truncate(boundaries.len() + 1);
    StepFunction { boundaries, values }
}

/// A network of the shape of `design` with weights and steps of its own: any that the types hold, or the greatest ones.
fn other(design: &Network, random: &mut ChaCha8Rng) -> Network {
    let mut network = design.clone();
    let are_extreme = random.random_bool(0.4);
    for layer in &mut network.layers {
        let tensors = [layer.inputs[0], layer.output].map(|id| network.tensors[id.0]);
        if let LayerKind::MultiThreshold(steps) = &mut layer.kind {
            steps.iter_mut().for_each(|step| *step = random_step(&tensors[0], &tensors[1], random));
        }
        if let Some(weights) = layer.kind.weights_mut() {
            let range = WeightRange::of_any(weights);
            let sign = random.random_bool(0.5);
            for value in &mut weights.values {
                let any =
                    (range.minimum..=range.maximum).filter(|weight| range.contains(*weight)).choose(random).unwrap();
                *value = if !are_extreme {
                    any
                } else if random.random_bool(0.02) != sign {
                    range.maximum
                } else {
                    range.minimum
                } as i16;
            }
        }
    }
    network.name = "another".to_owned();
    network
}

fn answers(network: &Network, images: &[Vec<f32>]) -> Vec<abi::maps::Scores> {
    images.iter().map(|image| integer::run(network, image).unwrap().scores).collect()
}

/// Compiles `network` with writable weights and any folding; `None` where hardware has no unit for it or no room for any
/// weights.
fn compiled(network: &Network, random: &mut ChaCha8Rng, folder: &Path, board: Option<&str>) -> Option<Compiled> {
    let design = match with_writable_weights(network.clone(), &WeightTypes::new()) {
        Err(ReplaceError::WidePair { .. } | ReplaceError::WideValues { .. }) => return None,
        design => design.unwrap(),
    };
    let board = board.map(|board| Board::find(board).unwrap());
    let clock = board.as_ref().map_or(100.0, |board| board.design_clock().unwrap().megahertz());
    let plan = match plan(design, &Goal::Folding(random_folding(network, random)), clock) {
        Err(PlanError::NoUnit { .. }) => return None,
        plan => plan.unwrap(),
    };
    Some(artifacts::write(&plan, board.as_ref(), folder).unwrap())
}

/// Loads the network itself, the weights of two others and the first ones again; compares scores, interval and latency
/// each time. Answers whether hardware has units for it.
fn check(network: &Network, seed: u64) -> bool {
    let random = &mut ChaCha8Rng::seed_from_u64(seed);
    let room = tempfile::tempdir().unwrap();
    let folder = room.path().join("design");
    let Some(first) = compiled(network, random, &folder, None) else {
        return false;
    };
    let images = random_images(network, 11, random);
    let others = [other(&first.plan.network, random), other(&first.plan.network, random)];
    let hash = first.manifest.design_hash.clone();
    for loaded in [Some(network), Some(&others[0]), Some(&others[1]), None] {
        let now = artifacts::load(&artifacts::read(&folder).unwrap(), loaded, &folder)
            .unwrap_or_else(|error| panic!("seed {seed}: {error}\n{network}\n{}", first.plan.network));
        assert_eq!(artifacts::read(&folder).unwrap(), now);
        assert_eq!(now.manifest.design_hash, hash, "the design is the same");
        assert_eq!(now.manifest.weights.unwrap().identity == 0, loaded.is_none());
        let run = Rtl::of_design(&now).unwrap().run(&images, &RunOptions::default()).unwrap();
        assert_eq!(run.scores, answers(loaded.unwrap_or(network), &images), "seed {seed}\n{}", now.plan);
        let cycles = run.cycles.unwrap();
        assert_eq!(cycles.steady_interval(8), Some(first.plan.initiation_interval), "seed {seed}\n{}", first.plan);
        assert_eq!(cycles.latency_cycles, first.plan.latency, "seed {seed}\n{}", first.plan);
    }
    true
}

#[test]
fn any_dense_network_is_loaded_into_any_other() {
    (0..count(3, 8)).for_each(|seed| _ = check(&lower(&random_graph(seed, 12)).unwrap(), seed));
}

#[test]
fn any_convolutional_network_is_loaded_into_any_other() {
    (0..count(4, 12)).for_each(|seed| _ = check(&lower(&random_convolutional_graph(seed)).unwrap(), seed));
}

#[test]
fn every_kind_of_layer_keeps_its_place() {
    let all = testkit::networks::all(1);
    let run = all.iter().filter(|network| check(network, 1)).count();
    assert!(2 * run > all.len(), "only {run} of {} run", all.len());
}

/// Sums of any weights are wider than those that are there, and what is joined with them too.
#[test]
fn joined_codes_take_the_type_of_any_sums() {
    let (mut b, x) = testkit::networks::Builder::new("joined", [3, 3, 2], ElementType::Signed { bits: 5 }, 1);
    let y = b.dense(x, 2, testkit::networks::BIPOLAR);
    let z = b.steps(x, b.tensor(y).element);
    let z = b.concat(y, z);
    let z = b.dense(z, 3, testkit::networks::I3);
    let network = b.finish(z);
    let mut declared = WeightTypes::new();
    declared.insert(network.layers[0].name.clone(), ElementType::Signed { bits: 4 });
    let design = with_writable_weights(network.clone(), &declared).unwrap();
    assert_ne!(design.tensors[2].element, network.tensors[2].element);
    assert_eq!(design.tensors[2].maximum, network.tensors[2].maximum);
    assert_eq!(replace(&design, &network).unwrap().layers[1], network.layers[1]);
    assert!(check(&network, 1));
}

/// A table of codes that take the type of any sums has entries for all of that type's.
#[test]
fn tables_are_indexed_by_the_types_of_any_sums() {
    let (mut b, x) = testkit::networks::Builder::new("looked_up", [3, 3, 2], testkit::networks::I3, 1);
    let y = b.dense(x, 2, testkit::networks::I3);
    let z = b.steps(x, b.tensor(y).element);
    let t = b.table(x, z, testkit::networks::I3);
    let z = b.concat(y, z);
    let z = b.dense(z, 2, testkit::networks::I3);
    let z = b.add(&[(z, 1), (t, 3)]);
    let network = b.finish(z);
    let design = with_writable_weights(network.clone(), &WeightTypes::new()).unwrap();
    assert_ne!(design.tensors[2].element, network.tensors[2].element);
    assert!(check(&network, 1));
    let mut other = network.clone();
    let table = other.layers.iter_mut().find_map(|layer| match &mut layer.kind {
        LayerKind::Table(table) => Some(table),
        _ => None,
    });
    let value = &mut table.unwrap().values[1][0];
    *value = -1 - *value;
    let error = replace(&design, &other).unwrap_err();
    assert!(matches!(&error, ReplaceError::Shape { field, .. } if field == "table"), "{error}");
    let name = network.layers[0].name.clone();
    let declared = WeightTypes::from([(name, ElementType::Signed { bits: 12 })]);
    let error = with_writable_weights(network, &declared).unwrap_err();
    assert!(matches!(error, ReplaceError::WidePair { bits: 17.., .. }), "{error}");
}

/// Types with no room for any weights are refused by name.
#[test]
fn any_declared_type_is_held_or_refused_by_name() {
    let (mut b, x) = testkit::networks::Builder::new("pooled", [1, 1, 300], ElementType::Unsigned { bits: 16 }, 1);
    let y = b.dense(x, 2, testkit::networks::I3);
    let network = b.finish(y);
    let of = |declared| {
        with_writable_weights(network.clone(), &WeightTypes::from([(network.layers[0].name.clone(), declared)]))
    };
    let error = of(ElementType::Signed { bits: 8 }).unwrap_err();
    // One of 9 bits holds 128, and more.
    let greatest = 300 * 65535 * 255;
    let expected = (&network.layers[0].name, -greatest, greatest);
    assert!(
        matches!(&error, ReplaceError::WideValues { layer, minimum, maximum } if (layer, *minimum, *maximum) == expected),
        "{error}"
    );
    let error = of(ElementType::Signed { bits: 16 }).unwrap_err();
    assert!(matches!(error, ReplaceError::WideWeights { bits: 17, .. }), "{error}");
    of(ElementType::Signed { bits: 6 }).unwrap();

    let (mut held, mut refused) = (0, 0);
    for seed in 0..300 {
        let random = &mut ChaCha8Rng::seed_from_u64(seed);
        let Ok(network) = lower(&random_topology_graph(seed)) else { continue };
        let declared = network.layers.iter().map(|layer| {
            let bits = random.random_range(1..=17);
            (
                layer.name.clone(),
                [ElementType::Signed { bits }, ElementType::Unsigned { bits }][random.random_range(0..2)],
            )
        });
        match with_writable_weights(network.clone(), &declared.collect()) {
            Ok(design) => {
                held += 1;
                replace(&design, &network).unwrap();
            }
            Err(ReplaceError::Network(error)) => panic!("seed {seed}: {error}\n{network}"),
            Err(_) => refused += 1,
        }
    }
    assert!(held >= 50 && refused >= 20, "{held} are held, {refused} refused");
}

#[test]
fn any_network_of_unusual_shape_is_loaded_into_any_other() {
    let count = count(12, 40);
    let networks = (0..count).filter_map(|seed| Some((seed, lower(&random_topology_graph(seed)).ok()?)));
    let run = networks.filter(|(seed, network)| check(network, *seed)).count() as u64;
    assert!(3 * run >= count, "only {run} of {count} run");
}

#[test]
fn verilog_is_loaded_through_the_port_of_the_core() {
    if !testkit::tool("verilator") {
        return;
    }
    for seed in 0..2 {
        let random = &mut ChaCha8Rng::seed_from_u64(seed);
        let room = tempfile::tempdir().unwrap();
        let folder = room.path().join("design");
        let network = testkit::networks::all(seed + 1).swap_remove(seed as usize);
        let first = compiled(&network, random, &folder, None).unwrap();
        let images = random_images(&network, 6, random);
        let other = other(&first.plan.network, random);
        let seeds = [None, Some(seed)];
        for loaded in [None, Some(&other)] {
            let now = artifacts::load(&first, loaded, &folder).unwrap();
            for back_pressure in seeds {
                let options = RunOptions { back_pressure, ..RunOptions::default() };
                let run = Verilator::of_design(&now, &folder).unwrap().run(&images, &options).unwrap();
                assert_eq!(run.scores, answers(loaded.unwrap_or(&network), &images), "seed {seed}");
            }
        }
    }
}

/// The same with a line of four cycles a bit, which simulates faster.
fn hurried(mut compiled: Compiled) -> Compiled {
    let device = compiled.manifest.device.as_mut().unwrap();
    (device.clock_hertz, device.baud, device.slots) = (8_000_000, 2_000_000, 2);
    compiled
}

fn bus<P: Pins>(pins: P, compiled: &Compiled) -> FrameBus<SimulatedLine<P>> {
    FrameBus::new(SimulatedLine::new(pins, compiled.manifest.device.as_ref().unwrap()).unwrap())
}

#[test]
fn a_device_in_rust_hdl_is_loaded_at_its_pins() {
    // Small, because rust-hdl needs seconds for each 10^5 cycles: 5 stages, 11 segments of 25 words in all.
    let random = &mut ChaCha8Rng::seed_from_u64(9);
    let room = tempfile::tempdir().unwrap();
    let folder = room.path().join("design");
    let network = lower(&random_graph(9, 8)).unwrap();
    let first = hurried(compiled(&network, random, &folder, Some("ulx3s-85f")).unwrap());
    let (images, other) = (random_images(&network, 2, random), other(&first.plan.network, random));
    let loaded = hurried(artifacts::load(&first, Some(&other), &folder).unwrap());
    let segments = artifacts::segments(&loaded.plan).unwrap();
    let pins = RtlBoard::new(&loaded).unwrap();
    let mut device = Device::load(bus(pins, &loaded), &loaded.manifest, &segments).unwrap();
    assert_eq!(device.infer(&images, &mut |_| ()).unwrap(), answers(&other, &images));
}

#[test]
fn a_board_in_verilator_is_loaded_while_it_runs() {
    if !testkit::tool("verilator") {
        return;
    }
    let random = &mut ChaCha8Rng::seed_from_u64(11);
    let room = tempfile::tempdir().unwrap();
    let folder = room.path().join("design");
    // Its windows are padded: they begin before the image does.
    let network = testkit::networks::all(1).into_iter().find(|network| network.name == "branches").unwrap();
    let first = compiled(&network, random, &folder, Some("ice40-hx8k")).unwrap();
    let (images, other) = (random_images(&network, 5, random), other(&first.plan.network, random));
    let loaded = artifacts::load(&first, Some(&other), &folder).unwrap();
    let built = artifacts::load(&loaded, None, &folder).unwrap();
    assert_eq!(built, first);
    let mut pins = VerilatedBoard::of_rtl(&first, &folder).unwrap();
    let error = Device::open(bus(&mut pins, &first), &loaded.manifest).unwrap_err();
    assert!(matches!(error, DeviceError::OtherWeights { found: 0, .. }), "{error}");
    for (now, network) in [(&loaded, &other), (&built, &network), (&loaded, &other)] {
        let segments = artifacts::segments(&now.plan).unwrap();
        let mut device = Device::load(bus(&mut pins, &first), &now.manifest, &segments).unwrap();
        assert_eq!(device.infer(&images, &mut |_| ()).unwrap(), answers(network, &images), "loaded");
        let mut device = Device::open(bus(&mut pins, &first), &now.manifest).unwrap();
        assert_eq!(device.infer(&images[..2], &mut |_| ()).unwrap(), answers(network, &images[..2]), "opened again");
    }
    let error = Device::open(bus(&mut pins, &first), &built.manifest).unwrap_err();
    assert!(matches!(error, DeviceError::OtherWeights { expected: 0, .. }), "{error}");
}

#[test]
fn any_weights_of_the_declared_type_are_held() {
    let mut network = testkit::networks::all(1).into_iter().find(|network| network.name == "convolution_pool").unwrap();
    let weights = network.layers.iter_mut().find_map(|layer| layer.kind.weights_mut()).unwrap();
    (0..).zip(&mut weights.values).for_each(|(index, weight)| *weight = 1 - index % 2 * 2);
    weights.element = ElementType::Bipolar;
    let name = network.layers.iter().find(|layer| layer.kind.weights().is_some()).unwrap().name.clone();
    for (declared, least, greatest) in [
        (ElementType::Signed { bits: 4 }, -8, 7),
        (ElementType::holding(-7, 7), -7, 7),
        (ElementType::Unsigned { bits: 3 }, 0, 7),
    ] {
        let design = with_writable_weights(network.clone(), &WeightTypes::from([(name.clone(), declared)])).unwrap();
        let mut other = design.clone();
        let weights = other.layers.iter_mut().find_map(|layer| layer.kind.weights_mut()).unwrap();
        (weights.values[0], weights.values[1]) = (least, greatest);
        let held = replace(&design, &other).unwrap();
        assert_eq!(held.layers, other.layers, "{declared}");
        let weights = other.layers.iter_mut().find_map(|layer| layer.kind.weights_mut()).unwrap();
        weights.values[0] = 16;
        assert!(matches!(replace(&design, &other), Err(ReplaceError::Weight { found: 16, .. })), "{declared}");
    }
}

#[test]
fn files_declare_the_types_of_weights() {
    let types = |model: &str| {
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").join(model);
        network::onnx::import(&model).unwrap().weight_types
    };
    let signed = |bits| ElementType::Signed { bits };
    let narrow = [("conv1", 8), ("conv2", 3), ("conv3", 3), ("linear4", 8)];
    let expected: WeightTypes = narrow.into_iter().map(|(name, bits)| (name.to_owned(), signed(bits))).collect();
    assert_eq!(types("methods/dorefa.onnx"), expected);
    let quantised = types("qdq/conv_qdq.onnx");
    assert!(!quantised.is_empty() && quantised.values().all(|element| element.bits() >= 8), "{quantised:?}");
}

#[test]
fn what_the_design_cannot_hold_is_refused() {
    let mut messages = String::new();
    let mut refused = |what: &str, design: &Network, other: &Network| {
        let error = replace(design, other).expect_err(what);
        messages += &format!("{what}: {error}\n");
        error
    };
    let all = testkit::networks::all(1);
    let of = |name: &str| {
        let network = all.iter().find(|network| network.name == name).unwrap();
        with_writable_weights(network.clone(), &WeightTypes::new()).unwrap()
    };
    let (padded, pooled) = (of("padded_bipolar"), of("convolution_pool"));
    refused("another network", &padded, &pooled);
    let mut other = padded.clone();
    other.layers.iter_mut().find_map(|layer| layer.kind.weights_mut()).unwrap().values[0] = 0;
    let error = refused("a weight of 0 among ±1", &padded, &other);
    assert!(matches!(error, ReplaceError::Weight { found: 0, .. }));
    let mut other = pooled.clone();
    for layer in &mut other.layers {
        if let LayerKind::Pool(pool) = &mut layer.kind
            && let PoolOperation::Extremum(least) = &mut pool.operation
        {
            least[1] = !least[1];
        }
    }
    refused("a pool the other way round", &pooled, &other);
    let mut other = pooled.clone();
    for layer in &mut other.layers {
        if let LayerKind::Convolution(convolution) = &mut layer.kind {
            convolution.window.stride[0] += 1;
        }
    }
    refused("another stride", &pooled, &other);
    let mut other = pooled.clone();
    for layer in &mut other.layers {
        if let LayerKind::MultiThreshold(steps) = &mut layer.kind {
            steps[0].values.reverse();
        }
    }
    refused("falling steps", &pooled, &other);
    insta::assert_snapshot!("refusals", messages);

    let room = tempfile::tempdir().unwrap();
    let folder = room.path().join("design");
    let network = lower(&random_graph(1, 12)).unwrap();
    let fixed = plan(network.clone(), &Goal::FramesPerSecond(1e3), 100.0).unwrap();
    let fixed = artifacts::write(&fixed, None, &folder).unwrap();
    let error = artifacts::load(&fixed, Some(&network), &folder).unwrap_err();
    assert!(matches!(error, ArtifactsError::FixedWeights { .. }), "{error}");
}
