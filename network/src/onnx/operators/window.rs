//! Convolutions and pools.

use super::result_type::float_result;
use crate::graph::{Operator, ValueId, Window};
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;

/// Channels and spatial extents of a value that windows slide over.
pub(super) fn channels_and_spatial(
    node: &NodeContext<'_, '_>,
    input: ValueId,
) -> Result<(usize, Vec<usize>), ImportError> {
    let shape = node.shape(input);
    let spatial = match shape {
        [_, _, spatial @ ..] if (1..=2).contains(&spatial.len()) => spatial,
        _ => return Err(ImportError::SpatialAxes { place: node.place(), shape: format!("{shape:?}") }),
    };
    if shape.contains(&0) {
        return Err(node.shape_error("every tensor that it reads must have elements", format!("shape {shape:?}")));
    }
    if shape[0] != 1 {
        return Err(node.unsupported_shape(
            "the batch axis (the first) must have extent 1",
            format!("shape {shape:?}"),
            "one image at a time is supported: export for a batch of 1, without a Concat or Reshape that makes more of it",
        ));
    }
    Ok((shape[1], spatial.to_vec()))
}

/// A list with a number of at least `least` for each of `count` places; `None` where the attribute is missing.
pub(super) fn numbers(
    node: &NodeContext<'_, '_>,
    name: &'static str,
    count: usize,
    least: usize,
) -> Result<Option<Vec<usize>>, ImportError> {
    let Some(list) = node.integer_list(name)? else {
        return Ok(None);
    };
    let numbers: Option<Vec<usize>> =
        list.iter().map(|number| usize::try_from(*number).ok().filter(|number| *number >= least)).collect();
    match numbers {
        Some(numbers) if numbers.len() == count => Ok(Some(numbers)),
        _ => {
            let must = format!("a list of {count} integers, each at least {least}");
            Err(node.attribute_error(name, must, shown(list)))
        }
    }
}

/// A list of numbers, its end left out where it is long.
fn shown(list: &[i64]) -> String {
    const SHOWN: usize = 8;
    match list.get(..SHOWN) {
        Some(start) if list.len() > SHOWN => format!("{start:?}… ({} numbers)", list.len()),
        _ => format!("{list:?}"),
    }
}

/// An error about how windows and the value that they slide over fit together.
fn misfit(node: &NodeContext<'_, '_>, must: impl Into<String>, found: impl Into<String>) -> ImportError {
    ImportError::Window { place: node.place(), must: must.into(), found: found.into() }
}

fn too_large(node: &NodeContext<'_, '_>, window: &Window) -> ImportError {
    let Window { kernel, dilations, pads_before, pads_after, .. } = window;
    let found = format!("kernel {kernel:?}, dilations {dilations:?}, padding {pads_before:?} and {pads_after:?}");
    misfit(node, "windows and padding must be within 64 bits", found)
}

/// The windows that the attributes of a node describe, with their number along each spatial axis.
///
/// With `ceil`, a window that reaches beyond the padding counts where it starts before. The padded value, with the
/// overhang, is no larger than a tensor may be.
fn window(
    node: &NodeContext<'_, '_>,
    kernel: Vec<usize>,
    channels: usize,
    spatial: &[usize],
    ceil: bool,
) -> Result<(Window, Vec<usize>), ImportError> {
    let axes = spatial.len();
    let mut window = Window::of(kernel);
    if let Some(strides) = numbers(node, "strides", axes, 1)? {
        window.strides = strides;
    }
    if let Some(dilations) = numbers(node, "dilations", axes, 1)? {
        window.dilations = dilations;
    }
    pad(node, &mut window, spatial)?;
    let mut covered = vec![1, channels];
    for (axis, extent) in spatial.iter().enumerate() {
        let padded = window.padded_extent(axis, *extent).ok_or_else(|| too_large(node, &window))?;
        let reach = window.reach(axis).ok_or_else(|| too_large(node, &window))?;
        let Some(room) = padded.checked_sub(reach) else {
            return Err(misfit(
                node,
                "a window must fit into the padded input",
                format!("{reach} positions in {padded} along spatial axis {axis}"),
            ));
        };
        if ceil {
            window.overhang[axis] = overhang(room, window.strides[axis], extent + window.pads_before[axis]);
        }
        covered.push(padded.checked_add(window.overhang[axis]).ok_or_else(|| too_large(node, &window))?);
    }
    node.check_size(&covered)?;
    let output = window.output_extents(spatial).ok_or_else(|| too_large(node, &window))?;
    Ok((window, output))
}

/// How far a window beyond the last whole one reaches over the padded extent: `room` is how far windows can move,
/// and windows that would start at or behind `end`, in the padding, are left out.
fn overhang(room: usize, stride: usize, end: usize) -> usize {
    let beyond = room % stride;
    let last = room - beyond;
    let starts_on_input = last.checked_add(stride).is_some_and(|start| start < end);
    if beyond > 0 && starts_on_input { stride - beyond } else { 0 }
}

/// Sets the padding that `pads` or `auto_pad` ask for.
fn pad(node: &NodeContext<'_, '_>, window: &mut Window, spatial: &[usize]) -> Result<(), ImportError> {
    let pads = numbers(node, "pads", 2 * spatial.len(), 0)?;
    let more_before = match node.text("auto_pad")?.unwrap_or("NOTSET") {
        "NOTSET" | "" => {
            if let Some(pads) = pads {
                let (before, after) = pads.split_at(spatial.len());
                (window.pads_before, window.pads_after) = (before.to_vec(), after.to_vec());
            }
            return Ok(());
        }
        "VALID" => None,
        "SAME_UPPER" => Some(false),
        "SAME_LOWER" => Some(true),
        other => {
            let must = "NOTSET, SAME_UPPER, SAME_LOWER or VALID";
            return Err(node.attribute_error("auto_pad", must, format!("`{other}`")));
        }
    };
    if pads.is_some_and(|pads| pads.iter().any(|pad| *pad != 0)) {
        return Err(node.attribute_error("pads", "left out or 0 beside `auto_pad`", "given"));
    }
    let Some(more_before) = more_before else {
        return Ok(());
    };
    for (axis, extent) in spatial.iter().enumerate() {
        // As many windows as strides fit into the extent: the last one starts less than the extent from the first.
        let last = (extent.div_ceil(window.strides[axis]) - 1) * window.strides[axis];
        let end = window.reach(axis).and_then(|reach| reach.checked_add(last));
        let end = end.ok_or_else(|| too_large(node, window))?;
        let total = end.saturating_sub(*extent);
        let (less, more) = (total / 2, total - total / 2);
        let (before, after) = if more_before { (more, less) } else { (less, more) };
        (window.pads_before[axis], window.pads_after[axis]) = (before, after);
    }
    Ok(())
}

/// `Conv`
pub(super) fn conv(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (x, w, bias) = (node.input(0, "X")?, node.input(1, "W")?, node.optional_input(2));
    let (operator, inputs, shape) = convolution(node, x, w, bias)?;
    let data_type = float_result(node, &inputs)?;
    node.emit(operator, inputs, shape, data_type)
}

/// The convolution that the attributes of a node describe, with its inputs and the shape of its result.
pub(super) fn convolution(
    node: &NodeContext<'_, '_>,
    x: ValueId,
    w: ValueId,
    bias: Option<ValueId>,
) -> Result<(Operator, Vec<ValueId>, Vec<usize>), ImportError> {
    let (channels, spatial) = channels_and_spatial(node, x)?;
    let weights = node.shape(w).to_vec();
    if weights.len() != spatial.len() + 2 || weights.contains(&0) {
        return Err(node.shape_error(
            format!("`W` must have elements and {} axes: outputs, inputs and the kernel", spatial.len() + 2),
            format!("shape {weights:?}"),
        ));
    }
    let (outputs, inner, kernel) = (weights[0], weights[1], weights[2..].to_vec());
    let group = node.integer("group")?.unwrap_or(1);
    let groups = usize::try_from(group).ok().filter(|groups| *groups > 0);
    let groups = groups
        .filter(|groups| channels.is_multiple_of(*groups) && outputs.is_multiple_of(*groups))
        .ok_or_else(|| {
            let must = format!("a divisor of the {channels} input and {outputs} output channels");
            node.attribute_error("group", must, group.to_string())
        })?;
    if channels / groups != inner {
        return Err(node.shape_error(
            format!("`W` must read {} channels: {channels} in {groups} groups", channels / groups),
            format!("shape {weights:?}"),
        ));
    }
    if let Some(shape) = numbers(node, "kernel_shape", spatial.len(), 1)?
        && shape != kernel
    {
        let must = format!("{kernel:?} as the shape of `W` says");
        return Err(node.attribute_error("kernel_shape", must, format!("{shape:?}")));
    }
    let mut inputs = vec![x, w];
    if let Some(bias) = bias {
        if node.shape(bias) != [outputs] {
            return Err(node.shape_error(
                format!("`B` must have one element for each of the {outputs} output channels"),
                format!("shape {:?}", node.shape(bias)),
            ));
        }
        inputs.push(bias);
    }
    let (window, output) = window(node, kernel, channels, &spatial, false)?;
    let shape = [1, outputs].into_iter().chain(output).collect();
    Ok((Operator::Conv { window, groups }, inputs, shape))
}

/// The windows of a pool and the shape of its result. Every window holds at least one element.
pub(super) fn pool_window(node: &NodeContext<'_, '_>, input: ValueId) -> Result<(Window, Vec<usize>), ImportError> {
    let (channels, spatial) = channels_and_spatial(node, input)?;
    let kernel = numbers(node, "kernel_shape", spatial.len(), 1)?
        .ok_or_else(|| node.attribute_error("kernel_shape", "a list of integers", "missing"))?;
    let (window, output) = window(node, kernel, channels, &spatial, node.flag("ceil_mode", false)?)?;
    for (axis, extent) in spatial.iter().enumerate() {
        // A window that starts in the padding reaches the input, and one that ends behind it starts on it or before.
        let pads = window.pads_before[axis].max(window.pads_after[axis]);
        if window.reach(axis).is_none_or(|reach| pads >= reach) {
            let found = format!("{pads} padded positions along spatial axis {axis}");
            return Err(misfit(node, "padding must be less than a window, which holds an element then", found));
        }
        // Taps of such a window then cannot all stand beside the input.
        if window.kernel[axis] > 1 && window.dilations[axis] > *extent {
            let found = format!("{} along spatial axis {axis} of extent {extent}", window.dilations[axis]);
            return Err(misfit(
                node,
                "the dilation must be at most the extent, so that windows hold an element",
                found,
            ));
        }
    }
    Ok((window, [1, channels].into_iter().chain(output).collect()))
}

/// `MaxPool`
pub(super) fn max_pool(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "X")?;
    if node.flag("storage_order", false)? {
        return Err(node.attribute_error("storage_order", "0 (row major)", "1"));
    }
    let (window, shape) = pool_window(node, input)?;
    let data_type = node.graph.data_type(input);
    node.emit(Operator::MaxPool { window }, vec![input], shape, data_type)
}

/// `AveragePool`
pub(super) fn average_pool(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "X")?;
    let count_include_pad = node.flag("count_include_pad", false)?;
    let (window, shape) = pool_window(node, input)?;
    let data_type = float_result(node, &[input])?;
    node.emit(Operator::AveragePool { window, count_include_pad }, vec![input], shape, data_type)
}

/// One window over the whole of each channel, and the shape of its result.
pub(super) fn global_window(node: &NodeContext<'_, '_>, input: ValueId) -> Result<(Window, Vec<usize>), ImportError> {
    let (channels, spatial) = channels_and_spatial(node, input)?;
    let shape = [1, channels].into_iter().chain(vec![1; spatial.len()]).collect();
    Ok((Window::of(spatial), shape))
}

/// `GlobalMaxPool`
pub(super) fn global_max_pool(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "X")?;
    let (window, shape) = global_window(node, input)?;
    let data_type = node.graph.data_type(input);
    node.emit(Operator::MaxPool { window }, vec![input], shape, data_type)
}

/// `GlobalAveragePool`
pub(super) fn global_average_pool(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "X")?;
    let (window, shape) = global_window(node, input)?;
    let data_type = float_result(node, &[input])?;
    node.emit(Operator::AveragePool { window, count_include_pad: false }, vec![input], shape, data_type)
}
