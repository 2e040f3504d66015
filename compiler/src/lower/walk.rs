//! The walk over a graph that makes the first, unpolished network.

use super::LowerError;
use super::arithmetic::Fault;
use super::chain::{Binary, Constant, QuantisedChain};
use super::operators::{self, QuantFormat, Quantisation};
use super::steps::{self, Lattice, StepsFault};
use super::symbol::{Data, Origin, Parameter, Step, Symbol};
use super::weights::{GREATEST_WEIGHT, integer_weights};
use abi::maps::{OutputMap, Reduction};
use abi::{ElementType, InputMap, StepFunction};
use network::graph::{Graph, Node, Operator, Source, ValueId};
use network::network::{Layer, LayerKind, Network, SensitiveSteps, TensorId, TensorType, WeightMatrix};
use network::tensor::{Tensor, transpose_indices};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

/// The network that `graph` is, before any pass.
///
/// # Errors
/// Where a node has no exact integer form.
pub fn walk(graph: &Graph) -> Result<Network, LowerError> {
    let mut walk = Walk {
        graph,
        symbols: HashMap::from([(graph.input, Symbol::Data(Data::of(Origin::Image)))]),
        tensors: Vec::new(),
        lattices: HashMap::new(),
        layers: Vec::new(),
        input: None,
        sensitive_steps: Vec::new(),
    };
    let mut reduction = Reduction::None;
    let mut scores = None;
    for node in &graph.nodes {
        if let Operator::TopK { .. } | Operator::ArgMax { .. } = node.operator {
            let data = walk.classify(node)?;
            reduction = Reduction::ArgMax;
            scores = Some((data, graph.value(node.inputs[0]).shape.clone()));
            let indices = node.outputs[node.outputs.len() - 1];
            walk.symbols.insert(indices, Symbol::Data(Data::of(Origin::Image)));
        } else if scores.is_some() {
            walk.after_reduction(node)?;
        } else {
            let symbol = walk.node(node)?;
            walk.symbols.insert(node.outputs[0], symbol);
        }
    }
    let (data, shape) = match scores {
        Some((data, shape)) => (data, shape),
        None => match walk.symbols.get(&graph.output) {
            Some(Symbol::Data(data)) => (data.clone(), graph.value(graph.output).shape.clone()),
            Some(Symbol::Constant(_)) | None => {
                return Err(LowerError::NothingToDo { model: graph.name.clone() });
            }
        },
    };
    walk.finish(data, &shape, reduction)
}

struct Walk<'a> {
    graph: &'a Graph,
    symbols: HashMap<ValueId, Symbol>,
    tensors: Vec<TensorType>,
    /// For the accumulators of dot products, which values each channel can have.
    lattices: HashMap<TensorId, Vec<Lattice>>,
    layers: Vec<Layer>,
    input: Option<(TensorId, InputMap)>,
    sensitive_steps: Vec<SensitiveSteps>,
}

impl Walk<'_> {
    fn symbol(&self, id: ValueId) -> Symbol {
        match (&self.graph.value(id).source, self.symbols.get(&id)) {
            (_, Some(symbol)) => symbol.clone(),
            (Source::Constant(tensor), None) => {
                Symbol::Constant(Arc::new(tensor.data.iter().map(|value| Constant::Float(*value)).collect()))
            }
            (Source::Input | Source::Node(_), None) => Symbol::Constant(Arc::new(Vec::new())),
        }
    }

    fn shape(&self, id: ValueId) -> &[usize] {
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

    /// The floats of a constant input.
    fn floats(&self, node: &Node, input: usize) -> Result<Tensor, LowerError> {
        let constants = self.constants(node, input)?;
        let data = constants.iter().map(Constant::approximate).collect::<Option<Vec<f64>>>();
        let data = data.ok_or_else(|| LowerError::Undefined { node: node.name.clone(), channel: 0 })?;
        Ok(Tensor::new(self.shape(node.inputs[input]).to_vec(), data))
    }

    fn parameter(&self, node: &Node, input: usize, shape: &[usize]) -> Result<Parameter, LowerError> {
        let constants = self.constants(node, input)?;
        Ok(operators::parameter(&constants, self.shape(node.inputs[input]), shape))
    }

    fn unsupported(&self, node: &Node, must: &'static str, found: String, help: &'static str) -> LowerError {
        LowerError::Unsupported { node: node.name.clone(), operator: node.operator.name(), must, found, help }
    }

    fn node(&mut self, node: &Node) -> Result<Symbol, LowerError> {
        let shape = self.shape(node.outputs[0]).to_vec();
        let elements: usize = shape.iter().product();
        let first = self.symbol(node.inputs[0]);
        match (&node.operator, first) {
            (Operator::Reshape, symbol) => Ok(symbol),
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
            (Operator::Sqrt, Symbol::Constant(constants)) => Ok(Symbol::Constant(Arc::new(
                constants.iter().map(|c| Constant::SquareRoot(Arc::new(c.clone()))).collect(),
            ))),
            (Operator::Neg, Symbol::Constant(constants)) => Ok(Symbol::Constant(Arc::new(
                constants.iter().map(|c| Constant::Float(0.0).binary(Binary::Subtract, c.clone())).collect(),
            ))),
            (Operator::MatMul | Operator::Gemm { .. }, _) => self.dot(node).map(Symbol::Data),
            (_, Symbol::Constant(_)) => Err(self.unsupported(
                node,
                "depend on the model's input",
                "all its inputs are constants".into(),
                "let the exporter fold constants (in PyTorch: do_constant_folding=True)",
            )),
            (Operator::BatchNormalization { epsilon }, Symbol::Data(data)) => {
                let parameters =
                    [self.floats(node, 1)?, self.floats(node, 2)?, self.floats(node, 3)?, self.floats(node, 4)?];
                let [scale, bias, mean, variance] = &parameters;
                Ok(Symbol::Data(operators::batch_normalization(data, &shape, [scale, bias, mean, variance], *epsilon)))
            }
            (Operator::BipolarQuant, Symbol::Data(data)) => {
                let scale = self.parameter(node, 1, &shape)?;
                self.quantise(node, &data, operators::bipolar_quant(elements, scale))
            }
            (Operator::Sign, Symbol::Data(data)) => self.quantise(node, &data, operators::sign(elements)),
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
                self.quantise(node, &data, operators::quant(elements, &format, scale, zero_point))
            }
            (Operator::MultiThreshold { out_scale, out_bias, channel_axis }, Symbol::Data(data)) => {
                let thresholds = self.floats(node, 1)?;
                let inner: usize = shape[*channel_axis + 1..].iter().product();
                let channels = shape[*channel_axis];
                let channel_of = |element: usize| element / inner % channels;
                let quantisation = operators::multi_threshold(channel_of, elements, &thresholds, *out_scale, *out_bias);
                self.quantise(node, &data, quantisation)
            }
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
            let root = Constant::SquareRoot(Arc::new(base.clone()));
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

    fn binary(&self, node: &Node, first: Symbol, shape: &[usize]) -> Result<Symbol, LowerError> {
        let operation = match node.operator {
            Operator::Add => Binary::Add,
            Operator::Sub => Binary::Subtract,
            Operator::Mul => Binary::Multiply,
            _ => Binary::Divide,
        };
        let (data, reversed) = match (first, self.symbol(node.inputs[1])) {
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
            (Symbol::Constant(_), Symbol::Data(data)) => (data, true),
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
        let parameter = self.parameter(node, usize::from(!reversed), shape)?;
        Ok(Symbol::Data(data.then(Step::Binary { operation, reversed, parameter })))
    }

    fn add_layer(&mut self, name: &str, kind: LayerKind, input: TensorId, output: TensorType) -> TensorId {
        let tensor = TensorId(self.tensors.len());
        self.tensors.push(output);
        self.layers.push(Layer { name: name.to_owned(), kind, input, output: tensor });
        tensor
    }

    /// A layer (or the input map) that makes integer codes of `data`.
    fn quantise(&mut self, node: &Node, data: &Data, quantisation: Quantisation) -> Result<Symbol, LowerError> {
        let Quantisation { quantisers, element, back } = quantisation;
        let elements = quantisers.len();
        let order: Vec<usize> = (0..elements).map(|index| data.position(index)).collect();
        let fault = |channel: usize, fault: StepsFault| match fault {
            StepsFault::Chain(Fault::Undefined | Fault::Undecided) => {
                LowerError::Undefined { node: node.name.clone(), channel }
            }
            StepsFault::Chain(Fault::Beyond) => self.unsupported(
                node,
                "quantise an expression of sums, products and single square roots",
                "a root of a root stands before it".into(),
                "simplify the arithmetic between the last dot product and this node",
            ),
            StepsFault::TooManyArguments => self.unsupported(
                node,
                "quantise a function that only rises or only falls",
                "an even power, Abs or a reciprocal stands before it".into(),
                "replace that operation by a monotone one such as Relu or Clip",
            ),
        };
        let uniform = data.is_uniform() && quantisers.windows(2).all(|pair| pair[0] == pair[1]);
        let chain =
            |index: usize| QuantisedChain { functions: data.functions(index), quantiser: quantisers[index].clone() };
        let tensor = match data.origin {
            Origin::Image => {
                if self.input.is_some() {
                    return Err(self.unsupported(
                        node,
                        "be the only quantiser of the input image",
                        "the image is quantised by another node as well".into(),
                        "quantise the image once and feed both branches from that",
                    ));
                }
                let mut functions: Vec<StepFunction<f32>> = Vec::new();
                let mut function_of = Vec::new();
                let mut known: Vec<(QuantisedChain, u32)> = Vec::new();
                for index in 0..if uniform { 1 } else { elements } {
                    let chain = chain(index);
                    let number = match known.iter().find(|(other, _)| *other == chain) {
                        Some((_, number)) => *number,
                        None => {
                            functions.push(steps::find_input_steps(&chain).map_err(|f| fault(index, f))?);
                            known.push((chain, functions.len() as u32 - 1));
                            functions.len() as u32 - 1
                        }
                    };
                    function_of.push(number);
                }
                if uniform {
                    function_of.clear();
                }
                let values = || functions.iter().flat_map(|f| f.values.iter().copied());
                let element = without_zero(element, values());
                let (minimum, maximum) = range(values());
                let tensor = TensorId(self.tensors.len());
                self.tensors.push(TensorType { vectors: 1, channels: elements, element, minimum, maximum });
                let map = InputMap {
                    shape: self.shape(self.graph.input).to_vec(),
                    element,
                    // The map's functions go by image position, its tensor by the image's own order.
                    function_of: if function_of.is_empty() { function_of } else { scatter(&function_of, &order) },
                    functions,
                    source_of: Vec::new(),
                };
                self.input = Some((tensor, map));
                tensor
            }
            Origin::Tensor(source) => {
                let full = self.tensors[source.0];
                let of_type = Lattice {
                    first: full.minimum,
                    step: full.element.step(),
                    count: ((full.maximum - full.minimum) / full.element.step()) as u64 + 1,
                };
                let lattices = self.lattices.get(&source);
                let mut functions = vec![StepFunction::constant(0); elements];
                let mut sensitive = Vec::new();
                for (index, channel) in order.iter().copied().enumerate() {
                    let lattice = lattices.map_or(of_type, |lattices| lattices[channel]);
                    let chain = chain(index);
                    functions[channel] = steps::find_steps(&chain, lattice).map_err(|f| fault(channel, f))?;
                    let count = steps::count_sensitive(&chain, &functions[channel], lattice);
                    sensitive.extend(std::iter::repeat_n(channel, count));
                }
                if !sensitive.is_empty() {
                    sensitive.sort_unstable();
                    self.sensitive_steps.push(SensitiveSteps { node: node.name.clone(), channels: sensitive });
                }
                let values = || functions.iter().flat_map(|f| f.values.iter().copied());
                let element = without_zero(element, values());
                let (minimum, maximum) = range(values());
                let output = TensorType { vectors: 1, channels: elements, element, minimum, maximum };
                self.add_layer(&node.name, LayerKind::MultiThreshold(functions), source, output)
            }
        };
        Ok(Symbol::Data(Data { origin: Origin::Tensor(tensor), order: data.order.clone(), chain: back }))
    }

    /// A dot product of `data` with constant weights.
    fn dot(&mut self, node: &Node) -> Result<Data, LowerError> {
        let (data, weights, bias) = self.dot_operands(node)?;
        let Origin::Tensor(source) = data.origin else {
            return Err(LowerError::NotQuantised {
                node: node.name.clone(),
                operator: node.operator.name(),
                from: " straight from the model's input".into(),
            });
        };
        let not_quantised = |from: &str| LowerError::NotQuantised {
            node: node.name.clone(),
            operator: node.operator.name(),
            from: from.to_owned(),
        };
        let (factor, summand) =
            data.affine().ok_or_else(|| not_quantised(" (a nonlinear function stands behind the last quantiser)"))?;
        let undefined = |_| LowerError::Undefined { node: node.name.clone(), channel: 0 };
        let first = factor.at(0).clone();
        if let Parameter::PerElement(factors) = &factor {
            for other in factors.iter() {
                if !first.equals(other).map_err(undefined)? {
                    return Err(not_quantised(" with a different scale per channel"));
                }
            }
        }
        let (rows, columns) = (weights.shape[0], weights.shape[1]);
        let grid = integer_weights(&weights.data, rows, columns).map_err(|fault| LowerError::WeightsNotQuantised {
            node: node.name.clone(),
            bits: 9,
            channel: fault.row,
            detail: match fault.steps {
                Some(steps) => format!(": they reach {steps} steps of their grid, more than {GREATEST_WEIGHT}"),
                None => String::new(),
            },
        })?;
        let source_type = self.tensors[source.0];
        if source_type.channels != columns {
            return Err(not_quantised(" in a shape whose elements do not belong to one dot product"));
        }
        let mut terms = vec![Constant::Float(0.0); rows];
        let zero_summand = match &summand {
            Parameter::Uniform(constant) => constant.sign().map_err(undefined)? == Ordering::Equal,
            Parameter::PerElement(_) => false,
        };
        if !zero_summand {
            for (row, term) in terms.iter_mut().enumerate() {
                let weights = grid.matrix.row(row);
                let sum = match &summand {
                    Parameter::Uniform(constant) => {
                        vec![(constant.clone(), weights.iter().map(|w| i64::from(*w)).sum())]
                    }
                    Parameter::PerElement(constants) => {
                        constants.iter().cloned().zip(weights.iter().map(|w| i64::from(*w))).collect()
                    }
                };
                *term = Constant::Sum(Arc::new(sum)).binary(Binary::Multiply, Constant::Float(grid.scales[row]));
            }
        }
        let matrix = self.in_stream_order(grid.matrix, &data);
        let lattices: Vec<Lattice> = (0..rows).map(|row| lattice(matrix.row(row), &source_type)).collect();
        let minimum = lattices.iter().map(|l| l.first).min().unwrap_or(0);
        let maximum = lattices.iter().map(Lattice::last).max().unwrap_or(0);
        // Accumulators are signed even where no negative one can occur: one datapath for all.
        let element = ElementType::holding(minimum.min(-1), maximum);
        let output = TensorType { vectors: 1, channels: rows, element, minimum, maximum };
        let tensor = self.add_layer(&node.name, LayerKind::MatrixVector(matrix), source, output);
        self.lattices.insert(tensor, lattices);
        let scales = grid.scales.iter().map(|s| Constant::Float(*s).binary(Binary::Multiply, first.clone()));
        let per_row = |constants: Vec<Constant>| {
            if constants.windows(2).all(|pair| pair[0] == pair[1]) {
                Parameter::Uniform(constants[0].clone())
            } else {
                Parameter::PerElement(Arc::new(constants))
            }
        };
        let step = |operation, parameter| Step::Binary { operation, reversed: false, parameter };
        let mut result = Data::of(Origin::Tensor(tensor))
            .then(step(Binary::Multiply, per_row(scales.collect())))
            .then(step(Binary::Add, per_row(terms)));
        if let Some(bias) = bias {
            result = result.then(step(Binary::Add, bias));
        }
        Ok(result)
    }

    /// The data operand, the real weights as `[output, input]`, and the bias per output channel.
    fn dot_operands(&self, node: &Node) -> Result<(Data, Tensor, Option<Parameter>), LowerError> {
        let symbols = (self.symbol(node.inputs[0]), self.symbol(node.inputs[1]));
        let (data, input, transposed) = match (symbols, &node.operator) {
            ((Symbol::Data(_), Symbol::Data(_)), _) => {
                return Err(LowerError::TwoDataOperands { node: node.name.clone(), operator: node.operator.name() });
            }
            ((Symbol::Data(data), Symbol::Constant(_)), Operator::Gemm { transpose_b, .. }) => (data, 0, *transpose_b),
            ((Symbol::Data(data), Symbol::Constant(_)), _) => (data, 0, false),
            ((Symbol::Constant(_), Symbol::Data(data)), Operator::Gemm { transpose_a, .. }) => (data, 1, !*transpose_a),
            ((Symbol::Constant(_), Symbol::Data(data)), _) => (data, 1, true),
            ((Symbol::Constant(_), Symbol::Constant(_)), _) => {
                return Err(LowerError::NothingToDo { model: self.graph.name.clone() });
            }
        };
        let weights = self.floats(node, 1 - input)?;
        let data_elements: usize = self.shape(node.inputs[input]).iter().product();
        let rank = weights.shape.len();
        let matrix = rank >= 2 && weights.shape[..rank - 2].iter().all(|extent| *extent == 1);
        let (inner, outer) = if rank == 1 {
            (weights.shape[0], 1)
        } else if transposed {
            (weights.shape[rank - 1], weights.shape[rank - 2])
        } else {
            (weights.shape[rank - 2], weights.shape[rank - 1])
        };
        if !(matrix || rank == 1) || inner != data_elements {
            return Err(self.unsupported(
                node,
                "multiply one vector with one matrix",
                format!("it multiplies shape {:?} with {:?}", self.shape(node.inputs[0]), self.shape(node.inputs[1])),
                "export the model for a batch of one image, with a fully connected layer here",
            ));
        }
        let weights = if transposed || rank == 1 {
            Tensor::new(vec![outer, inner], weights.data)
        } else {
            let source = transpose_indices(&[inner, outer], &[1, 0]);
            Tensor::new(vec![outer, inner], source.iter().map(|index| weights.data[*index]).collect())
        };
        let Operator::Gemm { alpha, beta, .. } = &node.operator else {
            return Ok((data, weights, None));
        };
        let data = match alpha {
            1.0 => data,
            alpha => data.then(Step::Binary {
                operation: Binary::Multiply,
                reversed: false,
                parameter: Parameter::Uniform(Constant::Float(*alpha)),
            }),
        };
        if node.inputs.len() < 3 {
            return Ok((data, weights, None));
        }
        let output_shape = self.shape(node.outputs[0]);
        let beta = Parameter::Uniform(Constant::Float(*beta));
        let bias = self.parameter(node, 2, output_shape)?.combine(Binary::Multiply, &beta);
        Ok((data, weights, Some(bias)))
    }

    /// The columns of `matrix` in the order in which the stream carries the elements of `data`.
    fn in_stream_order(&self, matrix: WeightMatrix, data: &Data) -> WeightMatrix {
        let Some(order) = &data.order else {
            return matrix;
        };
        let mut values = vec![0; matrix.values.len()];
        for row in 0..matrix.rows {
            for (element, position) in order.iter().enumerate() {
                values[row * matrix.columns + position] = matrix.row(row)[element];
            }
        }
        WeightMatrix { values, ..matrix }
    }

    /// Checks the operand of an arg-max and gives it back.
    fn classify(&mut self, node: &Node) -> Result<Data, LowerError> {
        let Symbol::Data(data) = self.symbol(node.inputs[0]) else {
            return Err(LowerError::NothingToDo { model: self.graph.name.clone() });
        };
        let shape = self.shape(node.inputs[0]);
        let (axis, k) = match node.operator {
            Operator::TopK { axis, k } => (axis, k),
            Operator::ArgMax { axis } => (axis, 1),
            _ => (0, 0),
        };
        if k != 1 || shape[axis] != shape.iter().product::<usize>() {
            return Err(self.unsupported(
                node,
                "take the one greatest of all scores",
                format!("it takes {k} along axis {axis} of shape {shape:?}"),
                "use k = 1 along the class axis",
            ));
        }
        Ok(data)
    }

    /// Behind an arg-max only the shape may change.
    fn after_reduction(&mut self, node: &Node) -> Result<(), LowerError> {
        if node.operator == Operator::Reshape {
            return Ok(());
        }
        Err(self.unsupported(
            node,
            "come before the arg-max",
            "it computes with the class index".into(),
            "let the model end with its TopK or ArgMax",
        ))
    }

    fn finish(mut self, data: Data, shape: &[usize], reduction: Reduction) -> Result<Network, LowerError> {
        let output_node = self.graph.nodes.last();
        let node_name = output_node.map_or("output", |node| node.name.as_str()).to_owned();
        let operator = output_node.map_or("output", |node| node.operator.name());
        let (Origin::Tensor(mut tensor), Some((input, input_map))) = (data.origin, self.input.take()) else {
            return Err(LowerError::NothingToDo { model: self.graph.name.clone() });
        };
        let Some((scale, bias)) = data.affine() else {
            return Err(LowerError::Unsupported {
                node: node_name,
                operator,
                must: "leave the scores an affine function of the last integers",
                found: "a nonlinear function stands behind the last dot product or quantiser".into(),
                help: "end the model with its scores: a final Relu, Clip or Softmax can be left out or put on the host",
            });
        };
        let elements: usize = shape.iter().product();
        let values = |parameter: &Parameter| -> Result<Vec<f64>, LowerError> {
            let count = if matches!(parameter, Parameter::Uniform(_)) { 1 } else { elements };
            (0..count)
                .map(|element| {
                    parameter
                        .at(element)
                        .approximate()
                        .ok_or_else(|| LowerError::Undefined { node: node_name.clone(), channel: element })
                })
                .collect()
        };
        let (scale, bias) = (values(&scale)?, values(&bias)?);
        let mut reduction = reduction;
        let keeps_order = scale.len() == 1 && bias.len() == 1 && scale[0] > 0.0 && data.order.is_none();
        if reduction == Reduction::ArgMax && keeps_order {
            let index = ElementType::holding(0, elements as i64 - 1);
            let output =
                TensorType { vectors: 1, channels: 1, element: index, minimum: 0, maximum: elements as i64 - 1 };
            tensor = self.add_layer(&node_name_of_reduction(self.graph), LayerKind::ArgMax, tensor, output);
            reduction = Reduction::Index;
        }
        let output_shape = self.graph.value(self.graph.output).shape.clone();
        let batch =
            !self.graph.value(self.graph.input).shape.is_empty() && output_shape.len() > 1 && output_shape[0] == 1;
        let source_of = data.order.map_or_else(Vec::new, |order| order.iter().map(|i| *i as u32).collect());
        Ok(Network {
            name: self.graph.name.clone(),
            tensors: self.tensors,
            layers: self.layers,
            input,
            output: tensor,
            input_map,
            output_map: OutputMap {
                shape: if batch { output_shape[1..].to_vec() } else { output_shape },
                scale,
                bias,
                source_of,
                reduction,
            },
            sensitive_steps: self.sensitive_steps,
        })
    }
}

fn node_name_of_reduction(graph: &Graph) -> String {
    graph
        .nodes
        .iter()
        .find(|node| matches!(node.operator, Operator::TopK { .. } | Operator::ArgMax { .. }))
        .map_or_else(|| "arg_max".to_owned(), |node| node.name.clone())
}

/// The values that a dot product of `weights` with elements of type `input` can have.
fn lattice(weights: &[i16], input: &TensorType) -> Lattice {
    let (mut first, mut last, mut step) = (0, 0, 0);
    for weight in weights.iter().map(|weight| i64::from(*weight)) {
        let (a, b) = (weight * input.minimum, weight * input.maximum);
        first += a.min(b);
        last += a.max(b);
        step = greatest_common_divisor(step, weight.abs() * input.element.step());
    }
    match step {
        0 => Lattice { first, step: 1, count: 1 },
        step => Lattice { first, step, count: ((last - first) / step) as u64 + 1 },
    }
}

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

fn range(values: impl Iterator<Item = i32> + Clone) -> (i64, i64) {
    let minimum = values.clone().min().unwrap_or(0);
    (i64::from(minimum), i64::from(values.max().unwrap_or(0)))
}

/// A sign whose zero does not occur is bipolar; other types stay.
fn without_zero(element: ElementType, mut values: impl Iterator<Item = i32>) -> ElementType {
    if element == (ElementType::Signed { bits: 2 }) && values.all(|value| value == 1 || value == -1) {
        ElementType::Bipolar
    } else {
        element
    }
}

fn scatter(values: &[u32], order: &[usize]) -> Vec<u32> {
    let mut scattered = vec![0; values.len()];
    for (value, position) in values.iter().zip(order) {
        scattered[*position] = *value;
    }
    scattered
}
