//! What must hold of every `Network`.
//!
//! Passes, engines and hardware index, divide and allocate on the strength of these rules and check nothing again: a
//! network that comes out of a file is held to them first.

use super::{Layer, LayerKind, Network, SensitiveSteps, TensorType, WeightMatrix};
use abi::ElementType;
use miette::Diagnostic;
use std::collections::HashSet;
use std::fmt::{self, Display};
use thiserror::Error;

mod maps;

/// A network that breaks its own rules: a fault of the pass that made it, or of the file that it was read from.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
#[error("`{field}` of {place} must {must}, but {found}")]
#[diagnostic(
    code(network::invalid),
    help("this is a fault of xnorforge, not of the model: please report it together with the model")
)]
pub struct NetworkError {
    /// The network or its part: a layer, a tensor or one of the maps.
    pub place: String,
    /// The field, as files call it.
    pub field: String,
    /// What would have to hold.
    pub must: String,
    /// What was found.
    pub found: String,
}

/// Most elements of a tensor or an image, the same as for import: memory is taken on this number's word.
const MOST_ELEMENTS: usize = 1 << 28;

/// Where in a network.
#[derive(Clone, Copy)]
enum Place<'a> {
    Whole,
    Tensor(usize),
    Layer(&'a str),
    InputMap,
    OutputMap,
}

/// Makes the errors of one part of a network.
#[derive(Clone, Copy)]
struct Part<'a> {
    network: &'a str,
    place: Place<'a>,
}

impl Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Whole => {}
            Place::Tensor(index) => write!(f, "tensor t{index} of ")?,
            Place::Layer(name) => write!(f, "layer `{name}` of ")?,
            Place::InputMap => write!(f, "the input map of ")?,
            Place::OutputMap => write!(f, "the output map of ")?,
        }
        write!(f, "network `{}`", self.network)
    }
}

impl Part<'_> {
    fn broken(&self, field: impl Display, must: impl Display, found: impl Display) -> NetworkError {
        NetworkError {
            place: self.to_string(),
            field: field.to_string(),
            must: must.to_string(),
            found: found.to_string(),
        }
    }

    /// The error, unless the rule `holds`.
    fn rule(
        &self,
        holds: bool,
        field: impl Display,
        must: impl Display,
        found: impl Display,
    ) -> Result<(), NetworkError> {
        if holds { Ok(()) } else { Err(self.broken(field, must, found)) }
    }

    /// Checks the width of a type: wider ones overflow the integers computed with, and those of no bits have no value.
    fn element(&self, element: ElementType, most_bits: u32) -> Result<(), NetworkError> {
        let bits = element.bits();
        let holds = (1..=most_bits).contains(&bits);
        self.rule(holds, "element", format_args!("have 1 to {most_bits} bits"), format_args!("has {bits}"))
    }

    /// The number of elements of a shape.
    fn elements(&self, field: &str, shape: &[usize]) -> Result<usize, NetworkError> {
        let product = shape.iter().try_fold(1usize, |product, extent| product.checked_mul(*extent));
        product.filter(|elements| (1..=MOST_ELEMENTS).contains(elements)).ok_or_else(|| {
            let must = format!("give 1 to {MOST_ELEMENTS} elements");
            self.broken(field, must, format_args!("is {shape:?}"))
        })
    }
}

impl Network {
    /// Checks every rule that passes, engines and hardware rely on.
    ///
    /// # Errors
    /// Where a rule is broken, the first one.
    pub fn validate(&self) -> Result<(), NetworkError> {
        for (index, tensor) in self.tensors.iter().enumerate() {
            check_tensor(self.part(Place::Tensor(index)), tensor)?;
        }
        self.check_order()?;
        for layer in &self.layers {
            let part = self.part(Place::Layer(&layer.name));
            check_layer(part, layer, self.tensor(layer.input), self.tensor(layer.output))?;
        }
        self.check_input_map()?;
        self.check_output_map()?;
        self.check_sensitive_steps()
    }

    fn part<'a>(&'a self, place: Place<'a>) -> Part<'a> {
        Part { network: &self.name, place }
    }

    /// Checks that layers can be run one after the other and write every tensor once.
    fn check_order(&self) -> Result<(), NetworkError> {
        let whole = self.part(Place::Whole);
        let count = self.tensors.len();
        let mut written = vec![false; count];
        for (field, id) in [("input", self.input.0), ("output", self.output.0)] {
            let found = format!("is t{id}");
            whole.rule(id < count, field, format_args!("be one of the {count} tensors"), found)?;
        }
        written[self.input.0] = true;
        let mut names = HashSet::new();
        for layer in &self.layers {
            let part = self.part(Place::Layer(&layer.name));
            part.rule(names.insert(&layer.name), "name", "be no other layer's", "an earlier layer has it")?;
            let (input, output) = (layer.input.0, layer.output.0);
            let is_there = written.get(input) == Some(&true);
            part.rule(is_there, "input", "be a tensor written before", format_args!("is t{input}"))?;
            let is_new = written.get(output) == Some(&false);
            part.rule(is_new, "output", "be a tensor that nothing has written", format_args!("is t{output}"))?;
            written[output] = true;
        }
        match written.iter().position(|written| !written) {
            None => Ok(()),
            Some(index) => {
                Err(whole.broken("tensors", "be written by a layer each", format_args!("nothing writes t{index}")))
            }
        }
    }

    /// Checks the channels, which are only shown.
    fn check_sensitive_steps(&self) -> Result<(), NetworkError> {
        let part = self.part(Place::Whole);
        let widest = self.tensors.iter().map(|tensor| tensor.channels).max().unwrap_or(0);
        for (index, SensitiveSteps { node: _, channels }) in self.sensitive_steps.iter().enumerate() {
            let holds = channels.is_sorted() && channels.last().is_none_or(|last| *last < widest);
            let field = format!("sensitive_steps[{index}].channels");
            let must = format!("ascend and be below {widest}");
            part.rule(holds, field, must, format_args!("is {channels:?}"))?;
        }
        Ok(())
    }
}

fn check_tensor(part: Part, tensor: &TensorType) -> Result<(), NetworkError> {
    let TensorType { vectors, channels, element, minimum, maximum } = *tensor;
    part.elements("[vectors, channels]", &[vectors, channels])?;
    part.element(element, 32)?;
    for (field, value) in [("minimum", minimum), ("maximum", maximum)] {
        // Engines keep elements in 32 bits with a sign.
        let holds = element.contains(value) && i32::try_from(value).is_ok();
        let must = format!("be of type {element} and fit 32 bits with a sign");
        part.rule(holds, field, must, format_args!("is {value}"))?;
    }
    let found = format!("is {minimum}");
    part.rule(minimum <= maximum, "minimum", format_args!("be at most {maximum}, the maximum"), found)
}

fn check_layer(part: Part, layer: &Layer, input: &TensorType, output: &TensorType) -> Result<(), NetworkError> {
    let output_is = |vectors: usize, channels: usize| {
        part.rule(
            (output.vectors, output.channels) == (vectors, channels),
            "output",
            format_args!("have {vectors} vectors of {channels} channels"),
            format_args!("has {} of {}", output.vectors, output.channels),
        )
    };
    match &layer.kind {
        LayerKind::MatrixVector(weights) => {
            check_weights(part, weights)?;
            let columns = weights.columns;
            let must = format!("be {}, the input's channels", input.channels);
            part.rule(columns == input.channels, "columns", must, format_args!("is {columns}"))?;
            output_is(input.vectors, weights.rows)?;
            (0..weights.rows).try_for_each(|row| {
                let (low, high) = range_of_sums(weights.row(row), input);
                part.rule(
                    output.minimum <= low && high <= output.maximum,
                    format_args!("codes[{row}]"),
                    format_args!("give sums in the output's range, {} to {}", output.minimum, output.maximum),
                    format_args!("gives {low} to {high}"),
                )
            })
        }
        LayerKind::MultiThreshold(steps) => {
            let must = format!("hold {} step functions, one a channel", input.channels);
            let found = format!("holds {}", steps.len());
            part.rule(steps.len() == input.channels, "multi_threshold", must, found)?;
            output_is(input.vectors, input.channels)?;
            let mut functions = steps.iter().enumerate();
            functions.try_for_each(|(channel, step)| part.steps("multi_threshold", channel, step, output))
        }
        LayerKind::ArgMax => {
            let found = format!("has {}", input.vectors);
            part.rule(input.vectors == 1, "input", "have 1 vector", found)?;
            output_is(1, 1)?;
            let last = input.channels as i64 - 1;
            let can_hold =
                |index: i64| output.element.contains(index) && (output.minimum..=output.maximum).contains(&index);
            part.rule(
                // With 0 and 1 among them, a type that contains the last index contains all.
                can_hold(0) && can_hold(last.min(1)) && can_hold(last),
                "output",
                format_args!("hold the indices 0 to {last}"),
                format_args!("holds {} in {} to {}", output.element, output.minimum, output.maximum),
            )
        }
    }
}

fn check_weights(part: Part, weights: &WeightMatrix) -> Result<(), NetworkError> {
    let WeightMatrix { rows, columns, element, values } = weights;
    part.rule(*rows > 0, "rows", "be at least 1", "is 0")?;
    part.rule(*columns > 0, "columns", "be at least 1", "is 0")?;
    let holds = rows.checked_mul(*columns) == Some(values.len());
    let found = format!("holds {}", values.len());
    part.rule(holds, "codes", format_args!("hold {rows} x {columns} weights"), found)?;
    // Weights are kept in 16 bits with a sign.
    part.element(*element, if matches!(element, ElementType::Unsigned { .. }) { 15 } else { 16 })?;
    match values.iter().position(|weight| !element.contains(i64::from(*weight))) {
        None => Ok(()),
        Some(index) => Err(part.broken(
            format_args!("codes[{}]", index / columns),
            format_args!("hold weights of type {element}"),
            format_args!("holds {}", values[index]),
        )),
    }
}

/// The least and the greatest dot product of one row of weights with vectors of the type.
fn range_of_sums(row: &[i16], input: &TensorType) -> (i64, i64) {
    row.iter().fold((0, 0), |(low, high), weight| {
        let (a, b) = (i64::from(*weight) * input.minimum, i64::from(*weight) * input.maximum);
        (low.saturating_add(a.min(b)), high.saturating_add(a.max(b)))
    })
}
