//! Pools, borders and enlargement: operators that look at several pixels, or repeat them.

use super::Walk;
use super::dot::lattice;
use super::layout::Extent;
use super::windows::window;
use crate::lower::LowerError;
use crate::lower::chain::{Binary, Constant, Direction, Function};
use crate::lower::passes::{reached, spacing, sum_of_windows};
use crate::lower::steps::Lattice;
use crate::lower::symbol::{Data, Origin, Parameter, Pending, Step, Symbol};
use crate::lower::weights::element_of;
use abi::ElementType;
use network::graph::{self, Node};
use network::network::{
    Convolution, LayerKind, Network, Pool, PoolOperation, TensorId, TensorType, WeightMatrix, Window,
};

impl Walk<'_> {
    /// The data of an input with nothing pending but a pool.
    pub(super) fn without_border(&mut self, node: &Node, index: usize, data: Data) -> Result<Data, LowerError> {
        match data.pending {
            Some(Pending::Pad { .. }) => self.settled_input(node, index, data),
            Some(Pending::MaxPool { .. }) | None => Ok(data),
        }
    }

    /// The data of an input, settled for this reader and all later ones.
    pub(super) fn settled_input(&mut self, node: &Node, index: usize, data: Data) -> Result<Data, LowerError> {
        let settled = self.settled(node, data)?;
        self.symbols.insert(node.inputs[index], Symbol::Data(settled.clone()));
        Ok(settled)
    }

    /// The data with a layer for what was pending, and with an input map where it comes straight from the image and the
    /// file says what its values are.
    pub(super) fn settled(&mut self, node: &Node, data: Data) -> Result<Data, LowerError> {
        let mut data = self.as_annotated(node, data)?;
        let (Some(pending), Origin::Tensor(tensor)) = (data.pending.take(), data.origin) else {
            return Ok(data);
        };
        let kind = self.tensors[tensor.0];
        match pending {
            Pending::MaxPool { window, after } => {
                let [height, width] = window.output(kind.height, kind.width);
                let mut least = Vec::with_capacity(kind.channels);
                for channel in 0..kind.channels {
                    let functions = data.functions(channel * height * width);
                    least.push(self.direction(node, &functions[..after])? == Direction::Falling);
                }
                let pool = Pool { window, operation: PoolOperation::Extremum(least) };
                let output = TensorType { height, width, ..kind };
                data.origin = Origin::Tensor(self.add_layer(&node.name, LayerKind::Pool(pool), &[tensor], output));
                if let Origin::Tensor(pooled) = data.origin {
                    self.copy_lattices(tensor, pooled);
                }
            }
            Pending::Pad { before, after, value } => {
                let border = self.border_code(node, &data, value)?;
                let padded = self.bordered(node, tensor, before, after, border)?;
                data.origin = Origin::Tensor(padded);
            }
        }
        Ok(data)
    }

    /// The tensor with a border of an integer that need be none of its codes.
    pub(super) fn bordered(
        &mut self,
        node: &Node,
        tensor: TensorId,
        before: [usize; 2],
        after: [usize; 2],
        border: i32,
    ) -> Result<TensorId, LowerError> {
        let window = Window { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], before, after };
        self.check_window(node, &window)?;
        let source = self.with_border(node, tensor, border);
        let kind = self.tensors[source.0];
        let channels = kind.channels;
        let values = vec![1; channels];
        let weights = WeightMatrix { rows: channels, columns: 1, element: element_of(&values), values };
        let [height, width] = window.output(kind.height, kind.width);
        let (minimum, maximum) = (kind.minimum.min(border.into()), kind.maximum.max(border.into()));
        let element = self.accumulator(node, (minimum, maximum))?;
        let convolution = Convolution { window, groups: channels, padding: border, weights };
        let output = TensorType { height, width, channels, element, minimum, maximum };
        let layer = LayerKind::Convolution(convolution);
        let lattice = lattice(&[1], reached(&layer, &kind), spacing(&layer, &kind));
        let padded = self.add_layer(&format!("{}_pad", node.name), layer, &[source], output);
        self.lattices.insert(padded, vec![lattice; channels]);
        Ok(padded)
    }

    /// Checks that the numbers of a window are those that a network may have.
    pub(super) fn check_window(&self, node: &Node, window: &Window) -> Result<(), LowerError> {
        let Window { kernel, stride, dilation, before, after } = window;
        let mut numbers = [kernel, stride, dilation, before, after].into_iter().flatten();
        if numbers.all(|number| *number <= Window::LARGEST) && window.taps() <= Network::MAX_ELEMENTS {
            return Ok(());
        }
        Err(self.unsupported(
            node,
            "have kernels, strides, dilations and borders of at most 65536, and at most 268435456 taps",
            format!("its window is {window}"),
            "split the operator, or make the image smaller before it",
        ))
    }

    /// The tensor, in a type that also holds the number which stands for the border.
    pub(super) fn with_border(&mut self, node: &Node, tensor: TensorId, border: i32) -> TensorId {
        let kind = self.tensors[tensor.0];
        let border = i64::from(border);
        if border == 0 || kind.element.contains(border) {
            return tensor;
        }
        self.widened(node, tensor, ElementType::holding(kind.minimum.min(border), kind.maximum.max(border)))
    }

    /// In which direction a chain of functions goes.
    pub(super) fn direction(&self, node: &Node, functions: &[Function]) -> Result<Direction, LowerError> {
        Direction::of(functions).ok_or_else(|| {
            self.unsupported(
                node,
                "be joined to its max-pool by functions that only rise or only fall",
                "an even power, Abs or a reciprocal stands between them".into(),
                "replace that operation by a monotone one such as Relu or Clip",
            )
        })
    }

    /// The integer that stands for the real number `value` in a tensor under an affine chain, the same for all channels.
    pub(super) fn border_code(&self, node: &Node, data: &Data, value: f64) -> Result<i32, LowerError> {
        let fault = |found: String| {
            self.unsupported(
                node,
                "surround its input with numbers that the input's quantiser has a code for",
                found,
                "use zero padding, a quantiser whose levels include the value padded with, and one zero point for all channels",
            )
        };
        let (factor, summand) =
            data.affine().ok_or_else(|| fault("a nonlinear function stands behind the quantiser".into()))?;
        let (Some(factor), Some(summand)) = (factor.as_uniform(), summand.as_uniform()) else {
            if value == 0.0 && self.is_zero(node, &summand)? {
                return Ok(0);
            }
            return Err(fault("scale or zero point differ between channels".into()));
        };
        let code = Constant::Float(value).binary(Binary::Subtract, summand.clone());
        let code = code.binary(Binary::Divide, factor.clone()).as_integer();
        code.and_then(|code| i32::try_from(code).ok()).ok_or_else(|| fault(format!("none stands for {value}")))
    }

    /// Whether a parameter is zero everywhere.
    pub(super) fn is_zero(&self, node: &Node, parameter: &Parameter) -> Result<bool, LowerError> {
        for constant in parameter.constants() {
            let sign = constant.sign().map_err(|_| LowerError::Undefined { node: node.name.clone(), channel: 0 })?;
            if sign.is_ne() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Checks that all pixels of a channel go through the same functions.
    pub(super) fn check_by_channel(&self, node: &Node, data: &Data, extent: Extent) -> Result<(), LowerError> {
        let pixels = extent.pixels();
        let differs =
            |channel: &usize| (1..pixels).any(|pixel| !data.alike(channel * pixels, channel * pixels + pixel));
        match (0..extent.channels).find(differs) {
            None => Ok(()),
            Some(channel) => Err(self.unlike_pixels(node).unwrap_or_else(|| {
                self.unsupported(
                    node,
                    "read channels whose pixels all have the same scale and offset",
                    format!("those of channel {channel} differ"),
                    "use one scale, bias or normalisation per channel instead of one per pixel",
                )
            })),
        }
    }

    /// `MaxPool`: waits for a quantiser where it would have to compare sums.
    pub(super) fn max_pool(&mut self, node: &Node, data: Data, pool: &graph::Window) -> Result<Data, LowerError> {
        let mut data = self.settled_input(node, 0, data)?;
        let extent = self.image(node, &mut data, self.shape(node.inputs[0]))?;
        self.check_by_channel(node, &data, extent)?;
        let window = window(pool, self.shape(node.inputs[0]));
        self.check_window(node, &window)?;
        let [height, width] = window.output(extent.height, extent.width);
        let chain = data.chain_by_channel(extent.channels, extent.pixels(), height * width);
        let pending = Some(Pending::MaxPool { window, after: chain.len() });
        let order = Extent { height, width, ..extent }.channels_first();
        let is_sum = matches!(data.origin, Origin::Tensor(tensor) if self.lattices.contains_key(&tensor));
        let pooled = Data { origin: data.origin, order, chain, pending };
        if is_sum { Ok(pooled) } else { self.settled(node, pooled) }
    }

    /// `AveragePool`: an exact sum, divided by the number of positions.
    pub(super) fn average_pool(
        &mut self,
        node: &Node,
        data: Data,
        pool: &graph::Window,
        count_include_pad: bool,
    ) -> Result<Data, LowerError> {
        let mut data = self.integers(node, 0, data)?;
        let extent = self.image(node, &mut data, self.shape(node.inputs[0]))?;
        self.check_by_channel(node, &data, extent)?;
        let window = window(pool, self.shape(node.inputs[0]));
        self.check_window(node, &window)?;
        let [height, width] = window.output(extent.height, extent.width);
        let inside = |y: usize, x: usize| {
            let pixel = |tap: &usize| window.pixel(extent.height, extent.width, (y, x), *tap).is_some();
            (0..window.taps()).filter(pixel).count()
        };
        let mut counts = (0..height).flat_map(|y| (0..width).map(move |x| (y, x))).map(|(y, x)| inside(y, x));
        let first = counts.next().unwrap_or(0);
        let is_whole = counts.all(|count| count == first);
        let (factor, summand) = self.affine(node, &data)?;
        let has_overhang = pool.overhang.iter().any(|overhang| *overhang > 0);
        let is_even = is_whole && !(count_include_pad && has_overhang);
        let counts_taps = is_even || (count_include_pad && !has_overhang && self.is_zero(node, &summand)?);
        if !counts_taps {
            return Err(self.unsupported(
                node,
                "divide every window by the same number",
                "windows at the border hold fewer positions of the image than others".into(),
                "leave out the padding and ceil_mode, or set count_include_pad = 1",
            ));
        }
        let divisor = if is_whole && !count_include_pad { first } else { window.taps() };
        let Origin::Tensor(tensor) = data.origin else {
            return Ok(data);
        };
        let kind = self.tensors[tensor.0];
        let (minimum, maximum) = sum_of_windows(&kind, &window);
        let element = self.accumulator(node, (minimum, maximum))?;
        let output = TensorType { height, width, element, minimum, maximum, ..kind };
        let lattices = self.channel_lattices(tensor).into_iter().map(|lattice| {
            if is_whole && first == window.taps() {
                Lattice::sum(&vec![(1, lattice); first])
            } else {
                Lattice { first: minimum, step: 1, count: (maximum - minimum) as u64 + 1 }
            }
        });
        let lattices: Vec<Lattice> = lattices.collect();
        let layer = LayerKind::Pool(Pool { window, operation: PoolOperation::Sum });
        let sum = self.add_layer(&node.name, layer, &[tensor], output);
        self.lattices.insert(sum, lattices);
        let times = |factor: &Parameter, count: usize| {
            factor.combine(Binary::Multiply, &Parameter::uniform(Constant::Float(count as f64)))
        };
        let summand = times(&summand, first);
        let pixels = (extent.pixels(), height * width);
        let chain =
            Data { chain: [Step::with(Binary::Multiply, factor), Step::with(Binary::Add, summand)].into(), ..data }
                .chain_by_channel(extent.channels, pixels.0, pixels.1);
        let order = Extent { height, width, ..extent }.channels_first();
        Ok(Data { origin: Origin::Tensor(sum), order, chain, pending: None }
            .then(Step::with(Binary::Divide, Parameter::uniform(Constant::Float(divisor as f64)))))
    }

    /// `Pad`: waits for a convolution that takes it in.
    pub(super) fn pad(
        &mut self,
        node: &Node,
        data: Data,
        (before, after): (&[usize], &[usize]),
        value: f64,
    ) -> Result<Data, LowerError> {
        let mut data = self.settled_input(node, 0, data)?;
        let extent = self.image(node, &mut data, self.shape(node.inputs[0]))?;
        self.check_by_channel(node, &data, extent)?;
        if before[..2].iter().chain(&after[..2]).any(|count| *count > 0) {
            return Err(self.unsupported(
                node,
                "surround pixels",
                "it adds images or channels".into(),
                "pad only the spatial axes",
            ));
        }
        let spatial = |list: &[usize]| match *list {
            [_, _, vertical, horizontal] => [vertical, horizontal],
            [_, _, horizontal] => [0, horizontal],
            _ => [0, 0],
        };
        let (before, after) = (spatial(before), spatial(after));
        let padded = Extent {
            height: extent.height + before[0] + after[0],
            width: extent.width + before[1] + after[1],
            channels: extent.channels,
        };
        let chain = data.chain_by_channel(extent.channels, extent.pixels(), padded.pixels());
        let pending = Some(Pending::Pad { before, after, value });
        Ok(Data { origin: data.origin, order: padded.channels_first(), chain, pending })
    }

    /// `Upsample`: each pixel several times.
    pub(super) fn upsample(&mut self, node: &Node, data: Data, factors: &[usize]) -> Result<Data, LowerError> {
        let mut data = self.settled_input(node, 0, data)?;
        let extent = self.image(node, &mut data, self.shape(node.inputs[0]))?;
        self.check_by_channel(node, &data, extent)?;
        let (vertical, horizontal) = match *factors {
            [1, 1, vertical, horizontal] => (vertical, horizontal),
            [1, 1, horizontal] => (1, horizontal),
            _ => {
                return Err(self.unsupported(
                    node,
                    "repeat pixels",
                    format!("its factors are {factors:?}"),
                    "enlarge only the spatial axes",
                ));
            }
        };
        let Origin::Tensor(tensor) = data.origin else {
            return Ok(data);
        };
        let larger = Extent { height: extent.height * vertical, width: extent.width * horizontal, ..extent };
        let kind = self.tensors[tensor.0];
        let output = TensorType { height: larger.height, width: larger.width, ..kind };
        let chain = data.chain_by_channel(extent.channels, extent.pixels(), larger.pixels());
        let layer = LayerKind::Upsample { vertical, horizontal };
        let enlarged = self.add_layer(&node.name, layer, &[tensor], output);
        self.copy_lattices(tensor, enlarged);
        Ok(Data { origin: Origin::Tensor(enlarged), order: larger.channels_first(), chain, pending: None })
    }

    /// Each channel of `to` has the values that it has in `from`.
    pub(super) fn copy_lattices(&mut self, from: TensorId, to: TensorId) {
        if let Some(lattices) = self.lattices.get(&from).cloned() {
            self.lattices.insert(to, lattices);
        }
    }
}
