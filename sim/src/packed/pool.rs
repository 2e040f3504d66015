//! Pools.

use super::bits;
use super::gather::Gather;
use super::kernels;
use abi::ElementType;
use network::network::{Pool, PoolOperation, TensorType};

/// A pool over integers.
#[derive(Debug)]
pub(super) struct IntegerPool {
    gather: Gather,
    operation: Operation,
}

#[derive(Debug)]
enum Operation {
    Sum,
    /// The greatest; where all bits of a flip are set, the least. Inverting all bits inverts the order.
    Greatest {
        flips: Vec<i32>,
    },
}

impl IntegerPool {
    pub(super) fn new(pool: &Pool, input: &TensorType) -> Self {
        let operation = match &pool.operation {
            PoolOperation::Sum => Operation::Sum,
            PoolOperation::Extremum(least) => {
                Operation::Greatest { flips: least.iter().map(|least| -i32::from(*least)).collect() }
            }
        };
        IntegerPool { gather: Gather::new(pool.window, input.height, input.width), operation }
    }

    /// Pools the window at `position`.
    pub(super) fn apply(&self, position: (usize, usize), input: &[i32], result: &mut [i32]) {
        let pixels = self.gather.inside(position, input, result.len());
        match &self.operation {
            Operation::Sum => {
                result.fill(0);
                pixels.for_each(|pixel| kernels::add(result, pixel));
            }
            Operation::Greatest { flips } => {
                result.fill(i32::MIN);
                pixels.for_each(|pixel| kernels::greatest(result, pixel, flips));
                result.iter_mut().zip(flips).for_each(|(result, flip)| *result ^= flip);
            }
        }
    }
}

/// A pool over elements of one bit: all bits, or any.
#[derive(Debug)]
pub(super) struct BitPool {
    gather: Gather,
    /// Set where all bits must be set, not any. "All are set" is "not any is not".
    flips: Vec<u64>,
}

impl BitPool {
    /// The pool, where it is one over elements of one bit.
    pub(super) fn new(pool: &Pool, input: &TensorType) -> Option<Self> {
        let PoolOperation::Extremum(least) = &pool.operation else { return None };
        if input.element.bits() != 1 {
            return None;
        }
        // The bit of a signed element stands for the lesser value, −1.
        let is_signed = matches!(input.element, ElementType::Signed { .. });
        let mut flips = vec![0; bits::words_for(least.len())];
        for (channel, least) in least.iter().enumerate() {
            flips[channel / 64] |= u64::from(*least != is_signed) << (channel % 64);
        }
        Some(BitPool { gather: Gather::new(pool.window, input.height, input.width), flips })
    }

    /// Pools the window at `position`.
    pub(super) fn apply(&self, position: (usize, usize), input: &[u64], words: &mut Vec<u64>) {
        words.clear();
        words.resize(self.flips.len(), 0);
        for pixel in self.gather.inside(position, input, words.len()) {
            for ((word, bits), flip) in words.iter_mut().zip(pixel).zip(&self.flips) {
                *word |= bits ^ flip;
            }
        }
        words.iter_mut().zip(&self.flips).for_each(|(word, flip)| *word ^= flip);
    }
}
