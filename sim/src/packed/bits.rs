//! Vectors of codes as bit planes.
//!
//! Plane `b` of a vector holds bit `b` of each code, channel `i` in bit `i mod 64` of word `i / 64`; the bits beyond
//! the last channel are zero. The planes of a vector follow each other, the vectors of a tensor too.

use abi::ElementType;

/// Words of one plane of a vector.
pub(super) fn words_for(channels: usize) -> usize {
    channels.div_ceil(64)
}

/// The widest codes that are worth being cut into planes.
const WIDEST: u32 = 8;

/// Planes of a type's codes; `None` where they are too many.
pub(super) fn planes_for(element: ElementType) -> Option<usize> {
    (element.bits() <= WIDEST).then_some(element.bits() as usize)
}

/// What one bit of each plane is worth. For ±1 the bit stands for 2 above an offset of −1: see `dot.rs`.
pub(super) fn plane_values(element: ElementType) -> Vec<i32> {
    let mut values: Vec<i32> = (0..element.bits()).map(|plane| 1 << plane).collect();
    if let (ElementType::Signed { .. }, Some(top)) = (element, values.last_mut()) {
        *top = -*top;
    }
    values
}

/// Packs one vector.
pub(super) fn pack(values: &[i32], element: ElementType, words: &mut [u64]) {
    let stride = words_for(values.len());
    if element == ElementType::Bipolar {
        for (word, values) in words.iter_mut().zip(values.chunks(64)) {
            *word = values.iter().enumerate().fold(0, |word, (bit, value)| word | u64::from(*value > 0) << bit);
        }
        return;
    }
    let planes = element.bits() as usize;
    for (index, values) in values.chunks(64).enumerate() {
        let mut gathered = [0u64; WIDEST as usize];
        for (bit, value) in values.iter().enumerate() {
            let code = *value as u32;
            for (plane, word) in gathered[..planes].iter_mut().enumerate() {
                *word |= u64::from(code >> plane & 1) << bit;
            }
        }
        for (plane, word) in gathered[..planes].iter().enumerate() {
            words[plane * stride + index] = *word;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn planes_hold_the_codes(bits in 0u32..=8, signed in any::<bool>(), codes in prop::collection::vec(any::<u64>(), 1..200)) {
            let element = match (bits, signed) {
                (0, _) => ElementType::Bipolar,
                (bits, true) => ElementType::Signed { bits },
                (bits, false) => ElementType::Unsigned { bits },
            };
            let values: Vec<i32> = codes.iter().map(|code| element.decode(*code) as i32).collect();
            let stride = words_for(values.len());
            // What stood there before does not matter.
            let mut words = vec![u64::MAX; stride * planes_for(element).unwrap_or(0)];
            pack(&values, element, &mut words);
            for (index, value) in values.iter().enumerate() {
                let code = (0..element.bits() as usize)
                    .fold(0, |code, plane| code | (words[plane * stride + index / 64] >> (index % 64) & 1) << plane);
                prop_assert_eq!(code, element.encode(i64::from(*value)));
            }
            let beyond = values.len() % 64;
            if beyond > 0 {
                prop_assert!(words.chunks(stride).all(|plane| plane[stride - 1] >> beyond == 0));
            }
        }
    }
}
