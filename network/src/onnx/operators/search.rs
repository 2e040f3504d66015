//! Operators that find the greatest elements.

use crate::graph::Operator;
use crate::onnx::data_type::DataType;
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;

/// `TopK`, whose `k` is an attribute in operator set 9 and an input from then on
pub(super) fn top_k(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "X")?;
    let mut shape = node.shape(input).to_vec();
    let axis = node.axis(node.integer("axis")?.unwrap_or(-1), shape.len())?;
    if !node.flag("largest", true)? {
        return Err(node.attribute_error("largest", "1 (the greatest elements)", "0"));
    }
    // Unsorted results may come in any order, the sorted one included.
    node.flag("sorted", true)?;
    let k = match node.integer("k")? {
        Some(k) => k,
        None => match node.integers(1, "K")?.as_slice() {
            [k] => *k,
            list => {
                return Err(node.shape_error("`K` must be one integer", format!("{} elements", list.len())));
            }
        },
    };
    let k = usize::try_from(k)
        .ok()
        .filter(|k| (1..=shape[axis]).contains(k))
        .ok_or_else(|| node.parameter_error("K", format!("between 1 and {}", shape[axis]), k.to_string()))?;
    shape[axis] = k;
    let data_type = node.graph.data_type(input);
    let outputs = vec![(shape.clone(), data_type), (shape, DataType::Int64)];
    node.emit_all(Operator::TopK { axis, k }, vec![input], outputs)
}

/// `ArgMax`
pub(super) fn arg_max(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "data")?;
    let mut shape = node.shape(input).to_vec();
    let axis = node.axis(node.integer("axis")?.unwrap_or(0), shape.len())?;
    let last = node.flag("select_last_index", false)?;
    if shape[axis] == 0 {
        return Err(node.shape_error("the axis searched must not be empty", format!("{shape:?}")));
    }
    if node.flag("keepdims", true)? {
        shape[axis] = 1;
    } else {
        shape.remove(axis);
    }
    node.emit(Operator::ArgMax { axis, last }, vec![input], shape, DataType::Int64)
}
