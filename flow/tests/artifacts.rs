//! What reading a damaged directory says: the file, the field, what must stand there and what does.

#![allow(clippy::unwrap_used)]

use compiler::lower::lower;
use compiler::planner::{Goal, plan};
use flow::artifacts::{self, ArtifactsError};
use miette::Diagnostic;
use network::network::LayerKind;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// The directory of the shipped network.
struct Directory {
    room: tempfile::TempDir,
}

impl Directory {
    fn new() -> Self {
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits/digits_mlp.onnx");
        let network = lower(&network::onnx::import(&model).unwrap()).unwrap();
        let plan = plan(network, &Goal::FramesPerSecond(1e5), 100.0).unwrap();
        let room = tempfile::tempdir().unwrap();
        artifacts::write(&plan, None, &room.path().join("design")).unwrap();
        Directory { room }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.room.path().join("design").join(file)
    }

    /// What reading says when one place of one file holds another value, and the file after that what it held before.
    fn error(&self, file: &str, place: &str, value: Value) -> ArtifactsError {
        let before = fs::read_to_string(self.path(file)).unwrap();
        let mut damaged: Value = serde_json::from_str(&before).unwrap();
        *damaged.pointer_mut(place).unwrap_or_else(|| panic!("{file} has no {place}")) = value;
        fs::write(self.path(file), damaged.to_string()).unwrap();
        let error = artifacts::read(&self.path("")).expect_err(place);
        fs::write(self.path(file), before).unwrap();
        error
    }

    /// The messages and helps, the directory's own name left out.
    fn messages(&self, file: &str, damages: &[(&str, Value)]) -> String {
        let folder = self.path("").display().to_string();
        let message = |(place, value): &(&str, Value)| {
            let error = self.error(file, place, value.clone());
            let help = error.help().map(|help| help.to_string()).unwrap_or_default();
            assert!(!help.is_empty());
            format!("{error}\n  help: {help}\n").replace(&folder, "DIR/").replace("DIR//", "DIR/")
        };
        damages.iter().map(message).collect()
    }
}

#[test]
fn plans() {
    let damages = [
        ("/network/tensors/3/element/signed/bits", json!(0)),
        ("/network/layers/0/kind/matrix_vector/rows", json!(127)),
        ("/network/layers/0/kind/matrix_vector/codes/3", json!("0")),
        ("/network/layers/1/kind/multi_threshold/5/boundaries", json!([])),
        ("/network/input_map/function_of", json!([7])),
        ("/network/output_map/scale", json!([0.5, 0.5])),
        ("/clock_mhz", json!(0)),
        ("/initiation_interval", json!(961)),
        ("/latency", json!(0)),
        ("/stages", json!([])),
        ("/streams", json!([])),
        ("/stages/0/name", json!("module")),
        ("/stages/0/block/matrix_vector_unit/layer", json!(99)),
        ("/stages/0/block/matrix_vector_unit/thresholds", json!(3)),
        ("/stages/0/block/matrix_vector_unit/pe", json!(0)),
        ("/stages/0/block/matrix_vector_unit/simd", json!(65)),
        ("/stages/0/inputs", json!([7])),
        ("/stages/0/outputs", json!([])),
        ("/stages/0/block/matrix_vector_unit/sum_bits", json!(3)),
        ("/stages/1/block", json!({"fork": {"reads": {"vectors": 1, "channels": 1}, "word_bits": 1}})),
        ("/stages/2/cycles", json!(1)),
        ("/streams/0/format/lanes", json!(0)),
        ("/streams/1/name", json!("module")),
        ("/streams/1/padded", json!(true)),
        ("/streams/1/tensor", json!(77)),
        ("/streams/5/format/element", json!("bipolar")),
        ("/network/output", json!(4)),
        ("/network/layers/1/kind/multi_threshold/0/boundaries/0", json!(i64::MIN)),
    ];
    let text = Directory::new().messages("plan.json", &damages);
    insta::assert_snapshot!(text);
}

#[test]
fn a_layer_is_read_by_its_former_name() {
    let read = |name| serde_json::from_value::<LayerKind>(json!(name)).unwrap();
    assert_eq!([read("reshape"), read("flatten")], [LayerKind::Reshape, LayerKind::Reshape]);
}

#[test]
fn manifests() {
    let damages = [
        ("/network", json!("another")),
        ("/top", json!("another")),
        ("/files", json!([])),
        ("/files/1", json!("../plan.json")),
        ("/design_hash", json!("0123")),
        ("/input_map/functions/0/boundaries/3", json!(7.5)),
        ("/input_map/source_of", json!([0])),
        ("/input_stream/lanes", json!(0)),
        ("/output_stream/element", json!("bipolar")),
        ("/output_map/reduction", json!("arg_max")),
        ("/initiation_interval_cycles", json!(1)),
        ("/latency_cycles", json!(0)),
        ("/clock_mhz", json!(-1)),
    ];
    let text = Directory::new().messages("manifest.json", &damages);
    insta::assert_snapshot!(text);
}

#[test]
fn the_report_is_for_people() {
    let directory = Directory::new();
    let before = artifacts::read(&directory.path("")).unwrap();
    fs::write(directory.path("report.json"), "no report").unwrap();
    assert_eq!(artifacts::read(&directory.path("")).unwrap(), before);
}

#[cfg(unix)]
#[test]
fn links_in_a_directory_lead_nowhere() {
    use std::os::unix::fs::symlink;
    let directory = Directory::new();
    let mine = directory.room.path().join("mine");
    fs::write(&mine, "mine").unwrap();
    let compiled = artifacts::read(&directory.path("")).unwrap();
    for file in ["report.json", "report.html"] {
        fs::remove_file(directory.path(file)).unwrap();
        symlink(&mine, directory.path(file)).unwrap();
    }
    artifacts::write_report(&compiled.report(), &directory.path("")).unwrap();
    assert_eq!(fs::read(&mine).unwrap(), b"mine");
    // A linked manifest is what the link leads to: the directory can be locked, once.
    let manifest = directory.room.path().join("manifest");
    fs::rename(directory.path("manifest.json"), &manifest).unwrap();
    symlink(&manifest, directory.path("manifest.json")).unwrap();
    let lock = artifacts::Lock::take(&directory.path("")).unwrap();
    let busy = artifacts::Lock::take(&directory.path("")).unwrap_err();
    assert!(matches!(busy, ArtifactsError::Busy { .. }), "{busy}");
    drop(lock);
    artifacts::Lock::take(&directory.path("")).unwrap();
}

#[cfg(unix)]
#[test]
fn a_link_to_a_directory_goes_on_leading_there() {
    let directory = Directory::new();
    let link = directory.room.path().join("link");
    std::os::unix::fs::symlink("design", &link).unwrap();
    let plan = artifacts::read(&link).unwrap().plan;
    fs::write(directory.path("old"), "").unwrap();
    artifacts::write(&plan, None, &link).unwrap();
    assert!(link.is_symlink() && directory.path("manifest.json").is_file() && !directory.path("old").exists());
}

#[test]
fn what_is_no_directory_is_not_replaced() {
    let directory = Directory::new();
    let plan = artifacts::read(&directory.path("")).unwrap().plan;
    let pipe = directory.room.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for place in [&pipe, &directory.path("manifest.json")] {
        let error = artifacts::write(&plan, None, place).unwrap_err();
        assert!(matches!(error, ArtifactsError::NoDirectory { .. }), "{error}");
        assert!(place.exists());
    }
}
