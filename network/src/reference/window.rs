//! Convolutions and pools.

use super::number::{Element, Fault, Number};
use crate::graph::Window;
use crate::tensor::Tensor;
use std::ops::Range;

/// One spatial axis: which elements the taps of which windows stand on.
///
/// No sum here overflows: the import checks that the last tap of the last window lies within a `usize`.
struct Axis {
    /// Elements.
    input: usize,
    /// Windows.
    output: usize,
    /// Taps of a window.
    kernel: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    /// Elements with the padding on both sides.
    padded: usize,
}

impl Axis {
    /// The element that a tap stands on; it must stand on one.
    fn element(&self, window: usize, tap: usize) -> usize {
        window * self.stride + tap * self.dilation - self.before
    }

    /// The windows of which a tap stands on an element.
    fn windows(&self, tap: usize) -> Range<usize> {
        let offset = tap * self.dilation;
        let start = self.before.saturating_sub(offset).div_ceil(self.stride);
        let end = (self.before + self.input).saturating_sub(offset).div_ceil(self.stride).min(self.output);
        start.min(end)..end
    }

    /// The taps of a window that stand on an element.
    fn taps(&self, window: usize) -> Range<usize> {
        let offset = window * self.stride;
        let start = self.before.saturating_sub(offset).div_ceil(self.dilation);
        let end = (self.before + self.input).saturating_sub(offset).div_ceil(self.dilation).min(self.kernel);
        start.min(end)..end
    }

    /// Number of taps of a window that stand on an element or on padding.
    fn padded_taps(&self, window: usize) -> usize {
        self.padded.saturating_sub(window * self.stride).div_ceil(self.dilation).min(self.kernel)
    }
}

/// The two spatial axes of windows over a value of the given shape, the first of extent 1 where there is one only.
fn axes(window: &Window, shape: &[usize]) -> [Axis; 2] {
    const FITS: &str = "the import checks that windows fit the padded value";
    let spatial = &shape[2..];
    let output = window.output_extents(spatial).expect(FITS);
    let axis = |axis: usize| Axis {
        input: spatial[axis],
        output: output[axis],
        kernel: window.kernel[axis],
        stride: window.strides[axis],
        dilation: window.dilations[axis],
        before: window.pads_before[axis],
        padded: window.padded_extent(axis, spatial[axis]).expect(FITS),
    };
    match window.axes() {
        1 => [Axis { input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, before: 0, padded: 1 }, axis(0)],
        _ => [axis(0), axis(1)],
    }
}

/// The shape of windows' results with `channels` channels.
fn result_shape(window: &Window, shape: &[usize], channels: usize) -> Vec<usize> {
    let output = window.output_extents(&shape[2..]).expect("the import checks that windows fit the padded value");
    [shape[0], channels].into_iter().chain(output).collect()
}

/// Cross-correlation of x `[1, C, spatial…]` with w `[O, C / groups, kernel…]`.
pub(super) fn convolution<N: Element>(
    x: &Tensor<N>,
    w: &Tensor<N>,
    bias: Option<&Tensor<N>>,
    window: &Window,
    groups: usize,
) -> Tensor<N::Sum> {
    let [rows, columns] = axes(window, &x.shape);
    let (outputs, inner) = (w.shape[0], w.shape[1]);
    let area = rows.input * columns.input;
    let taps = rows.kernel * columns.kernel;
    let mut data = Vec::with_capacity(outputs * rows.output * columns.output);
    for output in 0..outputs {
        let first_plane = output / (outputs / groups) * inner;
        let mut sums = vec![N::Sum::of(0.0); rows.output * columns.output];
        for channel in 0..inner {
            let plane = &x.data[(first_plane + channel) * area..][..area];
            let weights = &w.data[(output * inner + channel) * taps..][..taps];
            for (tap, weight) in weights.iter().enumerate() {
                add_tap(&mut sums, plane, weight, [(&rows, tap / columns.kernel), (&columns, tap % columns.kernel)]);
            }
        }
        if let Some(bias) = bias {
            sums.iter_mut().for_each(|sum| N::add_product(sum, &bias.data[output], &N::of(1.0)));
        }
        data.extend(sums);
    }
    Tensor::new(result_shape(window, &x.shape, outputs), data)
}

/// Adds what one tap contributes to each window; padding contributes nothing.
fn add_tap<N: Element>(
    sums: &mut [N::Sum],
    plane: &[N],
    weight: &N,
    [(rows, row_tap), (columns, tap)]: [(&Axis, usize); 2],
) {
    let windows = columns.windows(tap);
    if windows.is_empty() {
        return;
    }
    let first = columns.element(windows.start, tap);
    for row in rows.windows(row_tap) {
        let sums = &mut sums[row * columns.output..][windows.clone()];
        let elements = &plane[rows.element(row, row_tap) * columns.input..][first..columns.input];
        // Two loops, because only the one without a step becomes vector instructions.
        if columns.stride == 1 {
            sums.iter_mut().zip(elements).for_each(|(sum, x)| N::add_product(sum, weight, x));
        } else {
            sums.iter_mut()
                .zip(elements.iter().step_by(columns.stride))
                .for_each(|(sum, x)| N::add_product(sum, weight, x));
        }
    }
}

/// `f` of each window in each channel: of the elements that its taps stand on, and of the number of its taps that
/// stand on an element or on padding.
fn pooled<N: Element>(
    x: &Tensor<N>,
    window: &Window,
    f: impl Fn(&mut dyn Iterator<Item = &N>, usize) -> Result<N::Sum, Fault>,
) -> Result<Tensor<N::Sum>, Fault> {
    let [rows, columns] = axes(window, &x.shape);
    let channels = x.shape[1];
    let area = rows.input * columns.input;
    let mut data = Vec::with_capacity(channels * rows.output * columns.output);
    for plane in x.data.chunks_exact(area) {
        for row in 0..rows.output {
            for column in 0..columns.output {
                let elements = &mut rows.taps(row).flat_map(|row_tap| {
                    let line = &plane[rows.element(row, row_tap) * columns.input..][..columns.input];
                    let columns = &columns;
                    columns.taps(column).map(move |tap| &line[columns.element(column, tap)])
                });
                data.push(f(elements, rows.padded_taps(row) * columns.padded_taps(column))?);
            }
        }
    }
    Ok(Tensor::new(result_shape(window, &x.shape, channels), data))
}

/// The greatest element of each window.
pub(super) fn max_pool<N: Element>(x: &Tensor<N>, window: &Window) -> Result<Tensor<N::Sum>, Fault> {
    pooled(x, window, |elements, _| {
        let mut greatest = elements.next().expect("every window holds an element").clone();
        for element in elements {
            greatest = greatest.greater(element)?;
        }
        Ok(greatest.widened())
    })
}

/// The mean of each window.
pub(super) fn average_pool<N: Element>(
    x: &Tensor<N>,
    window: &Window,
    count_include_pad: bool,
) -> Result<Tensor<N::Sum>, Fault> {
    pooled(x, window, |elements, padded_taps| {
        let mut sum = N::Sum::of(0.0);
        let mut taps = 0;
        for element in elements {
            N::add_product(&mut sum, element, &N::of(1.0));
            taps += 1;
        }
        let count = if count_include_pad { padded_taps } else { taps };
        sum.over(&N::Sum::of(count as f64))
    })
}
