//! The device around a core: the serial line, registers and windows.

use crate::chip::family::Family;
use crate::chip::features::{FeatureSum, Features};
use crate::chip::memory::{MemoryKind, MemoryRole};
use abi::packing::StreamFormat;
use abi::window::WindowFormat;

/// The device around a core.
#[derive(Clone, Copy, Debug)]
pub struct Shell {
    /// Words of each window's ring, unless two images need more.
    pub ring_words: usize,
    /// Bytes of the queue of the serial line.
    pub line_bytes: usize,
}

/// Bits of a word of a ring.
const WORD_BITS: usize = 32;

/// The features of the device around a core with the given streams.
pub fn shell_features(input: &StreamFormat, output: &StreamFormat, family: Family, shell: &Shell) -> Vec<Features> {
    let rings = abi::ring::depths(input, output, shell.ring_words);
    let mut fixed = FeatureSum::new("shell", family);
    for depth in rings {
        fixed.memory(MemoryRole::Words, Some(MemoryKind::Block), WORD_BITS, depth);
        fixed.both("ring_bits", f64::from(depth.next_power_of_two().trailing_zeros()));
    }
    fixed.memory(MemoryRole::Words, Some(MemoryKind::Block), 8, shell.line_bytes);
    let windows = [WindowFormat::of(input), WindowFormat::of(output)];
    let between = |window: &WindowFormat, stream: &StreamFormat, inwards: bool| {
        let (from, to) = if inwards { (window.lanes(), stream.lanes) } else { (stream.lanes, window.lanes()) };
        let mut sum = FeatureSum::new("shell_converter", family);
        sum.converter(window.channels, from, to, f64::from(stream.element.bits()));
        sum.done()
    };
    vec![fixed.done(), between(&windows[0], input, true), between(&windows[1], output, false)]
}
