//! Functions of scores that keep their order, where only the order counts.

use super::Builder;
use crate::graph::{Activation, Node, Operator, Source, ValueId};

impl Builder<'_> {
    /// Leaves out a softmax or sigmoid of whose results only indices are wanted, those of the greatest: they are the ones of
    /// the scores. `output` is the graph's.
    pub fn skip_score_functions(&mut self, output: ValueId) {
        for index in 0..self.nodes.len() {
            let node = &self.nodes[index];
            let Some((scores, function)) = self.searched(node, output) else { continue };
            self.remarks.push(format!(
                "{} `{}` is left out: it keeps the order of the scores, and the output holds indices only",
                function.operator.name(),
                function.name
            ));
            self.nodes[index].inputs[0] = scores;
        }
    }

    /// Makes activations of the logistic functions that do not end the graph: what follows them turns them into thresholds.
    pub fn place_sigmoids(&mut self, output: ValueId) {
        let mut ends = vec![output];
        let mut value = output;
        while let Source::Node(writer) = self.value(value).source
            && self.nodes[writer.0].operator == Operator::Reshape
        {
            value = self.nodes[writer.0].inputs[0];
            ends.push(value);
        }
        for node in &mut self.nodes {
            if node.operator == Operator::Sigmoid && !ends.contains(&node.outputs[0]) {
                node.operator = Operator::Activation(Activation::Sigmoid);
            }
        }
    }

    /// The scores, and the function of them, among whose results a node finds indices.
    fn searched(&self, node: &Node, output: ValueId) -> Option<(ValueId, &Node)> {
        let is_read = |value: ValueId| value == output || self.nodes.iter().any(|node| node.inputs.contains(&value));
        let axis = match node.operator {
            Operator::ArgMax { axis, .. } => axis,
            Operator::TopK { axis, .. } if !is_read(node.outputs[0]) => axis,
            _ => return None,
        };
        let Source::Node(writer) = self.value(node.inputs[0]).source else { return None };
        let function = &self.nodes[writer.0];
        match function.operator {
            Operator::Softmax { axis: own, .. } if own == axis => Some((function.inputs[0], function)),
            Operator::Sigmoid => Some((function.inputs[0], function)),
            _ => None,
        }
    }
}
