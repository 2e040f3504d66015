//! Dot products: integer weights, and what remains of scales and biases.

use super::Walk;
use super::layout::Extent;
use super::scales::{Dot, ScaledRows};
use super::windows::window;
use crate::lower::LowerError;
use crate::lower::chain::{Binary, Constant};
use crate::lower::passes::{accumulator, reached, spacing};
use crate::lower::steps::Lattice;
use crate::lower::symbol::{Data, Origin, Parameter, Pending, Step, Symbol};
use crate::lower::weights::{row_range, row_spacing};
use abi::ElementType;
use network::graph::{self, Node, Operator};
use network::network::{Convolution, LayerKind, TensorType};
use network::tensor::{Tensor, transpose_indices};
use std::sync::Arc;

impl Walk<'_> {
    /// `MatMul` and `Gemm`.
    pub(super) fn dot(&mut self, node: &Node) -> Result<Data, LowerError> {
        let (data, weights, bias) = self.dot_operands(node)?;
        let shape = self.shape(node.outputs[0]);
        let elements: usize = shape.iter().product();
        let pixels = elements / weights.shape[0].max(1);
        let (mut data, weights) = self.whole_vector(data, weights, pixels);
        if pixels == 1 {
            // An element that is read twice has two weights.
            self.gathered(node, &mut data)?;
        }
        let Origin::Tensor(source) = data.origin else {
            return Err(self.input_not_quantised(node));
        };
        let columns = weights.shape[1];
        let (source, extent) = if pixels == 1 {
            let source = self.flat(&node.name, source);
            (source, Extent::of(&self.tensors[source.0]))
        } else {
            (source, Extent::of(&self.tensors[source.0]))
        };
        if extent.channels != columns || extent.pixels() != pixels {
            let in_shape = || self.not_quantised(node, " in a shape whose elements do not belong to one dot product");
            return Err(self.unlike_pixels(node).unwrap_or_else(in_shape));
        }
        let in_order = |element: usize| data.position(element) == element && data.alike(element, element % columns);
        if pixels > 1 && !(0..pixels * columns).all(in_order) {
            let mixed = || {
                self.unsupported(
                    node,
                    "multiply each pixel's channels, in their order and alike for all pixels",
                    "a Reshape or Transpose before it mixes pixels and channels, or scales differ between pixels"
                        .into(),
                    "put the channels last before a MatMul over several pixels, or use a 1 x 1 convolution",
                )
            };
            return Err(self.unlike_pixels(node).unwrap_or_else(mixed));
        }
        let (factor, summand) = self.affine(node, &data)?;
        let mut weights = weights;
        if let Some(order) = &data.order {
            let mut moved = vec![0.0; weights.data.len()];
            for row in 0..weights.shape[0] {
                for (column, position) in order.iter().take(columns).enumerate() {
                    moved[row * columns + position] = weights.data[row * columns + column];
                }
            }
            weights.data = moved;
        }
        let by_position = |parameter: &Parameter| match (&data.order, parameter.as_uniform()) {
            (Some(order), None) => {
                let mut constants = vec![Constant::Float(0.0); columns];
                for (column, position) in order.iter().take(columns).enumerate() {
                    constants[*position] = parameter.at(column).clone();
                }
                Parameter::per_element(Arc::new(constants))
            }
            _ => parameter.clone(),
        };
        let rows = weights.shape[0];
        let bias = bias.map(|bias| (0..rows).map(|row| bias.at(row).clone()).collect());
        let (factor, summand) = (by_position(&factor), by_position(&summand));
        self.dot_layer(node, Dot { source, factor, summand, weights, bias, windows: None }, 1)
    }

    /// Data that one dot product reads, with the elements of their tensor that it leaves out, which weigh nothing.
    fn whole_vector(&self, data: Data, weights: Tensor, pixels: usize) -> (Data, Tensor) {
        let (Origin::Tensor(tensor), Some(order)) = (data.origin, data.order.clone()) else {
            return (data, weights);
        };
        let elements = self.tensors[tensor.0].elements();
        let (rows, columns) = (weights.shape[0], weights.shape[1]);
        if pixels != 1 || order.len() != columns || columns >= elements {
            return (data, weights);
        }
        let mut element_at = vec![None; elements];
        for (element, position) in order.iter().enumerate() {
            if element_at[*position].replace(element).is_some() {
                return (data, weights);
            }
        }
        let sources: Vec<usize> = element_at.iter().map(|element| element.unwrap_or(0)).collect();
        let weight = |row: usize, element: &Option<usize>| element.map_or(0.0, |e| weights.data[row * columns + e]);
        let all = (0..rows).flat_map(|row| element_at.iter().map(move |element| weight(row, element))).collect();
        (Data { order: None, ..data.permuted(&sources) }, Tensor::new(vec![rows, elements], all))
    }

    /// The weights `[outputs, channels, taps]` of a convolution, and the image that they read with all channels of its
    /// tensor, those left out with weights of 0: where these cost less than a layer that moves channels.
    fn whole_channels(&self, data: &Data, shape: &[usize], weights: &Tensor) -> Option<(Data, Extent, Tensor)> {
        let extent = Extent::of_shape(shape)?;
        let Origin::Tensor(tensor) = data.origin else { return None };
        let list = self.selected_channels(data, extent)?;
        let channels = self.tensors[tensor.0].channels;
        let (outputs, taps) = (weights.shape[0], weights.data.len() / weights.shape[0] / list.len());
        let mut place_of = vec![None; channels];
        for (place, channel) in list.iter().enumerate() {
            if place_of[*channel].replace(place).is_some() {
                return None;
            }
        }
        if outputs * taps * (channels - list.len()) > channels * list.len() {
            return None;
        }
        let mut all = vec![0.0; outputs * channels * taps];
        for (output, (channel, place)) in
            (0..outputs).flat_map(|output| place_of.iter().enumerate().map(move |place| (output, place)))
        {
            if let Some(place) = place {
                let (to, from) = ((output * channels + channel) * taps, (output * list.len() + place) * taps);
                all[to..to + taps].copy_from_slice(&weights.data[from..from + taps]);
            }
        }
        let whole = Extent { channels, ..extent };
        let pixels = extent.pixels();
        let sources =
            place_of.iter().flat_map(|place| (0..pixels).map(move |pixel| place.unwrap_or(0) * pixels + pixel));
        let data = data.permuted(&sources.collect::<Vec<usize>>());
        let shape = [&[outputs, channels][..], &weights.shape[2..]].concat();
        Some((Data { order: whole.channels_first(), ..data }, whole, Tensor::new(shape, all)))
    }

    /// The data with the input tensor laid out as vectors along the last axis, where it is read so.
    fn as_vectors(&mut self, mut data: Data, shape: &[usize], vector: usize) -> Data {
        let elements: usize = shape.iter().product();
        if elements > vector && vector > 0 {
            let extent = Extent { height: 1, width: elements / vector, channels: vector };
            self.lay_out(&mut data, extent, None);
        }
        data
    }

    /// `Conv`.
    pub(super) fn convolution(&mut self, node: &Node, conv: &graph::Window, groups: usize) -> Result<Data, LowerError> {
        let Symbol::Data(data) = self.symbol(node.inputs[0]) else {
            return Err(self.unsupported(
                node,
                "convolve data with constant weights",
                "its data are constants".into(),
                "let the exporter fold constants (in PyTorch: do_constant_folding=True)",
            ));
        };
        let data = if let Some(Pending::Pad { .. }) = data.pending { self.as_codes(node, data) } else { data };
        let border = match &data.pending {
            Some(Pending::Pad { before, after, value: 0.0 }) => Some((*before, *after)),
            Some(_) | None => None,
        };
        let mut weights = self.floats(node, 1)?;
        let shape = self.shape(node.inputs[0]);
        let mut window = window(conv, shape);
        let (mut data, extent) = match border {
            Some((before, after)) => {
                for axis in 0..2 {
                    window.before[axis] += before[axis];
                    window.after[axis] += after[axis];
                }
                // The chain is that of the bordered value, alike for all pixels of a channel.
                let Some(padded) = Extent::of_shape(shape) else {
                    return Err(self.not_quantised(node, " in a shape without pixels"));
                };
                let height = padded.height - before[0] - after[0];
                let width = padded.width - before[1] - after[1];
                let extent = Extent { height, width, ..padded };
                let chain = data.chain_by_channel(padded.channels, padded.pixels(), extent.pixels());
                (Data { chain, order: extent.channels_first(), pending: None, ..data }, extent)
            }
            None => {
                let mut data = self.integers(node, 0, data)?;
                let whole = if groups == 1 { self.whole_channels(&data, shape, &weights) } else { None };
                match whole {
                    Some((data, extent, all)) => {
                        weights = all;
                        (data, extent)
                    }
                    None => {
                        let extent = self.image(node, &mut data, shape)?;
                        (data, extent)
                    }
                }
            }
        };
        self.check_window(node, &window)?;
        self.check_by_channel(node, &data, extent)?;
        let Origin::Tensor(source) = data.origin else {
            return Err(self.input_not_quantised(node));
        };
        let (rows, own) = (weights.shape[0], weights.shape[1]);
        let taps = window.taps();
        // [O, C, taps] to [O, taps, C]
        let moved = transpose_indices(&[rows, own, taps], &[0, 2, 1]);
        let data_of = moved.into_iter().map(|index| weights.data[index]).collect();
        let weights = Tensor::new(vec![rows, taps * own], data_of);
        data.chain = data.chain_by_channel(extent.channels, extent.pixels(), 1);
        let (factor, summand) = self.affine(node, &data)?;
        let padding =
            if window.is_unpadded() || self.is_zero(node, &summand)? { 0 } else { self.border_code(node, &data, 0.0)? };
        let source = self.with_border(node, source, padding);
        let bias = match node.inputs.len() {
            3 => Some(self.constants(node, 2)?.to_vec()),
            _ => None,
        };
        let is_pixel = groups == 1 && taps == 1 && window.stride == [1, 1] && window.is_unpadded();
        let windows = if is_pixel { None } else { Some((window, groups, padding)) };
        let [height, width] = window.output(extent.height, extent.width);
        let output = Extent { height, width, channels: rows };
        let dot = Dot { source, factor, summand, weights, bias, windows };
        let result = self.dot_layer(node, dot, output.pixels())?;
        Ok(Data { order: output.channels_first(), ..result })
    }

    /// The layer of a dot product; each row's results are `pixels` elements in a row of the graph value.
    fn dot_layer(&mut self, node: &Node, dot: Dot, pixels: usize) -> Result<Data, LowerError> {
        let (rows, columns) = (dot.weights.shape[0], dot.weights.shape[1]);
        let ScaledRows { weights: grid, factors, terms, source } = self.scaled_rows(node, &dot)?;
        let input = self.tensors[source.0];
        let (kind, [height, width]) = match dot.windows {
            None => (LayerKind::MatrixVector(grid.matrix), [input.height, input.width]),
            Some((window, groups, padding)) => {
                let convolution = Convolution { window, groups, padding, weights: grid.matrix };
                (LayerKind::Convolution(convolution), window.output(input.height, input.width))
            }
        };
        let weights = kind.weights().map_or_else(Vec::new, |weights| weights.values.clone());
        let (range, step) = (reached(&kind, &input), spacing(&kind, &input));
        let lattices: Vec<Lattice> = weights.chunks(columns).map(|row| lattice(row, range, step)).collect();
        let minimum = lattices.iter().map(|l| l.first).min().unwrap_or(0);
        let maximum = lattices.iter().map(Lattice::last).max().unwrap_or(0);
        let element = self.accumulator(node, (minimum, maximum))?;
        let output = TensorType { height, width, channels: rows, element, minimum, maximum };
        let tensor = self.add_layer(&node.name, kind, &[source], output);
        self.lattices.insert(tensor, lattices);
        let scales = grid.scales.iter().zip(factors);
        let scales = scales.map(|(scale, factor)| Constant::Float(*scale).binary(Binary::Multiply, factor));
        let step = |operation, constants| Step::with(operation, Parameter::repeated(constants, pixels));
        let mut result = Data::of(Origin::Tensor(tensor))
            .then(step(Binary::Multiply, scales.collect()))
            .then(step(Binary::Add, terms));
        if let Some(bias) = dot.bias {
            result = result.then(step(Binary::Add, bias));
        }
        Ok(result)
    }

    /// The type of a node's sums, which engines keep in 32 bits.
    pub(super) fn accumulator(&self, node: &Node, range: (i64, i64)) -> Result<ElementType, LowerError> {
        accumulator(range).ok_or_else(|| {
            self.unsupported(
                node,
                "have accumulators of at most 32 bits",
                format!("they reach {} to {}", range.0, range.1),
                "quantise weights or activations to fewer bits",
            )
        })
    }

    /// The data operand, the real weights as `[output, input]`, and the bias per output channel.
    fn dot_operands(&mut self, node: &Node) -> Result<(Data, Tensor, Option<Parameter>), LowerError> {
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
        let data = self.integers(node, input, data)?;
        let weights = self.floats(node, 1 - input)?;
        let data_shape = self.shape(node.inputs[input]);
        let is_turned = match &node.operator {
            Operator::Gemm { transpose_a, transpose_b, .. } => [*transpose_a, *transpose_b][input],
            _ => false,
        };
        if is_turned && data_shape.iter().all(|extent| *extent > 1) {
            return Err(self.unsupported(
                node,
                "multiply the rows of its data as they are",
                format!("it transposes data of shape {data_shape:?} first"),
                "put a Transpose before it and leave out its transA or transB",
            ));
        }
        // Vectors on the left lie along the last axis, one for each of the others' positions; where they are turned, along
        // the first.
        let vector = match (input, is_turned) {
            (0, false) => data_shape.last().copied(),
            (0, true) => data_shape.first().copied(),
            _ => None,
        };
        let data_elements: usize = vector.unwrap_or_else(|| data_shape.iter().product());
        let rank = weights.shape.len();
        let matrix = rank >= 2 && weights.shape[..rank - 2].iter().all(|extent| *extent == 1);
        let (inner, outer) = if rank == 1 {
            (weights.shape[0], 1)
        } else if transposed {
            (weights.shape[rank - 1], weights.shape[rank - 2])
        } else {
            (weights.shape[rank - 2], weights.shape[rank - 1])
        };
        let data = self.as_vectors(data, data_shape, data_elements);
        let own = self.shape(node.inputs[1 - input]);
        if !(matrix || rank == 1) {
            let matrices: usize = own[..rank - 2].iter().product();
            return Err(self.unsupported(
                node,
                "multiply all of its data with one matrix",
                format!("its weights, of shape {own:?}, are {matrices} matrices for data of shape {data_shape:?}"),
                "use a MatMul with one matrix for each part of the data, or a convolution with groups",
            ));
        }
        if inner != data_elements {
            return Err(self.unsupported(
                node,
                "have its constant on the right, or on the left of a single column",
                format!("a constant of shape {own:?} stands on the left of data of shape {data_shape:?}"),
                "use a 1 x 1 convolution, or turn both: W·X is the transpose of Xᵀ·Wᵀ",
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
                parameter: Parameter::uniform(Constant::Float(*alpha)),
            }),
        };
        if node.inputs.len() < 3 {
            return Ok((data, weights, None));
        }
        let output_shape = self.shape(node.outputs[0]);
        let own = self.shape(node.inputs[2]);
        if output_shape[0] > 1 && own.len() > 1 && own[0] > 1 && input == 0 {
            return Err(self.unsupported(
                node,
                "add the same bias to each row of its data",
                format!("its bias has shape {own:?}"),
                "use a bias with one number per output channel",
            ));
        }
        let beta = Parameter::uniform(Constant::Float(*beta));
        let bias = self.parameter(node, 2, output_shape)?.combine(Binary::Multiply, &beta);
        Ok((data, weights, Some(bias)))
    }
}

/// The values that a dot product of `weights` with elements `step` apart in a range can have.
pub(super) fn lattice(weights: &[i16], range: (i64, i64), step: i64) -> Lattice {
    let (first, last) = row_range(weights, range);
    let step = row_spacing(weights, step);
    Lattice { first, step, count: ((last - first) / step) as u64 + 1 }
}
