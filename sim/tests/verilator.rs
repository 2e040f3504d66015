//! Hand-written cores in Verilator: results, cycles, traces, faults, errors.

#![allow(clippy::unwrap_used)]

use abi::maps::Reduction;
use abi::packing::StreamFormat;
use abi::{ElementType, InputMap, OutputMap, StepFunction};
use network::network::{Layer, LayerKind, Network, TensorId, TensorType, WeightMatrix};
use proptest::prelude::any;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use sim::integer::Integer;
use sim::trace::first_difference;
use sim::verilator::{Cache, Model, ModelOptions, Tool, Verilator};
use sim::{Executor, FloatEnds, RunOptions, SimError, StageProbe, StreamCore};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const U4: ElementType = ElementType::Unsigned { bits: 4 };
const U8: ElementType = ElementType::Unsigned { bits: 8 };

/// Kept between runs of the tests: compiling takes most of their time.
fn cache() -> Cache {
    Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"))
}

fn cores() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cores")
}

fn format(element: ElementType, lanes: usize, channels: usize, vectors: usize) -> StreamFormat {
    StreamFormat { element, lanes, channels, vectors }
}

fn core(top: &str, input: StreamFormat, output: StreamFormat) -> StreamCore {
    StreamCore {
        folder: cores(),
        top: top.to_owned(),
        verilog: vec![format!("{top}.v").into()],
        memories: Vec::new(),
        input,
        output,
        stages: Vec::new(),
        weights: None,
        patience: 2_000,
    }
}

fn build(core: &StreamCore) -> Model {
    Model::build(core, ModelOptions::default(), &cache(), &Tool::default()).unwrap()
}

fn elements(runner: &mut TestRunner, images: usize, format: &StreamFormat) -> Vec<Vec<i32>> {
    let mut element = || format.element.decode(any::<u64>().new_tree(runner).unwrap().current()) as i32;
    (0..images).map(|_| (0..format.elements_per_image()).map(|_| element()).collect()).collect()
}

/// What `dot.v` computes.
fn dot() -> (Network, StreamCore) {
    let sum = ElementType::Signed { bits: 10 };
    let u2 = ElementType::Unsigned { bits: 2 };
    let two = |channels, element| TensorType { width: 2, ..TensorType::vector(channels, element) };
    let tensors = vec![two(5, U4), two(1, sum), two(1, u2)];
    // weights.mem holds the codes 1, 7 | 5, 2 | 3 (and an unused 0).
    let weights =
        WeightMatrix { rows: 1, columns: 5, element: ElementType::Signed { bits: 3 }, values: vec![1, -1, -3, 2, 3] };
    let steps = StepFunction { boundaries: vec![-5, 3, 20], values: vec![0, 1, 2, 3] };
    let layer = |name: &str, kind, input: usize| Layer {
        name: name.to_owned(),
        kind,
        inputs: vec![TensorId(input)],
        output: TensorId(input + 1),
    };
    let network = Network {
        name: "dot".to_owned(),
        tensors,
        layers: vec![
            layer("product", LayerKind::MatrixVector(weights), 0),
            layer("steps", LayerKind::MultiThreshold(vec![steps]), 1),
        ],
        input: TensorId(0),
        output: TensorId(2),
        input_map: InputMap {
            domain: None,
            shape: vec![1, 10],
            element: U4,
            functions: vec![StepFunction {
                boundaries: (1..16).map(|b| b as f32).collect(),
                values: (0..16).collect(),
            }],
            function_of: Vec::new(),
            source_of: Vec::new(),
        },
        output_map: OutputMap {
            shape: vec![2],
            scale: vec![0.5],
            bias: vec![-1.0],
            divisor: 1.0,
            source_of: Vec::new(),
            score_map: None,
            reduction: Reduction::None,
        },
        sensitive_steps: Vec::new(),
        approximations: Vec::new(),
        replaceable: false,
    };
    network.validate().unwrap();
    let (input, output) = (format(U4, 2, 5, 2), format(u2, 1, 1, 2));
    let probe = |prefix: &str, tensor, layer: &str, format: StreamFormat| StageProbe {
        stream: tensor,
        prefix: prefix.to_owned(),
        tensor: TensorId(tensor),
        layer: layer.to_owned(),
        vectors: format.vectors,
        channels: format.channels,
        format,
    };
    let core = StreamCore {
        memories: vec!["weights.mem".into()],
        stages: vec![
            probe("in", 0, "input", input),
            probe("sum__s$x", 1, "product", format(sum, 1, 1, 2)),
            probe("out", 2, "steps", output),
        ],
        ..core("dot", input, output)
    };
    (network, core)
}

fn images(count: usize) -> Vec<Vec<f32>> {
    let mut runner = TestRunner::deterministic();
    let element = |values: &i32| *values as f32;
    elements(&mut runner, count, &format(U4, 2, 5, 2)).iter().map(|i| i.iter().map(element).collect()).collect()
}

fn executor() -> (Integer, Verilator) {
    let (network, core) = dot();
    let ends = FloatEnds { input: network.input_map.clone(), output: network.output_map.clone() };
    (Integer::new(network), Verilator::new(core, ends).unwrap().with_cache(cache()))
}

#[test]
fn scores_cycles_and_traces_are_those_of_the_network() {
    if !testkit::tool("verilator") {
        return;
    }
    let (mut integer, mut verilator) = executor();
    let images = images(50);
    let expected = integer.run(&images, &RunOptions { trace: true, ..RunOptions::default() }).unwrap();

    let done = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&done);
    let progress = Arc::new(move |count| seen.store(count, Ordering::Relaxed));
    let free = verilator.run(&images, &RunOptions { progress: Some(progress), ..RunOptions::default() }).unwrap();
    assert_eq!(free.scores, expected.scores);
    assert_eq!(done.load(Ordering::Relaxed), 50);
    let cycles = free.cycles.unwrap();
    assert_eq!((cycles.latency_cycles, cycles.initiation_interval_cycles), (6, Some(6)));
    assert_eq!((cycles.cycles, cycles.steady_interval(0)), (301, Some(6)));

    for seed in 0..20 {
        let run = verilator.run(&images, &RunOptions { back_pressure: Some(seed), ..RunOptions::default() }).unwrap();
        assert_eq!(run.scores, expected.scores, "seed {seed}");
        let cycles = run.cycles.unwrap();
        assert!(cycles.cycles > 400 && cycles.initiation_interval_cycles.is_none(), "seed {seed}: {cycles:?}");
    }

    let wave = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("dot.vcd");
    let options = RunOptions { trace: true, wave: Some(wave.clone()), back_pressure: Some(3), progress: None };
    let traced = verilator.run(&images, &options).unwrap();
    assert_eq!(traced.scores, expected.scores);
    let (left, right) = (expected.trace.unwrap(), traced.trace.unwrap());
    assert_eq!(right.tensors().len(), 3);
    assert_eq!(first_difference(&left, &right), None);
    let wave = std::fs::read_to_string(wave).unwrap();
    assert!(wave.contains("$enddefinitions") && wave.contains("in_valid"));

    let one = verilator.run(&images[..1], &RunOptions::default()).unwrap().cycles.unwrap();
    assert_eq!((one.latency_cycles, one.initiation_interval_cycles), (6, None));
    let none = verilator.run(&[], &RunOptions::default()).unwrap();
    assert_eq!((none.scores.len(), none.cycles), (0, None));
}

#[test]
fn ports_of_every_width_carry_their_words() {
    if !testkit::tool("verilator") {
        return;
    }
    let mut runner = TestRunner::deterministic();
    for (input, output) in [(1, 200), (64, 33), (65, 9), (130, 32), (31, 96), (8, 16)] {
        let folder = tempfile::tempdir().unwrap();
        // Bit i of the output is bit i modulo W_in of the input, inverted where i is beyond it.
        let bits: Vec<String> = (0..output)
            .map(|bit| format!("{}in_data[{}]", if bit >= input { "~" } else { "" }, bit % input))
            .rev()
            .collect();
        let text = format!(
            "module wide(input wire clock, input wire reset, input wire [{}:0] in_data, input wire in_valid, \
             output wire in_ready, output reg [{}:0] out_data, output reg out_valid, input wire out_ready);\n\
             assign in_ready = !out_valid || out_ready;\n\
             always @(posedge clock) if (reset) out_valid <= 0; else if (in_ready) begin\n\
             out_valid <= in_valid; if (in_valid) out_data <= {{{}}}; end\nendmodule\n",
            input - 1,
            output - 1,
            bits.join(", ")
        );
        std::fs::write(folder.path().join("wide.v"), text).unwrap();
        let bit = ElementType::Unsigned { bits: 1 };
        let formats = (format(bit, input, input, 3), format(bit, output, output, 3));
        let core = StreamCore { folder: folder.path().to_owned(), ..core("wide", formats.0, formats.1) };
        let images = elements(&mut runner, 30, &core.input);
        let model = build(&core);
        for seed in [None, Some(1), Some(2)] {
            let record = model.run(&images, &RunOptions { back_pressure: seed, ..RunOptions::default() }).unwrap();
            let words: Vec<_> = images.iter().flat_map(|image| core.input.pack(image)).collect();
            assert_eq!(record.words.len(), words.len());
            for (index, (found, sent)) in record.words.iter().zip(&words).enumerate() {
                let expected: Vec<bool> = (0..output).map(|bit| sent[bit % input] ^ (bit >= input)).collect();
                let found: Vec<bool> = found.iter().by_vals().collect();
                assert_eq!(found, expected, "{input} to {output} bits, seed {seed:?}, word {index}");
            }
        }
    }
}

fn faulty(mode: i32, seed: Option<u64>) -> Result<Vec<i32>, SimError> {
    let core = core("faulty", format(U8, 1, 4, 4), format(U8, 1, 4, 4));
    let images: Vec<Vec<i32>> = vec![(0..16).map(|i| mode + 8 * i).collect()];
    let record = build(&core).run(&images, &RunOptions { back_pressure: seed, ..RunOptions::default() })?;
    Ok(core.output.unpack(record.words.iter().map(|word| word.as_bitslice())))
}

#[test]
fn faulty_cores_are_found_out() {
    if !testkit::tool("verilator") {
        return;
    }
    let good: Vec<i32> = (0..16).map(|i| 8 * i).collect();
    for seed in [None, Some(1), Some(2)] {
        assert_eq!(faulty(0, seed).unwrap(), good, "seed {seed:?}");
    }
    let stuck = faulty(1, None).unwrap_err();
    let SimError::Stuck { taken, taken_expected, given, given_expected, patience, .. } = stuck else {
        panic!("{stuck:?}")
    };
    assert_eq!((taken, taken_expected, given, given_expected, patience), (5, 16, 5, 16, 2_000));
    let stuck = faulty(2, None).unwrap_err();
    let SimError::Stuck { taken, given, .. } = stuck else { panic!("{stuck:?}") };
    assert_eq!((taken, given), (16, 14), "two words lost");
    // These two behave while the sink is always ready, but for their low bits.
    assert!(faulty(3, None).is_ok() && faulty(4, None).is_ok());
    let changed = faulty(3, Some(1)).unwrap_err();
    let SimError::DataChanged { word, before, after, .. } = &changed else { panic!("{changed:?}") };
    let expected = 3 + 8 * *word as i32;
    assert_eq!((before, after), (&format!("{expected:02x}"), &format!("{:02x}", expected + 1)));
    assert!(matches!(faulty(4, Some(1)).unwrap_err(), SimError::ValidWithdrawn { .. }));
    assert!(matches!(faulty(5, None).unwrap_err(), SimError::SurplusWord { expected: 16, .. }));
    assert_ne!(faulty(6, Some(1)).unwrap(), faulty(6, Some(2)).unwrap(), "uninitialised registers are random");
    let ended = faulty(7, None).unwrap_err();
    assert!(matches!(&ended, SimError::SimulatorFailed { status, .. } if status.contains("$finish")), "{ended}");
}

#[test]
fn the_cache_follows_contents() {
    if !testkit::tool("verilator") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for file in ["dot.v", "weights.mem"] {
        std::fs::copy(cores().join(file), folder.path().join(file)).unwrap();
    }
    let (_, core) = dot();
    let here = StreamCore { folder: folder.path().to_owned(), ..core.clone() };
    let original = build(&core);
    assert_eq!(build(&here).program(), original.program(), "the place of a design does not matter");
    let image = vec![vec![1; 10]];
    let words = build(&here).run(&image, &RunOptions::default()).unwrap().words;
    // Other weights: another model, and they are read from the design's folder when it runs.
    std::fs::write(folder.path().join("weights.mem"), "1B\n1B\n03\n").unwrap();
    let changed = build(&here);
    assert_ne!(changed.program(), original.program());
    assert_ne!(changed.run(&image, &RunOptions::default()).unwrap().words, words);
    std::fs::remove_file(folder.path().join("weights.mem")).unwrap();
    let failed = changed.run(&image, &RunOptions::default()).unwrap_err();
    assert!(matches!(&failed, SimError::File { path, .. } if path.ends_with("weights.mem")), "{failed}");
    // Of a memory file that the core does not list, Verilator would only warn, and go on with zeros.
    let unlisted = build(&StreamCore { memories: Vec::new(), ..here });
    let failed = unlisted.run(&image, &RunOptions::default()).unwrap_err();
    let SimError::SimulatorFailed { tail, .. } = &failed else { panic!("{failed:?}") };
    assert!(tail.contains("weights.mem"), "{tail}");
}

#[test]
fn what_cannot_be_built_says_why() {
    let (_, good) = dot();
    let missing = Model::build(&good, ModelOptions::default(), &cache(), &Tool::new("no-such-verilator")).unwrap_err();
    assert!(matches!(&missing, SimError::ToolMissing { tool, .. } if tool == "no-such-verilator"));
    assert!(miette::Diagnostic::help(&missing).unwrap().to_string().contains("apt install verilator"));
    if !testkit::tool("verilator") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("dot.v"), "module dot(input wire clock);\nassign nothing = ;\nendmodule\n")
        .unwrap();
    std::fs::write(folder.path().join("weights.mem"), "").unwrap();
    let bad = StreamCore { folder: folder.path().to_owned(), ..good.clone() };
    let cache = Cache::at(folder.path().join("cache"));
    let failed = Model::build(&bad, ModelOptions::default(), &cache, &Tool::default()).unwrap_err();
    let SimError::VerilatorBuild { tail, log, .. } = &failed else { panic!("{failed:?}") };
    assert!(tail.contains("%Error") && tail.contains("dot.v:2"), "{tail}");
    assert!(std::fs::read_to_string(log).unwrap().contains("%Error"));
    let nowhere = StreamCore { folder: folder.path().join("nowhere"), ..good.clone() };
    assert!(matches!(
        Model::build(&nowhere, ModelOptions::default(), &cache, &Tool::default()).unwrap_err(),
        SimError::File { .. }
    ));
    let not_a_probe = StageProbe { prefix: "nothing".to_owned(), ..good.stages[0].clone() };
    let unprobed = StreamCore { stages: vec![not_a_probe], ..good };
    let options = ModelOptions { probes: true, wave: false };
    let built = Model::build(&unprobed, options, &self::cache(), &Tool::default());
    let failed = built.and_then(|model| model.run(&[vec![0; 10]], &RunOptions::default())).unwrap_err();
    assert!(failed.to_string().contains("nothing_"), "{failed}");
}

#[test]
fn verilators_own_files_are_compiled_once() {
    if !testkit::tool("verilator") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path());
    let is_compiled = [false, true].map(|probes| {
        let options = ModelOptions { probes, wave: false };
        let model = Model::build(&dot().1, options, &cache, &Tool::default()).unwrap();
        std::fs::read_to_string(model.program().with_file_name("build.log")).unwrap().contains("verilated.cpp")
    });
    assert_eq!(is_compiled, [true, false]);
}
