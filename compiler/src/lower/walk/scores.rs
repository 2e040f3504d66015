//! Scales and biases of scores as float64 numbers, where these do not hold them: no score that is zero becomes another
//! number, and where only the order counts, no score becomes equal to another.

use crate::lower::symbol::Parameter;
use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, ToPrimitive, Zero};

/// More scores than this keep the nearest factors: a common one would take long to find.
const MOST: usize = 1 << 16;

/// Bits before the point of the greatest float64.
const MOST_BITS: u64 = 1024;

/// The biases of scores, `biases` or others as near: what is a multiple of its scale is that product as float64 rounds it,
/// so that it cancels to zero.
pub(super) fn cancelling(parameters: [&Parameter; 2], scales: &[f64], mut biases: Vec<f64>) -> Vec<f64> {
    if scales.len() > biases.len() && biases[0] != 0.0 {
        biases = vec![biases[0]; scales.len()];
    }
    if biases.len() > MOST {
        return biases;
    }
    for (element, bias) in biases.iter_mut().enumerate().filter(|(_, bias)| **bias != 0.0) {
        let [scale, exact] = parameters.map(|parameter| parameter.at(element).as_ratio());
        let multiple = scale.zip(exact).and_then(|(scale, bias)| (!scale.is_zero()).then(|| bias / scale));
        let integer = multiple.filter(BigRational::is_integer).and_then(|multiple| multiple.to_i32());
        if let Some(integer) = integer {
            *bias = scales[element % scales.len()] * f64::from(integer);
        }
    }
    biases
}

/// Factors and summands with the same order of scores as the first `counts` elements of scale and bias, all held by
/// float64 without rounding; `None` where they are so already, or no common factor makes them so: then the nearest serve.
pub(super) fn comparable(parameters: [&Parameter; 2], counts: [usize; 2]) -> Option<(Vec<f64>, Vec<f64>)> {
    let ratios = |index: usize| -> Option<Vec<BigRational>> {
        (0..counts[index]).map(|element| parameters[index].at(element).as_ratio()).collect()
    };
    if counts.iter().any(|count| *count > MOST) {
        return None;
    }
    held_together(&ratios(0)?, &ratios(1)?)
}

/// As [`comparable`].
fn held_together(scales: &[BigRational], biases: &[BigRational]) -> Option<(Vec<f64>, Vec<f64>)> {
    let all = || scales.iter().chain(biases);
    if all().all(is_held) {
        return None;
    }
    // A number times the common denominator is a multiple of that over its own, which no common divisor takes away again:
    // beyond this, float64 holds none of them. The common denominator of a thousand quotients would take minutes.
    let most = all().map(|number| number.denom().bits()).max().unwrap_or(0) + MOST_BITS;
    let denominator = all().try_fold(BigInt::one(), |multiple, number| {
        let multiple = multiple.lcm(number.denom());
        (multiple.bits() <= most).then_some(multiple)
    })?;
    let integer = |number: &BigRational| number.numer() * (&denominator / number.denom());
    let divisor = all().fold(BigInt::zero(), |divisor, number| divisor.gcd(&integer(number)));
    let held = |numbers: &[BigRational]| -> Option<Vec<f64>> {
        let numbers = numbers.iter().map(|number| BigRational::from(integer(number) / &divisor));
        numbers.map(|number| number.to_f64().filter(|_| is_held(&number))).collect()
    };
    Some((held(scales)?, held(biases)?))
}

fn is_held(number: &BigRational) -> bool {
    number.to_f64().and_then(BigRational::from_float).is_some_and(|held| held == *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratios(numbers: &[(i64, i64)]) -> Vec<BigRational> {
        numbers
            .iter()
            .map(|(numerator, denominator)| BigRational::new((*numerator).into(), (*denominator).into()))
            .collect()
    }

    #[test]
    fn thirds_become_integers() {
        let found = held_together(&ratios(&[(1, 3)]), &ratios(&[(1, 3), (-2, 3), (1, 2)]));
        assert_eq!(found, Some((vec![2.0], vec![2.0, -4.0, 3.0])));
    }

    /// 1000 odd denominators have a common one of thousands of bits.
    #[test]
    fn a_common_factor_is_not_looked_for_without_end() {
        let parts: Vec<(i64, i64)> = (0..5000).map(|index| (1, (1 << 24) + 2 * index + 1)).collect();
        assert_eq!(held_together(&ratios(&parts), &ratios(&[(0, 1)])), None);
    }

    #[test]
    fn what_float64_holds_stays() {
        assert_eq!(held_together(&ratios(&[(1, 4)]), &ratios(&[(3, 8)])), None);
    }

    #[test]
    fn what_no_factor_mends_stays() {
        let wide = (1i64 << 62) + 1;
        assert_eq!(held_together(&ratios(&[(wide, 3)]), &ratios(&[(1, 3)])), None);
    }
}
