//! The attributes of each operator.

use super::constants::{FLOAT, INT64};
use crate::graph::{Graph, Node, Operator, RoundingMode, ValueId, Window};
use crate::onnx::proto::{AttributeProto, attribute_type};

fn integer(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: attribute_type::INT, i, ..AttributeProto::default() }
}

fn flag(name: &str, value: bool) -> AttributeProto {
    integer(name, i64::from(value))
}

fn float(name: &str, value: f64) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: attribute_type::FLOAT, f: value as f32, ..AttributeProto::default() }
}

fn text(name: &str, text: &str) -> AttributeProto {
    let s = text.as_bytes().to_vec().into();
    AttributeProto { name: name.into(), r#type: attribute_type::STRING, s, ..AttributeProto::default() }
}

fn integers(name: &str, list: impl IntoIterator<Item = usize>) -> AttributeProto {
    let ints = list.into_iter().map(|number| number as i64).collect();
    AttributeProto { name: name.into(), r#type: attribute_type::INTS, ints, ..AttributeProto::default() }
}

/// Those of a `Quant` node.
pub(super) fn quant(signed: bool, narrow: bool, rounding: RoundingMode) -> Vec<AttributeProto> {
    let mode = match rounding {
        RoundingMode::HalfEven => "ROUND",
        RoundingMode::Ceil => "CEIL",
        RoundingMode::Floor => "FLOOR",
        RoundingMode::Up => "UP",
        RoundingMode::Down => "DOWN",
        RoundingMode::HalfUp => "HALF_UP",
        RoundingMode::HalfDown => "HALF_DOWN",
    };
    vec![flag("signed", signed), flag("narrow", narrow), text("rounding_mode", mode)]
}

fn window(window: &Window) -> Vec<AttributeProto> {
    let mut attributes = vec![
        integers("kernel_shape", window.kernel.iter().copied()),
        integers("strides", window.strides.iter().copied()),
        integers("pads", window.pads_before.iter().chain(&window.pads_after).copied()),
    ];
    if window.dilations.iter().any(|dilation| *dilation != 1) {
        attributes.push(integers("dilations", window.dilations.iter().copied()));
    }
    if window.overhang.iter().any(|overhang| *overhang > 0) {
        attributes.push(flag("ceil_mode", true));
    }
    attributes
}

/// Those of any node.
pub(super) fn of(graph: &Graph, node: &Node) -> Vec<AttributeProto> {
    let shape = |id: ValueId| graph.value(id).shape.as_slice();
    let opset = graph.opset;
    let is_integer = |id: ValueId| graph.value(id).is_integer;
    match &node.operator {
        Operator::Reshape if is_integer(node.inputs[0]) != is_integer(node.outputs[0]) => {
            vec![integer("to", i64::from(if is_integer(node.outputs[0]) { INT64 } else { FLOAT }))]
        }
        Operator::Reshape
        | Operator::Add
        | Operator::Sub
        | Operator::Mul
        | Operator::Div
        | Operator::Pow
        | Operator::Sqrt
        | Operator::Neg
        | Operator::Abs
        | Operator::Round
        | Operator::Floor
        | Operator::Ceil
        | Operator::Relu
        | Operator::Sign
        | Operator::MatMul
        | Operator::BipolarQuant
        | Operator::Activation(_)
        | Operator::Sigmoid
        // Refused before anything is written.
        | Operator::QuantizeLinear { .. }
        | Operator::Kernel(_) => Vec::new(),
        Operator::Transpose { permutation } => vec![integers("perm", permutation.iter().copied())],
        Operator::Clip { minimum, maximum } => {
            let limits = [("min", *minimum), ("max", *maximum)].into_iter();
            limits
                .filter(|(_, limit)| opset < 11 && limit.is_finite())
                .map(|(name, limit)| float(name, limit))
                .collect()
        }
        Operator::Gemm { alpha, beta, transpose_a, transpose_b } => vec![
            float("alpha", *alpha),
            float("beta", *beta),
            flag("transA", *transpose_a),
            flag("transB", *transpose_b),
        ],
        Operator::BatchNormalization { epsilon } => vec![float("epsilon", *epsilon)],
        Operator::Quant { signed, narrow, rounding } => quant(*signed, *narrow, *rounding),
        Operator::MultiThreshold { out_scale, out_bias, channel_axis } => {
            let layout = match (shape(node.inputs[0]).len(), channel_axis) {
                (2, _) => "NC",
                (3, 1) => "NCW",
                (3, _) => "NWC",
                (_, 1) => "NCHW",
                _ => "NHWC",
            };
            vec![
                float("out_scale", *out_scale),
                float("out_bias", *out_bias),
                text("out_dtype", "FLOAT32"),
                text("data_layout", layout),
            ]
        }
        Operator::Conv { window: taps, groups } => {
            let mut attributes = window(taps);
            attributes.push(integer("group", *groups as i64));
            attributes
        }
        Operator::MaxPool { window: taps } => window(taps),
        Operator::AveragePool { window: taps, count_include_pad } => {
            let mut attributes = window(taps);
            attributes.push(flag("count_include_pad", *count_include_pad));
            attributes
        }
        Operator::Concat { axis } => vec![integer("axis", *axis as i64)],
        Operator::Pad { before, after, value } => {
            let mut attributes = vec![text("mode", "constant")];
            if opset < 11 {
                attributes.push(integers("pads", before.iter().chain(after).copied()));
                attributes.push(float("value", *value));
            }
            attributes
        }
        Operator::Upsample { .. } => {
            let mut attributes = vec![text("mode", "nearest")];
            if opset >= 11 {
                attributes.push(text("coordinate_transformation_mode", "asymmetric"));
                attributes.push(text("nearest_mode", "floor"));
            }
            attributes
        }
        Operator::Select { axis, .. } => vec![integer("axis", *axis as i64)],
        Operator::Dilate { factors } => {
            let spatial = || factors[2..].iter().copied();
            vec![
                integers("strides", spatial()),
                integers("output_padding", spatial().map(|factor| factor - 1)),
                integer("group", shape(node.inputs[0])[1] as i64),
            ]
        }
        Operator::TopK { axis, k } => {
            let mut attributes = vec![integer("axis", *axis as i64)];
            if opset < 10 {
                attributes.push(integer("k", *k as i64));
            }
            attributes
        }
        Operator::ArgMax { axis, last } => {
            let keeps = shape(node.inputs[0]).len() == shape(node.outputs[0]).len();
            let mut attributes = vec![integer("axis", *axis as i64), flag("keepdims", keeps)];
            if *last {
                attributes.push(flag("select_last_index", true));
            }
            attributes
        }
        Operator::Softmax { axis, .. } => vec![integer("axis", *axis as i64)],
    }
}
