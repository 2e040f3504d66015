//! The walk over a graph that makes the first, unpolished network.

mod arrange;
mod causes;
mod codes;
mod dilate;
mod dot;
mod ends;
mod host;
mod join;
mod kernel;
mod layout;
mod pool;
mod product;
mod quantise;
mod refusals;
mod scales;
mod scores;
mod search;
mod windows;

use super::LowerError;
use super::chain::{Binary, Constant};
use super::operators::{self, QuantFormat};
use super::steps::Lattice;
use super::symbol::{Data, Origin, Parameter, Step, Symbol};
use abi::InputMap;
use abi::maps::{Reduction, Softmax};
use host::HostEnd;
use network::graph::{Graph, Node, Operator, Source, ValueId};
use network::network::{Layer, LayerKind, Network, SensitiveSteps, TensorId, TensorType};
use network::tensor::{Tensor, transpose_indices};
use refusals::Refusals;
use search::Searched;
use std::collections::HashMap;
use std::sync::Arc;

/// The network that `graph` is, before any pass.
///
/// # Errors
/// Where a node has no exact integer form.
pub fn walk(graph: &Graph) -> Result<Network, LowerError> {
    let mut refusals = Refusals::default();
    let network = walk_nodes(graph, &mut refusals);
    refusals.finish(graph, network)
}

/// The network, or the last refusal; `refusals` gets those before it.
fn walk_nodes(graph: &Graph, refusals: &mut Refusals) -> Result<Network, LowerError> {
    let floats = graph.floats();
    let mut walk = Walk {
        graph,
        input_is_codes: graph.input_is_codes(),
        symbols: HashMap::from([(graph.input, Symbol::Data(Data::of(Origin::Image)))]),
        tensors: Vec::new(),
        lattices: HashMap::new(),
        layers: Vec::new(),
        names: HashMap::new(),
        input: None,
        input_is_laid_out: false,
        input_is_annotated: false,
        sensitive_steps: Vec::new(),
        arranged: Vec::new(),
        host: None,
        softmax: None,
    };
    let mut searched: Option<Searched> = None;
    for node in &graph.nodes {
        if let Some(searched) = searched.as_mut().filter(|searched| searched.is_read_by(node)) {
            walk.after_search(node, searched)?;
        } else if let Operator::TopK { .. } | Operator::ArgMax { .. } = node.operator {
            searched = Some(walk.search(node)?);
        } else {
            let symbol = walk.node(node).or_else(|refusal| walk.stand_in(node, refusal, refusals))?;
            let symbol = match symbol {
                Symbol::Data(data) => Symbol::Data(data.ended()),
                // As the import folds them.
                Symbol::Constant(constants) if floats[node.outputs[0].0] => {
                    let rounded = constants.iter().map(Constant::rounded).collect::<Option<Vec<Constant>>>();
                    let undefined = || LowerError::Undefined { node: node.name.clone(), channel: 0 };
                    Symbol::Constant(Arc::new(rounded.ok_or_else(undefined)?))
                }
                symbol => symbol,
            };
            if symbol.is_too_long() {
                return Err(LowerError::TooLong { node: node.name.clone(), operator: node.operator.name() });
            }
            walk.symbols.insert(node.outputs[0], symbol);
        }
    }
    let found = searched.and_then(|searched| Some((searched.reduction(graph.output)?, searched)));
    match (found, walk.symbols.get(&graph.output)) {
        (Some((reduction, Searched { name, scores, shape, .. })), _) => walk.finish(scores, &shape, reduction, &name),
        (None, Some(Symbol::Data(data))) => {
            let (data, shape) = (data.clone(), graph.value(graph.output).shape.clone());
            walk.finish(data, &shape, Reduction::None, "output")
        }
        (None, Some(Symbol::Constant(_)) | None) => Err(LowerError::NothingToDo { model: graph.name.clone() }),
    }
}

struct Walk<'a> {
    graph: &'a Graph,
    /// Whether the image's values are codes themselves: then all arithmetic is exact, else float32's up to a quantiser.
    input_is_codes: bool,
    symbols: HashMap<ValueId, Symbol>,
    tensors: Vec<TensorType>,
    /// For the accumulators of dot products, which values each channel can have.
    lattices: HashMap<TensorId, Vec<Lattice>>,
    layers: Vec<Layer>,
    /// The names of the layers, each with the next number that may make a new one of it.
    names: HashMap<String, usize>,
    input: Option<(TensorId, InputMap)>,
    /// Whether something relies on how the input tensor is laid out; until then it may still be changed.
    input_is_laid_out: bool,
    /// Whether the input tensor holds the integers that the file says the image's values are.
    input_is_annotated: bool,
    sensitive_steps: Vec<SensitiveSteps>,
    /// Tensors whose elements have been put elsewhere: where each came from, and where they are now.
    arranged: Vec<(TensorId, Arc<Vec<usize>>, TensorId)>,
    /// What the host computes of the scores, once its node has come.
    host: Option<HostEnd>,
    /// A softmax that the host computes, and the value that it makes.
    softmax: Option<(Softmax, ValueId)>,
}

impl<'a> Walk<'a> {
    fn symbol(&self, id: ValueId) -> Symbol {
        match (&self.graph.value(id).source, self.symbols.get(&id)) {
            (_, Some(symbol)) => symbol.clone(),
            (Source::Constant(tensor), None) => {
                Symbol::Constant(Arc::new(tensor.data.iter().map(|value| Constant::Float(*value)).collect()))
            }
            (Source::Input | Source::Node(_), None) => Symbol::Constant(Arc::new(Vec::new())),
        }
    }

    fn shape(&self, id: ValueId) -> &'a [usize] {
        &self.graph.value(id).shape
    }

    /// The constants of an input, or the error that it must be constant.
    fn constants(&self, node: &Node, input: usize) -> Result<Arc<Vec<Constant>>, LowerError> {
        match self.symbol(node.inputs[input]) {
            Symbol::Constant(constants) => Ok(constants),
            Symbol::Data(_) => {
                Err(LowerError::TwoDataOperands { node: node.name.clone(), operator: node.operator.name() })
            }
        }
    }

    /// The numbers of a constant input, which must be ones of double precision.
    fn floats(&self, node: &Node, input: usize) -> Result<Tensor, LowerError> {
        let constants = self.constants(node, input)?;
        let number = |(index, constant): (usize, &Constant)| {
            constant.as_float().ok_or_else(|| match constant.approximate() {
                None => LowerError::Undefined { node: node.name.clone(), channel: 0 },
                Some(near) => self.unsupported(
                    node,
                    "read constants that double precision holds",
                    format!("element {index} of input {input}, near {near}, is computed from codes and is none"),
                    "let the exporter fold constants (in PyTorch: do_constant_folding=True), or multiply instead of dividing",
                ),
            })
        };
        let data = constants.iter().enumerate().map(number).collect::<Result<Vec<f64>, LowerError>>()?;
        Ok(Tensor::new(self.shape(node.inputs[input]).to_vec(), data))
    }

    fn parameter(&self, node: &Node, input: usize, shape: &[usize]) -> Result<Parameter, LowerError> {
        let constants = self.constants(node, input)?;
        Ok(operators::parameter(&constants, self.shape(node.inputs[input]), shape))
    }

    fn unsupported(&self, node: &Node, must: &'static str, found: String, help: &'static str) -> LowerError {
        LowerError::Unsupported { node: node.name.clone(), operator: node.operator.name(), must, found, help }
    }

    /// Factor and summand of data that a dot product, a sum or a pool reads.
    fn affine(&self, node: &Node, data: &Data) -> Result<(Parameter, Parameter), LowerError> {
        data.affine().ok_or_else(|| self.nonlinear(node))
    }

    fn node(&mut self, node: &Node) -> Result<Symbol, LowerError> {
        let shape = self.shape(node.outputs[0]).to_vec();
        let elements: usize = shape.iter().product();
        let first = match self.symbol(node.inputs[0]) {
            // Only a convolution takes a border in.
            Symbol::Data(data) if !matches!(node.operator, Operator::Conv { .. }) => {
                Symbol::Data(self.without_border(node, 0, data)?)
            }
            symbol => symbol,
        };
        match (&node.operator, first) {
            // Behind a split into more axes than an image has, its rows and columns are no longer told.
            (Operator::Reshape, Symbol::Data(mut data)) if shape.len() > 4 => {
                self.lay_out_as(&mut data, self.shape(node.inputs[0]));
                Ok(Symbol::Data(data))
            }
            (Operator::Reshape, symbol) => Ok(symbol),
            (Operator::Select { axis, indices }, symbol) => {
                let from = self.shape(node.inputs[0]);
                Ok(self.select(symbol, from, *axis, indices))
            }
            (Operator::Transpose { permutation }, symbol) => {
                let source = transpose_indices(self.shape(node.inputs[0]), permutation);
                Ok(match symbol {
                    Symbol::Constant(constants) => {
                        Symbol::Constant(Arc::new(source.iter().map(|index| constants[*index].clone()).collect()))
                    }
                    Symbol::Data(data) => Symbol::Data(data.permuted(&source)),
                })
            }
            (Operator::Add | Operator::Sub | Operator::Mul | Operator::Div, first) => self.binary(node, first, &shape),
            (Operator::Pow, Symbol::Data(data)) => {
                let exponent = self.floats(node, 1)?.as_scalar().unwrap_or(f64::NAN);
                let steps = operators::power(node, exponent)?;
                Ok(Symbol::Data(steps.into_iter().fold(data, Data::then)))
            }
            (Operator::Pow, Symbol::Constant(bases)) => self.constant_power(node, &bases),
            (Operator::Sqrt, Symbol::Constant(constants)) => {
                Ok(Symbol::Constant(Arc::new(constants.iter().map(|c| c.clone().square_root()).collect())))
            }
            (Operator::Neg, Symbol::Constant(constants)) => Ok(Symbol::Constant(Arc::new(
                constants.iter().map(|c| Constant::Float(0.0).binary(Binary::Subtract, c.clone())).collect(),
            ))),
            (Operator::MatMul | Operator::Gemm { .. }, _) => self.dot(node).map(Symbol::Data),
            (Operator::Conv { window, groups }, _) => self.convolution(node, window, *groups).map(Symbol::Data),
            (Operator::Concat { axis }, _) => self.concat(node, *axis).map(Symbol::Data),
            (_, Symbol::Constant(_)) => Err(self.unsupported(
                node,
                "depend on the model's input",
                "all its inputs are constants".into(),
                "let the exporter fold constants (in PyTorch: do_constant_folding=True)",
            )),
            (Operator::MaxPool { window }, Symbol::Data(data)) => self.max_pool(node, data, window).map(Symbol::Data),
            (Operator::AveragePool { window, count_include_pad }, Symbol::Data(data)) => {
                self.average_pool(node, data, window, *count_include_pad).map(Symbol::Data)
            }
            (Operator::Pad { before, after, value }, Symbol::Data(data)) => {
                self.pad(node, data, (before, after), *value).map(Symbol::Data)
            }
            (Operator::Upsample { factors }, Symbol::Data(data)) => {
                self.upsample(node, data, factors).map(Symbol::Data)
            }
            (Operator::Dilate { factors }, Symbol::Data(data)) => self.dilate(node, data, factors).map(Symbol::Data),
            (Operator::BatchNormalization { epsilon }, Symbol::Data(data)) => {
                let parameters =
                    [self.floats(node, 1)?, self.floats(node, 2)?, self.floats(node, 3)?, self.floats(node, 4)?];
                let [scale, bias, mean, variance] = &parameters;
                let tensors = [scale, bias, mean, variance];
                let normalise = match self.is_float(&data) {
                    true => operators::float_batch_normalization,
                    false => operators::batch_normalization,
                };
                Ok(Symbol::Data(normalise(data, &shape, tensors, *epsilon)))
            }
            (Operator::Softmax { .. } | Operator::Sigmoid, Symbol::Data(data)) => {
                self.score_function(node, data).map(Symbol::Data)
            }
            (Operator::BipolarQuant, Symbol::Data(data)) => {
                let scale = self.parameter(node, 1, &shape)?;
                self.quantise(node, data, operators::bipolar_quant(elements, scale))
            }
            (Operator::Sign, Symbol::Data(data)) => self.quantise(node, data, operators::sign(elements)),
            (Operator::Quant { signed, narrow, rounding }, Symbol::Data(data)) => {
                let bits = self.floats(node, 3)?.as_scalar().unwrap_or(f64::NAN);
                if !(1.0..=16.0).contains(&bits) || bits.fract() != 0.0 {
                    return Err(self.unsupported(
                        node,
                        "quantise activations to 1 to 16 bits",
                        format!("its bit width is {bits}"),
                        "choose a bit width that is one whole number from 1 to 16",
                    ));
                }
                let scale = self.parameter(node, 1, &shape)?;
                let zero_point = self.parameter(node, 2, &shape)?;
                let format = QuantFormat { signed: *signed, narrow: *narrow, rounding: *rounding, bits: bits as u32 };
                self.quantise(node, data, operators::quant(elements, &format, scale, zero_point))
            }
            (Operator::QuantizeLinear { minimum, maximum }, Symbol::Data(data)) => {
                let (scale, zero_point) = (self.parameter(node, 1, &shape)?, self.parameter(node, 2, &shape)?);
                let range = (*minimum, *maximum);
                let quantisation = operators::quantize_linear(elements, range, &scale, &zero_point)
                    .ok_or_else(|| LowerError::Undefined { node: node.name.clone(), channel: 0 })?;
                self.quantise(node, data, quantisation)
            }
            (Operator::MultiThreshold { out_scale, out_bias, channel_axis }, Symbol::Data(data)) => {
                let thresholds = self.floats(node, 1)?;
                let inner: usize = shape[*channel_axis + 1..].iter().product();
                let channels = shape[*channel_axis];
                let channel_of = |element: usize| element / inner % channels;
                let quantisation = operators::multi_threshold(channel_of, elements, &thresholds, *out_scale, *out_bias);
                self.quantise(node, data, quantisation)
            }
            (Operator::Kernel(kernel), Symbol::Data(data)) => self.kernel(node, kernel, data),
            (operator, Symbol::Data(data)) => match operators::unary(operator) {
                Some(steps) => Ok(Symbol::Data(steps.into_iter().fold(data, Data::then))),
                None => Err(self.unsupported(
                    node,
                    "be an operator with an integer form",
                    format!("{} has none here", operator.name()),
                    "remove the node or replace it by a supported operator",
                )),
            },
        }
    }

    fn constant_power(&self, node: &Node, bases: &Arc<Vec<Constant>>) -> Result<Symbol, LowerError> {
        let exponent = self.floats(node, 1)?.as_scalar().unwrap_or(f64::NAN);
        let raise = |base: &Constant| {
            let root = base.clone().square_root();
            match exponent {
                0.5 => Some(root),
                -0.5 => Some(Constant::Float(1.0).binary(Binary::Divide, root)),
                2.0 => Some(base.clone().binary(Binary::Multiply, base.clone())),
                -1.0 => Some(Constant::Float(1.0).binary(Binary::Divide, base.clone())),
                1.0 => Some(base.clone()),
                _ => None,
            }
        };
        let powers = bases.iter().map(raise).collect::<Option<Vec<Constant>>>();
        powers.map(|powers| Symbol::Constant(Arc::new(powers))).ok_or_else(|| {
            self.unsupported(
                node,
                "raise constants to ±0.5, ±1 or 2",
                format!("its exponent is {exponent}"),
                "let the exporter fold constants (in PyTorch: do_constant_folding=True)",
            )
        })
    }

    fn binary(&mut self, node: &Node, first: Symbol, shape: &[usize]) -> Result<Symbol, LowerError> {
        let operation = match node.operator {
            Operator::Add => Binary::Add,
            Operator::Sub => Binary::Subtract,
            Operator::Mul => Binary::Multiply,
            _ => Binary::Divide,
        };
        let second = self.symbol(node.inputs[1]);
        if let (Symbol::Data(a), Symbol::Data(b)) = (&first, &second)
            && let Some(data) = self.forked(node, operation, a, b)
        {
            return Ok(Symbol::Data(data));
        }
        let (data, reversed) = match (first, second) {
            (Symbol::Data(_), Symbol::Data(_)) if matches!(operation, Binary::Add | Binary::Subtract) => {
                return self.sum(node, operation).map(Symbol::Data);
            }
            (Symbol::Data(_), Symbol::Data(_)) if operation == Binary::Multiply => {
                return self.product(node).map(Symbol::Data);
            }
            (Symbol::Data(_), Symbol::Data(_)) => {
                return Err(LowerError::TwoDataOperands { node: node.name.clone(), operator: node.operator.name() });
            }
            (Symbol::Constant(a), Symbol::Constant(b)) => {
                let a = operators::parameter(&a, self.shape(node.inputs[0]), shape);
                let b = operators::parameter(&b, self.shape(node.inputs[1]), shape);
                let elements = shape.iter().product();
                let combined = a.combine(operation, &b);
                return Ok(Symbol::Constant(Arc::new(
                    (0..elements).map(|element| combined.at(element).clone()).collect(),
                )));
            }
            (Symbol::Data(data), Symbol::Constant(_)) => (data, false),
            (Symbol::Constant(_), Symbol::Data(data)) => (self.without_border(node, 1, data)?, true),
        };
        let data_shape = self.shape(node.inputs[usize::from(reversed)]);
        if data_shape.iter().product::<usize>() != shape.iter().product::<usize>() {
            return Err(self.unsupported(
                node,
                "keep the number of elements of its data operand",
                format!("broadcasting turns shape {data_shape:?} into {shape:?}"),
                "give the constant operand a shape that broadcasts to the data operand's",
            ));
        }
        let mut parameter = self.parameter(node, usize::from(!reversed), shape)?;
        if self.is_float(&data) {
            // A node of floats gets floats: a constant that has come from codes may be none.
            let undefined = || LowerError::Undefined { node: node.name.clone(), channel: 0 };
            parameter = parameter.try_map(Constant::rounded).ok_or_else(undefined)?;
        }
        Ok(Symbol::Data(data.then(Step::Binary { operation, reversed, parameter })))
    }

    /// Two functions of the same numbers as one, where they are no sum or product of integers.
    fn forked(&self, node: &Node, operation: Binary, a: &Data, b: &Data) -> Option<Data> {
        let is_alike = self.shape(node.inputs[0]) == self.shape(node.inputs[1]);
        let are_integers = operation != Binary::Divide && a.affine().is_some() && b.affine().is_some();
        if is_alike && !are_integers { a.forked(operation, b) } else { None }
    }

    /// `name`, or where a layer has it already, with `kind` behind it and a number where that is taken, too.
    fn unique_name(&mut self, name: &str, kind: &str) -> String {
        let mut unique = name.to_owned();
        if self.names.contains_key(name) {
            let of_kind = format!("{name}_{kind}");
            let mut number = self.names.get(&of_kind).copied().unwrap_or(1);
            unique = of_kind.clone();
            while self.names.contains_key(&unique) {
                number += 1;
                unique = format!("{of_kind}_{}", number + 1);
            }
            self.names.insert(of_kind, number);
        }
        self.names.entry(unique.clone()).or_insert(1);
        unique
    }

    /// Adds a layer and its output tensor. Names are unique: a second layer of a node gets the kind's name behind it.
    fn add_layer(&mut self, name: &str, kind: LayerKind, inputs: &[TensorId], output: TensorType) -> TensorId {
        let tensor = TensorId(self.tensors.len());
        self.tensors.push(output);
        let name = self.unique_name(name, kind.name());
        if self.input.as_ref().is_some_and(|(input, _)| inputs.contains(input)) {
            self.input_is_laid_out = true;
        }
        self.layers.push(Layer { name, kind, inputs: inputs.to_vec(), output: tensor });
        tensor
    }

    /// The values that each channel of a tensor can have.
    fn channel_lattices(&self, tensor: TensorId) -> Vec<Lattice> {
        let kind = &self.tensors[tensor.0];
        self.lattices.get(&tensor).cloned().unwrap_or_else(|| vec![Lattice::of(kind); kind.channels])
    }
}
