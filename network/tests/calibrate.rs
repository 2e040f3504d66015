//! Real activations become fixed-point numbers.

#![allow(clippy::unwrap_used)]

mod support;

use network::calibrate::{Activations, CalibrateError, calibrate};
use network::graph::{Graph, Operator};
use network::onnx;
use network::reference::Evaluator;
use network::tensor::Tensor;
use std::path::{Path, PathBuf};
use support::tensor;
use testkit::files::{Build, With, floats, import, model, node};

fn digits() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits")
}

fn images() -> Vec<Tensor> {
    let array: ndarray::ArrayD<u8> = ndarray_npy::read_npy(digits().join("test_images.npy")).unwrap();
    array
        .outer_iter()
        .map(|image| tensor(&[1, 1, 8, 8], &image.iter().map(|v| f64::from(*v)).collect::<Vec<_>>()))
        .collect()
}

fn operators(graph: &Graph) -> Vec<&'static str> {
    graph.nodes.iter().map(|node| node.operator.name()).collect()
}

fn ones(name: &str, dims: &[i64]) -> network::onnx::proto::TensorProto {
    floats(name, dims, &vec![1.0; dims.iter().product::<i64>() as usize])
}

#[test]
fn quantisers_stand_before_dot_products() {
    let graph = onnx::import(&digits().join("digits_float.onnx")).unwrap();
    let calibrated = calibrate(&graph, &images()[..64], &Activations::default()).unwrap();
    assert_eq!(
        operators(&calibrated),
        [
            "Quant",
            "Conv",
            "BatchNormalization",
            "Relu",
            "MaxPool",
            "Quant",
            "Conv",
            "BatchNormalization",
            "Relu",
            "Quant",
            "Reshape",
            "MatMul",
            "Add"
        ]
    );
    // The pixels, 0 to 16, are integers: five bits hold them all, and nothing of these images is rounded.
    let [pixels, others @ ..] = calibrated.approximations.as_slice() else { panic!("nothing is told") };
    assert_eq!((pixels.relative_mse, others.len()), (0.0, 2));
    assert!(others.iter().all(|a| a.relative_mse > 0.0 && a.relative_mse < 1e-4), "{others:?}");
    let constant =
        |number: usize, input: usize| calibrated.constant(calibrated.nodes[number].inputs[input]).unwrap().data[0];
    assert_eq!((constant(0, 1), constant(0, 3)), (1.0, 5.0));
    for (number, node) in calibrated.nodes.iter().enumerate() {
        if let Operator::Quant { signed, .. } = node.operator {
            assert!(!signed);
            assert_eq!(constant(number, 1).log2().fract(), 0.0);
        }
    }
    support::round_trip::check(&Graph { approximations: Vec::new(), ..calibrated.clone() });
    // What is quantised already stays as it is.
    let again = calibrate(&calibrated, &images()[..8], &Activations::default()).unwrap();
    assert_eq!(again, calibrated);
}

#[test]
fn more_bits_come_nearer_and_any_scale_is_no_worse() {
    let graph = onnx::import(&digits().join("digits_float_mlp.onnx")).unwrap();
    let images = &images()[..64];
    let error = |text: &str| -> f64 {
        let calibrated = calibrate(&graph, images, &text.parse().unwrap()).unwrap();
        let (real, fixed) = (Evaluator::new(&graph).unwrap(), Evaluator::new(&calibrated).unwrap());
        images
            .iter()
            .map(|image| {
                let (real, fixed) = (real.run(image).unwrap(), fixed.run(image).unwrap());
                real.data.iter().zip(&fixed.data).map(|(a, b)| (a - b) * (a - b)).sum::<f64>()
            })
            .sum()
    };
    let errors = ["4", "6", "8", "12"].map(error);
    assert!(errors.windows(2).all(|pair| pair[1] < pair[0]), "{errors:?}");
    let told = |text: &str| calibrate(&graph, images, &text.parse().unwrap()).unwrap().approximations[0].relative_mse;
    assert!(told("any:4") <= told("4"));
    let half_waves = calibrate(&graph, images, &"hwgq:2".parse().unwrap()).unwrap();
    assert_eq!(operators(&half_waves).iter().filter(|name| **name == "MultiThreshold").count(), 2);
}

#[test]
fn operands_of_a_sum_are_quantised_alike_for_all_that_read_them() {
    let graph = import(
        &model(&[1, 4, 3, 3])
            .constant(ones("w", &[4, 4, 1, 1]))
            .constant(floats("half", &[], &[0.3]))
            .add(node("Conv", &["x", "w"], &["c"]))
            .add(node("Relu", &["c"], &["r"]))
            .add(node("Conv", &["r", "w"], &["d"]))
            .add(node("Mul", &["d", "half"], &["e"]))
            .add(node("Add", &["r", "e"], &["s"]))
            .add(node("AveragePool", &["s"], &["p"]).ints("kernel_shape", &[3, 3]))
            .add(node("Concat", &["p", "p"], &["y"]).int("axis", 1)),
    )
    .unwrap();
    let image = tensor(&[1, 4, 3, 3], &(0..36).map(|i| f64::from(i % 7) / 3.0 - 1.0).collect::<Vec<_>>());
    let calibrated = calibrate(&graph, &[image], &"any:8".parse().unwrap()).unwrap();
    assert_eq!(
        operators(&calibrated),
        ["Quant", "Conv", "Relu", "Quant", "Conv", "Mul", "Quant", "Add", "AveragePool", "Concat"]
    );
    let scales: Vec<f64> =
        [3, 6].map(|n: usize| calibrated.constant(calibrated.nodes[n].inputs[1]).unwrap().data[0]).into();
    assert!(scales.iter().all(|scale| scale.log2().fract() == 0.0), "{scales:?}");
    let image_quant = &calibrated.nodes[0];
    assert_eq!(
        image_quant.operator,
        Operator::Quant { signed: true, narrow: false, rounding: network::graph::RoundingMode::HalfEven }
    );
}

#[test]
fn a_shifted_image_is_quantised_where_its_zero_is_padding() {
    let build = |pads: &[i64]| {
        import(
            &model(&[1, 1, 2, 2])
                .constant(floats("mean", &[], &[100.0]))
                .constant(floats("range", &[], &[128.0]))
                .constant(ones("w", &[1, 1, 2, 2]))
                .add(node("Sub", &["x", "mean"], &["a"]))
                .add(node("Div", &["a", "range"], &["b"]))
                .add(node("Conv", &["b", "w"], &["y"]).ints("pads", pads)),
        )
        .unwrap()
    };
    let image = tensor(&[1, 1, 2, 2], &[0.0, 100.0, 255.0, 7.0]);
    let place = |pads: &[i64]| {
        operators(&calibrate(&build(pads), std::slice::from_ref(&image), &Activations::default()).unwrap())
    };
    assert_eq!(place(&[0, 0, 0, 0]), ["Quant", "Sub", "Div", "Conv"]);
    assert_eq!(place(&[1, 1, 1, 1]), ["Sub", "Div", "Quant", "Conv"]);
}

#[test]
fn no_images_no_calibration() {
    let graph = onnx::import(&digits().join("digits_float.onnx")).unwrap();
    let error = calibrate(&graph, &[], &Activations::default()).unwrap_err();
    assert!(matches!(error, CalibrateError::NoImages { .. }));
    testkit::rendered(&error);
    let wrong = calibrate(&graph, &[tensor(&[3], &[0.0; 3])], &Activations::default()).unwrap_err();
    assert!(matches!(wrong, CalibrateError::Reference(_)));
}
