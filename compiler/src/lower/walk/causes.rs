//! What a refusal is due to: the node of the file that makes of integers what a later one cannot read.

use super::Walk;
use crate::lower::LowerError;
use crate::lower::operators;
use crate::lower::symbol::{Parameter, Symbol};
use crate::lower::weights::integer_weights;
use abi::ElementType;
use network::graph::{Node, Operator, Source, ValueId};
use network::kernel::Kernel;
use network::tensor::transpose_indices;
use std::collections::HashSet;

impl<'a> Walk<'a> {
    /// The refusal of real numbers where integers must stand.
    pub(super) fn not_quantised(&self, node: &Node, from: &str) -> LowerError {
        let (name, operator) = (node.name.clone(), node.operator.name());
        match self.has_real_weights(node) {
            true => LowerError::NothingQuantised { node: name, operator, from: from.to_owned() },
            false => LowerError::NotQuantised { node: name, operator, from: from.to_owned() },
        }
    }

    /// The refusal of the model's input where integers must stand.
    pub(super) fn input_not_quantised(&self, node: &Node) -> LowerError {
        if let Some(refusal) = self.host_computes(node) {
            return refusal;
        }
        let input = self.graph.value(self.graph.input);
        // Smaller integer types are their own codes.
        let wide = match self.graph.input_type {
            Some(ElementType::Unsigned { bits }) => Some(format!("UINT{bits}")),
            Some(ElementType::Signed { bits }) => Some(format!("INT{bits}")),
            Some(ElementType::Bipolar) | None => input.is_integer.then(|| "an integer of 32 or 64 bits".to_owned()),
        };
        if let Some(found) = wide {
            let (node, operator) = (node.name.clone(), node.operator.name());
            return LowerError::WideInput { node, operator, input: input.name.clone(), found };
        }
        match self.has_real_weights(node) {
            true => self.not_quantised(node, " straight from the model's input"),
            false => LowerError::InputNotQuantised {
                node: node.name.clone(),
                operator: node.operator.name(),
                input: input.name.clone(),
            },
        }
    }

    /// Whether the constant weights of a dot product are no few-bit integers times scales.
    fn has_real_weights(&self, node: &Node) -> bool {
        let columns_first = match &node.operator {
            Operator::MatMul | Operator::Gemm { transpose_b: false, .. } => true,
            Operator::Conv { .. } | Operator::Gemm { .. } => false,
            _ => return false,
        };
        let Ok(weights) = self.floats(node, 1) else { return false };
        let (first, others) = match weights.shape.as_slice() {
            [first, others @ ..] if !weights.data.is_empty() => (*first, others.iter().product()),
            _ => return false,
        };
        let (rows, columns) = if columns_first { (others, first) } else { (first, others) };
        let data = match columns_first {
            true => transpose_indices(&[first, others], &[1, 0]).into_iter().map(|i| weights.data[i]).collect(),
            false => weights.data,
        };
        integer_weights(&data, rows, columns).is_err()
    }

    /// The refusal of data whose channels have different scales or offsets. `must` says what the node can read.
    pub(super) fn unlike_channels(&self, node: &Node, must: &'static str) -> LowerError {
        let Some((source, count, what)) = node.inputs.iter().find_map(|input| self.unlike(*input)) else {
            return self.not_quantised(node, " with a different scale per channel");
        };
        let help = match source.operator {
            Operator::Concat { .. } => format!(
                "let all inputs of `{}` have one scale and zero point (in Brevitas: share one QuantIdentity), or put a \
                 quantiser with one scale behind it",
                source.name
            ),
            _ => format!(
                "let `{}` have one scale and zero point for all channels (in Brevitas: \
                 scaling_per_output_channel=False in the activation's quantiser), or put a quantiser with one scale \
                 behind it",
                source.name
            ),
        };
        LowerError::UnlikeChannels {
            node: node.name.as_str().into(),
            operator: node.operator.name(),
            must,
            source_node: source.name.as_str().into(),
            source_operator: source.operator.name(),
            count,
            what,
            help: help.into(),
        }
    }

    /// The node that gives the elements of `value` different scales or offsets, and how many of which.
    fn unlike(&self, value: ValueId) -> Option<(&'a Node, usize, &'static str)> {
        let (mut value, mut found) = (value, self.unlike_count(value)?);
        loop {
            let node = self.writer(value)?;
            let is_first = match node.operator {
                // Scales behind these are their own.
                Operator::Quant { .. }
                | Operator::BipolarQuant
                | Operator::QuantizeLinear { .. }
                | Operator::MultiThreshold { .. }
                | Operator::Sign
                | Operator::Kernel(_)
                | Operator::MatMul
                | Operator::Gemm { .. }
                | Operator::Conv { .. } => true,
                _ => false,
            };
            let before = node.inputs.iter().find_map(|input| Some((*input, self.unlike_count(*input)?)));
            match before {
                Some(before) if !is_first => (value, found) = before,
                _ => return Some((node, found.0, found.1)),
            }
        }
    }

    /// How many scales, or else offsets, the elements of a value have, where there is more than one.
    fn unlike_count(&self, value: ValueId) -> Option<(usize, &'static str)> {
        let Symbol::Data(data) = self.symbol(value) else { return None };
        let (factor, summand) = data.affine()?;
        let count = |parameter: &Parameter| {
            let numbers = parameter.constants().iter().map(|constant| constant.approximate().map(f64::to_bits));
            numbers.collect::<HashSet<Option<u64>>>().len()
        };
        match (count(&factor), count(&summand)) {
            (1, 1) => None,
            (1, offsets) => Some((offsets, "offsets")),
            (scales, _) => Some((scales, "scales")),
        }
    }

    /// The refusal of data whose pixels go through different functions, where a constant before `node` makes them so.
    pub(super) fn unlike_pixels(&self, node: &Node) -> Option<LowerError> {
        let (source, constant) = node.inputs.iter().find_map(|input| self.constant_by_pixel(node, *input))?;
        Some(self.unsupported(
            node,
            "read channels whose pixels all have the same scale, offset and thresholds",
            format!(
                "the constant of node `{}` ({}), of shape {:?}, differs between pixels",
                source.name,
                source.operator.name(),
                self.shape(constant)
            ),
            "use one number per channel there instead of one per pixel; only a fully connected layer over all pixels may \
             read such values",
        ))
    }

    /// The nearest node before `value` whose constant differs between the pixels of a channel, and that constant. Goes
    /// back through operators on single elements only: others may have moved the pixels themselves.
    fn constant_by_pixel(&self, reader: &Node, value: ValueId) -> Option<(&'a Node, ValueId)> {
        let rank = self.shape(value).len();
        let channel_axis = match reader.operator {
            Operator::MatMul | Operator::Gemm { .. } => rank.checked_sub(1)?,
            _ => 1,
        };
        let mut value = value;
        loop {
            let Symbol::Data(_) = self.symbol(value) else { return None };
            let node = self.writer(value)?;
            match node.operator {
                Operator::Add
                | Operator::Sub
                | Operator::Mul
                | Operator::Div
                | Operator::BipolarQuant
                | Operator::Quant { .. }
                | Operator::QuantizeLinear { .. } => {
                    if let Some(constant) = node.inputs.iter().find(|input| self.differs(**input, value, channel_axis))
                    {
                        return Some((node, *constant));
                    }
                }
                Operator::Relu
                | Operator::Clip { .. }
                | Operator::Abs
                | Operator::Round
                | Operator::Floor
                | Operator::Ceil
                | Operator::Neg
                | Operator::Sqrt
                | Operator::Pow
                | Operator::Sign
                | Operator::BatchNormalization { .. }
                | Operator::Kernel(Kernel::Requantize(_) | Kernel::Quantize(_) | Kernel::Table(_))
                | Operator::MultiThreshold { .. } => {}
                _ => return None,
            }
            value = *node.inputs.iter().find(|input| matches!(self.symbol(**input), Symbol::Data(_)))?;
        }
    }

    /// Whether `constant` is one that combines with elements of one channel of `value` in different ways.
    fn differs(&self, constant: ValueId, value: ValueId, channel_axis: usize) -> bool {
        let (Symbol::Constant(constants), shape) = (self.symbol(constant), self.shape(value)) else { return false };
        if channel_axis >= shape.len() {
            return false;
        }
        let parameter = operators::parameter(&constants, self.shape(constant), shape);
        let inner: usize = shape[channel_axis + 1..].iter().product();
        let mut first_of = vec![None; shape[channel_axis]];
        (0..shape.iter().product()).any(|element: usize| {
            let first = first_of[element / inner % shape[channel_axis]].get_or_insert(element);
            parameter.at(*first) != parameter.at(element)
        })
    }

    /// The refusal of data that are no integers times a scale any more.
    pub(super) fn nonlinear(&self, node: &Node) -> LowerError {
        let from = match self.is_behind_quantiser(node) {
            true => " (a nonlinear function stands behind the last quantiser)",
            false => " (no quantiser stands before it)",
        };
        self.not_quantised(node, from)
    }

    /// Whether a quantiser has a part in the data that a node reads.
    fn is_behind_quantiser(&self, node: &Node) -> bool {
        let (mut open, mut seen) = (node.inputs.clone(), HashSet::new());
        while let Some(value) = open.pop() {
            if !seen.insert(value) || !matches!(self.symbols.get(&value), Some(Symbol::Data(_))) {
                continue;
            }
            match self.writer(value) {
                Some(writer) if writer.operator.is_quantiser() => return true,
                Some(writer) => open.extend(&writer.inputs),
                None => {}
            }
        }
        false
    }

    /// The node that writes a value; none writes the input and constants.
    fn writer(&self, value: ValueId) -> Option<&'a Node> {
        match self.graph.value(value).source {
            Source::Node(id) => Some(&self.graph.nodes[id.0]),
            Source::Input | Source::Constant(_) => None,
        }
    }
}
