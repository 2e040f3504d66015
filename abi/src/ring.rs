//! How large the windows of a device are: each is a ring of images.

use crate::packing::StreamFormat;
use crate::registers::MAX_WINDOW_BYTES;
use crate::window::WindowFormat;

/// Words of a window's ring behind a bus, unless two images need more.
pub const BUS_WORDS: usize = 512;

/// Most images of a ring, however small they are: beyond, a batch gains nothing.
const MAX_SLOTS: usize = 256;

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
    (ring_words / input.max(output)).clamp(2, MAX_SLOTS)
}

/// Images of each window for streams of the given formats in and out, in rings of `ring_words` words.
///
/// # Errors
/// Where a window does not hold two.
pub fn slots(input: &StreamFormat, output: &StreamFormat, ring_words: usize) -> Result<usize, WindowTooLarge> {
    let words = words_per_image(input, output);
    let (most, slots) = (words[0].max(words[1]), wanted_slots(words, ring_words));
    let limit = MAX_WINDOW_BYTES as usize;
    if slots * most * 4 > limit {
        return Err(WindowTooLarge { bytes: most * 4, limit: limit / 2 });
    }
    Ok(slots)
}

/// Words of the memory that holds `slots` images of `words` words: a power of two.
pub fn depth(words: usize, slots: usize) -> usize {
    (words * slots).next_power_of_two().max(2)
}

/// Words of the memories of both windows for streams of the given formats in and out, in rings of `ring_words` words.
pub fn depths(input: &StreamFormat, output: &StreamFormat, ring_words: usize) -> [usize; 2] {
    let words = words_per_image(input, output);
    words.map(|words_of_one| depth(words_of_one, wanted_slots(words, ring_words)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ElementType;

    /// A stream whose images are `words` words of a window.
    fn stream(words: usize) -> StreamFormat {
        StreamFormat { element: ElementType::Signed { bits: 32 }, lanes: 1, channels: 1, vectors: words }
    }

    #[test]
    fn rings_hold_two_images_and_256_at_most() {
        let slots = |input: usize, output: usize| slots(&stream(input), &stream(output), BUS_WORDS);
        assert_eq!([slots(1, 1), slots(3, 1), slots(1, 100), slots(300, 1)], [Ok(256), Ok(170), Ok(5), Ok(2)]);
        let half = MAX_WINDOW_BYTES as usize / 8;
        assert_eq!(slots(1, half), Ok(2));
        assert_eq!(slots(1, half + 1), Err(WindowTooLarge { bytes: 4 * half + 4, limit: 4 * half }));
    }

    #[test]
    fn memories_of_rings_are_powers_of_two() {
        assert_eq!(depths(&stream(3), &stream(1), BUS_WORDS), [512, 256]);
        assert_eq!(depths(&stream(1), &stream(300), BUS_WORDS), [2, 1024]);
    }
}
