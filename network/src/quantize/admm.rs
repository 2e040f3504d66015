//! The nearest scaled vector of a small alphabet: the projection of ADMM.
//!
//! Leng, Dou, Li, Zhu, Jin: Extremely low bit neural network: squeeze the last bit out with ADMM, AAAI 2018, section
//! "Algorithm subproblems": factor and codes are fitted in turn until neither changes. The training around it is not
//! done here.

use super::{Granularity, Quantized, Scales, Weights, greatest_magnitude, mean_magnitude};

/// Codes that weights may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// ±1
    Binary,
    /// 0, ±1
    Ternary,
    /// 0, ±1, ±2
    Two,
    /// 0, ±1, ±2, ±4
    Four,
}

impl Alphabet {
    /// The codes that are not negative, ascending.
    pub fn magnitudes(self) -> &'static [i32] {
        match self {
            Alphabet::Binary => &[1],
            Alphabet::Ternary => &[0, 1],
            Alphabet::Two => &[0, 1, 2],
            Alphabet::Four => &[0, 1, 2, 4],
        }
    }

    /// Bits of a code.
    pub fn bits(self) -> u32 {
        match self {
            Alphabet::Binary => 1,
            Alphabet::Ternary => 2,
            Alphabet::Two | Alphabet::Four => 3,
        }
    }

    fn nearest(self, value: f64) -> i32 {
        let distance = |code: i32| (value.abs() - f64::from(code)).abs();
        let mut nearest = self.magnitudes()[0];
        for code in &self.magnitudes()[1..] {
            if distance(*code) < distance(nearest) {
                nearest = *code;
            }
        }
        nearest * super::sign(value)
    }
}

/// The projection, for each part by itself.
pub(super) fn quantize(weights: &Weights<'_>, alphabet: Alphabet, granularity: Granularity) -> Quantized {
    let mut codes = Vec::with_capacity(weights.values.len());
    let mut scales = Vec::new();
    for part in weights.parts(granularity) {
        let (own, scale) = project(part, alphabet);
        codes.extend(own);
        scales.push(scale);
    }
    Quantized::scaled(weights, codes, Scales::new(granularity, scales), alphabet.bits())
}

/// Most rounds of the alternation; it ends by itself, since no round is worse and codes are finitely many.
const ROUNDS: usize = 1000;

/// Codes and factor. The alternation ends in a minimum that depends on where it starts, so it starts in some places.
fn project(values: &[f64], alphabet: Alphabet) -> (Vec<i32>, f64) {
    let greatest = greatest_magnitude(values);
    if greatest == 0.0 {
        return (vec![0; values.len()], 1.0);
    }
    let largest = f64::from(*alphabet.magnitudes().last().unwrap_or(&1));
    let starts = [mean_magnitude(values), greatest / largest, greatest / largest / 2.0, greatest / largest / 4.0];
    let results = starts.map(|start| alternate(values, alphabet, start));
    let [first, others @ ..] = results;
    let better = |best: (Vec<i32>, f64, f64), other: (Vec<i32>, f64, f64)| if other.2 < best.2 { other } else { best };
    let (codes, scale, _) = others.into_iter().fold(first, better);
    (codes, scale)
}

/// Codes, factor and squared error after the alternation from `scale`.
fn alternate(values: &[f64], alphabet: Alphabet, mut scale: f64) -> (Vec<i32>, f64, f64) {
    let mut codes: Vec<i32> = Vec::new();
    for _ in 0..ROUNDS {
        let next: Vec<i32> = values.iter().map(|value| alphabet.nearest(value / scale)).collect();
        let square: f64 = next.iter().map(|code| f64::from(code * code)).sum();
        if next == codes || square == 0.0 {
            break;
        }
        codes = next;
        scale = values.iter().zip(&codes).map(|(value, code)| value * f64::from(*code)).sum::<f64>() / square;
    }
    if codes.is_empty() {
        codes = vec![0; values.len()];
    }
    let error = values.iter().zip(&codes).map(|(value, code)| (value - scale * f64::from(*code)).powi(2)).sum();
    (codes, scale, error)
}
