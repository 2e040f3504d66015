//! Sizes of numbers.

/// Bits that hold every number up to `greatest`, at least 1.
pub fn bits_for(greatest: u64) -> usize {
    (u64::BITS - greatest.leading_zeros()).max(1) as usize
}

/// Greatest common divisor of two positive numbers.
pub fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
