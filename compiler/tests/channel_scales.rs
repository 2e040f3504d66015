//! Activations with one scale for each channel: where the scales go, and that reference and integers agree.

#![allow(clippy::unwrap_used)]

use abi::maps::Scores;
use compiler::lower::lower;
use network::approximate::approximate;
use network::graph::{Graph, Node, NodeId, Operator, RoundingMode, Source, Value, ValueId, Window};
use network::network::{LayerKind, Network};
use network::reference::Evaluator;
use network::tensor::Tensor;

const CHANNELS: usize = 3;

struct Builder {
    graph: Graph,
}

impl Builder {
    fn value(&mut self, shape: &[usize], source: Source) -> ValueId {
        let value = Value { name: "value".into(), shape: shape.to_vec(), source, is_integer: false, is_codes: false };
        self.graph.values.push(value);
        ValueId(self.graph.values.len() - 1)
    }

    fn constant(&mut self, shape: &[usize], data: &[f64]) -> ValueId {
        self.value(shape, Source::Constant(Tensor::new(shape.to_vec(), data.to_vec())))
    }

    fn node(&mut self, operator: Operator, inputs: &[ValueId], shape: &[usize]) -> ValueId {
        let output = self.value(shape, Source::Node(NodeId(self.graph.nodes.len())));
        let name = format!("{}_{}", operator.name(), self.graph.nodes.len());
        self.graph.nodes.push(Node { name, operator, inputs: inputs.to_vec(), outputs: vec![output] });
        self.graph.output = output;
        output
    }

    fn quant(&mut self, x: ValueId, scales: &[f64], zero_point: f64) -> ValueId {
        let along = if scales.len() == 1 { vec![] } else { vec![1, scales.len(), 1, 1] };
        let inputs = [self.constant(&along, scales), self.constant(&[], &[zero_point]), self.constant(&[], &[4.0])];
        let operator = Operator::Quant { signed: true, narrow: false, rounding: RoundingMode::HalfEven };
        let shape = self.graph.value(x).shape.clone();
        self.node(operator, &[x, inputs[0], inputs[1], inputs[2]], &shape)
    }

    /// A convolution of 3 x 3 taps, with a border of zeros where `pad` is 1.
    fn conv(&mut self, x: ValueId, rows: usize, groups: usize, pad: usize) -> ValueId {
        let shape = self.graph.value(x).shape.clone();
        let own = shape[1] / groups;
        let weights: Vec<f64> = (0..rows * own * 9).map(|index| ((index * 7 + 3) % 15) as f64 - 7.0).collect();
        let weights = self.constant(&[rows, own, 3, 3], &weights);
        let window = Window {
            kernel: vec![3; 2],
            strides: vec![1; 2],
            dilations: vec![1; 2],
            pads_before: vec![pad; 2],
            pads_after: vec![pad; 2],
            overhang: vec![0; 2],
        };
        let extent = shape[2] + 2 * pad - 2;
        self.node(Operator::Conv { window, groups }, &[x, weights], &[1, rows, extent, extent])
    }
}

/// An image, its codes, and a convolution of three channels that are quantised with `scales`.
fn graph(scales: &[f64], groups: usize, pad: usize, zero_point: f64) -> Graph {
    let graph = Graph {
        name: "channels".into(),
        opset: 13,
        nodes: Vec::new(),
        values: Vec::new(),
        input: ValueId(0),
        input_type: None,
        weight_types: Default::default(),
        output: ValueId(0),
        remarks: Vec::new(),
        approximations: Vec::new(),
    };
    let mut builder = Builder { graph };
    let image = builder.value(&[1, 2, 5, 5], Source::Input);
    let codes = builder.quant(image, &[1.0], 0.0);
    let sums = builder.conv(codes, CHANNELS, 1, 1);
    let codes = builder.quant(sums, scales, zero_point);
    builder.conv(codes, 2 * CHANNELS, groups, pad);
    builder.graph
}

/// The network of a graph, whose integers give the scores of the reference.
fn lowered(graph: &Graph) -> Network {
    let graph = approximate(graph.clone()).unwrap();
    let network = lower(&graph).unwrap();
    let evaluator = Evaluator::new(&graph).unwrap();
    for image in 0..4 {
        let values: Vec<f64> = (0..50).map(|index| ((index * 37 + image * 11) % 17) as f64 - 8.0).collect();
        let expected = evaluator.run(&Tensor::new(vec![1, 2, 5, 5], values.clone())).unwrap();
        let image: Vec<f32> = values.iter().map(|value| *value as f32).collect();
        let found = network::integer::run(&network, &image).unwrap().scores;
        assert_eq!(
            found,
            Scores::Values(expected.data.iter().map(|score| *score as f32).collect()),
            "{graph}\n{network}"
        );
    }
    network
}

/// The factors of each sum of one tensor.
fn factors(network: &Network) -> Vec<Vec<i64>> {
    let of = |kind: &LayerKind| match kind {
        LayerKind::Add(add) => Some(add.factors[0].clone()),
        _ => None,
    };
    network.layers.iter().filter_map(|layer| of(&layer.kind)).collect()
}

/// The greatest weight of the last layer.
fn greatest_weight(network: &Network) -> i16 {
    network.layers.last().unwrap().kind.weights().unwrap().values.iter().map(|weight| weight.abs()).max().unwrap()
}

fn singles(scales: [f32; 3]) -> Vec<f64> {
    scales.map(f64::from).to_vec()
}

#[test]
fn depthwise_convolutions_take_any_scales() {
    for (pad, zero_point) in [(0, 0.0), (1, 0.0), (0, 2.0)] {
        let graph = graph(&singles([0.31, 4.7, 92.0]), CHANNELS, pad, zero_point);
        assert_eq!(approximate(graph.clone()).unwrap(), graph);
        let network = lowered(&graph);
        assert_eq!((factors(&network), greatest_weight(&network)), (vec![], 7));
    }
}

#[test]
fn scales_go_into_weights_where_nine_bits_hold_them() {
    for (pad, zero_point) in [(0, 0.0), (1, 0.0), (0, 2.0)] {
        let graph = graph(&[12.5, 25.0, 125.0], 1, pad, zero_point);
        assert_eq!(approximate(graph.clone()).unwrap(), graph);
        let network = lowered(&graph);
        assert_eq!((factors(&network), greatest_weight(&network)), (vec![], 70));
    }
}

#[test]
fn scales_go_into_data_where_weights_would_be_too_wide() {
    for (pad, zero_point) in [(0, 0.0), (1, 0.0), (0, 2.0)] {
        let graph = graph(&[12.5, 25.0, 612.5], 1, pad, zero_point);
        assert_eq!(approximate(graph.clone()).unwrap(), graph);
        let network = lowered(&graph);
        assert_eq!((factors(&network), greatest_weight(&network)), (vec![vec![1, 2, 49]], 7));
    }
}

#[test]
fn unrelated_scales_are_approximated() {
    for (pad, zero_point) in [(0, 0.0), (1, 0.0), (0, 2.0)] {
        let network = lowered(&graph(&singles([3.0, 4.1, 17.0]), 1, pad, zero_point));
        assert_eq!((factors(&network), greatest_weight(&network)), (vec![vec![30, 41, 170]], 7));
        assert_eq!(network.approximations.len(), 1);
    }
}
