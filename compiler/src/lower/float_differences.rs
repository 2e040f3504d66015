//! Finds where float32 rounding can matter to a quantised chain, and where it does.

use super::chain::QuantisedChain;
use super::steps::Lattice;
use abi::StepFunction;
use network::network::{FloatDifference, MAX_DIFFERENCES, SensitiveSteps};

/// Most values of one quantiser that are looked at: where a bias dwarfs the sums, all of them hang on rounding.
const MAX_VALUES: u64 = 1 << 20;

/// Most intervals of one channel that are looked at.
const MAX_QUESTIONS: usize = 1 << 18;

/// The search through one quantiser's channels.
#[derive(Clone, Debug)]
pub struct Search {
    /// The steps found, the values among them, and whether these are all.
    found: SensitiveSteps,
    /// How many more values may be looked at.
    values: u64,
}

impl Search {
    /// Nothing of the quantiser of `node` has been looked at.
    pub fn new(node: &str) -> Self {
        let found =
            SensitiveSteps { node: node.into(), channels: Vec::new(), differences: Vec::new(), is_complete: true };
        Search { found, values: MAX_VALUES }
    }

    /// What has been found, if anything.
    pub fn finish(self) -> Option<SensitiveSteps> {
        (!self.found.channels.is_empty()).then_some(self.found)
    }

    /// Looks at the next channel: adds the steps that have a neighbour on `lattice` whose code hangs on float32 rounding,
    /// and the values of which a float32 program that rounds each node's result once makes another code.
    ///
    /// A step counts that lies just beyond the lattice: float32 may round the last value over it.
    pub fn channel(&mut self, channel: usize, chain: &QuantisedChain, steps: &StepFunction<i64>, lattice: Lattice) {
        if chain.quantiser.is_of_integers() {
            return;
        }
        let step = lattice.step;
        let is_sensitive = |sum: i64| chain.is_sensitive(sum as f64);
        let is_near = |boundary: &&i64| is_sensitive(**boundary) || is_sensitive(**boundary - step);
        let mut count = steps.boundaries.iter().filter(is_near).count();
        // Least value that has not been looked at.
        let mut next = lattice.first;
        let mut is_complete = true;
        let seeds = seeds(chain, steps, lattice, &mut is_complete);
        self.found.is_complete &= is_complete;
        for seed in seeds {
            if seed < next || !is_sensitive(seed) {
                continue;
            }
            let low = self.walk(seed, -step, |sum| sum >= next && is_sensitive(sum));
            let high = self.walk(seed, step, |sum| sum <= lattice.last() && is_sensitive(sum));
            next = high + step;
            let boundary = steps.boundaries.partition_point(|boundary| *boundary < low);
            let has_boundary = steps.boundaries.get(boundary).is_some_and(|boundary| *boundary <= next);
            count += usize::from(!has_boundary);
            for sum in (low..next).step_by(step as usize) {
                let exact = i64::from(steps.at(sum));
                let Ok(float) = chain.framework_code(sum as f64) else { continue };
                if float == exact {
                    continue;
                }
                if self.found.differences.len() == MAX_DIFFERENCES {
                    self.found.is_complete = false;
                    break;
                }
                let value = chain.value(sum as f64).unwrap_or(f64::NAN);
                self.found.differences.push(FloatDifference { channel, sum, value, exact, float });
            }
        }
        self.found.channels.extend(std::iter::repeat_n(channel, count));
    }

    /// The farthest value from `start` on of which `goes_on` holds, and of all in between.
    fn walk(&mut self, start: i64, step: i64, goes_on: impl Fn(i64) -> bool) -> i64 {
        let mut last = start;
        while goes_on(last + step) {
            if self.values == 0 {
                self.found.is_complete = false;
                break;
            }
            self.values -= 1;
            last += step;
        }
        last
    }
}

/// The values from which all that hang on rounding are reached by neighbours that do, ascending. Between two codes that
/// hang on nothing and are equal, float32 makes the same code of everything where the chain is monotone.
fn seeds(
    chain: &QuantisedChain,
    steps: &StepFunction<i64>,
    lattice: Lattice,
    is_complete: &mut bool,
) -> Box<dyn Iterator<Item = i64>> {
    if !chain.is_monotone() {
        return Box::new(turning_seeds(chain, lattice, is_complete).into_iter());
    }
    let sides = steps.boundaries.clone().into_iter().flat_map(move |boundary| [boundary - lattice.step, boundary]);
    Box::new(std::iter::once(lattice.first).chain(sides).chain([lattice.last()]))
}

/// As [`seeds`], of a chain that may turn: intervals, halved until nothing in them hangs on rounding.
fn turning_seeds(chain: &QuantisedChain, lattice: Lattice, is_complete: &mut bool) -> Vec<i64> {
    let mut seeds = Vec::new();
    let mut open = vec![(0, lattice.count - 1)];
    for _ in 0..MAX_QUESTIONS {
        let Some((low, high)) = open.pop() else { return seeds };
        if !chain.is_sensitive_between(lattice.at(low) as f64, lattice.at(high) as f64) {
            continue;
        }
        if low == high {
            seeds.push(lattice.at(low));
            continue;
        }
        let middle = low + (high - low) / 2;
        open.push((middle + 1, high));
        open.push((low, middle));
    }
    *is_complete = false;
    seeds
}
