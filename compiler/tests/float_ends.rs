//! What is decided in float32, and what exactly: the reference and the integers agree with both rules.

#![allow(clippy::unwrap_used)]

use abi::maps::Scores;
use compiler::lower::lower;
use network::graph::{Activation, Graph, Node, NodeId, Operator, RoundingMode, Source, Value, ValueId};
use network::integer;
use network::network::FloatDifference;
use network::reference::Evaluator;
use network::tensor::Tensor;

/// A graph that grows from an image of one number, one node behind the other.
struct Builder {
    nodes: Vec<Node>,
    values: Vec<Value>,
    last: ValueId,
}

impl Builder {
    fn new() -> Self {
        let image = Value {
            name: "image".into(),
            shape: vec![1, 1],
            source: Source::Input,
            is_integer: false,
            is_codes: false,
        };
        Builder { nodes: Vec::new(), values: vec![image], last: ValueId(0) }
    }

    fn then(mut self, operator: Operator, constants: &[&[f32]]) -> Self {
        let mut inputs = vec![self.last];
        for numbers in constants {
            let data = numbers.iter().map(|number| f64::from(*number)).collect();
            let shape = match (&operator, numbers.len()) {
                (Operator::MatMul, count) => vec![1, count],
                (Operator::BatchNormalization { .. }, count) => vec![count],
                _ => vec![],
            };
            let source = Source::Constant(Tensor::new(shape.clone(), data));
            self.values.push(Value { name: "constant".into(), shape, source, is_integer: false, is_codes: false });
            inputs.push(ValueId(self.values.len() - 1));
        }
        let source = Source::Node(NodeId(self.nodes.len()));
        self.values.push(Value { name: "value".into(), shape: vec![1, 1], source, is_integer: false, is_codes: false });
        self.last = ValueId(self.values.len() - 1);
        let name = format!("node{}", self.nodes.len());
        self.nodes.push(Node { name, operator, inputs, outputs: vec![self.last] });
        self
    }

    fn quant(self, signed: bool, rounding: RoundingMode, scale: f32, zero_point: f32, bits: u8) -> Self {
        let operator = Operator::Quant { signed, narrow: false, rounding };
        self.then(operator, &[&[scale], &[zero_point], &[f32::from(bits)]])
    }

    /// The image's integers, as a sum.
    fn integers() -> Self {
        Builder::new().quant(true, RoundingMode::HalfEven, 1.0, 0.0, 8).then(Operator::MatMul, &[&[1.0]])
    }

    fn graph(&self) -> Graph {
        Graph {
            name: "ends".into(),
            opset: 13,
            output: self.last,
            nodes: self.nodes.clone(),
            values: self.values.clone(),
            input: ValueId(0),
            input_type: None,
            weight_types: Default::default(),
            remarks: Vec::new(),
            approximations: Vec::new(),
        }
    }
}

/// The scores of images of one number, which reference and integers must agree on.
fn scores(graph: &Graph, images: impl Iterator<Item = f32>) -> Vec<f32> {
    let network = lower(graph).unwrap();
    let evaluator = Evaluator::new(graph).unwrap();
    let score = |image: f32| {
        let expected = evaluator.run(&Tensor::new(vec![1, 1], vec![f64::from(image)])).unwrap().data[0] as f32;
        assert_eq!(
            integer::run(&network, &[image]).unwrap().scores,
            Scores::Values(vec![expected]),
            "{image}\n{graph}"
        );
        expected
    };
    images.map(score).collect()
}

fn pixels() -> impl Iterator<Item = f32> {
    (0..=255u8).map(|pixel| f32::from(pixel) / 255.0)
}

const MODES: [RoundingMode; 7] = [
    RoundingMode::HalfEven,
    RoundingMode::Ceil,
    RoundingMode::Floor,
    RoundingMode::Up,
    RoundingMode::Down,
    RoundingMode::HalfUp,
    RoundingMode::HalfDown,
];

#[test]
fn pixels_are_quantised_in_float32() {
    let scale = 1.0f32 / 255.0;
    let floor = Builder::new().quant(false, RoundingMode::Floor, scale, 0.0, 8).then(Operator::MatMul, &[&[1.0]]);
    let found = scores(&floor.graph(), pixels());
    let float = |pixel: f32| f64::from((pixel / scale).floor()) * f64::from(scale);
    let exact = |pixel: f32| (f64::from(pixel) / f64::from(scale)).floor() * f64::from(scale);
    assert_eq!(found, pixels().map(|pixel| float(pixel) as f32).collect::<Vec<_>>());
    let moved = pixels().filter(|pixel| float(*pixel) != exact(*pixel)).count();
    assert!(moved > 30, "exact quotients lie below the pixel: {moved}");
}

#[test]
fn every_rounding_and_preparation_of_an_image_is_float32s() {
    for rounding in MODES {
        for (scale, zero_point) in [(2.0f32 / 255.0, 0.0), (1.0 / 127.0, -3.0), (0.1, 2.0), (1.0 / 3.0, 0.0)] {
            let prepared = Builder::new()
                .then(Operator::Mul, &[&[2.0]])
                .then(Operator::Sub, &[&[0.485]])
                .then(Operator::Div, &[&[0.229]])
                .quant(true, rounding, scale, zero_point, 5)
                .then(Operator::MatMul, &[&[1.0]]);
            scores(&prepared.graph(), pixels());
            let plain = Builder::new().quant(true, rounding, scale, zero_point, 8).then(Operator::MatMul, &[&[1.0]]);
            scores(&plain.graph(), pixels().flat_map(|pixel| [pixel, -pixel, pixel * 255.0 * scale * 0.5]));
        }
    }
}

/// What codes stand for is real, but beside the image a node of floats gets the nearest float.
#[test]
fn constants_beside_an_image_are_rounded() {
    let (mut moved, mut count) = (0, 0);
    for code in 1..=40u8 {
        let factor = f64::from(code) * f64::from(0.1f32);
        let scale = factor as f32 / 255.0;
        let mut graph = Builder::new()
            .then(Operator::Mul, &[&[0.0]])
            .quant(false, RoundingMode::Floor, scale, 0.0, 8)
            .then(Operator::MatMul, &[&[1.0]])
            .graph();
        let constant = graph.nodes[0].inputs[1];
        graph.values[constant.0].source = Source::Constant(Tensor::new(vec![], vec![factor]));
        let code = |pixel: f32| (pixel * factor as f32 / scale).floor();
        let unrounded = |pixel: f32| ((f64::from(pixel) * factor) as f32 / scale).floor();
        let expected: Vec<f32> = pixels().map(|pixel| (f64::from(code(pixel)) * f64::from(scale)) as f32).collect();
        assert_eq!(scores(&graph, pixels()), expected);
        moved += pixels().filter(|pixel| code(*pixel) != unrounded(*pixel)).count();
        count += usize::from(f64::from(factor as f32) != factor);
    }
    assert!(count > 10 && moved > 10, "{count} factors are no floats, {moved} pixels tell");
}

#[test]
fn a_normalised_image_is_a_factor_and_a_summand_in_float32() {
    let (gamma, beta, mean, variance, epsilon) = (1.7f32, 0.3f32, 0.485f32, 0.052f32, 1e-5f32);
    let normalised = Builder::new()
        .then(Operator::BatchNormalization { epsilon: f64::from(epsilon) }, &[&[gamma], &[beta], &[mean], &[variance]])
        .quant(true, RoundingMode::Floor, 0.01, 0.0, 10)
        .then(Operator::MatMul, &[&[1.0]]);
    let factor = gamma * (1.0 / (variance + epsilon).sqrt());
    let code = |pixel: f32| ((pixel * factor + (beta - mean * factor)) / 0.01).floor();
    let expected: Vec<f32> = pixels().map(|pixel| (f64::from(code(pixel)) * f64::from(0.01f32)) as f32).collect();
    assert_eq!(scores(&normalised.graph(), pixels()), expected);
}

#[test]
fn sums_are_quantised_exactly_and_float32_is_told() {
    let graph = Builder::integers().quant(true, RoundingMode::Floor, 0.4, 0.0, 4).graph();
    let found = scores(&graph, [2.0, 1.0, -2.0].into_iter());
    assert_eq!(found, [4.0, 2.0, -5.0].map(|code| (code * f64::from(0.4f32)) as f32));
    let told = &lower(&graph).unwrap().sensitive_steps;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].differences, [FloatDifference { channel: 0, sum: 2, value: 2.0, exact: 4, float: 5 }]);
}

/// The number before the quantiser is told where no rational arithmetic knows the function.
#[test]
fn differences_behind_transcendental_functions_have_values() {
    let graph = Builder::integers()
        .then(Operator::Activation(Activation::Sigmoid), &[])
        .quant(false, RoundingMode::Floor, 0.1, 0.0, 4)
        .graph();
    let told = &lower(&graph).unwrap().sensitive_steps;
    assert_eq!(told[0].differences[0], FloatDifference { channel: 0, sum: 0, value: 0.5, exact: 4, float: 5 });
    // 9.99… tenths, which float32 does not tell from ten.
    assert!(told[0].differences[1..].iter().all(|d| (d.exact, d.float) == (9, 10) && (0.99..=1.0).contains(&d.value)));
}

/// A bias that dwarfs the sums: float32 rounds all of them to zero, and none reaches a sum of 1.
#[test]
fn all_differences_are_told_or_that_there_are_more() {
    let told = |bias: f32| {
        let graph = Builder::new()
            .quant(true, RoundingMode::HalfEven, 1.0, 0.0, 16)
            .then(Operator::MatMul, &[&[1.0]])
            .then(Operator::Add, &[&[bias]])
            .then(Operator::Sub, &[&[bias]])
            .then(Operator::Sub, &[&[1.0]])
            .then(Operator::BipolarQuant, &[&[1.0]]);
        let steps = lower(&graph.graph()).unwrap().sensitive_steps.remove(0);
        assert!(steps.differences.iter().zip(1..).all(|(difference, sum)| difference.sum == sum));
        (steps.channels, steps.differences.len(), steps.is_complete)
    };
    // Neighbouring floats are 4,096 apart there, and 131,072: there the least sum hangs on rounding as well.
    assert_eq!(told(2f32.powi(35)), (vec![0], 2048, true));
    assert_eq!(told(2f32.powi(40)), (vec![0, 0], 4096, false));
}

/// Products that underflow lose their sign, and what overflows is an infinity for good.
#[test]
fn underflow_and_overflow_are_told() {
    let told = |graph: &Builder| {
        let steps = lower(&graph.graph()).unwrap().sensitive_steps.remove(0);
        assert!(steps.is_complete);
        steps.differences.iter().map(|d| (d.sum, d.exact, d.float)).collect::<Vec<_>>()
    };
    let underflow = Builder::integers()
        .then(Operator::Mul, &[&[1e-38]])
        .then(Operator::Mul, &[&[1e-38]])
        .then(Operator::BipolarQuant, &[&[1.0]]);
    assert_eq!(told(&underflow), (-128..0).map(|sum| (sum, -1, 1)).collect::<Vec<_>>());
    let overflow = Builder::integers()
        .then(Operator::Mul, &[&[1e38]])
        .then(Operator::Mul, &[&[10.0]])
        .then(Operator::Mul, &[&[1e-38]])
        .quant(true, RoundingMode::HalfEven, 1.0, 0.0, 8);
    let codes = (-12..=12).filter(|sum| *sum != 0).map(|sum| (sum, 10 * sum, if sum > 0 { 127 } else { -128 }));
    assert_eq!(told(&overflow), codes.collect::<Vec<_>>());
}

/// The last value that can occur hangs on a step that no value reaches.
#[test]
fn a_step_beyond_the_last_value_is_told() {
    let ends = |minimum, maximum| {
        Builder::new()
            .then(Operator::Clip { minimum: f64::from(minimum), maximum: f64::from(maximum) }, &[])
            .quant(true, RoundingMode::HalfEven, 1.0, 0.0, 8)
            .then(Operator::MatMul, &[&[1.0]])
    };
    let told = |graph: &Graph| {
        let network = lower(graph).unwrap();
        let channels: usize = network.sensitive_steps.iter().map(|steps| steps.channels.len()).sum();
        let all = network.sensitive_steps.into_iter().flat_map(|steps| steps.differences);
        (channels, all.map(|d| (d.sum, d.exact, d.float)).collect::<Vec<_>>())
    };
    let floor = |minimum, maximum| ends(minimum, maximum).quant(true, RoundingMode::Floor, 0.4, 0.0, 4).graph();
    assert_eq!(told(&floor(-1, 2)), (1, vec![(2, 4, 5)]));
    // Only one value, one code: nothing in the network says that there is a quantiser.
    assert_eq!(told(&floor(2, 2)), (1, vec![(2, 4, 5)]));
    let ceil = ends(-2, 0).quant(true, RoundingMode::Ceil, 0.4, 0.0, 4).graph();
    assert_eq!(told(&ceil), (1, vec![(-2, -4, -5)]));
    // At the limit itself all of them round alike.
    let limit = ends(-2, 2).quant(true, RoundingMode::HalfEven, 0.1, 0.0, 5).then(Operator::MatMul, &[&[1.0]]);
    assert_eq!(told(&limit.graph()), (0, vec![]));
    // Where the function turns it may touch a step and not reach it.
    let turning = ends(-3, 3)
        .then(Operator::Abs, &[])
        .then(Operator::Sub, &[&[2.0]])
        .then(Operator::Abs, &[])
        .then(Operator::Mul, &[&[-0.05]])
        .then(Operator::Add, &[&[2.0]])
        .quant(true, RoundingMode::Floor, 0.4, 0.0, 4);
    assert_eq!(told(&turning.graph()), (2, vec![(-2, 4, 5), (2, 4, 5)]));
}

#[test]
fn differences_are_told_wherever_they_occur() {
    for rounding in MODES {
        for scale in [0.1f32, 0.3, 0.7, 1.1] {
            let graph = Builder::integers().quant(true, rounding, scale, 0.0, 6).graph();
            let network = lower(&graph).unwrap();
            let told: Vec<i64> =
                network.sensitive_steps.iter().flat_map(|steps| &steps.differences).map(|d| d.sum).collect();
            let images = || (-128..=127i16).map(f32::from);
            let float = |x: f32| {
                let q = (x / scale).clamp(-32.0, 31.0);
                match rounding {
                    RoundingMode::HalfEven => q.round_ties_even(),
                    RoundingMode::Ceil => q.ceil(),
                    RoundingMode::Floor => q.floor(),
                    RoundingMode::Up => q.abs().ceil() * q.signum(),
                    RoundingMode::Down => q.trunc(),
                    RoundingMode::HalfUp => (q.abs() + 0.5).floor() * q.signum(),
                    RoundingMode::HalfDown => (q.abs() - 0.5).ceil() * q.signum(),
                }
            };
            let differs = |(x, found): &(f32, f32)| (f64::from(float(*x)) * f64::from(scale)) as f32 != *found;
            let expected: Vec<i64> =
                images().zip(scores(&graph, images())).filter(differs).map(|(x, _)| x as i64).collect();
            assert_eq!(told, expected, "{rounding:?} {scale}");
        }
    }
}

#[test]
fn a_quotient_beside_a_middle_is_not_rounded_to_it() {
    // An integer and a scale whose quotient float32 rounds to a middle between two integers.
    let found = (3..120u8).flat_map(|n| (1..2000u16).map(move |k| (n, f32::from(n) / (f32::from(k % 60) + 0.5))));
    let is_rounded = |(n, scale): &(u8, f32)| {
        let quotient = f32::from(*n) / scale;
        let middle = f64::from(quotient) * f64::from(*scale);
        quotient.fract() == 0.5 && middle != f64::from(*n)
    };
    let mut directions = [0, 0];
    for (n, scale) in found.filter(is_rounded).take(40) {
        let below = (f32::from(n) / scale).floor();
        let is_above = f64::from(n) > (f64::from(below) + 0.5) * f64::from(scale);
        directions[usize::from(is_above)] += 1;
        let operator = Operator::QuantizeLinear { minimum: -128, maximum: 127 };
        let graph = Builder::integers().then(operator, &[&[scale], &[0.0]]).graph();
        let expected = below + f32::from(u8::from(is_above));
        assert_eq!(scores(&graph, std::iter::once(f32::from(n))), [expected], "{n} / {scale}");
    }
    assert!(directions.iter().all(|count| *count > 0), "{directions:?}");
}

#[test]
fn nothing_is_absorbed() {
    for huge in [1e8f32, 1e16, 1e30, -1e30] {
        // A bias that is taken away again, before a quantiser whose ties tell, before the scores, and before a root.
        let biased = || {
            Builder::integers()
                .then(Operator::Add, &[&[huge]])
                .then(Operator::Add, &[&[0.5]])
                .then(Operator::Sub, &[&[huge]])
        };
        let images = || (-9..=9i8).map(f32::from);
        assert_eq!(scores(&biased().graph(), images()), images().map(|x| x + 0.5).collect::<Vec<_>>());
        let floor = biased().quant(true, RoundingMode::Floor, 1.0, 0.0, 8);
        assert_eq!(scores(&floor.graph(), images()), images().collect::<Vec<_>>());
        let normalised = biased()
            .then(Operator::BatchNormalization { epsilon: 0.0 }, &[&[1.0], &[0.0], &[3.5], &[2.0]])
            .then(Operator::BipolarQuant, &[&[1.0]]);
        let signs: Vec<f32> = images().map(|x| if x >= 3.0 { 1.0 } else { -1.0 }).collect();
        assert_eq!(scores(&normalised.graph(), images()), signs);
        // Left there it decides alone.
        let alone = Builder::integers().then(Operator::Add, &[&[huge]]).quant(true, RoundingMode::Floor, 0.3, -1.0, 3);
        let codes = scores(&alone.graph(), images());
        assert!(codes.iter().all(|code| *code == codes[0]));
    }
}

/// Two biases and a sum have more digits than the reference's two numbers of f64; nothing behind them compares.
#[test]
fn scores_are_computed_again_where_two_biases_absorb_them() {
    let biases = [(-1e37f32, 1e17f32), (1e30, 1e16), (1e25, -1e12)];
    for (great, lesser) in biases {
        let graph = Builder::integers()
            .then(Operator::Add, &[&[great]])
            .then(Operator::Add, &[&[lesser]])
            .then(Operator::Add, &[&[0.25]])
            .then(Operator::Sub, &[&[great]])
            .then(Operator::Sub, &[&[lesser]]);
        let images = || (-9..=9i8).map(f32::from);
        assert_eq!(
            scores(&graph.graph(), images()),
            images().map(|x| x + 0.25).collect::<Vec<_>>(),
            "{great} {lesser}"
        );
    }
}

#[test]
fn a_huge_zero_point_is_kept() {
    for huge in [1e16f32, 1e30] {
        // The greatest code, less the zero point; the same added again leaves the code.
        let graph =
            Builder::integers().quant(true, RoundingMode::Floor, 1.0, huge, 3).then(Operator::Add, &[&[huge]]).graph();
        assert_eq!(scores(&graph, [-5.0, 0.0, 7.0].into_iter()), [3.0; 3]);
    }
}

#[test]
fn every_float_has_a_code_where_a_channel_is_pruned() {
    // The greatest floats overflow in the first node; times zero that would be no number.
    let pruned = Builder::new()
        .then(Operator::Div, &[&[0.229]])
        .then(Operator::BatchNormalization { epsilon: 0.25 }, &[&[0.0], &[1.5], &[0.5], &[0.75]])
        .quant(false, RoundingMode::HalfEven, 0.25, 0.0, 4)
        .then(Operator::MatMul, &[&[1.0]]);
    assert_eq!(scores(&pruned.graph(), [-1.0, 0.0, 1.0].into_iter()), [1.5; 3]);
}
