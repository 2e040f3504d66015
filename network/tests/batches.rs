//! Models exported for several images: read for one where the images stay apart, else as they are.

#![allow(clippy::unwrap_used)]

use network::onnx::proto::ModelProto;
use testkit::files::{Build, FLOAT, With, fixed, floats, import, integers, model, node, value};

fn shapes(model: &ModelProto) -> (Vec<usize>, Vec<usize>) {
    let graph = import(model).unwrap();
    (graph.value(graph.input).shape.clone(), graph.value(graph.output).shape.clone())
}

fn with_output(mut model: ModelProto, shape: &[i64]) -> ModelProto {
    model.graph().output = vec![value("y", FLOAT, &fixed(shape))];
    model
}

fn convolution() -> ModelProto {
    model(&[4, 1, 2, 2])
        .constant(floats("w", &[1, 1, 2, 2], &[1.0; 4]))
        .constant(integers("flat", &[4, -1]))
        .add(node("Conv", &["x", "w"], &["c"]))
        .add(node("Reshape", &["c", "flat"], &["y"]))
}

#[test]
fn batches_become_one_image() {
    assert_eq!(shapes(&convolution()), (vec![1, 1, 2, 2], vec![1, 1]));
    let graph = import(&with_output(convolution(), &[4, 1])).unwrap();
    assert!(
        graph.remarks.iter().any(|remark| remark.contains("of extent 4, is taken for a batch")),
        "{:?}",
        graph.remarks
    );
    let dense = model(&[3, 2]).constant(floats("m", &[2, 2], &[1.0; 4])).add(node("MatMul", &["x", "m"], &["y"]));
    assert_eq!(shapes(&with_output(dense.clone(), &[3, 2])), (vec![1, 2], vec![1, 2]));
    // Where the file does not say that the output has as many, the rows may be pixels.
    assert_eq!(shapes(&dense), (vec![3, 2], vec![3, 2]));
}

#[test]
fn what_joins_images_is_left_as_it_is() {
    let joined = |operator: &str| {
        let model = model(&[3, 2]).constant(floats("m", &[2, 2], &[1.0; 4]));
        let model = model.add(node("MatMul", &["x", "m"], &["a"]));
        with_output(
            match operator {
                "Transpose" => model.add(node("Transpose", &["a"], &["y"])),
                "ArgMax" => model.add(node("ArgMax", &["a"], &["y"]).int("axis", 0)),
                _ => model.constant(floats("rows", &[3, 1], &[1.0, 2.0, 3.0])).add(node("Add", &["a", "rows"], &["y"])),
            },
            &[3],
        )
    };
    assert_eq!(shapes(&joined("Transpose")), (vec![3, 2], vec![2, 3]));
    assert_eq!(shapes(&joined("ArgMax")), (vec![3, 2], vec![1, 2]));
    assert_eq!(shapes(&joined("Add")), (vec![3, 2], vec![3, 2]));
}
