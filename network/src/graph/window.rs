//! Windows that slide over the spatial axes of a value.

/// Windows over the spatial axes of a value `[1, channels, spatial…]`; one entry an axis (1 or 2 spatial axes).
///
/// Along one axis, tap `t` of window `o` stands at position `o · stride + t · dilation − pad_before` of the value.
/// Positions below 0 and at or beyond the extent are padding; positions at or beyond the extent plus `pad_after` are
/// the overhang.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Taps.
    pub kernel: Vec<usize>,
    /// Distance between neighbouring windows, at least 1.
    pub strides: Vec<usize>,
    /// Distance between neighbouring taps, at least 1.
    pub dilations: Vec<usize>,
    /// Padded positions before the first.
    pub pads_before: Vec<usize>,
    /// Padded positions behind the last.
    pub pads_after: Vec<usize>,
    /// How far the last window reaches beyond the padded extent (`ceil_mode`); such positions never take part and
    /// never count. 0 in convolutions.
    pub overhang: Vec<usize>,
}

impl Window {
    /// Windows of neighbouring taps at each place where one fits.
    pub fn of(kernel: Vec<usize>) -> Self {
        let (ones, zeros) = (vec![1; kernel.len()], vec![0; kernel.len()]);
        Window {
            kernel,
            strides: ones.clone(),
            dilations: ones,
            pads_before: zeros.clone(),
            pads_after: zeros.clone(),
            overhang: zeros,
        }
    }

    /// Number of spatial axes.
    pub fn axes(&self) -> usize {
        self.kernel.len()
    }

    /// Number of positions from the first tap of a window along `axis` to its last, both included; `None` where it
    /// exceeds a `usize` or there are no taps.
    pub fn reach(&self, axis: usize) -> Option<usize> {
        self.kernel[axis].checked_sub(1)?.checked_mul(self.dilations[axis])?.checked_add(1)
    }

    /// Extent of `input` positions along `axis` with the padding on both sides, without the overhang; `None` where it
    /// exceeds a `usize`.
    pub fn padded_extent(&self, axis: usize, input: usize) -> Option<usize> {
        input.checked_add(self.pads_before[axis])?.checked_add(self.pads_after[axis])
    }

    /// Number of windows along each spatial axis over a value of the given spatial extents; `None` where no window
    /// fits, or where a number exceeds a `usize`.
    pub fn output_extents(&self, spatial: &[usize]) -> Option<Vec<usize>> {
        spatial
            .iter()
            .enumerate()
            .map(|(axis, input)| {
                let covered = self.padded_extent(axis, *input)?.checked_add(self.overhang[axis])?;
                let room = covered.checked_sub(self.reach(axis)?)?;
                room.checked_div(self.strides[axis])?.checked_add(1)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    fn window(kernel: usize, stride: usize, dilation: usize, pads: [usize; 2], overhang: usize) -> Window {
        Window {
            kernel: vec![kernel],
            strides: vec![stride],
            dilations: vec![dilation],
            pads_before: vec![pads[0]],
            pads_after: vec![pads[1]],
            overhang: vec![overhang],
        }
    }

    #[test]
    fn extents() {
        assert_eq!(window(3, 1, 1, [0, 0], 0).output_extents(&[5]), Some(vec![3]));
        assert_eq!(window(3, 2, 1, [1, 0], 0).output_extents(&[5]), Some(vec![2]));
        assert_eq!(window(3, 2, 1, [1, 0], 1).output_extents(&[5]), Some(vec![3]));
        assert_eq!(window(3, 1, 2, [0, 0], 0).output_extents(&[5]), Some(vec![1]));
        assert_eq!(window(3, 1, 2, [0, 0], 0).output_extents(&[4]), None);
        assert_eq!(window(2, 1, usize::MAX, [0, 0], 0).output_extents(&[4]), None);
        assert_eq!(window(1, 1, 1, [usize::MAX, 0], 0).output_extents(&[4]), None);
    }
}
