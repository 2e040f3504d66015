//! What is known of a graph value while walking: a constant, or integers of a tensor under a chain of functions.

use super::chain::{Binary, Constant, Function};
use network::network::TensorId;
use std::sync::Arc;

/// A parameter of a chain: the same for every element, or one for each.
#[derive(Clone, Debug)]
pub enum Parameter {
    /// One for all elements.
    Uniform(Constant),
    /// One per element, in the graph value's row-major order.
    PerElement(Arc<Vec<Constant>>),
}

impl Parameter {
    /// The constant for the element with the given row-major index.
    pub fn at(&self, element: usize) -> &Constant {
        match self {
            Parameter::Uniform(constant) => constant,
            Parameter::PerElement(constants) => &constants[element],
        }
    }

    /// Combines two parameters element by element.
    pub fn combine(&self, operation: Binary, other: &Parameter) -> Parameter {
        match (self, other) {
            (Parameter::Uniform(a), Parameter::Uniform(b)) => {
                Parameter::Uniform(a.clone().binary(operation, b.clone()))
            }
            (Parameter::PerElement(constants), _) => Parameter::PerElement(Arc::new(
                constants
                    .iter()
                    .enumerate()
                    .map(|(element, a)| a.clone().binary(operation, other.at(element).clone()))
                    .collect(),
            )),
            (Parameter::Uniform(a), Parameter::PerElement(constants)) => Parameter::PerElement(Arc::new(
                constants.iter().map(|b| a.clone().binary(operation, b.clone())).collect(),
            )),
        }
    }

    fn permute(&self, source: &[usize]) -> Parameter {
        match self {
            Parameter::Uniform(_) => self.clone(),
            Parameter::PerElement(constants) => {
                Parameter::PerElement(Arc::new(source.iter().map(|index| constants[*index].clone()).collect()))
            }
        }
    }
}

/// One operation of a chain, for all elements.
#[derive(Clone, Debug)]
pub enum Step {
    /// The element combined with a parameter; `reversed` puts the parameter first.
    Binary {
        /// The operation.
        operation: Binary,
        /// Whether the parameter is the first operand.
        reversed: bool,
        /// The other operand.
        parameter: Parameter,
    },
    /// A function without parameters that differ between elements.
    Function(Function),
}

/// Where the numbers of a chain come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The values of the input image.
    Image,
    /// The integers of a tensor.
    Tensor(TensorId),
}

/// A graph value that depends on the input: `chain(origin[order[i]])` for each element `i`.
#[derive(Clone, Debug)]
pub struct Data {
    /// Where its numbers come from.
    pub origin: Origin,
    /// For each element in row-major order its index in the origin; `None` where the orders agree.
    pub order: Option<Arc<Vec<usize>>>,
    /// The operations since.
    pub chain: Vec<Step>,
}

impl Data {
    /// The elements of `origin` themselves.
    pub fn of(origin: Origin) -> Self {
        Data { origin, order: None, chain: Vec::new() }
    }

    /// Index in the origin of the element with the given row-major index.
    pub fn position(&self, element: usize) -> usize {
        self.order.as_ref().map_or(element, |order| order[element])
    }

    /// With one more operation.
    pub fn then(mut self, step: Step) -> Self {
        self.chain.push(step);
        self
    }

    /// The same elements where element `i` of the result is element `source[i]` of this.
    pub fn permuted(&self, source: &[usize]) -> Self {
        let chain = self
            .chain
            .iter()
            .map(|step| match step {
                Step::Binary { operation, reversed, parameter } => {
                    Step::Binary { operation: *operation, reversed: *reversed, parameter: parameter.permute(source) }
                }
                Step::Function(function) => Step::Function(function.clone()),
            })
            .collect();
        let order = source.iter().map(|index| self.position(*index)).collect();
        Data { origin: self.origin, order: Some(Arc::new(order)), chain }
    }

    /// The chain's functions for one element.
    pub fn functions(&self, element: usize) -> Vec<Function> {
        self.chain
            .iter()
            .map(|step| match step {
                Step::Binary { operation, reversed: false, parameter } => {
                    Function::Binary(*operation, parameter.at(element).clone())
                }
                Step::Binary { operation, reversed: true, parameter } => {
                    Function::Reversed(*operation, parameter.at(element).clone())
                }
                Step::Function(function) => function.clone(),
            })
            .collect()
    }

    /// Whether all elements go through the same functions.
    pub fn is_uniform(&self) -> bool {
        self.chain.iter().all(|step| match step {
            Step::Binary { parameter, .. } => matches!(parameter, Parameter::Uniform(_)),
            Step::Function(_) => true,
        })
    }

    /// Factor and summand where the chain is affine: value = factor · integer + summand.
    pub fn affine(&self) -> Option<(Parameter, Parameter)> {
        let uniform = |value| Parameter::Uniform(Constant::Float(value));
        let mut factor = uniform(1.0);
        let mut summand = uniform(0.0);
        for step in &self.chain {
            let Step::Binary { operation, reversed, parameter } = step else {
                return None;
            };
            match (operation, reversed) {
                (Binary::Add, _) => summand = summand.combine(Binary::Add, parameter),
                (Binary::Subtract, false) => summand = summand.combine(Binary::Subtract, parameter),
                (Binary::Subtract, true) => {
                    summand = parameter.combine(Binary::Subtract, &summand);
                    factor = uniform(-1.0).combine(Binary::Multiply, &factor);
                }
                (Binary::Multiply, _) | (Binary::Divide, false) => {
                    factor = factor.combine(*operation, parameter);
                    summand = summand.combine(*operation, parameter);
                }
                (Binary::Divide, true) => return None,
            }
        }
        Some((factor, summand))
    }
}

/// What is known of a graph value.
#[derive(Clone, Debug)]
pub enum Symbol {
    /// Constants, in row-major order.
    Constant(Arc<Vec<Constant>>),
    /// Something that depends on the input.
    Data(Data),
}
