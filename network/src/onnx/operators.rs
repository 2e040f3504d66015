//! What each operator of a file becomes. To support one more: a line in [`add`] and a function in the module of its
//! family, which checks inputs and attributes, infers the shape, and emits a node or folds a constant.

mod activations;
mod arithmetic;
mod blocks;
mod cancelled;
mod channels_last;
mod constants;
mod folding;
mod im2col;
mod layout;
mod matrix;
mod moves;
mod normalization;
mod quant_pool;
mod quantized;
mod quantizers;
mod reduce;
mod resize;
mod result_type;
mod scores;
mod search;
mod selection;
mod surround;
mod transposed;
mod truncation;
mod window;
mod written_out;

use super::error::ImportError;
use super::node::NodeContext;
use crate::graph::{Activation, Operator};

/// Domains of the quantisation operators, apart from the standard one, where old exports have them.
const QUANTIZER_DOMAINS: [&str; 3] = ["onnx.brevitas", "qonnx.custom_op.general", "finn.custom_op.general"];

/// Domain of QONNX' operators whose channels come last.
const CHANNELS_LAST: &str = "qonnx.custom_op.channels_last";

/// Domain of the operators that onnxruntime adds.
const ONNXRUNTIME: &str = "com.microsoft";

/// Whether a domain is that of the standard operators.
pub(super) fn is_standard(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

/// Adds what a node of the file becomes.
pub(super) fn add(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let domain = node.domain();
    let is_known = is_standard(domain) || QUANTIZER_DOMAINS.contains(&domain);
    match node.operator() {
        _ if domain == ONNXRUNTIME => add_onnxruntime(node),
        _ if domain == CHANNELS_LAST => channels_last::add(node)?.ok_or_else(|| unsupported(node)),
        _ if !is_known => Err(ImportError::Domain { place: node.place(), domain: domain.into() }),
        "BipolarQuant" => quantizers::bipolar_quant(node),
        "Quant" | "IntQuant" => quantizers::quant(node),
        "QuantAvgPool2d" => quant_pool::quant_average_pool(node),
        "Im2Col" => im2col::im2col(node),
        "MaxPoolNHWC" => channels_last::max_pool(node),
        "Trunc" => truncation::trunc(node),
        "MultiThreshold" => quantizers::multi_threshold(node),
        _ if is_standard(domain) && folding::fold(node)? => Ok(()),
        _ if is_standard(domain) => add_standard(node),
        _ => Err(unsupported(node)),
    }
}

fn add_onnxruntime(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    match node.operator() {
        "QuantizeLinear" => quantized::quantize_linear(node),
        "DequantizeLinear" => quantized::dequantize_linear(node),
        "QGemm" => quantized::q_gemm(node),
        "Gelu" => activations::gelu(node),
        "QuickGelu" => activations::swish(node, 1.702),
        "QLinearAdd" => quantized::q_linear_add(node),
        "QLinearConcat" => quantized::q_linear_concat(node),
        "QLinearAveragePool" => quantized::q_linear_average_pool(node),
        "QLinearGlobalAveragePool" => quantized::q_linear_global_average_pool(node),
        _ => Err(unsupported(node)),
    }
}

fn add_standard(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    match node.operator() {
        "Constant" => constants::constant(node),
        "ConstantOfShape" => constants::constant_of_shape(node),
        "Range" => constants::range(node),
        "Shape" => constants::shape(node),
        "Size" => constants::size(node),
        "Cast" => constants::cast(node),
        "CastLike" => constants::cast_like(node),
        "Where" => constants::select(node),

        "Reshape" => layout::reshape(node),
        "Flatten" => layout::flatten(node),
        "Squeeze" => layout::squeeze(node),
        "Unsqueeze" => layout::unsqueeze(node),
        "Identity" => layout::identity(node),
        "Dropout" => layout::dropout(node),
        "Transpose" => layout::transpose(node),
        "Expand" => layout::expand(node),
        "Concat" => selection::concat(node),
        "Gather" => selection::gather(node),
        "Slice" => selection::slice(node),
        "Split" => selection::split(node),
        "DepthToSpace" => blocks::depth_to_space(node),
        "SpaceToDepth" => blocks::space_to_depth(node),

        "Add" => arithmetic::binary(node, Operator::Add, i64::checked_add),
        "Sub" => arithmetic::binary(node, Operator::Sub, i64::checked_sub),
        "Mul" => arithmetic::binary(node, Operator::Mul, i64::checked_mul),
        "Div" => arithmetic::binary(node, Operator::Div, i64::checked_div),
        "Pow" => arithmetic::binary(node, Operator::Pow, arithmetic::power),
        "Neg" => arithmetic::unary(node, Operator::Neg, i64::checked_neg),
        "Abs" => arithmetic::unary(node, Operator::Abs, i64::checked_abs),
        "Round" => arithmetic::exact_unary(node, Operator::Round, f64::round_ties_even),
        "Floor" => arithmetic::exact_unary(node, Operator::Floor, f64::floor),
        "Ceil" => arithmetic::exact_unary(node, Operator::Ceil, f64::ceil),
        "Sqrt" => arithmetic::unary(node, Operator::Sqrt, |_| None),
        "Relu" => arithmetic::relu(node),
        "Sign" => arithmetic::sign(node),
        "Clip" => arithmetic::clip(node),
        "Reciprocal" => activations::reciprocal(node),
        "LeakyRelu" => activations::leaky_relu(node),
        "PRelu" => activations::p_relu(node),
        "HardSigmoid" => activations::hard_sigmoid(node),
        "HardSwish" => activations::hard_swish(node),
        "Softsign" => activations::softsign(node),
        "Exp" => activations::transcendental(node, Activation::Exp),
        "Log" => activations::transcendental(node, Activation::Log),
        "Erf" => activations::transcendental(node, Activation::Erf),
        "Tanh" => activations::transcendental(node, Activation::Tanh),
        "Softplus" => activations::transcendental(node, Activation::Softplus),
        "Elu" => activations::elu(node),
        "Selu" => activations::selu(node),
        "Celu" => activations::celu(node),
        "Gelu" => activations::gelu(node),
        "Swish" => activations::swish(node, 1.0),
        "Mish" => activations::mish(node),
        "Min" => arithmetic::minimum(node),
        "Max" => arithmetic::maximum(node),

        "MatMul" => matrix::mat_mul(node),
        "Gemm" => matrix::gemm(node),
        "QuantizeLinear" => quantized::quantize_linear(node),
        "DequantizeLinear" => quantized::dequantize_linear(node),
        "QLinearConv" => quantized::q_linear_conv(node),
        "QLinearMatMul" => quantized::q_linear_mat_mul(node),
        "ConvInteger" => quantized::conv_integer(node),
        "MatMulInteger" => quantized::mat_mul_integer(node),
        "BatchNormalization" => normalization::batch_normalization(node),
        "Conv" => window::conv(node),
        "ConvTranspose" => transposed::conv_transpose(node),
        "ReduceMean" => reduce::mean(node),
        "ReduceSum" => reduce::sum(node),
        "ReduceMax" => reduce::greatest(node),
        "MaxPool" => window::max_pool(node),
        "AveragePool" => window::average_pool(node),
        "GlobalMaxPool" => window::global_max_pool(node),
        "GlobalAveragePool" => window::global_average_pool(node),
        "Pad" => surround::pad(node),
        "Upsample" | "Resize" => resize::resize(node),
        "TopK" => search::top_k(node),
        "ArgMax" => search::arg_max(node),
        "Softmax" => scores::softmax(node, false),
        "LogSoftmax" => scores::softmax(node, true),
        "Sigmoid" => scores::sigmoid(node),
        _ => Err(unsupported(node)),
    }
}

fn unsupported(node: &NodeContext<'_, '_>) -> ImportError {
    let way_out = match node.operator() {
        "LpPool" | "GlobalLpPool" | "MaxRoiPool" | "MaxUnpool" => "replace it by MaxPool or AveragePool",
        "ReduceMin" | "ReduceProd" | "ReduceL1" | "ReduceL2" | "ReduceSumSquare" | "ReduceLogSumExp" => {
            "reduce by ReduceMean, ReduceSum or ReduceMax, or by pools"
        }
        "Sin" | "Cos" | "Tan" | "Asin" | "Acos" | "Atan" | "Sinh" | "Cosh" | "Asinh" | "Acosh" | "Atanh" | "Shrink"
        | "ThresholdedRelu" => "train with ReLU, HardSwish, Sigmoid, Tanh or another of the common activations",
        "FloatQuant" => "quantise to integers: use Quant or BipolarQuant",
        "DynamicQuantizeLinear" | "DynamicQuantizeMatMul" | "MatMulIntegerToFloat" | "DynamicQuantizeLSTM" => {
            "dynamic quantisation computes scales from each image: quantise statically, with calibration data \
             (onnxruntime.quantization.quantize_static)"
        }
        "QLinearMul" | "QLinearSigmoid" | "QLinearLeakyRelu" | "QLinearSoftmax" | "QLinearReduceMean"
        | "QLinearWhere" => {
            "leave this layer out of quantize_static (nodes_to_exclude) where it ends the model, and end the model before \
             it, or train with convolutions, pools, fully connected layers, sums and ReLU"
        }
        "FusedConv" | "FusedGemm" | "FusedMatMul" | "NhwcMaxPool" | "MatMulNBits" | "QAttention" => {
            "this is what onnxruntime's graph optimiser writes: take the model as quantize_static wrote it, not one \
             saved by a session (optimized_model_filepath)"
        }
        "LSTM" | "GRU" | "RNN" | "If" | "Loop" | "Scan" => {
            "recurrence and control flow are not supported; export a feed-forward model with fixed shapes"
        }
        "LayerNormalization" | "InstanceNormalization" | "GroupNormalization" | "LpNormalization" => {
            "train with batch normalisation: only it becomes integer thresholds"
        }
        _ => {
            "simplify the export (onnxsim, constant folding, evaluation mode) or replace the layer by convolutions, \
             pools, fully connected layers, batch normalisation, ReLU, HardTanh, element-wise arithmetic and quantisers"
        }
    };
    ImportError::Operator { place: node.place(), way_out: way_out.into() }
}
