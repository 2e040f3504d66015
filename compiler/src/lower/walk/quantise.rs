//! Quantisers: a layer of step functions, or the input map.

use super::Walk;
use crate::lower::LowerError;
use crate::lower::arithmetic::Fault;
use crate::lower::chain::QuantisedChain;
use crate::lower::operators::Quantisation;
use crate::lower::steps::{self, Lattice, StepsFault};
use crate::lower::symbol::{Data, Origin, Symbol};
use abi::{ElementType, InputMap, StepFunction};
use network::graph::Node;
use network::network::{LayerKind, SensitiveSteps, TensorId, TensorType};

impl Walk<'_> {
    /// A layer (or the input map) that makes integer codes of `data`.
    pub(super) fn quantise(
        &mut self,
        node: &Node,
        data: &Data,
        quantisation: Quantisation,
    ) -> Result<Symbol, LowerError> {
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
                self.tensors.push(TensorType { height: 1, width: 1, channels: elements, element, minimum, maximum });
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
                let output = TensorType { height: 1, width: 1, channels: elements, element, minimum, maximum };
                self.add_layer(&node.name, LayerKind::MultiThreshold(functions), source, output)
            }
        };
        Ok(Symbol::Data(Data { origin: Origin::Tensor(tensor), order: data.order.clone(), chain: back }))
    }
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
