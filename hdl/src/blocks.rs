//! The hardware blocks: a few leaves with Verilog of their own, and kernels built from them.
//!
//! Conventions, the same everywhere:
//!
//! * A bipolar value is one bit, +1 is 1 and -1 is 0. Lane `i` of `k`-bit codes occupies bits
//!   `[i*k +: k]` of a word. Streams are in channel order; unused lanes of the last word of a vector
//!   are zero bits.
//! * A stream is `data`, `valid`, `ready`; a word moves at a rising edge where `valid` and `ready`
//!   are high. `valid` never follows combinationally from the `ready` of its port, and the data stay
//!   while `valid && !ready`.
//! * `clock` acts on its rising edge, `reset` is synchronous and active high.

pub mod memory;
pub mod register;
#[cfg(test)]
mod testing;

/// Bits needed to hold the numbers `0..=most`; at least one.
pub(crate) fn bits_for(most: u64) -> usize {
    (u64::BITS - most.leading_zeros()).max(1) as usize
}
