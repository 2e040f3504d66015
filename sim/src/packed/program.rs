//! A network as a list of prepared operations over buffers.

use super::bits;
use super::dot::Dot;
use super::input::InputCoder;
use super::steps::Steps;
use abi::maps::{MapError, arg_max};
use network::network::{Layer, LayerKind, Network, TensorId, TensorType};

/// A network prepared.
#[derive(Debug)]
pub(super) struct Program {
    input: InputCoder,
    input_tensor: usize,
    output_tensor: usize,
    forms: Vec<Form>,
    operations: Vec<Operation>,
}

/// In which forms a tensor is kept.
#[derive(Clone, Copy, Debug)]
struct Form {
    tensor: TensorType,
    planes: bool,
    integers: bool,
}

#[derive(Debug)]
struct Operation {
    kind: OperationKind,
    input: usize,
    output: usize,
}

#[derive(Debug)]
enum OperationKind {
    /// Vector by vector: the product where there is one, then the step functions where there are.
    PerVector {
        dot: Option<Dot>,
        steps: Option<Steps>,
    },
    ArgMax,
}

/// Memory for one image.
#[derive(Debug, Default)]
pub(super) struct State {
    tensors: Vec<Buffer>,
    sums: Vec<i32>,
    short: Vec<i16>,
}

#[derive(Clone, Debug, Default)]
struct Buffer {
    planes: Vec<u64>,
    integers: Vec<i32>,
}

impl Form {
    /// Words of one vector's planes.
    fn stride(&self) -> usize {
        bits::words_for(self.tensor.channels) * self.tensor.element.bits() as usize
    }
}

impl Program {
    /// Prepares a network; with `keep_all` every tensor is kept as integers.
    pub(super) fn new(network: &Network, keep_all: bool) -> Self {
        let mut forms: Vec<Form> =
            network.tensors.iter().map(|tensor| Form { tensor: *tensor, planes: false, integers: keep_all }).collect();
        forms[network.output.0].integers = true;
        let mut operations = Vec::new();
        let mut layers = network.layers.iter().peekable();
        while let Some(layer) = layers.next() {
            let kind = match &layer.kind {
                LayerKind::MatrixVector(weights) => {
                    let input = &mut forms[layer.input().0];
                    if Dot::takes_planes(weights, input.tensor.element) {
                        input.planes = true;
                    } else {
                        input.integers = true;
                    }
                    let dot = Some(Dot::new(weights, network.tensor(layer.input())));
                    // The sums of a vector go through the step functions at once where nobody else wants them.
                    let follows = |next: &&Layer| !keep_all && is_only_use(network, layer.output, next);
                    if let Some(next) = layers.next_if(follows)
                        && let LayerKind::MultiThreshold(functions) = &next.kind
                    {
                        let steps = Some(Steps::new(functions));
                        let kind = OperationKind::PerVector { dot, steps };
                        operations.push(Operation { kind, input: layer.input().0, output: next.output.0 });
                        continue;
                    }
                    OperationKind::PerVector { dot, steps: None }
                }
                LayerKind::MultiThreshold(functions) => {
                    forms[layer.input().0].integers = true;
                    OperationKind::PerVector { dot: None, steps: Some(Steps::new(functions)) }
                }
                kind @ (LayerKind::Convolution(_)
                | LayerKind::Pool(_)
                | LayerKind::Add(_)
                | LayerKind::Table(_)
                | LayerKind::Concat
                | LayerKind::Upsample { .. }
                | LayerKind::Flatten) => todo!("{}", kind.name()),
                LayerKind::ArgMax => {
                    forms[layer.input().0].integers = true;
                    OperationKind::ArgMax
                }
            };
            operations.push(Operation { kind, input: layer.input().0, output: layer.output.0 });
        }
        Program {
            input: InputCoder::new(&network.input_map),
            input_tensor: network.input.0,
            output_tensor: network.output.0,
            forms,
            operations,
        }
    }

    /// Runs one image; `state` then holds the tensors that are kept.
    pub(super) fn run(&self, image: &[f32], state: &mut State) -> Result<(), MapError> {
        state.tensors.resize(self.forms.len(), Buffer::default());
        let mut buffer = std::mem::take(&mut state.tensors[self.input_tensor]);
        let coded = self.input.apply(image, &mut buffer.integers);
        let form = &self.forms[self.input_tensor];
        if form.planes && coded.is_ok() {
            buffer.planes.resize(form.tensor.vectors() * form.stride(), 0);
            let vectors = buffer.integers.chunks(form.tensor.channels).zip(buffer.planes.chunks_mut(form.stride()));
            vectors.for_each(|(values, words)| bits::pack(values, form.tensor.element, words));
        }
        state.tensors[self.input_tensor] = buffer;
        coded?;
        for operation in &self.operations {
            self.operate(operation, state);
        }
        Ok(())
    }

    /// The last tensor.
    pub(super) fn output<'s>(&self, state: &'s State) -> &'s [i32] {
        &state.tensors[self.output_tensor].integers
    }

    /// All tensors, of a program that keeps them.
    pub(super) fn integers(&self, state: &State) -> Vec<Vec<i32>> {
        state.tensors.iter().map(|buffer| buffer.integers.clone()).collect()
    }

    fn operate(&self, operation: &Operation, state: &mut State) {
        let mut output = std::mem::take(&mut state.tensors[operation.output]);
        let State { tensors, sums, short } = state;
        let input = &tensors[operation.input];
        let (from, to) = (&self.forms[operation.input], &self.forms[operation.output]);
        output.integers.clear();
        output.planes.resize(if to.planes { to.tensor.vectors() * to.stride() } else { 0 }, 0);
        match &operation.kind {
            OperationKind::ArgMax => {
                sums.clear();
                sums.push(arg_max(&input.integers) as i32);
                store(to, 0, sums, &mut output);
            }
            OperationKind::PerVector { dot, steps } => {
                for vector in 0..to.tensor.vectors() {
                    let channels = from.tensor.channels;
                    let planes = if from.planes { part(&input.planes, vector, from.stride()) } else { &[] };
                    let integers = if from.integers { part(&input.integers, vector, channels) } else { &[] };
                    sums.resize(to.tensor.channels, 0);
                    match dot {
                        Some(dot) => dot.apply(planes, integers, short, sums),
                        None => sums.copy_from_slice(integers),
                    }
                    if let Some(steps) = steps {
                        if to.planes && !to.integers && to.tensor.element == abi::ElementType::Bipolar {
                            let start = vector * to.stride();
                            if steps.apply_to_bits(sums, &mut output.planes[start..start + to.stride()]) {
                                continue;
                            }
                        }
                        steps.apply(sums);
                    }
                    store(to, vector, sums, &mut output);
                }
            }
        }
        tensors[operation.output] = output;
    }
}

fn part<T>(values: &[T], index: usize, length: usize) -> &[T] {
    &values[index * length..(index + 1) * length]
}

fn store(form: &Form, vector: usize, values: &[i32], buffer: &mut Buffer) {
    if form.planes {
        let start = vector * form.stride();
        bits::pack(values, form.tensor.element, &mut buffer.planes[start..start + form.stride()]);
    }
    if form.integers {
        buffer.integers.extend_from_slice(values);
    }
}

/// Whether `next` applies step functions to `tensor` and nothing else reads it.
fn is_only_use(network: &Network, tensor: TensorId, next: &Layer) -> bool {
    matches!(next.kind, LayerKind::MultiThreshold(_))
        && next.input() == tensor
        && network.output != tensor
        && network.consumers(tensor).count() == 1
}
