//! The end of the graph: scores, and the network made of it all.

use super::Walk;
use super::layout::Extent;
use super::scores;
use crate::lower::LowerError;
use crate::lower::symbol::{Data, Origin, Parameter};
use abi::ElementType;
use abi::maps::{OutputMap, Reduction, Softmax};
use network::graph::{Node, Operator, Source, ValueId};
use network::network::{LayerKind, Network, TensorType};

impl Walk<'_> {
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

    /// The softmax that makes `value`, where nothing but the shape changes behind it.
    fn last_softmax(&self, softmax: Softmax, value: ValueId) -> Result<Reduction, LowerError> {
        let mut last = self.graph.output;
        while let Source::Node(id) = self.graph.value(last).source
            && last != value
        {
            let node = self.graph.node(id);
            if node.operator != Operator::Reshape {
                return Err(self.unsupported(
                    node,
                    "come before the softmax",
                    "it computes with what a softmax makes, which the host does".into(),
                    "let the model end with its softmax",
                ));
            }
            last = node.inputs[0];
        }
        Ok(Reduction::Softmax(softmax))
    }

    /// The network whose scores are `data`, of shape `shape`. A layer that reduces them gets the name `reducer`.
    pub(super) fn finish(
        mut self,
        data: Data,
        shape: &[usize],
        reduction: Reduction,
        reducer: &str,
    ) -> Result<Network, LowerError> {
        let output_node = self.graph.nodes.last();
        let node_name = output_node.map_or("output", |node| node.name.as_str()).to_owned();
        let (data, score_map) = match (output_node, data.origin) {
            (Some(node), Origin::Host | Origin::HostCodes) => {
                let (scores, map) = self.host_end(node, &data)?;
                (scores, Some(map))
            }
            (Some(node), Origin::Image | Origin::Tensor(_)) => (self.settled(node, data)?, None),
            (None, _) => (data, None),
        };
        let data = match output_node {
            Some(node) => self.all_of_a_tensor(node, data, shape)?,
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
                help: "end the model with its scores: a final Relu or Clip can be left out or put on the host",
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
        let parameters = [&scale, &bias];
        let (scale, bias) = (values(&scale)?, values(&bias)?);
        let mut reduction = match self.softmax {
            Some((softmax, value)) => self.last_softmax(softmax, value)?,
            None => reduction,
        };
        let divided = scores::divided(parameters, [scale.len(), bias.len()]);
        let (scale, bias, divisor) = divided.unwrap_or((scale, bias, 1.0));
        let keeps_order = scale.len() == 1
            && bias.len() == 1
            && scale[0] > 0.0
            && self.tensors[tensor.0].vectors() == 1
            && self.tensors[tensor.0].elements() == elements
            && data.order.as_ref().is_none_or(|order| order.iter().enumerate().all(|(i, p)| i == *p));
        if reduction == Reduction::ArgMax && keeps_order && score_map.is_none() {
            let index = ElementType::holding(0, elements as i64 - 1);
            let output = TensorType {
                height: 1,
                width: 1,
                channels: 1,
                element: index,
                minimum: 0,
                maximum: elements as i64 - 1,
            };
            tensor = self.add_layer(reducer, LayerKind::ArgMax, &[tensor], output);
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
                divisor,
                source_of,
                score_map,
                reduction,
            },
            sensitive_steps: self.sensitive_steps,
            approximations: self.graph.approximations.clone(),
            replaceable: false,
        })
    }
}
