//! Random small convolutional graphs: windows of all kinds, pools before and after quantisers, forks and joins.

use super::Builder;
use network::graph::{Graph, Operator, Source, Value, ValueId, Window};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Most elements of a value: simulations are to take no longer than a moment.
pub(super) const MAX_ELEMENTS: usize = 700;

impl Builder {
    /// A graph that begins with an image of one or two spatial axes of up to `longest` pixels.
    pub(super) fn on_image(seed: u64, longest: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut shape = vec![1, random.random_range(1..=9)];
        for _ in 0..random.random_range(1..=2) {
            shape.push(random.random_range(1..=longest));
        }
        let input = Value { name: "image".into(), shape, source: Source::Input, is_integer: false, is_codes: false };
        Builder { random, nodes: Vec::new(), values: vec![input], last: ValueId(0), wide_weights: true, most_bits: 4 }
    }

    /// A random window over the spatial axes of the last value, and the shape it leads to; `pool` windows always see
    /// an element of the image.
    fn window(&mut self, pool: bool) -> Option<(Window, Vec<usize>)> {
        let spatial = self.shape()[2..].to_vec();
        let axes = spatial.len();
        let mut window = Window {
            kernel: vec![],
            strides: vec![],
            dilations: vec![],
            pads_before: vec![],
            pads_after: vec![],
            overhang: vec![0; axes],
        };
        let mut output = Vec::new();
        for extent in spatial {
            let kernel = self.random.random_range(1..=if pool { 3 } else { 5 });
            let dilation = self.random.random_range(1..=2);
            let stride = self.random.random_range(1..=3);
            let span = dilation * (kernel - 1) + 1;
            let most = if pool { 2.min((kernel - 1) / 2) } else { 2 };
            // With a dilation, the taps of a pool's window might all fall beside a small image.
            let most = if pool && dilation > 1 { 0 } else { most };
            let (before, after) = (self.random.random_range(0..=most), self.random.random_range(0..=most));
            let room = (extent + before + after).checked_sub(span)?;
            window.kernel.push(kernel);
            window.strides.push(stride);
            window.dilations.push(dilation);
            window.pads_before.push(before);
            window.pads_after.push(after);
            output.push(room / stride + 1);
        }
        Some((window, output))
    }

    /// A convolution with `rows` output channels, which its groups divide; nothing where the window does not fit.
    pub(super) fn convolve(&mut self) {
        let Some((window, spatial)) = self.window(false) else {
            return;
        };
        let groups = self.groups();
        let rows = if self.chance(0.5) && groups > 1 {
            groups
        } else {
            groups * self.random.random_range(1..=9usize.div_ceil(groups))
        };
        self.convolution(window, spatial, groups, rows);
    }

    /// Groups that divide the channels of the last value.
    pub(super) fn groups(&mut self) -> usize {
        let channels = self.width();
        match self.below(4) {
            0 => channels,
            1 if channels.is_multiple_of(2) => 2,
            _ => 1,
        }
    }

    fn convolution(&mut self, window: Window, spatial: Vec<usize>, groups: usize, rows: usize) {
        let own = self.width() / groups;
        let taps: usize = window.kernel.iter().product();
        if rows * spatial.iter().product::<usize>() > MAX_ELEMENTS {
            return;
        }
        let weights = self.weights(rows, own * taps);
        let mut shape = vec![rows, own];
        shape.extend(&window.kernel);
        let weights = self.constant(shape, weights);
        let mut inputs = vec![weights];
        if self.chance(0.3) {
            let bias = (0..rows).map(|_| f64::from(self.random.random_range(-4..=4)) / 2.0).collect();
            inputs.push(self.constant(vec![rows], bias));
        }
        let mut shape = vec![1, rows];
        shape.extend(spatial);
        self.node(Operator::Conv { window, groups }, &inputs, shape);
    }

    pub(super) fn max_pool(&mut self) {
        let channels = self.width();
        if let Some((window, spatial)) = self.window(true) {
            let mut shape = vec![1, channels];
            shape.extend(spatial);
            self.node(Operator::MaxPool { window }, &[], shape);
        }
    }

    /// A mean over windows without a border, or over the whole image. Extents are powers of two so that sums divide.
    pub(super) fn average_pool(&mut self) {
        let shape = self.shape();
        let axes = shape.len() - 2;
        if self.chance(0.4) && shape[2..].iter().all(|extent| extent.is_power_of_two()) {
            self.average(shape[2..].to_vec());
        } else if shape[2..].iter().all(|extent| *extent >= 2) {
            self.average(vec![2; axes]);
        }
    }

    /// A mean over windows of `kernel` that lie side by side.
    pub(super) fn average(&mut self, kernel: Vec<usize>) {
        let shape = self.shape();
        let axes = kernel.len();
        let strides = kernel.clone();
        let output = |axis: usize| (shape[axis + 2] - kernel[axis]) / strides[axis] + 1;
        let spatial: Vec<usize> = (0..axes).map(output).collect();
        let zeros = vec![0; axes];
        let window = Window {
            kernel,
            strides,
            dilations: vec![1; axes],
            pads_before: zeros.clone(),
            pads_after: zeros.clone(),
            overhang: zeros,
        };
        let mut output = vec![1, shape[1]];
        output.extend(spatial);
        self.node(Operator::AveragePool { window, count_include_pad: false }, &[], output);
    }

    pub(super) fn pad(&mut self, value: f64) {
        let shape = self.shape();
        let mut before = vec![0, 0];
        let mut after = vec![0, 0];
        for _ in 2..shape.len() {
            before.push(self.below(3));
            after.push(self.below(3));
        }
        let padded: Vec<usize> = (0..shape.len()).map(|axis| shape[axis] + before[axis] + after[axis]).collect();
        if padded.iter().product::<usize>() <= MAX_ELEMENTS {
            self.node(Operator::Pad { before, after, value }, &[], padded);
        }
    }

    pub(super) fn upsample(&mut self) {
        let shape = self.shape();
        let mut factors = vec![1, 1];
        for _ in 2..shape.len() {
            factors.push(self.random.random_range(1..=2));
        }
        let larger: Vec<usize> = shape.iter().zip(&factors).map(|(extent, factor)| extent * factor).collect();
        if larger.iter().product::<usize>() <= MAX_ELEMENTS {
            self.node(Operator::Upsample { factors }, &[], larger);
        }
    }

    /// One branch of a fork: a convolution that keeps the pixels, normalised and quantised.
    pub(super) fn branch(&mut self, groups: usize, rows: usize) -> ValueId {
        let shape = self.shape();
        let axes = shape.len() - 2;
        let kernel = if self.chance(0.5) { 3 } else { 1 };
        let window = Window {
            kernel: vec![kernel; axes],
            strides: vec![1; axes],
            dilations: vec![1; axes],
            pads_before: vec![(kernel - 1) / 2; axes],
            pads_after: vec![(kernel - 1) / 2; axes],
            overhang: vec![0; axes],
        };
        self.convolution(window, shape[2..].to_vec(), groups, rows);
        self.normalise();
        self.quantise(true);
        self.last
    }

    /// A fork whose branches are added, with or without a layer on the second.
    fn residual(&mut self) {
        let start = self.last;
        let rows = self.width();
        let first = self.branch(1, rows);
        self.last = start;
        let second = if self.chance(0.5) { self.branch(1, rows) } else { start };
        self.last = first;
        if self.values[first.0].shape == self.values[second.0].shape {
            let shape = self.shape();
            let operator = if self.chance(0.8) { Operator::Add } else { Operator::Sub };
            self.node(operator, &[second], shape);
        }
    }

    /// A fork whose branches are concatenated.
    fn concatenate(&mut self) {
        let start = self.last;
        let rows = self.random.random_range(1..=4);
        let first = self.branch(1, rows);
        self.last = start;
        let second = if self.chance(0.5) {
            let rows = self.random.random_range(1..=4);
            self.branch(1, rows)
        } else {
            start
        };
        let mut shape = self.values[first.0].shape.clone();
        if shape[2..] == self.values[second.0].shape[2..] {
            shape[1] += self.values[second.0].shape[1];
            self.last = first;
            self.node(Operator::Concat { axis: 1 }, &[second], shape);
        }
    }
}

/// The random convolutional network of `seed`: one or two spatial axes, one to three stages, and a layer at the end that
/// reads all pixels.
pub fn random_convolutional_graph(seed: u64) -> Graph {
    let mut builder = Builder::on_image(seed, 8);
    let stages = builder.random.random_range(1..=3);
    builder.quantise_image(seed, false);
    for _ in 0..stages {
        if builder.chance(0.1) {
            builder.pad(0.0);
        }
        match builder.below(8) {
            0 => builder.residual(),
            1 => builder.concatenate(),
            2 => builder.upsample(),
            _ => builder.convolve(),
        }
        if builder.chance(0.25) {
            builder.max_pool();
        }
        if builder.chance(0.2) {
            builder.average_pool();
        }
        if seed.is_multiple_of(5) {
            builder.huge_bias();
        }
        if seed % 4 == 1 {
            builder.round();
        }
        builder.normalise();
        builder.quantise(true);
        builder.scale_by_channel(seed);
        if builder.chance(0.25) {
            builder.max_pool();
        }
    }
    if builder.chance(0.8) {
        let elements = builder.elements();
        builder.node(Operator::Reshape, &[], vec![1, elements]);
        let rows = builder.random.random_range(1..=9);
        builder.dot(rows);
    }
    builder.end_on_host(seed);
    builder.finish(seed)
}
