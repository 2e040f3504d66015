//! What the import makes of whole files.

#![allow(clippy::unwrap_used)]

mod support;

use network::graph::Graph;
use network::onnx::proto::{ModelProto, NodeProto, TensorProto};
use network::onnx::{import, import_bytes};
use network::reference::{Evaluator, ReferenceError, run};
use prost::Message;
use std::fs;
use support::tensor;
use testkit::files::{
    self, BOOL, Build, DOUBLE, FLOAT, INT32, INT64, With, external, fixed, floats, integers, model, node, perceptron,
    symbolic, value, with_opset,
};

/// The constant that a chain of nodes computes for tensor `c`, as the summand of a node.
fn folded(build: impl FnOnce(ModelProto) -> ModelProto) -> (Vec<usize>, Vec<f64>) {
    let model = build(model(&[1, 2, 3]))
        .add(node("Cast", &["c"], &["f"]).int("to", FLOAT.into()))
        .constant(floats("first", &[], &[0.0]))
        .add(node("Squeeze", &["x"], &["row"]).ints("axes", &[0]))
        .add(node("Mul", &["row", "first"], &["nought"]))
        .add(node("Reshape", &["nought", "line"], &["flat"]))
        .constant(integers("line", &[6, 1]))
        .add(node("Add", &["flat", "f"], &["y"]));
    let graph = files::import(&model).unwrap();
    let add = graph.nodes.last().unwrap();
    let constant = graph.constant(add.inputs[1]).unwrap();
    (constant.shape.clone(), constant.data.clone())
}

fn folded_node(node: NodeProto) -> (Vec<usize>, Vec<f64>) {
    folded(|model| {
        model
            .constant(integers("i", &[3, -1, 4, 1, -5]))
            .constant(integers("a", &[0]))
            .constant(integers("b", &[2]))
            .constant(integers("last", &[i64::MAX]))
            .constant(integers("down", &[-2]))
            .constant(integers("scalar", &[1]))
            .add(node)
    })
}

#[test]
fn chains_of_integers_fold() {
    assert_eq!(folded_node(node("Shape", &["x"], &["c"])), (vec![3], vec![1.0, 2.0, 3.0]));
    assert_eq!(folded_node(node("Shape", &["x"], &["c"]).int("start", -2)), (vec![2], vec![2.0, 3.0]));
    assert_eq!(folded_node(node("Size", &["x"], &["c"])), (vec![], vec![6.0]));
    assert_eq!(folded_node(node("Gather", &["i", "b"], &["c"])), (vec![1], vec![4.0]));
    assert_eq!(folded_node(node("Gather", &["i", "down"], &["c"])), (vec![1], vec![1.0]));
    assert_eq!(folded_node(node("Concat", &["b", "a"], &["c"]).int("axis", -1)), (vec![2], vec![2.0, 0.0]));
    assert_eq!(folded_node(node("Slice", &["i", "b", "last"], &["c"])), (vec![3], vec![4.0, 1.0, -5.0]));
    let backwards = node("Slice", &["i", "last", "a", "a", "down"], &["c"]);
    assert_eq!(folded_node(backwards), (vec![2], vec![-5.0, 4.0]));
    let attributes = node("Slice", &["i"], &["c"]).ints("starts", &[1]).ints("ends", &[-1]).ints("axes", &[0]);
    assert_eq!(folded_node(attributes), (vec![3], vec![-1.0, 4.0, 1.0]));
    assert_eq!(folded_node(node("Unsqueeze", &["b"], &["c"]).ints("axes", &[0])), (vec![1, 1], vec![2.0]));
    assert_eq!(folded_node(node("ConstantOfShape", &["b"], &["c"])), (vec![2], vec![0.0, 0.0]));
    let sevens = node("ConstantOfShape", &["b"], &["c"]).tensor("value", integers("", &[7]));
    assert_eq!(folded_node(sevens), (vec![2], vec![7.0, 7.0]));
    assert_eq!(folded_node(node("Range", &["a", "b", "scalar"], &["c"])), (vec![2], vec![0.0, 1.0]));
    assert_eq!(folded_node(node("Range", &["b", "down", "down"], &["c"])), (vec![2], vec![2.0, 0.0]));
    assert_eq!(folded_node(node("Expand", &["a", "b"], &["c"])), (vec![2], vec![0.0, 0.0]));
}

#[test]
fn integer_arithmetic_folds() {
    let both = |operator: &str| folded_node(node(operator, &["i", "b"], &["c"])).1;
    assert_eq!(both("Add"), [5.0, 1.0, 6.0, 3.0, -3.0]);
    assert_eq!(both("Sub"), [1.0, -3.0, 2.0, -1.0, -7.0]);
    assert_eq!(both("Mul"), [6.0, -2.0, 8.0, 2.0, -10.0]);
    assert_eq!(both("Div"), [1.0, 0.0, 2.0, 0.0, -2.0]);
    assert_eq!(both("Pow"), [9.0, 1.0, 16.0, 1.0, 25.0]);
    assert_eq!(folded_node(node("Neg", &["i"], &["c"])).1, [-3.0, 1.0, -4.0, -1.0, 5.0]);
    assert_eq!(folded_node(node("Abs", &["i"], &["c"])).1, [3.0, 1.0, 4.0, 1.0, 5.0]);
}

#[test]
fn comparisons_select_shapes_as_expand_exports_them() {
    let chosen = folded(|model| {
        model
            .constant(integers("wish", &[-1, 2]))
            .constant(integers("minus", &[-1]))
            .constant(integers("one", &[1, 1]))
            .add(node("Equal", &["wish", "minus"], &["free"]))
            .add(node("Where", &["free", "one", "wish"], &["c"]))
    });
    assert_eq!(chosen, (vec![2], vec![1.0, 2.0]));
}

#[test]
fn constants_come_in_all_attributes() {
    let constant = || node("Constant", &[], &["c"]);
    assert_eq!(folded_node(constant().float("value_float", 0.5)), (vec![], vec![0.5]));
    assert_eq!(folded_node(constant().floats("value_floats", &[0.5, 2.0])), (vec![2], vec![0.5, 2.0]));
    assert_eq!(folded_node(constant().int("value_int", -3)), (vec![], vec![-3.0]));
    assert_eq!(folded_node(constant().ints("value_ints", &[3])), (vec![1], vec![3.0]));
    assert_eq!(folded_node(constant().tensor("value", floats("", &[1, 1], &[4.0]))), (vec![1, 1], vec![4.0]));
}

#[test]
fn every_storage_of_elements_is_read() {
    let read = |tensor: TensorProto| {
        let tensor = TensorProto { name: "c".into(), dims: vec![2], ..tensor };
        folded(|model| model.constant(tensor)).1
    };
    let raw =
        |data_type, bytes: &[u8]| TensorProto { data_type, raw_data: bytes.to_vec().into(), ..TensorProto::default() };
    let small = |data_type, int32_data: [i32; 2]| TensorProto {
        data_type,
        int32_data: int32_data.to_vec(),
        ..TensorProto::default()
    };
    let minus_two_and_three = vec![-2.0, 3.0];
    assert_eq!(read(raw(3, &[0xfe, 3])), minus_two_and_three);
    assert_eq!(read(raw(5, &[0xfe, 0xff, 3, 0])), minus_two_and_three);
    assert_eq!(read(raw(INT32, &[0xfe, 0xff, 0xff, 0xff, 3, 0, 0, 0])), minus_two_and_three);
    assert_eq!(read(raw(10, &[0, 0xc0, 0, 0x42])), minus_two_and_three);
    assert_eq!(read(raw(16, &[0, 0xc0, 0x40, 0x40])), minus_two_and_three);
    let doubles: Vec<u8> = [-2.0, 3.0].iter().flat_map(|value: &f64| value.to_le_bytes()).collect();
    assert_eq!(read(raw(DOUBLE, &doubles)), minus_two_and_three);
    let longs: Vec<u8> = [-2, 3].iter().flat_map(|value: &i64| value.to_le_bytes()).collect();
    assert_eq!(read(raw(INT64, &longs)), minus_two_and_three);
    assert_eq!(read(raw(2, &[200, 3])), [200.0, 3.0]);
    assert_eq!(read(raw(4, &[0, 1, 3, 0])), [256.0, 3.0]);
    assert_eq!(read(raw(12, &[0, 0, 1, 0, 3, 0, 0, 0])), [65536.0, 3.0]);
    assert_eq!(read(raw(13, &[0, 1, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0])), [256.0, 3.0]);
    assert_eq!(read(raw(BOOL, &[0, 1])), [0.0, 1.0]);

    assert_eq!(read(small(3, [-2, 3])), minus_two_and_three);
    assert_eq!(read(small(INT32, [-2, 3])), minus_two_and_three);
    assert_eq!(read(small(BOOL, [0, 1])), [0.0, 1.0]);
    assert_eq!(read(small(10, [0xc000, 0x4200])), minus_two_and_three);
    assert_eq!(read(small(16, [0xc000, 0x4040])), minus_two_and_three);
    let typed = TensorProto { data_type: DOUBLE, double_data: vec![-2.0, 3.0], ..TensorProto::default() };
    assert_eq!(read(typed), minus_two_and_three);
    let typed = TensorProto { data_type: FLOAT, float_data: vec![-2.0, 3.0], ..TensorProto::default() };
    assert_eq!(read(typed), minus_two_and_three);
    let typed = TensorProto { data_type: 13, uint64_data: vec![2, 3], ..TensorProto::default() };
    assert_eq!(read(typed), [2.0, 3.0]);
}

#[test]
fn casts_of_constants_convert() {
    let cast = |to: i32, values: &[f32]| {
        let values = floats("v", &[values.len() as i64], values);
        folded(|model| model.constant(values).add(node("Cast", &["v"], &["c"]).int("to", to.into()))).1
    };
    assert_eq!(cast(INT64, &[1.9, -1.9]), [1.0, -1.0]);
    assert_eq!(cast(BOOL, &[0.0, -0.5]), [0.0, 1.0]);
    assert_eq!(cast(10, &[0.1]), [0.0999755859375]);
}

#[test]
fn reshape_takes_zero_literally_where_told() {
    let reshaped = |flag: i64| {
        folded(|model| {
            model
                .constant(floats("empty", &[2, 0], &[]))
                .constant(integers("shape", &[0, 7]))
                .add(node("Reshape", &["empty", "shape"], &["r"]).int("allowzero", flag))
                .add(node("Shape", &["r"], &["c"]))
        })
    };
    assert_eq!(reshaped(1).1, [0.0, 7.0]);
}

#[test]
fn a_perceptron_imports_and_runs() {
    let graph = files::import(&perceptron()).unwrap();
    insta::assert_snapshot!(graph.to_string());
    let best = run(&graph, &tensor(&[1, 2, 2], &[1.0, -1.0, 2.0, -3.0])).unwrap();
    assert_eq!((best.shape, best.data), (vec![1, 1], vec![0.0]));
}

#[test]
fn order_and_dead_nodes_do_not_matter() {
    let mut model = perceptron().add(node("Conv", &["m1", "w1"], &["unused"])).add(node("Relu", &["r1"], &["also"]));
    model.graph().node.reverse();
    let graph = files::import(&model).unwrap();
    let plain = files::import(&perceptron()).unwrap();
    let operators = |graph: &Graph| graph.nodes.iter().map(|node| node.operator.clone()).collect::<Vec<_>>();
    assert_eq!(operators(&graph), operators(&plain));
    assert_eq!(graph.remarks, ["2 nodes do not contribute to the output and were left out"]);
}

#[test]
fn names_are_unique_and_the_output_keeps_its_own() {
    let named = |name: &str, mut node: NodeProto| {
        node.name = name.into();
        node
    };
    let model = model(&[1, 2])
        .add(named("same", node("Relu", &["x"], &["a"])))
        .add(named("same", node("Neg", &["a"], &["b"])))
        .add(node("Abs", &["b"], &["c"]))
        .add(node("Identity", &["c"], &["y"]));
    let graph = files::import(&model).unwrap();
    let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["same", "same_2", "Abs_0"]);
    assert_eq!(graph.value(graph.output).name, "y");
}

#[test]
fn initializers_listed_as_inputs_are_none() {
    let mut model = perceptron();
    model.graph().input.push(value("w1", FLOAT, &fixed(&[3, 4])));
    assert!(files::import(&model).is_ok());
}

#[test]
fn a_symbolic_batch_axis_is_one() {
    for batch in [symbolic("N"), fixed(&[0])[0].clone(), fixed(&[-1])[0].clone(), Default::default()] {
        let mut model = perceptron();
        let mut shape = fixed(&[1, 2, 2]);
        shape[0] = batch;
        model.graph().input = vec![value("x", FLOAT, &shape)];
        let graph = files::import(&model).unwrap();
        assert_eq!(graph.value(graph.input).shape, [1, 2, 2]);
        assert_eq!(graph.remarks.len(), 1);
    }
}

#[test]
fn value_info_of_the_output_is_not_believed() {
    let mut model = perceptron();
    model.graph().output = vec![value("y", FLOAT, &[symbolic("a"), symbolic("b"), symbolic("c")])];
    let graph = files::import(&model).unwrap();
    assert_eq!(graph.value(graph.output).shape, [1, 1]);
}

#[test]
fn every_supported_opset_imports() {
    for version in 9..=25 {
        let graph = files::import(&with_opset(perceptron(), version)).unwrap();
        assert_eq!(graph.opset, version);
    }
}

#[test]
fn exporters_names_give_way_to_the_files() {
    let mut named = perceptron();
    named.graph().name = "digits".into();
    assert_eq!(import_bytes(&named.encode_to_vec(), None, "file").unwrap().name, "digits");
    named.graph().name = "torch-jit-export".into();
    assert_eq!(import_bytes(&named.encode_to_vec(), None, "file").unwrap().name, "file");
}

#[test]
fn weights_in_another_file_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let plain = perceptron();
    let mut split = perceptron();
    let weights = split.graph().initializer.iter_mut().find(|tensor| tensor.name == "w1").unwrap();
    let mut bytes = vec![0u8; 8];
    bytes.extend_from_slice(&weights.raw_data);
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("data/weights.bin"), bytes).unwrap();
    *weights = external(weights.clone(), &[("location", "data/weights.bin"), ("offset", "8"), ("length", "48")]);
    let path = folder.path().join("split.onnx");
    fs::write(&path, split.encode_to_vec()).unwrap();
    let graph = import(&path).unwrap();
    assert_eq!(graph.name, "split");
    assert_eq!(graph.nodes, files::import(&plain).unwrap().nodes);
    assert_eq!(graph.values, files::import(&plain).unwrap().values);
}

#[test]
fn the_evaluator_shows_each_value() {
    let graph = files::import(&perceptron()).unwrap();
    let evaluator = Evaluator::new(&graph).unwrap();
    let mut seen = Vec::new();
    let image = tensor(&[2, 2], &[1.0, -1.0, 2.0, -3.0]);
    let best = evaluator.trace(&image, |id, value| seen.push((id, value.shape.clone()))).unwrap();
    assert_eq!(best, run(&graph, &tensor(&[1, 2, 2], &image.data)).unwrap());
    let expected: Vec<_> = std::iter::once(&graph.input)
        .chain(graph.nodes.iter().flat_map(|node| &node.outputs))
        .map(|id| (*id, graph.value(*id).shape.clone()))
        .collect();
    assert_eq!(seen, expected);
}

#[test]
fn the_reference_refuses_what_it_cannot_run() {
    let graph = files::import(&perceptron()).unwrap();
    let shape = run(&graph, &tensor(&[2, 3], &[0.0; 6])).unwrap_err();
    let value = run(&graph, &tensor(&[2, 2], &[0.0, f64::NAN, 0.0, 0.0])).unwrap_err();
    let root = model(&[2]).add(node("Sqrt", &["x"], &["y"]));
    let root = run(&files::import(&root).unwrap(), &tensor(&[2], &[1.0, -1.0])).unwrap_err();
    assert!(matches!(root, ReferenceError::NotFinite { .. }));
    let all: Vec<String> = [shape, value, root].iter().map(|error| testkit::rendered(error)).collect();
    insta::assert_snapshot!(all.join("\n"));
}
