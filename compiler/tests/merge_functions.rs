//! Sums of step functions of one tensor become step functions where hardware has such, and only there.

#![allow(clippy::unwrap_used)]

use abi::maps::{OutputMap, Reduction};
use abi::{ElementType, InputMap, StepFunction};
use compiler::lower::PASSES;
use network::integer;
use network::network::{Add, Convolution, Layer, LayerKind, Network, TensorId, TensorType, WeightMatrix, Window};

const CHANNELS: usize = 2;

fn tensor(element: ElementType, minimum: i64, maximum: i64, pixels: usize) -> TensorType {
    TensorType { height: 1, width: pixels, channels: CHANNELS, element, minimum, maximum }
}

/// x, then two step functions of it, their sum, and a convolution with a border that counts as `padding`.
fn network(functions: [Vec<StepFunction<i64>>; 2], padding: i32) -> Network {
    let x = ElementType::Unsigned { bits: 10 };
    let range = |functions: &Vec<StepFunction<i64>>| {
        let values = || functions.iter().flat_map(|function| function.values.iter().map(|value| i64::from(*value)));
        (values().min().unwrap(), values().max().unwrap())
    };
    let ranges = [range(&functions[0]), range(&functions[1])];
    let steps = |(low, high): (i64, i64)| tensor(ElementType::holding(low, high), low, high, 3);
    let (low, high) = (ranges[0].0 + ranges[1].0, ranges[0].1 + ranges[1].1);
    let sum = tensor(ElementType::holding(low.min(-8), high), low, high, 3);
    let values = vec![1; 3 * CHANNELS];
    let weights = WeightMatrix { rows: 1, columns: 3 * CHANNELS, element: ElementType::Bipolar, values };
    let window = Window { kernel: [1, 3], stride: [1, 1], dilation: [1, 1], before: [0, 1], after: [0, 1] };
    let most = (3 * CHANNELS) as i64 * high.abs().max(low.abs()).max(8);
    let output = TensorType { channels: 1, ..tensor(ElementType::holding(-most, most), -most, most, 3) };
    let layer = |name: &str, kind, inputs: &[usize], output| Layer {
        name: name.into(),
        kind,
        inputs: inputs.iter().map(|id| TensorId(*id)).collect(),
        output: TensorId(output),
    };
    let [first, second] = functions;
    let identity =
        StepFunction { boundaries: (1..1024).map(|code| code as f32).collect(), values: (0..1024).collect() };
    Network {
        name: "sum".into(),
        tensors: vec![tensor(x, 0, 1023, 3), steps(ranges[0]), steps(ranges[1]), sum, output],
        layers: vec![
            layer("first", LayerKind::MultiThreshold(first), &[0], 1),
            layer("second", LayerKind::MultiThreshold(second), &[0], 2),
            layer("sum", LayerKind::Add(Add { factors: vec![vec![1], vec![1]] }), &[1, 2], 3),
            layer("conv", LayerKind::Convolution(Convolution { window, groups: 1, padding, weights }), &[3], 4),
        ],
        input: TensorId(0),
        output: TensorId(4),
        input_map: InputMap {
            domain: None,
            shape: vec![1, CHANNELS, 3],
            element: x,
            function_of: Vec::new(),
            functions: vec![identity],
            source_of: Vec::new(),
        },
        output_map: OutputMap {
            shape: vec![3],
            scale: vec![1.0],
            bias: vec![0.0],
            divisor: 1.0,
            score_map: None,
            reduction: Reduction::None,
            source_of: Vec::new(),
        },
        sensitive_steps: Vec::new(),
        approximations: Vec::new(),
        replaceable: false,
    }
}

fn step(boundaries: &[i64], values: &[i32]) -> StepFunction<i64> {
    StepFunction { boundaries: boundaries.to_vec(), values: values.to_vec() }
}

/// Runs the passes; the network must compute the same. Whether the sum became step functions.
fn is_merged(network: Network) -> bool {
    network.validate().unwrap();
    let mut after = network.clone();
    for pass in PASSES {
        after = (pass.run)(after);
        after.validate().unwrap();
    }
    for seed in 0..40usize {
        let image: Vec<f32> = (0..3 * CHANNELS).map(|n| ((seed * 37 + n * 401) % 1024) as f32).collect();
        assert_eq!(integer::run(&after, &image).unwrap().scores, integer::run(&network, &image).unwrap().scores);
    }
    !after.layers.iter().any(|layer| matches!(layer.kind, LayerKind::Add(_)))
}

#[test]
fn sums_of_few_levels_merge() {
    let first = vec![step(&[10, 40], &[0, 3, 10]), step(&[90], &[0, 10])];
    let second = vec![step(&[25], &[0, 7]), step(&[60, 200], &[0, 7, 14])];
    assert!(is_merged(network([first.clone(), second.clone()], 0)));
    // The border counts as a code that the sum itself never is.
    assert!(is_merged(network([first, second], -3)));
}

#[test]
fn sums_of_more_levels_than_hardware_has_stay() {
    let fine = |from: i64| {
        let boundaries: Vec<i64> = (from..1024).step_by(4).collect();
        StepFunction { values: (0..=boundaries.len() as i32).collect(), boundaries }
    };
    assert!(!is_merged(network([vec![fine(1); CHANNELS], vec![fine(3); CHANNELS]], 0)));
}

#[test]
fn sums_whose_channels_turn_differently_merge() {
    let first = vec![step(&[10, 40], &[0, 3, 10]), step(&[10, 40], &[10, 3, 0])];
    let second = vec![step(&[20], &[4, 0]), step(&[20], &[0, 4])];
    assert!(is_merged(network([first, second], 0)));
}
