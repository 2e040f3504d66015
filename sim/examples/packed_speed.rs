//! How fast the packed engine is: `cargo run --release -p xnorforge-sim --example packed_speed [MODEL.onnx]`.
//!
//! Without a model, a random binarised perceptron 784-1024-1024-1024-10 (the shape of LFC) with 8-bit inputs.

use abi::maps::Reduction;
use abi::{ElementType, InputMap, OutputMap, StepFunction};
use network::network::{Layer, LayerKind, Network, TensorId, TensorType, WeightMatrix};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sim::packed::{Packed, PackedState};
use sim::{Executor, RunOptions};
use std::time::Instant;

fn perceptron(widths: &[usize]) -> Network {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut tensors = vec![TensorType::full(1, widths[0], ElementType::Bipolar)];
    let mut layers = Vec::new();
    let mut add = |kind: LayerKind, output: TensorType| {
        let (input, next) = (TensorId(tensors.len() - 1), TensorId(tensors.len()));
        tensors.push(output);
        layers.push(Layer { name: format!("{}_{}", kind.name(), next.0), kind, input, output: next });
    };
    for (index, pair) in widths.windows(2).enumerate() {
        let (columns, rows) = (pair[0], pair[1]);
        let element = ElementType::Bipolar;
        let values = (0..rows * columns).map(|_| if random.random() { 1 } else { -1 }).collect();
        let sums = ElementType::holding(-(columns as i64), columns as i64);
        let weights = WeightMatrix { rows, columns, element, values };
        add(LayerKind::MatrixVector(weights), TensorType::full(1, rows, sums));
        if index + 2 < widths.len() {
            let mut step = || StepFunction { boundaries: vec![random.random_range(-20..20)], values: vec![-1, 1] };
            let steps = (0..rows).map(|_| step()).collect();
            add(LayerKind::MultiThreshold(steps), TensorType::full(1, rows, element));
        }
    }
    let classes = widths[widths.len() - 1];
    Network {
        name: format!("perceptron {widths:?}"),
        output: TensorId(tensors.len() - 1),
        tensors,
        layers,
        input: TensorId(0),
        input_map: InputMap {
            shape: vec![1, widths[0]],
            element: ElementType::Bipolar,
            functions: vec![StepFunction { boundaries: vec![128.0], values: vec![-1, 1] }],
            function_of: Vec::new(),
            source_of: Vec::new(),
        },
        output_map: OutputMap {
            shape: vec![classes],
            scale: vec![1.0],
            bias: vec![0.0],
            source_of: Vec::new(),
            reduction: Reduction::None,
        },
        sensitive_steps: Vec::new(),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let network = match std::env::args_os().nth(1) {
        Some(path) => compiler::lower::lower(&network::onnx::import(std::path::Path::new(&path))?)?,
        None => perceptron(&[784, 1024, 1024, 1024, 10]),
    };
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let pixels = network.input_map.len();
    let images: Vec<Vec<f32>> =
        (0..20_000).map(|_| (0..pixels).map(|_| f32::from(random.random::<u8>())).collect()).collect();
    println!("{}: {} operations, {} weight bits", network.name, network.operations(), network.weight_bits());

    let start = Instant::now();
    let mut packed = Packed::new(&network);
    println!("prepared in {:.1} ms", start.elapsed().as_secs_f64() * 1e3);

    let mut state = PackedState::default();
    let count = images.len().min(5_000);
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        for image in &images[..count] {
            packed.run_one(image, &mut state)?;
        }
        best = best.min(start.elapsed().as_secs_f64() / count as f64);
    }
    println!("one core: {:.1} us per image", best * 1e6);

    let start = Instant::now();
    packed.run(&images, &RunOptions::default())?;
    let each = start.elapsed().as_secs_f64() / images.len() as f64;
    println!("all {} cores: {:.1} us per image, {:.0} images/s", rayon::current_num_threads(), each * 1e6, 1.0 / each);

    let start = Instant::now();
    for image in &images[..20] {
        network::integer::run(&network, image)?;
    }
    println!("naive evaluator: {:.0} us per image", start.elapsed().as_secs_f64() / 20.0 * 1e6);
    Ok(())
}
