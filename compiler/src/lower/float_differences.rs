//! Finds where float32 rounding can matter to a quantised chain, and where it does.

use super::chain::QuantisedChain;
use super::steps::Lattice;
use abi::StepFunction;
use network::network::FloatDifference;

/// Most values on either side of a boundary that are looked at.
const MOST_NEAR: u64 = 1 << 10;

/// How many steps have a neighbour on `lattice` whose code hangs on float32 rounding, and the values of which a float32
/// program that rounds each node's result once makes another code, ascending, at most `most` of them.
///
/// A step counts that lies just beyond the lattice: float32 may round the last value over it.
pub fn float_differences(
    chain: &QuantisedChain,
    steps: &StepFunction<i64>,
    lattice: Lattice,
    most: usize,
) -> (usize, Vec<FloatDifference>) {
    let step = lattice.step;
    let is_sensitive = |sum: i64| chain.is_sensitive(sum as f64);
    let is_near = |boundary: &&i64| is_sensitive(**boundary) || is_sensitive(**boundary - step);
    let mut count = steps.boundaries.iter().filter(is_near).count();
    let mut found = Vec::new();
    // Least value that has not been looked at.
    let mut next = lattice.first;
    for seed in seeds(chain, steps, lattice) {
        if seed < next || !is_sensitive(seed) {
            continue;
        }
        let walk = |step: i64| (1..MOST_NEAR as i64).map(move |distance| seed + distance * step);
        let low = walk(-step).take_while(|sum| *sum >= next && is_sensitive(*sum)).last().unwrap_or(seed);
        let high = walk(step).take_while(|sum| *sum <= lattice.last() && is_sensitive(*sum)).last().unwrap_or(seed);
        next = high + step;
        let boundary = steps.boundaries.partition_point(|boundary| *boundary < low);
        let has_boundary = steps.boundaries.get(boundary).is_some_and(|boundary| *boundary <= next);
        count += usize::from(!has_boundary);
        for sum in (low..next).step_by(step as usize) {
            let exact = i64::from(steps.at(sum));
            if let Ok(float) = chain.float_code(sum as f64)
                && float != exact
                && found.len() < most
            {
                let value = chain.value(sum as f64).unwrap_or(f64::NAN);
                found.push(FloatDifference { channel: 0, sum, value, exact, float });
            }
        }
    }
    (count, found)
}

/// The values from which all that hang on rounding are reached by neighbours that do, ascending. Between two codes that
/// hang on nothing and are equal, float32 makes the same code of everything where the chain is monotone.
fn seeds(chain: &QuantisedChain, steps: &StepFunction<i64>, lattice: Lattice) -> Box<dyn Iterator<Item = i64>> {
    if !chain.is_monotone() {
        return Box::new((0..lattice.count).map(move |index| lattice.at(index)));
    }
    let sides = steps.boundaries.clone().into_iter().flat_map(move |boundary| [boundary - lattice.step, boundary]);
    Box::new(std::iter::once(lattice.first).chain(sides).chain([lattice.last()]))
}
