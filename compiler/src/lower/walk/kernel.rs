//! TensorFlow Lite's kernels: quantisers that are functions of integers, sums of two codes, and a softmax at the end.

mod sum;

use super::Walk;
use crate::lower::LowerError;
use crate::lower::operators;
use crate::lower::symbol::{Data, Symbol};
use network::graph::Node;
use network::kernel::Kernel;
use network::tensor::strides;

impl Walk<'_> {
    /// What a kernel makes of `data`, its first operand.
    pub(super) fn kernel(&mut self, node: &Node, kernel: &Kernel, data: Data) -> Result<Symbol, LowerError> {
        let shape = self.shape(node.outputs[0]);
        let elements: usize = shape.iter().product();
        let channels = |axis: usize| {
            let stride = strides(shape).get(axis).copied().unwrap_or(1);
            let extent = shape.get(axis).copied().unwrap_or(1);
            move |element: usize| element / stride % extent
        };
        match kernel {
            Kernel::Requantize(requantize) => {
                let channel_of = channels(requantize.channel_axis);
                self.quantise(node, data, operators::requantize(elements, requantize, channel_of))
            }
            Kernel::Table(table) => {
                let channel_of = channels(table.channel_axis);
                self.quantise(node, data, operators::table(elements, table, channel_of))
            }
            Kernel::Quantize(quantize) => self.quantise(node, data, operators::quantize_floats(elements, *quantize)),
            Kernel::Sum(sum) => self.kernel_sum(node, sum).map(Symbol::Data),
            Kernel::Softmax(softmax) => {
                if self.softmax.is_some() {
                    return Err(self.unsupported(
                        node,
                        "be the only softmax",
                        "there is another".into(),
                        "let the model end with one softmax",
                    ));
                }
                self.softmax = Some((*softmax, node.outputs[0]));
                self.settled_input(node, 0, data).map(Symbol::Data)
            }
        }
    }
}
