//! Each operator through a file: import, run in the reference, compare with values computed by hand.

#![allow(clippy::unwrap_used)]

mod support;

use network::graph::{Graph, Operator, RoundingMode};
use network::onnx::proto::{ModelProto, NodeProto};
use network::reference;
use support::tensor;
use testkit::files::{Build, With, floats, import, integers, model, node, quant, value, with_opset};

fn operators(graph: &Graph) -> Vec<&'static str> {
    graph.nodes.iter().map(|node| node.operator.name()).collect()
}

/// Imports a model and runs it on `x`.
fn result(model: &ModelProto, x: &[f64]) -> (Vec<usize>, Vec<f64>) {
    let graph = import(model).unwrap();
    support::round_trip::check(&graph);
    let shape = graph.value(graph.input).shape.clone();
    let y = reference::run(&graph, &tensor(&shape, x)).unwrap();
    (y.shape, y.data)
}

/// The result of one node that reads `x` and writes `y`.
fn single(shape: &[i64], node: NodeProto, x: &[f64]) -> Vec<f64> {
    result(&model(shape).add(node), x).1
}

/// The result of one node that reads `x` and a float constant `c`.
fn with_constant(operator: &str, x: &[f64], dims: &[i64], c: &[f32]) -> Vec<f64> {
    let model = model(&[2, 2]).constant(floats("c", dims, c)).add(node(operator, &["x", "c"], &["y"]));
    result(&model, x).1
}

#[test]
fn arithmetic_broadcasts() {
    let x = [1.0, 2.0, 3.0, 4.0];
    assert_eq!(with_constant("Add", &x, &[2], &[10.0, 20.0]), [11.0, 22.0, 13.0, 24.0]);
    assert_eq!(with_constant("Sub", &x, &[2, 1], &[1.0, 2.0]), [0.0, 1.0, 1.0, 2.0]);
    assert_eq!(with_constant("Mul", &x, &[], &[-2.0]), [-2.0, -4.0, -6.0, -8.0]);
    assert_eq!(with_constant("Div", &x, &[1, 2], &[2.0, 4.0]), [0.5, 0.5, 1.5, 1.0]);
    assert_eq!(with_constant("Pow", &x, &[], &[2.0]), [1.0, 4.0, 9.0, 16.0]);
    assert_eq!(with_constant("Max", &x, &[], &[2.5]), [2.5, 2.5, 3.0, 4.0]);
    assert_eq!(with_constant("Min", &x, &[1], &[2.5]), [1.0, 2.0, 2.5, 2.5]);
}

#[test]
fn unary_operators() {
    let x = [-2.0, -0.5, 0.0, 4.0];
    let y = |operator: &str| single(&[4], node(operator, &["x"], &["y"]), &x);
    assert_eq!(y("Neg"), [2.0, 0.5, 0.0, -4.0]);
    assert_eq!(y("Abs"), [2.0, 0.5, 0.0, 4.0]);
    assert_eq!(y("Relu"), [0.0, 0.0, 0.0, 4.0]);
    assert_eq!(y("Sign"), [-1.0, -1.0, 0.0, 1.0]);
    assert_eq!(y("Round"), [-2.0, 0.0, 0.0, 4.0]);
    assert_eq!(y("Floor"), [-2.0, -1.0, 0.0, 4.0]);
    assert_eq!(y("Ceil"), [-2.0, 0.0, 0.0, 4.0]);
    assert_eq!(single(&[2], node("Floor", &["x"], &["y"]), &[1e20, -1e20]), [f64::from(1e20f32), f64::from(-1e20f32)]);
    assert_eq!(single(&[2], node("Sqrt", &["x"], &["y"]), &[2.25, 16.0]), [1.5, 4.0]);
}

#[test]
fn clip_has_its_limits_as_attributes_or_inputs() {
    let x = [-3.0, -0.5, 0.5, 3.0];
    let attributes = node("Clip", &["x"], &["y"]).float("min", -1.0).float("max", 1.0);
    let old = with_opset(model(&[4]).add(attributes), 9);
    assert_eq!(result(&old, &x).1, [-1.0, -0.5, 0.5, 1.0]);
    let inputs = model(&[4]).constant(floats("low", &[], &[-1.0])).constant(floats("high", &[], &[0.25])).add(node(
        "Clip",
        &["x", "low", "high"],
        &["y"],
    ));
    assert_eq!(result(&inputs, &x).1, [-1.0, -0.5, 0.25, 0.25]);
    let upper = model(&[4]).constant(floats("high", &[], &[0.0])).add(node("Clip", &["x", "", "high"], &["y"]));
    assert_eq!(result(&upper, &x).1, [-3.0, -0.5, 0.0, 0.0]);
    let infinite =
        model(&[4]).constant(floats("low", &[], &[f32::NEG_INFINITY])).add(node("Clip", &["x", "low"], &["y"]));
    assert_eq!(result(&infinite, &x).1, x);
}

#[test]
fn mat_mul_has_the_shapes_of_numpy() {
    let b: Vec<f32> = (1..=6).map(|i| i as f32).collect();
    let y = |shape: &[i64], x: &[f64], dims: &[i64]| {
        let model = model(shape).constant(floats("b", dims, &b)).add(node("MatMul", &["x", "b"], &["y"]));
        result(&model, x)
    };
    assert_eq!(y(&[1, 2], &[1.0, 10.0], &[2, 3]), (vec![1, 3], vec![41.0, 52.0, 63.0]));
    assert_eq!(y(&[2], &[1.0, 10.0], &[2, 3]), (vec![3], vec![41.0, 52.0, 63.0]));
    assert_eq!(
        y(&[2, 6], &[1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0], &[6]),
        (vec![2], vec![7.0, 2.0])
    );
    let stacked = (vec![2, 1, 3], vec![1.0, 2.0, 3.0, 40.0, 50.0, 60.0]);
    assert_eq!(y(&[2, 1, 1], &[1.0, 10.0], &[2, 1, 3]), stacked);
    let shared = (vec![3, 2, 2], vec![1.0, 2.0, 10.0, 20.0, 3.0, 4.0, 30.0, 40.0, 5.0, 6.0, 50.0, 60.0]);
    assert_eq!(y(&[2, 1], &[1.0, 10.0], &[3, 1, 2]), shared);
}

#[test]
fn gemm_transposes_scales_and_adds() {
    // A = [[1, 2], [3, 4]], B = [[1, 0, 2], [0, 1, 3]]
    let x = [1.0, 2.0, 3.0, 4.0];
    let b = [1.0, 0.0, 2.0, 0.0, 1.0, 3.0];
    let b_turned = [1.0, 0.0, 0.0, 1.0, 2.0, 3.0];
    let y = |dims: &[i64], b: &[f32], flags: [i64; 2]| {
        let gemm = node("Gemm", &["x", "b", "c"], &["y"])
            .int("transA", flags[0])
            .int("transB", flags[1])
            .float("alpha", 2.0)
            .float("beta", 0.5);
        let model =
            model(&[2, 2]).constant(floats("b", dims, b)).constant(floats("c", &[3], &[2.0, 4.0, 6.0])).add(gemm);
        result(&model, &x).1
    };
    let plain = [3.0, 6.0, 19.0, 7.0, 10.0, 39.0];
    assert_eq!(y(&[2, 3], &b, [0, 0]), plain);
    assert_eq!(y(&[3, 2], &b_turned, [0, 1]), plain);
    assert_eq!(y(&[2, 3], &b, [1, 0]), [3.0, 8.0, 25.0, 5.0, 10.0, 35.0]);
    let without = model(&[2, 2]).constant(floats("b", &[2, 3], &b)).add(node("Gemm", &["x", "b"], &["y"]));
    assert_eq!(result(&without, &x).1, [1.0, 2.0, 8.0, 3.0, 4.0, 18.0]);
}

#[test]
fn sums_that_cancel_are_zero() {
    let model = model(&[1, 5]).constant(floats("w", &[5, 1], &[0.1, 1e8, 0.7, -1e8, -0.1])).add(node(
        "MatMul",
        &["x", "w"],
        &["y"],
    ));
    assert_eq!(result(&model, &[3.0, 3.0, 0.0, 3.0, 3.0]).1, [0.0]);
}

#[test]
fn batch_normalization_along_axis_1() {
    let model = model(&[1, 2, 2])
        .constant(floats("scale", &[2], &[2.0, -1.0]))
        .constant(floats("bias", &[2], &[1.0, 0.5]))
        .constant(floats("mean", &[2], &[1.0, 2.0]))
        .constant(floats("var", &[2], &[3.75, 0.0]))
        .add(node("BatchNormalization", &["x", "scale", "bias", "mean", "var"], &["y"]).float("epsilon", 0.25));
    assert_eq!(result(&model, &[1.0, 3.0, 2.0, 3.0]).1, [1.0, 3.0, 0.5, -1.5]);
}

#[test]
fn bipolar_quant_has_no_zero() {
    let model = model(&[2, 2]).constant(floats("scale", &[2, 1], &[0.5, 2.0])).add(node(
        "BipolarQuant",
        &["x", "scale"],
        &["y"],
    ));
    assert_eq!(result(&model, &[-0.0, -1e-30, 3.0, -7.0]).1, [0.5, -0.5, 2.0, -2.0]);
}

fn quant_model(bits: f32, scale: f32, zero_point: f32, node: NodeProto) -> ModelProto {
    model(&[6])
        .constant(floats("scale", &[], &[scale]))
        .constant(floats("zero_point", &[1], &[zero_point]))
        .constant(floats("bits", &[], &[bits]))
        .add(node)
}

fn quant_node(signed: i64, narrow: i64, mode: &str) -> NodeProto {
    node("Quant", &["x", "scale", "zero_point", "bits"], &["y"])
        .int("signed", signed)
        .int("narrow", narrow)
        .text("rounding_mode", mode)
}

#[test]
fn quant_clamps_then_rounds() {
    let x = [-9.0, -0.75, -0.25, 0.25, 0.75, 9.0];
    let y = |signed, narrow, mode| result(&quant_model(3.0, 0.5, 0.0, quant_node(signed, narrow, mode)), &x).1;
    assert_eq!(y(1, 0, "ROUND"), [-2.0, -1.0, 0.0, 0.0, 1.0, 1.5]);
    assert_eq!(y(1, 1, "round"), [-1.5, -1.0, 0.0, 0.0, 1.0, 1.5]);
    assert_eq!(y(0, 0, "FLOOR"), [0.0, 0.0, 0.0, 0.0, 0.5, 3.5]);
    assert_eq!(y(0, 1, "Ceil"), [0.0, 0.0, 0.0, 0.5, 1.0, 3.0]);
    assert_eq!(y(1, 0, "HALF_UP"), [-2.0, -1.0, -0.5, 0.5, 1.0, 1.5]);
    assert_eq!(y(1, 0, "HALF_DOWN"), [-2.0, -0.5, 0.0, 0.0, 0.5, 1.5]);
    let shifted = quant_model(3.0, 0.5, 2.0, quant_node(0, 0, "ROUND_TO_ZERO"));
    assert_eq!(result(&shifted, &x).1, [-1.0, -1.0, -0.5, 0.0, 0.5, 2.5]);
}

#[test]
fn quant_is_quant_under_every_name() {
    let expected = Operator::Quant { signed: true, narrow: false, rounding: RoundingMode::HalfEven };
    for (name, domain) in [
        ("Quant", ""),
        ("Quant", "onnx.brevitas"),
        ("Quant", "qonnx.custom_op.general"),
        ("IntQuant", "qonnx.custom_op.general"),
        ("IntQuant", "finn.custom_op.general"),
    ] {
        let mut node = quant_node(1, 0, "half_even");
        node.op_type = name.into();
        node.domain = domain.into();
        let graph = import(&quant_model(4.0, 0.5, 0.0, node)).unwrap();
        assert_eq!(graph.nodes[0].operator, expected);
    }
}

#[test]
fn one_signed_bit_is_bipolar() {
    let x = [-9.0, -0.75, -0.25, 0.25, 0.0, 9.0];
    let model = quant_model(1.0, 0.5, 0.0, quant_node(1, 1, "ROUND"));
    assert_eq!(operators(&import(&model).unwrap()), ["BipolarQuant"]);
    assert_eq!(result(&model, &x).1, [-0.5, -0.5, -0.5, 0.5, 0.5, 0.5]);
}

#[test]
fn parameters_with_surplus_axes_fit() {
    let model = model(&[2, 2]).constant(floats("scale", &[1, 1, 2, 1], &[0.5, 2.0])).add(node(
        "BipolarQuant",
        &["x", "scale"],
        &["y"],
    ));
    assert_eq!(result(&model, &[1.0, -1.0, 1.0, -1.0]), (vec![2, 2], vec![0.5, -0.5, 2.0, -2.0]));
}

#[test]
fn multi_threshold_counts() {
    let thresholds = floats("t", &[2, 3], &[0.0, 1.0, 2.0, -1.0, 0.0, 0.0]);
    let counted = |shape: &[i64], layout: &str, x: &[f64]| {
        let mut node = node("MultiThreshold", &["x", "t"], &["y"])
            .text("out_dtype", "UINT2")
            .float("out_scale", 2.0)
            .float("out_bias", -1.0)
            .text("data_layout", layout);
        node.domain = "finn.custom_op.general".into();
        result(&model(shape).constant(thresholds.clone()).add(node), x).1
    };
    assert_eq!(counted(&[2, 2], "", &[0.0, -2.0, 1.5, -1.0]), [1.0, -1.0, 3.0, 1.0]);
    assert_eq!(counted(&[2, 2], "NC", &[-0.5, -0.5, 3.0, 0.0]), [-1.0, 1.0, 5.0, 5.0]);
    assert_eq!(counted(&[1, 2, 1, 2], "NCHW", &[-0.5, 0.0, -0.5, 0.0]), [-1.0, 1.0, 1.0, 5.0]);
    assert_eq!(counted(&[1, 1, 2, 2], "NHWC", &[-0.5, -0.5, 0.0, 0.0]), [-1.0, 1.0, 1.0, 5.0]);
    assert_eq!(counted(&[1, 2, 2], "", &[-0.5, -0.5, 0.0, 0.0]), [-1.0, 1.0, 1.0, 5.0]);
}

#[test]
fn one_row_of_thresholds_serves_all_channels() {
    let model = model(&[1, 3]).constant(floats("t", &[1, 1], &[0.5])).add(node("MultiThreshold", &["x", "t"], &["y"]));
    assert_eq!(result(&model, &[0.0, 0.5, 1.0]).1, [0.0, 1.0, 1.0]);
}

#[test]
fn top_k_prefers_the_lower_index() {
    let x = [1.0, 3.0, 3.0, -0.0, 0.0, -5.0];
    let indices = |node: NodeProto, version| {
        let model = with_opset(model(&[2, 3]).constant(integers("k", &[2])).add(node), version);
        let graph = import(&model).unwrap();
        assert!(graph.value(graph.output).is_integer);
        result(&model, &x)
    };
    let expected = (vec![2, 2], vec![1.0, 2.0, 0.0, 1.0]);
    assert_eq!(indices(node("TopK", &["x", "k"], &["v", "y"]), 13), expected);
    assert_eq!(indices(node("TopK", &["x"], &["", "y"]).int("k", 2), 9), expected);
    let columns = node("TopK", &["x"], &["", "y"]).int("k", 1).int("axis", 0);
    assert_eq!(indices(columns, 9), (vec![1, 3], vec![0.0, 0.0, 0.0]));
    let values = model(&[2, 3]).constant(integers("k", &[2])).add(node("TopK", &["x", "k"], &["y", "i"]));
    assert_eq!(result(&values, &x).1, [3.0, 3.0, -0.0, 0.0]);
}

#[test]
fn arg_max_keeps_or_drops_the_axis() {
    let x = [1.0, 3.0, 3.0, 7.0, 0.0, -5.0];
    let y =
        |keep| result(&model(&[2, 3]).add(node("ArgMax", &["x"], &["y"]).int("axis", -1).int("keepdims", keep)), &x);
    assert_eq!(y(1), (vec![2, 1], vec![1.0, 0.0]));
    assert_eq!(y(0), (vec![2], vec![1.0, 0.0]));
    let last = node("ArgMax", &["x"], &["y"]).int("axis", 1).int("select_last_index", 1);
    assert_eq!(result(&model(&[2, 3]).add(last), &x), (vec![2, 1], vec![2.0, 0.0]));
}

#[test]
fn functions_of_scores_are_rounded_to_float32() {
    let x = [1.0, 2.0, 3.0, 5.0, 5.0, 5.0];
    let y = |operator: &str, axis: Option<i64>, opset: i64| {
        let node = node(operator, &["x"], &["y"]);
        let node = axis.map_or(node.clone(), |axis| node.int("axis", axis));
        result(&with_opset(model(&[1, 2, 3]).add(node), opset), &x).1
    };
    let singles = |values: [f32; 6]| values.map(f64::from);
    let third = 1.0 / 3.0;
    let rows = singles([0.090_030_57, 0.244_728_47, 0.665_240_94, third, third, third]);
    assert_eq!(y("Softmax", None, 13), rows);
    assert_eq!(y("Softmax", Some(-1), 11), rows);
    let pairs = [[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]]
        .map(|[a, b]: [f64; 2]| [1.0 / (1.0 + (b - a).exp()), 1.0 / (1.0 + (a - b).exp())]);
    let columns = [0, 1].map(|row| pairs.map(|pair| pair[row] as f32)).concat();
    let found: Vec<f32> = y("Softmax", Some(1), 13).into_iter().map(|value| value as f32).collect();
    assert!(found.iter().zip(&columns).all(|(a, b)| (a - b).abs() <= a * f32::EPSILON), "{found:?}");
    // Before operator set 13, along all axes from one on.
    assert_eq!(y("Softmax", None, 11), y("Softmax", Some(1), 11));
    let sum: f64 = y("Softmax", None, 11).iter().sum();
    assert!((sum - 1.0).abs() < 1e-6);
    let logarithms = y("LogSoftmax", Some(2), 13);
    assert!(logarithms.iter().zip(rows).all(|(log, row)| (log.exp() - row).abs() < 1e-7), "{logarithms:?}");
    let sigmoid = single(&[5], node("Sigmoid", &["x"], &["y"]), &[0.0, 1.0, -1.0, 200.0, -200.0]);
    assert_eq!(sigmoid, [0.5, f64::from(0.731_058_6f32), f64::from(0.268_941_43f32), 1.0, 0.0]);
}

/// Scores are real numbers: what cancels in them leaves all digits of the rest.
#[test]
fn scores_are_exact_before_their_function() {
    let model = model(&[2])
        .constant(floats("one", &[], &[1.0]))
        .constant(floats("huge", &[], &[1e37]))
        .add(node("BipolarQuant", &["x", "one"], &["codes"]))
        .add(node("Add", &["codes", "huge"], &["sum"]))
        .add(node("Sub", &["sum", "huge"], &["scores"]))
        .add(node("Sigmoid", &["scores"], &["y"]));
    assert_eq!(result(&model, &[3.0, -3.0]).1, [0.731_058_6f32, 0.268_941_43].map(f64::from));
}

/// Only the order of scores counts where only indices are wanted.
#[test]
fn functions_that_keep_the_order_are_left_out() {
    let graph = |first: NodeProto, axis: i64, search: NodeProto| {
        import(&model(&[2, 3]).constant(integers("k", &[2])).add(first.int("axis", axis)).add(search)).unwrap()
    };
    let softmax = || node("Softmax", &["x"], &["p"]);
    let arg_max = || node("ArgMax", &["p"], &["y"]).int("axis", 1);
    let left = graph(softmax(), 1, arg_max());
    assert_eq!(operators(&left), ["ArgMax"]);
    assert!(
        left.remarks.iter().any(|remark| remark.contains("Softmax") && remark.contains("left out")),
        "{:?}",
        left.remarks
    );
    assert_eq!(operators(&graph(softmax(), 1, node("TopK", &["p", "k"], &["v", "y"]))), ["TopK"]);
    assert_eq!(operators(&graph(softmax(), 1, node("TopK", &["p", "k"], &["y", "i"]))), ["Softmax", "TopK"]);
    assert_eq!(operators(&graph(softmax(), 0, arg_max())), ["Softmax", "ArgMax"]);
}

#[test]
fn layout_operators_change_shapes() {
    let x: Vec<f64> = (0..6).map(f64::from).collect();
    let shape = |shape: &[i64], node: NodeProto, constant: &[i64]| {
        result(&model(shape).constant(integers("c", constant)).add(node), &x).0
    };
    assert_eq!(shape(&[1, 2, 3], node("Reshape", &["x", "c"], &["y"]), &[0, -1]), [1, 6]);
    assert_eq!(shape(&[1, 2, 3], node("Reshape", &["x", "c"], &["y"]), &[3, 2]), [3, 2]);
    assert_eq!(shape(&[1, 2, 3], node("Flatten", &["x"], &["y"]), &[]), [1, 6]);
    assert_eq!(shape(&[1, 2, 3], node("Flatten", &["x"], &["y"]).int("axis", -1), &[]), [2, 3]);
    assert_eq!(shape(&[1, 2, 3], node("Flatten", &["x"], &["y"]).int("axis", 3), &[]), [6, 1]);
    assert_eq!(shape(&[1, 2, 1, 3], node("Squeeze", &["x"], &["y"]), &[]), [2, 3]);
    assert_eq!(shape(&[1, 2, 1, 3], node("Squeeze", &["x", "c"], &["y"]), &[-2]), [1, 2, 3]);
    assert_eq!(shape(&[1, 2, 1, 3], node("Squeeze", &["x"], &["y"]).ints("axes", &[0]), &[]), [2, 1, 3]);
    assert_eq!(shape(&[2, 3], node("Unsqueeze", &["x", "c"], &["y"]), &[0, -1]), [1, 2, 3, 1]);
    assert_eq!(shape(&[2, 3], node("Unsqueeze", &["x"], &["y"]).ints("axes", &[1]), &[]), [2, 1, 3]);
    let transposed = model(&[2, 3]).add(node("Transpose", &["x"], &["y"]));
    assert_eq!(result(&transposed, &x), (vec![3, 2], vec![0.0, 3.0, 1.0, 4.0, 2.0, 5.0]));
    let permuted = model(&[1, 2, 3]).add(node("Transpose", &["x"], &["y"]).ints("perm", &[2, 0, 1]));
    assert_eq!(result(&permuted, &x), (vec![3, 1, 2], vec![0.0, 3.0, 1.0, 4.0, 2.0, 5.0]));
}

#[test]
fn what_changes_nothing_vanishes() {
    let model = model(&[1, 4])
        .constant(integers("shape", &[1, 4]))
        .add(node("Identity", &["x"], &["a"]))
        .add(node("Dropout", &["a"], &["b"]).float("ratio", 0.5))
        .add(node("Cast", &["b"], &["c"]).int("to", 11))
        .add(node("Reshape", &["c", "shape"], &["d"]))
        .add(node("Transpose", &["d"], &["e"]).ints("perm", &[0, 1]))
        .add(node("Expand", &["e", "shape"], &["f"]))
        .add(node("Relu", &["f"], &["y"]));
    assert_eq!(operators(&import(&model).unwrap()), ["Relu"]);
}

#[test]
fn quantized_weights_are_folded_exactly() {
    let model = model(&[1, 2])
        .constant(floats("w", &[2, 2], &[0.9, -0.31, 0.04, 7.0]))
        .constant(floats("scale", &[2, 1], &[0.1, 0.3]))
        .constant(floats("zero", &[], &[0.0]))
        .constant(floats("bits", &[], &[4.0]))
        .add(quant(&["w", "scale", "zero", "bits"], "q"))
        .add(node("Transpose", &["q"], &["t"]))
        .add(node("MatMul", &["x", "t"], &["y"]));
    let graph = import(&model).unwrap();
    assert_eq!(operators(&graph), ["MatMul"]);
    let weights = graph.constant(graph.nodes[0].inputs[1]).unwrap();
    let (first, second) = (f64::from(0.1f32), f64::from(0.3f32));
    assert_eq!(weights.data, [7.0 * first, 0.0 * second, -3.0 * first, 7.0 * second]);
}

#[test]
fn float_arithmetic_between_constants_is_float32s() {
    let model = model(&[1, 2])
        .constant(floats("v", &[1], &[0.3]))
        .constant(floats("e", &[], &[1e-5]))
        .constant(floats("half", &[], &[0.5]))
        .add(node("Add", &["v", "e"], &["s"]))
        .add(node("Pow", &["s", "half"], &["d"]))
        .add(node("Div", &["x", "d"], &["y"]));
    assert_eq!(operators(&import(&model).unwrap()), ["Div"]);
    let deviation = (0.3f32 + 1e-5f32).sqrt();
    assert_eq!(result(&model, &[1.0, 2.0]).1, [f64::from(1.0 / deviation), f64::from(2.0 / deviation)]);
}

#[test]
fn constants_that_leave_float32_are_refused() {
    let model = model(&[1, 2])
        .constant(floats("a", &[], &[3e38]))
        .add(node("Mul", &["a", "a"], &["square"]))
        .add(node("Mul", &["x", "square"], &["y"]));
    assert!(matches!(import(&model), Err(network::onnx::ImportError::NotFinite { .. })));
}

#[test]
fn an_integer_image_is_cast_to_numbers() {
    let mut model = model(&[1, 2]).add(node("Cast", &["x"], &["f"]).int("to", 1)).add(node("Neg", &["f"], &["y"]));
    model.graph().input = vec![value("x", testkit::files::UINT8, &testkit::files::fixed(&[1, 2]))];
    let graph = import(&model).unwrap();
    assert!(graph.value(graph.input).is_integer && !graph.value(graph.output).is_integer);
    assert_eq!(result(&model, &[200.0, 0.0]).1, [-200.0, 0.0]);
}

/// 200 is −56 as a signed byte, which is not computed.
#[test]
fn integers_are_not_wrapped_around() {
    let cast = |to: i64| {
        let mut model = model(&[1, 2])
            .add(node("Cast", &["x"], &["c"]).int("to", to))
            .add(node("Cast", &["c"], &["y"]).int("to", 1));
        model.graph().input = vec![value("x", testkit::files::UINT8, &testkit::files::fixed(&[1, 2]))];
        import(&model)
    };
    let [int8, int16] = [3, 5];
    assert!(matches!(cast(int8), Err(network::onnx::ImportError::Attribute { attribute: "to", .. })));
    assert!(cast(int16).is_ok());
}

/// What Keras exports: quantisers as arithmetic, with the straight-through estimator around them.
#[test]
fn quantisers_that_are_written_out() {
    let model = model(&[1, 4])
        .constant(floats("sixteen", &[], &[16.0]))
        .constant(floats("step", &[], &[0.0625]))
        .constant(floats("top", &[], &[0.9375]))
        .constant(floats("zero", &[], &[0.0]))
        .constant(floats("one", &[], &[1.0]))
        .add(node("Mul", &["x", "sixteen"], &["u"]))
        .add(node("Round", &["u"], &["rounded"]))
        .add(node("Neg", &["u"], &["minus_u"]))
        .add(node("Add", &["minus_u", "rounded"], &["rest"]))
        .add(node("Add", &["u", "rest"], &["through"]))
        .add(node("Mul", &["through", "step"], &["q"]))
        .add(node("Min", &["q", "top"], &["min"]))
        .add(node("Max", &["min", "zero"], &["max"]))
        // A function that only the gradient needs, of operators that are not supported.
        .add(node("LessOrEqual", &["x", "top"], &["below"]))
        .add(node("Not", &["below"], &["above"]))
        .add(node("Cast", &["above"], &["mask"]).int("to", 1))
        .add(node("Mul", &["mask", "x"], &["masked"]))
        .add(node("Sub", &["max", "masked"], &["less"]))
        .add(node("Mul", &["one", "less"], &["once"]))
        .add(node("Add", &["masked", "once"], &["y"]));
    let graph = import(&model).unwrap();
    assert_eq!(operators(&graph), ["Mul", "Quant", "Mul"]);
    assert_eq!(result(&model, &[-1.0, 0.09375, 0.5, 3.0]).1, [0.0, 0.125, 0.5, 0.9375]);
    let floor = testkit::files::model(&[1, 4])
        .constant(floats("low", &[], &[-3.0]))
        .constant(floats("high", &[], &[2.0]))
        .add(node("Floor", &["x"], &["u"]))
        .add(node("Clip", &["u", "low", "high"], &["y"]));
    assert_eq!(operators(&import(&floor).unwrap()), ["Quant", "Clip"]);
    assert_eq!(result(&floor, &[-3.5, -0.5, 1.9, 7.0]).1, [-3.0, -1.0, 1.0, 2.0]);
}
