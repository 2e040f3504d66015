//! How large the windows of a device are.

use super::input_window::ring_depth;
use abi::packing::StreamFormat;
use abi::registers::MOST_WINDOW_BYTES;
use abi::window::WindowFormat;

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

/// Words of an image in each window.
fn words_per_image(input: &StreamFormat, output: &StreamFormat) -> [usize; 2] {
    [input, output].map(|format| WindowFormat::of(format).words_per_image())
}

/// Images of a ring, whether or not a window is as large.
fn wanted_slots([input, output]: [usize; 2]) -> usize {
    (RING_WORDS / input.max(output)).clamp(2, MOST_SLOTS)
}

/// Images of each window for streams of the given formats in and out.
///
/// # Errors
/// Where a window does not hold two.
pub fn slots(input: &StreamFormat, output: &StreamFormat) -> Result<usize, WindowTooLarge> {
    let words = words_per_image(input, output);
    let (most, slots) = (words[0].max(words[1]), wanted_slots(words));
    let limit = MOST_WINDOW_BYTES as usize;
    if slots * most * 4 > limit {
        return Err(WindowTooLarge { bytes: most * 4, limit: limit / 2 });
    }
    Ok(slots)
}

/// Words of the memories of both windows for streams of the given formats in and out.
pub fn rings(input: &StreamFormat, output: &StreamFormat) -> [usize; 2] {
    let words = words_per_image(input, output);
    words.map(|words_of_one| ring_depth(words_of_one, wanted_slots(words)))
}
