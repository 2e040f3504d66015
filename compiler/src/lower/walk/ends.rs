//! The end of the graph: arg-max, scores, and the network made of it all.

use super::Walk;
use super::layout::Extent;
use crate::lower::LowerError;
use crate::lower::symbol::{Data, Origin, Parameter, Symbol};
use abi::ElementType;
use abi::maps::{OutputMap, Reduction};
use network::graph::{Graph, Node, Operator};
use network::network::{LayerKind, Network, TensorType};

impl Walk<'_> {
    /// Checks the operand of an arg-max and gives it back.
    pub(super) fn classify(&mut self, node: &Node) -> Result<Data, LowerError> {
        let Symbol::Data(data) = self.symbol(node.inputs[0]) else {
            return Err(LowerError::NothingToDo { model: self.graph.name.clone() });
        };
        let data = self.settled_input(node, 0, data)?;
        let shape = self.shape(node.inputs[0]);
        let (axis, k) = match node.operator {
            Operator::TopK { axis, k } => (axis, k),
            Operator::ArgMax { axis } => (axis, 1),
            _ => (0, 0),
        };
        if k != 1 || shape[axis] != shape.iter().product::<usize>() {
            return Err(self.unsupported(
                node,
                "take the one greatest of all scores",
                format!("it takes {k} along axis {axis} of shape {shape:?}"),
                "use k = 1 along the class axis",
            ));
        }
        Ok(data)
    }

    /// Behind an arg-max only the shape may change.
    pub(super) fn after_reduction(&mut self, node: &Node) -> Result<(), LowerError> {
        if node.operator == Operator::Reshape {
            return Ok(());
        }
        Err(self.unsupported(
            node,
            "come before the arg-max",
            "it computes with the class index".into(),
            "let the model end with its TopK or ArgMax",
        ))
    }

    /// Scores that are the elements of their tensor, each one of its own.
    fn all_of_a_tensor(&mut self, node: &Node, mut data: Data, shape: &[usize]) -> Result<Data, LowerError> {
        let Origin::Tensor(tensor) = data.origin else {
            return Ok(data);
        };
        let elements = self.tensors[tensor.0].elements();
        let mut is_read = vec![false; elements];
        let is_its_own = |position: &usize| !std::mem::replace(&mut is_read[*position], true);
        if data.len_of(elements) == elements && data.order.as_deref().is_none_or(|order| order.iter().all(is_its_own)) {
            return Ok(data);
        }
        match Extent::of_shape(shape) {
            Some(_) => _ = self.image(node, &mut data, shape)?,
            None => self.gathered(node, &mut data)?,
        }
        Ok(data)
    }

    pub(super) fn finish(mut self, data: Data, shape: &[usize], reduction: Reduction) -> Result<Network, LowerError> {
        let output_node = self.graph.nodes.last();
        let node_name = output_node.map_or("output", |node| node.name.as_str()).to_owned();
        let data = match output_node {
            Some(node) => {
                let settled = self.settled(node, data)?;
                self.all_of_a_tensor(node, settled, shape)?
            }
            None => data,
        };
        let operator = output_node.map_or("output", |node| node.operator.name());
        let (Origin::Tensor(mut tensor), Some((input, input_map))) = (data.origin, self.input.take()) else {
            return Err(LowerError::NothingToDo { model: self.graph.name.clone() });
        };
        let Some((scale, bias)) = data.affine() else {
            return Err(LowerError::Unsupported {
                node: node_name,
                operator,
                must: "leave the scores an affine function of the last integers",
                found: "a nonlinear function stands behind the last dot product or quantiser".into(),
                help: "end the model with its scores: a final Relu, Clip or Softmax can be left out or put on the host",
            });
        };
        let elements: usize = shape.iter().product();
        let values = |parameter: &Parameter| -> Result<Vec<f64>, LowerError> {
            let count = if parameter.as_uniform().is_some() { 1 } else { elements };
            (0..count)
                .map(|element| {
                    let value = parameter.at(element).approximate();
                    // What is beyond float32 makes no score that is a number.
                    value.filter(|value| (*value as f32).is_finite()).ok_or_else(|| LowerError::Unsupported {
                        node: node_name.clone(),
                        operator,
                        must: "give scores that float32 holds",
                        found: format!("the scale or the offset of element {element} is no number, or beyond it"),
                        help: "look at the parameters behind the last quantiser: a zero that divides, or too great a factor",
                    })
                })
                .collect()
        };
        let (scale, bias) = (values(&scale)?, values(&bias)?);
        let mut reduction = reduction;
        let keeps_order = scale.len() == 1
            && bias.len() == 1
            && scale[0] > 0.0
            && self.tensors[tensor.0].vectors() == 1
            && self.tensors[tensor.0].elements() == elements
            && data.order.as_ref().is_none_or(|order| order.iter().enumerate().all(|(i, p)| i == *p));
        if reduction == Reduction::ArgMax && keeps_order {
            let index = ElementType::holding(0, elements as i64 - 1);
            let output = TensorType {
                height: 1,
                width: 1,
                channels: 1,
                element: index,
                minimum: 0,
                maximum: elements as i64 - 1,
            };
            tensor = self.add_layer(&node_name_of_reduction(self.graph), LayerKind::ArgMax, &[tensor], output);
            reduction = Reduction::Index;
        }
        let output_shape = self.graph.value(self.graph.output).shape.clone();
        let batch =
            !self.graph.value(self.graph.input).shape.is_empty() && output_shape.len() > 1 && output_shape[0] == 1;
        // An index is one number, whatever order the scores stood in.
        let order = data.order.filter(|_| reduction != Reduction::Index);
        let source_of = order.map_or_else(Vec::new, |order| order.iter().map(|i| *i as u32).collect());
        Ok(Network {
            name: self.graph.name.clone(),
            tensors: self.tensors,
            layers: self.layers,
            input,
            output: tensor,
            input_map,
            output_map: OutputMap {
                shape: if batch { output_shape[1..].to_vec() } else { output_shape },
                scale,
                bias,
                source_of,
                reduction,
            },
            sensitive_steps: self.sensitive_steps,
            approximations: self.graph.approximations.clone(),
            replaceable: false,
        })
    }
}

fn node_name_of_reduction(graph: &Graph) -> String {
    graph
        .nodes
        .iter()
        .find(|node| matches!(node.operator, Operator::TopK { .. } | Operator::ArgMax { .. }))
        .map_or_else(|| "arg_max".to_owned(), |node| node.name.clone())
}
