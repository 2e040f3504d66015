//! What is done to a model's graph before it becomes integers.

use crate::calibration::Calibration;
use abi::ElementType;
use network::graph::Graph;
use network::input_format::{InputScale, declared, quantised};

/// What is done to a model's graph before it becomes integers.
#[derive(Clone, Debug, Default)]
pub struct Preparation {
    /// What the images' values are, where the file does not say so.
    pub input: InputFormat,
    /// How real activations become integers.
    pub calibration: Option<Calibration>,
}

impl Preparation {
    /// Whether nothing is done.
    pub fn is_empty(&self) -> bool {
        self.input.element.is_none() && self.calibration.is_none()
    }
}

/// What the images' values are: integers, or integers times a scale.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct InputFormat {
    /// The integers, where they are known.
    pub element: Option<ElementType>,
    /// What they are multiplied by, where there is such a factor: the model expects integers times this, such as pixels / 255.
    pub scale: Option<InputScale>,
}

impl InputFormat {
    /// The graph, which knows what its input holds.
    pub fn apply(&self, graph: Graph) -> Graph {
        match (self.element, self.scale) {
            (None, _) => graph,
            (Some(element), None) => declared(graph, element),
            (Some(element), Some(scale)) => quantised(graph, element, scale),
        }
    }
}
