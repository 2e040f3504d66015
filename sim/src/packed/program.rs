//! A network as a list of prepared operations over buffers.

use super::elementwise::{PairTable, Sum, multiply};
use super::form::{Buffer, Form, part};
use super::input::InputCoder;
use super::layout;
use super::pool::{BitPool, IntegerPool};
use super::product::{Product, Scratch};
use super::steps::Steps;
use abi::ElementType;
use abi::maps::{MapError, arg_max};
use network::network::{Edges, Layer, LayerId, LayerKind, Network};

/// A network prepared.
#[derive(Debug)]
pub(super) struct Program {
    input: InputCoder,
    input_tensor: usize,
    output_tensor: usize,
    forms: Vec<Form>,
    operations: Vec<Operation>,
}

#[derive(Debug)]
struct Operation {
    kind: Kind,
    inputs: Vec<usize>,
    output: usize,
    /// What the integers of each pixel go through at once.
    steps: Option<Steps>,
}

/// What is computed; the first few give the integers of one pixel after the other.
#[derive(Debug)]
enum Kind {
    Product(Product),
    Pool(IntegerPool),
    Sum(Sum),
    Multiply,
    Table(PairTable),
    /// The input's integers, for the sake of the steps.
    Same,
    ArgMax,
    BitPool(BitPool),
    Concat,
    Upsample,
    Reshape,
}

/// Memory for one image.
#[derive(Debug, Default)]
pub(super) struct State {
    tensors: Vec<Buffer>,
    sums: Vec<i32>,
    words: Vec<u64>,
    scratch: Scratch,
}

impl Program {
    /// Prepares a network; with `keep_all` every tensor is kept as integers.
    pub(super) fn new(network: &Network, keep_all: bool) -> Self {
        let form = |tensor| Form { tensor, planes: false, integers: keep_all };
        let mut forms: Vec<Form> = network.tensors.iter().copied().map(form).collect();
        forms[network.output.0].integers = true;
        let edges = Edges::of(network);
        // Step functions that an operation applies to its sums at once, where nobody else wants those.
        let mut steps_after = vec![None; network.layers.len()];
        let mut is_applied = vec![false; network.layers.len()];
        for (index, layer) in network.layers.iter().enumerate() {
            if let (false, LayerKind::MultiThreshold(functions)) = (keep_all, &layer.kind)
                && let Some(writer) = writer_of_sums(network, &edges, layer)
            {
                steps_after[writer.0] = Some((functions, layer.output));
                is_applied[index] = true;
            }
        }
        let mut operations = Vec::new();
        // From the end: the readers of a tensor say in which forms it is made.
        for (index, layer) in network.layers.iter().enumerate().rev() {
            if is_applied[index] {
                continue;
            }
            let (steps, output) = match (steps_after[index], &layer.kind) {
                (Some((functions, output)), _) => (Some(Steps::new(functions)), output),
                (None, LayerKind::MultiThreshold(functions)) => (Some(Steps::new(functions)), layer.output),
                (None, _) => (None, layer.output),
            };
            let kind = Kind::new(network, layer);
            let wanted = match &kind {
                Kind::Product(product) if product.takes_planes() => (true, false),
                Kind::BitPool(_) => (true, false),
                Kind::Concat | Kind::Upsample | Kind::Reshape => (forms[output.0].planes, forms[output.0].integers),
                _ => (false, true),
            };
            let inputs: Vec<usize> = layer.inputs.iter().map(|input| input.0).collect();
            for input in &inputs {
                forms[*input].planes |= wanted.0;
                forms[*input].integers |= wanted.1;
            }
            operations.push(Operation { kind, inputs, output: output.0, steps });
        }
        operations.reverse();
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
        // Coded in memory of its own: the input tensor need not be kept as integers.
        let coded = self.input.apply(image, &mut state.sums);
        let form = &self.forms[self.input_tensor];
        let buffer = &mut state.tensors[self.input_tensor];
        coded?;
        form.resize(buffer);
        let pixels = state.sums.chunks_exact(form.tensor.channels).enumerate();
        pixels.for_each(|(pixel, values)| form.store(pixel, values, buffer));
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
        let State { tensors, sums, words, scratch } = state;
        let inputs: Vec<&Buffer> = operation.inputs.iter().map(|input| &tensors[*input]).collect();
        let (from, to) = (&self.forms[operation.inputs[0]], &self.forms[operation.output]);
        to.resize(&mut output);
        match &operation.kind {
            Kind::Concat => {
                let forms = [0, 1].map(|n| &self.forms[operation.inputs[n]]);
                layout::concat(forms, [inputs[0], inputs[1]], to, &mut output);
            }
            Kind::Upsample => layout::upsample(from, inputs[0], to, &mut output),
            Kind::Reshape => layout::reshape(from, inputs[0], to, &mut output),
            Kind::BitPool(pool) => {
                for (pixel, position) in positions(to) {
                    pool.apply(position, &inputs[0].planes, words);
                    to.store_bits(pixel, words, &mut output);
                }
            }
            kind => {
                sums.resize(to.tensor.channels, 0);
                for (pixel, position) in positions(to) {
                    match kind {
                        Kind::Product(product) => product.apply(pixel, position, inputs[0], scratch, sums),
                        Kind::Pool(pool) => pool.apply(position, &inputs[0].integers, sums),
                        Kind::Sum(sum) => sum.apply(pixel, &inputs, sums),
                        Kind::Multiply => multiply(pixel, &inputs, sums),
                        Kind::Table(table) => table.apply(pixel, &inputs, sums),
                        Kind::ArgMax => sums[0] = arg_max(&inputs[0].integers) as i32,
                        _ => sums.copy_from_slice(part(&inputs[0].integers, pixel, from.tensor.channels)),
                    }
                    finish(operation.steps.as_ref(), pixel, sums, words, to, &mut output);
                }
            }
        }
        tensors[operation.output] = output;
    }
}

impl Kind {
    fn new(network: &Network, layer: &Layer) -> Self {
        let input = |n: usize| network.tensor(layer.inputs[n]);
        match &layer.kind {
            LayerKind::MatrixVector(weights) => Kind::Product(Product::of_pixels(weights, input(0))),
            LayerKind::Convolution(convolution) => Kind::Product(Product::of_windows(convolution, input(0))),
            LayerKind::MultiThreshold(_) => Kind::Same,
            LayerKind::Pool(pool) => match BitPool::new(pool, input(0)) {
                Some(pool) => Kind::BitPool(pool),
                None => Kind::Pool(IntegerPool::new(pool, input(0))),
            },
            LayerKind::Add(add) => Kind::Sum(Sum::new(add, input(0))),
            LayerKind::Multiply => Kind::Multiply,
            LayerKind::Table(table) => Kind::Table(PairTable::new(table, [input(0), input(1)])),
            LayerKind::Concat => Kind::Concat,
            LayerKind::Upsample { .. } => Kind::Upsample,
            LayerKind::Reshape => Kind::Reshape,
            LayerKind::ArgMax => Kind::ArgMax,
        }
    }
}

/// The pixels of a tensor with their rows and columns.
fn positions(form: &Form) -> impl Iterator<Item = (usize, (usize, usize))> + use<> {
    let (height, width) = (form.tensor.height, form.tensor.width);
    (0..height).flat_map(move |y| (0..width).map(move |x| (y * width + x, (y, x))))
}

/// Sends one pixel's integers through the step functions and stores what becomes of them.
fn finish(steps: Option<&Steps>, pixel: usize, sums: &mut [i32], words: &mut Vec<u64>, to: &Form, output: &mut Buffer) {
    if let Some(steps) = steps {
        if to.planes && to.tensor.element == ElementType::Bipolar {
            words.resize(to.stride(), 0);
            if steps.apply_to_bits(sums, words) {
                to.store_bits(pixel, words, output);
                return;
            }
        }
        steps.apply(sums);
    }
    to.store(pixel, sums, output);
}

/// The layer whose integers step functions read, where it gives them pixel by pixel and nobody else reads them.
fn writer_of_sums(network: &Network, edges: &Edges, steps: &Layer) -> Option<LayerId> {
    let tensor = steps.input();
    let writer = edges.producer(tensor)?;
    let gives_sums = match &network.layer(writer).kind {
        LayerKind::MatrixVector(_)
        | LayerKind::Convolution(_)
        | LayerKind::Add(_)
        | LayerKind::Multiply
        | LayerKind::Table(_) => true,
        LayerKind::Pool(_) => network.tensor(tensor).element.bits() > 1,
        LayerKind::MultiThreshold(_)
        | LayerKind::Concat
        | LayerKind::Upsample { .. }
        | LayerKind::Reshape
        | LayerKind::ArgMax => false,
    };
    (gives_sums && edges.readers(tensor) == 1).then_some(writer)
}
