//! Where the pixels and channels of a graph value stand in a tensor.
//!
//! Graphs keep channels before pixels (`[1, C, H, W]` or `[1, C, L]`), tensors behind them.

use super::Walk;
use crate::lower::LowerError;
use crate::lower::steps::Lattice;
use crate::lower::symbol::{Data, Origin, Pending, Symbol};
use abi::InputMap;
use network::graph::Node;
use network::network::{LayerKind, TensorId, TensorType};
use std::sync::Arc;

/// Rows, columns and channels of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

impl Extent {
    /// The extent of a tensor.
    pub fn of(tensor: &TensorType) -> Self {
        Extent { height: tensor.height, width: tensor.width, channels: tensor.channels }
    }

    /// The extent of a value of shape `[1, C, H, W]` or `[1, C, L]`, `None` for other shapes.
    pub fn of_shape(shape: &[usize]) -> Option<Self> {
        match *shape {
            [1, channels, height, width] => Some(Extent { height, width, channels }),
            [1, channels, width] => Some(Extent { height: 1, width, channels }),
            _ => None,
        }
    }

    /// Number of pixels.
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// For each element of a value with channels before pixels, its index in the tensor; `None` where they agree.
    pub fn channels_first(&self) -> Option<Arc<Vec<usize>>> {
        let pixels = self.pixels();
        if pixels == 1 || self.channels == 1 {
            return None;
        }
        let order =
            (0..self.channels).flat_map(|channel| (0..pixels).map(move |pixel| pixel * self.channels + channel));
        Some(Arc::new(order.collect()))
    }
}

impl Walk<'_> {
    /// Rows, columns and channels of the elements that `data.order` points into: those of the origin, or of what a
    /// pending pool makes of it. `None` for the image, which has no layout of its own.
    pub(super) fn extent(&self, data: &Data) -> Option<Extent> {
        let Origin::Tensor(tensor) = data.origin else {
            return None;
        };
        let mut extent = Extent::of(&self.tensors[tensor.0]);
        if let Some(Pending::MaxPool { window, .. }) = &data.pending {
            [extent.height, extent.width] = window.output(extent.height, extent.width);
        }
        Some(extent)
    }

    /// Rows, columns and channels of a value of shape `[1, C, H, W]` or `[1, C, L]` whose elements stand in its tensor
    /// as they should. Lays out the input tensor where nothing relies on it yet.
    pub(super) fn image(&mut self, node: &Node, data: &mut Data, shape: &[usize]) -> Result<Extent, LowerError> {
        let Some(extent) = Extent::of_shape(shape) else {
            return Err(self.unsupported(
                node,
                "read a value of shape [1, channels, height, width] or [1, channels, length]",
                format!("its input has shape {shape:?}"),
                "export the model for a batch of one image with one or two spatial axes",
            ));
        };
        if self.extent(data).is_none() {
            return Err(self.input_not_quantised(node));
        }
        self.lay_out_as(data, shape);
        if self.is_laid_out(data, extent) || self.arrange(node, data, extent)? {
            return Ok(extent);
        }
        let mixed = || {
            self.unsupported(
                node,
                "read pixels and channels as the layer before writes them, or at places that rows, columns, channels or blocks \
                 of pixels are moved to",
                "a Reshape, Flatten or Transpose before it mixes pixels and channels".into(),
                "move the reshaping behind the last layer with windows, or before the first quantiser",
            )
        };
        Err(self.unlike_pixels(node).unwrap_or_else(mixed))
    }

    /// Whether the elements of an image stand where those of a tensor of its extent do.
    pub(super) fn is_laid_out(&self, data: &Data, extent: Extent) -> bool {
        let is_identity = |order: &[usize]| order.iter().enumerate().all(|(element, position)| element == *position);
        let fits = match (&data.order, &extent.channels_first()) {
            (Some(found), Some(wanted)) => found == wanted,
            (Some(found), None) => is_identity(found),
            (None, wanted) => wanted.is_none(),
        };
        self.extent(data) == Some(extent) && fits
    }

    /// Data that are a part of the input tensor's elements, which then gets the layout of the model's input: from a part none
    /// can be told.
    pub(super) fn laid_out_part(&mut self, data: Data) -> Data {
        let is_part = |(tensor, _): &(TensorId, InputMap)| {
            let elements = self.tensors[tensor.0].elements();
            data.origin == Origin::Tensor(*tensor) && data.len_of(elements) != elements
        };
        if !self.input.as_ref().is_some_and(is_part) {
            return data;
        }
        let mut whole = Data::of(data.origin);
        self.lay_out_as(&mut whole, self.shape(self.graph.input));
        let order = data.order.as_deref().map(|order| order.iter().map(|position| whole.position(*position)).collect());
        Data { order: order.map(Arc::new), ..data }
    }

    /// Gives the input tensor the layout of an image of the given shape, where `data` is made of it and the shape is one.
    pub(super) fn lay_out_as(&mut self, data: &mut Data, shape: &[usize]) {
        if let Some(extent) = Extent::of_shape(shape) {
            self.lay_out(data, extent, extent.channels_first());
        }
    }

    /// Gives the input tensor the extent that `data`, a value made of it, is read with.
    pub(super) fn lay_out(&mut self, data: &mut Data, extent: Extent, wanted: Option<Arc<Vec<usize>>>) {
        let Some((input, map)) = &mut self.input else {
            return;
        };
        if self.input_is_laid_out || data.origin != Origin::Tensor(*input) || data.pending.is_some() {
            return;
        }
        let tensor = &mut self.tensors[input.0];
        let elements = tensor.elements();
        if elements != extent.pixels() * extent.channels || data.len_of(elements) != elements {
            return;
        }
        (tensor.height, tensor.width, tensor.channels) = (extent.height, extent.width, extent.channels);
        // Where each element of the tensor as it was stands now.
        let mut moved: Vec<usize> = vec![0; tensor.elements()];
        for element in 0..tensor.elements() {
            moved[data.position(element)] = wanted.as_ref().map_or(element, |order| order[element]);
        }
        let mut source_of = vec![0; moved.len()];
        for (image, position) in moved.iter().enumerate() {
            source_of[*position] = image as u32;
        }
        let is_identity = source_of.iter().enumerate().all(|(position, source)| position == *source as usize);
        map.source_of = if is_identity { Vec::new() } else { source_of };
        let origin = Origin::Tensor(*input);
        let others = self.symbols.values_mut().filter_map(|symbol| match symbol {
            Symbol::Data(other) if other.origin == origin => Some(other),
            Symbol::Data(_) | Symbol::Constant(_) => None,
        });
        for data in others.chain([data]) {
            let order = (0..data.len_of(moved.len())).map(|element| moved[data.position(element)]).collect();
            data.order = Some(Arc::new(order));
        }
        self.input_is_laid_out = true;
    }

    /// A tensor as one pixel, which dot products over all of its elements read.
    pub(super) fn flat(&mut self, name: &str, tensor: TensorId) -> TensorId {
        let extent = Extent { height: 1, width: 1, channels: self.tensors[tensor.0].elements() };
        self.in_extent(&format!("{name}_flatten"), tensor, extent)
    }

    /// The elements of a tensor, in their order, as pixels of another number of channels.
    pub(super) fn relabelled(&mut self, node: &Node, tensor: TensorId, extent: Extent) -> TensorId {
        self.in_extent(&format!("{}_relabel", node.name), tensor, extent)
    }

    fn in_extent(&mut self, name: &str, tensor: TensorId, extent: Extent) -> TensorId {
        let kind = self.tensors[tensor.0];
        if Extent::of(&kind) == extent {
            return tensor;
        }
        let Extent { height, width, channels } = extent;
        let output = TensorType { height, width, channels, ..kind };
        let lattices = self.lattices.get(&tensor).map(|lattices| {
            let mut of_channel: Vec<Option<Lattice>> = vec![None; channels];
            for element in 0..kind.elements() {
                let (lattice, own) = (lattices[element % lattices.len()], &mut of_channel[element % channels]);
                *own = Some(own.map_or(lattice, |own| if own == lattice { own } else { own.with(lattice) }));
            }
            of_channel.into_iter().flatten().collect()
        });
        let relabelled = self.add_layer(name, LayerKind::Reshape, &[tensor], output);
        if let Some(lattices) = lattices {
            self.lattices.insert(relabelled, lattices);
        }
        relabelled
    }
}
