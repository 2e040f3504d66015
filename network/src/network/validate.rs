//! What must hold of every `Network`.
//!
//! Passes, engines and hardware index, divide and allocate on the strength of these rules and check nothing again: a
//! network that comes out of a file is held to them first.

use super::{LayerKind, Network, SensitiveSteps, TensorId, TensorType};
use abi::ElementType;
use abi::text::{is_printable, printable};
use miette::Diagnostic;
use std::collections::HashSet;
use std::fmt::{self, Display};
use thiserror::Error;

mod layers;
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

const MAX_ELEMENTS: usize = Network::MAX_ELEMENTS;

/// What every name must: terminals, reports and files of other languages show it.
const NAME: &str = "hold printable characters only";

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
            place: printable(&self.to_string()),
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
        product.filter(|elements| (1..=MAX_ELEMENTS).contains(elements)).ok_or_else(|| {
            let must = format!("give 1 to {MAX_ELEMENTS} elements");
            self.broken(field, must, format_args!("is {shape:?}"))
        })
    }
}

impl Network {
    /// Most elements of an image and of all tensors together, and taps of a pool, the same as for import: memory is taken
    /// on this number's word.
    pub const MAX_ELEMENTS: usize = 1 << 28;

    /// Checks every rule that passes, engines and hardware rely on.
    ///
    /// # Errors
    /// Where a rule is broken, the first one.
    pub fn validate(&self) -> Result<(), NetworkError> {
        for (index, tensor) in self.tensors.iter().enumerate() {
            check_tensor(self.part(Place::Tensor(index)), tensor)?;
        }
        // Each is at most 2^28 elements here, so that nothing overflows.
        let elements = self.tensors.iter().map(|tensor| tensor.elements() as u64).sum::<u64>();
        let must = format!("have at most {MAX_ELEMENTS} elements together");
        let found = format!("have {elements}");
        self.part(Place::Whole).rule(elements <= MAX_ELEMENTS as u64, "tensors", must, found)?;
        self.check_order()?;
        for layer in &self.layers {
            let part = self.part(Place::Layer(&layer.name));
            let inputs: Vec<&TensorType> = layer.inputs.iter().map(|id| self.tensor(*id)).collect();
            layers::check(part, layer, &inputs, self.tensor(layer.output))?;
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
        whole.rule(is_printable(&self.name), "name", NAME, "has others")?;
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
            part.rule(is_printable(&layer.name), "name", NAME, "has others")?;
            part.rule(names.insert(&layer.name), "name", "be no other layer's", "an earlier layer has it")?;
            let output = layer.output.0;
            let wanted = match layer.kind {
                LayerKind::Multiply | LayerKind::Table(_) | LayerKind::Concat => 2..=2,
                LayerKind::Add(_) => 1..=2,
                _ => 1..=1,
            };
            let must = match (wanted.start(), wanted.end()) {
                (1, 1) => "name 1 tensor".to_owned(),
                (least, most) if least == most => format!("name {most} tensors"),
                (least, most) => format!("name {least} to {most} tensors"),
            };
            let found = layer.inputs.len();
            part.rule(wanted.contains(&found), "inputs", must, format_args!("names {found}"))?;
            for TensorId(input) in &layer.inputs {
                let is_there = written.get(*input) == Some(&true);
                part.rule(is_there, "inputs", "be tensors written before", format_args!("hold t{input}"))?;
            }
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
        for (index, SensitiveSteps { node: _, channels, differences, is_complete: _ }) in
            self.sensitive_steps.iter().enumerate()
        {
            let holds = channels.is_sorted() && channels.last().is_none_or(|last| *last < widest);
            let field = format!("sensitive_steps[{index}].channels");
            let must = format!("ascend and be below {widest}");
            part.rule(holds, field, must, format_args!("is {channels:?}"))?;
            let found = differences.iter().find(|difference| difference.channel >= widest);
            let field = format!("sensitive_steps[{index}].differences");
            let must = format!("name channels below {widest}");
            part.rule(found.is_none(), field, must, format_args!("has {found:?}"))?;
        }
        Ok(())
    }
}

fn check_tensor(part: Part, tensor: &TensorType) -> Result<(), NetworkError> {
    let TensorType { height, width, channels, element, minimum, maximum } = *tensor;
    part.elements("[height, width, channels]", &[height, width, channels])?;
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
