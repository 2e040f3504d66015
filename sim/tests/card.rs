//! Designs as the memory of a card, driven by the host runtime through a mapped file.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use abi::maps::Scores;
use abi::registers::{
    Access, CONTROL_RESET, IDENTITY_UNKNOWN, INPUT_WINDOW, OUTPUT_WINDOW, Register, SIMULATED_CYCLES, SPAN_BYTES,
    STATUS_BUSY, WEIGHT_WINDOW,
};
use compiler::lower::lower;
use compiler::planner::{Goal, plan};
use compiler::replace::with_writable_weights;
use flow::artifacts::{self, Compiled};
use host::bus::memory::{BarError, least_bytes};
use host::{Bus, BusError, Device, DeviceError, MemoryBus};
use network::network::Network;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sim::card::{BarFile, RtlSlave, ServedCard, Slave, VerilatedSlave};
use sim::packed::Packed;
use sim::{Executor, RunOptions, SimError};
use std::fs::File;
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
fn a_file_of_somebody_else_in_the_place_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bar");
    let file = BarFile::create(Some(&path)).unwrap();
    std::fs::rename(&path, folder.path().join("moved")).unwrap();
    std::fs::write(&path, "mine").unwrap();
    drop(file);
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    assert!(folder.path().join("moved").exists(), "whoever moved it has it");
    std::os::unix::fs::symlink("nowhere", folder.path().join("link")).unwrap();
    for name in ["bar", "link", "."] {
        let error = BarFile::create(Some(&folder.path().join(name))).unwrap_err();
        assert!(error.to_string().contains(folder.path().to_str().unwrap()), "{error}");
    }
    assert!(!folder.path().join("nowhere").exists());
}

/// Cuts the file of a card.
fn cut(path: &Path, bytes: u64) {
    File::options().write(true).open(path).unwrap().set_len(bytes).unwrap();
}

#[test]
fn a_file_that_is_truncated_ends_server_and_host_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (compiled, images, expected) = digits(&folder.path().join("design"), 2);
    // Where the first page stays, the registers do.
    for bytes in [0, 1, 4096, u64::from(INPUT_WINDOW) + 100, u64::from(SPAN_BYTES) - 1] {
        let mut card = Card::start(RtlSlave::new(&compiled).unwrap());
        let mut device = card.open(&compiled).with_patience(Duration::from_millis(500));
        assert_eq!(device.infer(&images[..1], &mut |_| ()).unwrap(), expected[..1]);
        cut(&card.path, bytes);
        let error = card.thread.take().unwrap().join().unwrap().unwrap_err();
        assert!(error.to_string().contains("has gone away") && error.to_string().contains("bar"), "{bytes}: {error}");
        let result = device.infer(&images, &mut |_| ());
        assert!(result.is_err(), "{bytes}: nobody answers any more");
        if bytes < u64::from(INPUT_WINDOW) {
            let error = result.unwrap_err();
            assert!(matches!(error, DeviceError::Bus(BusError::Bar(BarError::Lost { .. }))), "{bytes}: {error}");
        }
        assert!(!card.path.exists(), "the file is removed");
    }
}

#[test]
fn a_file_that_is_truncated_while_images_run_ends_both() {
    let folder = tempfile::tempdir().unwrap();
    let (compiled, images, expected) = digits(&folder.path().join("design"), 3);
    for done in [0, 1, 2] {
        let mut card = Card::start(RtlSlave::new(&compiled).unwrap());
        let mut device = card.open(&compiled).with_patience(Duration::from_millis(500));
        let mut scores = device.stream(images.clone().into_iter().cycle());
        for expected in &expected[..done] {
            assert_eq!(scores.next().unwrap().unwrap(), *expected);
        }
        cut(&card.path, 0);
        let error = scores.find_map(Result::err).unwrap();
        assert!(matches!(error, DeviceError::Bus(BusError::Bar(BarError::Lost { .. }))), "{error}");
        assert!(card.thread.take().unwrap().join().unwrap().is_err());
    }
}

/// What somebody writes over the memory of a card: where, and what. Registers come last, since by them the server notices it.
fn damage(seed: u64) -> (Vec<(u32, usize)>, impl FnMut() -> u32) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let all_registers = (0, (SIMULATED_CYCLES / 4 + 1) as usize);
    let places = match seed % 4 {
        0 => vec![all_registers],
        1 => vec![(INPUT_WINDOW, 1000), (OUTPUT_WINDOW, 1000), (WEIGHT_WINDOW, 1000), all_registers],
        // A constant, and whatever lies before or behind it.
        2 => vec![(4 * random.random_range(0..2), random.random_range(2..20))],
        _ => vec![(Register::Slots.address() + 4 * random.random_range(0..4), 1), (SIMULATED_CYCLES, 1)],
    };
    let word = move || match seed / 4 % 3 {
        0 => u32::MAX,
        1 => 0,
        _ => random.random(),
    };
    (places, word)
}

/// Waits until the server has looked `count` times.
fn wait_for_looks(card: &Card, count: usize) {
    let before = card.looks.load(Ordering::Relaxed);
    while card.looks.load(Ordering::Relaxed) < before + count {
        thread::yield_now();
    }
}

#[test]
fn damaged_memory_is_laid_anew() {
    let graph = random_graph(3, 12);
    let lowered = with_writable_weights(lower(&graph).unwrap(), &graph.weight_types).unwrap();
    let plan = plan(lowered, &Goal::FramesPerSecond(1e6), 100.0).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let compiled = artifacts::write(&plan, None, &folder.path().join("design")).unwrap();
    let images = random_images(&graph, 3, 5);
    let expected = scores(&compiled.plan.network, &images);
    let card = Card::start(RtlSlave::new(&compiled).unwrap());
    let mut other = MemoryBus::serve(&card.path).unwrap();
    let mut before = vec![0; 26];
    other.read(0, &mut before).unwrap();
    for seed in 0..36 {
        let mut device = card.open(&compiled);
        // Between sessions, before the first image of one, and after it.
        if seed % 3 > 0 {
            assert_eq!(device.infer(&images[..seed as usize % 3], &mut |_| ()).unwrap(), expected[..seed as usize % 3]);
        }
        let (places, mut word) = damage(seed);
        for (address, count) in places {
            let words: Vec<u32> = (0..count).map(|_| word()).collect();
            other.write(address, &words).unwrap();
        }
        // Two: one may have begun before.
        wait_for_looks(&card, 2);
        let mut found = vec![0; 26];
        other.read(0, &mut found).unwrap();
        let is_constant = |index: &usize| {
            Register::ALL.iter().any(|register| {
                let first = register.address() as usize / 4;
                register.access() == Access::Constant && (first..first + register.words() as usize).contains(index)
            })
        };
        for index in (0..26).filter(is_constant) {
            assert_eq!(found[index], before[index], "seed {seed}, word {index}");
        }
        // The host that had it open learns of it, or begins anew.
        match device.infer(&images, &mut |_| ()) {
            Ok(found) => assert_eq!(found, expected, "seed {seed}"),
            Err(DeviceError::ForeignReset { .. } | DeviceError::OutOfStep { .. }) => {}
            Err(error) => panic!("seed {seed}: {error}"),
        }
        drop(device);
        assert_eq!(card.open(&compiled).infer(&images, &mut |_| ()).unwrap(), expected, "seed {seed}, the next");
    }
}

#[test]
fn no_answer_is_wrong_while_somebody_damages_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (compiled, images, expected) = digits(&folder.path().join("design"), 4);
    let card = Card::start(RtlSlave::new(&compiled).unwrap());
    let stop = AtomicBool::new(false);
    let noticed = thread::scope(|scope| {
        scope.spawn(|| {
            let mut other = MemoryBus::serve(&card.path).unwrap();
            for seed in (0..).take_while(|_| !stop.load(Ordering::Relaxed)) {
                // Registers alone: who writes answers and nothing else is not noticed.
                let (places, mut word) = damage(4 * seed);
                for (address, count) in places {
                    other.write(address, &(0..count).map(|_| word()).collect::<Vec<u32>>()).unwrap();
                }
                wait_for_looks(&card, 200);
            }
        });
        let run = || {
            let bus = MemoryBus::open_file(&card.path, least_bytes(&compiled.manifest)).unwrap();
            let mut device = Device::open(bus, &compiled.manifest)?.with_patience(Duration::from_millis(500));
            device.infer(&images, &mut |_| ())
        };
        let results: Vec<Result<Vec<Scores>, DeviceError>> = (0..40).map(|_| run()).collect();
        stop.store(true, Ordering::Relaxed);
        results.iter().flatten().for_each(|found| assert_eq!(found, &expected));
        results.iter().filter(|result| result.is_err()).count()
    });
    assert!(noticed > 0, "the damage came to nothing");
    wait_for_looks(&card, 2);
    assert_eq!(card.open(&compiled).infer(&images, &mut |_| ()).unwrap(), expected);
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
