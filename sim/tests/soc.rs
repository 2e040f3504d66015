//! The shipped convolutional network behind the buses and streams of a system on a chip, simulated in rust-hdl.

#![allow(clippy::unwrap_used)]

use abi::manifest::Manifest;
use abi::maps::Scores;
use compiler::lower::lower;
use compiler::plan::Plan;
use compiler::planner::{Goal, plan};
use compiler::replace::with_writable_weights;
use flow::artifacts;
use hdl::shell::BUS_ADDRESS_BITS;
use hdl::shell::axi_lite_device::AxiLiteDevice;
use hdl::shell::axi_stream::{AxiStreamCore, data_bits};
use hdl::shell::axi_stream_device::AxiStreamDevice;
use hdl::shell::mapped_core::MappedCore;
use hdl::shell::wishbone_device::WishboneDevice;
use hdl::wire::{Simulation, Word};
use host::{Bus, BusError, Device};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sim::packed::Packed;
use sim::{Executor, RunOptions};
use std::path::Path;
use std::time::Duration;
use testkit::random_graphs::{random_graph, random_images};

/// A plan of the shipped network, its manifest, images and the scores for them.
struct Digits {
    plan: Plan,
    manifest: Manifest,
    images: Vec<Vec<f32>>,
    scores: Vec<Scores>,
}

impl Digits {
    fn new(images: usize) -> Digits {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits");
        let graph = network::onnx::import(&models.join("digits_conv.onnx")).unwrap();
        let plan = plan(lower(&graph).unwrap(), &Goal::FramesPerSecond(100_000.0), 100.0).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let manifest = artifacts::write(&plan, None, &folder.path().join("design")).unwrap().manifest;
        let all: ndarray::ArrayD<u8> = ndarray_npy::read_npy(models.join("test_images.npy")).unwrap();
        let image = |image: ndarray::ArrayViewD<u8>| image.iter().map(|value| f32::from(*value)).collect();
        let images: Vec<Vec<f32>> = all.outer_iter().take(images).map(image).collect();
        let scores = Packed::new(&plan.network).run(&images, &RunOptions::default()).unwrap().scores;
        Digits { plan, manifest, images, scores }
    }

    fn mapped(&self) -> MappedCore {
        let core = hdl::design::design(&self.plan).unwrap().pipeline;
        let facts = flow::soc::facts(&self.plan, 0, self.manifest.design_hash_bytes().unwrap());
        MappedCore::new(core, (&self.plan.input_format(), &self.plan.output_format()), &facts)
    }
}

/// A master of one access at a time.
trait Master {
    fn read_word(&mut self, address: u32) -> Option<u32>;
    fn write_word(&mut self, address: u32, word: u32) -> Option<()>;
}

/// The bus of a simulated device, as the host runtime drives it.
struct Simulated<M>(M);

impl<M: Master> Bus for Simulated<M> {
    fn read(&mut self, address: u32, words: &mut [u32]) -> Result<(), BusError> {
        for (word, place) in words.iter_mut().zip((address..).step_by(4)) {
            *word = self.0.read_word(place).expect("the host reads what can be read");
        }
        Ok(())
    }

    fn write(&mut self, address: u32, words: &[u32]) -> Result<(), BusError> {
        for (word, place) in words.iter().zip((address..).step_by(4)) {
            self.0.write_word(place, *word).expect("the host writes what can be written");
        }
        Ok(())
    }

    fn time_scale(&self) -> u32 {
        1000
    }
}

/// How long a simulated device may work on the first images, on a slow machine.
const SIMULATED_PATIENCE: Duration = Duration::from_secs(600);

/// Most clock cycles of an access.
const PATIENCE: usize = 20;

impl Master for Simulation<WishboneDevice> {
    fn read_word(&mut self, address: u32) -> Option<u32> {
        wishbone(self, address, None)
    }

    fn write_word(&mut self, address: u32, word: u32) -> Option<()> {
        wishbone(self, address, Some(word)).map(|_| ())
    }
}

fn wishbone(simulation: &mut Simulation<WishboneDevice>, address: u32, write: Option<u32>) -> Option<u32> {
    let top = &mut simulation.top;
    top.wb.adr_i.next = Word::new(u64::from(address), BUS_ADDRESS_BITS);
    top.wb.we_i.next = write.is_some();
    top.wb.dat_i.next = Word::new(u64::from(write.unwrap_or(0)), 32);
    top.wb.sel_i.next = Word::ones(4);
    (top.wb.cyc_i.next, top.wb.stb_i.next) = (true, true);
    for _ in 0..PATIENCE {
        simulation.settle().unwrap();
        let top = &simulation.top;
        let (ack, err, word) = (top.wb.ack_o.val(), top.wb.err_o.val(), top.wb.dat_o.val().low() as u32);
        simulation.tick().unwrap();
        if ack || err {
            (simulation.top.wb.cyc_i.next, simulation.top.wb.stb_i.next) = (false, false);
            return ack.then_some(word);
        }
    }
    panic!("no answer at {address:#x}");
}

impl Master for Simulation<AxiLiteDevice> {
    fn read_word(&mut self, address: u32) -> Option<u32> {
        self.top.s_axi.araddr.next = Word::new(u64::from(address), BUS_ADDRESS_BITS);
        self.top.s_axi.arvalid.next = true;
        self.top.s_axi.rready.next = true;
        for _ in 0..PATIENCE {
            self.settle().unwrap();
            let taken = self.top.s_axi.arready.val();
            let answer = (self.top.s_axi.rvalid.val(), self.top.s_axi.rresp.val(), self.top.s_axi.rdata.val());
            self.tick().unwrap();
            self.top.s_axi.arvalid.next &= !taken;
            if answer.0 {
                return (answer.1 == 0u64).then(|| answer.2.low() as u32);
            }
        }
        panic!("no answer at {address:#x}");
    }

    fn write_word(&mut self, address: u32, word: u32) -> Option<()> {
        self.top.s_axi.awaddr.next = Word::new(u64::from(address), BUS_ADDRESS_BITS);
        self.top.s_axi.wdata.next = Word::new(u64::from(word), 32);
        self.top.s_axi.wstrb.next = Word::ones(4);
        (self.top.s_axi.awvalid.next, self.top.s_axi.wvalid.next) = (true, true);
        self.top.s_axi.bready.next = true;
        for _ in 0..PATIENCE {
            self.settle().unwrap();
            let taken = (self.top.s_axi.awready.val(), self.top.s_axi.wready.val());
            let answer = (self.top.s_axi.bvalid.val(), self.top.s_axi.bresp.val());
            self.tick().unwrap();
            self.top.s_axi.awvalid.next &= !taken.0;
            self.top.s_axi.wvalid.next &= !taken.1;
            if answer.0 {
                return (answer.1 == 0u64).then_some(());
            }
        }
        panic!("no answer at {address:#x}");
    }
}

#[test]
fn over_wishbone_the_host_runtime_gets_the_networks_scores() {
    let digits = Digits::new(4);
    let device = WishboneDevice::new("device", digits.mapped());
    let device = Device::open(Simulated(Simulation::new(device)), &digits.manifest).unwrap();
    let mut device = device.with_patience(SIMULATED_PATIENCE);
    assert_eq!(device.infer(&digits.images, &mut |_| ()).unwrap(), digits.scores);
    let counters = device.counters().unwrap();
    assert_eq!((counters.completed, counters.frame_errors, counters.is_busy), (4, 0, false));
    device.reset().unwrap();
    assert_eq!(device.infer(&digits.images[2..], &mut |_| ()).unwrap(), digits.scores[2..]);
}

#[test]
fn over_axi_lite_the_host_runtime_gets_the_networks_scores() {
    let digits = Digits::new(4);
    let mut simulation = Simulation::new(AxiLiteDevice::new("device", digits.mapped()));
    // Reset is low where nobody says otherwise.
    simulation.step().unwrap();
    simulation.top.aresetn.next = true;
    let device = Device::open(Simulated(simulation), &digits.manifest).unwrap();
    let mut device = device.with_patience(SIMULATED_PATIENCE);
    assert_eq!(device.infer(&digits.images, &mut |_| ()).unwrap(), digits.scores);
    assert_eq!(device.counters().unwrap().completed, 4);
}

/// A small random network with writable weights, and the weights of another one loaded over `bus`, a simulation of the
/// device around the core.
fn load<M: Master>(simulated: impl Fn(MappedCore) -> M) {
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
    let design = hdl::design::design(&plan).unwrap();
    let facts = flow::soc::facts(&plan, design.pipeline.weight_words(), first.manifest.design_hash_bytes().unwrap());
    assert!(facts.weight_words > 0);
    let mapped = MappedCore::new(design.pipeline, (&plan.input_format(), &plan.output_format()), &facts);
    let mut bus = Simulated(simulated(mapped));
    for network in [None, Some(&other)] {
        let loaded = artifacts::load(&first, network, &folder).unwrap();
        let segments = artifacts::segments(&loaded.plan).unwrap();
        let device = Device::load(&mut bus, &loaded.manifest, &segments).unwrap();
        let expected = Packed::new(&loaded.plan.network).run(&images, &RunOptions::default()).unwrap().scores;
        assert_eq!(device.with_patience(SIMULATED_PATIENCE).infer(&images, &mut |_| ()).unwrap(), expected);
    }
}

#[test]
fn weights_are_loaded_over_both_buses() {
    load(|mapped| Simulation::new(WishboneDevice::new("device", mapped)));
    load(|mapped| {
        let mut simulation = Simulation::new(AxiLiteDevice::new("device", mapped));
        simulation.step().unwrap();
        simulation.top.aresetn.next = true;
        simulation
    });
}

/// The words of `format`, as numbers.
fn words(format: &abi::packing::StreamFormat, elements: &[i32]) -> Vec<Word> {
    format.pack(elements).iter().map(|word| Word::from_bits(word.iter().by_vals())).collect()
}

/// Runs the images through the streams; words of the answers, cycles in which answers ended, errors counted.
fn stream(digits: &Digits, seed: Option<u64>) -> (Vec<Vec<Word>>, Vec<u64>, u64) {
    let (input, output) = (digits.plan.input_format(), digits.plan.output_format());
    let core = AxiStreamCore::new(hdl::design::design(&digits.plan).unwrap().pipeline, (&input, &output));
    let facts = flow::soc::facts(&digits.plan, 0, [7; 32]);
    let mut simulation = Simulation::new(AxiStreamDevice::new("device", core, (&input, &output), &facts));
    let mut random = ChaCha8Rng::seed_from_u64(seed.unwrap_or(0));
    let mut chance = |probability| seed.is_none() || random.random_bool(probability);
    let offered: Vec<(Word, bool)> = digits
        .images
        .iter()
        .flat_map(|image| {
            let words = words(&input, &digits.plan.network.input_map.apply(image).unwrap());
            let last = words.len() - 1;
            words.into_iter().enumerate().map(move |(index, word)| (word, index == last))
        })
        .collect();
    simulation.top.aresetn.next = true;
    let (mut next, mut offering, mut held) = (0, false, None);
    let (mut answers, mut answer, mut ends) = (vec![], vec![], vec![]);
    while answers.len() < digits.images.len() {
        assert!(simulation.cycle() < 50_000, "the core is stuck");
        offering |= next < offered.len() && chance(0.7);
        let top = &mut simulation.top;
        top.s_axis.tvalid.next = offering;
        let (word, last) = offered.get(next).filter(|_| offering).cloned().unwrap_or((Word::zero(1), false));
        top.s_axis.tdata.next = word.resized(data_bits(&input));
        top.s_axis.tlast.next = last;
        top.m_axis.tready.next = false;
        simulation.settle().unwrap();
        let valid = simulation.top.m_axis.tvalid.val();
        simulation.top.m_axis.tready.next = chance(0.6);
        simulation.settle().unwrap();
        let top = &simulation.top;
        assert_eq!(top.m_axis.tvalid.val(), valid, "valid follows ready");
        let shown = valid.then(|| (top.m_axis.tdata.val(), top.m_axis.tlast.val()));
        assert!(held.is_none() || held == shown, "a word changed while it waited");
        held = shown;
        if top.m_axis.tready.val()
            && let Some((word, last)) = held.take()
        {
            answer.push(word);
            assert_eq!(last, answer.len() == output.words_per_image(), "TLAST tells the end of an answer");
            assert_eq!(top.done.val(), last);
            if last {
                answers.push(std::mem::take(&mut answer));
                ends.push(simulation.cycle());
            }
        }
        if top.s_axis.tvalid.val() && top.s_axis.tready.val() {
            next += 1;
            offering = false;
        }
        simulation.tick().unwrap();
    }
    let errors = stream_register(&mut simulation, abi::registers::Register::FrameErrors);
    for (register, expected) in [
        (abi::registers::Register::Identifier, abi::registers::IDENTIFIER),
        (abi::registers::Register::Slots, 0),
        (abi::registers::Register::Submitted, digits.images.len() as u32),
        (abi::registers::Register::Completed, digits.images.len() as u32),
        (abi::registers::Register::Status, 0),
    ] {
        assert_eq!(stream_register(&mut simulation, register), u64::from(expected), "{register:?}");
    }
    (answers, ends, errors)
}

fn stream_register(simulation: &mut Simulation<AxiStreamDevice>, register: abi::registers::Register) -> u64 {
    simulation.top.s_axi.araddr.next = Word::new(u64::from(register.address()), BUS_ADDRESS_BITS);
    simulation.top.s_axi.arvalid.next = true;
    simulation.top.s_axi.rready.next = true;
    for _ in 0..PATIENCE {
        simulation.settle().unwrap();
        let (taken, valid) = (simulation.top.s_axi.arready.val(), simulation.top.s_axi.rvalid.val());
        let word = simulation.top.s_axi.rdata.val().low();
        simulation.tick().unwrap();
        simulation.top.s_axi.arvalid.next &= !taken;
        if valid {
            return word;
        }
    }
    panic!("{register:?} does not answer");
}

#[test]
fn streams_carry_images_in_and_answers_out_at_the_planned_pace() {
    let digits = Digits::new(4);
    let format = digits.plan.output_format();
    let answer = |image: &Vec<f32>| {
        let network = &digits.plan.network;
        let tensors = network::integer::run_elements(network, network.input_map.apply(image).unwrap());
        words(&format, &tensors[network.output.0]).iter().map(|word| word.resized(data_bits(&format))).collect()
    };
    let expected: Vec<Vec<Word>> = digits.images.iter().map(answer).collect();
    let (answers, ends, errors) = stream(&digits, None);
    assert_eq!(answers, expected);
    assert_eq!(errors, 0);
    let gaps: Vec<u64> = ends.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps, [digits.plan.initiation_interval; 3]);
    let (answers, _, errors) = stream(&digits, Some(1));
    assert_eq!((answers, errors), (expected, 0));
}
