//! The results of FINN's `Im2Col` until a product reads them.

use crate::graph::{ValueId, Window};

/// Patches of a value that a product is to read: all elements of a window, its rows and columns before the channels.
#[derive(Clone, Debug)]
pub(super) struct Patches {
    /// The value `[1, height, width, channels]`.
    pub input: ValueId,
    /// Where the patches stand.
    pub window: Window,
    /// What stands around the value.
    pub padding: f64,
    /// Whether each channel is to be read for itself.
    pub is_depthwise: bool,
}
