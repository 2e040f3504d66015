//! Functions of codes: integers again, where dot products, sums and averages need such.

use super::Walk;
use crate::lower::LowerError;
use crate::lower::chain::{Binary, Constant, exact_value};
use crate::lower::symbol::{Data, Origin, Parameter, Step, Symbol};
use abi::{ElementType, StepFunction};
use network::graph::Node;
use network::grid::{MAX_WEIGHT, greatest_common_step};
use network::network::{LayerKind, TensorType};

/// Most codes of a tensor whose values are looked at one by one.
const MAX_CODES: i64 = 1 << 12;

impl Walk<'_> {
    /// The data of an input, settled, as integers under a scale and an offset where that can be: a function of few codes
    /// that is neither, such as a Relu or Abs behind a quantiser, becomes a layer of step functions.
    pub(super) fn integers(&mut self, node: &Node, index: usize, data: Data) -> Result<Data, LowerError> {
        let settled = self.settled_input(node, index, data)?;
        let integers = self.as_codes(node, settled);
        // For all later readers as well.
        self.symbols.insert(node.inputs[index], Symbol::Data(integers.clone()));
        Ok(integers)
    }

    /// The same data under a scale, where its values lie on a grid; else as it was.
    pub(super) fn as_codes(&mut self, node: &Node, data: Data) -> Data {
        self.codes(node, &data).unwrap_or(data)
    }

    fn codes(&mut self, node: &Node, data: &Data) -> Option<Data> {
        let Origin::Tensor(tensor) = data.origin else { return None };
        let kind = self.tensors[tensor.0];
        let is_few = (kind.maximum - kind.minimum) / kind.element.step() < MAX_CODES;
        if data.affine().is_some() || !data.is_uniform() || !is_few {
            return None;
        }
        let functions = data.functions(0);
        let codes: Vec<i64> = kind.values().collect();
        let values: Vec<f64> = codes.iter().map(|code| exact_value(&functions, *code as f64)).collect::<Option<_>>()?;
        let scale = greatest_common_step(&values, MAX_WEIGHT as f64)?;
        let integers: Vec<i32> = values.iter().map(|value| (value / scale) as i32).collect();
        if integers.iter().any(|integer| i64::from(integer.abs()) > MAX_WEIGHT) {
            return None;
        }
        let pieces = codes.iter().copied().zip(integers.iter().copied());
        let function = StepFunction::of_pieces(integers[0], pieces);
        let ends = || integers.iter().map(|integer| i64::from(*integer));
        let (minimum, maximum) = (ends().min()?, ends().max()?);
        let output = TensorType { element: ElementType::holding(minimum, maximum), minimum, maximum, ..kind };
        let steps = LayerKind::MultiThreshold(vec![function; kind.channels]);
        let codes = self.add_layer(&format!("{}_input", node.name), steps, &[tensor], output);
        let scale = Step::with(Binary::Multiply, Parameter::uniform(Constant::Float(scale)));
        Some(Data { origin: Origin::Tensor(codes), chain: [scale].into(), ..data.clone() })
    }
}
