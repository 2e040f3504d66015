//! Nodes whose inputs are all constants: what they compute, as far as it is known without error.

use super::NodeContext;
use crate::graph::{Operator, ValueId};
use crate::onnx::data_type::DataType;
use crate::onnx::error::ImportError;
use crate::reference::{exact_nodes, float_nodes};
use crate::tensor::Tensor;

impl NodeContext<'_, '_> {
    /// Whether the file's node has inputs, all of which are constants.
    pub fn is_constant(&self) -> bool {
        if self.patches().is_some() {
            return false;
        }
        let mut inputs = self.inputs.iter().flatten().peekable();
        inputs.peek().is_some() && inputs.all(|input| self.graph.constant(*input).is_some())
    }

    /// What a node with constant inputs computes: with floats alone, each result rounded to float32, as frameworks have
    /// it; with integers and codes among them, what float32 holds exactly. `None` where it must stay a node.
    pub(super) fn computed_constants(
        &mut self,
        operator: &Operator,
        inputs: &[ValueId],
        outputs: &[(Vec<usize>, DataType)],
    ) -> Result<Option<Vec<Tensor>>, ImportError> {
        if inputs.iter().any(|input| self.graph.constant(*input).is_none()) {
            return Ok(None);
        }
        let is_float = inputs.iter().all(|input| self.is_float(*input)) && !operator.is_quantiser();
        // Broadcasting is left to when it is needed: it may make much of little.
        let broadcasts =
            matches!(operator, Operator::Add | Operator::Sub | Operator::Mul | Operator::Div | Operator::Pow);
        let is_less = |id: &ValueId| self.shape(*id).iter().product::<usize>() < outputs[0].0.iter().product();
        if !is_float && broadcasts && inputs.iter().all(is_less) {
            return Ok(None);
        }
        for (shape, _) in outputs {
            let elements = self.check_size(shape)?;
            self.graph.reserve(elements).map_err(|limit| self.too_large(shape, limit))?;
        }
        let tensors = inputs.iter().map(|input| self.data(*input)).collect::<Result<Vec<&Tensor>, _>>()?;
        let shapes: Vec<&[usize]> = outputs.iter().map(|(shape, _)| shape.as_slice()).collect();
        if !is_float {
            return Ok(exact_nodes(operator, &tensors, &shapes));
        }
        let results = float_nodes(operator, &tensors, &shapes);
        let faulty = |tensor: &Tensor| {
            let index = tensor.data.iter().position(|value| !value.is_finite())?;
            Some((index, tensor.data[index]))
        };
        let (index, value) = match results {
            Some(tensors) => match tensors.iter().find_map(faulty) {
                None => return Ok(Some(tensors)),
                Some(found) => found,
            },
            None => (0, f64::NAN),
        };
        Err(ImportError::NotFinite { place: self.place(), tensor: "its result".into(), index, value })
    }

    /// Whether a node with such inputs and operator leaves constants that have come from codes.
    pub(super) fn leaves_codes(&self, operator: &Operator, inputs: &[ValueId]) -> bool {
        operator.is_quantiser() || inputs.iter().any(|input| !self.is_float(*input))
    }
}
