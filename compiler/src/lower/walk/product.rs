//! The product of two values that both depend on the input, such as XNOR-Net's scales of its convolutions.

use super::Walk;
use super::join::Operand;
use super::layout::Extent;
use crate::lower::LowerError;
use crate::lower::chain::Binary;
use crate::lower::passes::{product_range, set_accumulator};
use crate::lower::steps::Lattice;
use crate::lower::symbol::{Data, Origin, Parameter, Step};
use crate::lower::weights::element_of;
use network::graph::Node;
use network::network::{LayerKind, TensorType, WeightMatrix};

impl Walk<'_> {
    /// `Mul` of two values, of the same shape or one with one channel or one pixel for all of the other's.
    pub(super) fn product(&mut self, node: &Node) -> Result<Data, LowerError> {
        let shape = self.shape(node.outputs[0]);
        let mut operands = self.operands(node)?;
        for (index, operand) in operands.iter_mut().enumerate() {
            let own = self.shape(node.inputs[index]);
            if own != shape && !self.repeat_pixel(node, operand, own, shape) {
                self.broadcast(node, operand, own, shape)?;
            }
            if !self.is_zero(node, &operand.summand)? {
                return Err(self.unsupported(
                    node,
                    "multiply values without an offset",
                    format!("input {index} has one, such as a zero point or a bias"),
                    "quantise both operands symmetrically, or add the offset behind the product",
                ));
            }
            if Extent::of_shape(shape).is_none() {
                operand.tensor = self.flat(&node.name, operand.tensor);
            }
        }
        let [a, b] = operands.as_slice() else { unreachable!("the import gives a product two inputs") };
        let kinds = [self.tensors[a.tensor.0], self.tensors[b.tensor.0]];
        let elements = kinds[0].elements();
        if Extent::of(&kinds[0]) != Extent::of(&kinds[1]) || !(0..elements).all(|e| a.position(e) == b.position(e)) {
            return Err(self.unsupported(
                node,
                "multiply values whose elements stand in the same order",
                "a Reshape, Flatten or Transpose on one branch mixes pixels and channels".into(),
                "move the reshaping behind the product",
            ));
        }
        let (minimum, maximum) = product_range(&kinds[0], &kinds[1]);
        let element = self.accumulator(node, (minimum, maximum))?;
        let output = TensorType { element, minimum, maximum, ..kinds[0] };
        let lattice = Lattice { first: minimum, step: 1, count: (maximum - minimum) as u64 + 1 };
        let (order, factor) = (a.order.clone(), a.factor.combine(Binary::Multiply, &b.factor));
        let product = self.add_layer(&node.name, LayerKind::Multiply, &[a.tensor, b.tensor], output);
        self.lattices.insert(product, vec![lattice; output.channels]);
        let chain = [Step::with(Binary::Multiply, factor)].into();
        Ok(Data { origin: Origin::Tensor(product), order, chain, pending: None })
    }

    /// An operand of one pixel as one with as many as the product, such as a gate for each channel; `false` for others.
    fn repeat_pixel(&mut self, node: &Node, operand: &mut Operand, own: &[usize], shape: &[usize]) -> bool {
        let is_pixel = own.len() == shape.len() && own[..2] == shape[..2] && own[2..].iter().all(|extent| *extent == 1);
        let (Some(extent), true) = (Extent::of_shape(shape), is_pixel) else {
            return false;
        };
        let Extent { height, width, channels } = extent;
        let output = TensorType { height, width, ..self.tensors[operand.tensor.0] };
        let layer = LayerKind::Upsample { vertical: height, horizontal: width };
        let repeated = self.add_layer(&format!("{}_repeat", node.name), layer, &[operand.tensor], output);
        self.copy_lattices(operand.tensor, repeated);
        let factors = (0..channels).map(|channel| operand.factor.at(channel).clone()).collect();
        *operand = Operand {
            tensor: repeated,
            order: extent.channels_first(),
            factor: Parameter::repeated(factors, extent.pixels()),
            summand: operand.summand.clone(),
        };
        true
    }

    /// An operand with one channel as one with as many as the product: a dot product of single columns of ones.
    fn broadcast(
        &mut self,
        node: &Node,
        operand: &mut Operand,
        own: &[usize],
        shape: &[usize],
    ) -> Result<(), LowerError> {
        let is_one_channel = own.len() == shape.len() && own[1] == 1 && own[2..] == shape[2..];
        let (Some(extent), true, Some(_)) = (Extent::of_shape(shape), is_one_channel, operand.factor.as_uniform())
        else {
            return Err(self.unsupported(
                node,
                "multiply values of the same shape, or with one pixel, or with one channel of one scale",
                format!("it multiplies {own:?} into {shape:?}"),
                "bring both operands to one shape, [1, channels, height, width]",
            ));
        };
        let values = vec![1; extent.channels];
        let weights = WeightMatrix { rows: extent.channels, columns: 1, element: element_of(&values), values };
        let kind = self.tensors[operand.tensor.0];
        let mut output = TensorType { channels: extent.channels, ..kind };
        set_accumulator(&mut output, (kind.minimum, kind.maximum));
        let lattices = self.channel_lattices(operand.tensor);
        let layer = LayerKind::MatrixVector(weights);
        operand.tensor = self.add_layer(&format!("{}_broadcast", node.name), layer, &[operand.tensor], output);
        self.lattices.insert(operand.tensor, vec![lattices[0]; extent.channels]);
        operand.order = extent.channels_first();
        Ok(())
    }
}
