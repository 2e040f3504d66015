//! Every rule of `Network::validate`, broken once: the message names the field and its place.

use abi::maps::Reduction;
use abi::{ElementType, InputMap, OutputMap, StepFunction};
use miette::Diagnostic;
use network::network::{Layer, LayerKind, Network, SensitiveSteps, TensorId, TensorType, WeightMatrix};

const U2: ElementType = ElementType::Unsigned { bits: 2 };

/// Six values, a product, steps, and the index of the greatest of three.
fn network() -> Network {
    let step = StepFunction { boundaries: vec![-1, 2, 4], values: vec![0, 1, 2, 3] };
    let weights = WeightMatrix {
        rows: 3,
        columns: 6,
        element: ElementType::Signed { bits: 2 },
        values: vec![1, -1, 0, 1, 1, -2, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, -1],
    };
    let layer = |name: &str, kind, input: usize| Layer {
        name: name.into(),
        kind,
        inputs: vec![TensorId(input)],
        output: TensorId(input + 1),
    };
    Network {
        name: "n".into(),
        tensors: vec![
            TensorType::vector(6, U2),
            TensorType::vector(3, ElementType::Signed { bits: 6 }),
            TensorType::vector(3, U2),
            TensorType { maximum: 2, ..TensorType::vector(1, U2) },
        ],
        layers: vec![
            layer("dot", LayerKind::MatrixVector(weights), 0),
            layer("steps", LayerKind::MultiThreshold(vec![step; 3]), 1),
            layer("best", LayerKind::ArgMax, 2),
        ],
        input: TensorId(0),
        output: TensorId(3),
        input_map: InputMap {
            domain: None,
            shape: vec![1, 2, 3],
            element: U2,
            functions: vec![
                StepFunction { boundaries: vec![0.5, 1.5, 2.5], values: vec![0, 1, 2, 3] },
                StepFunction::constant(3),
            ],
            function_of: vec![0, 1, 0, 0, 0, 0],
            source_of: vec![5, 4, 3, 2, 1, 0],
        },
        output_map: OutputMap {
            shape: vec![1],
            scale: vec![1.0],
            bias: vec![0.0],
            divisor: 1.0,
            source_of: Vec::new(),
            score_map: None,
            reduction: Reduction::Index,
        },
        sensitive_steps: vec![SensitiveSteps {
            node: "steps".into(),
            channels: vec![0, 2, 2],
            differences: Vec::new(),
            is_complete: true,
        }],
        approximations: Vec::new(),
        replaceable: false,
    }
}

/// The same without its arg-max: three scores.
fn with_scores() -> Network {
    let mut network = network();
    network.tensors.pop();
    network.layers.pop();
    network.output = TensorId(2);
    network.output_map = OutputMap {
        shape: vec![3],
        scale: vec![1.0, 2.0, 3.0],
        bias: vec![0.0],
        divisor: 1.0,
        source_of: vec![2, 0, 1],
        score_map: None,
        reduction: Reduction::None,
    };
    network
}

fn weights(network: &mut Network) -> &mut WeightMatrix {
    match &mut network.layers[0].kind {
        LayerKind::MatrixVector(weights) => weights,
        _ => panic!("the first layer is a product"),
    }
}

fn steps(network: &mut Network) -> &mut Vec<StepFunction<i64>> {
    match &mut network.layers[1].kind {
        LayerKind::MultiThreshold(steps) => steps,
        _ => panic!("the second layer is step functions"),
    }
}

/// The messages of what each of `faults` does to `network`.
fn messages(network: &Network, faults: &[fn(&mut Network)]) -> String {
    assert_eq!(network.validate(), Ok(()));
    let message = |(number, fault): (usize, &fn(&mut Network))| {
        let mut broken = network.clone();
        fault(&mut broken);
        let error = broken.validate().expect_err(&format!("fault {number} breaks a rule"));
        assert!(error.help().is_some_and(|help| !help.to_string().is_empty()));
        format!("{error}\n")
    };
    faults.iter().enumerate().map(message).collect()
}

#[test]
fn tensors_and_layers() {
    let text = messages(
        &network(),
        &[
            |n| n.tensors[0].channels = 0,
            |n| n.tensors[1].height = usize::MAX,
            |n| n.tensors[1].element = ElementType::Signed { bits: 0 },
            |n| n.tensors[1].element = ElementType::Unsigned { bits: 33 },
            |n| n.tensors[1].minimum = -33,
            |n| n.tensors[1] = TensorType::vector(3, ElementType::Unsigned { bits: 32 }),
            |n| n.tensors[2].minimum = 3,
            |n| (n.tensors[2].minimum, n.tensors[2].maximum) = (2, 1),
            |n| n.input = TensorId(4),
            |n| n.output = TensorId(usize::MAX),
            |n| n.layers[1].name = "dot".into(),
            |n| n.layers[0].inputs = vec![TensorId(9)],
            |n| n.layers[0].inputs = vec![TensorId(2)],
            |n| n.layers[1].output = TensorId(9),
            |n| n.layers[2].output = TensorId(1),
            |n| n.layers.truncate(2),
            |n| n.sensitive_steps[0].channels = vec![2, 0],
            |n| n.sensitive_steps[0].channels = vec![6],
        ],
    );
    insta::assert_snapshot!(text);
}

#[test]
fn weights_and_steps() {
    let text = messages(
        &network(),
        &[
            |n| weights(n).rows = 0,
            |n| weights(n).columns = 0,
            |n| weights(n).rows = usize::MAX,
            |n| weights(n).values.truncate(17),
            |n| weights(n).element = ElementType::Unsigned { bits: 16 },
            |n| weights(n).element = ElementType::Signed { bits: 17 },
            |n| weights(n).element = ElementType::Bipolar,
            |n| (weights(n).rows, weights(n).columns) = (6, 3),
            |n| {
                weights(n).values.truncate(12);
                weights(n).rows = 2;
            },
            |n| n.tensors[1].maximum = 17,
            |n| _ = steps(n).pop(),
            |n| n.tensors[2].channels = 4,
            |n| steps(n)[1].values.clear(),
            |n| _ = steps(n)[1].boundaries.pop(),
            |n| steps(n)[2].boundaries[1] = 4,
            |n| steps(n)[0].values[3] = 4,
            |n| n.tensors[2].maximum = 2,
            |n| n.tensors[3].channels = 2,
            |n| n.tensors[3].maximum = 1,
            |n| n.tensors[3] = TensorType::vector(1, ElementType::Bipolar),
        ],
    );
    insta::assert_snapshot!(text);
}

#[test]
fn maps() {
    let text = messages(
        &network(),
        &[
            |n| n.input_map.shape = vec![1, 0, 6],
            |n| n.input_map.shape = vec![usize::MAX, 2],
            |n| n.input_map.element = ElementType::Signed { bits: 2 },
            |n| n.input_map.functions.clear(),
            |n| _ = n.input_map.functions[1].values.pop(),
            |n| n.input_map.functions[0].boundaries[1] = 0.5,
            |n| n.input_map.functions[0].boundaries[2] = f32::INFINITY,
            |n| {
                n.input_map.functions[1] = StepFunction { boundaries: vec![f32::NAN], values: vec![1, 2] };
            },
            |n| n.input_map.functions[1].values[0] = -1,
            |n| _ = n.input_map.function_of.pop(),
            |n| n.input_map.function_of[3] = 2,
            |n| n.input_map.function_of.clear(),
            |n| _ = n.input_map.source_of.pop(),
            |n| n.input_map.source_of[2] = 6,
            |n| {
                n.input_map.source_of.clear();
                n.input_map.function_of.pop();
                n.input_map.shape = vec![5];
            },
            |n| n.output_map.shape = vec![3],
            |n| n.output_map.scale.clear(),
            |n| n.output_map.bias = vec![0.0; 3],
            |n| n.output_map.reduction = Reduction::None,
        ],
    );
    insta::assert_snapshot!(text);
    let text = messages(
        &with_scores(),
        &[
            |n| n.output_map.shape = vec![1],
            |n| n.output_map.shape = vec![0],
            |n| _ = n.output_map.scale.pop(),
            |n| n.output_map.scale[1] = f64::INFINITY,
            |n| n.output_map.bias[0] = f64::NAN,
            |n| n.output_map.divisor = 0.0,
            |n| n.output_map.source_of.push(0),
            |n| n.output_map.source_of[1] = 3,
            |n| n.output_map.source_of[1] = 2,
            |n| n.output_map.reduction = Reduction::Index,
            |n| n.output_map.reduction = Reduction::ArgMax,
        ],
    );
    insta::assert_snapshot!("scores", text);
}
