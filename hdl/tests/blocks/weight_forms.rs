//! The matrix-vector unit with weights of a form: sums of powers of two, groups with a scale, sums of factors.

use abi::ElementType;
use network::network::WeightMatrix;

use crate::control::agree;
use crate::dot::{POWERS, SUMS, bases, groups, inputs, of_values, scaled, shifts};
use crate::matrix_vector_unit::{Case, PARTS, Size};
use crate::stream::{FREE, PRESSURES};
use crate::support::Stimulus;
use crate::thresholds::outputs;

/// Sums of one power of two and of two, in words that do not divide a part, of padding, of lanes that hold anything.
#[test]
fn weights_that_are_sums_of_powers_of_two() {
    for (index, ((groups, taps), ((rows, part), folding))) in PARTS.into_iter().enumerate() {
        for (n, values) in POWERS.into_iter().enumerate() {
            let mut stimulus = Stimulus::new((index + n) as u64);
            let weights = of_values(&mut stimulus, groups * rows, taps * part, values);
            let input = inputs()[(index + n) % inputs().len()];
            for (input, padded) in [(input, false), (ElementType::Bipolar, true)] {
                for output in [None, Some(outputs()[2])] {
                    let mut case = Case::of(weights.clone(), (groups, taps), folding, input, output, index as u64);
                    (case.padded, case.dirty) = (padded, true);
                    case.form = shifts(&case.weights);
                    case.run(3, &[PRESSURES[0], FREE]);
                    agree(case.unit(), || Box::new(case.control()), [&case.pixels(6).0, &[]], n as u64);
                }
            }
        }
    }
}

#[test]
fn a_unit_that_shifts_is_the_same_in_verilog() {
    for (index, values, input) in [
        (5, POWERS[0], ElementType::Unsigned { bits: 4 }),
        (7, POWERS[1], ElementType::Signed { bits: 3 }),
        (3, POWERS[2], ElementType::Bipolar),
        (4, POWERS[3], ElementType::Bipolar),
    ] {
        let ((groups, taps), ((rows, part), folding)) = PARTS[index];
        let weights = of_values(&mut Stimulus::new(index as u64), groups * rows, taps * part, values);
        let mut case = Case::of(weights, (groups, taps), folding, input, Some(outputs()[4]), 1);
        (case.padded, case.form) = (index == 4, shifts(&case.weights));
        case.bench();
    }
}

/// Groups and taps; rows of a group and columns of a part, PE and SIMD; columns that share a scale, and the greatest one:
/// words of a whole group, of several, of a part of one, of neither, and words that are not full.
const SCALED: [((usize, usize), Size, usize, i16); 8] = [
    ((1, 1), ((5, 8), (2, 4)), 4, 3),
    ((1, 1), ((5, 8), (5, 8)), 4, 100),
    ((1, 1), ((3, 16), (2, 4)), 16, 255),
    ((1, 3), ((4, 12), (3, 6)), 4, 7),
    ((2, 1), ((3, 12), (3, 8)), 6, 2),
    ((2, 4), ((2, 8), (1, 8)), 8, 5),
    ((1, 2), ((7, 20), (4, 8)), 4, 31),
    ((1, 1), ((3, 8), (2, 3)), 4, 12),
];

fn in_groups(index: usize) -> (WeightMatrix, usize) {
    let ((groups, taps), ((rows, part), _), size, greatest) = SCALED[index];
    let weights = scaled(&mut Stimulus::new(index as u64), groups * rows, taps * part, size, greatest);
    (weights, part)
}

#[test]
fn weights_in_groups_with_a_scale() {
    for (index, (parts, (_, folding), ..)) in SCALED.into_iter().enumerate() {
        let (weights, part) = in_groups(index);
        for (input, padded) in inputs().into_iter().map(|input| (input, false)).chain([(ElementType::Bipolar, true)]) {
            for output in [None, Some(outputs()[2])] {
                let mut case = Case::of(weights.clone(), parts, folding, input, output, index as u64);
                (case.padded, case.dirty, case.form) = (padded, true, groups(&weights, part));
                case.run(3, &[PRESSURES[0], FREE]);
                agree(case.unit(), || Box::new(case.control()), [&case.pixels(6).0, &[]], index as u64);
            }
        }
    }
}

#[test]
fn a_unit_that_scales_groups_is_the_same_in_verilog() {
    for (index, input) in [
        (0, ElementType::Unsigned { bits: 4 }),
        (3, ElementType::Signed { bits: 3 }),
        (6, ElementType::Unsigned { bits: 2 }),
        (5, ElementType::Bipolar),
    ] {
        let (parts, (_, folding), ..) = SCALED[index];
        let (weights, part) = in_groups(index);
        let mut case = Case::of(weights.clone(), parts, folding, input, Some(outputs()[4]), 1);
        (case.padded, case.form) = (index == 5, groups(&weights, part));
        case.bench();
    }
}

#[test]
fn weights_that_are_sums_of_factors() {
    let mut taken = 0;
    for (index, (parts, ((rows, part), folding))) in PARTS.into_iter().enumerate() {
        for (n, values) in SUMS.into_iter().enumerate() {
            let mut stimulus = Stimulus::new((index + n) as u64);
            let weights = of_values(&mut stimulus, parts.0 * rows, parts.1 * part, values);
            for input in inputs() {
                let Some(form) = bases(&weights, input) else { continue };
                for output in [None, Some(outputs()[2])] {
                    let mut case = Case::of(weights.clone(), parts, folding, input, output, index as u64);
                    case.form = form;
                    case.run(3, &[PRESSURES[0], FREE]);
                    taken += 1;
                }
            }
        }
    }
    assert!(taken > 200, "{taken}");
}

#[test]
fn a_unit_with_bases_is_the_same_in_verilog() {
    for (index, values, input) in [
        (5, SUMS[0], ElementType::Bipolar),
        (7, SUMS[1], ElementType::Signed { bits: 3 }),
        (1, SUMS[3], ElementType::Bipolar),
    ] {
        let (parts, ((rows, part), folding)) = PARTS[index];
        let weights = of_values(&mut Stimulus::new(index as u64), parts.0 * rows, parts.1 * part, values);
        let mut case = Case::of(weights, parts, folding, input, Some(outputs()[4]), 1);
        case.form = bases(&case.weights, input).expect("sums of factors");
        case.bench();
        agree(case.unit(), || Box::new(case.control()), [&case.pixels(20).0, &[]], index as u64);
    }
}
