//! The greatest scores along an axis, found and sorted by the host.

use super::Scores;
use super::exact::ExactScore;
use super::probabilities::Axis;
use serde::{Deserialize, Serialize};

/// What a search gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// The greatest scores.
    Values,
    /// Their indices along the axis.
    Indices,
}

/// The `k` greatest scores of each row along an axis, the greatest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// The axis.
    pub along: Axis,
    /// How many, from 1 to the axis' extent.
    pub k: usize,
    /// Which of equal scores comes first: the one with the highest index, or the lowest.
    pub last: bool,
    /// What is the output.
    pub gives: Found,
}

impl Search {
    /// Whether it can be applied to `scores` scores.
    pub fn fits(&self, scores: usize) -> bool {
        self.along.divides(scores) && (1..=self.along.extent).contains(&self.k)
    }

    /// Number of outputs for `scores` scores.
    pub fn outputs(&self, scores: usize) -> usize {
        scores / self.along.extent * self.k
    }

    /// What is found among `scores`, in the row-major order of their shape with `k` along the axis.
    pub(super) fn apply(&self, scores: &[ExactScore]) -> Scores {
        let Search { along, k, last, gives } = *self;
        let mut found = vec![(ExactScore::plain(0.0), 0); self.outputs(scores.len())];
        let places = Axis { extent: k, ..along }.rows(found.len()).collect::<Vec<_>>();
        for (row, places) in along.rows(scores.len()).zip(places) {
            let mut row: Vec<(ExactScore, i64)> =
                row.zip(0..).map(|(position, index)| (scores[position], index)).collect();
            if last {
                row.reverse();
            }
            // The sort is stable: of equal ones, the first stays so.
            row.sort_by(|(a, _), (b, _)| b.compare(a));
            for (place, element) in places.zip(row) {
                found[place] = element;
            }
        }
        match gives {
            Found::Values => Scores::Values(found.into_iter().map(|(score, _)| score.single()).collect()),
            Found::Indices => Scores::Indices(found.into_iter().map(|(_, index)| index).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_come_first() {
        let scores = [3.0, 9.0, 1.0, -1.0, 3.0, 2.0].map(ExactScore::plain);
        let search = |along: Axis, k: usize, last: bool, gives: Found| Search { along, k, last, gives }.apply(&scores);
        let all = Axis { extent: 6, inner: 1 };
        assert_eq!(search(all, 3, false, Found::Indices), Scores::Indices(vec![1, 0, 4]));
        assert_eq!(search(all, 3, true, Found::Indices), Scores::Indices(vec![1, 4, 0]));
        let zeros = Search { along: Axis { extent: 3, inner: 1 }, k: 3, last: false, gives: Found::Indices };
        assert_eq!(zeros.apply(&[0.0, -0.0, 0.0].map(ExactScore::plain)), Scores::Indices(vec![0, 1, 2]));
        assert_eq!(search(all, 4, false, Found::Values), Scores::Values(vec![9.0, 3.0, 3.0, 2.0]));
        // Columns (3, 1, 3) and (9, −1, 2) of three rows of two.
        let columns = Axis { extent: 3, inner: 2 };
        assert_eq!(search(columns, 2, false, Found::Indices), Scores::Indices(vec![0, 0, 2, 2]));
        assert_eq!(search(columns, 1, true, Found::Indices), Scores::Indices(vec![2, 0]));
        let rows = Axis { extent: 2, inner: 1 };
        assert_eq!(search(rows, 1, false, Found::Indices), Scores::Indices(vec![1, 0, 0]));
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let search = Search { along: Axis { extent: 3, inner: 1 }, k: 2, last: false, gives: Found::Values };
        assert!(search.fits(6) && !search.fits(7) && search.outputs(6) == 4);
        assert!(!Search { k: 0, ..search }.fits(6) && !Search { k: 4, ..search }.fits(6));
    }
}
