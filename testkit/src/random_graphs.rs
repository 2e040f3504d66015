//! Random small graphs: every shape, ties, dead channels, thresholds out of reach.

mod convolutional;
mod ends;
mod moves;
mod topologies;

pub use convolutional::random_convolutional_graph;
pub use topologies::random_topology_graph;

use network::graph::{Graph, Node, NodeId, Operator, RoundingMode, Source, Value, ValueId};
use network::tensor::Tensor;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A graph under construction. Parameters behind the image's quantiser are short dyadic fractions, so that ties occur at
/// every quantiser; before it they are what pixels are prepared with, and ties occur but for float32 rounding.
struct Builder {
    random: ChaCha8Rng,
    nodes: Vec<Node>,
    values: Vec<Value>,
    last: ValueId,
    /// Whether weights may be other than ±1.
    wide_weights: bool,
    /// Most bits of an activation.
    most_bits: u32,
}

impl Builder {
    fn value(&mut self, shape: Vec<usize>, source: Source) -> ValueId {
        let name = format!("v{}", self.values.len());
        self.values.push(Value { name, shape, source, is_integer: false, is_codes: false });
        ValueId(self.values.len() - 1)
    }

    fn constant(&mut self, shape: Vec<usize>, data: Vec<f64>) -> ValueId {
        self.value(shape.clone(), Source::Constant(Tensor::new(shape, data)))
    }

    fn scalar(&mut self, value: f64) -> ValueId {
        self.constant(Vec::new(), vec![value])
    }

    fn node(&mut self, operator: Operator, constants: &[ValueId], shape: Vec<usize>) {
        let output = self.value(shape, Source::Node(NodeId(self.nodes.len())));
        let mut inputs = vec![self.last];
        inputs.extend(constants);
        let name = format!("{}_{}", operator.name(), self.nodes.len());
        self.nodes.push(Node { name, operator, inputs, outputs: vec![output] });
        self.last = output;
    }

    /// Channels of the last value.
    fn width(&self) -> usize {
        self.shape()[1]
    }

    fn shape(&self) -> Vec<usize> {
        self.values[self.last.0].shape.clone()
    }

    fn elements(&self) -> usize {
        self.shape().iter().product()
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.random.random_bool(probability)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.random.random_range(0..limit)
    }

    /// A power of two from 1/4 to 2.
    fn scale(&mut self) -> f64 {
        *[0.25, 0.5, 1.0, 2.0].choose(&mut self.random).unwrap()
    }

    /// Weights of 1 to 4 bits, ternary among them, with one scale or one a row.
    fn weights(&mut self, rows: usize, columns: usize) -> Vec<f64> {
        let kind = if self.wide_weights { self.below(4) } else { 0 };
        let per_row = self.chance(0.5);
        let mut scale = self.scale();
        let mut weights = vec![0.0; rows * columns];
        for row in weights.chunks_mut(columns.max(1)) {
            if per_row {
                scale = self.scale();
            }
            for weight in row {
                let integer = match kind {
                    0 => 2 * self.random.random_range(0..2) - 1,
                    1 => self.random.random_range(-1..=1),
                    2 => self.random.random_range(-2..=1),
                    _ => self.random.random_range(-8..=7),
                };
                *weight = f64::from(integer) * scale;
            }
        }
        weights
    }

    fn dot(&mut self, rows: usize) {
        let columns = self.width();
        let weights = self.weights(rows, columns);
        if self.random.random() {
            let weights = self.constant(vec![columns, rows], weights);
            self.node(Operator::MatMul, &[weights], vec![1, rows]);
        } else {
            let weights = self.constant(vec![rows, columns], weights);
            let bias = (0..rows).map(|_| f64::from(self.random.random_range(-4..=4)) / 2.0).collect();
            let bias = self.constant(vec![rows], bias);
            let gemm = Operator::Gemm { alpha: 1.0, beta: 0.5, transpose_a: false, transpose_b: true };
            self.node(gemm, &[weights, bias], vec![1, rows]);
        }
    }

    /// Normalisation whose deviations are 1, 2 or 4, with means on reachable sums and slopes of any sign.
    fn normalise(&mut self) {
        let channels = self.width();
        let mut column = |make: &mut dyn FnMut(&mut ChaCha8Rng) -> f64| {
            let data = (0..channels).map(|_| make(&mut self.random)).collect();
            self.constant(vec![channels], data)
        };
        let slope = column(&mut |random| f64::from(random.random_range(-3..=3)) / 2.0);
        let shift = column(&mut |random| {
            if random.random_bool(0.5) { 0.0 } else { f64::from(random.random_range(-6..=6)) / 4.0 }
        });
        let mean = column(&mut |random| {
            if random.random_bool(0.1) { 1000.0 } else { f64::from(random.random_range(-8..=8)) / 2.0 }
        });
        let variance = column(&mut |random| [0.75, 3.75, 15.75][random.random_range(0..3)]);
        let operator = Operator::BatchNormalization { epsilon: 0.25 };
        let shape = self.shape();
        self.node(operator, &[slope, shift, mean, variance], shape);
    }

    fn quantise(&mut self, allow_wide: bool) {
        let shape = self.shape();
        let scale = self.scale();
        let scale = self.scalar(scale);
        match self.random.random_range(0..if allow_wide { 4 } else { 2 }) {
            0 => self.node(Operator::BipolarQuant, &[scale], shape),
            1 => {
                let channels = self.width();
                let thresholds = (0..channels).map(|_| f64::from(self.random.random_range(-9..=9)) / 2.0).collect();
                let thresholds = self.constant(vec![channels, 1], thresholds);
                let operator = Operator::MultiThreshold { out_scale: 2.0, out_bias: -1.0, channel_axis: 1 };
                self.node(operator, &[thresholds], shape);
            }
            _ => {
                let zero = self.scalar(0.0);
                let bits = self.random.random_range(2..=self.most_bits);
                let bits = self.scalar(f64::from(bits));
                let rounding = self.rounding();
                let signed = self.random.random();
                let narrow = signed && self.random.random();
                if self.random.random() {
                    self.node(Operator::Relu, &[], shape.clone());
                }
                self.node(Operator::Quant { signed, narrow, rounding }, &[scale, zero, bits], shape);
            }
        }
    }
}

impl Builder {
    /// Biases that are taken away again: exact arithmetic keeps what they are added to, which two of them and a sum in two
    /// numbers of f64 do not.
    fn huge_bias(&mut self) {
        let shape = self.shape();
        let choices: [&[f32]; 3] = [&[1e8], &[1e16], &[-1e37, 1e17]];
        let biases = choices[self.nodes.len() % 3];
        for operator in [Operator::Add, Operator::Sub] {
            for bias in biases {
                let bias = self.scalar(f64::from(*bias));
                self.node(operator.clone(), &[bias], shape.clone());
            }
        }
    }

    /// Onto a coarser grid, by each of the operators that go to integers. It draws nothing.
    fn round(&mut self) {
        let (shape, count) = (self.shape(), self.nodes.len());
        let step = self.scalar([0.5, 1.0, 3.0][count % 3]);
        let operators = [Operator::Round, Operator::Floor, Operator::Ceil];
        self.node(Operator::Div, &[step], shape.clone());
        self.node(operators[count / 3 % 3].clone(), &[], shape.clone());
        self.node(Operator::Mul, &[step], shape);
    }

    /// The image's quantiser, often behind what prepares pixels: all of it in float32. With `any_grid` its scale need not
    /// be dyadic and zero may have any code. It draws from a generator of its own.
    fn quantise_image(&mut self, seed: u64, any_grid: bool) {
        let (nodes, values, image) = (self.nodes.len(), self.values.len(), self.last);
        self.quantise(true);
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0xf10a7);
        if random.random_bool(0.3) {
            return;
        }
        self.nodes.truncate(nodes);
        self.values.truncate(values);
        self.last = image;
        std::mem::swap(&mut self.random, &mut random);
        let shape = self.shape();
        for (operator, parameter) in [(Operator::Mul, 1.0 / 255.0), (Operator::Sub, 0.485f32), (Operator::Div, 0.229)] {
            if self.chance(0.3) {
                let parameter = self.scalar(f64::from(parameter));
                self.node(operator, &[parameter], shape.clone());
            }
        }
        let scales = if any_grid { [1.0f32 / 255.0, 2.0 / 255.0, 1.0 / 127.0, 0.1] } else { [0.25, 0.5, 1.0, 2.0] };
        let scale = *scales.choose(&mut self.random).unwrap();
        let scale = self.scalar(f64::from(scale));
        let bits = self.random.random_range(2..=self.most_bits);
        let signed = self.chance(0.5);
        let narrow = self.chance(0.3);
        let least = if signed { -(1 << (bits - 1)) } else { 0 };
        let has_zero_point = any_grid && self.chance(0.5);
        let zero = if has_zero_point { least + 1 + self.below((1 << bits) - 2) as i32 } else { 0 };
        let (zero, bits) = (self.scalar(f64::from(zero)), self.scalar(f64::from(bits)));
        let rounding = self.rounding();
        self.node(Operator::Quant { signed, narrow, rounding }, &[scale, zero, bits], shape);
        self.random = random;
    }

    fn rounding(&mut self) -> RoundingMode {
        let modes = [
            RoundingMode::HalfEven,
            RoundingMode::Ceil,
            RoundingMode::Floor,
            RoundingMode::Up,
            RoundingMode::Down,
            RoundingMode::HalfUp,
            RoundingMode::HalfDown,
        ];
        *modes.choose(&mut self.random).unwrap()
    }

    fn finish(self, seed: u64) -> Graph {
        Graph {
            name: format!("random_{seed}"),
            opset: 13,
            output: self.last,
            nodes: self.nodes,
            values: self.values,
            input: ValueId(0),
            weight_types: Default::default(),
            input_type: None,
            remarks: Vec::new(),
            approximations: Vec::new(),
        }
    }
}

/// The random perceptron of `seed` with one to three layers of 1 to `widest` channels.
pub fn random_graph(seed: u64, widest: usize) -> Graph {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let inputs = random.random_range(1..=widest);
    let layers = random.random_range(1..=3);
    let input = Value {
        name: "image".into(),
        shape: vec![1, inputs],
        source: Source::Input,
        is_integer: false,
        is_codes: false,
    };
    let mut builder =
        Builder { random, nodes: Vec::new(), values: vec![input], last: ValueId(0), wide_weights: false, most_bits: 8 };
    builder.quantise_image(seed, true);
    for layer in 0..layers {
        let rows = builder.random.random_range(1..=widest);
        builder.dot(rows);
        if layer + 1 < layers || builder.random.random() {
            if seed % 7 == layer {
                builder.huge_bias();
            }
            if layer + 1 < layers && seed % 5 == layer + 1 {
                builder.round();
            }
            builder.normalise();
        }
        if layer + 1 < layers {
            builder.quantise(true);
            builder.scale_by_channel(seed);
        }
    }
    if builder.random.random_bool(0.3) {
        builder.node(Operator::ArgMax { axis: 1, last: false }, &[], vec![1, 1]);
        let last = builder.last.0;
        builder.values[last].is_integer = true;
    } else {
        builder.end_on_host(seed);
    }
    builder.finish(seed)
}

/// Random images for `graph`: halves, which lie on ties of dyadic scales, or pixels k / 255, which lie on those of others.
pub fn random_images(graph: &Graph, seed: u64, count: usize) -> Vec<Vec<f32>> {
    let mut random = ChaCha8Rng::seed_from_u64(!seed);
    let values: usize = graph.value(graph.input).shape.iter().product();
    let are_pixels = random.random_bool(0.5);
    let mut value = || match are_pixels {
        true => random.random_range(-255..=255) as f32 / 255.0,
        false => random.random_range(-9..=9) as f32 / 2.0,
    };
    (0..count).map(|_| (0..values).map(|_| value()).collect()).collect()
}
