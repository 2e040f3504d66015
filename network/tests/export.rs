//! Graphs through files and back.

#![allow(clippy::unwrap_used)]

mod support;

use network::graph::Source;
use network::onnx::{self, ExportError};
use std::path::Path;
use support::round_trip::check;
use testkit::files::{Build, convolutional, floats, import, model, node, perceptron, quant};

#[test]
fn networks_with_most_operators() {
    check(&import(&perceptron()).unwrap());
    check(&import(&convolutional()).unwrap());
}

#[test]
fn real_models() {
    let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits");
    let mut count = 0;
    let methods = digits.join("../methods");
    let folders = [Some(digits), Some(methods), testkit::models::shared()];
    for folder in folders.into_iter().flatten() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "onnx") {
                check(&onnx::import(&path).unwrap());
                count += 1;
            }
        }
    }
    assert!(count >= 30);
}

/// Folded weights have more digits than a float32.
#[test]
fn folded_weights_are_written_as_codes_and_scales() {
    let scales = [0.1, 0.37, 0.9];
    for (dims, scale_dims) in [(vec![2i64, 6], vec![]), (vec![3, 4], vec![3, 1]), (vec![4, 3], vec![1, 3])] {
        let weights: Vec<f32> = (0..12).map(|i| [-3.0, 3.0, 0.0, 9.0, -6.0][i % 5] * 0.1).collect();
        let count = scale_dims.iter().product::<i64>().max(1) as usize;
        let (rows, columns) = (dims[0] as usize, dims[1] as usize);
        let file = model(&[1, dims[0]])
            .constant(floats("w", &dims, &weights))
            .constant(floats("scale", &scale_dims, &scales[..count]))
            .constant(floats("zero", &[], &[0.0]))
            .constant(floats("bits", &[], &[8.0]))
            .add(quant(&["w", "scale", "zero", "bits"], "wq"))
            .add(node("MatMul", &["x", "wq"], &["y"]));
        let graph = import(&file).unwrap();
        let Source::Constant(tensor) = &graph.value(graph.nodes[0].inputs[1]).source else { panic!() };
        assert_eq!(tensor.shape, [rows, columns]);
        assert!(tensor.data.iter().any(|number| f64::from(*number as f32) != *number));
        check(&graph);
    }
}

#[test]
fn numbers_of_double_precision_are_refused() {
    let mut graph =
        import(&model(&[1, 2]).constant(floats("c", &[2], &[0.5, 0.1])).add(node("Add", &["x", "c"], &["y"]))).unwrap();
    for value in &mut graph.values {
        if let Source::Constant(tensor) = &mut value.source {
            tensor.data = vec![0.1, std::f64::consts::PI];
        }
    }
    let error = onnx::export(&graph).unwrap_err();
    assert_eq!(error, ExportError::Precision { value: "c".into(), index: 0, number: 0.1 });
    testkit::rendered(&error);
}
