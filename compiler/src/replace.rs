//! Other weights for a finished plan.
//!
//! [`with_writable_weights`] gives a network ranges and types that hold any weights and steps, so that nothing of its
//! plan hangs on those that are there. [`replace`] puts those of another network in their place.
//!
//! What may come: weights of either sign, up to the greatest of the type that the file declares for the layer (where it
//! declares none, of the smallest type that holds those that are there); rising steps anywhere, to any codes of the type
//! that the layer has. Everything else is part of the circuit: shapes, windows, types of activations, factors of sums,
//! tables, which channels a pool takes the least of.

use crate::datapath::WeightRange;
use crate::lower::passes::{accumulator, reached, set_accumulator, set_derived_range, share_types, with_paddings};
use abi::{ElementType, InputMap};
use miette::Diagnostic;
use network::graph::WeightTypes;
use network::network::{
    Convolution, Edges, Layer, LayerKind, Network, NetworkError, Pool, PoolOperation, Table, TensorId, TensorType,
    WeightMatrix, Window,
};
use std::fmt::Debug;
use thiserror::Error;

/// A network whose weights cannot be loaded into a design.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
pub enum ReplaceError {
    /// Something that is part of the circuit differs.
    #[error("`{field}` of {place} must be {expected} as in the design, but is {found}")]
    #[diagnostic(
        code(compiler::replace::shape),
        help("it is part of the circuit, not of the weights: compile this network itself, with `--writable-weights`")
    )]
    Shape {
        /// The network, or a layer and its name in the design.
        place: String,
        /// What differs.
        field: String,
        /// What the design has.
        expected: String,
        /// What the network has.
        found: String,
    },
    /// A weight that the design has no bits for.
    #[error("the weights of layer `{layer}` must be {expected} as the design holds them, but one is {found}")]
    #[diagnostic(
        code(compiler::replace::weight),
        help("compile this network with `--writable-weights`: the design then holds weights of its types")
    )]
    Weight {
        /// The layer's name in the design.
        layer: String,
        /// The weights that it holds.
        expected: String,
        /// The weight.
        found: i64,
    },
    /// Values that engines cannot hold.
    #[error(
        "the values of layer `{layer}` must fit 32 bits with a sign whatever weights come, but may be {minimum} to {maximum}"
    )]
    #[diagnostic(
        code(compiler::replace::wide_values),
        help(
            "compile without `--writable-weights`; or quantise what reaches `{layer}` or its weights to fewer bits: the \
             greatest weights of the type that the file declares count, not those that are there"
        )
    )]
    WideValues {
        /// The layer's name.
        layer: String,
        /// The least value.
        minimum: i64,
        /// The greatest value.
        maximum: i64,
    },
    /// Weights that engines cannot hold.
    #[error(
        "the weights of layer `{layer}` must be of at most {} bits with either sign, but those that the file \
         declares as {declared} take {bits}",
        WeightMatrix::WIDEST
    )]
    #[diagnostic(
        code(compiler::replace::wide_weights),
        help("compile without `--writable-weights`, or declare a type of fewer bits for the weights of `{layer}`")
    )]
    WideWeights {
        /// The layer's name.
        layer: String,
        /// The type that the file declares, or else the weights have.
        declared: ElementType,
        /// Bits of a type that holds them and their opposites.
        bits: u32,
    },
    /// A table with more entries than there may be.
    #[error(
        "the table of layer `{layer}` must read codes of at most {} bits together, but whatever weights come \
         they take {bits}",
        Table::WIDEST_PAIR
    )]
    #[diagnostic(
        code(compiler::replace::wide_pair),
        help(
            "compile without `--writable-weights`; or quantise both branches that `{layer}` joins with one scale or to \
             fewer bits, and read what is concatenated with sums from a quantiser of its own"
        )
    )]
    WidePair {
        /// The layer's name.
        layer: String,
        /// Bits of a pair of codes.
        bits: u32,
    },
    /// The network breaks a rule.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Network(#[from] NetworkError),
}

/// `network`, whose layers have weights of the `declared` types, with ranges and types for any weights and steps.
///
/// # Errors
/// Where there is no room for them.
pub fn with_writable_weights(mut network: Network, declared: &WeightTypes) -> Result<Network, ReplaceError> {
    network.replaceable = true;
    let edges = Edges::of(&network);
    let before: Vec<ElementType> = network.tensors.iter().map(|tensor| tensor.element).collect();
    any_code(&mut network.tensors[network.input.0]);
    for index in 0..network.layers.len() {
        let layer = &mut network.layers[index];
        if let Some(weights) = layer.kind.weights_mut() {
            weights.element = symmetric(&layer.name, weights, declared.get(&layer.name).copied())?;
        }
        let Layer { name, kind, inputs, output } = &network.layers[index];
        let inputs: Vec<TensorType> = inputs.iter().map(|id| *network.tensor(*id)).collect();
        let mut tensor = *network.tensor(*output);
        match kind {
            LayerKind::MatrixVector(weights) | LayerKind::Convolution(Convolution { weights, .. }) => {
                set_accumulator(&mut tensor, any_sum(weights, reached(kind, &inputs[0])));
            }
            LayerKind::MultiThreshold(_) => any_code(&mut tensor),
            kind => set_derived_range(kind, &inputs, &mut tensor),
        }
        let (minimum, maximum) = (tensor.minimum, tensor.maximum);
        if accumulator((minimum, maximum)).is_none() {
            return Err(ReplaceError::WideValues { layer: name.clone(), minimum, maximum });
        }
        // The type of sums is that of their range, which padding may lie outside of.
        let (low, high) = with_paddings(&network, &edges, *output, (minimum, maximum));
        if !tensor.element.contains(low) || !tensor.element.contains(high) {
            tensor.element = ElementType::holding(low, high);
        }
        let output = output.0;
        network.tensors[output] = tensor;
    }
    share_types(&mut network);
    for layer in &mut network.layers {
        if let (LayerKind::Table(table), [first, second]) = (&mut layer.kind, &layer.inputs[..]) {
            let pair = [first, second];
            let (from, to) = (pair.map(|id| before[id.0]), pair.map(|id| network.tensors[id.0].element));
            let bits = to[0].bits() + to[1].bits();
            if bits > Table::WIDEST_PAIR {
                return Err(ReplaceError::WidePair { layer: layer.name.clone(), bits });
            }
            *table = indexed_by(table, from, to);
        }
    }
    network.validate()?;
    Ok(network)
}

/// The table by codes of the types `to` instead of `from`. Where there was no such code, it has the entry of the nearest.
fn indexed_by(table: &Table, from: [ElementType; 2], to: [ElementType; 2]) -> Table {
    if from == to {
        return table.clone();
    }
    let nearest = |port: usize, code: u64| to[port].decode(code).clamp(from[port].minimum(), from[port].maximum());
    let entry = |code: u64| place_of(from, [nearest(0, code), nearest(1, code >> to[0].bits())]);
    let entries: Vec<usize> = (0..1 << (to[0].bits() + to[1].bits())).map(entry).collect();
    Table { values: table.values.iter().map(|values| entries.iter().map(|entry| values[*entry]).collect()).collect() }
}

/// Where a table indexed by codes of the types `elements` has the entry of two values.
fn place_of(elements: [ElementType; 2], [first, second]: [i64; 2]) -> usize {
    (elements[0].encode(first) | elements[1].encode(second) << elements[0].bits()) as usize
}

/// The type of weights of either sign that holds those there are and all of the `declared` type. Steps that fall turn the
/// sign of a row, so where the least weight may come, its opposite may come too.
fn symmetric(layer: &str, weights: &WeightMatrix, declared: Option<ElementType>) -> Result<ElementType, ReplaceError> {
    let declared = declared.unwrap_or(weights.element);
    if [declared, weights.element] == [ElementType::Bipolar; 2] {
        return Ok(ElementType::Bipolar);
    }
    let greatest = weights.values.iter().map(|weight| i64::from(weight.unsigned_abs())).max().unwrap_or(0);
    let greatest = greatest.max(declared.maximum()).max(-declared.minimum());
    let element = ElementType::holding(-greatest, greatest);
    if element.bits() > WeightMatrix::WIDEST {
        return Err(ReplaceError::WideWeights { layer: layer.to_owned(), declared, bits: element.bits() });
    }
    Ok(element)
}

/// Lets a tensor hold every code of its type; of a signed one the least only where it may occur already.
fn any_code(tensor: &mut TensorType) {
    let (least, greatest) = (tensor.element.minimum(), tensor.element.maximum());
    tensor.minimum = if tensor.minimum == least { least } else { least.max(-greatest) };
    tensor.maximum = greatest;
}

/// The range of the sums of any row of weights like `weights` with elements from `low` to `high`.
fn any_sum(weights: &WeightMatrix, (low, high): (i64, i64)) -> (i64, i64) {
    let range = WeightRange::of_any(weights);
    let ends = [range.minimum * low, range.minimum * high, range.maximum * low, range.maximum * high];
    let sum = |end: Option<&i64>| end.copied().unwrap_or(0).saturating_mul(weights.columns as i64);
    (sum(ends.iter().min()), sum(ends.iter().max()))
}

/// The network of a design that is [`with_writable_weights`], with weights, steps and float maps of `other`.
///
/// # Errors
/// Where `other` is of another shape, or the design cannot hold what it brings.
pub fn replace(design: &Network, other: &Network) -> Result<Network, ReplaceError> {
    let whole = || "the network".to_owned();
    same(whole, "input shape", &design.input_map.shape, &other.input_map.shape)?;
    same(whole, "output shape", &design.output_map.shape, &other.output_map.shape)?;
    let kinds = |network: &Network| network.layers.iter().map(|layer| layer.kind.name()).collect::<Vec<_>>();
    same(whole, "kinds of layers", &kinds(design), &kinds(other))?;
    same(whole, "output", &design.output, &other.output)?;
    same(whole, "input", &shape(design, design.input), &shape(other, other.input))?;
    holds_codes(design, other, design.input, other.input, whole)?;
    let mut network = Network {
        name: other.name.clone(),
        input_map: InputMap { element: design.tensor(design.input).element, ..other.input_map.clone() },
        output_map: other.output_map.clone(),
        sensitive_steps: other.sensitive_steps.clone(),
        approximations: other.approximations.clone(),
        ..design.clone()
    };
    for (index, (own, theirs)) in design.layers.iter().zip(&other.layers).enumerate() {
        let place = || format!("layer {index}, `{}`,", own.name);
        same(place, "inputs", &own.inputs, &theirs.inputs)?;
        same(place, "output", &own.output, &theirs.output)?;
        same(place, "output shape", &shape(design, own.output), &shape(other, theirs.output))?;
        network.layers[index].kind = match (&own.kind, &theirs.kind) {
            (LayerKind::MatrixVector(weights), LayerKind::MatrixVector(found)) => {
                LayerKind::MatrixVector(weights_of(&own.name, weights, found)?)
            }
            (LayerKind::Convolution(convolution), LayerKind::Convolution(found)) => {
                let Convolution { window, groups, padding, weights } = convolution;
                same_windows(window, &found.window, place)?;
                same(place, "groups", groups, &found.groups)?;
                same(place, "padding", padding, &found.padding)?;
                let weights = weights_of(&own.name, weights, &found.weights)?;
                LayerKind::Convolution(Convolution { weights, ..convolution.clone() })
            }
            (LayerKind::MultiThreshold(steps), LayerKind::MultiThreshold(found)) => {
                same(place, "channels", &steps.len(), &found.len())?;
                holds_codes(design, other, own.output, theirs.output, place)?;
                if let Some(channel) = found.iter().position(|step| !step.is_rising()) {
                    same(place, &format!("direction of the steps of channel {channel}"), &"rising", &"another")?;
                }
                LayerKind::MultiThreshold(found.clone())
            }
            (LayerKind::Pool(pool), LayerKind::Pool(found)) => {
                same_pools(pool, found, place)?;
                own.kind.clone()
            }
            (LayerKind::Add(add), LayerKind::Add(found)) => {
                same(place, "factors", &add.factors, &found.factors)?;
                own.kind.clone()
            }
            (LayerKind::Table(table), LayerKind::Table(found)) => {
                for (own, theirs) in own.inputs.iter().zip(&theirs.inputs) {
                    holds_codes(design, other, *own, *theirs, place)?;
                }
                let [types, their_types] = [(design, &own.inputs), (other, &theirs.inputs)]
                    .map(|(network, inputs)| [network.tensor(inputs[0]), network.tensor(inputs[1])]);
                // Tables are long: that they differ says enough.
                if !agree((table, types), (found, their_types)) {
                    same(place, own.kind.name(), &"the design's", &"another")?;
                }
                own.kind.clone()
            }
            (kind, found) => {
                if kind != found {
                    same(place, kind.name(), &"the design's", &"another")?;
                }
                kind.clone()
            }
        };
    }
    network.validate()?;
    Ok(network)
}

/// Whether a design's table has the entries of another one, for all values that this one reads.
fn agree((own, types): (&Table, [&TensorType; 2]), (found, their_types): (&Table, [&TensorType; 2])) -> bool {
    let [own_place, their_place] =
        [types, their_types].map(|types| move |pair| place_of(types.map(|tensor| tensor.element), pair));
    let channels = 0..own.values.len().max(found.values.len());
    their_types[0].values().flat_map(|a| their_types[1].values().map(move |b| [a, b])).all(|pair| {
        let entries = (own_place(pair), their_place(pair));
        let of = |table: &Table, channel: usize, entry: usize| table.values[channel % table.values.len()][entry];
        channels.clone().all(|channel| of(own, channel, entries.0) == of(found, channel, entries.1))
    })
}

fn shape(network: &Network, tensor: TensorId) -> [usize; 3] {
    let tensor = network.tensor(tensor);
    [tensor.height, tensor.width, tensor.channels]
}

/// Checks that the design holds every code of a tensor. Its type may be another: [`share_types`] gives tensors that are
/// joined with sums the type of these.
fn holds_codes(
    design: &Network,
    other: &Network,
    own: TensorId,
    theirs: TensorId,
    place: impl Fn() -> String,
) -> Result<(), ReplaceError> {
    let (own, theirs) = (design.tensor(own), other.tensor(theirs));
    let is_inside = own.minimum <= theirs.minimum && theirs.maximum <= own.maximum;
    if is_inside && [1, theirs.element.step()].contains(&own.element.step()) {
        return Ok(());
    }
    let codes = |tensor: &TensorType| format!("{} in {} to {}", tensor.element, tensor.minimum, tensor.maximum);
    same(&place, "range of the codes", &codes(own), &codes(theirs))
}

fn same_windows(own: &Window, found: &Window, place: impl Fn() -> String) -> Result<(), ReplaceError> {
    same(place, "window", &own.to_string(), &found.to_string())
}

fn same_pools(own: &Pool, found: &Pool, place: impl Fn() -> String) -> Result<(), ReplaceError> {
    same_windows(&own.window, &found.window, &place)?;
    let (PoolOperation::Extremum(own), PoolOperation::Extremum(found)) = (&own.operation, &found.operation) else {
        return same(place, "operation", &own.operation, &found.operation);
    };
    let word = |least: bool| if least { "the least" } else { "the greatest" };
    match own.iter().zip(found).position(|(own, found)| own != found) {
        None => same(place, "channels", &own.len(), &found.len()),
        Some(channel) => {
            same(place, &format!("element taken in channel {channel}"), &word(own[channel]), &word(found[channel]))
        }
    }
}

/// The weights `found` in the type of the design's.
fn weights_of(layer: &str, own: &WeightMatrix, found: &WeightMatrix) -> Result<WeightMatrix, ReplaceError> {
    let place = || format!("the weights of layer `{layer}`");
    same(place, "[rows, columns]", &[own.rows, own.columns], &[found.rows, found.columns])?;
    let range = WeightRange::of_any(own);
    match found.values.iter().map(|weight| i64::from(*weight)).find(|weight| !range.contains(*weight)) {
        None => Ok(WeightMatrix { values: found.values.clone(), ..*own }),
        Some(found) => {
            let expected =
                if range.is_bipolar { "±1".to_owned() } else { format!("{} to {}", range.minimum, range.maximum) };
            Err(ReplaceError::Weight { layer: layer.to_owned(), expected, found })
        }
    }
}

fn same<T: PartialEq + Debug>(
    place: impl Fn() -> String,
    field: &str,
    expected: &T,
    found: &T,
) -> Result<(), ReplaceError> {
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (format!("{expected:?}").replace('"', ""), format!("{found:?}").replace('"', ""));
    Err(ReplaceError::Shape { place: place(), field: field.to_owned(), expected, found })
}
