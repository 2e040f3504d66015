//! Piecewise constant functions from a number to an integer.

use serde::{Deserialize, Serialize};

/// A piecewise constant function: `values[n]`, where `n` is how many `boundaries` are at or below the argument.
///
/// `boundaries` ascend strictly and `values` has one entry more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepFunction<T> {
    /// Where the value changes: the first argument of each new piece.
    pub boundaries: Vec<T>,
    /// The value of each piece, from the lowest arguments to the highest.
    pub values: Vec<i32>,
}

impl<T: PartialOrd + Copy> StepFunction<T> {
    /// The function that is `value` everywhere.
    pub fn constant(value: i32) -> Self {
        StepFunction { boundaries: Vec::new(), values: vec![value] }
    }

    /// The function that is `first` below all `pieces`, each of which is the least argument with a value, ascending. Where
    /// two neighbours have the same value it does not change.
    pub fn of_pieces(first: i32, pieces: impl IntoIterator<Item = (T, i32)>) -> Self {
        let mut function = StepFunction::constant(first);
        for (boundary, value) in pieces {
            if function.values[function.values.len() - 1] != value {
                function.boundaries.push(boundary);
                function.values.push(value);
            }
        }
        function
    }

    /// The value at `argument`.
    pub fn at(&self, argument: T) -> i32 {
        self.values[self.boundaries.partition_point(|b| *b <= argument)]
    }

    /// Whether the parts fit together: ascending boundaries, one value more than boundaries.
    pub fn is_well_formed(&self) -> bool {
        self.values.len() == self.boundaries.len() + 1 && self.boundaries.windows(2).all(|pair| pair[0] < pair[1])
    }

    /// Whether no value is below the one before it.
    pub fn is_rising(&self) -> bool {
        self.values.windows(2).all(|pair| pair[0] <= pair[1])
    }

    /// Whether no value is above the one before it.
    pub fn is_falling(&self) -> bool {
        self.values.windows(2).all(|pair| pair[0] >= pair[1])
    }
}
