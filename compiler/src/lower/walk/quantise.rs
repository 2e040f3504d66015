//! Quantisers: a layer of step functions, or the input map.

use super::Walk;
use super::layout::Extent;
use crate::lower::LowerError;
use crate::lower::arithmetic::{Fault, FixedArithmetic};
use crate::lower::chain::{Constant, Direction, Function, QuantisedChain, Quantiser};
use crate::lower::float_differences::Search;
use crate::lower::operators::Quantisation;
use crate::lower::steps::{self, StepsFault};
use crate::lower::symbol::{Data, Origin, Pending, Symbol};
use abi::{ElementType, InputMap, StepFunction};
use network::graph::{Node, RoundingMode};
use network::network::{LayerKind, Pool, PoolOperation, TensorId, TensorType};
use network::shared_list::SharedList;
use std::sync::Arc;

impl Walk<'_> {
    /// A layer (or the input map) that makes integer codes of `data`.
    pub(super) fn quantise(
        &mut self,
        node: &Node,
        mut data: Data,
        quantisation: Quantisation,
    ) -> Result<Symbol, LowerError> {
        let Quantisation { quantisers, element, back } = quantisation;
        if self.input_is_codes {
            data = self.as_annotated(node, data)?;
        }
        let tensor = match data.origin {
            Origin::Image => {
                let tensor = self.quantise_image(node, &data, &quantisers, element)?;
                data.order = self.order_of_image(&data);
                tensor
            }
            Origin::Host | Origin::HostCodes => {
                let back = Data { chain: back.into_iter().collect(), ..Data::of(data.origin) };
                return self.quantise_on_host(node, &data, &quantisers, back).map(Symbol::Data);
            }
            Origin::Tensor(_) => {
                self.lay_out_as(&mut data, self.shape(node.outputs[0]));
                data = self.without_turning_pool(node, data)?;
                data = self.each_in_one_way(node, data, &quantisers)?;
                let Origin::Tensor(source) = data.origin else { return Err(self.input_not_quantised(node)) };
                self.quantise_tensor(node, &data, source, &quantisers, element)?
            }
        };
        let chain = back.into_iter().collect();
        let codes = Data { origin: Origin::Tensor(tensor), order: data.order, chain, pending: None };
        Ok(Symbol::Data(self.laid_out_part(codes)))
    }

    /// Data whose elements that stand at one place go through one function: where one is read in several ways, each gets a
    /// place of its own.
    fn each_in_one_way(&mut self, node: &Node, mut data: Data, quantisers: &[Quantiser]) -> Result<Data, LowerError> {
        let Some(order) = data.order.clone() else { return Ok(data) };
        let mut element_at = vec![NOWHERE; order.iter().max().map_or(0, |last| last + 1)];
        let differs = |(element, position): (usize, &usize)| {
            let other = std::mem::replace(&mut element_at[*position], element);
            other != NOWHERE && !(data.alike(element, other) && quantisers[element] == quantisers[other])
        };
        if !order.iter().enumerate().any(differs) {
            return Ok(data);
        }
        data = self.settled(node, data)?;
        let shape = self.shape(node.outputs[0]);
        match Extent::of_shape(shape) {
            Some(_) => _ = self.image(node, &mut data, shape)?,
            None => self.gathered(node, &mut data)?,
        }
        Ok(data)
    }

    /// The data without a pool that waits before functions which turn: the greatest of their results need not be that of the
    /// greatest number.
    fn without_turning_pool(&mut self, node: &Node, data: Data) -> Result<Data, LowerError> {
        let (Some(Pending::MaxPool { after, .. }), Some(extent)) = (&data.pending, self.extent(&data)) else {
            return Ok(data);
        };
        let turns = |channel: usize| {
            let functions = data.functions(channel * extent.pixels());
            !functions[*after..].iter().all(Function::is_monotone)
        };
        if (0..extent.channels).any(turns) { self.settled(node, data) } else { Ok(data) }
    }

    /// Data straight from the image as integers, where the file says which ones the image's values are.
    pub(super) fn as_annotated(&mut self, node: &Node, data: Data) -> Result<Data, LowerError> {
        let (Origin::Image, Some(element)) = (data.origin, self.graph.input_codes()) else {
            return Ok(data);
        };
        if let (Some((tensor, _)), true) = (&self.input, self.input_is_annotated) {
            return Ok(Data { origin: Origin::Tensor(*tensor), order: self.order_of_image(&data), ..data });
        }
        let one = Constant::Float(1.0);
        let quantiser = match element {
            ElementType::Bipolar => Quantiser::Bipolar,
            ElementType::Unsigned { .. } | ElementType::Signed { .. } => Quantiser::Uniform {
                scale: one,
                zero_point: Constant::Float(0.0),
                minimum: element.minimum(),
                maximum: element.maximum(),
                rounding: RoundingMode::HalfEven,
            },
        };
        let elements = self.shape(self.graph.input).iter().product();
        let image = Data { chain: SharedList::default(), ..data.clone() };
        let tensor = self.quantise_image(node, &image, &vec![quantiser; elements], element)?;
        self.input_is_annotated = true;
        Ok(self.laid_out_part(Data { origin: Origin::Tensor(tensor), ..data }))
    }

    /// Where the elements of data straight from the image stand in the input's tensor: another branch may have laid it out.
    fn order_of_image(&self, data: &Data) -> Option<Arc<Vec<usize>>> {
        let (tensor, map) = self.input.as_ref()?;
        if map.source_of.is_empty() {
            return data.order.clone();
        }
        let mut moved: Vec<usize> = (0..self.tensors[tensor.0].elements()).collect();
        for (position, source) in map.source_of.iter().enumerate() {
            moved[*source as usize] = position;
        }
        Some(Arc::new((0..data.len_of(moved.len())).map(|element| moved[data.position(element)]).collect()))
    }

    /// The input map and its tensor: one pixel in the image's own order, until a layer lays it out otherwise. What another
    /// node has quantised in the same way is that node's tensor.
    fn quantise_image(
        &mut self,
        node: &Node,
        data: &Data,
        quantisers: &[Quantiser],
        element: ElementType,
    ) -> Result<TensorId, LowerError> {
        // Of what the data leave out nothing is known: it takes the first function.
        let elements: usize = self.shape(self.graph.input).iter().product();
        let uniform = data.is_uniform() && quantisers.windows(2).all(|pair| pair[0] == pair[1]);
        let mut functions: Vec<StepFunction<f32>> = Vec::new();
        let mut known: Vec<QuantisedChain> = Vec::new();
        let mut numbers = Vec::new();
        for (index, quantiser) in quantisers.iter().enumerate().take(if uniform { 1 } else { quantisers.len() }) {
            let chain = QuantisedChain { functions: data.functions(index), quantiser: quantiser.clone() };
            let number = match known.iter().position(|other| *other == chain) {
                Some(number) => number,
                None => {
                    let steps = steps::find_input_steps(&chain);
                    functions.push(steps.map_err(|fault| self.steps_fault(node, index, fault))?);
                    known.push(chain);
                    known.len() - 1
                }
            };
            numbers.push(number as u32);
        }
        let mut function_of = Vec::new();
        if !uniform {
            // The map's functions go by image position.
            let mut found = vec![None; elements];
            for (index, number) in numbers.iter().enumerate() {
                if found[data.position(index)].replace(*number).is_some_and(|other| other != *number) {
                    return Err(self.unsupported(
                        node,
                        "quantise each value of the image in one way",
                        "one is read more than once, with different scales or offsets".into(),
                        "use one scale and offset for the values that a Slice, Gather or Pad repeats",
                    ));
                }
            }
            function_of = found.into_iter().map(Option::unwrap_or_default).collect();
        }
        let values = || functions.iter().flat_map(|f| f.values.iter().copied());
        let element = without_zero(element, values());
        let (minimum, maximum) = range(values());
        if let Some((tensor, map)) = &self.input {
            if (&map.functions, &map.function_of, map.element) == (&functions, &function_of, element) {
                return Ok(*tensor);
            }
            return Err(self.unsupported(
                node,
                "quantise the input image as its other quantisers do",
                "another node quantises the image with another scale, offset or width".into(),
                "quantise the image once and feed both branches from that",
            ));
        }
        let tensor = TensorId(self.tensors.len());
        self.tensors.push(TensorType { height: 1, width: 1, channels: elements, element, minimum, maximum });
        let (shape, domain) = (self.shape(self.graph.input).to_vec(), self.graph.input_codes());
        self.input = Some((tensor, InputMap { domain, shape, element, function_of, functions, source_of: Vec::new() }));
        Ok(tensor)
    }

    /// A layer of step functions, one a channel; behind it the pool that waited for it.
    fn quantise_tensor(
        &mut self,
        node: &Node,
        data: &Data,
        source: TensorId,
        quantisers: &[Quantiser],
        element: ElementType,
    ) -> Result<TensorId, LowerError> {
        let elements = quantisers.len();
        let pooled = match &data.pending {
            Some(Pending::MaxPool { window, after }) => Some((*window, *after)),
            Some(Pending::Pad { .. }) | None => None,
        };
        let like = |index: usize, other: usize| data.alike(index, other) && quantisers[index] == quantisers[other];
        let by_channel = representatives(data, elements, self.tensors[source.0].channels, like);
        let (source, representatives) = match by_channel {
            Some(representatives) => (source, representatives),
            None if pooled.is_none() => {
                let mut element_at = vec![NOWHERE; self.tensors[source.0].elements()];
                for element in 0..elements {
                    element_at[data.position(element)] = element;
                }
                (self.flat(&node.name, source), element_at)
            }
            None => {
                return Err(self.unsupported(
                    node,
                    "quantise all pixels of a channel alike behind a max-pool",
                    "scale, offset or thresholds differ from pixel to pixel".into(),
                    "use one scale, bias or normalisation per channel instead of one per pixel",
                ));
            }
        };
        let lattices = self.channel_lattices(source);
        let mut functions = Vec::with_capacity(representatives.len());
        let mut sensitive = Search::new(&node.name);
        let mut least = Vec::with_capacity(representatives.len());
        for (channel, index) in representatives.iter().enumerate() {
            if *index == NOWHERE {
                functions.push(StepFunction { boundaries: Vec::new(), values: Vec::new() });
                least.push(false);
                continue;
            }
            let lattice = lattices[channel];
            let chain = QuantisedChain { functions: data.functions(*index), quantiser: quantisers[*index].clone() };
            let function =
                steps::find_steps(&chain, lattice).map_err(|fault| self.steps_fault(node, channel, fault))?;
            sensitive.channel(channel, &chain, &function, lattice);
            functions.push(function);
            if let Some((_, after)) = pooled {
                let behind = QuantisedChain { functions: chain.functions[after..].to_vec(), ..chain };
                // Greatest or least of the codes, as the functions behind the pool rise or fall.
                least.push(match behind.direction() {
                    Some(direction) => direction == Direction::Falling,
                    None => self.direction(node, &behind.functions)? == Direction::Falling,
                });
            }
        }
        self.sensitive_steps.extend(sensitive.finish());
        // What nothing reads is like the rest.
        let some_value = functions.iter().find_map(|function| function.values.first().copied()).unwrap_or(0);
        for function in functions.iter_mut().filter(|function| function.values.is_empty()) {
            function.values.push(some_value);
        }
        let values = || functions.iter().flat_map(|f| f.values.iter().copied());
        let element = without_zero(element, values());
        let (minimum, maximum) = range(values());
        let output = TensorType { element, minimum, maximum, ..self.tensors[source.0] };
        let codes = self.add_layer(&node.name, LayerKind::MultiThreshold(functions), &[source], output);
        let Some((window, _)) = pooled else {
            return Ok(codes);
        };
        let [height, width] = window.output(output.height, output.width);
        let pool = LayerKind::Pool(Pool { window, operation: PoolOperation::Extremum(least) });
        let name = format!("{}_max_pool", node.name);
        Ok(self.add_layer(&name, pool, &[codes], TensorType { height, width, ..output }))
    }

    pub(super) fn steps_fault(&self, node: &Node, channel: usize, fault: StepsFault) -> LowerError {
        match fault {
            StepsFault::Chain(Fault::Undefined | Fault::Undecided) => {
                LowerError::Undefined { node: node.name.clone(), channel }
            }
            StepsFault::Chain(Fault::Beyond) => self.unsupported(
                node,
                "quantise values whose codes can be told",
                format!(
                    "in channel {channel} a root of a root or a transcendental function (such as Sigmoid or Tanh) comes so \
                     near to the border of two codes that even {} bits do not tell which one it is",
                    FixedArithmetic::PRECISIONS[FixedArithmetic::PRECISIONS.len() - 1]
                ),
                "simplify the arithmetic between the last dot product and this node, or choose another scale",
            ),
            StepsFault::TooManyArguments => self.unsupported(
                node,
                "quantise a function that turns seldom, and one that only rises or only falls where it is of the image",
                "an even power, Abs, a reciprocal or a product of two functions stands before it".into(),
                "replace that operation by a monotone one such as Relu or Clip, or quantise with fewer bits before it",
            ),
        }
    }
}

/// The element of a channel of which none is read.
const NOWHERE: usize = usize::MAX;

/// For each channel an element that stands for it, [`NOWHERE`] where none is read. `None` where two of
/// a channel are not alike.
fn representatives(
    data: &Data,
    elements: usize,
    channels: usize,
    like: impl Fn(usize, usize) -> bool,
) -> Option<Vec<usize>> {
    let mut found = vec![NOWHERE; channels];
    for element in 0..elements {
        let first = &mut found[data.position(element) % channels];
        if *first == NOWHERE {
            *first = element;
        } else if !like(element, *first) {
            return None;
        }
    }
    Some(found)
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
