//! Dot products: integer weights, and what remains of scales and biases.

use super::Walk;
use crate::lower::LowerError;
use crate::lower::chain::{Binary, Constant};
use crate::lower::steps::Lattice;
use crate::lower::symbol::{Data, Origin, Parameter, Step, Symbol};
use crate::lower::weights::{GREATEST_WEIGHT, integer_weights, row_spacing};
use abi::ElementType;
use network::graph::{Node, Operator};
use network::network::{LayerKind, TensorType, WeightMatrix};
use network::tensor::{Tensor, transpose_indices};
use std::cmp::Ordering;
use std::sync::Arc;

impl Walk<'_> {
    /// A dot product of `data` with constant weights.
    pub(super) fn dot(&mut self, node: &Node) -> Result<Data, LowerError> {
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
        if element.bits() > 32 {
            return Err(self.unsupported(
                node,
                "have accumulators of at most 32 bits",
                format!("they reach {minimum} to {maximum}"),
                "quantise weights or activations to fewer bits",
            ));
        }
        let output = TensorType { height: 1, width: 1, channels: rows, element, minimum, maximum };
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
}

/// The values that a dot product of `weights` with elements of type `input` can have.
fn lattice(weights: &[i16], input: &TensorType) -> Lattice {
    let (mut first, mut last) = (0, 0);
    for weight in weights.iter().map(|weight| i64::from(*weight)) {
        let (a, b) = (weight * input.minimum, weight * input.maximum);
        first += a.min(b);
        last += a.max(b);
    }
    let step = row_spacing(weights, input.element.step());
    Lattice { first, step, count: ((last - first) / step) as u64 + 1 }
}
