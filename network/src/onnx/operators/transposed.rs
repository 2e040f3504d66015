//! `ConvTranspose`: zeros between the pixels, then a convolution whose kernel is turned around.

use super::moves::{Selection, reshaped, select, select_each, transposed};
use super::result_type::float_result;
use super::window::{channels_and_spatial, numbers};
use crate::graph::{Operator, ValueId, Window};
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;

/// The attributes of a node, one number an axis in each list.
struct Geometry {
    /// Extents of the input.
    spatial: Vec<usize>,
    kernel: Vec<usize>,
    strides: Vec<usize>,
    dilations: Vec<usize>,
    /// What is cut off before and behind; `i128` because paddings may be negative and are bounded by 64 bits.
    cut: Vec<[i128; 2]>,
    /// What is added behind.
    output_padding: Vec<usize>,
}

/// Most that a list of a node may name: sums and products of such numbers stay within 128 bits.
const LARGEST: usize = 1 << 31;

/// An optional list with one number an axis, each within [`LARGEST`].
fn list(
    node: &NodeContext<'_, '_>,
    name: &'static str,
    count: usize,
    least: usize,
) -> Result<Option<Vec<usize>>, ImportError> {
    let list = numbers(node, name, count, least)?;
    match list.iter().flatten().find(|number| **number > LARGEST) {
        Some(number) => Err(node.attribute_error(name, format!("at most {LARGEST}"), number.to_string())),
        None => Ok(list),
    }
}

impl Geometry {
    fn of(node: &NodeContext<'_, '_>, spatial: Vec<usize>, kernel: Vec<usize>) -> Result<Self, ImportError> {
        let axes = spatial.len();
        if let Some(found) = list(node, "kernel_shape", axes, 1)?
            && found != kernel
        {
            let must = format!("{kernel:?} as the shape of `W` says");
            return Err(node.attribute_error("kernel_shape", must, format!("{found:?}")));
        }
        let mut geometry = Geometry {
            strides: list(node, "strides", axes, 1)?.unwrap_or_else(|| vec![1; axes]),
            dilations: list(node, "dilations", axes, 1)?.unwrap_or_else(|| vec![1; axes]),
            output_padding: list(node, "output_padding", axes, 0)?.unwrap_or_else(|| vec![0; axes]),
            cut: vec![[0; 2]; axes],
            spatial,
            kernel,
        };
        geometry.cut(node)?;
        Ok(geometry)
    }

    /// Elements that a kernel spans along an axis, less one.
    fn reach(&self, axis: usize) -> i128 {
        (self.kernel[axis] as i128 - 1) * self.dilations[axis] as i128
    }

    /// Extent of the result before anything is cut off.
    fn whole(&self, axis: usize) -> i128 {
        (self.spatial[axis] as i128 - 1) * self.strides[axis] as i128
            + self.reach(axis)
            + 1
            + self.output_padding[axis] as i128
    }

    /// Sets what `pads`, or `auto_pad` and `output_shape`, cut off.
    fn cut(&mut self, node: &NodeContext<'_, '_>) -> Result<(), ImportError> {
        let axes = self.spatial.len();
        let (automatic, more_behind) = match node.text("auto_pad")?.unwrap_or("NOTSET") {
            "NOTSET" | "" => (false, false),
            "VALID" if !node.has_attribute("output_shape") => return Ok(()),
            // onnxruntime cuts off what the shape asks for all the same.
            "VALID" => (false, false),
            "SAME_UPPER" => (true, true),
            "SAME_LOWER" => (true, false),
            other => {
                let must = "NOTSET, SAME_UPPER, SAME_LOWER or VALID";
                return Err(node.attribute_error("auto_pad", must, format!("`{other}`")));
            }
        };
        let wanted = match list(node, "output_shape", axes, 1)? {
            None if !automatic => {
                if let Some(pads) = list(node, "pads", 2 * axes, 0)? {
                    let cut = |axis: usize| [pads[axis] as i128, pads[axes + axis] as i128];
                    self.cut = (0..axes).map(cut).collect();
                }
                return Ok(());
            }
            None => (0..axes).map(|axis| self.spatial[axis] as i128 * self.strides[axis] as i128).collect(),
            Some(shape) => shape.into_iter().map(|extent| extent as i128).collect::<Vec<_>>(),
        };
        for (axis, wanted) in wanted.into_iter().enumerate() {
            let total = self.whole(axis) - wanted;
            if total < 0 {
                let must = format!("at most {} along spatial axis {axis}", self.whole(axis));
                return Err(node.attribute_error("output_shape", must, wanted.to_string()));
            }
            let less = total / 2;
            self.cut[axis] = if more_behind { [less, total - less] } else { [total - less, less] };
        }
        Ok(())
    }

    /// Zeros to be put before and behind each axis of the dilated input; negative where some must be taken off.
    fn borders(&self, axis: usize) -> [i128; 2] {
        let [before, behind] = self.cut[axis];
        let behind = self.reach(axis) - behind + self.output_padding[axis] as i128;
        // The dilated input has zeros behind the last element, too.
        [self.reach(axis) - before, behind - (self.strides[axis] as i128 - 1)]
    }
}

/// `W`, `[inputs, outputs / groups, kernel…]`, as a convolution reads it: `[outputs, inputs / groups, turned kernel…]`.
fn turned(node: &mut NodeContext<'_, '_>, w: ValueId, groups: usize) -> Result<ValueId, ImportError> {
    let shape = node.shape(w).to_vec();
    let kernel = &shape[2..];
    let (inner, outer) = (shape[0] / groups, shape[1]);
    let split: Vec<usize> = [groups, inner, outer].iter().chain(kernel).copied().collect();
    let order = [0, 2, 1].into_iter().chain(3..split.len()).collect();
    let joined = [groups * outer, inner].iter().chain(kernel).copied().collect();
    let split = reshaped(node, "w_groups", w, split)?;
    let moved = transposed(node, "w_outputs", split, order)?;
    let mut value = reshaped(node, "w_joined", moved, joined)?;
    for (axis, extent) in kernel.iter().enumerate() {
        value = select(node, &format!("w_turned_{axis}"), value, axis + 2, (0..*extent).rev().collect())?;
    }
    Ok(value)
}

/// Whether each channel is by itself, its elements times 1 and zeros behind them: how the dilation is exported.
fn is_dilation(node: &NodeContext<'_, '_>, geometry: &Geometry, w: ValueId, [channels, groups]: [usize; 2]) -> bool {
    groups == channels
        && node.shape(w)[1] == 1
        && geometry.kernel.iter().all(|extent| *extent == 1)
        && geometry.cut.iter().all(|cut| *cut == [0, 0])
        && geometry.strides.iter().zip(&geometry.output_padding).all(|(stride, padding)| stride - 1 == *padding)
        && node.graph.constant(w).is_some_and(|ones| ones.data.iter().all(|one| *one == 1.0))
}

/// `ConvTranspose`
pub(super) fn conv_transpose(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (x, w, bias) = (node.input(0, "X")?, node.input(1, "W")?, node.optional_input(2));
    let (channels, spatial) = channels_and_spatial(node, x)?;
    let shape = node.shape(w).to_vec();
    let group = node.integer("group")?.unwrap_or(1);
    let groups = usize::try_from(group).ok().filter(|groups| *groups > 0 && channels.is_multiple_of(*groups));
    let groups = groups.ok_or_else(|| {
        node.attribute_error("group", format!("a divisor of the {channels} input channels"), group.to_string())
    })?;
    if shape.len() != spatial.len() + 2 || shape.contains(&0) || shape[0] != channels {
        return Err(node.shape_error(
            format!(
                "`W` must have elements and {} axes: the {channels} inputs, outputs and the kernel",
                spatial.len() + 2
            ),
            format!("shape {shape:?}"),
        ));
    }
    let outputs = shape[1].saturating_mul(groups);
    if let Some(bias) = bias
        && node.shape(bias) != [outputs]
    {
        return Err(node.shape_error(format!("`B` must have shape [{outputs}]"), format!("{:?}", node.shape(bias))));
    }
    let geometry = Geometry::of(node, spatial, shape[2..].to_vec())?;
    if bias.is_none()
        && is_dilation(node, &geometry, w, [channels, groups])
        && let Some((operator, shape)) = dilation(node, x, &geometry)
    {
        let data_type = float_result(node, &[x])?;
        return node.emit(operator, vec![x], shape, data_type);
    }
    let dilated = match dilation(node, x, &geometry) {
        None => x,
        Some((operator, shape)) => {
            let data_type = float_result(node, &[x])?;
            node.emit_part("dilated", operator, vec![x], shape, data_type)?
        }
    };
    let (bordered, window, result) = bordered(node, dilated, &geometry)?;
    let weights = turned(node, w, groups)?;
    let inputs: Vec<ValueId> = [bordered, weights].into_iter().chain(bias).collect();
    let data_type = float_result(node, &inputs)?;
    let shape = [1, outputs].into_iter().chain(result).collect();
    node.emit(Operator::Conv { window, groups }, inputs, shape, data_type)
}

/// What puts as many zeros behind each pixel of `x` as strides leave out, and the shape that it makes; `None` where they
/// leave out none.
fn dilation(node: &NodeContext<'_, '_>, x: ValueId, geometry: &Geometry) -> Option<(Operator, Vec<usize>)> {
    if geometry.strides.iter().all(|stride| *stride == 1) {
        return None;
    }
    let factors: Vec<usize> = [1, 1].iter().chain(&geometry.strides).copied().collect();
    // What exceeds a usize is too large in any case.
    let shape = node.shape(x).iter().zip(&factors).map(|(extent, factor)| extent.saturating_mul(*factor)).collect();
    Some((Operator::Dilate { factors }, shape))
}

/// The value without the zeros that are cut off, the windows that read it, and their number along each axis.
fn bordered(
    node: &mut NodeContext<'_, '_>,
    dilated: ValueId,
    geometry: &Geometry,
) -> Result<(ValueId, Window, Vec<usize>), ImportError> {
    let axes = geometry.spatial.len();
    let shape = node.shape(dilated).to_vec();
    let mut window = Window { dilations: geometry.dilations.clone(), ..Window::of(geometry.kernel.clone()) };
    let mut kept = vec![None, None];
    let mut covered = shape[..2].to_vec();
    for axis in 0..axes {
        let extent = shape[axis + 2] as i128;
        let [before, behind] = geometry.borders(axis);
        let (first, last) = ((-before).max(0), extent - (-behind).max(0));
        let result = before + extent + behind - geometry.reach(axis);
        if result < 1 || first >= last {
            let found = format!("{result} along spatial axis {axis}");
            return Err(node.attribute_error("pads", "less than the result has rows and columns", found));
        }
        let is_cut = (first, last) != (0, extent);
        kept.push(
            is_cut.then_some(Selection { places: first as i64..last as i64, source: |place: i64| place as usize }),
        );
        // Within 64 bits: the numbers of the node are within 31.
        (window.pads_before[axis], window.pads_after[axis]) = (before.max(0) as usize, behind.max(0) as usize);
        covered.push((before.max(0) + extent + behind.max(0)) as usize);
    }
    node.check_size(&covered)?;
    let value = select_each(node, dilated, kept)?;
    let result = window.output_extents(&node.shape(value)[2..]);
    let result =
        result.ok_or_else(|| node.attribute_error("pads", "less than the result has rows and columns", "more"))?;
    Ok((value, window, result))
}
