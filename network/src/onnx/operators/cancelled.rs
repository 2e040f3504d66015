//! Sums that take away again what they are added to: what training frameworks write for a function whose gradient is
//! another's (`x + (q(x) − x)`, the straight-through estimator) is that function.

use crate::graph::{Node, Operator, Source, ValueId};
use crate::onnx::node::NodeContext;

/// The value that the sum of two values is, where one of them is that value less the other.
pub(super) fn cancelled(node: &NodeContext<'_, '_>, a: ValueId, b: ValueId) -> Option<ValueId> {
    let rest = rest(node, b, a).or_else(|| rest(node, a, b))?;
    (node.shape(rest) == node.shape(a) && node.shape(rest) == node.shape(b)).then_some(rest)
}

/// What `difference` is, where it is `taken` away from that, times 1 at most.
fn rest(node: &NodeContext<'_, '_>, difference: ValueId, taken: ValueId) -> Option<ValueId> {
    match written(node, difference)? {
        (Operator::Sub, [rest, other]) if *other == taken => Some(*rest),
        (Operator::Add, [one, other]) if is_negative(node, *one, taken) => Some(*other),
        (Operator::Add, [other, one]) if is_negative(node, *one, taken) => Some(*other),
        (Operator::Mul, [one, other]) if is_one(node, *one) => rest(node, *other, taken),
        (Operator::Mul, [other, one]) if is_one(node, *one) => rest(node, *other, taken),
        _ => None,
    }
}

fn is_negative(node: &NodeContext<'_, '_>, value: ValueId, of: ValueId) -> bool {
    matches!(written(node, value), Some((Operator::Neg, [other])) if *other == of)
}

fn is_one(node: &NodeContext<'_, '_>, value: ValueId) -> bool {
    node.graph.constant(value).is_some_and(|tensor| tensor.data.iter().all(|number| *number == 1.0))
}

/// The operator that writes a value, and what it reads.
fn written<'a>(node: &'a NodeContext<'_, '_>, value: ValueId) -> Option<(&'a Operator, &'a [ValueId])> {
    let Source::Node(id) = node.graph.value(value).source else { return None };
    let Node { operator, inputs, .. } = &node.graph.nodes()[id.0];
    Some((operator, inputs))
}
