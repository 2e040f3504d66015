//! TensorFlow Lite files: every engine gives the integers of TensorFlow Lite's reference kernels.
//!
//! `scripts/generate/tflite.py` wrote the files of `models/tflite`, random networks of testkit, and what the kernels compute.

#![allow(clippy::unwrap_used)]

use abi::maps::Scores;
use compiler::lower::{LowerError, lower};
use compiler::planner::{Goal, plan};
use ndarray::{ArrayD, Axis};
use ndarray_npy::{ReadableElement, read_npy};
use network::graph::Graph;
use network::tflite::{import, import_bytes};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::{IntoParallelIterator, ParallelIterator};
use sim::integer::Integer;
use sim::packed::Packed;
use sim::plan::Plan as PlanEngine;
use sim::reference::Reference;
use sim::rtl::Rtl;
use sim::verilator::{Cache, Verilator};
use sim::{Executor, RunOptions};
use std::path::{Path, PathBuf};
use testkit::tflite::random;

/// Images of an `.npy` file.
fn rows(path: &Path) -> Vec<Vec<f32>> {
    fn of<T: ReadableElement + Copy>(path: &Path, float: fn(T) -> f32) -> Option<ArrayD<f32>> {
        read_npy::<_, ArrayD<T>>(path).ok().map(|array| array.mapv(float))
    }
    let array = of::<i8>(path, f32::from).or_else(|| of::<u8>(path, f32::from)).or_else(|| of::<f32>(path, |x| x));
    let array = array.unwrap_or_else(|| panic!("{}", path.display()));
    array.axis_iter(Axis(0)).map(|row| row.iter().copied().collect()).collect()
}

fn check(name: &str, executor: &mut dyn Executor, images: &[Vec<f32>], outputs: &[Vec<f32>]) {
    let found = executor.run(images, &RunOptions::default()).unwrap().scores;
    for (index, (found, expected)) in found.iter().zip(outputs).enumerate() {
        assert_eq!(found, &Scores::Values(expected.clone()), "{name}, {}, image {index}", executor.name());
    }
    assert_eq!(found.len(), images.len());
}

/// Reference, naive integers, packed engine and plan.
fn agrees(name: &str, graph: &Graph, images: &[Vec<f32>], outputs: &[Vec<f32>]) {
    check(name, &mut Reference::new(graph).unwrap(), images, outputs);
    let network = lower(graph).unwrap();
    check(name, &mut Packed::new(&network), images, outputs);
    check(name, &mut Integer::new(network.clone()), &images[..1], &outputs[..1]);
    let plan = plan(network, &Goal::FramesPerSecond(1.0), 100.0).unwrap();
    check(name, &mut PlanEngine::new(plan), &images[..1], &outputs[..1]);
}

fn kept() -> Vec<(String, PathBuf)> {
    let folder = testkit::models::shipped().join("tflite");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".tflite")?.to_owned()))
        .collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), folder.join(name))).collect()
}

#[test]
fn kept_networks_give_the_kernels_integers() {
    let kept = kept();
    assert!(kept.len() >= 12);
    for (name, path) in kept {
        let graph = import(&path.with_extension("tflite")).unwrap();
        let file = |role: &str| rows(&path.with_file_name(format!("{name}_{role}.npy")));
        agrees(&name, &graph, &file("input"), &file("output"));
    }
}

#[test]
fn hardware_gives_the_kernels_integers() {
    for (name, path) in kept().into_iter().take(testkit::count(3, 12) as usize) {
        let graph = import(&path.with_extension("tflite")).unwrap();
        let file = |role: &str| rows(&path.with_file_name(format!("{name}_{role}.npy")));
        let (images, outputs) = (file("input"), file("output"));
        let plan = plan(lower(&graph).unwrap(), &Goal::FramesPerSecond(1e4), 100.0).unwrap();
        check(&name, &mut Rtl::new(&plan), &images[..2], &outputs[..2]);
        if testkit::tool("verilator") {
            let folder = tempfile::tempdir().unwrap();
            let design = folder.path().join("design");
            let compiled = flow::artifacts::write(&plan, None, &design).unwrap();
            let cache = Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
            let mut verilator = Verilator::of_design(&compiled, &design).unwrap().with_cache(cache);
            check(&name, &mut verilator, &images, &outputs);
        }
    }
}

/// What no integer engine can represent is refused, and rare.
#[test]
fn random_networks_agree_on_all_engines() {
    let count = testkit::count(60, 1000);
    let run = |seed: u64| {
        let network = random::network(seed);
        let graph = import_bytes(&network.bytes, "random").unwrap();
        let integers = match lower(&graph) {
            Ok(integers) => integers,
            Err(LowerError::Unsupported { .. }) => return 1,
            Err(error) => panic!("seed {seed}: {error}"),
        };
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (low, high) = network.range;
        let value = |random: &mut ChaCha8Rng| match graph.input_type {
            Some(_) => random.random_range(low as i32..=high as i32) as f32,
            None => random.random_range(low..high),
        };
        let elements = network.shape.iter().product();
        let images: Vec<Vec<f32>> = (0..3).map(|_| (0..elements).map(|_| value(&mut random)).collect()).collect();
        let run = |executor: &mut dyn Executor| executor.run(&images, &RunOptions::default()).unwrap().scores;
        let expected = run(&mut Reference::new(&graph).unwrap());
        assert_eq!(run(&mut Integer::new(integers.clone())), expected, "seed {seed}, integer");
        assert_eq!(run(&mut Packed::new(&integers)), expected, "seed {seed}, packed");
        0
    };
    let refused: u64 = (0..count).into_par_iter().map(run).sum();
    assert!(refused * 10 <= count, "{refused} of {count}");
}

#[test]
fn mlperf_tiny_gives_the_kernels_integers() {
    let Some(models) = testkit::models::shared() else { return };
    for name in ["ad01_int8", "kws_ref_model", "ic_resnet8", "vww_96"] {
        let folder = models.join("mlperf_tiny");
        let graph = import(&folder.join(format!("{name}.tflite"))).unwrap();
        let file = |role: &str| rows(&folder.join(format!("golden/{name}/{role}.npy")));
        let (images, outputs) = (file("input"), file("output_tflite"));
        let count = testkit::count(2, 100).min(images.len() as u64) as usize;
        agrees(name, &graph, &images[..count], &outputs[..count]);
    }
}
