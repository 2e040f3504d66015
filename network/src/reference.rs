//! Runs a [`Graph`] node by node: naive, and meant to be obviously right.
//!
//! On the model's input and on constants, up to the first codes, each node's result is rounded to float32 once, as
//! frameworks have it ([`Graph::floats`] says where). Everywhere else arithmetic is exact: a value is kept as two numbers
//! of f64 with a bound on their error, and where that is too wide to decide a comparison or a rounding, the node is
//! computed again from the last codes in rational numbers and their square roots.
//!
//! Together with the import this is the definition of what a model computes. It shares no arithmetic with the lowering
//! that it is used to check; both ask the graph where float32 ends.

mod bounded;
mod elementwise;
mod evaluate;
mod exact;
mod kernels;
mod matrix;
mod number;
mod scores;
mod search;
mod window;

pub(crate) mod layout;
pub(crate) mod quantize;

use crate::graph::{Graph, NodeId, Operator, Source, ValueId};
use crate::tensor::Tensor;
use bounded::Bounded;
use exact::Exact;
use miette::Diagnostic;
use number::{Element, Fault, Number};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

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

    /// A comparison that exact arithmetic does not reach.
    #[error(
        "node `{node}` must compare sums, products and square roots of rational numbers, but a root of a root, or a power that is neither whole nor a half, stands before it"
    )]
    #[diagnostic(
        code(network::reference::beyond),
        help("simplify the arithmetic between the last quantiser and this node")
    )]
    Beyond {
        /// The node.
        node: String,
    },
}

/// Runs `graph` once. To run it on several images, keep an [`Evaluator`].
///
/// # Errors
/// Where the input does not fit, or a result is not a finite number.
pub fn run(graph: &Graph, input: &Tensor) -> Result<Tensor, ReferenceError> {
    Evaluator::new(graph)?.run(input)
}

/// What an operator makes of floats, rounded to float32 once; `None` where it is undefined. The import folds constants so.
pub(crate) fn float_nodes(operator: &Operator, inputs: &[&Tensor], shapes: &[&[usize]]) -> Option<Vec<Tensor>> {
    if let Operator::BatchNormalization { epsilon } = operator {
        return Some(vec![evaluate::float_batch_normalization(inputs, *epsilon)]);
    }
    let results = evaluate::node(operator, inputs, shapes).ok()?;
    Some(results.iter().map(|tensor| tensor.map(rounded)).collect())
}

/// What an operator makes of real numbers, where float32 holds that exactly. The import folds codes so.
pub(crate) fn exact_nodes(operator: &Operator, inputs: &[&Tensor], shapes: &[&[usize]]) -> Option<Vec<Tensor>> {
    let results = evaluate::node(operator, inputs, shapes).ok()?;
    let exactly = |tensor: &Tensor<Bounded>| {
        let data = tensor.data.iter().map(Bounded::as_float).collect::<Option<Vec<f64>>>()?;
        Some(Tensor::new(tensor.shape.clone(), data)).filter(Tensor::is_single)
    };
    results.iter().map(exactly).collect()
}

/// Whether it is known which float32 is nearest to each number.
fn are_single(tensors: &[Tensor<Bounded>]) -> bool {
    tensors.iter().flat_map(|tensor| &tensor.data).all(Bounded::is_single)
}

/// The float32 nearest to a number.
fn rounded(number: &Bounded) -> f64 {
    f64::from(number.nearest() as f32)
}

/// What has been computed of a value: the nearest numbers of f64, and finer ones where these are not exact.
#[derive(Clone, Debug)]
struct Computed<'g> {
    tensor: Cow<'g, Tensor>,
    finer: Option<Tensor<Bounded>>,
}

impl Computed<'_> {
    fn new(numbers: Tensor<Bounded>) -> Self {
        if numbers.data.iter().all(|number| number.as_float().is_some()) {
            return Computed { tensor: Cow::Owned(numbers.map(Number::nearest)), finer: None };
        }
        Computed { tensor: Cow::Owned(numbers.map(Number::nearest)), finer: Some(numbers) }
    }

    fn bounded(&self) -> Cow<'_, Tensor<Bounded>> {
        match &self.finer {
            Some(finer) => Cow::Borrowed(finer),
            None => Cow::Owned(self.tensor.map(|value| Bounded::of(*value))),
        }
    }

    /// The exact numbers, where they are known.
    fn exactly(&self) -> Option<Tensor<Exact>> {
        let Some(finer) = &self.finer else {
            return Some(self.tensor.map(|value| Exact::of(*value)));
        };
        let data = finer.data.iter().map(|number| number.exactly().map(Exact::of_parts)).collect::<Option<_>>()?;
        Some(Tensor::new(finer.shape.clone(), data))
    }
}

/// A graph whose constant part has been computed.
#[derive(Clone, Debug)]
pub struct Evaluator<'g> {
    graph: &'g Graph,
    /// Which values are floats: [`Graph::floats`].
    floats: Vec<bool>,
    constants: Vec<Option<Computed<'g>>>,
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
                Source::Constant(tensor) => Some(Computed { tensor: Cow::Borrowed(tensor), finer: None }),
                Source::Input | Source::Node(_) => None,
            })
            .collect();
        let mut evaluator = Evaluator { graph, floats: graph.floats(), constants, computed: Vec::new() };
        for (index, node) in graph.nodes.iter().enumerate() {
            let is_constant = node.inputs.iter().all(|input| evaluator.constants[input.0].is_some());
            if is_constant {
                let results = evaluator.results(NodeId(index), &[])?;
                for (output, result) in node.outputs.iter().zip(results) {
                    evaluator.constants[output.0] = Some(result);
                }
            } else {
                evaluator.computed.push(NodeId(index));
            }
        }
        Ok(evaluator)
    }

    /// The tensor of a value that does not depend on the input.
    pub fn constant(&self, value: ValueId) -> Option<&Tensor> {
        self.constants[value.0].as_ref().map(|constant| constant.tensor.as_ref())
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
        let mut values: Vec<Option<Computed<'_>>> = vec![None; self.graph.values.len()];
        values[self.graph.input.0] = Some(Computed { tensor: Cow::Owned(input), finer: None });
        for id in &self.computed {
            let results = self.results(*id, &values)?;
            for (output, result) in self.graph.node(*id).outputs.iter().zip(results) {
                visit(*output, &result.tensor);
                values[output.0] = Some(result);
            }
        }
        let output = self.graph.output;
        let result = values[output.0].take().map(|computed| computed.tensor.into_owned());
        let result = result.or_else(|| self.constant(output).cloned());
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

    fn known<'a>(&'a self, id: ValueId, values: &'a [Option<Computed<'g>>]) -> &'a Computed<'g> {
        let computed = values.get(id.0).and_then(Option::as_ref);
        computed
            .or(self.constants[id.0].as_ref())
            .expect("nodes stand in topological order, so their inputs have been computed")
    }

    /// What a node computes from constants and `values`.
    fn results(&self, id: NodeId, values: &[Option<Computed<'g>>]) -> Result<Vec<Computed<'g>>, ReferenceError> {
        let node = self.graph.node(id);
        let inputs: Vec<&Computed<'_>> = node.inputs.iter().map(|input| self.known(*input, values)).collect();
        let shapes = self.shapes(id);
        let exactly = || -> Result<Vec<Tensor<Bounded>>, ReferenceError> {
            let results = self.exact_results(id, values)?;
            Ok(results.iter().map(|tensor| tensor.map(Exact::bounded)).collect())
        };
        let results = match self.decided(id, &inputs, &shapes) {
            Err(Fault::Undecided) => exactly()?,
            // Scores are float32: nothing compares them here, so it is their rounding that must be decided. Where exact
            // numbers do not reach, the bounds are the best there is.
            Ok(results) if node.outputs.contains(&self.graph.output) && !are_single(&results) => {
                exactly().unwrap_or(results)
            }
            results => results.map_err(|fault| not_decided(&node.name, fault))?,
        };
        for (tensor, shape) in results.iter().zip(shapes) {
            assert_eq!(tensor.shape, shape, "the import infers the shape that node `{}` computes", node.name);
            if let Some(index) = tensor.data.iter().position(|value| !value.nearest().is_finite()) {
                let value = tensor.data[index].nearest();
                return Err(ReferenceError::NotFinite { node: node.name.clone(), index, value });
            }
        }
        Ok(results.into_iter().map(Computed::new).collect())
    }

    fn shapes(&self, id: NodeId) -> Vec<&'g [usize]> {
        self.graph.node(id).outputs.iter().map(|output| self.graph.value(*output).shape.as_slice()).collect()
    }

    /// What a node computes, where the bounds on errors are narrow enough to decide.
    fn decided(
        &self,
        id: NodeId,
        inputs: &[&Computed<'_>],
        shapes: &[&[usize]],
    ) -> Result<Vec<Tensor<Bounded>>, Fault> {
        let node = self.graph.node(id);
        let floats: Vec<&Tensor> = inputs.iter().map(|input| input.tensor.as_ref()).collect();
        if self.floats[node.inputs[0].0] && node.operator.is_quantiser() {
            let codes = quantize::codes_of_floats(&node.operator, &floats)?;
            let parameters: Vec<Cow<'_, Tensor<Bounded>>> = inputs[1..].iter().map(|input| input.bounded()).collect();
            let parameters: Vec<&Tensor<Bounded>> = parameters.iter().map(AsRef::as_ref).collect();
            return Ok(vec![quantize::values(&node.operator, &codes, &parameters)]);
        }
        let is_of_reals = node.operator.rounds_scores() && !self.floats[node.inputs[0].0];
        if self.floats[node.outputs[0].0] && !is_of_reals {
            if let Operator::BatchNormalization { epsilon } = node.operator {
                return Ok(vec![
                    evaluate::float_batch_normalization(&floats, epsilon).map(|value| Bounded::of(*value)),
                ]);
            }
            // A node of floats gets floats: a constant that has come from codes may be none.
            let singles: Vec<Tensor> =
                floats.iter().map(|tensor| tensor.map(|value| f64::from(*value as f32))).collect();
            let results = evaluate::node(&node.operator, &singles.iter().collect::<Vec<_>>(), shapes)?;
            return Ok(results.into_iter().map(|tensor| tensor.map(|number| Bounded::of(rounded(number)))).collect());
        }
        if inputs.iter().all(|input| input.finer.is_none()) {
            return evaluate::node(&node.operator, &floats, shapes);
        }
        let numbers: Vec<Cow<'_, Tensor<Bounded>>> = inputs.iter().map(|input| input.bounded()).collect();
        evaluate::node(&node.operator, &numbers.iter().map(AsRef::as_ref).collect::<Vec<_>>(), shapes)
    }

    /// What a node computes, without any error: its inputs are computed again as far as they are not known exactly.
    fn exact_results(&self, id: NodeId, values: &[Option<Computed<'g>>]) -> Result<Vec<Tensor<Exact>>, ReferenceError> {
        let mut known: HashMap<ValueId, Tensor<Exact>> = HashMap::new();
        let mut order = Vec::new();
        // Producers stand before their readers, so the last one has no reader left.
        let mut needed = BTreeSet::from([id]);
        while let Some(id) = needed.pop_last() {
            for input in &self.graph.node(id).inputs {
                if let Some(tensor) = self.known(*input, values).exactly() {
                    known.entry(*input).or_insert(tensor);
                } else if let Source::Node(producer) = self.graph.value(*input).source {
                    needed.insert(producer);
                }
            }
            order.push(id);
        }
        let mut results = Vec::new();
        for id in order.into_iter().rev() {
            results = self.exact_node(id, values, &known)?;
            known.extend(self.graph.node(id).outputs.iter().copied().zip(results.iter().cloned()));
        }
        Ok(results)
    }

    /// What a node computes from inputs that are known exactly.
    fn exact_node(
        &self,
        id: NodeId,
        values: &[Option<Computed<'g>>],
        known: &HashMap<ValueId, Tensor<Exact>>,
    ) -> Result<Vec<Tensor<Exact>>, ReferenceError> {
        let node = self.graph.node(id);
        let inputs: Vec<&Tensor<Exact>> = node.inputs.iter().map(|input| &known[input]).collect();
        let results = if self.floats[node.inputs[0].0] && node.operator.is_quantiser() {
            let floats: Vec<&Tensor> = node.inputs.iter().map(|id| self.known(*id, values).tensor.as_ref()).collect();
            // The code of a float is float32's all the same; what it stands for is exact.
            quantize::codes_of_floats(&node.operator, &floats)
                .map(|codes| vec![quantize::values(&node.operator, &codes, &inputs[1..])])
        } else {
            evaluate::node(&node.operator, &inputs, &self.shapes(id))
        };
        results.map_err(|fault| not_decided(&node.name, fault))
    }
}

fn not_decided(node: &str, fault: Fault) -> ReferenceError {
    match fault {
        Fault::Undefined => ReferenceError::NotFinite { node: node.into(), index: 0, value: f64::NAN },
        Fault::Undecided | Fault::Beyond => ReferenceError::Beyond { node: node.into() },
    }
}
