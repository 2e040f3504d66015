//! Weights that are sums of a few numbers, each with either sign: as many bipolar weights, with a factor each.

use crate::chip::number::bits_for;
use serde::{Deserialize, Serialize};

/// The most factors.
const MOST: usize = 5;

/// The factors of a layer's weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bases {
    /// The factors, the greatest first, then zeros.
    factors: [u16; MOST],
    /// Whether the factors make twice each weight.
    doubled: bool,
}

impl Bases {
    /// The fewest factors of the given different weights, ascending; `None` where a few are not enough, or where the
    /// weights are only two, which are ±1 and a bias.
    pub fn of(weights: &[i64]) -> Option<Self> {
        if !(3..=1 << MOST).contains(&weights.len()) {
            return None;
        }
        let greatest = *weights.last()?;
        // Of the sign patterns that make the weights the greatest one's is taken for all plus: what another weight is
        // less than it is then the sum of the factors whose signs differ.
        let less: Vec<i64> = weights.iter().rev().map(|weight| greatest - weight).collect();
        let found = (2..=MOST).find_map(|count| complete(&less, 2 * greatest, &mut Vec::new(), count))?;
        let doubled = found.iter().any(|factor| factor % 2 != 0);
        let mut factors = [0; MOST];
        for (place, factor) in factors.iter_mut().zip(&found) {
            *place = u16::try_from(factor.unsigned_abs() / if doubled { 1 } else { 2 }).ok()?;
        }
        factors.sort_unstable_by(|a, b| b.cmp(a));
        Some(Bases { factors, doubled })
    }

    /// The factors.
    pub fn factors(&self) -> impl Iterator<Item = u16> + use<> {
        self.factors.into_iter().filter(|factor| *factor > 0)
    }

    /// Factors.
    pub fn count(&self) -> usize {
        self.factors().count()
    }

    /// How many times each weight the factors make: 1 or 2.
    pub fn gain(&self) -> i64 {
        if self.doubled { 2 } else { 1 }
    }

    /// The powers of two that the factors are sums of: base and exponent of each.
    pub fn terms(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let bits = |(base, factor): (usize, u16)| {
            (0..bits_for(factor.into())).filter(move |bit| factor >> bit & 1 == 1).map(move |bit| (base, bit))
        };
        self.factors().enumerate().flat_map(bits)
    }

    /// The signs that make a weight: a bit for each base, set for plus. All plus for 0 where no signs make it.
    pub fn encode(&self, weight: i64) -> u64 {
        let all = (1u64 << self.count()) - 1;
        let sum = |code: &u64| {
            let sign = |base: usize| if code >> base & 1 == 1 { 1 } else { -1 };
            self.factors().enumerate().map(|(base, factor)| sign(base) * i64::from(factor)).sum::<i64>()
        };
        (0..=all).rev().find(|code| sum(code) == self.gain() * weight).unwrap_or(all)
    }

    /// What is added for a lane `x` of `bits` bits with the signs of the given code: `x` times each factor, or its
    /// complement where the sign is minus.
    pub fn product(&self, code: u64, x: i64, bits: usize) -> i64 {
        let lane = |base: usize| if code >> base & 1 == 1 { x } else { (1 << bits) - 1 - x };
        self.factors().enumerate().map(|(base, factor)| lane(base) * i64::from(factor)).sum()
    }
}

/// `found` and more, `count` factors in all, whose sum is `whole` and of which each of `less` is the sum of some.
///
/// Each number that no sum makes yet is that of a new factor and some of those before, so this misses sets where two
/// factors never differ alone.
fn complete(less: &[i64], whole: i64, found: &mut Vec<i64>, count: usize) -> Option<Vec<i64>> {
    let sums =
        found.iter().fold(vec![0], |sums: Vec<i64>, factor| sums.iter().flat_map(|sum| [*sum, sum + factor]).collect());
    let Some(next) = less.iter().find(|number| !sums.contains(number)) else {
        // The same sign in all weights.
        let rest = whole - found.iter().sum::<i64>();
        let mut all = found.clone();
        if rest != 0 {
            all.push(rest);
        }
        return (all.len() <= count).then_some(all);
    };
    if found.len() == count {
        return None;
    }
    for sum in &sums {
        if next - sum != 0 {
            found.push(next - sum);
            let all = complete(less, whole, found, count);
            found.pop();
            if all.is_some() {
                return all;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All sums of `factors` with either sign that `keep` keeps, by half where all are even.
    fn sums(factors: &[i64], keep: impl Fn(usize) -> bool) -> Vec<i64> {
        let sum = |code: usize| {
            let signed =
                factors.iter().enumerate().map(|(n, factor)| if code >> n & 1 == 1 { *factor } else { -factor });
            signed.sum::<i64>()
        };
        let mut all: Vec<i64> = (0..1 << factors.len()).filter(|code| keep(*code)).map(sum).collect();
        if all.iter().all(|sum| sum % 2 == 0) {
            all.iter_mut().for_each(|sum| *sum /= 2);
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    fn agrees(weights: &[i64], count: usize) {
        let bases = Bases::of(weights).unwrap_or_else(|| panic!("{weights:?} has bases"));
        assert!(bases.count() <= count, "{weights:?}: {bases:?}");
        for weight in weights {
            let offset = bases.product(bases.encode(*weight), 0, 2);
            for x in 0..4 {
                let product = bases.product(bases.encode(*weight), x, 2);
                assert_eq!(product - offset, bases.gain() * weight * x, "{weight}: {bases:?}");
            }
        }
        let terms: u64 = bases.terms().map(|(_, bit)| 1u64 << bit).sum();
        assert_eq!(terms, bases.factors().map(u64::from).sum::<u64>());
    }

    #[test]
    fn bases_of_weights_are_found() {
        // As ABC-Net shifts them: each weight changes one sign of the one before.
        let ladder = |code: usize| (code + 1).is_power_of_two();
        for factors in [&[37, 12, 5][..], &[9, 2], &[3, 1], &[20, 11, 7, 6], &[31, 17, 8, 5, 2]] {
            agrees(&sums(factors, ladder), factors.len());
            agrees(&sums(factors, |_| true), factors.len());
            agrees(&sums(factors, |code| code != 1), factors.len());
        }
        agrees(&[-3, -1, 1, 3], 2);
        agrees(&[1, 3, 5], 3);
        agrees(&(-8..=7).collect::<Vec<_>>(), 5);
    }

    #[test]
    fn other_weights_have_no_bases() {
        assert_eq!(Bases::of(&[-1, 1]), None, "±1");
        assert_eq!(Bases::of(&(-20..20).collect::<Vec<_>>()), None, "too many");
        assert_eq!(Bases::of(&[-100, -61, -7, 0, 3, 29, 58, 90]), None);
    }
}
