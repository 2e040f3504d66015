//! Standard quantised operators through a file: import, run in the reference, compare with values computed by hand.

#![allow(clippy::unwrap_used)]

mod support;

use network::graph::Graph;
use network::onnx::proto::{ModelProto, NodeProto, TensorProto};
use network::reference;
use support::tensor;
use testkit::files::{Build, INT32, UINT8, With, fixed, floats, import, model, node, value, with_opset};

const INT8: i32 = 3;
const UINT2: i32 = 25;
const INT2: i32 = 26;
const UINT4: i32 = 21;
const INT4: i32 = 22;

fn integers(name: &str, data_type: i32, dims: &[i64], data: &[i32]) -> TensorProto {
    TensorProto { name: name.into(), dims: dims.to_vec(), data_type, int32_data: data.to_vec(), ..Default::default() }
}

fn operators(graph: &Graph) -> Vec<&'static str> {
    graph.nodes.iter().map(|node| node.operator.name()).collect()
}

fn result(model: &ModelProto, x: &[f64]) -> Vec<f64> {
    let graph = import(model).unwrap();
    reference::run(&graph, &tensor(&graph.value(graph.input).shape, x)).unwrap().data
}

/// Makes the input one of integers.
fn of_integers(mut model: ModelProto, data_type: i32, shape: &[i64]) -> ModelProto {
    model.graph().input = vec![value("x", data_type, &fixed(shape))];
    model
}

fn onnxruntime(node: NodeProto) -> NodeProto {
    NodeProto { domain: "com.microsoft".into(), ..node }
}

#[test]
fn quantisers_round_before_they_add_the_zero_point() {
    let quantise = |zero_point: i32, data_type: i32, x: &[f64]| {
        let model = model(&[x.len() as i64])
            .constant(floats("s", &[], &[0.5]))
            .constant(integers("z", data_type, &[], &[zero_point]))
            .add(node("QuantizeLinear", &["x", "s", "z"], &["y"]));
        result(&model, x)
    };
    // Middles go to the even integer and only then to the zero point.
    assert_eq!(quantise(3, UINT8, &[0.25, 0.75, -0.25, -0.75, 1.25]), [3.0, 5.0, 3.0, 1.0, 5.0]);
    assert_eq!(quantise(3, UINT8, &[-9.0, 1e9, 126.0, 126.25]), [0.0, 255.0, 255.0, 255.0]);
    assert_eq!(quantise(-7, INT8, &[-61.0, 67.0, 0.0]), [-128.0, 127.0, -7.0]);
}

#[test]
fn quotients_are_float32() {
    // 0.3f32 / 0.1f32 is just below 3 + 2^-23 times something; 0.35f32 / 0.1f32 is 3.5 as a float32 and not exactly.
    let (x, scale) = (0.35f32, 0.1f32);
    assert!(x / scale == 3.5 && f64::from(x) / f64::from(scale) < 3.5);
    let model = model(&[1]).constant(floats("s", &[1], &[scale])).add(node("QuantizeLinear", &["x", "s"], &["y"]));
    assert_eq!(result(&model, &[f64::from(x)]), [4.0]);
}

#[test]
fn scales_go_along_an_axis() {
    let quantiser = |axis: i64| {
        model(&[2, 2])
            .constant(floats("s", &[2], &[1.0, 0.5]))
            .constant(integers("z", UINT8, &[2], &[0, 10]))
            .add(node("QuantizeLinear", &["x", "s", "z"], &["q"]).int("axis", axis))
            .add(node("DequantizeLinear", &["q", "s", "z"], &["y"]).int("axis", axis))
    };
    let x = [-1.0, -1.0, 1.3, 1.3];
    assert_eq!(result(&quantiser(1), &x), [0.0, -1.0, 1.0, 1.5]);
    assert_eq!(result(&quantiser(-2), &x), [0.0, 0.0, 1.5, 1.5]);
}

#[test]
fn weights_are_folded() {
    let model = with_opset(model(&[1, 2]), 21)
        .constant(integers("w", UINT8, &[2, 2], &[0, 255, 7, 130]))
        .constant(floats("s", &[2], &[0.1, 0.3]))
        .constant(integers("z", UINT8, &[2], &[128, 7]))
        .constant(integers("packed", INT4, &[3], &[0x7f, 0x08]))
        .constant(integers("halves", UINT4, &[2], &[0xf1]))
        .constant(floats("one", &[], &[1.0]))
        .add(node("DequantizeLinear", &["w", "s", "z"], &["real"]).int("axis", 0))
        .add(node("MatMul", &["x", "real"], &["y"]));
    let graph = import(&model).unwrap();
    assert_eq!(operators(&graph), ["MatMul"]);
    let (first, second) = (f64::from(0.1f32), f64::from(0.3f32));
    let weights = &graph.constant(graph.nodes[0].inputs[1]).unwrap().data;
    assert_eq!(weights, &[-128.0 * first, 127.0 * first, 0.0, 123.0 * second]);
    // Two integers of four bits in a byte.
    let fourth = |constant: &str, outputs: usize| {
        let mut model = model.clone();
        model.graph().node.clear();
        let model = model
            .add(node("DequantizeLinear", &[constant, "one"], &["real"]))
            .add(node("Concat", &["real", "real"], &["twice"]).int("axis", 0))
            .add(node("ReduceSum", &["x"], &["unused"]))
            .add(node("Reshape", &["x", "shape"], &["column"]))
            .constant(testkit::files::integers("shape", &[2, 1]))
            .add(node("Mul", &["column", "twice"], &["y"]));
        result(&model, &[1.0, 0.0])[..outputs].to_vec()
    };
    assert_eq!(fourth("packed", 3), [-1.0, 7.0, -8.0]);
    assert_eq!(fourth("halves", 2), [1.0, 15.0]);
}

/// Brevitas' QCDQ: integers of fewer bits than the type that stores them.
#[test]
fn limits_on_integers_narrow_their_quantiser() {
    let limited = |nodes: &[NodeProto]| {
        let model = model(&[1, 5])
            .constant(floats("s", &[], &[0.5]))
            .constant(integers("z", INT8, &[], &[1]))
            .constant(integers("low", INT8, &[], &[-4]))
            .constant(integers("high", INT8, &[], &[3]))
            .constant(integers("least", INT8, &[], &[-128]))
            .add(node("QuantizeLinear", &["x", "s", "z"], &["q"]));
        let model = nodes.iter().cloned().fold(model, Build::add);
        model.add(node("DequantizeLinear", &["c", "s", "z"], &["y"]))
    };
    let clip = |inputs: &[&str]| node("Clip", inputs, &["c"]);
    let x = [-9.0, -1.0, 0.25, 1.0, 9.0];
    let expected = [-2.5, -1.0, 0.0, 1.0, 1.0];
    let forms = [
        vec![clip(&["q", "low", "high"])],
        vec![node("Max", &["low", "q"], &["m"]), node("Min", &["m", "high"], &["c"])],
        vec![node("Clip", &["q", "least"], &["m"]), clip(&["m", "low", "high"])],
    ];
    for nodes in forms {
        let graph = import(&limited(&nodes)).unwrap();
        assert_eq!(operators(&graph), ["QuantizeLinear", "Sub", "Mul"]);
        assert_eq!(result(&limited(&nodes), &x), expected);
    }
    let relu = [node("Relu", &["q"], &["c"])];
    assert_eq!(result(&limited(&relu), &x), [-0.5, -0.5, 0.0, 1.0, 9.0]);
    // Behind other integers it is a function of them.
    let behind = [node("Reshape", &["q", "flat"], &["m"]), clip(&["m", "low", "high"])];
    let model = limited(&behind).constant(testkit::files::integers("flat", &[5, 1]));
    assert_eq!(operators(&import(&model).unwrap()), ["QuantizeLinear", "Reshape", "Clip", "Sub", "Mul"]);
    assert_eq!(result(&model, &x), expected);
}

#[test]
fn limits_on_weights_are_their_type() {
    let model = model(&[1, 2])
        .constant(integers("w", INT8, &[2, 1], &[-9, 2]))
        .constant(floats("s", &[], &[0.5]))
        .constant(integers("low", INT8, &[], &[-7]))
        .constant(integers("high", INT8, &[], &[7]))
        .add(node("Clip", &["w", "low", "high"], &["c"]))
        .add(node("DequantizeLinear", &["c", "s"], &["real"]))
        .add(node("MatMul", &["x", "real"], &["y"]));
    let graph = import(&model).unwrap();
    assert_eq!(graph.weight_types.values().map(ToString::to_string).collect::<Vec<_>>(), ["i4"]);
    assert_eq!(result(&model, &[1.0, 1.0]), [-2.5]);
}

#[test]
fn types_of_two_bits() {
    let of = |number: i32, packed: &[i32]| {
        let model = with_opset(model(&[5]), 25)
            .constant(integers("w", number, &[5], packed))
            .constant(floats("one", &[], &[1.0]))
            .add(node("DequantizeLinear", &["w", "one"], &["real"]))
            .add(node("Mul", &["x", "real"], &["y"]));
        result(&model, &[1.0; 5])
    };
    // Four in a byte, the first in the lowest bits.
    assert_eq!(of(INT2, &[201, 1]), [1.0, -2.0, 0.0, -1.0, 1.0]);
    assert_eq!(of(UINT2, &[0b1110_0100, 1]), [0.0, 1.0, 2.0, 3.0, 1.0]);
}

#[test]
fn large_biases_are_not_rounded() {
    let model = model(&[1, 1])
        .constant(integers("b", INT32, &[1], &[i32::MAX]))
        .constant(floats("s", &[], &[0.1]))
        .add(node("DequantizeLinear", &["b", "s"], &["real"]))
        .add(node("Add", &["x", "real"], &["y"]));
    assert_eq!(operators(&import(&model).unwrap()), ["Mul", "Add"]);
}

/// Two channels, a padded 1 x 2 kernel: a padded tap counts as the zero point.
#[test]
fn convolutions_of_integers() {
    let parameters = |model: ModelProto| {
        of_integers(model, UINT8, &[1, 1, 1, 3])
            .constant(floats("xs", &[], &[0.5]))
            .constant(integers("xz", UINT8, &[], &[10]))
            .constant(integers("w", INT8, &[2, 1, 1, 2], &[1, -2, 3, 4]))
            .constant(floats("ws", &[2], &[0.25, 2.0]))
            .constant(integers("wz", INT8, &[2], &[0, 1]))
            .constant(floats("ys", &[], &[0.5]))
            .constant(integers("yz", UINT8, &[], &[100]))
            .constant(integers("b", INT32, &[2], &[4, -1]))
    };
    let inputs = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"];
    let conv = node("QLinearConv", &inputs, &["y"]).ints("pads", &[0, 1, 0, 0]);
    let x = [11.0, 8.0, 30.0];
    // x less 10: 0 1 -2 20. Rows: (1, -2) + 4 times 1/4, and (2, 3) - 1 times 2.
    // 0 − 2 + 4 = 2 → 0.5 → 0, 1 + 4 + 4 = 9 → 2.25 → 2, −2 − 40 + 4 = −38 → −9.5 → −10
    // 0 + 3 − 1 = 2 → 4, 2 − 6 − 1 = −5 → −10, −4 + 60 − 1 = 55 → 110
    assert_eq!(result(&parameters(model(&[1])).add(conv), &x), [100.0, 102.0, 90.0, 104.0, 90.0, 210.0]);
    let plain = node("ConvInteger", &["x", "w", "xz", "wz"], &["y"]).ints("pads", &[0, 1, 0, 0]);
    assert_eq!(result(&parameters(model(&[1])).add(plain), &x), [-2.0, 5.0, -42.0, 3.0, -4.0, 56.0]);
}

#[test]
fn products_of_integers() {
    let parameters = |model: ModelProto| {
        of_integers(model, INT8, &[1, 2])
            .constant(floats("as", &[1], &[0.5]))
            .constant(integers("az", INT8, &[1], &[-1]))
            .constant(integers("b", UINT8, &[2, 2], &[1, 2, 3, 4]))
            .constant(floats("bs", &[2], &[0.25, 0.5]))
            .constant(integers("bz", UINT8, &[2], &[2, 2]))
            .constant(floats("ys", &[], &[1.0]))
            .constant(integers("yz", INT8, &[], &[3]))
            .constant(integers("c", INT32, &[2], &[8, -4]))
    };
    let x = [9.0, 4.0];
    // a less −1: 10 5. b less 2: (−1 0) (1 2). Products: −5 and 10.
    let add = |node: NodeProto| result(&parameters(model(&[1])).add(node), &x);
    let inputs = ["x", "as", "az", "b", "bs", "bz", "ys", "yz"];
    // −5/8 → −1, 10/4 = 2.5 → 2
    assert_eq!(add(node("QLinearMatMul", &inputs, &["y"])), [2.0, 5.0]);
    assert_eq!(add(node("MatMulInteger", &["x", "b", "az", "bz"], &["y"])), [-5.0, 10.0]);
    let gemm = ["x", "as", "az", "b", "bs", "bz", "c", "ys", "yz"];
    // 3/8 → 0, 6/4 → 2
    assert_eq!(add(onnxruntime(node("QGemm", &gemm, &["y"]))), [3.0, 5.0]);
    assert_eq!(add(onnxruntime(node("QGemm", &gemm[..7], &["y"]))), [0.375, 1.5]);
    // With b turned: (−1 0) and (1 2) against 10 5, −10 and 20.
    let turned = ["x", "as", "az", "b", "bs", "bz"];
    assert_eq!(add(onnxruntime(node("QGemm", &turned, &["y"]).int("transB", 1))), [-1.25, 5.0]);
}

#[test]
fn sums_pools_and_parts_of_integers() {
    let parameters = |model: ModelProto| {
        of_integers(model, UINT8, &[1, 1, 2, 2])
            .constant(floats("s", &[], &[0.5]))
            .constant(integers("z", UINT8, &[], &[1]))
            .constant(floats("t", &[], &[0.25]))
            .constant(integers("other", UINT8, &[1, 1, 2, 2], &[0, 4, 8, 12]))
            .constant(integers("four", UINT8, &[], &[4]))
    };
    let x = [1.0, 3.0, 4.0, 7.0];
    let add = |node: NodeProto| result(&parameters(model(&[1])).add(onnxruntime(node)), &x);
    // x is 0 1 1.5 3, other is −1 0 1 2, the sum −1 1 2.5 5, in halves from 1.
    let sum = ["x", "s", "z", "other", "t", "four", "s", "z"];
    assert_eq!(add(node("QLinearAdd", &sum, &["y"])), [0.0, 3.0, 6.0, 11.0]);
    // The mean is 1.375, 2.75 halves.
    let pooled = ["x", "s", "z", "s", "z"];
    assert_eq!(add(node("QLinearGlobalAveragePool", &pooled, &["y"])), [4.0]);
    let pool = node("QLinearAveragePool", &pooled, &["y"]).ints("kernel_shape", &[1, 2]);
    // Means of 0.5 and 2.25: 1 and 4.5 halves.
    assert_eq!(add(pool), [2.0, 5.0]);
    let parts = ["t", "four", "x", "s", "z", "other", "t", "four"];
    let joined = add(node("QLinearConcat", &parts, &["y"]).int("axis", 1));
    assert_eq!(joined, [4.0, 8.0, 10.0, 16.0, 0.0, 4.0, 8.0, 12.0]);
}

#[test]
fn parts_have_names_of_their_own() {
    let model = of_integers(model(&[1]), UINT8, &[1, 2])
        .constant(floats("s", &[], &[0.5]))
        .constant(integers("z", UINT8, &[], &[1]))
        .add(NodeProto { name: "sum_a".into(), ..node("Identity", &["x"], &["x2"]) })
        .add(NodeProto {
            name: "sum".into(),
            ..onnxruntime(node("QLinearAdd", &["x2", "s", "z", "x", "s", "z", "s", "z"], &["y"]))
        });
    let graph = import(&model).unwrap();
    let mut names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
    assert!(names.contains(&"sum_a_2"), "{names:?}");
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), graph.nodes.len());
}

/// Each parameter of each operator in turn is a value that no quantiser writes: an error or a graph, never a panic.
#[test]
fn hostile_parameters_do_not_panic() {
    let hostile = [
        floats("h", &[], &[0.0]),
        floats("h", &[], &[-1.0]),
        floats("h", &[], &[f32::NAN]),
        floats("h", &[], &[f32::INFINITY]),
        floats("h", &[], &[f32::from_bits(1)]),
        floats("h", &[0], &[]),
        floats("h", &[1, 1, 1, 1, 1], &[1.0]),
        floats("h", &[2], &[1.0, 2.0]),
        integers("h", UINT8, &[], &[255]),
        integers("h", UINT8, &[0], &[]),
        integers("h", UINT8, &[3], &[1, 2, 3]),
        integers("h", INT8, &[2, 2], &[1, 2, 3, 4]),
        integers("h", INT32, &[2], &[i32::MIN, i32::MAX]),
        integers("h", INT4, &[1], &[0x9]),
    ];
    let operators: [(&str, bool, &[&str]); 10] = [
        ("QuantizeLinear", false, &["f", "s", "z"]),
        ("DequantizeLinear", false, &["x", "s", "z"]),
        ("QLinearConv", false, &["x", "s", "z", "w", "s", "z", "s", "z", "b"]),
        ("ConvInteger", false, &["x", "w", "z", "z"]),
        ("QLinearMatMul", false, &["x", "s", "z", "m", "s", "z", "s", "z"]),
        ("MatMulInteger", false, &["x", "m", "z", "z"]),
        ("QGemm", true, &["x2", "s", "z", "m", "s", "z", "b", "s", "z"]),
        ("QLinearAdd", true, &["x", "s", "z", "x", "s", "z", "s", "z"]),
        ("QLinearAveragePool", true, &["x", "s", "z", "s", "z"]),
        ("QLinearConcat", true, &["s", "z", "x", "s", "z", "x", "s", "z"]),
    ];
    let mut imported = 0;
    for (operator, is_onnxruntime, inputs) in operators {
        for place in 0..=inputs.len() {
            for tensor in &hostile {
                let mut inputs = inputs.to_vec();
                if let Some(input) = inputs.get_mut(place) {
                    *input = "h";
                }
                let node = node(operator, &inputs, &["y"]).int("axis", 1).ints("kernel_shape", &[1, 1]);
                let node = if is_onnxruntime { onnxruntime(node) } else { node };
                let model = of_integers(model(&[1]), UINT8, &[1, 2, 2, 2])
                    .constant(tensor.clone())
                    .constant(floats("s", &[], &[0.5]))
                    .constant(integers("z", UINT8, &[], &[1]))
                    .constant(integers("w", UINT8, &[2, 2, 1, 1], &[1, 2, 3, 4]))
                    .constant(integers("m", UINT8, &[2, 2], &[1, 2, 3, 4]))
                    .constant(integers("b", INT32, &[2], &[1, 2]))
                    .constant(testkit::files::integers("flat", &[4, 2]))
                    .add(testkit::files::node("Reshape", &["x", "flat"], &["x2"]))
                    .add(testkit::files::node("Cast", &["x"], &["f"]).int("to", 1))
                    .add(node);
                imported += usize::from(import(&model).is_ok());
            }
        }
    }
    assert!(imported > 100, "{imported}");
}
