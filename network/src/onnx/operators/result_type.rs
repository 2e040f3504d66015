//! Types of the results of operators on floats.

use crate::graph::ValueId;
use crate::onnx::data_type::DataType;
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;

/// The type of the result of arithmetic on tensors that are computed: all of them must be floats.
pub(super) fn float_result(node: &NodeContext<'_, '_>, inputs: &[ValueId]) -> Result<DataType, ImportError> {
    let mut result = DataType::Float32;
    for input in inputs {
        let data_type = node.graph.data_type(*input);
        if data_type.is_float() {
            result = data_type;
        } else if node.graph.constant(*input).is_none() {
            let name = &node.graph.value(*input).name;
            let found = format!("`{name}` ({data_type:?}) is computed when the model runs");
            return Err(ImportError::IntegerArithmetic { place: node.place(), found });
        }
    }
    Ok(result)
}

/// The type of a quantiser's result.
pub(super) fn result_type(node: &NodeContext<'_, '_>, input: ValueId) -> DataType {
    let data_type = node.graph.data_type(input);
    if data_type.is_float() { data_type } else { DataType::Float32 }
}
