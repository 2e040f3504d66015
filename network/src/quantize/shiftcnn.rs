//! Sums of powers of two.
//!
//! Gudovskiy, Rigazio: ShiftCNN: generalized low-precision architecture for inference of convolutional neural networks,
//! arXiv 1706.02393, algorithm 1: N codes of B bits, each the nearest power of two of what the ones before leave over.

use super::{Granularity, Quantized, Scales, Weights, greatest_magnitude};

/// Exponent of the smallest power of two that `terms` codes of `bits` bits reach, without its sign.
pub(super) fn finest_exponent(terms: u32, bits: u32) -> u32 {
    terms + (1 << (bits - 1)) - 3
}

/// max|W| times a sum of `terms` powers of two, as integers of the smallest one.
pub(super) fn quantize(weights: &Weights<'_>, terms: u32, bits: u32, granularity: Granularity) -> Quantized {
    let finest = 2f64.powi(-(finest_exponent(terms, bits) as i32));
    let mut codes = Vec::with_capacity(weights.values.len());
    let mut scales = Vec::new();
    for part in weights.parts(granularity) {
        let greatest = greatest_magnitude(part);
        let whole = if greatest > 0.0 { greatest } else { 1.0 };
        codes.extend(part.iter().map(|weight| (sum_of_powers(weight / whole, terms, bits) / finest) as i32));
        scales.push(greatest * finest);
    }
    Quantized::scaled(weights, codes, Scales::new(granularity, scales), terms * bits)
}

/// The sum of powers of two for a number from −1 to 1.
fn sum_of_powers(value: f64, terms: u32, bits: u32) -> f64 {
    let (mut rest, mut sum) = (value, 0.0);
    for term in 1..=terms as i32 {
        if rest == 0.0 {
            break;
        }
        let mut exponent = rest.abs().log2().floor() as i32;
        if rest.abs() > 1.5 * 2f64.powi(exponent) {
            exponent += 1;
        }
        // The codebook of each term lies one power of two below that of the one before.
        if 2 - term - exponent > (1 << (bits - 1)) - 1 {
            continue;
        }
        let power = 2f64.powi(exponent).copysign(rest);
        sum += power;
        rest -= power;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::sum_of_powers;
    use std::collections::BTreeSet;

    #[test]
    fn two_codes_of_four_bits_have_89_values_and_miss_by_at_most_a_sixteenth() {
        let fine = 1 << 14;
        let mut values = BTreeSet::new();
        for number in -fine..=fine {
            let exact = f64::from(number) / f64::from(fine);
            let sum = sum_of_powers(exact, 2, 4);
            assert!((exact - sum).abs() <= 1.0 / 16.0, "{exact} became {sum}");
            assert_eq!((sum * 128.0).fract(), 0.0);
            values.insert((sum * 128.0) as i32);
        }
        assert_eq!(values.len(), 89);
        assert_eq!((values.first(), values.last()), (Some(&-128), Some(&128)));
    }
}
