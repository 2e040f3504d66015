//! The end of a model that the host computes: a softmax or sigmoid of all scores, and a quantiser behind it.

use super::Walk;
use crate::lower::LowerError;
use crate::lower::chain::{Constant, QuantisedChain, Quantiser};
use crate::lower::steps;
use crate::lower::symbol::{Data, Origin, Parameter, Symbol};
use abi::StepFunction;
use abi::maps::{Axis, CodeMap, ScoreFunction, ScoreMap};
use network::graph::{Node, Operator};

/// What to do where hardware would have to read what the host computes.
const END_THERE: &str =
    "let the model end with it, with a quantiser behind it at most, or put another activation in its place";

/// A function of the scores, and what follows it.
#[derive(Clone, Debug)]
pub(super) struct HostEnd {
    /// Name of its node.
    name: String,
    function: ScoreFunction,
    /// The scores.
    scores: Data,
    /// The codes of its results.
    codes: Option<StepFunction<f32>>,
}

impl Walk<'_> {
    /// Softmax or sigmoid of all scores.
    pub(super) fn score_function(&mut self, node: &Node, data: Data) -> Result<Data, LowerError> {
        let scores = self.settled_input(node, 0, data)?;
        if let Some(end) = &self.host {
            let found = format!("node `{}` ({}) is another", end.name, end.function.name());
            return Err(self.unsupported(node, "be the only function that the host computes", found, END_THERE));
        }
        let Origin::Tensor(_) = scores.origin else {
            return Err(self.input_not_quantised(node));
        };
        let shape = self.shape(node.inputs[0]);
        let function = match node.operator {
            Operator::Softmax { axis, log: false } => ScoreFunction::Softmax(Axis::of(shape, axis)),
            Operator::Softmax { axis, log: true } => ScoreFunction::LogSoftmax(Axis::of(shape, axis)),
            _ => ScoreFunction::Sigmoid,
        };
        self.host = Some(HostEnd { name: node.name.clone(), function, scores, codes: None });
        Ok(Data::of(Origin::Host))
    }

    /// Whether the numbers of `data` are floats, which each node rounds: those of the image, and what the host computes.
    pub(super) fn is_float(&self, data: &Data) -> bool {
        match data.origin {
            Origin::Image => !self.input_is_codes,
            Origin::Host => true,
            Origin::Tensor(_) | Origin::HostCodes => false,
        }
    }

    /// The refusal of what the host computes where hardware reads it, if an input of `node` is such.
    pub(super) fn host_computes(&self, node: &Node) -> Option<LowerError> {
        let end = self.host.as_ref()?;
        let is_of_host = |symbol: Symbol| match symbol {
            Symbol::Data(data) => matches!(data.origin, Origin::Host | Origin::HostCodes),
            Symbol::Constant(_) => false,
        };
        node.inputs.iter().any(|input| is_of_host(self.symbol(*input))).then(|| {
            let found =
                format!("it reads what the host computes behind them: node `{}` ({})", end.name, end.function.name());
            self.unsupported(node, "read the results of layers", found, END_THERE)
        })
    }

    /// A quantiser of what the host computes.
    pub(super) fn quantise_on_host(
        &mut self,
        node: &Node,
        data: &Data,
        quantisers: &[Quantiser],
        back: Data,
    ) -> Result<Data, LowerError> {
        let is_uniform = data.is_uniform() && quantisers.windows(2).all(|pair| pair[0] == pair[1]);
        let (true, Origin::Host, Some(quantiser)) = (is_uniform, data.origin, quantisers.first()) else {
            return Err(self.unsupported(
                node,
                "be one quantiser for all results of the function that the host computes",
                match data.origin {
                    Origin::HostCodes => "they are quantised already".into(),
                    Origin::Host | Origin::Image | Origin::Tensor(_) => "they have different scales or offsets".into(),
                },
                END_THERE,
            ));
        };
        let chain = QuantisedChain { functions: data.functions(0), quantiser: quantiser.clone() };
        let codes = steps::find_input_steps(&chain).map_err(|fault| self.steps_fault(node, 0, fault))?;
        if let Some(end) = &mut self.host {
            end.codes = Some(codes);
        }
        Ok(Data { origin: Origin::HostCodes, order: data.order.clone(), ..back })
    }

    /// The scores behind `data`, which the host computes, and how.
    pub(super) fn host_end(&mut self, node: &Node, data: &Data) -> Result<(Data, ScoreMap), LowerError> {
        let Some(HostEnd { name, function, scores, codes }) = self.host.take() else {
            return Err(LowerError::NothingToDo { model: self.graph.name.clone() });
        };
        let number = |parameter: &Parameter| parameter.as_uniform().and_then(Constant::approximate);
        let affine = data.affine().and_then(|(scale, bias)| Some((number(&scale)?, number(&bias)?)));
        let is_single = |number: f64| (number as f32).is_finite();
        let in_order = data.order.as_ref().is_none_or(|order| order.iter().enumerate().all(|(i, p)| i == *p));
        let codes = match (affine, codes) {
            (Some((1.0, 0.0)), None) if in_order => None,
            (Some((scale, bias)), Some(function)) if in_order && is_single(scale) && is_single(bias) => {
                Some(CodeMap { function, scale, bias })
            }
            _ => {
                return Err(self.unsupported(
                    node,
                    "leave the results of the function that the host computes as they are",
                    format!("node `{name}` ({}) is followed by arithmetic or a transposition", function.name()),
                    "let the model end with it, with a quantiser behind it at most, and transpose before it",
                ));
            }
        };
        Ok((scores, ScoreMap { function, codes }))
    }
}
