//! The range of an activation on calibration images.

use crate::tensor::Tensor;

/// The range of a value, and whether all numbers seen were integers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    pub least: f64,
    pub greatest: f64,
    is_integer: bool,
}

impl Default for Range {
    fn default() -> Self {
        Range { least: 0.0, greatest: 0.0, is_integer: true }
    }
}

impl Range {
    pub fn add(&mut self, tensor: &Tensor) {
        for number in &tensor.data {
            self.least = self.least.min(*number);
            self.greatest = self.greatest.max(*number);
            self.is_integer &= number.fract() == 0.0;
        }
    }

    /// Whether all numbers were integers of so many bits.
    pub fn is_integer_of(&self, bits: u32) -> bool {
        let codes = 2f64.powi(bits as i32);
        let fits = if self.least < 0.0 {
            self.least >= -codes / 2.0 && self.greatest < codes / 2.0
        } else {
            self.greatest < codes
        };
        self.is_integer && fits
    }
}
