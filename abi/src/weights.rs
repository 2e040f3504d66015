//! How the parameters of a network lie in the weight window of a device.
//!
//! Each memory of weights or thresholds has a part of the window of its own. A row of it is cut into columns of 32 bits,
//! the last one perhaps narrower: word `r` of column `c` holds the bits `32·c ..` of row `r`. Columns lie one behind the
//! other, each in a place of as many words as the power of two that holds the rows. Words and bits between them belong to
//! no memory: they read as zero, and writing them changes nothing. What the bits of a row mean is the design's own
//! affair; `xnorforge load` makes the words for a network and writes them, address by address, into `loaded/weights.mem`.
//! Those of the network that was compiled are in `weights.mem`.

use crate::registers::IDENTITY_UNKNOWN;
use serde::{Deserialize, Serialize};

/// Bits of a word's number in the weight window.
pub const ADDRESS_BITS: usize = 22;

/// Some words of the weight window that follow each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Number of the first word in the window.
    pub first: u32,
    /// The words.
    pub words: Vec<u32>,
}

/// A number for the weights in `segments`: another one for other weights, but for one chance in 2^32. Neither 0, which
/// stands for the weights that a design begins with, nor [`IDENTITY_UNKNOWN`].
pub fn identity(segments: &[Segment]) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    for segment in segments {
        hash.update(&segment.first.to_le_bytes());
        segment.words.iter().for_each(|word| hash.update(&word.to_le_bytes()));
    }
    hash.finalize().clamp(1, IDENTITY_UNKNOWN - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registers::MAX_WEIGHT_BYTES;

    #[test]
    fn identities_tell_weights_apart() {
        let segments = |first: u32, words: &[u32]| vec![Segment { first, words: words.to_vec() }];
        let all = [segments(0, &[1, 2]), segments(0, &[2, 1]), segments(1, &[1, 2]), segments(0, &[1, 2, 0])];
        let identities: std::collections::BTreeSet<u32> = all.iter().map(|weights| identity(weights)).collect();
        assert_eq!(identities.len(), all.len());
        assert!(!identities.contains(&0) && !identities.contains(&IDENTITY_UNKNOWN));
    }

    #[test]
    fn every_word_of_the_window_has_a_number() {
        assert_eq!(4u64 << ADDRESS_BITS, u64::from(MAX_WEIGHT_BYTES));
    }
}
