//! QONNX' `Trunc` in both of its forms: import, run in the reference, compare with values computed by hand.

#![allow(clippy::unwrap_used)]

mod support;

use network::onnx::proto::ModelProto;
use network::reference;
use support::tensor;
use testkit::files::{Build, With, floats, import, model, node};

fn result(model: &ModelProto, x: &[f64]) -> Vec<f64> {
    let graph = import(model).unwrap();
    support::round_trip::check(&graph);
    reference::run(&graph, &tensor(&graph.value(graph.input).shape, x)).unwrap().data
}

fn parameters(count: i64) -> ModelProto {
    model(&[1, count])
        .constant(floats("scale", &[], &[0.5]))
        .constant(floats("zero", &[], &[0.0]))
        .constant(floats("three", &[], &[3.0]))
        .constant(floats("six", &[], &[6.0]))
        .constant(floats("four", &[], &[4.0]))
        .constant(floats("coarse", &[], &[2.0]))
}

#[test]
fn five_inputs_shift_and_do_not_clamp() {
    let form = |mode: &str| {
        let trunc = node("Trunc", &["x", "scale", "zero", "six", "four"], &["y"]).text("rounding_mode", mode);
        parameters(6).add(trunc)
    };
    // The codes are 5, 7 (from 6.6), -5, 400, 2, 6; over 4.
    let x = [2.5, 3.3, -2.5, 200.0, 1.0, 3.0];
    assert_eq!(result(&form("FLOOR"), &x), [0.5, 0.5, -1.0, 50.0, 0.0, 0.5]);
    assert_eq!(result(&form("ceil"), &x), [1.0, 1.0, -0.5, 50.0, 0.5, 1.0]);
    assert_eq!(result(&form("ROUND"), &x), [0.5, 1.0, -0.5, 50.0, 0.0, 1.0]);
}

#[test]
fn integers_of_no_width_are_refused() {
    let inputs = ["x", "scale", "zero", "six", "wide"];
    let model = parameters(1).constant(floats("wide", &[], &[4e9])).add(node("Trunc", &inputs, &["y"]));
    let error = import(&model).unwrap_err();
    assert!(matches!(error, network::onnx::ImportError::Parameter { role: "output_bit_width", .. }), "{error:?}");
}

#[test]
fn six_inputs_clamp_at_their_own_scale() {
    let form = |signed: i64| {
        let inputs = ["x", "scale", "zero", "six", "coarse", "three"];
        parameters(5).add(node("Trunc", &inputs, &["y"]).int("signed", signed).int("narrow", 0))
    };
    // Divided by 2 / 0.5 = 4, without a mode downwards, times 2.
    let x = [2.5, 3.3, -2.5, 200.0, -200.0];
    assert_eq!(result(&form(1), &x), [2.0, 2.0, -4.0, 6.0, -8.0]);
    assert_eq!(result(&form(0), &x), [2.0, 2.0, 0.0, 14.0, 0.0]);
}

#[test]
fn zero_points_are_shifted_as_well() {
    let trunc = node("Trunc", &["x", "scale", "three", "six", "four"], &["y"]);
    // (5 + 3) / 4 = 2, less 3, times 0.5; (-2 + 3) / 4 rounds down to 0
    assert_eq!(result(&parameters(2).add(trunc), &[2.5, -1.0]), [-0.5, -1.5]);
}
