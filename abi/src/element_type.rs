//! The integer types of tensor elements and their bit codes.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The type of a tensor's elements: which integers they are and which bits stand for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ElementType {
    /// −1 or +1 in one bit: 0 stands for −1, 1 for +1.
    Bipolar,
    /// 0 to 2^bits − 1. `bits` is 1 to 32.
    Unsigned {
        /// Width of the code.
        bits: u32,
    },
    /// −2^(bits−1) to 2^(bits−1) − 1 in two's complement. `bits` is 1 to 32.
    Signed {
        /// Width of the code.
        bits: u32,
    },
}

impl ElementType {
    /// The smallest type that holds every integer of `minimum..=maximum`: unsigned where nothing is negative.
    ///
    /// Never answers [`ElementType::Bipolar`], which is a matter of meaning, not of range.
    pub fn holding(minimum: i64, maximum: i64) -> Self {
        if minimum >= 0 {
            let bits = (64 - maximum.leading_zeros()).max(1);
            ElementType::Unsigned { bits }
        } else {
            let magnitude = (-(minimum + 1)).max(maximum);
            ElementType::Signed { bits: 65 - magnitude.leading_zeros() }
        }
    }

    /// Width of a code in bits.
    pub fn bits(self) -> u32 {
        match self {
            ElementType::Bipolar => 1,
            ElementType::Unsigned { bits } | ElementType::Signed { bits } => bits,
        }
    }

    /// The least value of the type.
    pub fn minimum(self) -> i64 {
        match self {
            ElementType::Bipolar => -1,
            ElementType::Unsigned { .. } => 0,
            ElementType::Signed { bits } => -(1 << (bits - 1)),
        }
    }

    /// The greatest value of the type.
    pub fn maximum(self) -> i64 {
        match self {
            ElementType::Bipolar => 1,
            ElementType::Unsigned { bits } => (1 << bits) - 1,
            ElementType::Signed { bits } => (1 << (bits - 1)) - 1,
        }
    }

    /// Distance between neighbouring values: 2 for [`ElementType::Bipolar`], else 1.
    pub fn step(self) -> i64 {
        match self {
            ElementType::Bipolar => 2,
            ElementType::Unsigned { .. } | ElementType::Signed { .. } => 1,
        }
    }

    /// Whether `value` is one of the type's values.
    pub fn contains(self, value: i64) -> bool {
        value >= self.minimum() && value <= self.maximum() && (value - self.minimum()) % self.step() == 0
    }

    /// The bits that stand for `value`, in the lowest [`bits`](Self::bits) of the result.
    ///
    /// Meaningful for values the type [contains](Self::contains).
    pub fn encode(self, value: i64) -> u64 {
        match self {
            ElementType::Bipolar => u64::from(value > 0),
            ElementType::Unsigned { .. } | ElementType::Signed { .. } => (value as u64) & ((1 << self.bits()) - 1),
        }
    }

    /// The value that the lowest [`bits`](Self::bits) of `code` stand for.
    pub fn decode(self, code: u64) -> i64 {
        let code = code & ((1 << self.bits()) - 1);
        match self {
            ElementType::Bipolar => 2 * (code as i64) - 1,
            ElementType::Unsigned { .. } => code as i64,
            ElementType::Signed { bits } => {
                let unused = 64 - bits;
                ((code << unused) as i64) >> unused
            }
        }
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ElementType::Bipolar => write!(f, "bipolar"),
            ElementType::Unsigned { bits } => write!(f, "u{bits}"),
            ElementType::Signed { bits } => write!(f, "i{bits}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn codes_round_trip(bits in 1u32..=32, seed in any::<u64>()) {
            for element in [ElementType::Bipolar, ElementType::Unsigned { bits }, ElementType::Signed { bits }] {
                let value = element.decode(seed);
                prop_assert!(element.contains(value));
                prop_assert_eq!(element.decode(element.encode(value)), value);
            }
        }

        #[test]
        fn holding_is_tight(a in -100_000i64..100_000, b in -100_000i64..100_000) {
            let (low, high) = (a.min(b), a.max(b));
            let element = ElementType::holding(low, high);
            prop_assert!(element.contains(low) && element.contains(high));
            let narrower = match element {
                ElementType::Unsigned { bits } if bits > 1 => ElementType::Unsigned { bits: bits - 1 },
                ElementType::Signed { bits } if bits > 1 => ElementType::Signed { bits: bits - 1 },
                _ => return Ok(()),
            };
            prop_assert!(!(narrower.contains(low) && narrower.contains(high)));
        }
    }
}
