//! The naive evaluator of [`Network`]: obviously right, not fast. It is the specification of the integer form.

use crate::network::{Add, Convolution, LayerKind, Network, PoolOperation, Table, TensorType, WeightMatrix, Window};
use abi::maps::{MapError, Scores, arg_max};

/// Everything one image makes of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Each tensor of the network, in stream order, by [`TensorId`](crate::network::TensorId).
    pub tensors: Vec<Vec<i32>>,
    /// The image's output.
    pub scores: Scores,
}

/// Runs `network` on one image given in row-major order.
///
/// # Errors
/// Where the image does not fit the input map.
pub fn run(network: &Network, image: &[f32]) -> Result<Evaluation, MapError> {
    let tensors = run_elements(network, network.input_map.apply(image)?);
    let scores = network.output_map.apply(&tensors[network.output.0]);
    Ok(Evaluation { tensors, scores })
}

/// Each tensor of `network`, by id, when its input tensor holds `elements`.
pub fn run_elements(network: &Network, elements: Vec<i32>) -> Vec<Vec<i32>> {
    let mut tensors = vec![Vec::new(); network.tensors.len()];
    tensors[network.input.0] = elements;
    for layer in &network.layers {
        let inputs: Vec<(&TensorType, &[i32])> =
            layer.inputs.iter().map(|id| (network.tensor(*id), tensors[id.0].as_slice())).collect();
        tensors[layer.output.0] = evaluate(&layer.kind, &inputs);
    }
    tensors
}

/// One layer's output for its input tensors, each with its type.
pub fn evaluate(kind: &LayerKind, inputs: &[(&TensorType, &[i32])]) -> Vec<i32> {
    let (shape, input) = inputs[0];
    match kind {
        LayerKind::MatrixVector(weights) => {
            input.chunks(weights.columns).flat_map(|pixel| matrix_vector(weights, pixel)).collect()
        }
        LayerKind::Convolution(convolution) => {
            windows(&convolution.window, shape).flat_map(|pixels| convolve(convolution, shape, input, pixels)).collect()
        }
        LayerKind::MultiThreshold(steps) => input
            .chunks(steps.len())
            .flat_map(|pixel| pixel.iter().zip(steps).map(|(x, step)| step.at(i64::from(*x))))
            .collect(),
        LayerKind::Pool(pool) => windows(&pool.window, shape)
            .flat_map(|pixels| {
                (0..shape.channels).map(move |channel| {
                    let elements = pixels.clone().flatten().map(|pixel| input[pixel * shape.channels + channel]);
                    let found = match &pool.operation {
                        PoolOperation::Sum => Some(elements.sum()),
                        PoolOperation::Extremum(least) if least[channel] => elements.min(),
                        PoolOperation::Extremum(_) => elements.max(),
                    };
                    found.expect("each window of a pool holds at least one position of the image")
                })
            })
            .collect(),
        LayerKind::Add(Add { factors }) => {
            let term = |n: usize, index: usize| {
                let of_channel = &factors[n];
                i64::from(inputs[n].1[index]) * of_channel[index % shape.channels % of_channel.len()]
            };
            let sum = |index: usize| (0..inputs.len()).map(|n| term(n, index)).sum::<i64>();
            (0..input.len()).map(|index| sum(index) as i32).collect()
        }
        LayerKind::Multiply => input.iter().zip(inputs[1].1).map(|(a, b)| a * b).collect(),
        LayerKind::Table(Table { values }) => {
            let (second_shape, second) = inputs[1];
            let code = |index: usize| {
                let (a, b) = (i64::from(input[index]), i64::from(second[index]));
                shape.element.encode(a) | second_shape.element.encode(b) << shape.element.bits()
            };
            let table = |index: usize| &values[index % shape.channels % values.len()];
            (0..input.len()).map(|index| table(index)[code(index) as usize]).collect()
        }
        LayerKind::Concat => {
            let (second_shape, second) = inputs[1];
            let pairs = input.chunks(shape.channels).zip(second.chunks(second_shape.channels));
            pairs.flat_map(|(first, second)| first.iter().chain(second).copied()).collect()
        }
        LayerKind::Upsample { vertical, horizontal } => {
            let (height, width) = (shape.height * vertical, shape.width * horizontal);
            let source = |y: usize, x: usize| (y / vertical * shape.width + x / horizontal) * shape.channels;
            (0..height)
                .flat_map(|y| (0..width).map(move |x| source(y, x)))
                .flat_map(|first| input[first..first + shape.channels].iter().copied())
                .collect()
        }
        LayerKind::Reshape => input.to_vec(),
        LayerKind::ArgMax => vec![arg_max(input) as i32],
    }
}

/// The elements of output pixel number `pixel` of a layer of dot products; none for other kinds.
pub fn dot_products(kind: &LayerKind, shape: &TensorType, input: &[i32], pixel: usize) -> Vec<i32> {
    match kind {
        LayerKind::MatrixVector(weights) => {
            matrix_vector(weights, &input[pixel * weights.columns..][..weights.columns]).collect()
        }
        LayerKind::Convolution(convolution) => windows(&convolution.window, shape)
            .skip(pixel)
            .take(1)
            .flat_map(|pixels| convolve(convolution, shape, input, pixels))
            .collect(),
        LayerKind::MultiThreshold(_)
        | LayerKind::Pool(_)
        | LayerKind::Add(_)
        | LayerKind::Multiply
        | LayerKind::Table(_)
        | LayerKind::Concat
        | LayerKind::Upsample { .. }
        | LayerKind::Reshape
        | LayerKind::ArgMax => Vec::new(),
    }
}

/// The sum fits 32 bits, as `Network::validate` has made sure; parts of it need not.
fn dot(weights: &[i16], elements: &[i32]) -> i64 {
    weights.iter().zip(elements).map(|(w, x)| i64::from(*w) * i64::from(*x)).fold(0, i64::wrapping_add)
}

/// The pixels of each window of a tensor, tap by tap, `None` for taps outside the image.
fn windows(window: &Window, shape: &TensorType) -> impl Iterator<Item = impl Iterator<Item = Option<usize>> + Clone> {
    let (window, height, width) = (*window, shape.height, shape.width);
    let [rows, columns] = window.output(height, width);
    (0..rows)
        .flat_map(move |y| (0..columns).map(move |x| (y, x)))
        .map(move |position| (0..window.taps()).map(move |tap| window.pixel(height, width, position, tap)))
}

fn matrix_vector(weights: &WeightMatrix, pixel: &[i32]) -> impl Iterator<Item = i32> {
    (0..weights.rows).map(|row| dot(weights.row(row), pixel) as i32)
}

/// The dot products of the window that holds `pixels`, tap by tap.
fn convolve(
    convolution: &Convolution,
    shape: &TensorType,
    input: &[i32],
    pixels: impl Iterator<Item = Option<usize>> + Clone,
) -> impl Iterator<Item = i32> {
    let Convolution { window: _, groups, padding, weights } = convolution;
    let (columns, rows) = (shape.channels / groups, weights.rows / groups);
    (0..weights.rows).map(move |row| {
        let first = row / rows * columns;
        let taps = weights.row(row).chunks(columns).zip(pixels.clone());
        let sum = taps.map(|(weights, pixel)| match pixel {
            Some(pixel) => dot(weights, &input[pixel * shape.channels + first..][..columns]),
            None => weights.iter().map(|weight| i64::from(*weight) * i64::from(*padding)).fold(0, i64::wrapping_add),
        });
        sum.fold(0, i64::wrapping_add) as i32
    })
}
