//! The stages of each kind of layer.

use super::Layout;
use super::convert::{divisors, first_within};
use crate::blocks::add_unit::{AddUnit, Factors, Term};
use crate::blocks::arg_max::ArgMax;
use crate::blocks::concat::Concat;
use crate::blocks::dot_layer::DotLayer;
use crate::blocks::multi_threshold::MultiThreshold;
use crate::blocks::multiply_unit::MultiplyUnit;
use crate::blocks::pool_unit::{PoolKind, PoolUnit, Rounds};
use crate::blocks::sliding_window::{SlidingWindow, SlidingWindowShape};
use crate::blocks::table_unit::TableUnit;
use crate::blocks::upsample::Upsample;
use crate::blocks::width_converter::WidthConverter;
use crate::blocks::{Block, Parallelism, Vectors};
use crate::codes::Ladder;
use crate::plan::StreamId;
use crate::planner::units::Unit;
use abi::ElementType;
use network::network::{Layer, LayerId, LayerKind, Pool, PoolOperation, TensorId, Window};

impl Layout<'_> {
    /// Adds the stages of one unit.
    pub fn unit(&mut self, unit: &Unit) {
        let layer = self.network.layer(unit.layer);
        let inputs = self.take_inputs(layer);
        let (id, input) = (unit.layer, inputs[0]);
        if let Some(dot) = &unit.dot {
            let (tensor, output) = self.dot(dot, layer, input);
            return self.provide(tensor, output);
        }
        let bits = |tensor: TensorId| self.network.tensor(tensor).element.bits() as usize;
        let bits_out = bits(layer.output);
        let output = match &layer.kind {
            // With dot products, which are above.
            LayerKind::MatrixVector(_) | LayerKind::Convolution(_) => input,
            LayerKind::Pool(pool) => self.pool(id, layer, pool, input),
            LayerKind::MultiThreshold(steps) => {
                let levels = Ladder::of(steps, self.network.tensor(layer.output), self.network.replaceable).levels();
                let (reads, bits_in) = (self.pixels(layer.input()), bits(layer.input()));
                let input = self.cut(input, reads, None);
                let lanes = self.lanes(input);
                let steps = MultiThreshold { layer: id, reads, lanes, levels, bits_in, bits_out };
                self.like_input(Block::MultiThreshold(steps), layer, vec![input])
            }
            LayerKind::Add(add) => {
                let inputs = self.side_by_side(layer, inputs);
                let term = |(tensor, factors): (&TensorId, &Vec<i64>)| {
                    let bits = self.network.tensor(*tensor).element.bits() as usize;
                    Term { reads: self.pixels(*tensor), bits, factors: Factors::of(factors) }
                };
                let terms = layer.inputs.iter().zip(&add.factors).map(term).collect();
                let sum = AddUnit { layer: id, terms, lanes: self.lanes(inputs[0]), bits_out };
                self.like_input(Block::AddUnit(sum), layer, inputs)
            }
            LayerKind::Multiply => {
                let (reads, bits_in) = (self.pairs(layer), [0, 1].map(|port| bits(layer.inputs[port])));
                let inputs = self.side_by_side(layer, inputs);
                let product = MultiplyUnit { layer: id, reads, lanes: self.lanes(inputs[0]), bits_in, bits_out };
                self.like_input(Block::MultiplyUnit(product), layer, inputs)
            }
            LayerKind::Table(table) => {
                let (reads, bits_in) = (self.pairs(layer), [0, 1].map(|port| bits(layer.inputs[port])));
                let inputs = self.side_by_side(layer, inputs);
                let (lanes, by_channel) = (self.lanes(inputs[0]), table.values.len() > 1);
                let table = TableUnit { layer: id, reads, lanes, bits_in, bits_out, by_channel };
                self.like_input(Block::TableUnit(table), layer, inputs)
            }
            LayerKind::Concat => self.concat(id, layer, &inputs),
            LayerKind::Upsample { vertical, horizontal } => {
                let tensor = self.network.tensor(layer.input());
                let (image, channels) = ([tensor.height, tensor.width], tensor.channels);
                let (shape, result) = (self.pixels(layer.input()), self.pixels(layer.output));
                let input = self.wide_enough(input, shape, |lanes| result.words(lanes));
                let (lanes, word_bits) = (self.lanes(input), self.streams[input.0].word_bits());
                let times = [*vertical, *horizontal];
                let enlargement = Upsample { layer: id, image, times, channels, lanes, word_bits };
                self.like_input(Block::Upsample(enlargement), layer, vec![input])
            }
            // The same words.
            LayerKind::Reshape => input,
            LayerKind::ArgMax => {
                let (reads, element_bits) = (self.pixels(layer.input()), bits(layer.input()));
                let input = self.cut(input, reads, None);
                let format = self.format(layer.output, self.pixels(layer.output), 1);
                let arg_max = ArgMax { layer: id, reads, lanes: self.lanes(input), element_bits };
                self.stage("", Block::ArgMax(arg_max), vec![input], format, Some(layer.output))
            }
        };
        self.provide(layer.output, output);
    }

    /// The vectors of both inputs of a layer.
    fn pairs(&self, layer: &Layer) -> [Vectors; 2] {
        [0, 1].map(|port| self.pixels(layer.inputs[port]))
    }

    /// A stage that writes as many lanes as it reads.
    fn like_input(&mut self, block: Block, layer: &Layer, inputs: Vec<StreamId>) -> StreamId {
        let format = self.format(layer.output, self.pixels(layer.output), self.lanes(inputs[0]));
        self.stage("", block, inputs, format, Some(layer.output))
    }

    /// The stages of a layer of dot products: the tensor computed, and its stream.
    fn dot(&mut self, of_layer: &DotLayer, layer: &Layer, input: StreamId) -> (TensorId, StreamId) {
        let tensor = of_layer.thresholds.map_or(layer.output, |id| self.network.layer(id).output);
        let dot = &of_layer.dot;
        // Without an entry, which a folding that was checked has, the least.
        let parallelism = self.folding.get(&of_layer.layer).copied().unwrap_or(Parallelism { pe: 1, simd: 1 });
        let (lanes, groups) = (dot.lanes(parallelism), dot.groups_in_turn());
        let image = self.pixels(layer.input());
        let shape = Vectors { vectors: image.vectors * groups, channels: image.channels / groups };
        let mut words = self.convert(input, shape, lanes);
        if let LayerKind::Convolution(convolution) = &layer.kind {
            let (blocks, words_each) = match dot.depthwise {
                true => (dot.groups.div_ceil(lanes), 1),
                false => (dot.groups, dot.columns.div_ceil(lanes)),
            };
            let cut = WindowCut { reads: shape, leaves: dot.reads(), blocks, words: words_each };
            words = self.windows(of_layer.layer, layer, &convolution.window, words, cut, of_layer.padded);
        }
        let result = Vectors { vectors: dot.pixels * groups, channels: dot.results() };
        let format = self.format(tensor, result, parallelism.pe);
        let unit = of_layer.unit(parallelism, self.streams[words.0].clean);
        let block = if dot.depthwise { Block::DepthwiseUnit(unit) } else { Block::MatrixVectorUnit(unit) };
        (tensor, self.stage("", block, vec![words], format, Some(tensor)))
    }

    /// The windows of a layer, in the least line buffer. `padded`: whether words say that they lie outside the image.
    fn windows(
        &mut self,
        id: LayerId,
        layer: &Layer,
        window: &Window,
        input: StreamId,
        cut: WindowCut,
        padded: bool,
    ) -> StreamId {
        let format = self.format(layer.input(), cut.leaves, self.lanes(input));
        let image = self.network.tensor(layer.input());
        let (height, width) = (image.height, image.width);
        let WindowCut { reads, blocks, words, .. } = cut;
        let shape = SlidingWindowShape { height, width, window: *window, blocks, words, depth: 0 };
        let shape = SlidingWindowShape { depth: shape.least_depth(), ..shape };
        let block = SlidingWindow { layer: id, reads, shape, word_bits: format.word_bits(), padded };
        self.stage("window", Block::SlidingWindow(block), vec![input], format, None)
    }

    fn pool(&mut self, id: LayerId, layer: &Layer, pool: &Pool, input: StreamId) -> StreamId {
        let Pool { window, operation } = pool;
        let image = self.network.tensor(layer.input());
        let (shape, result) = (self.pixels(layer.input()), self.pixels(layer.output));
        let kind = match operation {
            PoolOperation::Sum => PoolKind::Sum,
            PoolOperation::Extremum(least) if least.iter().all(|one| *one == least[0]) => PoolKind::Extremum,
            PoolOperation::Extremum(_) => PoolKind::MixedExtremum,
        };
        let (bits_in, bits_out) =
            (image.element.bits() as usize, self.network.tensor(layer.output).element.bits() as usize);
        let block = |reads: Vectors, taps: usize, rounds: Rounds, lanes: usize| PoolUnit {
            layer: id,
            reads,
            taps,
            rounds,
            kind,
            lanes,
            bits_in,
            bits_out,
        };
        if window.is_whole(image.height, image.width) {
            let input = self.cut(input, shape, None);
            let pool = block(shape, shape.vectors, Rounds::Pixels, self.lanes(input));
            return self.like_input(Block::GlobalPool(pool), layer, vec![input]);
        }
        let taps = window.taps();
        let windows = Vectors { vectors: result.vectors * taps, channels: shape.channels };
        let input = self.wide_enough(input, shape, |lanes| windows.words(lanes));
        let lanes = self.lanes(input);
        let cut = WindowCut { reads: shape, leaves: windows, blocks: shape.words_per_vector(lanes), words: 1 };
        let padded = kind == PoolKind::Sum && !window.is_unpadded() && image.element == ElementType::Bipolar;
        let words = self.windows(id, layer, window, input, cut, padded);
        self.like_input(Block::PoolUnit(block(windows, taps, Rounds::Taps, lanes)), layer, vec![words])
    }

    /// The stream in as many lanes as it has, or so many more that a stage keeps to the interval, whose `cycles` are
    /// those for a number of lanes.
    fn wide_enough(&mut self, stream: StreamId, shape: Vectors, cycles: impl Fn(usize) -> u64) -> StreamId {
        let stream = self.cut(stream, shape, None);
        let now = self.lanes(stream);
        // Multiples need no more cycles to convert than the stream itself has words.
        let multiples = (1..).map(|times| times * now).take_while(|lanes| *lanes < shape.channels);
        let choices = multiples.chain([now.max(shape.channels)]);
        let timed = choices.map(|lanes| (lanes, cycles(lanes).max(WidthConverter::cycles(shape, now, lanes))));
        let lanes = first_within(self.interval, timed).unwrap_or(now);
        self.convert(stream, shape, lanes)
    }

    /// The inputs of a layer in words of the same number of lanes.
    fn side_by_side(&mut self, layer: &Layer, inputs: Vec<StreamId>) -> Vec<StreamId> {
        let shape = self.pixels(layer.input());
        let inputs: Vec<StreamId> = inputs.into_iter().map(|input| self.cut(input, shape, None)).collect();
        let lanes: Vec<usize> = inputs.iter().map(|input| self.lanes(*input)).collect();
        let choices = lanes.iter().copied().chain([shape.channels]);
        let slowest = |to: usize| lanes.iter().map(|from| WidthConverter::cycles(shape, *from, to)).max().unwrap_or(0);
        let common = first_within(self.interval, choices.map(|to| (to, slowest(to)))).unwrap_or(1);
        inputs.into_iter().map(|input| self.convert(input, shape, common)).collect()
    }

    fn concat(&mut self, id: LayerId, layer: &Layer, inputs: &[StreamId]) -> StreamId {
        let shapes: Vec<Vectors> = layer.inputs.iter().map(|tensor| self.pixels(*tensor)).collect();
        let result = self.pixels(layer.output);
        let (first, second) = (self.cut(inputs[0], shapes[0], None), self.cut(inputs[1], shapes[1], None));
        let lanes = [self.lanes(first), self.lanes(second)];
        // The second stream's channels begin with a new word, so the first one's must fill theirs.
        let fits = |lanes: &usize| shapes[0].channels.is_multiple_of(*lanes);
        let choices = lanes.into_iter().filter(fits).chain(divisors(shapes[0].channels));
        let slowest = |to: usize| {
            let converters = [0, 1].map(|input| WidthConverter::cycles(shapes[input], lanes[input], to));
            result.words(to).max(converters[0]).max(converters[1])
        };
        let common = first_within(self.interval, choices.map(|to| (to, slowest(to)))).unwrap_or(1);
        let inputs = vec![self.convert(first, shapes[0], common), self.convert(second, shapes[1], common)];
        let format = self.format(layer.output, result, common);
        let block = Concat { layer: id, reads: [shapes[0], shapes[1]], lanes: common, word_bits: format.word_bits() };
        self.stage("", Block::Concat(block), inputs, format, Some(layer.output))
    }
}

/// How the words of a window layer lie: vectors read and left, blocks of channels, and words of a block of one pixel.
///
/// A convolution's words belong to one group each, which is a block; the channels of pools and depthwise convolutions are
/// cut into blocks of one word.
struct WindowCut {
    reads: Vectors,
    leaves: Vectors,
    blocks: usize,
    words: usize,
}
