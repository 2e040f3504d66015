//! Standard quantised operators that must be refused.

use super::Messages;
use network::onnx::proto::{ModelProto, NodeProto, TensorProto};
use testkit::files::{Build, INT32, UINT8, With, floats, model, node};

const INT8: i32 = 3;

fn bytes(name: &str, data_type: i32, dims: &[i64], data: &[i32]) -> TensorProto {
    TensorProto { name: name.into(), dims: dims.to_vec(), data_type, int32_data: data.to_vec(), ..Default::default() }
}

/// A model that reads `x` of shape [1, 2, 4, 4] and `q`, the same as integers, with parameters of every kind.
fn parameters() -> ModelProto {
    model(&[1, 2, 4, 4])
        .constant(floats("half", &[], &[0.5]))
        .constant(floats("zero", &[], &[0.0]))
        .constant(floats("below", &[1], &[-0.5]))
        .constant(floats("nan", &[], &[f32::NAN]))
        .constant(floats("pair", &[2], &[0.5, 0.25]))
        .constant(floats("triple", &[3], &[0.5; 3]))
        .constant(floats("blocks", &[1, 2], &[0.5; 2]))
        .constant(bytes("u8", UINT8, &[], &[3]))
        .constant(bytes("i8", INT8, &[], &[3]))
        .constant(bytes("i32", INT32, &[], &[0]))
        .constant(bytes("u8_pair", UINT8, &[2], &[3, 4]))
        .constant(bytes("u8_triple", UINT8, &[3], &[3, 4, 5]))
        .constant(bytes("w", INT8, &[2, 2, 1, 1], &[1, 2, 3, 4]))
        .constant(bytes("matrix", INT8, &[4, 3], &[1; 12]))
        .constant(bytes("bias", INT32, &[2], &[5, 6]))
        .constant(floats("float_bias", &[2], &[5.0, 6.0]))
        .add(node("QuantizeLinear", &["x", "half", "u8"], &["q"]))
}

fn onnxruntime(node: NodeProto) -> NodeProto {
    NodeProto { domain: "com.microsoft".into(), ..node }
}

pub fn errors(m: &mut Messages) {
    let mut case = |case: &str, node: NodeProto| m.model(case, &parameters().add(node));
    let quantize = |inputs: &[&str]| node("QuantizeLinear", inputs, &["y"]);
    let dequantize = |inputs: &[&str]| node("DequantizeLinear", inputs, &["y"]);

    case("a scale of 0", quantize(&["x", "zero", "u8"]));
    case("a scale below 0", quantize(&["x", "below", "u8"]));
    case("a scale that is NaN", dequantize(&["q", "nan", "u8"]));
    case("a scale of integers", quantize(&["x", "u8", "u8"]));
    case("a scale that is computed", quantize(&["x", "x", "u8"]));
    case("no scale", quantize(&["x"]));
    case("scales for other channels", quantize(&["x", "triple", "u8_triple"]));
    case("zero points for other channels", quantize(&["x", "pair", "u8_triple"]));
    case("an axis that is not there", quantize(&["x", "pair", "u8_pair"]).int("axis", 4));
    case("scales of blocks", quantize(&["x", "blocks", "u8"]).int("block_size", 2));
    case("scales with two axes", quantize(&["x", "blocks", "u8"]));
    case("a zero point that is a float", quantize(&["x", "half", "zero"]));
    case("a zero point of 32 bits", quantize(&["x", "half", "i32"]));
    case("integers of 8 bits floating", quantize(&["x", "half"]).int("output_dtype", 17));
    case("a zero point of another type", dequantize(&["q", "half", "i8"]));
    case("floats dequantised", dequantize(&["x", "half"]));

    let conv = |inputs: &[&str]| node("QLinearConv", inputs, &["y"]);
    let ends = ["half", "u8"];
    let of = |middle: &[&'static str]| [&["q", "half", "u8"], middle, &ends].concat();
    case("a convolution of floats", conv(&["x", "half", "u8", "w", "half", "i8", "half", "u8"]));
    case("weights with another zero point", conv(&of(&["w", "half", "u8"])));
    case("weights with scales of other channels", conv(&of(&["w", "triple", "i8"])));
    case("weights that are computed", conv(&of(&["q", "half", "u8"])));
    case("data with a scale for each channel", conv(&["q", "pair", "u8", "w", "half", "i8", "half", "u8"]));
    case("a bias of floats", conv(&[of(&["w", "half", "i8"]), vec!["float_bias"]].concat()));
    case("no scale of the result", conv(&["q", "half", "u8", "w", "half", "i8"]));
    case("a product that does not fit", node("QLinearMatMul", &of(&["bias", "half", "i32"]), &["y"]));
    case("integers that do not fit", node("MatMulInteger", &["q", "matrix", "u8", "u8"], &["y"]));
    case("floats multiplied as integers", node("MatMulInteger", &["x", "matrix"], &["y"]));
    case("a convolution of integers and floats", node("ConvInteger", &["q", "float_bias", "u8"], &["y"]));

    let add = ["q", "half", "u8", "x", "half", "u8", "half", "u8"];
    case("a sum of integers and floats", onnxruntime(node("QLinearAdd", &add, &["y"])));
    let pool = node("QLinearGlobalAveragePool", &["q", "half", "u8", "half", "u8"], &["y"]);
    case("channels last", onnxruntime(pool.int("channels_last", 1)));
    let concat = ["half", "u8", "q", "half"];
    case("a part without a zero point", onnxruntime(node("QLinearConcat", &concat, &["y"]).int("axis", 1)));
    for operator in ["QLinearSigmoid", "DynamicQuantizeMatMul", "FusedConv", "Rfft"] {
        case(operator, onnxruntime(node(operator, &["x"], &["y"])));
    }
    case("scales that change with the image", node("DynamicQuantizeLinear", &["x"], &["y", "s", "z"]));
}
