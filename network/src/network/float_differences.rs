//! Where float32 arithmetic would decide otherwise than a network does.

use serde::{Deserialize, Serialize};

/// Steps of one layer that lie within float32 rounding of a value that can occur there: a float32 framework, which may
/// add in any order, may put such a value on the other side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SensitiveSteps {
    /// The quantiser's node.
    pub node: String,
    /// The channels concerned, ascending, each as often as it has such steps.
    pub channels: Vec<usize>,
    /// The values that a float32 program does put on the other side, by channel; at most [`MAX_DIFFERENCES`].
    #[serde(default)]
    pub differences: Vec<FloatDifference>,
    /// Whether these are all: neither more than [`MAX_DIFFERENCES`], nor more values to look at than an import may take.
    #[serde(default)]
    pub is_complete: bool,
}

/// Most values of one quantiser that are kept: where a bias dwarfs the sums, they are all different.
pub const MAX_DIFFERENCES: usize = 1 << 12;

/// A value of which float32 arithmetic, each node's result rounded once and the sum before it as well, makes another code.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FloatDifference {
    /// The channel of the layer, or its element where every element has steps of its own.
    pub channel: usize,
    /// The integer that the layer reads.
    pub sum: i64,
    /// The real number that the quantiser reads then, in double precision.
    pub value: f64,
    /// The code of exact arithmetic, which is this network's.
    pub exact: i64,
    /// The code of float32 arithmetic.
    pub float: i64,
}
