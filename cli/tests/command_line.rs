//! The program as its users meet it: the built binary on the model of handwritten digits.
//!
//! Every test works in its own folder, in which `digits` holds the model, so that messages name the same paths
//! everywhere.

#![allow(clippy::unwrap_used)]

mod support;

use ndarray::{ArrayD, IxDyn};
use ndarray_npy::{read_npy, write_npy};
use network::onnx::proto::{
    DimensionProto, GraphProto, ModelProto, StringStringEntryProto, TensorAnnotation, TensorProto,
};
use prost::Message;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use support::{IMAGES, LABELS, MODEL, Room};
use testkit::files::{self, Build};

#[test]
fn helps() {
    let room = Room::new();
    let mut text = room.ok(&["--help"]);
    for verb in
        ["info", "run", "compile", "load", "quantize", "simulate", "build", "flash", "boards", "devices", "bench"]
    {
        text += &format!("\n# {verb}\n{}", room.ok(&[verb, "--help"]));
    }
    insta::assert_snapshot!("helps", text);
}

#[test]
fn digits_run_as_the_model_card_says() {
    let room = Room::new();
    let run = room.json(&["run", MODEL, "--input", IMAGES, "--labels", LABELS, "--output", "y.npy", "--json"]);
    let keys: Vec<&String> = run.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["accuracy", "correct", "images", "predictions"]);
    assert_eq!((run["images"].as_u64(), run["correct"].as_u64()), (Some(450), Some(446)));
    assert!((run["accuracy"].as_f64().unwrap() - 446.0 / 450.0).abs() < 1e-12);

    let found: ArrayD<f32> = read_npy(room.path("y.npy")).unwrap();
    let expected: ArrayD<f32> = read_npy(room.path("digits/expected_scores.npy")).unwrap();
    assert_eq!(found.shape(), [450, 10]);
    assert_eq!(found.shape(), expected.shape());
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() <= 1e-4 * expected.abs().max(1e-3), "{found} is not {expected}");
    }
    let best = |row: ndarray::ArrayViewD<f32>| (0..10).rev().max_by(|a, b| row[[*a]].total_cmp(&row[[*b]])).unwrap();
    let best_found: Vec<usize> = found.outer_iter().map(best).collect();
    assert_eq!(best_found, expected.outer_iter().map(best).collect::<Vec<_>>());
    assert_eq!(run["predictions"], serde_json::json!(best_found));

    let reference = room.json(&["run", MODEL, "--input", IMAGES, "--on", "reference", "--json"]);
    assert_eq!(reference["predictions"], run["predictions"]);
    assert!(reference.get("correct").is_none());
    let few = room.json(&["run", MODEL, "--input", IMAGES, "--labels", LABELS, "--count", "7", "--json"]);
    assert_eq!(few["images"], 7);
    assert_eq!(few["predictions"].as_array().unwrap()[..], run["predictions"].as_array().unwrap()[..7]);
}

#[test]
fn element_types_and_shapes_of_inputs_do_not_matter() {
    let room = Room::new();
    let expected = room.json(&["run", MODEL, "--input", IMAGES, "--json"]);
    let floats = room.images();
    let shape = floats.shape().to_vec();
    let bytes = floats.mapv(|value| value as u8);
    write_npy(room.path("f32.npy"), &floats).unwrap();
    write_npy(room.path("u8.npy"), &bytes).unwrap();
    write_npy(room.path("i8.npy"), &floats.mapv(|value| value as i8)).unwrap();
    write_npy(room.path("batch.npy"), &bytes.clone().into_shape_with_order(IxDyn(&[450, 1, 1, 8, 8])).unwrap())
        .unwrap();
    write_npy(room.path("plain.npy"), &bytes.into_shape_with_order(IxDyn(&[450, 1, 8, 8])).unwrap()).unwrap();
    // Columns first, as NumPy writes a transposed array.
    let turned = floats.t().as_standard_layout().into_owned().reversed_axes();
    assert_eq!(turned.shape(), shape);
    write_npy(room.path("fortran.npy"), &turned).unwrap();
    write_npy(room.path("f64.npy"), &floats.mapv(f64::from)).unwrap();
    write_npy(room.path("i64.npy"), &floats.mapv(|value| value as i64)).unwrap();
    write_npy(room.path("i32.npy"), &floats.mapv(|value| value as i32)).unwrap();
    write_npy(room.path("u16.npy"), &floats.mapv(|value| value as u16)).unwrap();
    for file in [
        "f32.npy",
        "u8.npy",
        "i8.npy",
        "batch.npy",
        "plain.npy",
        "fortran.npy",
        "f64.npy",
        "i64.npy",
        "i32.npy",
        "u16.npy",
    ] {
        assert_eq!(room.json(&["run", MODEL, "--input", file, "--json"]), expected, "{file}");
    }
}

#[test]
fn a_compiled_directory_works_without_the_model() {
    let room = Room::new();
    let expected = room.json(&["run", MODEL, "--input", IMAGES, "--labels", LABELS, "--json"]);
    let printed = room.json(&["compile", MODEL, "-o", "design", "--json"]);
    fs::remove_file(room.path(MODEL)).unwrap();
    let report = room.json_file("design/report.json");
    assert_eq!(printed, report);
    for key in ["initiation_interval_cycles", "latency_cycles", "clock_mhz", "fps", "ops_per_inference", "weight_bits"]
    {
        assert!(report[key].is_number(), "report.json holds no number {key}");
    }
    assert!(report.get("link_fps").is_some());
    assert_eq!(report["clock_mhz"], 100.0);
    assert!(report["fps"].as_f64().unwrap() >= 1000.0);
    let layers = report["layers"].as_array().unwrap();
    assert!(layers.len() >= 3);
    for layer in layers {
        for key in ["name", "kind", "pe", "simd", "cycles"] {
            assert!(layer.get(key).is_some(), "a layer of report.json holds no {key}");
        }
    }

    assert_eq!(room.json(&["run", "design", "--input", IMAGES, "--labels", LABELS, "--json"]), expected);
    let simulate = |more: &[&str]| {
        let words = ["simulate", "design", "--input", IMAGES, "--labels", LABELS, "--on", "rtl", "--json"];
        room.json(&[&words, more].concat())
    };
    let ten = &expected["predictions"].as_array().unwrap()[..10];
    let run = simulate(&["--count", "10"]);
    assert_eq!(run["predictions"].as_array().unwrap()[..], *ten);
    assert!(run["cycles"].as_u64().unwrap() > 0);
    assert_eq!(run["initiation_interval_cycles"], report["initiation_interval_cycles"]);
    assert_eq!(run["latency_cycles"], report["latency_cycles"]);
    let one = simulate(&["--count", "1"]);
    assert_eq!(one["images"], 1);
    assert_eq!(one.get("initiation_interval_cycles"), Some(&Value::Null));
    assert_eq!(one["latency_cycles"], report["latency_cycles"]);
    let held = simulate(&["--count", "10", "--backpressure", "1"]);
    assert_eq!(held["predictions"].as_array().unwrap()[..], *ten);
    assert_eq!(held, simulate(&["--count", "10", "--backpressure", "1"]), "the same seed gives the same run");
}

#[test]
fn the_report_estimates_resources() {
    let room = Room::new();
    let report = room.json(&["compile", MODEL, "-o", "design", "--json"]);
    for key in ["lut", "ff", "bram"] {
        assert!(report["estimate"][key].is_number(), "report.json holds no estimate.{key}");
    }
}

#[test]
fn the_most_that_a_board_has_room_for() {
    let room = Room::new();
    let board = ["--board", "ice40-hx8k", "--json"];
    let compile =
        |folder: &str, more: &[&str]| room.json(&[&["compile", MODEL, "-o", folder], &board[..], more].concat());
    let (usual, most) = (compile("usual", &[]), compile("most", &["--max"]));
    let number = |report: &Value, place: &str| report.pointer(place).and_then(Value::as_f64).unwrap();
    assert!(number(&most, "/fps") > 2.0 * number(&usual, "/fps"), "{most}");
    assert!(number(&most, "/link_fps") < number(&most, "/fps"));
    let usable = number(&most, "/available/usable");
    assert!(number(&most, "/estimate/lut") <= usable * number(&most, "/available/lut"));
    assert!(number(&most, "/estimate/bram") <= number(&most, "/available/bram"));
    assert_eq!(most["estimate_family"], "ice40");
    let layers = most["layers"].as_array().unwrap();
    assert!(layers.iter().any(|layer| layer["bottleneck"] == true));
    let memories: Vec<&Value> = layers.iter().flat_map(|layer| layer["memories"].as_array().unwrap()).collect();
    assert!(memories.iter().all(|memory| !memory["reason"].as_str().unwrap().is_empty()) && !memories.is_empty());
    // The plan is planned again when it is read.
    assert!(room.ok(&["info", "most", "--dump", "plan"]).contains("weights in"));
    let rate = (1.5 * number(&most, "/fps")).to_string();
    let refused = room.failure(&["compile", MODEL, "-o", "more", "--board", "ice40-hx8k", "--target-fps", &rate], 1);
    assert!(refused.contains("too many)") && refused.contains("lower --target-fps to"), "{refused}");
}

#[test]
fn folding_need_not_divide() {
    let room = Room::new();
    let folding = r#"{"/linear1/MatMul": {"pe": 7, "simd": 5}, "/linear2/MatMul": {"pe": 5, "simd": 11},
        "/linear3/MatMul": {"pe": 3, "simd": 7}}"#;
    fs::write(room.path("folding.json"), folding).unwrap();
    let report = room.json(&["compile", MODEL, "-o", "design", "--folding", "folding.json", "--json"]);
    assert_eq!((&report["layers"][0]["pe"], &report["layers"][0]["simd"]), (&7.into(), &5.into()));
    let expected = room.json(&["run", MODEL, "--input", IMAGES, "--labels", LABELS, "--count", "20", "--json"]);
    let run = room.json(&["simulate", "design", "--input", IMAGES, "--count", "20", "--json"]);
    assert_eq!(run["predictions"], expected["predictions"]);
    assert_eq!(run["initiation_interval_cycles"], report["initiation_interval_cycles"]);
    assert_eq!(run["latency_cycles"], report["latency_cycles"]);
}

#[test]
fn rate_and_clock_are_planned_for() {
    let room = Room::new();
    let fast = room.json(&["compile", MODEL, "-o", "a", "--target-fps", "100000", "--clock", "50", "--json"]);
    assert_eq!(fast["clock_mhz"], 50.0);
    assert!(fast["fps"].as_f64().unwrap() >= 100_000.0);
    assert!(fast["initiation_interval_cycles"].as_u64().unwrap() <= 500);
    let run = room.json(&["simulate", "a", "--input", IMAGES, "--count", "10", "--json"]);
    assert_eq!(run["initiation_interval_cycles"], fast["initiation_interval_cycles"]);
    // One that `compile` wrote before is replaced.
    let slow = room.json(&["compile", MODEL, "-o", "a", "--target-fps", "1", "--json"]);
    assert!(slow["initiation_interval_cycles"].as_u64() > fast["initiation_interval_cycles"].as_u64());
    assert_eq!(room.json_file("a/report.json"), slow);
}

#[test]
fn traces_of_engines_are_equal() {
    let room = Room::new();
    room.ok(&["compile", MODEL, "-o", "design"]);
    room.ok(&["run", MODEL, "--input", IMAGES, "--count", "3", "--trace", "cpu"]);
    room.ok(&["run", "design", "--input", IMAGES, "--count", "3", "--on", "rtl", "--trace", "run_rtl"]);
    room.ok(&["simulate", "design", "--input", IMAGES, "--count", "3", "--trace", "simulated"]);
    let expected = room.files("cpu");
    assert!(expected.len() >= 3, "a file for each layer: {:?}", expected.keys());
    let simulated = room.files("simulated");
    assert_eq!(simulated, room.files("run_rtl"));
    // Hardware takes thresholds in with their layer: it shows no tensor between the two.
    assert!(simulated.len() >= 3);
    for (name, bytes) in &simulated {
        assert_eq!(Some(bytes), expected.get(name), "{name}");
    }
}

#[test]
fn standard_output_may_be_closed_or_full() {
    let room = Room::new();
    let shell = format!("'{}' info {MODEL} --dump network | true; exit ${{PIPESTATUS[0]}}", support::PROGRAM);
    let output = room.command("bash").args(["-c", &shell]).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
    if fs::exists("/dev/full").unwrap() {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = room.command(support::PROGRAM).args(["info", MODEL]).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().contains("cannot write to standard output"));
    }
}

#[test]
fn summaries_are_in_plain_words() {
    let room = Room::new();
    let input = |model: &str| room.ok(&["info", model]).lines().nth(1).unwrap().to_owned();
    assert_eq!(input(MODEL), "input       [1, 1, 8, 8], quantised to u4: 15 thresholds from 0.50000006 to 14.500001");
    room.edited("signs.onnx", |graph| {
        let quant = graph.node.iter_mut().find(|node| node.op_type.ends_with("Quant")).unwrap();
        quant.op_type = "BipolarQuant".into();
        quant.input.truncate(2);
        quant.attribute.clear();
    });
    assert_eq!(input("signs.onnx"), "input       [1, 1, 8, 8], quantised to ±1: split at 0");

    let residual = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/qdq/residual_qdq_int8.onnx");
    let report = room.ok(&["compile", residual, "-o", "design", "--target-fps", "100000"]);
    let lines: Vec<&str> = report.lines().collect();
    for line in [
        "line buffer layer0_conv1_window: 32 words",
        "queue layer2_conv2_fork_second_fifo: 8 words",
        "checked against the network: every tensor of 4 random images",
    ] {
        assert!(lines.contains(&line), "{line}\n{report}");
    }
    let refused = room.error(&["compile", residual, "-o", "faster", "--target-fps", "1e8"]);
    assert!(refused.contains("leave 1 clock cycle per image"), "{refused}");
    let offered = refused.split_once("lower --target-fps to ").unwrap().1.split_whitespace().next().unwrap();
    room.ok(&["compile", residual, "-o", "offered", "--target-fps", offered]);
    let fastest = room.ok(&["compile", MODEL, "-o", "fastest", "--target-fps", "1e8"]);
    assert!(fastest.contains("initiation interval 1 cycle, latency"), "{fastest}");
}

#[test]
fn models_that_are_refused() {
    let room = Room::new();
    let bytes = fs::read(room.path(MODEL)).unwrap();
    fs::write(room.path("empty.onnx"), "").unwrap();
    fs::write(room.path("text.onnx"), "hello, this is no model").unwrap();
    fs::write(room.path("cut.onnx"), &bytes[..bytes.len() / 2]).unwrap();
    room.edited("operator.onnx", |graph| {
        let node = graph.node.iter_mut().find(|node| node.op_type == "BatchNormalization" || node.op_type == "MatMul");
        node.unwrap().op_type = "Celu".into();
    });
    room.edited("symbolic.onnx", |graph| {
        let shape = graph.input[0].r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().shape.as_mut().unwrap();
        shape.dim[2] = DimensionProto { dim_value: None, dim_param: Some("height".into()) };
    });
    room.edited("nan_scale.onnx", |graph| {
        let nan = TensorProto {
            name: "nan_scale".into(),
            data_type: 1,
            raw_data: f32::NAN.to_le_bytes().to_vec().into(),
            ..TensorProto::default()
        };
        graph.initializer.push(nan);
        let quant = graph.node.iter_mut().find(|node| node.op_type.ends_with("Quant")).unwrap();
        quant.input[1] = "nan_scale".into();
    });
    room.edited("unquantised.onnx", |graph| {
        let quant = graph.node.iter_mut().find(|node| node.name.contains("sign1") && node.op_type.ends_with("Quant"));
        let quant = quant.unwrap();
        quant.op_type = "Relu".into();
        quant.domain = String::new();
        quant.input.truncate(1);
        quant.attribute.clear();
    });
    let mut errors = String::new();
    let files = ["nowhere", "empty", "text", "cut", "operator", "symbolic", "nan_scale", "unquantised"];
    for model in files.map(|name| format!("{name}.onnx")) {
        errors += &room.error(&["run", &model, "--input", IMAGES]);
        room.error(&["info", &model]);
        room.error(&["compile", &model, "-o", "design"]);
        room.nothing_at("design");
    }
    insta::assert_snapshot!("models", errors);
}

#[test]
fn damaged_models_never_panic() {
    let room = Room::new();
    let bytes = fs::read(room.path(MODEL)).unwrap();
    let mut state = 1_u64;
    let mut random = |limit: usize| {
        // Xorshift, so that the same damage is done everywhere.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % limit as u64) as usize
    };
    let mut codes = BTreeSet::new();
    for round in 0..200 {
        let mut damaged = bytes.clone();
        // Most of the file is weights: half of the damage goes to the ends, where nodes and shapes are.
        let place = |random: &mut dyn FnMut(usize) -> usize| match random(4) {
            0 => random(3000),
            1 => bytes.len() - 1 - random(3000),
            _ => random(bytes.len()),
        };
        match round % 4 {
            0 => damaged.truncate(place(&mut random)),
            1 => {
                let (from, length) = (place(&mut random), random(64));
                damaged.drain(from..(from + length).min(bytes.len()));
            }
            _ => {
                for _ in 0..=random(4) {
                    damaged[place(&mut random)] ^= 1 << random(8);
                }
            }
        }
        fs::write(room.path("damaged.onnx"), damaged).unwrap();
        let output = room.run(&["run", "damaged.onnx", "--input", IMAGES, "--count", "2"]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!stderr.contains("panicked"), "round {round}: {stderr}");
        assert!(stderr.lines().count() < 25, "round {round}: {stderr}");
        codes.insert(output.status.code().unwrap());
    }
    assert_eq!(codes, BTreeSet::from([0, 2]));
}

#[test]
fn inputs_that_are_refused() {
    let room = Room::new();
    let images = room.images();
    let mut nan = images.clone();
    nan.as_slice_mut().unwrap()[70] = f32::NAN;
    write_npy(room.path("nan.npy"), &nan).unwrap();
    write_npy(room.path("double.npy"), &images.mapv(|value| f64::from(value) / 3.0)).unwrap();
    let last = images.clone().permuted_axes(IxDyn(&[0, 2, 3, 1])).as_standard_layout().into_owned();
    write_npy(room.path("channels_last.npy"), &last).unwrap();
    fs::write(room.path("archive.npz"), b"PK\x03\x04\x2d\0\0\0\0\0\0\0").unwrap();
    let complex = "{'descr': '<c8', 'fortran_order': False, 'shape': (1, 1, 8, 8), }";
    let complex = [b"\x93NUMPY\x01\x00\x76\x00", format!("{complex:<117}\n").as_bytes(), &[0; 512]].concat();
    fs::write(room.path("complex.npy"), complex).unwrap();
    write_npy(room.path("one_hot.npy"), &ArrayD::<f32>::zeros(IxDyn(&[450, 10]))).unwrap();
    write_npy(room.path("flat.npy"), &images.into_shape_with_order(IxDyn(&[450, 64])).unwrap()).unwrap();
    write_npy(room.path("scalar.npy"), &ArrayD::<f32>::zeros(IxDyn(&[]))).unwrap();
    write_npy(room.path("none.npy"), &ArrayD::<f32>::zeros(IxDyn(&[0, 1, 8, 8]))).unwrap();
    write_npy(room.path("few.npy"), &ArrayD::<i64>::zeros(IxDyn(&[7]))).unwrap();
    write_npy(room.path("float_labels.npy"), &ArrayD::<f32>::zeros(IxDyn(&[450]))).unwrap();
    fs::write(room.path("text.npy"), "hello").unwrap();
    let whole = fs::read(room.path(IMAGES)).unwrap();
    fs::write(room.path("cut.npy"), &whole[..1000]).unwrap();
    // A header that promises more than any memory holds.
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (999999999999, 1, 8, 8), }";
    let huge = [b"\x93NUMPY\x01\x00\x76\x00", format!("{header:<117}\n").as_bytes(), &[0; 64]].concat();
    fs::write(room.path("huge.npy"), huge).unwrap();
    let mut errors = String::new();
    for file in ["nowhere", "text", "cut", "huge", "double", "flat", "scalar", "none", "nan"] {
        errors += &room.error(&["run", MODEL, "--input", &format!("{file}.npy")]);
    }
    for file in ["complex.npy", "channels_last.npy", "archive.npz"] {
        errors += &room.error(&["run", MODEL, "--input", file]);
    }
    errors += &room.error(&["run", MODEL, "--input", IMAGES, "--count", "0"]);
    for (file, label) in [("negative_labels.npy", -1), ("great_labels.npy", 10)] {
        write_npy(room.path(file), &ArrayD::from_elem(IxDyn(&[450]), label)).unwrap();
    }
    for file in ["few.npy", "float_labels.npy", "one_hot.npy", "nowhere.npy", "negative_labels.npy", "great_labels.npy"]
    {
        errors += &room.error(&["run", MODEL, "--input", IMAGES, "--labels", file]);
    }
    insta::assert_snapshot!("inputs", errors);
    room.ok(&["compile", MODEL, "-o", "design"]);
    for file in ["double.npy", "flat.npy", "nan.npy", "none.npy"] {
        room.error(&["simulate", "design", "--input", file]);
        room.error(&["run", MODEL, "--input", file, "--on", "reference"]);
    }
}

#[test]
fn engines_and_directories_that_are_refused() {
    let room = Room::new();
    room.ok(&["compile", MODEL, "-o", "design"]);
    for folder in ["bare", "saved"] {
        fs::create_dir(room.path(folder)).unwrap();
    }
    fs::write(room.path("saved/saved_model.pb"), b"\x08\x01\x12\x83\x01\x0a").unwrap();
    let plan = fs::read_to_string(room.path("design/plan.json")).unwrap();
    for folder in ["cut", "other", "version"] {
        room.ok(&["compile", MODEL, "-o", folder]);
    }
    fs::write(room.path("cut/plan.json"), &plan[..500]).unwrap();
    fs::write(room.path("other/plan.json"), "{}").unwrap();
    let manifest = fs::read_to_string(room.path("version/manifest.json")).unwrap();
    assert!(manifest.contains("\"manifest_version\": 3"));
    let newer = manifest.replace("\"manifest_version\": 3", "\"manifest_version\": 99");
    fs::write(room.path("version/manifest.json"), newer).unwrap();
    let mut errors = String::new();
    errors += &room.error(&["run", MODEL, "--input", IMAGES, "--on", "gpu"]);
    errors += &room.error(&["run", "design", "--input", IMAGES, "--on", "reference"]);
    errors += &room.error(&["simulate", "design", "--input", IMAGES, "--on", "cpu"]);
    errors += &room.error(&["simulate", MODEL, "--input", IMAGES]);
    for folder in ["nowhere", "bare", "cut", "other", "version"] {
        errors += &room.error(&["simulate", folder, "--input", IMAGES]);
    }
    errors += &room.error(&["run", "saved", "--input", IMAGES]);
    insta::assert_snapshot!("directories", errors);
    for form in ["--explain", "--ties"] {
        assert!(room.error(&["info", "saved", form]).contains("a TensorFlow SavedModel"));
        assert!(room.error(&["info", "bare", form]).contains("was not written by `xnorforge compile`"));
    }
    for folder in ["bare", "cut", "other", "version"] {
        room.error(&["run", folder, "--input", IMAGES]);
        room.error(&["info", folder]);
    }
}

#[test]
fn goals_that_are_refused() {
    let room = Room::new();
    let one = r#"{"pe": 1, "simd": 1}"#;
    let folding =
        |third: &str| format!(r#"{{"/linear1/MatMul": {one}, "/linear2/MatMul": {one}, "/linear3/MatMul": {third}}}"#);
    let files = [
        ("unknown.json", format!(r#"{{"linear9": {one}}}"#)),
        ("missing.json", format!(r#"{{"/linear1/MatMul": {one}, "/linear2/MatMul": {one}}}"#)),
        ("pe.json", folding(r#"{"pe": 11, "simd": 1}"#)),
        ("zero.json", folding(r#"{"pe": 0, "simd": 1}"#)),
        ("simd.json", folding(r#"{"pe": 1, "simd": 65}"#)),
        ("negative.json", folding(r#"{"pe": -1, "simd": 1}"#)),
        ("misspelt.json", folding(r#"{"pe": 1, "smid": 1}"#)),
        ("list.json", "[]".into()),
        ("text.json", "hello".into()),
        ("empty.json", String::new()),
    ];
    let mut errors = String::new();
    let mut refused = |goal: &[&str]| {
        errors += &room.error(&[&["compile", MODEL, "-o", "design"], goal].concat());
        room.nothing_at("design");
    };
    for (name, text) in files {
        fs::write(room.path(name), text).unwrap();
        refused(&["--folding", name]);
    }
    refused(&["--folding", "nowhere.json"]);
    for rate in ["0", "-1", "nan", "inf", "1e9", "many"] {
        refused(&["--target-fps", rate]);
    }
    for clock in ["0", "-5", "nan", "inf", "1000.5", "1e9"] {
        refused(&["--clock", clock]);
    }
    refused(&["--target-fps", "5", "--folding", "pe.json"]);
    refused(&["--clock", "0.0005"]);
    refused(&["--max"]);
    for board in ["ulx3s-85", "ULX3S", "pynq"] {
        refused(&["--board", board]);
    }
    refused(&["--max", "--board", "ulx3s-85f", "--target-fps", "5"]);
    insta::assert_snapshot!("goals", errors);
}

#[test]
fn places_that_are_refused() {
    let room = Room::new();
    fs::write(room.path("file"), "a file").unwrap();
    fs::create_dir(room.path("occupied")).unwrap();
    fs::write(room.path("occupied/thesis.txt"), "years of work").unwrap();
    let mut errors = String::new();
    for place in ["file", "file/design", "occupied", "..", "digits/.."] {
        errors += &room.error(&["compile", MODEL, "-o", place]);
    }
    assert_eq!(fs::read_to_string(room.path("file")).unwrap(), "a file");
    let kept: Vec<(String, Vec<u8>)> = room.files("occupied").into_iter().collect();
    assert_eq!(kept, [("thesis.txt".into(), b"years of work".to_vec())]);
    room.nothing_partial();
    errors += &room.error(&["run", MODEL, "--input", IMAGES, "--output", "file/y.npy"]);
    errors += &room.error(&["run", MODEL, "--input", IMAGES, "--output", "nowhere/y.npy"]);
    errors += &room.error(&["run", MODEL, "--input", IMAGES, "--trace", "file/trace"]);
    if fs::exists("/dev/full").unwrap() {
        let full = room.error(&["run", MODEL, "--input", IMAGES, "--output", "/dev/full"]);
        assert!(full.contains("No space left"), "{full}");
    }
    insta::assert_snapshot!("places", errors);
}

/// Models that differ from that of the digits in one thing.
impl Room {
    fn edited(&self, name: &str, edit: impl FnOnce(&mut GraphProto)) {
        let mut model = ModelProto::decode(fs::read(self.path(MODEL)).unwrap().as_slice()).unwrap();
        edit(model.graph.as_mut().unwrap());
        fs::write(self.path(name), model.encode_to_vec()).unwrap();
    }
}

#[test]
fn values_that_the_model_was_not_made_for_are_told() {
    let room = Room::new();
    let mut model = ModelProto::decode(fs::read(room.path(MODEL)).unwrap().as_slice()).unwrap();
    let graph = model.graph.as_mut().unwrap();
    let entry = StringStringEntryProto { key: "finn_datatype".into(), value: "UINT5".into() };
    let tensor_name = graph.input[0].name.clone();
    graph.quantization_annotation.push(TensorAnnotation { tensor_name, quant_parameter_tensor_names: vec![entry] });
    fs::write(room.path("stated.onnx"), model.encode_to_vec()).unwrap();
    room.ok(&["compile", "stated.onnx", "-o", "stated"]);
    let mut images: ArrayD<f32> = read_npy::<_, ArrayD<u8>>(room.path(IMAGES)).unwrap().mapv(f32::from);
    let each = images.len() / images.shape()[0];
    assert!(room.json(&["run", "stated.onnx", "--input", IMAGES, "--json"])["outside"].is_null());
    images.iter_mut().skip(each + 1).take(2).for_each(|value| *value = 0.5);
    images.iter_mut().skip(2 * each).take(1).for_each(|value| *value = 32.0);
    write_npy(room.path("strange.npy"), &images).unwrap();
    for words in [
        &["run", "stated.onnx"][..],
        &["run", "stated"],
        &["simulate", "stated"],
        &["bench", "stated", "--seconds", "0"],
    ] {
        let output = room.run(&[words, &["--input", "strange.npy", "--count", "3", "--json"]].concat());
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && stderr.contains("xnorforge::domain"), "{stderr}");
        assert!(stderr.contains("an integer from 0 to 31"), "{stderr}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let outside = &report["outside"];
        let found = ["values", "images", "first_image", "first_index"].map(|key| outside[key].as_u64().unwrap());
        assert_eq!(found, [3, 2, 1, 1], "{report}");
        assert_eq!(outside["first_value"].as_f64(), Some(0.5), "{report}");
    }
}

#[test]
fn outputs_that_are_no_classes_have_no_predictions() {
    let room = Room::new();
    let quantised = |shape: &[i64], output: &str| {
        files::model(shape)
            .constant(files::floats("one", &[], &[1.0]))
            .constant(files::floats("none", &[], &[0.0]))
            .constant(files::floats("bits", &[], &[4.0]))
            .constant(files::integers("two", &[2]))
            .add(files::quant(&["x", "one", "none", "bits"], output))
    };
    fs::write(room.path("map.onnx"), quantised(&[1, 2, 8, 8], "y").encode_to_vec()).unwrap();
    write_npy(room.path("map.npy"), &ArrayD::<f32>::zeros(IxDyn(&[3, 2, 8, 8]))).unwrap();
    write_npy(room.path("labels.npy"), &ArrayD::<i64>::zeros(IxDyn(&[3]))).unwrap();
    let printed = room.ok(&["run", "map.onnx", "--input", "map.npy"]);
    assert_eq!(
        printed,
        "images              3\noutput              [2, 8, 8] for each image; `--output Y.npy` writes it\n"
    );
    let report = room.json(&["run", "map.onnx", "--input", "map.npy", "--json"]);
    assert_eq!((&report["images"], &report["output_shape"]), (&3.into(), &serde_json::json!([2, 8, 8])));
    let refused = room.error(&["run", "map.onnx", "--input", "map.npy", "--labels", "labels.npy"]);
    assert!(refused.contains("labels need a vector of class scores, but the output is [2, 8, 8]"), "{refused}");

    let search = quantised(&[1, 4], "codes").add(files::node("TopK", &["codes", "two"], &["", "y"]));
    fs::write(room.path("top.onnx"), search.encode_to_vec()).unwrap();
    let scores =
        ArrayD::from_shape_vec(IxDyn(&[3, 4]), vec![1.0f32, 3.0, 2.0, 0.0, 4.0, 0.0, 1.0, 5.0, 0.0, 0.0, 2.0, 1.0]);
    write_npy(room.path("top.npy"), &scores.unwrap()).unwrap();
    let printed = room.ok(&["run", "top.onnx", "--input", "top.npy"]);
    assert_eq!(printed, "images              3\npredictions         [1, 2] [3, 0] [2, 3]\n");
    let report = room.json(&["run", "top.onnx", "--input", "top.npy", "--labels", "labels.npy", "--json"]);
    assert_eq!(report["predictions"], serde_json::json!([1, 3, 2]));
    assert_eq!((&report["indices"][1], &report["correct"]), (&serde_json::json!([3, 0]), &0.into()));
}

#[test]
fn refused_nodes_are_told_once() {
    let room = Room::new();
    let model = files::model(&[1, 4])
        .add(files::node("Tan", &["x"], &["a"]))
        .add(files::node("Einsum", &["x"], &["b"]))
        .add(files::node("Tan", &["x"], &["c"]))
        .add(files::node("Add", &["a", "b"], &["d"]))
        .add(files::node("Add", &["c", "d"], &["y"]));
    fs::write(room.path("refused.onnx"), model.encode_to_vec()).unwrap();
    let refused = room.error(&["info", "refused.onnx"]);
    assert!(refused.contains("3 nodes have unsupported operators: Tan (2), Einsum (1)"), "{refused}");
    let output = room.run(&["info", "refused.onnx", "--explain"]);
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!("explained", text);
    let taken = room.ok(&["info", MODEL, "--explain"]);
    let legend = taken.lines().last().unwrap();
    assert!(legend.starts_with("taken: computed by the network; folded: a constant"), "{legend}");
    // One sentence, and what to type, for a model that was never quantised.
    let floats = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/digits/digits_float_mlp.onnx");
    let output = room.run(&["info", floats]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && text.matches("help:").count() == 1, "{text}");
    assert!(text.contains("it has no quantiser") && text.contains("--scheme hwgq:4"), "{text}");
}
