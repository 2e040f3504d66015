//! What cannot be lowered is refused by the node's name, with what must hold, what was found and a way out.

#![allow(clippy::unwrap_used)]

use compiler::lower::{LowerError, lower};
use miette::Diagnostic;
use network::graph::{Graph, Node, NodeId, Operator, RoundingMode, Source, Value, ValueId, Window};
use network::tensor::Tensor;

/// A graph that grows from an image of shape `[1, 2, 4, 4]`.
struct Builder {
    nodes: Vec<Node>,
    values: Vec<Value>,
}

impl Builder {
    fn new() -> Self {
        let image = Value {
            name: "image".into(),
            shape: vec![1, 2, 4, 4],
            source: Source::Input,
            is_integer: false,
            is_codes: false,
        };
        Builder { nodes: Vec::new(), values: vec![image] }
    }

    fn constant(&mut self, shape: &[usize], value: f64) -> ValueId {
        let tensor = Tensor::new(shape.to_vec(), vec![value; shape.iter().product()]);
        self.value("constant", shape, Source::Constant(tensor))
    }

    fn value(&mut self, name: &str, shape: &[usize], source: Source) -> ValueId {
        self.values.push(Value {
            name: name.into(),
            shape: shape.to_vec(),
            source,
            is_integer: false,
            is_codes: false,
        });
        ValueId(self.values.len() - 1)
    }

    fn node(&mut self, name: &str, operator: Operator, inputs: &[ValueId], shape: &[usize]) -> ValueId {
        let output = self.value(name, shape, Source::Node(NodeId(self.nodes.len())));
        self.nodes.push(Node { name: name.into(), operator, inputs: inputs.to_vec(), outputs: vec![output] });
        output
    }

    /// ±1 out of a value, with the given scale.
    fn sign(&mut self, name: &str, input: ValueId, scale: f64) -> ValueId {
        let scale = self.constant(&[], scale);
        let shape = self.values[input.0].shape.clone();
        self.node(name, Operator::BipolarQuant, &[input, scale], &shape)
    }

    fn conv(&mut self, name: &str, input: ValueId) -> ValueId {
        let weights = self.constant(&[3, 2, 1, 1], 1.0);
        self.node(name, Operator::Conv { window: window(1, 1, 0), groups: 1 }, &[input, weights], &[1, 3, 4, 4])
    }

    /// Constants that are all different.
    fn ascending(&mut self, shape: &[usize]) -> ValueId {
        let data = (1..=shape.iter().product()).map(|number: usize| number as f64).collect();
        self.value("constants", shape, Source::Constant(Tensor::new(shape.to_vec(), data)))
    }

    /// Four signed bits out of a value.
    fn quant(&mut self, name: &str, input: ValueId, scale: ValueId) -> ValueId {
        let (zero, bits) = (self.constant(&[], 0.0), self.constant(&[], 4.0));
        let operator = Operator::Quant { signed: true, narrow: false, rounding: RoundingMode::HalfEven };
        let shape = self.values[input.0].shape.clone();
        self.node(name, operator, &[input, scale, zero, bits], &shape)
    }

    /// A vector of four ±1 out of an image of as many pixels.
    fn vector() -> (Self, ValueId) {
        let mut graph = Builder::new();
        graph.values[IMAGE.0].shape = vec![1, 4];
        let sign = graph.sign("sign", IMAGE, 1.0);
        (graph, sign)
    }

    fn finished(self, output: ValueId) -> Graph {
        Graph {
            name: "refused".into(),
            opset: 13,
            nodes: self.nodes,
            values: self.values,
            input: ValueId(0),
            weight_types: Default::default(),
            input_type: None,
            output,
            remarks: Vec::new(),
            approximations: Vec::new(),
        }
    }

    fn refused(self, output: ValueId) -> String {
        let error = lower(&self.finished(output)).unwrap_err();
        let help = error.help().map(|help| help.to_string()).unwrap_or_default();
        assert!(!help.is_empty(), "{error} comes without help");
        format!("{error}\n  help: {help}\n")
    }
}

fn window(kernel: usize, stride: usize, pad: usize) -> Window {
    Window {
        kernel: vec![kernel; 2],
        strides: vec![stride; 2],
        dilations: vec![1; 2],
        pads_before: vec![pad; 2],
        pads_after: vec![pad; 2],
        overhang: vec![0; 2],
    }
}

const IMAGE: ValueId = ValueId(0);

#[test]
fn refusals_name_the_node() {
    let mut text = String::new();

    let mut graph = Builder::new();
    let conv = graph.conv("conv_of_the_image", IMAGE);
    text += &graph.refused(conv);

    let mut graph = Builder::new();
    let mut last = graph.sign("sign", IMAGE, 1.0);
    for number in 0..12 {
        let tenth = graph.constant(&[], 0.1);
        let scaled = graph.node(&format!("scaled_{number}"), Operator::Mul, &[last, tenth], &[1, 2, 4, 4]);
        last = graph.node(&format!("added_{number}"), Operator::Add, &[last, scaled], &[1, 2, 4, 4]);
    }
    text += &graph.refused(last);

    let mut graph = Builder::new();
    let sign = graph.sign("sign", IMAGE, 1.0);
    let great = graph.constant(&[], 1e39);
    let last = graph.node("beyond_float32", Operator::Mul, &[sign, great], &[1, 2, 4, 4]);
    text += &graph.refused(last);

    let mut graph = Builder::new();
    let sign = graph.sign("sign", IMAGE, 1.0);
    let operator = Operator::AveragePool { window: window(3, 1, 1), count_include_pad: false };
    let pool = graph.node("uneven_average", operator, &[sign], &[1, 2, 4, 4]);
    text += &graph.refused(pool);

    let mut graph = Builder::new();
    let first = graph.sign("first", IMAGE, 1.0);
    let one = graph.constant(&[], 1.0);
    let raised = graph.node("raised", Operator::Add, &[IMAGE, one], &[1, 2, 4, 4]);
    let second = graph.sign("second", raised, 2.0);
    let sum = graph.node("sum", Operator::Add, &[first, second], &[1, 2, 4, 4]);
    text += &graph.refused(sum);

    let mut graph = Builder::new();
    let sign = graph.sign("sign", IMAGE, 1.0);
    let conv = graph.conv("conv", sign);
    let again = graph.sign("again", conv, 1.0);
    let other = graph.conv("other", sign);
    let other = graph.sign("other_codes", other, 1.0);
    let quotient = graph.node("quotient", Operator::Div, &[again, other], &[1, 3, 4, 4]);
    text += &graph.refused(quotient);

    let mut graph = Builder::new();
    let sign = graph.sign("sign", IMAGE, 1.0);
    let along = graph.node("along_images", Operator::Concat { axis: 0 }, &[sign, sign], &[2, 2, 4, 4]);
    text += &graph.refused(along);

    let mut graph = Builder::new();
    let sign = graph.sign("sign", IMAGE, 1.0);
    let conv = graph.conv("conv", sign);
    let codes = graph.sign("codes", conv, 1.0);
    let mixed = graph.node("mixed", Operator::Reshape, &[codes], &[1, 4, 3, 4]);
    let weights = graph.constant(&[1, 4, 1, 1], 1.0);
    let operator = Operator::Conv { window: window(1, 1, 0), groups: 1 };
    let last = graph.node("conv_of_mixed", operator, &[mixed, weights], &[1, 1, 3, 4]);
    text += &graph.refused(last);

    let mut graph = Builder::new();
    let sign = graph.sign("sign", IMAGE, 1.0);
    let (before, after) = (vec![0, 1, 0, 0], vec![0; 4]);
    let padded = graph.node("more_channels", Operator::Pad { before, after, value: 0.0 }, &[sign], &[1, 3, 4, 4]);
    text += &graph.refused(padded);

    let mut graph = Builder::new();
    let sign = graph.sign("sign", IMAGE, 1.0);
    let (before, after) = (vec![0, 0, 1, 1], vec![0; 4]);
    let padded = graph.node("half", Operator::Pad { before, after, value: 0.5 }, &[sign], &[1, 2, 5, 5]);
    text += &graph.refused(padded);

    let mut graph = Builder::new();
    let sign = graph.sign("sign", IMAGE, 1.0);
    let (before, after) = (vec![0, 0, 0, 70_000], vec![0; 4]);
    let shape = [1, 2, 4, 70_004];
    let padded = graph.node("wide_border", Operator::Pad { before, after, value: 1.0 }, &[sign], &shape);
    text += &graph.refused(padded);

    let mut graph = Builder::new();
    let sign = graph.sign("sign", IMAGE, 1.0);
    let weights = graph.constant(&[1, 2, 4, 4], 1.0);
    let operator = Operator::Conv { window: window(4, 1, 0), groups: 1 };
    let conv = graph.node("conv", operator, &[sign, weights], &[1, 1, 1, 1]);
    let factors = vec![1, 1, 16_384, 16_384];
    let larger = graph.node("much_larger", Operator::Upsample { factors }, &[conv], &[1, 1, 16_384, 16_384]);
    text += &graph.refused(larger);

    insta::assert_snapshot!("refusals", text);
}

/// The cause is named where it lies before the node that cannot read what it makes.
#[test]
fn refusals_name_the_cause() {
    let mut text = String::new();

    // Scales by channel: some go into integer weights, others do not.
    let by_channel = |scales: &[f64]| {
        let (mut graph, sign) = Builder::vector();
        let weights = graph.constant(&[4, 3], 1.0);
        let first = graph.node("first", Operator::MatMul, &[sign, weights], &[1, 3]);
        let scales = graph.value("scales", &[1, 3], Source::Constant(Tensor::new(vec![1, 3], scales.to_vec())));
        let codes = graph.quant("quant_by_channel", first, scales);
        let shaped = graph.node("shaped", Operator::Reshape, &[codes], &[3]);
        let weights = graph.constant(&[3, 2], 3.0);
        let last = graph.node("last", Operator::MatMul, &[shaped, weights], &[2]);
        (graph, last)
    };
    let (graph, last) = by_channel(&[1.0, 0.5, 3.0]);
    lower(&graph.finished(last)).unwrap();
    let (graph, last) = by_channel(&[1.0, f64::from(0.1f32), 1.0]);
    text += &graph.refused(last);

    // A depthwise convolution reads one channel for each output.
    let depthwise = |graph: &mut Builder, input: ValueId, channels: usize| {
        let weights = graph.constant(&[channels, 1, 1, 1], 1.0);
        let operator = Operator::Conv { window: window(1, 1, 0), groups: channels };
        graph.node("depthwise", operator, &[input, weights], &[1, channels, 4, 4])
    };
    let mut graph = Builder::new();
    let scales = graph.ascending(&[1, 2, 1, 1]);
    let codes = graph.quant("quant_by_channel", IMAGE, scales);
    let conv = depthwise(&mut graph, codes, 2);
    lower(&graph.finished(conv)).unwrap();

    let mut graph = Builder::new();
    let sign = graph.sign("sign", IMAGE, 1.0);
    let conv = graph.conv("conv", sign);
    let other = graph.sign("other", conv, 0.5);
    let joined = graph.node("joined", Operator::Concat { axis: 1 }, &[sign, other], &[1, 5, 4, 4]);
    let conv = depthwise(&mut graph, joined, 5);
    lower(&graph.finished(conv)).unwrap();
    let mut graph = Builder::new();
    let sign = graph.sign("sign", IMAGE, 1.0);
    let conv = graph.conv("conv", sign);
    let other = graph.sign("other", conv, f64::from(0.3f32));
    let joined = graph.node("joined", Operator::Concat { axis: 1 }, &[sign, other], &[1, 5, 4, 4]);
    let weights = graph.constant(&[1, 5, 1, 1], 1.0);
    let operator = Operator::Conv { window: window(1, 1, 0), groups: 1 };
    let conv = graph.node("conv_of_joined", operator, &[joined, weights], &[1, 1, 4, 4]);
    text += &graph.refused(conv);

    // What the host computes is no operand of hardware.
    let ended = |operator: Operator| {
        let mut graph = Builder::new();
        let sign = graph.sign("sign", IMAGE, 1.0);
        let conv = graph.conv("conv", sign);
        let end = graph.node("end", operator, &[conv], &[1, 3, 4, 4]);
        (graph, end)
    };
    let (mut graph, end) = ended(Operator::Sigmoid);
    let sign = graph.sign("codes", end, 1.0);
    let weights = graph.constant(&[1, 3, 1, 1], 1.0);
    let operator = Operator::Conv { window: window(1, 1, 0), groups: 1 };
    let conv = graph.node("conv_of_sigmoid", operator, &[sign, weights], &[1, 1, 4, 4]);
    text += &graph.refused(conv);
    let (mut graph, end) = ended(Operator::Softmax { axis: 1, log: false });
    let again = graph.node("again", Operator::Sigmoid, &[end], &[1, 3, 4, 4]);
    text += &graph.refused(again);
    let (mut graph, end) = ended(Operator::Softmax { axis: 1, log: false });
    let two = graph.constant(&[], 2.0);
    let twice = graph.node("twice", Operator::Mul, &[end, two], &[1, 3, 4, 4]);
    text += &graph.refused(twice);
    let (mut graph, end) = ended(Operator::Sigmoid);
    let scales = graph.ascending(&[1, 3, 1, 1]);
    let codes = graph.quant("codes_by_channel", end, scales);
    text += &graph.refused(codes);
    let (mut graph, end) = ended(Operator::ArgMax { axis: 1, last: false });
    let two = graph.constant(&[], 2.0);
    let moved = graph.node("moved", Operator::Add, &[end, two], &[1, 1, 4, 4]);
    text += &graph.refused(moved);

    // Constants by pixel: a layer moves the vector that is quantised so to pixels. Sums of them no layer with windows can
    // read.
    for (operator, shape) in [(Operator::Add, [1, 2, 4, 4]), (Operator::Mul, [1, 1, 4, 4])] {
        let mut graph = Builder::new();
        let sign = graph.sign("sign", IMAGE, 1.0);
        let constant = graph.ascending(&shape);
        let moved = graph.node("by_pixel", operator, &[sign, constant], &[1, 2, 4, 4]);
        let one = graph.constant(&[], 1.0);
        let codes = graph.quant("quant", moved, one);
        let relu = graph.node("relu", Operator::Relu, &[codes], &[1, 2, 4, 4]);
        let conv = graph.conv("conv", relu);
        lower(&graph.finished(conv)).unwrap();
    }
    let mut graph = Builder::new();
    let sign = graph.sign("sign", IMAGE, 1.0);
    let constant = graph.ascending(&[4, 1]);
    let moved = graph.node("by_row", Operator::Mul, &[sign, constant], &[1, 2, 4, 4]);
    let conv = graph.conv("conv_of_rows", moved);
    text += &graph.refused(conv);
    let mut graph = Builder::new();
    let sign = graph.sign("sign", IMAGE, 1.0);
    let scales = graph.ascending(&[2, 4, 1]);
    let codes = graph.quant("quant_by_pixel", sign, scales);
    let weights = graph.constant(&[4, 3], 1.0);
    let last = graph.node("by_rows", Operator::MatMul, &[codes, weights], &[1, 2, 4, 3]);
    text += &graph.refused(last);

    // Integers that are no codes, and nothing quantised at all.
    let mut graph = Builder::new();
    graph.values[IMAGE.0].is_integer = true;
    let conv = graph.conv("conv_of_integers", IMAGE);
    text += &graph.refused(conv);
    let mut graph = Builder::new();
    let weights =
        graph.value("weights", &[1, 2, 1, 1], Source::Constant(Tensor::new(vec![1, 2, 1, 1], vec![0.1, 0.7])));
    let operator = Operator::Conv { window: window(1, 1, 0), groups: 1 };
    let conv = graph.node("float_conv", operator, &[IMAGE, weights], &[1, 1, 4, 4]);
    text += &graph.refused(conv);

    // Products in another form than data times one matrix.
    let (mut graph, sign) = Builder::vector();
    let square = graph.node("square", Operator::Reshape, &[sign], &[2, 2]);
    let weights = graph.constant(&[3, 2], 1.0);
    let product = graph.node("constant_on_the_left", Operator::MatMul, &[weights, square], &[3, 2]);
    text += &graph.refused(product);
    let (mut graph, sign) = Builder::vector();
    let two = graph.node("two", Operator::Reshape, &[sign], &[2, 1, 2]);
    let weights = graph.constant(&[2, 2, 3], 1.0);
    let product = graph.node("two_matrices", Operator::MatMul, &[two, weights], &[2, 1, 3]);
    text += &graph.refused(product);

    insta::assert_snapshot!("causes", text);
}

/// One column that is turned first is the vector that it holds.
#[test]
fn a_turned_column_is_a_vector() {
    let product = |shape: &[usize], transpose_a: bool| {
        let (mut graph, sign) = Builder::vector();
        let shaped = graph.node("shaped", Operator::Reshape, &[sign], shape);
        let (weights, bias) = (graph.ascending(&[4, 3]), graph.ascending(&[3]));
        let operator = Operator::Gemm { alpha: 1.0, beta: 1.0, transpose_a, transpose_b: false };
        let gemm = graph.node("gemm", operator, &[shaped, weights, bias], &[1, 3]);
        lower(&graph.finished(gemm)).unwrap()
    };
    assert_eq!(product(&[4, 1], true), product(&[1, 4], false));
}

/// What codes and a divisor make is exact in the reference, so what double precision does not hold may not be rounded.
#[test]
fn quotients_of_codes_are_exact_or_refused() {
    let divided = |divisor: f64| {
        let mut graph = Builder::new();
        let sign = graph.sign("sign", IMAGE, 1.0);
        let codes = graph.constant(&[3, 2, 1, 1], 5.0);
        graph.values[codes.0].is_codes = true;
        let divisor = graph.constant(&[], divisor);
        let weights = graph.node("quotient", Operator::Div, &[codes, divisor], &[3, 2, 1, 1]);
        let operator = Operator::Conv { window: window(1, 1, 0), groups: 1 };
        let conv = graph.node("conv_of_quotient", operator, &[sign, weights], &[1, 3, 4, 4]);
        (graph, conv)
    };
    let (graph, conv) = divided(4.0);
    lower(&graph.finished(conv)).unwrap();
    let (graph, conv) = divided(3.0);
    let refused = graph.refused(conv);
    assert!(refused.contains("conv_of_quotient") && refused.contains("double precision"), "{refused}");
}

/// Strides that lead out of the image are as good as the least one that does.
#[test]
fn strides_may_be_any_number() {
    let lowered = |stride: usize| {
        let mut graph = Builder::new();
        let sign = graph.sign("sign", IMAGE, 1.0);
        let weights = graph.constant(&[3, 2, 3, 3], 1.0);
        let operator = Operator::Conv { window: window(3, stride, 0), groups: 1 };
        let conv = graph.node("conv", operator, &[sign, weights], &[1, 3, 1, 1]);
        lower(&graph.finished(conv)).unwrap()
    };
    let least = lowered(2);
    assert_eq!(lowered(1 << 31), least);
    assert_eq!(lowered(i64::MAX as usize), least);
}

/// Behind a refused node integers stand in for its result, so that the next refusal is told as well.
#[test]
fn all_refusals_are_told_in_one_run() {
    let mut graph = Builder::new();
    let first = graph.conv("conv_of_the_image", IMAGE);
    let weights = graph.value(
        "real",
        &[1, 3, 1, 1],
        Source::Constant(Tensor::new(vec![1, 3, 1, 1], vec![0.1, std::f64::consts::PI, 2.7])),
    );
    let conv = Operator::Conv { window: window(1, 1, 0), groups: 1 };
    let second = graph.node("real_weights", conv, &[first, weights], &[1, 1, 4, 4]);
    let scale = graph.constant(&[], 1.0);
    let output = graph.quant("codes", second, scale);
    let LowerError::Several { count, refusals } = lower(&graph.finished(output)).unwrap_err() else {
        panic!("two nodes stand in the way")
    };
    assert_eq!(count, 2);
    assert!(matches!(&refusals[0], LowerError::InputNotQuantised { node, .. } if node == "conv_of_the_image"));
    assert!(matches!(&refusals[1], LowerError::WeightsNotQuantised { node, .. } if node == "real_weights"));
    let nodes: Vec<_> =
        LowerError::Several { count, refusals }.refusals().iter().map(|(node, _)| node.map(str::to_owned)).collect();
    assert_eq!(nodes, [Some("conv_of_the_image".to_owned()), Some("real_weights".to_owned())]);
}

/// Of a model without a quantiser all layers lack the same: it is told once, in whatever way each of them lacks it.
#[test]
fn a_model_of_floats_is_refused_as_one() {
    let mut graph = Builder::new();
    let real = |graph: &mut Builder, channels: usize| {
        let shape = vec![3, channels, 1, 1];
        let data = (1..=3 * channels).map(|number| (number as f64).sqrt()).collect();
        graph.value("real", &shape.clone(), Source::Constant(Tensor::new(shape, data)))
    };
    let conv = Operator::Conv { window: window(1, 1, 0), groups: 1 };
    let (first_weights, other_weights) = (real(&mut graph, 2), real(&mut graph, 3));
    let first = graph.node("first", conv.clone(), &[IMAGE, first_weights], &[1, 3, 4, 4]);
    let relu = graph.node("relu", Operator::Relu, &[first], &[1, 3, 4, 4]);
    let second = graph.node("second", conv, &[relu, other_weights], &[1, 3, 4, 4]);
    let refusal = lower(&graph.finished(second)).unwrap_err();
    let LowerError::Unquantised { refusals, .. } = &refusal else { panic!("{refusal}") };
    assert!(matches!(&refusals[0], LowerError::NothingQuantised { .. }));
    let text = testkit::rendered(&refusal);
    assert!(text.contains("2 layers (`first`, `second`) are real numbers"), "{text}");
    assert!(text.contains("--scheme hwgq:4 --calibrate IMAGES.npy"), "{text}");
    let nodes: Vec<_> = refusal.refusals().iter().map(|(node, _)| node.map(str::to_owned)).collect();
    assert_eq!(nodes, [Some("first".to_owned()), Some("second".to_owned())]);
}

#[test]
fn the_bits_of_an_input_are_limited() {
    let mut graph = Builder::new();
    let conv = graph.conv("conv", IMAGE);
    let mut graph = graph.finished(conv);
    for (bits, found) in [(17, "UINT17"), (64, "UINT64")] {
        graph.input_type = Some(abi::ElementType::Unsigned { bits });
        let refusal = testkit::rendered(&lower(&graph).unwrap_err());
        assert!(refusal.contains(&format!("is {found}, but inputs have at most 16 bits")), "{refusal}");
    }
    graph.input_type = Some(abi::ElementType::Unsigned { bits: 16 });
    lower(&graph).unwrap();
}
