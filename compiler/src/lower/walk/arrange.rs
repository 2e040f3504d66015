//! Elements that stand elsewhere than a layer reads them: layers that move them there.
//!
//! Moves are remembered as the order of a value's elements and cost nothing until something reads rows and columns: dense
//! layers and the output take any order. Then the order is looked through for what layers there are for
//! ([`pattern`]), and only those are made.

mod layers;
mod pattern;
mod producer;

use super::Walk;
use super::layout::Extent;
use crate::lower::LowerError;
use crate::lower::symbol::{Data, Origin, Symbol};
pub(super) use layers::Axis;
use network::graph::Node;
use network::network::TensorId;
use pattern::{Part, Pattern};
use std::sync::Arc;

impl Walk<'_> {
    /// Of a value of shape `from` the elements with the given indices along an axis.
    pub(super) fn select(&mut self, symbol: Symbol, from: &[usize], axis: usize, indices: &[usize]) -> Symbol {
        let inner: usize = from[axis + 1..].iter().product();
        let outer: usize = from[..axis].iter().product();
        let step = |block: usize, index: usize| (block * from[axis] + index) * inner;
        let starts = (0..outer).flat_map(|block| indices.iter().map(move |index| step(block, *index)));
        let source: Vec<usize> = starts.flat_map(|start| start..start + inner).collect();
        match symbol {
            Symbol::Constant(constants) => {
                Symbol::Constant(Arc::new(source.iter().map(|index| constants[*index].clone()).collect()))
            }
            Symbol::Data(mut data) => {
                self.lay_out_as(&mut data, from);
                Symbol::Data(data.permuted(&source))
            }
        }
    }

    /// Puts the elements of an image where those of a tensor of its extent stand; `false` where there are no layers for it.
    pub(super) fn arrange(&mut self, node: &Node, data: &mut Data, extent: Extent) -> Result<bool, LowerError> {
        let (Origin::Tensor(tensor), None) = (data.origin, &data.pending) else {
            return Ok(false);
        };
        let from = Extent::of(&self.tensors[tensor.0]);
        let natural = || Arc::new((0..from.pixels() * from.channels).collect());
        let mut order = data.order.clone().unwrap_or_else(natural);
        if order.len() != extent.pixels() * extent.channels {
            return Ok(false);
        }
        if let Some(arranged) = self.known_arrangement(tensor, &order, extent) {
            *data = Data { origin: Origin::Tensor(arranged), order: extent.channels_first(), ..data.clone() };
            return Ok(true);
        }
        let Some(mut pattern) = Pattern::of(&order, from, extent) else {
            return Ok(false);
        };
        if let Some(list) = pattern.permutation(from.channels)
            && self.permute_producer(tensor, &list)
        {
            order = Arc::new(producer::moved(&order, &list));
            match Pattern::of(&order, from, extent) {
                Some(found) => pattern = found,
                None => return Ok(false),
            }
        }
        let arranged = self.make(node, tensor, pattern, extent)?;
        if arranged != tensor {
            self.arranged.push((tensor, order, arranged));
        }
        *data = Data { origin: Origin::Tensor(arranged), order: extent.channels_first(), ..data.clone() };
        Ok(true)
    }

    fn known_arrangement(&self, tensor: TensorId, order: &Arc<Vec<usize>>, extent: Extent) -> Option<TensorId> {
        let found = self.arranged.iter().find(|(from, of, arranged)| {
            *from == tensor
                && Extent::of(&self.tensors[arranged.0]) == extent
                && (Arc::ptr_eq(of, order) || of == order)
        });
        found.map(|(_, _, arranged)| *arranged)
    }

    /// The layers of a pattern.
    fn make(
        &mut self,
        node: &Node,
        tensor: TensorId,
        pattern: Pattern,
        extent: Extent,
    ) -> Result<TensorId, LowerError> {
        match pattern {
            Pattern::Same => Ok(self.relabelled(node, tensor, extent)),
            Pattern::Selection(part) => self.selection(node, tensor, &part),
            Pattern::Phases { parts, channels } => {
                let parts = parts.iter().map(|part| self.selection(node, tensor, part));
                let parts = parts.collect::<Result<Vec<TensorId>, LowerError>>()?;
                let joined = self.joined(node, parts, Axis::Channels);
                self.channels(node, joined, &channels)
            }
            Pattern::Blocks { rows } => {
                let height = self.tensors[tensor.0].height;
                let count = rows.len();
                let rows = rows.iter().map(|channels| self.channels(node, tensor, channels));
                let mut rows = rows.collect::<Result<Vec<TensorId>, LowerError>>()?;
                if count > 1 {
                    // Each row of pixels as one pixel, the rows of a block side by side.
                    for row in &mut rows {
                        let channels = self.tensors[row.0].elements() / height;
                        *row = self.relabelled(node, *row, Extent { height, width: 1, channels });
                    }
                }
                let joined = self.joined(node, rows, Axis::Channels);
                Ok(self.relabelled(node, joined, extent))
            }
            Pattern::Vector(channels) => {
                let moved = self.channels(node, tensor, &channels)?;
                Ok(self.relabelled(node, moved, extent))
            }
        }
    }

    /// Some channels, rows and columns.
    fn selection(&mut self, node: &Node, tensor: TensorId, part: &Part) -> Result<TensorId, LowerError> {
        let tensor = self.channels(node, tensor, &part.channels)?;
        let tensor = self.places(node, tensor, Axis::Rows, &part.rows)?;
        self.places(node, tensor, Axis::Columns, &part.columns)
    }

    /// The channels of a tensor that an image's channels are, where its pixels are the tensor's.
    pub(super) fn selected_channels(&self, data: &Data, extent: Extent) -> Option<Vec<usize>> {
        let (Origin::Tensor(tensor), None) = (data.origin, &data.pending) else {
            return None;
        };
        let from = Extent::of(&self.tensors[tensor.0]);
        if (from.height, from.width) != (extent.height, extent.width) {
            return None;
        }
        match Pattern::of(data.order.as_deref()?, from, extent)? {
            Pattern::Selection(part) => {
                let is_whole = |list: &[usize], extent: usize| list.iter().copied().eq(0..extent);
                (is_whole(&part.rows, from.height) && is_whole(&part.columns, from.width)).then_some(part.channels)
            }
            Pattern::Same | Pattern::Phases { .. } | Pattern::Blocks { .. } | Pattern::Vector(_) => None,
        }
    }

    /// The elements of a value without rows and columns, each once and in its order, as one pixel.
    pub(super) fn gathered(&mut self, node: &Node, data: &mut Data) -> Result<(), LowerError> {
        let (Origin::Tensor(tensor), Some(order), None) = (data.origin, data.order.clone(), &data.pending) else {
            return Ok(());
        };
        let mut is_read = vec![false; self.tensors[tensor.0].elements()];
        let repeats = order.iter().any(|position| std::mem::replace(&mut is_read[*position], true));
        if repeats || order.len() != is_read.len() {
            let flat = self.flat(&node.name, tensor);
            data.origin = Origin::Tensor(self.channels(node, flat, &order)?);
            data.order = None;
        }
        Ok(())
    }
}
