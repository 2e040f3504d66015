//! Convolutions and pools: operators on windows over one or two spatial axes.

use super::arithmetic::float_result;
use crate::graph::{Operator, ValueId, Window};
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;

/// Greatest kernel, stride, dilation or padding along an axis.
const LARGEST: usize = 1 << 16;

/// The extents of the spatial axes of `[1, channels, spatial…]`.
fn spatial(node: &NodeContext<'_, '_>, input: ValueId) -> Result<Vec<usize>, ImportError> {
    match node.shape(input) {
        [1, _, spatial @ ..] if matches!(spatial.len(), 1 | 2) && !spatial.contains(&0) => Ok(spatial.to_vec()),
        shape => Err(node.shape_error(
            "the input must be one image with one or two spatial axes: [1, channels, height, width] or [1, channels, \
             length]",
            format!("{shape:?}"),
        )),
    }
}

/// A list attribute with one number per spatial axis.
fn per_axis(
    node: &NodeContext<'_, '_>,
    name: &'static str,
    default: usize,
    count: usize,
    least: usize,
) -> Result<Vec<usize>, ImportError> {
    let Some(list) = node.integer_list(name)? else {
        return Ok(vec![default; count]);
    };
    let fits = |number: &i64| usize::try_from(*number).ok().filter(|number| (least..=LARGEST).contains(number));
    let numbers: Option<Vec<usize>> = list.iter().map(fits).collect();
    numbers.filter(|numbers| numbers.len() == count).ok_or_else(|| {
        node.attribute_error(name, format!("{count} numbers from {least} to {LARGEST}"), format!("{list:?}"))
    })
}

/// The windows that the attributes of a node describe over an image of the given extents.
fn window(node: &NodeContext<'_, '_>, extents: &[usize], kernel: Vec<usize>) -> Result<Window, ImportError> {
    let axes = extents.len();
    let strides = per_axis(node, "strides", 1, axes, 1)?;
    let dilations = per_axis(node, "dilations", 1, axes, 1)?;
    let pads = per_axis(node, "pads", 0, 2 * axes, 0)?;
    let mut window = Window {
        kernel,
        strides,
        dilations,
        pads_before: pads[..axes].to_vec(),
        pads_after: pads[axes..].to_vec(),
        overhang: vec![0; axes],
    };
    let is_ceil = node.flag("ceil_mode", false)?;
    let auto_pad = node.text("auto_pad")?.unwrap_or("NOTSET");
    for (axis, extent) in extents.iter().enumerate() {
        let (span, stride) = (window.span(axis), window.strides[axis]);
        match auto_pad {
            "NOTSET" | "" => {}
            "VALID" => (window.pads_before[axis], window.pads_after[axis]) = (0, 0),
            "SAME_UPPER" | "SAME_LOWER" => {
                let total = ((extent.div_ceil(stride) - 1) * stride + span).saturating_sub(*extent);
                let (less, more) = (total / 2, total - total / 2);
                let is_upper = auto_pad == "SAME_UPPER";
                window.pads_before[axis] = if is_upper { less } else { more };
                window.pads_after[axis] = if is_upper { more } else { less };
            }
            other => {
                return Err(node.attribute_error("auto_pad", "NOTSET, SAME_UPPER, SAME_LOWER or VALID", other));
            }
        }
        let before = window.pads_before[axis];
        let padded = extent + before + window.pads_after[axis];
        let Some(room) = padded.checked_sub(span) else {
            return Err(node.shape_error(
                "the kernel must fit into the padded image",
                format!("a kernel that spans {span} positions of {padded} along spatial axis {axis}"),
            ));
        };
        // A last window that would begin behind the image is left out, as onnxruntime and PyTorch have it.
        if is_ceil && !room.is_multiple_of(stride) && (room / stride + 1) * stride < extent + before {
            window.overhang[axis] = stride - room % stride;
        }
    }
    Ok(window)
}

/// Checks that every window of a pool sees an element of the image.
fn check_pool(node: &NodeContext<'_, '_>, window: &Window, extents: &[usize]) -> Result<(), ImportError> {
    for (axis, (extent, count)) in extents.iter().zip(window.output(extents)).enumerate() {
        let sees =
            |index: usize| (0..window.kernel[axis]).any(|tap| window.position(axis, index, tap, *extent).is_some());
        if !(0..count).all(sees) {
            return Err(node.attribute_error(
                "pads",
                "so small that every window holds an element of the image",
                format!("{} and {}", window.pads_before[axis], window.pads_after[axis]),
            ));
        }
    }
    Ok(())
}

fn with_spatial(channels: usize, spatial: Vec<usize>) -> Vec<usize> {
    [1, channels].into_iter().chain(spatial).collect()
}

/// `Conv`
pub(super) fn conv(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (input, weights) = (node.input(0, "X")?, node.input(1, "W")?);
    let extents = spatial(node, input)?;
    let channels = node.shape(input)[1];
    let groups = node.integer("group")?.unwrap_or(1);
    let groups =
        usize::try_from(groups).ok().filter(|groups| *groups > 0 && channels.is_multiple_of(*groups)).ok_or_else(
            || node.attribute_error("group", format!("a divisor of {channels} channels"), groups.to_string()),
        )?;
    let shape = node.shape(weights).to_vec();
    let fits = shape.len() == extents.len() + 2 && shape[1] == channels / groups && shape[0].is_multiple_of(groups);
    let kernel = shape.get(2..).unwrap_or_default().to_vec();
    if !fits || kernel.iter().chain(&shape[..1]).any(|extent| !(1..=LARGEST).contains(extent)) {
        return Err(node.shape_error(
            format!("`W` must have the shape [rows, {}, kernel…] with rows that {groups} divides", channels / groups),
            format!("{shape:?}"),
        ));
    }
    let stated = per_axis(node, "kernel_shape", 0, extents.len(), 1)?;
    if node.has_attribute("kernel_shape") && stated != kernel {
        return Err(node.attribute_error("kernel_shape", format!("that of `W`, {kernel:?}"), format!("{stated:?}")));
    }
    let window = window(node, &extents, kernel)?;
    let mut inputs = vec![input, weights];
    if let Some(bias) = node.optional_input(2) {
        if node.shape(bias) != [shape[0]] {
            let found = format!("{:?}", node.shape(bias));
            return Err(node.shape_error(format!("`B` must have the shape [{}]", shape[0]), found));
        }
        inputs.push(bias);
    }
    let data_type = float_result(node, &inputs)?;
    let output = with_spatial(shape[0], window.output(&extents));
    node.emit(Operator::Conv { window, groups }, inputs, output, data_type)
}

/// `MaxPool`
pub(super) fn max_pool(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "X")?;
    let extents = spatial(node, input)?;
    if node.flag("storage_order", false)? {
        return Err(node.attribute_error("storage_order", "0 (rows)", "1"));
    }
    let window = pool_window(node, &extents)?;
    let data_type = float_result(node, &[input])?;
    let output = with_spatial(node.shape(input)[1], window.output(&extents));
    node.emit(Operator::MaxPool { window }, vec![input], output, data_type)
}

/// `AveragePool`
pub(super) fn average_pool(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "X")?;
    let extents = spatial(node, input)?;
    let count_include_pad = node.flag("count_include_pad", false)?;
    let window = pool_window(node, &extents)?;
    let data_type = float_result(node, &[input])?;
    let output = with_spatial(node.shape(input)[1], window.output(&extents));
    node.emit(Operator::AveragePool { window, count_include_pad }, vec![input], output, data_type)
}

fn pool_window(node: &NodeContext<'_, '_>, extents: &[usize]) -> Result<Window, ImportError> {
    if !node.has_attribute("kernel_shape") {
        return Err(node.attribute_error("kernel_shape", "a list", "missing"));
    }
    let kernel = per_axis(node, "kernel_shape", 1, extents.len(), 1)?;
    let window = window(node, extents, kernel)?;
    check_pool(node, &window, extents)?;
    Ok(window)
}

/// The one window over the whole image.
fn whole(extents: &[usize]) -> Window {
    let (ones, zeros) = (vec![1; extents.len()], vec![0; extents.len()]);
    Window {
        kernel: extents.to_vec(),
        strides: ones.clone(),
        dilations: ones,
        pads_before: zeros.clone(),
        pads_after: zeros.clone(),
        overhang: zeros,
    }
}

/// `GlobalMaxPool`
pub(super) fn global_max_pool(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    global(node, |window| Operator::MaxPool { window })
}

/// `GlobalAveragePool`
pub(super) fn global_average_pool(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    global(node, |window| Operator::AveragePool { window, count_include_pad: false })
}

fn global(node: &mut NodeContext<'_, '_>, operator: impl FnOnce(Window) -> Operator) -> Result<(), ImportError> {
    let input = node.input(0, "X")?;
    let extents = spatial(node, input)?;
    let data_type = float_result(node, &[input])?;
    let output = with_spatial(node.shape(input)[1], vec![1; extents.len()]);
    node.emit(operator(whole(&extents)), vec![input], output, data_type)
}
