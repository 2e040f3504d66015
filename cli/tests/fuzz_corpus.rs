//! The kept inputs of the fuzz targets go through the same functions on every run of the tests.

#![allow(clippy::unwrap_used)]

#[path = "../../fuzz/cases/mod.rs"]
mod cases;

use abi::frame::Frame;
use cases::CASES;
use compiler::lower::lower;
use compiler::planner::{Goal, plan};
use flow::board::Board;
use ndarray::Array;
use ndarray_npy::{WritableElement, write_npy};
use prost::Message;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use testkit::{files, large_graphs, tflite};

/// Random networks of TensorFlow Lite that are kept.
const TFLITE_SEEDS: [u64; 6] = [0, 1, 2, 3, 4, 5];

/// Most bytes of all kept inputs together.
const MAX_BYTES: u64 = 300_000;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn inputs(case: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(fuzz().join("seeds").join(case)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn kept_inputs_are_survived() {
    for (name, run) in CASES {
        let paths = inputs(name);
        assert!(paths.len() >= 4, "{name} has {} inputs", paths.len());
        for path in paths {
            // What fails panics or aborts; the last line printed says where.
            println!("{}", path.display());
            run(&fs::read(&path).unwrap());
        }
    }
}

#[test]
fn every_target_has_a_case_and_inputs() {
    let names = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(fuzz().join(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    let expected = CASES.map(|(name, _)| name.to_owned());
    assert_eq!(names("fuzz_targets"), expected);
    assert_eq!(names("seeds"), expected);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for (name, _) in CASES {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "fuzz/Cargo.toml lacks {name}");
    }
    let bytes: u64 =
        CASES.iter().flat_map(|(name, _)| inputs(name)).map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(bytes < MAX_BYTES, "the kept inputs have {bytes} bytes: minimise them (CONTRIBUTING.md)");
}

/// Whole files get far: a damaged input that fails at once would guard little.
#[test]
fn whole_files_are_read() {
    let text = |case: &str, name: &str| fs::read(fuzz().join("seeds").join(case).join(name)).unwrap();
    for model in ["perceptron", "convolutional"] {
        let graph = network::onnx::import_bytes(&text("importer", &format!("{model}.onnx")), None, model).unwrap();
        lower(&graph).unwrap();
        let planned: compiler::plan::Plan =
            serde_json::from_slice(&text("plan", &format!("{model}-plan.json"))).unwrap();
        planned.validate().unwrap();
        let manifest: abi::manifest::Manifest =
            serde_json::from_slice(&text("manifest", &format!("{model}.json"))).unwrap();
        assert_eq!(manifest.network, planned.network.name);
    }
    for seed in TFLITE_SEEDS {
        let file = fs::read(fuzz().join(format!("seeds/tflite/random-{seed}.tflite"))).unwrap();
        network::tflite::import_bytes(&file, "seed").unwrap();
    }
}

/// Writes the inputs that follow from small models and from what the program writes itself:
/// `cargo test --release -p xnorforge --test fuzz_corpus -- --ignored`.
#[test]
#[ignore = "writes fuzz/seeds"]
fn write_seeds() {
    let save =
        |case: &str, name: &str, bytes: &[u8]| fs::write(fuzz().join("seeds").join(case).join(name), bytes).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, model) in [
        ("doubled", large_graphs::doubled(40)),
        ("grown", large_graphs::grown(40)),
        ("strange-names", files::with_names(files::perceptron(), "\u{1b}]0;\r\n\0\u{9b}\u{202e}\"'`$(x)#*/")),
    ] {
        save("importer", &format!("{name}.onnx"), &model.encode_to_vec());
    }
    // Small ones that hold all operators between them.
    for seed in TFLITE_SEEDS {
        save("tflite", &format!("random-{seed}.tflite"), &tflite::random::network(seed).bytes);
    }
    for (name, model) in [("perceptron", files::perceptron()), ("convolutional", files::convolutional())] {
        let bytes = model.encode_to_vec();
        save("importer", &format!("{name}.onnx"), &bytes);
        let graph = network::onnx::import_bytes(&bytes, None, name).unwrap();
        let network = lower(&graph).unwrap();
        save("plan", &format!("{name}-network.json"), &serde_json::to_vec(&network).unwrap());
        let writable = compiler::replace::with_writable_weights(network.clone(), &graph.weight_types).unwrap();
        for (suffix, network) in [("", network), ("-writable", writable)] {
            let planned = plan(network, &Goal::FramesPerSecond(1e4), 25.0).unwrap();
            let target = folder.path().join(format!("{name}{suffix}"));
            flow::artifacts::write(&planned, Some(&Board::find("ulx3s-85f").unwrap()), &target).unwrap();
            let compact = |file: &str| {
                let value: serde_json::Value = serde_json::from_slice(&fs::read(target.join(file)).unwrap()).unwrap();
                serde_json::to_vec(&value).unwrap()
            };
            save("plan", &format!("{name}{suffix}-plan.json"), &compact("plan.json"));
            save("manifest", &format!("{name}{suffix}.json"), &compact("manifest.json"));
            save("report", &format!("{name}{suffix}.json"), &compact("report.json"));
            let folding: BTreeMap<String, compiler::blocks::Parallelism> = planned
                .stages
                .iter()
                .filter_map(|stage| stage.block.dot_unit())
                .map(|unit| {
                    let parallelism = compiler::blocks::Parallelism { pe: unit.pe, simd: unit.simd };
                    (planned.network.layer(unit.layer).name.clone(), parallelism)
                })
                .collect();
            save("plan", &format!("{name}{suffix}-folding.json"), &serde_json::to_vec(&folding).unwrap());
        }
    }
    for name in Board::names() {
        let folder = fuzz().join("../constraints").join(&name);
        let family = Board::find(&name).unwrap().facts.fpga.family;
        let [facts, pins] =
            ["board.toml", family.pin_file()].map(|file| fs::read_to_string(folder.join(file)).unwrap());
        save("board", &name, format!("{facts}\0{pins}").as_bytes());
    }
    save("netlist", "yosys.v", include_str!("../../sim/src/board/netlist/example.v").as_bytes());
    for (name, text) in [
        ("system-task", "module a; assign x = $system(\"true\"); endmodule"),
        ("comment-begun-twice", "module a; /*/ // */ initial begin end\nendmodule"),
        ("comment-for-verilator", "module a; /* verilator public */ endmodule"),
        ("name-with-a-tab", "module a; wire \\x\u{b}// ; initial begin end\nendmodule"),
        ("comment-ended-for-verilator", "module a; /* *\r/ initial $system(\"true\"); /* */\nendmodule"),
    ] {
        save("netlist", name, text.as_bytes());
    }
    save("board", "address", b"/dev/ttyUSB0@1000000");
    let npy = |name: &str, value: fn(usize) -> f32| {
        let images = Array::from_shape_fn((3, 2, 3), |(image, y, x)| value(image + y + x));
        write(&format!("images-{name}"), images);
    };
    npy("float", |index| index as f32 - 0.5);
    write("images-byte", Array::from_shape_fn((2, 2, 3), |(image, y, x)| (image + y + x) as u8));
    write("images-vectors", Array::from_shape_fn((2, 4), |(image, x)| (image + x) as i8));
    write("labels-long", Array::from_shape_fn(3, |image| image as i64));
    write("labels-unsigned", Array::from_shape_fn(3, |image| image as u64));
    write("labels-short", Array::from_shape_fn(3, |image| image as i16));
    write("double", Array::from_shape_fn((2, 4), |(image, x)| (image + x) as f64));
    let header = |name: &str, dictionary: &str| {
        let length = (dictionary.len() as u16).to_le_bytes();
        let bytes = [b"\x93NUMPY\x01\0", &length[..], dictionary.as_bytes(), &[0; 32]];
        save("npy", &format!("{name}.npy"), &bytes.concat());
    };
    let dictionary = |shape: &str| format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
    header("nested", &format!("{{'descr': {}{},", "[".repeat(30), "]".repeat(30)));
    header("spaced", &dictionary("(10000000000000, 4)").replace("'shape':", "'shape' :"));
    header("hexadecimal", &dictionary("(0xffffffffff, 4)"));
    header("twice", &dictionary("(2, 4), 'shape': (10000000000000, 4)"));
    header("overflow", &dictionary("(4611686018427387904, 4)"));
    header("empty", &dictionary("(0, 18446744073709551615)"));
    header("long", &dictionary("(2, 4)").replace('}', &format!("{}}}", " ".repeat(10_000))));
    header("fortran", &dictionary("(2, 4)").replace("False", "True"));
    let mut line = vec![];
    for (index, frame) in [
        Frame::read(1, 0x10, 1),
        Frame::write(2, 0x10, vec![0x7e7d_7e7d]),
        Frame::write(3, 0x10_0000, (0..20).collect()),
        Frame { kind: abi::frame::FrameKind::ReadReply, ..Frame::write(4, 0x20_0000, vec![5, 6]) },
        Frame { kind: abi::frame::FrameKind::Refusal, ..Frame::read(4, 0x20_0000, 2) },
    ]
    .iter()
    .enumerate()
    {
        save("frame_decoder", &format!("frame-{index}"), &frame.encode());
        line.extend(frame.encode());
    }
    save("frame_decoder", "frames", &line);
    // The first byte is the mode, the others choices for one call each.
    for (name, script) in [
        ("honest", &[0x60u8][..]),
        ("ring", &[0x7a]),
        ("lost", &[0x60, 0, 0, 200, 0, 0, 81, 30, 220, 9, 3, 0, 121, 5, 2]),
        ("late", &[0xe4, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1]),
        ("twice", &[0xe4, 230, 231, 230, 231, 0, 231]),
        ("forged", &[0x61, 0, 191, 2, 0, 191, 0x12, 1, 0, 191, 0x24, 9]),
        ("closed", &[0x60, 0, 0, 0, 0, 0, 250]),
    ] {
        save("host_line", name, script);
    }
}

/// Writes an array as an input of the target `npy`.
fn write<T: WritableElement, D: ndarray::Dimension>(name: &str, array: Array<T, D>) {
    write_npy(fuzz().join("seeds/npy").join(format!("{name}.npy")), &array).unwrap();
}
