//! The weights of a whole graph.

mod layer;

pub use layer::{DotProduct, dot_products};

use super::{Basis, Format, Granularity, InputProducts, QuantizeError, Quantized, Scheme};
use crate::graph::{Edit, Graph, Operator, RoundingMode, ValueId};
use crate::reference::Evaluator;
use crate::tensor::Tensor;

/// A layer whose weights were quantised.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantizedLayer {
    /// The node of the dot product.
    pub node: String,
    /// Output channels, input channels of an output, and positions of the kernel.
    pub shape: [usize; 3],
    /// The scheme.
    pub scheme: Scheme,
    /// What the weights became.
    pub format: String,
    /// Mean square of the changes over the mean square of the weights.
    pub relative_mse: f64,
    /// Bits that the weights take with their scales.
    pub bits: u64,
}

/// The graph with the weights of its dot products quantised by the scheme that `scheme` chooses for each, where it
/// chooses one. Codes become a `Quant` or `BipolarQuant` node behind a constant where these can stand for them, sums of
/// bases a sum of such nodes, anything else a constant. `images` are what schemes see that look at more than weights.
///
/// # Errors
/// Where nothing is there to quantise, or a scheme needs images and there are none.
pub fn quantize(
    graph: &Graph,
    scheme: impl Fn(&DotProduct) -> Option<Scheme>,
    images: &[Tensor],
) -> Result<(Graph, Vec<QuantizedLayer>), QuantizeError> {
    let evaluator = Evaluator::new(graph)?;
    let layers: Vec<(DotProduct, Scheme)> = dot_products(graph, &evaluator)
        .into_iter()
        .filter_map(|layer| scheme(&layer).map(|scheme| (layer, scheme)))
        .collect();
    if layers.is_empty() {
        return Err(QuantizeError::NoWeights { model: graph.name.clone() });
    }
    let mut products: Vec<Option<InputProducts>> = layers
        .iter()
        .map(|(layer, scheme)| (scheme.needs_inputs() && !images.is_empty()).then(|| layer.no_products()))
        .collect();
    if products.iter().any(Option::is_some) {
        for image in images {
            evaluator.trace(image, |value, tensor| {
                for ((layer, _), products) in layers.iter().zip(&mut products) {
                    if let (true, Some(products)) = (layer.data == value, products) {
                        layer.observe(tensor, products);
                    }
                }
            })?;
        }
    }
    let mut edit = Edit::of(graph);
    let mut report = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        let mut node = node.clone();
        if let Some(number) = layers.iter().position(|(layer, _)| layer.node.0 == index) {
            let (layer, scheme) = &layers[number];
            let weights = layer.weights();
            let quantized = scheme.quantize(&weights, products[number].as_ref())?;
            node.inputs[layer.operand] = replacement(&mut edit, layer, &node.name, &quantized);
            report.push(QuantizedLayer {
                node: node.name.clone(),
                shape: [weights.outputs, weights.channels, weights.taps],
                scheme: *scheme,
                format: quantized.to_string(),
                relative_mse: quantized.relative_mse(&weights),
                bits: quantized.bits(),
            });
        }
        edit.keep(node);
    }
    Ok((edit.finish(), report))
}

/// The value that stands in the graph for quantised weights.
fn replacement(edit: &mut Edit, layer: &DotProduct, node: &str, quantized: &Quantized) -> ValueId {
    let weights = layer.weights();
    if let Some(basis) = quantized.as_integers(&weights) {
        return quantiser(edit, layer, &format!("{node}_weight"), &basis);
    }
    let Format::Sum(bases) = &quantized.format else {
        return edit.constant(format!("{node}_weight"), layer.tensor_of(&quantized.values));
    };
    let mut sum = None;
    for (number, basis) in bases.iter().enumerate() {
        let term = quantiser(edit, layer, &format!("{node}_weight_basis{}", number + 1), basis);
        sum = Some(match sum {
            None => term,
            Some(sum) => {
                let name = format!("{node}_weight_sum{}", number + 1);
                edit.node(&name, Operator::Add, vec![sum, term], layer.shape.clone())
            }
        });
    }
    sum.unwrap_or_else(|| edit.constant(format!("{node}_weight"), layer.tensor_of(&quantized.values)))
}

/// A quantiser behind a constant that gives `basis`.
fn quantiser(edit: &mut Edit, layer: &DotProduct, name: &str, basis: &Basis) -> ValueId {
    let per_output = basis.scales.granularity == Granularity::Channel;
    let scale_of = |output: usize| basis.scales.values[if per_output { output } else { 0 }];
    let inputs = layer.weights().inputs();
    let value = |(element, code): (usize, &i32)| f64::from((f64::from(*code) * scale_of(element / inputs)) as f32);
    let values: Vec<f64> = basis.codes.iter().enumerate().map(value).collect();
    let values = edit.constant(format!("{name}_values"), layer.tensor_of(&values));
    let scale = match per_output {
        true => layer.per_output(&basis.scales.values),
        false => Tensor::scalar(basis.scales.values[0]),
    };
    let scale = edit.constant(format!("{name}_scale"), scale);
    if basis.is_bipolar() {
        return edit.node(name, Operator::BipolarQuant, vec![values, scale], layer.shape.clone());
    }
    let (least, greatest) = basis.codes.iter().fold((0, 0), |(least, greatest), c| (least.min(*c), greatest.max(*c)));
    let bits = (2..).find(|bits| least >= -(1 << (bits - 1)) && greatest < 1 << (bits - 1)).unwrap_or(32);
    let narrow = least > -(1 << (bits - 1));
    let zero_point = edit.constant(format!("{name}_zero_point"), Tensor::scalar(0.0));
    let bits = edit.constant(format!("{name}_bit_width"), Tensor::scalar(f64::from(bits)));
    let operator = Operator::Quant { signed: true, narrow, rounding: RoundingMode::HalfEven };
    edit.node(name, operator, vec![values, scale, zero_point, bits], layer.shape.clone())
}
