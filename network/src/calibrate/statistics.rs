//! What is measured on calibration images.

use super::format::Format;
use crate::tensor::Tensor;

/// The errors of several formats on the same numbers.
#[derive(Clone, Debug)]
pub(super) struct Errors {
    /// Format, sum of squared errors, greatest error.
    formats: Vec<(Format, f64, f64)>,
    squares: f64,
    magnitude: f64,
}

impl Errors {
    /// Of formats on no numbers so far.
    pub fn of(formats: Vec<Format>) -> Self {
        Errors { formats: formats.into_iter().map(|f| (f, 0.0, 0.0)).collect(), squares: 0.0, magnitude: 0.0 }
    }

    pub fn add(&mut self, tensor: &Tensor) {
        for number in &tensor.data {
            self.squares += number * number;
            self.magnitude = self.magnitude.max(number.abs());
        }
        for (format, squares, greatest) in &mut self.formats {
            for number in &tensor.data {
                let error = (format.round(*number) - number).abs();
                *squares += error * error;
                *greatest = greatest.max(error);
            }
        }
    }

    /// The number of the format with the least mean squared error, the first of several.
    pub fn best(&self) -> usize {
        let mut best = 0;
        for (number, (_, squares, _)) in self.formats.iter().enumerate() {
            if *squares < self.formats[best].1 {
                best = number;
            }
        }
        best
    }

    pub fn format(&self, number: usize) -> &Format {
        &self.formats[number].0
    }

    /// Relative mean squared error, and greatest error over greatest magnitude.
    pub fn relative(&self, number: usize) -> (f64, f64) {
        let (_, squares, greatest) = &self.formats[number];
        let ratio = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { f64::MAX };
        (ratio(*squares, self.squares), ratio(*greatest, self.magnitude))
    }
}
