//! The common grid that real weights lie on, found by exact arithmetic and not by who wrote the file.

/// Greatest magnitude of an integer weight (a power-of-two code of nine bits).
pub const MAX_WEIGHT: i64 = 256;

/// Bits of the widest data that a dot product reads.
pub const WIDEST_DATA: u32 = 16;

/// The greatest number that every one of `numbers` is an integer multiple of: 1 where all are zero, `None` where their
/// exponents lie so far apart that no grid of `most` steps holds them.
pub fn greatest_common_step(numbers: &[f64], most: f64) -> Option<f64> {
    let mut step: Option<f64> = None;
    for number in numbers {
        let number = number.abs();
        if number == 0.0 || step == Some(number) {
            continue;
        }
        step = Some(match step {
            None => number,
            Some(step) => common_step(step, number, most)?,
        });
    }
    Some(step.unwrap_or(1.0))
}

/// Euclid's algorithm on two positive numbers. The remainder of two floats is exact, so is the result.
fn common_step(a: f64, b: f64, most: f64) -> Option<f64> {
    let (mut a, mut b) = (a.max(b), a.min(b));
    let finest = a / most / 2.0;
    while b != 0.0 {
        if b < finest {
            return None;
        }
        (a, b) = (b, a % b);
    }
    Some(a)
}

/// Whether double precision holds the product of two numbers.
pub fn is_exact_product(a: f64, b: f64) -> bool {
    let product = a * b;
    product.is_finite() && a.mul_add(b, -product) == 0.0
}

/// The greatest magnitude.
pub fn greatest(numbers: &[f64]) -> f64 {
    numbers.iter().fold(0.0, |greatest, number| greatest.max(number.abs()))
}

/// Whether weights are integers of magnitude up to [`MAX_WEIGHT`] times one scale.
pub fn is_on_grid(weights: &[f64]) -> bool {
    let most = MAX_WEIGHT as f64;
    greatest_common_step(weights, most).is_some_and(|step| greatest(weights) / step <= most)
}

/// Steps that a fitted grid has at most from zero to the greatest magnitude: those of eight bits and a sign.
pub const FITTED_STEPS: u32 = 255;

/// Magnitudes as integers times a scale, as nearly as needed.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedGrid {
    /// The scale, a float32.
    pub scale: f64,
    /// The integer of each magnitude, up to [`FITTED_STEPS`].
    pub integers: Vec<u32>,
}

impl FittedGrid {
    /// The coarsest grid for positive `magnitudes`, each of which occurs as often as `counts` says, that comes as near to
    /// all of them as one of [`FITTED_STEPS`] steps is certain to: half a step of it. Where the magnitudes are a grid's
    /// that float32 has rounded, it is that grid.
    pub fn new(magnitudes: &[f64], counts: &[usize]) -> FittedGrid {
        FittedGrid::of_steps(FITTED_STEPS, magnitudes, counts)
    }

    /// As [`new`](Self::new), with `most` steps at most, one or more.
    pub fn of_steps(most: u32, magnitudes: &[f64], counts: &[usize]) -> FittedGrid {
        let greatest = greatest(magnitudes);
        // A product of an integer with a float32 scale, rounded twice on its way into a file.
        let rounding = greatest * f64::from(f32::EPSILON);
        let near = greatest / f64::from(2 * most);
        let grid = |steps: u32| {
            let scale = greatest / f64::from(steps);
            let integers: Vec<u32> = magnitudes.iter().map(|magnitude| (magnitude / scale).round() as u32).collect();
            FittedGrid { scale, integers }
        };
        let is_within = |grid: &FittedGrid, distance: f64| {
            grid.integers
                .iter()
                .zip(magnitudes)
                .all(|(n, magnitude)| (f64::from(*n) * grid.scale - magnitude).abs() <= distance)
        };
        let candidates = || (1..=most).map(grid);
        let rounded = candidates().find(|grid| is_within(grid, rounding));
        let mut found =
            rounded.or_else(|| candidates().find(|grid| is_within(grid, near))).unwrap_or_else(|| grid(most));
        // The scale with the least square error for these integers.
        let sum = |of: &dyn Fn(f64, f64) -> f64| {
            let terms = found.integers.iter().zip(magnitudes).zip(counts);
            terms.map(|((n, magnitude), count)| *count as f64 * of(f64::from(*n), *magnitude)).sum::<f64>()
        };
        let (products, squares) = (sum(&|n, magnitude| n * magnitude), sum(&|n, _| n * n));
        if squares > 0.0 {
            found.scale = f64::from((products / squares) as f32);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fitted(magnitudes: &[f64]) -> FittedGrid {
        FittedGrid::new(magnitudes, &vec![1; magnitudes.len()])
    }

    #[test]
    fn rounded_grids_are_recognised() {
        let thirds: Vec<f64> = [1.0f32 / 3.0, 1.0, 2.0 / 3.0].map(f64::from).to_vec();
        assert!(!is_on_grid(&thirds));
        assert_eq!(fitted(&thirds).integers, [1, 3, 2]);
        let eighths: Vec<f64> = [3.0f32, 7.0, 127.0].map(|n| f64::from(n * 0.013_7)).to_vec();
        assert_eq!(fitted(&eighths).integers, [3, 7, 127]);
    }

    #[test]
    fn unrelated_magnitudes_take_few_steps() {
        assert_eq!(fitted(&[0.453, 1.51]).integers, [3, 10]);
        assert_eq!(fitted(&[2.0]).integers, [1]);
        assert_eq!(fitted(&[]).integers, []);
    }

    proptest! {
        #[test]
        fn fitted_grids_are_near_and_exact(magnitudes in prop::collection::vec(1e-3f64..10.0, 1..12)) {
            let grid = fitted(&magnitudes);
            let greatest = magnitudes.iter().copied().fold(0.0, f64::max);
            let values: Vec<f64> = grid.integers.iter().map(|n| f64::from(*n) * grid.scale).collect();
            for (value, magnitude) in values.iter().zip(&magnitudes) {
                // Another scale than the greatest magnitude's may move it by as much again.
                prop_assert!((value - magnitude).abs() <= greatest / f64::from(FITTED_STEPS));
            }
            prop_assert!(is_on_grid(&values));
        }
    }
}
