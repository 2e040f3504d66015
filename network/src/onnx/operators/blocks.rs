//! `DepthToSpace` and `SpaceToDepth`: channels of one pixel as a block of pixels, and back.

use super::moves::{reshaped, transposed};
use crate::graph::ValueId;
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;

/// The four extents of the input, and the block's.
fn extents(node: &NodeContext<'_, '_>) -> Result<(ValueId, [usize; 4], usize), ImportError> {
    let input = node.input(0, "input")?;
    let &[images, channels, height, width] = node.shape(input) else {
        return Err(node.shape_error("the input must have 4 axes", format!("shape {:?}", node.shape(input))));
    };
    let size = node.integer("blocksize")?;
    let size = size.ok_or_else(|| node.attribute_error("blocksize", "an integer", "missing"))?;
    match usize::try_from(size) {
        // Beyond, its square is more than a tensor may have elements.
        Ok(block) if (1..=1 << 16).contains(&block) => Ok((input, [images, channels, height, width], block)),
        _ => Err(node.attribute_error("blocksize", "between 1 and 65536", size.to_string())),
    }
}

/// The input, its axes split, put in another order, and joined to `shape`.
fn rearrange(
    node: &mut NodeContext<'_, '_>,
    input: ValueId,
    split: Vec<usize>,
    order: Vec<usize>,
    shape: Vec<usize>,
) -> Result<(), ImportError> {
    let split = reshaped(node, "split", input, split)?;
    let moved = transposed(node, "moved", split, order)?;
    let joined = reshaped(node, "joined", moved, shape)?;
    node.alias(joined);
    Ok(())
}

/// `DepthToSpace`
pub(super) fn depth_to_space(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (input, [images, channels, height, width], block) = extents(node)?;
    let is_column_first = match node.text("mode")?.unwrap_or("DCR") {
        "DCR" => false,
        "CRD" => true,
        other => return Err(node.attribute_error("mode", "DCR or CRD", format!("`{other}`"))),
    };
    if !channels.is_multiple_of(block * block) {
        let must = format!("the channels must be a multiple of {}, the pixels of a block", block * block);
        return Err(node.shape_error(must, format!("{channels}")));
    }
    let left = channels / (block * block);
    let shape = vec![images, left, height * block, width * block];
    if is_column_first {
        let split = vec![images, left, block, block, height, width];
        return rearrange(node, input, split, vec![0, 1, 4, 2, 5, 3], shape);
    }
    rearrange(node, input, vec![images, block, block, left, height, width], vec![0, 3, 4, 1, 5, 2], shape)
}

/// `SpaceToDepth`
pub(super) fn space_to_depth(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (input, [images, channels, height, width], block) = extents(node)?;
    if !(height.is_multiple_of(block) && width.is_multiple_of(block)) {
        let must = format!("rows and columns must be multiples of {block}, the rows of a block");
        return Err(node.shape_error(must, format!("{height} x {width}")));
    }
    let (rows, columns) = (height / block, width / block);
    let split = vec![images, channels, rows, block, columns, block];
    let shape = vec![images, channels * block * block, rows, columns];
    rearrange(node, input, split, vec![0, 3, 5, 1, 2, 4], shape)
}
