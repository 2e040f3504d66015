//! How large the windows of a device are.

use super::input_window::ring_depth;
use abi::packing::StreamFormat;
use abi::registers::MOST_WINDOW_BYTES;
use abi::window::WindowFormat;
use compiler::chip::family::Family;

/// Words of a window's ring behind a bus, unless two images need more.
pub const RING_WORDS: usize = 512;

/// Words of a window's ring behind a serial line, unless two images need more: four block RAMs, or as many of an iCE40.
///
/// A third of the ring is on its way, another in the core, while the host hears of the last one: with fewer words the line
/// would wait.
pub fn ring_words(family: Family) -> usize {
    match family {
        Family::Ice40 => RING_WORDS,
        Family::Ecp5 | Family::Gowin | Family::Xilinx7 => 4 * RING_WORDS,
    }
}

/// Most images of a ring, however small they are: beyond, a batch gains nothing.
const MOST_SLOTS: usize = 256;

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

/// Images of rings of `ring_words` words, whether or not a window is as large.
fn wanted_slots([input, output]: [usize; 2], ring_words: usize) -> usize {
    (ring_words / input.max(output)).clamp(2, MOST_SLOTS)
}

/// Images of each window for streams of the given formats in and out, in rings of `ring_words` words.
///
/// # Errors
/// Where a window does not hold two.
pub fn slots(input: &StreamFormat, output: &StreamFormat, ring_words: usize) -> Result<usize, WindowTooLarge> {
    let words = words_per_image(input, output);
    let (most, slots) = (words[0].max(words[1]), wanted_slots(words, ring_words));
    let limit = MOST_WINDOW_BYTES as usize;
    if slots * most * 4 > limit {
        return Err(WindowTooLarge { bytes: most * 4, limit: limit / 2 });
    }
    Ok(slots)
}

/// Words of the memories of both windows for streams of the given formats in and out, behind a serial line.
pub fn rings(input: &StreamFormat, output: &StreamFormat, family: Family) -> [usize; 2] {
    let words = words_per_image(input, output);
    words.map(|words_of_one| ring_depth(words_of_one, wanted_slots(words, ring_words(family))))
}
