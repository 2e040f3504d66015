//! Float networks on the digits become networks of integers.

#![allow(clippy::unwrap_used)]

mod support;

use abi::maps::Scores;
use compiler::lower::lower;
use network::approximate::approximate;
use network::{integer, onnx};
use serde_json::Value;
use sim::packed::Packed;
use sim::reference::Reference;
use sim::{Executor, RunOptions};
use support::{IMAGES, LABELS, Room};

const CONVOLUTIONAL: &str = "digits/digits_float.onnx";
const PERCEPTRON: &str = "digits/digits_float_mlp.onnx";

/// Scheme, right answers of 450 (447 and 449 in floats), and whether the weights are integers times one scale for each
/// output channel; others are moved to a grid when the file is read. Activations have 8 bits. Nothing is trained again, so the schemes that the literature trains with do
/// what they do to weights that know nothing of them.
const TABLE: &[(&str, usize, usize, bool)] = &[
    ("bwn", 134, 197, true),
    ("bwnh", 306, 354, true),
    ("twn", 95, 296, true),
    ("twn/channel", 327, 284, true),
    ("tsq", 426, 409, true),
    ("ttq/channel", 374, 238, false),
    ("fgq:2", 443, 440, true),
    ("fgq:4", 415, 414, true),
    ("fgq:8", 405, 366, true),
    ("admm:binary/channel", 134, 197, true),
    ("admm:ternary/channel", 320, 316, true),
    ("admm:2/channel", 416, 423, true),
    ("admm:4/channel", 442, 437, true),
    ("inq:4", 387, 435, true),
    ("inq:5", 393, 434, true),
    ("shiftcnn:1,4", 438, 433, true),
    ("shiftcnn:2,4", 447, 449, true),
    ("abc:3", 359, 395, false),
    ("abc:5", 418, 400, false),
    ("horq:2", 376, 375, false),
    ("horq:3/layer", 433, 430, false),
    ("dorefa:2/channel", 339, 337, true),
    ("dorefa:4", 445, 439, true),
    ("hwgq:2", 316, 387, true),
    ("hwgq:4", 447, 442, true),
    ("linear:4", 436, 432, true),
    ("linear:8", 447, 449, true),
    ("minmax:4", 445, 442, false),
    ("log:4", 429, 320, false),
    ("tanh:6", 446, 447, false),
];

#[test]
fn schemes_keep_their_share_of_right_answers() {
    let room = Room::new();
    for (model, before) in [(CONVOLUTIONAL, 447), (PERCEPTRON, 449)] {
        for (scheme, convolutional, perceptron, is_integer) in TABLE {
            let words = ["--scheme", scheme, "--calibrate", IMAGES, "--labels", LABELS, "-o", "q.onnx", "--json"];
            let report = room.json(&[&["quantize", model], &words[..]].concat());
            let expected = if model == CONVOLUTIONAL { *convolutional } else { *perceptron };
            let after = report["accuracy"]["correct_after"].as_u64().unwrap() as usize;
            let most = if *is_integer { 0 } else { MOVED };
            assert!(after.abs_diff(expected) <= most, "{model} {scheme}: {after} of {expected}");
            assert_eq!(report["accuracy"]["correct_before"], before, "{model} {scheme}");
            let layers = report["layers"].as_array().unwrap();
            assert_eq!(layers.len(), 3);
            let sees_inputs = ["bwnh", "tsq"].contains(scheme);
            let error = |layer: &Value| layer["relative_mse"].as_f64().unwrap();
            assert!(sees_inputs || layers.iter().all(|layer| error(layer) < 0.6), "{model} {scheme}");
            assert!(report["weight_bits"].as_u64() < report["float_bits"].as_u64());
            let approximations = report["approximations"].as_array().unwrap();
            let of_data = approximations.iter().filter(|approximation| approximation["kind"] == "activations");
            assert_eq!(of_data.count(), 3, "{model} {scheme}");
            check_engines(&room, "q.onnx", after, *is_integer);
        }
    }
}

/// Images whose answer may be another one where weights are moved to a grid.
const MOVED: usize = 3;

/// Checks that all engines give the same answers on a file, so many of them right.
fn check_engines(room: &Room, file: &str, right: usize, is_integer: bool) {
    let graph = approximate(onnx::import(&room.path(file)).unwrap()).unwrap();
    assert_eq!(graph.approximations.is_empty(), is_integer);
    let network = lower(&graph).unwrap();
    let images: Vec<Vec<f32>> = room.images().outer_iter().map(|image| image.iter().copied().collect()).collect();
    let packed = Packed::new(&network).run(&images, &RunOptions::default()).unwrap().scores;
    let reference = Reference::new(&graph).unwrap().run(&images, &RunOptions::default()).unwrap().scores;
    let labels: Vec<u8> =
        ndarray_npy::read_npy::<_, ndarray::ArrayD<u8>>(room.path(LABELS)).unwrap().into_iter().collect();
    let mut found = 0;
    for (index, image) in images.iter().enumerate() {
        assert_eq!(packed[index], integer::run(&network, image).unwrap().scores, "image {index}");
        let (Scores::Values(integers), Scores::Values(reals)) = (&packed[index], &reference[index]) else { panic!() };
        // Scales that are no powers of two are rounded in the reference, and nothing else is.
        let greatest = reals.iter().fold(0f32, |greatest, score| greatest.max(score.abs()));
        assert!(integers.iter().zip(reals).all(|(a, b)| (a - b).abs() <= 1e-6 * greatest), "image {index}");
        assert_eq!(packed[index].prediction(0.0), reference[index].prediction(0.0));
        found += usize::from(packed[index].prediction(0.0) == i64::from(labels[index]));
    }
    assert_eq!(found, right);
}

#[test]
fn layers_may_be_treated_apart() {
    let room = Room::new();
    let quantize = |more: &[&str]| {
        let words = ["quantize", CONVOLUTIONAL, "--scheme", "twn/channel", "-o", "q.onnx", "--json"];
        room.json(&[&words, more].concat())
    };
    let schemes = |report: &Value| -> Vec<Value> {
        report["layers"].as_array().unwrap().iter().map(|layer| layer["scheme"].clone()).collect()
    };
    let of = |report: &[&str]| schemes(&quantize(report));
    assert_eq!(of(&[]), ["twn/channel"; 3]);
    assert_eq!(of(&["--first-last", "linear:8"]), ["linear:8", "twn/channel", "linear:8"]);
    assert_eq!(of(&["--first-last", "keep"]), [Value::Null, "twn/channel".into(), Value::Null]);
    assert_eq!(of(&["--keep", "conv2"]), ["twn/channel".into(), Value::Null, "twn/channel".into()]);
    let wide = ["--calibrate", IMAGES, "--labels", LABELS, "--first-last", "linear:8/channel"];
    let correct = |more: &[&str]| quantize(&[&wide[..], more].concat())["accuracy"]["correct_after"].as_u64().unwrap();
    assert!(correct(&[]) > 327, "eight bits at both ends help");
    assert!(correct(&["--activations", "3"]) < correct(&["--activations", "any:12"]));
    // Activations are only rounded where images are given.
    let real = quantize(&["--calibrate", IMAGES, "--activations", "keep"]);
    assert_eq!(real["approximations"], serde_json::json!([]));
}

#[test]
fn real_activations_are_calibrated_by_every_verb() {
    let room = Room::new();
    room.ok(&["quantize", CONVOLUTIONAL, "--scheme", "shiftcnn:2,4", "-o", "weights.onnx"]);
    room.ok(&["quantize", CONVOLUTIONAL, "--scheme", "shiftcnn:2,4", "--calibrate", IMAGES, "-o", "whole.onnx"]);
    let refused = room.error(&["run", "weights.onnx", "--input", IMAGES]);
    assert!(refused.contains("--calibrate X.npy"), "{refused}");
    let whole = room.json(&["run", "whole.onnx", "--input", IMAGES, "--json"]);
    for engine in ["cpu", "reference"] {
        let words = ["run", "weights.onnx", "--input", IMAGES, "--calibrate", IMAGES, "--on", engine, "--json"];
        assert_eq!(room.json(&words), whole);
    }
    let info = room.ok(&["info", "weights.onnx", "--calibrate", IMAGES]);
    assert!(info.contains("inexact: the data of pool1_quant became 8 bits unsigned in steps of 0.015625"), "{info}");
    let four = room.ok(&["info", "weights.onnx", "--calibrate", IMAGES, "--calibrate-bits", "4"]);
    assert!(four.contains("4 bits unsigned"), "{four}");
    assert!(room.ok(&["info", "weights.onnx", "--calibrate", IMAGES, "--dump", "graph"]).contains("pool1_quant"));
    assert!(room.ok(&["info", "whole.onnx", "--calibrate", IMAGES]).contains("`--calibrate` changed nothing"));
    let report = room.json(&["compile", "weights.onnx", "--calibrate", IMAGES, "-o", "design", "--json"]);
    assert_eq!(report["approximations"].as_array().unwrap().len(), 3);
    let simulated = room.json(&["simulate", "design", "--input", IMAGES, "--count", "2", "--json"]);
    assert_eq!(simulated["predictions"].as_array().unwrap()[..], whole["predictions"].as_array().unwrap()[..2]);
    room.json(&["bench", "weights.onnx", "--calibrate", IMAGES, "--count", "4", "--seconds", "0.01", "--json"]);
}

#[test]
fn what_is_printed() {
    let room = Room::new();
    let words = ["--scheme", "tsq", "--calibrate", IMAGES, "--labels", LABELS, "-o", "q.onnx"];
    insta::assert_snapshot!("printed", room.ok(&[&["quantize", CONVOLUTIONAL], &words[..]].concat()));
}

#[test]
fn quantising_that_is_refused() {
    let room = Room::new();
    std::fs::write(room.path("file"), "a file").unwrap();
    room.ok(&["compile", support::MODEL, "-o", "design"]);
    let mut errors = String::new();
    let mut refused = |more: &[&str]| {
        errors += &room.error(&[&["quantize", CONVOLUTIONAL, "-o", "q.onnx"], more].concat());
        room.nothing_at("q.onnx");
    };
    refused(&["--scheme", "bnw"]);
    refused(&["--scheme", "inq:9"]);
    refused(&["--scheme", "fgq:4/layer"]);
    refused(&["--scheme", "tsq"]);
    refused(&["--scheme", "twn", "--first-last", "all"]);
    refused(&["--scheme", "twn", "--keep", "conv9"]);
    refused(&["--scheme", "twn", "--first-last", "keep", "--keep", "conv2"]);
    refused(&["--scheme", "twn", "--calibrate", IMAGES, "--activations", "1"]);
    refused(&["--scheme", "twn", "--activations", "4"]);
    refused(&["--scheme", "twn", "--labels", LABELS]);
    refused(&["--scheme", "twn", "--calibrate", LABELS]);
    errors += &room.error(&["quantize", CONVOLUTIONAL, "--scheme", "twn", "-o", "file/q.onnx"]);
    errors += &room.error(&["run", "design", "--input", IMAGES, "--calibrate", IMAGES]);
    errors += &room.error(&["info", CONVOLUTIONAL]);
    errors += &room.error(&["info", CONVOLUTIONAL, "--calibrate", IMAGES]);
    room.nothing_partial();
    insta::assert_snapshot!("refused", errors);
}
