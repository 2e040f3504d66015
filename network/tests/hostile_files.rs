//! Nothing that a file may hold makes the import, or the reference on what it imports, panic.

#![allow(clippy::unwrap_used)]

use network::onnx::import_bytes;
use network::onnx::proto::{GraphProto, ModelProto};
use network::reference::run;
use network::tensor::Tensor;
use proptest::prelude::{ProptestConfig, any, prop};
use proptest::{prop_assert, proptest};
use prost::Message;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fs;
use testkit::files::{convolutional, perceptron};

/// Runs of a graph with more elements than these would only cost time.
const MAX_ELEMENTS: usize = 1 << 16;

/// Imports the bytes, and runs what they hold where that is quick. Returns whether they import.
fn survives(bytes: &[u8]) -> bool {
    match import_bytes(bytes, None, "hostile") {
        Err(error) => {
            testkit::rendered(&error);
            false
        }
        Ok(graph) => {
            let sizes = graph.values.iter().map(|value| value.shape.iter().product::<usize>());
            if sizes.sum::<usize>() < MAX_ELEMENTS {
                let shape = graph.value(graph.input).shape.clone();
                let data = (0..shape.iter().product()).map(|i| [0.5, -1.0, 0.0, 200.0][i % 4]).collect();
                if let Err(error) = run(&graph, &Tensor::new(shape, data)) {
                    testkit::rendered(&error);
                }
            }
            true
        }
    }
}

/// A real file and how often to damage it, the small ones of the tests always among them.
fn files() -> Vec<(Vec<u8>, usize)> {
    let mut files = vec![(perceptron().encode_to_vec(), 20_000), (convolutional().encode_to_vec(), 20_000)];
    if let Some(models) = testkit::models::shared() {
        for name in ["TFC_1W1A", "build_dataflow_model", "unsw_nb15-mlp-w2a2", "bnn_residual", "bnn_conv_pad"] {
            files.push((fs::read(models.join(format!("{name}.onnx"))).unwrap(), 300));
        }
    }
    files
}

#[test]
fn damaged_bytes() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for (bytes, rounds) in files() {
        for _ in 0..rounds {
            let mut damaged = bytes.clone();
            match random.random_range(0..4) {
                0 => damaged.truncate(random.random_range(0..bytes.len())),
                1 => {
                    for _ in 0..random.random_range(1..4) {
                        let place = random.random_range(0..bytes.len());
                        damaged[place] ^= 1 << random.random_range(0..8);
                    }
                }
                2 => {
                    let (from, to) = (random.random_range(0..bytes.len()), random.random_range(0..bytes.len()));
                    let length = random.random_range(0..64).min(bytes.len() - from);
                    damaged.splice(to..to, bytes[from..from + length].iter().copied());
                }
                _ => {
                    let from = random.random_range(0..bytes.len());
                    let length = random.random_range(0..64).min(bytes.len() - from);
                    damaged.drain(from..from + length);
                }
            }
            survives(&damaged);
        }
    }
}

const OPERATORS: [&str; 66] = [
    "Abs",
    "Add",
    "ArgMax",
    "BatchNormalization",
    "BipolarQuant",
    "Cast",
    "Clip",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Div",
    "Dropout",
    "Equal",
    "Expand",
    "Flatten",
    "Gather",
    "Gemm",
    "Identity",
    "MatMul",
    "Max",
    "Min",
    "Mul",
    "MultiThreshold",
    "Neg",
    "Pow",
    "Quant",
    "Range",
    "Relu",
    "Reshape",
    "Shape",
    "Sign",
    "Size",
    "Slice",
    "Sqrt",
    "Squeeze",
    "Sub",
    "TopK",
    "Transpose",
    "Unsqueeze",
    "Where",
    "IntQuant",
    "Trunc",
    "Conv",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Pad",
    "Upsample",
    "Resize",
    "QuantAvgPool2d",
    "ConvTranspose",
    "Split",
    "DepthToSpace",
    "SpaceToDepth",
    "ReduceMean",
    "ReduceSum",
    "ReduceMax",
    "LeakyRelu",
    "PRelu",
    "HardSwish",
    "Elu",
    "Erf",
    "Exp",
    "Gelu",
    "",
];

const NUMBERS: [i64; 14] = [0, 1, -1, 2, -2, 3, 5, 64, i64::MAX, i64::MIN, 1 << 28, 1 << 32, (1 << 53) + 1, -(1 << 31)];

/// Changes one thing that is well-formed as protobuf and, mostly, nonsense as a model.
fn distort(graph: &mut GraphProto, random: &mut ChaCha8Rng) {
    let names: Vec<String> = graph
        .initializer
        .iter()
        .map(|tensor| tensor.name.clone())
        .chain(graph.node.iter().flat_map(|node| node.input.iter().chain(&node.output).cloned()))
        .collect();
    let number = NUMBERS[random.random_range(0..NUMBERS.len())];
    let name = names[random.random_range(0..names.len())].clone();
    let (nodes, tensors) = (graph.node.len(), graph.initializer.len());
    let node = &mut graph.node[random.random_range(0..nodes)];
    let tensor = &mut graph.initializer[random.random_range(0..tensors)];
    match random.random_range(0..12) {
        0 => node.op_type = OPERATORS[random.random_range(0..OPERATORS.len())].into(),
        1 if !node.input.is_empty() => {
            let place = random.random_range(0..node.input.len());
            node.input[place] = name;
        }
        2 => node.input.push(name),
        3 => drop(node.input.pop()),
        4 => {
            for attribute in &mut node.attribute {
                attribute.i = number;
                attribute.f = [f32::NAN, 0.0, -1.0, f32::INFINITY][random.random_range(0..4)];
                attribute.ints.push(number);
            }
        }
        5 => node.attribute.clear(),
        6 => tensor.dims.push(number),
        7 if !tensor.dims.is_empty() => tensor.dims[0] = number,
        8 => tensor.data_type = random.random_range(0..24),
        9 => tensor.int64_data.fill(number),
        10 => {
            let mut bytes = tensor.raw_data.to_vec();
            random.fill(&mut bytes[..]);
            tensor.raw_data = bytes.into();
        }
        _ => {
            let shape = graph.input[0].r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().shape.as_mut().unwrap();
            let axes = shape.dim.len();
            shape.dim[random.random_range(0..axes)].dim_value = Some(number);
        }
    }
}

#[test]
fn distorted_models() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    for (bytes, rounds) in files() {
        let model = ModelProto::decode(bytes.as_slice()).unwrap();
        let mut imported = 0;
        for _ in 0..rounds {
            let mut distorted = model.clone();
            for _ in 0..random.random_range(1..4) {
                distort(distorted.graph.as_mut().unwrap(), &mut random);
            }
            imported += usize::from(survives(&distorted.encode_to_vec()));
        }
        println!("{imported} of {rounds} distorted models import");
    }
}

#[test]
fn constants_that_double_are_stopped() {
    use testkit::files::{Build, With, integers, model, node};
    let mut doubling = model(&[1]).constant(integers("t0", &[1, 2, 3, 4]));
    for i in 0..60 {
        let (from, to) = (format!("t{i}"), format!("t{}", i + 1));
        doubling = doubling.add(node("Concat", &[&from, &from], &[&to]).int("axis", 0));
    }
    let bytes = doubling.add(node("Gather", &["x", "t60"], &["y"])).encode_to_vec();
    assert!(!survives(&bytes));
}

/// What follows the operands back must neither take every way through them nor recurse.
#[test]
fn long_chains_of_products_are_followed_once() {
    use testkit::files::{Build, With, floats, import, integers, model, node};
    let chain = |length: usize, second: &dyn Fn(String) -> String| {
        let mut chain = model(&[1, 4]).constant(floats("half", &[], &[0.5])).constant(integers("w", &[1, -2, 3, -4]));
        chain = chain.constant(integers("shape", &[4, 1]));
        chain = chain.add(node("Identity", &["x"], &["t0"]));
        for i in 0..length {
            let (from, to) = (format!("t{i}"), format!("t{}", i + 1));
            chain = chain.add(node("Mul", &[&from, &second(from.clone())], &[&to]));
        }
        let last = format!("t{length}");
        chain
            .add(node("Cast", &["w"], &["weights"]).int("to", testkit::files::FLOAT.into()))
            .add(node("Reshape", &["weights", "shape"], &["column"]))
            .add(node("MatMul", &["column", &last], &["y"]))
    };
    for (length, second) in [(64, (&|from| from) as &dyn Fn(String) -> String), (100_000, &|_| "half".into())] {
        let graph = import(&chain(length, second)).unwrap();
        let found: Vec<String> = graph.weight_types.values().map(ToString::to_string).collect();
        assert_eq!(found, ["i9"], "the widest weights that layers hold");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        survives(&bytes);
    }

    #[test]
    fn arbitrary_insertions(at in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 0..16)) {
        let mut file = perceptron().encode_to_vec();
        let at = at.index(file.len());
        file.splice(at..at, bytes);
        survives(&file);
    }

    #[test]
    fn a_prefix_without_the_whole_graph_never_imports(length in any::<prop::sample::Index>()) {
        let whole = perceptron();
        let file = whole.encode_to_vec();
        let prefix = &file[..length.index(file.len())];
        // Fields follow the graph, so a cut behind it may leave a model.
        prop_assert!(!survives(prefix) || ModelProto::decode(prefix).is_ok_and(|model| model.graph == whole.graph));
    }
}
