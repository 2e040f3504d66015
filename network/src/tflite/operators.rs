//! The operators of the format, each as nodes of a graph.

mod functions;
mod layout;
mod options;
mod pools;
mod products;
mod shapes;
mod sums;
mod transposed;

use super::error::TfliteError;
use super::importer::{Importer, Op};
use super::schema::Kind;

type Import = fn(&mut Importer, Op) -> Result<(), TfliteError>;

/// The operators that are imported, and how.
const OPERATORS: &[(&str, Import)] = &[
    ("ADD", sums::add),
    ("ARG_MAX", layout::arg_max),
    ("AVERAGE_POOL_2D", pools::average),
    ("CONCATENATION", layout::concatenation),
    ("CONV_2D", products::convolution),
    ("DEPTHWISE_CONV_2D", products::depthwise),
    ("DEQUANTIZE", functions::dequantize),
    ("EXPAND_DIMS", layout::reshape),
    ("FULLY_CONNECTED", products::fully_connected),
    ("HARD_SWISH", functions::hard_swish),
    ("LEAKY_RELU", functions::leaky_relu),
    ("LOGISTIC", functions::logistic),
    ("MAX_POOL_2D", pools::greatest),
    ("MEAN", pools::mean),
    ("MUL", sums::product),
    ("PACK", shapes::pack),
    ("PAD", layout::pad),
    ("PADV2", layout::pad),
    ("QUANTIZE", functions::quantize),
    ("RELU", functions::relu),
    ("RELU6", functions::relu),
    ("RELU_N1_TO_1", functions::relu),
    ("RESHAPE", layout::reshape),
    ("RESIZE_NEAREST_NEIGHBOR", layout::resize),
    ("SHAPE", shapes::shape),
    ("SOFTMAX", functions::softmax),
    ("SQUEEZE", layout::reshape),
    ("STRIDED_SLICE", shapes::strided_slice),
    ("SUB", sums::subtract),
    ("TANH", functions::tanh),
    ("TRANSPOSE", layout::transpose),
    ("TRANSPOSE_CONV", transposed::convolution),
];

/// Operators of activations that converters also compute shapes with.
const OF_SHAPES: &[(&str, Import)] =
    &[("ADD", shapes::add), ("CONCATENATION", shapes::pack), ("MUL", shapes::multiply), ("SUB", shapes::subtract)];

/// Imports an operator whose inputs have been.
pub(super) fn import(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let is_shape = matches!(importer.tensor(op.output).kind, Kind::Int32 | Kind::Int64);
    let of_shapes = if is_shape { OF_SHAPES } else { &[] };
    match of_shapes.iter().chain(OPERATORS).find(|(name, _)| *name == op.kind) {
        Some((_, import)) => import(importer, op),
        None => {
            let supported = OPERATORS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            Err(TfliteError::Operator { place: importer.place(op), supported })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::OPERATORS;
    use crate::tflite::names::name;

    #[test]
    fn every_operator_has_a_code() {
        let names: Vec<&str> = (0..200).map(name).collect();
        for (operator, _) in OPERATORS {
            assert!(names.contains(operator), "{operator}");
        }
    }
}
