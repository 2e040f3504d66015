//! Windows of the graph's operators as a network has them.

use super::layout::Extent;
use network::graph;
use network::network::Window;

/// The window of one or two spatial axes over a value of the given shape. What windows reach beyond the border is one
/// thing here, whatever made it so.
pub(super) fn window(window: &graph::Window, shape: &[usize]) -> Window {
    let pair = |list: &[usize], missing: usize| match *list {
        [vertical, horizontal] => [vertical, horizontal],
        [horizontal] => [missing, horizontal],
        // The import refuses other ranks.
        _ => [missing, missing],
    };
    let after: Vec<usize> = window.pads_after.iter().zip(&window.overhang).map(|(pad, over)| pad + over).collect();
    let mut result = Window {
        kernel: pair(&window.kernel, 1),
        stride: pair(&window.strides, 1),
        dilation: pair(&window.dilations, 1),
        before: pair(&window.pads_before, 0),
        after: pair(&after, 0),
    };
    if let Some(Extent { height, width, .. }) = Extent::of_shape(shape) {
        for (axis, extent) in [height, width].into_iter().enumerate() {
            // No second tap is there to be any distance away,
            if result.kernel[axis] == 1 {
                result.dilation[axis] = 1;
            }
            // nor a second window where the stride leads out of the image.
            let padded = extent + result.before[axis] + result.after[axis];
            let room = padded.saturating_sub(result.span()[axis]);
            result.stride[axis] = result.stride[axis].min(room + 1);
        }
    }
    result
}
