//! Windows over the pixels of a tensor.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;

/// Where the windows over a tensor lie: vertical, then horizontal in each pair.
///
/// Tap (i, j) of window (y, x) is the pixel in row `y · stride[0] + i · dilation[0] − before[0]` and column
/// `x · stride[1] + j · dilation[1] − before[1]`; it may lie outside the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Taps in each direction, at least 1.
    pub kernel: [usize; 2],
    /// Distance of neighbouring windows, at least 1.
    pub stride: [usize; 2],
    /// Distance of neighbouring taps, at least 1.
    pub dilation: [usize; 2],
    /// Rows above and columns left of the image that windows reach into.
    pub before: [usize; 2],
    /// Rows below and columns right of the image that windows may reach into.
    pub after: [usize; 2],
}

impl Window {
    /// The greatest number of a window.
    pub const LARGEST: usize = 1 << 16;

    /// Taps of a window.
    pub fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Rows and columns that a window spans.
    pub fn span(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.dilation[axis] * (self.kernel[axis] - 1) + 1)
    }

    /// Rows and columns of windows over `height` × `width` pixels; 0 where the padded image holds none.
    pub fn output(&self, height: usize, width: usize) -> [usize; 2] {
        let span = self.span();
        let along = |axis: usize, extent: usize| {
            let padded = extent + self.before[axis] + self.after[axis];
            padded.checked_sub(span[axis]).map_or(0, |room| room / self.stride[axis] + 1)
        };
        [along(0, height), along(1, width)]
    }

    /// The pixel that tap `tap` (row by row) of window (`y`, `x`) is, by number in stream order, or `None` outside the
    /// image.
    pub fn pixel(&self, height: usize, width: usize, (y, x): (usize, usize), tap: usize) -> Option<usize> {
        let along = |axis: usize, window: usize, tap: usize, extent: usize| {
            let padded = window * self.stride[axis] + tap * self.dilation[axis];
            padded.checked_sub(self.before[axis]).filter(|position| *position < extent)
        };
        let row = along(0, y, tap / self.kernel[1], height)?;
        let column = along(1, x, tap % self.kernel[1], width)?;
        Some(row * width + column)
    }

    /// Along one axis (0: rows, 1: columns), the taps of window number `position` that lie inside `extent` pixels.
    #[inline]
    pub fn inside(&self, axis: usize, position: usize, extent: usize) -> Range<usize> {
        let first = position * self.stride[axis];
        let taps = |pixels: usize| {
            let pixels = pixels.saturating_sub(first);
            // Divisions take long, and mostly there is nothing to divide by.
            let taps = if self.dilation[axis] == 1 { pixels } else { pixels.div_ceil(self.dilation[axis]) };
            taps.min(self.kernel[axis])
        };
        // Tap n lies before the image while first + n · dilation < before, and before its end while it is < the sum.
        taps(self.before[axis])..taps(self.before[axis] + extent)
    }

    /// Whether every tap of every window lies inside the image.
    pub fn is_unpadded(&self) -> bool {
        self.before == [0, 0] && self.after == [0, 0]
    }

    /// Whether there is one window, that of all pixels, each once.
    pub fn is_whole(&self, height: usize, width: usize) -> bool {
        self.is_unpadded() && self.kernel == [height, width] && self.span() == [height, width]
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Window { kernel, stride, dilation, before, after } = self;
        write!(f, "{} x {} taps", kernel[0], kernel[1])?;
        if *stride != [1, 1] {
            write!(f, ", stride {} x {}", stride[0], stride[1])?;
        }
        if *dilation != [1, 1] {
            write!(f, ", dilation {} x {}", dilation[0], dilation[1])?;
        }
        if !self.is_unpadded() {
            write!(f, ", padded {} {} before, {} {} after", before[0], before[1], after[0], after[1])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pair(numbers: Range<usize>) -> impl Strategy<Value = [usize; 2]> {
        (numbers.clone(), numbers).prop_map(|(vertical, horizontal)| [vertical, horizontal])
    }

    proptest! {
        #[test]
        fn taps_inside_are_pixels(
            kernel in pair(1..6),
            stride in pair(1..4),
            dilation in pair(1..4),
            before in pair(0..8),
            after in pair(0..8),
            (height, width) in (1usize..9, 1usize..9),
        ) {
            let window = Window { kernel, stride, dilation, before, after };
            let [rows, columns] = window.output(height, width);
            for (y, x) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
                let (inside_rows, inside_columns) = (window.inside(0, y, height), window.inside(1, x, width));
                for tap in 0..window.taps() {
                    let (row, column) = (tap / kernel[1], tap % kernel[1]);
                    let is_inside = inside_rows.contains(&row) && inside_columns.contains(&column);
                    let pixel = window.pixel(height, width, (y, x), tap);
                    prop_assert_eq!(pixel.is_some(), is_inside);
                    let position = (y * stride[0] + row * dilation[0], x * stride[1] + column * dilation[1]);
                    let expected = is_inside.then(|| (position.0 - before[0]) * width + position.1 - before[1]);
                    prop_assert_eq!(pixel, expected);
                }
            }
            // One window further on reaches over the padding's end.
            let ends = |axis: usize, count: usize| count * stride[axis] + window.span()[axis];
            let padded = |axis: usize, extent: usize| before[axis] + extent + after[axis];
            prop_assert!(ends(0, rows) > padded(0, height) && ends(1, columns) > padded(1, width));
        }
    }
}
