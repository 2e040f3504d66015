//! FINN's convolutions: `Im2Col`, whose patches a `MatMul` reads, is a convolution of a value whose channels come last.

use super::channels_last::{channels_first, emit_channels_last};
use crate::graph::{Operator, ValueId, Window};
use crate::onnx::data_type::DataType;
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;
use crate::onnx::patches::Patches;
use crate::tensor::Tensor;

/// An attribute of one or two numbers, for rows and columns; some exporters write one for both.
fn pair(node: &NodeContext<'_, '_>, name: &'static str) -> Result<Option<Vec<usize>>, ImportError> {
    let list = match node.integer_list(name) {
        Ok(list) => list.map(<[i64]>::to_vec),
        Err(_) => node.integer(name)?.map(|number| vec![number; 2]),
    };
    let Some(list) = list else { return Ok(None) };
    let numbers: Option<Vec<usize>> =
        list.iter().map(|number| usize::try_from(*number).ok().filter(|n| *n > 0)).collect();
    match numbers {
        Some(numbers) if numbers.len() == 2 => Ok(Some(numbers)),
        _ => Err(node.attribute_error(name, "two integers, each at least 1", format!("{list:?}"))),
    }
}

/// `Im2Col`: becomes a part of the product that reads it
pub(super) fn im2col(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "x")?;
    let &[1, height, width, _] = node.shape(input) else {
        let found = format!("shape {:?}", node.shape(input));
        return Err(node.shape_error("the input must have axes [1, height, width, channels]", found));
    };
    let missing = |name| node.attribute_error(name, "two integers, each at least 1", "missing");
    let pads = match node.integer_list("pad_amount") {
        Ok(list) => list.map_or(vec![0; 4], <[i64]>::to_vec),
        Err(_) => vec![node.integer("pad_amount")?.unwrap_or(0); 4],
    };
    let sides: Option<Vec<usize>> = pads.iter().map(|pad| usize::try_from(*pad).ok()).collect();
    let Some([top, left, bottom, right]) = sides.as_deref() else {
        return Err(node.attribute_error("pad_amount", "four integers, each at least 0", format!("{pads:?}")));
    };
    let window = Window {
        strides: pair(node, "stride")?.ok_or_else(|| missing("stride"))?,
        dilations: pair(node, "dilations")?.unwrap_or_else(|| vec![1; 2]),
        pads_before: vec![*top, *left],
        pads_after: vec![*bottom, *right],
        ..Window::of(pair(node, "kernel_size")?.ok_or_else(|| missing("kernel_size"))?)
    };
    if window.output_extents(&[height, width]).is_none() {
        let found = format!("kernel {:?} in {height} x {width} with padding {pads:?}", window.kernel);
        let must = "a window must fit into the padded input".into();
        return Err(ImportError::Window { place: node.place(), must, found });
    }
    let padding = node.integer("pad_value")?.unwrap_or(0) as f64;
    let is_depthwise = node.flag("depthwise", false)?;
    node.remember_patches(Patches { input, window, padding, is_depthwise });
    Ok(())
}

/// `MatMul` with patches: a convolution
pub(super) fn product(node: &mut NodeContext<'_, '_>, patches: Patches) -> Result<(), ImportError> {
    let Patches { input, mut window, padding, is_depthwise } = patches;
    let w = node.input(1, "B")?;
    let channels = node.shape(input)[3];
    let taps = window.kernel.iter().fold(1usize, |taps, extent| taps.saturating_mul(*extent));
    let &[rows, outputs] = node.constant(1, "B")?.shape.as_slice() else {
        return Err(node.shape_error("`B` must be a matrix", format!("{:?}", node.shape(w))));
    };
    if taps.checked_mul(channels) != Some(rows) || outputs == 0 {
        let must = format!("`B` must have {taps} x {channels} rows");
        return Err(node.shape_error(must, format!("shape [{rows}, {outputs}]")));
    }
    let groups = if is_depthwise && is_diagonal(node.data(w)?, channels) { channels } else { 1 };
    let inner = channels / groups;
    let shape = [&[outputs, inner], window.kernel.as_slice()].concat();
    let (range, is_codes, data_type) = (node.graph.range(w), node.graph.value(w).is_codes, node.graph.data_type(w));
    let weights = node.fold_part("weights", shape, data_type, |node| {
        let matrix = node.data(w)?;
        let element = |index: usize| {
            let (output, channel, tap) = (index / (inner * taps), index / taps % inner, index % taps);
            let channel = channel + output / (outputs / groups) * inner;
            matrix.data[(tap * channels + channel) * outputs + output]
        };
        Ok((0..outputs * inner * taps).map(element).collect())
    })?;
    node.graph.mark(weights, is_codes, range);
    let mut x = channels_first(node, "input", input)?;
    if padding != 0.0 {
        x = padded(node, x, &mut window, padding)?;
    }
    let spatial = node.shape(x)[2..].to_vec();
    let output = window.output_extents(&spatial).unwrap_or_default();
    let shape = [1, outputs].into_iter().chain(output).collect();
    let product =
        node.emit_part("convolution", Operator::Conv { window, groups }, vec![x, weights], shape, DataType::Float32)?;
    emit_channels_last(node, product)
}

/// The value with its border, which windows then no longer add.
fn padded(node: &mut NodeContext<'_, '_>, x: ValueId, window: &mut Window, value: f64) -> Result<ValueId, ImportError> {
    let (before, after) = (std::mem::take(&mut window.pads_before), std::mem::take(&mut window.pads_after));
    (window.pads_before, window.pads_after) = (vec![0; 2], vec![0; 2]);
    let (before, after) = ([&[0, 0], before.as_slice()].concat(), [&[0, 0], after.as_slice()].concat());
    let extents = node.shape(x).iter().zip(before.iter().zip(&after));
    let shape = extents.map(|(extent, (before, after))| extent + before + after).collect();
    node.emit_part("padded", Operator::Pad { before, after, value }, vec![x], shape, DataType::Float32)
}

/// Whether each column of a matrix of patches reads one channel only, its own.
fn is_diagonal(matrix: &Tensor, channels: usize) -> bool {
    let outputs = matrix.shape[1];
    if channels == 0 || !outputs.is_multiple_of(channels) {
        return false;
    }
    let own = |output: usize| output / (outputs / channels);
    matrix
        .data
        .iter()
        .enumerate()
        .all(|(index, weight)| *weight == 0.0 || index / outputs % channels == own(index % outputs))
}
