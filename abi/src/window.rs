//! How images lie in the windows of a device: 32-bit words.
//!
//! Each element sits alone in a container, the power of two of bits that holds it, lane 0 in the lowest bits. Containers
//! fill words without gaps, and a new vector begins a new word only where the core's stream pads its vectors too. Bits of
//! a container above the element, and containers behind the last element, are zero and ignored.

use crate::ElementType;
use crate::packing::StreamFormat;

/// The layout of one image in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowFormat {
    /// Type of the elements.
    pub element: ElementType,
    /// Elements of one vector.
    pub channels: usize,
    /// Vectors of one image; each begins a new word.
    pub vectors: usize,
}

/// Bits of a window's words.
pub const WORD_BITS: usize = 32;

impl WindowFormat {
    /// The layout for images that enter or leave the core as `stream`.
    pub fn of(stream: &StreamFormat) -> Self {
        // Without unused lanes the stream is one row of elements, whatever its vectors.
        let gapless = stream.channels.is_multiple_of(stream.lanes);
        let (channels, vectors) =
            if gapless { (stream.channels * stream.vectors, 1) } else { (stream.channels, stream.vectors) };
        WindowFormat { element: stream.element, channels, vectors }
    }

    /// Bits of a container: 1, 2, 4, 8, 16 or 32.
    pub fn container_bits(&self) -> usize {
        (self.element.bits() as usize).next_power_of_two()
    }

    /// Elements of a word.
    pub fn lanes(&self) -> usize {
        WORD_BITS / self.container_bits()
    }

    /// Words of one image.
    pub fn words_per_image(&self) -> usize {
        self.vectors * self.channels.div_ceil(self.lanes())
    }

    /// The words of one image, given as elements in stream order.
    pub fn pack(&self, elements: &[i32]) -> Vec<u32> {
        let bits = self.container_bits();
        let word = |lanes: &[i32]| {
            let place =
                |(lane, element): (usize, &i32)| (self.element.encode(i64::from(*element)) as u32) << (lane * bits);
            lanes.iter().enumerate().map(place).fold(0, |word, part| word | part)
        };
        elements.chunks(self.channels).flat_map(|vector| vector.chunks(self.lanes()).map(word)).collect()
    }

    /// The elements of one image, in stream order, from its words.
    pub fn unpack(&self, words: &[u32]) -> Vec<i32> {
        let bits = self.container_bits();
        let element = |words: &[u32], index: usize| {
            let (word, lane) = (words[index / self.lanes()], index % self.lanes());
            self.element.decode(u64::from(word >> (lane * bits))) as i32
        };
        words
            .chunks(self.channels.div_ceil(self.lanes()))
            .flat_map(|words| (0..self.channels).map(move |index| element(words, index)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn images_round_trip(
            lanes in 1usize..20,
            channels in 1usize..50,
            vectors in 1usize..4,
            kind in 0u32..3,
            bits in 1u32..33,
            seed in any::<u64>(),
        ) {
            let element = match kind {
                0 => ElementType::Bipolar,
                1 => ElementType::Unsigned { bits: bits.min(31) },
                _ => ElementType::Signed { bits },
            };
            let stream = StreamFormat { element, lanes, channels, vectors };
            let format = WindowFormat::of(&stream);
            let elements: Vec<i32> = (0..stream.elements_per_image() as u64)
                .map(|i| element.decode(seed.wrapping_mul(i * 2 + 1) >> 20) as i32)
                .collect();
            let words = format.pack(&elements);
            prop_assert_eq!(words.len(), format.words_per_image());
            prop_assert_eq!(format.unpack(&words), elements);
        }
    }

    #[test]
    fn elements_lie_as_documented() {
        let format = |bits, lanes, channels, vectors| {
            let element = ElementType::Unsigned { bits };
            WindowFormat::of(&StreamFormat { element, lanes, channels, vectors })
        };
        assert_eq!(format(3, 1, 3, 1).pack(&[1, 2, 7]), [0x721]);
        assert_eq!(format(8, 3, 3, 2).pack(&[1, 2, 3, 4, 5, 6]), [0x0403_0201, 0x0605]);
        assert_eq!(format(8, 2, 3, 2).pack(&[1, 2, 3, 4, 5, 6]), [0x0003_0201, 0x0006_0504]);
    }
}
