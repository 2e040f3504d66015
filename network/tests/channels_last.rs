//! Values whose channels come last: the domain `qonnx.custom_op.channels_last`, FINN's pools and its convolutions as
//! patches and a product. Each computes what the standard operator does.

#![allow(clippy::unwrap_used)]

mod support;

use network::graph::{Graph, Operator};
use network::onnx::proto::{ModelProto, NodeProto};
use network::reference;
use support::tensor;
use testkit::files::{Build, With, floats, import, model, node, opset};

fn in_domain(domain: &str, node: NodeProto) -> NodeProto {
    NodeProto { domain: domain.into(), ..node }
}

fn last(node: NodeProto) -> NodeProto {
    in_domain("qonnx.custom_op.channels_last", node)
}

fn result(model: &ModelProto, x: &[f64]) -> (Graph, Vec<usize>, Vec<f64>) {
    let graph = import(model).unwrap();
    support::round_trip::check(&graph);
    let y = reference::run(&graph, &tensor(&graph.value(graph.input).shape, x)).unwrap();
    (graph, y.shape, y.data)
}

/// Two rows of three pixels of two channels.
const X: [f64; 12] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -1.0, -2.0, -3.0, -4.0, -5.0, -6.0];

fn operators(graph: &Graph) -> Vec<&'static str> {
    graph.nodes.iter().map(|node| node.operator.name()).collect()
}

#[test]
fn convolutions_and_pools() {
    let mut model = model(&[1, 2, 3, 2]);
    model.opset_import.push(opset("qonnx.custom_op.channels_last", 1));
    // One output: the first channel of the left pixel less the second of the right one.
    let model = model
        .constant(floats("w", &[1, 1, 2, 2], &[1.0, 0.0, 0.0, -1.0]))
        .add(last(node("Conv", &["x", "w"], &["c"]).ints("kernel_shape", &[1, 2])))
        .add(last(node("MaxPool", &["c"], &["y"]).ints("kernel_shape", &[2, 1])));
    let (graph, shape, y) = result(&model, &X);
    assert_eq!(operators(&graph), ["Transpose", "Conv", "MaxPool", "Transpose"], "transpositions that meet cancel");
    assert_eq!((shape, y), (vec![1, 1, 2, 1], vec![3.0, 3.0]));
}

#[test]
fn normalisation_and_finns_pool() {
    let model = model(&[1, 2, 3, 2])
        .constant(floats("scale", &[2], &[2.0, 1.0]))
        .constant(floats("bias", &[2], &[0.0, 10.0]))
        .constant(floats("mean", &[2], &[1.0, 0.0]))
        .constant(floats("variance", &[2], &[1.0, 1.0]))
        .add(last(
            node("BatchNormalization", &["x", "scale", "bias", "mean", "variance"], &["n"]).float("epsilon", 0.0),
        ))
        .add(in_domain(
            "qonnx.custom_op.general",
            node("MaxPoolNHWC", &["n"], &["y"])
                .ints("kernel_shape", &[2, 3])
                .ints("pads", &[0; 4])
                .ints("strides", &[1, 1]),
        ));
    let (_, shape, y) = result(&model, &X);
    assert_eq!((shape, y), (vec![1, 1, 1, 2], vec![8.0, 16.0]));
}

fn patches(attributes: &[(&str, &[i64])]) -> NodeProto {
    let node = in_domain("qonnx.custom_op.general", node("Im2Col", &["x"], &["patches"]).text("input_shape", ""));
    attributes.iter().fold(node, |node, (name, list)| node.ints(name, list))
}

#[test]
fn patches_and_a_product_are_a_convolution() {
    let model = model(&[1, 2, 3, 2])
        // Rows: the channels of the left pixel, then those of the right one; two outputs.
        .constant(floats("w", &[4, 2], &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 1.0]))
        .add(patches(&[("kernel_size", &[1, 2]), ("stride", &[1, 1]), ("pad_amount", &[0, 1, 0, 0])]))
        .add(node("MatMul", &["patches", "w"], &["y"]));
    let (graph, shape, y) = result(&model, &X);
    assert_eq!(operators(&graph), ["Transpose", "Conv", "Transpose"]);
    assert_eq!(shape, [1, 2, 3, 2]);
    assert_eq!(y, [-2.0, 2.0, -3.0, 4.0, -3.0, 6.0, 2.0, -2.0, 3.0, -4.0, 3.0, -6.0]);
}

#[test]
fn patches_of_too_many_taps_are_refused() {
    let many = 1 << 62;
    let lists: [(&str, &[i64]); 3] =
        [("kernel_size", &[many, many]), ("stride", &[1, 1]), ("pad_amount", &[many, many, 0, 0])];
    let model = model(&[1, 2, 3, 2]).constant(floats("w", &[4, 2], &[0.0; 8])).add(patches(&lists)).add(node(
        "MatMul",
        &["patches", "w"],
        &["y"],
    ));
    assert!(matches!(import(&model), Err(network::onnx::ImportError::Shape { .. })));
}

#[test]
fn sparse_products_are_depthwise() {
    let weights = |diagonal: bool| {
        let off = if diagonal { 0.0 } else { 1.0 };
        floats("w", &[4, 2], &[1.0, off, 0.0, 2.0, 3.0, 0.0, 0.0, 4.0])
    };
    for (diagonal, expected) in [(true, 2), (false, 1)] {
        let model = model(&[1, 2, 3, 2])
            .constant(weights(diagonal))
            .add(patches(&[("kernel_size", &[1, 2]), ("stride", &[1, 1])]).int("depthwise", 1))
            .add(node("MatMul", &["patches", "w"], &["y"]));
        let (graph, _, y) = result(&model, &X);
        let groups = graph.nodes.iter().find_map(|node| match node.operator {
            Operator::Conv { groups, .. } => Some(groups),
            _ => None,
        });
        assert_eq!(groups, Some(expected));
        assert_eq!(y[..2], [1.0 + 9.0, 4.0 + 16.0 + if diagonal { 0.0 } else { 1.0 }]);
    }
}

#[test]
fn borders_of_other_values_are_padded_first() {
    let model = model(&[1, 1, 1, 1])
        .constant(floats("w", &[2, 1], &[1.0, 10.0]))
        .add(
            patches(&[("kernel_size", &[1, 2]), ("stride", &[1, 1]), ("pad_amount", &[0, 1, 0, 0])])
                .int("pad_value", -1),
        )
        .add(node("MatMul", &["patches", "w"], &["y"]));
    assert_eq!(result(&model, &[3.0]).2, [29.0]);
}
