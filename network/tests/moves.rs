//! Operators that move, repeat and reduce elements, through a file. Values are onnxruntime's.

#![allow(clippy::unwrap_used)]

mod support;

use network::graph::Graph;
use network::onnx::proto::{ModelProto, NodeProto};
use network::reference;
use support::tensor;
use testkit::files::{Build, With, floats, import, integers, model, node, with_opset};

type Result = (Vec<usize>, Vec<f64>);

fn operators(graph: &Graph) -> Vec<&'static str> {
    graph.nodes.iter().map(|node| node.operator.name()).collect()
}

/// Imports a model and runs it on 1, 2, 3 …
fn result(model: &ModelProto) -> Result {
    let graph = import(model).unwrap();
    support::round_trip::check(&graph);
    let shape = graph.value(graph.input).shape.clone();
    let x: Vec<f64> = (1..=shape.iter().product()).map(|i: usize| i as f64).collect();
    let y = reference::run(&graph, &tensor(&shape, &x)).unwrap();
    (y.shape, y.data)
}

/// The result of one node that reads `x` and constant lists.
fn with_lists(shape: &[i64], node: NodeProto, lists: &[(&str, &[i64])]) -> Result {
    let model = lists.iter().fold(model(shape), |model, (name, list)| model.constant(integers(name, list)));
    result(&model.add(node))
}

#[test]
fn slices_go_along_any_axes_with_any_steps() {
    let slice = node("Slice", &["x", "s", "e", "a", "t"], &["y"]);
    let lists: [(&str, &[i64]); 4] = [("s", &[2, -1]), ("e", &[-10, -5]), ("a", &[2, 3]), ("t", &[-1, -2])];
    let expected = vec![12.0, 10.0, 8.0, 6.0, 4.0, 2.0, 24.0, 22.0, 20.0, 18.0, 16.0, 14.0];
    assert_eq!(with_lists(&[1, 2, 3, 4], slice, &lists), (vec![1, 2, 3, 2], expected));
    let old = node("Slice", &["x"], &["y"]).ints("starts", &[1]).ints("ends", &[3]).ints("axes", &[1]);
    assert_eq!(result(&with_opset(model(&[1, 4]).add(old), 9)), (vec![1, 2], vec![2.0, 3.0]));
    let whole = import(
        &model(&[1, 4])
            .constant(integers("s", &[0]))
            .constant(integers("e", &[i64::MAX]))
            .constant(integers("a", &[1]))
            .add(node("Slice", &["x", "s", "e", "a"], &["z"]))
            .add(node("Relu", &["z"], &["y"])),
    )
    .unwrap();
    assert_eq!(operators(&whole), ["Relu"]);
}

#[test]
fn gather_selects_by_a_list_or_one_index() {
    let gather = || node("Gather", &["x", "i"], &["y"]).int("axis", 1);
    assert_eq!(with_lists(&[1, 3], gather(), &[("i", &[2, -3, 2])]), (vec![1, 3], vec![3.0, 1.0, 3.0]));
    let one = integers("i", &[1]);
    let scalar = network::onnx::proto::TensorProto { dims: vec![], ..one };
    assert_eq!(result(&model(&[1, 3, 2]).constant(scalar).add(gather())), (vec![1, 2], vec![3.0, 4.0]));
}

#[test]
fn split_gives_each_output_its_part() {
    let join = node("Concat", &["b", "a"], &["y"]).int("axis", 1);
    let even = model(&[1, 5]).add(node("Split", &["x"], &["a", "b"]).int("axis", -1)).add(join.clone());
    assert_eq!(result(&even).1, [4.0, 5.0, 1.0, 2.0, 3.0]);
    let stated = model(&[1, 5]).constant(integers("s", &[1, 4]));
    let stated = stated.add(node("Split", &["x", "s"], &["a", "b"]).int("axis", 1)).add(join.clone());
    assert_eq!(result(&stated).1, [2.0, 3.0, 4.0, 5.0, 1.0]);
    let old = model(&[1, 5]).add(node("Split", &["x"], &["a", "b"]).int("axis", 1).ints("split", &[4, 1])).add(join);
    assert_eq!(result(&with_opset(old, 11)).1, [5.0, 1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn borders_mirror_repeat_wrap_and_crop() {
    let pad = |mode: &str| node("Pad", &["x", "p"], &["y"]).text("mode", mode);
    let reflected = with_lists(&[1, 1, 2, 3], pad("reflect"), &[("p", &[0, 0, 1, 2, 0, 0, 0, 1])]);
    let row = [6.0, 5.0, 4.0, 5.0, 6.0, 5.0];
    assert_eq!(reflected, (vec![1, 1, 3, 6], [row, [3.0, 2.0, 1.0, 2.0, 3.0, 2.0], row].concat()));
    let edge = with_lists(&[1, 1, 2, 3], pad("edge"), &[("p", &[0, 0, 1, 0, 0, 0, 0, 2])]);
    assert_eq!(edge.1, [1.0, 2.0, 3.0, 3.0, 3.0, 1.0, 2.0, 3.0, 3.0, 3.0, 4.0, 5.0, 6.0, 6.0, 6.0]);
    let wrapped = with_lists(&[1, 3], pad("wrap"), &[("p", &[0, 2, 0, 1])]);
    assert_eq!(wrapped.1, [2.0, 3.0, 1.0, 2.0, 3.0, 1.0]);
    // What is cut off is not repeated.
    let cut = with_lists(&[1, 4], pad("wrap"), &[("p", &[0, -1, 0, 2])]);
    assert_eq!(cut.1, [2.0, 3.0, 4.0, 2.0, 3.0]);
    let nothing = model(&[1, 3]).constant(integers("p", &[0, -3, 0, 2])).add(pad("edge"));
    assert!(matches!(import(&nothing), Err(network::onnx::ImportError::Parameter { role: "pads", .. })));
    let cropped = with_lists(&[1, 1, 3, 3], pad("constant"), &[("p", &[0, 0, -1, 1, 0, 0, 0, -1])]);
    assert_eq!(cropped, (vec![1, 1, 2, 3], vec![0.0, 4.0, 5.0, 0.0, 7.0, 8.0]));
}

#[test]
fn blocks_of_pixels_become_channels_and_back() {
    let depth = |mode: Option<&str>| {
        let node = node("DepthToSpace", &["x"], &["y"]).int("blocksize", 2);
        result(&model(&[1, 8, 1, 2]).add(match mode {
            Some(mode) => node.text("mode", mode),
            None => node,
        }))
    };
    let rows = [1.0, 5.0, 2.0, 6.0, 9.0, 13.0, 10.0, 14.0, 3.0, 7.0, 4.0, 8.0, 11.0, 15.0, 12.0, 16.0];
    assert_eq!(depth(None), (vec![1, 2, 2, 4], rows.to_vec()));
    let columns = [1.0, 3.0, 2.0, 4.0, 5.0, 7.0, 6.0, 8.0, 9.0, 11.0, 10.0, 12.0, 13.0, 15.0, 14.0, 16.0];
    assert_eq!(depth(Some("CRD")).1, columns);
    let space = result(&model(&[1, 2, 2, 4]).add(node("SpaceToDepth", &["x"], &["y"]).int("blocksize", 2)));
    let expected = [1.0, 3.0, 9.0, 11.0, 2.0, 4.0, 10.0, 12.0, 5.0, 7.0, 13.0, 15.0, 6.0, 8.0, 14.0, 16.0];
    assert_eq!(space, (vec![1, 8, 1, 2], expected.to_vec()));
}

#[test]
fn reductions_over_pixels_and_channels() {
    let reduce = |operator: &str, shape: &[i64], axes: &[i64], keeps: i64| {
        let node = node(operator, &["x", "a"], &["y"]).int("keepdims", keeps);
        with_lists(shape, node, &[("a", axes)])
    };
    assert_eq!(reduce("ReduceMean", &[1, 2, 2, 2], &[2, 3], 1), (vec![1, 2, 1, 1], vec![2.5, 6.5]));
    assert_eq!(reduce("ReduceMean", &[1, 2, 2, 2], &[-1, -2], 0), (vec![1, 2], vec![2.5, 6.5]));
    assert_eq!(reduce("ReduceSum", &[1, 2, 2, 2], &[2, 3], 0), (vec![1, 2], vec![10.0, 26.0]));
    assert_eq!(reduce("ReduceSum", &[1, 2, 2, 2], &[3], 1), (vec![1, 2, 2, 1], vec![3.0, 7.0, 11.0, 15.0]));
    assert_eq!(reduce("ReduceMax", &[1, 2, 2, 2], &[2], 0), (vec![1, 2, 2], vec![3.0, 4.0, 7.0, 8.0]));
    // Channels last.
    assert_eq!(reduce("ReduceMean", &[1, 2, 2, 2], &[1, 2], 0), (vec![1, 2], vec![4.0, 5.0]));
    assert_eq!(reduce("ReduceMean", &[1, 2, 3], &[1], 1), (vec![1, 1, 3], vec![2.5, 3.5, 4.5]));
    assert_eq!(reduce("ReduceSum", &[1, 4], &[1], 1), (vec![1, 1], vec![10.0]));
    assert_eq!(reduce("ReduceMean", &[1, 2, 2, 2], &[1, 2, 3], 0), (vec![1], vec![4.5]));
    let old = node("ReduceMean", &["x"], &["y"]).ints("axes", &[2, 3]);
    assert_eq!(result(&with_opset(model(&[1, 1, 2, 2]).add(old), 11)), (vec![1, 1, 1, 1], vec![2.5]));
    let nothing = node("ReduceSum", &["x"], &["y"]).int("noop_with_empty_axes", 1);
    assert_eq!(result(&model(&[1, 2]).add(nothing)).1, [1.0, 2.0]);
    let all = result(&model(&[1, 1, 2, 2]).add(node("ReduceSum", &["x"], &["y"])));
    assert_eq!(all, (vec![1, 1, 1, 1], vec![10.0]));
}

fn transposed(shape: &[i64], dims: &[i64], w: &[f32], with: impl FnOnce(NodeProto) -> NodeProto) -> Result {
    let node = with(node("ConvTranspose", &["x", "w"], &["y"]));
    result(&model(shape).constant(floats("w", dims, w)).add(node))
}

#[test]
fn transposed_convolutions() {
    let counted = |count: usize| (1..=count).map(|i| i as f32).collect::<Vec<f32>>();
    let node = node("ConvTranspose", &["x", "w", "b"], &["y"])
        .ints("strides", &[2, 1])
        .ints("pads", &[0, 1, 1, 0])
        .ints("output_padding", &[1, 0]);
    let with_bias = model(&[1, 2, 2, 2])
        .constant(floats("w", &[2, 1, 2, 3], &counted(12)))
        .constant(floats("b", &[1], &[100.0]))
        .add(node);
    let expected = [186.0, 200.0, 160.0, 228.0, 242.0, 184.0, 222.0, 244.0, 184.0, 288.0, 310.0, 220.0];
    assert_eq!(result(&with_bias), (vec![1, 1, 4, 3], expected.to_vec()));
    let grouped = transposed(&[1, 4, 2], &[4, 2, 2], &counted(16), |node| {
        node.int("group", 2).ints("strides", &[3]).ints("dilations", &[2])
    });
    let expected = [
        [16.0, 0.0, 20.0, 22.0, 0.0, 28.0],
        [24.0, 0.0, 28.0, 34.0, 0.0, 40.0],
        [136.0, 0.0, 148.0, 158.0, 0.0, 172.0],
        [160.0, 0.0, 172.0, 186.0, 0.0, 200.0],
    ];
    assert_eq!(grouped, (vec![1, 4, 6], expected.concat()));
    let padded = |with: fn(NodeProto) -> NodeProto| {
        transposed(&[1, 1, 3], &[1, 1, 3], &[1.0, 10.0, 100.0], |node| with(node.ints("strides", &[2]))).1
    };
    let behind = [1.0, 10.0, 102.0, 20.0, 203.0, 30.0];
    let before = [10.0, 102.0, 20.0, 203.0, 30.0, 300.0];
    assert_eq!(padded(|node| node.text("auto_pad", "SAME_UPPER")), behind);
    assert_eq!(padded(|node| node.text("auto_pad", "SAME_LOWER")), before);
    assert_eq!(padded(|node| node.ints("output_shape", &[6])), before);
    assert_eq!(padded(|node| node.text("auto_pad", "VALID").ints("output_shape", &[6])), before);
    assert_eq!(padded(|node| node.text("auto_pad", "VALID")), [&behind[..], &[300.0]].concat());
    let sparse = transposed(&[1, 1, 3], &[1, 1, 1], &[2.0], |node| node.ints("strides", &[3]));
    assert_eq!(sparse, (vec![1, 1, 7], vec![2.0, 0.0, 0.0, 4.0, 0.0, 0.0, 6.0]));
}
