//! Dot products of one vector with all rows of a weight matrix.

use super::bits;
use abi::ElementType;
use network::network::{TensorType, WeightMatrix};

/// A weight matrix prepared for one type of activations.
#[derive(Debug)]
pub(super) enum Dot {
    /// ±1 weights, activations in bit planes.
    Bits {
        /// Packed rows.
        rows: Vec<u64>,
        /// Words of a row.
        stride: usize,
        /// Length of a row in channels.
        columns: i32,
        /// What each plane is worth; empty for ±1 activations.
        plane_values: Vec<i32>,
    },
    /// Any weights, activations as integers of 16 bits.
    Short { weights: Vec<i16>, columns: usize },
    /// Any weights, activations as integers.
    Wide { weights: Vec<i16>, columns: usize },
}

impl Dot {
    pub(super) fn new(weights: &WeightMatrix, input: &TensorType) -> Self {
        let columns = weights.columns;
        if Self::takes_planes(weights, input.element) {
            let stride = bits::words_for(columns);
            let mut rows = vec![0; stride * weights.rows];
            for (row, words) in rows.chunks_mut(stride.max(1)).enumerate() {
                let values: Vec<i32> = weights.row(row).iter().map(|weight| i32::from(*weight)).collect();
                bits::pack(&values, ElementType::Bipolar, words);
            }
            let is_bipolar = input.element == ElementType::Bipolar;
            let plane_values = if is_bipolar { Vec::new() } else { bits::plane_values(input.element) };
            return Dot::Bits { rows, stride, columns: columns as i32, plane_values };
        }
        let weights = weights.values.clone();
        let is_short = |value: i64| i16::try_from(value).is_ok();
        if is_short(input.element.minimum()) && is_short(input.element.maximum()) {
            Dot::Short { weights, columns }
        } else {
            Dot::Wide { weights, columns }
        }
    }

    /// Whether this product reads its activations as bit planes.
    pub(super) fn takes_planes(weights: &WeightMatrix, element: ElementType) -> bool {
        weights.element == ElementType::Bipolar && bits::planes_for(element).is_some()
    }

    /// The dot product of every row with one vector, given in the form that the product reads.
    pub(super) fn apply(&self, planes: &[u64], integers: &[i32], short: &mut Vec<i16>, sums: &mut [i32]) {
        match self {
            Dot::Bits { rows, stride, columns, plane_values } if plane_values.is_empty() => {
                // Equal signs give +1, different ones −1.
                for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(*stride)) {
                    let different: u32 = row.iter().zip(planes).map(|(w, x)| (w ^ x).count_ones()).sum();
                    *sum = columns - 2 * different as i32;
                }
            }
            Dot::Bits { rows, stride, plane_values, .. } => weigh_planes(rows, *stride, plane_values, planes, sums),
            Dot::Short { weights, columns } => {
                short.clear();
                // `new` has checked that the type fits.
                short.extend(integers.iter().map(|value| *value as i16));
                for (sum, row) in sums.iter_mut().zip(weights.chunks_exact(*columns)) {
                    *sum = row.iter().zip(&*short).map(|(w, x)| i32::from(*w) * i32::from(*x)).sum();
                }
            }
            Dot::Wide { weights, columns } => {
                for (sum, row) in sums.iter_mut().zip(weights.chunks_exact(*columns)) {
                    *sum = row.iter().zip(integers).map(|(w, x)| i32::from(*w) * x).sum();
                }
            }
        }
    }
}

/// Σ over planes of value · (bits under +1 weights − bits under −1 weights), where the second count is the plane's
/// whole count less the first.
fn weigh_planes(rows: &[u64], stride: usize, plane_values: &[i32], planes: &[u64], sums: &mut [i32]) {
    let counts = planes.chunks_exact(stride).map(|plane| plane.iter().map(|word| word.count_ones()).sum::<u32>());
    let all: i32 = plane_values.iter().zip(counts).map(|(value, count)| value * count as i32).sum();
    for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(stride)) {
        let mut positive = 0;
        for (value, plane) in plane_values.iter().zip(planes.chunks_exact(stride)) {
            let count: u32 = row.iter().zip(plane).map(|(w, x)| (w & x).count_ones()).sum();
            positive += value * count as i32;
        }
        *sum = 2 * positive - all;
    }
}
