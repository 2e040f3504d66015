//! `Network`: a network in integers only.
//!
//! A directed acyclic graph of layers over integer tensors. Everything that stood between two dot products
//! (scales, biases, normalisation, activation, quantisation) is a step function per channel; floats remain only
//! in the two maps at the ends.

use abi::{ElementType, InputMap, OutputMap, StepFunction};
use serde::{Deserialize, Serialize};
use std::fmt;

mod packed_weights;

mod validate;
pub use validate::NetworkError;

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
}

/// Type of a tensor: `vectors` pixels of `channels` elements, in stream order (pixel-major, channels innermost).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorType {
    /// Number of pixels; 1 for the tensors of a multi-layer perceptron.
    pub vectors: usize,
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
    /// A tensor whose elements may take every value of their type.
    pub fn full(vectors: usize, channels: usize, element: ElementType) -> Self {
        TensorType { vectors, channels, element, minimum: element.minimum(), maximum: element.maximum() }
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.vectors * self.channels
    }
}

/// One layer: a kind, the tensors it reads and the tensor it writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// Unique name, that of the graph node it came from.
    pub name: String,
    /// What it computes.
    pub kind: LayerKind,
    /// The tensor read.
    pub input: TensorId,
    /// The tensor written.
    pub output: TensorId,
}

/// The kinds of layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerKind {
    /// Dot products of each pixel with the rows of a weight matrix.
    MatrixVector(WeightMatrix),
    /// One step function per channel.
    MultiThreshold(Vec<StepFunction<i64>>),
    /// Index of the greatest channel, the lowest on ties.
    ArgMax,
}

impl LayerKind {
    /// The kind's name, as in reports and folding files.
    pub fn name(&self) -> &'static str {
        match self {
            LayerKind::MatrixVector(_) => "matrix_vector",
            LayerKind::MultiThreshold(_) => "multi_threshold",
            LayerKind::ArgMax => "arg_max",
        }
    }
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
    /// The weights of one output channel.
    pub fn row(&self, row: usize) -> &[i16] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }

    /// Bits that the weights take.
    pub fn bits(&self) -> u64 {
        self.values.len() as u64 * u64::from(self.element.bits())
    }
}

/// Steps of one layer (or of the input map) that lie within float32 rounding of a value that can occur there: a
/// float32 framework may put such a value on the other side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SensitiveSteps {
    /// The quantiser's node.
    pub node: String,
    /// The channels concerned, ascending, each as often as it has such steps.
    pub channels: Vec<usize>,
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

    /// The layers that read a tensor.
    pub fn consumers(&self, tensor: TensorId) -> impl Iterator<Item = LayerId> {
        (0..self.layers.len()).map(LayerId).filter(move |id| self.layer(*id).input == tensor)
    }

    /// Multiplications and additions that one image takes, each counted as one operation.
    pub fn operations(&self) -> u64 {
        self.layers
            .iter()
            .map(|layer| match &layer.kind {
                LayerKind::MatrixVector(weights) => {
                    2 * (weights.values.len() * self.tensor(layer.input).vectors) as u64
                }
                LayerKind::MultiThreshold(_) | LayerKind::ArgMax => 0,
            })
            .sum()
    }

    /// Bits that all weights take.
    pub fn weight_bits(&self) -> u64 {
        self.layers
            .iter()
            .map(|layer| match &layer.kind {
                LayerKind::MatrixVector(weights) => weights.bits(),
                LayerKind::MultiThreshold(_) | LayerKind::ArgMax => 0,
            })
            .sum()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tensor = |id: TensorId| {
            let t = self.tensor(id);
            format!("t{}: {}[{}, {}] in {}..={}", id.0, t.element, t.vectors, t.channels, t.minimum, t.maximum)
        };
        writeln!(f, "network {}", self.name)?;
        writeln!(f, "input {}", tensor(self.input))?;
        for layer in &self.layers {
            write!(f, "{} = {}(t{}", tensor(layer.output), layer.kind.name(), layer.input.0)?;
            match &layer.kind {
                LayerKind::MatrixVector(w) => write!(f, ", {}[{}, {}]", w.element, w.rows, w.columns)?,
                LayerKind::MultiThreshold(steps) => {
                    let most = steps.iter().map(|s| s.boundaries.len()).max().unwrap_or(0);
                    write!(f, ", {} channels, at most {most} steps", steps.len())?;
                }
                LayerKind::ArgMax => {}
            }
            writeln!(f, ")  # {}", layer.name)?;
        }
        writeln!(f, "output t{}", self.output.0)
    }
}
