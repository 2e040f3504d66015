//! Networks made by hand, with random weights.

use abi::maps::Reduction;
use abi::{ElementType, InputMap, OutputMap, StepFunction};
use network::network::{
    Add, Convolution, Layer, LayerKind, Network, Pool, PoolOperation, Table, TensorId, TensorType, WeightMatrix, Window,
};

/// A network under construction.
pub struct Builder {
    network: Network,
    random: u64,
}

/// A window of `kernel` taps both ways with the same stride and padding all around.
pub fn window(kernel: usize, stride: usize, padding: usize) -> Window {
    let (kernel, stride, padding) = ([kernel; 2], [stride; 2], [padding; 2]);
    Window { kernel, stride, dilation: [1, 1], before: padding, after: padding }
}

impl Builder {
    /// A network that begins with an image of the given shape, and the image.
    pub fn new(name: &str, [height, width, channels]: [usize; 3], element: ElementType, seed: u64) -> (Self, TensorId) {
        let (minimum, maximum) = (element.minimum(), element.maximum());
        let tensor = TensorType { height, width, channels, element, minimum, maximum };
        let values: Vec<i32> = (minimum..=maximum).step_by(element.step() as usize).map(|code| code as i32).collect();
        let boundaries = values.windows(2).map(|pair| (pair[0] + pair[1]) as f32 / 2.0).collect();
        let network = Network {
            name: name.to_owned(),
            tensors: vec![tensor],
            layers: Vec::new(),
            input: TensorId(0),
            output: TensorId(0),
            input_map: InputMap {
                domain: None,
                shape: vec![height, width, channels],
                element,
                functions: vec![StepFunction { boundaries, values }],
                function_of: Vec::new(),
                source_of: Vec::new(),
            },
            output_map: OutputMap {
                shape: Vec::new(),
                scale: vec![1.0],
                bias: vec![0.0],
                divisor: 1.0,
                source_of: Vec::new(),
                score_map: None,
                reduction: Reduction::None,
            },
            sensitive_steps: Vec::new(),
            approximations: Vec::new(),
            replaceable: false,
        };
        (Builder { network, random: seed | 1 }, TensorId(0))
    }

    /// The finished network with the given output.
    pub fn finish(mut self, output: TensorId) -> Network {
        let TensorType { height, width, channels, .. } = *self.network.tensor(output);
        self.network.output = output;
        self.network.output_map.shape = vec![height, width, channels];
        self.network.validate().expect("the network keeps the rules");
        self.network
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % limit
    }

    fn push(&mut self, kind: LayerKind, inputs: &[TensorId], output: TensorType) -> TensorId {
        let name = format!("{}_{}", kind.name(), self.network.layers.len());
        self.network.tensors.push(output);
        let output = TensorId(self.network.tensors.len() - 1);
        self.network.layers.push(Layer { name, kind, inputs: inputs.to_vec(), output });
        output
    }

    fn weights(&mut self, rows: usize, columns: usize, element: ElementType) -> WeightMatrix {
        let (low, step) = (element.minimum(), element.step());
        let codes = (element.maximum() - low) / step + 1;
        let values = (0..rows * columns).map(|_| (low + step * self.below(codes as u64) as i64) as i16).collect();
        WeightMatrix { rows, columns, element, values }
    }

    /// The type of a tensor.
    pub fn tensor(&self, id: TensorId) -> TensorType {
        *self.network.tensor(id)
    }

    fn sums(&self, weights: &WeightMatrix, low: i64, high: i64) -> (i64, i64) {
        let row = |row: usize| {
            let ends = weights.row(row).iter().map(|weight| (i64::from(*weight) * low, i64::from(*weight) * high));
            ends.fold((0, 0), |(least, most), (a, b)| (least + a.min(b), most + a.max(b)))
        };
        (0..weights.rows).map(row).fold((0, 0), |(least, most), (a, b)| (least.min(a), most.max(b)))
    }

    /// Weights that are each one of `values`.
    fn weights_of(&mut self, rows: usize, columns: usize, values: &[i16]) -> WeightMatrix {
        let greatest = values.iter().map(|value| i64::from(value.abs())).max().unwrap_or(0);
        let values = (0..rows * columns).map(|_| values[self.below(values.len() as u64) as usize]).collect();
        WeightMatrix { rows, columns, element: ElementType::holding(-greatest, greatest), values }
    }

    /// Weights in groups of `size` columns, each 0 or plus or minus the scale of its group, up to `greatest`.
    fn scaled_weights(&mut self, rows: usize, columns: usize, size: usize, greatest: u64) -> WeightMatrix {
        let mut weights = self.weights_of(rows, columns, &[-1, 0, 1]);
        weights.element = ElementType::holding(-(greatest as i64), greatest as i64);
        for group in weights.values.chunks_mut(size) {
            let scale = 1 + self.below(greatest) as i16;
            group.iter_mut().for_each(|weight| *weight *= scale);
        }
        weights
    }

    /// A dense layer on each pixel.
    pub fn dense(&mut self, from: TensorId, rows: usize, element: ElementType) -> TensorId {
        let weights = self.weights(rows, self.tensor(from).channels, element);
        self.dense_with(from, weights)
    }

    fn dense_with(&mut self, from: TensorId, weights: WeightMatrix) -> TensorId {
        let input = self.tensor(from);
        let rows = weights.rows;
        let (minimum, maximum) = self.sums(&weights, input.minimum, input.maximum);
        let output =
            TensorType { channels: rows, element: ElementType::holding(minimum, maximum), minimum, maximum, ..input };
        self.push(LayerKind::MatrixVector(weights), &[from], output)
    }

    /// A convolution.
    pub fn convolution(
        &mut self,
        from: TensorId,
        window: Window,
        groups: usize,
        padding: i32,
        (rows, element): (usize, ElementType),
    ) -> TensorId {
        let weights = self.weights(rows, self.tensor(from).channels / groups * window.taps(), element);
        self.convolution_with(from, window, groups, padding, weights)
    }

    fn convolution_with(
        &mut self,
        from: TensorId,
        window: Window,
        groups: usize,
        padding: i32,
        weights: WeightMatrix,
    ) -> TensorId {
        let (input, rows) = (self.tensor(from), weights.rows);
        let (low, high) = (input.minimum.min(padding.into()), input.maximum.max(padding.into()));
        let (minimum, maximum) = self.sums(&weights, low, high);
        let [height, width] = window.output(input.height, input.width);
        let element = ElementType::holding(minimum, maximum);
        let output = TensorType { height, width, channels: rows, element, minimum, maximum };
        self.push(LayerKind::Convolution(Convolution { window, groups, padding, weights }), &[from], output)
    }

    /// Rising steps to all values of a type, spread over the middle of the sums.
    pub fn steps(&mut self, from: TensorId, element: ElementType) -> TensorId {
        let input = self.tensor(from);
        let values: Vec<i32> =
            (element.minimum()..=element.maximum()).step_by(element.step() as usize).map(|code| code as i32).collect();
        let spread = ((input.maximum - input.minimum) / 2).max(1) as u64;
        let middle = (input.minimum + input.maximum) / 2;
        let mut step = || {
            let mut boundaries: Vec<i64> =
                (1..values.len()).map(|_| middle - spread as i64 / 2 + self.below(spread) as i64).collect();
            boundaries.sort_unstable();
            boundaries.dedup();
            let values = values[..=boundaries.len()].to_vec();
            StepFunction { boundaries, values }
        };
        let steps = (0..input.channels).map(|_| step()).collect();
        let output = TensorType { element, minimum: element.minimum(), maximum: element.maximum(), ..input };
        self.push(LayerKind::MultiThreshold(steps), &[from], output)
    }

    /// A pool of the greatest, in some channels least, elements.
    pub fn extremum(&mut self, from: TensorId, window: Window) -> TensorId {
        let input = self.tensor(from);
        let [height, width] = window.output(input.height, input.width);
        let least = (0..input.channels).map(|_| self.below(4) == 0).collect();
        let pool = Pool { window, operation: PoolOperation::Extremum(least) };
        self.push(LayerKind::Pool(pool), &[from], TensorType { height, width, ..input })
    }

    /// A pool of sums.
    pub fn sum(&mut self, from: TensorId, window: Window) -> TensorId {
        let input = self.tensor(from);
        let [height, width] = window.output(input.height, input.width);
        let taps = window.taps() as i64;
        let (minimum, maximum) = ((input.minimum * taps).min(input.minimum), (input.maximum * taps).max(input.maximum));
        let element = ElementType::holding(minimum.min(0), maximum.max(0));
        let output = TensorType { height, width, element, minimum, maximum, ..input };
        self.push(LayerKind::Pool(Pool { window, operation: PoolOperation::Sum }), &[from], output)
    }

    /// A sum with one factor a tensor.
    pub fn add(&mut self, inputs: &[(TensorId, i64)]) -> TensorId {
        let ends = |(tensor, factor): &(TensorId, i64)| {
            let tensor = self.tensor(*tensor);
            let (a, b) = (factor * tensor.minimum, factor * tensor.maximum);
            (a.min(b), a.max(b))
        };
        let (minimum, maximum) = inputs.iter().map(ends).fold((0, 0), |(low, high), (a, b)| (low + a, high + b));
        let input = self.tensor(inputs[0].0);
        let output = TensorType { element: ElementType::holding(minimum, maximum), minimum, maximum, ..input };
        let tensors: Vec<TensorId> = inputs.iter().map(|(tensor, _)| *tensor).collect();
        let factors = inputs.iter().map(|(_, factor)| vec![*factor]).collect();
        self.push(LayerKind::Add(Add { factors }), &tensors, output)
    }

    /// A random function of two codes.
    pub fn table(&mut self, first: TensorId, second: TensorId, element: ElementType) -> TensorId {
        let (a, b) = (self.tensor(first), self.tensor(second));
        let entries = 1usize << (a.element.bits() + b.element.bits());
        let codes = ((element.maximum() - element.minimum()) / element.step() + 1) as u64;
        let values = (0..a.channels).map(|_| {
            (0..entries).map(|_| (element.minimum() + element.step() * self.below(codes) as i64) as i32).collect()
        });
        let values = values.collect();
        let output = TensorType { element, minimum: element.minimum(), maximum: element.maximum(), ..a };
        self.push(LayerKind::Table(Table { values }), &[first, second], output)
    }

    /// Channels of two tensors.
    pub fn concat(&mut self, first: TensorId, second: TensorId) -> TensorId {
        let (a, b) = (self.tensor(first), self.tensor(second));
        let (minimum, maximum) = (a.minimum.min(b.minimum), a.maximum.max(b.maximum));
        let output = TensorType { channels: a.channels + b.channels, minimum, maximum, ..a };
        self.push(LayerKind::Concat, &[first, second], output)
    }

    /// Pixels repeated.
    pub fn upsample(&mut self, from: TensorId, vertical: usize, horizontal: usize) -> TensorId {
        let input = self.tensor(from);
        let output = TensorType { height: input.height * vertical, width: input.width * horizontal, ..input };
        self.push(LayerKind::Upsample { vertical, horizontal }, &[from], output)
    }

    /// One pixel.
    pub fn flatten(&mut self, from: TensorId) -> TensorId {
        let input = self.tensor(from);
        let output = TensorType { height: 1, width: 1, channels: input.elements(), ..input };
        self.push(LayerKind::Reshape, &[from], output)
    }

    /// The index of the greatest channel.
    pub fn arg_max(&mut self, from: TensorId) -> TensorId {
        let last = self.tensor(from).channels as i64 - 1;
        let element = ElementType::holding(0, last.max(1));
        self.network.output_map.reduction = Reduction::Index;
        let output = TensorType { height: 1, width: 1, channels: 1, element, minimum: 0, maximum: last };
        self.push(LayerKind::ArgMax, &[from], output)
    }
}

/// ±1.
pub const BIPOLAR: ElementType = ElementType::Bipolar;
/// 0 to 3.
pub const U2: ElementType = ElementType::Unsigned { bits: 2 };
/// 0 to 15.
const U4: ElementType = ElementType::Unsigned { bits: 4 };
/// −4 to 3.
pub const I3: ElementType = ElementType::Signed { bits: 3 };

/// Every kind of layer, in networks small enough to simulate clock by clock.
pub fn all(seed: u64) -> Vec<Network> {
    let mut networks = Vec::new();

    let (mut b, x) = Builder::new("padded_bipolar", [6, 5, 7], BIPOLAR, seed);
    let x = b.convolution(x, window(3, 1, 1), 1, 0, (6, BIPOLAR));
    let x = b.steps(x, BIPOLAR);
    let x = b.convolution(x, window(3, 2, 1), 1, 0, (5, BIPOLAR));
    networks.push(b.finish(x));

    let (mut b, x) = Builder::new("convolution_pool", [9, 9, 2], I3, seed);
    let x = b.convolution(x, window(3, 1, 0), 1, 0, (8, I3));
    let x = b.steps(x, U2);
    let x = b.extremum(x, window(2, 2, 0));
    let x = b.convolution(x, window(2, 1, 0), 1, 0, (6, BIPOLAR));
    let x = b.steps(x, U2);
    let x = b.flatten(x);
    let x = b.dense(x, 5, I3);
    let x = b.arg_max(x);
    networks.push(b.finish(x));

    let (mut b, x) = Builder::new("residual", [6, 6, 4], U2, seed);
    let y = b.convolution(x, window(3, 1, 1), 1, 0, (4, I3));
    let y = b.steps(y, U2);
    let y = b.convolution(y, window(3, 1, 1), 1, 0, (4, I3));
    let y = b.steps(y, U2);
    let x = b.add(&[(x, 3), (y, -2)]);
    let x = b.steps(x, U2);
    let x = b.convolution(x, window(1, 1, 0), 1, 0, (3, I3));
    networks.push(b.finish(x));

    let (mut b, x) = Builder::new("branches", [5, 5, 3], U2, seed);
    let y = b.convolution(x, window(3, 1, 1), 1, 0, (4, I3));
    let y = b.steps(y, U2);
    let z = b.concat(x, y);
    let w = b.dense(z, 3, BIPOLAR);
    let w = b.steps(w, U2);
    let t = b.table(x, w, I3);
    networks.push(b.finish(t));

    let (mut b, x) = Builder::new("depthwise", [7, 6, 5], U2, seed);
    let x = b.convolution(x, window(3, 1, 1), 5, 0, (5, I3));
    let x = b.steps(x, BIPOLAR);
    let x = b.convolution(x, window(3, 2, 1), 5, 0, (5, BIPOLAR));
    let x = b.steps(x, U2);
    let x = b.dense(x, 4, I3);
    networks.push(b.finish(x));

    let (mut b, x) = Builder::new("grouped", [5, 6, 6], BIPOLAR, seed);
    let x = b.convolution(x, window(3, 1, 1), 2, 0, (8, BIPOLAR));
    let x = b.steps(x, U2);
    let x = b.convolution(x, window(2, 2, 0), 4, 0, (12, I3));
    let x = b.steps(x, U2);
    let x = b.sum(x, window(2, 1, 0));
    let x = b.steps(x, U2);
    networks.push(b.finish(x));

    let (mut b, x) = Builder::new("global_pool", [4, 4, 3], BIPOLAR, seed);
    let x = b.convolution(x, window(3, 1, 1), 1, -1, (5, BIPOLAR));
    let x = b.steps(x, U2);
    let x = b.sum(x, window(4, 1, 0));
    let x = b.dense(x, 4, I3);
    networks.push(b.finish(x));

    let (mut b, x) = Builder::new("upsample", [3, 4, 3], U2, seed);
    let x = b.convolution(x, window(2, 1, 0), 1, 0, (4, I3));
    let x = b.steps(x, BIPOLAR);
    let x = b.upsample(x, 2, 3);
    let x = b.sum(x, window(3, 1, 1));
    networks.push(b.finish(x));

    let (mut b, x) = Builder::new("one_dimensional", [1, 20, 3], I3, seed);
    let line = |kernel: usize, stride: usize, dilation: usize, before: usize| Window {
        kernel: [1, kernel],
        stride: [1, stride],
        dilation: [1, dilation],
        before: [0, before],
        after: [0, before],
    };
    let x = b.convolution(x, line(3, 1, 2, 2), 1, 0, (6, BIPOLAR));
    let x = b.steps(x, U2);
    let x = b.extremum(x, line(3, 2, 1, 1));
    let x = b.flatten(x);
    let x = b.dense(x, 3, BIPOLAR);
    networks.push(b.finish(x));

    let (mut b, x) = Builder::new("read_twice", [3, 3, 4], U2, seed);
    let x = b.dense(x, 6, BIPOLAR);
    let x = b.steps(x, U2);
    let y = b.add(&[(x, 1), (x, 2)]);
    let y = b.steps(y, U2);
    let z = b.concat(y, x);
    networks.push(b.finish(z));

    let (mut b, x) = Builder::new("powers_of_two", [6, 5, 6], BIPOLAR, seed);
    let weights = b.weights_of(7, 6 * 9, &[0, 1, -1, 4, -16, 64]);
    let x = b.convolution_with(x, window(3, 1, 1), 1, 0, weights);
    let x = b.steps(x, U4);
    let weights = b.weights_of(6, 7 * 4, &[0, 1, -1, 2, -2, 4, -4, 8, -8]);
    let x = b.convolution_with(x, window(2, 1, 0), 1, 0, weights);
    let x = b.steps(x, U4);
    let weights = b.weights_of(5, 6, &[0, 1, -3, 12, 34, -80, 128, -127, 65]);
    let x = b.dense_with(x, weights);
    let x = b.steps(x, U4);
    let weights = b.weights_of(5, 9, &[1, -3, 8, 12]);
    let x = b.convolution_with(x, window(3, 1, 0), 5, 0, weights);
    networks.push(b.finish(x));

    let (mut b, x) = Builder::new("sums_of_factors", [6, 5, 8], BIPOLAR, seed);
    let weights = b.weights_of(8, 8 * 9, &[-54, -44, -20, 54]);
    let x = b.convolution_with(x, window(3, 1, 0), 1, 0, weights);
    let x = b.steps(x, BIPOLAR);
    let weights = b.weights_of(5, 8, &[-2, -1, 2]);
    let x = b.dense_with(x, weights);
    networks.push(b.finish(x));

    let (mut b, x) = Builder::new("scaled_groups", [5, 4, 8], BIPOLAR, seed);
    let weights = b.scaled_weights(12, 8 * 9, 4, 100);
    let x = b.convolution_with(x, window(3, 1, 1), 1, 0, weights);
    let x = b.steps(x, U4);
    let weights = b.scaled_weights(8, 6 * 4, 6, 255);
    let x = b.convolution_with(x, window(2, 1, 0), 2, 0, weights);
    let x = b.steps(x, U4);
    let weights = b.scaled_weights(5, 8, 8, 23);
    let x = b.dense_with(x, weights);
    networks.push(b.finish(x));

    networks
}
