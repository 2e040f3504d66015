//! Dot products over the words of a matrix-vector unit.

use super::windows::groups_in_turn;
use super::{StageRun, Words, WordsError};
use network::network::{Layer, LayerId, LayerKind};

impl StageRun<'_> {
    /// The dot products of each vector with the rows of weights, group by group, with step functions where there are any.
    pub(super) fn dot_products(&self, layer: LayerId, thresholds: Option<LayerId>) -> Result<Words, WordsError> {
        let network = &self.plan.network;
        let layer = network.layer(layer);
        let (taps, groups) = (layer.kind.window().map_or(1, |window| window.taps()), groups_in_turn(network, layer));
        let Some(weights) = layer.kind.weights() else { return Ok(Words::empty(self.inputs[0].lanes())) };
        let (rows, columns) = (weights.rows / groups, weights.columns / taps);
        let mut reader = self.reader(0, columns);
        let mut sums = Vec::new();
        let (mut vector, mut narrow) = (Vec::new(), Vec::new());
        for pixel in 0..network.tensor(layer.output).vectors() {
            let given = self.sample.and_then(|sample| sample.given(network, layer.output, pixel));
            for group in 0..groups {
                vector.clear();
                for _ in 0..taps {
                    reader.vector(&mut vector)?;
                }
                let rows = group * rows..(group + 1) * rows;
                if let Some(given) = given {
                    sums.extend_from_slice(&given[rows]);
                    continue;
                }
                narrow.clear();
                narrow.extend(vector.iter().map_while(|x| i16::try_from(*x).ok()));
                if narrow.len() == vector.len() {
                    sums.extend(rows.map(|row| narrow_dot(weights.row(row), &narrow)));
                } else {
                    sums.extend(rows.map(|row| wide_dot(weights.row(row), &vector)));
                }
            }
        }
        reader.end()?;
        Ok(self.finish(layer, thresholds, sums))
    }

    /// The results of `layer` as words, through the step functions that its unit takes in.
    pub(super) fn finish(&self, layer: &Layer, thresholds: Option<LayerId>, mut results: Vec<i32>) -> Words {
        let network = &self.plan.network;
        let channels = network.tensor(layer.output).channels;
        if let Some(LayerKind::MultiThreshold(steps)) = thresholds.map(|id| &network.layer(id).kind) {
            for (index, result) in results.iter_mut().enumerate() {
                *result = steps[index % channels].at(i64::from(*result));
            }
        }
        self.write(&results, channels / groups_in_turn(network, layer))
    }
}

/// A sum that fits 32 bits; parts of it need not.
fn narrow_dot(weights: &[i16], elements: &[i16]) -> i32 {
    let products = weights.iter().zip(elements).map(|(w, x)| i32::from(*w).wrapping_mul(i32::from(*x)));
    products.fold(0, i32::wrapping_add)
}

/// As [`narrow_dot`], of elements of any size.
fn wide_dot(weights: &[i16], elements: &[i32]) -> i32 {
    let products = weights.iter().zip(elements).map(|(w, x)| i32::from(*w).wrapping_mul(*x));
    products.fold(0, i32::wrapping_add)
}
