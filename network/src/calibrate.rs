//! Fixed-point numbers for activations that a file leaves real, chosen from what a network computes on given images.
//!
//! [`calibrate`] finds where real numbers reach an operation that needs integers ([`places`]), runs the graph on the
//! images, and puts a `Quant` node there. Each is one of the graph's approximations, measured on the same images.

mod format;
mod places;
mod range;
mod statistics;

pub use format::{Activations, ActivationsError, ScaleChoice};

use crate::graph::{Approximation, ApproximationKind, Edit, Graph, NodeId, Operator, RoundingMode, Source, ValueId};
use crate::reference::{Evaluator, ReferenceError};
use crate::tensor::Tensor;
use format::Format;
use miette::Diagnostic;
use places::{Place, PlaceKind};
use range::Range;
use statistics::Errors;
use std::collections::HashMap;

/// Why a graph cannot be calibrated.
#[derive(Clone, Debug, PartialEq, thiserror::Error, Diagnostic)]
pub enum CalibrateError {
    /// Nothing to measure on.
    #[error("there must be images to calibrate `{model}` on, but there are none")]
    #[diagnostic(
        code(network::calibrate::no_images),
        help("give a file that holds images like those that the network will see")
    )]
    NoImages {
        /// The model.
        model: String,
    },
    /// Running the network on the images failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Reference(#[from] ReferenceError),
}

/// The graph with a quantiser wherever real numbers reach an operation that needs integers.
///
/// # Errors
/// Where there are no images, or the graph cannot be run on them.
pub fn calibrate(graph: &Graph, images: &[Tensor], activations: &Activations) -> Result<Graph, CalibrateError> {
    if images.is_empty() {
        return Err(CalibrateError::NoImages { model: graph.name.clone() });
    }
    let evaluator = Evaluator::new(graph)?;
    // Whether the image's values are integers decides where the first quantiser may stand.
    let mut image = Range::default();
    images.iter().for_each(|tensor| image.add(tensor));
    let places = places::find(graph, &evaluator, image.is_integer_of(MAX_BITS));
    let mut ranges: HashMap<ValueId, Range> = places.iter().map(|place| (place.value, Range::default())).collect();
    run(&evaluator, images, |value, tensor| {
        if let Some(range) = ranges.get_mut(&value) {
            range.add(tensor);
        }
    })?;
    let mut errors: Vec<Errors> = places
        .iter()
        .map(|place| {
            let is_image = place.value == graph.input && place.kind == PlaceKind::Inner;
            let kind = if is_image { PlaceKind::Image } else { place.kind };
            Errors::of(activations.candidates(&ranges[&place.value], kind))
        })
        .collect();
    run(&evaluator, images, |value, tensor| {
        for (_, errors) in places.iter().zip(&mut errors).filter(|(place, _)| place.value == value) {
            errors.add(tensor);
        }
    })?;
    // Told even where nothing is rounded: other images may hold greater numbers, which are cut off.
    let formats: Vec<(Place, Format, Approximation)> = places
        .into_iter()
        .zip(errors)
        .map(|(place, errors)| {
            let best = errors.best();
            let name = quantiser_name(graph, place.value);
            (place, errors.format(best).clone(), errors.told(best, &name))
        })
        .collect();
    Ok(with_quantisers(graph, formats))
}

/// Most bits of activations.
const MAX_BITS: u32 = 16;

fn run(
    evaluator: &Evaluator<'_>,
    images: &[Tensor],
    mut visit: impl FnMut(ValueId, &Tensor),
) -> Result<(), ReferenceError> {
    images.iter().try_for_each(|image| evaluator.trace(image, &mut visit).map(drop))
}

fn quantiser_name(graph: &Graph, value: ValueId) -> String {
    match graph.value(value).source {
        Source::Node(NodeId(index)) => format!("{}_quant", graph.nodes[index].name),
        Source::Input | Source::Constant(_) => format!("{}_quant", graph.value(value).name),
    }
}

/// The graph with a quantiser of the given format at each place.
fn with_quantisers(graph: &Graph, formats: Vec<(Place, Format, Approximation)>) -> Graph {
    let mut edit = Edit::of(graph);
    // For each edge, a node's input, what is read there instead.
    let mut instead: HashMap<(usize, usize), ValueId> = HashMap::new();
    let put = |edit: &mut Edit, value: ValueId, instead: &mut HashMap<(usize, usize), ValueId>| {
        for (place, format, _) in formats.iter().filter(|(place, ..)| place.value == value) {
            let quantised = add_quantiser(edit, graph, place, format);
            instead.extend(place.edges.iter().map(|edge| (*edge, quantised)));
        }
    };
    put(&mut edit, graph.input, &mut instead);
    for (index, node) in graph.nodes.iter().enumerate() {
        let mut node = node.clone();
        for (place, input) in node.inputs.iter_mut().enumerate() {
            *input = instead.get(&(index, place)).copied().unwrap_or(*input);
        }
        let outputs = node.outputs.clone();
        edit.keep(node);
        for output in outputs {
            put(&mut edit, output, &mut instead);
        }
    }
    let mut graph = edit.finish();
    graph.approximations.extend(formats.into_iter().map(|(_, _, approximation)| approximation));
    graph
}

fn add_quantiser(edit: &mut Edit, graph: &Graph, place: &Place, format: &Format) -> ValueId {
    let shape = graph.value(place.value).shape.clone();
    let name = quantiser_name(graph, place.value);
    let mut constant = |role: &str, tensor: Tensor| edit.constant(format!("{name}_{role}"), tensor);
    match format {
        Format::Fixed { signed, bits, scale } => {
            let inputs = vec![
                place.value,
                constant("scale", Tensor::scalar(*scale)),
                constant("zero_point", Tensor::scalar(0.0)),
                constant("bit_width", Tensor::scalar(f64::from(*bits))),
            ];
            let operator = Operator::Quant { signed: *signed, narrow: false, rounding: RoundingMode::HalfEven };
            edit.node(&name, operator, inputs, shape)
        }
        Format::HalfWave { step, thresholds } => {
            let tensor = Tensor::new(vec![1, thresholds.len()], thresholds.clone());
            let inputs = vec![place.value, constant("thresholds", tensor)];
            // One row of thresholds: any axis does.
            let channel_axis = shape.len().saturating_sub(1).min(1);
            let operator = Operator::MultiThreshold { out_scale: *step, out_bias: 0.0, channel_axis };
            edit.node(&name, operator, inputs, shape)
        }
    }
}

impl Errors {
    /// The approximation that a format is.
    fn told(&self, number: usize, node: &str) -> Approximation {
        let (relative_mse, largest) = self.relative(number);
        Approximation {
            node: node.to_owned(),
            kind: ApproximationKind::Activations,
            format: self.format(number).to_string(),
            relative_mse,
            largest,
        }
    }
}
