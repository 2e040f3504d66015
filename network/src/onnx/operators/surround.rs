//! Padding as an operator of its own.

use crate::graph::Operator;
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;
use crate::reference::layout::padded;

/// `Pad` with a constant, whose parameters are attributes before operator set 11 and inputs from then on
pub(super) fn pad(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "data")?;
    let mode = node.text("mode")?.unwrap_or("constant");
    if mode != "constant" {
        return Err(node.attribute_error("mode", "`constant`", format!("`{mode}`")));
    }
    let pads = node.list("pads", 1)?.ok_or_else(|| node.attribute_error("pads", "a list of integers", "missing"))?;
    let value = match node.any_float("value")? {
        Some(value) => value,
        None if node.optional_input(2).is_some() => node.scalar(2, "constant_value")?,
        None => 0.0,
    };
    if !value.is_finite() {
        return Err(node.parameter_error("constant_value", "finite", value.to_string()));
    }
    let mut shape = node.shape(input).to_vec();
    let axes: Vec<usize> = match node.optional_input(3) {
        None => (0..shape.len()).collect(),
        Some(_) => {
            let axes = node.integers(3, "axes")?;
            axes.iter().map(|axis| node.axis(*axis, shape.len())).collect::<Result<_, _>>()?
        }
    };
    if pads.len() != 2 * axes.len() {
        let must = format!("`pads` must have two elements for each of {} axes", axes.len());
        return Err(node.shape_error(must, format!("{} elements", pads.len())));
    }
    let (mut before, mut after) = (vec![0; shape.len()], vec![0; shape.len()]);
    let mut is_named = vec![false; shape.len()];
    for (index, axis) in axes.iter().enumerate() {
        if std::mem::replace(&mut is_named[*axis], true) {
            return Err(node.parameter_error("axes", "different axes", format!("axis {axis} twice")));
        }
        let pad = |pad: i64| {
            let found = || format!("{pad} at axis {axis} (cropping is not supported)");
            usize::try_from(pad).map_err(|_| node.parameter_error("pads", "0 or greater", found()))
        };
        before[*axis] = pad(pads[index])?;
        after[*axis] = pad(pads[index + axes.len()])?;
        let extent = shape[*axis].checked_add(before[*axis]).and_then(|sum| sum.checked_add(after[*axis]));
        shape[*axis] = extent.ok_or_else(|| {
            node.parameter_error("pads", "within 64 bits with the extent", format!("more at axis {axis}"))
        })?;
    }
    if shape == node.shape(input) {
        node.alias(input);
        return Ok(());
    }
    let data_type = node.graph.data_type(input);
    if node.graph.constant(input).is_some_and(|tensor| !tensor.is_empty()) {
        return node.fold(shape, data_type, |node| Ok(padded(node.data(input)?, &before, &after, &value).data));
    }
    node.emit(Operator::Pad { before, after, value }, vec![input], shape, data_type)
}
