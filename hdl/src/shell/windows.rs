//! How many images the windows of a device hold.

use abi::registers::MOST_WINDOW_BYTES;
use abi::window::WindowFormat;
use compiler::plan::Plan;

/// Words of a window's ring, unless two images need more: two block RAMs of an ECP5, four of an iCE40.
const RING_WORDS: usize = 512;

/// Most images of a ring, however small they are: beyond, a batch gains nothing.
const MOST_SLOTS: usize = 64;

/// Two images do not fit into a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowTooLarge {
    /// Bytes of one image or answer.
    pub bytes: usize,
    /// Most bytes of one.
    pub limit: usize,
}

/// Images of each window of a device that runs `plan`.
///
/// # Errors
/// Where a window does not hold two.
pub fn slots(plan: &Plan) -> Result<usize, WindowTooLarge> {
    let words = [plan.input_format(), plan.output_format()].map(|format| WindowFormat::of(&format).words_per_image());
    let most = words[0].max(words[1]);
    let slots = (RING_WORDS / most).clamp(2, MOST_SLOTS);
    let limit = MOST_WINDOW_BYTES as usize;
    if slots * most * 4 > limit {
        return Err(WindowTooLarge { bytes: most * 4, limit: limit / 2 });
    }
    Ok(slots)
}
