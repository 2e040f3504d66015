//! Quantised constants are decided in float32, and stand for exact numbers.

#![allow(clippy::unwrap_used)]

use network::graph::Graph;
use network::onnx::proto::{StringStringEntryProto, TensorAnnotation};
use network::onnx::{export, import_bytes};
use network::reference::{Evaluator, run};
use network::tensor::Tensor;
use testkit::files::{Build, With, floats, import, model, node};

fn quantised(weights: &[f32], scale: f32, zero_point: f32, rounding: &str) -> Graph {
    let mut quant = node("Quant", &["w", "scale", "zero", "bits"], &["q"]);
    quant.domain = "qonnx.custom_op.general".into();
    let model = model(&[1, 1])
        .constant(floats("w", &[1, weights.len() as i64], weights))
        .constant(floats("scale", &[], &[scale]))
        .constant(floats("zero", &[], &[zero_point]))
        .constant(floats("bits", &[], &[8.0]))
        .add(quant.int("signed", 1).int("narrow", 0).text("rounding_mode", rounding))
        .add(node("MatMul", &["x", "q"], &["y"]));
    import(&model).unwrap()
}

/// A product with weights that are codes: the annotated floats `w`, or `w` behind a quantiser of scale 1.
fn scaled_codes(codes: &[f32], factor: f32, is_annotated: bool, is_quantised: bool) -> Graph {
    let mut quant = node("Quant", &["w", "one", "zero", "bits"], &["q"]);
    quant.domain = "qonnx.custom_op.general".into();
    let mut model = model(&[1, 1])
        .constant(floats("w", &[1, codes.len() as i64], codes))
        .constant(floats("one", &[], &[1.0]))
        .constant(floats("zero", &[], &[0.0]))
        .constant(floats("bits", &[], &[4.0]))
        .constant(floats("factor", &[], &[factor]));
    if is_quantised {
        model = model.add(quant.int("signed", 1).int("narrow", 0).text("rounding_mode", "ROUND"));
    }
    if is_annotated {
        model.graph.as_mut().unwrap().quantization_annotation.push(TensorAnnotation {
            tensor_name: "w".into(),
            quant_parameter_tensor_names: vec![StringStringEntryProto {
                key: "finn_datatype".into(),
                value: "INT4".into(),
            }],
        });
    }
    let weights = if is_quantised { "q" } else { "w" };
    let scaled = node("Mul", &[weights, "factor"], &["scaled"]);
    import(&model.add(scaled).add(node("MatMul", &["x", "scaled"], &["y"]))).unwrap()
}

/// What the weights of the last node are, which an image of 1 shows.
fn weights(graph: &Graph) -> Vec<f64> {
    let id = graph.nodes.last().unwrap().inputs[1];
    Evaluator::new(graph).unwrap().constant(id).unwrap().data.clone()
}

#[test]
fn what_comes_from_codes_is_exact() {
    let codes: Vec<f32> = (-8..=7i8).map(f32::from).collect();
    for factor in [0.1f32, 0.5, 1.0 / 3.0] {
        let exactly: Vec<f64> = codes.iter().map(|code| f64::from(*code) * f64::from(factor)).collect();
        for (is_annotated, is_quantised) in [(true, false), (false, true), (true, true)] {
            let graph = scaled_codes(&codes, factor, is_annotated, is_quantised);
            assert_eq!(weights(&graph), exactly, "{factor} {is_annotated} {is_quantised}");
            let types: Vec<String> = graph.weight_types.values().map(ToString::to_string).collect();
            assert_eq!(types, ["i4"]);
            let again = import_bytes(&export(&graph).unwrap(), None, "again").unwrap();
            assert_eq!(weights(&again), exactly, "{factor} {is_annotated} {is_quantised}");
        }
        // Plain floats are float32's, though they are whole.
        let rounded: Vec<f64> = codes.iter().map(|code| f64::from(code * factor)).collect();
        assert_eq!(weights(&scaled_codes(&codes, factor, false, false)), rounded);
    }
}

/// Quantised floats less two thirds, which no float of any precision is: the sign of zero is found in exact arithmetic.
fn less_two_thirds(length: usize) -> Graph {
    let mut quant = node("Quant", &["x", "third", "zero", "bits"], &["t0"]);
    quant.domain = "qonnx.custom_op.general".into();
    let mut model = model(&[1, 1])
        .constant(floats("three", &[], &[3.0]))
        .constant(floats("zero", &[], &[0.0]))
        .constant(floats("bits", &[], &[4.0]));
    for (name, code, quotient) in [("one", 1.0, "third"), ("two", 2.0, "two_thirds")] {
        model = model.constant(floats(name, &[], &[code])).add(node("Div", &[name, "three"], &[quotient]));
        model.graph.as_mut().unwrap().quantization_annotation.push(TensorAnnotation {
            tensor_name: name.into(),
            quant_parameter_tensor_names: vec![StringStringEntryProto {
                key: "finn_datatype".into(),
                value: "INT4".into(),
            }],
        });
    }
    model = model.add(quant.int("signed", 1).int("narrow", 0).text("rounding_mode", "CEIL"));
    for i in 0..length {
        let (from, to) = (format!("t{i}"), format!("t{}", i + 1));
        model = model.add(node(["Add", "Sub"][i % 2], &[&from, "third"], &[&to]));
    }
    let last = format!("t{length}");
    import(&model.add(node("Sub", &[&last, "two_thirds"], &["rest"])).add(node("Sign", &["rest"], &["y"]))).unwrap()
}

#[test]
fn floats_have_the_same_code_in_exact_arithmetic() {
    // The float lies above two thirds, so the exact quotient above 2.
    let image = Tensor::new(vec![1, 1], vec![f64::from(2.0f32 / 3.0)]);
    assert_eq!(run(&less_two_thirds(0), &image).unwrap().data, [0.0]);
    // However many nodes stand before the decision.
    assert_eq!(run(&less_two_thirds(20_000), &image).unwrap().data, [0.0]);
}

#[test]
fn weights_on_ties_go_where_float32_takes_them() {
    let mut moved = 0;
    for scale in [0.1f32, 1.0 / 255.0, 1.0 / 3.0, 0.7] {
        // Multiples and middles, as float32 has them.
        let weights: Vec<f32> = (-100..=100i16).map(|half| f32::from(half) * 0.5 * scale).collect();
        type Rounding = fn(f32) -> f32;
        let modes: [(&str, Rounding); 4] = [
            ("ROUND", f32::round_ties_even),
            ("FLOOR", f32::floor),
            ("CEIL", f32::ceil),
            ("HALF_UP", |x| (x.abs() + 0.5).floor() * x.signum()),
        ];
        for (mode, round) in modes {
            let graph = quantised(&weights, scale, 3.0, mode);
            let found = &graph.constant(graph.nodes[0].inputs[1]).unwrap().data;
            for (weight, found) in weights.iter().zip(found) {
                let code = round(weight / scale + 3.0);
                assert_eq!(*found, (f64::from(code) - 3.0) * f64::from(scale), "{weight} / {scale} {mode}");
                let quotient = f64::from(*weight) / f64::from(scale) + 3.0;
                moved += usize::from(mode == "FLOOR" && quotient.floor() != f64::from(code));
            }
            // What is written is read again.
            let again = import_bytes(&export(&graph).unwrap(), None, "again").unwrap();
            assert_eq!(again.constant(again.nodes[0].inputs[1]).unwrap().data, *found);
        }
    }
    assert!(moved > 10, "exact quotients lie below the code: {moved}");
}
