//! Dot products by bit planes.
//!
//! A weight is w = Σ v·(bit of plane b) + o, an element x = Σ u·(bit of plane p) + q, where o and q are −1 for ±1 and
//! else 0. A dot product is then Σ over pairs of planes of v·u·(bits in common), plus o·Σ u·(bits of the window's
//! plane p), plus q·Σ w.

use super::{Product, Scratch};
use crate::packed::form::part;
use crate::packed::{bits, kernels};
use abi::ElementType;
use network::network::{TensorType, WeightMatrix, Window};

#[derive(Debug)]
pub(super) struct PlaneProduct {
    /// Group by group, plane by plane: words of all rows, word 0 of each row first. A row's words are those of its
    /// first tap, then of its second.
    weights: Vec<u64>,
    /// For each pair of planes (those of an element innermost) what a bit in common is worth.
    worth: Vec<i32>,
    /// Planes of an element.
    planes: usize,
    /// What a bit of each plane of the window adds to all rows; empty for nothing.
    of_window: Vec<i32>,
    /// What is always added to each row; empty for nothing.
    of_row: Vec<i32>,
    /// One pixel outside the image.
    fill: Vec<u64>,
    /// Elements ±1 have no 0, and bits 0 stand for −1 outside the image too: for each tap, what is to be added to
    /// each row when the tap lies there. Empty where `fill` is right.
    of_outside: Vec<i32>,
}

/// The type of the fewest planes that holds the weights.
pub(super) fn tightest(weights: &WeightMatrix) -> ElementType {
    if weights.values.iter().all(|weight| weight.abs_diff(0) == 1) {
        return ElementType::Bipolar;
    }
    let ends = weights.values.iter().fold((0, 0), |(low, high), weight| (low.min(*weight), high.max(*weight)));
    ElementType::holding(i64::from(ends.0), i64::from(ends.1))
}

impl PlaneProduct {
    pub(super) fn new(
        window: &Window,
        groups: usize,
        padding: i32,
        weights: &WeightMatrix,
        input: &TensorType,
    ) -> PlaneProduct {
        let (rows, channels, taps) = (weights.rows / groups, input.channels / groups, window.taps());
        let (weight_values, weight_offset) = bits::plane_values(tightest(weights));
        let (values, offset) = bits::plane_values(input.element);
        let pairs = weight_values.iter().flat_map(|weight| values.iter().map(move |value| weight * value));
        let sum = |weights: &[i16]| weights.iter().map(|weight| i32::from(*weight)).fold(0, i32::wrapping_add);
        let of_row: Vec<i32> = match offset {
            0 => Vec::new(),
            _ => (0..weights.rows).map(|row| offset.wrapping_mul(sum(weights.row(row)))).collect(),
        };
        let of_outside = match offset {
            0 => Vec::new(),
            _ if padding != 0 || window.is_unpadded() => Vec::new(),
            _ => (0..taps)
                .flat_map(|tap| (0..weights.rows).map(move |row| part(weights.row(row), tap, channels)))
                .map(|weights| offset.wrapping_mul(sum(weights)).wrapping_neg())
                .collect(),
        };
        let mut fill = vec![0; bits::words_for(input.channels) * values.len()];
        bits::pack(&vec![padding; input.channels], input.element, &mut fill);
        PlaneProduct {
            weights: transposed(weights, groups, rows, channels),
            worth: pairs.collect(),
            planes: values.len(),
            of_window: if weight_offset == 0 { Vec::new() } else { values.iter().map(|v| v * weight_offset).collect() },
            of_row,
            fill,
            of_outside,
        }
    }

    pub(super) fn apply(
        &self,
        product: &Product,
        pixel: usize,
        position: (usize, usize),
        planes: &[u64],
        scratch: &mut Scratch,
        sums: &mut [i32],
    ) {
        let Product { gather, taps, groups, rows, channels, .. } = product;
        let Scratch { words, group_words, counts, .. } = scratch;
        let window = if gather.is_identity() {
            part(planes, pixel, self.fill.len())
        } else {
            words.resize(taps * self.fill.len(), 0);
            gather.collect(position, planes, &self.fill, words);
            words
        };
        if self.of_row.is_empty() {
            sums.fill(0);
        } else {
            sums.copy_from_slice(&self.of_row);
        }
        counts.resize(*rows, 0);
        let of_plane = taps * bits::words_for(*channels);
        let weight_planes = self.worth.len() / self.planes;
        for (group, sums) in sums.chunks_exact_mut(*rows).enumerate() {
            let window: &[u64] = if *groups == 1 && (self.planes == 1 || *taps == 1) {
                window
            } else {
                group_words.resize(self.planes * of_plane, 0);
                self.arrange(window, group, *channels, group_words);
                &*group_words
            };
            if !self.of_window.is_empty() {
                let of_plane =
                    window.chunks_exact(of_plane).zip(&self.of_window).map(|(plane, of)| of * kernels::count(plane));
                let all: i32 = of_plane.sum();
                sums.iter_mut().for_each(|sum| *sum = sum.wrapping_add(all));
            }
            let weights = part(&self.weights, group, weight_planes * of_plane * rows);
            let pairs = weights
                .chunks_exact(of_plane * rows)
                .flat_map(|weights| window.chunks_exact(of_plane).map(move |window| (weights, window)));
            for ((weights, window), worth) in pairs.zip(&self.worth) {
                kernels::count_common(weights, window, counts);
                kernels::add_counts(sums, counts, *worth);
            }
        }
        if !self.of_outside.is_empty() {
            for tap in gather.outside(position) {
                kernels::add(sums, part(&self.of_outside, tap, sums.len()));
            }
        }
    }

    /// From tap by tap to plane by plane, and of all channels only those of the group.
    fn arrange(&self, window: &[u64], group: usize, channels: usize, arranged: &mut [u64]) {
        let words = bits::words_for(channels);
        for (plane, arranged) in arranged.chunks_exact_mut(arranged.len() / self.planes).enumerate() {
            let taps = window.chunks_exact(self.fill.len()).zip(arranged.chunks_exact_mut(words));
            for (tap, arranged) in taps {
                let of_plane = part(tap, plane, self.fill.len() / self.planes);
                bits::extract(of_plane, group * channels, channels, arranged);
            }
        }
    }
}

/// The planes of the weights in the order in which they are read.
fn transposed(weights: &WeightMatrix, groups: usize, rows: usize, channels: usize) -> Vec<u64> {
    let element = tightest(weights);
    let planes = element.bits() as usize;
    let (words, taps) = (bits::words_for(channels), weights.columns / channels);
    let of_plane = taps * words * rows;
    let mut result = vec![0; groups * planes * of_plane];
    let mut packed = vec![0; planes * words];
    for row in 0..weights.rows {
        let (group, row_of_group) = (row / rows, row % rows);
        for (tap, values) in weights.row(row).chunks_exact(channels).enumerate() {
            let values: Vec<i32> = values.iter().map(|weight| i32::from(*weight)).collect();
            bits::pack(&values, element, &mut packed);
            for (index, word) in packed.iter().enumerate() {
                let (plane, word_of_plane) = (index / words, index % words);
                let column = tap * words + word_of_plane;
                result[(group * planes + plane) * of_plane + column * rows + row_of_group] = *word;
            }
        }
    }
    result
}
