//! Operators that join two branches: sums and concatenations.

mod places;
mod unrelated;

use super::Walk;
use super::layout::Extent;
use crate::lower::LowerError;
use crate::lower::chain::pair_sums::small_ratio;
use crate::lower::chain::{Binary, Constant};
use crate::lower::passes::{accumulator, sum_range};
use crate::lower::steps::Lattice;
use crate::lower::symbol::{Data, Origin, Parameter, Step, Symbol};
use abi::ElementType;
use network::graph::Node;
use network::network::{Add, LayerKind, TensorId, TensorType};
use num_traits::Zero;
use std::sync::Arc;

/// Greatest factor of a sum in integers: beyond it, a table is tried.
const MAX_FACTOR: i64 = 1 << 12;
/// Most bits of a pair of codes that a table is made for.
const WIDEST_PAIR: u32 = 12;

/// An operand: integers of a tensor under an affine chain.
pub(super) struct Operand {
    pub(super) tensor: TensorId,
    pub(super) order: Option<Arc<Vec<usize>>>,
    pub(super) factor: Parameter,
    pub(super) summand: Parameter,
}

impl Operand {
    /// Index in the tensor of the element with the given row-major index.
    pub(super) fn position(&self, element: usize) -> usize {
        self.order.as_ref().map_or(element, |order| order[element])
    }
}

impl Walk<'_> {
    /// The data of input `index`, nothing pending, as integers of a tensor under an affine chain.
    fn operand(&mut self, node: &Node, index: usize) -> Result<Operand, LowerError> {
        let Symbol::Data(data) = self.symbol(node.inputs[index]) else {
            return Err(self.unsupported(
                node,
                "join values that depend on the model's input",
                format!("input {index} is a constant"),
                "let the exporter fold constants (in PyTorch: do_constant_folding=True)",
            ));
        };
        let mut data = self.integers(node, index, data)?;
        let shape = self.shape(node.inputs[index]);
        if self.extent(&data).is_some() {
            match Extent::of_shape(shape) {
                Some(_) => {
                    self.image(node, &mut data, shape)?;
                }
                None => self.gathered(node, &mut data)?,
            }
        }
        let Origin::Tensor(tensor) = data.origin else {
            return Err(self.input_not_quantised(node));
        };
        let (factor, summand) = self.affine(node, &data)?;
        Ok(Operand { tensor, order: data.order, factor, summand })
    }

    /// All operands of a node.
    pub(super) fn operands(&mut self, node: &Node) -> Result<Vec<Operand>, LowerError> {
        // Reading one may lay out the input tensor, which an earlier one may be, too.
        for index in 0..node.inputs.len() {
            self.operand(node, index)?;
        }
        (0..node.inputs.len()).map(|index| self.operand(node, index)).collect()
    }

    /// The sum or difference of two values.
    pub(super) fn sum(&mut self, node: &Node, operation: Binary) -> Result<Data, LowerError> {
        if self.shape(node.inputs[0]) != self.shape(node.inputs[1]) {
            let shapes = format!("{:?} and {:?}", self.shape(node.inputs[0]), self.shape(node.inputs[1]));
            return Err(self.unsupported(
                node,
                "add values of the same shape",
                format!("it adds {shapes}"),
                "give both branches the same number of channels and pixels",
            ));
        }
        let mut operands = self.operands(node)?.into_iter();
        let (Some(mut a), Some(mut b)) = (operands.next(), operands.next()) else {
            unreachable!("the import gives a sum two inputs")
        };
        if operation == Binary::Subtract {
            let minus = Parameter::uniform(Constant::Float(-1.0));
            b.factor = minus.combine(Binary::Multiply, &b.factor);
            b.summand = minus.combine(Binary::Multiply, &b.summand);
        }
        let summand = a.summand.combine(Binary::Add, &b.summand);
        if a.tensor == b.tensor && a.order == b.order {
            let factor = a.factor.combine(Binary::Add, &b.factor);
            let chain = [Step::with(Binary::Multiply, factor), Step::with(Binary::Add, summand)].into();
            return Ok(Data { origin: Origin::Tensor(a.tensor), order: a.order, chain, pending: None });
        }
        for operand in [&mut a, &mut b] {
            let is_flat = Extent::of_shape(self.shape(node.inputs[0])).is_none();
            if is_flat {
                operand.tensor = self.flat(&node.name, operand.tensor);
            }
        }
        let kinds = [self.tensors[a.tensor.0], self.tensors[b.tensor.0]];
        let is_same =
            a.order == b.order || (0..kinds[0].elements()).all(|element| a.position(element) == b.position(element));
        if Extent::of(&kinds[0]) != Extent::of(&kinds[1]) || !is_same {
            return Err(self.unsupported(
                node,
                "add values whose elements stand in the same order",
                "a Reshape, Flatten or Transpose on one branch mixes pixels and channels".into(),
                "move the reshaping behind the addition",
            ));
        }
        // A representative element for each channel.
        let channels = kinds[0].channels;
        let mut element_of = vec![usize::MAX; channels];
        for element in 0..kinds[0].elements() {
            let channel = a.position(element) % channels;
            if element_of[channel] == usize::MAX {
                element_of[channel] = element;
            }
            let other = element_of[channel];
            if a.factor.at(element) != a.factor.at(other) || b.factor.at(element) != b.factor.at(other) {
                let unlike = || {
                    self.unsupported(
                        node,
                        "add channels whose pixels all have the same scale",
                        format!("those of channel {channel} differ"),
                        "use one scale per channel instead of one per pixel",
                    )
                };
                return Err(self.unlike_pixels(node).unwrap_or_else(unlike));
            }
        }
        match self.add_integers(node, &a, &b, &element_of) {
            Some((sum, scales)) => {
                let scale = self.by_channel(&a, scales);
                let chain = [Step::with(Binary::Multiply, scale), Step::with(Binary::Add, summand)].into();
                Ok(Data { origin: Origin::Tensor(sum), order: a.order, chain, pending: None })
            }
            None => {
                let bits = kinds[0].element.bits() + kinds[1].element.bits();
                let in_order = if bits > WIDEST_PAIR { self.add_in_order(node, &a, &b, &element_of) } else { None };
                let sum = match in_order {
                    Some(sum) => sum,
                    None => self.add_by_table(node, &a, &b, &element_of)?,
                };
                Ok(Data { order: a.order, ..sum }.then(Step::with(Binary::Add, summand)))
            }
        }
    }

    /// A parameter with one constant for each channel of the operand's tensor.
    fn by_channel(&self, operand: &Operand, constants: Vec<Constant>) -> Parameter {
        if constants.windows(2).all(|pair| pair[0] == pair[1]) {
            return Parameter::uniform(constants[0].clone());
        }
        let kind = self.tensors[operand.tensor.0];
        if (0..kind.elements()).all(|element| operand.position(element) % kind.channels == element / kind.vectors()) {
            return Parameter::repeated(constants, kind.vectors());
        }
        let of_element = |element: usize| constants[operand.position(element) % kind.channels].clone();
        Parameter::per_element(Arc::new((0..kind.elements()).map(of_element).collect()))
    }

    /// The sum in integers, with the scale of each channel; `None` where the scales have no small common measure.
    fn add_integers(
        &mut self,
        node: &Node,
        a: &Operand,
        b: &Operand,
        element_of: &[usize],
    ) -> Option<(TensorId, Vec<Constant>)> {
        let mut factors = vec![Vec::new(); 2];
        let mut scales = Vec::with_capacity(element_of.len());
        for element in element_of {
            let (first, second) = (a.factor.at(*element), b.factor.at(*element));
            // value = first·x + second·y = second / q · (p·x + q·y) with p / q = first / second
            let (p, q, scale) = if second.as_ratio().is_some_and(|ratio| ratio.is_zero()) {
                (1, 0, first.clone())
            } else {
                let (p, q) = small_ratio(first, second, MAX_FACTOR)?;
                (p, q, second.clone().binary(Binary::Divide, Constant::Float(q as f64)))
            };
            factors[0].push(p);
            factors[1].push(q);
            scales.push(scale);
        }
        Some((self.add_with_factors(node, a, b, factors)?, scales))
    }

    /// The sum of the integers of two operands, each with a factor for each channel; `None` where it is too wide.
    fn add_with_factors(
        &mut self,
        node: &Node,
        a: &Operand,
        b: &Operand,
        mut factors: Vec<Vec<i64>>,
    ) -> Option<TensorId> {
        let channels = self.tensors[a.tensor.0].channels;
        for list in &mut factors {
            if list.windows(2).all(|pair| pair[0] == pair[1]) {
                list.truncate(1);
            }
        }
        let kinds = [self.tensors[a.tensor.0], self.tensors[b.tensor.0]];
        let lattices = [self.channel_lattices(a.tensor), self.channel_lattices(b.tensor)];
        let factor = |list: &Vec<i64>, channel: usize| list[channel % list.len()];
        let lattices = (0..channels).map(|channel| {
            Lattice::sum(&[
                (factor(&factors[0], channel), lattices[0][channel]),
                (factor(&factors[1], channel), lattices[1][channel]),
            ])
        });
        let lattices: Vec<Lattice> = lattices.collect();
        let add = Add { factors };
        let (minimum, maximum) = sum_range(&add, &kinds);
        let element = accumulator((minimum, maximum))?;
        let output = TensorType { element, minimum, maximum, ..kinds[0] };
        let sum = self.add_layer(&node.name, LayerKind::Add(add), &[a.tensor, b.tensor], output);
        self.lattices.insert(sum, lattices);
        Some(sum)
    }

    /// `Concat`
    pub(super) fn concat(&mut self, node: &Node, axis: usize) -> Result<Data, LowerError> {
        let shapes: Vec<&[usize]> = node.inputs.iter().map(|input| self.shape(*input)).collect();
        if let Some(data) = self.rejoined(node, axis) {
            return Ok(data);
        }
        let is_image = Extent::of_shape(shapes[0]).is_some();
        if axis != 1 && !(is_image && axis > 1) {
            return Err(self.unsupported(
                node,
                "join channels, which are axis 1, or rows or columns of an image",
                format!("its axis is {axis}, of shape {:?}", shapes[0]),
                "concatenate along the channel axis",
            ));
        }
        let mut parts: Vec<(Operand, Vec<usize>)> =
            self.operands(node)?.into_iter().zip(shapes.iter().map(|shape| shape.to_vec())).collect();
        if axis > 1 {
            return self.concat_places(node, parts, axis);
        }
        // Neighbours, then neighbours of these: each element passes through few layers.
        while parts.len() > 1 {
            let mut halved = Vec::with_capacity(parts.len().div_ceil(2));
            let mut rest = parts.into_iter();
            while let Some((first, mut shape)) = rest.next() {
                let Some((second, second_shape)) = rest.next() else {
                    halved.push((first, shape));
                    break;
                };
                let joined = self.concat_two(node, first, &shape, second, &second_shape)?;
                shape[1] += second_shape[1];
                halved.push((joined, shape));
            }
            parts = halved;
        }
        let Some((joined, _)) = parts.pop() else {
            unreachable!("the import gives a concatenation at least one input")
        };
        let Operand { tensor, order, factor, summand } = joined;
        let chain = [Step::with(Binary::Multiply, factor), Step::with(Binary::Add, summand)].into();
        Ok(Data { origin: Origin::Tensor(tensor), order, chain, pending: None })
    }

    fn concat_two(
        &mut self,
        node: &Node,
        mut first: Operand,
        first_shape: &[usize],
        mut second: Operand,
        second_shape: &[usize],
    ) -> Result<Operand, LowerError> {
        if Extent::of_shape(first_shape).is_none() {
            first.tensor = self.flat(&node.name, first.tensor);
            second.tensor = self.flat(&node.name, second.tensor);
        }
        let kinds = [self.tensors[first.tensor.0], self.tensors[second.tensor.0]];
        let (minimum, maximum) = (kinds[0].minimum.min(kinds[1].minimum), kinds[0].maximum.max(kinds[1].maximum));
        let mut tensors = [first.tensor, second.tensor];
        self.of_one_type(node, &mut tensors);
        [first.tensor, second.tensor] = tensors;
        let element = self.tensors[first.tensor.0].element;
        let channels = kinds[0].channels + kinds[1].channels;
        let output = TensorType { channels, element, minimum, maximum, ..kinds[0] };
        let lattices: Vec<Lattice> =
            [first.tensor, second.tensor].into_iter().flat_map(|tensor| self.channel_lattices(tensor)).collect();
        let is_sum = [first.tensor, second.tensor].iter().any(|tensor| self.lattices.contains_key(tensor));
        let tensor = self.add_layer(&node.name, LayerKind::Concat, &[first.tensor, second.tensor], output);
        if is_sum {
            self.lattices.insert(tensor, lattices);
        }
        // Elements of the result in row-major order: for each block of the first value along axis 1 one of the second.
        let inner: usize = first_shape[2..].iter().product();
        let counts = [first_shape[1] * inner, second_shape[1] * inner];
        let place = |operand: &Operand, element: usize, own: usize, before: usize| {
            let position = operand.position(element);
            position / own * channels + before + position % own
        };
        let order = (0..counts[0])
            .map(|element| place(&first, element, kinds[0].channels, 0))
            .chain((0..counts[1]).map(|element| place(&second, element, kinds[1].channels, kinds[0].channels)));
        let order = Some(Arc::new(order.collect()));
        let joined = |a: &Parameter, b: &Parameter| match (a.as_uniform(), b.as_uniform()) {
            (Some(one), Some(other)) if one == other => Parameter::uniform(one.clone()),
            _ => {
                let constants = (0..counts[0]).map(|e| a.at(e)).chain((0..counts[1]).map(|e| b.at(e)));
                Parameter::per_element(Arc::new(constants.cloned().collect()))
            }
        };
        let factor = joined(&first.factor, &second.factor);
        let summand = joined(&first.summand, &second.summand);
        Ok(Operand { tensor, order, factor, summand })
    }

    /// The tensors with elements of one type that holds those of all.
    pub(super) fn of_one_type(&mut self, node: &Node, tensors: &mut [TensorId]) {
        let kinds: Vec<TensorType> = tensors.iter().map(|tensor| self.tensors[tensor.0]).collect();
        let least = kinds.iter().map(|kind| kind.minimum).min().unwrap_or(0);
        let greatest = kinds.iter().map(|kind| kind.maximum).max().unwrap_or(0);
        let are_one = kinds.windows(2).all(|pair| pair[0].element == pair[1].element);
        if !are_one {
            let element = ElementType::holding(least, greatest);
            tensors.iter_mut().for_each(|tensor| *tensor = self.widened(node, *tensor, element));
        }
    }

    /// The tensor with elements of another type.
    pub(super) fn widened(&mut self, node: &Node, tensor: TensorId, element: ElementType) -> TensorId {
        let kind = self.tensors[tensor.0];
        if kind.element == element {
            return tensor;
        }
        let layer = LayerKind::Add(Add { factors: vec![vec![1]] });
        let output = TensorType { element, ..kind };
        let lattices = self.channel_lattices(tensor);
        let widened = self.add_layer(&format!("{}_widen", node.name), layer, &[tensor], output);
        self.lattices.insert(widened, lattices);
        widened
    }
}
