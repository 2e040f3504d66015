//! The shapes of blocks from the layers that they compute.

use super::sliding_window::SlidingWindowShape;
use super::upsample::UpsampleShape;
use crate::fold::Dot;
use network::network::{Layer, LayerKind, Network};

/// The windows of a layer over words of `lanes` channels, in a line buffer of `depth` words, or of the least possible
/// depth where that is more. `None` where the layer has no windows.
///
/// A convolution's words belong to one group each, which is a block; the channels of pools and depthwise convolutions
/// are cut into blocks of one word.
pub fn window_shape(network: &Network, layer: &Layer, lanes: usize, depth: usize) -> Option<SlidingWindowShape> {
    let image = network.tensor(layer.input());
    let (window, dot) = match &layer.kind {
        LayerKind::Convolution(convolution) => (convolution.window, Dot::new(network, layer)?),
        LayerKind::Pool(pool) => {
            return Some(deep_enough(SlidingWindowShape {
                height: image.height,
                width: image.width,
                window: pool.window,
                blocks: image.channels.div_ceil(lanes),
                words: 1,
                depth,
            }));
        }
        _ => return None,
    };
    let (blocks, words) =
        if dot.depthwise { (dot.groups.div_ceil(lanes), 1) } else { (dot.groups, dot.columns.div_ceil(lanes)) };
    let (height, width) = (image.height, image.width);
    Some(deep_enough(SlidingWindowShape { height, width, window, blocks, words, depth }))
}

fn deep_enough(shape: SlidingWindowShape) -> SlidingWindowShape {
    SlidingWindowShape { depth: shape.depth.next_power_of_two().max(shape.least_depth()), ..shape }
}

/// The enlargement that a layer is, with pixels of `words` words; `None` for other layers.
pub fn upsample_shape(network: &Network, layer: &Layer, words: usize) -> Option<UpsampleShape> {
    let LayerKind::Upsample { vertical, horizontal } = layer.kind else {
        return None;
    };
    let image = network.tensor(layer.input());
    Some(UpsampleShape { height: image.height, width: image.width, words, vertical, horizontal })
}
