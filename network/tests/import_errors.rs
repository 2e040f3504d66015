//! Every way in which an import can fail, as the user reads it.

#![allow(clippy::unwrap_used)]

#[path = "import_errors/quantised.rs"]
mod quantised;

use network::onnx::proto::{ModelProto, NodeProto, TensorProto};
use network::onnx::{ImportError, import, import_bytes};
use prost::Message;
use std::collections::BTreeSet;
use std::fs;
use testkit::files::{
    self, Build, FLOAT, With, external, fixed, floats, integers, model, node, opset, perceptron, quant, symbolic,
    value, with_opset,
};

/// Collects the messages of one snapshot.
#[derive(Default)]
struct Messages {
    text: String,
    codes: BTreeSet<String>,
}

impl Messages {
    fn error(&mut self, case: &str, error: &ImportError) {
        let message = testkit::rendered(error);
        self.codes.insert(message.lines().next().unwrap().into());
        self.text += &format!("# {case}\n{message}\n");
    }

    fn bytes(&mut self, case: &str, bytes: &[u8]) {
        self.error(case, &import_bytes(bytes, None, "digits").unwrap_err());
    }

    fn model(&mut self, case: &str, model: &ModelProto) {
        match files::import(model) {
            Ok(graph) => panic!("{case} must be refused, but imports as\n{graph}"),
            Err(error) => self.error(case, &error),
        }
    }

    /// A node that reads `x` of shape [2, 3] and the constants of [`constants`].
    fn node(&mut self, case: &str, node: NodeProto) {
        self.model(case, &constants(model(&[2, 3])).add(node));
    }

    /// A node that reads `x` of shape [1, 2, 4, 4] and the constants of [`constants`] and [`windows`].
    fn window(&mut self, case: &str, node: NodeProto) {
        self.model(case, &windows(constants(model(&[1, 2, 4, 4]))).add(node));
    }
}

type Collect = fn(&mut Messages);

fn windows(model: ModelProto) -> ModelProto {
    model
        .constant(floats("w", &[2, 2, 3, 3], &[1.0; 36]))
        .constant(floats("depthwise", &[2, 1, 3, 3], &[1.0; 18]))
        .constant(floats("line", &[2, 2, 3], &[1.0; 12]))
        .constant(floats("no_outputs", &[0, 2, 3, 3], &[]))
        .constant(floats("broken", &[1, 2, 1, 1], &[1.0, f32::NAN]))
        .constant(floats("infinity", &[], &[f32::INFINITY]))
        .constant(integers("eight", &[0, 0, 1, 0, 0, 0, 1, 0]))
        .constant(integers("crop", &[0, 0, -3, 0, 0, 0, -2, 0]))
        .constant(integers("far", &[0, 0, i64::MAX, 0, 0, 0, i64::MAX, 0]))
        .constant(integers("wide", &[0, 0, 1 << 40, 0, 0, 0, 0, 0]))
        .constant(floats("half_scales", &[4], &[1.0, 1.0, 0.5, 2.0]))
        .constant(floats("scales", &[4], &[1.0, 1.0, 3.0, 3.0]))
        .constant(floats("wide_scales", &[4], &[1.0, 1.0, 65536.0, 65536.0]))
        .constant(integers("sizes", &[1, 2, 6, 8]))
        .constant(integers("one_axis", &[0, 0]))
        .constant(integers("one_pads", &[0, 0, 0, 0]))
        .constant(TensorProto { dims: vec![1, 1, 4, 4], ..integers("cube", &[0; 16]) })
}

fn constants(model: ModelProto) -> ModelProto {
    model
        .constant(floats("zero", &[], &[0.0]))
        .constant(floats("one", &[], &[1.0]))
        .constant(floats("half", &[], &[0.5]))
        .constant(floats("pair", &[2], &[1.0, 2.0]))
        .constant(floats("triple", &[3], &[1.0, 2.0, 3.0]))
        .constant(floats("nan", &[3], &[1.0, f32::NAN, 3.0]))
        .constant(floats("dead", &[3], &[1.0, 0.0, -3.0]))
        .constant(floats("matrix", &[2, 2], &[1.0, 2.0, 3.0, 4.0]))
        .constant(floats("no_rows", &[0, 3], &[]))
        .constant(floats("no_columns", &[3, 0], &[]))
        .constant(integers("i0", &[0]))
        .constant(integers("i1", &[1]))
        .constant(integers("i2", &[2]))
        .constant(integers("minus", &[-2]))
        .constant(integers("huge", &[1 << 40]))
        .constant(integers("many", &[1 << 13, 1 << 13]))
        .constant(integers("five", &[5, -1]))
}

fn damaged(change: impl FnOnce(&mut TensorProto)) -> ModelProto {
    let mut tensor = floats("c", &[3], &[1.0, 2.0, 3.0]);
    change(&mut tensor);
    model(&[2, 3]).constant(tensor).add(node("Add", &["x", "c"], &["y"]))
}

fn with_input(dimensions: &[network::onnx::proto::DimensionProto]) -> ModelProto {
    let mut model = model(&[1]).add(node("Relu", &["x"], &["y"]));
    model.graph().input = vec![value("x", FLOAT, dimensions)];
    model
}

fn file_errors(m: &mut Messages) {
    m.error("no such file", &import("models/nowhere.onnx".as_ref()).unwrap_err());
    m.bytes("an empty file", &[]);
    m.bytes("a text file", b"hello, this is no model");
    let bytes = perceptron().encode_to_vec();
    m.bytes("a truncated file", &bytes[..bytes.len() / 2]);
    m.bytes("groups nested a thousand deep", &[0xa3, 0x06].repeat(1000));
    m.model("no graph", &ModelProto { graph: None, ..perceptron() });
    m.model("no opset", &ModelProto { opset_import: vec![], ..perceptron() });
    m.model("only a custom opset", &ModelProto { opset_import: vec![opset("onnx.brevitas", 1)], ..perceptron() });
    m.model("an old opset", &with_opset(perceptron(), 8));
    m.model("a new opset", &with_opset(perceptron(), 26));
}

/// Files of other kinds, by their first bytes: what they are, and what leads on from there.
fn foreign_files(m: &mut Messages) {
    let folder = tempfile::tempdir().unwrap();
    let mut others = Messages::default();
    let zip = |names: &[&str]| {
        let entry = |name: &&str| [b"PK\x03\x04\0\0", name.as_bytes()].concat();
        names.iter().map(entry).collect::<Vec<_>>().concat()
    };
    for (file, bytes) in [
        ("model.h5", b"\x89HDF\r\n\x1a\n\0\0".to_vec()),
        ("model.keras", zip(&["metadata.json", "config.json", "model.weights.h5"])),
        ("model.pt", zip(&["model/data.pkl", "model/byteorder", "model/data/0"])),
        ("script.pt", zip(&["script/data.pkl", "script/code/__torch__.py", "script/constants.pkl"])),
        ("old.pth", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.".to_vec()),
        ("images.npz", zip(&["x.npy"])),
        ("other.zip", zip(&["model.onnx"])),
        ("images.npy", b"\x93NUMPY\x01\0v\0{'descr'".to_vec()),
        ("model.onnx.gz", b"\x1f\x8b\x08\0".to_vec()),
        ("pointer.onnx", b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n".to_vec()),
        ("model.safetensors", [&[90, 0, 0, 0, 0, 0, 0, 0][..], b"{\"w\":{\"dtype\""].concat()),
        ("frozen.pb", b"\x0a\x33\x0a\x05input\x12\x0b".to_vec()),
        ("page.onnx", b"\n<!DOCTYPE html>\n<html lang=\"en\">".to_vec()),
        ("model.json", b"{\"class_name\": \"Sequential\"}".to_vec()),
        ("notes.onnx", b"hello, this is no model".to_vec()),
        ("saved/saved_model.pb", b"\x08\x01\x12\x83\x01\x0a".to_vec()),
        ("cut.onnx", perceptron().encode_to_vec()[..90].to_vec()),
        ("empty.onnx", Vec::new()),
    ] {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        others.error(file, &import(&path).unwrap_err());
    }
    for name in ["saved", "bare"] {
        fs::create_dir_all(folder.path().join(name)).unwrap();
        others.error(name, &import(&folder.path().join(name)).unwrap_err());
    }
    m.text += &others.text.replace(folder.path().to_str().unwrap(), "…");
    m.codes.append(&mut others.codes);
}

fn graph_errors(m: &mut Messages) {
    let mut two = perceptron();
    two.graph().input.push(value("x2", FLOAT, &fixed(&[1])));
    m.model("two inputs", &two);
    let mut none = perceptron();
    none.graph().input.clear();
    m.model("no input", &none);
    let mut two = perceptron();
    two.graph().output.push(value("scores", FLOAT, &[]));
    m.model("two outputs", &two);
    m.model("a symbolic image size", &with_input(&[symbolic("N"), symbolic("height"), fixed(&[2])[0].clone()]));
    m.model("an unknown image size", &with_input(&[fixed(&[1])[0].clone(), Default::default()]));
    m.model("a negative image size", &with_input(&fixed(&[1, -5])));
    m.model("an input of strings", &{
        let mut model = with_input(&fixed(&[1]));
        model.graph().input = vec![value("x", 8, &fixed(&[1]))];
        model
    });
    m.model("an input that is no tensor", &{
        let mut model = with_input(&fixed(&[1]));
        model.graph().input[0].r#type = None;
        model
    });
    m.model("an input without a shape", &{
        let mut model = with_input(&fixed(&[1]));
        model.graph().input[0].r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().shape = None;
        model
    });
    m.model("an input of seventeen axes", &with_input(&fixed(&[1; 17])));
    m.model("a huge input", &with_input(&fixed(&[1, 1 << 31, 1 << 31, 1 << 31])));
    m.model("an output that nothing writes", &model(&[1]));
    m.node("a tensor that nothing writes", node("Add", &["x", "ghost"], &["y"]));
    let add = |a, b, c| node("Add", &[a, b], &[c]);
    let twice = model(&[1]).add(add("x", "x", "y")).add(add("x", "x", "y"));
    m.model("a tensor written twice", &twice);
    m.model("an initializer twice", &constants(constants(model(&[1]))));
    m.model("an initializer that a node writes", &constants(model(&[1])).add(add("x", "x", "one")));
    m.model("a node that writes the input", &model(&[1]).add(add("x", "x", "x")));
    m.model("an input twice", &{
        let mut model = model(&[1]);
        let input = model.graph().input[0].clone();
        model.graph().input.push(input);
        model
    });
    m.model("a cycle", &model(&[1]).add(add("x", "b", "a")).add(add("x", "a", "b")).add(add("x", "b", "y")));
    let mut ring = model(&[1]);
    for i in 0..12 {
        ring = ring.add(node("Add", &["x", &format!("t{}", (i + 1) % 12)], &[&format!("t{i}")]));
    }
    m.model("a long cycle", &ring.add(node("Relu", &["t0"], &["y"])));
    m.node("an output without the input", node("Sqrt", &["one"], &["y"]));
    m.model("an output that is constant", &model(&[1]).constant(floats("y", &[1], &[1.0])));
}

fn operator_errors(m: &mut Messages) {
    for operator in ["Tan", "ReduceMin", "Trunc", "QLinearMatMul", "LSTM", "Einsum", "FloatQuant"] {
        m.node(operator, node(operator, &["x"], &["y"]));
    }
    let two = model(&[1, 4]).add(node("Einsum", &["x"], &["a"])).add(node("Tan", &["x"], &["b"]));
    m.model("two operators", &two.clone().add(node("Add", &["a", "b"], &["y"])));
    let two = two.add(node("Add", &["a", "b"], &["c"])).add(node("Gelu", &["x"], &["d"]).text("approximate", "cubic"));
    m.model("operators and an attribute", &two.add(node("Add", &["c", "d"], &["y"])));
    m.node("a transposed convolution without weights", node("ConvTranspose", &["x"], &["y"]));
    m.node("LpPool", node("LpPool", &["x"], &["y"]));
    m.node("reduction of an axis that is not there", node("ReduceMean", &["x"], &["y"]).ints("axes", &[2]));
    m.node("the greatest channel", node("ReduceMax", &["x"], &["y"]).ints("axes", &[1]));
    m.node("blocks of two axes", node("DepthToSpace", &["x"], &["y"]).int("blocksize", 2));
    m.node("a slope that is computed", node("PRelu", &["x", "x"], &["y"]));
    m.node("a slope that does not fit", node("PRelu", &["x", "pair"], &["y"]));
    m.node("a unit without a scale", node("Celu", &["x"], &["y"]).float("alpha", 0.0));
    m.node("a unit of a negative scale", node("Celu", &["x"], &["y"]).float("alpha", -0.5));
    m.node("an approximation that is not known", node("Gelu", &["x"], &["y"]).text("approximate", "cubic"));
    m.node("a split into more than there is", node("Split", &["x"], &["y", "z"]).int("axis", 1).ints("split", &[1, 9]));
    for operator in ["QuantAvgPool2d", "Im2Col"] {
        let mut custom = node(operator, &["x"], &["y"]);
        custom.domain = "qonnx.custom_op.general".into();
        m.node(operator, custom);
    }
    let image = || model(&[1, 2, 3, 1]).constant(floats("m", &[4, 2], &[1.0; 8]));
    let im2col = |kernel: &[i64]| {
        let node = NodeProto { domain: "qonnx.custom_op.general".into(), ..node("Im2Col", &["x"], &["p"]) };
        node.ints("kernel_size", kernel).ints("stride", &[1, 1])
    };
    m.model("patches that another operator reads", &image().add(im2col(&[2, 2])).add(node("Relu", &["p"], &["y"])));
    m.model("patches that do not fit", &image().add(im2col(&[3, 3])).add(node("MatMul", &["p", "m"], &["y"])));
    m.model("a matrix of other patches", &image().add(im2col(&[1, 2])).add(node("MatMul", &["p", "m"], &["y"])));
    let several = model(&[1, 4])
        .add(node("Erf", &["x"], &["a"]))
        .add(node("Relu", &["a"], &["b"]))
        .add(node("Einsum", &["b"], &["c"]))
        .add(node("LSTM", &["c"], &["d"]))
        .add(node("Erf", &["b"], &["e"]))
        .add(node("Concat", &["d", "e"], &["y"]).int("axis", 0));
    m.model("several refused nodes", &several);
    m.node("layer normalisation", node("LayerNormalization", &["x"], &["y"]));
    let foreign = |domain: &str, operator: &str| NodeProto { domain: domain.into(), ..node(operator, &["x"], &["y"]) };
    m.node("a vendor's domain", foreign("com.vendor", "FusedMatMul"));
    m.node("a standard operator in a custom domain", foreign("onnx.brevitas", "Relu"));
    m.node("an input left out", node("Add", &["x"], &["y"]));
    m.node("an attribute of the wrong type", node("Flatten", &["x"], &["y"]).float("axis", 1.0));
    m.node("shapes that do not broadcast", node("Add", &["x", "pair"], &["y"]));
    m.node("a matrix product that does not fit", node("MatMul", &["x", "matrix"], &["y"]));
    m.node("a matrix product without columns", node("MatMul", &["x", "no_columns"], &["y"]));
    m.node("Gemm without rows", node("Gemm", &["x", "no_rows"], &["y"]).int("transB", 1));
    m.node("a matrix product with a number", node("MatMul", &["x", "one"], &["y"]));
    m.node("Gemm that does not fit", node("Gemm", &["x", "matrix"], &["y"]));
    m.node("Gemm of a vector", node("Gemm", &["x", "pair"], &["y"]));
    m.node("Gemm with a strange flag", node("Gemm", &["x", "matrix"], &["y"]).int("transA", 2));
    let gemm = node("Gemm", &["x", "matrix", "triple"], &["y"]).int("transA", 1);
    m.node("Gemm with a summand that does not fit", gemm);
    m.node("Gemm with an infinite factor", node("Gemm", &["x", "matrix"], &["y"]).float("alpha", f32::INFINITY));
    m.node("an axis that is not there", node("Flatten", &["x"], &["y"]).int("axis", 7));
    m.node("reshape to another number of elements", node("Reshape", &["x", "five"], &["y"]));
    m.node("reshape to floats", node("Reshape", &["x", "pair"], &["y"]));
    m.node("reshape to what is computed", node("Reshape", &["x", "x"], &["y"]));
    m.node("squeeze of two rows", node("Squeeze", &["x"], &["y"]).ints("axes", &[0]));
    m.node("unsqueeze without axes", node("Unsqueeze", &["x"], &["y"]));
    m.node("unsqueeze of an axis twice", node("Unsqueeze", &["x"], &["y"]).ints("axes", &[0, 0]));
    m.node("too many axes", node("Unsqueeze", &["x"], &["y"]).ints("axes", &(0..15).collect::<Vec<_>>()));
    m.node("transpose of one axis twice", node("Transpose", &["x"], &["y"]).ints("perm", &[1, 1]));
    m.node("gather by what is computed", node("Gather", &["x", "x"], &["y"]));
    m.node("gather beyond the end", node("Gather", &["triple", "five"], &["y"]));
    m.node("concat of different widths", node("Concat", &["matrix", "triple"], &["y"]).int("axis", 0));
    m.node("slice with lists of different lengths", node("Slice", &["triple", "five", "i1"], &["y"]));
    m.node("slice with step 0", node("Slice", &["triple", "i0", "i1", "i0", "i0"], &["y"]));
    m.node("range with step 0", node("Range", &["i0", "i1", "i0"], &["y"]));
    m.node("a constant of text", node("Constant", &[], &["y"]).text("value_string", "seven"));
    m.node("a constant of nothing", node("Constant", &[], &["y"]));
    m.node("cast to a string", node("Cast", &["x"], &["y"]).int("to", 8));
    m.node("cast of the image to integers", node("Cast", &["x"], &["y"]).int("to", 7));
    m.node("cast beyond the range", node("Cast", &["huge"], &["y"]).int("to", 3));
    m.node("dropout in training", node("Dropout", &["x", "half", "one"], &["y"]));
    m.node("normalisation in training", batch_normalization("triple", "triple").int("training_mode", 1));
    m.node("normalisation of other channels", batch_normalization("pair", "triple"));
    m.node("normalisation with NaN", batch_normalization("triple", "nan"));
    m.node("normalisation with a negative variance", batch_normalization("triple", "dead"));
    let vector = model(&[3]).constant(floats("triple", &[3], &[1.0; 3])).add(batch_normalization("triple", "triple"));
    m.model("normalisation of a vector", &vector);
    m.node("division by zero", node("Div", &["x", "zero"], &["y"]));
    m.node("a NaN summand", node("Add", &["x", "nan"], &["y"]));
    m.node("limits in the wrong order", node("Clip", &["x", "one", "zero"], &["y"]));
    m.node("the greater of three", node("Max", &["x", "one", "zero"], &["y"]));
    m.node("the greater of a number for each column", node("Max", &["x", "triple"], &["y"]));
    m.node("the least of the elements", node("TopK", &["x", "i1"], &["y"]).int("largest", 0));
    m.node("the greatest nine of three", node("TopK", &["x", "five"], &["y"]));
    m.node("the greatest none", node("TopK", &["x", "i0"], &["y"]));
}

fn batch_normalization(scale: &str, variance: &str) -> NodeProto {
    node("BatchNormalization", &["x", scale, "triple", "triple", variance], &["y"])
}

fn window_errors(m: &mut Messages) {
    let conv = || node("Conv", &["x", "w"], &["y"]);
    let pool = || node("MaxPool", &["x"], &["y"]).ints("kernel_shape", &[2, 2]);
    let resize = || node("Resize", &["x", "", "scales"], &["y"]);

    m.model("a volume", &model(&[1, 1, 4, 4, 4]).add(pool()));
    m.model("no spatial axis", &model(&[1, 4]).add(node("GlobalAveragePool", &["x"], &["y"])));
    let doubled = model(&[1, 1, 4, 4]).add(node("Concat", &["x", "x"], &["b"]).int("axis", 0));
    let mut pool_of_both = pool();
    pool_of_both.input = vec!["b".into()];
    m.model("an image made two", &doubled.add(pool_of_both));
    m.window("weights of another rank", node("Conv", &["x", "line"], &["y"]));
    m.window("no output channels", node("Conv", &["x", "no_outputs"], &["y"]));
    m.window("depthwise weights without groups", node("Conv", &["x", "depthwise"], &["y"]));
    m.window("groups that do not divide", conv().int("group", 3));
    m.window("no groups", conv().int("group", 0));
    m.window("another kernel than the weights'", conv().ints("kernel_shape", &[3, 1]));
    m.window("a bias of another length", node("Conv", &["x", "w", "triple"], &["y"]));
    m.window("a kernel with NaN", node("Conv", &["x", "broken"], &["y"]));
    m.window("a stride of 0", conv().ints("strides", &[1, 0]));
    m.window("a dilation for one axis", conv().ints("dilations", &[1]));
    m.window("negative padding", conv().ints("pads", &[0, 0, -1, 0]));
    m.window("a list that goes on", conv().ints("strides", &[1; 20]));
    m.window("a kernel greater than the input", conv().ints("dilations", &[2, 1]));
    m.window("padding beyond 64 bits", conv().ints("pads", &[i64::MAX, 0, i64::MAX, 0]));
    m.window("padding beyond memory", conv().ints("pads", &[1 << 40, 0, 0, 0]));
    m.window("a dilation beyond 64 bits", conv().ints("dilations", &[i64::MAX, 1]));
    let same = conv().text("auto_pad", "SAME_UPPER");
    m.window("automatic padding beyond 64 bits", same.clone().ints("dilations", &[i64::MAX, 1]));
    m.window("padding both ways", same.ints("pads", &[1, 1, 1, 1]));
    m.window("another automatic padding", conv().text("auto_pad", "SAME"));

    m.window("a pool without a kernel", node("AveragePool", &["x"], &["y"]));
    m.window("a pool that sees padding only", pool().ints("pads", &[2, 0, 0, 0]));
    m.window("a pool whose taps jump over the input", pool().ints("dilations", &[5, 1]).ints("pads", &[3, 0, 3, 0]));
    m.window("a column-major pool", pool().int("storage_order", 1));
    let mut indices = pool();
    indices.output = vec!["best".into(), "where".into()];
    let model = windows(constants(model(&[1, 2, 4, 4]))).add(indices);
    m.model("indices of a pool", &model.add(node("Cast", &["where"], &["y"]).int("to", FLOAT.into())));
    m.window("an average with a flag of 2", node("AveragePool", &["x"], &["y"]).int("count_include_pad", 2));

    let pad = |inputs: &[&str]| node("Pad", inputs, &["y"]);
    m.window("an unknown border", pad(&["x", "eight"]).text("mode", "around"));
    m.window("no padding", pad(&["x"]));
    m.window("infinite padding", pad(&["x", "eight", "infinity"]));
    m.window("padding for two axes", pad(&["x", "many"]));
    m.window("padding of an axis twice", pad(&["x", "one_pads", "", "one_axis"]));
    m.window("cropping of more than there is", pad(&["x", "crop"]));
    m.window("far padding", pad(&["x", "far"]));
    m.window("wide padding", pad(&["x", "wide"]));

    m.window("linear enlargement", resize().text("mode", "linear"));
    m.window("enlargement without scales", node("Resize", &["x"], &["y"]));
    m.window("reduction", node("Resize", &["x", "", "half_scales"], &["y"]));
    m.window("enlargement of two axes", node("Resize", &["x", "", "pair"], &["y"]));
    m.window("enlargement beyond memory", node("Resize", &["x", "", "wide_scales"], &["y"]));
    m.window("sizes that are no multiples", node("Resize", &["x", "", "", "sizes"], &["y"]));
    let ratio = node("Resize", &["x", "", "", "sizes"], &["y"]).text("keep_aspect_ratio_policy", "not_larger");
    m.window("sizes by a ratio", ratio);
    m.window("unequal repetition", resize().text("coordinate_transformation_mode", "align_corners"));
    m.window("cropped enlargement", resize().text("coordinate_transformation_mode", "tf_crop_and_resize"));
    m.window("a strange rounding", resize().text("nearest_mode", "round"));
    m.window("a rounding that shifts", resize().text("nearest_mode", "ceil"));
    m.window("floats and integers joined", node("Concat", &["x", "cube"], &["y"]).int("axis", 1));
    m.window("joined axes that differ", node("Concat", &["x", "w"], &["y"]).int("axis", 1));
}

fn quantizer_errors(m: &mut Messages) {
    let signed = |node: NodeProto| node.int("signed", 1).int("narrow", 0);
    let plain = |scale, zero_point, bits| signed(node("Quant", &["x", scale, zero_point, bits], &["y"]));
    m.node("a scale of 0", plain("dead", "zero", "one"));
    m.node("a negative bipolar scale", node("BipolarQuant", &["x", "minus"], &["y"]));
    let of_weights = |scale| signed(node("Quant", &["matrix", scale, "zero", "one"], &["w"]));
    let used = node("MatMul", &["x", "w"], &["y"]);
    for (case, scale) in [("a weight scale of 0", "zero"), ("a negative weight scale", "minus")] {
        m.model(case, &constants(model(&[1, 2])).add(of_weights(scale)).add(used.clone()));
    }
    m.node("a scale that is NaN", plain("nan", "zero", "one"));
    m.node("a scale that does not broadcast", plain("pair", "zero", "one"));
    m.node("a broken zero point", plain("one", "half", "one"));
    m.node("one bit with a zero point", plain("one", "one", "one"));
    m.node("half a bit", plain("one", "zero", "half"));
    m.node("no bits", plain("one", "zero", "zero"));
    m.node("bits by channel", plain("one", "zero", "triple"));
    let half_weights = signed(node("Quant", &["matrix", "one", "zero", "half"], &["w"]));
    m.model("half a bit of weights", &constants(model(&[1, 2])).add(half_weights).add(used));
    m.node("bits that are computed", plain("one", "zero", "x"));
    m.node("an unknown rounding mode", plain("one", "zero", "one").text("rounding_mode", "STOCHASTIC"));
    m.node("no signedness", node("Quant", &["x", "one", "zero", "one"], &["y"]).int("narrow", 1));
    m.model(
        "weights that are NaN",
        &constants(model(&[2, 3]))
            .add(quant(&["nan", "one", "zero", "pair0"], "w"))
            .constant(floats("pair0", &[], &[2.0]))
            .add(node("Mul", &["x", "w"], &["y"])),
    );
    m.node("thresholds of no channel", node("MultiThreshold", &["x", "no_rows"], &["y"]));
    m.node("a scale of no channel", plain("no_columns", "zero", "one"));
    m.node("thresholds for other channels", node("MultiThreshold", &["x", "matrix"], &["y"]));
    let line = |layout: &str| {
        let thresholds = floats("rows", &[2, 1], &[0.0, 1.0]);
        let threshold = node("MultiThreshold", &["x", "rows"], &["y"]).text("data_layout", layout);
        constants(model(&[1, 2, 3])).constant(thresholds).add(threshold)
    };
    m.model("thresholds of the first of three axes", &line(""));
    m.model("thresholds of another axis than the layout's", &line("NWC"));
    files::import(&line("NCW")).unwrap();
    let layout = node("MultiThreshold", &["x", "matrix"], &["y"]).text("data_layout", "NHWC");
    m.node("thresholds along a missing axis", layout);
}

fn tensor_errors(m: &mut Messages) {
    m.model("too few bytes", &damaged(|t| t.raw_data = vec![0; 8].into()));
    m.model("a broken number of bytes", &damaged(|t| t.raw_data = vec![0; 11].into()));
    m.model("no elements", &damaged(|t| t.raw_data = Default::default()));
    m.model("a negative extent", &damaged(|t| t.dims = vec![-3]));
    m.model("many axes", &damaged(|t| t.dims = vec![1; 17]));
    m.model("a huge tensor", &damaged(|t| t.dims = vec![1 << 40, 1 << 40]));
    m.model("strings", &damaged(|t| t.data_type = 8));
    m.model("a type from the future", &damaged(|t| t.data_type = 99));
    m.node("a huge constant", node("ConstantOfShape", &["huge"], &["y"]));
    m.node("a constant larger than the file justifies", node("ConstantOfShape", &["many"], &["y"]));
    m.node("a constant of negative size", node("ConstantOfShape", &["five"], &["y"]));
    m.node("integers that overflow", node("Mul", &["huge", "huge"], &["y"]));
    let indices = constants(model(&[2, 3])).add(node("TopK", &["x", "i1"], &["", "best"])).add(node(
        "Add",
        &["best", "i1"],
        &["y"],
    ));
    m.model("arithmetic on indices", &indices);
}

fn external_errors(m: &mut Messages) {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("model");
    fs::create_dir(&inside).unwrap();
    fs::write(folder.path().join("secret.bin"), [0; 12]).unwrap();
    fs::write(inside.join("short.bin"), [0; 8]).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("../secret.bin", inside.join("link.bin")).unwrap();
    let mut case = |case: &str, entries: &[(&str, &str)]| {
        let model = damaged(|tensor| *tensor = external(tensor.clone(), entries));
        m.error(case, &import_bytes(&model.encode_to_vec(), Some(&inside), "digits").unwrap_err());
    };
    case("a data file that is not there", &[("location", "gone.bin")]);
    case("a data file outside the folder", &[("location", "../secret.bin")]);
    case("a data file by absolute path", &[("location", "/etc/passwd")]);
    #[cfg(unix)]
    case("a link out of the folder", &[("location", "link.bin")]);
    case("a data file without a name", &[]);
    case("the folder itself", &[("location", ".")]);
    case("a data file that is too short", &[("location", "short.bin")]);
    case("an offset that overflows", &[("location", "short.bin"), ("offset", "18446744073709551615")]);
    case("an offset that is no number", &[("location", "short.bin"), ("offset", "ten")]);
    case("a length that does not fit", &[("location", "short.bin"), ("length", "8")]);
    let model = damaged(|tensor| *tensor = external(tensor.clone(), &[("location", "short.bin")]));
    m.model("a data file for a model in memory", &model);
}

#[test]
fn every_error() {
    let mut codes = BTreeSet::new();
    let cases: [(&str, Collect); 9] = [
        ("file", file_errors),
        ("foreign", foreign_files),
        ("graph", graph_errors),
        ("operator", operator_errors),
        ("window", window_errors),
        ("quantizer", quantizer_errors),
        ("quantised", quantised::errors),
        ("tensor", tensor_errors),
        ("external", external_errors),
    ];
    for (name, collect) in cases {
        let mut messages = Messages::default();
        collect(&mut messages);
        codes.extend(messages.codes);
        insta::assert_snapshot!(name, messages.text);
    }
    let source = include_str!("../src/onnx/error.rs");
    let declared: BTreeSet<String> =
        source.split("code(").skip(1).map(|rest| rest.split(')').next().unwrap().trim().to_string()).collect();
    assert_eq!(codes, declared, "every error must have a case here");
}
