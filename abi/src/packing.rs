//! Tensors to stream words and back, after the [bit convention](crate#the-bit-convention).

use crate::ElementType;
use bitvec::prelude::{BitSlice, BitVec, Lsb0};
use serde::{Deserialize, Serialize};

/// How one image's elements lie in the words of a stream.
///
/// An image is `vectors` vectors (pixels) of `channels` elements. A word carries `lanes` elements of one vector;
/// a new vector starts a new word, and the unused lanes of a vector's last word are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StreamFormat {
    /// Type of the elements.
    pub element: ElementType,
    /// Elements per word.
    pub lanes: usize,
    /// Elements per vector.
    pub channels: usize,
    /// Vectors per image.
    pub vectors: usize,
}

impl StreamFormat {
    /// Bits of a word.
    pub fn word_bits(&self) -> usize {
        self.lanes * self.element.bits() as usize
    }

    /// Words of one vector.
    pub fn words_per_vector(&self) -> usize {
        self.channels.div_ceil(self.lanes)
    }

    /// Words of one image.
    pub fn words_per_image(&self) -> usize {
        self.vectors * self.words_per_vector()
    }

    /// Elements of one image.
    pub fn elements_per_image(&self) -> usize {
        self.vectors * self.channels
    }

    /// The words of one image: bit 0 of a word first, [`word_bits`](Self::word_bits) bits each.
    ///
    /// `elements` holds [`elements_per_image`](Self::elements_per_image) values of the format's type.
    pub fn pack(&self, elements: &[i32]) -> Vec<BitVec<u64, Lsb0>> {
        let width = self.element.bits() as usize;
        let mut words = Vec::with_capacity(self.words_per_image());
        for vector in elements.chunks(self.channels) {
            for lanes in vector.chunks(self.lanes) {
                let mut word = BitVec::repeat(false, self.word_bits());
                for (lane, element) in lanes.iter().enumerate() {
                    let code = self.element.encode(i64::from(*element));
                    for bit in 0..width {
                        word.set(lane * width + bit, code >> bit & 1 == 1);
                    }
                }
                words.push(word);
            }
        }
        words
    }

    /// The elements of one image from its words; the unused lanes of a vector's last word are ignored.
    pub fn unpack<'a>(&self, words: impl IntoIterator<Item = &'a BitSlice<u64, Lsb0>>) -> Vec<i32> {
        let width = self.element.bits() as usize;
        let mut elements = Vec::with_capacity(self.elements_per_image());
        let mut left = self.channels;
        for word in words {
            let lanes = left.min(self.lanes);
            for lane in 0..lanes {
                let mut code = 0u64;
                for bit in 0..width {
                    code |= u64::from(word[lane * width + bit]) << bit;
                }
                elements.push(self.element.decode(code) as i32);
            }
            left -= lanes;
            if left == 0 {
                left = self.channels;
            }
        }
        elements
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
            bits in 1u32..9,
            seed in any::<u64>(),
        ) {
            let element = match kind {
                0 => ElementType::Bipolar,
                1 => ElementType::Unsigned { bits },
                _ => ElementType::Signed { bits },
            };
            let format = StreamFormat { element, lanes, channels, vectors };
            let elements: Vec<i32> = (0..format.elements_per_image() as u64)
                .map(|i| element.decode(seed.wrapping_mul(i * 2 + 1) >> 20) as i32)
                .collect();
            let words = format.pack(&elements);
            prop_assert_eq!(words.len(), format.words_per_image());
            prop_assert_eq!(format.unpack(words.iter().map(|w| w.as_bitslice())), elements);
        }
    }
}
