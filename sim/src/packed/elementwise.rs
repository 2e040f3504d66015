//! Sums and tables of tensors, element by element.

use super::form::{Buffer, part};
use network::network::{Add, Table, TensorType};

/// A sum of tensors.
#[derive(Debug)]
pub(super) struct Sum {
    /// For each tensor a factor for each channel. They and the products are kept in 32 bits: what is beyond them
    /// does not reach the sum, which fits.
    factors: Vec<Vec<i32>>,
}

impl Sum {
    pub(super) fn new(add: &Add, shape: &TensorType) -> Self {
        let of_channels = |list: &Vec<i64>| (0..shape.channels).map(|c| list[c % list.len()] as i32).collect();
        Sum { factors: add.factors.iter().map(of_channels).collect() }
    }

    /// Adds up one pixel.
    pub(super) fn apply(&self, pixel: usize, inputs: &[&Buffer], sums: &mut [i32]) {
        sums.fill(0);
        for (factors, input) in self.factors.iter().zip(inputs) {
            let elements = part(&input.integers, pixel, factors.len());
            for ((sum, element), factor) in sums.iter_mut().zip(elements).zip(factors) {
                *sum = sum.wrapping_add(element.wrapping_mul(*factor));
            }
        }
    }
}

/// Multiplies one pixel of two tensors.
pub(super) fn multiply(pixel: usize, inputs: &[&Buffer], products: &mut [i32]) {
    let channels = products.len();
    let elements = |n: usize| part(&inputs[n].integers, pixel, channels);
    for ((product, a), b) in products.iter_mut().zip(elements(0)).zip(elements(1)) {
        *product = a * b;
    }
}

/// A table of the codes of two tensors.
#[derive(Debug)]
pub(super) struct PairTable {
    tables: Vec<Vec<i32>>,
    types: [TensorType; 2],
}

impl PairTable {
    pub(super) fn new(table: &Table, types: [&TensorType; 2]) -> Self {
        PairTable { tables: table.values.clone(), types: types.map(|tensor| *tensor) }
    }

    /// Looks up one pixel.
    pub(super) fn apply(&self, pixel: usize, inputs: &[&Buffer], values: &mut [i32]) {
        let [first, second] = self.types.map(|tensor| tensor.element);
        let elements = |n: usize| part(&inputs[n].integers, pixel, self.types[n].channels);
        for (channel, ((value, a), b)) in values.iter_mut().zip(elements(0)).zip(elements(1)).enumerate() {
            let code = first.encode(i64::from(*a)) | second.encode(i64::from(*b)) << first.bits();
            *value = self.tables[channel % self.tables.len()][code as usize];
        }
    }
}
