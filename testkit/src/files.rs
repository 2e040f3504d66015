//! Small ONNX files, written in memory.

#![allow(missing_docs, reason = "functions are named as the part of the file that they make")]

use network::graph::Graph;
use network::onnx::proto::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto, attribute_type,
};
use network::onnx::{ImportError, import_bytes};
use prost::Message;

pub const FLOAT: i32 = 1;
pub const UINT8: i32 = 2;
pub const INT32: i32 = 6;
pub const INT64: i32 = 7;
pub const BOOL: i32 = 9;
pub const DOUBLE: i32 = 11;

/// A model with input `x`, output `y` and nothing in between.
pub fn model(shape: &[i64]) -> ModelProto {
    ModelProto {
        ir_version: 8,
        opset_import: vec![opset("", 13), opset("qonnx.custom_op.general", 1)],
        graph: Some(GraphProto {
            input: vec![value("x", FLOAT, &fixed(shape))],
            output: vec![value("y", FLOAT, &[])],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
}

pub fn opset(domain: &str, version: i64) -> OperatorSetIdProto {
    OperatorSetIdProto { domain: domain.into(), version }
}

pub fn fixed(shape: &[i64]) -> Vec<DimensionProto> {
    shape.iter().map(|extent| DimensionProto { dim_value: Some(*extent), dim_param: None }).collect()
}

pub fn symbolic(name: &str) -> DimensionProto {
    DimensionProto { dim_value: None, dim_param: Some(name.into()) }
}

pub fn value(name: &str, elem_type: i32, dim: &[DimensionProto]) -> ValueInfoProto {
    let shape = Some(TensorShapeProto { dim: dim.to_vec() });
    ValueInfoProto {
        name: name.into(),
        r#type: Some(TypeProto { tensor_type: Some(TensorTypeProto { elem_type, shape }) }),
    }
}

pub fn node(operator: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    let names = |list: &[&str]| list.iter().map(|name| name.to_string()).collect();
    NodeProto { op_type: operator.into(), input: names(inputs), output: names(outputs), ..NodeProto::default() }
}

pub fn floats(name: &str, dims: &[i64], data: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: FLOAT,
        raw_data: data.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>().into(),
        ..TensorProto::default()
    }
}

pub fn integers(name: &str, data: &[i64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: vec![data.len() as i64],
        data_type: INT64,
        int64_data: data.to_vec(),
        ..TensorProto::default()
    }
}

pub fn external(mut tensor: TensorProto, entries: &[(&str, &str)]) -> TensorProto {
    tensor.raw_data = Default::default();
    tensor.data_location = 1;
    tensor.external_data = entries
        .iter()
        .map(|(key, value)| StringStringEntryProto { key: key.to_string(), value: value.to_string() })
        .collect();
    tensor
}

/// Chained setting of attributes.
pub trait With: Sized {
    fn attribute(self, attribute: AttributeProto) -> Self;

    fn int(self, name: &str, i: i64) -> Self {
        self.attribute(AttributeProto { name: name.into(), r#type: attribute_type::INT, i, ..Default::default() })
    }

    fn float(self, name: &str, f: f32) -> Self {
        self.attribute(AttributeProto { name: name.into(), r#type: attribute_type::FLOAT, f, ..Default::default() })
    }

    fn text(self, name: &str, s: &str) -> Self {
        let s = s.as_bytes().to_vec().into();
        self.attribute(AttributeProto { name: name.into(), r#type: attribute_type::STRING, s, ..Default::default() })
    }

    fn ints(self, name: &str, ints: &[i64]) -> Self {
        let ints = ints.to_vec();
        self.attribute(AttributeProto { name: name.into(), r#type: attribute_type::INTS, ints, ..Default::default() })
    }

    fn floats(self, name: &str, floats: &[f32]) -> Self {
        let floats = floats.to_vec();
        self.attribute(AttributeProto {
            name: name.into(),
            r#type: attribute_type::FLOATS,
            floats,
            ..Default::default()
        })
    }

    fn tensor(self, name: &str, t: TensorProto) -> Self {
        let t = Some(t);
        self.attribute(AttributeProto { name: name.into(), r#type: attribute_type::TENSOR, t, ..Default::default() })
    }
}

impl With for NodeProto {
    fn attribute(mut self, attribute: AttributeProto) -> Self {
        self.attribute.push(attribute);
        self
    }
}

/// Chained building of models.
pub trait Build: Sized {
    fn graph(&mut self) -> &mut GraphProto;

    fn add(mut self, node: NodeProto) -> Self {
        self.graph().node.push(node);
        self
    }

    fn constant(mut self, tensor: TensorProto) -> Self {
        self.graph().initializer.push(tensor);
        self
    }
}

impl Build for ModelProto {
    fn graph(&mut self) -> &mut GraphProto {
        self.graph.get_or_insert_default()
    }
}

pub fn with_opset(mut model: ModelProto, version: i64) -> ModelProto {
    model.opset_import = vec![opset("", version)];
    model
}

pub fn import(model: &ModelProto) -> Result<Graph, ImportError> {
    import_bytes(&model.encode_to_vec(), None, "test")
}

/// A network of two layers with most kinds of nodes that real exports have.
pub fn perceptron() -> ModelProto {
    let weights: Vec<f32> = (0..12).map(|i| [0.5, -0.25, 0.125, -1.0, 0.75][i % 5]).collect();
    model(&[1, 2, 2])
        .constant(integers("zero", &[0]))
        .constant(integers("rest", &[-1]))
        .constant(floats("one", &[], &[1.0]))
        .constant(floats("none", &[], &[0.0]))
        .constant(floats("two", &[], &[2.0]))
        .constant(floats("w1", &[3, 4], &weights))
        .constant(floats("w1_scale", &[3, 1], &[0.5, 0.25, 1.0]))
        .constant(floats("gamma", &[3], &[1.5, -0.5, 1.0]))
        .constant(floats("beta", &[3], &[0.25, 0.5, -1.0]))
        .constant(floats("mean", &[3], &[0.5, 0.0, -0.5]))
        .constant(floats("var", &[3], &[1.0, 2.0, 0.5]))
        .constant(floats("w2", &[2, 3], &weights[..6]))
        .constant(floats("b2", &[2], &[0.5, -0.5]))
        .constant(integers("k", &[1]))
        .add(node("Shape", &["x"], &["x_shape"]))
        .add(node("Gather", &["x_shape", "zero"], &["batch"]).int("axis", 0))
        .add(node("Concat", &["batch", "rest"], &["flat"]).int("axis", 0))
        .add(node("Reshape", &["x", "flat"], &["x_flat"]))
        .add(node("BipolarQuant", &["x_flat", "one"], &["a0"]))
        .add(quant(&["w1", "w1_scale", "none", "two"], "w1_quant"))
        .add(node("Transpose", &["w1_quant"], &["w1_turned"]).ints("perm", &[1, 0]))
        .add(node("MatMul", &["a0", "w1_turned"], &["m1"]))
        .add(node("BatchNormalization", &["m1", "gamma", "beta", "mean", "var"], &["n1"]).float("epsilon", 1e-5))
        .add(node("Relu", &["n1"], &["r1"]))
        .add(quant(&["r1", "one", "none", "two"], "a1"))
        .add(node("Gemm", &["a1", "w2", "b2"], &["scores"]).int("transB", 1))
        .add(node("TopK", &["scores", "k"], &["best", "y"]).int("axis", -1))
}

pub fn quant(inputs: &[&str], output: &str) -> NodeProto {
    let mut node = node("Quant", inputs, &[output]);
    node.domain = "qonnx.custom_op.general".into();
    node.int("signed", 1).int("narrow", 1).text("rounding_mode", "ROUND")
}

/// A network with convolutions, pools and all that changes the extents of images.
pub fn convolutional() -> ModelProto {
    let weights: Vec<f32> = (0..36).map(|i| [0.5, -0.25, 0.125, -1.0, 0.75][i % 5]).collect();
    model(&[1, 1, 6, 6])
        .constant(floats("one", &[], &[1.0]))
        .constant(floats("none", &[], &[0.0]))
        .constant(floats("two", &[], &[2.0]))
        .constant(floats("w1", &[2, 1, 3, 3], &weights[..18]))
        .constant(floats("w1_scale", &[2, 1, 1, 1], &[0.5, 0.25]))
        .constant(floats("b1", &[2], &[0.5, -0.5]))
        .constant(floats("w2", &[2, 1, 2, 2], &weights[..8]))
        .constant(integers("pads", &[0, 0, 1, 0, 0, 0, 0, 1]))
        .constant(floats("scales", &[4], &[1.0, 1.0, 2.0, 1.0]))
        .constant(integers("sizes", &[1, 2, 6, 6]))
        .add(quant(&["x", "one", "none", "two"], "a0"))
        .add(quant(&["w1", "w1_scale", "none", "two"], "w1_quant"))
        .add(
            node("Conv", &["a0", "w1_quant", "b1"], &["c1"])
                .ints("kernel_shape", &[3, 3])
                .ints("pads", &[1, 1, 1, 1])
                .ints("strides", &[1, 1])
                .ints("dilations", &[1, 1])
                .int("group", 1),
        )
        .add(quant(&["c1", "one", "none", "two"], "a1"))
        .add(
            node("MaxPool", &["a1"], &["p1"])
                .ints("kernel_shape", &[2, 2])
                .ints("strides", &[2, 2])
                .int("ceil_mode", 1),
        )
        .add(node("Conv", &["p1", "w2"], &["c2"]).int("group", 2).text("auto_pad", "SAME_UPPER"))
        .add(node("Resize", &["c2", "", "", "sizes"], &["r2"]).text("mode", "nearest"))
        .add(node("Add", &["r2", "a1"], &["s2"]))
        .add(
            node("AveragePool", &["s2"], &["p2"])
                .ints("kernel_shape", &[3, 2])
                .ints("strides", &[2, 2])
                .ints("pads", &[1, 0, 0, 1])
                .int("count_include_pad", 1)
                .int("ceil_mode", 1),
        )
        .add(node("Pad", &["p2", "pads", "one"], &["d2"]))
        .add(node("Upsample", &["d2", "scales"], &["u2"]))
        .add(node("Concat", &["u2", "u2"], &["j2"]).int("axis", 1))
        .add(node("GlobalAveragePool", &["j2"], &["g2"]))
        .add(node("Flatten", &["g2"], &["y"]))
}

/// The model with `text` before every name that is not that of an operator.
pub fn with_names(mut model: ModelProto, text: &str) -> ModelProto {
    let graph = model.graph.get_or_insert_default();
    let rename = |name: &mut String| {
        if !name.is_empty() {
            name.insert_str(0, text);
        }
    };
    graph.name.insert_str(0, text);
    for (index, node) in graph.node.iter_mut().enumerate() {
        node.name = format!("{text}{index}");
        node.input.iter_mut().chain(&mut node.output).for_each(rename);
    }
    graph.initializer.iter_mut().for_each(|tensor| rename(&mut tensor.name));
    graph.input.iter_mut().chain(&mut graph.output).for_each(|value| rename(&mut value.name));
    model
}
