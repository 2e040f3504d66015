//! Batch normalisation.

use super::result_type::float_result;
use crate::graph::{Operator, ValueId};
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;

/// `BatchNormalization` at inference
pub(super) fn batch_normalization(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "X")?;
    let (operator, inputs, shape) = normalized(node, input)?;
    let data_type = float_result(node, &inputs)?;
    node.emit(operator, inputs, shape, data_type)
}

/// The normalisation of `input` that a node describes, with its inputs and the shape of its result.
pub(super) fn normalized(
    node: &NodeContext<'_, '_>,
    input: ValueId,
) -> Result<(Operator, Vec<ValueId>, Vec<usize>), ImportError> {
    let shape = node.shape(input).to_vec();
    if node.flag("training_mode", false)? {
        return Err(node.attribute_error("training_mode", "0 (export in evaluation mode)", "1"));
    }
    let &[_, channels, ..] = shape.as_slice() else {
        return Err(node.shape_error("the input must have a batch and a channel axis", format!("{shape:?}")));
    };
    // The default of the specification, as the float32 that a file would hold.
    let epsilon = node.float("epsilon")?.unwrap_or(f64::from(1e-5f32));
    let mut inputs = vec![input];
    for (index, role) in [(1, "scale"), (2, "B"), (3, "input_mean"), (4, "input_var")] {
        let parameter = node.input(index, role)?;
        if node.shape(parameter) != [channels] {
            return Err(node.shape_error(
                format!("`{role}` must have one element for each of the {channels} channels"),
                format!("shape {:?}", node.shape(parameter)),
            ));
        }
        node.check_finite(parameter)?;
        inputs.push(parameter);
    }
    if let Some(variance) = node.graph.constant(inputs[4])
        && let Some(index) = variance.data.iter().position(|value| value + epsilon <= 0.0)
    {
        let found = format!("{} at element {index}, with epsilon {epsilon}", variance.data[index]);
        return Err(node.parameter_error("input_var", "greater than 0 after adding epsilon", found));
    }
    Ok((Operator::BatchNormalization { epsilon }, inputs, shape))
}
