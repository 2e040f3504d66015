//! Operators on constants through a file: whatever they are, their result is a constant with the values computed by hand.

#![allow(clippy::unwrap_used)]

mod support;

use network::graph::Graph;
use network::onnx::proto::{ModelProto, NodeProto};
use network::reference;
use support::tensor;
use testkit::files::{Build, With, floats, import, integers, model, node, quant, with_opset};

/// A model that adds what `node` makes of constants to its input of 0: its output holds the values.
fn folded(shape: &[i64], nodes: &[NodeProto]) -> Vec<f64> {
    let graph = import(&with_nodes(shape, nodes)).unwrap();
    assert_eq!(graph.nodes.iter().map(|node| node.operator.name()).collect::<Vec<_>>(), ["Add"]);
    values(&graph)
}

fn values(graph: &Graph) -> Vec<f64> {
    let shape = graph.value(graph.input).shape.clone();
    let zeros = vec![0.0; shape.iter().product()];
    reference::run(graph, &tensor(&shape, &zeros)).unwrap().data
}

fn with_nodes(shape: &[i64], nodes: &[NodeProto]) -> ModelProto {
    let model = with_opset(model(shape), 18)
        .constant(floats("f", &[4], &[-1.5, 0.5, 2.5, 0.25]))
        .constant(floats("p", &[4], &[1.0, 4.0, 0.5, 2.0]))
        .constant(floats("m", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
        .constant(floats("two", &[], &[2.0]))
        .constant(integers("i", &[7, -7, 3, 0]))
        .constant(integers("j", &[2, 2, 5, 5]))
        .constant(integers("axis", &[1]))
        .constant(integers("reps", &[1, 2]));
    let model = nodes.iter().cloned().fold(model, Build::add);
    model.add(node("Cast", &["r"], &["real"]).int("to", 1)).add(node("Add", &["x", "real"], &["y"]))
}

#[test]
fn functions_of_single_elements() {
    let of = |operator: &str, inputs: &[&str]| folded(&[4], &[node(operator, inputs, &["r"])]);
    assert_eq!(of("Ceil", &["f"]), [-1.0, 1.0, 3.0, 1.0]);
    assert_eq!(of("Floor", &["f"]), [-2.0, 0.0, 2.0, 0.0]);
    assert_eq!(of("Round", &["f"]), [-2.0, 0.0, 2.0, 0.0]);
    assert_eq!(of("Reciprocal", &["p"]), [1.0, 0.25, 2.0, 0.5]);
    let log2 = |x: f32| f64::from((f64::from((f64::from(x)).ln() as f32) / f64::from(2f64.ln() as f32)) as f32);
    let logs = folded(
        &[4],
        &[node("Log", &["p"], &["ln"]), node("Log", &["two"], &["ln2"]), node("Div", &["ln", "ln2"], &["r"])],
    );
    assert_eq!(logs, [0.0, log2(4.0), -1.0, 1.0]);
    assert_eq!(of("Exp", &["f"])[1], f64::from(0.5f64.exp() as f32));
    assert_eq!(of("Greater", &["f", "p"]), [0.0, 0.0, 1.0, 0.0]);
    assert_eq!(of("LessOrEqual", &["i", "j"]), [0.0, 1.0, 1.0, 1.0]);
    assert_eq!(of("Mod", &["i", "j"]), [1.0, 1.0, 3.0, 0.0]);
    assert_eq!(of("Max", &["f", "two", "p"]), [2.0, 4.0, 2.5, 2.0]);
    assert_eq!(of("Sum", &["f", "p"]), [-0.5, 4.5, 3.0, 2.25]);
    assert_eq!(of("Mean", &["f", "p"]), [-0.25, 2.25, 1.5, 1.125]);
    let chosen = [node("Greater", &["f", "p"], &["c"]), node("Where", &["c", "f", "two"], &["r"])];
    assert_eq!(folded(&[4], &chosen), [2.0, 2.0, 2.5, 2.0]);
    let is_infinite = |number: f32, with: fn(NodeProto) -> NodeProto| {
        let number = node("Constant", &[], &["number"]).float("value_float", number);
        folded(&[], &[number, with(node("IsInf", &["number"], &["r"]))])
    };
    let (both, positive): (fn(_) -> _, fn(_) -> _) = (|node| node, |node: NodeProto| node.int("detect_negative", 0));
    let found = [f32::INFINITY, f32::NEG_INFINITY, 1.0].map(|x| [is_infinite(x, both)[0], is_infinite(x, positive)[0]]);
    assert_eq!(found, [[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]]);
    let not = [node("Less", &["f", "p"], &["c"]), node("Not", &["c"], &["r"])];
    assert_eq!(folded(&[4], &not), [0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn reductions() {
    let along = |operator: &str| folded(&[2, 1], &[node(operator, &["m", "axis"], &["r"])]);
    let by_attribute = |operator: &str| folded(&[2, 1], &[node(operator, &["m"], &["r"]).ints("axes", &[1])]);
    assert_eq!(along("ReduceSum"), [6.0, 15.0]);
    assert_eq!(by_attribute("ReduceMean"), [2.0, 5.0]);
    assert_eq!(by_attribute("ReduceMax"), [3.0, 6.0]);
    assert_eq!(by_attribute("ReduceMin"), [1.0, 4.0]);
    assert_eq!(along("ReduceProd"), [6.0, 120.0]);
    assert_eq!(along("ReduceSumSquare"), [14.0, 77.0]);
    assert_eq!(along("ReduceL1"), [6.0, 15.0]);
    assert_eq!(folded(&[1, 1], &[node("ReduceSum", &["m"], &["r"])]), [21.0]);
    assert_eq!(folded(&[2, 1], &[node("ArgMax", &["m"], &["r"]).int("axis", 1)]), [2.0, 2.0]);
    assert_eq!(folded(&[3], &[node("ArgMin", &["m"], &["r"]).int("axis", 0).int("keepdims", 0)]), [0.0, 0.0, 0.0]);
    assert_eq!(folded(&[2, 3], &[node("CumSum", &["m", "axis"], &["r"])]), [1.0, 3.0, 6.0, 4.0, 9.0, 15.0]);
}

#[test]
fn elements_at_other_places() {
    let tiled = folded(&[2, 6], &[node("Tile", &["m", "reps"], &["r"])]);
    assert_eq!(tiled, [1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 4.0, 5.0, 6.0]);
    let upper = folded(&[2, 3], &[node("Trilu", &["m"], &["r"])]);
    assert_eq!(upper, [1.0, 2.0, 3.0, 0.0, 5.0, 6.0]);
    let ones = |k: i64| folded(&[2, 3], &[node("EyeLike", &["m"], &["r"]).int("k", k)]);
    assert_eq!(ones(1), [0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!(ones(i64::MAX), [0.0; 6]);
    let gathered = [node("Constant", &[], &["at"]).ints("value_ints", &[1, 2]), node("GatherND", &["m", "at"], &["r"])];
    assert_eq!(folded(&[], &gathered), [6.0]);
}

#[test]
fn products_and_windows() {
    let nodes = [node("Transpose", &["m"], &["t"]).ints("perm", &[1, 0]), node("MatMul", &["m", "t"], &["r"])];
    assert_eq!(folded(&[2, 2], &nodes), [14.0, 32.0, 32.0, 77.0]);
    let pooled = [
        node("Constant", &[], &["shape"]).ints("value_ints", &[1, 1, 2, 3]),
        node("Reshape", &["m", "shape"], &["image"]),
        node("MaxPool", &["image"], &["r"]).ints("kernel_shape", &[2, 2]),
    ];
    assert_eq!(folded(&[1, 1, 1, 2], &pooled), [5.0, 6.0]);
}

#[test]
fn quantisers_of_any_width() {
    // What Brevitas' Int32Bias leaves: 2^25 + 1 is no float32, so its codes are not either.
    for bits in [30.0f32, 32.0, 33.0, 64.0] {
        let model = with_nodes(&[4], &[quant(&["f", "scale", "zero", "bits"], "q"), node("Identity", &["q"], &["r"])])
            .constant(floats("scale", &[], &[0.001]))
            .constant(floats("zero", &[], &[0.0]))
            .constant(floats("bits", &[], &[bits]));
        let graph = import(&model).unwrap();
        assert_eq!(graph.nodes.len(), 1, "{graph}");
        let scale = f64::from(0.001f32);
        let expected = [-1500.0, 500.0, 2500.0, 250.0].map(|code| f64::from((code * scale) as f32));
        assert_eq!(values(&graph).iter().map(|x| f64::from(*x as f32)).collect::<Vec<_>>(), expected);
    }
}
