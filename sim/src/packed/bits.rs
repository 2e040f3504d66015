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

/// What one bit of each plane is worth. Where the offset is not 0, it is added to the sum of the bits: −1 for ±1,
/// where a bit is worth 2.
pub(super) fn plane_values(element: ElementType) -> (Vec<i32>, i32) {
    if element == ElementType::Bipolar {
        return (vec![2], -1);
    }
    let mut values: Vec<i32> = (0..element.bits()).map(|plane| 1 << plane).collect();
    if let (ElementType::Signed { .. }, Some(top)) = (element, values.last_mut()) {
        *top = -*top;
    }
    (values, 0)
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

/// The values of one vector of codes of one bit, given the values of both bits.
pub(super) fn unpack(words: &[u64], of_bit: [i32; 2], values: &mut [i32]) {
    for (word, values) in words.iter().zip(values.chunks_mut(64)) {
        for (bit, value) in values.iter_mut().enumerate() {
            *value = of_bit[(word >> bit & 1) as usize];
        }
    }
}

/// Writes `source`, whose bits are zero from some number on, to the zero bits of `words` from bit `at` on.
pub(super) fn append(words: &mut [u64], at: usize, source: &[u64]) {
    let (first, shift) = (at / 64, at % 64);
    for (index, word) in source.iter().enumerate() {
        words[first + index] |= word << shift;
        // The word after may lie beyond the end, but then nothing is left for it.
        let rest = if shift == 0 { 0 } else { word >> (64 - shift) };
        if rest != 0 {
            words[first + index + 1] |= rest;
        }
    }
}

/// Reads `count` bits from bit `at` on.
pub(super) fn extract(source: &[u64], at: usize, count: usize, words: &mut [u64]) {
    let (first, shift) = (at / 64, at % 64);
    for (index, word) in words.iter_mut().enumerate() {
        *word = source[first + index] >> shift;
        if shift != 0 {
            *word |= source.get(first + index + 1).map_or(0, |next| next << (64 - shift));
        }
    }
    if let (Some(last), true) = (words.last_mut(), !count.is_multiple_of(64)) {
        *last &= (1 << (count % 64)) - 1;
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

        #[test]
        fn parts_of_vectors(bits in prop::collection::vec(any::<bool>(), 2..200), cuts in (0.0..1.0, 0.0..1.0)) {
            let packed = |bits: &[bool]| {
                let values: Vec<i32> = bits.iter().map(|bit| if *bit { 1 } else { -1 }).collect();
                let mut words = vec![0; words_for(bits.len())];
                pack(&values, ElementType::Bipolar, &mut words);
                let mut unpacked = vec![0; values.len()];
                unpack(&words, [-1, 1], &mut unpacked);
                assert_eq!(unpacked, values);
                words
            };
            let at = |cut: f64| (cut * bits.len() as f64) as usize;
            let (a, b) = (at(cuts.0).min(at(cuts.1)), at(cuts.0).max(at(cuts.1)));
            let whole = packed(&bits);
            let mut part = vec![u64::MAX; words_for(b - a)];
            extract(&whole, a, b - a, &mut part);
            prop_assert_eq!(&part, &packed(&bits[a..b]));
            let mut joined = vec![0; whole.len()];
            append(&mut joined, 0, &packed(&bits[..a]));
            append(&mut joined, a, &part);
            append(&mut joined, b, &packed(&bits[b..]));
            prop_assert_eq!(joined, whole);
        }
    }
}
