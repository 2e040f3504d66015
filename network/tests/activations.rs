//! Activation functions through a file, with values by hand or from mpmath.

#![allow(clippy::unwrap_used)]

mod support;

use network::onnx::proto::{ModelProto, NodeProto};
use network::reference;
use std::f64::consts::{LN_2, LN_10};
use support::tensor;
use testkit::files::{Build, With, floats, import, model, node, opset};

const X: [f64; 6] = [-4.0, -1.5, -0.5, 0.0, 1.0, 3.5];

fn run(model: &ModelProto, x: &[f64]) -> Vec<f64> {
    let graph = import(model).unwrap();
    support::round_trip::check(&graph);
    let shape = graph.value(graph.input).shape.clone();
    reference::run(&graph, &tensor(&shape, x)).unwrap().data
}

fn of(node: NodeProto) -> Vec<f64> {
    run(&model(&[6]).add(node), &X)
}

fn function(operator: &str) -> NodeProto {
    node(operator, &["x"], &["y"])
}

/// Checks each value to the precision of the parts, which are float32 each.
fn assert_near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-6 * expected.abs().max(0.25), "{found} is not {expected}");
    }
}

#[test]
fn leaky_functions_are_exact() {
    assert_eq!(of(function("LeakyRelu").float("alpha", 0.25)), [-1.0, -0.375, -0.125, 0.0, 1.0, 3.5]);
    let slopes = floats("s", &[2, 1], &[0.5, -2.0]);
    let model = model(&[2, 2]).constant(slopes).add(node("PRelu", &["x", "s"], &["y"]));
    assert_eq!(run(&model, &[-1.0, 2.0, -3.0, 4.0]), [-0.5, 2.0, 6.0, 4.0]);
}

#[test]
fn hard_functions_are_polynomials() {
    let hard = function("HardSigmoid").float("alpha", 0.25).float("beta", 0.5);
    assert_eq!(of(hard), [0.0, 0.125, 0.375, 0.5, 0.75, 1.0]);
    assert_near(&of(function("HardSwish")), &[0.0, -0.375, -1.25 / 6.0, 0.0, 4.0 / 6.0, 3.5]);
    assert_near(&of(function("Softsign")), &[-0.8, -0.6, -1.0 / 3.0, 0.0, 0.5, 3.5 / 4.5]);
}

#[test]
fn transcendental_functions() {
    let tanh = [-0.999_329_3, -0.905_148_3, -0.462_117_2, 0.0, 0.761_594_2, 0.998_177_9];
    assert_near(&of(function("Tanh")), &tanh);
    let sigmoid = [0.017_986_21, 0.182_425_52, 0.377_540_67, 0.5, 0.731_058_6, 0.970_687_8];
    assert_near(&of(function("Sigmoid")), &sigmoid);
    assert_near(&of(function("Exp"))[1..4], &[0.223_130_16, 0.606_530_66, 1.0]);
    assert_near(&of(function("Erf")), &[-1.0, -0.966_105_15, -0.520_499_88, 0.0, 0.842_700_8, 0.999_999_26]);
    assert_near(&of(function("Softplus"))[2..], &[0.474_076_98, LN_2, 1.313_261_7, 3.529_750_3]);
    assert_near(&run(&model(&[2]).add(function("Log")), &[0.5, 10.0]), &[-LN_2, LN_10]);
}

#[test]
fn linear_units() {
    let below = |x: f64| x.exp_m1();
    let side = |x: f64, above: f64, below: f64| if x >= 0.0 { above } else { below };
    assert_near(&of(function("Elu")), &X.map(|x| side(x, x, below(x))));
    assert_near(&of(function("Elu").float("alpha", 0.5)), &X.map(|x| side(x, x, 0.5 * below(x))));
    let (alpha, gamma) = (1.673_263_2, 1.050_701);
    assert_near(&of(function("Selu")), &X.map(|x| side(x, gamma * x, gamma * alpha * below(x))));
    assert_near(&of(function("Celu").float("alpha", 2.0)), &X.map(|x| side(x, x, 2.0 * below(x / 2.0))));
    let gelu = [-0.000_126_7, -0.100_210_8, -0.154_268_7, 0.0, 0.841_344_7, 3.499_185_8];
    assert_near(&of(function("Gelu")), &gelu);
    let by_tangent = [-0.000_070_2, -0.100_428_4, -0.154_286_0, 0.0, 0.841_192_0, 3.499_383_8];
    assert_near(&of(function("Gelu").text("approximate", "tanh")), &by_tangent);
    assert_near(&of(function("Mish")), &[-0.072_591_7, -0.298_099_7, -0.220_743_8, 0.0, 0.865_098_4, 3.493_990_7]);
    let swish = X.map(|x| x / (1.0 + (-x).exp()));
    assert_near(&of(function("Swish")), &swish);
    let quick = NodeProto { domain: "com.microsoft".into(), ..function("QuickGelu").float("alpha", 1.0) };
    let mut model = model(&[6]).add(quick);
    model.opset_import.push(opset("com.microsoft", 1));
    assert_near(&run(&model, &X), &swish);
}
