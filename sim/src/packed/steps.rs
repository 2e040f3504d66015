//! Step functions of a vector's channels.

use super::kernels;
use abi::StepFunction;

/// The step functions of one layer, prepared.
#[derive(Debug)]
pub(super) struct Steps {
    /// Where each channel's boundaries begin, and where the last one's end.
    starts: Vec<u32>,
    boundaries: Vec<i32>,
    /// The values of all channels; channel `c` begins at `starts[c] + c`, having one more value than boundaries.
    values: Vec<i32>,
    bits: Option<Comparisons>,
}

/// Functions to ±1 of at most one step: bit = (argument ≥ threshold) xor flip.
#[derive(Debug)]
struct Comparisons {
    thresholds: Vec<i32>,
    flips: Vec<u64>,
}

/// Up to this many boundaries, comparing with all is faster than searching.
const FEW: usize = 16;

impl Steps {
    pub(super) fn new(functions: &[StepFunction<i64>]) -> Self {
        let functions: Vec<StepFunction<i32>> = functions.iter().map(simplified).collect();
        let mut steps = Steps { starts: vec![0], boundaries: Vec::new(), values: Vec::new(), bits: None };
        for function in &functions {
            steps.boundaries.extend(&function.boundaries);
            steps.values.extend(&function.values);
            steps.starts.push(steps.boundaries.len() as u32);
        }
        steps.bits = Comparisons::new(&functions);
        steps
    }

    /// Replaces each argument by its value.
    pub(super) fn apply(&self, arguments: &mut [i32]) {
        for (channel, (argument, ends)) in arguments.iter_mut().zip(self.starts.windows(2)).enumerate() {
            let (start, end) = (ends[0] as usize, ends[1] as usize);
            let boundaries = &self.boundaries[start..end];
            let piece = if boundaries.len() <= FEW {
                boundaries.iter().map(|boundary| usize::from(boundary <= argument)).sum()
            } else {
                boundaries.partition_point(|boundary| boundary <= argument)
            };
            *argument = self.values[start + channel + piece];
        }
    }

    /// Writes the values straight to a plane of bits, where all functions allow it; says whether they do.
    pub(super) fn apply_to_bits(&self, arguments: &[i32], words: &mut [u64]) -> bool {
        let Some(Comparisons { thresholds, flips }) = &self.bits else { return false };
        kernels::compare(arguments, thresholds, flips, words);
        true
    }
}

impl Comparisons {
    fn new(functions: &[StepFunction<i32>]) -> Option<Self> {
        let mut bits = Comparisons { thresholds: Vec::new(), flips: vec![0; functions.len().div_ceil(64)] };
        for (channel, function) in functions.iter().enumerate() {
            // Every argument is at or above the least integer.
            let (threshold, flip) = match (function.boundaries.as_slice(), function.values.as_slice()) {
                ([], [1]) => (i32::MIN, false),
                ([], [-1]) => (i32::MIN, true),
                ([boundary], [-1, 1]) => (*boundary, false),
                ([boundary], [1, -1]) => (*boundary, true),
                _ => return None,
            };
            bits.thresholds.push(threshold);
            bits.flips[channel / 64] |= u64::from(flip) << (channel % 64);
        }
        Some(bits)
    }
}

/// The same function of 32-bit arguments, without the boundaries that no argument reaches or that change nothing.
fn simplified(function: &StepFunction<i64>) -> StepFunction<i32> {
    let below = function.boundaries.partition_point(|boundary| *boundary <= i64::from(i32::MIN));
    let mut result = StepFunction::constant(function.values[below]);
    for (boundary, value) in function.boundaries.iter().zip(&function.values[1..]).skip(below) {
        let Ok(boundary) = i32::try_from(*boundary) else { break };
        if result.values.last() != Some(value) {
            result.boundaries.push(boundary);
            result.values.push(*value);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn function() -> impl Strategy<Value = StepFunction<i64>> {
        let boundary = prop_oneof![-20i64..20, any::<i64>(), Just(i64::from(i32::MIN)), Just(i64::from(i32::MAX))];
        prop::collection::btree_set(boundary, 0..24).prop_flat_map(|boundaries| {
            let boundaries: Vec<i64> = boundaries.into_iter().collect();
            prop::collection::vec(prop_oneof![Just(-1), Just(1), -3..3], boundaries.len() + 1)
                .prop_map(move |values| StepFunction { boundaries: boundaries.clone(), values })
        })
    }

    fn argument() -> impl Strategy<Value = i32> {
        prop_oneof![-25..25, any::<i32>(), Just(i32::MIN), Just(i32::MAX)]
    }

    proptest! {
        #[test]
        fn values_are_those_of_the_functions(channels in prop::collection::vec((function(), argument()), 1..80)) {
            let (functions, arguments): (Vec<_>, Vec<_>) = channels.into_iter().unzip();
            let mut values = arguments.clone();
            Steps::new(&functions).apply(&mut values);
            let at = |(function, argument): (&StepFunction<i64>, &i32)| function.at(i64::from(*argument));
            prop_assert_eq!(values, functions.iter().zip(&arguments).map(at).collect::<Vec<_>>());
        }

        #[test]
        fn bits_are_those_of_the_functions(
            channels in prop::collection::vec((argument(), any::<i64>(), 0u8..6, argument()), 1..150),
        ) {
            let function = |(near, far, kind, _): &(i32, i64, u8, i32)| match kind {
                0 => StepFunction::constant(1),
                1 => StepFunction::constant(-1),
                2 => StepFunction { boundaries: vec![*far], values: vec![1, -1] },
                3 => StepFunction { boundaries: vec![i64::from(*near)], values: vec![1, -1] },
                4 => StepFunction { boundaries: vec![i64::from(*near), i64::from(*near) + 3], values: vec![-1, -1, 1] },
                _ => StepFunction { boundaries: vec![i64::from(*near)], values: vec![-1, 1] },
            };
            let functions: Vec<_> = channels.iter().map(function).collect();
            let arguments: Vec<i32> = channels.iter().map(|channel| channel.3).collect();
            let mut words = vec![u64::MAX; channels.len().div_ceil(64)];
            prop_assert!(Steps::new(&functions).apply_to_bits(&arguments, &mut words));
            for (index, word) in words.iter().enumerate() {
                for bit in 0..64 {
                    let channel = 64 * index + bit;
                    let set = channel < channels.len() && functions[channel].at(i64::from(arguments[channel])) == 1;
                    prop_assert_eq!(word >> bit & 1 == 1, set, "channel {}", channel);
                }
            }
        }
    }
}
