//! Weights as they stand in files: the codes of all weights in hexadecimal, so that a bit of weight costs a
//! quarter of a character.

use super::WeightMatrix;
use abi::ElementType;
use serde::{Deserialize, Serialize};
use thiserror::Error;

#[derive(Serialize, Deserialize)]
pub(super) struct PackedWeights {
    rows: usize,
    columns: usize,
    element: ElementType,
    /// One string a row: the codes from column 0 on, lowest bit first, four bits a digit.
    codes: Vec<String>,
}

#[derive(Debug, Error)]
#[error("weight row {row} must hold {columns} codes of {bits} bits, 1 to 16 of them, in hexadecimal digits")]
pub(super) struct PackedWeightsError {
    row: usize,
    columns: usize,
    bits: u32,
}

impl From<WeightMatrix> for PackedWeights {
    fn from(weights: WeightMatrix) -> Self {
        let bits = weights.element.bits();
        let codes = (0..weights.rows)
            .map(|row| {
                let mut text = String::new();
                let (mut pending, mut count) = (0u64, 0);
                for weight in weights.row(row) {
                    pending |= weights.element.encode(i64::from(*weight)) << count;
                    count += bits;
                    while count >= 4 {
                        text.push(hexadecimal(pending));
                        pending >>= 4;
                        count -= 4;
                    }
                }
                if count > 0 {
                    text.push(hexadecimal(pending));
                }
                text
            })
            .collect();
        PackedWeights { rows: weights.rows, columns: weights.columns, element: weights.element, codes }
    }
}

fn hexadecimal(low_bits: u64) -> char {
    char::from(b"0123456789abcdef"[(low_bits & 15) as usize])
}

impl TryFrom<PackedWeights> for WeightMatrix {
    type Error = PackedWeightsError;

    fn try_from(packed: PackedWeights) -> Result<Self, Self::Error> {
        let bits = packed.element.bits();
        let (columns, element) = (packed.columns, packed.element);
        let expected = (columns as u64).checked_mul(u64::from(bits)).map(|bits| bits.div_ceil(4));
        if !(1..=16).contains(&bits) {
            return Err(PackedWeightsError { row: 0, columns, bits });
        }
        let mut values = Vec::new();
        for (row, text) in packed.codes.iter().enumerate() {
            let fault = || PackedWeightsError { row, columns, bits };
            if Some(text.len() as u64) != expected {
                return Err(fault());
            }
            let (mut pending, mut count, mut taken) = (0u64, 0, 0);
            for digit in text.chars() {
                pending |= u64::from(digit.to_digit(16).ok_or_else(fault)?) << count;
                count += 4;
                while count >= bits && taken < columns {
                    values.push(element.decode(pending) as i16);
                    pending >>= bits;
                    count -= bits;
                    taken += 1;
                }
            }
        }
        if packed.codes.len() != packed.rows {
            return Err(PackedWeightsError { row: packed.codes.len(), columns, bits });
        }
        Ok(WeightMatrix { rows: packed.rows, columns, element, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn weights_round_trip(rows in 1usize..5, columns in 1usize..40, bits in 0u32..10, seed in any::<u64>()) {
            let element = if bits == 0 { ElementType::Bipolar } else { ElementType::Signed { bits } };
            let values = (0..(rows * columns) as u64)
                .map(|i| element.decode(seed.wrapping_mul(2 * i + 1) >> 17) as i16)
                .collect();
            let weights = WeightMatrix { rows, columns, element, values };
            let text = PackedWeights::from(weights.clone());
            prop_assert_eq!(WeightMatrix::try_from(text).map_err(|e| TestCaseError::fail(e.to_string()))?, weights);
        }
    }
}
