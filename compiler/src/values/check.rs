//! Whether a plan computes its network, on drawn images.

use super::windows::is_depthwise;
use super::{Words, WordsError, run, run_sampled};
use crate::plan::{Plan, StreamId};
use abi::manifest::Checked;
use miette::Diagnostic;
use network::integer;
use network::network::{Network, TensorId, TensorType};
use std::rc::Rc;
use thiserror::Error;

/// Images that small networks are checked on.
const MAX_IMAGES: u64 = 4;
/// Multiplications that the images of a check take together, where one image does not take more.
const MULTIPLICATIONS: u64 = 200_000_000;
/// Multiplications of an image that take some 5 s. Where there are more, only some dot products of each layer are computed.
const MAX_MULTIPLICATIONS: u64 = 4_000_000_000;
/// Pixels of each layer that are computed where not all are.
const SAMPLED_PIXELS: usize = 8;

/// What a plan has been checked on.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// How.
    pub checked: Checked,
    /// Images, at least one, with what the network makes of them.
    pub images: Vec<Drawn>,
}

/// A drawn image and what the network makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The elements of the input tensor.
    pub input: Vec<i32>,
    /// Those of the output tensor.
    pub output: Vec<i32>,
}

/// A plan that computes something else than its network.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
pub enum Difference {
    /// A stage that does not find its vectors in its words.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Words(#[from] WordsError),
    /// A stream with other elements than its tensor has in the network.
    #[error(
        "stream `{stream}` of the plan must carry the elements of layer `{layer}`, but element {element} is {found} and not \
         {expected}"
    )]
    #[diagnostic(
        code(compiler::values::difference),
        help("this is a fault of xnorforge: please report it with the model and the folding")
    )]
    Element {
        /// The stream.
        stream: String,
        /// The layer that the tensor comes from, `input` for the image.
        layer: String,
        /// The first element that differs, in stream order.
        element: usize,
        /// What the network has there; `None` where the stream has more elements.
        expected: String,
        /// What the plan gives there.
        found: String,
    },
}

/// How many images a plan of `network` is checked on in full; `None` where one takes too long.
pub fn images_of(network: &Network) -> Option<u64> {
    let multiplications = network.operations() / 2;
    let count = (MULTIPLICATIONS / multiplications.max(1)).clamp(1, MAX_IMAGES);
    (multiplications <= MAX_MULTIPLICATIONS).then_some(count)
}

/// Runs `plan` on drawn images and compares every tensor on its streams with the network's.
///
/// # Errors
/// Where one differs, the first one.
pub fn check(plan: &Plan) -> Result<Check, Difference> {
    let network = &plan.network;
    let Some(count) = images_of(network) else {
        let input = check_stages(plan)?;
        let output = integer::run_elements(network, input.clone()).swap_remove(network.output.0);
        return Ok(Check { checked: Checked::Stages, images: vec![Drawn { input, output }] });
    };
    let mut draw = Draw { state: 1 };
    let inputs: Vec<Vec<i32>> = (0..count).map(|_| draw.elements(network.tensor(network.input))).collect();
    let mut images = Vec::new();
    for input in inputs {
        let mut tensors = integer::run_elements(network, input.clone());
        compare(plan, &tensors, |visit| run(plan, &input, visit))?;
        images.push(Drawn { input, output: tensors.swap_remove(network.output.0) });
    }
    Ok(Check { checked: Checked::Images, images })
}

/// As [`check`], for networks too large for a whole image: computes a few pixels of each dot-product layer and draws the
/// others. Gives the drawn image.
///
/// # Errors
/// Where a tensor differs, the first one.
pub fn check_stages(plan: &Plan) -> Result<Vec<i32>, Difference> {
    let network = &plan.network;
    let mut draw = Draw { state: 1 };
    let input = draw.elements(network.tensor(network.input));
    let sample = Sample::new(network, input.clone(), &mut draw);
    compare(plan, &sample.tensors, |visit| run_sampled(plan, &input, Some(&sample), visit))?;
    Ok(input)
}

/// Compares the tensors that streams carry in a run with those `expected`.
fn compare(
    plan: &Plan,
    expected: &[Vec<i32>],
    run: impl FnOnce(&mut dyn FnMut(StreamId, &Words)) -> Result<Rc<Words>, WordsError>,
) -> Result<(), Difference> {
    let mut first = None;
    run(&mut |stream, words| {
        if let Some(tensor) = plan.stream(stream).tensor.filter(|_| first.is_none()) {
            first = first_difference(&expected[tensor.0], words).map(|found| difference(plan, stream, tensor, found));
        }
    })?;
    first.map_or(Ok(()), Err)
}

/// The first element that differs, with its two values, one of them missing where one is longer.
fn first_difference(expected: &[i32], words: &Words) -> Option<(usize, Option<i32>, Option<i32>)> {
    let (mut expected, mut found) = (expected.iter().copied(), words.elements());
    for element in 0.. {
        match (expected.next(), found.next()) {
            (None, None) => break,
            (one, other) if one == other => {}
            (one, other) => return Some((element, one, other)),
        }
    }
    None
}

fn difference(
    plan: &Plan,
    stream: StreamId,
    tensor: TensorId,
    (element, expected, found): (usize, Option<i32>, Option<i32>),
) -> Difference {
    let shown = |value: Option<i32>| value.map_or_else(|| "missing".to_owned(), |value| value.to_string());
    let producer = plan.network.producer(tensor);
    Difference::Element {
        stream: plan.stream(stream).name.clone(),
        layer: producer.map_or_else(|| "input".to_owned(), |layer| plan.network.layer(layer).name.clone()),
        element,
        expected: shown(expected),
        found: shown(found),
    }
}

/// Tensors of a network in which only some dot products of each layer are computed and all others drawn.
pub(super) struct Sample {
    tensors: Vec<Vec<i32>>,
}

impl Sample {
    fn new(network: &Network, input: Vec<i32>, draw: &mut Draw) -> Self {
        let mut tensors = vec![Vec::new(); network.tensors.len()];
        tensors[network.input.0] = input;
        for layer in &network.layers {
            let inputs: Vec<(&TensorType, &[i32])> =
                layer.inputs.iter().map(|id| (network.tensor(*id), tensors[id.0].as_slice())).collect();
            let output = network.tensor(layer.output);
            // A depthwise convolution has few products.
            tensors[layer.output.0] = if layer.kind.weights().is_some() && !is_depthwise(network, layer) {
                let mut elements = draw.elements(output);
                for pixel in (0..output.vectors()).filter(|pixel| is_computed(output, *pixel)) {
                    let products = integer::dot_products(&layer.kind, inputs[0].0, inputs[0].1, pixel);
                    elements[pixel * output.channels..][..output.channels].copy_from_slice(&products);
                }
                elements
            } else {
                integer::evaluate(&layer.kind, &inputs)
            };
        }
        Sample { tensors }
    }

    /// The dot products of a pixel that was drawn; `None` for one that is computed.
    pub(super) fn given(&self, network: &Network, tensor: TensorId, pixel: usize) -> Option<&[i32]> {
        let shape = network.tensor(tensor);
        let elements = &self.tensors[tensor.0];
        (!is_computed(shape, pixel)).then(|| &elements[pixel * shape.channels..][..shape.channels])
    }
}

/// Some pixels spread over the tensor, the last one among them.
fn is_computed(shape: &TensorType, pixel: usize) -> bool {
    let distance = shape.vectors().div_ceil(SAMPLED_PIXELS);
    pixel.is_multiple_of(distance) || pixel + 1 == shape.vectors()
}

/// Reproducible random elements. Any fixed sequence will do; this is the multiplier and increment of Knuth's MMIX
/// generator.
struct Draw {
    state: u64,
}

impl Draw {
    fn elements(&mut self, shape: &TensorType) -> Vec<i32> {
        let values = ((shape.maximum - shape.minimum) / shape.element.step()) as u64 + 1;
        let mut element = || {
            self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (shape.minimum + ((self.state >> 33) % values) as i64 * shape.element.step()) as i32
        };
        (0..shape.elements()).map(|_| element()).collect()
    }
}
