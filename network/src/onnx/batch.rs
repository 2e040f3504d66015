//! Models exported for a fixed number of images: one image at a time is what they compute for each, where the images
//! stay apart.

use super::proto::{GraphProto, ValueInfoProto};
use crate::graph::{Graph, Operator, Source};

/// The number of images that a model is exported for, where its input's first axis looks like a batch: the output's first
/// axis has as many, or the input has four axes and nothing is said of the output's first.
pub(super) fn fixed_batch(graph: &GraphProto, input: &ValueInfoProto) -> Option<usize> {
    let own = extents(input)?;
    let count = own.first().copied().flatten().filter(|count| *count > 1)?;
    let output = graph.output.first().and_then(extents).and_then(|extents| extents.first().copied().flatten());
    let is_batch = match output {
        Some(extent) => extent == count && own.len() > 1,
        None => own.len() == 4,
    };
    is_batch.then_some(count)
}

/// The extents of a tensor, as far as the file says them.
fn extents(value: &ValueInfoProto) -> Option<Vec<Option<usize>>> {
    let shape = value.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref()?;
    Some(shape.dim.iter().map(|dim| dim.dim_value.and_then(|extent| usize::try_from(extent).ok())).collect())
}

/// Whether a graph for one image computes for each image of a batch what it would for that one: the first axis counts
/// images everywhere, and nothing moves or joins them.
pub(super) fn keeps_images_apart(graph: &Graph) -> bool {
    let is_data = |source: &Source| !matches!(source, Source::Constant(_));
    let mut values = graph.values.iter().filter(|value| is_data(&value.source));
    values.all(|value| value.shape.first() == Some(&1))
        && graph.nodes.iter().all(|node| match &node.operator {
            Operator::Transpose { permutation } => permutation.first() == Some(&0),
            Operator::Concat { axis }
            | Operator::Select { axis, .. }
            | Operator::Softmax { axis, .. }
            | Operator::TopK { axis, .. }
            | Operator::ArgMax { axis, .. } => *axis > 0,
            Operator::Gemm { transpose_a, .. } => !transpose_a && graph.constant(node.inputs[1]).is_some(),
            Operator::MatMul => graph.constant(node.inputs[1]).is_some(),
            Operator::Pad { before, after, .. } => before.first() == Some(&0) && after.first() == Some(&0),
            Operator::Upsample { factors } | Operator::Dilate { factors } => factors.first() == Some(&1),
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
            | Operator::Activation(_)
            | Operator::Kernel(_)
            | Operator::Sigmoid
            | Operator::Clip { .. }
            | Operator::Sign
            | Operator::BatchNormalization { .. }
            | Operator::BipolarQuant
            | Operator::Quant { .. }
            | Operator::QuantizeLinear { .. }
            | Operator::MultiThreshold { .. }
            | Operator::Conv { .. }
            | Operator::MaxPool { .. }
            | Operator::AveragePool { .. } => true,
        })
}
