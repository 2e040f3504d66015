//! Every rule of the kinds of layers over images, broken once: the message names the field and its place.

use abi::maps::Reduction;
use abi::{ElementType, InputMap, OutputMap, StepFunction};
use network::network::{
    Add, Convolution, Layer, LayerKind, Network, Pool, PoolOperation, Table, TensorId, TensorType, WeightMatrix, Window,
};

const U2: ElementType = ElementType::Unsigned { bits: 2 };

fn image(height: usize, width: usize, channels: usize, element: ElementType) -> TensorType {
    TensorType { height, width, ..TensorType::vector(channels, element) }
}

/// Every kind over images: a convolution in two groups, steps, both pools of them, their sum and their table, that twice,
/// enlarged, as one pixel.
fn network() -> Network {
    let layer = |name: &str, kind, inputs: &[usize], output| Layer {
        name: name.into(),
        kind,
        inputs: inputs.iter().copied().map(TensorId).collect(),
        output: TensorId(output),
    };
    let near = Window { kernel: [3; 2], stride: [1; 2], dilation: [1; 2], before: [1; 2], after: [1; 2] };
    let halves = Window { kernel: [2; 2], stride: [2; 2], dilation: [1; 2], before: [0; 2], after: [0; 2] };
    let weights = WeightMatrix { rows: 4, columns: 9, element: ElementType::Bipolar, values: vec![1; 36] };
    let signs = StepFunction { boundaries: vec![9], values: vec![-1, 1] };
    let pool = |operation| LayerKind::Pool(Pool { window: halves, operation });
    let sums = TensorType { minimum: -4, maximum: 4, ..image(2, 2, 4, ElementType::Signed { bits: 4 }) };
    let codes = StepFunction { boundaries: vec![1.0, 2.0, 3.0], values: vec![0, 1, 2, 3] };
    Network {
        name: "n".into(),
        tensors: vec![
            image(4, 4, 2, U2),
            image(4, 4, 4, ElementType::Unsigned { bits: 5 }),
            image(4, 4, 4, ElementType::Bipolar),
            image(2, 2, 4, ElementType::Bipolar),
            sums,
            image(2, 2, 4, ElementType::Signed { bits: 5 }),
            image(2, 2, 4, U2),
            image(2, 2, 8, U2),
            image(4, 2, 8, U2),
            image(1, 1, 64, U2),
        ],
        layers: vec![
            layer(
                "conv",
                LayerKind::Convolution(Convolution { window: near, groups: 2, padding: 0, weights }),
                &[0],
                1,
            ),
            layer("steps", LayerKind::MultiThreshold(vec![signs; 4]), &[1], 2),
            layer("greatest", pool(PoolOperation::Extremum(vec![false; 4])), &[2], 3),
            layer("sums", pool(PoolOperation::Sum), &[2], 4),
            layer("add", LayerKind::Add(Add { factors: vec![vec![2], vec![1, -1, 7, 0]] }), &[4, 3], 5),
            layer("table", LayerKind::Table(Table { values: vec![vec![3; 32]] }), &[3, 4], 6),
            layer("twice", LayerKind::Concat, &[6, 6], 7),
            layer("large", LayerKind::Upsample { vertical: 2, horizontal: 1 }, &[7], 8),
            layer("flat", LayerKind::Reshape, &[8], 9),
        ],
        input: TensorId(0),
        output: TensorId(9),
        input_map: InputMap {
            domain: None,
            shape: vec![4, 4, 2],
            element: U2,
            functions: vec![codes],
            function_of: Vec::new(),
            source_of: Vec::new(),
        },
        output_map: OutputMap {
            shape: vec![64],
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

fn convolution(network: &mut Network) -> &mut Convolution {
    match &mut network.layers[0].kind {
        LayerKind::Convolution(convolution) => convolution,
        _ => panic!("the first layer is a convolution"),
    }
}

fn pool(network: &mut Network, layer: usize) -> &mut Pool {
    match &mut network.layers[layer].kind {
        LayerKind::Pool(pool) => pool,
        _ => panic!("layer {layer} is a pool"),
    }
}

fn factors(network: &mut Network) -> &mut Vec<Vec<i64>> {
    match &mut network.layers[4].kind {
        LayerKind::Add(Add { factors }) => factors,
        _ => panic!("the fifth layer is a sum"),
    }
}

fn table(network: &mut Network) -> &mut Vec<Vec<i32>> {
    match &mut network.layers[5].kind {
        LayerKind::Table(Table { values }) => values,
        _ => panic!("the sixth layer is a table"),
    }
}

fn upsample(network: &mut Network, vertical: usize, horizontal: usize) {
    network.layers[7].kind = LayerKind::Upsample { vertical, horizontal };
}

/// The messages of what each of `faults` does to the network.
fn messages(faults: &[fn(&mut Network)]) -> String {
    assert_eq!(network().validate(), Ok(()));
    let message = |(number, fault): (usize, &fn(&mut Network))| {
        let mut broken = network();
        fault(&mut broken);
        let error = broken.validate().expect_err(&format!("fault {number} breaks a rule"));
        format!("{error}\n")
    };
    faults.iter().enumerate().map(message).collect()
}

#[test]
fn convolutions() {
    let text = messages(&[
        |n| convolution(n).weights.rows = 0,
        |n| convolution(n).window.kernel = [0, 3],
        |n| convolution(n).window.stride = [1, 0],
        |n| convolution(n).window.dilation = [1 << 17, 1],
        |n| convolution(n).window.before = [0, usize::MAX],
        |n| convolution(n).window.after = [usize::MAX, 0],
        |n| convolution(n).window.dilation = [3, 1],
        |n| convolution(n).groups = 0,
        |n| convolution(n).groups = 3,
        |n| convolution(n).groups = 1,
        |n| convolution(n).window.stride = [2, 1],
        |n| n.tensors[1].channels = 3,
        |n| n.tensors[1].element = ElementType::Bipolar,
        |n| n.tensors[1] = image(4, 4, 4, ElementType::Bipolar),
        |n| convolution(n).padding = 4,
        |n| n.tensors[1].maximum = 26,
        // What lies outside counts, where it is more than any element.
        |n| {
            n.tensors[0].maximum = 2;
            n.input_map.functions = vec![StepFunction::constant(0)];
            n.tensors[1].maximum = 18;
            convolution(n).padding = 3;
        },
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn pools() {
    let text = messages(&[
        |n| pool(n, 2).window.kernel = [2, 1 << 17],
        |n| pool(n, 2).window.kernel = [5, 1],
        |n| {
            pool(n, 2).window =
                Window { kernel: [1 << 15; 2], before: [1 << 15; 2], after: [1 << 15; 2], ..pool(n, 2).window }
        },
        |n| pool(n, 2).window.stride = [1, 2],
        |n| {
            pool(n, 2).window = Window { kernel: [1, 2], before: [1, 0], ..pool(n, 2).window };
            n.tensors[3].height = 3;
        },
        |n| {
            pool(n, 2).window = Window { kernel: [2, 1], after: [0, 3], ..pool(n, 2).window };
            n.tensors[3].width = 4;
        },
        // The first window's taps lie on both sides of the only pixel.
        |n| {
            let window = Window { kernel: [2, 1], stride: [1; 2], dilation: [6, 1], before: [1, 0], after: [2, 0] };
            n.layers[2].kind = LayerKind::Pool(Pool { window, operation: PoolOperation::Extremum(vec![false; 4]) });
            n.tensors[3] = image(1, 4, 4, ElementType::Bipolar);
        },
        |n| pool(n, 2).operation = PoolOperation::Extremum(vec![false; 3]),
        |n| n.tensors[3].element = ElementType::Signed { bits: 2 },
        |n| n.tensors[3].minimum = 1,
        |n| n.tensors[4] = image(2, 2, 4, ElementType::Bipolar),
        |n| n.tensors[4].maximum = 3,
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn sums_and_tables() {
    let text = messages(&[
        |n| _ = factors(n).pop(),
        |n| _ = factors(n)[1].pop(),
        |n| factors(n)[0].clear(),
        |n| factors(n)[1][2] = (1 << 24) + 1,
        |n| factors(n)[1][2] = i64::MIN,
        |n| factors(n)[1][2] = 9,
        |n| n.layers[4].inputs = vec![TensorId(4), TensorId(2)],
        |n| n.layers[4].inputs = vec![TensorId(4); 3],
        |n| n.layers[4].inputs.clear(),
        |n| n.tensors[5].width = 3,
        |n| n.tensors[5] = image(2, 2, 4, ElementType::Bipolar),
        |n| n.layers[5].inputs.truncate(1),
        |n| n.layers[5].inputs = vec![TensorId(3), TensorId(2)],
        |n| n.tensors[6].height = 1,
        |n| n.tensors[4].element = ElementType::Signed { bits: 16 },
        |n| table(n).push(Vec::new()),
        |n| table(n).clear(),
        |n| _ = table(n)[0].pop(),
        |n| table(n)[0][31] = 4,
        |n| table(n)[0][0] = -1,
        |n| {
            n.tensors[6].element = ElementType::Bipolar;
            (n.tensors[6].minimum, n.tensors[6].maximum) = (-1, 1);
            table(n)[0].fill(1);
            table(n)[0][5] = 0;
        },
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn layout() {
    let text = messages(&[
        |n| n.layers[6].inputs.truncate(1),
        |n| n.layers[6].inputs = vec![TensorId(6), TensorId(2)],
        |n| n.tensors[7].channels = 7,
        |n| n.tensors[7].element = ElementType::Unsigned { bits: 3 },
        |n| n.tensors[7].maximum = 2,
        |n| upsample(n, 0, 1),
        |n| upsample(n, usize::MAX, 1),
        |n| upsample(n, 1, 1),
        |n| n.tensors[8].maximum = 2,
        |n| n.tensors[9].channels = 63,
        |n| n.tensors[9].element = ElementType::Signed { bits: 3 },
        |n| n.layers[8].kind = LayerKind::ArgMax,
    ]);
    insta::assert_snapshot!(text);
}

/// One sum of ±1 may be ±1 itself, where no factor makes it even.
#[test]
fn sums_of_signs() {
    let sum = |factor: i64| {
        let mut network = network();
        network.layers[4].inputs = vec![TensorId(3)];
        *factors(&mut network) = vec![vec![factor]];
        network.tensors[5] = image(2, 2, 4, ElementType::Bipolar);
        network.validate()
    };
    assert_eq!((sum(1), sum(-1)), (Ok(()), Ok(())));
    assert!(sum(0).is_err() && sum(2).is_err() && sum(3).is_err());
}

/// The largest numbers that a file may hold are refused or accepted at once, without overflow.
#[test]
fn largest_windows() {
    let edge = 1 << 16;
    let window = |kernel: [usize; 2], stride: [usize; 2]| Window {
        kernel,
        stride,
        dilation: [edge; 2],
        before: [edge; 2],
        after: [edge; 2],
    };
    let with = |window: Window, tensor: TensorType| {
        let mut network = network();
        (network.layers[2].kind, network.tensors[3]) =
            (LayerKind::Pool(Pool { window, operation: PoolOperation::Extremum(vec![false; 4]) }), tensor);
        network.validate().map_err(|error| error.field)
    };
    let bipolar = |height, width| image(height, width, 4, ElementType::Bipolar);
    assert_eq!(with(window([edge; 2], [1; 2]), bipolar(1, 1)), Err("window".into()));
    assert_eq!(with(window([2; 2], [edge; 2]), bipolar(2, 2)), Ok(()));
    assert_eq!(with(window([1; 2], [1; 2]), bipolar(1 << 28, 1 << 28)), Err("[height, width, channels]".into()));
    // 2^17 + 4 rows of windows, most of which see nothing.
    let tall = Window { before: [edge, 0], after: [edge, 0], dilation: [1; 2], ..window([1, 4], [1, 1]) };
    assert_eq!(with(tall, bipolar((1 << 17) + 4, 1)), Err("window".into()));
    let whole = Window { kernel: [edge, 4], before: [edge - 1, 0], after: [edge - 1, 0], ..tall };
    assert_eq!(with(whole, bipolar(edge + 3, 1)).unwrap_err(), "inputs");
}

/// Each tensor may be that large, but not all of them.
#[test]
fn elements_together() {
    let mut large = network();
    large.tensors[8] = image(1 << 12, 1 << 12, 8, U2);
    large.tensors[9].channels = 1 << 27;
    upsample(&mut large, 1 << 11, 1 << 11);
    let error = large.validate().unwrap_err();
    assert_eq!((error.field.as_str(), error.must.as_str()), ("tensors", "have at most 268435456 elements together"));
}
