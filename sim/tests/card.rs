//! Designs as the memory of a card, driven by the host runtime through a mapped file.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use abi::maps::Scores;
use abi::registers::{CONTROL_RESET, IDENTITY_UNKNOWN, INPUT_WINDOW, Register, SPAN_BYTES, STATUS_BUSY, WEIGHT_WINDOW};
use compiler::lower::lower;
use compiler::planner::{Goal, plan};
use compiler::replace::with_writable_weights;
use flow::artifacts::{self, Compiled};
use host::bus::memory::least_bytes;
use host::{Bus, Device, DeviceError, MemoryBus};
use network::network::Network;
use sim::card::{BarFile, RtlSlave, ServedCard, Slave, VerilatedSlave};
use sim::packed::Packed;
use sim::{Executor, RunOptions, SimError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use testkit::random_graphs::{random_graph, random_images};

/// A simulated card in a thread of its own, until it is dropped.
struct Card {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    looks: Arc<AtomicUsize>,
    thread: Option<JoinHandle<Result<(), SimError>>>,
}

impl Card {
    fn start(slave: impl Slave + Send + 'static) -> Card {
        let mut served = ServedCard::new(slave, BarFile::create(None).unwrap()).unwrap();
        let (stop, looks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let path = served.path().to_owned();
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&looks));
        let go_on = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            !stopped.load(Ordering::Relaxed)
        };
        Card { path, stop, looks, thread: Some(thread::spawn(move || served.run(go_on))) }
    }

    fn open(&self, compiled: &Compiled) -> Device<MemoryBus> {
        Device::open(self.bus(compiled), &compiled.manifest).unwrap()
    }

    fn bus(&self, compiled: &Compiled) -> MemoryBus {
        MemoryBus::open_file(&self.path, least_bytes(&compiled.manifest)).unwrap()
    }

    /// Lets the simulation end.
    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap().unwrap();
        }
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The shipped convolutional network, compiled for no board into `folder`, images and the scores for them.
fn digits(folder: &Path, count: usize) -> (Compiled, Vec<Vec<f32>>, Vec<Scores>) {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits");
    let graph = network::onnx::import(&models.join("digits_conv.onnx")).unwrap();
    let plan = plan(lower(&graph).unwrap(), &Goal::FramesPerSecond(100_000.0), 100.0).unwrap();
    let compiled = artifacts::write(&plan, None, folder).unwrap();
    let all: ndarray::ArrayD<u8> = ndarray_npy::read_npy(models.join("test_images.npy")).unwrap();
    let image = |image: ndarray::ArrayViewD<u8>| image.iter().map(|value| f32::from(*value)).collect();
    let images: Vec<Vec<f32>> = all.outer_iter().take(count).map(image).collect();
    let expected = scores(&compiled.plan.network, &images);
    (compiled, images, expected)
}

fn scores(network: &Network, images: &[Vec<f32>]) -> Vec<Scores> {
    Packed::new(network).run(images, &RunOptions::default()).unwrap().scores
}

/// Runs several times, with a reset, a reopened device and more images than the windows hold.
fn runs(card: &mut Card, compiled: &Compiled, images: &[Vec<f32>], expected: &[Scores]) {
    let mut device = card.open(compiled);
    assert_eq!(device.infer(images, &mut |_| ()).unwrap(), expected);
    let counters = device.counters().unwrap();
    assert_eq!(counters.completed as usize, images.len());
    assert_eq!((counters.frame_errors, counters.line_errors), (0, 0));
    assert_eq!(device.infer(&images[1..2], &mut |_| ()).unwrap(), expected[1..2]);
    device.reset().unwrap();
    assert_eq!(device.counters().unwrap().completed, 0);
    assert_eq!(device.infer(images, &mut |_| ()).unwrap(), expected);
    drop(device);
    assert_eq!(card.open(compiled).infer(&images[..2], &mut |_| ()).unwrap(), expected[..2]);
    card.end();
    assert!(!card.path.exists(), "the file is removed");
}

#[test]
fn digits_have_the_networks_scores_through_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (compiled, images, expected) = digits(&folder.path().join("design"), 6);
    runs(&mut Card::start(RtlSlave::new(&compiled).unwrap()), &compiled, &images, &expected);
}

#[test]
fn digits_have_the_networks_scores_in_verilator() {
    if !testkit::tool("verilator") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("design");
    let (compiled, images, expected) = digits(&folder, 200);
    let mut card = Card::start(VerilatedSlave::new(&compiled, &folder).unwrap());
    runs(&mut card, &compiled, &images, &expected);
}

#[test]
fn random_networks_go_round_the_rings() {
    for seed in 0..6 {
        let graph = random_graph(seed, 10);
        let folder = tempfile::tempdir().unwrap();
        let plan = plan(lower(&graph).unwrap(), &Goal::FramesPerSecond(1e6), 100.0).unwrap();
        let compiled = artifacts::write(&plan, None, &folder.path().join("design")).unwrap();
        let mut card = Card::start(RtlSlave::new(&compiled).unwrap());
        let mut device = card.open(&compiled);
        let images = random_images(&graph, seed, device.slots() + 3);
        let expected = scores(&compiled.plan.network, &images);
        for part in [0..2, 0..images.len(), 1..3] {
            let answers = device.infer(&images[part.clone()], &mut |_| ()).unwrap();
            assert_eq!(answers, expected[part.clone()], "seed {seed}, images {part:?}");
        }
        card.end();
    }
}

#[test]
fn weights_are_loaded_through_memory() {
    let graph = random_graph(3, 12);
    let plan = plan(
        with_writable_weights(lower(&graph).unwrap(), &graph.weight_types).unwrap(),
        &Goal::FramesPerSecond(1e6),
        100.0,
    )
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("design");
    let first = artifacts::write(&plan, None, &folder).unwrap();
    let mut other = first.plan.network.clone();
    other.layers.iter_mut().filter_map(|layer| layer.kind.weights_mut()).for_each(|weights| weights.values.reverse());
    assert_ne!(other, first.plan.network);
    let images = random_images(&graph, 3, 5);
    let card = Card::start(RtlSlave::new(&first).unwrap());
    assert_eq!(card.open(&first).infer(&images, &mut |_| ()).unwrap(), scores(&first.plan.network, &images));
    for network in [Some(&other), None] {
        let loaded = artifacts::load(&first, network, &folder).unwrap();
        let segments = artifacts::segments(&loaded.plan).unwrap();
        let mut device = Device::load(card.bus(&loaded), &loaded.manifest, &segments).unwrap();
        let expected = scores(&loaded.plan.network, &images);
        assert_eq!(device.infer(&images, &mut |_| ()).unwrap(), expected);
        drop(device);
        assert_eq!(card.open(&loaded).infer(&images, &mut |_| ()).unwrap(), expected, "a reset keeps them");
    }
    // A host that ends in the middle of loading leaves weights that nobody takes for whole ones.
    let mut bus = card.bus(&first);
    let mut word = [0];
    bus.read(WEIGHT_WINDOW, &mut word).unwrap();
    bus.write(WEIGHT_WINDOW, &[word[0] ^ 1]).unwrap();
    let error = Device::open(bus, &first.manifest).unwrap_err();
    assert!(matches!(error, DeviceError::OtherWeights { found: IDENTITY_UNKNOWN, .. }), "{error}");
}

#[test]
fn a_reset_by_somebody_else_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (compiled, images, expected) = digits(&folder.path().join("design"), 2);
    let card = Card::start(RtlSlave::new(&compiled).unwrap());
    let mut device = card.open(&compiled);
    let mut other = MemoryBus::serve(&card.path).unwrap();
    other.write_register(Register::Control, CONTROL_RESET).unwrap();
    while other.read_register(Register::Control).unwrap() != 0 {
        thread::yield_now();
    }
    let error = device.infer(&images, &mut |_| ()).unwrap_err();
    assert!(matches!(error, DeviceError::ForeignReset { found: 0, .. }), "{error}");
    assert_eq!(device.infer(&images, &mut |_| ()).unwrap(), expected, "a run that follows begins with a reset");
}

#[test]
fn a_simulation_that_ends_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (compiled, images, _) = digits(&folder.path().join("design"), 2);
    let mut card = Card::start(RtlSlave::new(&compiled).unwrap());
    let mut device = card.open(&compiled).with_patience(Duration::from_millis(200));
    card.end();
    let error = device.infer(&images, &mut |_| ()).unwrap_err();
    assert!(matches!(error, DeviceError::Halted { taken: 2, finished: 0, .. }), "{error}");
    let error = device.infer(&images, &mut |_| ()).unwrap_err();
    assert!(matches!(error, DeviceError::ResetLasts { .. }), "{error}");
}

#[test]
fn memory_that_nobody_writes_to_is_looked_at_now_and_then() {
    let folder = tempfile::tempdir().unwrap();
    let (compiled, images, expected) = digits(&folder.path().join("design"), 2);
    let card = Card::start(RtlSlave::new(&compiled).unwrap());
    let mut device = card.open(&compiled);
    assert_eq!(device.infer(&images, &mut |_| ()).unwrap(), expected);
    // More than the windows hold is no host's to ask for: nothing comes of it.
    device.bus_mut().write_register(Register::Submitted, 1_000_000).unwrap();
    let wait_for_looks = |count| {
        let before = card.looks.load(Ordering::Relaxed);
        while card.looks.load(Ordering::Relaxed) < before + count {
            thread::yield_now();
        }
    };
    // What the run before has left to do is done after a few.
    wait_for_looks(10);
    let cycles = device.bus_mut().simulated_cycles().unwrap();
    wait_for_looks(100);
    assert_eq!(device.bus_mut().simulated_cycles().unwrap(), cycles, "nothing is simulated");
    assert_eq!(device.bus_mut().read_register(Register::Completed).unwrap(), 2);
    assert_eq!(device.bus_mut().read_register(Register::Status).unwrap() & STATUS_BUSY, 0);
    device.reset().unwrap();
    assert_eq!(device.infer(&images, &mut |_| ()).unwrap(), expected);
}

#[test]
fn files_are_as_large_as_a_device_and_new() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bar");
    let file = BarFile::create(Some(&path)).unwrap();
    assert_eq!(path.metadata().unwrap().len(), u64::from(SPAN_BYTES));
    assert!(matches!(BarFile::create(Some(&path)), Err(SimError::BarFile { .. })));
    assert!(path.exists(), "a file of somebody else is left alone");
    drop(file);
    assert!(!path.exists());
    std::fs::write(&path, "mine").unwrap();
    assert!(BarFile::create(Some(&path)).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    assert!(matches!(BarFile::create(Some(&folder.path().join("none/bar"))), Err(SimError::BarFile { .. })));
}

#[test]
fn both_simulations_answer_accesses_alike() {
    if !testkit::tool("verilator") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("design");
    let (compiled, ..) = digits(&folder, 1);
    let mut rtl = RtlSlave::new(&compiled).unwrap();
    let mut verilated = VerilatedSlave::new(&compiled, &folder).unwrap();
    for (address, count) in [(0, 8), (0x24, 5), (0x3c, 1), (0x38, 2), (INPUT_WINDOW, 1), (SPAN_BYTES - 4, 1)] {
        let [mut first, mut second] = [vec![0; count], vec![0; count]];
        let results = [rtl.read(address, &mut first), verilated.read(address, &mut second)];
        let results = results.map(|result| result.map_err(|error| error.to_string()));
        assert_eq!(results[0], results[1], "{address:#x}");
        assert_eq!(first, second, "{address:#x}");
    }
    for (address, words) in [(0x38, vec![7]), (0x24, vec![1]), (INPUT_WINDOW, vec![1; 40]), (0x38, vec![1, 2, 3])] {
        let results = [rtl.write(address, &words), verilated.write(address, &words)];
        let results = results.map(|result| result.map_err(|error| error.to_string()));
        assert_eq!(results[0], results[1], "{address:#x}");
    }
}
