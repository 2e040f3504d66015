//! Schemes on the weights of whole graphs.

#![allow(clippy::unwrap_used)]

mod support;

use network::calibrate::{Activations, calibrate};
use network::graph::{Graph, Operator};
use network::onnx;
use network::quantize::model::{dot_products, quantize};
use network::quantize::{QuantizeError, Scheme, re_estimate};
use network::reference::Evaluator;
use network::tensor::Tensor;
use std::path::Path;
use support::round_trip;
use support::tensor;
use testkit::files::{Build, With, floats, import, model, node};

/// Weights that are a sign times a scale of their output already, `of(output, input)`.
fn weight(output: usize, input: usize) -> f32 {
    let sign = if (output * 5 + input * 3 + input * input) % 7 < 4 { 1.0 } else { -1.0 };
    sign * [0.5, 2.0, 0.25, 1.0][output % 4]
}

/// A matrix of `rows` × `columns`, whose rows are outputs or not.
fn matrix(rows: usize, columns: usize, rows_are_outputs: bool) -> Vec<f32> {
    let at = |row, column| if rows_are_outputs { weight(row, column) } else { weight(column, row) };
    (0..rows * columns).map(|index| at(index / columns, index % columns)).collect()
}

/// One dot product in every form in which files have it.
fn forms() -> Vec<(&'static str, Graph)> {
    let right = floats("w", &[6, 4], &matrix(6, 4, false));
    let left = floats("w", &[4, 6], &matrix(4, 6, true));
    let conv: Vec<f32> = (0..4 * 3 * 2).map(|index| weight(index / 6, index % 6)).collect();
    let grouped: Vec<f32> = (0..4 * 3 * 2).map(|index| weight(index / 6, index % 6)).collect();
    let gemm = |x: [i64; 2], weights: &network::onnx::proto::TensorProto, a: i64, b: i64, swapped: bool| {
        let inputs = if swapped { ["w", "x"] } else { ["x", "w"] };
        let node = node("Gemm", &inputs, &["y"]).int("transA", a).int("transB", b).float("alpha", 0.5);
        import(&model(&x).constant(weights.clone()).add(node)).unwrap()
    };
    let build = |shape: &[i64], weights: network::onnx::proto::TensorProto, node| {
        import(&model(shape).constant(weights).add(node)).unwrap()
    };
    vec![
        ("data times matrix", build(&[1, 6], right.clone(), node("MatMul", &["x", "w"], &["y"]))),
        ("rows times matrix", build(&[1, 3, 6], right.clone(), node("MatMul", &["x", "w"], &["y"]))),
        ("matrix times data", build(&[6, 1], left.clone(), node("MatMul", &["w", "x"], &["y"]))),
        ("matrix times columns", build(&[6, 3], left.clone(), node("MatMul", &["w", "x"], &["y"]))),
        ("vector", build(&[1, 6], floats("w", &[6], &matrix(1, 6, true)), node("MatMul", &["x", "w"], &["y"]))),
        ("gemm", gemm([1, 6], &right, 0, 0, false)),
        ("gemm, data transposed", gemm([6, 2], &right, 1, 0, false)),
        ("gemm, weights transposed", gemm([1, 6], &left, 0, 1, false)),
        ("gemm, weights first", gemm([6, 1], &left, 0, 0, true)),
        ("gemm, weights first and transposed", gemm([6, 1], &right, 1, 0, true)),
        ("gemm, both transposed, weights first", gemm([1, 6], &right, 1, 1, true)),
        (
            "convolution",
            build(&[1, 3, 5], floats("w", &[4, 3, 2], &conv), node("Conv", &["x", "w"], &["y"]).ints("pads", &[1, 0])),
        ),
        (
            "convolution in groups",
            build(
                &[1, 6, 3, 3],
                floats("w", &[4, 3, 1, 2], &grouped),
                node("Conv", &["x", "w"], &["y"]).int("group", 2).ints("strides", &[2, 1]),
            ),
        ),
    ]
}

fn images(graph: &Graph) -> Vec<Tensor> {
    let shape = &graph.value(graph.input).shape;
    let count: usize = shape.iter().product();
    let number = |image: usize, index: usize| ((image * 31 + index * 17 + image * index * 7) % 13) as f64 - 5.0;
    (0..40).map(|image| tensor(shape, &(0..count).map(|index| number(image, index)).collect::<Vec<_>>())).collect()
}

/// Signs times a scale for each output stay what they are, so layouts, groups and scales went where they belong.
#[test]
fn binary_weights_stay_as_they_are_in_every_form() {
    for (name, graph) in forms() {
        let images = images(&graph);
        let expected = Evaluator::new(&graph).unwrap();
        for scheme in ["bwn", "bwnh", "tsq", "admm:binary/channel", "linear:8/channel"] {
            let scheme: Scheme = scheme.parse().unwrap();
            let (quantized, layers) = quantize(&graph, |_| Some(scheme), &images).unwrap();
            assert!(layers[0].relative_mse < 1e-12, "{name}, {scheme}: {}", layers[0].relative_mse);
            assert_eq!(layers[0].shape[1] * layers[0].shape[2], 6, "{name}");
            // Through a file, where the quantiser of the weights is folded.
            let again = onnx::import_bytes(&onnx::export(&quantized).unwrap(), None, name).unwrap();
            assert_eq!(again.nodes.len(), 1, "{name}, {scheme}");
            round_trip::check(&again);
            for graph in [&quantized, &again] {
                let found = Evaluator::new(graph).unwrap();
                for image in &images {
                    assert_eq!(found.run(image), expected.run(image), "{name}, {scheme}");
                }
            }
        }
    }
}

#[test]
fn sums_of_bases_are_sums_of_quantisers() {
    let (_, graph) = forms().swap_remove(0);
    let (quantized, layers) = quantize(&graph, |_| Some("abc:2".parse().unwrap()), &[]).unwrap();
    let names: Vec<&str> = quantized.nodes.iter().map(|node| node.operator.name()).collect();
    assert_eq!(names, ["BipolarQuant", "BipolarQuant", "Add", "MatMul"]);
    assert_eq!(layers[0].format, "2 x (±1 x scale)");
    let again = onnx::import_bytes(&onnx::export(&quantized).unwrap(), None, "again").unwrap();
    let (one, other) = (Evaluator::new(&quantized).unwrap(), Evaluator::new(&again).unwrap());
    for image in images(&graph) {
        assert_eq!(one.run(&image).unwrap(), other.run(&image).unwrap());
    }
}

#[test]
fn layers_that_are_not_chosen_stay() {
    let graph = import(
        &model(&[1, 6])
            .constant(floats("w", &[6, 4], &matrix(6, 4, false)))
            .constant(floats("v", &[4, 2], &matrix(4, 2, false)))
            .add(node("MatMul", &["x", "w"], &["m"]))
            .add(node("MatMul", &["m", "v"], &["y"])),
    )
    .unwrap();
    let evaluator = Evaluator::new(&graph).unwrap();
    let dots = dot_products(&graph, &evaluator);
    assert_eq!(dots.len(), 2);
    let twn: Scheme = "twn".parse().unwrap();
    let (quantized, layers) = quantize(&graph, |dot| (dot.node == dots[1].node).then_some(twn), &[]).unwrap();
    assert_eq!(layers.len(), 1);
    assert_eq!(quantized.constant(quantized.nodes[0].inputs[1]), graph.constant(graph.nodes[0].inputs[1]));
    assert!(matches!(quantized.nodes[1].operator, Operator::Quant { .. }));
    let none = quantize(&graph, |_| None, &[]).unwrap_err();
    assert!(matches!(none, QuantizeError::NoWeights { .. }));
    let blind = quantize(&graph, |_| Some("tsq".parse().unwrap()), &[]).unwrap_err();
    assert!(matches!(blind, QuantizeError::NeedsInputs { .. }));
    for error in [none, blind] {
        testkit::rendered(&error);
    }
}

#[test]
fn normalisations_are_estimated_again_one_after_the_other() {
    let build = |mean: [f32; 2], variance: [f32; 2]| {
        let one = |name: &str| floats(name, &[2], &[1.0, 1.0]);
        import(
            &model(&[1, 2, 3])
                .constant(one("scale"))
                .constant(floats("bias", &[2], &[0.0, 0.0]))
                .constant(floats("mean", &[2], &mean))
                .constant(floats("variance", &[2], &variance))
                .add(node("BatchNormalization", &["x", "scale", "bias", "mean", "variance"], &["a"]))
                .add(node("BatchNormalization", &["a", "scale", "bias", "mean", "variance"], &["y"])),
        )
        .unwrap()
    };
    let graph = build([5.0, 6.0], [7.0, 8.0]);
    let again = re_estimate(&graph, &images(&graph)).unwrap();
    let evaluator = Evaluator::new(&again).unwrap();
    let outputs: Vec<Vec<f64>> = images(&graph).iter().map(|image| evaluator.run(image).unwrap().data).collect();
    for channel in 0..2 {
        let numbers: Vec<f64> = outputs.iter().flat_map(|output| output[channel * 3..][..3].to_vec()).collect();
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        let variance = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / numbers.len() as f64;
        assert!(mean.abs() < 1e-6 && (variance - 1.0).abs() < 1e-4, "{mean}, {variance}");
    }
    let constant = |node: usize, input: usize| again.constant(again.nodes[node].inputs[input]).unwrap().data.clone();
    // The second one reads what the first has normalised.
    assert!(constant(1, 3).iter().all(|mean| mean.abs() < 1e-6), "{:?}", constant(1, 3));
    round_trip::check(&again);
    assert_eq!(re_estimate(&graph, &[]).unwrap(), graph);
}

/// Right answers of 450 with 8-bit activations, as the normalisations were and estimated again.
const DIGITS: &[(&str, [usize; 2], [usize; 2])] = &[
    ("bwn", [134, 305], [197, 260]),
    ("twn/channel", [327, 392], [284, 384]),
    ("tsq", [426, 431], [409, 413]),
    ("fgq:4", [415, 437], [414, 426]),
    ("inq:5", [393, 443], [434, 447]),
];

#[test]
fn digits_are_told_apart_better_with_normalisations_estimated_again() {
    let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits");
    let labels: ndarray::ArrayD<u8> = ndarray_npy::read_npy(digits.join("test_labels.npy")).unwrap();
    let array: ndarray::ArrayD<u8> = ndarray_npy::read_npy(digits.join("test_images.npy")).unwrap();
    let image = |image: ndarray::ArrayViewD<u8>| {
        tensor(&[1, 1, 8, 8], &image.iter().map(|pixel| f64::from(*pixel)).collect::<Vec<f64>>())
    };
    let images: Vec<Tensor> = array.outer_iter().map(image).collect();
    let right = |graph: &Graph| {
        let graph = calibrate(graph, &images, &Activations::default()).unwrap();
        let evaluator = Evaluator::new(&graph).unwrap();
        let is_right = |(image, label): &(&Tensor, &u8)| {
            let scores = evaluator.run(image).unwrap().data;
            (0..10).all(|class| class == usize::from(**label) || scores[class] < scores[usize::from(**label)])
        };
        images.iter().zip(&labels).filter(is_right).count()
    };
    let mut found = Vec::new();
    for (scheme, ..) in DIGITS {
        let counts = ["digits_float", "digits_float_mlp"].map(|model| {
            let graph = onnx::import(&digits.join(format!("{model}.onnx"))).unwrap();
            let (quantized, _) = quantize(&graph, |_| Some(scheme.parse().unwrap()), &images).unwrap();
            [right(&quantized), right(&re_estimate(&quantized, &images).unwrap())]
        });
        found.push((*scheme, counts[0], counts[1]));
    }
    assert_eq!(found, DIGITS);
}
