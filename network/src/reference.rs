//! Runs a [`Graph`] node by node in double precision: naive, and meant to be obviously right.
//!
//! Together with the import this is the definition of what a model computes. It shares no code with the lowering
//! that it is used to check.

mod double_double;
mod elementwise;
mod evaluate;
mod matrix;
mod search;
mod window;

pub(crate) mod layout;
pub(crate) mod quantize;

use crate::graph::{Graph, NodeId, Source, ValueId};
use crate::tensor::Tensor;
use miette::Diagnostic;
use std::borrow::Cow;

/// Why a graph cannot be run.
#[derive(Clone, Debug, PartialEq, thiserror::Error, Diagnostic)]
pub enum ReferenceError {
    /// The input has another shape than the model's.
    #[error("input `{input}` must have shape {expected:?}, with or without its batch axis, but it has {found:?}")]
    #[diagnostic(
        code(network::reference::input_shape),
        help("pass one image of the model's shape; several images are stacked along a new leading axis by the caller")
    )]
    InputShape {
        /// Name of the model's input.
        input: String,
        /// The model's shape.
        expected: Vec<usize>,
        /// The shape passed.
        found: Vec<usize>,
    },

    /// An input value is NaN or infinite.
    #[error("input `{input}` must be finite, but element {index} is {value}")]
    #[diagnostic(
        code(network::reference::input_value),
        help("check how the input was prepared: divide by zero, overflow")
    )]
    InputValue {
        /// Name of the model's input.
        input: String,
        /// The first such element.
        index: usize,
        /// Its value.
        value: f64,
    },

    /// A node's result is NaN or infinite.
    #[error("every result must be finite, but element {index} of what node `{node}` computes is {value}")]
    #[diagnostic(
        code(network::reference::not_finite),
        help("look for a division by zero or a root of a negative number in this node's parameters")
    )]
    NotFinite {
        /// The node.
        node: String,
        /// The first such element.
        index: usize,
        /// Its value.
        value: f64,
    },
}

/// Runs `graph` once. To run it on several images, keep an [`Evaluator`].
///
/// # Errors
/// Where the input does not fit, or a result is not a finite number.
pub fn run(graph: &Graph, input: &Tensor) -> Result<Tensor, ReferenceError> {
    Evaluator::new(graph)?.run(input)
}

/// A graph whose constant part has been computed.
#[derive(Clone, Debug)]
pub struct Evaluator<'g> {
    graph: &'g Graph,
    constants: Vec<Option<Cow<'g, Tensor>>>,
    /// The nodes that depend on the input, in order.
    computed: Vec<NodeId>,
}

impl<'g> Evaluator<'g> {
    /// Computes what does not depend on the input.
    ///
    /// # Errors
    /// Where such a result is not a finite number.
    pub fn new(graph: &'g Graph) -> Result<Self, ReferenceError> {
        let constants = graph
            .values
            .iter()
            .map(|value| match &value.source {
                Source::Constant(tensor) => Some(Cow::Borrowed(tensor)),
                Source::Input | Source::Node(_) => None,
            })
            .collect();
        let mut evaluator = Evaluator { graph, constants, computed: Vec::new() };
        for (index, node) in graph.nodes.iter().enumerate() {
            let is_constant = node.inputs.iter().all(|input| evaluator.constant(*input).is_some());
            if is_constant {
                let results = evaluator.results(NodeId(index), &[])?;
                for (output, tensor) in node.outputs.iter().zip(results) {
                    evaluator.constants[output.0] = Some(Cow::Owned(tensor));
                }
            } else {
                evaluator.computed.push(NodeId(index));
            }
        }
        Ok(evaluator)
    }

    /// The tensor of a value that does not depend on the input.
    pub fn constant(&self, value: ValueId) -> Option<&Tensor> {
        self.constants[value.0].as_deref()
    }

    /// The output for an input of the model's shape, with or without its batch axis.
    ///
    /// # Errors
    /// Where the input does not fit, or a result is not a finite number.
    pub fn run(&self, input: &Tensor) -> Result<Tensor, ReferenceError> {
        self.trace(input, |_, _| {})
    }

    /// As [`run`](Self::run), and shows each value that depends on the input to `visit`, the input first.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn trace(&self, input: &Tensor, mut visit: impl FnMut(ValueId, &Tensor)) -> Result<Tensor, ReferenceError> {
        let input = self.checked_input(input)?;
        visit(self.graph.input, &input);
        let mut values = vec![None; self.graph.values.len()];
        values[self.graph.input.0] = Some(input);
        for id in &self.computed {
            let results = self.results(*id, &values)?;
            for (output, tensor) in self.graph.node(*id).outputs.iter().zip(results) {
                visit(*output, &tensor);
                values[output.0] = Some(tensor);
            }
        }
        let output = self.graph.output;
        let result = values[output.0].take().or_else(|| self.constant(output).cloned());
        Ok(result.expect("nodes stand in topological order, so the output has been computed"))
    }

    fn checked_input(&self, input: &Tensor) -> Result<Tensor, ReferenceError> {
        let value = self.graph.value(self.graph.input);
        let without_batch = match value.shape.as_slice() {
            [1, rest @ ..] => Some(rest),
            _ => None,
        };
        if input.shape != value.shape && Some(input.shape.as_slice()) != without_batch {
            return Err(ReferenceError::InputShape {
                input: value.name.clone(),
                expected: value.shape.clone(),
                found: input.shape.clone(),
            });
        }
        if let Some(index) = input.data.iter().position(|value| !value.is_finite()) {
            let value = input.data[index];
            return Err(ReferenceError::InputValue {
                input: self.graph.value(self.graph.input).name.clone(),
                index,
                value,
            });
        }
        Ok(Tensor::new(value.shape.clone(), input.data.clone()))
    }

    /// What a node computes from constants and `values`.
    fn results(&self, id: NodeId, values: &[Option<Tensor>]) -> Result<Vec<Tensor>, ReferenceError> {
        let node = self.graph.node(id);
        let inputs: Vec<&Tensor> = node
            .inputs
            .iter()
            .map(|input| {
                let computed = values.get(input.0).and_then(Option::as_ref);
                computed
                    .or_else(|| self.constant(*input))
                    .expect("nodes stand in topological order, so their inputs have been computed")
            })
            .collect();
        let shapes: Vec<&[usize]> =
            node.outputs.iter().map(|output| self.graph.value(*output).shape.as_slice()).collect();
        let results = evaluate::node(&node.operator, &inputs, &shapes);
        for (tensor, shape) in results.iter().zip(shapes) {
            assert_eq!(tensor.shape, shape, "the import infers the shape that node `{}` computes", node.name);
            if let Some(index) = tensor.data.iter().position(|value| !value.is_finite()) {
                return Err(ReferenceError::NotFinite { node: node.name.clone(), index, value: tensor.data[index] });
            }
        }
        Ok(results)
    }
}
