//! `Graph`: an imported model, floats included, with every shape known.
//!
//! A directed acyclic graph with index ids. Nodes stand in topological order. What only computes or moves
//! constants (shapes, layouts, clipped and quantised weights) is folded at import, and so is arithmetic between float
//! constants, which is float32's; with integers and codes it stays as nodes, because it is exact ([`Graph::floats`]).

mod activation;
mod approximation;
mod edit;
mod floats;
mod window;

pub use activation::Activation;
pub use approximation::{Approximation, ApproximationKind};
pub use edit::Edit;
pub use window::Window;

use crate::kernel::Kernel;
use crate::tensor::Tensor;
use abi::ElementType;
use std::collections::BTreeMap;
use std::fmt;

/// Index of a node in [`Graph::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub usize);

/// Index of a value in [`Graph::values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub usize);

/// An imported model with one input and one output.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// Name of the model: the file's stem where the file names none, or only its exporter.
    pub name: String,
    /// Version of the default operator set.
    pub opset: i64,
    /// The nodes, producers before consumers.
    pub nodes: Vec<Node>,
    /// The values that nodes read and write.
    pub values: Vec<Value>,
    /// The one input.
    pub input: ValueId,
    /// The integers that the input's values are said to be (QONNX' `finn_datatype`), where the file says so. Nothing
    /// checks it: it counts where the model has no quantiser of its own before its first dot product, and where it has at
    /// most [`MAX_INPUT_BITS`] ([`Graph::input_codes`]).
    pub input_type: Option<ElementType>,
    /// The integers that the weights of dot products are made of, by the names of the nodes, where a quantiser or an
    /// integer type in the file says so: all that may come there, not only those that do.
    pub weight_types: WeightTypes,
    /// The one output.
    pub output: ValueId,
    /// Things the import decided that a user may want to know, one sentence each.
    pub remarks: Vec<String>,
    /// What this graph computes otherwise than the file.
    pub approximations: Vec<Approximation>,
}

/// Types of weights, by the names of the nodes that read them: [`Graph::weight_types`].
pub type WeightTypes = BTreeMap<String, ElementType>;

/// A value: the input, a constant, or the result of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Name in the file.
    pub name: String,
    /// Extent of each axis; a symbolic batch axis is 1.
    pub shape: Vec<usize>,
    /// Where the value comes from.
    pub source: Source,
    /// Whether the file's type of it is an integer type (`TopK` and `ArgMax` results, quantised values).
    pub is_integer: bool,
    /// Whether this is a constant that has come from codes, or holds what the file says are integers: arithmetic on it is
    /// exact ([`Graph::floats`]), whether float32 holds it or not.
    pub is_codes: bool,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// The graph's input.
    Input,
    /// A constant: initialiser, `Constant` node or folded.
    Constant(Tensor),
    /// An output of a node.
    Node(NodeId),
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Unique name: the file's, or operator and number where the file gives none.
    pub name: String,
    /// What it computes.
    pub operator: Operator,
    /// What it reads, in the operator's order.
    pub inputs: Vec<ValueId>,
    /// What it writes. Only `TopK` has two: values, then indices.
    pub outputs: Vec<ValueId>,
}

/// How a quantiser rounds. Names as in the QONNX `Quant` specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundingMode {
    /// `ROUND`, `HALF_EVEN`: to nearest, ties to the even neighbour.
    HalfEven,
    /// `CEIL`: towards plus infinity.
    Ceil,
    /// `FLOOR`: towards minus infinity.
    Floor,
    /// `UP`: away from zero.
    Up,
    /// `DOWN`, `ROUND_TO_ZERO`: towards zero.
    Down,
    /// `HALF_UP`: to nearest, ties away from zero.
    HalfUp,
    /// `HALF_DOWN`: to nearest, ties towards zero.
    HalfDown,
}

/// The operators a graph may hold, each with its static attributes.
///
/// Inputs are listed in brackets. Constants among them are values like others.
#[derive(Clone, Debug, PartialEq)]
pub enum Operator {
    /// `[x]`: the same elements, row-major, in the output's shape (`Reshape`, `Flatten`, `Squeeze`, `Unsqueeze`,
    /// `Identity`, `Dropout` at inference).
    Reshape,
    /// `[x]`: axis `i` of the output is axis `permutation[i]` of the input.
    Transpose {
        /// The input's axes in the order of the output's.
        permutation: Vec<usize>,
    },
    /// `[a, b]`: a + b, broadcast.
    Add,
    /// `[a, b]`: a − b, broadcast.
    Sub,
    /// `[a, b]`: a · b, broadcast.
    Mul,
    /// `[a, b]`: a / b, broadcast.
    Div,
    /// `[a, b]`: a to the power b, broadcast.
    Pow,
    /// `[x]`: square root.
    Sqrt,
    /// `[x]`: −x.
    Neg,
    /// `[x]`: |x|.
    Abs,
    /// `[x]`: the nearest integer, from the middle to the even one.
    Round,
    /// `[x]`: the greatest integer at or below x.
    Floor,
    /// `[x]`: the least integer at or above x.
    Ceil,
    /// `[x]`: max(x, 0).
    Relu,
    /// `[x]`: x limited to `minimum..=maximum` (`Clip`, `HardTanh` as exported); either may be infinite.
    Clip {
        /// Lower limit.
        minimum: f64,
        /// Upper limit.
        maximum: f64,
    },
    /// `[x]`: −1, 0 or +1.
    Sign,
    /// `[a, b]`: matrix product of NumPy's `matmul`.
    MatMul,
    /// `[a, b]` or `[a, b, c]`: alpha · a' · b' + beta · c with a', b' transposed as the flags say.
    Gemm {
        /// Factor of the product.
        alpha: f64,
        /// Factor of the summand.
        beta: f64,
        /// Whether `a` is transposed first.
        transpose_a: bool,
        /// Whether `b` is transposed first.
        transpose_b: bool,
    },
    /// `[x, scale, bias, mean, variance]`: scale · (x − mean) / √(variance + epsilon) + bias along axis 1.
    BatchNormalization {
        /// Summand that keeps the root away from zero.
        epsilon: f64,
    },
    /// `[x, scale]`: +scale where x ≥ 0, else −scale (QONNX `BipolarQuant`).
    BipolarQuant,
    /// `[x, scale, zero_point, bit_width]`: the QONNX `Quant` (`IntQuant`): with q = clamp(x / scale + zero_point),
    /// (round(q) − zero_point) · scale. One signed bit, which QONNX defines as ±1, is imported as `BipolarQuant`.
    Quant {
        /// Whether the integers are signed.
        signed: bool,
        /// Whether the most negative (signed) or the greatest (unsigned) integer is left out.
        narrow: bool,
        /// How the quotient is rounded.
        rounding: RoundingMode,
    },
    /// `[x, scale, zero_point]`: the integer round(x / scale) + zero_point within `minimum..=maximum`, whose quotient is
    /// a float32 (ONNX `QuantizeLinear`) and goes to the nearest integer, from the middle to the even one. Unlike
    /// `Quant`, it rounds before it adds the zero point. Scales and zero points are constants.
    QuantizeLinear {
        /// Least integer.
        minimum: i64,
        /// Greatest integer.
        maximum: i64,
    },
    /// `[x, thresholds]`: `out_scale` · (number of thresholds ≤ x, per channel) + `out_bias`; thresholds are
    /// `[channels or 1, levels]`, the channel axis of x is axis 1 (`NCHW`, `NC`) or the last (`NHWC`).
    MultiThreshold {
        /// Factor of the count.
        out_scale: f64,
        /// Summand after scaling.
        out_bias: f64,
        /// Axis of `x` that selects the row of thresholds.
        channel_axis: usize,
    },
    /// `[x, w]` or `[x, w, bias]`: cross-correlation of x `[1, C, spatial…]` with w `[O, C / groups, kernel…]`, zero
    /// padding; output channels `[g · O / groups, (g + 1) · O / groups)` read the input channels
    /// `[g · C / groups, (g + 1) · C / groups)`. `bias` is `[O]`.
    Conv {
        /// Where the taps stand.
        window: Window,
        /// Number of groups of channels.
        groups: usize,
    },
    /// `[x]`: greatest element of each window; padded positions do not take part.
    MaxPool {
        /// Where the taps stand. Every window holds at least one element of x.
        window: Window,
    },
    /// `[x]`: mean of each window.
    AveragePool {
        /// Where the taps stand. Every window holds at least one element of x.
        window: Window,
        /// Whether padded positions count as zeros; otherwise they do not take part.
        count_include_pad: bool,
    },
    /// `[a, b, …]`: one after the other along `axis`.
    Concat {
        /// The axis that grows.
        axis: usize,
    },
    /// `[x]`: x with elements of `value` around it.
    Pad {
        /// How many before the first along each axis.
        before: Vec<usize>,
        /// How many behind the last along each axis.
        after: Vec<usize>,
        /// The value.
        value: f64,
    },
    /// `[x]`: nearest neighbour enlargement: element `i` of the output along an axis is element `i / factor` of x.
    Upsample {
        /// How often each element is repeated, along each axis.
        factors: Vec<usize>,
    },
    /// `[x]`: of the elements along `axis` those with the given indices, in their order (`Gather`, `Slice`, `Split`, `Pad`
    /// that repeats or mirrors the border).
    Select {
        /// The axis.
        axis: usize,
        /// Indices of the elements kept, at least one; an index may come more than once.
        indices: Vec<usize>,
    },
    /// `[x]`: x with zeros behind each element: element `i` along an axis is element `i · factor` of the output, all
    /// others are zero (a part of `ConvTranspose`).
    Dilate {
        /// Elements of the output for each element, along each axis; 1 for batch and channels.
        factors: Vec<usize>,
    },
    /// `[x]`: a transcendental function of each element.
    Activation(Activation),
    /// `[x]`: values and indices of the `k` greatest elements along `axis`, greatest first, lower index first on
    /// ties.
    TopK {
        /// The axis searched.
        axis: usize,
        /// How many.
        k: usize,
    },
    /// `[x]`: index of the greatest element along `axis`. The output's shape says whether the axis is kept.
    ArgMax {
        /// The axis searched.
        axis: usize,
        /// Whether it is the highest index on ties, or the lowest.
        last: bool,
    },
    /// `[x]`: exp(x) over the sum of exp(x) along `axis`, of x in float32, rounded to float32 once
    /// ([`abi::maps::ScoreFunction`] defines it).
    Softmax {
        /// The axis summed along.
        axis: usize,
        /// Whether the result is its natural logarithm (`LogSoftmax`).
        log: bool,
    },
    /// `[x]`: 1 / (1 + exp(−x)), of x in float32, rounded to float32 once.
    Sigmoid,
    /// An operator of TensorFlow Lite, which says itself what it computes.
    Kernel(Kernel),
}

impl Operator {
    /// The operator's name in ONNX files (`Reshape` for the whole family that only changes the shape).
    pub fn name(&self) -> &'static str {
        match self {
            Operator::Reshape => "Reshape",
            Operator::Transpose { .. } => "Transpose",
            Operator::Add => "Add",
            Operator::Sub => "Sub",
            Operator::Mul => "Mul",
            Operator::Div => "Div",
            Operator::Pow => "Pow",
            Operator::Sqrt => "Sqrt",
            Operator::Neg => "Neg",
            Operator::Abs => "Abs",
            Operator::Round => "Round",
            Operator::Floor => "Floor",
            Operator::Ceil => "Ceil",
            Operator::Relu => "Relu",
            Operator::Clip { .. } => "Clip",
            Operator::Sign => "Sign",
            Operator::MatMul => "MatMul",
            Operator::Gemm { .. } => "Gemm",
            Operator::BatchNormalization { .. } => "BatchNormalization",
            Operator::BipolarQuant => "BipolarQuant",
            Operator::Quant { .. } => "Quant",
            Operator::QuantizeLinear { .. } => "QuantizeLinear",
            Operator::MultiThreshold { .. } => "MultiThreshold",
            Operator::Conv { .. } => "Conv",
            Operator::MaxPool { .. } => "MaxPool",
            Operator::AveragePool { .. } => "AveragePool",
            Operator::Concat { .. } => "Concat",
            Operator::Pad { .. } => "Pad",
            Operator::Upsample { .. } => "Upsample",
            Operator::Select { .. } => "Gather",
            Operator::Dilate { .. } => "ConvTranspose",
            Operator::Activation(activation) => activation.name(),
            Operator::TopK { .. } => "TopK",
            Operator::ArgMax { .. } => "ArgMax",
            Operator::Softmax { log: false, .. } => "Softmax",
            Operator::Softmax { log: true, .. } => "LogSoftmax",
            Operator::Sigmoid => "Sigmoid",
            Operator::Kernel(kernel) => kernel.name(),
        }
    }
}

/// Most bits of the integers that an input's values are.
pub const MAX_INPUT_BITS: u32 = 16;

impl Graph {
    /// The integers that the input's values are said to be, where they are few enough for that to count.
    pub fn input_codes(&self) -> Option<ElementType> {
        self.input_type.filter(|element| element.bits() <= MAX_INPUT_BITS)
    }

    /// The value with the given id.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0]
    }

    /// The node with the given id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// The tensor of a constant value, `None` for others.
    pub fn constant(&self, id: ValueId) -> Option<&Tensor> {
        match &self.value(id).source {
            Source::Constant(tensor) => Some(tensor),
            Source::Input | Source::Node(_) => None,
        }
    }

    /// Whether the output is what a sigmoid gives, perhaps quantised.
    pub fn gives_probability(&self) -> bool {
        let mut value = self.output;
        while let Source::Node(id) = self.value(value).source {
            let node = self.node(id);
            match node.operator {
                Operator::Sigmoid => return true,
                Operator::Reshape | Operator::Mul | Operator::Sub => value = node.inputs[0],
                _ if node.operator.is_quantiser() => value = node.inputs[0],
                _ => return false,
            }
        }
        false
    }

    /// Whether the output holds indices that an `ArgMax` or `TopK` found, and not scores.
    pub fn gives_indices(&self) -> bool {
        let mut value = self.output;
        while let Source::Node(id) = self.value(value).source {
            let node = self.node(id);
            match node.operator {
                Operator::Reshape => value = node.inputs[0],
                Operator::ArgMax { .. } => return true,
                Operator::TopK { .. } => return node.outputs.get(1) == Some(&value),
                _ => return false,
            }
        }
        false
    }
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |id: &ValueId| format!("{} {:?}", self.value(*id).name, self.value(*id).shape);
        writeln!(f, "graph {} (opset {})", self.name, self.opset)?;
        writeln!(f, "input {}", value(&self.input))?;
        for node in &self.nodes {
            let outputs: Vec<String> = node.outputs.iter().map(value).collect();
            let inputs: Vec<String> = node
                .inputs
                .iter()
                .map(|id| match self.constant(*id).map(Tensor::as_scalar) {
                    Some(Some(scalar)) => format!("{scalar}"),
                    Some(None) => format!("constant {}", value(id)),
                    None => self.value(*id).name.clone(),
                })
                .collect();
            writeln!(f, "{} = {:?}({})  # {}", outputs.join(", "), node.operator, inputs.join(", "), node.name)?;
        }
        writeln!(f, "output {}", value(&self.output))
    }
}
