//! The codes that step functions go through as thresholds are passed.

use abi::{ElementType, StepFunction};
use network::network::{LayerId, LayerKind, Network, TensorType};
use std::collections::BTreeSet;

/// Most thresholds of a step function in hardware: those of 8 bits.
pub const MAX_THRESHOLDS: usize = 255;

/// The values that the step functions of a layer go through from the least argument to the greatest: one more threshold
/// reached is one value further.
///
/// All channels share the values and differ in their thresholds; a channel that leaves a value out has two equal
/// thresholds. So values need not be evenly spaced, nor rise. Zero bits, which unused lanes must hold, are among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    values: Vec<i64>,
}

/// Where a step function passes a threshold of its layer's [`Ladder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rung {
    /// Below every argument.
    Always,
    /// At and above this argument.
    From(i64),
    /// Above every argument.
    Never,
}

impl Ladder {
    /// The values of `steps` into `tensor`, and where other steps may take their place, all codes of the tensor.
    ///
    /// Steps that have no values in common order, which [`holds`](Self::holds) checks, get those of rising ones.
    pub fn of(steps: &[StepFunction<i64>], tensor: &TensorType, writable: bool) -> Ladder {
        if writable {
            return Ladder::full(tensor);
        }
        let longest = steps.iter().max_by_key(|step| step.values.len());
        if let Some(longest) = longest.filter(|_| !steps.iter().all(StepFunction::is_rising)) {
            let mut ladder = Ladder { values: longest.values.iter().map(|value| i64::from(*value)).collect() };
            if !ladder.values.contains(&zero_bits(tensor)) {
                ladder.values.insert(0, zero_bits(tensor));
            }
            if ladder.holds(steps) {
                return ladder.with_a_threshold(tensor);
            }
            if let Some(ladder) = ladder.extended(steps) {
                return ladder.with_a_threshold(tensor);
            }
        }
        if tensor.element == ElementType::Bipolar {
            return Ladder::full(tensor);
        }
        let values: BTreeSet<i32> = steps.iter().flat_map(|step| step.values.iter().copied()).chain([0]).collect();
        Ladder { values: values.into_iter().map(i64::from).collect() }.with_a_threshold(tensor)
    }

    /// The values of the steps in `layer`, `None` where it has none.
    pub fn of_layer(network: &Network, layer: LayerId) -> Option<Ladder> {
        let layer = network.layer(layer);
        let LayerKind::MultiThreshold(steps) = &layer.kind else { return None };
        Some(Ladder::of(steps, network.tensor(layer.output), network.replaceable))
    }

    /// Every code from the least to the greatest.
    fn full(tensor: &TensorType) -> Ladder {
        let step = tensor.element.step();
        let (least, greatest) = match tensor.element {
            ElementType::Bipolar => (-1, 1),
            ElementType::Unsigned { .. } | ElementType::Signed { .. } => (tensor.minimum.min(0), tensor.maximum.max(0)),
        };
        let values = (least..=greatest).step_by(step as usize).collect();
        Ladder { values }.with_a_threshold(tensor)
    }

    /// With at least one threshold, which makes hardware of the same form.
    fn with_a_threshold(mut self, tensor: &TensorType) -> Ladder {
        if self.values.len() == 1 {
            self.values.push(self.values[0] + tensor.element.step());
        }
        self
    }

    /// The values with those of each of `steps` put in between, as few as can be for one after the other; `None` where there
    /// are too many for hardware.
    fn extended(mut self, steps: &[StepFunction<i64>]) -> Option<Ladder> {
        for step in steps {
            if self.places(step).is_none() {
                let values: Vec<i64> = step.values.iter().map(|value| i64::from(*value)).collect();
                self.values = merged(&self.values, &values);
            }
            if self.values.len() > MAX_THRESHOLDS + 1 {
                return None;
            }
        }
        Some(self)
    }

    /// Number of thresholds, at least one.
    pub fn levels(&self) -> usize {
        self.values.len() - 1
    }

    /// The value below all thresholds, and those above each.
    pub fn values(&self) -> &[i64] {
        &self.values
    }

    /// Whether every step function goes through some of the values in their order.
    pub fn holds(&self, steps: &[StepFunction<i64>]) -> bool {
        steps.iter().all(|step| self.places(step).is_some())
    }

    /// For each value of `step` its place among the values.
    fn places(&self, step: &StepFunction<i64>) -> Option<Vec<usize>> {
        let mut places: Vec<usize> = Vec::with_capacity(step.values.len());
        for value in &step.values {
            let from = places.last().map_or(0, |place| place + 1);
            let found = self.values.iter().skip(from).position(|own| *own == i64::from(*value))?;
            places.push(from + found);
        }
        Some(places)
    }

    /// The thresholds of `step`, in the order of the values. A value that is not among them is passed by.
    pub fn rungs(&self, step: &StepFunction<i64>) -> Vec<Rung> {
        let rung = |level: usize| match step.values.iter().position(|value| i64::from(*value) >= self.values[level]) {
            None => Rung::Never,
            Some(0) => Rung::Always,
            Some(piece) => Rung::From(step.boundaries[piece - 1]),
        };
        let Some(places) = self.places(step) else {
            return (1..self.values.len()).map(rung).collect();
        };
        // Below the first place every threshold is reached, beyond the last none.
        let rung = |level: usize| match places.partition_point(|place| *place < level) {
            0 => Rung::Always,
            piece if piece == places.len() => Rung::Never,
            piece => Rung::From(step.boundaries[piece - 1]),
        };
        (1..self.values.len()).map(rung).collect()
    }

    /// The thresholds that make zero bits of any argument.
    pub fn zero_rungs(&self, tensor: &TensorType) -> Vec<Rung> {
        let place = self.values.iter().position(|value| *value == zero_bits(tensor)).unwrap_or(0);
        (0..self.levels()).map(|level| if level < place { Rung::Always } else { Rung::Never }).collect()
    }
}

/// The shortest list that goes through both lists in their order.
fn merged(a: &[i64], b: &[i64]) -> Vec<i64> {
    // For each pair of ends the length of the longest list that both have.
    let width = b.len() + 1;
    let mut common = vec![0u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i * width + j] = match a[i] == b[j] {
                true => common[(i + 1) * width + j + 1] + 1,
                false => common[(i + 1) * width + j].max(common[i * width + j + 1]),
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut values = Vec::with_capacity(a.len() + b.len());
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            values.push(a[i]);
            (i, j) = (i + 1, j + 1);
        } else if common[(i + 1) * width + j] >= common[i * width + j + 1] {
            values.push(a[i]);
            i += 1;
        } else {
            values.push(b[j]);
            j += 1;
        }
    }
    values.extend_from_slice(&a[i..]);
    values.extend_from_slice(&b[j..]);
    values
}

/// The value whose code is zero bits.
fn zero_bits(tensor: &TensorType) -> i64 {
    if tensor.element == ElementType::Bipolar { -1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(boundaries: &[i64], values: &[i32]) -> StepFunction<i64> {
        StepFunction { boundaries: boundaries.to_vec(), values: values.to_vec() }
    }

    /// What hardware makes of `argument`: the value behind as many thresholds as are reached.
    fn climbed(ladder: &Ladder, rungs: &[Rung], argument: i64) -> i64 {
        let is_reached = |rung: &Rung| match rung {
            Rung::Always => true,
            Rung::From(boundary) => argument >= *boundary,
            Rung::Never => false,
        };
        let passed = |(level, rung): (usize, &Rung)| {
            if is_reached(rung) { ladder.values()[level + 1] - ladder.values()[level] } else { 0 }
        };
        ladder.values()[0] + rungs.iter().enumerate().map(passed).sum::<i64>()
    }

    #[test]
    fn ladders_give_what_their_steps_give() {
        let unsigned = TensorType::vector(3, ElementType::Unsigned { bits: 4 });
        let signed = TensorType::vector(3, ElementType::Signed { bits: 5 });
        let bipolar = TensorType::vector(3, ElementType::Bipolar);
        let cases = [
            // Evenly spaced, with values left out at either end and between.
            (unsigned, vec![step(&[3, 5], &[0, 1, 2]), step(&[4], &[0, 2]), step(&[], &[1])], 2),
            // Levels 0, 3 and 10 need two thresholds.
            (unsigned, vec![step(&[1, 6], &[0, 3, 10]), step(&[2], &[3, 10]), step(&[], &[0])], 2),
            // Zero is not a value of the steps, but of unused lanes.
            (signed, vec![step(&[-5, 0, 5], &[-13, -3, 3, 13]), step(&[0], &[-3, 3])], 4),
            // Neither rising nor falling.
            (bipolar, vec![step(&[-4, 0, 4], &[-1, 1, -1, 1]), step(&[1, 2], &[1, -1, 1]), step(&[0], &[1, -1])], 3),
            (signed, vec![step(&[0], &[5, -5])], 2),
            // Channels that turn at different values.
            (signed, vec![step(&[1, 2, 3], &[0, -2, 0, 3]), step(&[0, 5], &[-1, 0, 1]), step(&[1, 9], &[0, -1, 0])], 5),
            (bipolar, vec![step(&[], &[1])], 1),
        ];
        for (tensor, steps, levels) in cases {
            let ladder = Ladder::of(&steps, &tensor, false);
            assert!(ladder.holds(&steps), "{ladder:?}");
            assert_eq!(ladder.levels(), levels, "{ladder:?}");
            for step in &steps {
                let rungs = ladder.rungs(step);
                for argument in -20..20 {
                    assert_eq!(climbed(&ladder, &rungs, argument), i64::from(step.at(argument)), "{ladder:?} {step:?}");
                }
            }
            let zero = climbed(&ladder, &ladder.zero_rungs(&tensor), 7);
            assert_eq!(tensor.element.encode(zero), 0, "{ladder:?}");
        }
    }

    #[test]
    fn steps_in_no_common_order_are_told() {
        let tensor = TensorType::vector(2, ElementType::Unsigned { bits: 8 });
        let up: Vec<i32> = (0..200).collect();
        let down: Vec<i32> = up.iter().rev().copied().collect();
        let boundaries: Vec<i64> = (1..200).collect();
        let steps = [step(&boundaries, &up), step(&boundaries, &down)];
        assert!(!Ladder::of(&steps, &tensor, false).holds(&steps));
        let steps = [step(&[0, 1], &[0, 2, 1]), step(&[0, 1], &[1, 2, 0])];
        assert!(Ladder::of(&steps, &tensor, false).holds(&steps));
    }

    #[test]
    fn other_steps_may_take_every_code() {
        let tensor = TensorType::vector(1, ElementType::Unsigned { bits: 2 });
        assert_eq!(Ladder::of(&[step(&[0], &[0, 3])], &tensor, true).values(), [0, 1, 2, 3]);
    }
}
