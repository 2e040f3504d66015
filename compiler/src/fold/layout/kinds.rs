//! The stages of each kind of layer.

use super::Layout;
use super::convert::{self, divisors, first_within};
use crate::fold::Dot;
use crate::fold::units::Unit;
use crate::plan::{StageKind, StreamId, Vectors};
use abi::ElementType;
use abi::packing::StreamFormat;
use network::network::{Layer, LayerId, LayerKind, Pool, PoolOperation, TensorId, Window};

impl Layout<'_> {
    /// Adds the stages of one unit.
    pub fn unit(&mut self, unit: &Unit) {
        let layer = self.network.layer(unit.layer);
        let inputs = self.take_inputs(layer);
        let (id, input) = (unit.layer, inputs[0]);
        let output = match &layer.kind {
            LayerKind::MatrixVector(_) | LayerKind::Convolution(_) => {
                let tensor = unit.thresholds.map_or(layer.output, |id| self.network.layer(id).output);
                let output = self.dot(unit, layer, input, tensor);
                return self.provide(tensor, output);
            }
            LayerKind::Pool(pool) => self.pool(id, layer, pool, input),
            LayerKind::MultiThreshold(_) => {
                let input = self.cut(input, self.pixels(layer.input()), None);
                self.like_input(StageKind::MultiThreshold { layer: id }, layer, vec![input])
            }
            LayerKind::Add(_) => {
                let inputs = self.side_by_side(layer, inputs);
                self.like_input(StageKind::AddUnit { layer: id }, layer, inputs)
            }
            LayerKind::Multiply => {
                let inputs = self.side_by_side(layer, inputs);
                self.like_input(StageKind::MultiplyUnit { layer: id }, layer, inputs)
            }
            LayerKind::Table(_) => {
                let inputs = self.side_by_side(layer, inputs);
                self.like_input(StageKind::TableUnit { layer: id }, layer, inputs)
            }
            LayerKind::Concat => self.concat(id, layer, &inputs),
            LayerKind::Upsample { .. } => {
                let shape = self.pixels(layer.input());
                let result = self.pixels(layer.output);
                let input = self.wide_enough(input, shape, |lanes| result.words(lanes));
                self.like_input(StageKind::Upsample { layer: id }, layer, vec![input])
            }
            // The same words.
            LayerKind::Flatten => input,
            LayerKind::ArgMax => {
                let input = self.cut(input, self.pixels(layer.input()), None);
                let format = self.format(layer.output, self.pixels(layer.output), 1);
                self.stage("", StageKind::ArgMax { layer: id }, vec![input], format, Some(layer.output))
            }
        };
        self.provide(layer.output, output);
    }

    /// A stage that writes as many lanes as it reads.
    fn like_input(&mut self, kind: StageKind, layer: &Layer, inputs: Vec<StreamId>) -> StreamId {
        let format = self.format(layer.output, self.pixels(layer.output), self.lanes(inputs[0]));
        self.stage("", kind, inputs, format, Some(layer.output))
    }

    fn dot(&mut self, unit: &Unit, layer: &Layer, input: StreamId, tensor: TensorId) -> StreamId {
        let (Some(dot), Some(parallelism)) = (Dot::new(self.network, layer), self.folding.get(&unit.layer).copied())
        else {
            return input;
        };
        let image = self.pixels(layer.input());
        let (thresholds, pe, simd) = (unit.thresholds, parallelism.pe, parallelism.simd);
        let (lanes, groups) = if dot.depthwise { (pe, 1) } else { (simd, dot.groups) };
        let shape = Vectors { vectors: image.vectors * groups, channels: image.channels / groups };
        let mut words = self.convert(input, shape, lanes);
        if let LayerKind::Convolution(convolution) = &layer.kind {
            let padded = convolution.padding == 0;
            let windows = Vectors { vectors: dot.pixels * groups * dot.taps, channels: shape.channels };
            words = self.windows(unit.layer, layer, &convolution.window, words, (windows, lanes), padded);
        }
        let result =
            Vectors { vectors: dot.pixels * groups, channels: if dot.depthwise { dot.groups } else { dot.rows } };
        let format = self.format(tensor, result, pe);
        let kind = if dot.depthwise {
            StageKind::DepthwiseUnit { layer: unit.layer, thresholds, pe }
        } else {
            StageKind::MatrixVectorUnit { layer: unit.layer, thresholds, pe, simd }
        };
        self.stage("", kind, vec![words], format, Some(tensor))
    }

    /// The windows of a layer. Where a position outside the image `counts_nothing` and the elements have no zero, words
    /// say that they lie outside.
    fn windows(
        &mut self,
        id: LayerId,
        layer: &Layer,
        window: &Window,
        input: StreamId,
        (shape, lanes): (Vectors, usize),
        counts_nothing: bool,
    ) -> StreamId {
        let format = self.format(layer.input(), shape, lanes);
        let capacity = crate::schedule::window_shape(self.network, layer, lanes, 1).map_or(1, |shape| shape.depth);
        let kind = StageKind::SlidingWindow { layer: id, capacity };
        let output = self.stage("window", kind, vec![input], format, None);
        self.streams[output.0].padded =
            counts_nothing && !window.is_unpadded() && format.element == ElementType::Bipolar;
        output
    }

    fn pool(&mut self, id: LayerId, layer: &Layer, pool: &Pool, input: StreamId) -> StreamId {
        let Pool { window, operation } = pool;
        let image = self.network.tensor(layer.input());
        let shape = self.pixels(layer.input());
        let result = self.pixels(layer.output);
        if window.is_whole(image.height, image.width) {
            let input = self.cut(input, shape, None);
            return self.like_input(StageKind::GlobalPool { layer: id }, layer, vec![input]);
        }
        let windows = Vectors { vectors: result.vectors * window.taps(), channels: shape.channels };
        let input = self.wide_enough(input, shape, |lanes| windows.words(lanes));
        let lanes = self.lanes(input);
        let counts_nothing = *operation == PoolOperation::Sum;
        let words = self.windows(id, layer, window, input, (windows, lanes), counts_nothing);
        self.like_input(StageKind::PoolUnit { layer: id }, layer, vec![words])
    }

    /// The stream in as many lanes as it has, or so many more that a stage keeps to the interval, whose `cycles` are
    /// those for a number of lanes.
    fn wide_enough(&mut self, stream: StreamId, shape: Vectors, cycles: impl Fn(usize) -> u64) -> StreamId {
        let stream = self.cut(stream, shape, None);
        let now = self.lanes(stream);
        // Multiples need no more cycles to convert than the stream itself has words.
        let multiples = (1..).map(|times| times * now).take_while(|lanes| *lanes < shape.channels);
        let choices = multiples.chain([now.max(shape.channels)]);
        let timed = choices.map(|lanes| (lanes, cycles(lanes).max(convert::cycles(shape, now, lanes))));
        let lanes = first_within(self.interval, timed).unwrap_or(now);
        self.convert(stream, shape, lanes)
    }

    /// The inputs of a layer in words of the same number of lanes.
    fn side_by_side(&mut self, layer: &Layer, inputs: Vec<StreamId>) -> Vec<StreamId> {
        let shape = self.pixels(layer.input());
        let inputs: Vec<StreamId> = inputs.into_iter().map(|input| self.cut(input, shape, None)).collect();
        let lanes: Vec<usize> = inputs.iter().map(|input| self.lanes(*input)).collect();
        let choices = lanes.iter().copied().chain([shape.channels]);
        let slowest = |to: usize| lanes.iter().map(|from| convert::cycles(shape, *from, to)).max().unwrap_or(0);
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
            let converters = [0, 1].map(|input| convert::cycles(shapes[input], lanes[input], to));
            result.words(to).max(converters[0]).max(converters[1])
        };
        let common = first_within(self.interval, choices.map(|to| (to, slowest(to)))).unwrap_or(1);
        let inputs = vec![self.convert(first, shapes[0], common), self.convert(second, shapes[1], common)];
        let format = StreamFormat { lanes: common, ..self.format(layer.output, result, common) };
        self.stage("", StageKind::Concat { layer: id }, inputs, format, Some(layer.output))
    }
}
