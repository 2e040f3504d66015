//! Whatever the design and the device's sizes: the answers are the core's.

#![allow(clippy::unwrap_used)]

use abi::maps::{Reduction, Scores};
use abi::packing::StreamFormat;
use abi::registers::Register;
use abi::{ElementType, StepFunction};
use host::transport::fake::{SoftwareDevice, manifest_of};
use host::{Bus, Device, FrameBus};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use testkit::streams;

#[test]
fn any_device_answers_as_its_core() {
    for seed in 0..500 {
        let random = &mut ChaCha8Rng::seed_from_u64(seed);
        let (input, output) = (streams::stream(random), streams::stream(random));
        let manifest = manifest_of(input, output);
        let core = streams::core(output);
        let line = SoftwareDevice::new(&manifest, random.random_range(1..7), core.clone())
            .with_register(Register::FrameWords, *[1, 2, 7, 256, 1000].get(random.random_range(0..5)).unwrap())
            .with_requests_per_image(random.random_range(0..6));
        let mut device = Device::open(FrameBus::new(line), &manifest).unwrap();
        // Several runs: the rings begin each in another place.
        for _ in 0..3 {
            let count = random.random_range(0..20);
            let images = streams::images(random, &input, count);
            let mut told = vec![0];
            let answers = device.run(&images, &mut |done| told.push(done)).unwrap();
            let expected: Vec<Vec<i32>> = images.iter().map(|image| core(image)).collect();
            assert_eq!(answers, expected, "seed {seed}");
            assert!(told.is_sorted() && told.last() == Some(&images.len()), "seed {seed}: {told:?}");
        }
        assert!(!device.bus().transport().is_overrun(), "seed {seed}");
        let statistics = device.bus().statistics();
        assert_eq!((statistics.repeated, statistics.broken_frames, statistics.stray_frames), (0, 0, 0));
        let counters = device.counters().unwrap();
        assert_eq!(counters.submitted, counters.completed);
        assert!(counters.cycles >= 10 * counters.completed);
        assert!(!counters.is_busy);
        device.reset().unwrap();
        assert_eq!(device.counters().unwrap().submitted, 0);
    }
}

#[test]
fn images_share_frames() {
    let stream = StreamFormat { element: ElementType::Unsigned { bits: 8 }, lanes: 4, channels: 4, vectors: 1 };
    let manifest = manifest_of(stream, stream);
    let line = SoftwareDevice::new(&manifest, 64, |image| image.to_vec());
    let mut device = Device::open(FrameBus::new(line), &manifest).unwrap();
    let before = device.bus().statistics().answered;
    let images: Vec<Vec<i32>> = (0..128).map(|n| vec![n, n, n, n]).collect();
    assert_eq!(device.run(&images, &mut |_| {}).unwrap(), images);
    let frames = device.bus().statistics().answered - before;
    assert!(frames < 30, "{frames} frames for 128 images of one word");
}

#[test]
fn the_manifests_maps_are_applied() {
    let input = StreamFormat { element: ElementType::Unsigned { bits: 2 }, lanes: 2, channels: 3, vectors: 1 };
    let output = StreamFormat { element: ElementType::Signed { bits: 6 }, lanes: 1, channels: 3, vectors: 1 };
    let mut manifest = manifest_of(input, output);
    let steps = |boundaries: [f32; 2]| StepFunction { boundaries: boundaries.to_vec(), values: vec![0, 1, 3] };
    manifest.input_map.functions = vec![steps([0.5, 1.5]), steps([10.0, 20.0])];
    manifest.input_map.function_of = vec![0, 1, 0];
    manifest.input_map.source_of = vec![2, 0, 1];
    manifest.output_map.scale = vec![0.5, -1.0, 2.0];
    manifest.output_map.bias = vec![0.25];
    manifest.output_map.source_of = vec![1, 2, 0];
    let core = |image: &[i32]| vec![image[0] - 5, image[1] * 4, image[2] + 1];
    for reduction in [Reduction::None, Reduction::ArgMax] {
        manifest.output_map.reduction = reduction;
        let line = SoftwareDevice::new(&manifest, 2, core);
        let mut device = Device::open(FrameBus::new(line), &manifest).unwrap();
        let scores = device.infer(&[vec![0.0, 15.0, 1.0], vec![9.0, 30.0, -1.0]], &mut |_| {}).unwrap();
        let expected = match reduction {
            Reduction::None => vec![Scores::Values(vec![0.25, -1.75, -7.75]), Scores::Values(vec![6.25, -3.75, -9.75])],
            _ => vec![Scores::Indices(vec![0]); 2],
        };
        assert_eq!(scores, expected);
    }
}
