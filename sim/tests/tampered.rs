//! Whatever stands in the files of a compiled directory, reading refuses it with a next step or gives a plan that every
//! engine runs, all with the same answer: thousands of seeded mutations, none of which may panic.

#![allow(clippy::unwrap_used)]

#[path = "tampered/mutate.rs"]
mod mutate;

use compiler::lower::lower;
use compiler::plan::Plan;
use compiler::planner::{Goal, plan};
use compiler::report::Report;
use flow::artifacts::{self, ArtifactsError, Compiled};
use miette::Diagnostic;
use mutate::mutate;
use network::integer;
use network::network::{LayerKind, Network};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use sim::packed::Packed;
use sim::rtl::Rtl;
use sim::{Executor, RunOptions};
use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::{fs, iter};
use testkit::random_graphs::random_graph;

/// Of so many plans that are read one is simulated clock by clock, which takes long.
const SIMULATED: usize = 8;

/// Which files a mutation goes to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Target {
    Plan,
    Manifest,
    /// The plan; whatever follows from its network, and the manifest, are made to agree so far as they can.
    Both,
}

/// A compiled directory and what stands in its files.
struct Directory {
    room: tempfile::TempDir,
    plan: Value,
    manifest: Value,
}

impl Directory {
    fn new(network: Network) -> Self {
        let plan = plan(network, &Goal::FramesPerSecond(5e5), 100.0).unwrap();
        let room = tempfile::tempdir().unwrap();
        let folder = room.path().join("design");
        artifacts::write(&plan, None, &folder).unwrap();
        artifacts::read(&folder).unwrap();
        let json = |file| serde_json::from_str(&fs::read_to_string(folder.join(file)).unwrap()).unwrap();
        Directory { plan: json("plan.json"), manifest: json("manifest.json"), room }
    }

    /// What reading gives where the two files hold these values.
    fn read(&self, plan: &Value, manifest: &Value) -> Result<Compiled, ArtifactsError> {
        let folder = self.room.path().join("design");
        fs::write(folder.join("plan.json"), plan.to_string()).unwrap();
        fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
        artifacts::read(&folder)
    }

    /// The contents of both files after `changes` changes, and what was changed.
    fn tampered(&self, target: Target, changes: usize, random: &mut ChaCha8Rng) -> (Value, Value, String) {
        let (mut plan, mut manifest) = (self.plan.clone(), self.manifest.clone());
        let mut what = Vec::new();
        while plan == self.plan && manifest == self.manifest {
            let victim = if target == Target::Manifest { &mut manifest } else { &mut plan };
            what.extend(iter::repeat_with(|| mutate(victim, random)).take(changes));
        }
        if target == Target::Both {
            if plan["network"] != self.plan["network"] {
                plan = planned_again(&plan).unwrap_or(plan);
            }
            agree(&mut manifest, &plan);
        }
        (plan, manifest, what.join(", "))
    }
}

/// The plan of the network in `plan`, where there is one.
fn planned_again(damaged: &Value) -> Option<Value> {
    let network: Network = serde_json::from_value(damaged["network"].clone()).ok()?;
    network.validate().ok()?;
    serde_json::to_value(plan(network, &Goal::FramesPerSecond(5e5), 100.0).ok()?).ok()
}

/// Makes a manifest say what `plan` says, so far as that has the fields.
fn agree(manifest: &mut Value, plan: &Value) {
    let last = plan.pointer("/stages").and_then(Value::as_array).and_then(|stages| stages.last());
    let last = last.and_then(|stage| stage.pointer("/outputs/0")).map_or(0, |id| id.as_u64().unwrap_or(0));
    for (field, place) in [
        ("network", "/network/name"),
        ("input_map", "/network/input_map"),
        ("output_map", "/network/output_map"),
        ("input_stream", "/streams/0/format"),
        ("output_stream", &format!("/streams/{last}/format")),
        ("initiation_interval_cycles", "/initiation_interval"),
        ("latency_cycles", "/latency"),
        ("clock_mhz", "/clock_mhz"),
    ] {
        if let Some(value) = plan.pointer(place) {
            manifest[field] = value.clone();
        }
    }
}

/// Everything that later verbs do with a plan, for one image.
fn use_plan(plan: &Plan, simulate: bool) {
    let network = &plan.network;
    let _ =
        (network.to_string(), plan.to_string(), Report::new(plan, &compiler::planner::Target::default()).to_string());
    let image: Vec<f32> = (0..network.input_map.len()).map(|index| (index % 17) as f32).collect();
    let images = std::slice::from_ref(&image);
    let expected = integer::run(network, &image).unwrap();
    let mut packed = Packed::new(network);
    for trace in [false, true] {
        let run = packed.run(images, &RunOptions { trace, ..RunOptions::default() }).unwrap();
        assert_eq!(run.scores[0], expected.scores);
        network.output_map.prediction(&run.scores[0]);
    }
    if simulate {
        let run = Rtl::new(plan).run(images, &RunOptions::default()).unwrap();
        assert_eq!(run.scores[0], expected.scores);
        assert_eq!(run.cycles.unwrap().latency_cycles, plan.latency);
    } else {
        hdl::design::design(plan).unwrap();
    }
}

/// What the last panic of any thread said, and where: engines use several.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Tampers `rounds` times; gives how many were refused, and the panics.
fn tamper(directory: &Directory, target: Target, changes: usize, rounds: u64) -> (u64, Vec<String>) {
    let (mut refused, mut read) = (0, 0);
    let mut panics: BTreeMap<String, String> = BTreeMap::new();
    for seed in 0..rounds {
        let mut random = ChaCha8Rng::seed_from_u64(seed << 8 | (target as u64) << 4 | changes as u64);
        let (plan, manifest, what) = directory.tampered(target, changes, &mut random);
        let outcome = catch_unwind(AssertUnwindSafe(|| match directory.read(&plan, &manifest) {
            Err(error) => {
                let help = error.help().map(|help| help.to_string()).unwrap_or_default();
                assert!(!help.is_empty() && error.code().is_some(), "no next step: {error}");
                refused += 1;
            }
            Ok(compiled) => {
                read += 1;
                use_plan(&compiled.plan, read % SIMULATED == 1);
            }
        }));
        if outcome.is_err() {
            let said = LAST_PANIC.lock().unwrap().clone();
            panics.entry(said).or_insert(format!("seed {seed}, {what}"));
        }
    }
    println!("{target:?}, changes at a time: {changes}: {rounds} mutations, {refused} refused, {read} read");
    (refused, panics.into_iter().map(|(said, first)| format!("{target:?}, {first}: {said}")).collect())
}

/// A small network with every kind of stage.
fn with_all_stages() -> Network {
    let kinds = |network: &Network| {
        let count = |kind: &str| network.layers.iter().filter(|layer| layer.kind.name() == kind).count();
        let steps = |layer: &network::network::Layer| match &layer.kind {
            LayerKind::MultiThreshold(steps) => steps.iter().any(|step| step.boundaries.len() > 2),
            _ => false,
        };
        count("matrix_vector") > 2 && count("arg_max") == 1 && network.layers.iter().any(steps)
    };
    (0..).filter_map(|seed| lower(&random_graph(seed, 20)).ok()).find(kinds).unwrap()
}

#[test]
fn tampered_directories_are_refused_or_run() {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits/digits_mlp.onnx");
    let digits = Directory::new(lower(&network::onnx::import(&model).unwrap()).unwrap());
    let all_stages = Directory::new(with_all_stages());
    panic::set_hook(Box::new(|info| *LAST_PANIC.lock().unwrap() = info.to_string()));
    let mut faults = Vec::new();
    for directory in [&digits, &all_stages] {
        for (target, changes, times) in
            [(Target::Plan, 1, 3), (Target::Manifest, 1, 1), (Target::Both, 1, 3), (Target::Both, 3, 1)]
        {
            let rounds = times * testkit::count(80, 250);
            let (refused, panics) = tamper(directory, target, changes, rounds);
            faults.extend(panics);
            if 2 * refused < rounds {
                faults.push(format!("{target:?}: only {refused} of {rounds} refused"));
            }
        }
    }
    let _ = panic::take_hook();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
