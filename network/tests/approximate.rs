//! Numbers without an exact integer form are moved, and told.

#![allow(clippy::unwrap_used)]

use network::approximate::approximate;
use network::graph::{ApproximationKind, Graph, Node, NodeId, Operator, RoundingMode, Source, Value, ValueId, Window};
use network::grid::is_on_grid;
use network::reference;
use network::tensor::Tensor;

/// A graph under construction.
struct Builder {
    graph: Graph,
}

impl Builder {
    fn new(shape: &[usize]) -> Self {
        let input = Value {
            name: "x".into(),
            shape: shape.to_vec(),
            source: Source::Input,
            is_integer: false,
            is_codes: false,
        };
        let graph = Graph {
            name: "made".into(),
            opset: 13,
            nodes: Vec::new(),
            values: vec![input],
            input: ValueId(0),
            weight_types: Default::default(),
            input_type: None,
            output: ValueId(0),
            remarks: Vec::new(),
            approximations: Vec::new(),
        };
        Builder { graph }
    }

    fn value(&mut self, name: &str, shape: &[usize], source: Source) -> ValueId {
        self.graph.values.push(Value {
            name: name.into(),
            shape: shape.to_vec(),
            source,
            is_integer: false,
            is_codes: false,
        });
        ValueId(self.graph.values.len() - 1)
    }

    fn constant(&mut self, shape: &[usize], data: Vec<f64>) -> ValueId {
        self.value("constant", shape, Source::Constant(Tensor::new(shape.to_vec(), data)))
    }

    fn node(&mut self, name: &str, operator: Operator, inputs: &[ValueId], shape: &[usize]) -> ValueId {
        let output = self.value(name, shape, Source::Node(NodeId(self.graph.nodes.len())));
        self.graph.nodes.push(Node { name: name.into(), operator, inputs: inputs.to_vec(), outputs: vec![output] });
        self.graph.output = output;
        output
    }

    fn sign(&mut self, name: &str, x: ValueId, scale: f64) -> ValueId {
        let scale = self.constant(&[], vec![scale]);
        let shape = self.graph.value(x).shape.clone();
        self.node(name, Operator::BipolarQuant, &[x, scale], &shape)
    }
}

fn weights_of(graph: &Graph, node: &str) -> Vec<f64> {
    let node = graph.nodes.iter().find(|found| found.name == node).unwrap();
    graph.constant(node.inputs[1]).unwrap().data.clone()
}

#[test]
fn two_magnitudes_go_to_a_grid() {
    let mut builder = Builder::new(&[1, 8]);
    let x = builder.sign("sign", ValueId(0), 1.0);
    let data: Vec<f64> = [0.3127f32, -0.8739, 0.0, 0.3127, 0.3127, -0.8739, 0.0, -0.8739].map(f64::from).to_vec();
    let weights = builder.constant(&[8, 1], data.clone());
    builder.node("product", Operator::MatMul, &[x, weights], &[1, 1]);
    let graph = approximate(builder.graph).unwrap();
    let [change] = graph.approximations.as_slice() else { panic!("{:?}", graph.approximations) };
    assert_eq!((change.node.as_str(), change.kind), ("product", ApproximationKind::Weights));
    assert!(change.relative_mse > 0.0 && change.relative_mse < 1e-5, "{change}");
    let moved = weights_of(&graph, "product");
    assert!(is_on_grid(&moved) && !is_on_grid(&data), "{moved:?}");
    for (before, after) in data.iter().zip(&moved) {
        assert!((before - after).abs() < 0.87 / 510.0 * 1.5);
    }
}

#[test]
fn real_weights_and_weights_on_grids_stay() {
    for data in
        [vec![0.11, 0.23, -0.37, 0.41, 0.53, -0.61, 0.71, 0.83], vec![0.5, -0.25, 0.0, 1.0, 0.5, -0.25, 0.75, 0.5]]
    {
        let mut builder = Builder::new(&[1, 8]);
        let x = builder.sign("sign", ValueId(0), 1.0);
        let weights = builder.constant(&[8, 1], data);
        builder.node("product", Operator::MatMul, &[x, weights], &[1, 1]);
        let before = builder.graph.clone();
        assert_eq!(approximate(builder.graph).unwrap(), before);
    }
}

/// x + shift, its sign times each scale, their sum, and a dot product.
fn bases(scales: [f64; 2]) -> Graph {
    let mut builder = Builder::new(&[1, 4]);
    let shift = builder.constant(&[], vec![0.75]);
    let shifted = builder.node("shifted", Operator::Add, &[ValueId(0), shift], &[1, 4]);
    let first = builder.sign("first", ValueId(0), scales[0]);
    let second = builder.sign("second", shifted, scales[1]);
    let sum = builder.node("sum", Operator::Add, &[first, second], &[1, 4]);
    let weights = builder.constant(&[4, 1], vec![1.0, -1.0, 1.0, 1.0]);
    builder.node("product", Operator::MatMul, &[sum, weights], &[1, 1]);
    builder.graph
}

#[test]
fn unrelated_scales_of_a_sum_become_integers_times_one() {
    let scales = [0.798f32, 0.483].map(f64::from);
    let graph = approximate(bases(scales)).unwrap();
    let [change] = graph.approximations.as_slice() else { panic!("{:?}", graph.approximations) };
    assert_eq!((change.node.as_str(), change.kind), ("sum", ApproximationKind::Scales));
    assert!(change.largest < 1.0 / 255.0, "{change}");
    // What is computed is near to what the file says, and on a grid.
    let x = Tensor::new(vec![1, 4], vec![0.5, -0.5, -2.0, 3.0]);
    let expected = reference::run(&bases(scales), &x).unwrap().data[0];
    let found = reference::run(&graph, &x).unwrap().data[0];
    assert!((expected - found).abs() < 0.02 && expected != found, "{expected} {found}");
}

#[test]
fn related_scales_stay() {
    for scales in [[0.5, 0.25], [0.3f32 as f64, 0.3f32 as f64 * 3.0], [1.0, 7.0]] {
        let before = bases(scales);
        assert_eq!(approximate(before.clone()).unwrap(), before, "{scales:?}");
    }
}

/// A quantiser with one scale for each of three channels, and a convolution with the given weights and groups.
fn channels(scales: [f64; 3], weights: &[f64], groups: usize) -> Graph {
    let mut builder = Builder::new(&[1, 3, 2, 2]);
    let scales = builder.constant(&[1, 3, 1, 1], scales.to_vec());
    let inputs = [0.0, 4.0].map(|value| builder.constant(&[], vec![value]));
    let quant = Operator::Quant { signed: true, narrow: false, rounding: RoundingMode::HalfEven };
    let codes = builder.node("codes", quant, &[ValueId(0), scales, inputs[0], inputs[1]], &[1, 3, 2, 2]);
    let own = 3 / groups;
    let rows = weights.len() / own;
    let weights = builder.constant(&[rows, own, 1, 1], weights.to_vec());
    let window = Window {
        kernel: vec![1; 2],
        strides: vec![1; 2],
        dilations: vec![1; 2],
        pads_before: vec![0; 2],
        pads_after: vec![0; 2],
        overhang: vec![0; 2],
    };
    builder.node("conv", Operator::Conv { window, groups }, &[codes, weights], &[1, rows, 2, 2]);
    builder.graph
}

#[test]
fn unlike_scales_of_channels_become_integers_times_one() {
    let scales = [0.3f32, 0.41, 1.7].map(f64::from);
    let before = channels(scales, &[7.0, -8.0, 5.0, 1.0, 2.0, -3.0], 1);
    let after = approximate(before.clone()).unwrap();
    let [change] = after.approximations.as_slice() else { panic!("{:?}", after.approximations) };
    assert_eq!((change.node.as_str(), change.kind), ("conv", ApproximationKind::Channels));
    assert_eq!(change.format, "integers up to 170 times a scale");
    // All that float32 has rounded: 30, 41 and 170 hundredths.
    assert!(change.largest < 1e-6, "{change}");
    let text = change.to_string();
    assert!(text.contains("scaling_per_output_channel"), "{text}");
    let x = Tensor::new(vec![1, 3, 2, 2], (0..12).map(|x| f64::from(x) * 0.9 - 5.0).collect());
    let (expected, found) = (reference::run(&before, &x).unwrap(), reference::run(&after, &x).unwrap());
    assert!(expected.data.iter().zip(&found.data).all(|(a, b)| (a - b).abs() < 1e-4), "{expected:?} {found:?}");
}

#[test]
fn scales_that_layers_take_in_stay() {
    let unrelated = [0.3f32, 0.41, 1.7].map(f64::from);
    for before in [
        // One channel for each output, by groups or by zeros.
        channels(unrelated, &[7.0, -8.0, 5.0], 3),
        channels(unrelated, &[7.0, 0.0, 0.0, 0.0, 0.0, 5.0], 1),
        // Multiples of one scale, in the weights or in the data.
        channels([0.25, 0.5, 0.75], &[7.0, -8.0, 5.0], 1),
        channels([0.25, 0.5, 64.25], &[7.0, -8.0, 5.0], 1),
        channels([0.25; 3], &[7.0, -8.0, 5.0], 1),
    ] {
        assert_eq!(approximate(before.clone()).unwrap(), before, "{before}");
    }
}

/// Rows whose weights differ in size by far each get a grid of their own.
#[test]
fn rows_of_another_size_keep_their_precision() {
    let mut builder = Builder::new(&[1, 8]);
    let x = builder.sign("sign", ValueId(0), 1.0);
    let row = |scale: f64| [0.3127, -0.8739, 0.8739, 0.3127, 0.3127, -0.8739, 0.3127, -0.8739].map(|w: f64| w * scale);
    let data: Vec<f64> = [row(0.004), row(1.0)].concat();
    let weights = builder.constant(&[2, 8], data.clone());
    let gemm = Operator::Gemm { alpha: 1.0, beta: 1.0, transpose_a: false, transpose_b: true };
    builder.node("product", gemm, &[x, weights], &[1, 2]);
    let moved = weights_of(&approximate(builder.graph).unwrap(), "product");
    for (before, after) in data.iter().zip(&moved) {
        assert!((after / before - 1.0).abs() < 0.01, "{before} became {after}");
    }
}

/// A small scale of wide codes counts as much as a great one of ±1.
#[test]
fn scales_are_fitted_to_what_their_operands_reach() {
    let mut builder = Builder::new(&[1, 4]);
    let first = builder.sign("first", ValueId(0), 1.0);
    let inputs = [0.0107, 0.0, 8.0].map(|value| builder.constant(&[], vec![value]));
    let quant = Operator::Quant { signed: false, narrow: false, rounding: RoundingMode::HalfEven };
    let second = builder.node("second", quant, &[ValueId(0), inputs[0], inputs[1], inputs[2]], &[1, 4]);
    let sum = builder.node("sum", Operator::Add, &[first, second], &[1, 4]);
    let weights = builder.constant(&[4, 1], vec![1.0, -1.0, 1.0, 1.0]);
    builder.node("product", Operator::MatMul, &[sum, weights], &[1, 1]);
    let before = builder.graph;
    let after = approximate(before.clone()).unwrap();
    assert_eq!(after.approximations.len(), 1);
    // Half a step of eight bits of the greatest sum, for each of four columns.
    let most = 4.0 * (1.0 + 0.0107 * 255.0) / 510.0;
    for values in [[2.7285, 1.0, 0.2, -1.0], [0.1, 9.9, 9.9, 0.3], [1.7, 2.0, 2.5, 3.0]] {
        let x = Tensor::new(vec![1, 4], values.to_vec());
        let (expected, found) =
            (reference::run(&before, &x).unwrap().data[0], reference::run(&after, &x).unwrap().data[0]);
        assert!((expected - found).abs() <= most, "{expected} became {found}");
    }
}
