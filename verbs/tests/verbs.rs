//! Verbs without a command line: what they give, and what they report while they work.

#![allow(clippy::unwrap_used)]

use flow::artifacts::Trust;
use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use verbs::engine::Engine;
use verbs::preparation::Preparation;
use verbs::run::Batch;
use verbs::simulate::{Equal, Simulator};
use verbs::{Nobody, Observer, OutsideDomain, Progress, Status, VerbError};

/// Records what is reported.
#[derive(Default)]
struct Notes {
    images: Cell<Option<usize>>,
    done: Arc<AtomicUsize>,
    has_ended: Cell<bool>,
    warnings: RefCell<Vec<OutsideDomain>>,
}

impl Observer for Notes {
    fn run_begins(&self, images: usize) -> Option<Progress> {
        self.images.set(Some(images));
        let done = Arc::clone(&self.done);
        Some(Arc::new(move |count| done.store(count, Ordering::Relaxed)))
    }

    fn run_ends(&self) {
        self.has_ended.set(true);
    }

    fn warn(&self, warning: OutsideDomain) {
        self.warnings.borrow_mut().push(warning);
    }
}

fn digits(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits").join(file)
}

fn compile(output: PathBuf) -> flow::artifacts::Compiled {
    let options = verbs::compile::Options {
        model: digits("digits_mlp.onnx"),
        output,
        board: None,
        rate: verbs::compile::Rate::FramesPerSecond(1e6),
        clock: None,
        writable_weights: false,
        prefix: None,
        preparation: Preparation::default(),
    };
    verbs::compile::compile(&options).unwrap()
}

#[test]
fn a_run_tells_its_progress_and_gives_its_report() {
    let notes = Notes::default();
    let options = verbs::run::Options {
        model: digits("digits_mlp.onnx"),
        engine: Engine::Cpu,
        batch: Batch {
            images: digits("test_images.npy"),
            labels: Some(digits("test_labels.npy")),
            count: Some(20),
            ..Batch::default()
        },
        record: None,
        trust: Trust::Plan,
        preparation: Preparation::default(),
    };
    let report = verbs::run::run(&options, &notes).unwrap();
    assert_eq!((report.images, report.predictions.len()), (20, 20));
    assert!(report.correct.unwrap() > 10 && report.cycles.is_none() && report.outside.is_none());
    assert_eq!((notes.images.get(), notes.done.load(Ordering::Relaxed), notes.has_ended.get()), (Some(20), 20, true));
    assert!(notes.warnings.borrow().is_empty());
}

#[test]
fn images_from_elsewhere_are_a_warning_and_part_of_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images.npy");
    ndarray_npy::write_npy(&images, &ndarray::ArrayD::from_elem(vec![2, 1, 8, 8], -1000.0_f32)).unwrap();
    let notes = Notes::default();
    let batch = Batch { images, ..Batch::default() };
    let model = digits("digits_mlp.onnx");
    let options = verbs::run::Options {
        model,
        engine: Engine::Cpu,
        batch,
        record: None,
        trust: Trust::Plan,
        preparation: Preparation::default(),
    };
    let report = verbs::run::run(&options, &notes).unwrap();
    let warnings = notes.warnings.borrow();
    assert_eq!(report.outside.unwrap().images, 2);
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].0.images, 2);
}

#[test]
fn a_compiled_design_is_simulated_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("design");
    let compiled = compile(folder.clone());
    let options = verbs::simulate::Options {
        folder,
        simulator: Simulator::Rtl,
        batch: Batch { images: digits("test_images.npy"), count: Some(3), ..Batch::default() },
        back_pressure: None,
        wave: None,
        trust: Trust::Plan,
    };
    let simulated = verbs::simulate::simulate(&options, &Nobody).unwrap();
    assert_eq!(simulated.verdict.unwrap(), Equal::Outputs);
    assert_eq!(simulated.report.cycles.unwrap().latency_cycles, compiled.plan.latency);
}

#[test]
fn errors_say_whose_turn_it_is() {
    let status = |error: VerbError| error.status();
    let absent = verbs::info::Options {
        model: "absent.onnx".into(),
        preparation: Preparation::default(),
        form: verbs::info::Form::Model,
    };
    assert_eq!(status(verbs::info::info(&absent).unwrap_err()), Status::Input);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("design");
    compile(folder.clone());
    let line = "uart:/dev/absent".parse().unwrap();
    let load = verbs::load::Options {
        folder: folder.clone(),
        model: None,
        preparation: Preparation::default(),
        engine: Some(line),
        trust: Trust::Plan,
    };
    assert_eq!(status(verbs::load::load(&load).unwrap_err()), Status::Input, "fixed weights");
    assert_eq!(status(verbs::flash::flash(&folder).unwrap_err()), Status::Input, "no board");
}

/// A file without holes would have a terabyte.
#[test]
fn no_more_images_are_read_than_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("images.npy");
    let images = 1_u64 << 36;
    let dictionary = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({images}, 1, 2, 2), }}");
    let header = [b"\x93NUMPY\x01\x00\x76\x00", format!("{dictionary:<117}\n").as_bytes()].concat();
    let elements: Vec<u8> = (0..16).flat_map(|element| (element as f32).to_le_bytes()).collect();
    std::fs::write(&path, [header, elements].concat()).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(128 + images * 16).unwrap();
    let found = verbs::images::images(&path, &[1, 2, 2], Some(5)).unwrap();
    let expected: Vec<f32> = (0..16).map(|element| element as f32).chain([0.0; 4]).collect();
    assert_eq!((found.len(), found.concat()), (5, expected));
    let labels = verbs::images::labels(&path, 1, None).unwrap_err().to_string();
    assert!(labels.contains("must hold one class per image"), "{labels}");
}

/// What becomes of each node of a file, whatever its format.
#[test]
fn nodes_are_explained() {
    let explained = |model: PathBuf| {
        let options =
            verbs::info::Options { model, preparation: Preparation::default(), form: verbs::info::Form::Explanation };
        match verbs::info::info(&options).unwrap() {
            verbs::info::Info::Explained(explained) => explained,
            other => panic!("{other:?}"),
        }
    };
    for model in ["digits/digits_mlp.onnx", "tflite/random_0.tflite"] {
        let explained = explained(Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").join(model));
        assert!(explained.refusal.is_none(), "{model}");
        let is_taken = |node: &verbs::explain::ExplainedNode| node.state == verbs::explain::State::Taken;
        assert!(explained.nodes.iter().any(is_taken), "{model}: {:?}", explained.nodes);
    }
}
