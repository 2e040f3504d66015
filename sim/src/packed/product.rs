//! Dot products of windows of pixels with all rows of a weight matrix.

use super::bits;
use super::form::{Buffer, part};
use super::gather::Gather;
use super::kernels;
use network::network::{Convolution, TensorType, WeightMatrix, Window};
use planes::PlaneProduct;

mod planes;

/// A weight matrix prepared for one type of activations.
#[derive(Debug)]
pub(super) struct Product {
    gather: Gather,
    taps: usize,
    groups: usize,
    /// Rows of one group.
    rows: usize,
    /// Channels of one group.
    channels: usize,
    method: Method,
}

#[derive(Debug)]
enum Method {
    /// Bit planes of weights and bit planes of activations.
    Planes(PlaneProduct),
    /// Products of integers along the rows. The weights lie group by group, in each column by column.
    Rows {
        weights: Vec<i16>,
        /// One pixel outside the image.
        fill: Vec<i32>,
        /// So many products may be added in 16 bits; 0 for few.
        run: usize,
    },
    /// Products of integers along the channels: groups of one channel. The weights lie tap by tap for the first row of
    /// each group, then for the second.
    Channels { weights: Vec<i16>, fill: Vec<i32> },
}

/// Memory of one product.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    words: Vec<u64>,
    group_words: Vec<u64>,
    counts: Vec<u64>,
    elements: Vec<i32>,
    group_elements: Vec<i32>,
    short: Vec<i16>,
    sums: Vec<i32>,
}

/// Below that many products in 16 bits, adding them up in 32 bits at once is faster.
const SHORTEST_RUN: usize = 8;

/// What a word of 64 bits costs in products of integers.
const COST_OF_WORD: usize = 4;
/// What a product in 32 bits costs in products in 16 bits.
const COST_OF_WIDE: usize = 3;

impl Product {
    /// The products of a matrix with each pixel.
    pub(super) fn of_pixels(weights: &WeightMatrix, input: &TensorType) -> Self {
        let window = Window { kernel: [1; 2], stride: [1; 2], dilation: [1; 2], before: [0; 2], after: [0; 2] };
        Self::new(&window, 1, 0, weights, input)
    }

    /// A convolution.
    pub(super) fn of_windows(convolution: &Convolution, input: &TensorType) -> Self {
        let Convolution { window, groups, padding, weights } = convolution;
        Self::new(window, *groups, *padding, weights, input)
    }

    fn new(window: &Window, groups: usize, padding: i32, weights: &WeightMatrix, input: &TensorType) -> Self {
        let (rows, channels, taps) = (weights.rows / groups, input.channels / groups, window.taps());
        let fill = vec![padding; input.channels];
        let run = longest_run(weights, input, padding);
        let method = if groups > 1 && channels == 1 {
            let column = |row, tap| (0..groups).map(move |group| weights.row(group * rows + row)[tap]);
            let weights = (0..rows).flat_map(|row| (0..taps).flat_map(move |tap| column(row, tap))).collect();
            Method::Channels { weights, fill }
        } else {
            let pairs = bits::planes_for(input.element).zip(bits::planes_for(planes::tightest(weights)));
            let by_planes = pairs
                .map(|(of_input, of_weights)| COST_OF_WORD * of_input * of_weights * taps * bits::words_for(channels));
            let by_integers = taps * channels * if run == 0 { COST_OF_WIDE } else { 1 };
            if by_planes.is_some_and(|cost| cost <= by_integers) {
                Method::Planes(PlaneProduct::new(window, groups, padding, weights, input))
            } else {
                let column = |group, column| (0..rows).map(move |row| weights.row(group * rows + row)[column]);
                let of_group = |group| (0..weights.columns).flat_map(move |index| column(group, index));
                Method::Rows { weights: (0..groups).flat_map(of_group).collect(), fill, run }
            }
        };
        Product { gather: Gather::new(*window, input.height, input.width), taps, groups, rows, channels, method }
    }

    /// Whether the input is read as bit planes, else as integers.
    pub(super) fn takes_planes(&self) -> bool {
        matches!(self.method, Method::Planes(_))
    }

    /// The dot products of the window at `position`, which is output pixel `pixel`.
    pub(super) fn apply(
        &self,
        pixel: usize,
        position: (usize, usize),
        input: &Buffer,
        scratch: &mut Scratch,
        sums: &mut [i32],
    ) {
        let all = self.groups * self.channels;
        let taps = self.taps;
        let fill = match &self.method {
            Method::Planes(product) => return product.apply(self, pixel, position, &input.planes, scratch, sums),
            Method::Rows { fill, .. } | Method::Channels { fill, .. } => fill,
        };
        let Scratch { elements, group_elements, short, sums: of_row, .. } = scratch;
        let window = if self.gather.is_identity() {
            part(&input.integers, pixel, all)
        } else {
            elements.resize(taps * all, 0);
            self.gather.collect(position, &input.integers, fill, elements);
            elements
        };
        match &self.method {
            Method::Channels { weights, .. } => {
                for (row, weights) in weights.chunks_exact(taps * all).enumerate() {
                    of_row.clear();
                    of_row.resize(all, 0);
                    for (weights, elements) in weights.chunks_exact(all).zip(window.chunks_exact(all)) {
                        kernels::multiply_each(weights, elements, of_row);
                    }
                    sums.iter_mut().skip(row).step_by(self.rows).zip(&*of_row).for_each(|(to, sum)| *to = *sum);
                }
            }
            Method::Rows { weights, run, .. } => {
                short.resize(self.rows, 0);
                sums.fill(0);
                let of_group = self.rows * taps * self.channels;
                let groups = weights.chunks_exact(of_group).zip(sums.chunks_exact_mut(self.rows));
                for (group, (weights, sums)) in groups.enumerate() {
                    let window: &[i32] = if self.groups == 1 {
                        window
                    } else {
                        group_elements.clear();
                        let pixels = window.chunks_exact(all);
                        pixels.for_each(|pixel| group_elements.extend(part(pixel, group, self.channels)));
                        &*group_elements
                    };
                    if *run == 0 {
                        kernels::multiply(weights, window, sums);
                    } else {
                        kernels::multiply_narrow(weights, window, *run, short, sums);
                    }
                }
            }
            Method::Planes(_) => {}
        }
    }
}

/// So many products of a weight and an element can be added in 16 bits; 0 where they are few.
fn longest_run(weights: &WeightMatrix, input: &TensorType, padding: i32) -> usize {
    let weight = weights.values.iter().map(|weight| i64::from(*weight).abs()).max().unwrap_or(0);
    let element = input.minimum.abs().max(input.maximum.abs()).max(i64::from(padding).abs());
    // An element is cut to 16 bits before it is multiplied.
    let greatest = (weight * element).max(element).max(1);
    let run = (i64::from(i16::MAX) / greatest) as usize;
    if run < SHORTEST_RUN { 0 } else { run }
}
