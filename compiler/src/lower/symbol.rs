//! What is known of a graph value while walking: a constant, or integers of a tensor under a chain of functions.

use super::chain::{Binary, Constant, Function};
use crate::chip::number::greatest_common_divisor;
use network::network::{TensorId, Window};
use network::shared_list::SharedList;
use std::sync::Arc;

/// A parameter of a chain, for each element of a graph value in row-major order: element `e` has the constant
/// `e / inner` counted round. One constant for all, one for each channel and one for each element are the usual cases.
#[derive(Clone, Debug)]
pub struct Parameter {
    constants: Arc<Vec<Constant>>,
    inner: usize,
}

impl Parameter {
    /// One constant for all elements.
    pub fn uniform(constant: Constant) -> Self {
        Parameter { constants: Arc::new(vec![constant]), inner: 1 }
    }

    /// One constant for each element.
    pub fn per_element(constants: Arc<Vec<Constant>>) -> Self {
        Parameter { constants, inner: 1 }
    }

    /// Each constant for `inner` elements in a row, then all of them again.
    pub fn repeated(constants: Vec<Constant>, inner: usize) -> Self {
        if constants.windows(2).all(|pair| pair[0] == pair[1]) {
            return Parameter::uniform(constants[0].clone());
        }
        Parameter { constants: Arc::new(constants), inner }
    }

    /// The only constant, where there is one for all.
    pub fn as_uniform(&self) -> Option<&Constant> {
        match self.constants.as_slice() {
            [constant] => Some(constant),
            _ => None,
        }
    }

    /// The constants, each for one element or more.
    pub fn constants(&self) -> &[Constant] {
        &self.constants
    }

    /// The constant for the element with the given row-major index.
    pub fn at(&self, element: usize) -> &Constant {
        &self.constants[element / self.inner % self.constants.len()]
    }

    /// Combines two parameters element by element.
    pub fn combine(&self, operation: Binary, other: &Parameter) -> Parameter {
        let combined = |a: &Constant, b: &Constant| a.clone().binary(operation, b.clone());
        let (constants, inner): (Vec<Constant>, usize) = match (self.as_uniform(), other.as_uniform()) {
            (_, Some(b)) => (self.constants.iter().map(|a| combined(a, b)).collect(), self.inner),
            (Some(a), None) => (other.constants.iter().map(|b| combined(a, b)).collect(), other.inner),
            (None, None) if self.inner == other.inner && self.constants.len() == other.constants.len() => {
                (self.constants.iter().zip(other.constants.iter()).map(|(a, b)| combined(a, b)).collect(), self.inner)
            }
            (None, None) => {
                let (own, others) = (self.period(), other.period());
                let period = own / greatest_common_divisor(own, others) * others;
                ((0..period).map(|element| combined(self.at(element), other.at(element))).collect(), 1)
            }
        };
        Parameter { constants: Arc::new(constants), inner }
    }

    /// Each constant as `change` makes it, `None` where it makes none.
    pub fn try_map(&self, change: impl Fn(&Constant) -> Option<Constant>) -> Option<Parameter> {
        let constants = self.constants.iter().map(change).collect::<Option<Vec<Constant>>>()?;
        Some(Parameter { constants: Arc::new(constants), inner: self.inner })
    }

    /// After how many elements the constants begin again.
    fn period(&self) -> usize {
        self.constants.len() * self.inner
    }

    /// The parameter whose element `i` is element `source[i]` of this one.
    fn permute(&self, source: &[usize]) -> Parameter {
        if self.as_uniform().is_some() {
            return self.clone();
        }
        Parameter::per_element(Arc::new(source.iter().map(|index| self.at(*index).clone()).collect()))
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
    /// What two chains make of the element, combined.
    Fork {
        /// The operation.
        operation: Binary,
        /// The chains.
        branches: Arc<[SharedList<Step>; 2]>,
        /// Steps of both chains, those within their forks included.
        steps: usize,
    },
}

/// Most steps of a fork: each is evaluated with every number.
pub const MAX_FORK: usize = 1 << 10;

impl Step {
    /// The element, combined with a parameter as the second operand.
    pub fn with(operation: Binary, parameter: Parameter) -> Self {
        Step::Binary { operation, reversed: false, parameter }
    }

    /// How many steps it counts as.
    fn steps(&self) -> usize {
        match self {
            Step::Binary { .. } | Step::Function(_) => 1,
            Step::Fork { steps, .. } => 1 + steps,
        }
    }

    /// Whether something holds of all parameters.
    fn all_parameters(&self, holds: &dyn Fn(&Parameter) -> bool) -> bool {
        match self {
            Step::Binary { parameter, .. } => holds(parameter),
            Step::Function(_) => true,
            Step::Fork { branches, .. } => {
                branches.iter().all(|branch| branch.backwards().all(|step| step.all_parameters(holds)))
            }
        }
    }

    /// The step with other parameters.
    fn changed(&self, change: &dyn Fn(&Parameter) -> Parameter) -> Step {
        match self {
            Step::Binary { operation, reversed, parameter } => {
                Step::Binary { operation: *operation, reversed: *reversed, parameter: change(parameter) }
            }
            Step::Function(function) => Step::Function(function.clone()),
            Step::Fork { operation, branches, steps } => {
                let of_branch = |branch: &SharedList<Step>| {
                    branch.items().iter().map(|step| step.changed(change)).collect::<SharedList<Step>>()
                };
                let branches = Arc::new([of_branch(&branches[0]), of_branch(&branches[1])]);
                Step::Fork { operation: *operation, branches, steps: *steps }
            }
        }
    }

    /// The function for one element.
    fn function(&self, element: usize) -> Function {
        match self {
            Step::Binary { operation, reversed: false, parameter } => {
                Function::Binary(*operation, parameter.at(element).clone())
            }
            Step::Binary { operation, reversed: true, parameter } => {
                Function::Reversed(*operation, parameter.at(element).clone())
            }
            Step::Function(function) => function.clone(),
            Step::Fork { operation, branches, .. } => {
                let of_branch = |branch: &SharedList<Step>| {
                    branch.items().into_iter().map(|step| step.function(element)).collect::<Vec<Function>>()
                };
                Function::Fork(*operation, Arc::new([of_branch(&branches[0]), of_branch(&branches[1])]))
            }
        }
    }
}

/// Where the numbers of a chain come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The values of the input image.
    Image,
    /// The integers of a tensor.
    Tensor(TensorId),
    /// The numbers that the host computes of the scores.
    Host,
    /// Codes of these.
    HostCodes,
}

/// A graph value that depends on the input: `chain(origin[order[i]])` for each element `i`, where nothing is pending.
#[derive(Clone, Debug)]
pub struct Data {
    /// Where its numbers come from.
    pub origin: Origin,
    /// For each element in row-major order its index in the origin (in what a pending operation makes of it); `None`
    /// where the orders agree.
    pub order: Option<Arc<Vec<usize>>>,
    /// The operations since.
    pub chain: SharedList<Step>,
    /// An operation on windows that no layer has been made of yet.
    pub pending: Option<Pending>,
}

/// An operation that waits for what follows it.
#[derive(Clone, Debug, PartialEq)]
pub enum Pending {
    /// The greatest element of each window, of the numbers that the first `after` operations of the chain make. Behind
    /// a quantiser it takes fewer bits, so it waits for one.
    MaxPool {
        /// Where the windows lie in the origin.
        window: Window,
        /// Operations before it.
        after: usize,
    },
    /// A border of the real number `value` behind the whole chain. A convolution takes it in.
    Pad {
        /// Rows above and columns left.
        before: [usize; 2],
        /// Rows below and columns right.
        after: [usize; 2],
        /// The number.
        value: f64,
    },
}

impl Data {
    /// The elements of `origin` themselves.
    pub fn of(origin: Origin) -> Self {
        Data { origin, order: None, chain: SharedList::default(), pending: None }
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

    /// At the end of a node of the file.
    pub fn ended(self) -> Self {
        match self.chain.last() {
            None | Some(Step::Function(Function::NodeEnd)) => self,
            Some(_) => self.then(Step::Function(Function::NodeEnd)),
        }
    }

    /// The same elements where element `i` of the result is element `source[i]` of this.
    pub fn permuted(&self, source: &[usize]) -> Self {
        let chain = self.chain_of(|parameter| parameter.permute(source));
        let order = source.iter().map(|index| self.position(*index)).collect();
        Data { order: Some(Arc::new(order)), chain, ..self.clone() }
    }

    /// The chain of a value of `channels` times `to` pixels whose channels each go through what the first of `from`
    /// pixels of the same channel goes through here.
    pub fn chain_by_channel(&self, channels: usize, from: usize, to: usize) -> SharedList<Step> {
        let by_channel = |parameter: &Parameter| {
            Parameter::repeated((0..channels).map(|channel| parameter.at(channel * from).clone()).collect(), to)
        };
        self.chain_of(by_channel)
    }

    /// The chain with other parameters; the same one where all elements go through the same functions.
    fn chain_of(&self, change: impl Fn(&Parameter) -> Parameter) -> SharedList<Step> {
        if self.is_uniform() {
            return self.chain.clone();
        }
        self.chain.items().iter().map(|step| step.changed(&change)).collect()
    }

    /// The chain's functions for one element.
    pub fn functions(&self, element: usize) -> Vec<Function> {
        self.chain.items().into_iter().map(|step| step.function(element)).collect()
    }

    /// Whether all elements go through the same functions.
    pub fn is_uniform(&self) -> bool {
        self.chain.backwards().all(|step| step.all_parameters(&|parameter| parameter.as_uniform().is_some()))
    }

    /// Whether two elements go through the same functions.
    pub fn alike(&self, element: usize, other: usize) -> bool {
        let is_alike = |parameter: &Parameter| parameter.at(element) == parameter.at(other);
        self.chain.backwards().all(|step| step.all_parameters(&is_alike))
    }

    /// Number of elements of the value, where its origin has `elements`.
    pub fn len_of(&self, elements: usize) -> usize {
        self.order.as_ref().map_or(elements, |order| order.len())
    }

    /// The value combined with another one of the same numbers; `None` where they differ in more than their chains, or
    /// where the chains are too long.
    pub fn forked(&self, operation: Binary, other: &Data) -> Option<Data> {
        let is_same = self.origin == other.origin && self.order == other.order && self.pending == other.pending;
        let shared = self.chain.shared(&other.chain);
        let pools_before = match &self.pending {
            None => true,
            Some(Pending::MaxPool { after, .. }) => shared >= *after,
            Some(Pending::Pad { .. }) => false,
        };
        if !is_same || !pools_before {
            return None;
        }
        let behind =
            |data: &Data| -> SharedList<Step> { data.chain.items()[shared..].iter().copied().cloned().collect() };
        let branches = [behind(self), behind(other)];
        let steps = branches.iter().flat_map(SharedList::backwards).map(Step::steps).sum();
        if steps > MAX_FORK {
            return None;
        }
        let chain = self.chain.first(shared);
        Some(Data { chain, ..self.clone() }.then(Step::Fork { operation, branches: Arc::new(branches), steps }))
    }

    /// Factor and summand where the chain is affine: value = factor · integer + summand.
    pub fn affine(&self) -> Option<(Parameter, Parameter)> {
        let uniform = |value| Parameter::uniform(Constant::Float(value));
        let mut factor = uniform(1.0);
        let mut summand = uniform(0.0);
        for step in self.chain.items() {
            let (operation, reversed, parameter) = match step {
                Step::Binary { operation, reversed, parameter } => (operation, reversed, parameter),
                Step::Function(Function::NodeEnd) => continue,
                Step::Function(_) | Step::Fork { .. } => return None,
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

impl Symbol {
    /// Whether what a node has just added holds a constant that is [too long](Constant::TooLong).
    pub fn is_too_long(&self) -> bool {
        let is_too_long = |constants: &[Constant]| constants.contains(&Constant::TooLong);
        match self {
            Symbol::Constant(constants) => is_too_long(constants),
            // A node adds at most four operations and its end.
            Symbol::Data(data) => data.chain.backwards().take(5).any(|step| match step {
                Step::Binary { parameter, .. } => is_too_long(parameter.constants()),
                // The branches of a fork have been looked at.
                Step::Function(_) | Step::Fork { .. } => false,
            }),
        }
    }
}
