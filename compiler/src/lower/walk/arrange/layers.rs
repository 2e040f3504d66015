//! The layers that move elements: pools and convolutions that take one position of each window, joins, and the same
//! elements as pixels of another number of channels.

use super::super::Walk;
use super::super::layout::Extent;
use crate::chip::number::greatest_common_divisor;
use crate::lower::LowerError;
use crate::lower::steps::Lattice;
use crate::lower::weights::element_of;
use abi::{ElementType, StepFunction};
use network::graph::Node;
use network::network::{Convolution, LayerKind, Pool, PoolOperation, TensorId, TensorType, WeightMatrix, Window};

/// Along what elements are selected or joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lower::walk) enum Axis {
    Rows,
    Columns,
    Channels,
}

/// Most weights of a layer that only selects channels.
const MAX_WEIGHTS: usize = 1 << 20;

/// Positions `first`, `first + step`, … `count` of them, each `times` times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: usize,
    step: usize,
    count: usize,
    times: usize,
}

impl Run {
    fn of(first: usize, step: usize, count: usize) -> Self {
        Run { first, step, count, times: 1 }
    }
}

/// A list of positions below `extent` as runs. All positions in a row are one of them: they need no layer.
fn runs(list: &[usize], extent: usize) -> Vec<Run> {
    let whole = list.windows(extent).position(|part| part.iter().copied().eq(0..extent));
    if let Some(start) = whole.filter(|_| extent > 1) {
        let mut found = runs(&list[..start], extent);
        found.push(Run::of(0, 1, extent));
        found.extend(runs(&list[start + extent..], extent));
        return found;
    }
    let mut found: Vec<Run> = Vec::new();
    let mut rest = list;
    while let [first, behind @ ..] = rest {
        let times = 1 + behind.iter().take_while(|next| *next == first).count();
        let step = behind.first().and_then(|next| next.checked_sub(*first));
        let run = match step {
            _ if times > 1 => Run { first: *first, step: 1, count: 1, times },
            Some(step) => {
                let follows = |pair: &&[usize]| pair[1].checked_sub(pair[0]) == Some(step);
                Run::of(*first, step, 1 + rest.windows(2).take_while(follows).count())
            }
            None => Run::of(*first, 1, 1),
        };
        rest = &rest[run.count * run.times..];
        found.push(run);
    }
    found
}

/// One axis of windows of which one tap is taken: number of taps, their distance, and the tap.
fn taps(extent: usize, run: Run) -> (usize, usize, usize) {
    let Run { first, step, count, .. } = run;
    // A window spans so much, less one, that there are as many as positions.
    let least = first.max((extent).saturating_sub(step * count));
    let most = extent - step * (count - 1) - 1;
    let distance = |span: usize| greatest_common_divisor(first, span).max(1);
    let choices = (least..=most).map(|span| (span / distance(span) + 1, distance(span), first / distance(span)));
    choices.min_by_key(|(taps, _, _)| *taps).unwrap_or((1, 1, 0))
}

impl Walk<'_> {
    /// Rows or columns of a tensor.
    pub(super) fn places(
        &mut self,
        node: &Node,
        tensor: TensorId,
        axis: Axis,
        list: &[usize],
    ) -> Result<TensorId, LowerError> {
        let kind = self.tensors[tensor.0];
        let extent = if axis == Axis::Rows { kind.height } else { kind.width };
        let mut parts = Vec::new();
        for run in runs(list, extent) {
            let part = self.cropped(node, tensor, axis, run)?;
            parts.push(if run.times > 1 { self.repeated(node, part, axis, run.times) } else { part });
        }
        Ok(self.joined(node, parts, axis))
    }

    /// The positions of a run along an axis, each once.
    fn cropped(&mut self, node: &Node, tensor: TensorId, axis: Axis, run: Run) -> Result<TensorId, LowerError> {
        let kind = self.tensors[tensor.0];
        let extent = if axis == Axis::Rows { kind.height } else { kind.width };
        let run = if run.count == 1 { Run { step: extent, ..run } } else { run };
        if run.count == extent {
            return Ok(tensor);
        }
        let strided = |taps: usize, distance: usize| {
            let along = |value: usize, other: usize| match axis {
                Axis::Rows => [value, other],
                Axis::Columns | Axis::Channels => [other, value],
            };
            let (kernel, stride, dilation) = (along(taps, 1), along(run.step, 1), along(distance, 1));
            Window { kernel, stride, dilation, before: [0; 2], after: [0; 2] }
        };
        if run.first == 0 && (extent - 1) / run.step + 1 == run.count {
            return self.subsampled(node, tensor, strided(1, 1));
        }
        if run.count == 1 && run.first > 1 && run.first + 1 < extent {
            // Every so many positions, then the second of these: no line of what lies before it is kept.
            let few = Run::of(0, run.first, (extent - 1) / run.first + 1);
            let few = self.cropped(node, tensor, axis, few)?;
            return self.cropped(node, few, axis, Run::of(1, 1, 1));
        }
        let (count, distance, tap) = taps(extent, run);
        self.picked(node, tensor, strided(count, distance), tap)
    }

    /// The first position of each window.
    fn subsampled(&mut self, node: &Node, tensor: TensorId, window: Window) -> Result<TensorId, LowerError> {
        self.check_window(node, &window)?;
        let kind = self.tensors[tensor.0];
        let [height, width] = window.output(kind.height, kind.width);
        let pool = Pool { window, operation: PoolOperation::Extremum(vec![false; kind.channels]) };
        let name = format!("{}_subsample", node.name);
        let output = self.add_layer(&name, LayerKind::Pool(pool), &[tensor], TensorType { height, width, ..kind });
        self.copy_lattices(tensor, output);
        Ok(output)
    }

    /// One tap of each window.
    fn picked(&mut self, node: &Node, tensor: TensorId, window: Window, tap: usize) -> Result<TensorId, LowerError> {
        self.check_window(node, &window)?;
        let kind = self.tensors[tensor.0];
        let [height, width] = window.output(kind.height, kind.width);
        let of_channel = (0..window.taps()).map(|index| i16::from(index == tap));
        let values: Vec<i16> = std::iter::repeat_n(of_channel, kind.channels).flatten().collect();
        let columns = window.taps();
        let weights = WeightMatrix { rows: kind.channels, columns, element: element_of(&values), values };
        let convolution = Convolution { window, groups: kind.channels, padding: 0, weights };
        let layer = LayerKind::Convolution(convolution);
        let sources: Vec<usize> = (0..kind.channels).collect();
        Ok(self.moved(node, "crop", tensor, layer, TensorType { height, width, ..kind }, &sources))
    }

    /// A dot product that gives elements back as they are, those of each channel from channel `sources[i]`.
    fn moved(
        &mut self,
        node: &Node,
        role: &str,
        tensor: TensorId,
        layer: LayerKind,
        output: TensorType,
        sources: &[usize],
    ) -> TensorId {
        let name = format!("{}_{role}", node.name);
        let is_bipolar = output.element == ElementType::Bipolar;
        let element = if is_bipolar { ElementType::holding(-1, 1) } else { output.element };
        let moved = self.add_layer(&name, layer, &[tensor], TensorType { element, ..output });
        if let Some(lattices) = self.lattices.get(&tensor) {
            let lattices: Vec<Lattice> = sources.iter().map(|source| lattices[*source]).collect();
            self.lattices.insert(moved, lattices);
        }
        if !is_bipolar {
            return moved;
        }
        // Sums have no type of ±1, which dot products are cheapest with.
        let pieces = output.values().map(|value| (value, value as i32));
        let sign = StepFunction::of_pieces(output.minimum as i32, pieces);
        self.lattices.remove(&moved);
        self.add_layer(&name, LayerKind::MultiThreshold(vec![sign; output.channels]), &[moved], output)
    }

    /// Each position of an axis several times.
    fn repeated(&mut self, node: &Node, tensor: TensorId, axis: Axis, times: usize) -> TensorId {
        let kind = self.tensors[tensor.0];
        let (vertical, horizontal) = if axis == Axis::Rows { (times, 1) } else { (1, times) };
        let output = TensorType { height: kind.height * vertical, width: kind.width * horizontal, ..kind };
        let layer = LayerKind::Upsample { vertical, horizontal };
        let repeated = self.add_layer(&format!("{}_repeat", node.name), layer, &[tensor], output);
        self.copy_lattices(tensor, repeated);
        repeated
    }

    /// Channels of a tensor.
    pub(super) fn channels(&mut self, node: &Node, tensor: TensorId, list: &[usize]) -> Result<TensorId, LowerError> {
        let kind = self.tensors[tensor.0];
        let Extent { height, width, channels } = Extent::of(&kind);
        let count = list.len();
        if count == channels && list.is_sorted() && list.iter().copied().eq(0..channels) {
            return Ok(tensor);
        }
        let is_run = list.windows(2).all(|pair| pair[1] == pair[0] + 1);
        if is_run && channels.is_multiple_of(count) && list[0].is_multiple_of(count) {
            // Each pixel as several, one of which holds them.
            let parts = channels / count;
            let pixels = Extent { height, width: width * parts, channels: count };
            let pixels = self.relabelled(node, tensor, pixels);
            return self.cropped(node, pixels, Axis::Columns, Run::of(list[0] / count, parts, width));
        }
        if count.saturating_mul(channels) > MAX_WEIGHTS {
            return Err(self.unsupported(
                node,
                "move elements by at most 1048576 weights",
                format!("{count} of {channels} channels in another order take more"),
                "move the reshaping behind a dense layer or a convolution, or to the end of the model",
            ));
        }
        let mut values = vec![0i16; count * channels];
        for (row, channel) in list.iter().enumerate() {
            values[row * channels + channel] = 1;
        }
        let weights = WeightMatrix { rows: count, columns: channels, element: element_of(&values), values };
        let output = TensorType { channels: count, ..kind };
        Ok(self.moved(node, "channels", tensor, LayerKind::MatrixVector(weights), output, list))
    }

    /// Tensors of one element type, one after the other along an axis.
    pub(in crate::lower::walk) fn joined(&mut self, node: &Node, parts: Vec<TensorId>, axis: Axis) -> TensorId {
        let extents: Vec<Extent> = parts.iter().map(|part| Extent::of(&self.tensors[part.0])).collect();
        let sum = |of: fn(&Extent) -> usize| extents.iter().map(of).sum::<usize>();
        let first = extents[0];
        let whole = match axis {
            Axis::Rows => Extent { height: sum(|extent| extent.height), ..first },
            Axis::Columns => Extent { width: sum(|extent| extent.width), ..first },
            Axis::Channels => Extent { channels: sum(|extent| extent.channels), ..first },
        };
        let mut parts = parts;
        if parts.len() > 1 && axis != Axis::Channels {
            // All rows, or those of one row, as one pixel.
            for (part, extent) in parts.iter_mut().zip(&extents) {
                let height = if axis == Axis::Rows { 1 } else { extent.height };
                let channels = extent.pixels() * extent.channels / height;
                *part = self.relabelled(node, *part, Extent { height, width: 1, channels });
            }
        }
        // Neighbours, then neighbours of these: each element passes through few layers.
        while parts.len() > 1 {
            let pairs = parts.chunks(2).map(<[TensorId]>::to_vec).collect::<Vec<_>>();
            parts = pairs.into_iter().map(|pair| self.side_by_side(node, &pair)).collect();
        }
        self.relabelled(node, parts[0], whole)
    }

    /// The channels of the second of two tensors behind those of the first; the only one as it is.
    fn side_by_side(&mut self, node: &Node, pair: &[TensorId]) -> TensorId {
        let &[first, second] = pair else { return pair[0] };
        let kinds = [self.tensors[first.0], self.tensors[second.0]];
        let (minimum, maximum) = (kinds[0].minimum.min(kinds[1].minimum), kinds[0].maximum.max(kinds[1].maximum));
        let output = TensorType { channels: kinds[0].channels + kinds[1].channels, minimum, maximum, ..kinds[0] };
        let is_sum = pair.iter().any(|tensor| self.lattices.contains_key(tensor));
        let lattices: Vec<Lattice> = pair.iter().flat_map(|tensor| self.channel_lattices(*tensor)).collect();
        let joined = self.add_layer(&format!("{}_join", node.name), LayerKind::Concat, pair, output);
        if is_sum {
            self.lattices.insert(joined, lattices);
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_cut_into_runs() {
        let run = Run::of;
        assert_eq!(runs(&[1, 3, 5], 6), [run(1, 2, 3)]);
        assert_eq!(runs(&[2, 1, 0, 1, 2, 3, 2], 4), [run(2, 1, 1), run(1, 1, 1), run(0, 1, 4), run(2, 1, 1)]);
        let edge = [Run { times: 2, ..run(0, 1, 1) }, run(0, 1, 3), run(2, 1, 1)];
        assert_eq!(runs(&[0, 0, 0, 1, 2, 2], 3), edge);
        assert_eq!(runs(&[0, 0, 0], 1), [Run { times: 3, ..run(0, 1, 1) }]);
        assert_eq!(runs(&[3, 2], 4), [run(3, 1, 1), run(2, 1, 1)]);
    }

    #[test]
    fn windows_have_one_tap_at_each_position() {
        for extent in 1..12 {
            for (first, step, count) in
                (0..extent).flat_map(|f| (1..4).flat_map(move |s| (1..8).map(move |c| (f, s, c))))
            {
                if first + step * (count - 1) >= extent {
                    continue;
                }
                let step = if count == 1 { extent } else { step };
                let (taps, distance, tap) = taps(extent, Run::of(first, step, count));
                let span = (taps - 1) * distance;
                assert_eq!(tap * distance, first);
                assert_eq!((extent - 1 - span) / step + 1, count, "{extent} {first} {step} {count}");
                assert!(tap < taps);
            }
        }
    }
}
