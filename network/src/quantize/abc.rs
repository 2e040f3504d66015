//! Sums of shifted binary bases.
//!
//! Lin, Zhao, Pan: Towards accurate binary convolutional neural network, NIPS 2017, equations 3 and 4:
//! B_m = sign(W − mean(W) + u_m · std(W)) with u_m evenly from −1 to 1, and factors by least squares.

use super::{Basis, Format, Granularity, Quantized, Scales, Weights, mean, sign};

/// α₁·B₁ + … of `count` bases; one set of factors for each part.
pub(super) fn quantize(weights: &Weights<'_>, count: usize, granularity: Granularity) -> Quantized {
    let mut codes = vec![Vec::with_capacity(weights.values.len()); count];
    let mut factors = vec![Vec::new(); count];
    for part in weights.parts(granularity) {
        let centre = mean(part.iter().copied());
        let deviation = mean(part.iter().map(|weight| (weight - centre).powi(2))).sqrt();
        let shift = |index: usize| {
            if count == 1 { 0.0 } else { -1.0 + 2.0 * index as f64 / (count - 1) as f64 }
        };
        let bases: Vec<Vec<i32>> = (0..count)
            .map(|index| part.iter().map(|weight| sign(weight - centre + shift(index) * deviation)).collect())
            .collect();
        for (index, factor) in least_squares(&bases, part).into_iter().enumerate() {
            factors[index].push(factor);
        }
        for (all, own) in codes.iter_mut().zip(bases) {
            all.extend(own);
        }
    }
    let bases = codes.into_iter().zip(factors);
    let bases = bases.map(|(codes, factors)| Basis { codes, scales: Scales::new(granularity, factors) });
    Quantized::new(weights, Format::Sum(bases.collect()), count as u32)
}

/// The factors for which the sum of the bases is the nearest to `values`. A basis that the ones before make up gets 0.
fn least_squares(bases: &[Vec<i32>], values: &[f64]) -> Vec<f64> {
    let count = bases.len();
    let product = |a: &[i32], b: &[i32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let mut rows: Vec<Vec<f64>> = (0..count)
        .map(|row| {
            let mut equation: Vec<f64> = bases.iter().map(|other| product(&bases[row], other)).collect();
            equation.push(bases[row].iter().zip(values).map(|(code, value)| f64::from(*code) * value).sum());
            equation
        })
        .collect();
    // Gauss-Jordan; the matrix of products is positive semidefinite, so its diagonal serves as pivots.
    for pivot in 0..count {
        if rows[pivot][pivot] <= 1e-9 * values.len() as f64 {
            rows[pivot].fill(0.0);
            continue;
        }
        let own = rows[pivot].clone();
        for (index, row) in rows.iter_mut().enumerate().filter(|(index, _)| *index != pivot) {
            let factor = row[pivot] / own[pivot];
            if index != pivot {
                row.iter_mut().zip(&own).for_each(|(element, own)| *element -= factor * own);
            }
        }
    }
    (0..count).map(|row| if rows[row][row] == 0.0 { 0.0 } else { rows[row][count] / rows[row][row] }).collect()
}

#[cfg(test)]
mod tests {
    use super::least_squares;

    #[test]
    fn a_repeated_basis_takes_no_part() {
        let bases = [vec![1, 1, -1, -1], vec![1, 1, -1, -1], vec![1, -1, 1, -1]];
        let factors = least_squares(&bases, &[3.0, 1.0, -1.0, -3.0]);
        assert_eq!(factors, [2.0, 0.0, 1.0]);
    }
}
