//! Random small networks in integers, built layer by layer: every kind of layer, every type of weights and elements,
//! forks and joins. Every tensor is read by a layer or is the output.

use abi::maps::Reduction;
use abi::{ElementType, InputMap, OutputMap, StepFunction};
use network::network::{
    Add, Convolution, Layer, LayerKind, Network, Pool, PoolOperation, Table, TensorId, TensorType, WeightMatrix, Window,
};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// How large networks get.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most layers, those that a fork needs counted as one.
    pub layers: usize,
    /// Most rows and columns of the input.
    pub extent: usize,
    /// Most channels that a layer makes.
    pub channels: usize,
    /// Most elements of a tensor.
    pub elements: usize,
    /// Most weights of a layer.
    pub weights: usize,
    /// Most bits of the codes between layers.
    pub bits: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { layers: 6, extent: 7, channels: 70, elements: 4_000, weights: 20_000, bits: 12 }
    }
}

/// Numbers of channels around those at which words end.
const CHANNELS: [usize; 16] = [1, 2, 3, 4, 6, 8, 12, 16, 31, 32, 33, 48, 63, 64, 65, 70];

struct Builder {
    random: ChaCha8Rng,
    limits: Limits,
    tensors: Vec<TensorType>,
    layers: Vec<Layer>,
}

/// The random network of a seed.
pub fn random_network(seed: u64, limits: Limits) -> Network {
    let mut builder =
        Builder { random: ChaCha8Rng::seed_from_u64(seed), limits, tensors: Vec::new(), layers: Vec::new() };
    let [height, width] = builder.extents();
    let channels = builder.channels(height * width);
    // Images hold each value of the type.
    let element = builder.element(8);
    builder.tensors.push(TensorType { height, width, ..TensorType::vector(channels, element) });
    let mut last = TensorId(0);
    for _ in 0..builder.random.random_range(1..=limits.layers) {
        last = builder.any_layer(last);
    }
    let mut reduction = Reduction::None;
    if builder.tensor(last).vectors() == 1 && builder.random.random_bool(0.3) {
        let indices = TensorType::vector(1, ElementType::Unsigned { bits: 16 });
        last = builder.layer(LayerKind::ArgMax, &[last], indices);
        reduction = Reduction::Index;
    }
    builder.finish(seed, last, reduction)
}

/// Random images for a network: the values of its input's type, and some between them.
pub fn random_images(network: &Network, seed: u64, count: usize) -> Vec<Vec<f32>> {
    let mut random = ChaCha8Rng::seed_from_u64(!seed);
    let element = network.input_map.element;
    let mut value = || element.decode(random.random()) as f32 + [0.0, 0.0, 0.25][random.random_range(0..3)];
    (0..count).map(|_| (0..network.input_map.len()).map(|_| value()).collect()).collect()
}

impl Builder {
    fn tensor(&self, id: TensorId) -> TensorType {
        self.tensors[id.0]
    }

    fn layer(&mut self, kind: LayerKind, inputs: &[TensorId], output: TensorType) -> TensorId {
        let id = TensorId(self.tensors.len());
        self.tensors.push(output);
        self.layers.push(Layer {
            name: format!("{}_{}", kind.name(), id.0),
            kind,
            inputs: inputs.to_vec(),
            output: id,
        });
        id
    }

    fn extents(&mut self) -> [usize; 2] {
        if self.random.random_bool(0.2) {
            return [1, 1];
        }
        [0, 1].map(|_| self.random.random_range(1..=self.limits.extent))
    }

    /// Channels of a tensor of so many pixels.
    fn channels(&mut self, pixels: usize) -> usize {
        let most = self.limits.channels.min(self.limits.elements / pixels).max(1);
        let fitting: Vec<usize> = CHANNELS.into_iter().filter(|channels| *channels <= most).collect();
        *fitting.choose(&mut self.random).unwrap()
    }

    fn element(&mut self, most_bits: u32) -> ElementType {
        let bits = [1, 1, 2, 2, 3, 4, 7, 8, 9, 12]
            .choose(&mut self.random)
            .map(|bits| self.limits.bits.min(*bits).min(most_bits));
        let bits = bits.unwrap();
        match self.random.random_range(0..5) {
            0 | 1 => ElementType::Bipolar,
            2 | 3 => ElementType::Unsigned { bits },
            _ => ElementType::Signed { bits },
        }
    }

    /// A type of weights, and the weights.
    fn weights(&mut self, rows: usize, columns: usize) -> WeightMatrix {
        let random = &mut self.random;
        let (element, spread) = match random.random_range(0..8) {
            0 => (ElementType::Signed { bits: random.random_range(2..=4) }, 1),
            1 => (ElementType::Signed { bits: 2 }, 1),
            2 => (ElementType::Signed { bits: random.random_range(1..=9) }, i64::MAX),
            3 => (ElementType::Unsigned { bits: random.random_range(1..=4) }, i64::MAX),
            _ => (ElementType::Bipolar, i64::MAX),
        };
        let mut value = || element.decode(random.random()).clamp(-spread, spread) as i16;
        let values = (0..rows * columns).map(|_| value()).collect();
        WeightMatrix { rows, columns, element, values }
    }

    fn any_layer(&mut self, input: TensorId) -> TensorId {
        let tensor = self.tensor(input);
        // Sums of sums of wide elements would not fit.
        if tensor.maximum.max(-tensor.minimum) > 1 << 12 {
            return self.steps(input, None);
        }
        match self.random.random_range(0..16) {
            0..=4 => self.convolution(input),
            5 | 6 => self.matrix_vector(input),
            7 | 8 => self.steps(input, None),
            9 | 10 => self.pool(input),
            11..=13 => self.fork(input),
            14 => self.upsample(input),
            _ => {
                let elements = tensor.elements();
                let flat = TensorType { height: 1, width: 1, channels: elements, ..tensor };
                self.layer(LayerKind::Reshape, &[input], flat)
            }
        }
    }

    /// A tensor that holds just the integers of a range; now and then a wider one.
    fn integers(&mut self, like: TensorType, low: i64, high: i64) -> TensorType {
        let wider = i64::from(self.random.random_bool(0.3)) * 5;
        let element = ElementType::holding(low - wider, high + wider);
        if self.random.random_bool(0.5) {
            return TensorType { element, minimum: low, maximum: high, ..like };
        }
        TensorType { element, minimum: element.minimum(), maximum: element.maximum(), ..like }
    }

    fn matrix_vector(&mut self, input: TensorId) -> TensorId {
        let tensor = self.tensor(input);
        let most = (self.limits.weights / tensor.channels).max(1);
        let rows = self.channels(tensor.vectors()).min(most);
        let weights = self.weights(rows, tensor.channels);
        let (low, high) = range(&weights, tensor.minimum, tensor.maximum);
        let output = self.integers(TensorType { channels: rows, ..tensor }, low, high);
        self.layer(LayerKind::MatrixVector(weights), &[input], output)
    }

    /// A window that gives an output and, where asked for, never lies outside the image.
    fn window(&mut self, tensor: TensorType, is_pool: bool) -> Window {
        loop {
            let random = &mut self.random;
            let mut pair = |low: usize, high: usize| [0, 1].map(|_| random.random_range(low..=high));
            let (kernel, stride, dilation) = (pair(1, 5), pair(1, 3), pair(1, 2));
            let (before, after) = (pair(0, 2), pair(0, 2));
            let mut window = Window { kernel, stride, dilation, before, after };
            if random.random_bool(0.3) {
                (window.before, window.after) = ([0; 2], [0; 2]);
            }
            if random.random_bool(0.4) {
                window.dilation = [1, 1];
            }
            if is_pool && random.random_bool(0.1) {
                window = Window { kernel: [tensor.height, tensor.width], dilation: [1; 2], before: [0; 2], ..window };
            }
            let [height, width] = window.output(tensor.height, tensor.width);
            let sees = (0..height).all(|y| !window.inside(0, y, tensor.height).is_empty())
                && (0..width).all(|x| !window.inside(1, x, tensor.width).is_empty());
            let most = self.limits.elements.max(tensor.elements());
            if (1..=most / tensor.channels).contains(&(height * width)) && (sees || !is_pool) {
                return window;
            }
        }
    }

    fn convolution(&mut self, input: TensorId) -> TensorId {
        let tensor = self.tensor(input);
        let window = self.window(tensor, false);
        let [height, width] = window.output(tensor.height, tensor.width);
        let divisors: Vec<usize> = (1..=tensor.channels).filter(|n| tensor.channels.is_multiple_of(*n)).collect();
        let groups = match self.random.random_range(0..4) {
            0 => tensor.channels,
            1 => *divisors.choose(&mut self.random).unwrap(),
            _ => 1,
        };
        let columns = tensor.channels / groups * window.taps();
        let most = (self.limits.elements / (height * width)).min(self.limits.weights / columns);
        let rows = (self.channels(height * width).min(most) / groups).max(1) * groups;
        let weights = self.weights(rows, columns);
        let padding = if self.random.random_bool(0.7) { 0 } else { tensor.element.decode(self.random.random()) };
        let (low, high) = range(&weights, tensor.minimum.min(padding), tensor.maximum.max(padding));
        let output = self.integers(TensorType { height, width, channels: rows, ..tensor }, low, high);
        let convolution = Convolution { window, groups, padding: padding as i32, weights };
        self.layer(LayerKind::Convolution(convolution), &[input], output)
    }

    fn steps(&mut self, input: TensorId, element: Option<ElementType>) -> TensorId {
        let tensor = self.tensor(input);
        let element = match element {
            Some(element) => element,
            None => self.element(32),
        };
        let most = [1, 1, 3, 20, 40][self.random.random_range(0..5)];
        let reach = tensor.maximum.max(-tensor.minimum).min(40 * tensor.channels as i64).max(2) as f64;
        let function = |random: &mut ChaCha8Rng| {
            let count = random.random_range(0..=most);
            let mut boundary = || match random.random_range(0..12) {
                0 => *[i64::MIN, i64::from(i32::MIN), 0, i64::from(i32::MAX), i64::MAX].choose(random).unwrap(),
                _ => (random.random_range(-0.7..0.7) * reach) as i64,
            };
            let boundaries: BTreeSet<i64> = (0..count).map(|_| boundary()).collect();
            let mut values: Vec<i32> = (0..=boundaries.len()).map(|_| element.decode(random.random()) as i32).collect();
            match random.random_range(0..3) {
                0 => values.sort_unstable(),
                1 => values.sort_unstable_by(|a, b| b.cmp(a)),
                _ => {}
            }
            StepFunction { boundaries: boundaries.into_iter().collect(), values }
        };
        let functions = (0..tensor.channels).map(|_| function(&mut self.random)).collect();
        let output = over_pixels(tensor, tensor.channels, element);
        self.layer(LayerKind::MultiThreshold(functions), &[input], output)
    }

    fn pool(&mut self, input: TensorId) -> TensorId {
        let tensor = self.tensor(input);
        let window = self.window(tensor, true);
        let [height, width] = window.output(tensor.height, tensor.width);
        let shape = TensorType { height, width, ..tensor };
        if self.random.random_bool(0.3) {
            let taps = window.taps() as i64;
            let (low, high) = (tensor.minimum.min(tensor.minimum * taps), tensor.maximum.max(tensor.maximum * taps));
            let output = self.integers(shape, low, high);
            return self.layer(LayerKind::Pool(Pool { window, operation: PoolOperation::Sum }), &[input], output);
        }
        let share = *[0.0, 0.0, 1.0, 0.5].choose(&mut self.random).unwrap();
        let least = (0..tensor.channels).map(|_| self.random.random_bool(share)).collect();
        let pool = Pool { window, operation: PoolOperation::Extremum(least) };
        self.layer(LayerKind::Pool(pool), &[input], shape)
    }

    fn upsample(&mut self, input: TensorId) -> TensorId {
        let tensor = self.tensor(input);
        let vertical = self.random.random_range(1..=3);
        let horizontal = self.random.random_range(1..=3);
        let output = TensorType { height: tensor.height * vertical, width: tensor.width * horizontal, ..tensor };
        if output.elements() > self.limits.elements {
            return self.steps(input, None);
        }
        self.layer(LayerKind::Upsample { vertical, horizontal }, &[input], output)
    }

    /// Two ways from a tensor, and what joins them.
    fn fork(&mut self, input: TensorId) -> TensorId {
        let tensor = self.tensor(input);
        // Joined channels would grow without end.
        let kinds = if 2 * tensor.elements() > self.limits.elements { 1..4 } else { 0..4 };
        let kind = self.random.random_range(kinds);
        let element = self.element(6);
        match kind {
            0 => {
                let first = self.way(input, Some(element));
                let second = if tensor.element == element { input } else { self.way(input, Some(element)) };
                let channels = self.tensor(first).channels + self.tensor(second).channels;
                let output = over_pixels(tensor, channels, element);
                self.layer(LayerKind::Concat, &[first, second], output)
            }
            1 => {
                let first = self.steps(input, Some(element));
                let second = if tensor.element.bits() <= 6 { input } else { self.steps(input, Some(element)) };
                let bits = element.bits() + self.tensor(second).element.bits();
                let target = self.element(32);
                let most = if tensor.channels << bits > self.limits.weights { 1 } else { tensor.channels };
                let tables = *[1, most].choose(&mut self.random).unwrap();
                let mut table =
                    || (0..1 << bits).map(|_| target.decode(self.random.random()) as i32).collect::<Vec<_>>();
                let values = (0..tables).map(|_| table()).collect();
                let output = over_pixels(tensor, tensor.channels, target);
                self.layer(LayerKind::Table(Table { values }), &[first, second], output)
            }
            _ => {
                let first = self.steps(input, Some(element));
                let inputs = if kind == 2 { vec![first] } else { vec![first, input] };
                self.add(&inputs)
            }
        }
    }

    /// Perhaps a product, then steps.
    fn way(&mut self, input: TensorId, element: Option<ElementType>) -> TensorId {
        let input = if self.random.random() { self.matrix_vector(input) } else { input };
        self.steps(input, element)
    }

    fn add(&mut self, inputs: &[TensorId]) -> TensorId {
        let tensor = self.tensor(inputs[0]);
        let list = |random: &mut ChaCha8Rng| -> Vec<i64> {
            let length = *[1, tensor.channels].choose(random).unwrap();
            (0..length).map(|_| random.random_range(-3..=3)).collect()
        };
        let factors: Vec<Vec<i64>> = inputs.iter().map(|_| list(&mut self.random)).collect();
        let (mut low, mut high) = (0, 0);
        for (input, list) in inputs.iter().zip(&factors) {
            let ends = |factor: &i64| [factor * self.tensor(*input).minimum, factor * self.tensor(*input).maximum];
            low += list.iter().flat_map(ends).min().unwrap();
            high += list.iter().flat_map(ends).max().unwrap();
        }
        let output = self.integers(tensor, low, high);
        self.layer(LayerKind::Add(Add { factors }), inputs, output)
    }

    fn finish(mut self, seed: u64, last: TensorId, reduction: Reduction) -> Network {
        let (input, output) = (self.tensors[0], self.tensor(last));
        let element = input.element;
        let steps = (element.maximum() - element.minimum()) / element.step();
        let value = |step: i64| element.minimum() + step * element.step();
        let function = StepFunction {
            boundaries: (0..steps).map(|step| value(step) as f32 + 0.5).collect(),
            values: (0..=steps).map(|step| value(step) as i32).collect(),
        };
        let mut source_of: Vec<u32> = Vec::new();
        if self.random.random() {
            source_of.extend(0..input.elements() as u32);
            source_of.shuffle(&mut self.random);
        }
        let network = Network {
            name: format!("random_{seed}"),
            input: TensorId(0),
            output: last,
            tensors: self.tensors,
            layers: self.layers,
            input_map: InputMap {
                domain: None,
                shape: vec![1, input.channels, input.height, input.width],
                element,
                functions: vec![function],
                function_of: Vec::new(),
                source_of,
            },
            output_map: OutputMap {
                shape: vec![output.elements()],
                scale: vec![0.25],
                bias: vec![1.0],
                divisor: 1.0,
                source_of: Vec::new(),
                score_map: None,
                reduction,
            },
            sensitive_steps: Vec::new(),
            approximations: Vec::new(),
            replaceable: false,
        };
        network.validate().unwrap();
        network
    }
}

/// A tensor of as many pixels.
fn over_pixels(like: TensorType, channels: usize, element: ElementType) -> TensorType {
    TensorType { height: like.height, width: like.width, ..TensorType::vector(channels, element) }
}

/// The least and the greatest sum of any row.
fn range(weights: &WeightMatrix, minimum: i64, maximum: i64) -> (i64, i64) {
    let mut all = (0, 0);
    for row in 0..weights.rows {
        let ends = weights.row(row).iter().map(|weight| [minimum, maximum].map(|x| i64::from(*weight) * x));
        let (low, high) = ends.fold((0, 0), |(low, high), [a, b]| (low + a.min(b), high + a.max(b)));
        all = (low.min(all.0), high.max(all.1));
    }
    all
}
