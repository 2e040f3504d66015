//! Scales and biases of scores as float64 numbers, also where these do not hold them.

use crate::lower::chain::held;
use crate::lower::symbol::Parameter;
use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::One;

/// More scores than this keep the nearest factors: a common one would take long to find.
const MOST: usize = 1 << 16;

/// Scale, bias and divisor of scores, all held by float64, whose first `counts` elements of scale and bias are
/// `parameters`; `None` where they are held without a divisor, or with none.
pub(super) fn divided(parameters: [&Parameter; 2], counts: [usize; 2]) -> Option<(Vec<f64>, Vec<f64>, f64)> {
    let ratios = |index: usize| -> Option<Vec<BigRational>> {
        (0..counts[index]).map(|element| parameters[index].at(element).as_ratio()).collect()
    };
    if counts.iter().any(|count| *count > MOST) {
        return None;
    }
    over_one_divisor(&ratios(0)?, &ratios(1)?)
}

fn over_one_divisor(scales: &[BigRational], biases: &[BigRational]) -> Option<(Vec<f64>, Vec<f64>, f64)> {
    let all = || scales.iter().chain(biases);
    if all().all(|number| held(number).is_some()) {
        return None;
    }
    // What has more bits is no float64.
    let multiple = |multiple: BigInt, number: &BigRational| {
        Some(multiple.lcm(number.denom())).filter(|multiple| multiple.bits() <= 1024)
    };
    let denominator = all().try_fold(BigInt::one(), multiple)?;
    let multiplied = |numbers: &[BigRational]| -> Option<Vec<f64>> {
        numbers.iter().map(|number| held(&(number * &denominator))).collect()
    };
    Some((multiplied(scales)?, multiplied(biases)?, held(&denominator.clone().into())?))
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
    fn thirds_are_divided_at_last() {
        let found = over_one_divisor(&ratios(&[(1, 3)]), &ratios(&[(1, 3), (-2, 3), (1, 2)]));
        assert_eq!(found, Some((vec![2.0], vec![2.0, -4.0, 3.0], 6.0)));
    }

    #[test]
    fn what_float64_holds_stays() {
        assert_eq!(over_one_divisor(&ratios(&[(1, 4)]), &ratios(&[(3, 8)])), None);
    }

    #[test]
    fn what_no_divisor_mends_stays() {
        let wide = (1i64 << 62) + 1;
        assert_eq!(over_one_divisor(&ratios(&[(wide, 3)]), &ratios(&[(1, 3)])), None);
    }
}
