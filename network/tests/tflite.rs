//! TensorFlow Lite files: what is refused, as the user reads it, and that nothing a file holds makes the import panic.

#![allow(clippy::unwrap_used)]

use network::reference::run;
use network::tensor::Tensor;
use network::tflite::{TfliteError, import, import_bytes};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::path::Path;
use testkit::tflite::{Builder, Field, Kind, Quantization, code, random};

/// A tensor of signed bytes of scale 0.5 and zero point 1.
fn codes(builder: &mut Builder, name: &str, shape: &[usize]) -> i32 {
    builder.tensor(name, shape, Kind::Int8, Some(Quantization::of(0.5, 1)), None)
}

/// One operator that reads `x` of shape [1, 4, 4, 2] and writes `y`.
fn operator(code: i32, shape: &[usize], member: i8, options: Vec<Field>) -> Vec<u8> {
    let mut builder = Builder::default();
    let (x, y) = (codes(&mut builder, "x", &[1, 4, 4, 2]), codes(&mut builder, "y", shape));
    builder.operator(code, &[x], &[y], member, options);
    builder.finish(&[x], &[y])
}

/// A convolution of `x` with weights of a shape, scales and zero points.
fn convolution(weights: &[usize], quantization: Quantization, bias: usize) -> Vec<u8> {
    let mut builder = Builder::default();
    let (x, y) = (codes(&mut builder, "x", &[1, 4, 4, 2]), codes(&mut builder, "y", &[1, 4, 4, 2]));
    let data = vec![1; weights.iter().product()];
    let weights = builder.tensor("w", weights, Kind::Int8, Some(quantization), Some(data));
    let bias = builder.tensor("b", &[bias], Kind::Int32, None, Some(vec![0; 4 * bias]));
    let options = vec![Field::Byte(0), Field::Int(1), Field::Int(1), Field::Byte(0)];
    builder.operator(code::CONV_2D, &[x, weights, bias], &[y], 1, options);
    builder.finish(&[x], &[y])
}

fn pool(shape: &[usize], stride: i32, width: i32, activation: i8) -> Vec<u8> {
    let [stride, width] = [stride, width].map(Field::Int);
    let options = vec![Field::Byte(1), stride.clone(), stride, width, Field::Int(2), Field::Byte(activation)];
    operator(code::MAX_POOL_2D, shape, 5, options)
}

/// A model of the tensors and ends that `ends` makes, without operators.
fn ends(ends: impl Fn(&mut Builder) -> [Vec<i32>; 2]) -> Vec<u8> {
    let mut builder = Builder::default();
    let [inputs, outputs] = ends(&mut builder);
    builder.finish(&inputs, &outputs)
}

/// Codes as floats, in another shape, quantised again.
fn moved_floats() -> Vec<u8> {
    let mut builder = Builder::default();
    let (x, y) = (codes(&mut builder, "x", &[1, 8]), codes(&mut builder, "y", &[1, 2, 4]));
    let real = builder.tensor("real", &[1, 8], Kind::Float, None, None);
    let moved = builder.tensor("moved", &[1, 2, 4], Kind::Float, None, None);
    builder.operator(code::DEQUANTIZE, &[x], &[real], 0, vec![]);
    builder.operator(code::RESHAPE, &[real], &[moved], 17, vec![Field::Ints(vec![1, 2, 4])]);
    builder.operator(code::QUANTIZE, &[moved], &[y], 0, vec![]);
    builder.finish(&[x], &[y])
}

fn cases() -> Vec<(&'static str, Vec<u8>)> {
    let of = Quantization::of;
    let mut truncated = convolution(&[2, 3, 3, 2], of(0.1, 0), 2);
    truncated.truncate(100);
    vec![
        ("another file", b"PK\x03\x04 not such a file".to_vec()),
        ("a file that ends early", truncated),
        ("two inputs", ends(|b| [vec![codes(b, "x", &[1, 2]), codes(b, "z", &[1, 2])], vec![0]])),
        ("no tensor of that number", ends(|b| [vec![codes(b, "x", &[1, 2])], vec![7]])),
        ("a tensor without elements", ends(|b| [vec![codes(b, "x", &[1, 0])], vec![0]])),
        ("a batch", ends(|b| [vec![codes(b, "x", &[8, 2])], vec![0]])),
        ("an input of 32 bits", ends(|b| [vec![b.tensor("x", &[1, 2], Kind::Int32, None, None)], vec![0]])),
        ("an output that nothing writes", ends(|b| [vec![codes(b, "x", &[1])], vec![codes(b, "y", &[1])]])),
        ("an operator that is not known", operator(200, &[1, 4, 4, 2], 0, vec![])),
        ("an operator that is not supported", operator(16, &[1, 4, 4, 2], 0, vec![])),
        ("an operand that is not there", operator(code::ADD, &[1, 4, 4, 2], 0, vec![])),
        ("weights without a scale", convolution(&[2, 3, 3, 2], Quantization { scales: vec![], ..of(0.0, 0) }, 2)),
        ("a negative scale", convolution(&[2, 3, 3, 2], of(-0.1, 0), 2)),
        ("weights with a zero point", convolution(&[2, 3, 3, 2], of(0.1, 3), 2)),
        ("a bias too many", convolution(&[2, 3, 3, 2], of(0.1, 0), 3)),
        ("another number of channels", convolution(&[2, 3, 3, 5], of(0.1, 0), 2)),
        ("another shape than computed", pool(&[1, 4, 4, 2], 1, 2, 0)),
        ("windows beyond the image", pool(&[1, 4, 4, 2], 1, 9, 0)),
        ("windows that do not move", pool(&[1, 3, 3, 2], 0, 2, 0)),
        ("an activation of its own", pool(&[1, 3, 3, 2], 1, 2, 4)),
        ("floats that are moved before they are quantised again", moved_floats()),
        ("a softmax of another scale", operator(code::SOFTMAX, &[1, 4, 4, 2], 9, vec![Field::Float(1.0)])),
    ]
}

#[test]
fn every_error() {
    let mut text = String::new();
    let mut codes = BTreeSet::new();
    let mut add = |case: &str, error: &TfliteError| {
        let message = testkit::rendered(error);
        codes.insert(message.lines().next().unwrap().to_owned());
        text += &format!("# {case}\n{message}\n");
    };
    add("no file", &import(Path::new("gone.tflite")).unwrap_err());
    for (case, bytes) in cases() {
        match import_bytes(&bytes, "model") {
            Ok(graph) => panic!("{case} must be refused, but imports as\n{graph}"),
            Err(error) => add(case, &error),
        }
    }
    insta::assert_snapshot!(text);
    let source = include_str!("../src/tflite/error.rs");
    let declared: BTreeSet<String> = source
        .split("code(network::tflite::")
        .skip(1)
        .map(|rest| format!("network::tflite::{}", rest.split(')').next().unwrap()))
        .collect();
    assert_eq!(codes, declared);
}

/// Values by hand: x less its zero point 1, times weights of 1 in a window of one, plus a bias of 0, times 0.1 · 0.5 / 0.5.
#[test]
fn sums_are_requantised() {
    let graph = import_bytes(&convolution(&[2, 1, 1, 2], Quantization::of(0.1, 0), 2), "model").unwrap();
    let image: Vec<f64> = (0..32).map(|index| f64::from([26, 0, -24, 125, 6, 1][index % 6])).collect();
    let output = run(&graph, &Tensor::new(vec![1, 4, 4, 2], image)).unwrap();
    // (25 − 1) / 10, (−25 + 124) / 10, (5 + 0) / 10, each from a middle away from zero, plus 1.
    assert_eq!(output.shape, [1, 4, 4, 2]);
    assert_eq!(output.data[..6], [3.0, 3.0, 11.0, 11.0, 2.0, 2.0]);
}

/// What a file may hold, damaged in all ways, either imports and runs or is refused with a code and a help.
#[test]
fn damaged_files() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut imported = 0;
    for seed in 0..testkit::count(12, 40) {
        let whole = random::network(seed).bytes;
        for _ in 0..testkit::count(300, 3000) {
            let mut bytes = whole.clone();
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..bytes.len());
                match random.random_range(0..3) {
                    0 => bytes[at] = random.random_range(0..=255),
                    1 => bytes[at] ^= 1 << random.random_range(0..8),
                    _ => bytes.truncate(at.max(8)),
                }
            }
            match import_bytes(&bytes, "damaged") {
                Err(error) => {
                    testkit::rendered(&error);
                }
                Ok(graph) => {
                    imported += 1;
                    let elements = graph.values.iter().map(|value| value.shape.iter().product::<usize>());
                    if elements.sum::<usize>() < 1 << 14 {
                        let shape = graph.value(graph.input).shape.clone();
                        let data = (0..shape.iter().product()).map(|i| [0.5, -1.0, 0.0, 200.0][i % 4]).collect();
                        if let Err(error) = run(&graph, &Tensor::new(shape, data)) {
                            testkit::rendered(&error);
                        }
                    }
                }
            }
        }
    }
    assert!(imported > 0);
}
