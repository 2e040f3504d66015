//! Rules of step functions and of the maps at a network's ends.

use super::{Part, Place};
use crate::network::{LayerKind, Network, NetworkError, TensorType};
use abi::StepFunction;
use abi::maps::{CodeMap, Reduction};
use std::fmt::Debug;

impl Part<'_> {
    /// Checks step function `index` of a list, which makes elements of a tensor.
    pub(super) fn steps<T: PartialOrd + Copy + Debug>(
        &self,
        list: &str,
        index: usize,
        step: &StepFunction<T>,
        output: &TensorType,
    ) -> Result<(), NetworkError> {
        let StepFunction { boundaries, values } = step;
        self.rule(
            values.len().checked_sub(1) == Some(boundaries.len()),
            format_args!("{list}[{index}].values"),
            format_args!("hold one value more than the {} boundaries", boundaries.len()),
            format_args!("holds {}", values.len()),
        )?;
        if let Some(pair) = boundaries.windows(2).find(|pair| !matches!(pair, [a, b] if a < b)) {
            let field = format!("{list}[{index}].boundaries");
            return Err(self.broken(field, "ascend", format_args!("holds {pair:?}")));
        }
        let TensorType { element, minimum, maximum, .. } = *output;
        let fits = |value: &i64| (minimum..=maximum).contains(value) && element.contains(*value);
        match values.iter().map(|value| i64::from(*value)).find(|value| !fits(value)) {
            None => Ok(()),
            Some(value) => Err(self.broken(
                format_args!("{list}[{index}].values"),
                format_args!("be of type {element} and {minimum} to {maximum}"),
                format_args!("holds {value}"),
            )),
        }
    }

    /// Checks a table of indices of `what`, which may be empty.
    fn indices(&self, field: &str, table: &[u32], length: usize, limit: usize, what: &str) -> Result<(), NetworkError> {
        let holds = table.is_empty() || table.len() == length;
        let found = format!("holds {}", table.len());
        self.rule(holds, field, format_args!("be empty or hold {length} indices"), found)?;
        match table.iter().position(|index| *index as usize >= limit) {
            None => Ok(()),
            Some(at) => Err(self.broken(
                format_args!("{field}[{at}]"),
                format_args!("be below {limit}, the number of {what}"),
                format_args!("is {}", table[at]),
            )),
        }
    }
}

impl Network {
    pub(super) fn check_input_map(&self) -> Result<(), NetworkError> {
        let (part, map, tensor) = (self.part(Place::InputMap), &self.input_map, self.tensor(self.input));
        let values = part.elements("shape", &map.shape)?;
        let must = format!("be {}, that of the input tensor", tensor.element);
        part.rule(map.element == tensor.element, "element", must, format_args!("is {}", map.element))?;
        let functions = map.functions.len();
        part.rule(functions > 0, "functions", "hold at least one step function", "holds none")?;
        for (index, function) in map.functions.iter().enumerate() {
            part.steps("functions", index, function, tensor)?;
            // A file cannot hold others, and a lone NaN is not found by comparing neighbours.
            if let Some(boundary) = function.boundaries.iter().find(|boundary| !boundary.is_finite()) {
                let field = format!("functions[{index}].boundaries");
                return Err(part.broken(field, "be finite", format_args!("holds {boundary}")));
            }
        }
        part.indices("function_of", &map.function_of, values, functions, "functions")?;
        let is_clear = functions == 1 || !map.function_of.is_empty();
        let must = format!("say for each image value which of {functions} functions it goes through");
        part.rule(is_clear, "function_of", must, "is empty")?;
        let elements = tensor.elements();
        part.indices("source_of", &map.source_of, elements, values, "image values")?;
        let is_whole = !map.source_of.is_empty() || values == elements;
        let must = format!("have as many values as the input tensor, {elements}, or a `source_of`");
        part.rule(is_whole, "shape", must, format_args!("is {:?}", map.shape))
    }

    pub(super) fn check_output_map(&self) -> Result<(), NetworkError> {
        let (part, map) = (self.part(Place::OutputMap), &self.output_map);
        let elements = self.tensor(self.output).elements();
        for (field, table) in [("scale", &map.scale), ("bias", &map.bias)] {
            let holds = table.len() == 1 || table.len() == elements;
            let must = format!("hold 1 number or {elements}, one for each score");
            part.rule(holds, field, must, format_args!("holds {}", table.len()))?;
            if let Some(at) = table.iter().position(|number| !number.is_finite()) {
                return Err(part.broken(format_args!("{field}[{at}]"), "be finite", format_args!("is {}", table[at])));
            }
        }
        let divides = map.divisor.is_finite() && map.divisor > 0.0;
        part.rule(divides, "divisor", "be a positive number", format_args!("is {}", map.divisor))?;
        part.indices("source_of", &map.source_of, elements, elements, "output elements")?;
        let mut is_used = vec![false; elements];
        for (at, source) in map.source_of.iter().enumerate() {
            let before = std::mem::replace(&mut is_used[*source as usize], true);
            part.rule(
                !before,
                format_args!("source_of[{at}]"),
                "be an element of its own",
                format_args!("is {source} again"),
            )?;
        }
        let is_index =
            |layer: &crate::network::Layer| layer.output == self.output && matches!(layer.kind, LayerKind::ArgMax);
        let in_hardware = self.layers.iter().any(is_index);
        part.rule(
            in_hardware == (map.reduction == Reduction::Index),
            "reduction",
            "be `index` where an arg-max layer makes the output, and only there",
            format_args!("is {:?}", map.reduction),
        )?;
        part.rule(
            map.fits(elements),
            "score_map, reduction",
            format_args!("go along an axis that divides {elements} scores, and search for 1 or more of its extent"),
            format_args!("is {:?}, {:?}", map.score_map.as_ref().map(|map| map.function), map.reduction),
        )?;
        if let Some(CodeMap { function, scale, bias }) = map.score_map.as_ref().and_then(|map| map.codes.as_ref()) {
            let holds = function.is_well_formed() && scale.is_finite() && bias.is_finite();
            let must = "hold ascending steps, and a finite scale and bias";
            part.rule(holds, "score_map.codes", must, format_args!("holds others"))?;
        }
        if let Reduction::Softmax(softmax) = &map.reduction {
            part.rule(
                softmax.scale.is_finite() && softmax.bias.is_finite(),
                "reduction",
                "have a finite scale and bias",
                format_args!("is {softmax:?}"),
            )?;
        }
        let outputs = map.outputs(elements);
        let found = part.elements("shape", &map.shape)?;
        let must = format!("give as many elements as there are outputs, {outputs}");
        part.rule(found == outputs, "shape", must, format_args!("is {:?}", map.shape))
    }
}
