//! How fast the packed engine is: `cargo run --release -p xnorforge-sim --example packed_speed [MODEL.onnx | NAME]`.
//!
//! Without a model, random networks of the shapes of LFC (`lfc`: a binarised perceptron 784-1024-1024-1024-10) and CNV
//! (`cnv`: six 3 × 3 convolutions and three dense layers over 32 × 32 pixels of three channels of 8 bits).

use abi::maps::Reduction;
use abi::{ElementType, InputMap, OutputMap, StepFunction};
use network::network::{
    Convolution, Layer, LayerKind, Network, Pool, PoolOperation, TensorId, TensorType, WeightMatrix, Window,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sim::packed::{Packed, PackedState};
use sim::{Executor, RunOptions};
use std::time::Instant;

/// A binarised network under construction, one layer after the other.
struct Builder {
    random: ChaCha8Rng,
    tensors: Vec<TensorType>,
    layers: Vec<Layer>,
}

impl Builder {
    fn new(input: TensorType) -> Self {
        Builder { random: ChaCha8Rng::seed_from_u64(1), tensors: vec![input], layers: Vec::new() }
    }

    fn last(&self) -> TensorType {
        self.tensors[self.tensors.len() - 1]
    }

    fn layer(&mut self, kind: LayerKind, output: TensorType) {
        let (input, next) = (TensorId(self.tensors.len() - 1), TensorId(self.tensors.len()));
        self.tensors.push(output);
        self.layers.push(Layer {
            name: format!("{}_{}", kind.name(), next.0),
            kind,
            inputs: vec![input],
            output: next,
        });
    }

    fn weights(&mut self, rows: usize, columns: usize) -> (WeightMatrix, ElementType) {
        let values = (0..rows * columns).map(|_| if self.random.random() { 1 } else { -1 }).collect();
        let most = columns as i64 * self.last().maximum.max(-self.last().minimum);
        let sums = ElementType::holding(-most, most);
        (WeightMatrix { rows, columns, element: ElementType::Bipolar, values }, sums)
    }

    fn dense(&mut self, rows: usize) {
        let (weights, sums) = self.weights(rows, self.last().channels);
        self.layer(LayerKind::MatrixVector(weights), TensorType::vector(rows, sums));
    }

    fn convolution(&mut self, rows: usize) {
        let input = self.last();
        let (weights, sums) = self.weights(rows, 9 * input.channels);
        let window = Window { kernel: [3; 2], stride: [1; 2], dilation: [1; 2], before: [0; 2], after: [0; 2] };
        let [height, width] = window.output(input.height, input.width);
        let kind = LayerKind::Convolution(Convolution { window, groups: 1, padding: 0, weights });
        self.layer(kind, TensorType { height, width, ..TensorType::vector(rows, sums) });
        self.signs();
    }

    fn signs(&mut self) {
        let input = self.last();
        let random = &mut self.random;
        let mut step = || StepFunction { boundaries: vec![random.random_range(-20..20)], values: vec![-1, 1] };
        let steps = (0..input.channels).map(|_| step()).collect();
        let output = TensorType::vector(input.channels, ElementType::Bipolar);
        let output = TensorType { height: input.height, width: input.width, ..output };
        self.layer(LayerKind::MultiThreshold(steps), output);
    }

    fn pool(&mut self) {
        let input = self.last();
        let window = Window { kernel: [2; 2], stride: [2; 2], dilation: [1; 2], before: [0; 2], after: [0; 2] };
        let operation = PoolOperation::Extremum(vec![false; input.channels]);
        let output = TensorType { height: input.height / 2, width: input.width / 2, ..input };
        self.layer(LayerKind::Pool(Pool { window, operation }), output);
    }

    fn finish(self, name: &str, function: StepFunction<f32>) -> Network {
        let (input, output) = (self.tensors[0], self.last());
        Network {
            name: name.to_owned(),
            output: TensorId(self.tensors.len() - 1),
            tensors: self.tensors,
            layers: self.layers,
            input: TensorId(0),
            input_map: InputMap {
                domain: None,
                shape: vec![1, input.channels, input.height, input.width],
                element: input.element,
                functions: vec![function],
                function_of: Vec::new(),
                source_of: channels_last(&input),
            },
            output_map: OutputMap {
                shape: vec![output.channels],
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
        }
    }
}

/// Where each element of a tensor stands in an image with its channels first.
fn channels_last(tensor: &TensorType) -> Vec<u32> {
    let pixels = tensor.vectors();
    let of_pixel = |pixel| (0..tensor.channels).map(move |channel| (channel * pixels + pixel) as u32);
    (0..pixels).flat_map(of_pixel).collect()
}

fn lfc() -> Network {
    let mut builder = Builder::new(TensorType::vector(784, ElementType::Bipolar));
    for _ in 0..3 {
        builder.dense(1024);
        builder.signs();
    }
    builder.dense(10);
    builder.finish("lfc", StepFunction { boundaries: vec![128.0], values: vec![-1, 1] })
}

fn cnv() -> Network {
    let bytes = TensorType::vector(3, ElementType::Unsigned { bits: 8 });
    let mut builder = Builder::new(TensorType { height: 32, width: 32, ..bytes });
    for (index, rows) in [64, 64, 128, 128, 256, 256].into_iter().enumerate() {
        builder.convolution(rows);
        if index == 1 || index == 3 {
            builder.pool();
        }
    }
    // One pixel is left.
    for rows in [512, 512] {
        builder.dense(rows);
        builder.signs();
    }
    builder.dense(10);
    let codes = StepFunction { boundaries: (1..256).map(|code| code as f32).collect(), values: (0..256).collect() };
    builder.finish("cnv", codes)
}

/// Nanoseconds that this thread has had a processor for, where the system tells: others may want it too.
fn processor_time() -> Option<u64> {
    std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    match std::env::args_os().nth(1) {
        Some(name) if name == "lfc" => measure(&lfc()),
        Some(name) if name == "cnv" => measure(&cnv()),
        Some(path) => measure(&compiler::lower::lower(&network::onnx::import(std::path::Path::new(&path))?)?),
        None => {
            measure(&lfc())?;
            measure(&cnv())
        }
    }
}

fn measure(network: &Network) -> Result<(), Box<dyn std::error::Error>> {
    network.validate()?;
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let pixels = network.input_map.len();
    let images: Vec<Vec<f32>> =
        (0..5_000).map(|_| (0..pixels).map(|_| f32::from(random.random::<u8>())).collect()).collect();
    println!("{}: {} operations, {} weight bits", network.name, network.operations(), network.weight_bits());

    let start = Instant::now();
    let mut packed = Packed::new(network);
    println!("prepared in {:.1} ms", start.elapsed().as_secs_f64() * 1e3);

    let mut state = PackedState::default();
    let count = images.len().min(2_000);
    let (mut best, mut least) = (f64::INFINITY, None::<u64>);
    for _ in 0..5 {
        let (start, before) = (Instant::now(), processor_time());
        for image in &images[..count] {
            packed.run_one(image, &mut state)?;
        }
        best = best.min(start.elapsed().as_secs_f64() / count as f64);
        let taken = processor_time().zip(before).map(|(after, before)| after - before);
        least = [least, taken].into_iter().flatten().min();
    }
    println!("one core: {:.1} us per image", best * 1e6);
    if let Some(nanoseconds) = least {
        println!("of these the processor worked {:.1} us", nanoseconds as f64 / 1e3 / count as f64);
    }

    let start = Instant::now();
    packed.run(&images, &RunOptions::default())?;
    let each = start.elapsed().as_secs_f64() / images.len() as f64;
    println!("all {} cores: {:.1} us per image, {:.0} images/s", rayon::current_num_threads(), each * 1e6, 1.0 / each);

    let start = Instant::now();
    for image in &images[..5] {
        network::integer::run(network, image)?;
    }
    println!("naive evaluator: {:.0} us per image", start.elapsed().as_secs_f64() / 5.0 * 1e6);
    Ok(())
}
