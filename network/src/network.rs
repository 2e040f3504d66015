//! `Network`: a network in integers only.
//!
//! A directed acyclic graph of layers over integer tensors. Everything that stood between two dot products
//! (scales, biases, normalisation, activation, quantisation) is a step function per channel; floats remain only
//! in the two maps at the ends.

use crate::graph::Approximation;
use abi::{ElementType, InputMap, OutputMap, StepFunction};
use serde::{Deserialize, Serialize};
use std::fmt;

mod edges;
mod float_differences;
mod packed_weights;
mod validate;
mod window;

pub use edges::Edges;
pub use float_differences::{FloatDifference, MAX_DIFFERENCES, SensitiveSteps};
pub use validate::NetworkError;
pub use window::Window;

/// Index of a tensor in [`Network::tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TensorId(pub usize);

/// Index of a layer in [`Network::layers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LayerId(pub usize);

/// A network in integers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// Name of the model it came from.
    pub name: String,
    /// The tensors that layers read and write.
    pub tensors: Vec<TensorType>,
    /// The layers, producers before consumers.
    pub layers: Vec<Layer>,
    /// The tensor that the input map fills.
    pub input: TensorId,
    /// The tensor that the output map reads.
    pub output: TensorId,
    /// From an image's values to the input tensor.
    pub input_map: InputMap,
    /// From the output tensor to scores.
    pub output_map: OutputMap,
    /// Steps whose place hangs on float32 rounding.
    pub sensitive_steps: Vec<SensitiveSteps>,
    /// What the network computes otherwise than the file that it came from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approximations: Vec<Approximation>,
    /// Whether other weights and steps may take the place of these: ranges and types then hold whatever may come, not only
    /// what is there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replaceable: bool,
}

/// Type of a tensor: `height` rows of `width` pixels of `channels` elements, in stream order (pixel-major, rows from
/// top to bottom, channels innermost).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorType {
    /// Rows of pixels; 1 for the tensors of a multi-layer perceptron and of one-dimensional networks.
    pub height: usize,
    /// Pixels of a row; 1 for the tensors of a multi-layer perceptron.
    pub width: usize,
    /// Elements of one pixel.
    pub channels: usize,
    /// Type of the elements.
    pub element: ElementType,
    /// Least value that can occur.
    pub minimum: i64,
    /// Greatest value that can occur.
    pub maximum: i64,
}

impl TensorType {
    /// One pixel of elements that may take every value of their type.
    pub fn vector(channels: usize, element: ElementType) -> Self {
        TensorType { height: 1, width: 1, channels, element, minimum: element.minimum(), maximum: element.maximum() }
    }

    /// The values that can occur, ascending.
    pub fn values(&self) -> impl Iterator<Item = i64> + Clone + use<> {
        (self.minimum..=self.maximum).step_by(self.element.step() as usize)
    }

    /// Number of pixels.
    pub fn vectors(&self) -> usize {
        self.height * self.width
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.vectors() * self.channels
    }
}

/// One layer: a kind, the tensors it reads and the tensor it writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// Unique name, that of the graph node it came from.
    pub name: String,
    /// What it computes.
    pub kind: LayerKind,
    /// The tensors read: one, or as many as the kind says.
    pub inputs: Vec<TensorId>,
    /// The tensor written.
    pub output: TensorId,
}

impl Layer {
    /// The first tensor read, for most kinds the only one.
    pub fn input(&self) -> TensorId {
        self.inputs[0]
    }
}

/// The kinds of layers. Those without a word on it keep the pixels: output pixel `n` comes from input pixel `n`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerKind {
    /// Dot products of each pixel with the rows of a weight matrix.
    MatrixVector(WeightMatrix),
    /// Dot products of windows of pixels with the rows of a weight matrix; one output pixel a window.
    Convolution(Convolution),
    /// One step function per channel.
    MultiThreshold(Vec<StepFunction<i64>>),
    /// The greatest or least element, or the sum, of each channel over windows; one output pixel a window.
    Pool(Pool),
    /// The sum of one or two tensors of the same shape, each element times a factor. With one tensor and the factor 1
    /// it changes only the type.
    Add(Add),
    /// The product of two tensors of the same shape, element by element.
    Multiply,
    /// A function of two codes: one of each of two tensors of the same shape.
    Table(Table),
    /// The channels of the first tensor, then those of the second, of as many pixels.
    Concat,
    /// Each pixel repeated in both directions: output pixel (y, x) is input pixel (y / vertical, x / horizontal).
    Upsample {
        /// How often each row is repeated.
        vertical: usize,
        /// How often each pixel of a row is repeated.
        horizontal: usize,
    },
    /// The same elements in the same order, cut into pixels otherwise: as one pixel mostly, which a dense layer reads, or as
    /// pixels of more or fewer channels.
    // Plans written before have it by its other name.
    #[serde(alias = "flatten")]
    Reshape,
    /// Index of the greatest channel, the lowest on ties.
    ArgMax,
}

impl LayerKind {
    /// The kind's name, as in reports and folding files.
    pub fn name(&self) -> &'static str {
        match self {
            LayerKind::MatrixVector(_) => "matrix_vector",
            LayerKind::Convolution(_) => "convolution",
            LayerKind::MultiThreshold(_) => "multi_threshold",
            LayerKind::Pool(_) => "pool",
            LayerKind::Add(_) => "add",
            LayerKind::Multiply => "multiply",
            LayerKind::Table(_) => "table",
            LayerKind::Concat => "concat",
            LayerKind::Upsample { .. } => "upsample",
            LayerKind::Reshape => "reshape",
            LayerKind::ArgMax => "arg_max",
        }
    }

    /// The weights of a dot product, `None` for other kinds.
    pub fn weights(&self) -> Option<&WeightMatrix> {
        match self {
            LayerKind::MatrixVector(weights) | LayerKind::Convolution(Convolution { weights, .. }) => Some(weights),
            LayerKind::MultiThreshold(_)
            | LayerKind::Pool(_)
            | LayerKind::Add(_)
            | LayerKind::Multiply
            | LayerKind::Table(_)
            | LayerKind::Concat
            | LayerKind::Upsample { .. }
            | LayerKind::Reshape
            | LayerKind::ArgMax => None,
        }
    }

    /// The windows that are read, `None` for kinds without.
    pub fn window(&self) -> Option<Window> {
        match self {
            LayerKind::Convolution(Convolution { window, .. }) | LayerKind::Pool(Pool { window, .. }) => Some(*window),
            LayerKind::MatrixVector(_)
            | LayerKind::MultiThreshold(_)
            | LayerKind::Add(_)
            | LayerKind::Multiply
            | LayerKind::Table(_)
            | LayerKind::Concat
            | LayerKind::Upsample { .. }
            | LayerKind::Reshape
            | LayerKind::ArgMax => None,
        }
    }

    /// As [`weights`](Self::weights), to be changed.
    pub fn weights_mut(&mut self) -> Option<&mut WeightMatrix> {
        match self {
            LayerKind::MatrixVector(weights) | LayerKind::Convolution(Convolution { weights, .. }) => Some(weights),
            LayerKind::MultiThreshold(_)
            | LayerKind::Pool(_)
            | LayerKind::Add(_)
            | LayerKind::Multiply
            | LayerKind::Table(_)
            | LayerKind::Concat
            | LayerKind::Upsample { .. }
            | LayerKind::Reshape
            | LayerKind::ArgMax => None,
        }
    }
}

/// A convolution: a dot product of each window with each row of weights.
///
/// The channels are cut into `groups` of equal size, input and output alike; a row sees only the channels of its own
/// group. A row's columns are ordered by (kernel row, kernel column, channel of the group).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Convolution {
    /// Where the windows lie.
    pub window: Window,
    /// Number of groups; as many as input channels for a depthwise convolution.
    pub groups: usize,
    /// What a position outside the image counts as. 0 contributes nothing, also to elements ±1, which have no zero:
    /// no value of the element type need be 0.
    pub padding: i32,
    /// The weights, one row per output channel.
    pub weights: WeightMatrix,
}

/// A pool over windows, channel by channel. Positions outside the image do not take part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Where the windows lie. Each holds at least one position of the image.
    pub window: Window,
    /// What is made of a window.
    pub operation: PoolOperation,
}

/// What a pool makes of the elements of a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolOperation {
    /// The greatest element; the least in the channels for which the flag is set. One flag a channel.
    Extremum(Vec<bool>),
    /// The sum.
    Sum,
}

/// Factors of a sum of tensors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Add {
    /// For each tensor read its factors: one a channel, or one for all.
    pub factors: Vec<Vec<i64>>,
}

/// A function of two codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// For each channel (or once for all) the value for each pair of codes: that of codes `a` and `b` is at
    /// `a + b · 2^(bits of a)`, where a code is the bit pattern of an element. The table has an entry for every pair
    /// of bit patterns, those that never occur included.
    pub values: Vec<Vec<i32>>,
}

impl Table {
    /// Most bits of a pair of codes that a table may be indexed with.
    pub const WIDEST_PAIR: u32 = 16;
}

/// Integer weights, one row per output channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "packed_weights::PackedWeights", into = "packed_weights::PackedWeights")]
pub struct WeightMatrix {
    /// Output channels.
    pub rows: usize,
    /// Input channels.
    pub columns: usize,
    /// Type of the weights.
    pub element: ElementType,
    /// The weights, row by row.
    pub values: Vec<i16>,
}

impl WeightMatrix {
    /// Most bits of a weight, its sign included.
    pub const WIDEST: u32 = i16::BITS;

    /// The weights of one output channel.
    pub fn row(&self, row: usize) -> &[i16] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }

    /// Bits that the weights take.
    pub fn bits(&self) -> u64 {
        self.values.len() as u64 * u64::from(self.element.bits())
    }
}

impl Network {
    /// The type of a tensor.
    pub fn tensor(&self, id: TensorId) -> &TensorType {
        &self.tensors[id.0]
    }

    /// The layer with the given id.
    pub fn layer(&self, id: LayerId) -> &Layer {
        &self.layers[id.0]
    }

    /// The layers that read a tensor. Looks at every layer: for many tensors there are [`Edges`].
    pub fn consumers(&self, tensor: TensorId) -> impl Iterator<Item = LayerId> {
        (0..self.layers.len()).map(LayerId).filter(move |id| self.layer(*id).inputs.contains(&tensor))
    }

    /// The layer that writes a tensor, `None` for the input. Looks at every layer: for many tensors there are [`Edges`].
    pub fn producer(&self, tensor: TensorId) -> Option<LayerId> {
        self.layers.iter().position(|layer| layer.output == tensor).map(LayerId)
    }

    /// Multiplications and additions that the dot products of one image take, each counted as one operation.
    pub fn operations(&self) -> u64 {
        let of_layer = |layer: &Layer| {
            let weights = layer.kind.weights().map_or(0, |weights| weights.values.len());
            2 * weights as u64 * self.tensor(layer.output).vectors() as u64
        };
        self.layers.iter().map(of_layer).sum()
    }

    /// Number of classes that a prediction tells apart: two where there is a single score.
    pub fn classes(&self) -> usize {
        let output = self.tensor(self.output);
        let in_hardware = || usize::try_from(output.maximum).unwrap_or(0) + 1;
        self.output_map.classes(output.elements()).unwrap_or_else(in_hardware)
    }

    /// Bits that all weights take.
    pub fn weight_bits(&self) -> u64 {
        self.layers.iter().filter_map(|layer| layer.kind.weights()).map(WeightMatrix::bits).sum()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tensor = |id: TensorId| {
            let t = self.tensor(id);
            let shape = format!("[{}, {}, {}]", t.height, t.width, t.channels);
            format!("t{}: {}{shape} in {}..={}", id.0, t.element, t.minimum, t.maximum)
        };
        let replaceable = if self.replaceable { ", weights replaceable" } else { "" };
        writeln!(f, "network {}{replaceable}", self.name)?;
        writeln!(f, "input {}", tensor(self.input))?;
        for layer in &self.layers {
            write!(f, "{} = {}(", tensor(layer.output), layer.kind.name())?;
            for (index, input) in layer.inputs.iter().enumerate() {
                write!(f, "{}t{}", if index == 0 { "" } else { ", " }, input.0)?;
            }
            match &layer.kind {
                LayerKind::MatrixVector(w) => write!(f, ", {}[{}, {}]", w.element, w.rows, w.columns)?,
                LayerKind::Convolution(Convolution { window, groups, padding, weights: w }) => {
                    write!(f, ", {}[{}, {}], {window}, groups {groups}", w.element, w.rows, w.columns)?;
                    if *padding != 0 {
                        write!(f, ", padding counts {padding}")?;
                    }
                }
                LayerKind::MultiThreshold(steps) => {
                    let most = steps.iter().map(|s| s.boundaries.len()).max().unwrap_or(0);
                    write!(f, ", {} channels, at most {most} steps", steps.len())?;
                }
                LayerKind::Pool(Pool { window, operation }) => match operation {
                    PoolOperation::Sum => write!(f, ", sum, {window}")?,
                    PoolOperation::Extremum(least) => {
                        let count = least.iter().filter(|least| **least).count();
                        write!(f, ", greatest, in {count} channels least, {window}")?;
                    }
                },
                LayerKind::Add(Add { factors }) => write!(f, ", factors {factors:?}")?,
                LayerKind::Table(Table { values }) => write!(f, ", {} tables", values.len())?,
                LayerKind::Upsample { vertical, horizontal } => write!(f, ", {vertical} x {horizontal}")?,
                LayerKind::Multiply | LayerKind::Concat | LayerKind::Reshape | LayerKind::ArgMax => {}
            }
            writeln!(f, ")  # {}", layer.name)?;
        }
        writeln!(f, "output t{}", self.output.0)
    }
}
