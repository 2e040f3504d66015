//! Codes: how many bits a number takes, and a tensor's codes as thresholds count them.

use abi::ElementType;
use network::network::TensorType;

/// Bits that hold every number up to `greatest`, at least 1.
pub fn bits_for(greatest: u64) -> usize {
    (u64::BITS - greatest.leading_zeros()).max(1) as usize
}

/// The value that codes are counted from: low enough that zero bits, which unused lanes must hold, can be counted too.
pub fn least_value(tensor: &TensorType) -> i64 {
    match tensor.element {
        ElementType::Bipolar => -1,
        ElementType::Unsigned { .. } | ElementType::Signed { .. } => tensor.minimum.min(0),
    }
}

/// Thresholds that a tensor's codes take, zero included, at least one.
pub fn levels(tensor: &TensorType) -> usize {
    let greatest = match tensor.element {
        ElementType::Bipolar => 1,
        ElementType::Unsigned { .. } | ElementType::Signed { .. } => tensor.maximum.max(0),
    };
    ((greatest - least_value(tensor)) / tensor.element.step()).max(1) as usize
}
